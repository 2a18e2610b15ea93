#include "ngx_gmchat_pubsub_internal.h"


/* Milliseconds that a channel stays subscribed without subs: a poller that
 * comes back finds it active, and costs the server nothing. */
#define NGX_GMCHAT_LINGER  5000


typedef void (*ngx_gmchat_pubsub_each_pt)(gmchat_channel_t *channel);


static ngx_int_t ngx_gmchat_pubsub_setup(ngx_gmchat_link_t *link);
static void ngx_gmchat_pubsub_serve(ngx_gmchat_link_t *link, ngx_uint_t back);
static ngx_int_t ngx_gmchat_pubsub_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
static void ngx_gmchat_pubsub_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_pubsub_end(ngx_gmchat_link_t *link);

static void ngx_gmchat_pubsub_begin(gmchat_channel_t *channel);

static void ngx_gmchat_pubsub_flush_handler(ngx_event_t *ev);
static void ngx_gmchat_pubsub_look_handler(ngx_event_t *ev);
static void ngx_gmchat_pubsub_sweep_handler(ngx_event_t *ev);


static const ngx_gmchat_link_handlers_t  ngx_gmchat_pubsub_handlers = {
    ngx_gmchat_pubsub_setup,
    ngx_gmchat_pubsub_serve,
    ngx_gmchat_pubsub_answer,
    NULL,
    ngx_gmchat_proof_overdue,
    ngx_gmchat_pubsub_lost,
    ngx_gmchat_pubsub_end
};


/* Opening and closing */


void
ngx_gmchat_pubsub_init(ngx_gmchat_redis_t *redis, ngx_atomic_t *gauge)
{
    ngx_gmchat_link_t    *link;
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = &redis->pubsub;
    pubsub->redis = redis;

    link = &pubsub->link;
    link->handlers = &ngx_gmchat_pubsub_handlers;
    link->data = pubsub;
    link->conf = redis->conf;
    link->access = &redis->conf->access;
    link->endpoint = &redis->endpoint;
    link->leader = &redis->link;
    link->gauge = gauge;
    link->cancelable = 1;
    ngx_gmchat_link_init(link, &redis->store->log);

    ngx_rbtree_init(&pubsub->channels, &pubsub->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&pubsub->fresh);
    ngx_queue_init(&pubsub->active);
    ngx_queue_init(&pubsub->lingering);
    ngx_queue_init(&pubsub->leaving);

    ngx_gmchat_link_init_event(link, &pubsub->flush,
                               ngx_gmchat_pubsub_flush_handler, pubsub);
    ngx_gmchat_link_init_event(link, &pubsub->look,
                               ngx_gmchat_pubsub_look_handler, pubsub);
    ngx_gmchat_link_init_event(link, &pubsub->sweep,
                               ngx_gmchat_pubsub_sweep_handler, pubsub);

    ngx_gmchat_proof_init(pubsub);
}


/* Channels */


static ngx_gmchat_pubsub_channel_t *
ngx_gmchat_pubsub_outer(gmchat_channel_t *channel)
{
    return (ngx_gmchat_pubsub_channel_t *)
               ((u_char *) channel
                - offsetof(ngx_gmchat_pubsub_channel_t, channel));
}


/* Takes the first channel out of a queue; NULL if there is none. */

static ngx_gmchat_pubsub_channel_t *
ngx_gmchat_pubsub_shift(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(queue)) {
        return NULL;
    }

    q = ngx_queue_head(queue);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_gmchat_pubsub_channel_t, queue);
}


void
ngx_gmchat_pubsub_move(ngx_gmchat_pubsub_channel_t *channel, ngx_queue_t *to)
{
    ngx_queue_remove(&channel->queue);
    ngx_queue_insert_tail(to, &channel->queue);
}


ngx_gmchat_pubsub_channel_t *
ngx_gmchat_pubsub_find(ngx_gmchat_pubsub_t *pubsub, const gmchat_str_t *name)
{
    ngx_str_t  text;

    text.data = name->data;
    text.len = name->len;

    return (ngx_gmchat_pubsub_channel_t *)
               ngx_str_rbtree_lookup(&pubsub->channels, &text,
                                     ngx_crc32_short(name->data, name->len));
}


/* Makes a channel that lingers. */

ngx_gmchat_pubsub_channel_t *
ngx_gmchat_pubsub_new(ngx_gmchat_pubsub_t *pubsub, const gmchat_str_t *name)
{
    ngx_gmchat_pubsub_channel_t  *channel;

    channel = ngx_alloc(sizeof(ngx_gmchat_pubsub_channel_t) + name->len,
                        &pubsub->link.log);
    if (channel == NULL) {
        return NULL;
    }

    ngx_memzero(channel, sizeof(ngx_gmchat_pubsub_channel_t));
    channel->pubsub = pubsub;

    channel->node.str.data = (u_char *) (channel + 1);
    channel->node.str.len = name->len;
    ngx_memcpy(channel->node.str.data, name->data, name->len);

    channel->node.node.key = ngx_crc32_short(name->data, name->len);
    ngx_rbtree_insert(&pubsub->channels, &channel->node.node);
    ngx_queue_insert_tail(&pubsub->lingering, &channel->queue);
    pubsub->redis->store->gauges->subscriptions++;

    return channel;
}


/* Frees a channel that is in no queue and has no subs. */

void
ngx_gmchat_pubsub_free(ngx_gmchat_pubsub_t *pubsub,
    ngx_gmchat_pubsub_channel_t *channel)
{
    ngx_rbtree_delete(&pubsub->channels, &channel->node.node);
    pubsub->redis->store->gauges->subscriptions--;

    ngx_free(channel);
}


static void
ngx_gmchat_pubsub_free_queue(ngx_gmchat_pubsub_t *pubsub, ngx_queue_t *queue)
{
    ngx_gmchat_pubsub_channel_t  *channel;

    while ((channel = ngx_gmchat_pubsub_shift(queue)) != NULL) {
        while (channel->channel.first) {
            gmchat_channel_leave(channel->channel.first);
        }

        ngx_gmchat_pubsub_free(pubsub, channel);
    }
}


/* Calls a function for each channel of a queue.  It may move any of them, and
 * those that come meanwhile are left out. */

static void
ngx_gmchat_pubsub_each(ngx_queue_t *queue, ngx_gmchat_pubsub_each_pt each)
{
    ngx_queue_t                   left;
    ngx_gmchat_pubsub_channel_t  *channel;

    ngx_queue_init(&left);
    ngx_queue_add(&left, queue);
    ngx_queue_init(queue);

    while ((channel = ngx_gmchat_pubsub_shift(&left)) != NULL) {
        ngx_queue_insert_tail(queue, &channel->queue);
        each(&channel->channel);
    }
}


void
ngx_gmchat_pubsub_close(ngx_gmchat_pubsub_t *pubsub)
{
    ngx_gmchat_link_close(&pubsub->link);

    ngx_gmchat_link_stop_event(&pubsub->flush);
    ngx_gmchat_link_stop_event(&pubsub->look);
    ngx_gmchat_link_stop_event(&pubsub->sweep);

    ngx_gmchat_pubsub_free_queue(pubsub, &pubsub->fresh);
    ngx_gmchat_pubsub_free_queue(pubsub, &pubsub->lingering);
}


/* Subscribing */


int
ngx_gmchat_pubsub_join(ngx_gmchat_pubsub_t *pubsub, gmchat_sub_t *sub,
    const gmchat_str_t *name, int *active)
{
    int                           proven;
    ngx_gmchat_pubsub_channel_t  *channel;

    if (pubsub->link.state == GMCHAT_LINK_CLOSED) {
        return -1;
    }

    channel = ngx_gmchat_pubsub_find(pubsub, name);

    if (channel == NULL) {
        channel = ngx_gmchat_pubsub_new(pubsub, name);
        if (channel == NULL) {
            return -1;
        }
    }

    if (channel->channel.first == NULL) {
        ngx_gmchat_pubsub_move(channel, channel->channel.wanted
                                            ? &pubsub->active
                                            : &pubsub->fresh);
        ngx_post_event(&pubsub->flush, &ngx_posted_events);
    }

    proven = pubsub->link.state == GMCHAT_LINK_READY
             && gmchat_channel_confirmed(&channel->channel);

    gmchat_channel_join(&channel->channel, sub, proven);

    if (active) {
        *active = proven;
    }

    return 0;
}


void
ngx_gmchat_pubsub_leave(gmchat_sub_t *sub)
{
    ngx_gmchat_pubsub_t          *pubsub;
    ngx_gmchat_pubsub_channel_t  *channel;

    channel = ngx_gmchat_pubsub_outer(sub->channel);
    pubsub = channel->pubsub;
    gmchat_channel_leave(sub);

    if (channel->channel.first) {
        return;
    }

    channel->since = ngx_current_msec;
    ngx_gmchat_pubsub_move(channel, &pubsub->lingering);

    if (!pubsub->sweep.timer_set) {
        ngx_add_timer(&pubsub->sweep, NGX_GMCHAT_LINGER);
    }
}


int
ngx_gmchat_pubsub_active(const gmchat_sub_t *sub)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = ngx_gmchat_pubsub_outer(sub->channel)->pubsub;

    return pubsub->link.state == GMCHAT_LINK_READY
           && pubsub->redis->link.state == GMCHAT_LINK_READY
           && gmchat_channel_confirmed(sub->channel);
}


/* In a cluster it takes a server, and that server has said how it wakes. */

static ngx_uint_t
ngx_gmchat_pubsub_can(ngx_gmchat_pubsub_t *pubsub)
{
    return pubsub->redis->store->cluster == NULL
           || pubsub->redis->link.state == GMCHAT_LINK_READY;
}


void
ngx_gmchat_pubsub_may_begin(ngx_gmchat_pubsub_t *pubsub)
{
    if (!ngx_queue_empty(&pubsub->fresh)) {
        ngx_post_event(&pubsub->flush, &ngx_posted_events);
    }
}


ngx_uint_t
ngx_gmchat_pubsub_idle(ngx_gmchat_pubsub_t *pubsub)
{
    return pubsub->channels.root == pubsub->channels.sentinel;
}


/* Those who wait for the link look for themselves now and then. */

static void
ngx_gmchat_pubsub_wait(ngx_gmchat_pubsub_t *pubsub)
{
    if (ngx_queue_empty(&pubsub->fresh) && ngx_queue_empty(&pubsub->active)) {
        return;
    }

    if (!pubsub->look.timer_set) {
        ngx_add_timer(&pubsub->look, NGX_GMCHAT_LOOK);
    }

    if (ngx_gmchat_pubsub_can(pubsub)) {
        ngx_gmchat_link_event(&pubsub->link, GMCHAT_LINK_START);
    }
}


static void
ngx_gmchat_pubsub_look_handler(ngx_event_t *ev)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = ev->data;

    if (pubsub->link.state == GMCHAT_LINK_READY && !pubsub->moved) {
        return;
    }

    ngx_gmchat_pubsub_each(&pubsub->active, gmchat_channel_look);
    ngx_gmchat_pubsub_each(&pubsub->fresh, gmchat_channel_look);

    ngx_gmchat_pubsub_wait(pubsub);
}


/* Puts SUBSCRIBE or UNSUBSCRIBE. */

static ngx_int_t
ngx_gmchat_pubsub_put(ngx_gmchat_pubsub_t *pubsub, int subscribe,
    unsigned sharded, const gmchat_str_t *name)
{
    gmchat_str_t  words[2];

    static const gmchat_str_t  commands[2][2] = {
        { gmchat_string("UNSUBSCRIBE"), gmchat_string("SUBSCRIBE") },
        { gmchat_string("SUNSUBSCRIBE"), gmchat_string("SSUBSCRIBE") }
    };

    words[0] = commands[sharded][subscribe];
    words[1] = *name;

    if (ngx_gmchat_wire_put(&pubsub->link, words, 2) != NGX_OK) {
        return NGX_ERROR;
    }

    if (pubsub->unconfirmed == 0) {
        pubsub->confirmed = ngx_current_msec;
    }

    pubsub->unconfirmed++;

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_pubsub_put_channel(ngx_gmchat_pubsub_t *pubsub, int subscribe,
    ngx_gmchat_pubsub_channel_t *channel)
{
    gmchat_str_t  name;

    name.data = channel->node.str.data;
    name.len = channel->node.str.len;

    if (ngx_gmchat_pubsub_put(pubsub, subscribe, pubsub->redis->sharded, &name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    gmchat_channel_sent(&channel->channel, subscribe);
    ngx_gmchat_pubsub_move(channel, subscribe ? &pubsub->active
                                              : &pubsub->leaving);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_pubsub_put_fresh(ngx_gmchat_pubsub_t *pubsub)
{
    ngx_queue_t                  *q;
    ngx_gmchat_pubsub_channel_t  *channel;

    while (!ngx_queue_empty(&pubsub->fresh)) {
        q = ngx_queue_head(&pubsub->fresh);
        channel = ngx_queue_data(q, ngx_gmchat_pubsub_channel_t, queue);

        if (ngx_gmchat_pubsub_put_channel(pubsub, 1, channel) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Who subscribed in this turn of the event loop goes in one write. */

static void
ngx_gmchat_pubsub_flush_handler(ngx_event_t *ev)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = ev->data;

    if (pubsub->link.state != GMCHAT_LINK_READY) {
        ngx_gmchat_pubsub_wait(pubsub);
        return;
    }

    if (ngx_gmchat_pubsub_put_fresh(pubsub) != NGX_OK) {
        ngx_gmchat_link_lose(&pubsub->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
        return;
    }

    if (pubsub->arrived) {
        pubsub->arrived = 0;
        ngx_gmchat_pubsub_each(&pubsub->active, ngx_gmchat_pubsub_begin);
    }

    ngx_gmchat_wire_write(&pubsub->link);
}


/* Channels that lingered long enough are left; without any, the connection
 * is closed. */

static void
ngx_gmchat_pubsub_sweep_handler(ngx_event_t *ev)
{
    ngx_queue_t                  *q;
    ngx_msec_int_t                left;
    ngx_gmchat_pubsub_t          *pubsub;
    ngx_gmchat_pubsub_channel_t  *channel;

    pubsub = ev->data;

    while (!ngx_queue_empty(&pubsub->lingering)) {
        q = ngx_queue_head(&pubsub->lingering);
        channel = ngx_queue_data(q, ngx_gmchat_pubsub_channel_t, queue);
        left = (ngx_msec_int_t) (channel->since + NGX_GMCHAT_LINGER
                                 - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(&pubsub->sweep, (ngx_msec_t) left);
            break;
        }

        if (channel->channel.wanted) {
            if (ngx_gmchat_pubsub_put_channel(pubsub, 0, channel) != NGX_OK) {
                ngx_add_timer(&pubsub->sweep, NGX_GMCHAT_LINGER);
                break;
            }

        } else if (channel->channel.unanswered) {
            ngx_gmchat_pubsub_move(channel, &pubsub->leaving);

        } else {
            ngx_queue_remove(q);
            ngx_gmchat_pubsub_free(pubsub, channel);
        }
    }

    if (ngx_queue_empty(&pubsub->fresh) && ngx_queue_empty(&pubsub->active)
        && ngx_queue_empty(&pubsub->lingering))
    {
        ngx_gmchat_link_event(&pubsub->link, GMCHAT_LINK_REST);
        ngx_gmchat_pubsub_end(&pubsub->link);
        return;
    }

    ngx_post_event(&pubsub->flush, &ngx_posted_events);
}


/* The link */


static ngx_int_t
ngx_gmchat_pubsub_setup(ngx_gmchat_link_t *link)
{
    size_t                n;
    gmchat_str_t          words[3], own;
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;
    ngx_gmchat_proof_name(pubsub);

    n = ngx_gmchat_wire_auth(link, words);

    if (n && ngx_gmchat_wire_put(link, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    own.data = pubsub->own;
    own.len = NGX_GMCHAT_OWN_LEN;

    if (ngx_gmchat_pubsub_put(pubsub, 1, 0, &own) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_gmchat_pubsub_put_fresh(pubsub);
}


static void
ngx_gmchat_pubsub_begin(gmchat_channel_t *channel)
{
    if (gmchat_channel_confirmed(channel)) {
        gmchat_channel_begin(channel);
    }
}


static void
ngx_gmchat_pubsub_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;

    if (back) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: wake-ups of store %V are back",
                      &pubsub->redis->label);
    }

    ngx_gmchat_link_stop_event(&pubsub->look);
    ngx_gmchat_proof_serve(pubsub);
    ngx_gmchat_store_show(pubsub->redis->store);

    ngx_post_event(&pubsub->flush, &ngx_posted_events);

    ngx_gmchat_pubsub_each(&pubsub->active, ngx_gmchat_pubsub_begin);
}


static ngx_int_t
ngx_gmchat_pubsub_confirm(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_push_t *push)
{
    int                           subscribed;
    ngx_gmchat_pubsub_channel_t  *channel;

    subscribed = push->kind == GMCHAT_PUSH_SUBSCRIBED;
    channel = ngx_gmchat_pubsub_find(pubsub, &push->channel);

    if (channel == NULL
        || gmchat_channel_confirm(&channel->channel, subscribed) != 0)
    {
        return NGX_ERROR;
    }

    if (gmchat_channel_confirmed(&channel->channel)) {
        if (pubsub->link.state == GMCHAT_LINK_READY) {
            gmchat_channel_begin(&channel->channel);
        }

    } else if (channel->channel.unanswered == 0
               && channel->channel.first == NULL)
    {
        ngx_queue_remove(&channel->queue);
        ngx_gmchat_pubsub_free(pubsub, channel);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_pubsub_confirmation(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_push_t *push, ngx_uint_t own)
{
    if (!own && ngx_gmchat_pubsub_unasked(pubsub, push)) {
        return NGX_OK;
    }

    if (pubsub->unconfirmed == 0) {
        return NGX_ERROR;
    }

    pubsub->unconfirmed--;
    pubsub->confirmed = ngx_current_msec;

    if (!own) {
        return ngx_gmchat_pubsub_confirm(pubsub, push);
    }

    if (pubsub->own_confirmed || push->kind != GMCHAT_PUSH_SUBSCRIBED) {
        return NGX_ERROR;
    }

    ngx_gmchat_proof_begin(pubsub);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_pubsub_message(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_push_t *push, ngx_uint_t own)
{
    ngx_gmchat_pubsub_channel_t  *channel;

    if (own) {
        ngx_gmchat_proof_came(pubsub, &push->text);
        return NGX_OK;
    }

    channel = ngx_gmchat_pubsub_find(pubsub, &push->channel);
    if (channel == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_atomic_fetch_add(&pubsub->redis->counters->wake_messages, 1);
    gmchat_channel_message(&channel->channel, &push->text);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_pubsub_answer(ngx_gmchat_link_t *link, const gmchat_value_t *value)
{
    ngx_uint_t            own;
    gmchat_push_t         push;
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;
    pubsub->heard = ngx_current_msec;
    pubsub->unheard = 0;

    gmchat_push_read(&push, value);
    own = ngx_gmchat_proof_own(pubsub, &push.channel);

    switch (push.kind) {

    case GMCHAT_PUSH_MESSAGE:
        return ngx_gmchat_pubsub_message(pubsub, &push, own);

    case GMCHAT_PUSH_SUBSCRIBED:
    case GMCHAT_PUSH_UNSUBSCRIBED:
        return ngx_gmchat_pubsub_confirmation(pubsub, &push, own);

    case GMCHAT_PUSH_OK:
        return pubsub->own_confirmed ? NGX_ERROR : NGX_OK;

    case GMCHAT_PUSH_PONG:
        return NGX_OK;

    case GMCHAT_PUSH_ERROR:
        if (ngx_gmchat_pubsub_redirected(pubsub, &push.text) != NGX_OK) {
            ngx_gmchat_pubsub_refused(pubsub, &push.text);
        }

        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


/* An error does not say which command it answers: any of them means that not
 * all can be heard. */

void
ngx_gmchat_pubsub_refused(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *error)
{
    ngx_gmchat_cause_e  cause;

    cause = ngx_gmchat_redis_cause_of(error);
    ngx_gmchat_link_speak(&pubsub->link, cause);

    ngx_log_error(NGX_LOG_ERR, &pubsub->link.log, 0,
                  "gmchat: store %V refused the wake-ups: \"%*s\"",
                  &pubsub->redis->label, error->len, error->data);

    ngx_gmchat_link_lose(&pubsub->link, cause, ngx_gmchat_store_cause(cause));
}


static void
ngx_gmchat_pubsub_lost(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;

    (void) ngx_atomic_fetch_add(&pubsub->redis->counters->wake_losses, 1);

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: wake-ups of store %V are lost: %s",
                  &pubsub->redis->label, reason);
}


/* What the server knew of the connection is forgotten. */

static void
ngx_gmchat_pubsub_end(ngx_gmchat_link_t *link)
{
    ngx_gmchat_pubsub_t  *pubsub;

    pubsub = link->data;

    pubsub->unconfirmed = 0;

    ngx_gmchat_proof_end(pubsub);
    ngx_gmchat_pubsub_free_queue(pubsub, &pubsub->leaving);

    ngx_queue_add(&pubsub->fresh, &pubsub->active);
    ngx_queue_init(&pubsub->active);

    ngx_gmchat_pubsub_each(&pubsub->fresh, gmchat_channel_lost);
    ngx_gmchat_pubsub_each(&pubsub->lingering, gmchat_channel_lost);

    ngx_gmchat_pubsub_wait(pubsub);
    ngx_gmchat_store_show(pubsub->redis->store);
}

#include "ngx_gmchat_redis.h"
#include "ngx_gmchat_sentinel.h"

#include "gmchat_push.h"
#include "gmchat_sentinel.h"


/* Milliseconds between two askings: at least; while the master does not serve;
 * while it does, if the store has no probe. */
#define NGX_GMCHAT_SENTINEL_PAUSE  100
#define NGX_GMCHAT_SENTINEL_AGAIN  100
#define NGX_GMCHAT_SENTINEL_PROBE  5000

/* Losses in a row until one is not waited for. */
#define NGX_GMCHAT_SENTINEL_TRIES  2


/* What is answered next. */

typedef enum {
    NGX_GMCHAT_SENTINEL_NOTHING = 0,
    NGX_GMCHAT_SENTINEL_AUTH,
    NGX_GMCHAT_SENTINEL_UNSUBSCRIBE,
    NGX_GMCHAT_SENTINEL_ADDRESS,
    NGX_GMCHAT_SENTINEL_MASTER,
    NGX_GMCHAT_SENTINEL_SUBSCRIBE
} ngx_gmchat_sentinel_answer_e;

typedef struct {
    ngx_gmchat_sentinels_t        *sentinels;
    ngx_gmchat_link_t              link;
    ngx_atomic_t                   state;       /* the link's gauge */
    gmchat_sentinel_say_t         *say;
    ngx_gmchat_sentinel_answer_e   next;
    uint64_t                       round;       /* in which it was asked */
    uint64_t                       answered;    /* the latest in which it told
                                                   of the master */
    int                            vouches;     /* what that was */
    unsigned                       strange:1;   /* does not know the name */
    unsigned                       noted:1;     /* and that was logged */
} ngx_gmchat_sentinel_t;

struct ngx_gmchat_sentinels_s {
    gmchat_store_t          *store;
    ngx_uint_t               n;
    ngx_gmchat_sentinel_t    all[GMCHAT_URL_HOSTS];
    gmchat_sentinel_say_t    says[GMCHAT_URL_HOSTS];
    uint64_t                 turn;      /* a new one for each statement */
    uint64_t                 round;     /* of asking */
    uint64_t                 doubted;   /* answers to later ones count; 0:
                                           nobody doubts the master */

    ngx_event_t              ask;       /* always set */
    ngx_msec_t               asked;     /* the last time */
    ngx_event_t              elect;     /* posted */
    ngx_event_t              patience;  /* until then all may still speak */
};


static ngx_int_t ngx_gmchat_sentinel_setup(ngx_gmchat_link_t *link);
static void ngx_gmchat_sentinel_serve(ngx_gmchat_link_t *link,
    ngx_uint_t back);
static ngx_int_t ngx_gmchat_sentinel_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
static void ngx_gmchat_sentinel_overdue(ngx_gmchat_link_t *link);
static void ngx_gmchat_sentinel_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_sentinel_end(ngx_gmchat_link_t *link);

static void ngx_gmchat_sentinels_ask_handler(ngx_event_t *ev);
static void ngx_gmchat_sentinels_elect_handler(ngx_event_t *ev);
static void ngx_gmchat_sentinels_patience_handler(ngx_event_t *ev);


static const ngx_gmchat_link_handlers_t  ngx_gmchat_sentinel_handlers = {
    ngx_gmchat_sentinel_setup,
    ngx_gmchat_sentinel_serve,
    ngx_gmchat_sentinel_answer,
    NULL,
    ngx_gmchat_sentinel_overdue,
    ngx_gmchat_sentinel_lost,
    ngx_gmchat_sentinel_end
};


static const gmchat_str_t  ngx_gmchat_sentinel_channel =
    gmchat_string("+switch-master");


/* Opening and closing */


static void
ngx_gmchat_sentinel_init(ngx_gmchat_sentinels_t *sentinels, ngx_uint_t i)
{
    gmchat_store_t         *store;
    ngx_gmchat_link_t      *link;
    ngx_gmchat_sentinel_t  *sentinel;

    store = sentinels->store;

    sentinel = &sentinels->all[i];
    sentinel->sentinels = sentinels;
    sentinel->say = &sentinels->says[i];

    link = &sentinel->link;
    link->handlers = &ngx_gmchat_sentinel_handlers;
    link->data = sentinel;
    link->conf = store->conf;
    link->access = &store->conf->sentinel;
    link->endpoint = &store->conf->endpoints[i];
    link->gauge = &sentinel->state;
    link->cancelable = 1;
    ngx_gmchat_link_init(link, &store->log);
}


ngx_int_t
ngx_gmchat_sentinels_open(gmchat_store_t *store, ngx_pool_t *pool)
{
    ngx_uint_t               i;
    ngx_gmchat_link_t       *first;
    ngx_gmchat_sentinels_t  *sentinels;

    sentinels = ngx_pcalloc(pool, sizeof(ngx_gmchat_sentinels_t));
    if (sentinels == NULL) {
        return NGX_ERROR;
    }

    store->sentinels = sentinels;
    sentinels->store = store;
    sentinels->n = store->conf->url.nhosts;

    for (i = 0; i < sentinels->n; i++) {
        ngx_gmchat_sentinel_init(sentinels, i);
    }

    first = &sentinels->all[0].link;
    ngx_gmchat_link_init_event(first, &sentinels->ask,
                               ngx_gmchat_sentinels_ask_handler, sentinels);
    ngx_gmchat_link_init_event(first, &sentinels->elect,
                               ngx_gmchat_sentinels_elect_handler, sentinels);
    ngx_gmchat_link_init_event(first, &sentinels->patience,
                               ngx_gmchat_sentinels_patience_handler,
                               sentinels);

    /* calls may wait for it */

    sentinels->patience.cancelable = 0;
    ngx_add_timer(&sentinels->patience, store->conf->connect_timeout);
    ngx_add_timer(&sentinels->ask, NGX_GMCHAT_SENTINEL_AGAIN);

    for (i = 0; i < sentinels->n; i++) {
        ngx_gmchat_link_event(&sentinels->all[i].link, GMCHAT_LINK_START);
    }

    return NGX_OK;
}


void
ngx_gmchat_sentinels_close(ngx_gmchat_sentinels_t *sentinels)
{
    ngx_uint_t  i;

    for (i = 0; i < sentinels->n; i++) {
        ngx_gmchat_link_close(&sentinels->all[i].link);
    }

    ngx_gmchat_link_stop_event(&sentinels->ask);
    ngx_gmchat_link_stop_event(&sentinels->elect);
    ngx_gmchat_link_stop_event(&sentinels->patience);
}


/* Asking */


/* Puts the question, whose answer is what counts, and listens from then on. */

static ngx_int_t
ngx_gmchat_sentinel_put(ngx_gmchat_sentinel_t *sentinel)
{
    gmchat_str_t  ask[3] = { gmchat_string("SENTINEL"),
                             gmchat_string("GET-MASTER-ADDR-BY-NAME"),
                             { 0, NULL } };
    gmchat_str_t  listen[2] = { gmchat_string("SUBSCRIBE"), { 0, NULL } };

    static const gmchat_str_t  master = gmchat_string("MASTER");

    ask[2] = sentinel->link.conf->url.master;
    listen[1] = ngx_gmchat_sentinel_channel;

    sentinel->round = sentinel->sentinels->round;

    if (ngx_gmchat_wire_put(&sentinel->link, ask, 3) != NGX_OK) {
        return NGX_ERROR;
    }

    if (sentinel->link.conf->commits) {
        ask[1] = master;

        if (ngx_gmchat_wire_put(&sentinel->link, ask, 3) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_gmchat_wire_put(&sentinel->link, listen, 2);
}


static ngx_int_t
ngx_gmchat_sentinel_setup(ngx_gmchat_link_t *link)
{
    size_t                  n;
    gmchat_str_t            words[3];
    ngx_gmchat_sentinel_t  *sentinel;

    sentinel = link->data;
    sentinel->next = NGX_GMCHAT_SENTINEL_ADDRESS;

    n = ngx_gmchat_wire_auth(link, words);

    if (n) {
        sentinel->next = NGX_GMCHAT_SENTINEL_AUTH;

        if (ngx_gmchat_wire_put(link, words, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_gmchat_sentinel_put(sentinel);
}


/* A connection that is subscribed may not ask: it is not for that long. */

static void
ngx_gmchat_sentinel_ask(ngx_gmchat_sentinel_t *sentinel)
{
    gmchat_str_t        words[2] = { gmchat_string("UNSUBSCRIBE"),
                                     { 0, NULL } };
    ngx_gmchat_link_t  *link;

    link = &sentinel->link;

    if (link->state != GMCHAT_LINK_READY
        || sentinel->next != NGX_GMCHAT_SENTINEL_NOTHING)
    {
        return;
    }

    words[1] = ngx_gmchat_sentinel_channel;

    if (ngx_gmchat_wire_put(link, words, 2) != NGX_OK
        || ngx_gmchat_sentinel_put(sentinel) != NGX_OK)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    sentinel->next = NGX_GMCHAT_SENTINEL_UNSUBSCRIBE;

    ngx_add_timer(&link->deadline, link->conf->timeout);
    ngx_gmchat_wire_write(link);
}


static void
ngx_gmchat_sentinels_ask_handler(ngx_event_t *ev)
{
    ngx_uint_t               i;
    ngx_msec_t               probe;
    gmchat_store_t          *store;
    ngx_gmchat_sentinels_t  *sentinels;

    sentinels = ev->data;
    store = sentinels->store;
    sentinels->asked = ngx_current_msec;
    sentinels->round++;

    probe = store->conf->probe ? store->conf->probe
                               : NGX_GMCHAT_SENTINEL_PROBE;

    ngx_add_timer(&sentinels->ask,
                  store->redis->link.state == GMCHAT_LINK_READY
                  && sentinels->doubted == 0
                      ? probe : NGX_GMCHAT_SENTINEL_AGAIN);

    for (i = 0; i < sentinels->n; i++) {
        ngx_gmchat_sentinel_ask(&sentinels->all[i]);
    }
}


void
ngx_gmchat_sentinels_ask(ngx_gmchat_sentinels_t *sentinels)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (sentinels->asked + NGX_GMCHAT_SENTINEL_PAUSE
                             - ngx_current_msec);

    ngx_gmchat_link_stop_event(&sentinels->ask);
    ngx_add_timer(&sentinels->ask, (ngx_msec_t) ngx_max(left, 0));
}


/* What they say */


/* Who follows whom is not decided inside of what one says: that ends calls. */

static void
ngx_gmchat_sentinel_spoke(ngx_gmchat_sentinel_t *sentinel)
{
    ngx_post_event(&sentinel->sentinels->elect, &ngx_posted_events);
}


static void
ngx_gmchat_sentinel_tell(ngx_gmchat_sentinel_t *sentinel,
    const gmchat_sentinel_addr_t *addr)
{
    sentinel->strange = 0;
    sentinel->noted = 0;

    gmchat_sentinel_tell(sentinel->say, addr, ++sentinel->sentinels->turn);
    ngx_gmchat_sentinel_spoke(sentinel);
}


static void
ngx_gmchat_sentinel_strange(ngx_gmchat_sentinel_t *sentinel)
{
    ngx_gmchat_link_t  *link;

    link = &sentinel->link;

    sentinel->strange = 1;
    sentinel->say->silent = 1;
    ngx_gmchat_sentinel_spoke(sentinel);

    if (sentinel->noted) {
        return;
    }

    sentinel->noted = 1;
    ngx_log_error(NGX_LOG_ERR, &sentinel->sentinels->store->log, 0,
                  "gmchat: Sentinel %V does not know \"%*s\"",
                  &link->endpoint->name, link->conf->url.master.len,
                  link->conf->url.master.data);
}


static void
ngx_gmchat_sentinel_refused(ngx_gmchat_sentinel_t *sentinel,
    const gmchat_str_t *error)
{
    ngx_gmchat_link_t   *link;
    ngx_gmchat_cause_e   cause;

    link = &sentinel->link;
    cause = ngx_gmchat_redis_cause_of(error);
    ngx_gmchat_link_speak(link, cause);

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: Sentinel %V refused to serve: \"%*s\"",
                  &link->endpoint->name, error->len, error->data);

    ngx_gmchat_link_lose(link, cause, ngx_gmchat_store_cause(cause));
}


static void
ngx_gmchat_sentinel_address(ngx_gmchat_sentinel_t *sentinel,
    const gmchat_value_t *value)
{
    gmchat_sentinel_addr_t  addr;

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_gmchat_sentinel_refused(sentinel, &value->str);
        return;
    }

    sentinel->next = sentinel->link.conf->commits
                         ? NGX_GMCHAT_SENTINEL_MASTER
                         : NGX_GMCHAT_SENTINEL_SUBSCRIBE;

    switch (gmchat_sentinel_address(&addr, value)) {

    case 1:
        ngx_gmchat_sentinel_tell(sentinel, &addr);
        return;

    case 0:
        ngx_gmchat_sentinel_strange(sentinel);
        return;

    default:
        ngx_gmchat_link_lose(&sentinel->link, NGX_GMCHAT_CAUSE_PROTOCOL,
                             "what it answered is no address");
    }
}


/* An error: it does not know the name, and said so before. */

static void
ngx_gmchat_sentinel_master(ngx_gmchat_sentinel_t *sentinel,
    const gmchat_value_t *value)
{
    ngx_gmchat_redis_t      *redis;
    gmchat_sentinel_addr_t   addr;

    sentinel->next = NGX_GMCHAT_SENTINEL_SUBSCRIBE;

    redis = sentinel->sentinels->store->redis;
    addr.host.data = redis->endpoint.host.data;
    addr.host.len = redis->endpoint.host.len;
    addr.port = redis->endpoint.port;

    sentinel->answered = sentinel->round;
    sentinel->vouches = gmchat_sentinel_vouches(value, &addr);

    ngx_gmchat_sentinel_spoke(sentinel);
}


static void
ngx_gmchat_sentinel_subscribed(ngx_gmchat_sentinel_t *sentinel)
{
    sentinel->next = NGX_GMCHAT_SENTINEL_NOTHING;

    if (sentinel->link.deadline.timer_set) {
        ngx_del_timer(&sentinel->link.deadline);
    }

    ngx_gmchat_link_event(&sentinel->link, GMCHAT_LINK_PREPARED);
}


/* One tells of it before the others do: they are asked. */

static void
ngx_gmchat_sentinel_message(ngx_gmchat_sentinel_t *sentinel,
    const gmchat_str_t *text)
{
    gmchat_sentinel_addr_t  addr;

    switch (gmchat_sentinel_switch(&addr, text,
                                   &sentinel->link.conf->url.master))
    {

    case 1:
        ngx_gmchat_sentinel_tell(sentinel, &addr);
        break;

    case 0:
        return;

    default:
        break;
    }

    ngx_gmchat_sentinels_ask(sentinel->sentinels);
}


/* The kinds that come in answer to something, and what that is. */

static ngx_int_t
ngx_gmchat_sentinel_answers(ngx_gmchat_sentinel_t *sentinel,
    ngx_gmchat_sentinel_answer_e answer)
{
    if (sentinel->next != answer) {
        return NGX_ERROR;
    }

    if (answer == NGX_GMCHAT_SENTINEL_SUBSCRIBE) {
        ngx_gmchat_sentinel_subscribed(sentinel);

    } else {
        sentinel->next = NGX_GMCHAT_SENTINEL_ADDRESS;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_sentinel_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value)
{
    gmchat_push_t           push;
    ngx_gmchat_sentinel_t  *sentinel;

    sentinel = link->data;

    if (sentinel->next == NGX_GMCHAT_SENTINEL_ADDRESS) {
        ngx_gmchat_sentinel_address(sentinel, value);
        return NGX_OK;
    }

    if (sentinel->next == NGX_GMCHAT_SENTINEL_MASTER) {
        ngx_gmchat_sentinel_master(sentinel, value);
        return NGX_OK;
    }

    gmchat_push_read(&push, value);

    switch (push.kind) {

    case GMCHAT_PUSH_OK:
        return ngx_gmchat_sentinel_answers(sentinel,
                                           NGX_GMCHAT_SENTINEL_AUTH);

    case GMCHAT_PUSH_UNSUBSCRIBED:
        return ngx_gmchat_sentinel_answers(sentinel,
                                           NGX_GMCHAT_SENTINEL_UNSUBSCRIBE);

    case GMCHAT_PUSH_SUBSCRIBED:
        return ngx_gmchat_sentinel_answers(sentinel,
                                           NGX_GMCHAT_SENTINEL_SUBSCRIBE);

    case GMCHAT_PUSH_MESSAGE:
        ngx_gmchat_sentinel_message(sentinel, &push.text);
        return NGX_OK;

    case GMCHAT_PUSH_ERROR:
        ngx_gmchat_sentinel_refused(sentinel, &push.text);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


/* The link */


static void
ngx_gmchat_sentinel_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    if (back) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: Sentinel %V of store %V is back",
                      &link->endpoint->name, &link->conf->name);
    }
}


static void
ngx_gmchat_sentinel_overdue(ngx_gmchat_link_t *link)
{
    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, "no answer in time");
}


static void
ngx_gmchat_sentinel_lost(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: Sentinel %V of store %V is lost: %s",
                  &link->endpoint->name, &link->conf->name, reason);
}


static void
ngx_gmchat_sentinel_end(ngx_gmchat_link_t *link)
{
    ngx_gmchat_sentinel_t  *sentinel;

    sentinel = link->data;
    sentinel->next = NGX_GMCHAT_SENTINEL_NOTHING;
    sentinel->strange = 0;
    sentinel->say->silent = 1;

    ngx_gmchat_sentinel_spoke(sentinel);
}


/* The election */


/* Whether one that says nothing may do so soon. */

static ngx_uint_t
ngx_gmchat_sentinels_pending(ngx_gmchat_sentinels_t *sentinels)
{
    ngx_uint_t              i;
    ngx_gmchat_sentinel_t  *sentinel;

    for (i = 0; i < sentinels->n; i++) {
        sentinel = &sentinels->all[i];

        if (!sentinel->strange
            && !gmchat_sentinel_speaks(sentinel->say)
            && sentinel->link.failures < NGX_GMCHAT_SENTINEL_TRIES)
        {
            return 1;
        }
    }

    return 0;
}


/* Nobody knows where the master is: calls do not wait for it any longer. */

static void
ngx_gmchat_sentinels_give_up(ngx_gmchat_sentinels_t *sentinels)
{
    ngx_gmchat_link_t  *link;

    link = &sentinels->store->redis->link;

    if (link->state == GMCHAT_LINK_CONNECTING
        && link->endpoint->host.len == 0)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_RESOLVE,
                             "no Sentinel knows the master");
    }
}


static void
ngx_gmchat_sentinels_follow(ngx_gmchat_sentinels_t *sentinels,
    gmchat_sentinel_say_t *say)
{
    ngx_uint_t       first;
    gmchat_str_t     host;
    gmchat_store_t  *store;

    store = sentinels->store;
    first = store->redis->endpoint.host.len == 0;

    host.data = say->host;
    host.len = say->len;

    /* without memory it is tried when they are asked the next time */

    if (ngx_gmchat_redis_move(store->redis, &host, say->port) != NGX_OK) {
        return;
    }

    if (first) {
        ngx_log_error(NGX_LOG_NOTICE, &store->log, 0,
                      "gmchat: store %V has its master at %V",
                      &store->conf->name, &store->redis->endpoint.name);
        return;
    }

    (void) ngx_atomic_fetch_add(&store->counters->switches, 1);

    ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                  "gmchat: store %V has its master at %V now",
                  &store->conf->name, &store->redis->endpoint.name);
}


/* Whom most name is followed, where that is settled. */

static void
ngx_gmchat_sentinels_elect(ngx_gmchat_sentinels_t *sentinels,
    ngx_uint_t patient)
{
    int                     i, pending;
    gmchat_str_t            host;
    ngx_gmchat_redis_t     *redis;
    gmchat_sentinel_say_t  *says;

    redis = sentinels->store->redis;
    says = sentinels->says;
    pending = patient && ngx_gmchat_sentinels_pending(sentinels);

    i = gmchat_sentinel_elect(says, sentinels->n);

    if (i == -1) {
        if (!pending) {
            ngx_gmchat_sentinels_give_up(sentinels);
        }

        return;
    }

    host.data = says[i].host;
    host.len = says[i].len;

    if (ngx_gmchat_endpoint_is(&redis->endpoint, &host, says[i].port)) {
        ngx_gmchat_link_stop_event(&sentinels->patience);
        return;
    }

    if (!gmchat_sentinel_settled(says, sentinels->n, (size_t) i, pending,
                                 redis->link.state == GMCHAT_LINK_READY))
    {
        if (pending && !sentinels->patience.timer_set) {
            ngx_add_timer(&sentinels->patience,
                          sentinels->store->conf->connect_timeout);
        }

        return;
    }

    ngx_gmchat_link_stop_event(&sentinels->patience);
    ngx_gmchat_sentinels_follow(sentinels, &says[i]);
}


/* Doubts */


void
ngx_gmchat_sentinels_doubt(ngx_gmchat_sentinels_t *sentinels)
{
    sentinels->doubted = ++sentinels->round;
    ngx_gmchat_link_stop_event(&sentinels->ask);
    ngx_add_timer(&sentinels->ask, 1);
}


void
ngx_gmchat_sentinels_calm(ngx_gmchat_sentinels_t *sentinels)
{
    sentinels->doubted = 0;
}


/* One that is asked and does not answer may be the one that acts.  One that
 * has the master elsewhere has not heard of it yet, unless it is the first to
 * say so. */

static ngx_uint_t
ngx_gmchat_sentinels_vouch(ngx_gmchat_sentinels_t *sentinels)
{
    int                     newest;
    ngx_uint_t              i, n;
    gmchat_str_t            host;
    ngx_gmchat_sentinel_t  *sentinel;

    newest = gmchat_sentinel_newest(sentinels->says, sentinels->n);

    if (newest == -1) {
        return 0;
    }

    host.data = sentinels->says[newest].host;
    host.len = sentinels->says[newest].len;

    if (!ngx_gmchat_endpoint_is(&sentinels->store->redis->endpoint, &host,
                                sentinels->says[newest].port))
    {
        return 0;
    }

    for (i = 0, n = 0; i < sentinels->n; i++) {
        sentinel = &sentinels->all[i];

        if (sentinel->strange || sentinel->link.state != GMCHAT_LINK_READY) {
            continue;
        }

        if (sentinel->answered <= sentinels->doubted
            || sentinel->vouches == 0)
        {
            return 0;
        }

        n += sentinel->vouches == 1;
    }

    return 2 * n > sentinels->n;
}


static void
ngx_gmchat_sentinels_elect_handler(ngx_event_t *ev)
{
    ngx_gmchat_sentinels_t  *sentinels;

    sentinels = ev->data;
    ngx_gmchat_sentinels_elect(sentinels, 1);

    if (sentinels->doubted && ngx_gmchat_sentinels_vouch(sentinels)) {
        sentinels->doubted = 0;
        ngx_gmchat_commit_vouched(&sentinels->store->redis->commit);
    }
}


static void
ngx_gmchat_sentinels_patience_handler(ngx_event_t *ev)
{
    ngx_gmchat_sentinels_elect(ev->data, 0);
}

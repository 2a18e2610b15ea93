#include "ngx_http_gmchat_hold.h"

#include "gmchat_integer.h"
#include "gmchat_keys.h"


/*
 * Calls with `wait`: a call whose script has nothing to say is held, and its
 * script is run again when a wake-up says that there may be something, and
 * once more when its time is over.  Nothing polls the store meanwhile.
 */

static void ngx_http_gmchat_hold_ask(ngx_http_gmchat_hold_t *hold);
static void ngx_http_gmchat_hold_answer(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);
static void ngx_http_gmchat_hold_wake(gmchat_sub_t *sub,
    const gmchat_str_t *message);
static void ngx_http_gmchat_hold_over(ngx_event_t *ev);


static ngx_queue_t  ngx_http_gmchat_holds = {
    &ngx_http_gmchat_holds, &ngx_http_gmchat_holds
};

/* Those among them that may be parked. */

static ngx_uint_t  ngx_http_gmchat_nholds;


ngx_uint_t
ngx_http_gmchat_hold_wanted(ngx_http_gmchat_call_t *call)
{
    return call->action->wait
           && !gmchat_str_is(&call->args.values[GMCHAT_P_WAIT], "0");
}


ngx_int_t
ngx_http_gmchat_hold_subscribe(ngx_http_gmchat_call_t *call,
    gmchat_sub_t *sub)
{
    gmchat_str_t          channel;
    const gmchat_str_t   *owner;
    const gmchat_wait_t  *wait;

    static const gmchat_str_t  none = gmchat_string("");

    wait = call->action->wait;
    owner = wait->owner == GMCHAT_P_NONE ? &none
                                         : &call->args.values[wait->owner];

    if (gmchat_keys_join(&channel, &call->arena, &call->prefix, wait->channel,
                         owner)
        != 0)
    {
        return NGX_ERROR;
    }

    return gmchat_store_subscribe(call->conf->store->link, sub, &channel, NULL)
           == 0 ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_http_gmchat_hold_heeds(const gmchat_action_t *action,
    const gmchat_str_t *message)
{
    return message == NULL
           || (message->len
               && ngx_strchr(action->wait->kinds, message->data[0]) != NULL);
}


/* Nobody says when a receive that was never settled is over: what it took is
 * there again then; nor when the lease of a GM ends. */

static void
ngx_http_gmchat_hold_due(ngx_http_gmchat_hold_t *hold)
{
    ngx_msec_t      left;
    ngx_msec_int_t  lapse;

    left = hold->until - ngx_current_msec;

    if (hold->call->action->flags & GMCHAT_A_TAKES
        && hold->call->conf->redeliver < left)
    {
        left = hold->call->conf->redeliver;
    }

    lapse = (ngx_msec_int_t) (hold->lapse - ngx_current_msec);

    if (hold->lapses && lapse < (ngx_msec_int_t) left) {
        left = lapse > 0 ? (ngx_msec_t) lapse : 0;
    }

    hold->due = ngx_current_msec + left;
}


/* Until it is due, or is to be parked. */

static void
ngx_http_gmchat_hold_timer(ngx_http_gmchat_hold_t *hold)
{
    ngx_msec_int_t  left;

    left = ngx_max((ngx_msec_int_t) (hold->due - ngx_current_msec), 0);

    if (!hold->stays) {
        left = ngx_min(left, NGX_HTTP_GMCHAT_PARK_AFTER);
    }

    ngx_add_timer(&hold->timer, (ngx_msec_t) left);
}


/* A client that left right behind its request: the event was there before the
 * request looked for it, and there is no other. */

static void
ngx_http_gmchat_hold_gone(ngx_http_gmchat_call_t *call)
{
    ngx_event_t  *rev;

    if (call->stream) {
        return;
    }

    rev = call->request->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


void
ngx_http_gmchat_hold(ngx_http_gmchat_call_t *call)
{
    int64_t                  seconds;
    ngx_http_gmchat_hold_t  *hold;

    hold = ngx_calloc(sizeof(ngx_http_gmchat_hold_t), ngx_cycle->log);
    if (hold == NULL) {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    hold->call = call;
    hold->sub.wake = ngx_http_gmchat_hold_wake;
    hold->sub.data = hold;
    hold->timer.handler = ngx_http_gmchat_hold_over;
    hold->timer.data = hold;
    hold->timer.log = ngx_cycle->log;
    hold->stays = call->stream != NULL;
    ngx_http_gmchat_nholds += !hold->stays;

    call->hold = hold;
    ngx_queue_insert_tail(&ngx_http_gmchat_holds, &hold->queue);
    ngx_http_gmchat_stat_waits(NGX_HTTP_GMCHAT_LONGPOLL, 1);

    if (ngx_http_gmchat_hold_subscribe(call, &hold->sub) != NGX_OK) {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    gmchat_integer_parse(&call->args.values[GMCHAT_P_WAIT], &seconds);
    hold->until = ngx_current_msec + (ngx_msec_t) seconds * 1000;

    if (ngx_http_gmchat_park_resume(hold) == NGX_DONE) {
        ngx_http_test_reading(call->request);
        return;
    }

    hold->over = ngx_exiting
                 || (ngx_msec_int_t) (hold->until - ngx_current_msec) <= 0;

    if (!hold->over) {
        ngx_http_gmchat_hold_due(hold);
        ngx_http_gmchat_hold_timer(hold);
    }

    ngx_http_gmchat_waits();
    ngx_http_gmchat_hold_gone(call);

    ngx_http_gmchat_call_script(call, call->action->script,
                                ngx_http_gmchat_hold_answer);
}


/* The list of online GMs comes with the time after which it changes by
 * itself. */

static void
ngx_http_gmchat_hold_answer(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    size_t                   i;
    ngx_http_gmchat_hold_t  *hold;

    hold = call->hold;
    i = call->action->wait->lapse;

    if (i && value->kind == GMCHAT_VALUE_ARRAY && value->n > i
        && value->items[i].kind == GMCHAT_VALUE_INTEGER)
    {
        hold->lapses = value->items[i].integer >= 0;
        hold->lapse = ngx_current_msec
                      + (ngx_msec_t) value->items[i].integer;
    }

    ngx_http_gmchat_scripted(call, value);
}


ngx_int_t
ngx_http_gmchat_hold_quiet(ngx_http_gmchat_call_t *call)
{
    ngx_http_gmchat_hold_t  *hold;

    hold = call->hold;

    if (hold->over) {
        return NGX_OK;
    }

    if (hold->woken) {
        ngx_http_gmchat_hold_ask(hold);
        return NGX_AGAIN;
    }

    if (hold->lapses) {
        ngx_http_gmchat_hold_due(hold);
        ngx_http_gmchat_hold_timer(hold);
    }

    if (!hold->stays && ngx_http_gmchat_nholds > NGX_HTTP_GMCHAT_HOLDS) {

        /* at once, as memory that a crowd took is not given back */

        if (hold->timer.timer_set) {
            ngx_del_timer(&hold->timer);
        }

        ngx_add_timer(&hold->timer, 0);

        return NGX_AGAIN;
    }

    /* without memory it keeps more of it */

    (void) ngx_http_gmchat_call_pack(call);

    return NGX_AGAIN;
}


/* Runs the script again, whose arguments are still there. */

static void
ngx_http_gmchat_hold_ask(ngx_http_gmchat_hold_t *hold)
{
    hold->woken = 0;
    ngx_http_gmchat_call_ask(hold->call, ngx_http_gmchat_hold_answer);
}


static void
ngx_http_gmchat_hold_look(ngx_http_gmchat_hold_t *hold)
{
    ngx_connection_t  *c;

    if (hold->call->pending) {
        hold->woken = 1;
        return;
    }

    c = ngx_http_gmchat_call_connection(hold->call);

    ngx_http_gmchat_hold_ask(hold);

    if (c) {
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_gmchat_hold_wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    ngx_http_gmchat_hold_t  *hold;

    hold = sub->data;

    if (ngx_http_gmchat_hold_heeds(hold->call->action, message)) {
        ngx_http_gmchat_hold_look(hold);
    }
}


/* It waits and is not due yet: returns NGX_DECLINED if it is. */

static ngx_int_t
ngx_http_gmchat_hold_early(ngx_http_gmchat_hold_t *hold)
{
    if ((ngx_msec_int_t) (hold->due - ngx_current_msec) <= 0) {
        return NGX_DECLINED;
    }

    if (!hold->stays && !hold->call->pending) {
        if (ngx_http_gmchat_park(hold) == NGX_OK) {
            return NGX_OK;
        }

        hold->stays = 1;
        ngx_http_gmchat_nholds--;

        /* without memory it keeps more of it */

        (void) ngx_http_gmchat_call_pack(hold->call);
    }

    ngx_http_gmchat_hold_timer(hold);

    return NGX_OK;
}


static void
ngx_http_gmchat_hold_over(ngx_event_t *ev)
{
    ngx_http_gmchat_hold_t  *hold;

    hold = ev->data;

    if (ngx_http_gmchat_hold_early(hold) == NGX_OK) {
        return;
    }

    if ((ngx_msec_int_t) (hold->until - ngx_current_msec) > 0) {
        hold->lapses = 0;
        ngx_http_gmchat_hold_due(hold);
        ngx_http_gmchat_hold_timer(hold);

    } else {
        hold->over = 1;
    }

    ngx_http_gmchat_hold_look(hold);
}


void
ngx_http_gmchat_hold_free(ngx_http_gmchat_call_t *call)
{
    ngx_http_gmchat_hold_t  *hold;

    hold = call->hold;

    if (hold == NULL) {
        return;
    }

    call->hold = NULL;
    ngx_http_gmchat_nholds -= !hold->stays;
    gmchat_store_unsubscribe(call->conf->store->link, &hold->sub);

    if (hold->timer.timer_set) {
        ngx_del_timer(&hold->timer);
    }

    ngx_http_gmchat_stat_waits(NGX_HTTP_GMCHAT_LONGPOLL, -1);
    ngx_queue_remove(&hold->queue);
    ngx_free(hold);
}


void
ngx_http_gmchat_hold_end(ngx_http_gmchat_call_t *call)
{
    if (call->hold && !call->hold->over) {
        call->hold->over = 1;
        ngx_http_gmchat_hold_look(call->hold);
    }
}


void
ngx_http_gmchat_hold_leave(void)
{
    ngx_queue_t              holds, *q;
    ngx_http_gmchat_hold_t  *hold;

    ngx_queue_init(&holds);
    ngx_queue_add(&holds, &ngx_http_gmchat_holds);
    ngx_queue_init(&ngx_http_gmchat_holds);

    while (!ngx_queue_empty(&holds)) {
        q = ngx_queue_head(&holds);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_gmchat_holds, q);

        hold = ngx_queue_data(q, ngx_http_gmchat_hold_t, queue);
        ngx_http_gmchat_hold_end(hold->call);
    }

    ngx_http_gmchat_park_leave();
}


ngx_uint_t
ngx_http_gmchat_hold_seen(void)
{
    ngx_queue_t             *q;
    ngx_http_gmchat_call_t  *call;
    ngx_http_gmchat_hold_t  *hold;

    for (q = ngx_queue_head(&ngx_http_gmchat_holds);
         q != ngx_queue_sentinel(&ngx_http_gmchat_holds);
         q = ngx_queue_next(q))
    {
        hold = ngx_queue_data(q, ngx_http_gmchat_hold_t, queue);
        call = hold->call;

        if (call->action->flags & GMCHAT_A_POLL) {
            ngx_http_gmchat_seen(call->conf->store, &call->prefix,
                                 &call->args.values[GMCHAT_P_HOST]);
        }
    }

    return ngx_http_gmchat_park_seen()
           || !ngx_queue_empty(&ngx_http_gmchat_holds);
}

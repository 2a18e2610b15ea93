#include "ngx_http_gmchat.h"


/* How soon the store is told again, in milliseconds: about the time in which
 * a link comes back. */
#define NGX_HTTP_GMCHAT_SETTLE_AGAIN  200


static void ngx_http_gmchat_settle_submit(ngx_http_gmchat_call_t *call);
static void ngx_http_gmchat_settled(void *data,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value);
static void ngx_http_gmchat_settle_again(ngx_event_t *ev);


/* Calls whose store is to be told again. */

static ngx_queue_t  ngx_http_gmchat_unsettled = {
    &ngx_http_gmchat_unsettled, &ngx_http_gmchat_unsettled
};

static ngx_connection_t  ngx_http_gmchat_settle_dumb;
static ngx_event_t       ngx_http_gmchat_settle_timer;


/*
 * Tells the store what became of what the call took; again and again, where
 * the store is away, until it has given up waiting and delivers once more.
 */

void
ngx_http_gmchat_settle(ngx_http_gmchat_call_t *call, ngx_uint_t landed)
{
    call->script.script = landed ? "landed" : "returned";
    call->script.n = 2;
    call->script.history = 0;
    call->script.desk = 0;
    call->script.durability = NULL;
    call->script.words[0] = call->prefix;
    call->script.words[1] = call->receipt;

    call->receipt.len = 0;
    call->pending = 1;
    call->settle_until = ngx_current_msec + call->conf->redeliver;

    ngx_http_gmchat_settle_submit(call);
}


static void
ngx_http_gmchat_settle_submit(ngx_http_gmchat_call_t *call)
{
    if (gmchat_store_submit(call->conf->store->link, &call->script,
                            ngx_http_gmchat_settled, call)
        != 0)
    {
        ngx_http_gmchat_settled(call, GMCHAT_STORE_REFUSED, NULL);
    }
}


static void
ngx_http_gmchat_settle_later(ngx_http_gmchat_call_t *call)
{
    ngx_event_t  *ev;

    ngx_queue_insert_tail(&ngx_http_gmchat_unsettled, &call->queue);

    ev = &ngx_http_gmchat_settle_timer;

    if (ev->timer_set) {
        return;
    }

    ngx_http_gmchat_settle_dumb.fd = (ngx_socket_t) -1;
    ev->handler = ngx_http_gmchat_settle_again;
    ev->data = &ngx_http_gmchat_settle_dumb;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_GMCHAT_SETTLE_AGAIN);
}


static void
ngx_http_gmchat_settle_again(ngx_event_t *ev)
{
    ngx_queue_t  calls, *q;

    ngx_queue_init(&calls);
    ngx_queue_add(&calls, &ngx_http_gmchat_unsettled);
    ngx_queue_init(&ngx_http_gmchat_unsettled);

    while (!ngx_queue_empty(&calls)) {
        q = ngx_queue_head(&calls);
        ngx_queue_remove(q);
        ngx_http_gmchat_settle_submit(ngx_queue_data(q, ngx_http_gmchat_call_t,
                                                     queue));
    }
}


static void
ngx_http_gmchat_settled(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_http_gmchat_call_t  *call;

    call = data;

    if (outcome == GMCHAT_STORE_REPLY
        && gmchat_reply_status(value) == GMCHAT_OK)
    {
        ngx_http_gmchat_call_settled(call);
        return;
    }

    if ((ngx_msec_int_t) (call->settle_until - ngx_current_msec) > 0) {
        ngx_http_gmchat_settle_later(call);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "gmchat: the store was not told what became of a receive: "
                  "it will be delivered again");
    ngx_http_gmchat_call_settled(call);
}


/* The worker exits: what it could not tell is told by the deadline. */

void
ngx_http_gmchat_settle_exit(void)
{
    if (!ngx_queue_empty(&ngx_http_gmchat_unsettled)) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "gmchat: the store was not told what became of a "
                      "receive: it will be delivered again");
    }
}


/*
 * Whether the client hung up while the store was asked: the kernel would
 * still take the reply.
 */

ngx_uint_t
ngx_http_gmchat_client_gone(ngx_http_request_t *r)
{
    u_char             byte;
    ssize_t            n;
    ngx_connection_t  *c;

    c = r->connection;

    if (c->error || c->timedout) {
        return 1;
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        return 0;
    }
#endif

    n = recv(c->fd, &byte, 1, MSG_PEEK);

    return n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN
                      && ngx_socket_errno != NGX_EINTR);
}

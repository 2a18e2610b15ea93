#include "ngx_gmchat_redis_internal.h"


/* One read takes what a full pipeline answers. */
#define NGX_GMCHAT_READ_SIZE     65536

/* Milliseconds between log lines on the same fault. */
#define NGX_GMCHAT_FAULT_LOG     10000


/* A fault that lasts is logged now and then, not for each call. */

static void
ngx_gmchat_redis_log_fault(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call, const gmchat_fault_t *fault,
    const gmchat_value_t *value)
{
    if (fault == store->fault
        && ngx_current_msec - store->fault_logged < NGX_GMCHAT_FAULT_LOG)
    {
        return;
    }

    store->fault = fault;
    store->fault_logged = ngx_current_msec;

    ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                  "gmchat: store %V answered \"%s\" with \"%*s\"",
                  &store->conf->name, call->script.script, value->str.len,
                  value->str.data);
}


/* An error reply to a script. */

static void
ngx_gmchat_redis_fault(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    const gmchat_value_t *value)
{
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(&value->str);

    if (fault->cure == GMCHAT_FAULT_RERUN && !call->eval) {
        (void) ngx_atomic_fetch_add(&store->counters->reruns, 1);
        call->eval = 1;
        ngx_queue_insert_tail(&store->waiting, &call->queue);
        ngx_post_event(&store->flush, &ngx_posted_events);
        return;
    }

    ngx_gmchat_redis_log_fault(store, call, fault, value);

    if (fault->cure == GMCHAT_FAULT_RECONNECT) {
        ngx_gmchat_redis_leave(store, ngx_gmchat_redis_cause_of(&value->str));
    }

    ngx_gmchat_redis_end_call(store, call,
                              gmchat_fault_outcome(fault, &value->str), NULL);
}


static ngx_int_t
ngx_gmchat_redis_answer(gmchat_store_t *store, const gmchat_value_t *value)
{
    ngx_queue_t              *q;
    ngx_gmchat_redis_call_t  *call;

    if (ngx_queue_empty(&store->sent)) {
        return NGX_ERROR;
    }

    q = ngx_queue_head(&store->sent);
    call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);

    if (call->begin >= store->written) {
        return NGX_ERROR;
    }

    ngx_queue_remove(q);

    if (value->kind == GMCHAT_VALUE_ERROR && !call->internal) {
        ngx_gmchat_redis_fault(store, call, value);
        return NGX_OK;
    }

    ngx_gmchat_redis_end_call(store, call, GMCHAT_STORE_REPLY, value);

    return NGX_OK;
}


/* Handles the whole replies that were read.  Returns NGX_ERROR if the
 * connection is gone. */

static ngx_int_t
ngx_gmchat_redis_answers(gmchat_store_t *store, ngx_connection_t *c)
{
    void  *value;

    for ( ;; ) {
        value = NULL;

        if (redisReaderGetReply(store->reader, &value) != REDIS_OK) {
            ngx_gmchat_redis_lose(store,
                                  store->reader->err == REDIS_ERR_OOM
                                      ? NGX_GMCHAT_CAUSE_MEMORY
                                      : NGX_GMCHAT_CAUSE_PROTOCOL,
                                  "a reply could not be read");
            return NGX_ERROR;
        }

        if (value == NULL) {
            return NGX_OK;
        }

        if (ngx_gmchat_redis_answer(store, value) != NGX_OK) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_PROTOCOL,
                                  "a reply came that nobody asked for");
            return NGX_ERROR;
        }

        if (store->connection != c) {
            return NGX_ERROR;
        }

        gmchat_arena_reset(&store->arena);
    }
}


/* Nothing is left to answer: what is to be done about the deadline, and about
 * a server that cannot serve. */

static void
ngx_gmchat_redis_answered(gmchat_store_t *store)
{
    if (store->state == GMCHAT_LINK_READY && !store->leaving) {

        /* the timer stays, and finds nothing to wait for */

        store->deadline.cancelable = 1;
        return;
    }

    if (store->leaving) {
        ngx_gmchat_redis_lose(store, store->leaving_cause,
                              ngx_gmchat_redis_cause(store->leaving_cause));
    }
}


void
ngx_gmchat_redis_read_handler(ngx_event_t *rev)
{
    ssize_t            n;
    gmchat_store_t    *store;
    ngx_connection_t  *c;
    static u_char      buf[NGX_GMCHAT_READ_SIZE];

    c = rev->data;
    store = c->data;

    if (store->connecting) {
        ngx_gmchat_redis_connected(store);
        return;
    }

    do {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                                  "the connection was cut");
            return;
        }

        if (redisReaderFeed(store->reader, (char *) buf, (size_t) n)
            != REDIS_OK)
        {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY,
                                  "no memory");
            return;
        }

        if (ngx_gmchat_redis_answers(store, c) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                              "the connection cannot be watched");
        return;
    }

    if (ngx_queue_empty(&store->sent)) {
        ngx_gmchat_redis_answered(store);
    }
}

#include "ngx_gmchat_cluster.h"


/* Milliseconds between log lines on the same fault. */
#define NGX_GMCHAT_FAULT_LOG  10000


/* A fault that lasts is logged now and then, not for each call. */

static void
ngx_gmchat_redis_log_fault(ngx_gmchat_redis_t *redis,
    ngx_gmchat_call_t *call, const gmchat_fault_t *fault,
    const gmchat_value_t *value)
{
    gmchat_store_t  *store;

    store = redis->store;

    if (fault == store->fault
        && ngx_current_msec - store->fault_logged < NGX_GMCHAT_FAULT_LOG)
    {
        return;
    }

    store->fault = fault;
    store->fault_logged = ngx_current_msec;

    ngx_log_error(NGX_LOG_ERR, &redis->link.log, 0,
                  "gmchat: store %V answered \"%s\" with \"%*s\"",
                  &redis->label, call->script.script, value->str.len,
                  value->str.data);
}


/* An error reply to a script. */

static void
ngx_gmchat_redis_fault(ngx_gmchat_redis_t *redis, ngx_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(&value->str);

    if (fault->cure == GMCHAT_FAULT_RERUN && !call->eval) {
        (void) ngx_atomic_fetch_add(&redis->counters->reruns, 1);
        call->eval = 1;
        ngx_queue_insert_tail(&redis->waiting, &call->queue);
        ngx_post_event(&redis->flush, &ngx_posted_events);
        return;
    }

    if (redis->store->cluster
        && (fault->cure == GMCHAT_FAULT_REDIRECT
            || fault->cure == GMCHAT_FAULT_LATER)
        && ngx_gmchat_cluster_redirect(redis, call, fault, &value->str)
           == NGX_OK)
    {
        return;
    }

    ngx_gmchat_redis_log_fault(redis, call, fault, value);

    if (fault->cure == GMCHAT_FAULT_RECONNECT) {
        ngx_gmchat_redis_leave(redis, ngx_gmchat_redis_cause_of(&value->str));
    }

    ngx_gmchat_store_end_call(redis->store, call,
                              gmchat_fault_outcome(fault, &value->str), NULL);
}


ngx_int_t
ngx_gmchat_redis_answer(ngx_gmchat_link_t *link, const gmchat_value_t *value)
{
    ngx_queue_t         *q;
    ngx_gmchat_redis_t  *redis;
    ngx_gmchat_call_t   *call;

    redis = link->data;

    if (ngx_queue_empty(&redis->sent)) {
        return NGX_ERROR;
    }

    q = ngx_queue_head(&redis->sent);
    call = ngx_queue_data(q, ngx_gmchat_call_t, queue);

    if (call->begin >= link->written) {
        return NGX_ERROR;
    }

    ngx_queue_remove(q);

    if (value->kind == GMCHAT_VALUE_ERROR && !call->internal) {
        ngx_gmchat_redis_fault(redis, call, value);
        return NGX_OK;
    }

    if (ngx_gmchat_commit_hold(&redis->commit, call, value) == NGX_DECLINED) {
        ngx_gmchat_store_end_call(redis->store, call, GMCHAT_STORE_REPLY,
                                  value);
    }

    return NGX_OK;
}


/* Where nothing is left to answer: what is to be done about the deadline, and
 * about a server that cannot serve. */

void
ngx_gmchat_redis_answered(ngx_gmchat_link_t *link)
{
    ngx_gmchat_redis_t  *redis;

    redis = link->data;

    if (!ngx_queue_empty(&redis->sent)) {
        return;
    }

    if (redis->leaving) {
        ngx_gmchat_link_lose(link, redis->leaving_cause,
                             ngx_gmchat_store_cause(redis->leaving_cause));
        return;
    }

    if (link->state == GMCHAT_LINK_READY) {

        /* the timer stays, and finds nothing to wait for */

        link->deadline.cancelable = 1;
    }
}

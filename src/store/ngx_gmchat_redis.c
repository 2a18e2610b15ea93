#include "ngx_gmchat_cluster.h"


static void ngx_gmchat_redis_serve(ngx_gmchat_link_t *link, ngx_uint_t back);
static void ngx_gmchat_redis_overdue(ngx_gmchat_link_t *link);
static void ngx_gmchat_redis_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_redis_fail_calls(ngx_gmchat_link_t *link);

static void ngx_gmchat_redis_flush_handler(ngx_event_t *ev);
static void ngx_gmchat_redis_doubt_handler(ngx_event_t *ev);


static const ngx_gmchat_link_handlers_t  ngx_gmchat_redis_handlers = {
    ngx_gmchat_redis_setup,
    ngx_gmchat_redis_serve,
    ngx_gmchat_redis_answer,
    ngx_gmchat_redis_answered,
    ngx_gmchat_redis_overdue,
    ngx_gmchat_redis_lost,
    ngx_gmchat_redis_fail_calls
};


/* Opening and closing */


void
ngx_gmchat_redis_init(ngx_gmchat_redis_t *redis, ngx_uint_t shown)
{
    gmchat_store_t     *store;
    ngx_gmchat_link_t  *link;

    store = redis->store;
    redis->conf = store->conf;
    redis->counters = store->counters;

    link = &redis->link;
    link->handlers = &ngx_gmchat_redis_handlers;
    link->data = redis;
    link->conf = store->conf;
    link->access = &store->conf->access;
    link->endpoint = &redis->endpoint;
    link->gauge = shown ? &store->gauges->state : &redis->state;
    ngx_gmchat_link_init(link, &store->log);

    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->sent);

    ngx_gmchat_link_init_event(link, &redis->flush,
                               ngx_gmchat_redis_flush_handler, redis);
    ngx_gmchat_link_init_event(link, &redis->probe,
                               ngx_gmchat_redis_probe_handler, redis);
    ngx_gmchat_link_init_event(link, &redis->doubt,
                               ngx_gmchat_redis_doubt_handler, redis);

    ngx_gmchat_pubsub_init(redis, shown ? &store->gauges->wake_state
                                        : &redis->wake_state);
    ngx_gmchat_commit_init(redis);
}


ngx_int_t
ngx_gmchat_redis_at(ngx_gmchat_redis_t *redis, const gmchat_str_t *host,
    unsigned port)
{
    u_char                 *p;
    ngx_str_t               label;
    ngx_pool_t             *pool;
    ngx_gmchat_endpoint_t   endpoint;

    pool = ngx_create_pool(1024, &redis->store->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    label.data = NULL;

    if (ngx_gmchat_endpoint_set(&endpoint, pool, host, port) == NGX_OK) {
        label.len = redis->conf->name.len + 4 + endpoint.name.len;
        label.data = ngx_pnalloc(pool, label.len);
    }

    if (label.data == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    p = ngx_sprintf(label.data, "%V at %V", &redis->conf->name,
                    &endpoint.name);
    label.len = (size_t) (p - label.data);

    if (redis->pool) {
        ngx_destroy_pool(redis->pool);
    }

    redis->pool = pool;
    redis->label = label;
    redis->endpoint = endpoint;

    return NGX_OK;
}


ngx_int_t
ngx_gmchat_redis_move(ngx_gmchat_redis_t *redis, const gmchat_str_t *host,
    unsigned port)
{
    ngx_int_t  rc;

    ngx_gmchat_link_leave(&redis->link);
    ngx_gmchat_link_leave(&redis->pubsub.link);

    rc = ngx_gmchat_redis_at(redis, host, port);

    ngx_gmchat_link_follow(&redis->link);
    ngx_gmchat_link_follow(&redis->pubsub.link);

    return rc;
}


void
ngx_gmchat_redis_close(ngx_gmchat_redis_t *redis)
{
    ngx_gmchat_pubsub_close(&redis->pubsub);
    ngx_gmchat_commit_close(&redis->commit);
    ngx_gmchat_link_close(&redis->link);

    ngx_gmchat_link_stop_event(&redis->flush);
    ngx_gmchat_link_stop_event(&redis->doubt);

    if (redis->pool) {
        ngx_destroy_pool(redis->pool);
        redis->pool = NULL;
    }
}


/* The link */


static void
ngx_gmchat_redis_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    ngx_gmchat_redis_t  *redis;

    redis = link->data;

    if (back) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: store %V is back", &redis->label);
    }

    (void) ngx_atomic_fetch_add(&redis->counters->connected, 1);

    if (redis->conf->probe) {
        ngx_add_timer(&redis->probe, redis->conf->probe);
    }

    ngx_gmchat_commit_begin(&redis->commit);

    ngx_post_event(&redis->flush, &ngx_posted_events);
    ngx_gmchat_pubsub_may_begin(&redis->pubsub);
    ngx_gmchat_store_show(redis->store);
}


static void
ngx_gmchat_redis_lost(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    ngx_gmchat_redis_t  *redis;

    redis = link->data;

    (void) ngx_atomic_fetch_add(&redis->counters->lost[cause], 1);

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: store %V is lost: %s; calls are refused until "
                  "it is back", &redis->label, reason);

    ngx_gmchat_store_lost(redis->store);
}


ngx_gmchat_cause_e
ngx_gmchat_redis_cause_of(const gmchat_str_t *error)
{
    ngx_uint_t             cause;
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(error);

    for (cause = 0; cause < NGX_GMCHAT_CAUSES; cause++) {
        if (ngx_strcmp(fault->cause, ngx_gmchat_store_cause(cause)) == 0) {
            return cause;
        }
    }

    return NGX_GMCHAT_CAUSE_SETUP;
}


void
ngx_gmchat_redis_leave(ngx_gmchat_redis_t *redis, ngx_gmchat_cause_e cause)
{
    redis->leaving = 1;
    redis->leaving_cause = cause;
}


/* Calls */


/* What was sent, even in part, may have been done. */

static void
ngx_gmchat_redis_fail_calls(ngx_gmchat_link_t *link)
{
    uint64_t             written;
    ngx_queue_t          failed, *q;
    ngx_gmchat_redis_t  *redis;
    ngx_gmchat_call_t   *call;

    redis = link->data;
    written = link->written;

    ngx_gmchat_link_stop_event(&redis->probe);
    ngx_gmchat_commit_rest(&redis->commit);

    ngx_queue_init(&failed);
    ngx_queue_add(&failed, &redis->sent);
    ngx_queue_init(&redis->sent);

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_gmchat_call_t, queue);
        call->begin = written;
    }

    ngx_queue_add(&failed, &redis->waiting);
    ngx_queue_init(&redis->waiting);

    while ((call = ngx_gmchat_store_shift(&failed)) != NULL) {
        ngx_gmchat_store_end_call(redis->store, call,
                                  call->begin < written ? GMCHAT_STORE_UNKNOWN
                                                        : GMCHAT_STORE_REFUSED,
                                  NULL);
    }

    ngx_gmchat_store_show(redis->store);
}


void
ngx_gmchat_redis_submit(ngx_gmchat_redis_t *redis, ngx_gmchat_call_t *call)
{
    if (gmchat_link_refuses(redis->link.state)) {
        ngx_gmchat_store_refuse(redis->store, call);
        return;
    }

    if (ngx_gmchat_commit_defers(&redis->commit, call)) {
        return;
    }

    ngx_queue_insert_tail(&redis->waiting, &call->queue);
    ngx_post_event(&redis->flush, &ngx_posted_events);
}


/* Writing */


/* Puts a command at the end of what is to be written. */

static ngx_int_t
ngx_gmchat_redis_put(ngx_gmchat_redis_t *redis, ngx_gmchat_call_t *call,
    const gmchat_str_t *words, size_t n)
{
    uint64_t  begin;

    begin = redis->link.formatted;

    if (ngx_gmchat_wire_put(&redis->link, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    call->begin = begin;
    call->since = ngx_current_msec;

    ngx_queue_insert_tail(&redis->sent, &call->queue);

    return NGX_OK;
}


/* The answer is of no interest: if it is an error, so is that of the call. */

static void
ngx_gmchat_redis_nothing(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    (void) data;
    (void) outcome;
    (void) value;
}


static ngx_int_t
ngx_gmchat_redis_put_script(ngx_gmchat_redis_t *redis,
    ngx_gmchat_call_t *call)
{
    unsigned                     i;
    gmchat_str_t                 words[3 + GMCHAT_WORDS_MAX];
    const gmchat_script_t       *script;
    gmchat_script_call_t        *what;
    const gmchat_script_text_t  *text;

    static const gmchat_str_t  eval = gmchat_string("EVAL");
    static const gmchat_str_t  evalsha = gmchat_string("EVALSHA");
    static const gmchat_str_t  nkeys = gmchat_string("1");
    static const gmchat_str_t  asking = gmchat_string("ASKING");

    what = &call->script;
    script = gmchat_script_find(what->script);

    if (script == NULL) {
        ngx_log_error(NGX_LOG_ALERT, &redis->link.log, 0,
                      "gmchat: there is no script \"%s\"", what->script);
        return NGX_ERROR;
    }

    text = &script->texts[(redis->sharded ? GMCHAT_SCRIPT_SHARDED : 0)
                          + (what->desk ? GMCHAT_SCRIPT_DESK : 0)];

    words[0] = call->eval ? eval : evalsha;

    if (call->eval) {
        words[1] = text->body;

    } else {
        words[1].data = (unsigned char *) text->sha;
        words[1].len = GMCHAT_SHA_LEN;
    }

    words[2] = nkeys;

    for (i = 0; i < what->n; i++) {
        words[3 + i] = what->words[i];
    }

    if (what->history) {
        words[3 + what->history].data = redis->history;
        words[3 + what->history].len = redis->history_len;
    }

    if (call->asking
        && ngx_gmchat_redis_command(redis, ngx_gmchat_redis_nothing, NULL,
                                    &asking, 1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_gmchat_redis_put(redis, call, words, 3 + what->n);
}


ngx_int_t
ngx_gmchat_redis_command(ngx_gmchat_redis_t *redis, gmchat_store_done_pt done,
    void *data, const gmchat_str_t *words, size_t n)
{
    ngx_gmchat_call_t  *call;

    call = ngx_gmchat_store_new_call(redis->store);
    if (call == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(call, sizeof(ngx_gmchat_call_t));
    call->done = done;
    call->data = data;
    call->internal = 1;

    if (ngx_gmchat_redis_put(redis, call, words, n) != NGX_OK) {
        ngx_gmchat_store_free_call(redis->store, call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_put_waiting(ngx_gmchat_redis_t *redis)
{
    ngx_gmchat_call_t  *call;

    while ((call = ngx_gmchat_store_shift(&redis->waiting)) != NULL) {
        if (ngx_gmchat_redis_put_script(redis, call) != NGX_OK) {
            ngx_gmchat_store_end_call(redis->store, call, GMCHAT_STORE_REFUSED,
                                      NULL);
        }
    }
}


/* Writes what was put, and waits for its answers. */

static void
ngx_gmchat_redis_write(ngx_gmchat_redis_t *redis)
{
    if (!redis->link.deadline.timer_set) {
        ngx_add_timer(&redis->link.deadline, redis->conf->timeout);
    }

    if (redis->store->cluster && !redis->doubt.timer_set) {
        ngx_add_timer(&redis->doubt, NGX_GMCHAT_DOUBT);
    }

    ngx_gmchat_wire_write(&redis->link);
}


ngx_msec_t
ngx_gmchat_redis_silence(ngx_gmchat_redis_t *redis)
{
    ngx_gmchat_call_t  *oldest;

    if (ngx_queue_empty(&redis->sent)) {
        return 0;
    }

    oldest = ngx_queue_data(ngx_queue_head(&redis->sent), ngx_gmchat_call_t,
                            queue);

    return ngx_current_msec - oldest->since;
}


/* In a cluster another server may know of a failover long before this one's
 * silence has lasted for the timeout. */

static void
ngx_gmchat_redis_doubt_handler(ngx_event_t *ev)
{
    ngx_gmchat_redis_t  *redis;

    redis = ev->data;

    if (redis->link.state != GMCHAT_LINK_READY
        || ngx_queue_empty(&redis->sent))
    {
        return;
    }

    if (ngx_gmchat_redis_silence(redis) >= NGX_GMCHAT_DOUBT) {
        ngx_gmchat_cluster_refresh(redis->store->cluster);
    }

    ngx_add_timer(&redis->doubt, NGX_GMCHAT_DOUBT);
}


ngx_uint_t
ngx_gmchat_redis_idle(ngx_gmchat_redis_t *redis)
{
    return ngx_queue_empty(&redis->waiting) && ngx_queue_empty(&redis->sent)
           && ngx_gmchat_commit_idle(&redis->commit)
           && ngx_gmchat_pubsub_idle(&redis->pubsub);
}


ngx_uint_t
ngx_gmchat_redis_serves(ngx_gmchat_redis_t *redis)
{
    return redis->link.state == GMCHAT_LINK_READY && !redis->leaving;
}


ngx_int_t
ngx_gmchat_redis_ask(ngx_gmchat_redis_t *redis, gmchat_store_done_pt done,
    void *data, const gmchat_str_t *words, size_t n)
{
    if (ngx_gmchat_redis_command(redis, done, data, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_gmchat_redis_write(redis);

    return NGX_OK;
}


static void
ngx_gmchat_redis_flush_handler(ngx_event_t *ev)
{
    ngx_gmchat_redis_t  *redis;

    redis = ev->data;

    if (!ngx_gmchat_redis_serves(redis) || ngx_queue_empty(&redis->waiting)) {
        return;
    }

    ngx_gmchat_redis_put_waiting(redis);

    redis->link.deadline.cancelable = 0;
    ngx_gmchat_redis_write(redis);
}


static void
ngx_gmchat_redis_overdue(ngx_gmchat_link_t *link)
{
    ngx_gmchat_redis_t  *redis;
    ngx_msec_int_t       left;
    ngx_gmchat_call_t   *oldest;

    redis = link->data;

    if (ngx_queue_empty(&redis->sent)) {
        return;
    }

    oldest = ngx_queue_data(ngx_queue_head(&redis->sent),
                            ngx_gmchat_call_t, queue);
    left = (ngx_msec_int_t) (oldest->since + redis->conf->timeout
                             - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&link->deadline, (ngx_msec_t) left);
        return;
    }

    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, "no answer in time");
}

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_sha1.h>

#include "ngx_gmchat_redis_internal.h"


/* Calls that are kept for the next ones. */
#define NGX_GMCHAT_KEEP_CALLS    1024

/* "*15\r\n" and "$<len>\r\n...\r\n": RESP's share of a word, at most. */
#define NGX_GMCHAT_WORD_FRAME    24


static void ngx_gmchat_redis_serve(ngx_gmchat_link_t *link, ngx_uint_t back);
static void ngx_gmchat_redis_overdue(ngx_gmchat_link_t *link);
static void ngx_gmchat_redis_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_redis_fail_calls(ngx_gmchat_link_t *link);

static void ngx_gmchat_redis_flush_handler(ngx_event_t *ev);


static const ngx_gmchat_link_handlers_t  ngx_gmchat_redis_handlers = {
    ngx_gmchat_redis_setup,
    ngx_gmchat_redis_serve,
    ngx_gmchat_redis_answer,
    ngx_gmchat_redis_answered,
    ngx_gmchat_redis_overdue,
    ngx_gmchat_redis_lost,
    ngx_gmchat_redis_fail_calls
};


static const char *const  ngx_gmchat_redis_causes[NGX_GMCHAT_CAUSES] = {
    "connect", "timeout", "tls", "auth", "loading", "readonly", "masterdown",
    "history", "setup", "closed", "protocol", "memory"
};


const char *
ngx_gmchat_redis_cause(ngx_gmchat_cause_e cause)
{
    return ngx_gmchat_redis_causes[cause];
}


/* Opening and closing */


static void
ngx_gmchat_redis_hash_scripts(void)
{
    u_char            digest[20];
    ngx_sha1_t        sha1;
    gmchat_script_t  *script;

    for (script = gmchat_script_list(); script->name.len; script++) {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, script->body.data, script->body.len);
        ngx_sha1_final(digest, &sha1);
        ngx_hex_dump(script->sha, digest, sizeof(digest));
    }
}


gmchat_store_t *
ngx_gmchat_redis_open(ngx_cycle_t *cycle, ngx_gmchat_redis_conf_t *conf,
    ngx_gmchat_redis_counters_t *counters, ngx_gmchat_redis_gauges_t *gauges)
{
    gmchat_store_t  *store;

    store = ngx_pcalloc(cycle->pool, sizeof(gmchat_store_t));
    if (store == NULL) {
        return NULL;
    }

    ngx_gmchat_redis_hash_scripts();

    store->conf = conf;
    store->counters = counters;
    store->gauges = gauges;

    store->link.handlers = &ngx_gmchat_redis_handlers;
    store->link.data = store;
    store->link.conf = conf;
    store->link.addr = &store->addr;
    store->link.gauge = &gauges->state;
    ngx_gmchat_link_init(&store->link, cycle->log);

    ngx_queue_init(&store->waiting);
    ngx_queue_init(&store->sent);
    ngx_queue_init(&store->refused);
    ngx_queue_init(&store->free);

    ngx_gmchat_link_init_event(&store->link, &store->flush,
                               ngx_gmchat_redis_flush_handler, store);
    ngx_gmchat_link_init_event(&store->link, &store->probe,
                               ngx_gmchat_redis_probe_handler, store);

    ngx_gmchat_pubsub_init(store, cycle->log);

    ngx_gmchat_link_event(&store->link, GMCHAT_LINK_START);

    return store;
}


/* Takes the first call out of a queue; NULL if there is none. */

static ngx_gmchat_redis_call_t *
ngx_gmchat_redis_shift(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(queue)) {
        return NULL;
    }

    q = ngx_queue_head(queue);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);
}


static void
ngx_gmchat_redis_free_calls(gmchat_store_t *store)
{
    ngx_gmchat_redis_call_t  *call;

    while ((call = ngx_gmchat_redis_shift(&store->free)) != NULL) {
        ngx_free(call);
    }
}


void
ngx_gmchat_redis_close(gmchat_store_t *store)
{
    ngx_gmchat_pubsub_close(&store->pubsub);
    ngx_gmchat_link_close(&store->link);

    ngx_gmchat_link_stop_event(&store->flush);
    ngx_gmchat_redis_free_calls(store);
}


gmchat_link_state_e
ngx_gmchat_redis_state(gmchat_store_t *store, const char **reason)
{
    if (reason) {
        *reason = store->link.reason;
    }

    return store->link.state;
}


/* The link */


static void
ngx_gmchat_redis_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    gmchat_store_t  *store;

    store = link->data;

    if (back) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: store %V is back", &store->conf->name);
    }

    (void) ngx_atomic_fetch_add(&store->counters->connected, 1);

    if (store->conf->probe) {
        ngx_add_timer(&store->probe, store->conf->probe);
    }

    ngx_post_event(&store->flush, &ngx_posted_events);
}


static void
ngx_gmchat_redis_lost(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    gmchat_store_t  *store;

    store = link->data;

    (void) ngx_atomic_fetch_add(&store->counters->lost[cause], 1);

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: store %V is lost: %s; calls are refused until "
                  "it is back", &store->conf->name, reason);

    store->addr++;
}


ngx_gmchat_cause_e
ngx_gmchat_redis_cause_of(const gmchat_str_t *error)
{
    ngx_uint_t             cause;
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(error);

    for (cause = 0; cause < NGX_GMCHAT_CAUSES; cause++) {
        if (ngx_strcmp(fault->cause, ngx_gmchat_redis_causes[cause]) == 0) {
            return cause;
        }
    }

    return NGX_GMCHAT_CAUSE_SETUP;
}


void
ngx_gmchat_redis_leave(gmchat_store_t *store, ngx_gmchat_cause_e cause)
{
    store->leaving = 1;
    store->leaving_cause = cause;
}


/* Calls */


static ngx_gmchat_redis_call_t *
ngx_gmchat_redis_new_call(gmchat_store_t *store)
{
    ngx_gmchat_redis_call_t  *call;

    call = ngx_gmchat_redis_shift(&store->free);

    if (call == NULL) {
        return ngx_alloc(sizeof(ngx_gmchat_redis_call_t),
                         &store->link.log);
    }

    store->nfree--;

    return call;
}


static void
ngx_gmchat_redis_free_call(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call)
{
    if (store->nfree == NGX_GMCHAT_KEEP_CALLS) {
        ngx_free(call);
        return;
    }

    ngx_queue_insert_head(&store->free, &call->queue);
    store->nfree++;
}


/* Puts the call among the free ones, then tells its submitter. */

void
ngx_gmchat_redis_end_call(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value)
{
    void                  *data;
    gmchat_store_done_pt   done;

    done = call->done;
    data = call->data;

    if (!call->internal) {
        store->ncalls--;
        store->nbytes -= call->size;
        store->gauges->queue = store->ncalls;
    }

    ngx_gmchat_redis_free_call(store, call);

    done(data, outcome, value);
}


/* What was sent, even in part, may have been done. */

static void
ngx_gmchat_redis_fail_calls(ngx_gmchat_link_t *link)
{
    uint64_t                  written;
    ngx_queue_t               failed, *q;
    gmchat_store_t           *store;
    ngx_gmchat_redis_call_t  *call;

    store = link->data;
    written = link->written;

    ngx_gmchat_link_stop_event(&store->probe);

    ngx_queue_init(&failed);
    ngx_queue_add(&failed, &store->sent);
    ngx_queue_init(&store->sent);

    for (q = ngx_queue_head(&store->waiting);
         q != ngx_queue_sentinel(&store->waiting);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);
        call->begin = written;
    }

    ngx_queue_add(&failed, &store->waiting);
    ngx_queue_init(&store->waiting);

    while ((call = ngx_gmchat_redis_shift(&failed)) != NULL) {
        ngx_gmchat_redis_end_call(store, call,
                                  call->begin < written ? GMCHAT_STORE_UNKNOWN
                                                        : GMCHAT_STORE_REFUSED,
                                  NULL);
    }
}


static size_t
ngx_gmchat_redis_size(const gmchat_script_call_t *script)
{
    size_t    size;
    unsigned  i;

    size = sizeof(ngx_gmchat_redis_call_t);

    for (i = 0; i < script->n; i++) {
        size += script->words[i].len + NGX_GMCHAT_WORD_FRAME;
    }

    return size;
}


int
gmchat_store_submit(gmchat_store_t *store, const gmchat_script_call_t *script,
    gmchat_store_done_pt done, void *data)
{
    ngx_gmchat_redis_call_t  *call;

    call = ngx_gmchat_redis_new_call(store);
    if (call == NULL) {
        return -1;
    }

    call->script = *script;
    call->done = done;
    call->data = data;
    call->size = ngx_gmchat_redis_size(script);
    call->internal = 0;
    call->eval = 0;

    store->ncalls++;
    store->nbytes += call->size;
    store->gauges->queue = store->ncalls;
    (void) ngx_atomic_fetch_add(&store->counters->calls, 1);

    ngx_post_event(&store->flush, &ngx_posted_events);

    if (gmchat_link_refuses(store->link.state)) {
        ngx_queue_insert_tail(&store->refused, &call->queue);
        return 0;
    }

    if (store->ncalls > store->conf->queue_calls
        || store->nbytes > store->conf->queue_bytes)
    {
        (void) ngx_atomic_fetch_add(&store->counters->overflows, 1);
        ngx_queue_insert_tail(&store->refused, &call->queue);
        return 0;
    }

    ngx_queue_insert_tail(&store->waiting, &call->queue);

    return 0;
}


/* Writing */


/* Puts a command at the end of what is to be written. */

static ngx_int_t
ngx_gmchat_redis_put(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    const gmchat_str_t *words, size_t n)
{
    uint64_t  begin;

    begin = store->link.formatted;

    if (ngx_gmchat_wire_put(&store->link, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    call->begin = begin;
    call->since = ngx_current_msec;

    ngx_queue_insert_tail(&store->sent, &call->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_redis_put_script(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call)
{
    u_char                   nkeys[NGX_INT_T_LEN];
    unsigned                 i;
    gmchat_str_t             words[3 + GMCHAT_KEYS_MAX + GMCHAT_ARGV_MAX];
    const gmchat_script_t   *script;
    gmchat_script_call_t    *what;

    static const gmchat_str_t  eval = gmchat_string("EVAL");
    static const gmchat_str_t  evalsha = gmchat_string("EVALSHA");

    what = &call->script;
    script = gmchat_script_find(what->script);

    if (script == NULL) {
        ngx_log_error(NGX_LOG_ALERT, &store->link.log, 0,
                      "gmchat: there is no script \"%s\"", what->script);
        return NGX_ERROR;
    }

    words[0] = call->eval ? eval : evalsha;
    words[1].data = call->eval ? script->body.data
                               : (unsigned char *) script->sha;
    words[1].len = call->eval ? script->body.len : GMCHAT_SHA_LEN;
    words[2].data = nkeys;
    words[2].len = (size_t) (ngx_sprintf(nkeys, "%ui",
                                         (ngx_uint_t) what->nkeys) - nkeys);

    for (i = 0; i < what->n; i++) {
        words[3 + i] = what->words[i];
    }

    if (what->history) {
        words[3 + what->history].data = store->history;
        words[3 + what->history].len = store->history_len;
    }

    return ngx_gmchat_redis_put(store, call, words, 3 + what->n);
}


ngx_int_t
ngx_gmchat_redis_command(gmchat_store_t *store, gmchat_store_done_pt done,
    const gmchat_str_t *words, size_t n)
{
    ngx_gmchat_redis_call_t  *call;

    call = ngx_gmchat_redis_new_call(store);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->done = done;
    call->data = store;
    call->size = 0;
    call->internal = 1;
    call->eval = 0;

    if (ngx_gmchat_redis_put(store, call, words, n) != NGX_OK) {
        ngx_gmchat_redis_free_call(store, call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_put_waiting(gmchat_store_t *store)
{
    ngx_gmchat_redis_call_t  *call;

    while ((call = ngx_gmchat_redis_shift(&store->waiting)) != NULL) {
        if (ngx_gmchat_redis_put_script(store, call) != NGX_OK) {
            ngx_gmchat_redis_end_call(store, call, GMCHAT_STORE_REFUSED, NULL);
        }
    }
}


/* Writes what was put, and waits for its answers. */

static void
ngx_gmchat_redis_write(gmchat_store_t *store)
{
    if (!store->link.deadline.timer_set) {
        ngx_add_timer(&store->link.deadline, store->conf->timeout);
    }

    ngx_gmchat_wire_write(&store->link);
}


ngx_uint_t
ngx_gmchat_redis_serves(gmchat_store_t *store)
{
    return store->link.state == GMCHAT_LINK_READY && !store->leaving;
}


ngx_int_t
ngx_gmchat_redis_ask(gmchat_store_t *store, gmchat_store_done_pt done,
    const gmchat_str_t *words, size_t n)
{
    if (ngx_gmchat_redis_command(store, done, words, n) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_gmchat_redis_write(store);

    return NGX_OK;
}


static void
ngx_gmchat_redis_flush_handler(ngx_event_t *ev)
{
    ngx_queue_t               refused;
    gmchat_store_t           *store;
    ngx_gmchat_redis_call_t  *call;

    store = ev->data;

    ngx_queue_init(&refused);
    ngx_queue_add(&refused, &store->refused);
    ngx_queue_init(&store->refused);

    while ((call = ngx_gmchat_redis_shift(&refused)) != NULL) {
        ngx_gmchat_redis_end_call(store, call, GMCHAT_STORE_REFUSED, NULL);
    }

    if (!ngx_gmchat_redis_serves(store) || ngx_queue_empty(&store->waiting)) {
        return;
    }

    ngx_gmchat_redis_put_waiting(store);

    store->link.deadline.cancelable = 0;
    ngx_gmchat_redis_write(store);
}


static void
ngx_gmchat_redis_overdue(ngx_gmchat_link_t *link)
{
    gmchat_store_t           *store;
    ngx_msec_int_t            left;
    ngx_gmchat_redis_call_t  *oldest;

    store = link->data;

    if (ngx_queue_empty(&store->sent)) {
        return;
    }

    oldest = ngx_queue_data(ngx_queue_head(&store->sent),
                            ngx_gmchat_redis_call_t, queue);
    left = (ngx_msec_int_t) (oldest->since + store->conf->timeout
                             - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&link->deadline, (ngx_msec_t) left);
        return;
    }

    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, "no answer in time");
}

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_sha1.h>

#include "ngx_gmchat_cluster.h"
#include "ngx_gmchat_sentinel.h"


/* Calls that are kept for the next ones. */
#define NGX_GMCHAT_KEEP_CALLS    1024

/* "*15\r\n" and "$<len>\r\n...\r\n": RESP's share of a word, at most. */
#define NGX_GMCHAT_WORD_FRAME    24


static void ngx_gmchat_store_refuse_handler(ngx_event_t *ev);


static const char *const  ngx_gmchat_store_causes[NGX_GMCHAT_CAUSES] = {
    "connect", "timeout", "tls", "auth", "loading", "readonly", "masterdown",
    "history", "setup", "closed", "protocol", "memory", "switched", "resolve"
};


const char *
ngx_gmchat_store_cause(ngx_gmchat_cause_e cause)
{
    return ngx_gmchat_store_causes[cause];
}


/* Opening and closing */


static void
ngx_gmchat_store_hash(unsigned char *sha, const gmchat_str_t *body)
{
    u_char      digest[20];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, body->data, body->len);
    ngx_sha1_final(digest, &sha1);
    ngx_hex_dump(sha, digest, sizeof(digest));
}


static void
ngx_gmchat_store_hash_scripts(void)
{
    ngx_uint_t             i;
    gmchat_script_t       *script;
    gmchat_script_text_t  *text;

    for (script = gmchat_script_list(); script->name.len; script++) {
        for (i = 0; i < GMCHAT_SCRIPT_TEXTS; i++) {
            text = &script->texts[i];

            if (text->body.len) {
                ngx_gmchat_store_hash(text->sha, &text->body);
            }
        }
    }
}


static ngx_int_t
ngx_gmchat_store_open_one(gmchat_store_t *store, ngx_pool_t *pool)
{
    ngx_gmchat_redis_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_gmchat_redis_t));
    if (redis == NULL) {
        return NGX_ERROR;
    }

    store->redis = redis;
    redis->store = store;
    redis->label = store->conf->name;

    if (store->conf->url.topology == GMCHAT_URL_SINGLE) {
        redis->endpoint = store->conf->endpoints[0];
    }

    ngx_gmchat_redis_init(redis, 1);
    ngx_gmchat_link_event(&redis->link, GMCHAT_LINK_START);

    return store->conf->url.topology == GMCHAT_URL_SENTINEL
               ? ngx_gmchat_sentinels_open(store, pool) : NGX_OK;
}


gmchat_store_t *
ngx_gmchat_store_open(ngx_cycle_t *cycle, ngx_gmchat_store_conf_t *conf,
    ngx_gmchat_store_counters_t *counters, ngx_gmchat_store_gauges_t *gauges)
{
    gmchat_store_t  *store;

    store = ngx_pcalloc(cycle->pool, sizeof(gmchat_store_t));
    if (store == NULL) {
        return NULL;
    }

    if (conf->url.topology == GMCHAT_URL_CLUSTER
        && gmchat_script_shard() != 0)
    {
        return NULL;
    }

    ngx_gmchat_store_hash_scripts();

    store->conf = conf;
    store->counters = counters;
    store->gauges = gauges;
    store->log = *cycle->log;

    ngx_queue_init(&store->refused);
    ngx_queue_init(&store->free);

    store->refuse.handler = ngx_gmchat_store_refuse_handler;
    store->refuse.data = store;
    store->refuse.log = &store->log;

    if (conf->url.topology == GMCHAT_URL_CLUSTER) {
        store->cluster = ngx_gmchat_cluster_open(store, cycle->pool);
        return store->cluster ? store : NULL;
    }

    return ngx_gmchat_store_open_one(store, cycle->pool) == NGX_OK ? store
                                                                   : NULL;
}


void
ngx_gmchat_store_close(gmchat_store_t *store)
{
    ngx_gmchat_call_t  *call;

    if (store->sentinels) {
        ngx_gmchat_sentinels_close(store->sentinels);
    }

    if (store->cluster) {
        ngx_gmchat_cluster_close(store->cluster);

    } else {
        ngx_gmchat_redis_close(store->redis);
    }

    ngx_gmchat_store_refuse_handler(&store->refuse);
    ngx_gmchat_link_stop_event(&store->refuse);

    while ((call = ngx_gmchat_store_shift(&store->free)) != NULL) {
        ngx_free(call);
    }
}


gmchat_link_state_e
ngx_gmchat_store_state(gmchat_store_t *store, const char **reason)
{
    if (store->cluster) {
        return ngx_gmchat_cluster_state(store->cluster, reason);
    }

    if (reason) {
        *reason = store->redis->link.reason;
    }

    return store->redis->link.state;
}


/* One server's links show themselves. */

void
ngx_gmchat_store_show(gmchat_store_t *store)
{
    if (store->cluster) {
        store->gauges->state = ngx_gmchat_cluster_state(store->cluster, NULL)
                               + 1;
        store->gauges->wake_state = ngx_gmchat_cluster_wake_state(
                                        store->cluster)
                                    + 1;
    }
}


void
ngx_gmchat_store_lost(gmchat_store_t *store)
{
    if (store->sentinels) {
        ngx_gmchat_sentinels_ask(store->sentinels);
    }

    if (store->cluster) {
        ngx_gmchat_cluster_refresh(store->cluster);
    }
}


/* Calls */


ngx_gmchat_call_t *
ngx_gmchat_store_shift(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(queue)) {
        return NULL;
    }

    q = ngx_queue_head(queue);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_gmchat_call_t, queue);
}


ngx_gmchat_call_t *
ngx_gmchat_store_new_call(gmchat_store_t *store)
{
    ngx_gmchat_call_t  *call;

    call = ngx_gmchat_store_shift(&store->free);

    if (call == NULL) {
        return ngx_alloc(sizeof(ngx_gmchat_call_t), &store->log);
    }

    store->nfree--;

    return call;
}


void
ngx_gmchat_store_free_call(gmchat_store_t *store, ngx_gmchat_call_t *call)
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
ngx_gmchat_store_end_call(gmchat_store_t *store, ngx_gmchat_call_t *call,
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

    ngx_gmchat_store_free_call(store, call);

    done(data, outcome, value);
}


void
ngx_gmchat_store_refuse(gmchat_store_t *store, ngx_gmchat_call_t *call)
{
    ngx_queue_insert_tail(&store->refused, &call->queue);
    ngx_post_event(&store->refuse, &ngx_posted_events);
}


static void
ngx_gmchat_store_refuse_handler(ngx_event_t *ev)
{
    ngx_queue_t         refused;
    gmchat_store_t     *store;
    ngx_gmchat_call_t  *call;

    store = ev->data;

    ngx_queue_init(&refused);
    ngx_queue_add(&refused, &store->refused);
    ngx_queue_init(&store->refused);

    while ((call = ngx_gmchat_store_shift(&refused)) != NULL) {
        ngx_gmchat_store_end_call(store, call, GMCHAT_STORE_REFUSED, NULL);
    }
}


static size_t
ngx_gmchat_store_size(const gmchat_script_call_t *script)
{
    size_t    size;
    unsigned  i;

    size = sizeof(ngx_gmchat_call_t);

    for (i = 0; i < script->n; i++) {
        size += script->words[i].len + NGX_GMCHAT_WORD_FRAME;
    }

    return size;
}


void
ngx_gmchat_store_dispatch(gmchat_store_t *store, ngx_gmchat_call_t *call)
{
    if (store->cluster) {
        ngx_gmchat_cluster_dispatch(store->cluster, call);
        return;
    }

    ngx_gmchat_redis_submit(store->redis, call);
}


int
gmchat_store_submit(gmchat_store_t *store, const gmchat_script_call_t *script,
    gmchat_store_done_pt done, void *data)
{
    ngx_gmchat_call_t  *call;

    call = ngx_gmchat_store_new_call(store);
    if (call == NULL) {
        return -1;
    }

    ngx_memzero(call, sizeof(ngx_gmchat_call_t));
    call->script = *script;
    call->done = done;
    call->data = data;
    call->size = ngx_gmchat_store_size(script);
    call->first = ngx_current_msec;

    store->ncalls++;
    store->nbytes += call->size;
    store->gauges->queue = store->ncalls;
    (void) ngx_atomic_fetch_add(&store->counters->calls, 1);

    if (store->ncalls > store->conf->queue_calls
        || store->nbytes > store->conf->queue_bytes)
    {
        (void) ngx_atomic_fetch_add(&store->counters->overflows, 1);
        ngx_gmchat_store_refuse(store, call);
        return 0;
    }

    ngx_gmchat_store_dispatch(store, call);

    return 0;
}


int
gmchat_store_subscribe(gmchat_store_t *store, gmchat_sub_t *sub,
    const gmchat_str_t *channel, int *active)
{
    gmchat_store_unsubscribe(store, sub);

    return ngx_gmchat_pubsub_join(store->cluster
                                      ? ngx_gmchat_cluster_pubsub(
                                            store->cluster, channel)
                                      : &store->redis->pubsub,
                                  sub, channel, active);
}


int
gmchat_store_active(const gmchat_sub_t *sub)
{
    return sub->channel && !sub->waits && ngx_gmchat_pubsub_active(sub);
}


void
gmchat_store_unsubscribe(gmchat_store_t *store, gmchat_sub_t *sub)
{
    (void) store;

    if (sub->channel) {
        ngx_gmchat_pubsub_leave(sub);
    }
}

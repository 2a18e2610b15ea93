#include "ngx_gmchat_cluster_internal.h"


/* A call that keeps being sent elsewhere is refused after so many. */
#define NGX_GMCHAT_MOVES  5

/* Milliseconds between the tries of a call whose slot is on the move. */
#define NGX_GMCHAT_AGAIN  20


static void ngx_gmchat_cluster_again_handler(ngx_event_t *ev);


/* Opening and closing */


ngx_gmchat_cluster_t *
ngx_gmchat_cluster_open(gmchat_store_t *store, ngx_pool_t *pool)
{
    ngx_gmchat_cluster_t  *cluster;

    cluster = ngx_pcalloc(pool, sizeof(ngx_gmchat_cluster_t));
    if (cluster == NULL) {
        return NULL;
    }

    cluster->store = store;

    ngx_queue_init(&cluster->servers);
    ngx_queue_init(&cluster->waiting);
    ngx_queue_init(&cluster->later);

    cluster->again.handler = ngx_gmchat_cluster_again_handler;
    cluster->again.data = cluster;
    cluster->again.log = &store->log;

    cluster->nowhere.store = store;
    cluster->nowhere.label = store->conf->name;
    ngx_gmchat_redis_init(&cluster->nowhere, 0);

    ngx_gmchat_cluster_map_init(cluster);

    return cluster;
}


void
ngx_gmchat_cluster_close(ngx_gmchat_cluster_t *cluster)
{
    ngx_queue_t         *q;
    ngx_gmchat_redis_t  *redis;

    cluster->closing = 1;
    cluster->known = 0;
    ngx_memzero(cluster->slots, sizeof(cluster->slots));

    ngx_gmchat_cluster_map_close(cluster);

    while (!ngx_queue_empty(&cluster->servers)) {
        q = ngx_queue_head(&cluster->servers);
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        ngx_queue_remove(q);
        ngx_gmchat_redis_close(redis);
        ngx_free(redis);
    }

    ngx_gmchat_redis_close(&cluster->nowhere);

    ngx_queue_add(&cluster->waiting, &cluster->later);
    ngx_queue_init(&cluster->later);
    ngx_gmchat_cluster_give_up(cluster);

    ngx_gmchat_link_stop_event(&cluster->again);
}


/* Servers */


ngx_gmchat_redis_t *
ngx_gmchat_cluster_server(ngx_gmchat_cluster_t *cluster,
    const gmchat_str_t *host, unsigned port)
{
    ngx_queue_t         *q;
    ngx_gmchat_redis_t  *redis;

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = ngx_queue_next(q))
    {
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        if (ngx_gmchat_endpoint_is(&redis->endpoint, host, port)) {
            return redis;
        }
    }

    redis = ngx_calloc(sizeof(ngx_gmchat_redis_t), &cluster->store->log);
    if (redis == NULL) {
        return NULL;
    }

    redis->store = cluster->store;
    ngx_gmchat_redis_init(redis, 0);

    if (ngx_gmchat_redis_at(redis, host, port) != NGX_OK) {
        ngx_free(redis);
        return NULL;
    }

    ngx_queue_insert_tail(&cluster->servers, &redis->queue);
    ngx_gmchat_link_event(&redis->link, GMCHAT_LINK_START);

    return redis;
}


void
ngx_gmchat_cluster_has(ngx_gmchat_redis_t *redis)
{
    if (redis->bare) {
        redis->bare = 0;
        ngx_gmchat_redis_probe_handler(&redis->probe);
    }
}


/* The worse of two states: one that refuses, then one that is not ready. */

static gmchat_link_state_e
ngx_gmchat_cluster_worse(gmchat_link_state_e a, gmchat_link_state_e b)
{
    if (gmchat_link_refuses(a) != gmchat_link_refuses(b)) {
        return gmchat_link_refuses(a) ? a : b;
    }

    return a == GMCHAT_LINK_READY ? b : a;
}


gmchat_link_state_e
ngx_gmchat_cluster_state(ngx_gmchat_cluster_t *cluster, const char **reason)
{
    ngx_uint_t            i;
    ngx_gmchat_redis_t   *redis, *last;
    gmchat_link_state_e   state, worse;

    if (reason) {
        *reason = cluster->map.reason;
    }

    if (!cluster->known) {
        return cluster->map.state;
    }

    last = NULL;
    state = GMCHAT_LINK_READY;

    for (i = 0; i < GMCHAT_CLUSTER_SLOTS; i++) {
        redis = cluster->slots[i];

        if (redis == NULL) {
            if (reason) {
                *reason = "nobody has some of the slots";
            }

            return GMCHAT_LINK_WAITING;
        }

        if (redis == last) {
            continue;
        }

        last = redis;
        worse = ngx_gmchat_cluster_worse(state, redis->link.state);

        if (worse != state && reason) {
            *reason = redis->link.reason;
        }

        state = worse;
    }

    return state;
}


gmchat_link_state_e
ngx_gmchat_cluster_wake_state(ngx_gmchat_cluster_t *cluster)
{
    ngx_uint_t            used;
    ngx_queue_t          *q;
    ngx_gmchat_redis_t   *redis;
    gmchat_link_state_e   state;

    used = 0;
    state = GMCHAT_LINK_READY;

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = ngx_queue_next(q))
    {
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        if (redis->pubsub.link.state != GMCHAT_LINK_IDLE) {
            used = 1;
            state = ngx_gmchat_cluster_worse(state, redis->pubsub.link.state);
        }
    }

    return used ? state : GMCHAT_LINK_IDLE;
}


ngx_gmchat_pubsub_t *
ngx_gmchat_cluster_pubsub(ngx_gmchat_cluster_t *cluster,
    const gmchat_str_t *channel)
{
    ngx_gmchat_redis_t  *redis;

    redis = cluster->slots[gmchat_cluster_slot(channel)];

    return redis ? &redis->pubsub : &cluster->nowhere.pubsub;
}


/* Calls */


void
ngx_gmchat_cluster_give_up(ngx_gmchat_cluster_t *cluster)
{
    ngx_gmchat_call_t  *call;

    while ((call = ngx_gmchat_store_shift(&cluster->waiting)) != NULL) {
        ngx_gmchat_store_refuse(cluster->store, call);
    }
}


/* Calls that come back to the queue meanwhile are left there. */

static void
ngx_gmchat_cluster_redo(ngx_gmchat_cluster_t *cluster, ngx_queue_t *queue)
{
    ngx_queue_t         calls;
    ngx_gmchat_call_t  *call;

    ngx_queue_init(&calls);
    ngx_queue_add(&calls, queue);
    ngx_queue_init(queue);

    while ((call = ngx_gmchat_store_shift(&calls)) != NULL) {
        ngx_gmchat_cluster_dispatch(cluster, call);
    }
}


void
ngx_gmchat_cluster_release(ngx_gmchat_cluster_t *cluster)
{
    ngx_gmchat_cluster_redo(cluster, &cluster->waiting);
}


static void
ngx_gmchat_cluster_again_handler(ngx_event_t *ev)
{
    ngx_gmchat_cluster_t  *cluster;

    cluster = ev->data;
    ngx_gmchat_cluster_redo(cluster, &cluster->later);
}


/* Tries a call again in a while: what stands in its way passes. */

static void
ngx_gmchat_cluster_later(ngx_gmchat_cluster_t *cluster,
    ngx_gmchat_call_t *call)
{
    if (ngx_current_msec - call->first >= cluster->store->conf->timeout) {
        ngx_gmchat_store_refuse(cluster->store, call);
        return;
    }

    ngx_queue_insert_tail(&cluster->later, &call->queue);

    if (!cluster->again.timer_set && !cluster->closing) {
        ngx_add_timer(&cluster->again, NGX_GMCHAT_AGAIN);
    }
}


void
ngx_gmchat_cluster_dispatch(ngx_gmchat_cluster_t *cluster,
    ngx_gmchat_call_t *call)
{
    ngx_gmchat_redis_t  *redis;

    if (!cluster->known) {
        if (gmchat_link_refuses(cluster->map.state)) {
            ngx_gmchat_store_refuse(cluster->store, call);
            return;
        }

        /* a worker that exits waits for the slots, too */

        ngx_queue_insert_tail(&cluster->waiting, &call->queue);
        cluster->map.deadline.cancelable = 0;
        return;
    }

    call->slot = gmchat_cluster_slot(&call->script.words[0])
                 & (GMCHAT_CLUSTER_SLOTS - 1);
    call->asking = 0;

    redis = cluster->slots[call->slot];

    if (redis == NULL) {
        ngx_gmchat_cluster_later(cluster, call);
        return;
    }

    ngx_gmchat_redis_submit(redis, call);
}


/*
 * A slot that is being moved.  Our scripts use keys that they do not name, so
 * the new server may run them only once the old one has no key of the slot
 * left; the first key that they name is no key at all, so the old one runs
 * none from the beginning of the move on.
 */

static void
ngx_gmchat_cluster_counted(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_queue_t           *q;
    ngx_gmchat_call_t     *call;
    ngx_gmchat_redis_t    *redis;
    ngx_gmchat_cluster_t  *cluster;

    call = data;
    cluster = call->cluster;

    if (outcome == GMCHAT_STORE_REPLY && value->kind == GMCHAT_VALUE_INTEGER
        && value->integer == 0 && !cluster->closing)
    {
        for (q = ngx_queue_head(&cluster->servers);
             q != ngx_queue_sentinel(&cluster->servers);
             q = ngx_queue_next(q))
        {
            redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

            if (redis == call->target) {
                call->asking = 1;
                ngx_gmchat_redis_submit(redis, call);
                return;
            }
        }
    }

    ngx_gmchat_cluster_later(cluster, call);
}


static ngx_int_t
ngx_gmchat_cluster_ask(ngx_gmchat_redis_t *redis, ngx_gmchat_call_t *call,
    ngx_gmchat_redis_t *target)
{
    u_char        slot[NGX_INT_T_LEN];
    gmchat_str_t  words[3] = { gmchat_string("CLUSTER"),
                               gmchat_string("COUNTKEYSINSLOT"),
                               { 0, slot } };

    call->target = target;
    call->cluster = redis->store->cluster;
    words[2].len = (size_t) (ngx_sprintf(slot, "%ui", (ngx_uint_t) call->slot)
                             - slot);

    if (!ngx_gmchat_redis_serves(redis)
        || ngx_gmchat_redis_ask(redis, ngx_gmchat_cluster_counted, call,
                                words, 3)
           != NGX_OK)
    {
        ngx_gmchat_cluster_later(call->cluster, call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_gmchat_cluster_redirect(ngx_gmchat_redis_t *redis,
    ngx_gmchat_call_t *call, const gmchat_fault_t *fault,
    const gmchat_str_t *error)
{
    gmchat_redirect_t      redirect;
    ngx_gmchat_redis_t    *target;
    ngx_gmchat_cluster_t  *cluster;

    cluster = redis->store->cluster;

    if (fault->cure == GMCHAT_FAULT_LATER) {
        ngx_gmchat_cluster_refresh(cluster);
        ngx_gmchat_cluster_later(cluster, call);
        return NGX_OK;
    }

    if (!gmchat_cluster_redirect(&redirect, error) || redirect.port == 0
        || redirect.slot != call->slot)
    {
        return NGX_DECLINED;
    }

    if (redirect.host.len == 0) {
        redirect.host.data = redis->endpoint.host.data;
        redirect.host.len = redis->endpoint.host.len;
    }

    target = ngx_gmchat_cluster_server(cluster, &redirect.host, redirect.port);
    if (target == NULL) {
        return NGX_DECLINED;
    }

    (void) ngx_atomic_fetch_add(&redis->counters->redirects, 1);

    if (redirect.kind == GMCHAT_REDIRECT_ASK) {
        return ngx_gmchat_cluster_ask(redis, call, target);
    }

    ngx_gmchat_cluster_refresh(cluster);

    if (call->moves == NGX_GMCHAT_MOVES) {
        call->moves = 0;
        ngx_gmchat_cluster_later(cluster, call);
        return NGX_OK;
    }

    call->moves++;
    cluster->slots[call->slot] = target;
    ngx_gmchat_cluster_has(target);
    ngx_gmchat_cluster_dispatch(cluster, call);

    return NGX_OK;
}

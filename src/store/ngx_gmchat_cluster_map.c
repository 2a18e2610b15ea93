#include "ngx_gmchat_cluster_internal.h"


/* Milliseconds between two questions where something is amiss, and between two
 * sweeps. */
#define NGX_GMCHAT_HURRY  100
#define NGX_GMCHAT_SWEEP  5000


static ngx_int_t ngx_gmchat_cluster_map_setup(ngx_gmchat_link_t *link);
static void ngx_gmchat_cluster_map_serve(ngx_gmchat_link_t *link,
    ngx_uint_t back);
static ngx_int_t ngx_gmchat_cluster_map_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
static void ngx_gmchat_cluster_map_overdue(ngx_gmchat_link_t *link);
static void ngx_gmchat_cluster_map_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason);
static void ngx_gmchat_cluster_map_end(ngx_gmchat_link_t *link);

static void ngx_gmchat_cluster_refresh_handler(ngx_event_t *ev);
static void ngx_gmchat_cluster_rest_handler(ngx_event_t *ev);
static void ngx_gmchat_cluster_sweep_handler(ngx_event_t *ev);


/* A connection for each question: it goes to a server that is well, also where
 * the one that was asked before is not, or is none of the cluster any more. */

static const ngx_gmchat_link_handlers_t  ngx_gmchat_cluster_map_handlers = {
    ngx_gmchat_cluster_map_setup,
    ngx_gmchat_cluster_map_serve,
    ngx_gmchat_cluster_map_answer,
    NULL,
    ngx_gmchat_cluster_map_overdue,
    ngx_gmchat_cluster_map_lost,
    ngx_gmchat_cluster_map_end
};


void
ngx_gmchat_cluster_map_init(ngx_gmchat_cluster_t *cluster)
{
    gmchat_store_t     *store;
    ngx_gmchat_link_t  *link;

    store = cluster->store;

    link = &cluster->map;
    link->handlers = &ngx_gmchat_cluster_map_handlers;
    link->data = cluster;
    link->conf = store->conf;
    link->access = &store->conf->access;
    link->endpoint = &store->conf->endpoints[0];
    link->gauge = &cluster->map_state;
    link->cancelable = 1;
    ngx_gmchat_link_init(link, &store->log);

    ngx_gmchat_link_init_event(link, &cluster->refresh,
                               ngx_gmchat_cluster_refresh_handler, cluster);
    ngx_gmchat_link_init_event(link, &cluster->rest,
                               ngx_gmchat_cluster_rest_handler, cluster);
    ngx_gmchat_link_init_event(link, &cluster->sweep,
                               ngx_gmchat_cluster_sweep_handler, cluster);

    ngx_gmchat_link_event(link, GMCHAT_LINK_START);
}


void
ngx_gmchat_cluster_map_close(ngx_gmchat_cluster_t *cluster)
{
    ngx_gmchat_link_close(&cluster->map);

    ngx_gmchat_link_stop_event(&cluster->refresh);
    ngx_gmchat_link_stop_event(&cluster->rest);
    ngx_gmchat_link_stop_event(&cluster->sweep);
}


/* Whom to ask */


static ngx_uint_t
ngx_gmchat_cluster_well(ngx_gmchat_redis_t *redis)
{
    return ngx_gmchat_redis_serves(redis)
           && ngx_gmchat_redis_silence(redis) < NGX_GMCHAT_DOUBT;
}


/* The next one of those that are well; where none is, all and the
 * configuration's take turns. */

static const ngx_gmchat_endpoint_t *
ngx_gmchat_cluster_whom(ngx_gmchat_cluster_t *cluster)
{
    ngx_uint_t           n, well, turn;
    ngx_queue_t         *q;
    ngx_gmchat_redis_t  *redis;

    n = 0;
    well = 0;

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = ngx_queue_next(q))
    {
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);
        well += ngx_gmchat_cluster_well(redis);
        n++;
    }

    n += cluster->store->conf->url.nhosts;
    turn = cluster->turn++ % (well ? well : n);

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = ngx_queue_next(q))
    {
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        if ((well == 0 || ngx_gmchat_cluster_well(redis)) && turn-- == 0) {
            return &redis->endpoint;
        }
    }

    return &cluster->store->conf->endpoints[turn];
}


/* When to ask */


static void
ngx_gmchat_cluster_refresh_in(ngx_gmchat_cluster_t *cluster, ngx_msec_t ms)
{
    if (cluster->closing) {
        return;
    }

    if (cluster->refresh.timer_set) {
        if ((ngx_msec_int_t) (cluster->refresh.timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) ms)
        {
            return;
        }

        ngx_del_timer(&cluster->refresh);
    }

    ngx_add_timer(&cluster->refresh, ms);
}


void
ngx_gmchat_cluster_refresh(ngx_gmchat_cluster_t *cluster)
{
    cluster->stale = 1;
    ngx_gmchat_cluster_refresh_in(cluster, cluster->map.state
                                           == GMCHAT_LINK_IDLE
                                               ? 1 : NGX_GMCHAT_HURRY);
}


static void
ngx_gmchat_cluster_refresh_handler(ngx_event_t *ev)
{
    ngx_gmchat_cluster_t  *cluster;

    cluster = ev->data;

    if (cluster->map.state == GMCHAT_LINK_IDLE) {
        cluster->map.endpoint = ngx_gmchat_cluster_whom(cluster);
    }

    ngx_gmchat_link_event(&cluster->map, GMCHAT_LINK_START);
}


static void
ngx_gmchat_cluster_rest_handler(ngx_event_t *ev)
{
    const char            *reason;
    ngx_gmchat_cluster_t  *cluster;

    cluster = ev->data;
    ngx_gmchat_link_event(&cluster->map, GMCHAT_LINK_REST);
    cluster->map.endpoint = &cluster->store->conf->endpoints[0];

    if (ngx_gmchat_cluster_state(cluster, &reason) != GMCHAT_LINK_READY) {
        ngx_gmchat_cluster_refresh_in(cluster, NGX_GMCHAT_HURRY);

    } else if (cluster->store->conf->probe) {
        ngx_gmchat_cluster_refresh_in(cluster, cluster->store->conf->probe);
    }
}


/* The link */


static ngx_int_t
ngx_gmchat_cluster_map_setup(ngx_gmchat_link_t *link)
{
    size_t                 n;
    gmchat_str_t           words[3];
    ngx_gmchat_cluster_t  *cluster;

    static const gmchat_str_t  slots[] = { gmchat_string("CLUSTER"),
                                           gmchat_string("SLOTS") };

    cluster = link->data;
    cluster->answers = 1;

    n = ngx_gmchat_wire_auth(link, words);

    if (n) {
        cluster->answers++;

        if (ngx_gmchat_wire_put(link, words, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_gmchat_wire_put(link, slots, 2);
}


static void
ngx_gmchat_cluster_map_serve(ngx_gmchat_link_t *link, ngx_uint_t back)
{
    ngx_gmchat_cluster_t  *cluster;

    (void) back;
    cluster = link->data;

    /* not from inside: its reply is being read */

    ngx_post_event(&cluster->rest, &ngx_posted_events);
}


static void
ngx_gmchat_cluster_map_overdue(ngx_gmchat_link_t *link)
{
    (void) link;
}


static void
ngx_gmchat_cluster_map_lost(ngx_gmchat_link_t *link,
    ngx_gmchat_cause_e cause, const char *reason)
{
    ngx_gmchat_cluster_t  *cluster;

    cluster = link->data;

    (void) ngx_atomic_fetch_add(&cluster->store->counters->lost[cause], 1);

    ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                  "gmchat: store %V cannot be asked for its slots at %V: %s",
                  &cluster->store->conf->name, &link->endpoint->name, reason);

    link->endpoint = ngx_gmchat_cluster_whom(cluster);
}


static void
ngx_gmchat_cluster_map_end(ngx_gmchat_link_t *link)
{
    ngx_gmchat_cluster_t  *cluster;

    cluster = link->data;

    if (!cluster->known) {
        ngx_gmchat_cluster_give_up(cluster);
    }

    ngx_gmchat_store_show(cluster->store);
}


/* The map */


/* Whether a reply has all that it should; the number of its ranges. */

static ngx_int_t
ngx_gmchat_cluster_ranges(const gmchat_value_t *value, size_t *n)
{
    int                     rc;
    gmchat_cluster_range_t  range;

    for (*n = 0; /* void */ ; (*n)++) {
        rc = gmchat_cluster_range(&range, value, *n);

        if (rc <= 0) {
            return rc == 0 && *n ? NGX_OK : NGX_ERROR;
        }
    }
}


/* Notes who has the slots; returns how many changed. */

static ngx_uint_t
ngx_gmchat_cluster_learn(ngx_gmchat_cluster_t *cluster,
    const gmchat_value_t *value, size_t n)
{
    size_t                   i;
    ngx_uint_t               slot, changed;
    ngx_gmchat_redis_t      *redis;
    gmchat_cluster_range_t   range;

    static u_char  seen[GMCHAT_CLUSTER_SLOTS];

    changed = 0;
    ngx_memzero(seen, sizeof(seen));

    for (i = 0; i < n; i++) {
        (void) gmchat_cluster_range(&range, value, i);

        if (range.port == 0) {
            continue;
        }

        if (range.host.len == 0) {
            range.host.data = cluster->map.endpoint->host.data;
            range.host.len = cluster->map.endpoint->host.len;
        }

        redis = ngx_gmchat_cluster_server(cluster, &range.host, range.port);

        for (slot = range.first; redis && slot <= range.last; slot++) {
            changed += cluster->slots[slot] != redis;
            cluster->slots[slot] = redis;
            seen[slot] = 1;
        }
    }

    for (slot = 0; slot < GMCHAT_CLUSTER_SLOTS; slot++) {
        if (!seen[slot]) {
            changed += cluster->slots[slot] != NULL;
            cluster->slots[slot] = NULL;
        }
    }

    return changed;
}


static ngx_uint_t
ngx_gmchat_cluster_has_slots(ngx_gmchat_redis_t *redis)
{
    ngx_uint_t             slot;
    ngx_gmchat_cluster_t  *cluster;

    cluster = redis->store->cluster;

    for (slot = 0; slot < GMCHAT_CLUSTER_SLOTS; slot++) {
        if (cluster->slots[slot] == redis) {
            return 1;
        }
    }

    return 0;
}


/* Channels go where their slots went; a server that has none any more and does
 * not answer is not waited for. */

static void
ngx_gmchat_cluster_move(ngx_gmchat_cluster_t *cluster)
{
    ngx_queue_t         *q, *next;
    ngx_gmchat_redis_t  *redis;

    ngx_gmchat_pubsub_relocate(&cluster->nowhere.pubsub);

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = next)
    {
        next = ngx_queue_next(q);
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        ngx_gmchat_pubsub_relocate(&redis->pubsub);

        if (ngx_gmchat_cluster_has_slots(redis)) {
            ngx_gmchat_cluster_has(redis);
            continue;
        }

        redis->bare = 1;

        if (ngx_gmchat_redis_silence(redis) >= NGX_GMCHAT_DOUBT) {
            ngx_gmchat_link_lose(&redis->link, NGX_GMCHAT_CAUSE_SWITCHED,
                                 "another server has its slots now");
        }

        if (!cluster->sweep.timer_set) {
            ngx_add_timer(&cluster->sweep, NGX_GMCHAT_SWEEP);
        }
    }
}


static ngx_int_t
ngx_gmchat_cluster_map_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value)
{
    size_t                 n;
    ngx_uint_t             changed;
    ngx_gmchat_cause_e     cause;
    ngx_gmchat_cluster_t  *cluster;

    cluster = link->data;

    if (value->kind == GMCHAT_VALUE_ERROR) {
        cause = ngx_gmchat_redis_cause_of(&value->str);
        ngx_gmchat_link_speak(link, cause);

        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: store %V does not tell its slots: \"%*s\"",
                      &cluster->store->conf->name, value->str.len,
                      value->str.data);

        ngx_gmchat_link_lose(link, cause, ngx_gmchat_store_cause(cause));
        return NGX_OK;
    }

    if (cluster->answers == 0) {
        return NGX_ERROR;
    }

    if (--cluster->answers) {
        return NGX_OK;
    }

    if (ngx_gmchat_cluster_ranges(value, &n) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_SETUP,
                             "it told no slots");
        return NGX_OK;
    }

    changed = ngx_gmchat_cluster_learn(cluster, value, n);

    if (changed && cluster->known) {
        (void) ngx_atomic_fetch_add(&cluster->store->counters->switches, 1);
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "gmchat: store %V moved %ui slots",
                      &cluster->store->conf->name, changed);
    }

    cluster->known = 1;

    if (changed || cluster->stale) {
        cluster->stale = 0;
        ngx_gmchat_cluster_move(cluster);
    }

    ngx_gmchat_cluster_release(cluster);
    ngx_gmchat_link_event(link, GMCHAT_LINK_PREPARED);
    ngx_gmchat_store_show(cluster->store);

    return NGX_OK;
}


/* Servers that have no slots and are not in use any more */


static void
ngx_gmchat_cluster_sweep_handler(ngx_event_t *ev)
{
    ngx_uint_t             left;
    ngx_queue_t           *q, *next;
    ngx_gmchat_redis_t    *redis;
    ngx_gmchat_cluster_t  *cluster;

    cluster = ev->data;
    left = 0;

    for (q = ngx_queue_head(&cluster->servers);
         q != ngx_queue_sentinel(&cluster->servers);
         q = next)
    {
        next = ngx_queue_next(q);
        redis = ngx_queue_data(q, ngx_gmchat_redis_t, queue);

        if (ngx_gmchat_cluster_has_slots(redis)) {
            continue;
        }

        if (cluster->map.endpoint == &redis->endpoint
            || !ngx_gmchat_redis_idle(redis))
        {
            left++;
            continue;
        }

        ngx_queue_remove(q);
        ngx_gmchat_redis_close(redis);
        ngx_free(redis);
    }

    if (left) {
        ngx_add_timer(&cluster->sweep, NGX_GMCHAT_SWEEP);
    }
}

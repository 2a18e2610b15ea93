#include "ngx_http_gmchat_stat.h"


const ngx_http_gmchat_bucket_t
    ngx_http_gmchat_buckets[NGX_HTTP_GMCHAT_BUCKETS] =
{
    { 100, "0.0001" },
    { 250, "0.00025" },
    { 500, "0.0005" },
    { 1000, "0.001" },
    { 2500, "0.0025" },
    { 5000, "0.005" },
    { 10000, "0.01" },
    { 25000, "0.025" },
    { 50000, "0.05" },
    { 100000, "0.1" },
    { 500000, "0.5" },
    { 1000000, "1" }
};


ngx_http_gmchat_stat_t  *ngx_http_gmchat_stat;


static void
ngx_http_gmchat_stat_name(u_char *name, ngx_http_gmchat_store_t *store)
{
    ngx_memzero(name, NGX_HTTP_GMCHAT_STORE_NAME);
    (void) ngx_cpystrn(name, store->redis.name.data,
                       ngx_min(NGX_HTTP_GMCHAT_STORE_NAME,
                               store->redis.name.len + 1));
}


/* The row that bears a name, or the first that bears none. */

static ngx_int_t
ngx_http_gmchat_stat_find(ngx_http_gmchat_stat_t *stat, const u_char *name)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_GMCHAT_ROWS; i++) {
        if (ngx_strcmp(stat->stores[i].name, name) == 0) {
            return (ngx_int_t) i;
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_gmchat_stat_alive(ngx_http_gmchat_worker_t *worker)
{
    return worker->pid != 0
           && (kill((ngx_pid_t) worker->pid, 0) == 0 || ngx_errno != ESRCH);
}


ngx_uint_t
ngx_http_gmchat_stat_linked(ngx_http_gmchat_stat_t *stat, ngx_uint_t row)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        if (stat->workers[i].links[row].state != 0
            && ngx_http_gmchat_stat_alive(&stat->workers[i]))
        {
            return 1;
        }
    }

    return 0;
}


/* A row that nobody has, or that nobody uses any more; `taken` are those of
 * the new configuration. */

static ngx_int_t
ngx_http_gmchat_stat_claim(ngx_http_gmchat_stat_t *stat, const u_char *taken)
{
    ngx_int_t  row;

    row = ngx_http_gmchat_stat_find(stat, (u_char *) "");
    if (row != NGX_DECLINED) {
        return row;
    }

    for (row = 0; row < NGX_HTTP_GMCHAT_ROWS; row++) {
        if (!taken[row] && !ngx_http_gmchat_stat_linked(stat, row)) {
            ngx_memzero(&stat->stores[row],
                        sizeof(ngx_http_gmchat_store_stat_t));
            return row;
        }
    }

    return NGX_DECLINED;
}


/*
 * A store keeps its row, and what was counted there, over a reload; stores of
 * the same name share one.  Rows of stores that the configuration no longer
 * has stay until they are needed: workers of the one before may use them, and
 * this configuration may yet be refused.
 */

static ngx_int_t
ngx_http_gmchat_stat_assign(ngx_http_gmchat_stat_t *stat,
    ngx_http_gmchat_main_conf_t *gmcf)
{
    u_char                     name[NGX_HTTP_GMCHAT_STORE_NAME];
    u_char                     taken[NGX_HTTP_GMCHAT_ROWS];
    ngx_int_t                  row;
    ngx_uint_t                 i;
    ngx_http_gmchat_store_t  **stores;

    stores = gmcf->stores.elts;
    ngx_memzero(taken, sizeof(taken));

    for (i = 0; i < gmcf->stores.nelts; i++) {
        ngx_http_gmchat_stat_name(name, stores[i]);
        row = ngx_http_gmchat_stat_find(stat, name);
        if (row != NGX_DECLINED) {
            taken[row] = 1;
        }
    }

    for (i = 0; i < gmcf->stores.nelts; i++) {
        ngx_http_gmchat_stat_name(name, stores[i]);
        row = ngx_http_gmchat_stat_find(stat, name);

        if (row == NGX_DECLINED) {
            row = ngx_http_gmchat_stat_claim(stat, taken);
        }

        if (row == NGX_DECLINED) {
            return NGX_ERROR;
        }

        taken[row] = 1;
        ngx_memcpy(stat->stores[row].name, name, sizeof(name));
        stores[i]->index = (ngx_uint_t) row;
    }

    return NGX_OK;
}


/* A reload keeps what was counted. */

static ngx_int_t
ngx_http_gmchat_stat_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t         *slab;
    ngx_http_gmchat_stat_t  *stat;

    slab = (ngx_slab_pool_t *) zone->shm.addr;
    stat = slab->data;

    if (stat == NULL) {
        stat = ngx_slab_calloc(slab, sizeof(ngx_http_gmchat_stat_t));
        if (stat == NULL) {
            return NGX_ERROR;
        }

        slab->data = stat;
    }

    ngx_http_gmchat_stat = stat;

    if (ngx_http_gmchat_stat_assign(stat, zone->data) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, 0,
                      "gmchat: the workers of earlier configurations use too "
                      "many other stores: wait until they are gone");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_gmchat_stat_add(ngx_conf_t *cf, ngx_http_gmchat_main_conf_t *gmcf)
{
    size_t            size;
    static ngx_str_t  name = ngx_string("gmchat");

    size = sizeof(ngx_http_gmchat_stat_t) + 8 * ngx_pagesize;

    gmcf->zone = ngx_shared_memory_add(cf, &name, size,
                                       &ngx_http_gmchat_module);
    if (gmcf->zone == NULL) {
        return NGX_ERROR;
    }

    gmcf->zone->init = ngx_http_gmchat_stat_init_zone;
    gmcf->zone->data = gmcf;

    return NGX_OK;
}


/* The first row of the table that has the action's endpoint and name. */

static ngx_uint_t
ngx_http_gmchat_stat_row(const gmchat_action_t *action)
{
    const gmchat_action_t  *row;

    for (row = gmchat_actions; row != action; row++) {
        if (row->endpoint == action->endpoint
            && ngx_strcmp(row->name, action->name) == 0)
        {
            break;
        }
    }

    return row - gmchat_actions;
}


void
ngx_http_gmchat_stat_call(ngx_http_gmchat_call_t *call)
{
    ngx_uint_t  endpoint, row;

    endpoint = call->conf->kind == NGX_HTTP_GMCHAT_GM ? 0 : 1;
    row = call->action ? ngx_http_gmchat_stat_row(call->action)
                       : NGX_HTTP_GMCHAT_ACTIONS - 1;

    (void) ngx_atomic_fetch_add(
               &ngx_http_gmchat_stat->calls[endpoint][row][call->status], 1);
}


void
ngx_http_gmchat_stat_store_time(uint64_t us)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_GMCHAT_BUCKETS; i++) {
        if (us <= ngx_http_gmchat_buckets[i].us) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat->buckets[i], 1);
    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat->store_us,
                                (ngx_atomic_int_t) us);
    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat->answers, 1);
}


ngx_gmchat_store_counters_t *
ngx_http_gmchat_stat_counters(ngx_http_gmchat_store_t *store)
{
    return &ngx_http_gmchat_stat->stores[store->index].counters;
}


static ngx_http_gmchat_worker_t *
ngx_http_gmchat_stat_worker(void)
{
    ngx_uint_t  slot;

    slot = ngx_process == NGX_PROCESS_SINGLE ? 0 : (ngx_uint_t)
                                                   ngx_process_slot;

    return &ngx_http_gmchat_stat->workers[slot];
}


ngx_gmchat_store_gauges_t *
ngx_http_gmchat_stat_gauges(ngx_http_gmchat_store_t *store)
{
    ngx_http_gmchat_worker_t  *worker;

    worker = ngx_http_gmchat_stat_worker();

    if (worker->pid != (ngx_atomic_uint_t) ngx_pid) {
        ngx_memzero(worker, sizeof(ngx_http_gmchat_worker_t));
        worker->pid = (ngx_atomic_uint_t) ngx_pid;
    }

    return &worker->links[store->index];
}


void
ngx_http_gmchat_stat_leave(void)
{
    ngx_http_gmchat_worker_t  *worker;

    worker = ngx_http_gmchat_stat_worker();

    if (worker->pid == (ngx_atomic_uint_t) ngx_pid) {
        worker->pid = 0;
    }
}


void
ngx_http_gmchat_stat_waits(ngx_http_gmchat_transport_e transport,
    ngx_int_t change)
{
    (void) ngx_atomic_fetch_add(
               &ngx_http_gmchat_stat_worker()->waiting[transport], change);
}


void
ngx_http_gmchat_stat_parked(ngx_int_t change)
{
    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat_worker()->parked,
                                change);
}


void
ngx_http_gmchat_stat_event(ngx_http_gmchat_transport_e transport)
{
    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat->events[transport], 1);
}


void
ngx_http_gmchat_stat_slow(void)
{
    (void) ngx_atomic_fetch_add(&ngx_http_gmchat_stat->slow, 1);
}


void
ngx_http_gmchat_stat_spared(ngx_http_gmchat_store_t *store)
{
    (void) ngx_atomic_fetch_add(
               &ngx_http_gmchat_stat->stores[store->index].counters.spared, 1);
}


ngx_atomic_t *
ngx_http_gmchat_stat_changes(uint32_t hash)
{
    return &ngx_http_gmchat_stat->changes[hash % NGX_HTTP_GMCHAT_CHANGES];
}

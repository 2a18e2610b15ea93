#include "ngx_http_gmchat.h"

#include "gmchat_json.h"


/* Rows of the action table, and one for calls whose action is not known. */
#define NGX_HTTP_GMCHAT_ACTIONS  48

#define NGX_HTTP_GMCHAT_BUCKETS  12

/* Stores of a configuration, and as many of those before it. */
#define NGX_HTTP_GMCHAT_ROWS  (2 * NGX_HTTP_GMCHAT_STORES)

/* What a store's label shows of its directive, with a zero byte. */
#define NGX_HTTP_GMCHAT_STORE_NAME  256


/* One worker's links, in the row of its slot in nginx's process table. */

typedef struct {
    ngx_atomic_t                  pid;
    ngx_gmchat_redis_gauges_t     links[NGX_HTTP_GMCHAT_ROWS];
} ngx_http_gmchat_worker_t;


typedef struct {
    u_char                        name[NGX_HTTP_GMCHAT_STORE_NAME];
    ngx_gmchat_redis_counters_t   counters;
} ngx_http_gmchat_store_stat_t;


struct ngx_http_gmchat_stat_s {
    ngx_atomic_t                  calls[2][NGX_HTTP_GMCHAT_ACTIONS]
                                       [GMCHAT_STATUSES];
    ngx_atomic_t                  buckets[NGX_HTTP_GMCHAT_BUCKETS + 1];
    ngx_atomic_t                  store_us;
    ngx_atomic_t                  answers;
    ngx_http_gmchat_store_stat_t  stores[NGX_HTTP_GMCHAT_ROWS];
    ngx_http_gmchat_worker_t      workers[NGX_MAX_PROCESSES];
};


/* Upper bounds in microseconds, and as Prometheus names them. */

typedef struct {
    uint64_t                      us;
    const char                   *seconds;
} ngx_http_gmchat_bucket_t;


static const ngx_http_gmchat_bucket_t
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


static const char *const  ngx_http_gmchat_endpoints[] = { "gm", "gs" };


static ngx_http_gmchat_stat_t  *ngx_http_gmchat_stat;


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


/* A worker that was killed leaves its row behind. */

static ngx_uint_t
ngx_http_gmchat_stat_alive(ngx_http_gmchat_worker_t *worker)
{
    return worker->pid != 0
           && (kill((ngx_pid_t) worker->pid, 0) == 0 || ngx_errno != ESRCH);
}


/* Whether a living worker has a link to the store of a row. */

static ngx_uint_t
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


ngx_gmchat_redis_counters_t *
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


ngx_gmchat_redis_gauges_t *
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


/* Writing them out: each figure is told once, to a function that puts it into
 * JSON or into Prometheus' text format. */


/* Stores that a worker has a link to are shown. */

static ngx_uint_t
ngx_http_gmchat_stat_shown(ngx_uint_t row)
{
    return ngx_http_gmchat_stat->stores[row].name[0] != '\0'
           && ngx_http_gmchat_stat_linked(ngx_http_gmchat_stat, row);
}


typedef struct {
    const char                   *label;
    const u_char                 *value;
} ngx_http_gmchat_label_t;


static void
ngx_http_gmchat_stat_series(gmchat_buf_t *buf, const char *name,
    const ngx_http_gmchat_label_t *labels, uint64_t value)
{
    const char  *comma;

    gmchat_buf_add_text(buf, name);

    for (comma = "{"; labels->label; labels++, comma = ",") {
        gmchat_buf_add_text(buf, comma);
        gmchat_buf_add_text(buf, labels->label);
        gmchat_buf_add_text(buf, "=");
        gmchat_json_string(buf, labels->value,
                           ngx_strlen(labels->value));
    }

    gmchat_buf_add_text(buf, comma[0] == ',' ? "} " : " ");
    gmchat_buf_add_int(buf, (int64_t) value);
    gmchat_buf_add_text(buf, "\n");
}


static void
ngx_http_gmchat_stat_help(gmchat_buf_t *buf, const char *name,
    const char *type, const char *help)
{
    gmchat_buf_add_text(buf, "# HELP ");
    gmchat_buf_add_text(buf, name);
    gmchat_buf_add_text(buf, " ");
    gmchat_buf_add_text(buf, help);
    gmchat_buf_add_text(buf, "\n# TYPE ");
    gmchat_buf_add_text(buf, name);
    gmchat_buf_add_text(buf, " ");
    gmchat_buf_add_text(buf, type);
    gmchat_buf_add_text(buf, "\n");
}


/* The errno label of a status: "none" where a refusal has no errno. */

static void
ngx_http_gmchat_stat_errno(u_char *text, gmchat_status_e status)
{
    int  code;

    code = gmchat_status_row(status)->code;

    if (code == 0 && status != GMCHAT_OK) {
        (void) ngx_sprintf(text, "none%Z");

    } else {
        (void) ngx_sprintf(text, "%d%Z", code);
    }
}


/* Whether two statuses have the same errno label. */

static ngx_uint_t
ngx_http_gmchat_stat_same(gmchat_status_e a, gmchat_status_e b)
{
    return a == b || (a != GMCHAT_OK && b != GMCHAT_OK
                      && gmchat_status_row(a)->code
                         == gmchat_status_row(b)->code);
}


/* Statuses that share an errno are one figure: it stands with the first. */

static uint64_t
ngx_http_gmchat_stat_calls(ngx_uint_t endpoint, ngx_uint_t row,
    gmchat_status_e status)
{
    uint64_t    n;
    ngx_uint_t  i;

    for (n = 0, i = 0; i < GMCHAT_STATUSES; i++) {

        if (!ngx_http_gmchat_stat_same(i, status)) {
            continue;
        }

        if (i < (ngx_uint_t) status) {
            return 0;
        }

        n += ngx_http_gmchat_stat->calls[endpoint][row][i];
    }

    return n;
}


typedef void (*ngx_http_gmchat_stat_call_pt)(gmchat_buf_t *buf,
    const char *endpoint, const char *action, u_char *code, uint64_t n);


static const char *
ngx_http_gmchat_stat_action(ngx_uint_t endpoint, ngx_uint_t row)
{
    ngx_uint_t  i;

    if (row == NGX_HTTP_GMCHAT_ACTIONS - 1) {
        return "";
    }

    for (i = 0; gmchat_actions[i].name; i++) {
        if (i == row && gmchat_actions[i].endpoint
                        == (endpoint == 0 ? GMCHAT_GM : GMCHAT_GS))
        {
            return gmchat_actions[i].name;
        }
    }

    return NULL;
}


static void
ngx_http_gmchat_stat_each_call(gmchat_buf_t *buf,
    ngx_http_gmchat_stat_call_pt tell)
{
    u_char       code[8];
    uint64_t     n;
    const char  *action;
    ngx_uint_t   endpoint, row, status;

    for (endpoint = 0; endpoint < 2; endpoint++) {
        for (row = 0; row < NGX_HTTP_GMCHAT_ACTIONS; row++) {

            action = ngx_http_gmchat_stat_action(endpoint, row);
            if (action == NULL) {
                continue;
            }

            for (status = 0; status < GMCHAT_STATUSES; status++) {
                n = ngx_http_gmchat_stat_calls(endpoint, row, status);
                if (n == 0) {
                    continue;
                }

                ngx_http_gmchat_stat_errno(code, status);
                tell(buf, ngx_http_gmchat_endpoints[endpoint], action, code,
                     n);
            }
        }
    }
}


static void
ngx_http_gmchat_stat_call_series(gmchat_buf_t *buf, const char *endpoint,
    const char *action, u_char *code, uint64_t n)
{
    const ngx_http_gmchat_label_t  labels[] = {
        { "endpoint", (const u_char *) endpoint },
        { "action", (const u_char *) action },
        { "errno", code },
        { NULL, NULL }
    };

    ngx_http_gmchat_stat_series(buf, "gmchat_calls_total", labels, n);
}


static void
ngx_http_gmchat_stat_call_json(gmchat_buf_t *buf, const char *endpoint,
    const char *action, u_char *code, uint64_t n)
{
    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{\"endpoint\":\"");
    gmchat_buf_add_text(buf, endpoint);
    gmchat_buf_add_text(buf, "\",\"action\":\"");
    gmchat_buf_add_text(buf, action);
    gmchat_buf_add_text(buf, "\",\"errno\":");
    gmchat_json_string(buf, code, ngx_strlen(code));
    gmchat_buf_add_text(buf, ",\"calls\":");
    gmchat_buf_add_int(buf, (int64_t) n);
    gmchat_buf_add_text(buf, "}");
}


/* Links of all workers in a state, or the calls that wait in their queues. */

static uint64_t
ngx_http_gmchat_stat_links(ngx_uint_t store, ngx_int_t state)
{
    uint64_t                    n;
    ngx_uint_t                  i;
    ngx_http_gmchat_worker_t   *worker;
    ngx_gmchat_redis_gauges_t  *link;

    for (n = 0, i = 0; i < NGX_MAX_PROCESSES; i++) {
        worker = &ngx_http_gmchat_stat->workers[i];
        link = &worker->links[store];

        if (!ngx_http_gmchat_stat_alive(worker)) {
            continue;
        }

        if (state < 0) {
            n += link->queue;

        } else if (link->state == (ngx_atomic_uint_t) state + 1) {
            n++;
        }
    }

    return n;
}


/* The counters of a store. */

typedef struct {
    const char  *name;
    const char  *metric;
    const char  *help;
    size_t       offset;
} ngx_http_gmchat_counter_t;


static const ngx_http_gmchat_counter_t  ngx_http_gmchat_counters[] = {

    { "connected", "gmchat_store_connected_total",
      "Connections to the store that were made ready.",
      offsetof(ngx_gmchat_redis_counters_t, connected) },

    { "calls", "gmchat_store_calls_total",
      "Script calls submitted to the store.",
      offsetof(ngx_gmchat_redis_counters_t, calls) },

    { "reruns", "gmchat_store_reruns_total",
      "Calls run again because the store had forgotten the scripts.",
      offsetof(ngx_gmchat_redis_counters_t, reruns) },

    { "overflows", "gmchat_store_overflows_total",
      "Calls refused because the queue was full.",
      offsetof(ngx_gmchat_redis_counters_t, overflows) },

    { NULL, NULL, NULL, 0 }
};


static uint64_t
ngx_http_gmchat_stat_counter(ngx_http_gmchat_store_stat_t *store,
    const ngx_http_gmchat_counter_t *counter)
{
    return *(ngx_atomic_t *) ((u_char *) &store->counters + counter->offset);
}


static void
ngx_http_gmchat_stat_store_json(gmchat_buf_t *buf, ngx_uint_t i)
{
    ngx_uint_t                        n;
    ngx_http_gmchat_store_stat_t     *store;
    const ngx_http_gmchat_counter_t  *counter;

    store = &ngx_http_gmchat_stat->stores[i];

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{\"store\":");
    gmchat_json_string(buf, store->name, ngx_strlen(store->name));

    for (counter = ngx_http_gmchat_counters; counter->name; counter++) {
        gmchat_json_name(buf, counter->name);
        gmchat_buf_add_int(buf, (int64_t)
                           ngx_http_gmchat_stat_counter(store, counter));
    }

    gmchat_json_name(buf, "queue");
    gmchat_buf_add_int(buf, (int64_t) ngx_http_gmchat_stat_links(i, -1));

    gmchat_json_name(buf, "links");
    gmchat_buf_add_text(buf, "{");

    for (n = 0; n < GMCHAT_LINK_STATES; n++) {
        gmchat_json_name(buf, gmchat_link_name(n));
        gmchat_buf_add_int(buf, (int64_t)
                           ngx_http_gmchat_stat_links(i, (ngx_int_t) n));
    }

    gmchat_buf_add_text(buf, "}");
    gmchat_json_name(buf, "lost");
    gmchat_buf_add_text(buf, "{");

    for (n = 0; n < NGX_GMCHAT_CAUSES; n++) {
        gmchat_json_name(buf, ngx_gmchat_redis_cause(n));
        gmchat_buf_add_int(buf, (int64_t) store->counters.lost[n]);
    }

    gmchat_buf_add_text(buf, "}}");
}


void
ngx_http_gmchat_stat_json(gmchat_buf_t *buf)
{
    uint64_t    n;
    ngx_uint_t  i;

    gmchat_buf_add_text(buf, "{\"version\":\"" NGX_HTTP_GMCHAT_VERSION "\"");

    gmchat_json_name(buf, "calls");
    gmchat_buf_add_text(buf, "[");
    ngx_http_gmchat_stat_each_call(buf, ngx_http_gmchat_stat_call_json);
    gmchat_buf_add_text(buf, "]");

    gmchat_json_name(buf, "store_seconds");
    gmchat_buf_add_text(buf, "{\"buckets\":{");

    for (n = 0, i = 0; i < NGX_HTTP_GMCHAT_BUCKETS; i++) {
        n += ngx_http_gmchat_stat->buckets[i];
        gmchat_json_name(buf, ngx_http_gmchat_buckets[i].seconds);
        gmchat_buf_add_int(buf, (int64_t) n);
    }

    gmchat_buf_add_text(buf, "}");
    gmchat_json_name(buf, "count");
    gmchat_buf_add_int(buf, (int64_t) ngx_http_gmchat_stat->answers);
    gmchat_json_name(buf, "sum_us");
    gmchat_buf_add_int(buf, (int64_t) ngx_http_gmchat_stat->store_us);
    gmchat_buf_add_text(buf, "}");

    gmchat_json_name(buf, "stores");
    gmchat_buf_add_text(buf, "[");

    for (i = 0; i < NGX_HTTP_GMCHAT_ROWS; i++) {
        if (ngx_http_gmchat_stat_shown(i)) {
            ngx_http_gmchat_stat_store_json(buf, i);
        }
    }

    gmchat_buf_add_text(buf, "]}\n");
}


static void
ngx_http_gmchat_stat_histogram(gmchat_buf_t *buf)
{
    u_char                    sum[NGX_INT64_LEN + sizeof(".000000")];
    uint64_t                  n, us;
    ngx_uint_t                i;
    ngx_http_gmchat_label_t   labels[2] = { { "le", NULL }, { NULL, NULL } };

    ngx_http_gmchat_stat_help(buf, "gmchat_store_seconds", "histogram",
                              "Time until the store answered a script call.");

    for (n = 0, i = 0; i <= NGX_HTTP_GMCHAT_BUCKETS; i++) {
        n += ngx_http_gmchat_stat->buckets[i];
        labels[0].value = (const u_char *)
                              (i < NGX_HTTP_GMCHAT_BUCKETS
                                   ? ngx_http_gmchat_buckets[i].seconds
                                   : "+Inf");
        ngx_http_gmchat_stat_series(buf, "gmchat_store_seconds_bucket", labels,
                                    n);
    }

    us = ngx_http_gmchat_stat->store_us;
    (void) ngx_sprintf(sum, "%uL.%06uL%Z", us / 1000000, us % 1000000);

    gmchat_buf_add_text(buf, "gmchat_store_seconds_sum ");
    gmchat_buf_add_text(buf, (char *) sum);
    gmchat_buf_add_text(buf, "\n");

    ngx_http_gmchat_stat_series(buf, "gmchat_store_seconds_count", &labels[1],
                                n);
}


static void
ngx_http_gmchat_stat_store_counters(gmchat_buf_t *buf)
{
    ngx_uint_t                        i;
    ngx_http_gmchat_label_t           labels[2] = { { "store", NULL },
                                                    { NULL, NULL } };
    const ngx_http_gmchat_counter_t  *counter;

    for (counter = ngx_http_gmchat_counters; counter->name; counter++) {
        ngx_http_gmchat_stat_help(buf, counter->metric, "counter",
                                  counter->help);

        for (i = 0; i < NGX_HTTP_GMCHAT_ROWS; i++) {
            labels[0].value = ngx_http_gmchat_stat->stores[i].name;

            if (ngx_http_gmchat_stat_shown(i)) {
                ngx_http_gmchat_stat_series(buf, counter->metric, labels,
                    ngx_http_gmchat_stat_counter(
                        &ngx_http_gmchat_stat->stores[i], counter));
            }
        }
    }
}


/* One series for each store and each value of another label. */

static void
ngx_http_gmchat_stat_store_series(gmchat_buf_t *buf, const char *metric,
    const char *label, ngx_uint_t values, const char *(*name)(ngx_uint_t value),
    uint64_t (*figure)(ngx_uint_t store, ngx_uint_t value))
{
    ngx_uint_t               i, n;
    ngx_http_gmchat_label_t  labels[3] = { { "store", NULL }, { label, NULL },
                                           { NULL, NULL } };

    for (i = 0; i < NGX_HTTP_GMCHAT_ROWS; i++) {
        labels[0].value = ngx_http_gmchat_stat->stores[i].name;

        if (!ngx_http_gmchat_stat_shown(i)) {
            continue;
        }

        for (n = 0; n < values; n++) {
            labels[1].value = name ? (const u_char *) name(n) : NULL;
            ngx_http_gmchat_stat_series(buf, metric, labels, figure(i, n));
        }
    }
}


static const char *
ngx_http_gmchat_stat_state_name(ngx_uint_t state)
{
    return gmchat_link_name(state);
}


static uint64_t
ngx_http_gmchat_stat_state(ngx_uint_t store, ngx_uint_t state)
{
    return ngx_http_gmchat_stat_links(store, (ngx_int_t) state);
}


static uint64_t
ngx_http_gmchat_stat_queue(ngx_uint_t store, ngx_uint_t value)
{
    return ngx_http_gmchat_stat_links(store, -1);
}


static const char *
ngx_http_gmchat_stat_cause_name(ngx_uint_t cause)
{
    return ngx_gmchat_redis_cause(cause);
}


static uint64_t
ngx_http_gmchat_stat_lost(ngx_uint_t store, ngx_uint_t cause)
{
    return ngx_http_gmchat_stat->stores[store].counters.lost[cause];
}


void
ngx_http_gmchat_stat_metrics(gmchat_buf_t *buf)
{
    ngx_http_gmchat_stat_help(buf, "gmchat_calls_total", "counter",
                              "Calls by endpoint, action and errno; errno 0 "
                              "is success.");
    ngx_http_gmchat_stat_each_call(buf, ngx_http_gmchat_stat_call_series);

    ngx_http_gmchat_stat_histogram(buf);
    ngx_http_gmchat_stat_store_counters(buf);

    ngx_http_gmchat_stat_help(buf, "gmchat_store_links", "gauge",
                              "Workers' links to the store by state.");
    ngx_http_gmchat_stat_store_series(buf, "gmchat_store_links", "state",
                                      GMCHAT_LINK_STATES,
                                      ngx_http_gmchat_stat_state_name,
                                      ngx_http_gmchat_stat_state);

    ngx_http_gmchat_stat_help(buf, "gmchat_store_queue", "gauge",
                              "Calls that the store has not answered yet.");
    ngx_http_gmchat_stat_store_series(buf, "gmchat_store_queue", NULL, 1, NULL,
                                      ngx_http_gmchat_stat_queue);

    ngx_http_gmchat_stat_help(buf, "gmchat_store_lost_total", "counter",
                              "Links to the store that were lost, by cause.");
    ngx_http_gmchat_stat_store_series(buf, "gmchat_store_lost_total", "cause",
                                      NGX_GMCHAT_CAUSES,
                                      ngx_http_gmchat_stat_cause_name,
                                      ngx_http_gmchat_stat_lost);
}

#include "ngx_http_gmchat_stat.h"

#include "gmchat_json.h"


/* Each figure is told once, to a function that puts it into JSON or into
 * Prometheus' text format. */


static const char *const  ngx_http_gmchat_endpoints[] = { "gm", "gs" };

static const char *const
    ngx_http_gmchat_transports[NGX_HTTP_GMCHAT_TRANSPORTS] =
{
    "longpoll", "sse", "websocket"
};


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


/* A gauge of a store, by its place in ngx_gmchat_store_gauges_t: of all workers
 * together; with a state, how many of them have that. */

static uint64_t
ngx_http_gmchat_stat_gauge(ngx_uint_t store, size_t offset, ngx_int_t state)
{
    uint64_t                   n;
    ngx_uint_t                 i;
    ngx_atomic_uint_t          value;
    ngx_http_gmchat_worker_t  *worker;

    for (n = 0, i = 0; i < NGX_MAX_PROCESSES; i++) {
        worker = &ngx_http_gmchat_stat->workers[i];

        if (!ngx_http_gmchat_stat_alive(worker)) {
            continue;
        }

        value = *(ngx_atomic_t *) ((u_char *) &worker->links[store] + offset);

        if (state < 0) {
            n += value;

        } else if (value == (ngx_atomic_uint_t) state + 1) {
            n++;
        }
    }

    return n;
}


/* What is shown of them: figures, and links by state. */

typedef struct {
    const char  *name;
    const char  *metric;
    const char  *help;
    size_t       offset;
} ngx_http_gmchat_figure_t;


static const ngx_http_gmchat_figure_t  ngx_http_gmchat_gauges[] = {

    { "queue", "gmchat_store_queue",
      "Calls that the store has not answered yet.",
      offsetof(ngx_gmchat_store_gauges_t, queue) },

    { "subscriptions", "gmchat_store_subscriptions",
      "Channels that the workers are subscribed to.",
      offsetof(ngx_gmchat_store_gauges_t, subscriptions) },

    { NULL, NULL, NULL, 0 }
};


static const ngx_http_gmchat_figure_t  ngx_http_gmchat_links[] = {

    { "links", "gmchat_store_links",
      "Workers' links to the store by state.",
      offsetof(ngx_gmchat_store_gauges_t, state) },

    { "wake_links", "gmchat_store_wake_links",
      "Workers' links that hear wake-ups by state.",
      offsetof(ngx_gmchat_store_gauges_t, wake_state) },

    { NULL, NULL, NULL, 0 }
};


/* The counters of a store, by their places in ngx_gmchat_store_counters_t. */

static const ngx_http_gmchat_figure_t  ngx_http_gmchat_counters[] = {

    { "connected", "gmchat_store_connected_total",
      "Connections to the store that were made ready.",
      offsetof(ngx_gmchat_store_counters_t, connected) },

    { "calls", "gmchat_store_calls_total",
      "Script calls submitted to the store.",
      offsetof(ngx_gmchat_store_counters_t, calls) },

    { "reruns", "gmchat_store_reruns_total",
      "Calls run again because the store had forgotten the scripts.",
      offsetof(ngx_gmchat_store_counters_t, reruns) },

    { "overflows", "gmchat_store_overflows_total",
      "Calls refused because the queue was full.",
      offsetof(ngx_gmchat_store_counters_t, overflows) },

    { "wake_losses", "gmchat_store_wake_losses_total",
      "Links that hear wake-ups that were lost.",
      offsetof(ngx_gmchat_store_counters_t, wake_losses) },

    { "wake_messages", "gmchat_store_wake_messages_total",
      "Wake-ups heard.",
      offsetof(ngx_gmchat_store_counters_t, wake_messages) },

    { "redirects", "gmchat_store_redirects_total",
      "Calls that a cluster sent to another server.",
      offsetof(ngx_gmchat_store_counters_t, redirects) },

    { "switches", "gmchat_store_switches_total",
      "Times that another server became the master, or slots moved.",
      offsetof(ngx_gmchat_store_counters_t, switches) },

    { "shorts", "gmchat_store_short_total",
      "Calls that were not safe in time.",
      offsetof(ngx_gmchat_store_counters_t, shorts) },

    { "poll_cache_hits", "gmchat_poll_cache_hits_total",
      "Polls that were answered without asking the store.",
      offsetof(ngx_gmchat_store_counters_t, spared) },

    { NULL, NULL, NULL, 0 }
};


static uint64_t
ngx_http_gmchat_stat_counter(ngx_http_gmchat_store_stat_t *store,
    const ngx_http_gmchat_figure_t *counter)
{
    return *(ngx_atomic_t *) ((u_char *) &store->counters + counter->offset);
}


static void
ngx_http_gmchat_stat_links_json(gmchat_buf_t *buf, ngx_uint_t store,
    const ngx_http_gmchat_figure_t *links)
{
    ngx_uint_t  state;

    gmchat_json_name(buf, links->name);
    gmchat_buf_add_text(buf, "{");

    for (state = 0; state < GMCHAT_LINK_STATES; state++) {
        gmchat_json_name(buf, gmchat_link_name(state));
        gmchat_buf_add_int(buf, (int64_t)
                           ngx_http_gmchat_stat_gauge(store, links->offset,
                                                      (ngx_int_t) state));
    }

    gmchat_buf_add_text(buf, "}");
}


static void
ngx_http_gmchat_stat_store_json(gmchat_buf_t *buf, ngx_uint_t i)
{
    ngx_uint_t                        n;
    const ngx_http_gmchat_figure_t    *gauge;
    ngx_http_gmchat_store_stat_t     *store;
    const ngx_http_gmchat_figure_t  *counter;

    store = &ngx_http_gmchat_stat->stores[i];

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{\"store\":");
    gmchat_json_string(buf, store->name, ngx_strlen(store->name));

    for (counter = ngx_http_gmchat_counters; counter->name; counter++) {
        gmchat_json_name(buf, counter->name);
        gmchat_buf_add_int(buf, (int64_t)
                           ngx_http_gmchat_stat_counter(store, counter));
    }

    for (gauge = ngx_http_gmchat_gauges; gauge->name; gauge++) {
        gmchat_json_name(buf, gauge->name);
        gmchat_buf_add_int(buf, (int64_t)
                           ngx_http_gmchat_stat_gauge(i, gauge->offset, -1));
    }

    for (gauge = ngx_http_gmchat_links; gauge->name; gauge++) {
        ngx_http_gmchat_stat_links_json(buf, i, gauge);
    }

    gmchat_json_name(buf, "lost");
    gmchat_buf_add_text(buf, "{");

    for (n = 0; n < NGX_GMCHAT_CAUSES; n++) {
        gmchat_json_name(buf, ngx_gmchat_store_cause(n));
        gmchat_buf_add_int(buf, (int64_t) store->counters.lost[n]);
    }

    gmchat_buf_add_text(buf, "}}");
}


/* The sum of what is at `offset` in the rows of the workers that live. */

static uint64_t
ngx_http_gmchat_stat_workers(size_t offset)
{
    uint64_t                   n;
    ngx_uint_t                 i;
    ngx_http_gmchat_worker_t  *worker;

    for (n = 0, i = 0; i < NGX_MAX_PROCESSES; i++) {
        worker = &ngx_http_gmchat_stat->workers[i];

        if (ngx_http_gmchat_stat_alive(worker)) {
            n += *(ngx_atomic_t *) ((u_char *) worker + offset);
        }
    }

    return n;
}


static uint64_t
ngx_http_gmchat_stat_waiting(ngx_uint_t transport)
{
    return ngx_http_gmchat_stat_workers(
               offsetof(ngx_http_gmchat_worker_t, waiting)
               + transport * sizeof(ngx_atomic_t));
}


static uint64_t
ngx_http_gmchat_stat_parks(void)
{
    return ngx_http_gmchat_stat_workers(
               offsetof(ngx_http_gmchat_worker_t, parked));
}


static uint64_t
ngx_http_gmchat_stat_events(ngx_uint_t transport)
{
    return ngx_http_gmchat_stat->events[transport];
}


/* What is counted for each transport. */

typedef struct {
    const char   *name;
    const char   *metric;
    const char   *type;
    const char   *help;
    ngx_uint_t    first;
    uint64_t    (*figure)(ngx_uint_t transport);
} ngx_http_gmchat_push_t;


static const ngx_http_gmchat_push_t  ngx_http_gmchat_pushes[] = {

    { "waiting", "gmchat_waiting", "gauge",
      "Calls that are held and streams that are open, by transport.",
      NGX_HTTP_GMCHAT_LONGPOLL, ngx_http_gmchat_stat_waiting },

    { "events", "gmchat_events_total", "counter",
      "Events that streams were given, by transport.",
      NGX_HTTP_GMCHAT_SSE, ngx_http_gmchat_stat_events },

    { NULL, NULL, NULL, NULL, 0, NULL }
};


static void
ngx_http_gmchat_stat_push_json(gmchat_buf_t *buf)
{
    ngx_uint_t                     i;
    const ngx_http_gmchat_push_t  *push;

    for (push = ngx_http_gmchat_pushes; push->name; push++) {
        gmchat_json_name(buf, push->name);
        gmchat_buf_add_text(buf, "{");

        for (i = push->first; i < NGX_HTTP_GMCHAT_TRANSPORTS; i++) {
            gmchat_json_name(buf, ngx_http_gmchat_transports[i]);
            gmchat_buf_add_int(buf, (int64_t) push->figure(i));
        }

        gmchat_buf_add_text(buf, "}");
    }

    gmchat_json_name(buf, "parked");
    gmchat_buf_add_int(buf, (int64_t) ngx_http_gmchat_stat_parks());

    gmchat_json_name(buf, "slow");
    gmchat_buf_add_int(buf, (int64_t) ngx_http_gmchat_stat->slow);
}


static void
ngx_http_gmchat_stat_push_metrics(gmchat_buf_t *buf)
{
    ngx_uint_t                     i;
    ngx_http_gmchat_label_t        labels[2] = { { "transport", NULL },
                                                 { NULL, NULL } };
    const ngx_http_gmchat_push_t  *push;

    for (push = ngx_http_gmchat_pushes; push->name; push++) {
        ngx_http_gmchat_stat_help(buf, push->metric, push->type, push->help);

        for (i = push->first; i < NGX_HTTP_GMCHAT_TRANSPORTS; i++) {
            labels[0].value = (const u_char *) ngx_http_gmchat_transports[i];
            ngx_http_gmchat_stat_series(buf, push->metric, labels,
                                        push->figure(i));
        }
    }

    ngx_http_gmchat_stat_help(buf, "gmchat_parked", "gauge",
                              "Held calls whose request nginx has back.");
    ngx_http_gmchat_stat_series(buf, "gmchat_parked", &labels[1],
                                ngx_http_gmchat_stat_parks());

    ngx_http_gmchat_stat_help(buf, "gmchat_slow_total", "counter",
                              "Streams cut because their client was too "
                              "slow.");
    ngx_http_gmchat_stat_series(buf, "gmchat_slow_total", &labels[1],
                                ngx_http_gmchat_stat->slow);
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

    ngx_http_gmchat_stat_push_json(buf);

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
    const ngx_http_gmchat_figure_t  *counter;

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
    uint64_t (*figure)(ngx_uint_t store, ngx_uint_t value,
    const ngx_http_gmchat_figure_t *gauge),
    const ngx_http_gmchat_figure_t *gauge)
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
            ngx_http_gmchat_stat_series(buf, metric, labels,
                                        figure(i, n, gauge));
        }
    }
}


static const char *
ngx_http_gmchat_stat_state_name(ngx_uint_t state)
{
    return gmchat_link_name(state);
}


static uint64_t
ngx_http_gmchat_stat_state(ngx_uint_t store, ngx_uint_t state,
    const ngx_http_gmchat_figure_t *links)
{
    return ngx_http_gmchat_stat_gauge(store, links->offset, (ngx_int_t) state);
}


static uint64_t
ngx_http_gmchat_stat_sum(ngx_uint_t store, ngx_uint_t value,
    const ngx_http_gmchat_figure_t *gauge)
{
    return ngx_http_gmchat_stat_gauge(store, gauge->offset, -1);
}


static const char *
ngx_http_gmchat_stat_cause_name(ngx_uint_t cause)
{
    return ngx_gmchat_store_cause(cause);
}


static uint64_t
ngx_http_gmchat_stat_lost(ngx_uint_t store, ngx_uint_t cause,
    const ngx_http_gmchat_figure_t *gauge)
{
    return ngx_http_gmchat_stat->stores[store].counters.lost[cause];
}


static void
ngx_http_gmchat_stat_store_gauges(gmchat_buf_t *buf)
{
    const ngx_http_gmchat_figure_t  *gauge;

    for (gauge = ngx_http_gmchat_links; gauge->name; gauge++) {
        ngx_http_gmchat_stat_help(buf, gauge->metric, "gauge", gauge->help);
        ngx_http_gmchat_stat_store_series(buf, gauge->metric, "state",
                                          GMCHAT_LINK_STATES,
                                          ngx_http_gmchat_stat_state_name,
                                          ngx_http_gmchat_stat_state, gauge);
    }

    for (gauge = ngx_http_gmchat_gauges; gauge->name; gauge++) {
        ngx_http_gmchat_stat_help(buf, gauge->metric, "gauge", gauge->help);
        ngx_http_gmchat_stat_store_series(buf, gauge->metric, NULL, 1, NULL,
                                          ngx_http_gmchat_stat_sum, gauge);
    }
}


void
ngx_http_gmchat_stat_metrics(gmchat_buf_t *buf)
{
    ngx_http_gmchat_stat_help(buf, "gmchat_calls_total", "counter",
                              "Calls by endpoint, action and errno; errno 0 "
                              "is success.");
    ngx_http_gmchat_stat_each_call(buf, ngx_http_gmchat_stat_call_series);

    ngx_http_gmchat_stat_push_metrics(buf);
    ngx_http_gmchat_stat_histogram(buf);
    ngx_http_gmchat_stat_store_counters(buf);

    ngx_http_gmchat_stat_store_gauges(buf);

    ngx_http_gmchat_stat_help(buf, "gmchat_store_lost_total", "counter",
                              "Links to the store that were lost, by cause.");
    ngx_http_gmchat_stat_store_series(buf, "gmchat_store_lost_total", "cause",
                                      NGX_GMCHAT_CAUSES,
                                      ngx_http_gmchat_stat_cause_name,
                                      ngx_http_gmchat_stat_lost, NULL);
}

#ifndef NGX_HTTP_GMCHAT_STAT_H
#define NGX_HTTP_GMCHAT_STAT_H


#include "ngx_http_gmchat.h"


/* What is counted, in shared memory: ngx_http_gmchat_stat.c counts,
 * ngx_http_gmchat_stat_show.c shows. */

/* Rows of the action table, and one for calls whose action is not known. */
#define NGX_HTTP_GMCHAT_ACTIONS  48

#define NGX_HTTP_GMCHAT_BUCKETS  12

/* Stores of a configuration, and as many of those before it. */
#define NGX_HTTP_GMCHAT_ROWS  (2 * NGX_HTTP_GMCHAT_STORES)

/* Receivers share a count of what was written to them: so many that it seldom
 * matters. */
#define NGX_HTTP_GMCHAT_CHANGES  4096

/* What a store's label shows of its directive, with a zero byte. */
#define NGX_HTTP_GMCHAT_STORE_NAME  256


/* One worker's links, in the row of its slot in nginx's process table. */

typedef struct {
    ngx_atomic_t                  pid;
    ngx_atomic_t                  waiting[NGX_HTTP_GMCHAT_TRANSPORTS];
    ngx_atomic_t                  parked;
    ngx_gmchat_store_gauges_t     links[NGX_HTTP_GMCHAT_ROWS];
} ngx_http_gmchat_worker_t;


typedef struct {
    u_char                        name[NGX_HTTP_GMCHAT_STORE_NAME];
    ngx_gmchat_store_counters_t   counters;
} ngx_http_gmchat_store_stat_t;


struct ngx_http_gmchat_stat_s {
    ngx_atomic_t                  calls[2][NGX_HTTP_GMCHAT_ACTIONS]
                                       [GMCHAT_STATUSES];
    ngx_atomic_t                  buckets[NGX_HTTP_GMCHAT_BUCKETS + 1];
    ngx_atomic_t                  store_us;
    ngx_atomic_t                  answers;
    ngx_atomic_t                  events[NGX_HTTP_GMCHAT_TRANSPORTS];
    ngx_atomic_t                  slow;     /* streams cut for being so */
    ngx_atomic_t                  changes[NGX_HTTP_GMCHAT_CHANGES];
    ngx_http_gmchat_store_stat_t  stores[NGX_HTTP_GMCHAT_ROWS];
    ngx_http_gmchat_worker_t      workers[NGX_MAX_PROCESSES];
};


/* Upper bounds in microseconds, and as Prometheus names them. */

typedef struct {
    uint64_t                      us;
    const char                   *seconds;
} ngx_http_gmchat_bucket_t;


extern const ngx_http_gmchat_bucket_t
    ngx_http_gmchat_buckets[NGX_HTTP_GMCHAT_BUCKETS];

extern ngx_http_gmchat_stat_t  *ngx_http_gmchat_stat;


/* Whether a living worker has a link to the store of a row. */
ngx_uint_t ngx_http_gmchat_stat_linked(ngx_http_gmchat_stat_t *stat,
    ngx_uint_t row);

/* A worker that was killed leaves its row behind. */
ngx_uint_t ngx_http_gmchat_stat_alive(ngx_http_gmchat_worker_t *worker);


#endif /* NGX_HTTP_GMCHAT_STAT_H */

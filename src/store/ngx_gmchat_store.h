#ifndef NGX_GMCHAT_STORE_H
#define NGX_GMCHAT_STORE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "gmchat_link.h"
#include "gmchat_store.h"
#include "gmchat_url.h"
#include "ngx_gmchat_endpoint.h"


/* Why a link was lost; the order is that of ngx_gmchat_store_causes. */

typedef enum {
    NGX_GMCHAT_CAUSE_CONNECT = 0,   /* connection refused, no such socket */
    NGX_GMCHAT_CAUSE_TIMEOUT,       /* no connection, no answer in time */
    NGX_GMCHAT_CAUSE_TLS,
    NGX_GMCHAT_CAUSE_AUTH,
    NGX_GMCHAT_CAUSE_LOADING,
    NGX_GMCHAT_CAUSE_READONLY,
    NGX_GMCHAT_CAUSE_MASTERDOWN,
    NGX_GMCHAT_CAUSE_HISTORY,       /* the server has another one than before */
    NGX_GMCHAT_CAUSE_SETUP,         /* another answer to the set-up */
    NGX_GMCHAT_CAUSE_CLOSED,        /* the server or the network cut it */
    NGX_GMCHAT_CAUSE_PROTOCOL,      /* what came is not RESP */
    NGX_GMCHAT_CAUSE_MEMORY,
    NGX_GMCHAT_CAUSE_SWITCHED,      /* another server is the master now */
    NGX_GMCHAT_CAUSE_RESOLVE,       /* its name has no address */

    NGX_GMCHAT_CAUSES
} ngx_gmchat_cause_e;


/* Counters of one store, in shared memory, of all workers together. */

typedef struct {
    ngx_atomic_t        lost[NGX_GMCHAT_CAUSES];
    ngx_atomic_t        connected;
    ngx_atomic_t        calls;
    ngx_atomic_t        reruns;         /* after NOSCRIPT */
    ngx_atomic_t        overflows;      /* refused: the queue was full */
    ngx_atomic_t        wake_losses;    /* of the link that is subscribed */
    ngx_atomic_t        wake_messages;  /* that it heard */
    ngx_atomic_t        redirects;      /* of calls, by MOVED and ASK */
    ngx_atomic_t        switches;       /* of the master, of slots */
    ngx_atomic_t        shorts;         /* WAIT and WAITAOF that fell short */
    ngx_atomic_t        spared;         /* polls that it was not asked for */
} ngx_gmchat_store_counters_t;


/* What one worker's links are doing, in shared memory. */

typedef struct {
    ngx_atomic_t        state;          /* gmchat_link_state_e + 1; 0: none */
    ngx_atomic_t        queue;          /* calls not ended yet */
    ngx_atomic_t        wake_state;     /* as state, of the one subscribed */
    ngx_atomic_t        subscriptions;  /* channels */
} ngx_gmchat_store_gauges_t;


/* Who we are to a server, and how we know that it is the one. */

typedef struct {
    ngx_str_t           user;
    ngx_str_t           password;

#if (NGX_SSL)
    ngx_ssl_t          *ssl;            /* NULL: no TLS */
    ngx_str_t           ssl_name;       /* ends with a zero byte; empty: the
                                           server's host */
    ngx_flag_t          ssl_verify;
#endif
} ngx_gmchat_access_t;


/* A gmchat_redis directive. */

typedef struct {
    ngx_str_t               name;       /* as written in the directive */
    gmchat_url_t            url;
    ngx_gmchat_access_t     access;
    ngx_gmchat_access_t     sentinel;   /* the same, of Sentinels */

    ngx_gmchat_endpoint_t   endpoints[GMCHAT_URL_HOSTS];    /* url's hosts */
    ngx_resolver_t         *resolver;   /* NULL: none */

    ngx_msec_t              connect_timeout;
    ngx_msec_t              timeout;
    ngx_msec_t              probe;
    ngx_msec_t              wake_timeout;
    ngx_uint_t              queue_calls;
    size_t                  queue_bytes;

    unsigned                commits:1;  /* a gmchat_durability other than
                                           memory is in force somewhere */
    unsigned                fsyncs:1;   /* and that is fsync */
} ngx_gmchat_store_conf_t;


/*
 * Makes what this worker has of a store, in the cycle's pool.  Links that run
 * scripts connect at once and stay connected; those that are subscribed connect
 * while somebody is.  Returns NULL without memory.
 */
gmchat_store_t *ngx_gmchat_store_open(ngx_cycle_t *cycle,
    ngx_gmchat_store_conf_t *conf, ngx_gmchat_store_counters_t *counters,
    ngx_gmchat_store_gauges_t *gauges);

/* Ends all calls and subscriptions, and closes the connections: the worker
 * exits. */
void ngx_gmchat_store_close(gmchat_store_t *store);

/* The state of the links that run scripts, the worst of them; `reason` (unless
 * NULL) is why that one was lost the last time. */
gmchat_link_state_e ngx_gmchat_store_state(gmchat_store_t *store,
    const char **reason);

/* The name of a cause, as the status endpoint shows it. */
const char *ngx_gmchat_store_cause(ngx_gmchat_cause_e cause);


#endif /* NGX_GMCHAT_STORE_H */

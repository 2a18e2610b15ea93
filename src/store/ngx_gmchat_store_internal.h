#ifndef NGX_GMCHAT_STORE_INTERNAL_H
#define NGX_GMCHAT_STORE_INTERNAL_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "gmchat_fault.h"
#include "gmchat_script.h"
#include "ngx_gmchat_store.h"


/*
 * What the files of a store share: none of it is for others.  A store is one
 * server (ngx_gmchat_redis.h), whose address the configuration names or
 * Sentinels say; or a cluster's servers, each with the slots that it has.
 */

typedef struct ngx_gmchat_redis_s      ngx_gmchat_redis_t;
typedef struct ngx_gmchat_sentinels_s  ngx_gmchat_sentinels_t;
typedef struct ngx_gmchat_cluster_s    ngx_gmchat_cluster_t;


/* A script on its way, or a command of a link's own. */

typedef struct {
    ngx_queue_t             queue;
    gmchat_script_call_t    script;     /* of a call by submit() */
    gmchat_store_done_pt    done;
    void                   *data;
    size_t                  size;       /* what it counts for in the queue */
    uint64_t                begin;      /* of its bytes in the stream */
    ngx_msec_t              since;      /* when they were put there */
    ngx_msec_t              first;      /* when it was submitted */
    gmchat_value_t         *value;      /* reply that is not safe yet */
    ngx_gmchat_cluster_t   *cluster;    /* of ASK: where the call waits, */
    ngx_gmchat_redis_t     *target;     /* and whom it is to go to */
    unsigned                slot:14;    /* of its keys, in a cluster */
    unsigned                moves:3;    /* redirections */
    unsigned                internal:1; /* set-up and probe */
    unsigned                eval:1;     /* with the script's text */
    unsigned                asking:1;   /* behind ASKING */
} ngx_gmchat_call_t;


struct gmchat_store_s {
    ngx_gmchat_store_conf_t      *conf;
    ngx_gmchat_store_counters_t  *counters;
    ngx_gmchat_store_gauges_t    *gauges;
    ngx_log_t                     log;

    ngx_gmchat_redis_t           *redis;        /* NULL: a cluster */
    ngx_gmchat_sentinels_t       *sentinels;    /* NULL: nobody to ask */
    ngx_gmchat_cluster_t         *cluster;      /* NULL: one server */

    ngx_queue_t                   refused;      /* calls to be told so */
    ngx_event_t                   refuse;       /* posted */
    ngx_queue_t                   free;
    ngx_uint_t                    nfree;
    ngx_uint_t                    ncalls;
    size_t                        nbytes;

    const gmchat_fault_t         *fault;        /* the last that was logged */
    ngx_msec_t                    fault_logged;
};


/* ngx_gmchat_store.c: calls, and whom they go to */

/* Returns NULL without memory. */
ngx_gmchat_call_t *ngx_gmchat_store_new_call(gmchat_store_t *store);
void ngx_gmchat_store_free_call(gmchat_store_t *store,
    ngx_gmchat_call_t *call);

/* Takes the first call out of a queue; NULL if there is none. */
ngx_gmchat_call_t *ngx_gmchat_store_shift(ngx_queue_t *queue);

/* Ends a call that is in no queue.  Its end may submit others. */
void ngx_gmchat_store_end_call(gmchat_store_t *store, ngx_gmchat_call_t *call,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value);

/* Ends it with "refused", later and not from inside. */
void ngx_gmchat_store_refuse(gmchat_store_t *store, ngx_gmchat_call_t *call);

/* Hands a call that is in no queue to the server that is to run it. */
void ngx_gmchat_store_dispatch(gmchat_store_t *store,
    ngx_gmchat_call_t *call);

/* A server of the store is being lost: whoever may know another one is asked. */
void ngx_gmchat_store_lost(gmchat_store_t *store);

/* Shows the states of the links. */
void ngx_gmchat_store_show(gmchat_store_t *store);


#endif /* NGX_GMCHAT_STORE_INTERNAL_H */

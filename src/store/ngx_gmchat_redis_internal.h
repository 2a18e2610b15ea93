#ifndef NGX_GMCHAT_REDIS_INTERNAL_H
#define NGX_GMCHAT_REDIS_INTERNAL_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "gmchat_fault.h"
#include "gmchat_script.h"
#include "ngx_gmchat_link.h"
#include "ngx_gmchat_pubsub.h"


/* What the files of a store share: none of it is for others. */


typedef struct {
    ngx_queue_t             queue;
    gmchat_script_call_t    script;     /* of a call by submit() */
    gmchat_store_done_pt    done;
    void                   *data;
    size_t                  size;       /* what it counts for in the queue */
    uint64_t                begin;      /* of its bytes in the stream */
    ngx_msec_t              since;      /* when they were put there */
    unsigned                internal:1; /* set-up and probe */
    unsigned                eval:1;     /* with the script's text */
} ngx_gmchat_redis_call_t;


struct gmchat_store_s {
    ngx_gmchat_redis_conf_t      *conf;
    ngx_gmchat_redis_counters_t  *counters;
    ngx_gmchat_redis_gauges_t    *gauges;

    ngx_gmchat_link_t             link;         /* runs scripts */
    ngx_gmchat_pubsub_t           pubsub;       /* hears what is published */
    ngx_uint_t                    addr;         /* the next to try */

    ngx_queue_t                   waiting;      /* not formatted yet */
    ngx_queue_t                   sent;         /* formatted, not answered */
    ngx_queue_t                   refused;      /* to be told so */
    ngx_queue_t                   free;
    ngx_uint_t                    nfree;
    ngx_uint_t                    ncalls;
    size_t                        nbytes;
    ngx_uint_t                    setup_left;   /* answers */

    u_char                        history[GMCHAT_SHA_LEN];
    size_t                        history_len;

    ngx_event_t                   flush;        /* posted */
    ngx_event_t                   probe;

    const gmchat_fault_t         *fault;        /* the last that was logged */
    ngx_msec_t                    fault_logged;

    ngx_gmchat_cause_e            leaving_cause;
    unsigned                      leaving:1;    /* lost once all is answered */
};


/* ngx_gmchat_redis.c: calls and writing */

/* Whether what is put now will be sent. */
ngx_uint_t ngx_gmchat_redis_serves(gmchat_store_t *store);

/* The link is to be lost once all that was sent is answered. */
void ngx_gmchat_redis_leave(gmchat_store_t *store, ngx_gmchat_cause_e cause);

/* The cause that an error reply stands for. */
ngx_gmchat_cause_e ngx_gmchat_redis_cause_of(const gmchat_str_t *error);

/* Puts a command of the link's own at the end of what is to be written; `done`
 * gets the store.  Returns NGX_ERROR without memory. */
ngx_int_t ngx_gmchat_redis_command(gmchat_store_t *store,
    gmchat_store_done_pt done, const gmchat_str_t *words, size_t n);

/* The same on a link that serves, and writes it. */
ngx_int_t ngx_gmchat_redis_ask(gmchat_store_t *store,
    gmchat_store_done_pt done, const gmchat_str_t *words, size_t n);

/* Ends a call that is in no queue.  Its end may submit others. */
void ngx_gmchat_redis_end_call(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value);


/* ngx_gmchat_redis_read.c: replies and what they mean for their calls */

ngx_int_t ngx_gmchat_redis_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
void ngx_gmchat_redis_answered(ngx_gmchat_link_t *link);


/* ngx_gmchat_redis_setup.c: AUTH, SELECT, INFO, SCRIPT LOAD; the probe */

ngx_int_t ngx_gmchat_redis_setup(ngx_gmchat_link_t *link);
void ngx_gmchat_redis_probe_handler(ngx_event_t *ev);


#endif /* NGX_GMCHAT_REDIS_INTERNAL_H */

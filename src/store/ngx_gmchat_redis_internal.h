#ifndef NGX_GMCHAT_REDIS_INTERNAL_H
#define NGX_GMCHAT_REDIS_INTERNAL_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "gmchat_fault.h"
#include "gmchat_resp.h"
#include "gmchat_script.h"
#include "ngx_gmchat_redis.h"


/* What the files of the link share: none of it is for others. */


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

    gmchat_link_state_e           state;
    const char                   *reason;       /* of the last loss */
    ngx_gmchat_cause_e            lost;         /* and its cause */
    unsigned                      failures;     /* in a row */
    ngx_uint_t                    addr;         /* the next to try */

    ngx_log_t                     log;
    ngx_pool_t                   *pool;         /* the connection's */
    ngx_connection_t             *connection;
    ngx_peer_connection_t         peer;
    redisReader                  *reader;
    gmchat_arena_t                arena;        /* the reply being handled */

    gmchat_buf_t                  out;
    size_t                        out_pos;
    uint64_t                      written;      /* bytes, since connecting */
    uint64_t                      formatted;

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
    ngx_event_t                   deadline;     /* of connecting, of answers */
    ngx_event_t                   retry;
    ngx_event_t                   probe;

    const gmchat_fault_t         *fault;        /* the last that was logged */
    ngx_msec_t                    fault_logged;

    ngx_gmchat_cause_e            leaving_cause;
    unsigned                      leaving:1;    /* lost once all is answered */
    unsigned                      connecting:1; /* connect() is under way */
};


/* ngx_gmchat_redis.c: states, calls and writing */

void ngx_gmchat_redis_event(gmchat_store_t *store, gmchat_link_event_e event);

/* The link is lost: all calls end, and it connects again after a while. */
void ngx_gmchat_redis_lose(gmchat_store_t *store, ngx_gmchat_cause_e cause,
    const char *reason);

/* The link is to be lost once all that was sent is answered. */
void ngx_gmchat_redis_leave(gmchat_store_t *store, ngx_gmchat_cause_e cause);

/* The cause that an error reply stands for. */
ngx_gmchat_cause_e ngx_gmchat_redis_cause_of(const gmchat_str_t *error);

/* Puts a command of the link's own at the end of what is to be written. */
ngx_int_t ngx_gmchat_redis_command(gmchat_store_t *store,
    gmchat_store_done_pt done, const gmchat_str_t *words, size_t n);

void ngx_gmchat_redis_write(gmchat_store_t *store);
void ngx_gmchat_redis_write_handler(ngx_event_t *wev);

/* Ends a call that is in no queue.  Its end may submit others. */
void ngx_gmchat_redis_end_call(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value);


/* ngx_gmchat_redis_read.c: replies and what they mean for their calls */

void ngx_gmchat_redis_read_handler(ngx_event_t *rev);


/* ngx_gmchat_redis_connect.c: from nothing to a TCP or TLS connection */

void ngx_gmchat_redis_connect(gmchat_store_t *store);
void ngx_gmchat_redis_connected(gmchat_store_t *store);
void ngx_gmchat_redis_close_connection(gmchat_store_t *store);


/* ngx_gmchat_redis_setup.c: AUTH, SELECT, INFO, SCRIPT LOAD; the probe */

void ngx_gmchat_redis_setup(gmchat_store_t *store);
void ngx_gmchat_redis_probe_handler(ngx_event_t *ev);


#endif /* NGX_GMCHAT_REDIS_INTERNAL_H */

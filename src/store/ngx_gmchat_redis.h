#ifndef NGX_GMCHAT_REDIS_H
#define NGX_GMCHAT_REDIS_H


#include "ngx_gmchat_store_internal.h"

#include "ngx_gmchat_commit.h"
#include "ngx_gmchat_link.h"
#include "ngx_gmchat_pubsub.h"


/* One server, as one worker uses it.  None of it is for others than the
 * store's files. */

struct ngx_gmchat_redis_s {
    ngx_queue_t                   queue;        /* of a cluster's servers */
    gmchat_store_t               *store;
    ngx_gmchat_store_conf_t      *conf;
    ngx_gmchat_store_counters_t  *counters;
    ngx_gmchat_endpoint_t         endpoint;
    ngx_pool_t                   *pool;         /* the endpoint's */
    ngx_str_t                     label;        /* the log's name of it */

    ngx_gmchat_link_t             link;         /* runs scripts */
    ngx_gmchat_pubsub_t           pubsub;       /* hears what is published */
    ngx_gmchat_commit_t           commit;       /* knows what is safe */
    ngx_atomic_t                  state;        /* gauges of the two, where */
    ngx_atomic_t                  wake_state;   /* the store has many */

    ngx_queue_t                   waiting;      /* not formatted yet */
    ngx_queue_t                   sent;         /* formatted, not answered */
    ngx_uint_t                    setup_left;   /* answers */

    u_char                        history[GMCHAT_SHA_LEN];
    size_t                        history_len;

    ngx_event_t                   flush;        /* posted */
    ngx_event_t                   probe;
    ngx_event_t                   doubt;        /* timer, in a cluster */

    ngx_gmchat_cause_e            leaving_cause;
    unsigned                      leaving:1;    /* lost once all is answered */
    unsigned                      sharded:1;    /* wakes by SPUBLISH */
    unsigned                      bare:1;       /* it had no slots */
};


/* ngx_gmchat_redis.c: calls and writing */

/*
 * Sets up a server of zeroes that has `store`.  It connects by
 * GMCHAT_LINK_START, once it has an endpoint.
 */
void ngx_gmchat_redis_init(ngx_gmchat_redis_t *redis, ngx_uint_t shown);

/* Gives it an endpoint (copied), in place of the one before.  Returns
 * NGX_ERROR without memory; then it keeps the one before. */
ngx_int_t ngx_gmchat_redis_at(ngx_gmchat_redis_t *redis,
    const gmchat_str_t *host, unsigned port);

/* The same, and what is connected to the one before, or waits to know where
 * to, connects to it. */
ngx_int_t ngx_gmchat_redis_move(ngx_gmchat_redis_t *redis,
    const gmchat_str_t *host, unsigned port);

/* Ends its calls and closes the connections. */
void ngx_gmchat_redis_close(ngx_gmchat_redis_t *redis);

/* Sends a call, or refuses it. */
void ngx_gmchat_redis_submit(ngx_gmchat_redis_t *redis,
    ngx_gmchat_call_t *call);

/* Whether what is put now will be sent. */
ngx_uint_t ngx_gmchat_redis_serves(ngx_gmchat_redis_t *redis);

/* For how many milliseconds the oldest call waits for its answer; 0 if none
 * does. */
ngx_msec_t ngx_gmchat_redis_silence(ngx_gmchat_redis_t *redis);

/* Whether it has neither calls nor channels. */
ngx_uint_t ngx_gmchat_redis_idle(ngx_gmchat_redis_t *redis);

/* The link is to be lost once all that was sent is answered. */
void ngx_gmchat_redis_leave(ngx_gmchat_redis_t *redis,
    ngx_gmchat_cause_e cause);

/* The cause that an error reply stands for. */
ngx_gmchat_cause_e ngx_gmchat_redis_cause_of(const gmchat_str_t *error);

/* Puts a command of the link's own at the end of what is to be written; `done`
 * gets `data`.  Returns NGX_ERROR without memory. */
ngx_int_t ngx_gmchat_redis_command(ngx_gmchat_redis_t *redis,
    gmchat_store_done_pt done, void *data, const gmchat_str_t *words,
    size_t n);

/* The same on a link that serves, and writes it. */
ngx_int_t ngx_gmchat_redis_ask(ngx_gmchat_redis_t *redis,
    gmchat_store_done_pt done, void *data, const gmchat_str_t *words,
    size_t n);


/* ngx_gmchat_redis_read.c: replies and what they mean for their calls */

ngx_int_t ngx_gmchat_redis_answer(ngx_gmchat_link_t *link,
    const gmchat_value_t *value);
void ngx_gmchat_redis_answered(ngx_gmchat_link_t *link);


/* ngx_gmchat_redis_setup.c: AUTH, SELECT, INFO, SCRIPT LOAD; the probe */

ngx_int_t ngx_gmchat_redis_setup(ngx_gmchat_link_t *link);
void ngx_gmchat_redis_probe_handler(ngx_event_t *ev);

/* What INFO replication says.  Returns NGX_ERROR if it tells no role and
 * replication id, or has one that is longer than `history` may be. */
ngx_int_t ngx_gmchat_redis_history(const gmchat_value_t *info,
    ngx_uint_t *master, ngx_str_t *history);

/* How many replicas are connected, by INFO replication. */
ngx_uint_t ngx_gmchat_redis_copies(const gmchat_value_t *info);


#endif /* NGX_GMCHAT_REDIS_H */

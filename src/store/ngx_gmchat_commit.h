#ifndef NGX_GMCHAT_COMMIT_H
#define NGX_GMCHAT_COMMIT_H


#include "ngx_gmchat_store_internal.h"

#include "ngx_gmchat_link.h"


/*
 * The link that waits until what scripts wrote is safe: a connection of its
 * own, for WAIT and WAITAOF hold up all that comes behind them.  It is there
 * while the link that runs scripts serves, and leads to the very same server.
 */

typedef struct ngx_gmchat_commit_s  ngx_gmchat_commit_t;

/* What an answer means, in the order in which they come.  Returns NGX_OK, or
 * NGX_DONE if the link was lost by it. */
typedef ngx_int_t (*ngx_gmchat_commit_step_pt)(ngx_gmchat_commit_t *commit,
    const gmchat_value_t *value);

#define NGX_GMCHAT_COMMIT_STEPS  4

struct ngx_gmchat_commit_s {
    ngx_gmchat_redis_t          *redis;
    ngx_gmchat_link_t            link;
    ngx_atomic_t                 state;     /* the link's gauge */

    /* each durable call is in one of these, but while its script runs */

    ngx_queue_t                  early;     /* not run before it is ready */
    ngx_queue_t                  held;      /* answered, the oldest first */
    ngx_queue_t                  group;     /* of those, what is waited for */

    const gmchat_durability_t   *durability;    /* the group's */

    ngx_gmchat_commit_step_pt    steps[NGX_GMCHAT_COMMIT_STEPS];
    ngx_uint_t                   nsteps;    /* 0: nothing is asked */
    ngx_uint_t                   step;

    ngx_uint_t                   copies;    /* replicas that the server has */

    ngx_event_t                  next;      /* posted */
    ngx_event_t                  probe;
    ngx_msec_t                   logged;    /* that a group was not safe */

    unsigned                     broken:1;  /* the group met an error */
    unsigned                     safe:1;    /* enough have it */
    unsigned                     doubting:1;    /* the Sentinels are asked */
    unsigned                     told:1;    /* `logged` is set */
};


/* Sets up the link of a server, which has to be served first. */
void ngx_gmchat_commit_init(ngx_gmchat_redis_t *redis);

/* The server serves: connects. */
void ngx_gmchat_commit_begin(ngx_gmchat_commit_t *commit);

/* The server does not serve any more: ends what waits here. */
void ngx_gmchat_commit_rest(ngx_gmchat_commit_t *commit);

/* The Sentinels say that the server is the master, and stays so. */
void ngx_gmchat_commit_vouched(ngx_gmchat_commit_t *commit);

/* Whether no call waits here. */
ngx_uint_t ngx_gmchat_commit_idle(ngx_gmchat_commit_t *commit);

/* The worker exits. */
void ngx_gmchat_commit_close(ngx_gmchat_commit_t *commit);

/*
 * Whether a durable call is not to be run now: it is refused where nobody
 * could tell when it is safe, or kept until somebody can.
 */
ngx_uint_t ngx_gmchat_commit_defers(ngx_gmchat_commit_t *commit,
    ngx_gmchat_call_t *call);

/*
 * Takes a call that is in no queue and was answered with `value`, and ends it
 * once that is safe.  Returns NGX_DECLINED if there is nothing to wait for.
 */
ngx_int_t ngx_gmchat_commit_hold(ngx_gmchat_commit_t *commit,
    ngx_gmchat_call_t *call, const gmchat_value_t *value);


#endif /* NGX_GMCHAT_COMMIT_H */

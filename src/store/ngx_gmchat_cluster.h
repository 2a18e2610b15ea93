#ifndef NGX_GMCHAT_CLUSTER_H
#define NGX_GMCHAT_CLUSTER_H


#include "ngx_gmchat_redis.h"


/* Milliseconds: a server that does not answer for so long is doubted. */
#define NGX_GMCHAT_DOUBT  250


/*
 * Redis Cluster: which server has which slots, and calls and subscriptions
 * that follow the slots (Redis Cluster specification, "Redirection and
 * resharding").
 */

/* Makes what a store has of a cluster and begins to ask for the slots.
 * Returns NULL without memory. */
ngx_gmchat_cluster_t *ngx_gmchat_cluster_open(gmchat_store_t *store,
    ngx_pool_t *pool);

/* Ends all calls and subscriptions: the worker exits. */
void ngx_gmchat_cluster_close(ngx_gmchat_cluster_t *cluster);

/* Hands a call that is in no queue to the server that has its slot. */
void ngx_gmchat_cluster_dispatch(ngx_gmchat_cluster_t *cluster,
    ngx_gmchat_call_t *call);

/*
 * A server refused a call (in no queue) for a reason that has to do with
 * slots.  Returns NGX_OK if the call goes on, elsewhere or later; NGX_DECLINED
 * if it ends.
 */
ngx_int_t ngx_gmchat_cluster_redirect(ngx_gmchat_redis_t *redis,
    ngx_gmchat_call_t *call, const gmchat_fault_t *fault,
    const gmchat_str_t *error);

/* What hears the wake-ups of a channel. */
ngx_gmchat_pubsub_t *ngx_gmchat_cluster_pubsub(ngx_gmchat_cluster_t *cluster,
    const gmchat_str_t *channel);

/* Asks for the slots soon, unless it is asked already: a server was lost, does
 * not answer, or sent somebody elsewhere. */
void ngx_gmchat_cluster_refresh(ngx_gmchat_cluster_t *cluster);

/* The worst state of its links; `reason` (unless NULL) as with
 * ngx_gmchat_store_state(). */
gmchat_link_state_e ngx_gmchat_cluster_state(ngx_gmchat_cluster_t *cluster,
    const char **reason);

/* The same of the links that are subscribed. */
gmchat_link_state_e ngx_gmchat_cluster_wake_state(
    ngx_gmchat_cluster_t *cluster);


#endif /* NGX_GMCHAT_CLUSTER_H */

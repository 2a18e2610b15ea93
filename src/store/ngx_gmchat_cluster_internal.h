#ifndef NGX_GMCHAT_CLUSTER_INTERNAL_H
#define NGX_GMCHAT_CLUSTER_INTERNAL_H


#include "ngx_gmchat_cluster.h"

#include "gmchat_cluster.h"


/* What the files of a cluster share. */

struct ngx_gmchat_cluster_s {
    gmchat_store_t         *store;

    ngx_queue_t             servers;    /* ngx_gmchat_redis_t */
    ngx_gmchat_redis_t     *slots[GMCHAT_CLUSTER_SLOTS];    /* NULL: nobody */
    ngx_gmchat_redis_t      nowhere;    /* for channels of such slots */

    ngx_queue_t             waiting;    /* calls, until the slots are known */
    ngx_queue_t             later;      /* calls to be tried again */
    ngx_event_t             again;      /* timer: it is time for them */

    ngx_gmchat_link_t       map;        /* asks for the slots */
    ngx_atomic_t            map_state;
    ngx_uint_t              answers;    /* that it waits for */
    ngx_uint_t              turn;       /* of those who are asked */
    ngx_event_t             refresh;    /* timer: to be asked again */
    ngx_event_t             rest;       /* posted: it is closed */
    ngx_event_t             sweep;      /* timer: servers without slots go */

    unsigned                known:1;    /* the slots, once */
    unsigned                stale:1;    /* what is known of them */
    unsigned                closing:1;
};


/* ngx_gmchat_cluster.c: servers and calls */

/* The server of that address, made where there is none; NULL without
 * memory. */
ngx_gmchat_redis_t *ngx_gmchat_cluster_server(ngx_gmchat_cluster_t *cluster,
    const gmchat_str_t *host, unsigned port);

/* A server has slots: where it had none, it may have been a replica meanwhile,
 * and is asked for its history. */
void ngx_gmchat_cluster_has(ngx_gmchat_redis_t *redis);

/* Hands on the calls that waited for the slots. */
void ngx_gmchat_cluster_release(ngx_gmchat_cluster_t *cluster);

/* Refuses them. */
void ngx_gmchat_cluster_give_up(ngx_gmchat_cluster_t *cluster);

/* ngx_gmchat_cluster_map.c: asking for the slots */

void ngx_gmchat_cluster_map_init(ngx_gmchat_cluster_t *cluster);
void ngx_gmchat_cluster_map_close(ngx_gmchat_cluster_t *cluster);


#endif /* NGX_GMCHAT_CLUSTER_INTERNAL_H */

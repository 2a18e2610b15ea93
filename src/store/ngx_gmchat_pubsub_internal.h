#ifndef NGX_GMCHAT_PUBSUB_INTERNAL_H
#define NGX_GMCHAT_PUBSUB_INTERNAL_H


#include "ngx_gmchat_redis.h"

#include "gmchat_push.h"


/* What the files of the link that is subscribed share. */

/* Milliseconds between wake-ups while nothing can be heard: a message waits
 * that much longer at most, and many waiters are not a storm. */
#define NGX_GMCHAT_LOOK    2000


typedef struct {
    ngx_str_node_t         node;        /* first, for ngx_str_rbtree */
    ngx_queue_t            queue;
    ngx_msec_t             since;       /* when it began to linger */
    ngx_gmchat_pubsub_t   *pubsub;
    gmchat_channel_t       channel;
} ngx_gmchat_pubsub_channel_t;


/* ngx_gmchat_pubsub.c: channels */

/* Returns NULL if there is none. */
ngx_gmchat_pubsub_channel_t *ngx_gmchat_pubsub_find(
    ngx_gmchat_pubsub_t *pubsub, const gmchat_str_t *name);

/* Makes a channel that lingers; returns NULL without memory. */
ngx_gmchat_pubsub_channel_t *ngx_gmchat_pubsub_new(
    ngx_gmchat_pubsub_t *pubsub, const gmchat_str_t *name);

/* Frees a channel that is in no queue and has no subs. */
void ngx_gmchat_pubsub_free(ngx_gmchat_pubsub_t *pubsub,
    ngx_gmchat_pubsub_channel_t *channel);

/* Puts a channel at the end of a queue. */
void ngx_gmchat_pubsub_move(ngx_gmchat_pubsub_channel_t *channel,
    ngx_queue_t *to);


/* ngx_gmchat_pubsub_slots.c: channels of a cluster, whose slots move */

/* The server says that a channel is not subscribed any more, unasked.  Returns
 * 1 if it is so; 0 if it is a confirmation, or nonsense. */
ngx_uint_t ngx_gmchat_pubsub_unasked(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_push_t *push);

/* It answered with an error.  Returns NGX_OK if that has to do with slots, and
 * the link goes on; else NGX_DECLINED. */
ngx_int_t ngx_gmchat_pubsub_redirected(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *error);


#endif /* NGX_GMCHAT_PUBSUB_INTERNAL_H */

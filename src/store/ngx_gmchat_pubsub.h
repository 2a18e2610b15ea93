#ifndef NGX_GMCHAT_PUBSUB_H
#define NGX_GMCHAT_PUBSUB_H


#include "ngx_gmchat_store_internal.h"

#include "gmchat_channel.h"
#include "ngx_gmchat_link.h"


/* The link that is subscribed: what gmchat_store_subscribe() is made of. */


/* "gmchat:link:" and 128 bits in hex. */
#define NGX_GMCHAT_OWN_LEN  (sizeof("gmchat:link:") - 1 + 32)

typedef struct {
    ngx_gmchat_redis_t      *redis;
    ngx_gmchat_link_t    link;

    ngx_rbtree_t         channels;
    ngx_rbtree_node_t    sentinel;

    /* each channel is in one of these */

    ngx_queue_t          fresh;         /* has subs, SUBSCRIBE is to be sent */
    ngx_queue_t          active;        /* has subs, SUBSCRIBE was sent */
    ngx_queue_t          lingering;     /* has no subs, the longest first */
    ngx_queue_t          leaving;       /* has none, UNSUBSCRIBE was sent */

    /* the connection's proof that it delivers */

    u_char               own[NGX_GMCHAT_OWN_LEN];   /* its own channel */
    uint64_t             asked;         /* probes published there */
    uint64_t             answered;      /* the latest that came back */
    ngx_uint_t           unconfirmed;   /* SUBSCRIBEs and UNSUBSCRIBEs */
    ngx_msec_t           heard;         /* when anything came */
    ngx_uint_t           unheard;       /* probes since */
    ngx_msec_t           probed;        /* since when a probe is missing */
    ngx_msec_t           confirmed;     /* since when a confirmation is */

    ngx_event_t          flush;         /* posted */
    ngx_event_t          probe;
    ngx_event_t          look;          /* while it is not ready */
    ngx_event_t          sweep;         /* of those that linger */

    unsigned             own_confirmed:1;
    unsigned             doubted:1;     /* overdue, to be looked at again */
    unsigned             moved:1;       /* some of `fresh` wait for the map */
    unsigned             arrived:1;     /* some of `active` have subs that came
                                           from another server */
} ngx_gmchat_pubsub_t;


/* Sets up the link of a redis, which connects when somebody subscribes. */
void ngx_gmchat_pubsub_init(ngx_gmchat_redis_t *redis, ngx_atomic_t *gauge);

/* gmchat_store_subscribe() and _unsubscribe(), of a sub that is in no channel,
 * and of one that is in one. */
int ngx_gmchat_pubsub_join(ngx_gmchat_pubsub_t *pubsub, gmchat_sub_t *sub,
    const gmchat_str_t *channel, int *active);
void ngx_gmchat_pubsub_leave(gmchat_sub_t *sub);

/* Whether all that is published for a sub that is in a channel is heard, and
 * its server runs scripts. */
int ngx_gmchat_pubsub_active(const gmchat_sub_t *sub);

/* A cluster's server became ready: what is to be heard there can be. */
void ngx_gmchat_pubsub_may_begin(ngx_gmchat_pubsub_t *pubsub);

/* Puts those channels of a cluster's server that belong elsewhere there. */
void ngx_gmchat_pubsub_relocate(ngx_gmchat_pubsub_t *pubsub);

/* Whether it has no channels. */
ngx_uint_t ngx_gmchat_pubsub_idle(ngx_gmchat_pubsub_t *pubsub);

/* Takes all subs out of their channels and closes it: the worker exits. */
void ngx_gmchat_pubsub_close(ngx_gmchat_pubsub_t *pubsub);

/* The server answered with an error: logs it, and the link is lost. */
void ngx_gmchat_pubsub_refused(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *error);


/*
 * ngx_gmchat_proof.c: proof that the connection delivers.  The link that runs
 * scripts publishes on a channel of this connection, and it arrives here.  Any
 * of them may lose the link.
 */

void ngx_gmchat_proof_init(ngx_gmchat_pubsub_t *pubsub);

/* Makes the name of a new connection's own channel: what was published for
 * another one proves nothing. */
void ngx_gmchat_proof_name(ngx_gmchat_pubsub_t *pubsub);

/* Whether a channel is that one. */
ngx_uint_t ngx_gmchat_proof_own(const ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *channel);

/* It is subscribed: the first probe that comes makes the link ready. */
void ngx_gmchat_proof_begin(ngx_gmchat_pubsub_t *pubsub);

/* Something came on it: a probe, or what a stranger published there. */
void ngx_gmchat_proof_came(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *text);

/* The link is ready: probes it from now on. */
void ngx_gmchat_proof_serve(ngx_gmchat_pubsub_t *pubsub);

/*
 * The link's deadline: something has to come within wake_timeout; so have the
 * oldest probe and the oldest confirmation, where one is missing.
 */
void ngx_gmchat_proof_overdue(ngx_gmchat_link_t *link);

/* The connection is gone. */
void ngx_gmchat_proof_end(ngx_gmchat_pubsub_t *pubsub);


#endif /* NGX_GMCHAT_PUBSUB_H */

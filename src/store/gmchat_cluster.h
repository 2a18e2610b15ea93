#ifndef GMCHAT_CLUSTER_H
#define GMCHAT_CLUSTER_H


#include "gmchat_value.h"


/* What a node of Redis Cluster says about where keys are. */

#define GMCHAT_CLUSTER_SLOTS  16384

/* The longest name of a host that is taken, in bytes. */

#define GMCHAT_CLUSTER_HOST   255

typedef enum {
    GMCHAT_REDIRECT_NONE = 0,
    GMCHAT_REDIRECT_MOVED,      /* the slot is served there from now on */
    GMCHAT_REDIRECT_ASK         /* this one call is to be made there */
} gmchat_redirect_e;

/*
 * An address: an empty host is that of the node that answered; a port of 0
 * means that nobody is known to serve the slot (the node said "?" as host, and
 * `host` is empty).
 */

typedef struct {
    gmchat_redirect_e   kind;
    unsigned            slot;
    gmchat_str_t        host;   /* without brackets */
    unsigned            port;
} gmchat_redirect_t;

typedef struct {
    unsigned            first;
    unsigned            last;   /* itself in the range */
    gmchat_str_t        host;
    unsigned            port;
} gmchat_cluster_range_t;


/* The slot of a key: of its hash tag, the first { } with something inside. */
unsigned gmchat_cluster_slot(const gmchat_str_t *key);

/*
 * Reads the text of an error.  Returns 1 if it is a well-formed MOVED or ASK;
 * the host of `redirect` points into it.  Else 0, and the kind is NONE.
 */
int gmchat_cluster_redirect(gmchat_redirect_t *redirect,
    const gmchat_str_t *error);

/*
 * Reads the i-th range, from 0, of a reply of CLUSTER SLOTS, and the address
 * of its master.  Returns 1, 0 if there are not so many, -1 if the reply is
 * none or that range is malformed.  The host is the reply's.
 */
int gmchat_cluster_range(gmchat_cluster_range_t *range,
    const gmchat_value_t *slots, size_t i);


#endif /* GMCHAT_CLUSTER_H */

#ifndef GMCHAT_FAULT_H
#define GMCHAT_FAULT_H


#include "gmchat_store.h"


/*
 * What Redis' error replies mean for a call and for the link, by their first
 * word (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 */

typedef enum {
    GMCHAT_FAULT_END = 0,       /* the call ends with `outcome` */
    GMCHAT_FAULT_RERUN,         /* run again, with the script's text */
    GMCHAT_FAULT_REDIRECT,      /* in a cluster: another server is to run it;
                                   elsewhere the call ends */
    GMCHAT_FAULT_LATER,         /* in a cluster: what is in the way passes */
    GMCHAT_FAULT_RECONNECT      /* the call ends, and the link begins anew:
                                   this server can't serve it now */
} gmchat_fault_cure_e;

typedef struct {
    const char                *word;
    gmchat_fault_cure_e        cure;
    gmchat_store_outcome_e     outcome;
    gmchat_store_outcome_e     midway;  /* where a script met it */
    const char                *cause;   /* name of the counter */
} gmchat_fault_t;


/* Never NULL: an error that the table does not have is its last row. */
const gmchat_fault_t *gmchat_fault_find(const gmchat_str_t *error);

/* How a call ends that was answered with an error of that row. */
gmchat_store_outcome_e gmchat_fault_outcome(const gmchat_fault_t *fault,
    const gmchat_str_t *error);


#endif /* GMCHAT_FAULT_H */

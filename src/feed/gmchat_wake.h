#ifndef GMCHAT_WAKE_H
#define GMCHAT_WAKE_H


#include "gmchat_entry.h"
#include "gmchat_ledger.h"


/* What the scripts publish to a receiver's channel (docs/keys.md). */

typedef enum {
    GMCHAT_WAKE_LOOK = 0,       /* something may be there; also what is not
                                   understood: the store is the truth */
    GMCHAT_WAKE_ENTRY,          /* this entry entered a mailbox */
    GMCHAT_WAKE_DONE,           /* everything up to a place is done with */
    GMCHAT_WAKE_ONLINE,         /* the list of online GMs changed */
    GMCHAT_WAKE_READ,           /* the GM has read what entry.uid wrote, up to
                                   the message entry.id */
    GMCHAT_WAKE_DESK            /* an operator did something for the GM */
} gmchat_wake_e;

typedef struct {
    gmchat_line_e    line;      /* of an entry or a place */
    gmchat_place_t   place;
    gmchat_entry_t   entry;     /* points into the message */
    gmchat_str_t     action;    /* an operator's, with entry.uid and entry.id
                                   where it has such; likewise */
} gmchat_wake_t;


gmchat_wake_e gmchat_wake_read(gmchat_wake_t *wake,
    const gmchat_str_t *message);


#endif /* GMCHAT_WAKE_H */

#ifndef GMCHAT_STORE_H
#define GMCHAT_STORE_H


#include "gmchat_script_call.h"
#include "gmchat_value.h"


/* All that the other layers see of the store. */

typedef struct gmchat_store_s  gmchat_store_t;


typedef enum {
    GMCHAT_STORE_REPLY = 0,     /* `value` is the script's reply */
    GMCHAT_STORE_REFUSED,       /* nothing was done */
    GMCHAT_STORE_UNKNOWN        /* it may have been done */
} gmchat_store_outcome_e;

/*
 * `value` is valid until the callback returns; NULL unless there is a reply.
 */
typedef void (*gmchat_store_done_pt)(void *data,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value);


/*
 * Runs a script.  `done` is called exactly once, later, never from inside;
 * until then the caller keeps the strings of `call`.  Returns 0; or -1 without
 * memory, and `done` is not called.
 */
int gmchat_store_submit(gmchat_store_t *store,
    const gmchat_script_call_t *call, gmchat_store_done_pt done, void *data);


#endif /* GMCHAT_STORE_H */

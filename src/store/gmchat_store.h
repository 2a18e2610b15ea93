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


/*
 * Being woken: somebody published a message to a channel.  Wake-ups save
 * looking again and again, and may be lost: what counts is what is stored.
 */

typedef struct gmchat_channel_s  gmchat_channel_t;
typedef struct gmchat_sub_s      gmchat_sub_t;

/*
 * `message` is what was published, valid until the callback returns.  NULL:
 * look for yourself, for the subscription begins, begins again, or is cut off;
 * while it is, that comes every 2 seconds.  Messages come only once it began,
 * and after a cut only once it began again.
 */
typedef void (*gmchat_store_wake_pt)(gmchat_sub_t *sub,
    const gmchat_str_t *message);

/* One who is subscribed.  The caller's memory, zeroes before its first use. */

struct gmchat_sub_s {
    gmchat_store_wake_pt   wake;        /* set by the caller */
    void                  *data;        /* the same */

    gmchat_channel_t      *channel;     /* NULL: not subscribed */
    gmchat_sub_t          *prev;
    gmchat_sub_t          *next;
    uint32_t               turn;
    unsigned               waits:1;     /* for the subscription to begin */
};


/*
 * Joins a channel, after leaving the one that `sub` is in.  `wake` is called
 * later, never from inside; it may unsubscribe any sub and subscribe others.
 * `channel` is copied.  *active (unless NULL) is 1 where the channel is
 * subscribed already and the link is proven: what is read from now on misses
 * nothing; else it is 0, and `wake` with NULL follows once it is.  Returns 0;
 * or -1 without memory or when the worker exits, and `sub` is in no channel.
 */
int gmchat_store_subscribe(gmchat_store_t *store, gmchat_sub_t *sub,
    const gmchat_str_t *channel, int *active);

/*
 * 1 where the channel of `sub` is subscribed, the link that hears it is proven,
 * and so is the one that runs scripts there: what is read from now on misses
 * nothing.  0 where not, or where it is in no channel.
 */
int gmchat_store_active(const gmchat_sub_t *sub);

/* `wake` is not called any more.  Does nothing if `sub` is in no channel. */
void gmchat_store_unsubscribe(gmchat_store_t *store, gmchat_sub_t *sub);


#endif /* GMCHAT_STORE_H */

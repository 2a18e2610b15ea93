#ifndef GMCHAT_KNOWN_H
#define GMCHAT_KNOWN_H


#include "gmchat_cursor.h"
#include "gmchat_ledger.h"


/*
 * What a worker knows of a receiver's mailboxes without asking the store: that
 * one of them is empty.  It knows from a reply that said so, and until a
 * wake-up says that there may be something, until somebody in this nginx wrote
 * to the receiver, or until the reply is too old.  Time is an argument, in
 * milliseconds.
 */

typedef struct {
    uint64_t        since;          /* when the call was submitted whose reply
                                       said so */
    uint64_t        changes;        /* how often was written till then */
    uint32_t        turn;           /* rises with each wake-up */
    uint32_t        idle;           /* replies in a row that said so */
    unsigned        empty:1;
    unsigned char   cursor[GMCHAT_CURSOR_MAX];
    unsigned char   len;            /* of the cursor */
} gmchat_known_line_t;

typedef struct {
    gmchat_known_line_t   lines[GMCHAT_LINES];
    uint32_t              needed;   /* replies in a row until it is worth to be
                                       woken */
    uint32_t              wakes;    /* since the knowledge was used */
    uint32_t              uses;     /* since there were too many of them */
    uint32_t              vain;     /* replies that were believed, and not used
                                       before the next one */
} gmchat_known_t;

/* What a call that is submitted remembers, for its reply. */

typedef struct {
    uint64_t        id;             /* whose knowledge it is; 0: nobody's */
    uint64_t        since;
    uint64_t        changes;
    uint32_t        turn;
    unsigned        active:1;       /* no wake-up could be missed since */
} gmchat_known_ticket_t;


/* Replies in a row that it takes before a receiver is worth a subscription;
 * the same at most, where its wake-ups were of no use. */
#define GMCHAT_KNOWN_NEEDED      2
#define GMCHAT_KNOWN_NEEDED_MAX  64

/* Wake-ups without a use that end the subscription; uses that make up for
 * it. */
#define GMCHAT_KNOWN_WAKES       4
#define GMCHAT_KNOWN_USES        16

/* Replies whose knowledge was too old when it was asked for again, which end
 * it, too: Redis would publish for nothing. */
#define GMCHAT_KNOWN_VAIN        8


typedef enum {
    GMCHAT_KNOWN_ASK = 0,           /* as before */
    GMCHAT_KNOWN_SUBSCRIBE,         /* the receiver is worth a subscription */
    GMCHAT_KNOWN_UNSUBSCRIBE        /* it is not */
} gmchat_known_e;


void gmchat_known_init(gmchat_known_t *known);

/*
 * Whether a poll can be answered: `line` is known to be empty, for less than
 * `age`, nothing was written since, and `ack` (NULL or empty: none)
 * acknowledges nothing that is not done with.  Returns the line, whose cursor
 * is the answer, or NULL.
 */
const gmchat_known_line_t *gmchat_known_use(gmchat_known_t *known,
    gmchat_line_e line, const gmchat_str_t *ack, uint64_t changes,
    uint64_t now, uint64_t age);

/* A call is submitted: fills its ticket, but for the id. */
void gmchat_known_ask(const gmchat_known_t *known, gmchat_line_e line,
    uint64_t changes, uint64_t now, int active, gmchat_known_ticket_t *ticket);

/*
 * Its reply came: `cursor` is what it said of an empty mailbox, and is empty
 * where there was something.  It is believed if `ticket` (NULL: none) says that
 * no wake-up was missed, and `active` that this is still so.
 */
gmchat_known_e gmchat_known_reply(gmchat_known_t *known, gmchat_line_e line,
    const gmchat_known_ticket_t *ticket, const gmchat_str_t *cursor,
    int active);

/*
 * A wake-up: `message` is NULL where what was published may have been missed,
 * and then `active` says whether that is over.
 */
gmchat_known_e gmchat_known_wake(gmchat_known_t *known,
    const gmchat_str_t *message, int active);


#endif /* GMCHAT_KNOWN_H */

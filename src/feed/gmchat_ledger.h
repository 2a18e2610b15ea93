#ifndef GMCHAT_LEDGER_H
#define GMCHAT_LEDGER_H


#include "gmchat_buf.h"


/*
 * What a stream has given to its client, and what of that is acknowledged:
 * for each receiver the place in its mailboxes, and the cursor that covers
 * them all.  Pure bookkeeping: nothing is read or written here.
 *
 * A cursor names the receivers that were given something that is not
 * acknowledged; the others begin at what is acknowledged, and a check over
 * their places shows whether somebody else acknowledged more meanwhile.  A
 * stream of few receivers names them all.
 *
 * There is a check once all lines are known.  Before, whoever was given
 * something stays named, and the others may begin anew; lines that are added
 * later are covered as soon as all are known again.
 */

/* The place behind an entry; zeroes: behind none. */

typedef struct {
    int64_t   epoch;
    int64_t   n;
} gmchat_place_t;


typedef enum {
    GMCHAT_RELATIONS = 0,
    GMCHAT_MESSAGES,

    GMCHAT_LINES
} gmchat_line_e;


typedef struct {
    gmchat_place_t        given;        /* to the client */
    gmchat_place_t        done;         /* acknowledged, by whomever */
    unsigned              known:1;      /* the store was asked */
    unsigned              listed:1;     /* the cursor names it */
    unsigned              assumed:1;    /* the client's check covers it */
    unsigned              covered:1;    /* the check has it, unless listed */
} gmchat_line_t;


typedef struct gmchat_receiver_s  gmchat_receiver_t;

struct gmchat_receiver_s {
    int64_t               id;
    gmchat_receiver_t    *prev;
    gmchat_receiver_t    *next;         /* those with a listed line first: what
                                           changes a line may move it */
    gmchat_line_t         lines[GMCHAT_LINES];
};


typedef struct {
    gmchat_receiver_t    *first;
    gmchat_receiver_t    *last;
    size_t                n;            /* receivers */
    size_t                listed;       /* lines that are */
    size_t                unread;       /* lines that are not known */
    uint64_t              unacked;      /* entries */
    uint64_t              check;
    unsigned              relations:1;  /* receivers have such a line */
    unsigned              claimed:1;    /* check came with a cursor, and was
                                           not verified yet */
    unsigned              checked:1;    /* there is a check */
    unsigned              fresh:1;      /* .. which does not cover all */
} gmchat_ledger_t;


/* An item of a cursor. */

typedef struct {
    int64_t               id;
    gmchat_place_t        places[GMCHAT_LINES];
    unsigned              named[GMCHAT_LINES];
    uint64_t              check;
    unsigned              last:1;       /* the item is the check */
} gmchat_ledger_item_t;


/* What to do with an entry that was published. */

typedef enum {
    GMCHAT_ENTRY_NEXT = 0,              /* give it */
    GMCHAT_ENTRY_OLD,                   /* it was given */
    GMCHAT_ENTRY_GAP                    /* read the mailbox */
} gmchat_entry_place_e;


/* Lines named at once: keeps a cursor below what a header may hold. */
#define GMCHAT_LEDGER_LISTED  128


/* A ledger of zeroes is an empty one; `relations` is for the caller to set.
 * Receivers are the caller's memory. */
void gmchat_ledger_add(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    int64_t id);
void gmchat_ledger_remove(gmchat_ledger_t *ledger,
    gmchat_receiver_t *receiver);

/*
 * Reads the next item of a cursor from `rest`, which moves.  Returns 1, 0 at
 * its end, or -1 if it has another form.
 */
int gmchat_ledger_parse(const gmchat_ledger_t *ledger, gmchat_str_t *rest,
    gmchat_ledger_item_t *item);

/* The client comes back with what the item says of the receiver; before the
 * store was asked. */
void gmchat_ledger_name(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    const gmchat_ledger_item_t *item);

/* .. and with a check over all lines that no item named. */
void gmchat_ledger_claim(gmchat_ledger_t *ledger, uint64_t check);

/* The store said what is acknowledged and where reading began. */
void gmchat_ledger_read(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *done,
    const gmchat_place_t *given);

/* Whether the check that came with a cursor holds, once all lines are known;
 * 1 if there was none. */
int gmchat_ledger_holds(const gmchat_ledger_t *ledger);

/* All lines are known: from here on the check is right, and covers them. */
void gmchat_ledger_cover(gmchat_ledger_t *ledger);

/* An entry goes to the client. */
void gmchat_ledger_give(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *place);

/* Everything up to a place was acknowledged. */
void gmchat_ledger_done(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *place);

gmchat_entry_place_e gmchat_ledger_place(const gmchat_line_t *line,
    const gmchat_place_t *place);

/* Whether one more entry may be given. */
int gmchat_ledger_room(const gmchat_ledger_t *ledger, const gmchat_line_t *line,
    uint64_t window);

/* Adds the cursor; it is empty only where there are no receivers. */
void gmchat_ledger_cursor(const gmchat_ledger_t *ledger, gmchat_buf_t *buf);

/* Adds an id. */
void gmchat_ledger_id(gmchat_buf_t *buf, const gmchat_place_t *place);


#endif /* GMCHAT_LEDGER_H */

#ifndef GMCHAT_CHANNEL_H
#define GMCHAT_CHANNEL_H


#include "gmchat_store.h"


/*
 * Who is subscribed to a channel, and what the server was told of it.  A
 * channel of zeroes is an empty one.
 */

struct gmchat_channel_s {
    gmchat_sub_t  *first;       /* NULL: nobody */
    gmchat_sub_t  *last;
    uint32_t       turn;        /* of walking over them */
    uint32_t       unanswered;  /* SUBSCRIBEs and UNSUBSCRIBEs */
    unsigned       wanted:1;    /* the last of them was SUBSCRIBE */
};


/* Adds a sub that is in no channel.  If the channel is not active, it waits
 * for gmchat_channel_begin(). */
void gmchat_channel_join(gmchat_channel_t *channel, gmchat_sub_t *sub,
    int active);

/* Takes a sub out of its channel. */
void gmchat_channel_leave(gmchat_sub_t *sub);

/* SUBSCRIBE (1) or UNSUBSCRIBE (0) was sent. */
void gmchat_channel_sent(gmchat_channel_t *channel, int subscribe);

/* One of the two was confirmed.  Returns 0; or -1 if that cannot be. */
int gmchat_channel_confirm(gmchat_channel_t *channel, int subscribed);

/* Whether the server confirmed all, and the last was SUBSCRIBE. */
int gmchat_channel_confirmed(const gmchat_channel_t *channel);

/* The connection is gone: nothing is sent, and all subs wait. */
void gmchat_channel_lost(gmchat_channel_t *channel);

/*
 * These call wake() of some subs, the first that joined first.  It may take
 * any sub out and put any in; one that joins meanwhile is left out, and stands
 * in the row before those that were not woken yet.  The channel must live
 * until they return.
 */

/* Those that wait for the subscription: it begins. */
void gmchat_channel_begin(gmchat_channel_t *channel);

/* Those that wait for it: it is not there yet. */
void gmchat_channel_look(gmchat_channel_t *channel);

/* All others: a message. */
void gmchat_channel_message(gmchat_channel_t *channel,
    const gmchat_str_t *message);


#endif /* GMCHAT_CHANNEL_H */

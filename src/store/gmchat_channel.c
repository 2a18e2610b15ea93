#include "gmchat_channel.h"


static void
gmchat_channel_append(gmchat_channel_t *channel, gmchat_sub_t *sub)
{
    sub->prev = channel->last;
    sub->next = NULL;

    if (channel->last) {
        channel->last->next = sub;

    } else {
        channel->first = sub;
    }

    channel->last = sub;
}


static void
gmchat_channel_remove(gmchat_channel_t *channel, gmchat_sub_t *sub)
{
    if (sub->prev) {
        sub->prev->next = sub->next;

    } else {
        channel->first = sub->next;
    }

    if (sub->next) {
        sub->next->prev = sub->prev;

    } else {
        channel->last = sub->prev;
    }
}


void
gmchat_channel_join(gmchat_channel_t *channel, gmchat_sub_t *sub, int active)
{
    sub->channel = channel;
    sub->turn = channel->turn;
    sub->waits = !active;

    gmchat_channel_append(channel, sub);
}


void
gmchat_channel_leave(gmchat_sub_t *sub)
{
    gmchat_channel_remove(sub->channel, sub);
    sub->channel = NULL;
}


void
gmchat_channel_sent(gmchat_channel_t *channel, int subscribe)
{
    channel->wanted = subscribe != 0;
    channel->unanswered++;
}


int
gmchat_channel_confirm(gmchat_channel_t *channel, int subscribed)
{
    if (channel->unanswered == 0
        || (channel->unanswered == 1 && channel->wanted != (subscribed != 0)))
    {
        return -1;
    }

    channel->unanswered--;

    return 0;
}


int
gmchat_channel_confirmed(const gmchat_channel_t *channel)
{
    return channel->wanted && channel->unanswered == 0;
}


void
gmchat_channel_lost(gmchat_channel_t *channel)
{
    gmchat_sub_t  *sub;

    channel->wanted = 0;
    channel->unanswered = 0;

    for (sub = channel->first; sub; sub = sub->next) {
        sub->waits = 1;
    }
}


/*
 * The next sub of the turn: the first one goes to the end with the turn's
 * number, as one that joins during the turn does.  So the turn is over when
 * the first has its number, whoever left or came meanwhile.
 */

static gmchat_sub_t *
gmchat_channel_next(gmchat_channel_t *channel)
{
    gmchat_sub_t  *sub;

    sub = channel->first;

    if (sub == NULL || sub->turn == channel->turn) {
        return NULL;
    }

    gmchat_channel_remove(channel, sub);
    gmchat_channel_append(channel, sub);
    sub->turn = channel->turn;

    return sub;
}


void
gmchat_channel_begin(gmchat_channel_t *channel)
{
    gmchat_sub_t  *sub;

    channel->turn++;

    while ((sub = gmchat_channel_next(channel)) != NULL) {
        if (sub->waits) {
            sub->waits = 0;
            sub->wake(sub, NULL);
        }
    }
}


void
gmchat_channel_look(gmchat_channel_t *channel)
{
    gmchat_sub_t  *sub;

    channel->turn++;

    while ((sub = gmchat_channel_next(channel)) != NULL) {
        if (sub->waits) {
            sub->wake(sub, NULL);
        }
    }
}


void
gmchat_channel_message(gmchat_channel_t *channel, const gmchat_str_t *message)
{
    gmchat_sub_t  *sub;

    channel->turn++;

    while ((sub = gmchat_channel_next(channel)) != NULL) {
        if (!sub->waits) {
            sub->wake(sub, message);
        }
    }
}

#include "ngx_gmchat_cluster.h"

#include "gmchat_cluster.h"
#include "ngx_gmchat_pubsub_internal.h"


/* The server does not have the channel any more, unasked: its slot went. */

static void
ngx_gmchat_pubsub_gone(ngx_gmchat_pubsub_t *pubsub,
    ngx_gmchat_pubsub_channel_t *channel)
{
    gmchat_channel_lost(&channel->channel);

    if (channel->channel.first == NULL) {
        ngx_queue_remove(&channel->queue);
        ngx_gmchat_pubsub_free(pubsub, channel);
        return;
    }

    /* until the slots are known anew, those who wait look for themselves */

    ngx_gmchat_pubsub_move(channel, &pubsub->fresh);
    pubsub->moved = 1;

    if (!pubsub->look.timer_set) {
        ngx_add_timer(&pubsub->look, NGX_GMCHAT_LOOK);
    }

    ngx_gmchat_cluster_refresh(pubsub->redis->store->cluster);
}


ngx_uint_t
ngx_gmchat_pubsub_unasked(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_push_t *push)
{
    ngx_gmchat_pubsub_channel_t  *channel;

    if (!pubsub->redis->sharded || push->kind != GMCHAT_PUSH_UNSUBSCRIBED) {
        return 0;
    }

    channel = ngx_gmchat_pubsub_find(pubsub, &push->channel);

    if (channel == NULL || channel->channel.unanswered) {
        return 0;
    }

    ngx_gmchat_pubsub_gone(pubsub, channel);

    return 1;
}


/* The first channel that waits for a confirmation; of a slot, or of any. */

static ngx_gmchat_pubsub_channel_t *
ngx_gmchat_pubsub_in_slot(ngx_queue_t *queue, ngx_uint_t slot)
{
    ngx_queue_t                  *q;
    gmchat_str_t                  name;
    ngx_gmchat_pubsub_channel_t  *channel;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = ngx_queue_next(q))
    {
        channel = ngx_queue_data(q, ngx_gmchat_pubsub_channel_t, queue);
        name.data = channel->node.str.data;
        name.len = channel->node.str.len;

        if (channel->channel.unanswered
            && (slot == GMCHAT_CLUSTER_SLOTS
                || gmchat_cluster_slot(&name) == slot))
        {
            return channel;
        }
    }

    return NULL;
}


/* An error that names a slot is about the channel of that slot that was asked
 * for first; if it says that the cluster is down, all that are asked for get
 * one. */

ngx_int_t
ngx_gmchat_pubsub_redirected(ngx_gmchat_pubsub_t *pubsub,
    const gmchat_str_t *error)
{
    gmchat_redirect_t             redirect;
    ngx_gmchat_pubsub_channel_t  *channel;

    if (pubsub->redis->store->cluster == NULL || pubsub->unconfirmed == 0) {
        return NGX_DECLINED;
    }

    if (!gmchat_cluster_redirect(&redirect, error)) {
        if (gmchat_fault_find(error)->cure != GMCHAT_FAULT_LATER) {
            return NGX_DECLINED;
        }

        redirect.slot = GMCHAT_CLUSTER_SLOTS;
    }

    channel = ngx_gmchat_pubsub_in_slot(&pubsub->active, redirect.slot);

    if (channel == NULL) {
        channel = ngx_gmchat_pubsub_in_slot(&pubsub->leaving, redirect.slot);
    }

    if (channel == NULL || channel->channel.unanswered != 1) {
        return NGX_DECLINED;
    }

    pubsub->unconfirmed--;
    pubsub->confirmed = ngx_current_msec;
    ngx_gmchat_pubsub_gone(pubsub, channel);

    return NGX_OK;
}


/* Those who are subscribed wait for the other server, then look; also where
 * the channel is subscribed there: they did not hear it until now. */

static void
ngx_gmchat_pubsub_transplant(ngx_gmchat_pubsub_channel_t *channel,
    ngx_gmchat_pubsub_t *to)
{
    gmchat_str_t                  name;
    gmchat_sub_t                 *sub;
    ngx_gmchat_pubsub_channel_t  *other;

    name.data = channel->node.str.data;
    name.len = channel->node.str.len;

    other = ngx_gmchat_pubsub_find(to, &name);

    if (other == NULL && ngx_gmchat_pubsub_new(to, &name) == NULL) {

        /* the next map may find memory */

        ngx_gmchat_cluster_refresh(to->redis->store->cluster);
        return;
    }

    while ((sub = channel->channel.first) != NULL) {
        ngx_gmchat_pubsub_leave(sub);
        (void) ngx_gmchat_pubsub_join(to, sub, &name, NULL);
        sub->waits = 1;
    }

    to->arrived = 1;
    ngx_post_event(&to->flush, &ngx_posted_events);
}


static void
ngx_gmchat_pubsub_relocate_queue(ngx_gmchat_pubsub_t *pubsub,
    ngx_queue_t *queue)
{
    ngx_queue_t                  *q, *next;
    gmchat_str_t                  name;
    ngx_gmchat_pubsub_t          *to;
    ngx_gmchat_pubsub_channel_t  *channel;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = next)
    {
        next = ngx_queue_next(q);
        channel = ngx_queue_data(q, ngx_gmchat_pubsub_channel_t, queue);
        name.data = channel->node.str.data;
        name.len = channel->node.str.len;

        to = ngx_gmchat_cluster_pubsub(pubsub->redis->store->cluster, &name);

        if (to != pubsub) {
            ngx_gmchat_pubsub_transplant(channel, to);
        }
    }
}


void
ngx_gmchat_pubsub_relocate(ngx_gmchat_pubsub_t *pubsub)
{
    ngx_gmchat_pubsub_relocate_queue(pubsub, &pubsub->fresh);
    ngx_gmchat_pubsub_relocate_queue(pubsub, &pubsub->active);

    if (pubsub->moved) {
        pubsub->moved = 0;
        ngx_gmchat_pubsub_may_begin(pubsub);
    }
}

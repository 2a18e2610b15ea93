#include "ngx_http_gmchat_watch_internal.h"



static void ngx_http_gmchat_watch_wake(gmchat_sub_t *sub,
    const gmchat_str_t *message);


static ngx_http_gmchat_watch_t *
ngx_http_gmchat_watch_find(ngx_http_gmchat_stream_t *stream, int64_t id)
{
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node;

    key = (ngx_rbtree_key_t) id;
    node = stream->watches.root;

    while (node != &stream->sentinel) {
        if (key == node->key) {
            return (ngx_http_gmchat_watch_t *) node;
        }

        node = key < node->key ? node->left : node->right;
    }

    return NULL;
}


ngx_int_t
ngx_http_gmchat_watch_add(ngx_http_gmchat_stream_t *stream, int64_t id)
{
    ngx_http_gmchat_watch_t  *watch;

    if (ngx_http_gmchat_watch_find(stream, id)) {
        return NGX_OK;
    }

    if (stream->ledger.n >= GMCHAT_LIST_MAX) {
        return NGX_DECLINED;
    }

    watch = ngx_calloc(sizeof(ngx_http_gmchat_watch_t), ngx_cycle->log);
    if (watch == NULL) {
        return NGX_ERROR;
    }

    stream->unsettled++;
    watch->stream = stream;
    watch->sub.wake = ngx_http_gmchat_watch_wake;
    watch->sub.data = watch;
    watch->node.key = (ngx_rbtree_key_t) id;

    stream->ready = 0;
    ngx_rbtree_insert(&stream->watches, &watch->node);
    gmchat_ledger_add(&stream->ledger, &watch->receiver, id);

    return NGX_OK;
}


/* Takes a watch out of whatever waits for it. */

static void
ngx_http_gmchat_watch_rest(ngx_http_gmchat_watch_t *watch)
{
    if (watch->state == NGX_HTTP_GMCHAT_WATCH_BEHIND
        || watch->state == NGX_HTTP_GMCHAT_WATCH_QUEUED)
    {
        ngx_queue_remove(&watch->queue);
    }

    watch->state = NGX_HTTP_GMCHAT_WATCH_LIVE;
}


static void
ngx_http_gmchat_watch_free(ngx_http_gmchat_watch_t *watch)
{
    ngx_http_gmchat_watch_rest(watch);
    gmchat_store_unsubscribe(watch->stream->conf->store->link, &watch->sub);

    if (watch->read) {
        ngx_http_gmchat_read_forget(watch->read);
    }

    if (!watch->settled) {
        watch->stream->unsettled--;
    }

    gmchat_ledger_remove(&watch->stream->ledger, &watch->receiver);
    ngx_rbtree_delete(&watch->stream->watches, &watch->node);
    ngx_free(watch);
}


void
ngx_http_gmchat_watch_drop(ngx_http_gmchat_stream_t *stream, int64_t id)
{
    ngx_http_gmchat_watch_t  *watch;

    watch = ngx_http_gmchat_watch_find(stream, id);

    if (watch) {
        stream->ready = 0;
        ngx_http_gmchat_watch_free(watch);
    }
}


static ngx_http_gmchat_watch_t *
ngx_http_gmchat_watch_of(gmchat_receiver_t *receiver)
{
    return (ngx_http_gmchat_watch_t *)
               ((u_char *) receiver
                - offsetof(ngx_http_gmchat_watch_t, receiver));
}


void
ngx_http_gmchat_watch_drop_all(ngx_http_gmchat_stream_t *stream)
{
    while (stream->ledger.first) {
        ngx_http_gmchat_watch_free(
            ngx_http_gmchat_watch_of(stream->ledger.first));
    }
}


void
ngx_http_gmchat_watch_each(ngx_http_gmchat_stream_t *stream,
    ngx_http_gmchat_watch_each_pt each, void *data)
{
    u_char              text[NGX_INT64_LEN];
    gmchat_str_t        id;
    gmchat_receiver_t  *receiver;

    id.data = text;

    for (receiver = stream->ledger.first;
         receiver;
         receiver = receiver->next)
    {
        id.len = (size_t) (ngx_sprintf(text, "%L", receiver->id) - text);
        each(stream, &id, data);
    }
}


ngx_int_t
ngx_http_gmchat_watch_resume(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *cursor)
{
    int                       rc;
    gmchat_str_t              rest;
    gmchat_ledger_item_t      item;
    ngx_http_gmchat_watch_t  *watch;

    rest = *cursor;

    while ((rc = gmchat_ledger_parse(&stream->ledger, &rest, &item)) == 1) {

        if (item.last) {
            gmchat_ledger_claim(&stream->ledger, item.check);
            continue;
        }

        watch = ngx_http_gmchat_watch_find(stream, item.id);
        if (watch) {
            gmchat_ledger_name(&stream->ledger, &watch->receiver, &item);
        }
    }

    /* no stream gives out a cursor with more */

    return rc == 0 && stream->ledger.listed <= GMCHAT_LEDGER_LISTED
               ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_gmchat_watch_subscribe(ngx_http_gmchat_watch_t *watch)
{
    int                        active;
    u_char                     text[256];
    gmchat_str_t               channel;
    ngx_http_gmchat_stream_t  *stream;

    stream = watch->stream;

    channel.data = text;
    channel.len = (size_t) (ngx_snprintf(text, sizeof(text), "%*sto:%c%L",
                                         stream->prefix.len,
                                         stream->prefix.data,
                                         stream->gs ? 'h' : 'g',
                                         watch->receiver.id) - text);

    if (gmchat_store_subscribe(stream->conf->store->link, &watch->sub,
                               &channel, &active)
        != 0)
    {
        return NGX_ERROR;
    }

    watch->state = NGX_HTTP_GMCHAT_WATCH_WAITING;

    if (active) {
        ngx_http_gmchat_watch_wake(&watch->sub, NULL);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_gmchat_watch_begin(ngx_http_gmchat_stream_t *stream)
{
    gmchat_receiver_t        *receiver;
    ngx_http_gmchat_watch_t  *watch;

    for (receiver = stream->ledger.first;
         receiver;
         receiver = receiver->next)
    {
        watch = ngx_http_gmchat_watch_of(receiver);

        if (watch->state == NGX_HTTP_GMCHAT_WATCH_NEW
            && ngx_http_gmchat_watch_subscribe(watch) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Room */


static ngx_uint_t
ngx_http_gmchat_watch_takes(ngx_http_gmchat_stream_t *stream)
{
    return !stream->ending && stream->code == NGX_HTTP_GMCHAT_CLOSE_NONE
           && stream->queued < stream->conf->stream_buffer;
}


ngx_uint_t
ngx_http_gmchat_watch_fits(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line)
{
    ngx_http_gmchat_stream_t  *stream;

    stream = watch->stream;

    return ngx_http_gmchat_watch_takes(stream)
           && gmchat_ledger_room(&stream->ledger,
                                 &watch->receiver.lines[line],
                                 (uint64_t) stream->conf->window);
}


/* Whether a read would find room: for what found none the last time, or for
 * anything at all. */

static ngx_uint_t
ngx_http_gmchat_watch_reads_on(ngx_http_gmchat_watch_t *watch)
{
    ngx_http_gmchat_stream_t  *stream;

    if (watch->full) {
        return ngx_http_gmchat_watch_fits(watch, watch->line);
    }

    stream = watch->stream;

    return ngx_http_gmchat_watch_takes(stream)
           && stream->ledger.unacked < (uint64_t) stream->conf->window;
}


void
ngx_http_gmchat_watch_want(ngx_http_gmchat_watch_t *watch)
{
    switch (watch->state) {

    case NGX_HTTP_GMCHAT_WATCH_READING:
        watch->again = 1;
        return;

    case NGX_HTTP_GMCHAT_WATCH_BEHIND:
    case NGX_HTTP_GMCHAT_WATCH_QUEUED:
    case NGX_HTTP_GMCHAT_WATCH_NEW:
        return;

    default:
        break;
    }

    if (ngx_http_gmchat_watch_reads_on(watch)) {
        ngx_http_gmchat_read_later(watch);
        ngx_http_gmchat_read_all(watch->stream->conf->store);
        return;
    }

    watch->state = NGX_HTTP_GMCHAT_WATCH_BEHIND;
    ngx_queue_insert_tail(&watch->stream->behind, &watch->queue);
}


void
ngx_http_gmchat_watch_room(ngx_http_gmchat_stream_t *stream)
{
    ngx_queue_t              *q, *next;
    ngx_http_gmchat_watch_t  *watch;

    for (q = ngx_queue_head(&stream->behind);
         q != ngx_queue_sentinel(&stream->behind);
         q = next)
    {
        next = ngx_queue_next(q);
        watch = ngx_queue_data(q, ngx_http_gmchat_watch_t, queue);

        if (!ngx_http_gmchat_watch_reads_on(watch)) {
            continue;
        }

        ngx_queue_remove(q);
        ngx_http_gmchat_read_later(watch);
    }

    ngx_http_gmchat_read_all(stream->conf->store);

    if (stream->missed && ngx_http_gmchat_watch_takes(stream)) {
        stream->missed = 0;
        stream->ready = 0;
        ngx_http_gmchat_watch_ready(stream);
    }
}


void
ngx_http_gmchat_watch_give(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line, const gmchat_place_t *place,
    const gmchat_entry_t *entry)
{
    gmchat_ledger_give(&watch->stream->ledger, &watch->receiver, line, place);
    ngx_http_gmchat_event_entry(watch->stream, watch->receiver.id, line,
                                entry);
}


/* Wake-ups */


static void
ngx_http_gmchat_watch_entry(ngx_http_gmchat_watch_t *watch,
    const gmchat_wake_t *wake)
{
    gmchat_line_t  *line;

    line = &watch->receiver.lines[wake->line];

    if (watch->state != NGX_HTTP_GMCHAT_WATCH_LIVE) {
        watch->seen[wake->line] = ngx_max(watch->seen[wake->line],
                                          wake->place.n);
        return;
    }

    switch (gmchat_ledger_place(line, &wake->place)) {

    case GMCHAT_ENTRY_OLD:
        return;

    case GMCHAT_ENTRY_NEXT:

        /* what has to be safe first is read, and the reply waits for that */

        if (watch->stream->conf->durability == NULL
            && ngx_http_gmchat_watch_fits(watch, wake->line))
        {
            ngx_http_gmchat_watch_give(watch, wake->line, &wake->place,
                                       &wake->entry);
            return;
        }

        break;

    default: /* GMCHAT_ENTRY_GAP */
        break;
    }

    ngx_http_gmchat_watch_want(watch);
}


static void
ngx_http_gmchat_watch_done(ngx_http_gmchat_watch_t *watch,
    const gmchat_wake_t *wake)
{
    gmchat_line_t  *line;

    line = &watch->receiver.lines[wake->line];

    gmchat_ledger_done(&watch->stream->ledger, &watch->receiver, wake->line,
                       &wake->place);

    /* somebody acknowledged what was not given here */

    if (line->known && line->done.n > line->given.n) {
        ngx_http_gmchat_watch_want(watch);
    }

    ngx_http_gmchat_watch_room(watch->stream);
}


/* What stands in no mailbox goes to the client at once.  Where it cannot, or
 * was not heard of, `ready` comes again, and the client asks for friends. */

static void
ngx_http_gmchat_watch_tell(ngx_http_gmchat_watch_t *watch,
    const gmchat_wake_t *wake, gmchat_wake_e what)
{
    ngx_http_gmchat_stream_t  *stream;

    stream = watch->stream;

    if (stream->gs) {
        return;
    }

    if (!ngx_http_gmchat_watch_takes(stream)) {
        stream->missed = 1;
        return;
    }

    if (what == GMCHAT_WAKE_READ) {
        ngx_http_gmchat_event_read(stream, watch->receiver.id, wake);

    } else {
        ngx_http_gmchat_event_desk(stream, watch->receiver.id, wake);
    }
}


/* The subscription begins again, unless it still waits for that. */

static void
ngx_http_gmchat_watch_again(ngx_http_gmchat_watch_t *watch)
{
    if (watch->stream->gs || !watch->settled || watch->sub.waits) {
        return;
    }

    watch->settled = 0;
    watch->stream->unsettled++;
    watch->stream->ready = 0;
}


/* Something may not have been heard of.  Also an acknowledgement, which makes
 * room: the store is read whatever room there is. */

static void
ngx_http_gmchat_watch_look(ngx_http_gmchat_watch_t *watch)
{
    switch (watch->state) {

    case NGX_HTTP_GMCHAT_WATCH_READING:
        watch->look = 1;
        return;

    case NGX_HTTP_GMCHAT_WATCH_NEW:
    case NGX_HTTP_GMCHAT_WATCH_QUEUED:
        return;

    case NGX_HTTP_GMCHAT_WATCH_BEHIND:
        ngx_queue_remove(&watch->queue);
        break;

    default:
        break;
    }

    ngx_http_gmchat_read_later(watch);
    ngx_http_gmchat_read_all(watch->stream->conf->store);
}


static void
ngx_http_gmchat_watch_wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    gmchat_wake_e             what;
    gmchat_wake_t             wake;
    ngx_http_gmchat_watch_t  *watch;

    watch = sub->data;

    if (message == NULL) {
        ngx_http_gmchat_watch_again(watch);
        ngx_http_gmchat_watch_look(watch);
        return;
    }

    what = gmchat_wake_read(&wake, message);

    switch (what) {

    case GMCHAT_WAKE_ENTRY:
        ngx_http_gmchat_watch_entry(watch, &wake);
        return;

    case GMCHAT_WAKE_DONE:
        ngx_http_gmchat_watch_done(watch, &wake);
        return;

    case GMCHAT_WAKE_READ:
    case GMCHAT_WAKE_DESK:
        ngx_http_gmchat_watch_tell(watch, &wake, what);
        return;

    default:
        ngx_http_gmchat_watch_want(watch);
    }
}


void
ngx_http_gmchat_watch_lapse(ngx_http_gmchat_stream_t *stream)
{
    gmchat_receiver_t        *receiver;
    ngx_http_gmchat_watch_t  *watch;

    stream->lapses = 0;

    for (receiver = stream->ledger.first;
         receiver;
         receiver = receiver->next)
    {
        watch = ngx_http_gmchat_watch_of(receiver);

        if (!watch->lapses) {
            continue;
        }

        if ((ngx_msec_int_t) (watch->lapse - ngx_current_msec) <= 0) {
            watch->lapses = 0;
            ngx_http_gmchat_watch_want(watch);

        } else if (!stream->lapses
                   || (ngx_msec_int_t) (watch->lapse - stream->lapse) < 0)
        {
            stream->lapse = watch->lapse;
            stream->lapses = 1;
        }
    }
}

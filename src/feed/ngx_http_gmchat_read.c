#include "ngx_http_gmchat_watch_internal.h"

#include "gmchat_cursor.h"


/* Entries asked for at once: some socket buffers' worth. */
#define NGX_HTTP_GMCHAT_READ_LIMIT   "64"

/* Reads of one worker under way: what is behind them waits here and not in
 * the store's queue, which calls need. */
#define NGX_HTTP_GMCHAT_READS        256

/* Milliseconds until a read that the store refused is tried again. */
#define NGX_HTTP_GMCHAT_READ_AGAIN   300


/* A read that is under way: what its script is called with. */

struct ngx_http_gmchat_read_s {
    ngx_http_gmchat_watch_t       *watch;       /* NULL once it is gone */
    ngx_http_gmchat_store_t       *store;
    gmchat_script_call_t           script;
    gmchat_buf_t                   text;
};


static void ngx_http_gmchat_read_done(void *data,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value);


/* Each store has its own: one that is away holds up no other. */

static ngx_queue_t *
ngx_http_gmchat_read_queue(ngx_http_gmchat_store_t *store)
{
    if (store->reads.next == NULL) {
        ngx_queue_init(&store->reads);
    }

    return &store->reads;
}


void
ngx_http_gmchat_read_later(ngx_http_gmchat_watch_t *watch)
{
    watch->state = NGX_HTTP_GMCHAT_WATCH_QUEUED;
    ngx_queue_insert_tail(
        ngx_http_gmchat_read_queue(watch->stream->conf->store),
        &watch->queue);
}


void
ngx_http_gmchat_read_forget(ngx_http_gmchat_read_t *read)
{
    read->watch = NULL;
}


/* The words of a read: the receiver and where the client stands. */

static void
ngx_http_gmchat_read_word(ngx_http_gmchat_read_t *read, size_t *starts)
{
    starts[read->script.n - 1] = read->text.len;
    read->script.n++;
}


static void
ngx_http_gmchat_read_cursor(ngx_http_gmchat_read_t *read,
    gmchat_line_e line)
{
    const gmchat_line_t  *l;

    l = &read->watch->receiver.lines[line];

    if (l->known || l->listed) {
        gmchat_ledger_id(&read->text, &l->given);
    }
}


static void
ngx_http_gmchat_read_words(ngx_http_gmchat_read_t *read)
{
    size_t                     i, starts[6];
    ngx_http_gmchat_stream_t  *stream;

    static const gmchat_str_t  limit =
                                  gmchat_string(NGX_HTTP_GMCHAT_READ_LIMIT);

    stream = read->watch->stream;
    /* a read may outlive the stream: nothing of it is borrowed */

    gmchat_buf_add(&read->text, stream->prefix.data, stream->prefix.len);
    read->script.n = 1;

    ngx_http_gmchat_read_word(read, starts);

    if (stream->gs) {
        read->script.script = "stream_gs";
        gmchat_buf_add_int(&read->text, read->watch->receiver.id);
        ngx_http_gmchat_read_word(read, starts);
        ngx_http_gmchat_read_cursor(read, GMCHAT_RELATIONS);

    } else {
        read->script.script = "stream_gm";
        gmchat_buf_add(&read->text, stream->prefix.data, stream->prefix.len);
        gmchat_buf_add_text(&read->text, "box:g");
        gmchat_buf_add_int(&read->text, read->watch->receiver.id);
    }

    ngx_http_gmchat_read_word(read, starts);
    ngx_http_gmchat_read_cursor(read, GMCHAT_MESSAGES);
    starts[read->script.n - 1] = read->text.len;

    read->script.words[0].data = read->text.data;
    read->script.words[0].len = starts[0];

    for (i = 1; i < read->script.n; i++) {
        read->script.words[i].data = read->text.data + starts[i - 1];
        read->script.words[i].len = starts[i] - starts[i - 1];
    }

    read->script.words[read->script.n++] = limit;
    read->script.durability = stream->conf->durability;
    read->script.quiet = gmchat_reply_stream_quiet;
}


static void
ngx_http_gmchat_read_free(ngx_http_gmchat_read_t *read)
{
    gmchat_buf_free(&read->text);
    ngx_free(read);
}


static ngx_int_t
ngx_http_gmchat_read(ngx_http_gmchat_watch_t *watch)
{
    ngx_http_gmchat_read_t  *read;

    read = ngx_calloc(sizeof(ngx_http_gmchat_read_t), ngx_cycle->log);
    if (read == NULL) {
        return NGX_ERROR;
    }

    read->watch = watch;
    read->store = watch->stream->conf->store;
    ngx_http_gmchat_read_words(read);

    if (read->text.failed
        || gmchat_store_submit(watch->stream->conf->store->link,
                               &read->script,
                               ngx_http_gmchat_read_done, read)
           != 0)
    {
        ngx_http_gmchat_read_free(read);
        return NGX_ERROR;
    }

    watch->stream->conf->store->nreads++;
    watch->read = read;
    watch->state = NGX_HTTP_GMCHAT_WATCH_READING;
    watch->again = 0;
    watch->look = 0;
    watch->full = 0;
    watch->seen[GMCHAT_RELATIONS] = 0;
    watch->seen[GMCHAT_MESSAGES] = 0;

    return NGX_OK;
}


static void
ngx_http_gmchat_read_timer(ngx_event_t *ev)
{
    ngx_http_gmchat_read_all(ev->data);
}


static void
ngx_http_gmchat_read_again(ngx_http_gmchat_store_t *store)
{
    ngx_event_t  *ev;

    ev = &store->reads_timer;

    if (ev->timer_set) {
        return;
    }

    ev->handler = ngx_http_gmchat_read_timer;
    ev->data = store;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_GMCHAT_READ_AGAIN);
}


void
ngx_http_gmchat_read_all(ngx_http_gmchat_store_t *store)
{
    ngx_queue_t              *reads, *q;
    ngx_http_gmchat_watch_t  *watch;

    reads = ngx_http_gmchat_read_queue(store);

    while (store->nreads < NGX_HTTP_GMCHAT_READS && !ngx_queue_empty(reads)
           && !store->reads_timer.timer_set)
    {
        q = ngx_queue_head(reads);
        watch = ngx_queue_data(q, ngx_http_gmchat_watch_t, queue);

        ngx_queue_remove(q);

        if (ngx_http_gmchat_read(watch) != NGX_OK) {
            ngx_queue_insert_head(reads, q);
            ngx_http_gmchat_read_again(store);
        }
    }
}


/* A list that the client knows is not said again. */

static void
ngx_http_gmchat_read_online(ngx_http_gmchat_watch_t *watch,
    const gmchat_value_t *gms)
{
    uint64_t  digest;

    digest = gmchat_reply_gms_digest(gms->items, gms->n);

    if (watch->told && digest == watch->gms) {
        return;
    }

    watch->told = 1;
    watch->gms = digest;

    ngx_http_gmchat_event_online(watch->stream, watch->receiver.id, gms);
}


/* What the store gave */


static ngx_int_t
ngx_http_gmchat_read_place(const gmchat_value_t *value,
    gmchat_place_t *place)
{
    return value->kind == GMCHAT_VALUE_STRING
           && gmchat_cursor_parse(&value->str, &place->epoch, &place->n)
               ? NGX_OK : NGX_ERROR;
}


/* One mailbox: {reset, done, position, entries}.  NGX_ERROR if it has another
 * shape. */

static ngx_int_t
ngx_http_gmchat_read_position(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line, const gmchat_value_t *part)
{
    gmchat_line_t         *l;
    gmchat_place_t         done, place;
    const gmchat_value_t  *items;

    items = part->items;

    if (part->kind != GMCHAT_VALUE_ARRAY || part->n != 4
        || items[3].kind != GMCHAT_VALUE_ARRAY
        || ngx_http_gmchat_read_place(&items[1], &done) != NGX_OK
        || ngx_http_gmchat_read_place(&items[2], &place) != NGX_OK)
    {
        return NGX_ERROR;
    }

    l = &watch->receiver.lines[line];

    /* an acknowledgement may have been heard of since */

    if (!items[0].integer && l->known && l->done.epoch == done.epoch
        && l->done.n > done.n)
    {
        done = l->done;
    }

    gmchat_ledger_read(&watch->stream->ledger, &watch->receiver, line, &done,
                       &place);

    if (items[0].integer) {
        ngx_http_gmchat_event_reset(watch->stream, watch->receiver.id, line);
    }

    return NGX_OK;
}


/* Its entries.  Returns NGX_OK, NGX_AGAIN if there was no room for all,
 * NGX_ERROR if one has another shape. */

static ngx_int_t
ngx_http_gmchat_read_entries(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line, const gmchat_value_t *part)
{
    size_t                 i;
    gmchat_line_t         *l;
    gmchat_place_t         place;
    gmchat_entry_t         entry;
    const gmchat_value_t  *entries;

    l = &watch->receiver.lines[line];
    entries = &part->items[3];

    for (i = 0; i < entries->n; i++) {
        if (gmchat_entry_read(&entry, &entries->items[i]) != 0
            || !gmchat_cursor_parse(&entry.id, &place.epoch, &place.n))
        {
            return NGX_ERROR;
        }

        if (!ngx_http_gmchat_watch_fits(watch, line)) {
            watch->full = 1;
            watch->line = line;
            return NGX_AGAIN;
        }

        /* a plain receive took what stood between */

        if (place.n > l->given.n + 1) {
            ngx_http_gmchat_event_reset(watch->stream, watch->receiver.id,
                                        line);
        }

        ngx_http_gmchat_watch_give(watch, line, &place, &entry);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_read_part(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line, const gmchat_value_t *part)
{
    if (ngx_http_gmchat_read_position(watch, line, part) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_gmchat_read_entries(watch, line, part);
}


/* Where its messages are is learnt whatever room there is for its
 * relations. */

static ngx_int_t
ngx_http_gmchat_read_host(ngx_http_gmchat_watch_t *watch,
    const gmchat_value_t *value)
{
    size_t                     i;
    ngx_int_t                  rc;
    const gmchat_value_t      *lapse, *gms;
    ngx_http_gmchat_stream_t  *stream;

    if (value->n != 6) {
        return NGX_ERROR;
    }

    stream = watch->stream;
    lapse = &value->items[4];
    gms = &value->items[5];

    if (gms->kind != GMCHAT_VALUE_ARRAY) {
        return NGX_ERROR;
    }

    for (i = 0; i < gms->n; i++) {
        if (gms->items[i].kind != GMCHAT_VALUE_STRING) {
            return NGX_ERROR;
        }
    }

    watch->lapses = lapse->integer >= 0;

    if (watch->lapses) {
        watch->lapse = ngx_current_msec + (ngx_msec_t) lapse->integer;

        if (!stream->lapses
            || (ngx_msec_int_t) (watch->lapse - stream->lapse) < 0)
        {
            stream->lapse = watch->lapse;
            stream->lapses = 1;
            ngx_http_gmchat_stream_touch(stream);
        }
    }

    rc = ngx_http_gmchat_read_part(watch, GMCHAT_RELATIONS, &value->items[2]);

    if (rc == NGX_OK) {
        rc = ngx_http_gmchat_read_part(watch, GMCHAT_MESSAGES,
                                       &value->items[3]);

    } else if (rc == NGX_AGAIN
               && ngx_http_gmchat_read_position(watch, GMCHAT_MESSAGES,
                                                &value->items[3])
                  != NGX_OK)
    {
        rc = NGX_ERROR;
    }

    if (rc != NGX_ERROR) {
        ngx_http_gmchat_read_online(watch, gms);
    }

    return rc;
}


/*
 * All receivers were read: whether others acknowledged something of those
 * that the client's cursor does not name.  A client that does not hear all of
 * it comes back with the same check, and hears it again.
 */

static void
ngx_http_gmchat_read_verify(ngx_http_gmchat_stream_t *stream)
{
    gmchat_line_e       i;
    gmchat_receiver_t  *receiver;

    if (!stream->ledger.fresh || stream->ledger.unread) {
        return;
    }

    receiver = gmchat_ledger_holds(&stream->ledger) ? NULL
                                                    : stream->ledger.first;

    for ( /* void */ ; receiver; receiver = receiver->next) {
        for (i = GMCHAT_RELATIONS; i < GMCHAT_LINES; i++) {
            if (receiver->lines[i].assumed) {
                ngx_http_gmchat_event_reset(stream, receiver->id, i);
            }
        }
    }

    gmchat_ledger_cover(&stream->ledger);
}


void
ngx_http_gmchat_watch_ready(ngx_http_gmchat_stream_t *stream)
{
    ngx_http_gmchat_read_verify(stream);

    if (stream->unsettled || stream->ready) {
        return;
    }

    stream->ready = 1;
    ngx_http_gmchat_event_ready(stream);
}


static ngx_int_t
ngx_http_gmchat_read_reply(ngx_http_gmchat_watch_t *watch,
    const gmchat_value_t *value)
{
    ngx_int_t  rc;

    if (gmchat_reply_status(value) != GMCHAT_OK || value->n < 3
        || value->items[1].kind != GMCHAT_VALUE_INTEGER)
    {
        return NGX_ERROR;
    }

    rc = watch->stream->gs
             ? ngx_http_gmchat_read_host(watch, value)
             : ngx_http_gmchat_read_part(watch, GMCHAT_MESSAGES,
                                          &value->items[2]);

    /* what there was when it began was given, whatever came since */

    if (rc == NGX_OK && value->items[1].integer == 0 && !watch->settled) {
        watch->settled = 1;
        watch->stream->unsettled--;
    }

    if (rc == NGX_OK
        && (value->items[1].integer || watch->again
            || watch->seen[GMCHAT_RELATIONS]
               > watch->receiver.lines[GMCHAT_RELATIONS].given.n
            || watch->seen[GMCHAT_MESSAGES]
               > watch->receiver.lines[GMCHAT_MESSAGES].given.n))
    {
        return NGX_AGAIN;
    }

    return rc;
}


static void
ngx_http_gmchat_read_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_int_t                  rc;
    ngx_http_gmchat_read_t    *read;
    ngx_http_gmchat_store_t   *store;
    ngx_http_gmchat_watch_t   *watch;
    ngx_http_gmchat_stream_t  *stream;

    read = data;
    watch = read->watch;

    store = read->store;
    store->nreads--;

    if (watch == NULL) {
        ngx_http_gmchat_read_free(read);
        ngx_http_gmchat_read_all(store);
        return;
    }

    stream = watch->stream;
    watch->state = NGX_HTTP_GMCHAT_WATCH_LIVE;
    watch->read = NULL;

    if (outcome != GMCHAT_STORE_REPLY) {
        ngx_http_gmchat_read_later(watch);
        ngx_http_gmchat_read_again(store);

    } else {
        rc = ngx_http_gmchat_read_reply(watch, value);

        if (watch->look) {
            ngx_http_gmchat_read_later(watch);

        } else if (rc == NGX_AGAIN) {
            ngx_http_gmchat_watch_want(watch);
        }

        if (rc == NGX_ERROR) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "gmchat: script \"%s\" gave another reply than "
                          "streams read", read->script.script);
            ngx_http_gmchat_stream_close(stream,
                                         NGX_HTTP_GMCHAT_CLOSE_FAULT);
        }

        ngx_http_gmchat_watch_ready(stream);

        /* it may have learnt of acknowledgements */

        ngx_http_gmchat_watch_room(stream);
    }

    ngx_http_gmchat_read_free(read);
    ngx_http_gmchat_read_all(store);
}

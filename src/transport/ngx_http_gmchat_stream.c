#include "ngx_http_gmchat_event.h"
#include "ngx_http_gmchat_watch.h"

#include "gmchat_integer.h"


/* Milliseconds that a client has to take a goodbye. */
#define NGX_HTTP_GMCHAT_STREAM_LINGER  5000


static void ngx_http_gmchat_stream_gone(void *data);
static void ngx_http_gmchat_stream_timer(ngx_event_t *ev);
static void ngx_http_gmchat_stream_schedule(
    ngx_http_gmchat_stream_t *stream);
static void ngx_http_gmchat_stream_seen_hosts(
    ngx_http_gmchat_stream_t *stream);
static void ngx_http_gmchat_stream_order(gmchat_sub_t *sub,
    const gmchat_str_t *message);


static ngx_queue_t  ngx_http_gmchat_streams = {
    &ngx_http_gmchat_streams, &ngx_http_gmchat_streams
};

static ngx_queue_t  ngx_http_gmchat_touched = {
    &ngx_http_gmchat_touched, &ngx_http_gmchat_touched
};

static ngx_event_t  ngx_http_gmchat_flush;


/* Beginning */


static u_char *
ngx_http_gmchat_stream_copy(u_char *p, gmchat_str_t *to,
    const gmchat_str_t *from)
{
    to->len = from->len;
    to->data = p;

    return from->len ? ngx_cpymem(p, from->data, from->len) : p;
}


static void
ngx_http_gmchat_stream_name(ngx_http_gmchat_stream_t *stream)
{
    u_char      bits[NGX_HTTP_GMCHAT_STREAM_ID / 2];
    ngx_uint_t  i;

    if (getrandom(bits, sizeof(bits), GRND_NONBLOCK)
        != (ssize_t) sizeof(bits))
    {
        for (i = 0; i < sizeof(bits); i++) {
            bits[i] = (u_char) ngx_random();
        }
    }

    (void) ngx_hex_dump(stream->id, bits, sizeof(bits));
}


/* A stream may outlive its request: its memory is its own. */

static ngx_http_gmchat_stream_t *
ngx_http_gmchat_stream_alloc(ngx_http_gmchat_call_t *call)
{
    u_char                    *p;
    ngx_http_gmchat_stream_t  *stream;

    stream = ngx_calloc(sizeof(ngx_http_gmchat_stream_t) + call->group.len
                        + call->prefix.len + call->hosts.len
                        + call->operator.len + call->address.len,
                        call->request->connection->log);
    if (stream == NULL) {
        return NULL;
    }

    p = (u_char *) stream + sizeof(ngx_http_gmchat_stream_t);
    p = ngx_http_gmchat_stream_copy(p, &stream->group, &call->group);
    p = ngx_http_gmchat_stream_copy(p, &stream->prefix, &call->prefix);
    p = ngx_http_gmchat_stream_copy(p, &stream->hosts, &call->hosts);
    p = ngx_http_gmchat_stream_copy(p, &stream->operator, &call->operator);
    (void) ngx_http_gmchat_stream_copy(p, &stream->address, &call->address);

    return stream;
}


ngx_http_gmchat_stream_t *
ngx_http_gmchat_stream_create(ngx_http_gmchat_call_t *call)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_gmchat_stream_t  *stream;
    ngx_http_core_loc_conf_t  *clcf;

    cln = ngx_http_cleanup_add(call->request, 0);
    if (cln == NULL) {
        return NULL;
    }

    stream = ngx_http_gmchat_stream_alloc(call);
    if (stream == NULL) {
        return NULL;
    }

    clcf = ngx_http_get_module_loc_conf(call->request, ngx_http_core_module);

    stream->request = call->request;
    stream->connection = call->request->connection;
    stream->send_timeout = clcf->send_timeout;
    stream->conf = call->conf;
    stream->action = call->action;
    stream->gs = call->conf->kind == NGX_HTTP_GMCHAT_GS;
    stream->ledger.relations = stream->gs;
    stream->online = call->args.values[GMCHAT_P_ONLINE].len != 0;

    ngx_rbtree_init(&stream->watches, &stream->sentinel,
                    ngx_rbtree_insert_value);
    ngx_queue_init(&stream->behind);
    ngx_queue_init(&stream->calls);
    ngx_queue_init(&stream->checks);
    ngx_queue_init(&stream->queue);

    stream->orders.wake = ngx_http_gmchat_stream_order;
    stream->orders.data = stream;

    stream->timer.handler = ngx_http_gmchat_stream_timer;
    stream->timer.data = stream;
    stream->timer.log = ngx_cycle->log;
    stream->timer.cancelable = 1;

    ngx_http_gmchat_stream_name(stream);

    call->opened = stream;
    cln->handler = ngx_http_gmchat_stream_gone;
    cln->data = stream;
    stream->cleanup = cln;

    return stream;
}


gmchat_str_t *
ngx_http_gmchat_stream_receivers(ngx_http_gmchat_stream_t *stream,
    gmchat_args_t *args)
{
    return &args->values[stream->gs ? GMCHAT_P_HOST : GMCHAT_P_GM_ACCOUNT];
}


ngx_int_t
ngx_http_gmchat_stream_add(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list)
{
    int64_t       id;
    ngx_int_t     rc;
    gmchat_str_t  next, value;

    next = *list;

    while (gmchat_action_list(&next, &value)) {
        if (!gmchat_integer_parse(&value, &id)) {
            continue;
        }

        rc = ngx_http_gmchat_watch_add(stream, id);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static void
ngx_http_gmchat_stream_drop(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list)
{
    int64_t       id;
    gmchat_str_t  next, value;

    next = *list;

    while (gmchat_action_list(&next, &value)) {
        if (gmchat_integer_parse(&value, &id)) {
            ngx_http_gmchat_watch_drop(stream, id);
        }
    }
}


static ngx_int_t
ngx_http_gmchat_stream_listen(ngx_http_gmchat_stream_t *stream)
{
    u_char        text[256];
    gmchat_str_t  channel;

    channel.data = text;
    channel.len = (size_t) (ngx_snprintf(text, sizeof(text), "%*sto:%s:%*s",
                                         stream->prefix.len,
                                         stream->prefix.data,
                                         stream->gs ? "gs" : "gm",
                                         (size_t) NGX_HTTP_GMCHAT_STREAM_ID,
                                         stream->id) - text);

    return gmchat_store_subscribe(stream->conf->store->link, &stream->orders,
                                  &channel, NULL)
           == 0 ? NGX_OK : NGX_ERROR;
}


/* Keeps a string as long as the request. */

static void
ngx_http_gmchat_stream_keep(ngx_http_request_t *r, gmchat_str_t *str)
{
    u_char  *p;

    p = str->len ? ngx_pnalloc(r->pool, str->len) : NULL;

    if (p) {
        ngx_memcpy(p, str->data, str->len);
    }

    str->data = p;
    str->len = p ? str->len : 0;
}


/* What the call needed to open the stream is not needed while it lives. */

static void
ngx_http_gmchat_stream_slim(ngx_http_gmchat_call_t *call)
{
    /* the request may be logged after the stream is gone */

    ngx_http_gmchat_stream_keep(call->request, &call->group);
    ngx_http_gmchat_stream_keep(call->request, &call->operator);
    ngx_memzero(&call->prefix, sizeof(gmchat_str_t));
    ngx_memzero(&call->hosts, sizeof(gmchat_str_t));

    ngx_memzero(&call->args, sizeof(gmchat_args_t));
    gmchat_arena_free(&call->arena);
    gmchat_buf_free(&call->out);
    gmchat_buf_free(&call->data);
    gmchat_buf_free(&call->text);
}


void
ngx_http_gmchat_stream_begin(ngx_http_gmchat_call_t *call)
{
    ngx_http_gmchat_stream_t  *stream;

    stream = call->opened;

    call->status = GMCHAT_OK;
    call->done = 1;
    ngx_http_gmchat_stat_call(call);
    ngx_http_gmchat_stream_slim(call);

    ngx_queue_insert_tail(&ngx_http_gmchat_streams, &stream->queue);
    ngx_http_gmchat_stat_waits(stream->transport->kind, 1);
    stream->counted = 1;

    ngx_http_gmchat_event_open(stream);

    if (ngx_http_gmchat_stream_listen(stream) != NGX_OK
        || (stream->operator.len
            && ngx_http_gmchat_rights_begin(stream) != NGX_OK)
        || ngx_http_gmchat_watch_begin(stream) != NGX_OK)
    {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    ngx_http_gmchat_stream_seen_hosts(stream);

    if (stream->online) {
        stream->stay = ngx_current_msec;
        ngx_http_gmchat_stream_appear(stream, NULL);
    }

    stream->beat = ngx_current_msec + stream->transport->beat(stream->conf);
    ngx_http_gmchat_waits();

    if (ngx_exiting) {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_RESTART);
    }
}


/* Ending */


/* Its connection ends, or its request before it has that for its own. */

static void
ngx_http_gmchat_stream_gone(void *data)
{
    ngx_http_gmchat_call_t    *call;
    ngx_http_gmchat_stream_t  *stream;

    stream = data;

    if (stream->request) {
        call = ngx_http_get_module_ctx(stream->request,
                                       ngx_http_gmchat_module);
        call->opened = NULL;
    }

    if (stream->online && stream->counted) {
        ngx_http_gmchat_stream_stay(stream);
    }

    while (!ngx_queue_empty(&stream->calls)) {
        call = ngx_queue_data(ngx_queue_head(&stream->calls),
                              ngx_http_gmchat_call_t, siblings);
        ngx_http_gmchat_call_leave(call, 0);
    }

    ngx_http_gmchat_watch_drop_all(stream);
    gmchat_store_unsubscribe(stream->conf->store->link, &stream->orders);
    ngx_http_gmchat_rights_leave(stream);

    if (stream->timer.timer_set) {
        ngx_del_timer(&stream->timer);
    }

    if (stream->dirty) {
        ngx_queue_remove(&stream->touched);
    }

    ngx_queue_remove(&stream->queue);
    gmchat_buf_free(&stream->out);

    if (stream->counted) {
        ngx_http_gmchat_stat_waits(stream->transport->kind, -1);
    }

    if (stream->wire) {
        stream->transport->free(stream);
    }

    ngx_free(stream);
}


void
ngx_http_gmchat_stream_log(ngx_http_gmchat_stream_t *stream)
{
    if (stream->request) {
        ngx_http_set_log_request(stream->connection->log, stream->request);
    }
}


/* Writing */


static void
ngx_http_gmchat_stream_schedule(ngx_http_gmchat_stream_t *stream)
{
    ngx_msec_t      next;
    ngx_msec_int_t  delay;

    next = stream->beat;

    if (stream->online && (ngx_msec_int_t) (stream->stay - next) < 0) {
        next = stream->stay;
    }

    if (stream->lapses && (ngx_msec_int_t) (stream->lapse - next) < 0) {
        next = stream->lapse;
    }

    if (stream->dues && (ngx_msec_int_t) (stream->due - next) < 0) {
        next = stream->due;
    }

    delay = (ngx_msec_int_t) (next - ngx_current_msec);
    ngx_add_timer(&stream->timer, delay > 0 ? (ngx_msec_t) delay : 0);
}


static void
ngx_http_gmchat_stream_flush(ngx_http_gmchat_stream_t *stream)
{
    ngx_int_t          rc;
    ngx_uint_t         code;
    ngx_connection_t  *c;

    c = stream->connection;
    ngx_http_gmchat_stream_log(stream);

    /* calls in frames are answered before the goodbye of a worker */

    if (stream->code && !stream->ending
        && (stream->code != NGX_HTTP_GMCHAT_CLOSE_RESTART
            || stream->ncalls == 0))
    {
        code = stream->code;
        stream->ending = 1;
        stream->transport->end(stream, code);
    }

    rc = stream->transport->flush(stream);

    if (rc == NGX_ERROR) {
        ngx_http_gmchat_stream_kill(stream);
        return;
    }

    if (rc != NGX_DONE) {
        if (rc == NGX_OK) {
            ngx_http_gmchat_watch_room(stream);
        }

        ngx_http_gmchat_stream_schedule(stream);

        if (stream->request == NULL) {
            return;
        }
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_gmchat_stream_flush_all(ngx_event_t *ev)
{
    ngx_queue_t               *q;
    ngx_http_gmchat_stream_t  *stream;

    while (!ngx_queue_empty(&ngx_http_gmchat_touched)) {
        q = ngx_queue_head(&ngx_http_gmchat_touched);
        ngx_queue_remove(q);

        stream = ngx_queue_data(q, ngx_http_gmchat_stream_t, touched);
        stream->dirty = 0;
        ngx_http_gmchat_stream_flush(stream);
    }
}


void
ngx_http_gmchat_stream_touch(ngx_http_gmchat_stream_t *stream)
{
    if (stream->dirty) {
        return;
    }

    stream->dirty = 1;
    ngx_queue_insert_tail(&ngx_http_gmchat_touched, &stream->touched);

    if (!ngx_http_gmchat_flush.posted) {
        ngx_http_gmchat_flush.handler = ngx_http_gmchat_stream_flush_all;
        ngx_http_gmchat_flush.log = ngx_cycle->log;
        ngx_post_event(&ngx_http_gmchat_flush, &ngx_posted_events);
    }
}


/* Calls in frames that wait are answered before. */

static void
ngx_http_gmchat_stream_end_holds(ngx_http_gmchat_stream_t *stream)
{
    ngx_queue_t  *q, *next;

    for (q = ngx_queue_head(&stream->calls);
         q != ngx_queue_sentinel(&stream->calls);
         q = next)
    {
        next = ngx_queue_next(q);
        ngx_http_gmchat_hold_end(ngx_queue_data(q, ngx_http_gmchat_call_t,
                                                siblings));
    }
}


void
ngx_http_gmchat_stream_close(ngx_http_gmchat_stream_t *stream,
    ngx_uint_t code)
{
    if (stream->code == NGX_HTTP_GMCHAT_CLOSE_NONE) {
        stream->code = code;
        ngx_http_gmchat_stream_end_holds(stream);

        /* a worker that exits waits for the goodbye */

        stream->timer.cancelable = 0;
        ngx_http_gmchat_stream_due(stream, NGX_HTTP_GMCHAT_STREAM_LINGER);
        ngx_http_gmchat_stream_schedule(stream);
    }
}


void
ngx_http_gmchat_stream_stuck(ngx_http_gmchat_stream_t *stream)
{
    ngx_log_error(NGX_LOG_INFO, stream->connection->log, NGX_ETIMEDOUT,
                  "gmchat: the client of a stream is too slow");

    ngx_http_gmchat_stat_slow();
    stream->connection->timedout = 1;
    ngx_http_gmchat_stream_kill(stream);
}


void
ngx_http_gmchat_stream_kill(ngx_http_gmchat_stream_t *stream)
{
    ngx_connection_t  *c;

    c = stream->connection;

    if (stream->request == NULL) {
        ngx_http_gmchat_stream_gone(stream);
        ngx_http_close_connection(c);
        return;
    }

    ngx_http_finalize_request(stream->request, NGX_ERROR);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_gmchat_stream_due(ngx_http_gmchat_stream_t *stream,
    ngx_msec_t delay)
{
    stream->due = ngx_current_msec + delay;
    stream->dues = 1;
    ngx_http_gmchat_stream_touch(stream);
}


/* Time */


static ngx_uint_t
ngx_http_gmchat_stream_passed(ngx_msec_t time)
{
    return (ngx_msec_int_t) (time - ngx_current_msec) <= 0;
}


static void
ngx_http_gmchat_stream_timer(ngx_event_t *ev)
{
    ngx_http_gmchat_stream_t  *stream;

    stream = ev->data;

    if (stream->dues && ngx_http_gmchat_stream_passed(stream->due)) {

        /* who took the goodbye was not too slow */

        if (stream->ending && stream->queued == 0) {
            ngx_http_gmchat_stream_kill(stream);

        } else {
            ngx_http_gmchat_stream_stuck(stream);
        }

        return;
    }

    if (ngx_http_gmchat_stream_passed(stream->beat)) {
        stream->beat = ngx_current_msec
                       + stream->transport->beat(stream->conf);

        if (!stream->ending && stream->queued == 0) {
            stream->transport->ping(stream);
        }

        if (stream->operator.len) {
            ngx_http_gmchat_rights_beat(stream);
        }
    }

    if (stream->online && ngx_http_gmchat_stream_passed(stream->stay)) {
        ngx_http_gmchat_stream_stay(stream);
    }

    if (stream->lapses && ngx_http_gmchat_stream_passed(stream->lapse)) {
        ngx_http_gmchat_watch_lapse(stream);
    }

    ngx_http_gmchat_stream_touch(stream);
}


/* Hosts */


static void
ngx_http_gmchat_stream_seen_host(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *id, void *data)
{
    ngx_http_gmchat_seen(stream->conf->store, &stream->prefix, id);
}


/* A host that has a stream is there. */

static void
ngx_http_gmchat_stream_seen_hosts(ngx_http_gmchat_stream_t *stream)
{
    if (stream->gs) {
        ngx_http_gmchat_watch_each(stream, ngx_http_gmchat_stream_seen_host,
                                   NULL);
    }
}


ngx_uint_t
ngx_http_gmchat_stream_seen(void)
{
    ngx_queue_t               *q;
    ngx_http_gmchat_stream_t  *stream;

    for (q = ngx_queue_head(&ngx_http_gmchat_streams);
         q != ngx_queue_sentinel(&ngx_http_gmchat_streams);
         q = ngx_queue_next(q))
    {
        stream = ngx_queue_data(q, ngx_http_gmchat_stream_t, queue);

        ngx_http_gmchat_stream_seen_hosts(stream);
    }

    return !ngx_queue_empty(&ngx_http_gmchat_streams);
}


/* Orders and frames */


void
ngx_http_gmchat_stream_apply(ngx_http_gmchat_stream_t *stream, u_char change,
    const gmchat_str_t *list)
{
    ngx_int_t  rc;

    if (change == '-') {
        ngx_http_gmchat_stream_drop(stream, list);
        ngx_http_gmchat_watch_ready(stream);
        ngx_http_gmchat_watch_room(stream);
        return;
    }

    rc = ngx_http_gmchat_stream_add(stream, list);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, stream->connection->log, 0,
                      "gmchat: a stream was told to watch too many receivers");
    }

    if (rc != NGX_OK || ngx_http_gmchat_watch_begin(stream) != NGX_OK) {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    ngx_http_gmchat_stream_seen_hosts(stream);

    if (stream->online) {
        ngx_http_gmchat_stream_appear(stream, list);
    }
}


static void
ngx_http_gmchat_stream_order(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    gmchat_str_t               list;
    ngx_http_gmchat_stream_t  *stream;

    stream = sub->data;

    if (message == NULL || message->len < 3) {
        return;
    }

    list.data = message->data + 2;
    list.len = message->len - 2;

    /* whoever orders it has other rights than the stream's own operator */

    if (stream->operator.len && message->data[0] == '+') {
        ngx_http_gmchat_rights_check(stream, &list);
        return;
    }

    ngx_http_gmchat_stream_apply(stream, message->data[0], &list);
}


ngx_int_t
ngx_http_gmchat_stream_change(ngx_http_gmchat_call_t *call)
{
    size_t                     n;
    gmchat_str_t              *name, next, value;
    ngx_http_gmchat_stream_t  *stream;

    stream = call->stream;
    name = &call->args.values[GMCHAT_P_STREAM];

    if (stream == NULL || name->len != NGX_HTTP_GMCHAT_STREAM_ID
        || ngx_memcmp(name->data, stream->id, NGX_HTTP_GMCHAT_STREAM_ID) != 0)
    {
        return NGX_DECLINED;
    }

    /* a call about another group was judged by the rights of that one, where
     * there is no such stream */

    if (call->prefix.len != stream->prefix.len
        || ngx_memcmp(call->prefix.data, stream->prefix.data,
                      stream->prefix.len)
           != 0)
    {
        return NGX_DECLINED;
    }

    next = *ngx_http_gmchat_stream_receivers(stream, &call->args);

    for (n = stream->ledger.n; gmchat_action_list(&next, &value); n++) {
        /* void */
    }

    if (call->action->flags & GMCHAT_A_WATCH && n > GMCHAT_LIST_MAX) {
        ngx_http_gmchat_call_fail(call, GMCHAT_TOO_MANY);
        return NGX_OK;
    }

    ngx_http_gmchat_stream_apply(stream,
        call->action->flags & GMCHAT_A_WATCH ? '+' : '-',
        ngx_http_gmchat_stream_receivers(stream, &call->args));

    call->status = GMCHAT_OK;
    gmchat_buf_add_text(&call->out, "{\"res\":1}");
    ngx_http_gmchat_call_reply(call);

    return NGX_OK;
}


ngx_http_request_t *
ngx_http_gmchat_stream_asks(ngx_http_gmchat_stream_t *stream)
{
    stream->nroles++;

    /* the flush runs the subrequest, which is posted */

    ngx_http_gmchat_stream_touch(stream);

    return stream->request;
}


/* Leaving */


void
ngx_http_gmchat_stream_leave(void)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&ngx_http_gmchat_streams);
         q != ngx_queue_sentinel(&ngx_http_gmchat_streams);
         q = ngx_queue_next(q))
    {
        ngx_http_gmchat_stream_close(
            ngx_queue_data(q, ngx_http_gmchat_stream_t, queue),
            NGX_HTTP_GMCHAT_CLOSE_RESTART);
    }
}

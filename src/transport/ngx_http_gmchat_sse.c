#include "ngx_http_gmchat_raw.h"


/*
 * Server-sent events (https://html.spec.whatwg.org/multipage/
 * server-sent-events.html).  The response begins in nginx' output filters; as
 * soon as nothing but the chunks of RFC 9112 (section 7.1) is their work, the
 * stream writes those itself, and its request is ended.
 */

/* A client that is told to come back does so within that, in milliseconds. */
#define NGX_HTTP_GMCHAT_SSE_RETRY  5000


/* What the filters have of the stream: they are given one buffer at a time.
 * HTTP/2 writes frames of it after the request has ended, as long as its pool
 * is there: so long it stays. */

typedef struct {
    gmchat_buf_t                    bytes;
    ngx_buf_t                       buf;
    ngx_chain_t                     chain;
} ngx_http_gmchat_sse_sending_t;


typedef struct {
    ngx_http_gmchat_sse_sending_t  *sending;
    unsigned                        busy:1;
    unsigned                        raw:1;      /* without filters */
    unsigned                        plain:1;    /* no filter changes the
                                                   body */
    unsigned                        chunked:1;
    unsigned                        said:1;     /* goodbye: nothing comes
                                                   behind it */
    unsigned                        last:1;     /* the filters have the end,
                                                   too */
} ngx_http_gmchat_sse_t;


static void ngx_http_gmchat_sse_raw_read(ngx_http_gmchat_stream_t *stream);
static void ngx_http_gmchat_sse_write_handler(ngx_http_request_t *r);


static const ngx_http_gmchat_raw_t  ngx_http_gmchat_sse_raw = {
    ngx_http_gmchat_sse_raw_read,
    ngx_http_gmchat_stream_touch,
    ngx_http_gmchat_stream_stuck
};


static ngx_msec_t
ngx_http_gmchat_sse_beat(ngx_http_gmchat_loc_conf_t *conf)
{
    return conf->heartbeat;
}


static void
ngx_http_gmchat_sse_sent(void *data)
{
    ngx_http_gmchat_sse_sending_t  *sending;

    sending = data;
    gmchat_buf_free(&sending->bytes);
}


static ngx_http_gmchat_sse_sending_t *
ngx_http_gmchat_sse_sending(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_gmchat_sse_sending_t));
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, sizeof(ngx_http_gmchat_sse_sending_t));
    cln->handler = ngx_http_gmchat_sse_sent;

    return cln->data;
}


static ngx_int_t
ngx_http_gmchat_sse_open(ngx_http_gmchat_stream_t *stream)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_gmchat_sse_t     *sse;
    ngx_http_core_loc_conf_t  *clcf;

    static ngx_str_t  type = ngx_string("text/event-stream");

    r = stream->request;

    stream->wire = ngx_calloc(sizeof(ngx_http_gmchat_sse_t),
                              r->connection->log);
    if (stream->wire == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sse = stream->wire;

    sse->sending = ngx_http_gmchat_sse_sending(r);
    if (sse->sending == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

#if (NGX_HTTP_V2)
    if (r->stream == NULL)
#endif
    {
        if (clcf->tcp_nodelay && ngx_tcp_nodelay(r->connection) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = type;
    r->headers_out.content_type_len = type.len;
    r->headers_out.charset.len = 0;
    ngx_http_clear_content_length(r);

    if (ngx_http_gmchat_header(r, "Cache-Control", "no-store") != NGX_OK
        || ngx_http_gmchat_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_gmchat_header(r, "X-Accel-Buffering", "no") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    rc = ngx_http_send_header(r);

    sse->chunked = r->chunked;
    sse->plain = r->headers_out.content_encoding == NULL
                 && (r->chunked || r->http_version < NGX_HTTP_VERSION_11);

    if (r->header_only) {
        return rc == NGX_OK ? NGX_HTTP_CLOSE : rc;
    }

    return rc > NGX_OK || rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_gmchat_sse_field(gmchat_buf_t *out, const char *name,
    const void *value, size_t len)
{
    gmchat_buf_add_text(out, name);
    gmchat_buf_add_text(out, ": ");
    gmchat_buf_add(out, value, len);
    gmchat_buf_add_text(out, "\n");
}


/* What the connection has not taken. */

static size_t
ngx_http_gmchat_sse_left(ngx_http_gmchat_stream_t *stream)
{
    ngx_http_gmchat_sse_t  *sse;

    sse = stream->wire;

    return stream->out.len - stream->pos
           + (sse->busy ? (size_t) ngx_buf_size(&sse->sending->buf) : 0);
}


/* Adds what the client is to read. */

static void
ngx_http_gmchat_sse_add(ngx_http_gmchat_stream_t *stream,
    const gmchat_buf_t *text)
{
    u_char                  size[NGX_INT64_LEN];
    ngx_http_gmchat_sse_t  *sse;

    sse = stream->wire;

    if (sse->said) {
        return;
    }

    if (sse->raw && sse->chunked) {
        gmchat_buf_add(&stream->out, size,
                       (size_t) (ngx_sprintf(size, "%xz" CRLF, text->len)
                                 - size));
        gmchat_buf_add(&stream->out, text->data, text->len);
        gmchat_buf_add_text(&stream->out, CRLF);

    } else {
        gmchat_buf_add(&stream->out, text->data, text->len);
    }

    stream->out.failed |= text->failed;
    stream->queued = ngx_http_gmchat_sse_left(stream);
}


/* The data is JSON on one line: it needs no escape. */

static void
ngx_http_gmchat_sse_event(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_event_t *event)
{
    static gmchat_buf_t  text;

    text.len = 0;

    ngx_http_gmchat_sse_field(&text, "event", event->name,
                              ngx_strlen(event->name));

    if (event->id.len) {
        ngx_http_gmchat_sse_field(&text, "id", event->id.data, event->id.len);
    }

    ngx_http_gmchat_sse_field(&text, "data", event->data.data,
                              event->data.len);
    gmchat_buf_add_text(&text, "\n");

    ngx_http_gmchat_sse_add(stream, &text);

    if (text.failed) {
        gmchat_buf_free(&text);
    }
}


static void
ngx_http_gmchat_sse_ping(ngx_http_gmchat_stream_t *stream)
{
    static const gmchat_buf_t  comment = { (u_char *) ":\n\n", 3, 0, 0 };

    ngx_http_gmchat_sse_add(stream, &comment);
}


/* Whether the connection took all that the filters were given; else it is
 * waited for. */

static ngx_int_t
ngx_http_gmchat_sse_taken(ngx_http_gmchat_stream_t *stream)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_gmchat_sse_t     *sse;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    wev = r->connection->write;
    sse = stream->wire;

    if (!r->buffered && !r->connection->buffered
        && ngx_buf_size(&sse->sending->buf) == 0)
    {
        sse->busy = 0;
        gmchat_buf_reset(&sse->sending->bytes, 0);
        stream->queued = ngx_http_gmchat_sse_left(stream);
        r->write_event_handler = ngx_http_request_empty_handler;

        /* the timer of limit_rate goes on */

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    sse->busy = 1;
    stream->queued = ngx_http_gmchat_sse_left(stream);
    r->write_event_handler = ngx_http_gmchat_sse_write_handler;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed && !wev->timer_set) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/* The response ends; the stream is gone then, or as soon as nginx has written
 * that. */

static ngx_int_t
ngx_http_gmchat_sse_finish(ngx_http_gmchat_stream_t *stream)
{
    ngx_http_request_t     *r;
    ngx_http_gmchat_sse_t  *sse;

    r = stream->request;
    sse = stream->wire;
    sse->last = 1;

    ngx_http_finalize_request(r, ngx_http_send_special(r, NGX_HTTP_LAST));

    return NGX_DONE;
}


/* Without filters. */

static ngx_int_t
ngx_http_gmchat_sse_raw_flush(ngx_http_gmchat_stream_t *stream)
{
    ngx_int_t  rc;

    rc = ngx_http_gmchat_raw_write(stream);

    if (rc != NGX_ERROR) {
        (void) ngx_http_gmchat_raw_compact(stream, stream->pos);
    }

    return rc == NGX_OK && stream->ending ? NGX_ERROR : rc;
}


/* Gives the filters what there is. */

static ngx_int_t
ngx_http_gmchat_sse_filter(ngx_http_gmchat_stream_t *stream)
{
    gmchat_buf_t                    swap;
    ngx_http_gmchat_sse_t          *sse;
    ngx_http_gmchat_sse_sending_t  *sending;

    sse = stream->wire;
    sending = sse->sending;

    swap = sending->bytes;
    sending->bytes = stream->out;
    stream->out = swap;

    ngx_memzero(&sending->buf, sizeof(ngx_buf_t));
    sending->buf.pos = sending->bytes.data;
    sending->buf.last = sending->bytes.data + sending->bytes.len;
    sending->buf.memory = 1;
    sending->buf.flush = 1;
    sending->chain.buf = &sending->buf;
    sending->chain.next = NULL;

    if (ngx_http_output_filter(stream->request, &sending->chain) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_http_gmchat_sse_taken(stream);
}


static ngx_int_t
ngx_http_gmchat_sse_flush(ngx_http_gmchat_stream_t *stream)
{
    ngx_int_t               rc;
    ngx_http_gmchat_sse_t  *sse;

    sse = stream->wire;

    if (sse->raw) {
        return ngx_http_gmchat_sse_raw_flush(stream);
    }

    if (stream->out.failed) {
        return NGX_ERROR;
    }

    if (sse->busy || sse->last) {
        return NGX_AGAIN;
    }

    rc = stream->out.len ? ngx_http_gmchat_sse_filter(stream) : NGX_OK;

    if (rc != NGX_OK) {
        return rc;
    }

    if (stream->ending) {
        return ngx_http_gmchat_sse_finish(stream);
    }

    /* nginx looks for a rate when it writes first */

    if (sse->plain && stream->request->limit_rate == 0) {
        sse->raw = ngx_http_gmchat_raw_take(stream, &ngx_http_gmchat_sse_raw)
                   == NGX_OK;

        /* the client's end may have come meanwhile */

        if (sse->raw) {
            ngx_post_event(stream->connection->read, &ngx_posted_events);
        }
    }

    return NGX_OK;
}


/* What a client sends is of no meaning, but for its end. */

static void
ngx_http_gmchat_sse_raw_read(ngx_http_gmchat_stream_t *stream)
{
    ssize_t            n;
    u_char             buf[512];
    ngx_connection_t  *c;

    c = stream->connection;

    do {
        n = c->recv(c, buf, sizeof(buf));
    } while (n > 0);

    if (n != NGX_AGAIN || ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_gmchat_stream_kill(stream);
    }
}


/* The connection takes some more. */

static void
ngx_http_gmchat_sse_write_handler(ngx_http_request_t *r)
{
    off_t                      sent;
    ngx_int_t                  rc;
    ngx_event_t               *wev;
    ngx_http_gmchat_call_t    *call;
    ngx_http_gmchat_stream_t  *stream;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);
    stream = call->opened;
    wev = r->connection->write;

    if (wev->timedout) {
        ngx_http_gmchat_stream_stuck(stream);
        return;
    }

    sent = r->connection->sent;

    if (!wev->delayed && ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        ngx_http_gmchat_stream_kill(stream);
        return;
    }

    if (r->connection->sent != sent && wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    rc = ngx_http_gmchat_sse_taken(stream);

    if (rc == NGX_ERROR) {
        ngx_http_gmchat_stream_kill(stream);
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_gmchat_stream_touch(stream);
    }
}


static void
ngx_http_gmchat_sse_end(ngx_http_gmchat_stream_t *stream, ngx_uint_t code)
{
    u_char                  bytes[sizeof("retry: \n\n") + NGX_INT_T_LEN];
    gmchat_buf_t            text;
    ngx_http_gmchat_sse_t  *sse;

    sse = stream->wire;

    if (code == NGX_HTTP_GMCHAT_CLOSE_RESTART) {
        ngx_memzero(&text, sizeof(gmchat_buf_t));
        text.data = bytes;
        text.len = (size_t) (ngx_sprintf(bytes, "retry: %ui\n\n",
                                         (ngx_uint_t) ngx_random()
                                         % NGX_HTTP_GMCHAT_SSE_RETRY)
                             - bytes);
        ngx_http_gmchat_sse_add(stream, &text);
    }

    if (sse->raw && sse->chunked) {
        gmchat_buf_add_text(&stream->out, "0" CRLF CRLF);
    }

    sse->said = 1;
}


static void
ngx_http_gmchat_sse_free(ngx_http_gmchat_stream_t *stream)
{
    ngx_free(stream->wire);
}


const ngx_http_gmchat_transport_t  ngx_http_gmchat_sse = {
    NGX_HTTP_GMCHAT_SSE,
    ngx_http_gmchat_sse_beat,
    ngx_http_gmchat_sse_open,
    ngx_http_gmchat_sse_event,
    ngx_http_gmchat_sse_ping,
    ngx_http_gmchat_sse_flush,
    ngx_http_gmchat_sse_end,
    ngx_http_gmchat_sse_free
};

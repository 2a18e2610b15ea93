#include "ngx_http_gmchat_raw.h"


static void ngx_http_gmchat_raw_read_handler(ngx_event_t *rev);
static void ngx_http_gmchat_raw_write_handler(ngx_event_t *wev);


void
ngx_http_gmchat_raw_begin(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_raw_t *raw)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = stream->request;
    c = stream->connection;

    stream->raw = raw;

#if (NGX_HTTP_SSL)
    if (c->ssl) {

        /* what is left of a write is tried again from a buffer that may have
         * moved and grown */

        (void) SSL_set_mode(c->ssl->connection,
                            SSL_MODE_ENABLE_PARTIAL_WRITE
                            |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
#endif

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    c->read->handler = ngx_http_gmchat_raw_read_handler;
    c->write->handler = ngx_http_gmchat_raw_write_handler;
}


/* The stream of a connection, whether there is a request between them. */

static ngx_http_gmchat_stream_t *
ngx_http_gmchat_raw_stream(ngx_connection_t *c)
{
    ngx_http_request_t      *r;
    ngx_http_gmchat_call_t  *call;

    if (c->destroyed) {

        /* by the end of its request */

        return c->data;
    }

    r = c->data;
    call = ngx_http_get_module_ctx(r->main, ngx_http_gmchat_module);

    return call->opened;
}


static void
ngx_http_gmchat_raw_read_handler(ngx_event_t *rev)
{
    ngx_connection_t          *c;
    ngx_http_gmchat_stream_t  *stream;

    c = rev->data;
    stream = ngx_http_gmchat_raw_stream(c);

    ngx_http_gmchat_stream_log(stream);

    if (c->close) {

        /* worker_shutdown_timeout */

        ngx_http_gmchat_stream_kill(stream);
        return;
    }

    stream->raw->read(stream);
}


static void
ngx_http_gmchat_raw_write_handler(ngx_event_t *wev)
{
    ngx_connection_t          *c;
    ngx_http_gmchat_stream_t  *stream;

    c = wev->data;
    stream = ngx_http_gmchat_raw_stream(c);

    ngx_http_gmchat_stream_log(stream);

    if (wev->timedout) {
        wev->timedout = 0;
        stream->raw->timedout(stream);
        return;
    }

    stream->raw->write(stream);
}


/* limit_conn counts a request until it ends, and HTTP/2 has other
 * connections. */

ngx_uint_t
ngx_http_gmchat_raw_bound(ngx_http_request_t *r)
{
#if (NGX_HTTP_V2)
    if (r->stream) {
        return 1;
    }
#endif

    return r->count != 1 || r->buffered || r->connection->buffered
           || r->out || r->postponed || r->posted_requests
           || r->reading_body || r->discard_body
           || r->limit_conn_status
           || r->header_in->pos != r->header_in->last;
}


/* A role check is a subrequest of the request. */

static ngx_uint_t
ngx_http_gmchat_raw_needed(ngx_http_gmchat_stream_t *stream)
{
    return ngx_http_gmchat_raw_bound(stream->request)
           || (!stream->gs && stream->conf->role_uri.len);
}


/* The memory of the request's headers. */

static void
ngx_http_gmchat_raw_free_headers(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    ngx_chain_t  *cl;

    if (ngx_pfree(c->pool, c->buffer->start) == NGX_OK) {
        c->buffer->start = NULL;
        c->buffer->pos = NULL;
        c->buffer->last = NULL;
    }

    for (cl = hc->busy; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    for (cl = hc->free; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    hc->busy = NULL;
    hc->free = NULL;
    hc->nbusy = 0;

#if (NGX_HTTP_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }
#endif
}


ngx_int_t
ngx_http_gmchat_raw_take(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_raw_t *raw)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_connection_t  *hc;

    r = stream->request;

    if (r == NULL || stream->ending || ngx_http_gmchat_raw_needed(stream)) {
        return NGX_DECLINED;
    }

    ngx_http_gmchat_raw_begin(stream, raw);

    c = stream->connection;
    hc = r->http_connection;

    stream->request = NULL;
    stream->cleanup->handler = NULL;
    r->keepalive = 0;

    ngx_http_free_request(r, 0);
    ngx_http_gmchat_raw_free_headers(c, hc);

    c->data = stream;
    c->log->action = "streaming to client";

    return NGX_OK;
}


ngx_int_t
ngx_http_gmchat_raw_write(ngx_http_gmchat_stream_t *stream)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = stream->connection;

    if (stream->out.failed) {
        return NGX_ERROR;
    }

    while (stream->pos < stream->out.len) {
        n = c->send(c, stream->out.data + stream->pos,
                    stream->out.len - stream->pos);

        if (n == NGX_AGAIN || n == 0) {
            break;
        }

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        stream->pos += (size_t) n;

        if (c->write->timer_set) {
            ngx_del_timer(c->write);
        }
    }

    stream->queued = stream->out.len - stream->pos;

    if (stream->queued && !c->write->timer_set) {
        ngx_add_timer(c->write, stream->send_timeout);
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return stream->queued ? NGX_AGAIN : NGX_OK;
}


size_t
ngx_http_gmchat_raw_compact(ngx_http_gmchat_stream_t *stream, size_t cut)
{
    size_t  left;

    left = stream->out.len - cut;

    if (left == 0) {
        gmchat_buf_reset(&stream->out, 0);

    } else if (cut >= left) {
        ngx_memmove(stream->out.data, stream->out.data + cut, left);
        stream->out.len = left;

    } else {
        return 0;
    }

    stream->pos -= cut;

    return cut;
}

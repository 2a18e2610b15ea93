#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include "gmchat_integer.h"
#include "gmchat_json.h"
#include "gmchat_websocket.h"
#include "ngx_http_gmchat_raw.h"


/*
 * WebSocket (RFC 6455): after the handshake nginx' connection is read and
 * written here, without filters.
 */

#define NGX_HTTP_GMCHAT_WS_PROTOCOL   "gmchat.v1.json"
#define NGX_HTTP_GMCHAT_WS_READ       16384

/* Calls of one connection that are not answered yet. */
#define NGX_HTTP_GMCHAT_WS_CALLS      128

/* Of these such that do not wait: their replies are made at once, and those of
 * a client that does not read them stay here. */
#define NGX_HTTP_GMCHAT_WS_BUSY       8

/* Role checks leave memory with the request, which ends with the stream. */
#define NGX_HTTP_GMCHAT_WS_ROLES      64

/* Milliseconds within which a client comes back. */
#define NGX_HTTP_GMCHAT_WS_RETRY      5000


typedef struct {
    gmchat_websocket_t      ws;
    gmchat_buf_t            rest;       /* bytes not looked at yet */
    size_t                  frame;      /* in `out`: where the first frame
                                           that is not all written begins */
    uint64_t                written;    /* before `out` */
    unsigned                said:1;     /* a close was sent */
    unsigned                heard:1;    /* a close was received */
    unsigned                stuck:1;
    unsigned                held:1;     /* nothing is read meanwhile */
} ngx_http_gmchat_ws_t;


static void ngx_http_gmchat_ws_read(ngx_http_gmchat_stream_t *stream);
static void ngx_http_gmchat_ws_stuck(ngx_http_gmchat_stream_t *stream);
static void ngx_http_gmchat_ws_say(ngx_http_gmchat_stream_t *stream,
    ngx_uint_t code, const char *reason);


static const ngx_http_gmchat_raw_t  ngx_http_gmchat_ws_raw = {
    ngx_http_gmchat_ws_read,
    ngx_http_gmchat_stream_touch,
    ngx_http_gmchat_ws_stuck
};


static ngx_msec_t
ngx_http_gmchat_ws_beat(ngx_http_gmchat_loc_conf_t *conf)
{
    return conf->ping;
}


/* The handshake */


static ngx_uint_t
ngx_http_gmchat_ws_valid(ngx_http_request_t *r)
{
    ngx_str_t     *version, *key;
    gmchat_str_t   value;

    version = ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Version", NULL);
    key = ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Key", NULL);

    if (r->method != NGX_HTTP_GET || r->http_version != NGX_HTTP_VERSION_11
        || version == NULL || key == NULL
        || !ngx_http_gmchat_stream_header(r, "Connection", "upgrade")
        || version->len != 2 || ngx_strncmp(version->data, "13", 2) != 0
        || (ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Protocol", NULL)
            && !ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Protocol",
                                          NGX_HTTP_GMCHAT_WS_PROTOCOL)))
    {
        return 0;
    }

    value.data = key->data;
    value.len = key->len;

    return gmchat_websocket_key_valid(&value);
}


static ngx_int_t
ngx_http_gmchat_ws_accept(ngx_http_request_t *r)
{
    u_char       digest[20];
    ngx_str_t   *key, in, out;
    ngx_sha1_t   sha1;

    key = ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Key", NULL);

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, GMCHAT_WS_GUID, sizeof(GMCHAT_WS_GUID) - 1);
    ngx_sha1_final(digest, &sha1);

    in.data = digest;
    in.len = sizeof(digest);

    out.data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(in.len) + 1);
    if (out.data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(&out, &in);
    out.data[out.len] = '\0';

    return ngx_http_gmchat_header(r, "Sec-WebSocket-Accept",
                                  (char *) out.data);
}


static ngx_int_t
ngx_http_gmchat_ws_head(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    r->keepalive = 0;
    ngx_http_clear_content_length(r);

    if (ngx_http_gmchat_header(r, "Upgrade", "websocket") != NGX_OK
        || ngx_http_gmchat_ws_accept(r) != NGX_OK
        || (ngx_http_gmchat_stream_header(r, "Sec-WebSocket-Protocol", NULL)
            && ngx_http_gmchat_header(r, "Sec-WebSocket-Protocol",
                                      NGX_HTTP_GMCHAT_WS_PROTOCOL)
               != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* frames must not overtake it */

    return r->out || r->connection->buffered ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_ws_open(ngx_http_gmchat_stream_t *stream)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = stream->request;
    c = r->connection;

    if (!ngx_http_gmchat_ws_valid(r)) {
        (void) ngx_http_gmchat_header(r, "Sec-WebSocket-Version", "13");
        return NGX_DECLINED;
    }

    stream->wire = ngx_calloc(sizeof(ngx_http_gmchat_ws_t), c->log);
    if (stream->wire == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_gmchat_ws_head(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_gmchat_raw_begin(stream, &ngx_http_gmchat_ws_raw);

    /* what came right behind the request */

    ngx_post_event(c->read, &ngx_posted_events);

    return NGX_OK;
}


/* Out */


/* Behind a close nothing is said any more. */

static ngx_int_t
ngx_http_gmchat_ws_text(ngx_http_gmchat_stream_t *stream,
    const gmchat_buf_t *text)
{
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    if (wire->said) {
        return NGX_DECLINED;
    }

    if (text->failed
        || gmchat_websocket_write(&stream->out, GMCHAT_WS_TEXT_FRAME,
                                  text->data, text->len)
           != 0)
    {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return NGX_ERROR;
    }

    stream->queued = stream->out.len - stream->pos;
    ngx_http_gmchat_stream_touch(stream);

    return NGX_OK;
}


static void
ngx_http_gmchat_ws_event(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_event_t *event)
{
    static gmchat_buf_t  text;

    text.len = 0;
    gmchat_buf_add_text(&text, "{\"event\":\"");
    gmchat_buf_add_text(&text, event->name);
    gmchat_buf_add_text(&text, "\"");

    if (event->id.len) {
        gmchat_json_name(&text, "id");
        gmchat_json_string(&text, event->id.data, event->id.len);
    }

    gmchat_json_name(&text, "data");
    gmchat_buf_add(&text, event->data.data, event->data.len);
    gmchat_buf_add_text(&text, "}");

    (void) ngx_http_gmchat_ws_text(stream, &text);

    if (text.failed) {
        gmchat_buf_free(&text);
    }
}


static void
ngx_http_gmchat_ws_ping(ngx_http_gmchat_stream_t *stream)
{
    if (gmchat_websocket_write(&stream->out, GMCHAT_WS_PING_FRAME, "", 0)
        != 0)
    {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    stream->queued = stream->out.len - stream->pos;

    if (!stream->dues) {
        ngx_http_gmchat_stream_due(stream, stream->conf->pong);
    }
}


/* Replies whose last byte the connection took are there. */

static void
ngx_http_gmchat_ws_landed(ngx_http_gmchat_stream_t *stream,
    uint64_t written)
{
    ngx_queue_t             *q, *next;
    ngx_http_gmchat_call_t  *call;

    for (q = ngx_queue_head(&stream->calls);
         q != ngx_queue_sentinel(&stream->calls);
         q = next)
    {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_gmchat_call_t, siblings);

        if (call->done && call->mark <= written) {
            ngx_http_gmchat_call_leave(call, 1);
        }
    }
}


/* Moves over the frames that are all written. */

static void
ngx_http_gmchat_ws_frames(ngx_http_gmchat_stream_t *stream)
{
    size_t                 len;
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    for ( ;; ) {
        len = gmchat_websocket_frame_len(stream->out.data + wire->frame,
                                         stream->out.len - wire->frame);

        if (len == 0 || wire->frame + len > stream->pos) {
            return;
        }

        wire->frame += len;
    }
}


static ngx_int_t
ngx_http_gmchat_ws_flush(ngx_http_gmchat_stream_t *stream)
{
    size_t                 cut;
    ngx_int_t              rc;
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    rc = ngx_http_gmchat_raw_write(stream);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_gmchat_ws_landed(stream, wire->written + stream->pos);
    ngx_http_gmchat_ws_frames(stream);

    /* the head of a frame that is begun tells its length */

    cut = ngx_http_gmchat_raw_compact(stream, wire->frame);
    wire->written += cut;
    wire->frame -= cut;

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (wire->said && wire->heard) {
        return NGX_ERROR;
    }

    if (wire->held) {
        wire->held = 0;
        ngx_post_event(stream->connection->read, &ngx_posted_events);
    }

    (void) ngx_http_gmchat_raw_take(stream, &ngx_http_gmchat_ws_raw);

    return NGX_OK;
}


/*
 * The client takes nothing any more.  It is told so behind the frame that was
 * begun, in case that it takes that.
 */

static void
ngx_http_gmchat_ws_stuck(ngx_http_gmchat_stream_t *stream)
{
    size_t                 len;
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    if (wire->stuck || stream->ending
#if (NGX_HTTP_SSL)

        /* a record that was begun is tried again as it is */

        || stream->connection->ssl
#endif
        )
    {
        ngx_http_gmchat_stream_stuck(stream);
        return;
    }

    wire->stuck = 1;
    len = wire->frame;

    if (len < stream->pos) {
        len += gmchat_websocket_frame_len(stream->out.data + len,
                                          stream->out.len - len);
    }

    stream->out.len = len;
    ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_SLOW);
}


/* Frames' calls */


void
ngx_http_gmchat_stream_reply(ngx_http_gmchat_call_t *call)
{
    gmchat_str_t              *number;
    ngx_http_gmchat_ws_t      *wire;
    ngx_http_gmchat_stream_t  *stream;

    static gmchat_buf_t  text;

    stream = call->stream;
    wire = stream->wire;
    number = &call->args.values[GMCHAT_P_CALL];

    stream->ncalls--;
    stream->nbusy -= call->busy;

    if (wire->held) {
        ngx_post_event(stream->connection->read, &ngx_posted_events);
    }

    if (wire->said) {
        ngx_http_gmchat_call_leave(call, 0);
        return;
    }

    text.len = 0;
    gmchat_buf_add_text(&text, "{\"re\":");

    if (number->len && gmchat_integer_parse(number, NULL)) {
        gmchat_buf_add(&text, number->data, number->len);

    } else {
        gmchat_buf_add_text(&text, "null");
    }

    /* the reply is an object with something in it */

    gmchat_buf_add_text(&text, ",");
    gmchat_buf_add(&text, call->out.data + 1,
                   call->out.len ? call->out.len - 1 : 0);
    text.failed |= call->out.failed;

    /* where it could not be written it never lands */

    call->done = 1;
    call->mark = ngx_http_gmchat_ws_text(stream, &text) == NGX_OK
                     ? wire->written + stream->out.len : (uint64_t) -1;

    if (text.failed) {
        gmchat_buf_free(&text);
    }

    if (call->receipt.len == 0) {
        ngx_http_gmchat_call_leave(call, 1);
    }

    /* at the latest when it was the last one the goodbye may go out */

    ngx_http_gmchat_stream_touch(stream);

    if (stream->nroles >= NGX_HTTP_GMCHAT_WS_ROLES && stream->nbusy == 0
        && !wire->held)
    {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_RESTART);
    }
}


static void
ngx_http_gmchat_ws_call(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *message)
{
    gmchat_refusal_t         refusal;
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_gmchat_call_frame(stream, stream->conf, &stream->calls);
    if (call == NULL) {
        ngx_http_gmchat_stream_close(stream, NGX_HTTP_GMCHAT_CLOSE_FAULT);
        return;
    }

    call->hosts = stream->hosts;
    call->group = stream->group;
    call->operator = stream->operator;
    call->address = stream->address;
    stream->ncalls++;

    ngx_memzero(&refusal, sizeof(gmchat_refusal_t));

    if (gmchat_args_json(&call->args, &call->arena, message->data,
                         message->len, &refusal)
        != GMCHAT_OK)
    {
        ngx_http_gmchat_call_refuse(call, &refusal);
        return;
    }

    /* a frame that names no stream is about its own */

    if (!gmchat_args_given(&call->args, GMCHAT_P_STREAM)) {
        call->args.values[GMCHAT_P_STREAM].data = stream->id;
        call->args.values[GMCHAT_P_STREAM].len = NGX_HTTP_GMCHAT_STREAM_ID;
    }

    if (call->args.values[GMCHAT_P_WAIT].len == 0
        || gmchat_str_is(&call->args.values[GMCHAT_P_WAIT], "0"))
    {
        call->busy = 1;
        stream->nbusy++;
    }

    if (stream->ncalls > NGX_HTTP_GMCHAT_WS_CALLS) {
        ngx_http_gmchat_call_fail(call, GMCHAT_RATE_LIMITED);
        return;
    }

    ngx_http_gmchat_run_args(call);
}


/* In */


/* Who does not read, or has much to be answered, is not read from. */

static ngx_uint_t
ngx_http_gmchat_ws_waits(ngx_http_gmchat_stream_t *stream)
{
    return stream->queued >= stream->conf->stream_buffer
           || stream->nbusy >= NGX_HTTP_GMCHAT_WS_BUSY;
}


/* Keeps what is to be looked at later. */

static ngx_int_t
ngx_http_gmchat_ws_keep(ngx_http_gmchat_stream_t *stream, const u_char *pos,
    const u_char *last)
{
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;
    wire->held = 1;
    gmchat_buf_add(&wire->rest, pos, (size_t) (last - pos));

    return wire->rest.failed ? NGX_ERROR : NGX_AGAIN;
}


/* Returns NGX_OK to read on, NGX_AGAIN to wait, or NGX_ERROR. */

static ngx_int_t
ngx_http_gmchat_ws_bytes(ngx_http_gmchat_stream_t *stream,
    const u_char *pos, const u_char *last)
{
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    for ( ;; ) {
        switch (gmchat_websocket_read(&wire->ws, &pos, last,
                                      stream->conf->frame_max))
        {
        case GMCHAT_WS_MESSAGE:
            if (!stream->ending && stream->code == 0) {
                ngx_http_gmchat_ws_call(stream, &wire->ws.message);
            }

            if (ngx_http_gmchat_ws_waits(stream)) {
                return ngx_http_gmchat_ws_keep(stream, pos, last);
            }

            break;

        case GMCHAT_WS_PING:
            if (!wire->said
                && gmchat_websocket_write(&stream->out, GMCHAT_WS_PONG_FRAME,
                                          wire->ws.message.data,
                                          wire->ws.message.len)
                   != 0)
            {
                return NGX_ERROR;
            }

            stream->queued = stream->out.len - stream->pos;
            ngx_http_gmchat_stream_touch(stream);
            break;

        case GMCHAT_WS_PONG:
            break;

        case GMCHAT_WS_CLOSE:
            wire->heard = 1;
            ngx_http_gmchat_ws_say(stream, wire->ws.code, "");
            ngx_http_gmchat_stream_touch(stream);
            return NGX_OK;

        case GMCHAT_WS_FAIL:
            ngx_http_gmchat_ws_say(stream, wire->ws.code, "");
            return NGX_OK;

        default: /* GMCHAT_WS_MORE */
            return NGX_OK;
        }
    }
}


/* What was kept, and what came right behind the request. */

static ngx_int_t
ngx_http_gmchat_ws_early(ngx_http_gmchat_stream_t *stream)
{
    u_char                *pos, *last;
    ngx_int_t              rc;
    ngx_buf_t             *b;
    gmchat_buf_t           rest;
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    rest = wire->rest;
    ngx_memzero(&wire->rest, sizeof(gmchat_buf_t));

    rc = ngx_http_gmchat_ws_bytes(stream, rest.data, rest.data + rest.len);
    gmchat_buf_free(&rest);

    if (rc != NGX_OK || stream->request == NULL) {
        return rc;
    }

    b = stream->request->header_in;
    pos = b->pos;
    last = b->last;

    if (pos == last) {
        return NGX_OK;
    }

    b->pos = last;

    return ngx_http_gmchat_ws_bytes(stream, pos, last);
}


static void
ngx_http_gmchat_ws_read(ngx_http_gmchat_stream_t *stream)
{
    ssize_t                n;
    ngx_int_t              rc;
    ngx_connection_t      *c;
    ngx_http_gmchat_ws_t  *wire;

    static u_char  buf[NGX_HTTP_GMCHAT_WS_READ];

    c = stream->connection;
    wire = stream->wire;

    wire->held = 0;
    rc = ngx_http_gmchat_ws_waits(stream) ? NGX_OK
                                          : ngx_http_gmchat_ws_early(stream);

    while (rc == NGX_OK) {

        if (ngx_http_gmchat_ws_waits(stream)) {
            wire->held = 1;
            break;
        }

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0) {

            /* it may still read: what it was answered goes out */

            (void) ngx_http_gmchat_raw_write(stream);
        }

        /* a pong may be long behind what the client still reads: whatever
         * it sends shows that it lives */

        if (stream->code == NGX_HTTP_GMCHAT_CLOSE_NONE) {
            stream->dues = 0;
        }

        rc = n > 0 ? ngx_http_gmchat_ws_bytes(stream, buf, buf + n)
                   : NGX_ERROR;
    }

    if (rc == NGX_ERROR || ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_gmchat_stream_kill(stream);
        return;
    }

    if (stream->request) {
        ngx_http_run_posted_requests(c);
    }
}


/* Closing */


static void
ngx_http_gmchat_ws_say(ngx_http_gmchat_stream_t *stream, ngx_uint_t code,
    const char *reason)
{
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;

    if (!wire->said) {
        wire->said = 1;
        (void) gmchat_websocket_write_close(&stream->out, (unsigned) code,
                                            reason);
        stream->queued = stream->out.len - stream->pos;
    }

    ngx_http_gmchat_stream_close(stream, code);
}


static void
ngx_http_gmchat_ws_end(ngx_http_gmchat_stream_t *stream, ngx_uint_t code)
{
    u_char  reason[GMCHAT_WS_REASON_MAX];

    reason[0] = '\0';

    if (code == NGX_HTTP_GMCHAT_CLOSE_RESTART) {
        (void) ngx_sprintf(reason, "come back in %ui ms%Z",
                           (ngx_uint_t) ngx_random()
                           % NGX_HTTP_GMCHAT_WS_RETRY);
    }

    ngx_http_gmchat_ws_say(stream, code, (char *) reason);
}


static void
ngx_http_gmchat_ws_free(ngx_http_gmchat_stream_t *stream)
{
    ngx_http_gmchat_ws_t  *wire;

    wire = stream->wire;
    gmchat_websocket_free(&wire->ws);
    gmchat_buf_free(&wire->rest);
    ngx_free(wire);
}


const ngx_http_gmchat_transport_t  ngx_http_gmchat_websocket = {
    NGX_HTTP_GMCHAT_WEBSOCKET,
    ngx_http_gmchat_ws_beat,
    ngx_http_gmchat_ws_open,
    ngx_http_gmchat_ws_event,
    ngx_http_gmchat_ws_ping,
    ngx_http_gmchat_ws_flush,
    ngx_http_gmchat_ws_end,
    ngx_http_gmchat_ws_free
};

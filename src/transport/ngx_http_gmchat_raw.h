#ifndef NGX_HTTP_GMCHAT_RAW_H
#define NGX_HTTP_GMCHAT_RAW_H


#include "ngx_http_gmchat_stream.h"


/*
 * Streams that write to the client's connection themselves, without nginx'
 * filters.
 *
 * A stream lives for hours with a connection, and what nginx keeps for the
 * request that opened it is three quarters of its memory.  So where nothing
 * needs that any more the request is ended, which frees and logs it, and the
 * connection is the stream's alone.
 */

/* What the connection's events call. */

typedef struct ngx_http_gmchat_raw_s  ngx_http_gmchat_raw_t;

struct ngx_http_gmchat_raw_s {
    void                  (*read)(ngx_http_gmchat_stream_t *stream);
    void                  (*write)(ngx_http_gmchat_stream_t *stream);
    void                  (*timedout)(ngx_http_gmchat_stream_t *stream);
};


/* Whether something but the handler needs the request, or its connection has
 * more to read or write for it. */
ngx_uint_t ngx_http_gmchat_raw_bound(ngx_http_request_t *r);

/* The connection's events are for the stream from now on. */
void ngx_http_gmchat_raw_begin(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_raw_t *raw);

/*
 * Ends the request if nobody needs it.  To be called from an event of the
 * stream's own.  Returns NGX_OK, or NGX_DECLINED if nothing is changed.
 */
ngx_int_t ngx_http_gmchat_raw_take(ngx_http_gmchat_stream_t *stream,
    const ngx_http_gmchat_raw_t *raw);

/*
 * Writes stream->out.  Returns NGX_OK if all of it was, NGX_AGAIN if the
 * connection is waited for, for send_timeout at most, or NGX_ERROR.
 */
ngx_int_t ngx_http_gmchat_raw_write(ngx_http_gmchat_stream_t *stream);

/*
 * Forgets up to `cut` bytes that were written, where that is more than moving
 * the others costs.  Returns how many.
 */
size_t ngx_http_gmchat_raw_compact(ngx_http_gmchat_stream_t *stream,
    size_t cut);


#endif /* NGX_HTTP_GMCHAT_RAW_H */

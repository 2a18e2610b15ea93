#ifndef NGX_HTTP_GMCHAT_WATCH_H
#define NGX_HTTP_GMCHAT_WATCH_H


#include "ngx_http_gmchat_stream.h"


/*
 * The receivers of a stream: what is published for them goes to the client as
 * it is, where it is the next entry and there is room; else the store is read
 * from where the client stands.
 */

typedef struct ngx_http_gmchat_watch_s  ngx_http_gmchat_watch_t;


/* Watches one more receiver.  Returns NGX_OK, also if it is watched already;
 * NGX_DECLINED if there are GMCHAT_LIST_MAX, NGX_ERROR without memory. */
ngx_int_t ngx_http_gmchat_watch_add(ngx_http_gmchat_stream_t *stream,
    int64_t id);

/* Ends that; nothing happens if it is not watched.  There may be room then, and
 * the rest may be ready. */
void ngx_http_gmchat_watch_drop(ngx_http_gmchat_stream_t *stream, int64_t id);

/* Ends all. */
void ngx_http_gmchat_watch_drop_all(ngx_http_gmchat_stream_t *stream);

/* The client comes back with a cursor; before watches begin.  NGX_DECLINED
 * if it is none. */
ngx_int_t ngx_http_gmchat_watch_resume(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *cursor);

/* Subscribes those that were added since.  NGX_ERROR without memory. */
ngx_int_t ngx_http_gmchat_watch_begin(ngx_http_gmchat_stream_t *stream);

/* Tells the client, once, if it was given all there was when its receivers
 * began, with a cursor that says so.  May make room. */
void ngx_http_gmchat_watch_ready(ngx_http_gmchat_stream_t *stream);

/* There may be room again. */
void ngx_http_gmchat_watch_room(ngx_http_gmchat_stream_t *stream);

/* Reads again those whose online list ends by itself about now. */
void ngx_http_gmchat_watch_lapse(ngx_http_gmchat_stream_t *stream);

/* Calls `each` with every receiver's number as text. */
typedef void (*ngx_http_gmchat_watch_each_pt)(
    ngx_http_gmchat_stream_t *stream, const gmchat_str_t *id, void *data);

void ngx_http_gmchat_watch_each(ngx_http_gmchat_stream_t *stream,
    ngx_http_gmchat_watch_each_pt each, void *data);


#endif /* NGX_HTTP_GMCHAT_WATCH_H */

#ifndef NGX_HTTP_GMCHAT_EVENT_H
#define NGX_HTTP_GMCHAT_EVENT_H


#include "ngx_http_gmchat_stream.h"


/*
 * What a stream says to its client (docs/asyncapi.yaml).  Each adds an event,
 * with the cursor of the stream's ledger as its id, or closes the stream where
 * there is no memory for it.  `id` is the receiver.
 */

void ngx_http_gmchat_event_open(ngx_http_gmchat_stream_t *stream);
void ngx_http_gmchat_event_ready(ngx_http_gmchat_stream_t *stream);

/* A message, or a change of a friendship. */
void ngx_http_gmchat_event_entry(ngx_http_gmchat_stream_t *stream, int64_t id,
    gmchat_line_e line, const gmchat_entry_t *entry);

/* The client may have missed something: it is to read the history. */
void ngx_http_gmchat_event_reset(ngx_http_gmchat_stream_t *stream, int64_t id,
    gmchat_line_e line);

/* The GM has read, up to a message; an operator did something for it.  These
 * have no id: they stand in no mailbox, and move no cursor. */
void ngx_http_gmchat_event_read(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_wake_t *wake);
void ngx_http_gmchat_event_desk(ngx_http_gmchat_stream_t *stream, int64_t id,
    const gmchat_wake_t *wake);

/* The operator has no right to the stream any more: nothing follows. */
void ngx_http_gmchat_event_forbidden(ngx_http_gmchat_stream_t *stream);

/* The online GMs of a host: strings. */
void ngx_http_gmchat_event_online(ngx_http_gmchat_stream_t *stream,
    int64_t id, const gmchat_value_t *gms);


#endif /* NGX_HTTP_GMCHAT_EVENT_H */

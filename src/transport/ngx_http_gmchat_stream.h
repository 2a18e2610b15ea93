#ifndef NGX_HTTP_GMCHAT_STREAM_H
#define NGX_HTTP_GMCHAT_STREAM_H


#include "ngx_http_gmchat.h"

#include "gmchat_ledger.h"
#include "gmchat_wake.h"


#define NGX_HTTP_GMCHAT_STREAM_ID  32


/* What a client is told. */

typedef struct {
    const char             *name;
    gmchat_str_t            id;         /* the cursor; empty: none */
    gmchat_str_t            data;       /* a JSON object */
} ngx_http_gmchat_event_t;


/* Why a stream ends, as its close code on a WebSocket. */

typedef enum {
    NGX_HTTP_GMCHAT_CLOSE_NONE = 0,
    NGX_HTTP_GMCHAT_CLOSE_FAULT = 1011,
    NGX_HTTP_GMCHAT_CLOSE_RESTART = 1012,
    NGX_HTTP_GMCHAT_CLOSE_SLOW = 1013,
    NGX_HTTP_GMCHAT_CLOSE_RIGHTS = 4403     /* the operator's are gone */
} ngx_http_gmchat_close_e;


/*
 * How events get to a client.  `event` and `ping` only add to stream->out,
 * which `flush` writes; it is called once at the end of a turn of the event
 * loop, and returns NGX_OK, NGX_AGAIN if the connection takes no more now (the
 * transport goes on by itself), or NGX_ERROR.  `end` says goodbye: the
 * transport finalizes the request once that is written.
 */

typedef struct {
    ngx_http_gmchat_transport_e  kind;

    /* milliseconds between signs of life */
    ngx_msec_t            (*beat)(ngx_http_gmchat_loc_conf_t *conf);

    ngx_int_t             (*open)(ngx_http_gmchat_stream_t *stream);
    void                  (*event)(ngx_http_gmchat_stream_t *stream,
                                   const ngx_http_gmchat_event_t *event);
    void                  (*ping)(ngx_http_gmchat_stream_t *stream);
    ngx_int_t             (*flush)(ngx_http_gmchat_stream_t *stream);
    void                  (*end)(ngx_http_gmchat_stream_t *stream,
                                 ngx_uint_t code);
    void                  (*free)(ngx_http_gmchat_stream_t *stream);
} ngx_http_gmchat_transport_t;


extern const ngx_http_gmchat_transport_t  ngx_http_gmchat_sse;
extern const ngx_http_gmchat_transport_t  ngx_http_gmchat_websocket;


struct ngx_http_gmchat_stream_s {
    ngx_queue_t                         queue;      /* of all streams */
    ngx_queue_t                         touched;    /* to be flushed */
    ngx_connection_t                   *connection;
    ngx_http_request_t                 *request;    /* NULL once nobody needs
                                                       it any more */
    ngx_http_cleanup_t                 *cleanup;    /* of the request */
    const ngx_http_gmchat_transport_t  *transport;
    void                               *wire;       /* the transport's own */
    const struct ngx_http_gmchat_raw_s *raw;        /* it reads and writes the
                                                       connection itself */
    ngx_msec_t                          send_timeout;
    ngx_http_gmchat_loc_conf_t         *conf;

    gmchat_str_t                        group;
    gmchat_str_t                        prefix;
    gmchat_str_t                        hosts;      /* as the call's */
    gmchat_str_t                        operator;   /* the same */
    gmchat_str_t                        address;    /* the same */
    const gmchat_action_t              *action;     /* that it came of */
    u_char                              id[NGX_HTTP_GMCHAT_STREAM_ID];

    gmchat_ledger_t                     ledger;
    ngx_rbtree_t                        watches;    /* by receiver */
    ngx_rbtree_node_t                   sentinel;
    ngx_queue_t                         behind;     /* wait for room */
    ngx_uint_t                          unsettled;  /* watches whose backlog
                                                       was not given yet */
    gmchat_sub_t                        orders;     /* to add or drop some */
    gmchat_sub_t                        ops;        /* operators change */
    ngx_queue_t                         checks;     /* of rights, under way */

    gmchat_buf_t                        out;
    size_t                              pos;        /* written of it */
    size_t                              queued;     /* bytes not taken yet,
                                                       wherever they are */

    ngx_queue_t                         calls;      /* that came in frames */
    ngx_uint_t                          ncalls;     /* not answered yet */
    ngx_uint_t                          nbusy;      /* of these: do not wait */
    ngx_uint_t                          nroles;     /* role checks so far */

    ngx_event_t                         timer;      /* the next of these: */
    ngx_msec_t                          beat;       /* a sign of life */
    ngx_msec_t                          stay;       /* presence is renewed */
    ngx_msec_t                          lapse;      /* an online list may
                                                       have changed */
    ngx_msec_t                          due;        /* the end at last; or a
                                                       pong */

    ngx_uint_t                          code;       /* it is to end so */
    unsigned                            gs:1;
    unsigned                            online:1;   /* its GMs are */
    unsigned                            lapses:1;   /* `lapse` is set */
    unsigned                            dues:1;     /* `due` is set */
    unsigned                            dirty:1;    /* in `touched` */
    unsigned                            ending:1;   /* said goodbye */
    unsigned                            counted:1;  /* among those open */
    unsigned                            ready:1;    /* all there was when it
                                                       began was said */
    unsigned                            missed:1;   /* an event that comes but
                                                       once found no room */
};


/* A stream for a call, of which nothing is known to the client yet; it ends
 * with the call's request.  NULL without memory. */
ngx_http_gmchat_stream_t *ngx_http_gmchat_stream_create(
    ngx_http_gmchat_call_t *call);

/* Adds ('+') or drops ('-') a list of receivers. */
void ngx_http_gmchat_stream_apply(ngx_http_gmchat_stream_t *stream,
    u_char change, const gmchat_str_t *list);

/* The parameter of a call that names its receivers. */
gmchat_str_t *ngx_http_gmchat_stream_receivers(
    ngx_http_gmchat_stream_t *stream, gmchat_args_t *args);

/* Watches a list of receivers.  NGX_ERROR without memory. */
ngx_int_t ngx_http_gmchat_stream_add(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list);

/* Its transport is open: the stream that the call opened begins. */
void ngx_http_gmchat_stream_begin(ngx_http_gmchat_call_t *call);

/* GMs (NULL: all of the stream's) are online until the grace time is over; and
 * those that are so stay online. */
void ngx_http_gmchat_stream_appear(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *gms);
void ngx_http_gmchat_stream_stay(ngx_http_gmchat_stream_t *stream);

/* ngx_http_gmchat_rights.c: the rights of a stream's operator, which may be
 * taken away while it is open */

/* Looks at them now, and whenever they change.  NGX_ERROR without memory. */
ngx_int_t ngx_http_gmchat_rights_begin(ngx_http_gmchat_stream_t *stream);

/* Looks at them, and ends the stream that has none any more.  With a list: adds
 * these receivers where the operator has a right to them. */
void ngx_http_gmchat_rights_check(ngx_http_gmchat_stream_t *stream,
    const gmchat_str_t *list);

/* The same, unless that is under way: a store that does not answer is not asked
 * again and again. */
void ngx_http_gmchat_rights_beat(ngx_http_gmchat_stream_t *stream);

/*
 * Makes a script call, which is built already, one of the stream's operator for
 * these receivers (NULL: all of the stream's): it is judged and noted as the
 * call that opened the stream.  `args` are empty, and filled in; what they
 * point to is in the arena.  NGX_ERROR without memory.
 */
ngx_int_t ngx_http_gmchat_rights_sign(ngx_http_gmchat_stream_t *stream,
    gmchat_script_call_t *script, const gmchat_str_t *list,
    gmchat_args_t *args, gmchat_note_e note, gmchat_arena_t *arena);

/* The stream is gone. */
void ngx_http_gmchat_rights_leave(ngx_http_gmchat_stream_t *stream);

/* Whether a browser says that the page of another site asks, which gmchat_origin
 * does not name.  What says nothing is no browser, or an old one. */
ngx_uint_t ngx_http_gmchat_stream_foreign(ngx_http_request_t *r,
    ngx_http_gmchat_loc_conf_t *conf);

/* The value of a request's header; NULL if there is none.  With a token: of
 * that of its lines, which may be several, that lists it. */
ngx_str_t *ngx_http_gmchat_stream_header(ngx_http_request_t *r,
    const char *name, const char *token);

/* The stream has something to write, or something else to look after. */
void ngx_http_gmchat_stream_touch(ngx_http_gmchat_stream_t *stream);

/* The stream is to end: at the end of this turn of the event loop. */
void ngx_http_gmchat_stream_close(ngx_http_gmchat_stream_t *stream,
    ngx_uint_t code);

/* The connection's log lines are about this stream. */
void ngx_http_gmchat_stream_log(ngx_http_gmchat_stream_t *stream);

/* The connection takes nothing, for as long as send_timeout. */
void ngx_http_gmchat_stream_stuck(ngx_http_gmchat_stream_t *stream);

/* Ends the stream now; to be called last, from an event's handler. */
void ngx_http_gmchat_stream_kill(ngx_http_gmchat_stream_t *stream);

/* A time at which the timer is to fire. */
void ngx_http_gmchat_stream_due(ngx_http_gmchat_stream_t *stream,
    ngx_msec_t delay);


#endif /* NGX_HTTP_GMCHAT_STREAM_H */

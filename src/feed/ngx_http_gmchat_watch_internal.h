#ifndef NGX_HTTP_GMCHAT_WATCH_INTERNAL_H
#define NGX_HTTP_GMCHAT_WATCH_INTERNAL_H


#include "ngx_http_gmchat_event.h"
#include "ngx_http_gmchat_watch.h"


/* What the files of the watches share: none of it is for others. */


typedef enum {
    NGX_HTTP_GMCHAT_WATCH_NEW = 0,      /* not subscribed yet */
    NGX_HTTP_GMCHAT_WATCH_WAITING,      /* for the subscription to begin */
    NGX_HTTP_GMCHAT_WATCH_LIVE,         /* all there is was given */
    NGX_HTTP_GMCHAT_WATCH_BEHIND,       /* waits for room */
    NGX_HTTP_GMCHAT_WATCH_QUEUED,       /* waits to be read */
    NGX_HTTP_GMCHAT_WATCH_READING
} ngx_http_gmchat_watch_state_e;


typedef struct ngx_http_gmchat_read_s  ngx_http_gmchat_read_t;

struct ngx_http_gmchat_watch_s {
    ngx_rbtree_node_t              node;        /* key: the receiver */
    gmchat_receiver_t              receiver;
    gmchat_sub_t                   sub;
    ngx_queue_t                    queue;       /* behind, or queued */
    ngx_http_gmchat_stream_t      *stream;
    ngx_http_gmchat_read_t        *read;
    uint64_t                       gms;         /* digest of the last list */
    int64_t                        seen[GMCHAT_LINES];
                                                /* newest entry that was
                                                   published meanwhile */
    ngx_msec_t                     lapse;
    ngx_http_gmchat_watch_state_e  state;
    gmchat_line_e                  line;        /* the one that found no
                                                   room, if `full` */
    unsigned                       full:1;
    unsigned                       again:1;     /* read once more */
    unsigned                       look:1;      /* .. whatever room there is */
    unsigned                       settled:1;   /* what there was when it
                                                   began was given */
    unsigned                       lapses:1;
    unsigned                       told:1;      /* of its online list */
};


/* ngx_http_gmchat_watch.c: who is watched, and what is published for them */

/* Whether there is room for one more entry of a line. */
ngx_uint_t ngx_http_gmchat_watch_fits(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line);

/* An entry goes to the client. */
void ngx_http_gmchat_watch_give(ngx_http_gmchat_watch_t *watch,
    gmchat_line_e line, const gmchat_place_t *place,
    const gmchat_entry_t *entry);

/* The store is to be read as soon as there is room for what it gives. */
void ngx_http_gmchat_watch_want(ngx_http_gmchat_watch_t *watch);


/* ngx_http_gmchat_read.c: what the store has for them */

/* Puts a watch at the end of those to be read. */
void ngx_http_gmchat_read_later(ngx_http_gmchat_watch_t *watch);

/* Reads those of a store, as many as may be under way. */
void ngx_http_gmchat_read_all(ngx_http_gmchat_store_t *store);

/* The watch of a read that is under way is gone. */
void ngx_http_gmchat_read_forget(ngx_http_gmchat_read_t *read);


#endif /* NGX_HTTP_GMCHAT_WATCH_INTERNAL_H */

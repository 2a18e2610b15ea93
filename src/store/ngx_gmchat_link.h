#ifndef NGX_GMCHAT_LINK_H
#define NGX_GMCHAT_LINK_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "gmchat_resp.h"
#include "ngx_gmchat_endpoint.h"
#include "ngx_gmchat_store.h"


/*
 * A connection to Redis that is made anew when it is lost: what the link that
 * runs scripts and the one that is subscribed share.  None of it is for
 * others.
 */

typedef struct ngx_gmchat_link_s  ngx_gmchat_link_t;


/* What a link is for.  Any of them may lose the link. */

typedef struct {

    /* Puts what a connection begins with.  Returns NGX_ERROR without
     * memory. */
    ngx_int_t  (*setup)(ngx_gmchat_link_t *link);

    /* The link became ready; `back`: for the first time since it was lost. */
    void       (*serve)(ngx_gmchat_link_t *link, ngx_uint_t back);

    /* A whole value came, valid until this returns.  Returns NGX_ERROR if
     * nobody asked for it. */
    ngx_int_t  (*answer)(ngx_gmchat_link_t *link, const gmchat_value_t *value);

    /* All that came was handed to answer().  May be NULL. */
    void       (*drained)(ngx_gmchat_link_t *link);

    /* The deadline passed while the link was ready. */
    void       (*overdue)(ngx_gmchat_link_t *link);

    /* The link is being lost: counts it and logs it.  The link's log lets only
     * the first of a row through. */
    void       (*lost)(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
        const char *reason);

    /* The connection is closed: nothing of it will be answered any more. */
    void       (*end)(ngx_gmchat_link_t *link);

} ngx_gmchat_link_handlers_t;


struct ngx_gmchat_link_s {
    const ngx_gmchat_link_handlers_t  *handlers;
    void                              *data;
    ngx_gmchat_store_conf_t           *conf;
    const ngx_gmchat_access_t         *access;
    const ngx_gmchat_endpoint_t       *endpoint;    /* where to connect to;
                                                   without a host: not known
                                                   yet, connecting waits */
    ngx_gmchat_link_t                 *leader;  /* while this one is ready, to
                                                   the same server; NULL:
                                                   none */
    ngx_atomic_t                      *gauge;   /* shows the state */

    gmchat_link_state_e                state;
    const char                        *reason;      /* of the last loss */
    ngx_gmchat_cause_e                 cause;       /* and its cause */
    unsigned                           failures;    /* in a row */
    ngx_uint_t                         tries;   /* lost so often: the next
                                                   address is tried */

    ngx_event_t                        deadline;
    const char                        *late;    /* what passed if not ready */
    ngx_event_t                        retry;

    ngx_log_t                          log;
    ngx_pool_t                        *pool;    /* the connection's */
    ngx_connection_t                  *connection;
    ngx_peer_connection_t              peer;
    ngx_sockaddr_t                     sockaddr;    /* of the server */
    socklen_t                          socklen;
    ngx_resolver_ctx_t                *resolving;
    redisReader                       *reader;
    gmchat_arena_t                     arena;   /* the value being handled */

    gmchat_buf_t                       out;
    size_t                             out_pos;
    uint64_t                           written;     /* since connecting */
    uint64_t                           formatted;

    unsigned                           connecting:1;
    unsigned                           cancelable:1;    /* connecting does not
                                                           hold a worker that
                                                           exits */
};


/* ngx_gmchat_link.c: the states */

/* Sets up a link of zeroes that has `handlers`, `data`, `conf`, `access`,
 * `endpoint` and `gauge`. */
void ngx_gmchat_link_init(ngx_gmchat_link_t *link, ngx_log_t *log);

/* Sets up a cancelable event. */
void ngx_gmchat_link_init_event(ngx_gmchat_link_t *link, ngx_event_t *ev,
    ngx_event_handler_pt handler, void *data);

/* Removes an event that is a timer, or posted, or neither. */
void ngx_gmchat_link_stop_event(ngx_event_t *ev);

void ngx_gmchat_link_event(ngx_gmchat_link_t *link, gmchat_link_event_e event);

/* The log lets lines through as it will when the link is lost by this cause:
 * for what is to be said before that. */
void ngx_gmchat_link_speak(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause);

/* The link is lost, and connects again after a while. */
void ngx_gmchat_link_lose(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason);

/* A link that waits to connect again does so now. */
void ngx_gmchat_link_hurry(ngx_gmchat_link_t *link);

/* The endpoint becomes another one: the link is lost, if it has anything of
 * the one before. */
void ngx_gmchat_link_leave(ngx_gmchat_link_t *link);

/* And is another one now: the link, unless it is idle, connects at once. */
void ngx_gmchat_link_follow(ngx_gmchat_link_t *link);

/* Exits, and frees what the link holds. */
void ngx_gmchat_link_close(ngx_gmchat_link_t *link);


/* ngx_gmchat_wire.c: the connection and its bytes */

void ngx_gmchat_wire_connect(ngx_gmchat_link_t *link);

/* Closes the connection, if there is one, and forgets what was not written. */
void ngx_gmchat_wire_close(ngx_gmchat_link_t *link);

/* Puts a command at the end of what is to be written.  Returns NGX_ERROR
 * without memory; then nothing was put. */
ngx_int_t ngx_gmchat_wire_put(ngx_gmchat_link_t *link,
    const gmchat_str_t *words, size_t n);

/* The words of AUTH, by the configuration; returns how many, 0 without a
 * password. */
size_t ngx_gmchat_wire_auth(ngx_gmchat_link_t *link, gmchat_str_t words[3]);

/* The same, of whoever uses that access. */
size_t ngx_gmchat_wire_auth_words(const ngx_gmchat_access_t *access,
    gmchat_str_t words[3]);

/* The same of SELECT, whose number is written to `db`; 0 if none is needed. */
size_t ngx_gmchat_wire_select(ngx_gmchat_link_t *link, gmchat_str_t words[2],
    u_char db[NGX_INT_T_LEN]);

/* Writes what can be written now; the rest goes when it can. */
void ngx_gmchat_wire_write(ngx_gmchat_link_t *link);

/* Writes what the connection begins with, and reads from now on. */
void ngx_gmchat_wire_begin(ngx_gmchat_link_t *link);


#endif /* NGX_GMCHAT_LINK_H */

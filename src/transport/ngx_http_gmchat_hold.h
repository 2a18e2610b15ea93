#ifndef NGX_HTTP_GMCHAT_HOLD_H
#define NGX_HTTP_GMCHAT_HOLD_H


#include "ngx_http_gmchat.h"


/*
 * Calls with `wait`.  A call is held with its request first; once that has
 * lasted for a moment it is parked, where it can be: nginx has its request
 * back, and what is left is the request's text.
 */

/* Milliseconds after which it is parked: what is answered sooner costs no
 * second look at the request. */
#define NGX_HTTP_GMCHAT_PARK_AFTER  100

/* Calls that may be held with their requests for so long: when a crowd comes at
 * once, the others are parked as soon as there is nothing to say. */
#define NGX_HTTP_GMCHAT_HOLDS       256


struct ngx_http_gmchat_hold_s {
    gmchat_sub_t             sub;
    ngx_queue_t              queue;
    ngx_event_t              timer;
    ngx_msec_t               until;
    ngx_msec_t               lapse;     /* what it waits for changes then */
    ngx_msec_t               due;       /* it is to look again then */
    ngx_http_gmchat_call_t  *call;
    unsigned                 lapses:1;  /* `lapse` is set */
    unsigned                 woken:1;   /* since the script was run */
    unsigned                 over:1;    /* the next answer is the last */
    unsigned                 stays:1;   /* it cannot be parked */
};


/* ngx_http_gmchat_longpoll.c */

/* Subscribes to what the call waits for; `sub` has its callback.  Returns
 * NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_gmchat_hold_subscribe(ngx_http_gmchat_call_t *call,
    gmchat_sub_t *sub);

/* Whether a wake-up is about what calls of the action wait for. */
ngx_uint_t ngx_http_gmchat_hold_heeds(const gmchat_action_t *action,
    const gmchat_str_t *message);


/* ngx_http_gmchat_park.c */

/*
 * Gives the request of a call that has nothing under way back to nginx, until
 * there may be something to say or hold->due.  To be called from an event of
 * the hold's own.  Returns NGX_OK, and the call and the hold are gone; or
 * NGX_DECLINED if nothing is changed.
 */
ngx_int_t ngx_http_gmchat_park(ngx_http_gmchat_hold_t *hold);

/*
 * A call is held: takes over `until` and the time in the store of what was
 * parked, where this is the same call again.  Returns NGX_DONE if its client
 * has left, NGX_OK if it has not, NGX_DECLINED if the call is a new one.
 */
ngx_int_t ngx_http_gmchat_park_resume(ngx_http_gmchat_hold_t *hold);

/* As ngx_http_gmchat_hold_leave() and ngx_http_gmchat_hold_seen(). */
void ngx_http_gmchat_park_leave(void);
ngx_uint_t ngx_http_gmchat_park_seen(void);


/* ngx_http_gmchat_text.c: a request's text, to be read again */

/* Writes the header as the client could have sent it; without `p` nothing.
 * Returns how many bytes it has. */
size_t ngx_http_gmchat_text_header(ngx_http_request_t *r, u_char *p);

/* Whether the body, if there is one, is in memory in whole, and how many bytes
 * it has. */
ngx_uint_t ngx_http_gmchat_text_body(ngx_http_request_t *r, size_t *size);


#endif /* NGX_HTTP_GMCHAT_HOLD_H */

#include "ngx_http_gmchat.h"


/* How often the hosts of those who wait are noted, in milliseconds: often
 * enough that none of them seems silent (gmchat_host_silent). */
#define NGX_HTTP_GMCHAT_WAITS_SEEN  5000


static void ngx_http_gmchat_leave(ngx_event_t *rev);
static void ngx_http_gmchat_waits_seen(ngx_event_t *ev);


/*
 * nginx tells nobody that a worker is to exit, but it closes connections that
 * are idle.  This one is: it stands for all who wait.
 */

static ngx_connection_t  *ngx_http_gmchat_leave_connection;

static ngx_connection_t   ngx_http_gmchat_waits_dumb;
static ngx_event_t        ngx_http_gmchat_waits_timer;


ngx_int_t
ngx_http_gmchat_leave_init(ngx_cycle_t *cycle)
{
    ngx_socket_t       fd;
    ngx_connection_t  *c;

    fd = eventfd(0, EFD_CLOEXEC);
    if (fd == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "gmchat: eventfd() failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, cycle->log);
    if (c == NULL) {
        (void) close(fd);
        return NGX_ERROR;
    }

    c->log = cycle->log;
    c->idle = 1;
    c->read->handler = ngx_http_gmchat_leave;
    c->read->log = cycle->log;

    ngx_http_gmchat_leave_connection = c;

    return NGX_OK;
}


void
ngx_http_gmchat_leave_free(void)
{
    ngx_socket_t       fd;
    ngx_connection_t  *c;

    c = ngx_http_gmchat_leave_connection;

    if (c == NULL) {
        return;
    }

    ngx_http_gmchat_leave_connection = NULL;

    fd = c->fd;
    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;
    (void) close(fd);
}


static void
ngx_http_gmchat_leave(ngx_event_t *rev)
{
    ngx_http_gmchat_leave_free();

    if (ngx_exiting) {
        ngx_http_gmchat_hold_leave();
        ngx_http_gmchat_stream_leave();

        /* nginx would look at what that posted after the next event only */

        ngx_event_process_posted((ngx_cycle_t *) ngx_cycle,
                                 &ngx_posted_events);
    }
}


void
ngx_http_gmchat_waits(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_gmchat_waits_timer;

    if (ev->timer_set) {
        return;
    }

    ngx_http_gmchat_waits_dumb.fd = (ngx_socket_t) -1;
    ev->handler = ngx_http_gmchat_waits_seen;
    ev->data = &ngx_http_gmchat_waits_dumb;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_GMCHAT_WAITS_SEEN);
}


static void
ngx_http_gmchat_waits_seen(ngx_event_t *ev)
{
    if (ngx_http_gmchat_hold_seen() + ngx_http_gmchat_stream_seen()) {
        ngx_http_gmchat_waits();
    }
}

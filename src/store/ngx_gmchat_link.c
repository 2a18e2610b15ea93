#include "ngx_gmchat_link.h"

#include "gmchat_backoff.h"


/* Milliseconds: a failover is noticed soon, and a dead server is not flooded
 * by many workers. */
#define NGX_GMCHAT_BACKOFF_BASE  50
#define NGX_GMCHAT_BACKOFF_CAP   500


static void ngx_gmchat_link_deadline_handler(ngx_event_t *ev);
static void ngx_gmchat_link_retry_handler(ngx_event_t *ev);


void
ngx_gmchat_link_init_event(ngx_gmchat_link_t *link, ngx_event_t *ev,
    ngx_event_handler_pt handler, void *data)
{
    ev->handler = handler;
    ev->data = data;
    ev->log = &link->log;
    ev->cancelable = 1;
}


void
ngx_gmchat_link_stop_event(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}


void
ngx_gmchat_link_init(ngx_gmchat_link_t *link, ngx_log_t *log)
{
    link->log = *log;

    ngx_gmchat_link_init_event(link, &link->deadline,
                               ngx_gmchat_link_deadline_handler, link);
    ngx_gmchat_link_init_event(link, &link->retry,
                               ngx_gmchat_link_retry_handler, link);

    *link->gauge = GMCHAT_LINK_IDLE + 1;
}


void
ngx_gmchat_link_close(ngx_gmchat_link_t *link)
{
    ngx_gmchat_link_event(link, GMCHAT_LINK_EXIT);

    gmchat_buf_free(&link->out);
    gmchat_arena_free(&link->arena);
}


/* The state machine's effects */


static void
ngx_gmchat_link_disconnect(ngx_gmchat_link_t *link)
{
    ngx_gmchat_link_stop_event(&link->deadline);
    ngx_gmchat_link_stop_event(&link->retry);

    ngx_gmchat_wire_close(link);
}


static void
ngx_gmchat_link_backoff(ngx_gmchat_link_t *link)
{
    ngx_add_timer(&link->retry,
                  gmchat_backoff_delay(link->failures,
                                       NGX_GMCHAT_BACKOFF_BASE,
                                       NGX_GMCHAT_BACKOFF_CAP,
                                       (uint32_t) ngx_random()));
}


static void
ngx_gmchat_link_connect(ngx_gmchat_link_t *link)
{
    link->late = "no connection in time";
    link->deadline.cancelable = link->cancelable;

    ngx_gmchat_wire_connect(link);
}


static void
ngx_gmchat_link_setup(ngx_gmchat_link_t *link)
{
    if (link->handlers->setup(link) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    ngx_gmchat_wire_begin(link);
}


static void
ngx_gmchat_link_serve(ngx_gmchat_link_t *link)
{
    ngx_uint_t  back;

    back = link->failures != 0;

    link->log.log_level = ngx_cycle->log->log_level;
    link->failures = 0;
    link->reason = NULL;

    if (link->deadline.timer_set) {
        ngx_del_timer(&link->deadline);
    }

    link->handlers->serve(link, back);
}


void
ngx_gmchat_link_event(ngx_gmchat_link_t *link, gmchat_link_event_e event)
{
    gmchat_link_step_t  step;

    step = gmchat_link_step(link->state, event);

    link->state = step.next;
    *link->gauge = step.next + 1;

    if (step.effects & GMCHAT_LINK_DO_CLOSE) {
        ngx_gmchat_link_disconnect(link);
    }

    if (step.effects & GMCHAT_LINK_DO_FAIL) {
        link->handlers->end(link);
    }

    if (step.effects & GMCHAT_LINK_DO_BACKOFF) {
        ngx_gmchat_link_backoff(link);
    }

    if (step.effects & GMCHAT_LINK_DO_CONNECT) {
        ngx_gmchat_link_connect(link);
    }

    if (step.effects & GMCHAT_LINK_DO_SETUP) {
        ngx_gmchat_link_setup(link);
    }

    if (step.effects & GMCHAT_LINK_DO_SERVE) {
        ngx_gmchat_link_serve(link);
    }
}


/* The first loss in a row is logged, and each that has another cause than the
 * one before; the rest are counted. */

void
ngx_gmchat_link_speak(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause)
{
    if (link->failures == 0 || cause != link->cause) {
        link->log.log_level = ngx_cycle->log->log_level;
    }
}


void
ngx_gmchat_link_lose(ngx_gmchat_link_t *link, ngx_gmchat_cause_e cause,
    const char *reason)
{
    ngx_gmchat_link_speak(link, cause);

    link->handlers->lost(link, cause, reason);

    link->log.log_level = NGX_LOG_ALERT;
    link->failures++;
    link->tries++;
    link->cause = cause;
    link->reason = reason;

    ngx_gmchat_link_event(link, GMCHAT_LINK_FAILED);
}


void
ngx_gmchat_link_hurry(ngx_gmchat_link_t *link)
{
    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
        ngx_gmchat_link_event(link, GMCHAT_LINK_RETRY);
    }
}


void
ngx_gmchat_link_leave(ngx_gmchat_link_t *link)
{
    if (link->connection == NULL && link->resolving == NULL) {
        return;
    }

    link->failures = 0;
    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_SWITCHED,
                         "another server is the master now");
}


void
ngx_gmchat_link_follow(ngx_gmchat_link_t *link)
{
    if (link->failures > 1) {
        link->failures = 1;
    }

    if (link->state == GMCHAT_LINK_CONNECTING
        || link->state == GMCHAT_LINK_RECONNECTING)
    {
        if (link->connection == NULL && link->resolving == NULL) {
            ngx_gmchat_link_connect(link);
        }

        return;
    }

    ngx_gmchat_link_hurry(link);
}


static void
ngx_gmchat_link_deadline_handler(ngx_event_t *ev)
{
    ngx_gmchat_link_t  *link;

    link = ev->data;

    if (link->state == GMCHAT_LINK_READY) {
        link->handlers->overdue(link);
        return;
    }

    if (link->resolving) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_RESOLVE,
                             "its name was not resolved in time");
        return;
    }

    ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TIMEOUT, link->late);
}


static void
ngx_gmchat_link_retry_handler(ngx_event_t *ev)
{
    ngx_gmchat_link_event(ev->data, GMCHAT_LINK_RETRY);
}

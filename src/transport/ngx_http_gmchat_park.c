#include "ngx_http_gmchat_raw.h"
#include "ngx_http_gmchat_hold.h"


/*
 * Held calls without their requests.
 *
 * Nothing is under way for a held call, and what nginx keeps for its request
 * is most of its memory.  So the request is ended without a response, which
 * leaves its connection idle, as between two requests; its text is kept.  When
 * there may be something to say, or the call's time is over, nginx reads that
 * text as if the client had sent it now, and the call is made again.
 */

/* What is left of a call.  One block of memory, with the texts behind it. */

typedef struct {
    gmchat_sub_t                 sub;
    ngx_queue_t                  queue;
    ngx_connection_t            *connection;
    ngx_http_request_t          *request;   /* made of the text; NULL */
    ngx_event_handler_pt         handler;   /* nginx's for an idle one */
    ngx_recv_pt                  recv;      /* the connection's own */
    ngx_http_gmchat_loc_conf_t  *conf;
    const gmchat_action_t       *action;
    gmchat_str_t                 prefix;
    gmchat_str_t                 host;
    gmchat_str_t                 cursor;    /* what its client knows */
    u_char                      *pos;       /* of the text, what nginx has */
    u_char                      *last;      /* not read again */
    ngx_msec_t                   until;
    uint64_t                     store_us;
    off_t                        length;    /* of the header as it came */
    time_t                       start_sec;
    ngx_msec_t                   start_msec;
    unsigned                     limit_req_status:3;
    unsigned                     pipeline:1;
    unsigned                     woken:1;   /* it is to be replayed */
    unsigned                     replayed:1;
    unsigned                     ready:1;   /* there is more to read behind */
} ngx_http_gmchat_park_t;


static void ngx_http_gmchat_park_gone(void *data);
static void ngx_http_gmchat_park_wake(gmchat_sub_t *sub,
    const gmchat_str_t *message);
static void ngx_http_gmchat_park_read_handler(ngx_event_t *rev);


static ngx_queue_t  ngx_http_gmchat_parks = {
    &ngx_http_gmchat_parks, &ngx_http_gmchat_parks
};

/* The one whose request nginx ends or reads now: to see what became of it. */

static ngx_http_gmchat_park_t  *ngx_http_gmchat_park_now;


/* The place for what is parked on a connection: one in its life.  NULL if
 * there is none. */

static ngx_pool_cleanup_t *
ngx_http_gmchat_park_place(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_gmchat_park_gone) {
            return cln;
        }
    }

    return NULL;
}


static ngx_pool_cleanup_t *
ngx_http_gmchat_park_place_add(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_http_gmchat_park_place(c);

    if (cln == NULL) {
        cln = ngx_pool_cleanup_add(c->pool, 0);

        if (cln) {
            cln->handler = ngx_http_gmchat_park_gone;
            cln->data = NULL;
        }
    }

    return cln;
}


/* What is parked on a connection, or is made a request again; NULL. */

static ngx_http_gmchat_park_t *
ngx_http_gmchat_park_get(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_http_gmchat_park_place(c);

    return cln ? cln->data : NULL;
}


/* nginx goes on counting it as a request that is being answered. */

static void
ngx_http_gmchat_park_count(ngx_int_t change)
{
    ngx_http_gmchat_stat_parked(change);

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_writing, change);
#endif
}


/* The connection is gone, or its place is empty. */

static void
ngx_http_gmchat_park_gone(void *data)
{
    ngx_http_gmchat_park_t  *park;

    park = data;

    if (park == NULL) {
        return;
    }

    if (ngx_http_gmchat_park_now == park) {
        ngx_http_gmchat_park_now = NULL;
    }

    if (!park->replayed) {
        ngx_http_gmchat_park_count(-1);
    }

    gmchat_store_unsubscribe(park->conf->store->link, &park->sub);
    ngx_http_gmchat_stat_waits(NGX_HTTP_GMCHAT_LONGPOLL, -1);
    ngx_queue_remove(&park->queue);
    ngx_free(park);
}


/* The connection reads for itself again. */

static void
ngx_http_gmchat_park_unread(ngx_http_gmchat_park_t *park)
{
    u_char             byte;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    if (park->recv == NULL) {
        return;
    }

    c = park->connection;
    c->recv = park->recv;
    park->recv = NULL;

    /* what came behind the request, before the replay or since */

    rev = c->read;
    rev->ready = park->ready || rev->pending_eof
                 || recv(c->fd, &byte, 1, MSG_PEEK|MSG_DONTWAIT) >= 0;
}


static void
ngx_http_gmchat_park_free(ngx_http_gmchat_park_t *park)
{
    ngx_http_gmchat_park_unread(park);
    ngx_http_gmchat_park_place(park->connection)->data = NULL;
    ngx_http_gmchat_park_gone(park);
}


/*
 * Only nginx' own keep-alive may take the connection.  The client is known to
 * leave from epoll alone, as bytes may come that are not to be read yet.
 */

static ngx_uint_t
ngx_http_gmchat_park_can(ngx_http_request_t *r)
{
    ngx_event_t               *rev;
    ngx_http_core_loc_conf_t  *clcf;

    rev = r->connection->read;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return !ngx_exiting && !ngx_terminate && r == r->main
           && (r->http_version == NGX_HTTP_VERSION_10
               || r->http_version == NGX_HTTP_VERSION_11)
           && !ngx_http_gmchat_raw_bound(r)
           && !r->blocked && !r->header_sent && !r->connection->error
           && (ngx_event_flags & NGX_USE_EPOLL_EVENT) && ngx_use_epoll_rdhup
           && !rev->eof && !rev->pending_eof && !rev->timer_set
           && clcf->keepalive_timeout > 0;
}


static u_char *
ngx_http_gmchat_park_copy(u_char *p, gmchat_str_t *to,
    const gmchat_str_t *from)
{
    to->data = p;
    to->len = from->len;

    return from->len ? ngx_cpymem(p, from->data, from->len) : p;
}


/* NULL without memory, or where the text cannot be kept: a header that is
 * longer than nginx' buffer for the next one would take larger ones, and one of
 * another length than it came with was changed by a module that would change
 * it again. */

static ngx_http_gmchat_park_t *
ngx_http_gmchat_park_create(ngx_http_gmchat_hold_t *hold)
{
    u_char                  *p;
    size_t                   header, body;
    ngx_chain_t             *cl;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    const gmchat_str_t      *host, *cursor;
    ngx_http_gmchat_call_t  *call;
    ngx_http_gmchat_park_t  *park;

    call = hold->call;
    r = call->request;
    c = r->connection;
    host = &call->args.values[GMCHAT_P_HOST];
    cursor = &call->args.values[GMCHAT_P_CURSOR];
    header = ngx_http_gmchat_text_header(r, NULL);

    if (header > (size_t) (c->buffer->end - c->buffer->start)
        || !ngx_http_gmchat_text_body(r, &body)
        || (off_t) header != r->request_length - (off_t) body)
    {
        return NULL;
    }

    park = ngx_alloc(sizeof(ngx_http_gmchat_park_t) + call->prefix.len
                     + host->len + cursor->len + header + body, c->log);
    if (park == NULL) {
        return NULL;
    }

    ngx_memzero(park, sizeof(ngx_http_gmchat_park_t));

    park->sub.wake = ngx_http_gmchat_park_wake;
    park->sub.data = park;
    park->connection = c;
    park->conf = call->conf;
    park->action = call->action;
    park->until = hold->until;
    park->store_us = call->store_us;
    park->length = r->request_length - (off_t) body;
    park->start_sec = r->start_sec;
    park->start_msec = r->start_msec;
    park->limit_req_status = r->limit_req_status;
    park->pipeline = r->pipeline;

    p = (u_char *) (park + 1);
    p = ngx_http_gmchat_park_copy(p, &park->prefix, &call->prefix);
    p = ngx_http_gmchat_park_copy(p, &park->host, host);
    p = ngx_http_gmchat_park_copy(p, &park->cursor, cursor);

    park->pos = p;
    p += ngx_http_gmchat_text_header(r, p);

    for (cl = body ? r->request_body->bufs : NULL; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    park->last = p;

    return park;
}


/*
 * nginx ends a request without a response, and its log line is the replay's;
 * whether the client wants to keep the connection counts there again.
 */

static void
ngx_http_gmchat_park_end_request(ngx_http_gmchat_park_t *park,
    ngx_http_request_t *r, ngx_msec_t left)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = park->connection;
    rev = c->read;

    r->logged = 1;
    r->keepalive = 1;

    ngx_http_gmchat_park_now = park;
    ngx_http_finalize_request(r, NGX_DONE);

    if (ngx_http_gmchat_park_now == NULL) {
        return;
    }

    ngx_http_gmchat_park_now = NULL;

    if (!c->idle) {

        /* it is being closed */

        ngx_http_gmchat_park_free(park);
        return;
    }

    ngx_reusable_connection(c, 0);

    park->handler = rev->handler;
    rev->handler = ngx_http_gmchat_park_read_handler;

    /* the timer is nginx' for the next request, and must be there when one
     * comes */

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    ngx_add_timer(rev, left);
    c->log->action = "holding a call";
}


ngx_int_t
ngx_http_gmchat_park(ngx_http_gmchat_hold_t *hold)
{
    ngx_http_request_t      *r;
    ngx_pool_cleanup_t      *cln;
    ngx_http_gmchat_park_t  *park;

    r = hold->call->request;

    if (!ngx_http_gmchat_park_can(r)) {
        return NGX_DECLINED;
    }

    cln = ngx_http_gmchat_park_place_add(r->connection);
    park = cln ? ngx_http_gmchat_park_create(hold) : NULL;

    if (park == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_gmchat_hold_subscribe(hold->call, &park->sub) != NGX_OK) {
        ngx_free(park);
        return NGX_DECLINED;
    }

    cln->data = park;
    ngx_queue_insert_tail(&ngx_http_gmchat_parks, &park->queue);
    ngx_http_gmchat_stat_waits(NGX_HTTP_GMCHAT_LONGPOLL, 1);
    ngx_http_gmchat_park_count(1);

    ngx_http_gmchat_park_end_request(park, r, hold->due - ngx_current_msec);

    return NGX_OK;
}


/* The call is to be made again, by an event of its own. */

static void
ngx_http_gmchat_park_look(ngx_http_gmchat_park_t *park)
{
    if (!park->replayed) {
        park->woken = 1;
        ngx_post_event(park->connection->read, &ngx_posted_events);
    }
}


static void
ngx_http_gmchat_park_wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    ngx_http_gmchat_park_t  *park;

    park = sub->data;

    if (ngx_http_gmchat_hold_heeds(park->action, message)) {
        ngx_http_gmchat_park_look(park);
    }
}


/* In the place of the connection's own function, until all was read. */

static ssize_t
ngx_http_gmchat_park_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ngx_http_gmchat_park_t  *park;

    park = ngx_http_gmchat_park_get(c);
    size = ngx_min(size, (size_t) (park->last - park->pos));

    ngx_memcpy(buf, park->pos, size);
    park->pos += size;

    if (park->pos == park->last) {
        ngx_http_gmchat_park_unread(park);
    }

    return (ssize_t) size;
}


/* The client sent nothing new: the same call is not counted twice. */

static void
ngx_http_gmchat_park_replay(ngx_http_gmchat_park_t *park)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = park->connection;
    rev = c->read;

    park->replayed = 1;
    park->ready = rev->ready;
    park->recv = c->recv;

    c->close = 0;
    c->requests--;
    c->recv = ngx_http_gmchat_park_recv;
    rev->ready = 1;
    rev->handler = park->handler;

    if (!rev->timer_set) {
        ngx_add_timer(rev, NGX_HTTP_GMCHAT_PARK_AFTER);
    }

    ngx_http_gmchat_park_count(-1);
#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
#endif

    ngx_http_gmchat_park_now = park;
    park->handler(rev);
    park = ngx_http_gmchat_park_now;
    ngx_http_gmchat_park_now = NULL;

    if (park && park->request == NULL) {

        /* nginx made no request of it */

        ngx_http_gmchat_park_free(park);
    }
}


/* What the client sends behind a call stays where it is until the call is
 * answered. */

static void
ngx_http_gmchat_park_read_handler(ngx_event_t *rev)
{
    ngx_connection_t        *c;
    ngx_http_gmchat_park_t  *park;

    c = rev->data;
    park = ngx_http_gmchat_park_get(c);

    if (park->woken || rev->timedout || rev->pending_eof || c->close) {
        rev->timedout = 0;
        ngx_http_gmchat_park_replay(park);
    }
}


/* The request that was made of the text is gone, however it ended. */

static void
ngx_http_gmchat_park_request_gone(void *data)
{
    ngx_http_request_t      *r;
    ngx_http_gmchat_park_t  *park;

    r = data;
    park = ngx_http_gmchat_park_get(r->connection);

    if (park && park->request == r) {
        ngx_http_gmchat_park_free(park);
    }
}


ngx_int_t
ngx_http_gmchat_park_handler(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_gmchat_park_t  *park;

    park = ngx_http_gmchat_park_now;

    if (park == NULL || !park->replayed || park->request
        || park->connection != r->connection)
    {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_gmchat_park_request_gone;
    cln->data = r;
    park->request = r;

    r->start_sec = park->start_sec;
    r->start_msec = park->start_msec;
    r->request_length = park->length;
    r->limit_req_status = park->limit_req_status;
    r->pipeline = park->pipeline;
    r->expect_tested = 1;

    return NGX_DECLINED;
}


/* A call that began without a cursor waits for changes to what it saw first:
 * without memory it waits no longer. */

static void
ngx_http_gmchat_park_knows(ngx_http_gmchat_hold_t *hold,
    const gmchat_str_t *seen)
{
    gmchat_str_t            *cursor;
    ngx_http_gmchat_call_t  *call;

    call = hold->call;
    cursor = &call->args.values[GMCHAT_P_CURSOR];

    if (cursor->len || seen->len == 0) {
        return;
    }

    cursor->data = gmchat_arena_copy(&call->arena, seen->data, seen->len);

    if (cursor->data == NULL) {
        hold->until = ngx_current_msec;
        return;
    }

    cursor->len = seen->len;
}


ngx_int_t
ngx_http_gmchat_park_resume(ngx_http_gmchat_hold_t *hold)
{
    ngx_http_request_t      *r;
    ngx_http_gmchat_park_t  *park;

    r = hold->call->request;

    if (r == NULL) {
        return NGX_DECLINED;
    }

    park = ngx_http_gmchat_park_get(r->connection);

    if (park == NULL || park->request != r) {
        return NGX_DECLINED;
    }

    hold->until = park->until;
    hold->call->store_us += park->store_us;
    ngx_http_gmchat_park_knows(hold, &park->cursor);
    ngx_http_gmchat_park_free(park);

    return r->connection->read->pending_eof ? NGX_DONE : NGX_OK;
}


void
ngx_http_gmchat_park_leave(void)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&ngx_http_gmchat_parks);
         q != ngx_queue_sentinel(&ngx_http_gmchat_parks);
         q = ngx_queue_next(q))
    {
        ngx_http_gmchat_park_look(ngx_queue_data(q, ngx_http_gmchat_park_t,
                                                 queue));
    }
}


ngx_uint_t
ngx_http_gmchat_park_seen(void)
{
    ngx_queue_t             *q;
    ngx_http_gmchat_park_t  *park;

    for (q = ngx_queue_head(&ngx_http_gmchat_parks);
         q != ngx_queue_sentinel(&ngx_http_gmchat_parks);
         q = ngx_queue_next(q))
    {
        park = ngx_queue_data(q, ngx_http_gmchat_park_t, queue);

        if (park->action->flags & GMCHAT_A_POLL) {
            ngx_http_gmchat_seen(park->conf->store, &park->prefix,
                                 &park->host);
        }
    }

    return !ngx_queue_empty(&ngx_http_gmchat_parks);
}

#include "ngx_http_gmchat.h"


/* Memory that a call keeps for the next one, and calls that are kept: a peak
 * gives back what it took. */
#define NGX_HTTP_GMCHAT_KEEP        16384
#define NGX_HTTP_GMCHAT_KEEP_CALLS  256


static void ngx_http_gmchat_call_finished(void *data);
static ngx_uint_t ngx_http_gmchat_call_written(ngx_http_gmchat_call_t *call);
static void ngx_http_gmchat_call_gone(void *data);
static void ngx_http_gmchat_call_answered(void *data,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value);


static ngx_queue_t  ngx_http_gmchat_free_calls = {
    &ngx_http_gmchat_free_calls, &ngx_http_gmchat_free_calls
};

static ngx_uint_t  ngx_http_gmchat_nfree_calls;


static ngx_http_gmchat_call_t *
ngx_http_gmchat_call_alloc(ngx_log_t *log)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&ngx_http_gmchat_free_calls)) {
        return ngx_calloc(sizeof(ngx_http_gmchat_call_t), log);
    }

    q = ngx_queue_head(&ngx_http_gmchat_free_calls);
    ngx_queue_remove(q);
    ngx_http_gmchat_nfree_calls--;

    return ngx_queue_data(q, ngx_http_gmchat_call_t, queue);
}


/* Copies a string behind the others, or counts it where there is no `p`. */

static u_char *
ngx_http_gmchat_call_pack_string(u_char *p, gmchat_str_t *str, size_t *size)
{
    if (str->data == NULL) {
        return p;
    }

    *size += str->len;

    if (p == NULL) {
        return NULL;
    }

    ngx_memcpy(p, str->data, str->len);
    str->data = p;

    return p + str->len;
}


static size_t
ngx_http_gmchat_call_pack_into(ngx_http_gmchat_call_t *call, u_char *p)
{
    size_t    size;
    unsigned  i;

    size = 0;

    p = ngx_http_gmchat_call_pack_string(p, &call->group, &size);
    p = ngx_http_gmchat_call_pack_string(p, &call->prefix, &size);
    p = ngx_http_gmchat_call_pack_string(p, &call->hosts, &size);
    p = ngx_http_gmchat_call_pack_string(p, &call->operator, &size);

    for (i = 0; i < GMCHAT_PARAMS; i++) {
        p = ngx_http_gmchat_call_pack_string(p, &call->args.values[i], &size);
    }

    for (i = 0; i < call->script.n; i++) {
        p = ngx_http_gmchat_call_pack_string(p, &call->script.words[i], &size);
    }

    return size;
}


ngx_int_t
ngx_http_gmchat_call_pack(ngx_http_gmchat_call_t *call)
{
    u_char  *packed;

    gmchat_buf_free(&call->out);
    gmchat_buf_free(&call->data);
    gmchat_buf_free(&call->text);

    if (call->packed && call->arena.first == NULL) {
        return NGX_OK;
    }

    packed = ngx_alloc(ngx_http_gmchat_call_pack_into(call, NULL) + 1,
                       ngx_cycle->log);
    if (packed == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_http_gmchat_call_pack_into(call, packed);

    if (call->packed) {
        ngx_free(call->packed);
    }

    call->packed = packed;
    gmchat_arena_free(&call->arena);

    return NGX_OK;
}


/* Empties a call, but for the memory of its buffers. */

static void
ngx_http_gmchat_call_release(ngx_http_gmchat_call_t *call)
{
    gmchat_buf_t    out, data, text;
    gmchat_arena_t  arena;

    if (call->packed) {
        ngx_free(call->packed);
        call->packed = NULL;
    }

    if (ngx_http_gmchat_nfree_calls == NGX_HTTP_GMCHAT_KEEP_CALLS) {
        gmchat_arena_free(&call->arena);
        gmchat_buf_free(&call->out);
        gmchat_buf_free(&call->data);
        gmchat_buf_free(&call->text);
        ngx_free(call);
        return;
    }

    ngx_http_gmchat_nfree_calls++;
    gmchat_arena_reset(&call->arena);
    gmchat_buf_reset(&call->out, NGX_HTTP_GMCHAT_KEEP);
    gmchat_buf_reset(&call->data, NGX_HTTP_GMCHAT_KEEP);
    gmchat_buf_reset(&call->text, NGX_HTTP_GMCHAT_KEEP);

    arena = call->arena;
    out = call->out;
    data = call->data;
    text = call->text;

    ngx_memzero(call, sizeof(ngx_http_gmchat_call_t));

    call->arena = arena;
    call->out = out;
    call->data = data;
    call->text = text;

    ngx_queue_insert_head(&ngx_http_gmchat_free_calls, &call->queue);
}


ngx_http_gmchat_call_t *
ngx_http_gmchat_call_frame(ngx_http_gmchat_stream_t *stream,
    ngx_http_gmchat_loc_conf_t *conf, ngx_queue_t *siblings)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_gmchat_call_alloc(ngx_cycle->log);
    if (call == NULL) {
        return NULL;
    }

    call->stream = stream;
    call->conf = conf;
    ngx_queue_insert_tail(siblings, &call->siblings);

    return call;
}


void
ngx_http_gmchat_call_leave(ngx_http_gmchat_call_t *call, ngx_uint_t landed)
{
    ngx_queue_remove(&call->siblings);
    ngx_http_gmchat_hold_free(call);

    call->stream = NULL;

    if (call->role) {

        /* nginx may end a subrequest without a word */

        call->role->data = NULL;
        call->role = NULL;
        call->pending = 0;
    }

    if (call->pending) {
        return;
    }

    if (call->receipt.len) {
        ngx_http_gmchat_settle(call, landed);
        return;
    }

    ngx_http_gmchat_call_release(call);
}


static ngx_http_gmchat_call_t *
ngx_http_gmchat_call_create(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *finished;
    ngx_pool_cleanup_t      *gone;
    ngx_http_gmchat_call_t  *call;

    finished = ngx_http_cleanup_add(r, 0);
    gone = ngx_pool_cleanup_add(r->pool, 0);

    if (finished == NULL || gone == NULL) {
        return NULL;
    }

    call = ngx_http_gmchat_call_alloc(r->connection->log);
    if (call == NULL) {
        return NULL;
    }

    call->request = r;
    call->conf = ngx_http_get_module_loc_conf(r, ngx_http_gmchat_module);

    finished->handler = ngx_http_gmchat_call_finished;
    finished->data = call;
    gone->handler = ngx_http_gmchat_call_gone;
    gone->data = call;

    ngx_http_set_ctx(r, call, ngx_http_gmchat_module);

    return call;
}


ngx_http_gmchat_call_t *
ngx_http_gmchat_call_get(ngx_http_request_t *r)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    return call ? call : ngx_http_gmchat_call_create(r);
}


/* nginx is done with the response: it was written, or never will be. */

static void
ngx_http_gmchat_call_finished(void *data)
{
    ngx_http_gmchat_call_t  *call;

    call = data;

    if (call->receipt.len) {
        ngx_http_gmchat_settle(call, ngx_http_gmchat_call_written(call));
    }
}


/* Whether the connection took all of the reply. */

static ngx_uint_t
ngx_http_gmchat_call_written(ngx_http_gmchat_call_t *call)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = call->request;
    c = r->connection;

    return call->done && r->header_sent && r->out == NULL && !c->error
           && !c->timedout && c->buffered == 0;
}


/* The request's memory goes; its log line has been written. */

static void
ngx_http_gmchat_call_gone(void *data)
{
    ngx_http_gmchat_call_t  *call;

    call = data;
    call->request = NULL;
    ngx_http_gmchat_hold_free(call);

    if (!call->pending) {
        ngx_http_gmchat_call_release(call);
    }
}


void
ngx_http_gmchat_call_settled(ngx_http_gmchat_call_t *call)
{
    call->pending = 0;

    if (call->request == NULL && call->stream == NULL) {
        ngx_http_gmchat_call_release(call);
    }
}


void
ngx_http_gmchat_call_reply(ngx_http_gmchat_call_t *call)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    ngx_http_gmchat_hold_free(call);
    ngx_http_gmchat_stat_call(call);

    if (call->stream) {
        ngx_http_gmchat_stream_reply(call);
        return;
    }

    if (call->receipt.len && ngx_http_gmchat_client_gone(r)) {
        r->connection->error = 1;
        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    call->done = 1;
    rc = ngx_http_gmchat_send(call);

    /* the next poll may come before nginx is done with the request */

    if (call->receipt.len) {
        if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_gmchat_settle(call, 0);

        } else if (rc == NGX_OK && ngx_http_gmchat_call_written(call)) {
            ngx_http_gmchat_settle(call, 1);
        }
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_http_gmchat_call_refuse(ngx_http_gmchat_call_t *call,
    const gmchat_refusal_t *refusal)
{
    call->status = refusal->status;
    gmchat_buf_reset(&call->out, NGX_HTTP_GMCHAT_KEEP);

    if (call->stream) {
        gmchat_reply_refusal_object(&call->out, refusal);

    } else {
        gmchat_reply_refusal(&call->out, refusal);
    }

    if (call->out.failed && call->stream == NULL) {
        ngx_http_finalize_request(call->request,
                                  NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_gmchat_call_reply(call);
}


void
ngx_http_gmchat_call_fail(ngx_http_gmchat_call_t *call, gmchat_status_e status)
{
    gmchat_refusal_t  refusal;

    refusal.status = status;
    refusal.param = NULL;
    refusal.reason = NULL;

    ngx_http_gmchat_call_refuse(call, &refusal);
}


void
ngx_http_gmchat_call_ask(ngx_http_gmchat_call_t *call,
    ngx_http_gmchat_next_pt next)
{
    call->next = next;
    call->asked = ngx_http_gmchat_clock();

    if (call->stream == NULL) {
        call->request->read_event_handler = ngx_http_test_reading;
        call->request->write_event_handler = ngx_http_request_empty_handler;
    }

    if (gmchat_store_submit(call->conf->store->link, &call->script,
                            ngx_http_gmchat_call_answered, call)
        != 0)
    {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    call->pending = 1;
}


/* What a call does to the receivers of a stream. */

static gmchat_str_t
ngx_http_gmchat_change(ngx_http_gmchat_call_t *call)
{
    static const gmchat_str_t  add = gmchat_string("+");
    static const gmchat_str_t  drop = gmchat_string("-");

    return call->action->flags & GMCHAT_A_WATCH ? add : drop;
}


void
ngx_http_gmchat_call_script(ngx_http_gmchat_call_t *call, const char *script,
    ngx_http_gmchat_next_pt next)
{
    ngx_http_gmchat_loc_conf_t  *conf;

    static const gmchat_str_t  gm = gmchat_string("gm");
    static const gmchat_str_t  gs = gmchat_string("gs");
    static const gmchat_str_t  none = gmchat_string("");
    static const gmchat_str_t  one = gmchat_string("1");

    conf = call->conf;

    const gmchat_str_t  env[GMCHAT_ENVS] = {
        [GMCHAT_E_ENTRIES - GMCHAT_PARAMS] = conf->entries,
        [GMCHAT_E_BYTES - GMCHAT_PARAMS] = conf->bytes,
        [GMCHAT_E_KEEP - GMCHAT_PARAMS] = conf->keep,
        [GMCHAT_E_TTL - GMCHAT_PARAMS] = conf->ttl,
        [GMCHAT_E_PATIENCE - GMCHAT_PARAMS] = conf->patience,
        [GMCHAT_E_HOSTS - GMCHAT_PARAMS] = call->hosts,
        [GMCHAT_E_SILENT - GMCHAT_PARAMS] = conf->silent,
        [GMCHAT_E_ENDPOINT - GMCHAT_PARAMS] =
            conf->kind == NGX_HTTP_GMCHAT_GM ? gm : gs,
        [GMCHAT_E_CHANGE - GMCHAT_PARAMS] = ngx_http_gmchat_change(call),
        [GMCHAT_E_OPERATOR - GMCHAT_PARAMS] = call->operator.len
            ? call->operator : none,
        [GMCHAT_E_ADMIN - GMCHAT_PARAMS] = call->operator.len
            && ngx_http_gmchat_operator_admin(conf, &call->operator)
            ? one : none,
        [GMCHAT_E_MESSAGE_MAX - GMCHAT_PARAMS] = conf->longest
    };

    if (gmchat_action_build(call->action, script, &call->args, &call->prefix,
                            env, conf->durability, &call->arena,
                            &call->script)
        != 0
        || (call->operator.len
            && ngx_http_gmchat_operator_sign(call) != NGX_OK))
    {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    ngx_http_gmchat_call_ask(call, next);
}


/* The connection of a call's request, whose log lines are about it now; NULL
 * for a frame's call, to whose stream nothing happens at once. */

ngx_connection_t *
ngx_http_gmchat_call_connection(ngx_http_gmchat_call_t *call)
{
    ngx_connection_t  *c;

    if (call->request == NULL) {
        return NULL;
    }

    c = call->request->connection;
    ngx_http_set_log_request(c->log, call->request);

    return c;
}


/* What was taken for a request that is gone goes back. */

static void
ngx_http_gmchat_call_late(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_str_t  receipt;

    if (value && call->action) {
        receipt = gmchat_reply_receipt(call->action, value);

        if (receipt.len) {
            call->receipt.data = gmchat_arena_copy(&call->arena, receipt.data,
                                                   receipt.len);
            call->receipt.len = call->receipt.data ? receipt.len : 0;
        }
    }

    if (call->receipt.len) {
        ngx_http_gmchat_settle(call, 0);
        return;
    }

    ngx_http_gmchat_call_release(call);
}


static void
ngx_http_gmchat_call_answered(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    uint64_t                 us;
    ngx_connection_t        *c;
    ngx_http_gmchat_call_t  *call;

    call = data;
    call->pending = 0;
    us = ngx_http_gmchat_clock() - call->asked;
    call->store_us += us;
    ngx_http_gmchat_stat_store_time(us);

    if (call->request == NULL && call->stream == NULL) {
        ngx_http_gmchat_call_late(call, value);
        return;
    }

    c = ngx_http_gmchat_call_connection(call);

    if (outcome == GMCHAT_STORE_REPLY) {
        call->next(call, value);

    } else {
        ngx_http_gmchat_call_fail(call, outcome == GMCHAT_STORE_REFUSED
                                            ? GMCHAT_UNAVAILABLE
                                            : GMCHAT_UNKNOWN);
    }

    if (c) {
        ngx_http_run_posted_requests(c);
    }
}

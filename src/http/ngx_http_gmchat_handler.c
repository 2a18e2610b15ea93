#include "ngx_http_gmchat.h"

#include "gmchat_integer.h"
#include "gmchat_keys.h"


static void ngx_http_gmchat_body_handler(ngx_http_request_t *r);
static void ngx_http_gmchat_guarded(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);
static void ngx_http_gmchat_permitted(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);


ngx_int_t
ngx_http_gmchat_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_gmchat_call_get(r);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->method == NGX_HTTP_POST) {
        rc = ngx_http_read_client_request_body(r,
                                               ngx_http_gmchat_body_handler);
        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;
    ngx_http_gmchat_run(call);

    return NGX_DONE;
}


static void
ngx_http_gmchat_body_handler(ngx_http_request_t *r)
{
    ngx_http_gmchat_run(ngx_http_get_module_ctx(r, ngx_http_gmchat_module));
}


static gmchat_status_e
ngx_http_gmchat_read_args(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal)
{
    gmchat_status_e      status;
    ngx_http_request_t  *r;

    r = call->request;

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_POST) {
        refusal->status = GMCHAT_METHOD;
        return GMCHAT_METHOD;
    }

    status = gmchat_args_query(&call->args, &call->arena, r->args.data,
                               r->args.len, refusal);

    if (status != GMCHAT_OK || r->method == NGX_HTTP_GET) {
        return status;
    }

    return ngx_http_gmchat_body(call, refusal);
}


/* The group that the location serves, or lets the client choose. */

static gmchat_status_e
ngx_http_gmchat_find_group(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal)
{
    ngx_str_t            value = ngx_string("");
    gmchat_str_t        *wanted;
    gmchat_status_e      status;
    gmchat_param_env_t   env;

    static const gmchat_str_t  preset = gmchat_string("default");

    if (call->stream) {

        /* the stream's own, which its request was found to be for */

        value.data = call->group.data;
        value.len = call->group.len;

    } else if (call->conf->group
        && ngx_http_complex_value(call->request, call->conf->group, &value)
           != NGX_OK)
    {
        refusal->status = GMCHAT_UNAVAILABLE;
        return GMCHAT_UNAVAILABLE;
    }

    call->group = preset;

    if (value.len) {
        env.arena = &call->arena;
        env.message_max = 0;
        call->group.data = value.data;
        call->group.len = value.len;

        status = gmchat_param(GMCHAT_P_GROUP)->check(&call->group, &env,
                                                     &refusal->reason);
        if (status != GMCHAT_OK) {
            refusal->status = status;
            refusal->param = "group";
            return status;
        }
    }

    wanted = &call->args.values[GMCHAT_P_GROUP];

    if (wanted->len == 0
        || (wanted->len == call->group.len
            && ngx_memcmp(wanted->data, call->group.data, wanted->len) == 0))
    {
        return GMCHAT_OK;
    }

    if (!call->conf->group_client) {
        refusal->status = GMCHAT_GROUP_FORBIDDEN;
        return GMCHAT_GROUP_FORBIDDEN;
    }

    call->group = *wanted;

    return GMCHAT_OK;
}


static ngx_uint_t
ngx_http_gmchat_bound_to(const gmchat_str_t *hosts, const gmchat_str_t *host)
{
    u_char  *p, *last;

    p = hosts->data;
    last = p + hosts->len;

    for ( /* void */ ; p + host->len + 1 < last; p++) {
        if (p[0] == ',' && p[host->len + 1] == ','
            && ngx_memcmp(p + 1, host->data, host->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* A caller that is bound to hosts names some of them, or none. */

static gmchat_status_e
ngx_http_gmchat_check_host(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal)
{
    gmchat_str_t  next, host;

    if (call->hosts.len == 0
        || !gmchat_action_knows(call->action, GMCHAT_P_HOST))
    {
        return GMCHAT_OK;
    }

    next = call->args.values[GMCHAT_P_HOST];

    while (gmchat_action_list(&next, &host)) {
        if (!ngx_http_gmchat_bound_to(&call->hosts, &host)) {
            refusal->status = GMCHAT_HOST_FORBIDDEN;
            return GMCHAT_HOST_FORBIDDEN;
        }
    }

    return GMCHAT_OK;
}


static gmchat_status_e
ngx_http_gmchat_check(ngx_http_gmchat_call_t *call, gmchat_refusal_t *refusal)
{
    gmchat_status_e      status;
    gmchat_endpoint_e    endpoint;
    gmchat_param_env_t   env;

    endpoint = call->conf->kind == NGX_HTTP_GMCHAT_GM ? GMCHAT_GM : GMCHAT_GS;

    if (call->conf->named) {
        status = ngx_http_gmchat_operator_name(call, refusal);
        if (status != GMCHAT_OK) {
            return status;
        }
    }

    call->action = gmchat_action_find(endpoint, &call->args);
    if (call->action == NULL) {
        refusal->status = GMCHAT_NO_ACTION;
        return GMCHAT_NO_ACTION;
    }

    if (call->conf->named) {
        status = ngx_http_gmchat_operator_proof(call, refusal);
        if (status != GMCHAT_OK) {
            return status;
        }
    }

    env.arena = &call->arena;
    env.message_max = call->conf->message_max;

    status = gmchat_action_check(call->action, &call->args, &env, refusal);
    if (status != GMCHAT_OK) {
        return status;
    }

    status = ngx_http_gmchat_find_group(call, refusal);
    if (status != GMCHAT_OK) {
        return status;
    }

    return ngx_http_gmchat_check_host(call, refusal);
}


void
ngx_http_gmchat_run(ngx_http_gmchat_call_t *call)
{
    gmchat_refusal_t  refusal;

    ngx_memzero(&refusal, sizeof(gmchat_refusal_t));

    if (ngx_http_gmchat_read_args(call, &refusal) != GMCHAT_OK) {
        ngx_http_gmchat_call_refuse(call, &refusal);
        return;
    }

    ngx_http_gmchat_run_args(call);
}


void
ngx_http_gmchat_run_args(ngx_http_gmchat_call_t *call)
{
    gmchat_refusal_t  refusal;

    ngx_memzero(&refusal, sizeof(gmchat_refusal_t));

    if (ngx_http_gmchat_check(call, &refusal) != GMCHAT_OK) {
        ngx_http_gmchat_call_refuse(call, &refusal);
        return;
    }

    if (gmchat_keys_prefix(&call->prefix, &call->arena, &call->group) != 0) {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    if (call->action->flags & GMCHAT_A_POLL) {
        ngx_http_gmchat_seen(call->conf->store, &call->prefix,
                             &call->args.values[GMCHAT_P_HOST]);
    }

    if (call->action->flags & GMCHAT_A_STREAM
        && !ngx_http_gmchat_stream_wanted(call))
    {
        return;
    }

    /* what a stream does by itself asks for no right: its beginning does */

    if (call->operator.len
        && call->action->flags
           & (GMCHAT_A_STREAM|GMCHAT_A_WATCH|GMCHAT_A_UNWATCH))
    {
        ngx_http_gmchat_operator_ask(call, GMCHAT_OK,
                                     ngx_http_gmchat_permitted);
        return;
    }

    if (call->action->flags & GMCHAT_A_STREAM) {
        ngx_http_gmchat_stream_open(call);
        return;
    }

    if (call->action->flags & (GMCHAT_A_WATCH|GMCHAT_A_UNWATCH)
        && ngx_http_gmchat_stream_change(call) == NGX_OK)
    {
        return;
    }

    if (ngx_http_gmchat_hold_wanted(call)) {
        ngx_http_gmchat_hold(call);
        return;
    }

    if (ngx_http_gmchat_idle_answer(call) == NGX_OK) {
        return;
    }

    if (ngx_http_gmchat_role_applies(call)) {
        ngx_http_gmchat_call_script(call, call->action->guard,
                                    ngx_http_gmchat_guarded);
        return;
    }

    ngx_http_gmchat_run_script(call);
}


void
ngx_http_gmchat_run_script(ngx_http_gmchat_call_t *call)
{
    ngx_http_gmchat_call_script(call, call->action->script,
                                ngx_http_gmchat_scripted);
}


/* Ends a call that a script said no to. */

static ngx_uint_t
ngx_http_gmchat_refused(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_status_e  status;

    status = gmchat_reply_status(value);

    if (status == GMCHAT_OK) {
        return 0;
    }

    ngx_http_gmchat_call_fail(call, status);

    return 1;
}


static void
ngx_http_gmchat_permitted(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    if (ngx_http_gmchat_refused(call, value)) {
        return;
    }

    if (call->action->flags & GMCHAT_A_STREAM) {
        ngx_http_gmchat_stream_open(call);

    } else if (ngx_http_gmchat_stream_change(call) != NGX_OK) {
        ngx_http_gmchat_run_script(call);
    }
}


static void
ngx_http_gmchat_guarded(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    if (ngx_http_gmchat_refused(call, value)) {
        return;
    }

    ngx_http_gmchat_role_ask(call);
}


/* Keeps the receipt of what was taken: it is settled with the request. */

static ngx_int_t
ngx_http_gmchat_keep_receipt(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_str_t  receipt;

    receipt = gmchat_reply_receipt(call->action, value);
    if (receipt.len == 0) {
        return NGX_OK;
    }

    call->receipt.data = gmchat_arena_copy(&call->arena, receipt.data,
                                           receipt.len);
    if (call->receipt.data == NULL) {
        return NGX_ERROR;
    }

    call->receipt.len = receipt.len;

    return NGX_OK;
}


void
ngx_http_gmchat_scripted(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_reply_t   reply;
    gmchat_status_e  status;

    if (ngx_http_gmchat_refused(call, value)) {
        return;
    }

    ngx_http_gmchat_idle_written(call, value);

    if (call->asked) {
        ngx_http_gmchat_idle_learn(call, value);
    }

    if (ngx_http_gmchat_keep_receipt(call, value) != NGX_OK) {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    reply.value = value;
    reply.args = &call->args;
    reply.arena = &call->arena;
    reply.out = &call->out;
    reply.data = &call->data;
    reply.text = &call->text;
    reply.json = gmchat_str_is(&call->args.values[GMCHAT_P_FORMAT], "json");

    if (call->hold && gmchat_reply_quiet(call->action, &reply)
        && ngx_http_gmchat_hold_quiet(call) == NGX_AGAIN)
    {
        return;
    }

    status = gmchat_reply_success(call->action, &reply);

    if (status == GMCHAT_FAULT) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "gmchat: script \"%s\" gave another reply than its "
                      "action has", call->script.script);
    }

    if (status != GMCHAT_OK) {
        if (call->receipt.len) {
            ngx_http_gmchat_settle(call, 0);
        }

        ngx_http_gmchat_call_fail(call, status);
        return;
    }

    ngx_http_gmchat_call_reply(call);
}

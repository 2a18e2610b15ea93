#include "ngx_http_gmchat.h"

#include "gmchat_integer.h"
#include "gmchat_role.h"


static ngx_int_t ngx_http_gmchat_role_answered(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static void ngx_http_gmchat_role_resume(ngx_http_request_t *r);
static void ngx_http_gmchat_role_go_on(ngx_http_gmchat_call_t *call);


ngx_uint_t
ngx_http_gmchat_role_applies(ngx_http_gmchat_call_t *call)
{
    int64_t  host;

    if (!(call->action->flags & GMCHAT_A_ROLE)
        || call->conf->role_uri.len == 0)
    {
        return 0;
    }

    return gmchat_integer_parse(&call->args.values[GMCHAT_P_HOST], &host)
           && host >= call->conf->role_from;
}


static ngx_int_t
ngx_http_gmchat_role_args(ngx_http_gmchat_call_t *call, ngx_http_request_t *r,
    ngx_str_t *args)
{
    gmchat_str_t  *uid, *host;

    uid = &call->args.values[GMCHAT_P_UID];
    host = &call->args.values[GMCHAT_P_HOST];

    args->len = sizeof("uid=&hostnum=") - 1 + uid->len + host->len;
    args->data = ngx_pnalloc(r->pool, args->len);
    if (args->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(args->data, "uid=%*s&hostnum=%*s", uid->len, uid->data,
                       host->len, host->data);

    return NGX_OK;
}


/* The role service is asked by the bridge, not by the client: neither the
 * client's body nor its headers go there, but the Host. */

static ngx_int_t
ngx_http_gmchat_role_request(ngx_http_request_t *sr)
{
    ngx_table_elt_t  *h, *host;

    sr->request_body = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (sr->request_body == NULL) {
        return NGX_ERROR;
    }

    host = sr->headers_in.host;

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));
    sr->headers_in.content_length_n = -1;
    sr->headers_in.keep_alive_n = -1;

    if (ngx_list_init(&sr->headers_in.headers, sr->pool, 2,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (host == NULL) {
        return NGX_OK;
    }

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = *host;
    sr->headers_in.host = h;
    sr->headers_in.server.len = 0;

    return NGX_OK;
}


void
ngx_http_gmchat_role_ask(ngx_http_gmchat_call_t *call)
{
    ngx_str_t                    args;
    ngx_uint_t                   flags;
    ngx_http_request_t          *r, *sr;
    ngx_http_post_subrequest_t  *ps;

    r = call->stream ? ngx_http_gmchat_stream_asks(call->stream)
                     : call->request;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));

    if (ps == NULL || ngx_http_gmchat_role_args(call, r, &args) != NGX_OK) {
        ngx_http_gmchat_call_fail(call, GMCHAT_ROLE_UNAVAILABLE);
        return;
    }

    ps->handler = ngx_http_gmchat_role_answered;
    ps->data = call;

    call->status = GMCHAT_ROLE_UNAVAILABLE;
    flags = NGX_HTTP_SUBREQUEST_IN_MEMORY;

    if (call->stream) {

        /* the request goes on meanwhile, and the call may outlive it */

        flags |= NGX_HTTP_SUBREQUEST_BACKGROUND;

    } else {
        flags |= NGX_HTTP_SUBREQUEST_WAITED;
        r->write_event_handler = ngx_http_gmchat_role_resume;
    }

    if (ngx_http_subrequest(r, &call->conf->role_uri, &args, &sr, ps, flags)
        != NGX_OK
        || ngx_http_gmchat_role_request(sr) != NGX_OK)
    {
        ps->data = NULL;
        ngx_http_gmchat_call_fail(call, GMCHAT_ROLE_UNAVAILABLE);
        return;
    }

    if (call->stream) {
        call->pending = 1;
        call->role = ps;
    }
}


/* What the service said; the call goes on when nginx resumes its request. */

static ngx_int_t
ngx_http_gmchat_role_answered(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    size_t                   len;
    u_char                  *body;
    unsigned                 http;
    ngx_http_gmchat_call_t  *call;

    call = data;

    if (call == NULL) {

        /* its stream is gone */

        return rc;
    }

    body = (u_char *) "";
    len = 0;
    http = (unsigned) sr->headers_out.status;

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        http = (unsigned) rc;

    } else if (rc == NGX_ERROR || sr->connection->error) {
        http = 0;
    }

    if (sr->out && sr->out->buf) {
        body = sr->out->buf->pos;
        len = (size_t) (sr->out->buf->last - sr->out->buf->pos);
    }

    call->status = gmchat_role_answer(http, body, len);

    if (call->stream) {
        call->pending = 0;
        call->role = NULL;
        ngx_http_gmchat_role_go_on(call);
    }

    return rc;
}


static void
ngx_http_gmchat_role_resume(ngx_http_request_t *r)
{
    ngx_http_gmchat_role_go_on(ngx_http_get_module_ctx(r,
                                                  ngx_http_gmchat_module));
}


static void
ngx_http_gmchat_role_go_on(ngx_http_gmchat_call_t *call)
{
    if (call->status != GMCHAT_OK && call->operator.len) {
        ngx_http_gmchat_operator_ask(call, call->status,
                                     ngx_http_gmchat_scripted);
        return;
    }

    if (call->status != GMCHAT_OK) {
        ngx_http_gmchat_call_fail(call, call->status);
        return;
    }

    ngx_http_gmchat_run_script(call);
}

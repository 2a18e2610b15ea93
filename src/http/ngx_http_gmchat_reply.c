#include "ngx_http_gmchat.h"


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_gmchat_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_retry_after(ngx_http_request_t *r, unsigned seconds)
{
    u_char  *value;

    if (seconds == 0) {
        return NGX_OK;
    }

    value = ngx_pnalloc(r->pool, NGX_INT_T_LEN + 1);
    if (value == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(value, "%ui%Z", (ngx_uint_t) seconds);

    return ngx_http_gmchat_header(r, "Retry-After", (char *) value);
}


/* Headers that every reply of the contract has, and those of its status. */

static ngx_int_t
ngx_http_gmchat_headers(ngx_http_gmchat_call_t *call)
{
    ngx_http_request_t         *r;
    const gmchat_status_row_t  *row;

    static ngx_str_t  json = ngx_string("application/json; charset=utf-8");
    static ngx_str_t  text = ngx_string("text/plain");

    r = call->request;
    row = gmchat_status_row(call->status);

    r->headers_out.content_type = row->text ? text : json;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = (off_t) call->out.len;

    if (ngx_http_gmchat_header(r, "Cache-Control", "no-store") != NGX_OK
        || ngx_http_gmchat_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_gmchat_retry_after(r, row->retry_after) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->status == GMCHAT_METHOD) {
        return ngx_http_gmchat_header(r, "Allow", "GET, POST");
    }

    if (call->status == GMCHAT_METHOD_POST) {
        return ngx_http_gmchat_header(r, "Allow", "POST");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_write(ngx_http_gmchat_call_t *call,
    ngx_http_output_body_filter_pt filter)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_calloc_buf(call->request->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = call->out.data;
    b->last = call->out.data + call->out.len;
    b->memory = 1;
    b->last_buf = (call->request == call->request->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return filter(call->request, &out);
}


ngx_int_t
ngx_http_gmchat_send(ngx_http_gmchat_call_t *call)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;
    r->headers_out.status = gmchat_status_row(call->status)->http;

    if (ngx_http_gmchat_headers(call) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_gmchat_write(call, ngx_http_output_filter);
}


/*
 * What nginx itself refuses at an endpoint (deny, limit_req, a body too large)
 * is said in the words of the contract: a header filter changes the headers
 * of nginx's error page, a body filter its body.
 */

/* limit_req and limit_conn answer 503 unless they are told to answer 429. */

static void
ngx_http_gmchat_refusal_of(ngx_http_request_t *r, gmchat_refusal_t *refusal)
{
    ngx_uint_t  http;

    http = r->headers_out.status;

    if (http == NGX_HTTP_SERVICE_UNAVAILABLE
        && (r->main->limit_req_status || r->main->limit_conn_status))
    {
        http = NGX_HTTP_TOO_MANY_REQUESTS;
        r->headers_out.status = http;
        r->err_status = http;
    }

    refusal->status = gmchat_status_of_http((unsigned) http);
    refusal->param = NULL;
    refusal->reason = NULL;

    if (refusal->status == GMCHAT_MALFORMED) {
        refusal->param = "request";
        refusal->reason = "could not be read: see its HTTP status";

    } else if (refusal->status == GMCHAT_UNAVAILABLE) {
        refusal->reason = "the service is not available: try again";
    }
}


static ngx_http_gmchat_call_t *
ngx_http_gmchat_refusal(ngx_http_request_t *r)
{
    gmchat_refusal_t             refusal;
    ngx_http_gmchat_call_t      *call;
    ngx_http_gmchat_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gmchat_module);

    if (r != r->main || r->headers_out.status < NGX_HTTP_BAD_REQUEST
        || (conf->kind != NGX_HTTP_GMCHAT_GM
            && conf->kind != NGX_HTTP_GMCHAT_GS))
    {
        return NULL;
    }

    call = ngx_http_gmchat_call_get(r);

    if (call == NULL || call->done) {
        return NULL;
    }

    ngx_http_gmchat_refusal_of(r, &refusal);
    call->status = refusal.status;

    gmchat_buf_reset(&call->out, 0);
    gmchat_reply_refusal(&call->out, &refusal);

    if (call->out.failed) {
        return NULL;
    }

    ngx_http_gmchat_stat_call(call);

    return call;
}


static ngx_int_t
ngx_http_gmchat_header_filter(ngx_http_request_t *r)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_gmchat_refusal(r);

    if (call) {
        if (ngx_http_gmchat_headers(call) != NGX_OK) {
            return NGX_ERROR;
        }

        call->replace = 1;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_gmchat_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t             *cl;
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL || !call->replace || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    if (call->done) {
        return ngx_http_next_body_filter(r, NULL);
    }

    call->done = 1;

    return ngx_http_gmchat_write(call, ngx_http_next_body_filter);
}


ngx_int_t
ngx_http_gmchat_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_gmchat_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_gmchat_body_filter;

    return NGX_OK;
}

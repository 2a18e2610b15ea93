#include "ngx_http_gmchat.h"


typedef struct {
    ngx_str_t     path;     /* below the location */
    ngx_int_t   (*handler)(ngx_http_request_t *r);
} ngx_http_gmchat_page_t;


static ngx_int_t ngx_http_gmchat_status_json(ngx_http_request_t *r);
static ngx_int_t ngx_http_gmchat_status_metrics(ngx_http_request_t *r);
static ngx_int_t ngx_http_gmchat_status_live(ngx_http_request_t *r);
static ngx_int_t ngx_http_gmchat_status_ready(ngx_http_request_t *r);


static const ngx_http_gmchat_page_t  ngx_http_gmchat_pages[] = {
    { ngx_string(""), ngx_http_gmchat_status_json },
    { ngx_string("/"), ngx_http_gmchat_status_json },
    { ngx_string("/metrics"), ngx_http_gmchat_status_metrics },
    { ngx_string("/live"), ngx_http_gmchat_status_live },
    { ngx_string("/ready"), ngx_http_gmchat_status_ready },
    { ngx_null_string, NULL }
};


static ngx_str_t  ngx_http_gmchat_type_json =
    ngx_string("application/json; charset=utf-8");
static ngx_str_t  ngx_http_gmchat_type_metrics =
    ngx_string("text/plain; version=0.0.4; charset=utf-8");
static ngx_str_t  ngx_http_gmchat_type_text = ngx_string("text/plain");


ngx_int_t
ngx_http_gmchat_status_handler(ngx_http_request_t *r)
{
    size_t                         len;
    u_char                        *path;
    ngx_int_t                      rc;
    ngx_http_core_loc_conf_t      *clcf;
    const ngx_http_gmchat_page_t  *page;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    len = clcf->name.len;
    if (len && clcf->name.data[len - 1] == '/') {
        len--;
    }

    if (r->uri.len < len) {
        return NGX_HTTP_NOT_FOUND;
    }

    path = r->uri.data + len;
    len = r->uri.len - len;

    for (page = ngx_http_gmchat_pages; page->handler; page++) {
        if (page->path.len == len
            && ngx_memcmp(page->path.data, path, len) == 0)
        {
            return page->handler(r);
        }
    }

    return NGX_HTTP_NOT_FOUND;
}


static ngx_int_t
ngx_http_gmchat_status_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, const void *data, size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (ngx_http_gmchat_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_length_n = (off_t) len;

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, data, len);
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_gmchat_status_write(ngx_http_request_t *r, ngx_str_t *type,
    void (*write)(gmchat_buf_t *buf))
{
    ngx_int_t     rc;
    gmchat_buf_t  buf;

    ngx_memzero(&buf, sizeof(gmchat_buf_t));
    write(&buf);

    rc = buf.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                    : ngx_http_gmchat_status_send(r, NGX_HTTP_OK, type,
                                                  buf.data, buf.len);
    gmchat_buf_free(&buf);

    return rc;
}


static ngx_int_t
ngx_http_gmchat_status_json(ngx_http_request_t *r)
{
    return ngx_http_gmchat_status_write(r, &ngx_http_gmchat_type_json,
                                        ngx_http_gmchat_stat_json);
}


static ngx_int_t
ngx_http_gmchat_status_metrics(ngx_http_request_t *r)
{
    return ngx_http_gmchat_status_write(r, &ngx_http_gmchat_type_metrics,
                                        ngx_http_gmchat_stat_metrics);
}


static ngx_int_t
ngx_http_gmchat_status_live(ngx_http_request_t *r)
{
    return ngx_http_gmchat_status_send(r, NGX_HTTP_OK,
                                       &ngx_http_gmchat_type_text, "live\n",
                                       sizeof("live\n") - 1);
}


/* Ready is what answers: a script is run. */


typedef struct {
    ngx_http_request_t     *request;    /* NULL once it is gone */
    ngx_http_cleanup_t     *cleanup;    /* of the request */
    gmchat_store_t         *link;
    gmchat_script_call_t    script;
} ngx_http_gmchat_ready_t;


static void
ngx_http_gmchat_ready_gone(void *data)
{
    ngx_http_gmchat_ready_t  *ready;

    ready = data;
    ready->request = NULL;
}


static ngx_int_t
ngx_http_gmchat_ready_send(ngx_http_gmchat_ready_t *ready, ngx_uint_t ok)
{
    u_char      *p, text[256];
    const char  *reason;

    if (ok) {
        return ngx_http_gmchat_status_send(ready->request, NGX_HTTP_OK,
                                           &ngx_http_gmchat_type_text,
                                           "ready\n", sizeof("ready\n") - 1);
    }

    (void) ngx_gmchat_store_state(ready->link, &reason);

    p = ngx_snprintf(text, sizeof(text), "not ready: the store does not "
                     "serve: %s\n", reason ? reason : "it refused the call");

    return ngx_http_gmchat_status_send(ready->request,
                                       NGX_HTTP_SERVICE_UNAVAILABLE,
                                       &ngx_http_gmchat_type_text, text,
                                       (size_t) (p - text));
}


static void
ngx_http_gmchat_ready_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_uint_t                ok;
    ngx_connection_t         *c;
    ngx_http_gmchat_ready_t  *ready;

    ready = data;

    if (ready->request) {
        c = ready->request->connection;
        ngx_http_set_log_request(c->log, ready->request);

        ok = outcome == GMCHAT_STORE_REPLY
             && gmchat_reply_status(value) == GMCHAT_OK;

        ready->cleanup->handler = NULL;

        ngx_http_finalize_request(ready->request,
                                  ngx_http_gmchat_ready_send(ready, ok));
        ngx_http_run_posted_requests(c);
    }

    ngx_free(ready);
}


static ngx_int_t
ngx_http_gmchat_status_ready(ngx_http_request_t *r)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_gmchat_ready_t     *ready;
    ngx_http_gmchat_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gmchat_module);

    cln = ngx_http_cleanup_add(r, 0);
    ready = ngx_calloc(sizeof(ngx_http_gmchat_ready_t), r->connection->log);

    if (cln == NULL || ready == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ready->request = r;
    ready->cleanup = cln;
    ready->link = conf->store->link;
    ready->script.script = "ping";
    ready->script.n = 1;
    ready->script.words[0].data = (u_char *) "gmchat:{ping}:";
    ready->script.words[0].len = sizeof("gmchat:{ping}:") - 1;

    if (gmchat_store_submit(ready->link, &ready->script,
                            ngx_http_gmchat_ready_done, ready)
        != 0)
    {
        ngx_free(ready);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_gmchat_ready_gone;
    cln->data = ready;

    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;

    return NGX_DONE;
}

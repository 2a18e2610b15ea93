#include "ngx_http_gmchat.h"


typedef gmchat_status_e (*ngx_http_gmchat_reader_pt)(gmchat_args_t *args,
    gmchat_arena_t *arena, const unsigned char *data, size_t len,
    gmchat_refusal_t *refusal);

typedef struct {
    ngx_str_t                   type;
    ngx_http_gmchat_reader_pt   read;
} ngx_http_gmchat_type_t;


static const ngx_http_gmchat_type_t  ngx_http_gmchat_types[] = {
    { ngx_string("application/x-www-form-urlencoded"), gmchat_args_form },
    { ngx_string("application/json"), gmchat_args_json },
    { ngx_null_string, NULL }
};


/* The reader for a Content-Type, whose parameters do not matter. */

static ngx_http_gmchat_reader_pt
ngx_http_gmchat_body_reader(ngx_http_request_t *r)
{
    size_t                         len;
    u_char                        *end;
    ngx_table_elt_t               *h;
    const ngx_http_gmchat_type_t  *type;

    h = r->headers_in.content_type;
    if (h == NULL) {
        return NULL;
    }

    end = ngx_strlchr(h->value.data, h->value.data + h->value.len, ';');
    len = end ? (size_t) (end - h->value.data) : h->value.len;

    while (len && h->value.data[len - 1] == ' ') {
        len--;
    }

    for (type = ngx_http_gmchat_types; type->read; type++) {
        if (type->type.len == len
            && ngx_strncasecmp(type->type.data, h->value.data, len) == 0)
        {
            return type->read;
        }
    }

    return NULL;
}


static size_t
ngx_http_gmchat_body_size(ngx_chain_t *cl)
{
    size_t  size;

    for (size = 0; cl; cl = cl->next) {
        size += (size_t) ngx_buf_size(cl->buf);
    }

    return size;
}


/* Copies the body, which may be in memory and in a temporary file. */

static ngx_int_t
ngx_http_gmchat_body_copy(u_char *p, ngx_chain_t *cl)
{
    size_t   size;
    ssize_t  n;

    for ( /* void */ ; cl; cl = cl->next) {
        size = (size_t) ngx_buf_size(cl->buf);

        if (size == 0) {

            /* the end of a chunked body is in no memory and no file */

            continue;
        }

        if (ngx_buf_in_memory(cl->buf)) {
            p = ngx_cpymem(p, cl->buf->pos, size);
            continue;
        }

        n = ngx_read_file(cl->buf->file, p, size, cl->buf->file_pos);
        if (n != (ssize_t) size) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


gmchat_status_e
ngx_http_gmchat_body(ngx_http_gmchat_call_t *call, gmchat_refusal_t *refusal)
{
    size_t                      size;
    u_char                     *data;
    ngx_chain_t                *bufs;
    ngx_http_request_t         *r;
    ngx_http_gmchat_reader_pt   read;

    r = call->request;
    bufs = r->request_body ? r->request_body->bufs : NULL;
    size = ngx_http_gmchat_body_size(bufs);

    if (size == 0) {
        return GMCHAT_OK;
    }

    read = ngx_http_gmchat_body_reader(r);

    if (read == NULL) {
        refusal->status = GMCHAT_MALFORMED;
        refusal->param = "body";
        refusal->reason = "needs the Content-Type application/json or "
                          "application/x-www-form-urlencoded";
        return GMCHAT_MALFORMED;
    }

    data = gmchat_arena_alloc(&call->arena, size);

    if (data == NULL || ngx_http_gmchat_body_copy(data, bufs) != NGX_OK) {
        refusal->status = GMCHAT_UNAVAILABLE;
        refusal->param = NULL;
        refusal->reason = NULL;
        return GMCHAT_UNAVAILABLE;
    }

    return read(&call->args, &call->arena, data, size, refusal);
}

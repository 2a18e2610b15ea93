#include "ngx_http_gmchat_hold.h"


/* A request's text, from what nginx made of it: it wrote into the original. */


ngx_uint_t
ngx_http_gmchat_text_body(ngx_http_request_t *r, size_t *size)
{
    ngx_chain_t  *cl;

    *size = 0;

    if (r->headers_in.chunked) {
        return 0;
    }

    if (r->request_body == NULL) {

        /* what was discarded is not there any more */

        return r->headers_in.content_length == NULL;
    }

    if (r->request_body->temp_file) {
        return 0;
    }

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        if (!ngx_buf_in_memory(cl->buf)) {
            return 0;
        }

        *size += ngx_buf_size(cl->buf);
    }

    return (off_t) *size == ngx_max(r->headers_in.content_length_n, 0);
}


size_t
ngx_http_gmchat_text_header(ngx_http_request_t *r, u_char *p)
{
    size_t            size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    size = r->request_line.len + 2 * (sizeof(CRLF) - 1);

    if (p) {
        p = ngx_sprintf(p, "%V" CRLF, &r->request_line);
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += h[i].key.len + h[i].value.len + sizeof(": " CRLF) - 1;

            if (p) {
                p = ngx_sprintf(p, "%V: %V" CRLF, &h[i].key, &h[i].value);
            }
        }
    }

    if (p) {
        ngx_memcpy(p, CRLF, sizeof(CRLF) - 1);
    }

    return size;
}

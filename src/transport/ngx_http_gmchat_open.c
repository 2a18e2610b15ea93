#include "ngx_http_gmchat_watch.h"


/* From a call to a stream: what the request asks for, and who asks. */


/* Whether a token is among those of a header's list. */

static ngx_uint_t
ngx_http_gmchat_stream_lists(const ngx_str_t *list, const char *token)
{
    u_char  *p, *last, *end;
    size_t   len;

    len = ngx_strlen(token);
    p = list->data;
    last = p + list->len;

    while (p < last) {
        while (p < last && (*p == ' ' || *p == ',' || *p == '\t')) {
            p++;
        }

        for (end = p; end < last && *end != ',' && *end != ' '; end++) {
            /* void */
        }

        if ((size_t) (end - p) == len
            && ngx_strncasecmp(p, (u_char *) token, len) == 0)
        {
            return 1;
        }

        p = end;
    }

    return 0;
}


ngx_str_t *
ngx_http_gmchat_stream_header(ngx_http_request_t *r, const char *name,
    const char *token)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0
                && (token == NULL
                    || ngx_http_gmchat_stream_lists(&h[i].value, token)))
            {
                return &h[i].value;
            }
        }
    }

    return NULL;
}


/* A page can load an address without saying where from (an image, a script, a
 * fetch without CORS): the browser still says what it thinks of it. */

static ngx_uint_t
ngx_http_gmchat_stream_own_site(ngx_http_request_t *r)
{
    ngx_str_t  *site;

    site = ngx_http_gmchat_stream_header(r, "Sec-Fetch-Site", NULL);

    return site == NULL
           || (site->len == sizeof("same-origin") - 1
               && ngx_strncmp(site->data, "same-origin", site->len) == 0)
           || (site->len == sizeof("none") - 1
               && ngx_strncmp(site->data, "none", site->len) == 0);
}


/* A browser says on whose page the script runs that opens a stream: the
 * endpoint's own, or one that the directive names. */

static ngx_uint_t
ngx_http_gmchat_stream_origin(ngx_http_request_t *r,
    ngx_http_gmchat_loc_conf_t *conf)
{
    u_char      *host;
    ngx_str_t   *origin, *origins;
    ngx_uint_t   i;

    origin = ngx_http_gmchat_stream_header(r, "Origin", NULL);
    if (origin == NULL) {
        return conf->named == NULL || ngx_http_gmchat_stream_own_site(r);
    }

    if (conf->origins) {
        origins = conf->origins->elts;

        for (i = 0; i < conf->origins->nelts; i++) {
            if ((origins[i].len == 1 && origins[i].data[0] == '*')
                || (origins[i].len == origin->len
                    && ngx_strncasecmp(origins[i].data, origin->data,
                                       origin->len) == 0))
            {
                return 1;
            }
        }
    }

    host = ngx_strlcasestrn(origin->data, origin->data + origin->len,
                            (u_char *) "://", 3 - 1);

    if (host == NULL || r->headers_in.host == NULL) {
        return 0;
    }

    host += 3;

    return (size_t) (origin->data + origin->len - host)
           == r->headers_in.host->value.len
           && ngx_strncasecmp(host, r->headers_in.host->value.data,
                              r->headers_in.host->value.len) == 0;
}


ngx_uint_t
ngx_http_gmchat_stream_foreign(ngx_http_request_t *r,
    ngx_http_gmchat_loc_conf_t *conf)
{
    return !ngx_http_gmchat_stream_own_site(r)
           && !ngx_http_gmchat_stream_origin(r, conf);
}


static const ngx_http_gmchat_transport_t *
ngx_http_gmchat_stream_transport(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    value = ngx_http_gmchat_stream_header(r, "Upgrade", NULL);

    if (value && value->len == 9
        && ngx_strncasecmp(value->data, (u_char *) "websocket", 9) == 0)
    {
        return &ngx_http_gmchat_websocket;
    }

    value = ngx_http_gmchat_stream_header(r, "Accept", NULL);

    if (value && ngx_strlcasestrn(value->data, value->data + value->len,
                                  (u_char *) "text/event-stream", 17 - 1))
    {
        return &ngx_http_gmchat_sse;
    }

    return NULL;
}


static void
ngx_http_gmchat_stream_refuse(ngx_http_gmchat_call_t *call,
    const char *param, const char *reason)
{
    gmchat_refusal_t  refusal;

    refusal.status = GMCHAT_MALFORMED;
    refusal.param = param;
    refusal.reason = reason;

    ngx_http_gmchat_call_refuse(call, &refusal);
}


/* A browser that comes back says so in a header, beside the query that it
 * began with. */

static gmchat_str_t
ngx_http_gmchat_stream_cursor(ngx_http_gmchat_call_t *call)
{
    ngx_str_t     *last;
    gmchat_str_t   cursor;

    last = ngx_http_gmchat_stream_header(call->request, "Last-Event-ID",
                                         NULL);

    if (last == NULL || last->len == 0) {
        return call->args.values[GMCHAT_P_CURSOR];
    }

    cursor.data = last->data;
    cursor.len = last->len;

    return cursor;
}


ngx_uint_t
ngx_http_gmchat_stream_wanted(ngx_http_gmchat_call_t *call)
{
    if (call->stream) {
        ngx_http_gmchat_stream_refuse(call, "action", "is what this stream "
                                      "came of: use watch and unwatch");
        return 0;
    }

    if (ngx_http_gmchat_stream_transport(call->request) == NULL) {
        ngx_http_gmchat_stream_refuse(call, "accept", "must be "
                                      "text/event-stream, or the request an "
                                      "upgrade to a WebSocket");
        return 0;
    }

    if (!ngx_http_gmchat_stream_origin(call->request, call->conf)) {
        ngx_http_gmchat_call_fail(call, GMCHAT_ORIGIN_FORBIDDEN);
        return 0;
    }

    return 1;
}


void
ngx_http_gmchat_stream_open(ngx_http_gmchat_call_t *call)
{
    ngx_int_t                  rc;
    gmchat_str_t               cursor;
    ngx_http_gmchat_stream_t  *stream;

    stream = ngx_http_gmchat_stream_create(call);

    if (stream == NULL
        || ngx_http_gmchat_stream_add(stream,
               ngx_http_gmchat_stream_receivers(stream, &call->args))
           != NGX_OK)
    {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    cursor = ngx_http_gmchat_stream_cursor(call);

    if (ngx_http_gmchat_watch_resume(stream, &cursor) != NGX_OK) {
        ngx_http_gmchat_stream_refuse(call, "cursor", "is not a cursor of "
                                      "this endpoint: give back one that an "
                                      "event held");
        return;
    }

    stream->transport = ngx_http_gmchat_stream_transport(call->request);
    rc = stream->transport->open(stream);

    if (rc == NGX_DECLINED) {
        stream->transport = NULL;
        ngx_http_gmchat_stream_refuse(call, "sec-websocket", "is not a "
                                      "handshake of RFC 6455 with version 13 "
                                      "and, where protocols are offered, "
                                      "gmchat.v1.json among them");
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(call->request, rc);
        return;
    }

    ngx_http_gmchat_stream_begin(call);
}

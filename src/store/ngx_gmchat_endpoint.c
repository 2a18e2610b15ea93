#include "ngx_gmchat_endpoint.h"


ngx_int_t
ngx_gmchat_endpoint_set(ngx_gmchat_endpoint_t *endpoint, ngx_pool_t *pool,
    const gmchat_str_t *host, unsigned port)
{
    u_char     *p;
    ngx_int_t   rc;

    ngx_memzero(endpoint, sizeof(ngx_gmchat_endpoint_t));

    endpoint->port = (in_port_t) port;
    endpoint->host.len = host->len;
    endpoint->host.data = ngx_pnalloc(pool, host->len + 1);
    endpoint->name.data = ngx_pnalloc(pool, host->len + sizeof("[]:65535"));
    endpoint->addrs = ngx_pcalloc(pool, sizeof(ngx_addr_t));

    if (endpoint->host.data == NULL || endpoint->name.data == NULL
        || endpoint->addrs == NULL)
    {
        return NGX_ERROR;
    }

    p = ngx_cpymem(endpoint->host.data, host->data, host->len);
    *p = '\0';

    p = ngx_sprintf(endpoint->name.data,
                    ngx_strlchr(host->data, host->data + host->len, ':')
                        ? "[%*s]:%ui" : "%*s:%ui",
                    host->len, host->data, (ngx_uint_t) port);
    endpoint->name.len = (size_t) (p - endpoint->name.data);

    rc = ngx_parse_addr(pool, endpoint->addrs, endpoint->host.data,
                        endpoint->host.len);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    ngx_inet_set_port(endpoint->addrs->sockaddr, (in_port_t) port);
    endpoint->addrs->name = endpoint->name;
    endpoint->naddrs = 1;

    return NGX_OK;
}


ngx_uint_t
ngx_gmchat_endpoint_is(const ngx_gmchat_endpoint_t *endpoint,
    const gmchat_str_t *host, unsigned port)
{
    /* nginx's resolver puts the name that it is given into small letters */

    return endpoint->port == port && endpoint->host.len == host->len
           && ngx_strncasecmp(endpoint->host.data, host->data, host->len) == 0;
}

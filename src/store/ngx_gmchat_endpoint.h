#ifndef NGX_GMCHAT_ENDPOINT_H
#define NGX_GMCHAT_ENDPOINT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "gmchat_core.h"


/* Where a server is. */

typedef struct {
    ngx_str_t      host;        /* a name, an address or a socket's path; ends
                                   with a zero byte */
    in_port_t      port;
    ngx_str_t      name;        /* both, for the log */
    ngx_addr_t    *addrs;       /* known without asking */
    ngx_uint_t     naddrs;      /* 0: the resolver is asked */
} ngx_gmchat_endpoint_t;


/*
 * Makes the endpoint of a host, in the pool.  A name has no addresses then.
 * Returns NGX_ERROR without memory.
 */
ngx_int_t ngx_gmchat_endpoint_set(ngx_gmchat_endpoint_t *endpoint,
    ngx_pool_t *pool, const gmchat_str_t *host, unsigned port);

/* Whether an endpoint is that host (in letters of any case) and port. */
ngx_uint_t ngx_gmchat_endpoint_is(const ngx_gmchat_endpoint_t *endpoint,
    const gmchat_str_t *host, unsigned port);


#endif /* NGX_GMCHAT_ENDPOINT_H */

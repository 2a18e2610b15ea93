#include "ngx_gmchat_link.h"


/* One read takes what a full pipeline answers. */
#define NGX_GMCHAT_READ_SIZE  65536

/* Memory of the output buffer that stays between bursts. */
#define NGX_GMCHAT_OUT_KEEP   262144


static void ngx_gmchat_wire_connected(ngx_gmchat_link_t *link);

static void ngx_gmchat_wire_read_handler(ngx_event_t *rev);
static void ngx_gmchat_wire_write_handler(ngx_event_t *wev);


#if (NGX_SSL)
static void ngx_gmchat_wire_handshake(ngx_gmchat_link_t *link);
static void ngx_gmchat_wire_handshaken(ngx_connection_t *c);
#endif


/* Connects to link->sockaddr. */

static void
ngx_gmchat_wire_dial(ngx_gmchat_link_t *link)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    ngx_memzero(&link->peer, sizeof(ngx_peer_connection_t));
    link->peer.sockaddr = &link->sockaddr.sockaddr;
    link->peer.socklen = link->socklen;
    link->peer.name = (ngx_str_t *) &link->endpoint->name;
    link->peer.get = ngx_event_get_peer;
    link->peer.log = &link->log;
    link->peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&link->peer);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        link->connection = NULL;
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CONNECT, "cannot connect");
        return;
    }

    c = link->peer.connection;
    c->data = link;
    c->log = &link->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_gmchat_wire_read_handler;
    c->write->handler = ngx_gmchat_wire_write_handler;

    link->connection = c;
    link->connecting = 1;
    link->written = 0;
    link->formatted = 0;

    link->reader = gmchat_resp_reader(&link->arena);
    link->pool = ngx_create_pool(512, &link->log);
    c->pool = link->pool;

    if (link->reader == NULL || link->pool == NULL) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    if (rc == NGX_OK) {
        ngx_gmchat_wire_connected(link);
    }
}


static void
ngx_gmchat_wire_to(ngx_gmchat_link_t *link, const struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_memcpy(&link->sockaddr, sockaddr, socklen);
    link->socklen = socklen;
}


/* Asking for the addresses of a name: the event loop does not stop for it. */


static void
ngx_gmchat_wire_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_gmchat_link_t    *link;
    ngx_resolver_addr_t  *addr;

    link = ctx->data;
    link->resolving = NULL;

    if (ctx->state || ctx->naddrs == 0) {
        ngx_log_error(NGX_LOG_ERR, &link->log, 0,
                      "gmchat: %V could not be resolved: %s", &ctx->name,
                      ngx_resolver_strerror(ctx->state));
        ngx_resolve_name_done(ctx);
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_RESOLVE,
                             "its name could not be resolved");
        return;
    }

    addr = &ctx->addrs[link->tries % ctx->naddrs];

    ngx_gmchat_wire_to(link, addr->sockaddr, addr->socklen);
    ngx_inet_set_port(&link->sockaddr.sockaddr, link->endpoint->port);
    ngx_resolve_name_done(ctx);

    ngx_gmchat_wire_dial(link);
}


static void
ngx_gmchat_wire_resolve(ngx_gmchat_link_t *link)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = NULL;

    if (link->conf->resolver) {
        ctx = ngx_resolve_start(link->conf->resolver, NULL);
    }

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_RESOLVE,
                             ctx ? "its name needs a \"resolver\""
                                 : "its name cannot be resolved");
        return;
    }

    ctx->name = link->endpoint->host;
    ctx->handler = ngx_gmchat_wire_resolved;
    ctx->data = link;
    ctx->timeout = link->conf->connect_timeout;

    link->resolving = ctx;

    /* without memory it has freed what it was given */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        link->resolving = NULL;
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_RESOLVE,
                             "its name cannot be resolved");
    }
}


void
ngx_gmchat_wire_connect(ngx_gmchat_link_t *link)
{
    ngx_addr_t                   *addr;
    const ngx_gmchat_endpoint_t  *endpoint;

    if (link->endpoint->host.len == 0) {
        return;
    }

    ngx_add_timer(&link->deadline, link->conf->connect_timeout);

    if (link->leader && link->leader->state == GMCHAT_LINK_READY) {
        ngx_gmchat_wire_to(link, &link->leader->sockaddr.sockaddr,
                           link->leader->socklen);
        ngx_gmchat_wire_dial(link);
        return;
    }

    endpoint = link->endpoint;

    if (endpoint->naddrs == 0) {
        ngx_gmchat_wire_resolve(link);
        return;
    }

    addr = &endpoint->addrs[link->tries % endpoint->naddrs];

    ngx_gmchat_wire_to(link, addr->sockaddr, addr->socklen);
    ngx_gmchat_wire_dial(link);
}


static ngx_int_t
ngx_gmchat_wire_test_connect(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_ERR, c->log, err, "gmchat: connect() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_wire_connected(ngx_gmchat_link_t *link)
{
    ngx_connection_t  *c;

    c = link->connection;

    if (ngx_gmchat_wire_test_connect(c) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CONNECT, "cannot connect");
        return;
    }

    link->connecting = 0;

    if (link->sockaddr.sockaddr.sa_family != AF_UNIX
        && ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CONNECT,
                             "cannot set TCP_NODELAY");
        return;
    }

#if (NGX_SSL)

    if (link->access->ssl) {
        ngx_gmchat_wire_handshake(link);
        return;
    }

#endif

    ngx_gmchat_link_event(link, GMCHAT_LINK_CONNECTED);
}


#if (NGX_SSL)

/* The name that the server's certificate has to have; *ip says whether it is
 * an address. */

static ngx_str_t *
ngx_gmchat_wire_tls_name(ngx_gmchat_link_t *link, ngx_uint_t *ip)
{
    ngx_str_t        *name;
#if (NGX_HAVE_INET6)
    struct in6_addr   in6;
#endif

    name = (ngx_str_t *) &link->access->ssl_name;

    if (name->len == 0) {
        name = (ngx_str_t *) &link->endpoint->host;
    }

    *ip = ngx_inet_addr(name->data, name->len) != INADDR_NONE;

#if (NGX_HAVE_INET6)
    *ip |= ngx_inet6_addr(name->data, name->len, in6.s6_addr) == NGX_OK;
#endif

    return name;
}


static void
ngx_gmchat_wire_handshake(ngx_gmchat_link_t *link)
{
    ngx_int_t          rc;
    ngx_str_t         *name;
    ngx_uint_t         ip;
    ngx_connection_t  *c;

    c = link->connection;

    if (ngx_ssl_create_connection(link->access->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TLS, "cannot begin TLS");
        return;
    }

    /* each write is a whole pipeline already; what is left of one is tried
     * again from a buffer that may have moved and grown */

    c->ssl->buffer = 0;
    (void) SSL_set_mode(c->ssl->connection,
                        SSL_MODE_ENABLE_PARTIAL_WRITE
                        |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    name = ngx_gmchat_wire_tls_name(link, &ip);

    if (!ip
        && SSL_set_tlsext_host_name(c->ssl->connection, (char *) name->data)
           == 0)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TLS,
                             "cannot name the server in TLS");
        return;
    }

    link->connecting = 1;
    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_gmchat_wire_handshaken;
        return;
    }

    ngx_gmchat_wire_handshaken(c);
}


/* An address is looked for among the certificate's addresses, a name among
 * its names (RFC 9110, section 4.3.5). */

static ngx_int_t
ngx_gmchat_wire_verify(ngx_gmchat_link_t *link, ngx_connection_t *c)
{
    int          found;
    X509        *cert;
    ngx_str_t   *name;
    ngx_uint_t   ip;

    name = ngx_gmchat_wire_tls_name(link, &ip);

    if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return NGX_ERROR;
    }

    if (!ip) {
        return ngx_ssl_check_host(c, name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    found = X509_check_ip_asc(cert, (char *) name->data, 0);
    X509_free(cert);

    return found == 1 ? NGX_OK : NGX_ERROR;
}


static void
ngx_gmchat_wire_handshaken(ngx_connection_t *c)
{
    ngx_gmchat_link_t  *link;

    link = c->data;

    if (!c->ssl->handshaked) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TLS,
                             "the TLS handshake failed");
        return;
    }

    if (link->access->ssl_verify
        && ngx_gmchat_wire_verify(link, c) != NGX_OK)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_TLS,
                             "the server's certificate is not valid for "
                             "this name and CA");
        return;
    }

    link->connecting = 0;
    c->read->handler = ngx_gmchat_wire_read_handler;
    c->write->handler = ngx_gmchat_wire_write_handler;

    ngx_gmchat_link_event(link, GMCHAT_LINK_CONNECTED);
}

#endif


void
ngx_gmchat_wire_close(ngx_gmchat_link_t *link)
{
    ngx_connection_t  *c;

    if (link->resolving) {
        ngx_resolve_name_done(link->resolving);
        link->resolving = NULL;
    }

    c = link->connection;
    link->connection = NULL;

    if (c) {
#if (NGX_SSL)
        if (c->ssl) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;
            (void) ngx_ssl_shutdown(c);
        }
#endif
        ngx_close_connection(c);
    }

    if (link->pool) {
        ngx_destroy_pool(link->pool);
        link->pool = NULL;
    }

    if (link->reader) {
        redisReaderFree(link->reader);
        link->reader = NULL;
    }

    gmchat_buf_reset(&link->out, NGX_GMCHAT_OUT_KEEP);
    link->out_pos = 0;
}


/* Writing */


ngx_int_t
ngx_gmchat_wire_put(ngx_gmchat_link_t *link, const gmchat_str_t *words,
    size_t n)
{
    size_t  before;

    before = link->out.len;

    if (gmchat_resp_command(&link->out, words, n) != 0) {
        return NGX_ERROR;
    }

    link->formatted += link->out.len - before;

    return NGX_OK;
}


size_t
ngx_gmchat_wire_auth(ngx_gmchat_link_t *link, gmchat_str_t words[3])
{
    return ngx_gmchat_wire_auth_words(link->access, words);
}


size_t
ngx_gmchat_wire_auth_words(const ngx_gmchat_access_t *access,
    gmchat_str_t words[3])
{
    size_t  n;

    static const gmchat_str_t  auth = gmchat_string("AUTH");

    if (access->password.len == 0) {
        return 0;
    }

    n = 0;
    words[n++] = auth;

    if (access->user.len) {
        words[n].data = access->user.data;
        words[n++].len = access->user.len;
    }

    words[n].data = access->password.data;
    words[n++].len = access->password.len;

    return n;
}


size_t
ngx_gmchat_wire_select(ngx_gmchat_link_t *link, gmchat_str_t words[2],
    u_char db[NGX_INT_T_LEN])
{
    static const gmchat_str_t  select = gmchat_string("SELECT");

    if (link->conf->url.db == 0) {
        return 0;
    }

    words[0] = select;
    words[1].data = db;
    words[1].len = (size_t) (ngx_sprintf(db, "%ui",
                                         (ngx_uint_t) link->conf->url.db)
                             - db);
    return 2;
}


/* Forgets what was written. */

static void
ngx_gmchat_wire_compact(ngx_gmchat_link_t *link)
{
    size_t  left;

    left = link->out.len - link->out_pos;

    if (left == 0) {
        gmchat_buf_reset(&link->out, NGX_GMCHAT_OUT_KEEP);
        link->out_pos = 0;
        return;
    }

    if (link->out_pos < left) {
        return;
    }

    ngx_memmove(link->out.data, link->out.data + link->out_pos, left);
    link->out.len = left;
    link->out_pos = 0;
}


/* With nothing to write, each read of the server's would wake the worker, to
 * tell it that there is room.  The flag is for the read event, which stays. */

static ngx_int_t
ngx_gmchat_wire_watch_write(ngx_gmchat_link_t *link, ngx_event_t *wev)
{
    if (link->out.len == 0 && wev->active
        && (ngx_event_flags & NGX_USE_EPOLL_EVENT))
    {
        return ngx_del_event(wev, NGX_WRITE_EVENT, NGX_CLEAR_EVENT);
    }

    return ngx_handle_write_event(wev, 0);
}


void
ngx_gmchat_wire_write(ngx_gmchat_link_t *link)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = link->connection;

    while (link->out_pos < link->out.len) {

        n = c->send(c, link->out.data + link->out_pos,
                    link->out.len - link->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CLOSED,
                                 "the connection was cut");
            return;
        }

        link->out_pos += (size_t) n;
        link->written += (uint64_t) n;
    }

    ngx_gmchat_wire_compact(link);

    if (ngx_gmchat_wire_watch_write(link, c->write) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CLOSED,
                             "the connection cannot be watched");
    }
}


static void
ngx_gmchat_wire_write_handler(ngx_event_t *wev)
{
    ngx_connection_t   *c;
    ngx_gmchat_link_t  *link;

    c = wev->data;
    link = c->data;

    if (link->connecting) {
        ngx_gmchat_wire_connected(link);
        return;
    }

    ngx_gmchat_wire_write(link);
}


/* Reading */


void
ngx_gmchat_wire_begin(ngx_gmchat_link_t *link)
{
    if (ngx_handle_read_event(link->connection->read, 0) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CLOSED,
                             "the connection cannot be watched");
        return;
    }

    ngx_gmchat_wire_write(link);
}


/* Handles the whole values that were read.  Returns NGX_ERROR if the
 * connection is gone. */

static ngx_int_t
ngx_gmchat_wire_answers(ngx_gmchat_link_t *link, ngx_connection_t *c)
{
    void  *value;

    for ( ;; ) {
        value = NULL;

        if (redisReaderGetReply(link->reader, &value) != REDIS_OK) {
            ngx_gmchat_link_lose(link,
                                 link->reader->err == REDIS_ERR_OOM
                                     ? NGX_GMCHAT_CAUSE_MEMORY
                                     : NGX_GMCHAT_CAUSE_PROTOCOL,
                                 "a reply could not be read");
            return NGX_ERROR;
        }

        if (value == NULL) {
            return NGX_OK;
        }

        if (link->handlers->answer(link, value) != NGX_OK) {
            ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_PROTOCOL,
                                 "a reply came that nobody asked for");
            return NGX_ERROR;
        }

        if (link->connection != c) {
            return NGX_ERROR;
        }

        gmchat_arena_reset(&link->arena);
    }
}


static void
ngx_gmchat_wire_read_handler(ngx_event_t *rev)
{
    ssize_t             n;
    ngx_connection_t   *c;
    ngx_gmchat_link_t  *link;
    static u_char       buf[NGX_GMCHAT_READ_SIZE];

    c = rev->data;
    link = c->data;

    if (link->connecting) {
        ngx_gmchat_wire_connected(link);
        return;
    }

    do {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CLOSED,
                                 "the connection was cut");
            return;
        }

        if (redisReaderFeed(link->reader, (char *) buf, (size_t) n)
            != REDIS_OK)
        {
            ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
            return;
        }

        if (ngx_gmchat_wire_answers(link, c) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CLOSED,
                             "the connection cannot be watched");
        return;
    }

    if (link->handlers->drained) {
        link->handlers->drained(link);
    }
}

#include "ngx_gmchat_redis_internal.h"


#if (NGX_SSL)
static void ngx_gmchat_redis_handshake(gmchat_store_t *store);
static void ngx_gmchat_redis_handshaken(ngx_connection_t *c);
#endif


void
ngx_gmchat_redis_connect(gmchat_store_t *store)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &store->conf->addrs[store->addr % store->conf->naddrs];

    ngx_memzero(&store->peer, sizeof(ngx_peer_connection_t));
    store->peer.sockaddr = addr->sockaddr;
    store->peer.socklen = addr->socklen;
    store->peer.name = &addr->name;
    store->peer.get = ngx_event_get_peer;
    store->peer.log = &store->log;
    store->peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&store->peer);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        store->connection = NULL;
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot connect");
        return;
    }

    c = store->peer.connection;
    c->data = store;
    c->log = &store->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_gmchat_redis_read_handler;
    c->write->handler = ngx_gmchat_redis_write_handler;

    store->connection = c;
    store->connecting = 1;
    store->written = 0;
    store->formatted = 0;
    store->leaving = 0;

    store->reader = gmchat_resp_reader(&store->arena);
    store->pool = ngx_create_pool(512, &store->log);
    c->pool = store->pool;

    if (store->reader == NULL || store->pool == NULL) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    store->deadline.cancelable = 0;
    ngx_add_timer(&store->deadline, store->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_gmchat_redis_connected(store);
    }
}


static ngx_int_t
ngx_gmchat_redis_test_connect(ngx_connection_t *c)
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


void
ngx_gmchat_redis_connected(gmchat_store_t *store)
{
    ngx_connection_t  *c;

    c = store->connection;

    if (ngx_gmchat_redis_test_connect(c) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot connect");
        return;
    }

    store->connecting = 0;

    if (store->conf->url.kind != GMCHAT_URL_UNIX
        && ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot set TCP_NODELAY");
        return;
    }

#if (NGX_SSL)

    if (store->conf->ssl) {
        ngx_gmchat_redis_handshake(store);
        return;
    }

#endif

    ngx_gmchat_redis_event(store, GMCHAT_LINK_CONNECTED);
}


#if (NGX_SSL)

static void
ngx_gmchat_redis_handshake(gmchat_store_t *store)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = store->connection;

    if (ngx_ssl_create_connection(store->conf->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "cannot begin TLS");
        return;
    }

    /* each write is a whole pipeline already; what is left of one is tried
     * again from a buffer that may have moved and grown */

    c->ssl->buffer = 0;
    (void) SSL_set_mode(c->ssl->connection,
                        SSL_MODE_ENABLE_PARTIAL_WRITE
                        |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    if (!store->conf->ssl_ip
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) store->conf->ssl_name.data)
           == 0)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "cannot name the server in TLS");
        return;
    }

    store->connecting = 1;
    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_gmchat_redis_handshaken;
        return;
    }

    ngx_gmchat_redis_handshaken(c);
}


/* An address is looked for among the certificate's addresses, a name among
 * its names (RFC 9110, section 4.3.5). */

static ngx_int_t
ngx_gmchat_redis_verify(gmchat_store_t *store, ngx_connection_t *c)
{
    int    found;
    X509  *cert;

    if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return NGX_ERROR;
    }

    if (!store->conf->ssl_ip) {
        return ngx_ssl_check_host(c, &store->conf->ssl_name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    found = X509_check_ip_asc(cert, (char *) store->conf->ssl_name.data, 0);
    X509_free(cert);

    return found == 1 ? NGX_OK : NGX_ERROR;
}


static void
ngx_gmchat_redis_handshaken(ngx_connection_t *c)
{
    gmchat_store_t  *store;

    store = c->data;

    if (!c->ssl->handshaked) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "the TLS handshake failed");
        return;
    }

    if (store->conf->ssl_verify
        && ngx_gmchat_redis_verify(store, c) != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "the server's certificate is not valid for "
                              "this name and CA");
        return;
    }

    store->connecting = 0;
    c->read->handler = ngx_gmchat_redis_read_handler;
    c->write->handler = ngx_gmchat_redis_write_handler;

    ngx_gmchat_redis_event(store, GMCHAT_LINK_CONNECTED);
}

#endif


void
ngx_gmchat_redis_close_connection(gmchat_store_t *store)
{
    ngx_connection_t  *c;

    if (store->deadline.timer_set) {
        ngx_del_timer(&store->deadline);
    }

    if (store->probe.timer_set) {
        ngx_del_timer(&store->probe);
    }

    c = store->connection;
    store->connection = NULL;

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

    if (store->pool) {
        ngx_destroy_pool(store->pool);
        store->pool = NULL;
    }

    if (store->reader) {
        redisReaderFree(store->reader);
        store->reader = NULL;
    }
}

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


void
ngx_gmchat_wire_connect(ngx_gmchat_link_t *link)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &link->conf->addrs[*link->addr % link->conf->naddrs];

    ngx_memzero(&link->peer, sizeof(ngx_peer_connection_t));
    link->peer.sockaddr = addr->sockaddr;
    link->peer.socklen = addr->socklen;
    link->peer.name = &addr->name;
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

    ngx_add_timer(&link->deadline, link->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_gmchat_wire_connected(link);
    }
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

    if (link->conf->url.kind != GMCHAT_URL_UNIX
        && ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_gmchat_link_lose(link, NGX_GMCHAT_CAUSE_CONNECT,
                             "cannot set TCP_NODELAY");
        return;
    }

#if (NGX_SSL)

    if (link->conf->ssl) {
        ngx_gmchat_wire_handshake(link);
        return;
    }

#endif

    ngx_gmchat_link_event(link, GMCHAT_LINK_CONNECTED);
}


#if (NGX_SSL)

static void
ngx_gmchat_wire_handshake(ngx_gmchat_link_t *link)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = link->connection;

    if (ngx_ssl_create_connection(link->conf->ssl, c,
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

    if (!link->conf->ssl_ip
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) link->conf->ssl_name.data)
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
    int    found;
    X509  *cert;

    if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return NGX_ERROR;
    }

    if (!link->conf->ssl_ip) {
        return ngx_ssl_check_host(c, &link->conf->ssl_name);
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    found = X509_check_ip_asc(cert, (char *) link->conf->ssl_name.data, 0);
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

    if (link->conf->ssl_verify
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
    size_t  n;

    static const gmchat_str_t  auth = gmchat_string("AUTH");

    if (link->conf->password.len == 0) {
        return 0;
    }

    n = 0;
    words[n++] = auth;

    if (link->conf->user.len) {
        words[n].data = link->conf->user.data;
        words[n++].len = link->conf->user.len;
    }

    words[n].data = link->conf->password.data;
    words[n++].len = link->conf->password.len;

    return n;
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

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
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

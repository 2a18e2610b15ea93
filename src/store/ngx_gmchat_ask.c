#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "gmchat_sentinel.h"
#include "ngx_gmchat_ask.h"
#include "ngx_gmchat_link.h"


/* A connection that blocks.  Values that are answered are in the arena. */

typedef struct {
    ngx_gmchat_store_conf_t      *conf;
    const ngx_gmchat_access_t    *access;
    const ngx_gmchat_endpoint_t  *endpoint;
    gmchat_arena_t               *arena;
    redisReader                  *reader;
    int                           fd;
#if (NGX_SSL)
    SSL                          *ssl;
#endif
} ngx_gmchat_ask_t;


static ngx_int_t
ngx_gmchat_ask_connect(ngx_gmchat_ask_t *ask, const ngx_addr_t *addr)
{
    struct timeval  tv;

    tv.tv_sec = (time_t) (ask->conf->connect_timeout / 1000);
    tv.tv_usec = (suseconds_t) (ask->conf->connect_timeout % 1000 * 1000);

    ask->fd = socket(addr->sockaddr->sa_family, SOCK_STREAM|SOCK_CLOEXEC, 0);

    if (ask->fd == -1
        || setsockopt(ask->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1
        || setsockopt(ask->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1)
    {
        return NGX_ERROR;
    }

    return connect(ask->fd, addr->sockaddr, addr->socklen) == 0 ? NGX_OK
                                                                : NGX_ERROR;
}


#if (NGX_SSL)


/* These stand in the place of nginx's, which need a connection of its kind. */

static void
ngx_gmchat_ask_tls_info(const SSL *ssl, int where, int rc)
{
    (void) ssl;
    (void) where;
    (void) rc;
}


static int
ngx_gmchat_ask_tls_verify(int ok, X509_STORE_CTX *store)
{
    (void) store;

    return ok;
}


/* The name that the certificate has to have. */

static ngx_int_t
ngx_gmchat_ask_tls_name(ngx_gmchat_ask_t *ask)
{
    const char         *name;
    X509_VERIFY_PARAM  *param;

    name = (const char *) (ask->access->ssl_name.len
                               ? ask->access->ssl_name.data
                               : ask->endpoint->host.data);
    param = SSL_get0_param(ask->ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
        return NGX_OK;
    }

    return SSL_set_tlsext_host_name(ask->ssl, name) == 1
           && X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 ? NGX_OK
                                                               : NGX_ERROR;
}


static ngx_int_t
ngx_gmchat_ask_tls(ngx_gmchat_ask_t *ask)
{
    if (ask->access->ssl == NULL) {
        return NGX_OK;
    }

    ask->ssl = SSL_new(ask->access->ssl->ctx);

    if (ask->ssl == NULL || SSL_set_fd(ask->ssl, ask->fd) != 1
        || ngx_gmchat_ask_tls_name(ask) != NGX_OK)
    {
        return NGX_ERROR;
    }

    SSL_set_info_callback(ask->ssl, ngx_gmchat_ask_tls_info);
    SSL_set_verify(ask->ssl, ask->access->ssl_verify ? SSL_VERIFY_PEER
                                                     : SSL_VERIFY_NONE,
                   ngx_gmchat_ask_tls_verify);

    return SSL_connect(ask->ssl) == 1 ? NGX_OK : NGX_ERROR;
}

#endif


static ssize_t
ngx_gmchat_ask_read(ngx_gmchat_ask_t *ask, char *buf, size_t size)
{
#if (NGX_SSL)

    if (ask->ssl) {
        return SSL_read(ask->ssl, buf, (int) size);
    }

#endif

    return recv(ask->fd, buf, size, 0);
}


static ngx_int_t
ngx_gmchat_ask_write(ngx_gmchat_ask_t *ask, const gmchat_buf_t *out)
{
#if (NGX_SSL)

    if (ask->ssl) {
        return SSL_write(ask->ssl, out->data, (int) out->len) == (int) out->len
                   ? NGX_OK : NGX_ERROR;
    }

#endif

    return send(ask->fd, out->data, out->len, 0) == (ssize_t) out->len
               ? NGX_OK : NGX_ERROR;
}


/* The answer to a command; NULL if there is none. */

static gmchat_value_t *
ngx_gmchat_ask(ngx_gmchat_ask_t *ask, const gmchat_str_t *words, size_t n)
{
    void          *value;
    char           buf[4096];
    ssize_t        size;
    ngx_int_t      rc;
    gmchat_buf_t   out;

    ngx_memzero(&out, sizeof(gmchat_buf_t));
    rc = NGX_ERROR;

    if (gmchat_resp_command(&out, words, n) == 0) {
        rc = ngx_gmchat_ask_write(ask, &out);
    }

    gmchat_buf_free(&out);
    value = NULL;

    while (rc == NGX_OK && value == NULL) {
        size = ngx_gmchat_ask_read(ask, buf, sizeof(buf));

        if (size <= 0
            || redisReaderFeed(ask->reader, buf, (size_t) size) != REDIS_OK
            || redisReaderGetReply(ask->reader, &value) != REDIS_OK)
        {
            return NULL;
        }
    }

    return value;
}


static ngx_int_t
ngx_gmchat_ask_auth(ngx_gmchat_ask_t *ask)
{
    size_t                 n;
    gmchat_str_t           words[3];
    const gmchat_value_t  *value;

    n = ngx_gmchat_wire_auth_words(ask->access, words);

    if (n == 0) {
        return NGX_OK;
    }

    value = ngx_gmchat_ask(ask, words, n);

    return value && value->kind != GMCHAT_VALUE_ERROR ? NGX_OK : NGX_ERROR;
}


static void
ngx_gmchat_ask_close(ngx_gmchat_ask_t *ask)
{
#if (NGX_SSL)

    if (ask->ssl) {
        SSL_free(ask->ssl);
        ERR_clear_error();
        ask->ssl = NULL;
    }

#endif

    if (ask->reader) {
        redisReaderFree(ask->reader);
        ask->reader = NULL;
    }

    if (ask->fd != -1) {
        (void) close(ask->fd);
        ask->fd = -1;
    }
}


/* Connects to one of the addresses, and says who we are. */

static ngx_int_t
ngx_gmchat_ask_open(ngx_gmchat_ask_t *ask,
    const ngx_gmchat_endpoint_t *endpoint)
{
    ngx_uint_t  i;

    ask->endpoint = endpoint;

    for (i = 0; i < endpoint->naddrs; i++) {
        ask->reader = gmchat_resp_reader(ask->arena);

        if (ask->reader
            && ngx_gmchat_ask_connect(ask, &endpoint->addrs[i]) == NGX_OK
#if (NGX_SSL)
            && ngx_gmchat_ask_tls(ask) == NGX_OK
#endif
            && ngx_gmchat_ask_auth(ask) == NGX_OK)
        {
            return NGX_OK;
        }

        ngx_gmchat_ask_close(ask);
    }

    return NGX_ERROR;
}


static ngx_uint_t
ngx_gmchat_ask_says(const gmchat_str_t *error, const char *text)
{
    return ngx_strlcasestrn(error->data, error->data + error->len,
                            (u_char *) text, ngx_strlen(text) - 1)
           != NULL;
}


/* A connection to the server itself. */

static ngx_int_t
ngx_gmchat_ask_server(ngx_gmchat_ask_t *ask,
    const ngx_gmchat_endpoint_t *endpoint, gmchat_str_t *error)
{
    ngx_int_t              rc;
    const gmchat_value_t  *value;

    static const gmchat_str_t  words[] = {
        gmchat_string("WAITAOF"), gmchat_string("1"), gmchat_string("0"),
        gmchat_string("1")
    };

    ask->access = &ask->conf->access;

    if (ngx_gmchat_ask_open(ask, endpoint) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    value = ngx_gmchat_ask(ask, words, 4);

    if (value && value->kind == GMCHAT_VALUE_ARRAY) {
        rc = NGX_OK;

    } else if (value && value->kind == GMCHAT_VALUE_ERROR
               && (ngx_gmchat_ask_says(&value->str, "unknown command")
                   || ngx_gmchat_ask_says(&value->str, "appendonly")))
    {
        *error = value->str;
        rc = NGX_DECLINED;
    }

    ngx_gmchat_ask_close(ask);

    return rc;
}


/* A connection to a sentinel, which knows where the server is. */

static ngx_int_t
ngx_gmchat_ask_sentinel(ngx_gmchat_ask_t *ask,
    const ngx_gmchat_endpoint_t *sentinel, ngx_log_t *log,
    gmchat_str_t *error)
{
    ngx_int_t                rc;
    ngx_pool_t              *pool;
    gmchat_str_t             words[3] = {
                                 gmchat_string("SENTINEL"),
                                 gmchat_string("GET-MASTER-ADDR-BY-NAME"),
                                 { 0, NULL } };
    const gmchat_value_t    *value;
    ngx_gmchat_endpoint_t    endpoint;
    gmchat_sentinel_addr_t   addr;

    words[2] = ask->conf->url.master;
    ask->access = &ask->conf->sentinel;

    if (ngx_gmchat_ask_open(ask, sentinel) != NGX_OK) {
        return NGX_ERROR;
    }

    value = ngx_gmchat_ask(ask, words, 3);
    ngx_gmchat_ask_close(ask);

    if (value == NULL || gmchat_sentinel_address(&addr, value) != 1) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(1024, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_gmchat_endpoint_set(&endpoint, pool, &addr.host, addr.port)
        == NGX_OK)
    {
        rc = endpoint.naddrs ? ngx_gmchat_ask_server(ask, &endpoint, error)
                             : NGX_OK;
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* Asks one after the other until one says it. */

static ngx_int_t
ngx_gmchat_ask_each(ngx_gmchat_ask_t *ask, ngx_log_t *log,
    gmchat_str_t *error)
{
    size_t                        i;
    ngx_int_t                     rc, result;
    const ngx_gmchat_endpoint_t  *endpoint;

    result = NGX_OK;

    for (i = 0; i < ask->conf->url.nhosts; i++) {
        endpoint = &ask->conf->endpoints[i];

        if (endpoint->naddrs == 0) {
            continue;
        }

        rc = ask->conf->url.topology == GMCHAT_URL_SENTINEL
                 ? ngx_gmchat_ask_sentinel(ask, endpoint, log, error)
                 : ngx_gmchat_ask_server(ask, endpoint, error);

        if (rc != NGX_ERROR) {
            return rc;
        }

        result = NGX_ERROR;
    }

    return result;
}


ngx_int_t
ngx_gmchat_ask_waitaof(ngx_gmchat_store_conf_t *conf, ngx_log_t *log,
    gmchat_arena_t *arena, gmchat_str_t *error)
{
    ngx_int_t         rc;
    ngx_gmchat_ask_t  ask;
    struct sigaction  ignore, before;

    ngx_memzero(&ask, sizeof(ngx_gmchat_ask_t));
    ask.conf = conf;
    ask.arena = arena;
    ask.fd = -1;

    /* the first configuration is read before nginx does it */

    ngx_memzero(&ignore, sizeof(struct sigaction));
    ignore.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &ignore, &before);

    rc = ngx_gmchat_ask_each(&ask, log, error);

    (void) sigaction(SIGPIPE, &before, NULL);

    return rc;
}

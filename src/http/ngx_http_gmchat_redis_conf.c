#include "ngx_http_gmchat.h"


/* Defaults of the gmchat_redis directive. */
#define NGX_HTTP_GMCHAT_CONNECT_TIMEOUT  1000
#define NGX_HTTP_GMCHAT_TIMEOUT          2000
#define NGX_HTTP_GMCHAT_PROBE            5000
#define NGX_HTTP_GMCHAT_WAKE_TIMEOUT     3000
#define NGX_HTTP_GMCHAT_QUEUE_CALLS      10000
#define NGX_HTTP_GMCHAT_QUEUE_BYTES      (32 * 1024 * 1024)


/* Reads a password: the first line of a file. */

static char *
ngx_http_gmchat_password(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *password)
{
    u_char      text[1024], *end;
    ssize_t     n;
    ngx_file_t  file;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *path;
    file.log = cf->log;

    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", path);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_file(&file, text, sizeof(text), 0);

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    if (n <= 0 || n == (ssize_t) sizeof(text)) {
        return "has a password file that is empty or too long";
    }

    end = ngx_strlchr(text, text + n, '\n');
    password->len = (size_t) ((end ? end : text + n) - text);

    while (password->len && text[password->len - 1] == '\r') {
        password->len--;
    }

    if (password->len == 0) {
        return "has a password file that is empty";
    }

    password->data = ngx_pnalloc(cf->pool, password->len);
    if (password->data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(password->data, text, password->len);
    ngx_explicit_memzero(text, sizeof(text));

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_queue(ngx_conf_t *cf, ngx_str_t *value,
    ngx_gmchat_store_conf_t *redis)
{
    u_char     *comma;
    size_t      bytes;
    ngx_int_t   calls;
    ngx_str_t   part;

    static char  error[] = "has a queue that is not calls[,bytes]";

    comma = ngx_strlchr(value->data, value->data + value->len, ',');

    calls = ngx_atoi(value->data, comma ? (size_t) (comma - value->data)
                                        : value->len);
    if (calls < 1) {
        return error;
    }

    redis->queue_calls = (ngx_uint_t) calls;

    if (comma) {
        part.data = comma + 1;
        part.len = value->len - (size_t) (part.data - value->data);
        bytes = (size_t) ngx_parse_size(&part);

        if (bytes == (size_t) NGX_ERROR || bytes == 0) {
            return error;
        }

        redis->queue_bytes = bytes;
    }

    return NGX_CONF_OK;
}


/* Where TLS options are read to before a context can be made of them. */

typedef struct {
    ngx_str_t                 ca;
    ngx_str_t                 name;
    ngx_flag_t                tls;
    ngx_uint_t                given;    /* any of them was */
} ngx_http_gmchat_redis_tls_t;

typedef struct {
    ngx_gmchat_store_conf_t      *redis;
    ngx_http_gmchat_redis_tls_t   server;
    ngx_http_gmchat_redis_tls_t   sentinel;
    ngx_flag_t                    verify;
    ngx_uint_t                    sentinel_given;   /* any parameter of it */
} ngx_http_gmchat_redis_options_t;


static char *
ngx_http_gmchat_redis_time(ngx_str_t *value, ngx_msec_t least,
    ngx_msec_t *to)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms > 3600000 || (ms != 0 && ms < 10)
        || (ngx_msec_t) ms < least)
    {
        return "has a time that is not 10ms to 1h";
    }

    *to = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


/* A third of it passes between probes: less would be their load, and more
 * than a minute no watch. */

static char *
ngx_http_gmchat_redis_wake(ngx_str_t *value, ngx_msec_t *to)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms < 300 || ms > 60000) {
        return "has a wake_timeout that is not 300ms to 1m";
    }

    *to = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_redis_flag(ngx_str_t *value, ngx_flag_t *flag)
{
    if (ngx_strcmp(value->data, "on") != 0
        && ngx_strcmp(value->data, "off") != 0)
    {
        return "has a verify or sentinel_tls that is neither on nor off";
    }

    *flag = ngx_strcmp(value->data, "on") == 0;

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_redis_option(ngx_conf_t *cf, ngx_str_t *option,
    ngx_http_gmchat_redis_options_t *options)
{
    ngx_str_t                 value;
    ngx_uint_t                i;
    ngx_gmchat_store_conf_t  *redis;

    enum { PASSWORD_FILE, USER, CONNECT_TIMEOUT, TIMEOUT, PROBE,
           WAKE_TIMEOUT, QUEUE, CA, NAME, VERIFY, SENTINEL_PASSWORD_FILE,
           SENTINEL_USER, SENTINEL_TLS, SENTINEL_CA, SENTINEL_NAME, NONE };

    static const ngx_str_t  names[] = {
        ngx_string("password_file="), ngx_string("user="),
        ngx_string("connect_timeout="), ngx_string("timeout="),
        ngx_string("probe="), ngx_string("wake_timeout="),
        ngx_string("queue="), ngx_string("ca="), ngx_string("name="),
        ngx_string("verify="), ngx_string("sentinel_password_file="),
        ngx_string("sentinel_user="), ngx_string("sentinel_tls="),
        ngx_string("sentinel_ca="), ngx_string("sentinel_name=")
    };

    redis = options->redis;
    ngx_str_null(&value);

    for (i = 0; i < NONE; i++) {
        if (ngx_strncmp(option->data, names[i].data, names[i].len) == 0) {
            value.data = option->data + names[i].len;
            value.len = option->len - names[i].len;
            break;
        }
    }

    if (i >= SENTINEL_PASSWORD_FILE && i < NONE) {
        options->sentinel_given = 1;
    }

    switch (i) {

    case PASSWORD_FILE:
        return ngx_http_gmchat_password(cf, &value, &redis->access.password);

    case USER:
        redis->access.user = value;
        return NGX_CONF_OK;

    case CONNECT_TIMEOUT:
        return ngx_http_gmchat_redis_time(&value, 10, &redis->connect_timeout);

    case TIMEOUT:
        return ngx_http_gmchat_redis_time(&value, 10, &redis->timeout);

    case PROBE:
        return ngx_http_gmchat_redis_time(&value, 0, &redis->probe);

    case WAKE_TIMEOUT:
        return ngx_http_gmchat_redis_wake(&value, &redis->wake_timeout);

    case QUEUE:
        return ngx_http_gmchat_queue(cf, &value, redis);

    case CA:
        options->server.ca = value;
        options->server.given = 1;
        return NGX_CONF_OK;

    case NAME:
        options->server.name = value;
        options->server.given = 1;
        return NGX_CONF_OK;

    case VERIFY:
        options->server.given = 1;
        return ngx_http_gmchat_redis_flag(&value, &options->verify);

    case SENTINEL_PASSWORD_FILE:
        return ngx_http_gmchat_password(cf, &value, &redis->sentinel.password);

    case SENTINEL_USER:
        redis->sentinel.user = value;
        return NGX_CONF_OK;

    case SENTINEL_TLS:
        return ngx_http_gmchat_redis_flag(&value, &options->sentinel.tls);

    case SENTINEL_CA:
        options->sentinel.ca = value;
        return NGX_CONF_OK;

    case SENTINEL_NAME:
        options->sentinel.name = value;
        return NGX_CONF_OK;

    default:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown parameter \"%V\"",
                           option);
        return NGX_CONF_ERROR;
    }
}


/* The addresses that a name or a socket's path has now. */

static char *
ngx_http_gmchat_redis_resolve(ngx_conf_t *cf, ngx_gmchat_store_conf_t *redis,
    ngx_gmchat_endpoint_t *endpoint)
{
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));
    u.url = endpoint->name;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"",
                           u.err ? u.err : "no memory", &redis->name);
        return NGX_CONF_ERROR;
    }

    endpoint->addrs = u.addrs;
    endpoint->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_redis_unix(ngx_conf_t *cf, ngx_gmchat_store_conf_t *redis)
{
    u_char                 *p;
    gmchat_str_t           *path;
    ngx_gmchat_endpoint_t  *endpoint;

    path = &redis->url.hosts[0].name;
    endpoint = &redis->endpoints[0];

    endpoint->host.data = path->data;
    endpoint->host.len = path->len;
    endpoint->name.data = ngx_pnalloc(cf->pool,
                                      path->len + sizeof("unix:") - 1);
    if (endpoint->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_sprintf(endpoint->name.data, "unix:%*s", path->len, path->data);
    endpoint->name.len = (size_t) (p - endpoint->name.data);

    return ngx_http_gmchat_redis_resolve(cf, redis, endpoint);
}


static char *
ngx_http_gmchat_redis_endpoints(ngx_conf_t *cf, ngx_gmchat_store_conf_t *redis)
{
    size_t              i;
    gmchat_url_host_t  *host;

    if (redis->url.kind == GMCHAT_URL_UNIX) {
        return ngx_http_gmchat_redis_unix(cf, redis);
    }

    for (i = 0; i < redis->url.nhosts; i++) {
        host = &redis->url.hosts[i];

        if (ngx_gmchat_endpoint_set(&redis->endpoints[i], cf->pool,
                                    &host->name, host->port)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


#if (NGX_SSL)

static char *
ngx_http_gmchat_redis_tls_of(ngx_conf_t *cf, ngx_gmchat_access_t *access,
    const ngx_http_gmchat_redis_tls_t *tls, ngx_flag_t verify)
{
    ngx_str_t            ca;
    ngx_pool_cleanup_t  *cln;

    access->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (access->ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    access->ssl->log = cf->log;

    if (ngx_ssl_create(access->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(access->ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = access->ssl;

    access->ssl_verify = verify;
    access->ssl_name = tls->name;       /* a word of the configuration ends
                                           with a zero byte */
    if (!verify) {
        return NGX_CONF_OK;
    }

    ca = tls->ca;

    if (ca.len == 0) {
        return "needs ca=file for TLS, or verify=off";
    }

    if (ngx_ssl_trusted_certificate(cf, access->ssl, &ca, 4) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_redis_tls(ngx_conf_t *cf,
    ngx_http_gmchat_redis_options_t *options)
{
    char                     *rv;
    ngx_gmchat_store_conf_t  *redis;

    redis = options->redis;

    if (options->server.tls) {
        rv = ngx_http_gmchat_redis_tls_of(cf, &redis->access,
                                          &options->server, options->verify);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (!options->sentinel.tls
        || redis->url.topology != GMCHAT_URL_SENTINEL)
    {
        return NGX_CONF_OK;
    }

    return ngx_http_gmchat_redis_tls_of(cf, &redis->sentinel,
                                        &options->sentinel, options->verify);
}

#endif


static char *
ngx_http_gmchat_redis_check(ngx_conf_t *cf,
    ngx_http_gmchat_redis_options_t *options)
{
    ngx_flag_t                tls;
    ngx_gmchat_store_conf_t  *redis;

    redis = options->redis;

    if (redis->access.user.len == 0) {
        redis->access.user.data = redis->url.user.data;
        redis->access.user.len = redis->url.user.len;
    }

    if ((redis->access.user.len && redis->access.password.len == 0)
        || (redis->sentinel.user.len && redis->sentinel.password.len == 0))
    {
        return "names a user but no password_file=";
    }

    if (options->sentinel_given
        && redis->url.topology != GMCHAT_URL_SENTINEL)
    {
        return "has parameters of Sentinel without +sentinel";
    }

    tls = redis->url.kind == GMCHAT_URL_TLS;

    if (options->sentinel.tls == NGX_CONF_UNSET) {
        options->sentinel.tls = tls;
    }

    if (options->sentinel.ca.len == 0) {
        options->sentinel.ca = options->server.ca;
    }

    if (!tls && !options->sentinel.tls) {
        return options->server.given || options->sentinel.ca.len
               || options->sentinel.name.len
                   ? "has TLS parameters without rediss://" : NGX_CONF_OK;
    }

#if (NGX_SSL)
    options->server.tls = tls;
    return ngx_http_gmchat_redis_tls(cf, options);
#else
    return "needs an nginx with TLS for rediss://";
#endif
}


static ngx_http_gmchat_store_t *
ngx_http_gmchat_store_add(ngx_conf_t *cf)
{
    ngx_http_gmchat_store_t      *store, **slot;
    ngx_http_gmchat_main_conf_t  *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);

    if (gmcf->stores.nelts == NGX_HTTP_GMCHAT_STORES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d \"gmchat_redis\" are defined",
                           NGX_HTTP_GMCHAT_STORES);
        return NULL;
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_gmchat_store_t));
    slot = ngx_array_push(&gmcf->stores);

    if (store == NULL || slot == NULL) {
        return NULL;
    }

    *slot = store;
    store->index = gmcf->stores.nelts - 1;

    return store;
}


char *
ngx_http_gmchat_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    char                             *rv;
    ngx_str_t                        *value;
    ngx_uint_t                        i;
    gmchat_str_t                      url;
    ngx_http_gmchat_store_t          *store;
    ngx_gmchat_store_conf_t          *redis;
    ngx_http_gmchat_redis_options_t   options;

    if (glcf->store != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    store = ngx_http_gmchat_store_add(cf);
    if (store == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    redis = &store->redis;

    redis->name = value[1];
    redis->connect_timeout = NGX_HTTP_GMCHAT_CONNECT_TIMEOUT;
    redis->timeout = NGX_HTTP_GMCHAT_TIMEOUT;
    redis->probe = NGX_HTTP_GMCHAT_PROBE;
    redis->wake_timeout = NGX_HTTP_GMCHAT_WAKE_TIMEOUT;
    redis->queue_calls = NGX_HTTP_GMCHAT_QUEUE_CALLS;
    redis->queue_bytes = NGX_HTTP_GMCHAT_QUEUE_BYTES;

    url.data = value[1].data;
    url.len = value[1].len;

    rv = (char *) gmchat_url_parse(&redis->url, &url);
    if (rv) {
        return rv;
    }

    ngx_memzero(&options, sizeof(ngx_http_gmchat_redis_options_t));
    options.redis = redis;
    options.verify = 1;
    options.sentinel.tls = NGX_CONF_UNSET;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_gmchat_redis_option(cf, &value[i], &options);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_http_gmchat_redis_check(cf, &options);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    glcf->store = store;

    return ngx_http_gmchat_redis_endpoints(cf, redis);
}


void
ngx_http_gmchat_redis_resolver(ngx_conf_t *cf, ngx_gmchat_store_conf_t *redis)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (redis->resolver == NULL && clcf->resolver
        && clcf->resolver->connections.nelts)
    {
        redis->resolver = clcf->resolver;
    }
}


char *
ngx_http_gmchat_redis_names(ngx_conf_t *cf, ngx_gmchat_store_conf_t *redis)
{
    size_t  i;

    ngx_http_gmchat_redis_resolver(cf, redis);

    for (i = 0; i < redis->url.nhosts && redis->resolver == NULL; i++) {
        if (redis->endpoints[i].naddrs == 0
            && ngx_http_gmchat_redis_resolve(cf, redis, &redis->endpoints[i])
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}

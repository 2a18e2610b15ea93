#include "ngx_http_gmchat.h"

#include "ngx_gmchat_ask.h"


/* Milliseconds that a reply waits for, at most, unless configured. */
#define NGX_HTTP_GMCHAT_REPLICAS_TIMEOUT  1000
#define NGX_HTTP_GMCHAT_FSYNC_TIMEOUT     3000

/* More replicas than one master has in practice. */
#define NGX_HTTP_GMCHAT_REPLICAS          16


static char *
ngx_http_gmchat_durability_timeout(ngx_str_t *option,
    gmchat_durability_t *durability)
{
    ngx_int_t  ms;
    ngx_str_t  value;

    if (ngx_strncmp(option->data, "timeout=", 8) != 0) {
        return "has a second parameter that is not timeout=time";
    }

    value.data = option->data + 8;
    value.len = option->len - 8;

    ms = ngx_parse_time(&value, 0);

    if (ms == NGX_ERROR || ms < 10 || ms > 60000) {
        return "has a timeout that is not 10ms to 1m";
    }

    durability->timeout = (unsigned) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_durability_kind(ngx_str_t *value,
    gmchat_durability_t *durability)
{
    ngx_int_t  n;

    if (ngx_strcmp(value->data, "fsync") == 0) {
        durability->fsync = 1;
        durability->timeout = NGX_HTTP_GMCHAT_FSYNC_TIMEOUT;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "replicas=", 9) != 0) {
        return "must be memory, replicas=number or fsync";
    }

    n = ngx_atoi(value->data + 9, value->len - 9);

    if (n < 1 || n > NGX_HTTP_GMCHAT_REPLICAS) {
        return "must have 1 to 16 replicas";
    }

    durability->replicas = (unsigned) n;
    durability->timeout = NGX_HTTP_GMCHAT_REPLICAS_TIMEOUT;

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_durability(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    char                 *rv;
    ngx_str_t            *value;
    gmchat_durability_t  *durability;

    if (glcf->durability != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "memory") == 0) {
        glcf->durability = NULL;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "has a parameter behind memory";
    }

    durability = ngx_pcalloc(cf->pool, sizeof(gmchat_durability_t));
    if (durability == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_gmchat_durability_kind(&value[1], durability);

    if (rv == NGX_CONF_OK && cf->args->nelts == 3) {
        rv = ngx_http_gmchat_durability_timeout(&value[2], durability);
    }

    glcf->durability = durability;

    return rv;
}


void
ngx_http_gmchat_durability_merge(ngx_http_gmchat_loc_conf_t *prev,
    ngx_http_gmchat_loc_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->durability, prev->durability, NULL);

    if (conf->durability == NULL || conf->store == NULL
        || (conf->kind != NGX_HTTP_GMCHAT_GM
            && conf->kind != NGX_HTTP_GMCHAT_GS))
    {
        return;
    }

    conf->store->redis.commits = 1;

    if (conf->durability->fsync) {
        conf->store->redis.fsyncs = 1;
    }
}


char *
ngx_http_gmchat_durability_check(ngx_conf_t *cf,
    ngx_gmchat_store_conf_t *redis)
{
    gmchat_arena_t   arena;
    gmchat_str_t     error;
    char            *rv;

    if (!redis->fsyncs) {
        return NGX_CONF_OK;
    }

    ngx_memzero(&arena, sizeof(gmchat_arena_t));
    rv = NGX_CONF_OK;

    switch (ngx_gmchat_ask_waitaof(redis, cf->log, &arena, &error)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gmchat_durability fsync\" needs WAITAOF of "
                           "Redis 7.2 and \"appendonly yes\": \"%V\" answered "
                           "\"%*s\"", &redis->name, error.len, error.data);
        rv = NGX_CONF_ERROR;
        break;

    default: /* NGX_ERROR */
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" cannot be asked now whether it has the "
                           "WAITAOF of \"gmchat_durability fsync\"",
                           &redis->name);
    }

    gmchat_arena_free(&arena);

    return rv;
}

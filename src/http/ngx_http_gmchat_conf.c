#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gmchat_integer.h"
#include "ngx_http_gmchat.h"
#include "ngx_http_gmchat_conf.h"


/*
 * Directives that are a few values of their own: limits, times, the streams'
 * settings.  A subject with code of its own (the store, the allow file,
 * operators) has its directives with it.
 */


char *
ngx_http_gmchat_role_check(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t     *value;
    gmchat_str_t   from;

    if (glcf->role_from != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;
    glcf->role_from = 0;

    if (cf->args->nelts == 3) {
        if (ngx_strncmp(value[2].data, "from=", 5) != 0) {
            return "has a second parameter that is not from=host";
        }

        from.data = value[2].data + 5;
        from.len = value[2].len - 5;

        if (!gmchat_integer_parse(&from, &glcf->role_from)) {
            return "has a from= that is no host number";
        }
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (value[1].data[0] != '/') {
        return "must be the URI of an internal location, or off";
    }

    glcf->role_uri = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_conf_text(ngx_conf_t *cf, gmchat_str_t *to, ngx_uint_t number)
{
    to->data = ngx_pnalloc(cf->pool, NGX_INT_T_LEN);
    if (to->data == NULL) {
        return NGX_CONF_ERROR;
    }

    to->len = (size_t) (ngx_sprintf(to->data, "%ui", number) - to->data);

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_mailbox_max(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    off_t       bytes;
    ngx_int_t   entries;
    ngx_str_t  *value;

    if (glcf->entries.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    entries = ngx_atoi(value[1].data, value[1].len);
    if (entries < 1 || entries > 1000000) {
        return "must hold 1 to 1000000 entries";
    }

    bytes = ngx_parse_offset(&value[2]);
    if (bytes < 1024 || bytes > 1024 * 1024 * 1024) {
        return "must hold 1k to 1g bytes";
    }

    if (ngx_http_gmchat_conf_text(cf, &glcf->entries, (ngx_uint_t) entries)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_gmchat_conf_text(cf, &glcf->bytes, (ngx_uint_t) bytes);
}


char *
ngx_http_gmchat_history(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   keep, ttl;
    ngx_str_t  *value;

    if (glcf->keep.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    keep = ngx_atoi(value[1].data, value[1].len);
    if (keep < 1 || keep > 100000) {
        return "must keep 1 to 100000 messages";
    }

    ttl = ngx_parse_time(&value[2], 1);
    if (ttl < 1 || ttl > 10 * 365 * 86400) {
        return "must keep them for 1s to 10 years";
    }

    if (ngx_http_gmchat_conf_text(cf, &glcf->keep, (ngx_uint_t) keep)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_gmchat_conf_text(cf, &glcf->ttl, (ngx_uint_t) ttl);
}


char *
ngx_http_gmchat_redeliver(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value;

    if (glcf->patience.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ms = ngx_parse_time(&value[1], 0);
    if (ms < 100 || ms > 86400000) {
        return "must be 100ms to 1d";
    }

    glcf->redeliver = (ngx_msec_t) ms;

    return ngx_http_gmchat_conf_text(cf, &glcf->patience, (ngx_uint_t) ms);
}


char *
ngx_http_gmchat_check_message_max(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    if (*size < 1 || *size > 1024 * 1024) {
        return "must be 1 to 1m";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_host_silent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value;

    if (glcf->silent.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* those who wait are noted each 5 s, and the store hears of it 2 s later
     * at most */

    ms = ngx_parse_time(&value[1], 0);
    if (ms < 10000 || ms > 86400000) {
        return "must be 10s to 1d";
    }

    return ngx_http_gmchat_conf_text(cf, &glcf->silent, (ngx_uint_t) ms);
}


char *
ngx_http_gmchat_ping(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value, pong;

    if (glcf->ping != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ms = ngx_parse_time(&value[1], 0);
    if (ms < 100 || ms > 86400000) {
        return "must be 100ms to 1d";
    }

    glcf->ping = (ngx_msec_t) ms;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "pong=", 5) != 0) {
        return "has a second parameter that is not pong=time";
    }

    pong.data = value[2].data + 5;
    pong.len = value[2].len - 5;

    ms = ngx_parse_time(&pong, 0);
    if (ms < 100 || ms > 86400000) {
        return "has a pong= that is not 100ms to 1d";
    }

    glcf->pong = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (glcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "same") == 0) {
        glcf->origins = NULL;
        return NGX_CONF_OK;
    }

    glcf->origins = ngx_array_create(cf->pool, cf->args->nelts,
                                     sizeof(ngx_str_t));
    if (glcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_strcmp(value[i].data, "*") != 0
            && ngx_strncmp(value[i].data, "http://", 7) != 0
            && ngx_strncmp(value[i].data, "https://", 8) != 0)
        {
            return "must be same, or origins as https://console.example.com, "
                   "or *";
        }

        origin = ngx_array_push(glcf->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_check_window(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t  *window = data;

    if (*window < 1 || *window > 100000) {
        return "must be 1 to 100000";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_check_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    if (*size < 1024 || *size > 16 * 1024 * 1024) {
        return "must be 1k to 16m";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_check_interval(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *ms = data;

    if (*ms < 100 || *ms > 86400000) {
        return "must be 100ms to 1d";
    }

    return NGX_CONF_OK;
}

#include "ngx_http_gmchat.h"


/* A change of the file is seen within this time, in milliseconds. */
#define NGX_HTTP_GMCHAT_ALLOW_CHECK  500

static ngx_int_t
ngx_http_gmchat_allow_load_fd(ngx_file_t *file, u_char **text, size_t *size)
{
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(file->fd, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ERR, file->log, ngx_errno,
                      ngx_fd_info_n " \"%V\" failed", &file->name);
        return NGX_ERROR;
    }

    if (ngx_file_size(&fi) > GMCHAT_ALLOW_TEXT_MAX) {
        ngx_log_error(NGX_LOG_ERR, file->log, 0,
                      "gmchat: \"%V\" is too large for a server list",
                      &file->name);
        return NGX_DECLINED;
    }

    *size = (size_t) ngx_file_size(&fi);
    *text = ngx_alloc(*size + 1, file->log);
    if (*text == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_file(file, *text, *size, 0);

    if (n != (ssize_t) *size) {
        ngx_log_error(NGX_LOG_ERR, file->log, 0,
                      "gmchat: \"%V\" changed while it was read",
                      &file->name);
        ngx_free(*text);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Reads the whole file; the caller frees the text by ngx_free().  Returns as
 * ngx_http_gmchat_allow_read() does; what went wrong is logged. */

static ngx_int_t
ngx_http_gmchat_allow_load(ngx_str_t *path, u_char **text, size_t *size,
    ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_file_t   file;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *path;
    file.log = log;

    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", path);
        return NGX_ERROR;
    }

    rc = ngx_http_gmchat_allow_load_fd(&file, text, size);

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", path);
    }

    return rc;
}


static void
ngx_http_gmchat_allow_broken(ngx_http_gmchat_allow_t *allow,
    gmchat_allow_error_t *error, ngx_log_t *log)
{
    if (error->line) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "gmchat: \"%V\" is broken in line %ui: %s",
                      &allow->path, (ngx_uint_t) error->line, error->reason);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "gmchat: \"%V\" cannot be used: %s",
                  &allow->path, error->reason);
}


/*
 * Returns NGX_DECLINED if the file's text is no list, and NGX_ERROR if it
 * could not be read this time; both leave the list before in force.
 */

static ngx_int_t
ngx_http_gmchat_allow_read(ngx_http_gmchat_allow_t *allow, ngx_log_t *log)
{
    u_char                *text;
    size_t                 size;
    ngx_int_t              rc;
    gmchat_allow_t        *list;
    gmchat_allow_error_t   error;

    rc = ngx_http_gmchat_allow_load(&allow->path, &text, &size, log);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&error, sizeof(gmchat_allow_error_t));
    list = gmchat_allow_parse(text, size, &error);
    ngx_free(text);

    if (list == NULL) {
        ngx_http_gmchat_allow_broken(allow, &error, log);
        return error.line ? NGX_DECLINED : NGX_ERROR;
    }

    gmchat_allow_free(allow->list);
    allow->list = list;

    return NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_allow_stat(ngx_http_gmchat_allow_t *allow, ngx_file_info_t *fi,
    ngx_log_t *log)
{
    ngx_err_t    err;
    const char  *reason;

    if (ngx_file_info(allow->path.data, fi) == NGX_FILE_ERROR) {
        err = ngx_errno;
        reason = "cannot be found";

    } else if (!ngx_is_file(fi)) {
        err = 0;
        reason = "is not a file";

    } else {
        allow->missing = 0;
        return NGX_OK;
    }

    if (!allow->missing) {
        ngx_log_error(NGX_LOG_ERR, log, err, "gmchat: \"%V\" %s",
                      &allow->path, reason);
    }

    allow->missing = 1;

    return NGX_ERROR;
}


/*
 * Reads the file if it is another than before.  A file that is missing or
 * broken leaves the list as it is, and is logged once.
 */

static ngx_int_t
ngx_http_gmchat_allow_update(ngx_http_gmchat_allow_t *allow, ngx_log_t *log)
{
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (ngx_http_gmchat_allow_stat(allow, &fi, log) != NGX_OK) {
        return NGX_ERROR;
    }

    if (allow->uniq == ngx_file_uniq(&fi) && allow->size == ngx_file_size(&fi)
        && allow->mtime.tv_sec == fi.st_mtim.tv_sec
        && allow->mtime.tv_nsec == fi.st_mtim.tv_nsec)
    {
        return NGX_OK;
    }

    rc = ngx_http_gmchat_allow_read(allow, log);

    if (rc != NGX_ERROR) {
        allow->uniq = ngx_file_uniq(&fi);
        allow->size = ngx_file_size(&fi);
        allow->mtime = fi.st_mtim;
    }

    return rc;
}


static const gmchat_allow_entry_t *
ngx_http_gmchat_allow_match(ngx_http_gmchat_allow_t *allow,
    struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;
        return gmchat_allow_find(allow->list, AF_INET,
                                 (unsigned char *) &sin->sin_addr);

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            return gmchat_allow_find(allow->list, AF_INET,
                                     sin6->sin6_addr.s6_addr + 12);
        }

        return gmchat_allow_find(allow->list, AF_INET6,
                                 sin6->sin6_addr.s6_addr);
#endif

    default:
        return NULL;
    }
}


/* What the list says of the client's hosts goes with its call. */

static ngx_int_t
ngx_http_gmchat_access_allow(ngx_http_request_t *r,
    const gmchat_allow_entry_t *entry)
{
    size_t                   len;
    const char              *hosts;
    ngx_http_gmchat_call_t  *call;

    hosts = gmchat_allow_hosts(entry, &len);

    if (hosts == NULL) {
        return NGX_OK;
    }

    call = ngx_http_gmchat_call_get(r);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->hosts.data = gmchat_arena_copy(&call->arena, hosts, len);
    if (call->hosts.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->hosts.len = len;

    return NGX_OK;
}


ngx_int_t
ngx_http_gmchat_access_handler(ngx_http_request_t *r)
{
    ngx_http_gmchat_allow_t      *allow;
    const gmchat_allow_entry_t   *entry;
    ngx_http_gmchat_loc_conf_t   *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_gmchat_module);
    allow = conf->allow;

    if (allow == NULL || conf->kind == NGX_HTTP_GMCHAT_OFF) {
        return NGX_DECLINED;
    }

    if (ngx_current_msec - allow->checked >= NGX_HTTP_GMCHAT_ALLOW_CHECK) {
        allow->checked = ngx_current_msec;
        (void) ngx_http_gmchat_allow_update(allow, r->connection->log);
    }

    entry = ngx_http_gmchat_allow_match(allow, r->connection->sockaddr);
    if (entry) {
        return ngx_http_gmchat_access_allow(r, entry);
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "gmchat: the client's address is not in \"%V\"",
                  &allow->path);

    return NGX_HTTP_FORBIDDEN;
}


static void
ngx_http_gmchat_allow_cleanup(void *data)
{
    ngx_http_gmchat_allow_t  *allow;

    allow = data;
    gmchat_allow_free(allow->list);
}


static ngx_http_gmchat_allow_t *
ngx_http_gmchat_allow_add(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_uint_t                     i;
    ngx_pool_cleanup_t            *cln;
    ngx_http_gmchat_allow_t       *allow, **allows, **slot;
    ngx_http_gmchat_main_conf_t   *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);
    allows = gmcf->allows.elts;

    for (i = 0; i < gmcf->allows.nelts; i++) {
        if (allows[i]->path.len == path->len
            && ngx_strcmp(allows[i]->path.data, path->data) == 0)
        {
            return allows[i];
        }
    }

    allow = ngx_pcalloc(cf->pool, sizeof(ngx_http_gmchat_allow_t));
    slot = ngx_array_push(&gmcf->allows);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (allow == NULL || slot == NULL || cln == NULL) {
        return NULL;
    }

    allow->path = *path;
    *slot = allow;

    cln->handler = ngx_http_gmchat_allow_cleanup;
    cln->data = allow;

    if (ngx_http_gmchat_allow_update(allow, cf->log) != NGX_OK) {
        return NULL;
    }

    return allow;
}


char *
ngx_http_gmchat_allow_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t  *value;

    if (glcf->allow != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        glcf->allow = NULL;
        return NGX_CONF_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    glcf->allow = ngx_http_gmchat_allow_add(cf, &value[1]);
    if (glcf->allow == NULL) {
        return "names a file that cannot be used";
    }

    return NGX_CONF_OK;
}

#ifndef _NGX_HTTP_GMCHAT_CONF_H_INCLUDED_
#define _NGX_HTTP_GMCHAT_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gmchat_core.h"


/*
 * Directives of a few values each, for the table in ngx_http_gmchat_module.c;
 * docs/directives.md says what they mean.  All are handlers as nginx has them:
 * NGX_CONF_OK, NGX_CONF_ERROR, or why the value is none.
 */

char *ngx_http_gmchat_role_check(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_gmchat_mailbox_max(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_gmchat_history(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_gmchat_redeliver(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_gmchat_host_silent(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_gmchat_ping(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_gmchat_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Bounds, for ngx_conf_post_t. */

char *ngx_http_gmchat_check_message_max(ngx_conf_t *cf, void *post,
    void *data);
char *ngx_http_gmchat_check_window(ngx_conf_t *cf, void *post, void *data);
char *ngx_http_gmchat_check_size(ngx_conf_t *cf, void *post, void *data);
char *ngx_http_gmchat_check_interval(ngx_conf_t *cf, void *post, void *data);

/*
 * Writes a number into `to` as scripts are given it, in decimal; the memory is
 * the configuration's.  NGX_CONF_ERROR where there is none.
 */

char *ngx_http_gmchat_conf_text(ngx_conf_t *cf, gmchat_str_t *to,
    ngx_uint_t number);


#endif /* _NGX_HTTP_GMCHAT_CONF_H_INCLUDED_ */

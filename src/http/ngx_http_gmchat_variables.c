#include "ngx_http_gmchat.h"


static ngx_int_t ngx_http_gmchat_variable_action(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_gmchat_variable_errno(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_gmchat_variable_group(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_gmchat_variable_operator(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_gmchat_variable_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_gmchat_variables[] = {

    { ngx_string("gmchat_action"), NULL, ngx_http_gmchat_variable_action,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("gmchat_errno"), NULL, ngx_http_gmchat_variable_errno,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("gmchat_group"), NULL, ngx_http_gmchat_variable_group,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("gmchat_operator"), NULL, ngx_http_gmchat_variable_operator,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("gmchat_store_time"), NULL,
      ngx_http_gmchat_variable_store_time, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_http_gmchat_variable(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->data = data;
    v->len = (unsigned) len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (len == 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_gmchat_variable_action(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL || call->action == NULL) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    return ngx_http_gmchat_variable(v, (u_char *) call->action->name,
                                    ngx_strlen(call->action->name));
}


/* 0 on success; not found where the reply had no errno. */

static ngx_int_t
ngx_http_gmchat_variable_errno(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    int                      code;
    u_char                  *p;
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL || !call->done) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    code = gmchat_status_row(call->status)->code;

    if (code == 0 && call->status != GMCHAT_OK) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_gmchat_variable(v, p,
                                    (size_t) (ngx_sprintf(p, "%d", code) - p));
}


static ngx_int_t
ngx_http_gmchat_variable_group(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    return ngx_http_gmchat_variable(v, call->group.data, call->group.len);
}


static ngx_int_t
ngx_http_gmchat_variable_operator(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    return ngx_http_gmchat_variable(v, call->operator.data,
                                    call->operator.len);
}


/* Seconds with six digits after the point. */

static ngx_int_t
ngx_http_gmchat_variable_store_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                  *p;
    ngx_http_gmchat_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_http_gmchat_module);

    if (call == NULL || call->asked == 0) {
        return ngx_http_gmchat_variable(v, NULL, 0);
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof(".000000"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_gmchat_variable(v, p,
               (size_t) (ngx_sprintf(p, "%uL.%06uL",
                                     call->store_us / 1000000,
                                     call->store_us % 1000000) - p));
}


ngx_int_t
ngx_http_gmchat_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_gmchat_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}

#include "ngx_http_gmchat_stream.h"
#include "ngx_http_gmchat_conf.h"

#include "gmchat_script.h"


/*
 * Operators: who acts at a gm endpoint, as nginx found out, and what has to be
 * true of such a call.  Which rights they have the store knows, and the scripts
 * look: see gmchat_desk.h.
 */


/* Entries of the audit. */
#define NGX_HTTP_GMCHAT_AUDIT_MIN  100
#define NGX_HTTP_GMCHAT_AUDIT_MAX  10000000


static char *
ngx_http_gmchat_operator_valid(const ngx_str_t *value)
{
    const char    *reason;
    gmchat_str_t   name;

    reason = NULL;
    name.len = value->len;
    name.data = value->data;

    if (gmchat_param(GMCHAT_P_OPERATOR)->check(&name, NULL, &reason)
        != GMCHAT_OK)
    {
        return (char *) reason;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_operator(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t                    *value;
    ngx_http_gmchat_main_conf_t  *gmcf;

    if (glcf->named != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        glcf->named = NULL;
        return NGX_CONF_OK;
    }

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);
    gmcf->operators = 1;

    glcf->named = ngx_http_gmchat_value(cf, &value[1]);
    if (glcf->named == NULL) {
        return NGX_CONF_ERROR;
    }

    return glcf->named->lengths ? NGX_CONF_OK
                                : ngx_http_gmchat_operator_valid(&value[1]);
}


char *
ngx_http_gmchat_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    char        *rc;
    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    if (glcf->admins == NGX_CONF_UNSET_PTR) {
        glcf->admins = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
        if (glcf->admins == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rc = ngx_http_gmchat_operator_valid(&value[i]);
        if (rc != NGX_CONF_OK) {
            return rc;
        }

        name = ngx_array_push(glcf->admins);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_gmchat_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (glcf->audit.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);
    if (n < NGX_HTTP_GMCHAT_AUDIT_MIN || n > NGX_HTTP_GMCHAT_AUDIT_MAX) {
        return "must keep 100 to 10000000 entries";
    }

    return ngx_http_gmchat_conf_text(cf, &glcf->audit, (ngx_uint_t) n);
}


char *
ngx_http_gmchat_operator_merge(ngx_conf_t *cf,
    ngx_http_gmchat_loc_conf_t *prev, ngx_http_gmchat_loc_conf_t *conf)
{
    ngx_uint_t  own;

    own = conf->named != NGX_CONF_UNSET_PTR && conf->named;

    ngx_conf_merge_ptr_value(conf->named, prev->named, NULL);
    ngx_conf_merge_ptr_value(conf->admins, prev->admins, NULL);

    if (conf->kind != NGX_HTTP_GMCHAT_GS) {
        return NGX_CONF_OK;
    }

    if (own) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gmchat_operator\" names nobody at a "
                           "\"gmchat gs\" location: game servers have no "
                           "operators");
        return NGX_CONF_ERROR;
    }

    conf->named = NULL;

    return NGX_CONF_OK;
}


/* The scripts that an operator's calls run. */

ngx_int_t
ngx_http_gmchat_operator_scripts(void)
{
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        if (action->endpoint != GMCHAT_GM) {
            continue;
        }

        if (gmchat_script_desk(action->script) != 0
            || (action->guard && gmchat_script_desk(action->guard) != 0))
        {
            return NGX_ERROR;
        }
    }

    /* what asks for a right alone; and what a stream changes by itself */

    return gmchat_script_desk("answer") == 0
           && gmchat_script_desk("appear") == 0 ? NGX_OK : NGX_ERROR;
}


gmchat_status_e
ngx_http_gmchat_operator_name(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal)
{
    ngx_str_t            value;
    ngx_http_request_t  *r;

    if (call->stream) {

        /* whom its request was found to be of */

        return GMCHAT_OK;
    }

    r = call->request;

    if (ngx_http_complex_value(r, call->conf->named, &value) != NGX_OK) {
        refusal->status = GMCHAT_UNAVAILABLE;
        return GMCHAT_UNAVAILABLE;
    }

    if (ngx_http_gmchat_operator_valid(&value) != NGX_CONF_OK) {
        refusal->status = GMCHAT_NO_OPERATOR;
        return GMCHAT_NO_OPERATOR;
    }

    /* the store is told, which may be after the request is gone */

    call->operator.data = gmchat_arena_copy(&call->arena, value.data,
                                            value.len);
    if (call->operator.data == NULL) {
        refusal->status = GMCHAT_UNAVAILABLE;
        return GMCHAT_UNAVAILABLE;
    }

    call->operator.len = value.len;
    call->address.data = r->connection->addr_text.data;
    call->address.len = r->connection->addr_text.len;

    return GMCHAT_OK;
}


/* Another site's page can make a browser send a form or load an address, with
 * the operator's password in it: neither is a POST with a header of its own.
 * A frame is proven by its stream's beginning. */

gmchat_status_e
ngx_http_gmchat_operator_proof(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal)
{
    if (call->stream) {
        return GMCHAT_OK;
    }

    /* it would see no reply, but what is refused stands in the audit, under the
     * operator's name */

    if (ngx_http_gmchat_stream_foreign(call->request, call->conf)) {
        refusal->status = GMCHAT_ORIGIN_FORBIDDEN;
        return GMCHAT_ORIGIN_FORBIDDEN;
    }

    if (!(call->action->flags & GMCHAT_A_CHANGE)) {
        return GMCHAT_OK;
    }

    if (call->request->method != NGX_HTTP_POST) {
        refusal->status = GMCHAT_METHOD_POST;
        return GMCHAT_METHOD_POST;
    }

    if (ngx_http_gmchat_stream_header(call->request, "X-GMChat", NULL)
        == NULL)
    {
        refusal->status = GMCHAT_NO_HEADER;
        return GMCHAT_NO_HEADER;
    }

    return GMCHAT_OK;
}


ngx_uint_t
ngx_http_gmchat_operator_admin(ngx_http_gmchat_loc_conf_t *conf,
    const gmchat_str_t *operator)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (conf->admins == NULL) {
        return 0;
    }

    name = conf->admins->elts;

    for (i = 0; i < conf->admins->nelts; i++) {
        if (name[i].len == operator->len
            && ngx_memcmp(name[i].data, operator->data, operator->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_gmchat_operator_sign(ngx_http_gmchat_call_t *call)
{
    gmchat_desk_t  desk;

    desk.operator = call->operator;
    desk.address = call->address;
    desk.audit = call->conf->audit;
    desk.admin = ngx_http_gmchat_operator_admin(call->conf, &call->operator);

    return gmchat_desk_sign(&call->script, &desk, call->action, &call->args,
                            gmchat_desk_note(call->action), &call->arena)
           == 0 ? NGX_OK : NGX_ERROR;
}


void
ngx_http_gmchat_operator_ask(ngx_http_gmchat_call_t *call,
    gmchat_status_e status, ngx_http_gmchat_next_pt next)
{
    const char  *name;

    name = gmchat_status_row(status)->name;

    ngx_memzero(&call->script, sizeof(gmchat_script_call_t));
    call->script.script = "answer";
    call->script.n = 2;
    call->script.words[0] = call->prefix;
    call->script.words[1].data = (u_char *) name;
    call->script.words[1].len = ngx_strlen(name);

    if (ngx_http_gmchat_operator_sign(call) != NGX_OK) {
        ngx_http_gmchat_call_fail(call, GMCHAT_UNAVAILABLE);
        return;
    }

    ngx_http_gmchat_call_ask(call, next);
}

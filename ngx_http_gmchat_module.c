#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gmchat_integer.h"
#include "ngx_http_gmchat.h"


/*
 * Directives, configuration, init and exit; no request logic.  Each directive
 * is described in docs/directives.md.
 */


static void *ngx_http_gmchat_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_gmchat_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_gmchat_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_gmchat_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_gmchat_init_process(ngx_cycle_t *cycle);
static void ngx_http_gmchat_exit_process(ngx_cycle_t *cycle);

static char *ngx_http_gmchat(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_gmchat_group(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_check_group(ngx_str_t *value);
static char *ngx_http_gmchat_role_check(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_mailbox_max(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_history(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_redeliver(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_check_message_max(ngx_conf_t *cf, void *post,
    void *data);


static char *ngx_http_gmchat_host_silent(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_ping(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_gmchat_check_window(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_gmchat_check_size(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_gmchat_check_interval(ngx_conf_t *cf, void *post,
    void *data);


static ngx_conf_post_t  ngx_http_gmchat_window_post = {
    ngx_http_gmchat_check_window
};

static ngx_conf_post_t  ngx_http_gmchat_size_post = {
    ngx_http_gmchat_check_size
};

static ngx_conf_post_t  ngx_http_gmchat_interval_post = {
    ngx_http_gmchat_check_interval
};

static ngx_conf_post_t  ngx_http_gmchat_message_max_post = {
    ngx_http_gmchat_check_message_max
};


#define NGX_HTTP_GMCHAT_ANYWHERE                                              \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_command_t  ngx_http_gmchat_commands[] = {

    { ngx_string("gmchat"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_gmchat,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_redis"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_1MORE,
      ngx_http_gmchat_redis,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_group"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE12,
      ngx_http_gmchat_group,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_allow_file"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_gmchat_allow_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_role_check"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE12,
      ngx_http_gmchat_role_check,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_operator"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_gmchat_operator,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_admin"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_1MORE,
      ngx_http_gmchat_admin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_audit"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_gmchat_audit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_message_max"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, message_max),
      &ngx_http_gmchat_message_max_post },

    { ngx_string("gmchat_mailbox_max"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_gmchat_mailbox_max,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_history"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE2,
      ngx_http_gmchat_history,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_redeliver"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_gmchat_redeliver,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_durability"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE12,
      ngx_http_gmchat_durability,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_poll_cache"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE12,
      ngx_http_gmchat_poll_cache,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_host_silent"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_gmchat_host_silent,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_window"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, window),
      &ngx_http_gmchat_window_post },

    { ngx_string("gmchat_stream_buffer"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, stream_buffer),
      &ngx_http_gmchat_size_post },

    { ngx_string("gmchat_frame_max"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, frame_max),
      &ngx_http_gmchat_size_post },

    { ngx_string("gmchat_heartbeat"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, heartbeat),
      &ngx_http_gmchat_interval_post },

    { ngx_string("gmchat_ping"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE12,
      ngx_http_gmchat_ping,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("gmchat_grace"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_gmchat_loc_conf_t, grace),
      &ngx_http_gmchat_interval_post },

    { ngx_string("gmchat_origin"),
      NGX_HTTP_GMCHAT_ANYWHERE|NGX_CONF_1MORE,
      ngx_http_gmchat_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_gmchat_module_ctx = {
    ngx_http_gmchat_add_variables,         /* preconfiguration */
    ngx_http_gmchat_init,                  /* postconfiguration */

    ngx_http_gmchat_create_main_conf,      /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_gmchat_create_loc_conf,       /* create location configuration */
    ngx_http_gmchat_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_gmchat_module = {
    NGX_MODULE_V1,
    &ngx_http_gmchat_module_ctx,           /* module context */
    ngx_http_gmchat_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_gmchat_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_gmchat_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_gmchat_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_gmchat_main_conf_t  *gmcf;

    gmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_gmchat_main_conf_t));
    if (gmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&gmcf->stores, cf->pool, 4,
                       sizeof(ngx_http_gmchat_store_t *))
        != NGX_OK
        || ngx_array_init(&gmcf->allows, cf->pool, 4,
                          sizeof(ngx_http_gmchat_allow_t *))
           != NGX_OK
        || ngx_array_init(&gmcf->caches, cf->pool, 4,
                          sizeof(ngx_http_gmchat_idle_cache_t *))
           != NGX_OK)
    {
        return NULL;
    }

    gmcf->cache = ngx_http_gmchat_idle_create(cf, &gmcf->caches);

    return gmcf->cache ? gmcf : NULL;
}


static void *
ngx_http_gmchat_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_gmchat_loc_conf_t  *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->kind = NGX_HTTP_GMCHAT_OFF;
     *     conf->group = NULL;
     *     conf->entries, bytes, keep, ttl, patience, silent, audit
     *         = { 0, NULL };
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_gmchat_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->store = NGX_CONF_UNSET_PTR;
    conf->allow = NGX_CONF_UNSET_PTR;
    conf->group_client = NGX_CONF_UNSET;
    conf->role_from = NGX_CONF_UNSET;
    conf->named = NGX_CONF_UNSET_PTR;
    conf->admins = NGX_CONF_UNSET_PTR;
    conf->message_max = NGX_CONF_UNSET_SIZE;
    conf->redeliver = NGX_CONF_UNSET_MSEC;
    conf->durability = NGX_CONF_UNSET_PTR;
    conf->poll_cache = NGX_CONF_UNSET_PTR;
    conf->window = NGX_CONF_UNSET;
    conf->stream_buffer = NGX_CONF_UNSET_SIZE;
    conf->frame_max = NGX_CONF_UNSET_SIZE;
    conf->heartbeat = NGX_CONF_UNSET_MSEC;
    conf->ping = NGX_CONF_UNSET_MSEC;
    conf->pong = NGX_CONF_UNSET_MSEC;
    conf->grace = NGX_CONF_UNSET_MSEC;
    conf->origins = NGX_CONF_UNSET_PTR;

    return conf;
}


static void
ngx_http_gmchat_merge_text(gmchat_str_t *conf, const gmchat_str_t *prev,
    const char *preset)
{
    if (conf->data) {
        return;
    }

    if (prev->data) {
        *conf = *prev;
        return;
    }

    conf->data = (unsigned char *) preset;
    conf->len = ngx_strlen(preset);
}


/* A message must fit an empty mailbox. */

static char *
ngx_http_gmchat_check_sizes(ngx_conf_t *cf, ngx_http_gmchat_loc_conf_t *conf)
{
    int64_t  bytes;

    if (gmchat_integer_parse(&conf->bytes, &bytes)
        && (int64_t) (conf->message_max / 3 * 4 + 4) > bytes)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"gmchat_message_max\" is larger than the bytes "
                           "of \"gmchat_mailbox_max\" hold");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_gmchat_loc_conf_t  *prev = parent;
    ngx_http_gmchat_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_gmchat_main_conf_t  *gmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);

    /* an "if" or "limit_except" is the endpoint that it stands in */

    if (clcf->noname && conf->kind == NGX_HTTP_GMCHAT_OFF) {
        conf->kind = prev->kind;
        conf->handler = prev->handler;
    }

    if (clcf->lmt_excpt && clcf->handler == NULL && conf->handler) {
        clcf->handler = conf->handler;
    }

    ngx_conf_merge_ptr_value(conf->store, prev->store, NULL);

    if (conf->store) {
        ngx_http_gmchat_redis_resolver(cf, &conf->store->redis);
    }

    ngx_http_gmchat_durability_merge(prev, conf);
    ngx_conf_merge_ptr_value(conf->poll_cache, prev->poll_cache, gmcf->cache);
    ngx_conf_merge_ptr_value(conf->allow, prev->allow, NULL);
    ngx_conf_merge_size_value(conf->message_max, prev->message_max, 4096);

    ngx_conf_merge_value(conf->group_client, prev->group_client, 0);

    if (conf->group == NULL) {
        conf->group = prev->group;
    }

    if (conf->role_from == NGX_CONF_UNSET) {
        conf->role_from = prev->role_from;
        conf->role_uri = prev->role_uri;
    }

    ngx_http_gmchat_merge_text(&conf->entries, &prev->entries, "10000");
    ngx_http_gmchat_merge_text(&conf->bytes, &prev->bytes, "8388608");
    ngx_http_gmchat_merge_text(&conf->keep, &prev->keep, "200");
    ngx_http_gmchat_merge_text(&conf->ttl, &prev->ttl, "2592000");
    ngx_http_gmchat_merge_text(&conf->patience, &prev->patience, "60000");
    ngx_http_gmchat_merge_text(&conf->silent, &prev->silent, "15000");
    ngx_http_gmchat_merge_text(&conf->audit, &prev->audit, "10000");
    ngx_conf_merge_msec_value(conf->redeliver, prev->redeliver, 60000);

    ngx_conf_merge_value(conf->window, prev->window, 1000);
    ngx_conf_merge_size_value(conf->stream_buffer, prev->stream_buffer, 65536);
    ngx_conf_merge_size_value(conf->frame_max, prev->frame_max, 65536);
    ngx_conf_merge_msec_value(conf->heartbeat, prev->heartbeat, 15000);
    ngx_conf_merge_msec_value(conf->ping, prev->ping, 25000);
    ngx_conf_merge_msec_value(conf->pong, prev->pong, 10000);
    ngx_conf_merge_msec_value(conf->grace, prev->grace, 30000);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);

    if (conf->kind != NGX_HTTP_GMCHAT_OFF && conf->store == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"gmchat_redis\" is defined for \"gmchat\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_http_gmchat_operator_merge(cf, prev, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_gmchat_check_sizes(cf, conf);
}


static ngx_int_t
ngx_http_gmchat_init(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_handler_pt           *handler;
    ngx_http_gmchat_store_t      **stores;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_gmchat_main_conf_t   *gmcf;

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_gmchat_access_handler;

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_gmchat_park_handler;

    if (gmcf->operators && ngx_http_gmchat_operator_scripts() != NGX_OK) {
        return NGX_ERROR;
    }

    stores = gmcf->stores.elts;

    for (i = 0; i < gmcf->stores.nelts; i++) {
        if (ngx_http_gmchat_redis_names(cf, &stores[i]->redis)
            != NGX_CONF_OK
            || ngx_http_gmchat_durability_check(cf, &stores[i]->redis)
               != NGX_CONF_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_gmchat_stat_add(cf, gmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_gmchat_filter_init(cf);
}


static ngx_http_gmchat_main_conf_t *
ngx_http_gmchat_worker_conf(ngx_cycle_t *cycle)
{
    if ((ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
        || cycle->conf_ctx[ngx_http_module.index] == NULL)
    {
        return NULL;
    }

    return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_gmchat_module);
}


static ngx_int_t
ngx_http_gmchat_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                     i;
    ngx_http_gmchat_store_t      **stores;
    ngx_http_gmchat_main_conf_t   *gmcf;

    gmcf = ngx_http_gmchat_worker_conf(cycle);
    if (gmcf == NULL) {
        return NGX_OK;
    }

    stores = gmcf->stores.elts;

    for (i = 0; i < gmcf->stores.nelts; i++) {
        stores[i]->link = ngx_gmchat_store_open(cycle, &stores[i]->redis,
                              ngx_http_gmchat_stat_counters(stores[i]),
                              ngx_http_gmchat_stat_gauges(stores[i]));
        if (stores[i]->link == NULL) {
            return NGX_ERROR;
        }
    }

    return ngx_http_gmchat_leave_init(cycle);
}


static void
ngx_http_gmchat_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                     i;
    ngx_http_gmchat_store_t      **stores;
    ngx_http_gmchat_main_conf_t   *gmcf;

    gmcf = ngx_http_gmchat_worker_conf(cycle);
    if (gmcf == NULL) {
        return;
    }

    ngx_http_gmchat_idle_exit(&gmcf->caches);

    stores = gmcf->stores.elts;

    for (i = 0; i < gmcf->stores.nelts; i++) {
        ngx_gmchat_store_close(stores[i]->link);
    }

    ngx_http_gmchat_leave_free();
    ngx_http_gmchat_settle_exit();
    ngx_http_gmchat_stat_leave();
}


static char *
ngx_http_gmchat(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    static const struct {
        ngx_str_t               name;
        ngx_http_gmchat_kind_e  kind;
        ngx_http_handler_pt     handler;
    } kinds[] = {
        { ngx_string("gm"), NGX_HTTP_GMCHAT_GM, ngx_http_gmchat_handler },
        { ngx_string("gs"), NGX_HTTP_GMCHAT_GS, ngx_http_gmchat_handler },
        { ngx_string("status"), NGX_HTTP_GMCHAT_STATUS,
          ngx_http_gmchat_status_handler },
        { ngx_null_string, NGX_HTTP_GMCHAT_OFF, NULL }
    };

    if (glcf->kind != NGX_HTTP_GMCHAT_OFF) {
        return "is duplicate";
    }

    value = cf->args->elts;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    for (i = 0; kinds[i].handler; i++) {
        if (kinds[i].name.len == value[1].len
            && ngx_strcmp(kinds[i].name.data, value[1].data) == 0)
        {
            glcf->kind = kinds[i].kind;
            glcf->handler = kinds[i].handler;
            clcf->handler = kinds[i].handler;
            return NGX_CONF_OK;
        }
    }

    return "must be \"gm\", \"gs\" or \"status\"";
}


ngx_http_complex_value_t *
ngx_http_gmchat_value(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_http_complex_value_t          *complex;
    ngx_http_compile_complex_value_t   ccv;

    complex = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (complex == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));
    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = complex;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? complex : NULL;
}


static char *
ngx_http_gmchat_group(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_str_t  *value;

    if (glcf->group) {
        return "is duplicate";
    }

    value = cf->args->elts;
    glcf->group_client = 0;

    if (cf->args->nelts == 3) {
        if (ngx_strcmp(value[2].data, "client") != 0) {
            return "has a second parameter that is not \"client\"";
        }

        glcf->group_client = 1;
    }

    glcf->group = ngx_http_gmchat_value(cf, &value[1]);
    if (glcf->group == NULL) {
        return NGX_CONF_ERROR;
    }

    return glcf->group->lengths ? NGX_CONF_OK
                                : ngx_http_gmchat_check_group(&value[1]);
}


/* A group without variables is known when the configuration is read. */

static char *
ngx_http_gmchat_check_group(ngx_str_t *value)
{
    const char    *reason;
    gmchat_str_t   group;

    group.len = value->len;
    group.data = value->data;

    if (gmchat_param(GMCHAT_P_GROUP)->check(&group, NULL, &reason)
        != GMCHAT_OK)
    {
        return (char *) reason;
    }

    return NGX_CONF_OK;
}


static char *
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


/* Keeps a number as scripts are given it. */

static char *
ngx_http_gmchat_text(ngx_conf_t *cf, gmchat_str_t *to, ngx_uint_t number)
{
    to->data = ngx_pnalloc(cf->pool, NGX_INT_T_LEN);
    if (to->data == NULL) {
        return NGX_CONF_ERROR;
    }

    to->len = (size_t) (ngx_sprintf(to->data, "%ui", number) - to->data);

    return NGX_CONF_OK;
}


static char *
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

    if (ngx_http_gmchat_text(cf, &glcf->entries, (ngx_uint_t) entries)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_gmchat_text(cf, &glcf->bytes, (ngx_uint_t) bytes);
}


static char *
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

    if (ngx_http_gmchat_text(cf, &glcf->keep, (ngx_uint_t) keep)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_gmchat_text(cf, &glcf->ttl, (ngx_uint_t) ttl);
}


static char *
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

    return ngx_http_gmchat_text(cf, &glcf->patience, (ngx_uint_t) ms);
}


static char *
ngx_http_gmchat_check_message_max(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    if (*size < 1 || *size > 1024 * 1024) {
        return "must be 1 to 1m";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_host_silent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value;

    if (glcf->silent.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* those who wait are noted each 5 s, and the store hears of it 2 s later */

    ms = ngx_parse_time(&value[1], 0);
    if (ms < 10000 || ms > 86400000) {
        return "must be 10s to 1d";
    }

    return ngx_http_gmchat_text(cf, &glcf->silent, (ngx_uint_t) ms);
}


static char *
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


static char *
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


static char *
ngx_http_gmchat_check_window(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t  *window = data;

    if (*window < 1 || *window > 100000) {
        return "must be 1 to 100000";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_check_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    if (*size < 1024 || *size > 16 * 1024 * 1024) {
        return "must be 1k to 16m";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_gmchat_check_interval(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *ms = data;

    if (*ms < 100 || *ms > 86400000) {
        return "must be 100ms to 1d";
    }

    return NGX_CONF_OK;
}

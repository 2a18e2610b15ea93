#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gmchat_integer.h"
#include "ngx_http_gmchat.h"
#include "ngx_http_gmchat_conf.h"


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
     *     conf->entries, bytes, keep, ttl, patience, silent, audit,
     *         longest = { 0, NULL };
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

    if (ngx_http_gmchat_conf_text(cf, &conf->longest,
                                  (ngx_uint_t) conf->message_max)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

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
    ngx_http_gmchat_merge_text(&conf->audit, &prev->audit, "100000");
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

#ifndef NGX_HTTP_GMCHAT_H
#define NGX_HTTP_GMCHAT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gmchat_action.h"
#include "gmchat_allow.h"
#include "gmchat_reply.h"
#include "ngx_gmchat_redis.h"


#define NGX_HTTP_GMCHAT_VERSION  "1.0"

/* More stores than one nginx is ever given; each costs a row of gauges. */
#define NGX_HTTP_GMCHAT_STORES   16


typedef struct ngx_http_gmchat_stat_s  ngx_http_gmchat_stat_t;


/* A server list: one for each path, shared by the locations that name it. */

typedef struct {
    ngx_str_t                   path;
    gmchat_allow_t             *list;
    ngx_msec_t                  checked;
    ngx_file_uniq_t             uniq;
    off_t                       size;
    struct timespec             mtime;
    unsigned                    missing:1;  /* and that was logged */
} ngx_http_gmchat_allow_t;


/* A store: what its directive says, and this worker's link to it. */

typedef struct {
    ngx_gmchat_redis_conf_t     redis;
    gmchat_store_t             *link;
    ngx_uint_t                  index;      /* in shared memory */
} ngx_http_gmchat_store_t;


typedef struct {
    ngx_array_t                 stores;     /* ngx_http_gmchat_store_t * */
    ngx_array_t                 allows;     /* ngx_http_gmchat_allow_t * */
    ngx_shm_zone_t             *zone;
} ngx_http_gmchat_main_conf_t;


typedef enum {
    NGX_HTTP_GMCHAT_OFF = 0,
    NGX_HTTP_GMCHAT_GM,
    NGX_HTTP_GMCHAT_GS,
    NGX_HTTP_GMCHAT_STATUS
} ngx_http_gmchat_kind_e;


typedef struct {
    ngx_uint_t                  kind;       /* ngx_http_gmchat_kind_e */
    ngx_http_handler_pt         handler;
    ngx_http_gmchat_store_t    *store;
    ngx_http_complex_value_t   *group;
    ngx_flag_t                  group_client;
    ngx_http_gmchat_allow_t    *allow;
    ngx_str_t                   role_uri;
    int64_t                     role_from;
    size_t                      message_max;
    ngx_msec_t                  redeliver;

    /* what scripts are given, as text */
    gmchat_str_t                entries;
    gmchat_str_t                bytes;
    gmchat_str_t                keep;
    gmchat_str_t                ttl;
    gmchat_str_t                patience;
} ngx_http_gmchat_loc_conf_t;


/*
 * A call.  It outlives its request where the store still has to answer, and
 * is freed when both are done with it.
 */

typedef struct ngx_http_gmchat_call_s  ngx_http_gmchat_call_t;

typedef void (*ngx_http_gmchat_next_pt)(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);

struct ngx_http_gmchat_call_s {
    ngx_queue_t                  queue;     /* of free or unsettled ones */
    ngx_http_request_t          *request;   /* NULL once it is gone */
    ngx_http_gmchat_loc_conf_t  *conf;

    gmchat_arena_t               arena;
    gmchat_args_t                args;
    const gmchat_action_t       *action;    /* NULL until it is known */
    gmchat_str_t                 group;
    gmchat_str_t                 prefix;
    gmchat_str_t                 hosts;     /* that the caller may speak for */
    gmchat_script_call_t         script;
    ngx_http_gmchat_next_pt      next;      /* with the store's reply */

    gmchat_status_e              status;
    gmchat_buf_t                 out;
    gmchat_buf_t                 data;
    gmchat_buf_t                 text;
    gmchat_str_t                 receipt;   /* of what was taken */

    ngx_msec_t                   settle_until;

    uint64_t                     asked;     /* us, monotonic */
    uint64_t                     store_us;

    unsigned                     pending:1; /* the store has not answered */
    unsigned                     done:1;    /* the reply was made */
    unsigned                     replace:1; /* it takes nginx's own's place */
};


extern ngx_module_t  ngx_http_gmchat_module;


/* ngx_http_gmchat_call.c: the life of a call */

/* The request's call, which is made where it has none; NULL without memory. */
ngx_http_gmchat_call_t *ngx_http_gmchat_call_get(ngx_http_request_t *r);

/* Ends the call with a reply to its request; the request may be gone then. */
void ngx_http_gmchat_call_reply(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_call_refuse(ngx_http_gmchat_call_t *call,
    const gmchat_refusal_t *refusal);
void ngx_http_gmchat_call_fail(ngx_http_gmchat_call_t *call,
    gmchat_status_e status);

/* Runs call->script; `next` is called with its reply while there is a
 * request.  Every other outcome ends the call. */
void ngx_http_gmchat_call_ask(ngx_http_gmchat_call_t *call,
    ngx_http_gmchat_next_pt next);

/* The store knows what became of what the call took. */
void ngx_http_gmchat_call_settled(ngx_http_gmchat_call_t *call);

/* Builds and runs a script of the call's action. */
void ngx_http_gmchat_call_script(ngx_http_gmchat_call_t *call,
    const char *script, ngx_http_gmchat_next_pt next);


/* ngx_http_gmchat_handler.c: the gm and gs endpoints */

ngx_int_t ngx_http_gmchat_handler(ngx_http_request_t *r);
void ngx_http_gmchat_run(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_run_script(ngx_http_gmchat_call_t *call);


/* ngx_http_gmchat_body.c */

/* Adds the parameters of a body that was read to the call's.  Returns
 * GMCHAT_OK, or the status with `refusal` filled. */
gmchat_status_e ngx_http_gmchat_body(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal);


/* ngx_http_gmchat_reply.c: what goes to the client */

ngx_int_t ngx_http_gmchat_send(ngx_http_gmchat_call_t *call);

/* Adds a header to the response; the strings must live as long as it. */
ngx_int_t ngx_http_gmchat_header(ngx_http_request_t *r, const char *name,
    const char *value);
ngx_int_t ngx_http_gmchat_filter_init(ngx_conf_t *cf);


/* ngx_http_gmchat_settle.c: what plain receives took */

void ngx_http_gmchat_settle(ngx_http_gmchat_call_t *call, ngx_uint_t landed);
void ngx_http_gmchat_settle_exit(void);
ngx_uint_t ngx_http_gmchat_client_gone(ngx_http_request_t *r);


/* ngx_http_gmchat_redis_conf.c: the gmchat_redis directive */

char *ngx_http_gmchat_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_gmchat_access.c: the server list */

ngx_int_t ngx_http_gmchat_access_handler(ngx_http_request_t *r);
char *ngx_http_gmchat_allow_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_gmchat_role.c: the role service */

ngx_uint_t ngx_http_gmchat_role_applies(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_role_ask(ngx_http_gmchat_call_t *call);


/* ngx_http_gmchat_seen.c: when hosts last polled */

void ngx_http_gmchat_seen(ngx_http_gmchat_call_t *call);


/* ngx_http_gmchat_stat.c: counters in shared memory */

ngx_int_t ngx_http_gmchat_stat_add(ngx_conf_t *cf,
    ngx_http_gmchat_main_conf_t *gmcf);
void ngx_http_gmchat_stat_call(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_stat_store_time(uint64_t us);
ngx_gmchat_redis_counters_t *ngx_http_gmchat_stat_counters(
    ngx_http_gmchat_store_t *store);
ngx_gmchat_redis_gauges_t *ngx_http_gmchat_stat_gauges(
    ngx_http_gmchat_store_t *store);
void ngx_http_gmchat_stat_leave(void);
void ngx_http_gmchat_stat_json(gmchat_buf_t *buf);
void ngx_http_gmchat_stat_metrics(gmchat_buf_t *buf);


/* ngx_http_gmchat_status.c: the status endpoint */

ngx_int_t ngx_http_gmchat_status_handler(ngx_http_request_t *r);


/* ngx_http_gmchat_variables.c */

ngx_int_t ngx_http_gmchat_add_variables(ngx_conf_t *cf);


/* Microseconds of a clock that never goes back. */

static ngx_inline uint64_t
ngx_http_gmchat_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


#endif /* NGX_HTTP_GMCHAT_H */

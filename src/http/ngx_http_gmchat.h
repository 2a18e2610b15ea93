#ifndef NGX_HTTP_GMCHAT_H
#define NGX_HTTP_GMCHAT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <sys/eventfd.h>
#include <sys/random.h>

#include "gmchat_action.h"
#include "gmchat_allow.h"
#include "gmchat_desk.h"
#include "gmchat_known.h"
#include "gmchat_reply.h"
#include "ngx_gmchat_store.h"


#define NGX_HTTP_GMCHAT_VERSION  "1.0"

/* More stores than one nginx is ever given; each costs a row of gauges. */
#define NGX_HTTP_GMCHAT_STORES   16


typedef struct ngx_http_gmchat_stat_s  ngx_http_gmchat_stat_t;

typedef struct ngx_http_gmchat_idle_cache_s  ngx_http_gmchat_idle_cache_t;


/* How clients wait. */

typedef enum {
    NGX_HTTP_GMCHAT_LONGPOLL = 0,
    NGX_HTTP_GMCHAT_SSE,
    NGX_HTTP_GMCHAT_WEBSOCKET,

    NGX_HTTP_GMCHAT_TRANSPORTS
} ngx_http_gmchat_transport_e;


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
    ngx_gmchat_store_conf_t     redis;
    gmchat_store_t             *link;
    ngx_uint_t                  index;      /* in shared memory */

    /* what streams are to read there */
    ngx_queue_t                 reads;
    ngx_uint_t                  nreads;     /* under way */
    ngx_event_t                 reads_timer;
} ngx_http_gmchat_store_t;


typedef struct {
    ngx_array_t                 stores;     /* ngx_http_gmchat_store_t * */
    ngx_array_t                 allows;     /* ngx_http_gmchat_allow_t * */
    ngx_array_t                 caches;     /* ngx_http_gmchat_idle_cache_t * */
    ngx_http_gmchat_idle_cache_t  *cache;   /* of who names none */
    ngx_shm_zone_t             *zone;
    unsigned                    operators:1;    /* some location names them */
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
    ngx_http_complex_value_t   *named;      /* the operator; NULL: nobody */
    ngx_array_t                *admins;     /* ngx_str_t; NULL: none */
    size_t                      message_max;
    ngx_msec_t                  redeliver;
    gmchat_durability_t        *durability; /* NULL: memory */
    ngx_http_gmchat_idle_cache_t  *poll_cache;  /* NULL: off */

    /* what scripts are given, as text */
    gmchat_str_t                entries;
    gmchat_str_t                bytes;
    gmchat_str_t                keep;
    gmchat_str_t                ttl;
    gmchat_str_t                patience;
    gmchat_str_t                silent;
    gmchat_str_t                audit;
    gmchat_str_t                longest;    /* message_max */

    /* streams */
    ngx_int_t                   window;     /* entries, unacknowledged */
    size_t                      stream_buffer;
    size_t                      frame_max;
    ngx_msec_t                  heartbeat;
    ngx_msec_t                  ping;
    ngx_msec_t                  pong;
    ngx_msec_t                  grace;
    ngx_array_t                *origins;    /* ngx_str_t; NULL: the own */
} ngx_http_gmchat_loc_conf_t;


/*
 * A call.  It outlives its request where the store still has to answer, and
 * is freed when both are done with it.
 */

typedef struct ngx_http_gmchat_call_s  ngx_http_gmchat_call_t;

typedef struct ngx_http_gmchat_hold_s    ngx_http_gmchat_hold_t;
typedef struct ngx_http_gmchat_stream_s  ngx_http_gmchat_stream_t;

typedef void (*ngx_http_gmchat_next_pt)(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);

struct ngx_http_gmchat_call_s {
    ngx_queue_t                  queue;     /* of free or unsettled ones */
    ngx_queue_t                  siblings;  /* calls of one stream */
    ngx_http_request_t          *request;   /* NULL once it is gone, and of a
                                               frame's call */
    ngx_http_gmchat_loc_conf_t  *conf;
    ngx_http_gmchat_stream_t    *stream;    /* it came in a frame of; NULL */
    ngx_http_gmchat_stream_t    *opened;    /* by this call; NULL */
    ngx_http_gmchat_hold_t      *hold;      /* while it waits; NULL */
    ngx_http_post_subrequest_t  *role;      /* while a frame's role check is
                                               under way; NULL */

    gmchat_arena_t               arena;
    u_char                      *packed;    /* what a held call keeps of it */
    gmchat_args_t                args;
    const gmchat_action_t       *action;    /* NULL until it is known */
    gmchat_str_t                 group;
    gmchat_str_t                 prefix;
    gmchat_str_t                 hosts;     /* that the caller may speak for */
    gmchat_str_t                 operator;  /* who acts; empty: nobody named */
    gmchat_str_t                 address;   /* of an operator */
    gmchat_script_call_t         script;
    gmchat_known_ticket_t        ticket;    /* of a poll: what is known then */
    ngx_http_gmchat_next_pt      next;      /* with the store's reply */

    gmchat_status_e              status;
    gmchat_buf_t                 out;
    gmchat_buf_t                 data;
    gmchat_buf_t                 text;
    gmchat_str_t                 receipt;   /* of what was taken */
    uint64_t                     mark;      /* a frame's end in the stream */

    ngx_msec_t                   settle_until;

    uint64_t                     asked;     /* us, monotonic */
    uint64_t                     store_us;

    unsigned                     pending:1; /* the store has not answered */
    unsigned                     done:1;    /* the reply was made */
    unsigned                     busy:1;    /* counted by its stream */
    unsigned                     replace:1; /* it takes nginx's own's place */
};


extern ngx_module_t  ngx_http_gmchat_module;


/* ngx_http_gmchat_module.c */

/* A directive's value that may hold variables; NULL if it is none. */
ngx_http_complex_value_t *ngx_http_gmchat_value(ngx_conf_t *cf,
    ngx_str_t *value);


/* ngx_http_gmchat_call.c: the life of a call */

/* The request's call, which is made where it has none; NULL without memory. */
ngx_http_gmchat_call_t *ngx_http_gmchat_call_get(ngx_http_request_t *r);

/* A call that came in a frame of a stream; NULL without memory. */
ngx_http_gmchat_call_t *ngx_http_gmchat_call_frame(
    ngx_http_gmchat_stream_t *stream, ngx_http_gmchat_loc_conf_t *conf,
    ngx_queue_t *siblings);

/* A frame's call has ended, or its stream has: `landed` says whether the
 * connection took the reply. */
void ngx_http_gmchat_call_leave(ngx_http_gmchat_call_t *call,
    ngx_uint_t landed);

/* Gives back all memory that a call does not need while it waits.  Returns
 * NGX_OK, or NGX_ERROR without memory, and nothing is changed. */
ngx_int_t ngx_http_gmchat_call_pack(ngx_http_gmchat_call_t *call);

ngx_connection_t *ngx_http_gmchat_call_connection(
    ngx_http_gmchat_call_t *call);

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
void ngx_http_gmchat_run_args(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_scripted(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);


/* src/transport/ngx_http_gmchat_longpoll.c: calls with `wait` */

/* Whether the call is to be held where there is nothing to say. */
ngx_uint_t ngx_http_gmchat_hold_wanted(ngx_http_gmchat_call_t *call);

/* Runs the call's script, as often as it takes. */
void ngx_http_gmchat_hold(ngx_http_gmchat_call_t *call);

/* The script has nothing to say: returns NGX_AGAIN if the call is to go on
 * waiting, NGX_OK if its time is over. */
ngx_int_t ngx_http_gmchat_hold_quiet(ngx_http_gmchat_call_t *call);

/* The time of a call is over, if it is held. */
void ngx_http_gmchat_hold_end(ngx_http_gmchat_call_t *call);

/* The call ends, or is gone. */
void ngx_http_gmchat_hold_free(ngx_http_gmchat_call_t *call);

/* The worker exits: all held calls are answered. */
void ngx_http_gmchat_hold_leave(void);

/* Notes that the hosts of held calls are there; returns whether there are
 * such calls. */
ngx_uint_t ngx_http_gmchat_hold_seen(void);


/* src/transport/ngx_http_gmchat_park.c: held calls without their requests */

/* A request begins: it may be that of a call that was parked. */
ngx_int_t ngx_http_gmchat_park_handler(ngx_http_request_t *r);


/* src/transport/ngx_http_gmchat_stream.c: streams, whatever the transport */

/* Whether a call of an action with GMCHAT_A_STREAM may open one at all, as far
 * as its request says; else it is refused. */
ngx_uint_t ngx_http_gmchat_stream_wanted(ngx_http_gmchat_call_t *call);

/* Opens a stream for a call that may. */
void ngx_http_gmchat_stream_open(ngx_http_gmchat_call_t *call);

/* A frame's call adds or drops receivers of its own stream; NGX_DECLINED if it
 * is about another one. */
ngx_int_t ngx_http_gmchat_stream_change(ngx_http_gmchat_call_t *call);

/* A frame's call has ended: its reply goes to the stream. */
void ngx_http_gmchat_stream_reply(ngx_http_gmchat_call_t *call);

/* The request that asks the role service for a frame's call. */
ngx_http_request_t *ngx_http_gmchat_stream_asks(
    ngx_http_gmchat_stream_t *stream);

/* The worker exits: all streams are told to come back. */
void ngx_http_gmchat_stream_leave(void);

/* As ngx_http_gmchat_hold_seen(), of streams. */
ngx_uint_t ngx_http_gmchat_stream_seen(void);


/* src/feed/ngx_http_gmchat_idle.c: polls of which the worker knows that there
 * is nothing; the gmchat_poll_cache directive */

/* Adds a cache of the preset size to `caches`; NULL without memory. */
ngx_http_gmchat_idle_cache_t *ngx_http_gmchat_idle_create(ngx_conf_t *cf,
    ngx_array_t *caches);
char *ngx_http_gmchat_poll_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Answers a call that the store need not be asked for; else returns
 * NGX_DECLINED. */
ngx_int_t ngx_http_gmchat_idle_answer(ngx_http_gmchat_call_t *call);

/* The store answered the call's script: what that says of a mailbox; and what
 * was written, which all workers of this nginx know before the caller does. */
void ngx_http_gmchat_idle_learn(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);
void ngx_http_gmchat_idle_written(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value);

/* The worker exits. */
void ngx_http_gmchat_idle_exit(ngx_array_t *caches);


/* ngx_http_gmchat_leave.c: what is to be done when the worker is told to go,
 * and at intervals while somebody waits */

ngx_int_t ngx_http_gmchat_leave_init(ngx_cycle_t *cycle);
void ngx_http_gmchat_leave_free(void);

/* Somebody waits: hosts are to be noted as long as it does. */
void ngx_http_gmchat_waits(void);


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

/* A store's names are asked of the resolver that is in force here, unless it
 * has one. */
void ngx_http_gmchat_redis_resolver(ngx_conf_t *cf,
    ngx_gmchat_store_conf_t *redis);

/* The names of a store without a resolver have the addresses that they have
 * when the configuration is read. */
char *ngx_http_gmchat_redis_names(ngx_conf_t *cf,
    ngx_gmchat_store_conf_t *redis);


/* ngx_http_gmchat_durability.c: the gmchat_durability directive */

char *ngx_http_gmchat_durability(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Takes what is in force above, unless there is another one here, and tells
 * the store. */
void ngx_http_gmchat_durability_merge(ngx_http_gmchat_loc_conf_t *prev,
    ngx_http_gmchat_loc_conf_t *conf);

/* Asks the server of a store that is to fsync whether it can.  Blocks. */
char *ngx_http_gmchat_durability_check(ngx_conf_t *cf,
    ngx_gmchat_store_conf_t *redis);


/* ngx_http_gmchat_access.c: the server list */

ngx_int_t ngx_http_gmchat_access_handler(ngx_http_request_t *r);
char *ngx_http_gmchat_allow_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_gmchat_role.c: the role service */

ngx_uint_t ngx_http_gmchat_role_applies(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_role_ask(ngx_http_gmchat_call_t *call);


/* ngx_http_gmchat_operator.c: who acts at a gm endpoint */

char *ngx_http_gmchat_operator(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_gmchat_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_gmchat_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_gmchat_operator_merge(ngx_conf_t *cf,
    ngx_http_gmchat_loc_conf_t *prev, ngx_http_gmchat_loc_conf_t *conf);

/* Makes the scripts that operators' calls run; NGX_ERROR without memory. */
ngx_int_t ngx_http_gmchat_operator_scripts(void);

/* Who acts, where the location names somebody; .. */
gmchat_status_e ngx_http_gmchat_operator_name(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal);

/* .. and whether the call is of the operator's own will.  Each returns
 * GMCHAT_OK, or the status with `refusal` filled. */
gmchat_status_e ngx_http_gmchat_operator_proof(ngx_http_gmchat_call_t *call,
    gmchat_refusal_t *refusal);

/* Whether gmchat_admin names the operator. */
ngx_uint_t ngx_http_gmchat_operator_admin(ngx_http_gmchat_loc_conf_t *conf,
    const gmchat_str_t *operator);

/* Adds what the desk variant of call->script needs to know.  NGX_ERROR without
 * memory. */
ngx_int_t ngx_http_gmchat_operator_sign(ngx_http_gmchat_call_t *call);

/* Asks the store for the operator's right to the call, or has it note the
 * status that the call is refused with: `next` gets {status}, or what forbids
 * the call. */
void ngx_http_gmchat_operator_ask(ngx_http_gmchat_call_t *call,
    gmchat_status_e status, ngx_http_gmchat_next_pt next);


/* ngx_http_gmchat_seen.c: when hosts last polled */

void ngx_http_gmchat_seen(ngx_http_gmchat_store_t *store,
    const gmchat_str_t *prefix, const gmchat_str_t *host);


/* ngx_http_gmchat_stat.c: counters in shared memory */

ngx_int_t ngx_http_gmchat_stat_add(ngx_conf_t *cf,
    ngx_http_gmchat_main_conf_t *gmcf);
void ngx_http_gmchat_stat_call(ngx_http_gmchat_call_t *call);
void ngx_http_gmchat_stat_store_time(uint64_t us);
void ngx_http_gmchat_stat_waits(ngx_http_gmchat_transport_e transport,
    ngx_int_t change);
void ngx_http_gmchat_stat_parked(ngx_int_t change);
void ngx_http_gmchat_stat_event(ngx_http_gmchat_transport_e transport);
void ngx_http_gmchat_stat_slow(void);
void ngx_http_gmchat_stat_spared(ngx_http_gmchat_store_t *store);

/* How often something was written to receivers whose channels have this hash,
 * among others. */
ngx_atomic_t *ngx_http_gmchat_stat_changes(uint32_t hash);
ngx_gmchat_store_counters_t *ngx_http_gmchat_stat_counters(
    ngx_http_gmchat_store_t *store);
ngx_gmchat_store_gauges_t *ngx_http_gmchat_stat_gauges(
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

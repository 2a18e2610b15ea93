#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include <ngx_sha1.h>

#include "gmchat_backoff.h"
#include "gmchat_fault.h"
#include "gmchat_resp.h"
#include "gmchat_script.h"
#include "ngx_gmchat_redis.h"


/* Milliseconds: a failover is noticed soon, and a dead server is not flooded
 * by many workers. */
#define NGX_GMCHAT_BACKOFF_BASE  50
#define NGX_GMCHAT_BACKOFF_CAP   1000

/* One read takes what a full pipeline answers. */
#define NGX_GMCHAT_READ_SIZE     65536

/* Memory of the output buffer that stays between bursts. */
#define NGX_GMCHAT_OUT_KEEP      262144

/* "*15\r\n" and "$<len>\r\n...\r\n": RESP's share of a word, at most. */
#define NGX_GMCHAT_WORD_FRAME    24


typedef struct {
    ngx_queue_t             queue;
    gmchat_script_call_t    script;     /* of a call by submit() */
    gmchat_store_done_pt    done;
    void                   *data;
    size_t                  size;       /* what it counts for in the queue */
    uint64_t                begin;      /* where its bytes begin in the stream */
    ngx_msec_t              since;      /* when they were put there */
    unsigned                internal:1; /* set-up and probe */
    unsigned                eval:1;     /* with the script's text */
} ngx_gmchat_redis_call_t;


struct gmchat_store_s {
    ngx_gmchat_redis_conf_t      *conf;
    ngx_gmchat_redis_counters_t  *counters;
    ngx_gmchat_redis_gauges_t    *gauges;

    gmchat_link_state_e           state;
    const char                   *reason;
    unsigned                      failures;     /* in a row */
    ngx_uint_t                    addr;         /* the next to try */

    ngx_log_t                     log;
    ngx_pool_t                   *pool;         /* the connection's */
    ngx_connection_t             *connection;
    ngx_peer_connection_t         peer;
    redisReader                  *reader;
    gmchat_arena_t                arena;        /* the reply being handled */

    gmchat_buf_t                  out;
    size_t                        out_pos;
    uint64_t                      written;      /* bytes, since connecting */
    uint64_t                      formatted;

    ngx_queue_t                   waiting;      /* not formatted yet */
    ngx_queue_t                   sent;         /* formatted, not answered */
    ngx_queue_t                   refused;      /* to be told so */
    ngx_queue_t                   free;
    ngx_uint_t                    ncalls;
    size_t                        nbytes;
    ngx_uint_t                    setup_left;   /* answers */

    u_char                        history[GMCHAT_SHA_LEN];
    size_t                        history_len;

    ngx_event_t                   flush;        /* posted */
    ngx_event_t                   deadline;     /* of connecting, of answers */
    ngx_event_t                   retry;
    ngx_event_t                   probe;

    ngx_gmchat_cause_e            leaving_cause;
    unsigned                      leaving:1;    /* lost once all is answered */
    unsigned                      connecting:1; /* connect() is under way */
    unsigned                      probing:1;
};


static void ngx_gmchat_redis_event(gmchat_store_t *store,
    gmchat_link_event_e event);
static void ngx_gmchat_redis_lose(gmchat_store_t *store,
    ngx_gmchat_cause_e cause, const char *reason);

static void ngx_gmchat_redis_connect(gmchat_store_t *store);
static void ngx_gmchat_redis_connected(gmchat_store_t *store);
#if (NGX_SSL)
static void ngx_gmchat_redis_handshake(gmchat_store_t *store);
static void ngx_gmchat_redis_handshaken(ngx_connection_t *c);
#endif
static void ngx_gmchat_redis_close_connection(gmchat_store_t *store);
static void ngx_gmchat_redis_setup(gmchat_store_t *store);
static void ngx_gmchat_redis_fail_calls(gmchat_store_t *store);

static void ngx_gmchat_redis_flush_handler(ngx_event_t *ev);
static void ngx_gmchat_redis_deadline_handler(ngx_event_t *ev);
static void ngx_gmchat_redis_retry_handler(ngx_event_t *ev);
static void ngx_gmchat_redis_probe_handler(ngx_event_t *ev);
static void ngx_gmchat_redis_read_handler(ngx_event_t *rev);
static void ngx_gmchat_redis_write_handler(ngx_event_t *wev);


static const char *const  ngx_gmchat_redis_causes[NGX_GMCHAT_CAUSES] = {
    "connect", "timeout", "tls", "auth", "loading", "readonly", "masterdown",
    "setup", "closed", "protocol", "memory"
};


const char *
ngx_gmchat_redis_cause(ngx_gmchat_cause_e cause)
{
    return ngx_gmchat_redis_causes[cause];
}


/* Opening and closing */


static void
ngx_gmchat_redis_hash_scripts(void)
{
    u_char            digest[20];
    ngx_sha1_t        sha1;
    gmchat_script_t  *script;

    for (script = gmchat_script_list(); script->name.len; script++) {
        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, script->body.data, script->body.len);
        ngx_sha1_final(digest, &sha1);
        ngx_hex_dump(script->sha, digest, sizeof(digest));
    }
}


static void
ngx_gmchat_redis_init_event(gmchat_store_t *store, ngx_event_t *ev,
    ngx_event_handler_pt handler)
{
    ev->handler = handler;
    ev->data = store;
    ev->log = &store->log;
    ev->cancelable = 1;
}


gmchat_store_t *
ngx_gmchat_redis_open(ngx_cycle_t *cycle, ngx_gmchat_redis_conf_t *conf,
    ngx_gmchat_redis_counters_t *counters, ngx_gmchat_redis_gauges_t *gauges)
{
    gmchat_store_t  *store;

    store = ngx_pcalloc(cycle->pool, sizeof(gmchat_store_t));
    if (store == NULL) {
        return NULL;
    }

    ngx_gmchat_redis_hash_scripts();

    store->conf = conf;
    store->counters = counters;
    store->gauges = gauges;
    store->log = *cycle->log;

    ngx_queue_init(&store->waiting);
    ngx_queue_init(&store->sent);
    ngx_queue_init(&store->refused);
    ngx_queue_init(&store->free);

    ngx_gmchat_redis_init_event(store, &store->flush,
                                ngx_gmchat_redis_flush_handler);
    ngx_gmchat_redis_init_event(store, &store->deadline,
                                ngx_gmchat_redis_deadline_handler);
    ngx_gmchat_redis_init_event(store, &store->retry,
                                ngx_gmchat_redis_retry_handler);
    ngx_gmchat_redis_init_event(store, &store->probe,
                                ngx_gmchat_redis_probe_handler);

    ngx_gmchat_redis_event(store, GMCHAT_LINK_START);

    return store;
}


static void
ngx_gmchat_redis_free_calls(gmchat_store_t *store)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&store->free)) {
        q = ngx_queue_head(&store->free);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_gmchat_redis_call_t, queue));
    }
}


void
ngx_gmchat_redis_close(gmchat_store_t *store)
{
    ngx_gmchat_redis_event(store, GMCHAT_LINK_EXIT);

    if (store->retry.timer_set) {
        ngx_del_timer(&store->retry);
    }

    if (store->flush.posted) {
        ngx_delete_posted_event(&store->flush);
    }

    ngx_gmchat_redis_free_calls(store);
    gmchat_buf_free(&store->out);
    gmchat_arena_free(&store->arena);
}


gmchat_link_state_e
ngx_gmchat_redis_state(gmchat_store_t *store, const char **reason)
{
    if (reason) {
        *reason = store->reason;
    }

    return store->state;
}


/* The state machine's effects */


static void
ngx_gmchat_redis_backoff(gmchat_store_t *store)
{
    ngx_add_timer(&store->retry,
                  gmchat_backoff_delay(store->failures,
                                       NGX_GMCHAT_BACKOFF_BASE,
                                       NGX_GMCHAT_BACKOFF_CAP,
                                       (uint32_t) ngx_random()));
}


static void
ngx_gmchat_redis_serve(gmchat_store_t *store)
{
    if (store->failures) {
        ngx_log_error(NGX_LOG_NOTICE, &store->log, 0,
                      "gmchat: store %V is back", &store->conf->name);
    }

    store->failures = 0;
    store->reason = NULL;
    store->log.log_level = ngx_cycle->log->log_level;
    (void) ngx_atomic_fetch_add(&store->counters->connected, 1);

    if (store->conf->probe) {
        ngx_add_timer(&store->probe, store->conf->probe);
    }

    ngx_post_event(&store->flush, &ngx_posted_events);
}


static void
ngx_gmchat_redis_event(gmchat_store_t *store, gmchat_link_event_e event)
{
    gmchat_link_step_t  step;

    step = gmchat_link_step(store->state, event);

    store->state = step.next;
    store->gauges->state = step.next;

    if (step.effects & GMCHAT_LINK_DO_CLOSE) {
        ngx_gmchat_redis_close_connection(store);
    }

    if (step.effects & GMCHAT_LINK_DO_FAIL) {
        ngx_gmchat_redis_fail_calls(store);
    }

    if (step.effects & GMCHAT_LINK_DO_BACKOFF) {
        ngx_gmchat_redis_backoff(store);
    }

    if (step.effects & GMCHAT_LINK_DO_CONNECT) {
        ngx_gmchat_redis_connect(store);
    }

    if (step.effects & GMCHAT_LINK_DO_SETUP) {
        ngx_gmchat_redis_setup(store);
    }

    if (step.effects & GMCHAT_LINK_DO_SERVE) {
        ngx_gmchat_redis_serve(store);
    }
}


/* The first loss in a row is logged, the rest are counted. */

static void
ngx_gmchat_redis_lose(gmchat_store_t *store, ngx_gmchat_cause_e cause,
    const char *reason)
{
    (void) ngx_atomic_fetch_add(&store->counters->lost[cause], 1);

    if (store->failures == 0) {
        ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                      "gmchat: store %V is lost: %s; calls are refused until "
                      "it is back", &store->conf->name, reason);
        store->log.log_level = NGX_LOG_ALERT;
    }

    store->failures++;
    store->reason = reason;
    store->addr++;

    ngx_gmchat_redis_event(store, GMCHAT_LINK_FAILED);
}


/* Connecting */


static void
ngx_gmchat_redis_expect(gmchat_store_t *store, ngx_msec_t timeout)
{
    ngx_add_timer(&store->deadline, timeout);
}


static void
ngx_gmchat_redis_connect(gmchat_store_t *store)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &store->conf->addrs[store->addr % store->conf->naddrs];

    ngx_memzero(&store->peer, sizeof(ngx_peer_connection_t));
    store->peer.sockaddr = addr->sockaddr;
    store->peer.socklen = addr->socklen;
    store->peer.name = &addr->name;
    store->peer.get = ngx_event_get_peer;
    store->peer.log = &store->log;
    store->peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&store->peer);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        store->connection = NULL;
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot connect");
        return;
    }

    c = store->peer.connection;
    c->data = store;
    c->log = &store->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_gmchat_redis_read_handler;
    c->write->handler = ngx_gmchat_redis_write_handler;

    store->connection = c;
    store->connecting = 1;
    store->written = 0;
    store->formatted = 0;
    store->leaving = 0;
    store->probing = 0;

    store->reader = gmchat_resp_reader(&store->arena);
    store->pool = ngx_create_pool(512, &store->log);
    c->pool = store->pool;

    if (store->reader == NULL || store->pool == NULL) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    store->deadline.cancelable = 0;
    ngx_gmchat_redis_expect(store, store->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_gmchat_redis_connected(store);
    }
}


static ngx_int_t
ngx_gmchat_redis_test_connect(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_ERR, c->log, err, "gmchat: connect() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_connected(gmchat_store_t *store)
{
    ngx_connection_t  *c;

    c = store->connection;

    if (ngx_gmchat_redis_test_connect(c) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot connect");
        return;
    }

    store->connecting = 0;

    if (store->conf->url.kind != GMCHAT_URL_UNIX
        && ngx_tcp_nodelay(c) != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                              "cannot set TCP_NODELAY");
        return;
    }

#if (NGX_SSL)

    if (store->conf->ssl) {
        ngx_gmchat_redis_handshake(store);
        return;
    }

#endif

    ngx_gmchat_redis_event(store, GMCHAT_LINK_CONNECTED);
}


#if (NGX_SSL)

static void
ngx_gmchat_redis_handshake(gmchat_store_t *store)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = store->connection;

    if (ngx_ssl_create_connection(store->conf->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "cannot begin TLS");
        return;
    }

    /* each write is a whole pipeline already */

    c->ssl->buffer = 0;

    if (store->conf->ssl_name.len
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) store->conf->ssl_name.data)
           == 0)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "cannot name the server in TLS");
        return;
    }

    store->connecting = 1;
    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_gmchat_redis_handshaken;
        return;
    }

    ngx_gmchat_redis_handshaken(c);
}


static void
ngx_gmchat_redis_handshaken(ngx_connection_t *c)
{
    gmchat_store_t  *store;

    store = c->data;

    if (!c->ssl->handshaked) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "the TLS handshake failed");
        return;
    }

    if (store->conf->ssl_verify
        && (SSL_get_verify_result(c->ssl->connection) != X509_V_OK
            || ngx_ssl_check_host(c, &store->conf->ssl_name) != NGX_OK))
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TLS,
                              "the server's certificate is not valid for "
                              "this name and CA");
        return;
    }

    store->connecting = 0;
    c->read->handler = ngx_gmchat_redis_read_handler;
    c->write->handler = ngx_gmchat_redis_write_handler;

    ngx_gmchat_redis_event(store, GMCHAT_LINK_CONNECTED);
}

#endif


static void
ngx_gmchat_redis_close_connection(gmchat_store_t *store)
{
    ngx_connection_t  *c;

    if (store->deadline.timer_set) {
        ngx_del_timer(&store->deadline);
    }

    if (store->probe.timer_set) {
        ngx_del_timer(&store->probe);
    }

    c = store->connection;
    store->connection = NULL;

    if (c) {
#if (NGX_SSL)
        if (c->ssl) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;
            (void) ngx_ssl_shutdown(c);
        }
#endif
        ngx_close_connection(c);
    }

    if (store->pool) {
        ngx_destroy_pool(store->pool);
        store->pool = NULL;
    }

    if (store->reader) {
        redisReaderFree(store->reader);
        store->reader = NULL;
    }
}


/* Calls */


static ngx_gmchat_redis_call_t *
ngx_gmchat_redis_new_call(gmchat_store_t *store)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&store->free)) {
        return ngx_alloc(sizeof(ngx_gmchat_redis_call_t), &store->log);
    }

    q = ngx_queue_head(&store->free);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);
}


/* The call is not in a queue.  Its end may submit others. */

static void
ngx_gmchat_redis_end_call(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    gmchat_store_outcome_e outcome, const gmchat_value_t *value)
{
    void                  *data;
    gmchat_store_done_pt   done;

    done = call->done;
    data = call->data;

    if (!call->internal) {
        store->ncalls--;
        store->nbytes -= call->size;
        store->gauges->queue = store->ncalls;
    }

    ngx_queue_insert_head(&store->free, &call->queue);

    done(data, outcome, value);
}


/* What was sent, even in part, may have been done. */

static void
ngx_gmchat_redis_fail_calls(gmchat_store_t *store)
{
    ngx_queue_t               failed, *q;
    ngx_gmchat_redis_call_t  *call;
    uint64_t                  written;

    written = store->written;

    ngx_queue_init(&failed);
    ngx_queue_add(&failed, &store->sent);
    ngx_queue_init(&store->sent);

    for (q = ngx_queue_head(&store->waiting);
         q != ngx_queue_sentinel(&store->waiting);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);
        call->begin = written;
    }

    ngx_queue_add(&failed, &store->waiting);
    ngx_queue_init(&store->waiting);

    gmchat_buf_reset(&store->out, NGX_GMCHAT_OUT_KEEP);
    store->out_pos = 0;

    while (!ngx_queue_empty(&failed)) {
        q = ngx_queue_head(&failed);
        ngx_queue_remove(q);
        call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);

        ngx_gmchat_redis_end_call(store, call,
                                  call->begin < written ? GMCHAT_STORE_UNKNOWN
                                                        : GMCHAT_STORE_REFUSED,
                                  NULL);
    }
}


static size_t
ngx_gmchat_redis_size(const gmchat_script_call_t *script)
{
    size_t    size;
    unsigned  i;

    size = sizeof(ngx_gmchat_redis_call_t);

    for (i = 0; i < script->n; i++) {
        size += script->words[i].len + NGX_GMCHAT_WORD_FRAME;
    }

    return size;
}


int
gmchat_store_submit(gmchat_store_t *store, const gmchat_script_call_t *script,
    gmchat_store_done_pt done, void *data)
{
    ngx_gmchat_redis_call_t  *call;

    call = ngx_gmchat_redis_new_call(store);
    if (call == NULL) {
        return -1;
    }

    call->script = *script;
    call->done = done;
    call->data = data;
    call->size = ngx_gmchat_redis_size(script);
    call->internal = 0;
    call->eval = 0;

    store->ncalls++;
    store->nbytes += call->size;
    store->gauges->queue = store->ncalls;
    (void) ngx_atomic_fetch_add(&store->counters->calls, 1);

    ngx_post_event(&store->flush, &ngx_posted_events);

    if (gmchat_link_refuses(store->state)) {
        ngx_queue_insert_tail(&store->refused, &call->queue);
        return 0;
    }

    if (store->ncalls > store->conf->queue_calls
        || store->nbytes > store->conf->queue_bytes)
    {
        (void) ngx_atomic_fetch_add(&store->counters->overflows, 1);
        ngx_queue_insert_tail(&store->refused, &call->queue);
        return 0;
    }

    ngx_queue_insert_tail(&store->waiting, &call->queue);

    return 0;
}


/* Writing */


/* Puts a command at the end of what is to be written. */

static ngx_int_t
ngx_gmchat_redis_put(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    const gmchat_str_t *words, size_t n)
{
    size_t  before;

    before = store->out.len;

    if (gmchat_resp_command(&store->out, words, n) != 0) {
        return NGX_ERROR;
    }

    call->begin = store->formatted;
    call->since = ngx_current_msec;
    store->formatted += store->out.len - before;

    ngx_queue_insert_tail(&store->sent, &call->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_gmchat_redis_put_script(gmchat_store_t *store,
    ngx_gmchat_redis_call_t *call)
{
    u_char                   nkeys[NGX_INT_T_LEN];
    unsigned                 i;
    gmchat_str_t             words[3 + GMCHAT_KEYS_MAX + GMCHAT_ARGV_MAX];
    const gmchat_script_t   *script;
    gmchat_script_call_t    *what;

    static const gmchat_str_t  eval = gmchat_string("EVAL");
    static const gmchat_str_t  evalsha = gmchat_string("EVALSHA");

    what = &call->script;
    script = gmchat_script_find(what->script);

    if (script == NULL) {
        ngx_log_error(NGX_LOG_ALERT, &store->log, 0,
                      "gmchat: there is no script \"%s\"", what->script);
        return NGX_ERROR;
    }

    words[0] = call->eval ? eval : evalsha;
    words[1].data = call->eval ? script->body.data
                               : (unsigned char *) script->sha;
    words[1].len = call->eval ? script->body.len : GMCHAT_SHA_LEN;
    words[2].data = nkeys;
    words[2].len = (size_t) (ngx_sprintf(nkeys, "%ui",
                                         (ngx_uint_t) what->nkeys) - nkeys);

    for (i = 0; i < what->n; i++) {
        words[3 + i] = what->words[i];
    }

    if (what->history) {
        words[3 + what->history].data = store->history;
        words[3 + what->history].len = store->history_len;
    }

    return ngx_gmchat_redis_put(store, call, words, 3 + what->n);
}


static void
ngx_gmchat_redis_put_waiting(gmchat_store_t *store)
{
    ngx_queue_t              *q;
    ngx_gmchat_redis_call_t  *call;

    while (!ngx_queue_empty(&store->waiting)) {
        q = ngx_queue_head(&store->waiting);
        ngx_queue_remove(q);
        call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);

        if (ngx_gmchat_redis_put_script(store, call) != NGX_OK) {
            ngx_gmchat_redis_end_call(store, call, GMCHAT_STORE_REFUSED, NULL);
        }
    }
}


static void
ngx_gmchat_redis_write(gmchat_store_t *store)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = store->connection;

    while (store->out_pos < store->out.len) {

        n = c->send(c, store->out.data + store->out_pos,
                    store->out.len - store->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                                  "the connection was cut");
            return;
        }

        store->out_pos += (size_t) n;
        store->written += (uint64_t) n;
    }

    if (store->out_pos == store->out.len) {
        gmchat_buf_reset(&store->out, NGX_GMCHAT_OUT_KEEP);
        store->out_pos = 0;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                              "the connection cannot be watched");
    }
}


static void
ngx_gmchat_redis_flush_handler(ngx_event_t *ev)
{
    ngx_queue_t      refused, *q;
    gmchat_store_t  *store;

    store = ev->data;

    ngx_queue_init(&refused);
    ngx_queue_add(&refused, &store->refused);
    ngx_queue_init(&store->refused);

    while (!ngx_queue_empty(&refused)) {
        q = ngx_queue_head(&refused);
        ngx_queue_remove(q);
        ngx_gmchat_redis_end_call(store,
                                  ngx_queue_data(q, ngx_gmchat_redis_call_t,
                                                 queue),
                                  GMCHAT_STORE_REFUSED, NULL);
    }

    if (store->state != GMCHAT_LINK_READY || store->leaving
        || ngx_queue_empty(&store->waiting))
    {
        return;
    }

    ngx_gmchat_redis_put_waiting(store);

    store->deadline.cancelable = 0;
    if (!store->deadline.timer_set) {
        ngx_gmchat_redis_expect(store, store->conf->timeout);
    }

    ngx_gmchat_redis_write(store);
}


static void
ngx_gmchat_redis_write_handler(ngx_event_t *wev)
{
    gmchat_store_t    *store;
    ngx_connection_t  *c;

    c = wev->data;
    store = c->data;

    if (store->connecting) {
        ngx_gmchat_redis_connected(store);
        return;
    }

    ngx_gmchat_redis_write(store);
}


/* Set-up and probe */


static ngx_int_t
ngx_gmchat_redis_command(gmchat_store_t *store, gmchat_store_done_pt done,
    const gmchat_str_t *words, size_t n)
{
    ngx_gmchat_redis_call_t  *call;

    call = ngx_gmchat_redis_new_call(store);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->done = done;
    call->data = store;
    call->size = 0;
    call->internal = 1;
    call->eval = 0;

    if (ngx_gmchat_redis_put(store, call, words, n) != NGX_OK) {
        ngx_queue_insert_head(&store->free, &call->queue);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_gmchat_cause_e
ngx_gmchat_redis_cause_of(const gmchat_str_t *error)
{
    ngx_uint_t             cause;
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(error);

    for (cause = 0; cause < NGX_GMCHAT_CAUSES; cause++) {
        if (ngx_strcmp(fault->cause, ngx_gmchat_redis_causes[cause]) == 0) {
            return cause;
        }
    }

    return NGX_GMCHAT_CAUSE_SETUP;
}


/* One answer of the set-up: the last that is no error makes the link ready. */

static void
ngx_gmchat_redis_setup_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    gmchat_store_t  *store;

    store = data;

    if (outcome != GMCHAT_STORE_REPLY || store->leaving) {
        return;
    }

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                      "gmchat: store %V refused the set-up: \"%*s\"",
                      &store->conf->name, value->str.len, value->str.data);
        store->leaving = 1;
        store->leaving_cause = ngx_gmchat_redis_cause_of(&value->str);
        return;
    }

    store->setup_left--;

    if (store->setup_left == 0) {
        ngx_gmchat_redis_event(store, GMCHAT_LINK_PREPARED);
    }
}


/* A line "name:value" of INFO. */

static ngx_int_t
ngx_gmchat_redis_info(const gmchat_str_t *info, const char *name,
    ngx_str_t *value)
{
    u_char  *p, *end, *last;
    size_t   len;

    len = ngx_strlen(name);
    p = info->data;
    last = p + info->len;

    while (p < last) {
        end = ngx_strlchr(p, last, '\n');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) > len && p[len] == ':'
            && ngx_memcmp(p, name, len) == 0)
        {
            value->data = p + len + 1;
            value->len = (size_t) (end - value->data);

            while (value->len && value->data[value->len - 1] == '\r') {
                value->len--;
            }

            return NGX_OK;
        }

        p = end + 1;
    }

    return NGX_DECLINED;
}


/* The history that this server has, and whether it may be written to. */

static void
ngx_gmchat_redis_info_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_str_t        role, id;
    gmchat_store_t  *store;

    store = data;

    if (outcome == GMCHAT_STORE_REPLY && !store->leaving
        && value->kind != GMCHAT_VALUE_ERROR)
    {
        if (value->kind != GMCHAT_VALUE_STRING
            || ngx_gmchat_redis_info(&value->str, "role", &role) != NGX_OK
            || ngx_gmchat_redis_info(&value->str, "master_replid", &id)
               != NGX_OK
            || id.len == 0 || id.len > sizeof(store->history))
        {
            ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                          "gmchat: store %V tells no role and replication id",
                          &store->conf->name);
            store->leaving = 1;
            store->leaving_cause = NGX_GMCHAT_CAUSE_SETUP;
            return;
        }

        if (role.len != 6 || ngx_strncmp(role.data, "master", 6) != 0) {
            ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                          "gmchat: store %V is a replica", &store->conf->name);
            store->leaving = 1;
            store->leaving_cause = NGX_GMCHAT_CAUSE_READONLY;
            return;
        }

        ngx_memcpy(store->history, id.data, id.len);
        store->history_len = id.len;
    }

    ngx_gmchat_redis_setup_done(data, outcome, value);
}


static ngx_int_t
ngx_gmchat_redis_put_auth(gmchat_store_t *store)
{
    size_t        n;
    gmchat_str_t  words[3];

    static const gmchat_str_t  auth = gmchat_string("AUTH");

    if (store->conf->password.len == 0) {
        return NGX_OK;
    }

    n = 0;
    words[n++] = auth;

    if (store->conf->user.len) {
        words[n].data = store->conf->user.data;
        words[n++].len = store->conf->user.len;
    }

    words[n].data = store->conf->password.data;
    words[n++].len = store->conf->password.len;
    store->setup_left++;

    return ngx_gmchat_redis_command(store, ngx_gmchat_redis_setup_done, words,
                                    n);
}


static ngx_int_t
ngx_gmchat_redis_put_select(gmchat_store_t *store)
{
    u_char        number[NGX_INT_T_LEN];
    gmchat_str_t  words[2] = { gmchat_string("SELECT"), { 0, number } };

    if (store->conf->url.db == 0) {
        return NGX_OK;
    }

    words[1].len = (size_t) (ngx_sprintf(number, "%ui",
                                         (ngx_uint_t) store->conf->url.db)
                             - number);
    store->setup_left++;

    return ngx_gmchat_redis_command(store, ngx_gmchat_redis_setup_done, words,
                                    2);
}


static ngx_int_t
ngx_gmchat_redis_put_info(gmchat_store_t *store)
{
    gmchat_str_t  words[2] = { gmchat_string("INFO"),
                               gmchat_string("replication") };

    store->setup_left++;

    return ngx_gmchat_redis_command(store, ngx_gmchat_redis_info_done, words,
                                    2);
}


static ngx_int_t
ngx_gmchat_redis_put_loads(gmchat_store_t *store)
{
    gmchat_str_t            words[3] = { gmchat_string("SCRIPT"),
                                         gmchat_string("LOAD"), { 0, NULL } };
    const gmchat_script_t  *script;

    for (script = gmchat_script_list(); script->name.len; script++) {
        words[2] = script->body;
        store->setup_left++;

        if (ngx_gmchat_redis_command(store, ngx_gmchat_redis_setup_done,
                                     words, 3)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_setup(gmchat_store_t *store)
{
    store->setup_left = 0;

    if (ngx_gmchat_redis_put_auth(store) != NGX_OK
        || ngx_gmchat_redis_put_select(store) != NGX_OK
        || ngx_gmchat_redis_put_info(store) != NGX_OK
        || ngx_gmchat_redis_put_loads(store) != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    if (ngx_handle_read_event(store->connection->read, 0) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                              "the connection cannot be watched");
        return;
    }

    ngx_gmchat_redis_write(store);
}


static void
ngx_gmchat_redis_probe_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    gmchat_store_t  *store;

    store = data;
    store->probing = 0;

    if (outcome == GMCHAT_STORE_REPLY && value->kind == GMCHAT_VALUE_ERROR) {
        store->leaving = 1;
        store->leaving_cause = ngx_gmchat_redis_cause_of(&value->str);
    }
}


/* A link that nobody calls shows that it is alive. */

static void
ngx_gmchat_redis_probe_handler(ngx_event_t *ev)
{
    gmchat_str_t     word = gmchat_string("PING");
    gmchat_store_t  *store;

    store = ev->data;

    if (store->state != GMCHAT_LINK_READY || ngx_exiting) {
        return;
    }

    ngx_add_timer(&store->probe, store->conf->probe);

    if (!ngx_queue_empty(&store->sent)) {
        return;
    }

    if (ngx_gmchat_redis_command(store, ngx_gmchat_redis_probe_done, &word, 1)
        != NGX_OK)
    {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY, "no memory");
        return;
    }

    store->probing = 1;

    if (!store->deadline.timer_set) {
        ngx_gmchat_redis_expect(store, store->conf->timeout);
    }

    ngx_gmchat_redis_write(store);
}


/* Reading */


/* An error reply to a script. */

static void
ngx_gmchat_redis_fault(gmchat_store_t *store, ngx_gmchat_redis_call_t *call,
    const gmchat_value_t *value)
{
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(&value->str);

    if (fault->cure == GMCHAT_FAULT_RERUN && !call->eval) {
        (void) ngx_atomic_fetch_add(&store->counters->reruns, 1);
        call->eval = 1;
        ngx_queue_insert_tail(&store->waiting, &call->queue);
        ngx_post_event(&store->flush, &ngx_posted_events);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, &store->log, 0,
                  "gmchat: store %V answered \"%s\" with \"%*s\"",
                  &store->conf->name, call->script.script, value->str.len,
                  value->str.data);

    if (fault->cure == GMCHAT_FAULT_RECONNECT) {
        store->leaving = 1;
        store->leaving_cause = ngx_gmchat_redis_cause_of(&value->str);
    }

    ngx_gmchat_redis_end_call(store, call, fault->outcome, NULL);
}


static ngx_int_t
ngx_gmchat_redis_answer(gmchat_store_t *store, const gmchat_value_t *value)
{
    ngx_queue_t              *q;
    ngx_gmchat_redis_call_t  *call;

    if (ngx_queue_empty(&store->sent)) {
        return NGX_ERROR;
    }

    q = ngx_queue_head(&store->sent);
    call = ngx_queue_data(q, ngx_gmchat_redis_call_t, queue);

    if (call->begin >= store->written) {
        return NGX_ERROR;
    }

    ngx_queue_remove(q);

    if (value->kind == GMCHAT_VALUE_ERROR && !call->internal) {
        ngx_gmchat_redis_fault(store, call, value);
        return NGX_OK;
    }

    ngx_gmchat_redis_end_call(store, call, GMCHAT_STORE_REPLY, value);

    return NGX_OK;
}


/* Handles the whole replies that were read.  Returns NGX_ERROR if the
 * connection is gone. */

static ngx_int_t
ngx_gmchat_redis_answers(gmchat_store_t *store, ngx_connection_t *c)
{
    void  *value;

    for ( ;; ) {
        value = NULL;

        if (redisReaderGetReply(store->reader, &value) != REDIS_OK) {
            ngx_gmchat_redis_lose(store,
                                  store->reader->err == REDIS_ERR_OOM
                                      ? NGX_GMCHAT_CAUSE_MEMORY
                                      : NGX_GMCHAT_CAUSE_PROTOCOL,
                                  "a reply could not be read");
            return NGX_ERROR;
        }

        if (value == NULL) {
            return NGX_OK;
        }

        if (ngx_gmchat_redis_answer(store, value) != NGX_OK) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_PROTOCOL,
                                  "a reply came that nobody asked for");
            return NGX_ERROR;
        }

        if (store->connection != c) {
            return NGX_ERROR;
        }

        gmchat_arena_reset(&store->arena);
    }
}


/* Nothing is left to answer: what is to be done about the deadline, and about
 * a server that cannot serve. */

static void
ngx_gmchat_redis_answered(gmchat_store_t *store)
{
    if (store->state == GMCHAT_LINK_READY && !store->leaving) {

        /* the timer stays, and finds nothing to wait for */

        store->deadline.cancelable = 1;
        return;
    }

    if (store->leaving) {
        ngx_gmchat_redis_lose(store, store->leaving_cause,
                              ngx_gmchat_redis_causes[store->leaving_cause]);
    }
}


static void
ngx_gmchat_redis_read_handler(ngx_event_t *rev)
{
    ssize_t            n;
    gmchat_store_t    *store;
    ngx_connection_t  *c;
    static u_char      buf[NGX_GMCHAT_READ_SIZE];

    c = rev->data;
    store = c->data;

    if (store->connecting) {
        if (ngx_gmchat_redis_test_connect(c) != NGX_OK) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CONNECT,
                                  "cannot connect");
        }
        return;
    }

    do {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                                  "the connection was cut");
            return;
        }

        if (redisReaderFeed(store->reader, (char *) buf, (size_t) n)
            != REDIS_OK)
        {
            ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_MEMORY,
                                  "no memory");
            return;
        }

        if (ngx_gmchat_redis_answers(store, c) != NGX_OK) {
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_CLOSED,
                              "the connection cannot be watched");
        return;
    }

    if (ngx_queue_empty(&store->sent)) {
        ngx_gmchat_redis_answered(store);
    }
}


/* Timers */


static void
ngx_gmchat_redis_deadline_handler(ngx_event_t *ev)
{
    ngx_msec_int_t            left;
    gmchat_store_t           *store;
    ngx_gmchat_redis_call_t  *oldest;

    store = ev->data;

    if (store->state != GMCHAT_LINK_READY) {
        ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TIMEOUT,
                              "no connection in time");
        return;
    }

    if (ngx_queue_empty(&store->sent)) {
        return;
    }

    oldest = ngx_queue_data(ngx_queue_head(&store->sent),
                            ngx_gmchat_redis_call_t, queue);
    left = (ngx_msec_int_t) (oldest->since + store->conf->timeout
                             - ngx_current_msec);

    if (left > 0) {
        ngx_gmchat_redis_expect(store, (ngx_msec_t) left);
        return;
    }

    ngx_gmchat_redis_lose(store, NGX_GMCHAT_CAUSE_TIMEOUT,
                          "no answer in time");
}


static void
ngx_gmchat_redis_retry_handler(ngx_event_t *ev)
{
    ngx_gmchat_redis_event(ev->data, GMCHAT_LINK_RETRY);
}

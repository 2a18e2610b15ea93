#include "ngx_http_gmchat.h"


/* In milliseconds: how often the store hears of polls at most, as an idle poll
 * is no write, and many of them are one; and how soon of one that comes after a
 * time without, with others that come at once. */
#define NGX_HTTP_GMCHAT_SEEN_DELAY  2000
#define NGX_HTTP_GMCHAT_SEEN_FIRST  10

/* Hosts told of in one call of the store. */
#define NGX_HTTP_GMCHAT_SEEN_MAX    1000

/* "gmchat:{" group "}:" host, a group having 64 bytes and a host 19 digits. */
#define NGX_HTTP_GMCHAT_SEEN_KEY    128


typedef struct {
    ngx_str_node_t           sn;        /* <group prefix><host> */
    ngx_queue_t              queue;
    ngx_http_gmchat_store_t *store;
    size_t                   prefix_len;
    ngx_msec_t               polled;
} ngx_http_gmchat_seen_t;


/* A call of the store that is under way: its strings. */

typedef struct {
    gmchat_script_call_t     script;
    gmchat_buf_t             prefix;
    gmchat_buf_t             hosts;
} ngx_http_gmchat_seen_call_t;


static void ngx_http_gmchat_seen_flush(ngx_event_t *ev);


static ngx_rbtree_t       ngx_http_gmchat_seen_tree;
static ngx_rbtree_node_t  ngx_http_gmchat_seen_sentinel;
static ngx_queue_t        ngx_http_gmchat_seen_queue;
static ngx_connection_t   ngx_http_gmchat_seen_dumb;
static ngx_event_t        ngx_http_gmchat_seen_timer;
static ngx_msec_t         ngx_http_gmchat_seen_told;


static void
ngx_http_gmchat_seen_start(void)
{
    ngx_msec_t  passed;

    if (ngx_http_gmchat_seen_tree.root == NULL) {
        ngx_rbtree_init(&ngx_http_gmchat_seen_tree,
                        &ngx_http_gmchat_seen_sentinel,
                        ngx_str_rbtree_insert_value);
        ngx_queue_init(&ngx_http_gmchat_seen_queue);

        ngx_http_gmchat_seen_dumb.fd = (ngx_socket_t) -1;
        ngx_http_gmchat_seen_timer.handler = ngx_http_gmchat_seen_flush;
        ngx_http_gmchat_seen_timer.data = &ngx_http_gmchat_seen_dumb;
        ngx_http_gmchat_seen_timer.cancelable = 1;
    }

    if (!ngx_http_gmchat_seen_timer.timer_set) {
        passed = ngx_current_msec - ngx_http_gmchat_seen_told;

        ngx_http_gmchat_seen_timer.log = ngx_cycle->log;
        ngx_add_timer(&ngx_http_gmchat_seen_timer,
                      passed < NGX_HTTP_GMCHAT_SEEN_DELAY
                          - NGX_HTTP_GMCHAT_SEEN_FIRST
                          ? NGX_HTTP_GMCHAT_SEEN_DELAY - passed
                          : NGX_HTTP_GMCHAT_SEEN_FIRST);
    }
}


/* Notes a poll.  Without memory it goes unnoted: the next one will be. */

void
ngx_http_gmchat_seen(ngx_http_gmchat_store_t *store,
    const gmchat_str_t *prefix, const gmchat_str_t *host)
{
    u_char                   text[NGX_HTTP_GMCHAT_SEEN_KEY];
    uint32_t                 hash;
    ngx_str_t                key;
    ngx_http_gmchat_seen_t  *seen;

    key.data = text;
    key.len = prefix->len + host->len;

    if (key.len > sizeof(text)) {
        return;
    }

    (void) ngx_cpymem(ngx_cpymem(text, prefix->data, prefix->len), host->data,
                      host->len);

    ngx_http_gmchat_seen_start();

    hash = ngx_murmur_hash2(key.data, key.len) ^ (uint32_t) store->index;

    seen = (ngx_http_gmchat_seen_t *)
               ngx_str_rbtree_lookup(&ngx_http_gmchat_seen_tree, &key, hash);

    if (seen) {
        seen->polled = ngx_current_msec;
        return;
    }

    seen = ngx_alloc(sizeof(ngx_http_gmchat_seen_t) + key.len,
                     ngx_cycle->log);
    if (seen == NULL) {
        return;
    }

    seen->sn.str.len = key.len;
    seen->sn.str.data = (u_char *) seen + sizeof(ngx_http_gmchat_seen_t);
    ngx_memcpy(seen->sn.str.data, key.data, key.len);
    seen->sn.node.key = hash;
    seen->store = store;
    seen->prefix_len = prefix->len;
    seen->polled = ngx_current_msec;

    ngx_rbtree_insert(&ngx_http_gmchat_seen_tree, &seen->sn.node);
    ngx_queue_insert_tail(&ngx_http_gmchat_seen_queue, &seen->queue);
}


static void
ngx_http_gmchat_seen_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_http_gmchat_seen_call_t  *told;

    told = data;

    if (outcome != GMCHAT_STORE_REPLY
        || gmchat_reply_status(value) != GMCHAT_OK)
    {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "gmchat: the store was not told of the last polls");
    }

    gmchat_buf_free(&told->prefix);
    gmchat_buf_free(&told->hosts);
    ngx_free(told);
}


/* Moves all hosts of the first one's store and group, up to a number, into
 * one call. */

static void
ngx_http_gmchat_seen_collect(ngx_http_gmchat_seen_call_t *told,
    ngx_http_gmchat_seen_t *first)
{
    ngx_uint_t               n;
    ngx_queue_t             *q, *next;
    ngx_http_gmchat_seen_t  *seen;

    n = 0;

    for (q = ngx_queue_head(&ngx_http_gmchat_seen_queue);
         q != ngx_queue_sentinel(&ngx_http_gmchat_seen_queue)
         && n < NGX_HTTP_GMCHAT_SEEN_MAX;
         q = next)
    {
        next = ngx_queue_next(q);
        seen = ngx_queue_data(q, ngx_http_gmchat_seen_t, queue);

        if (seen->store != first->store
            || seen->prefix_len != told->prefix.len
            || ngx_memcmp(seen->sn.str.data, told->prefix.data,
                          told->prefix.len)
               != 0)
        {
            continue;
        }

        gmchat_buf_add(&told->hosts, seen->sn.str.data + seen->prefix_len,
                       seen->sn.str.len - seen->prefix_len);
        gmchat_buf_add_text(&told->hosts, " ");
        gmchat_buf_add_int(&told->hosts,
                           (int64_t) (ngx_current_msec - seen->polled));
        gmchat_buf_add_text(&told->hosts, " ");

        n++;
        ngx_queue_remove(q);
        ngx_rbtree_delete(&ngx_http_gmchat_seen_tree, &seen->sn.node);

        if (seen != first) {
            ngx_free(seen);
        }
    }

    ngx_free(first);
}


static ngx_int_t
ngx_http_gmchat_seen_tell(void)
{
    gmchat_store_t               *link;
    ngx_http_gmchat_seen_t       *first;
    ngx_http_gmchat_seen_call_t  *told;

    told = ngx_calloc(sizeof(ngx_http_gmchat_seen_call_t), ngx_cycle->log);
    if (told == NULL) {
        return NGX_ERROR;
    }

    first = ngx_queue_data(ngx_queue_head(&ngx_http_gmchat_seen_queue),
                           ngx_http_gmchat_seen_t, queue);
    link = first->store->link;

    gmchat_buf_add(&told->prefix, first->sn.str.data, first->prefix_len);

    if (told->prefix.failed) {
        ngx_free(told);
        return NGX_ERROR;
    }

    ngx_http_gmchat_seen_collect(told, first);

    told->script.script = "seen";
    told->script.n = 2;
    told->script.words[0].data = told->prefix.data;
    told->script.words[0].len = told->prefix.len;
    told->script.words[1].data = told->hosts.data;
    told->script.words[1].len = told->hosts.len;

    if (told->hosts.failed
        || gmchat_store_submit(link, &told->script, ngx_http_gmchat_seen_done,
                               told)
           != 0)
    {
        gmchat_buf_free(&told->prefix);
        gmchat_buf_free(&told->hosts);
        ngx_free(told);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_gmchat_seen_flush(ngx_event_t *ev)
{
    ngx_http_gmchat_seen_told = ngx_current_msec;

    while (!ngx_queue_empty(&ngx_http_gmchat_seen_queue)) {
        if (ngx_http_gmchat_seen_tell() != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                          "gmchat: no memory to tell of the last polls");
            return;
        }
    }
}

#include "ngx_http_gmchat.h"

#include "gmchat_known.h"


/*
 * Polls of a mailbox that this worker knows to be empty are answered without
 * asking the store (docs/design.md, "Idle polls").
 */

/* The store's address, "gmchat:{" group "}:", "to:h" and a host: a group has
 * 64 bytes and a host 19 digits. */
#define NGX_HTTP_GMCHAT_IDLE_KEY  128

/* How long something is known at most, in milliseconds, where the store is
 * probed less often or never. */
#define NGX_HTTP_GMCHAT_IDLE_AGE  5000


/* What one gmchat_poll_cache directive has, in a worker. */

struct ngx_http_gmchat_idle_cache_s {
    ngx_uint_t                 max;
    ngx_msec_t                 inactive;

    ngx_uint_t                 n;
    ngx_rbtree_t               tree;
    ngx_rbtree_node_t          sentinel;
    ngx_queue_t                queue;   /* the last that was polled first */
    ngx_event_t                timer;   /* while there are any */
    ngx_connection_t           dumb;
};


/* A receiver. */

typedef struct {
    ngx_str_node_t                   node;      /* first, for ngx_str_rbtree */
    ngx_queue_t                      queue;
    uint64_t                         id;        /* of all that ever were */
    ngx_http_gmchat_idle_cache_t    *cache;
    ngx_http_gmchat_store_t         *store;
    const volatile ngx_atomic_t     *changes;   /* how often was written */
    ngx_msec_t                       polled;
    gmchat_known_t                   known;
    gmchat_sub_t                     sub;
} ngx_http_gmchat_idle_t;


/* What it is found by: the store, then the channel. */

typedef struct {
    ngx_str_t                        str;
    gmchat_str_t                     channel;
    uint32_t                         hash;
    u_char                           text[NGX_HTTP_GMCHAT_IDLE_KEY];
} ngx_http_gmchat_idle_key_t;


static uint64_t  ngx_http_gmchat_idle_id;


/* Directives */


ngx_http_gmchat_idle_cache_t *
ngx_http_gmchat_idle_create(ngx_conf_t *cf, ngx_array_t *caches)
{
    ngx_http_gmchat_idle_cache_t  *cache, **added;

    cache = ngx_pcalloc(cf->pool, sizeof(ngx_http_gmchat_idle_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    added = ngx_array_push(caches);
    if (added == NULL) {
        return NULL;
    }

    *added = cache;

    cache->max = 4096;
    cache->inactive = 60000;

    ngx_rbtree_init(&cache->tree, &cache->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&cache->queue);

    return cache;
}


static char *
ngx_http_gmchat_idle_option(ngx_http_gmchat_idle_cache_t *cache,
    ngx_str_t *option)
{
    ngx_int_t  n;
    ngx_str_t  value;

    if (ngx_strncmp(option->data, "max=", 4) == 0) {
        n = ngx_atoi(option->data + 4, option->len - 4);

        if (n < 1 || n > 1000000) {
            return "has a max= that is not 1 to 1000000";
        }

        cache->max = (ngx_uint_t) n;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "inactive=", 9) == 0) {
        value.data = option->data + 9;
        value.len = option->len - 9;
        n = ngx_parse_time(&value, 0);

        if (n < 100 || n > 86400000) {
            return "has an inactive= that is not 100ms to 1d";
        }

        cache->inactive = (ngx_msec_t) n;

        return NGX_CONF_OK;
    }

    return "must be off, or max=number and inactive=time";
}


char *
ngx_http_gmchat_poll_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_gmchat_loc_conf_t  *glcf = conf;

    char                         *rv;
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_gmchat_main_conf_t  *gmcf;

    if (glcf->poll_cache != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        glcf->poll_cache = NULL;
        return NGX_CONF_OK;
    }

    gmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_gmchat_module);

    glcf->poll_cache = ngx_http_gmchat_idle_create(cf, &gmcf->caches);
    if (glcf->poll_cache == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_gmchat_idle_option(glcf->poll_cache, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* Receivers */


/* Returns 0 if it is longer than any group and receiver are. */

static ngx_uint_t
ngx_http_gmchat_idle_key(ngx_http_gmchat_idle_key_t *key,
    const ngx_http_gmchat_call_t *call, const char *kind,
    const gmchat_str_t *receiver)
{
    u_char  *p;

    if (sizeof(call->conf->store) + call->prefix.len + ngx_strlen(kind)
        + receiver->len > sizeof(key->text))
    {
        return 0;
    }

    p = ngx_cpymem(key->text, &call->conf->store, sizeof(call->conf->store));
    key->channel.data = p;

    p = ngx_cpymem(p, call->prefix.data, call->prefix.len);
    p = ngx_cpymem(p, kind, ngx_strlen(kind));
    p = ngx_cpymem(p, receiver->data, receiver->len);

    key->channel.len = (size_t) (p - key->channel.data);
    key->str.data = key->text;
    key->str.len = (size_t) (p - key->text);
    key->hash = ngx_murmur_hash2(key->channel.data, key->channel.len);

    return 1;
}


static ngx_uint_t
ngx_http_gmchat_idle_key_of(ngx_http_gmchat_idle_key_t *key,
    const ngx_http_gmchat_call_t *call)
{
    return ngx_http_gmchat_idle_key(key, call, call->action->wait->channel,
                               &call->args.values[call->action->wait->owner]);
}


static ngx_http_gmchat_idle_t *
ngx_http_gmchat_idle_find(ngx_http_gmchat_idle_cache_t *cache,
    ngx_http_gmchat_idle_key_t *key)
{
    return (ngx_http_gmchat_idle_t *)
               ngx_str_rbtree_lookup(&cache->tree, &key->str, key->hash);
}


static void
ngx_http_gmchat_idle_free(ngx_http_gmchat_idle_t *idle)
{
    gmchat_store_unsubscribe(idle->store->link, &idle->sub);

    ngx_rbtree_delete(&idle->cache->tree, &idle->node.node);
    ngx_queue_remove(&idle->queue);
    idle->cache->n--;

    ngx_free(idle);
}


static ngx_http_gmchat_idle_t *
ngx_http_gmchat_idle_last(ngx_http_gmchat_idle_cache_t *cache)
{
    return ngx_queue_data(ngx_queue_last(&cache->queue),
                          ngx_http_gmchat_idle_t, queue);
}


/* Those that nobody polls any more are forgotten. */

static void
ngx_http_gmchat_idle_expire(ngx_event_t *ev)
{
    ngx_msec_int_t                 left;
    ngx_connection_t              *dumb;
    ngx_http_gmchat_idle_t        *idle;
    ngx_http_gmchat_idle_cache_t  *cache;

    dumb = ev->data;
    cache = dumb->data;

    while (!ngx_queue_empty(&cache->queue)) {
        idle = ngx_http_gmchat_idle_last(cache);
        left = (ngx_msec_int_t) (idle->polled + cache->inactive
                                 - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            return;
        }

        ngx_http_gmchat_idle_free(idle);
    }
}


static void
ngx_http_gmchat_idle_start(ngx_http_gmchat_idle_cache_t *cache)
{
    ngx_event_t  *ev;

    ev = &cache->timer;

    if (ev->timer_set) {
        return;
    }

    cache->dumb.fd = (ngx_socket_t) -1;
    cache->dumb.data = cache;
    ev->handler = ngx_http_gmchat_idle_expire;
    ev->data = &cache->dumb;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, cache->inactive);
}


static void
ngx_http_gmchat_idle_wake(gmchat_sub_t *sub, const gmchat_str_t *message)
{
    ngx_http_gmchat_idle_t  *idle;

    idle = sub->data;

    if (gmchat_known_wake(&idle->known, message, gmchat_store_active(sub))
        == GMCHAT_KNOWN_UNSUBSCRIBE)
    {
        gmchat_store_unsubscribe(idle->store->link, sub);
    }
}


/* Without memory there is none: the store is asked. */

static ngx_http_gmchat_idle_t *
ngx_http_gmchat_idle_new(ngx_http_gmchat_idle_cache_t *cache,
    ngx_http_gmchat_store_t *store, ngx_http_gmchat_idle_key_t *key)
{
    ngx_http_gmchat_idle_t  *idle;

    if (cache->n == cache->max) {
        ngx_http_gmchat_idle_free(ngx_http_gmchat_idle_last(cache));
    }

    idle = ngx_calloc(sizeof(ngx_http_gmchat_idle_t) + key->str.len,
                      ngx_cycle->log);
    if (idle == NULL) {
        return NULL;
    }

    idle->node.str.len = key->str.len;
    idle->node.str.data = (u_char *) (idle + 1);
    ngx_memcpy(idle->node.str.data, key->str.data, key->str.len);
    idle->node.node.key = key->hash;

    idle->id = ++ngx_http_gmchat_idle_id;
    idle->cache = cache;
    idle->store = store;
    idle->changes = ngx_http_gmchat_stat_changes(key->hash);
    idle->polled = ngx_current_msec;
    idle->sub.wake = ngx_http_gmchat_idle_wake;
    idle->sub.data = idle;
    gmchat_known_init(&idle->known);

    cache->n++;
    ngx_rbtree_insert(&cache->tree, &idle->node.node);
    ngx_queue_insert_head(&cache->queue, &idle->queue);
    ngx_http_gmchat_idle_start(cache);

    return idle;
}


void
ngx_http_gmchat_idle_exit(ngx_array_t *caches)
{
    ngx_uint_t                      i;
    ngx_http_gmchat_idle_cache_t  **cache;

    cache = caches->elts;

    for (i = 0; i < caches->nelts; i++) {
        while (!ngx_queue_empty(&cache[i]->queue)) {
            ngx_http_gmchat_idle_free(ngx_http_gmchat_idle_last(cache[i]));
        }

        if (cache[i]->timer.timer_set) {
            ngx_del_timer(&cache[i]->timer);
        }
    }
}


/* Calls */


/* A receive of one mailbox. */

static ngx_uint_t
ngx_http_gmchat_idle_applies(const ngx_http_gmchat_call_t *call)
{
    /* an operator's rights are looked at each time */

    return call->conf->poll_cache && call->action->wait
           && call->action->mailbox && call->hold == NULL
           && call->operator.len == 0;
}


static gmchat_line_e
ngx_http_gmchat_idle_line(const ngx_http_gmchat_call_t *call)
{
    return call->action->mailbox[0] == 'r' ? GMCHAT_RELATIONS
                                           : GMCHAT_MESSAGES;
}


/* How late a poll may be where nothing says that something was written. */

static ngx_msec_t
ngx_http_gmchat_idle_age(const ngx_http_gmchat_store_t *store)
{
    ngx_msec_t  probe;

    probe = store->redis.probe;

    return probe && probe < NGX_HTTP_GMCHAT_IDLE_AGE ? probe
                                                : NGX_HTTP_GMCHAT_IDLE_AGE;
}


/* The reply of a script that found nothing. */

static void
ngx_http_gmchat_idle_reply(ngx_http_gmchat_call_t *call,
    const gmchat_known_line_t *line)
{
    gmchat_value_t  value, items[6];

    ngx_memzero(&value, sizeof(gmchat_value_t));
    ngx_memzero(items, sizeof(items));

    value.kind = GMCHAT_VALUE_ARRAY;
    value.items = items;
    value.n = 6;

    items[0].kind = GMCHAT_VALUE_STRING;
    items[0].str.len = 2;
    items[0].str.data = (u_char *) "ok";

    items[1].kind = GMCHAT_VALUE_STRING;
    items[1].str.len = line->len;
    items[1].str.data = (u_char *) line->cursor;

    items[2].kind = GMCHAT_VALUE_INTEGER;
    items[3].kind = GMCHAT_VALUE_INTEGER;
    items[4].kind = GMCHAT_VALUE_STRING;
    items[5].kind = GMCHAT_VALUE_ARRAY;

    ngx_http_gmchat_stat_spared(call->conf->store);
    ngx_http_gmchat_scripted(call, &value);
}


ngx_int_t
ngx_http_gmchat_idle_answer(ngx_http_gmchat_call_t *call)
{
    ngx_msec_t                   age;
    gmchat_line_e                line;
    ngx_http_gmchat_idle_t      *idle;
    const gmchat_known_line_t   *known;
    ngx_http_gmchat_idle_key_t   key;

    if (!ngx_http_gmchat_idle_applies(call)
        || !ngx_http_gmchat_idle_key_of(&key, call))
    {
        return NGX_DECLINED;
    }

    idle = ngx_http_gmchat_idle_find(call->conf->poll_cache, &key);
    if (idle == NULL) {
        return NGX_DECLINED;
    }

    idle->polled = ngx_current_msec;
    ngx_queue_remove(&idle->queue);
    ngx_queue_insert_head(&idle->cache->queue, &idle->queue);

    line = ngx_http_gmchat_idle_line(call);
    age = ngx_http_gmchat_idle_age(idle->store);

    if (gmchat_store_active(&idle->sub)) {
        known = gmchat_known_use(&idle->known, line,
                                 &call->args.values[GMCHAT_P_ACK],
                                 *idle->changes, ngx_current_msec, age);
        if (known) {
            ngx_http_gmchat_idle_reply(call, known);
            return NGX_OK;
        }
    }

    gmchat_known_ask(&idle->known, line, *idle->changes, ngx_current_msec,
                     gmchat_store_active(&idle->sub), &call->ticket);
    call->ticket.id = idle->id;

    return NGX_DECLINED;
}


/* Whoever cannot be subscribed to is asked for, as ever. */

static void
ngx_http_gmchat_idle_listen(ngx_http_gmchat_idle_t *idle,
    gmchat_known_e listen, const gmchat_str_t *channel)
{
    if (listen == GMCHAT_KNOWN_UNSUBSCRIBE) {
        gmchat_store_unsubscribe(idle->store->link, &idle->sub);

    } else if (listen == GMCHAT_KNOWN_SUBSCRIBE && idle->sub.channel == NULL) {
        (void) gmchat_store_subscribe(idle->store->link, &idle->sub, channel,
                                      NULL);
    }
}


void
ngx_http_gmchat_idle_learn(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_str_t                 cursor;
    gmchat_known_e               listen;
    ngx_http_gmchat_idle_t      *idle;
    ngx_http_gmchat_idle_key_t   key;

    if (!ngx_http_gmchat_idle_applies(call)
        || !ngx_http_gmchat_idle_key_of(&key, call))
    {
        return;
    }

    cursor = gmchat_reply_idle(value);
    idle = ngx_http_gmchat_idle_find(call->conf->poll_cache, &key);

    if (idle == NULL) {
        if (cursor.len == 0) {
            return;
        }

        idle = ngx_http_gmchat_idle_new(call->conf->poll_cache,
                                        call->conf->store, &key);
        if (idle == NULL) {
            return;
        }
    }

    listen = gmchat_known_reply(&idle->known, ngx_http_gmchat_idle_line(call),
                                call->ticket.id == idle->id ? &call->ticket
                                                            : NULL,
                                &cursor, gmchat_store_active(&idle->sub));

    ngx_http_gmchat_idle_listen(idle, listen, &key.channel);
}


void
ngx_http_gmchat_idle_written(ngx_http_gmchat_call_t *call,
    const gmchat_value_t *value)
{
    gmchat_str_t                 receiver;
    ngx_http_gmchat_idle_key_t   key;

    receiver = gmchat_reply_written(call->action, value);

    if (receiver.len == 0
        || !ngx_http_gmchat_idle_key(&key, call, "to:", &receiver))
    {
        return;
    }

    (void) ngx_atomic_fetch_add(ngx_http_gmchat_stat_changes(key.hash), 1);
}

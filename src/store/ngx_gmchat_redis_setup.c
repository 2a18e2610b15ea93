#include "ngx_gmchat_redis.h"


static const gmchat_str_t  ngx_gmchat_redis_info_words[] = {
    gmchat_string("INFO"), gmchat_string("replication")
};


/* One answer of the set-up: the last that is no error makes the link ready. */

static void
ngx_gmchat_redis_setup_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_gmchat_redis_t  *redis;

    redis = data;

    if (outcome != GMCHAT_STORE_REPLY || redis->leaving) {
        return;
    }

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_log_error(NGX_LOG_ERR, &redis->link.log, 0,
                      "gmchat: store %V refused the set-up: \"%*s\"",
                      &redis->label, value->str.len, value->str.data);
        ngx_gmchat_redis_leave(redis, ngx_gmchat_redis_cause_of(&value->str));
        return;
    }

    redis->setup_left--;

    if (redis->setup_left == 0) {
        ngx_gmchat_link_event(&redis->link, GMCHAT_LINK_PREPARED);
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


ngx_int_t
ngx_gmchat_redis_history(const gmchat_value_t *info, ngx_uint_t *master,
    ngx_str_t *history)
{
    ngx_str_t  role;

    if (info->kind != GMCHAT_VALUE_STRING
        || ngx_gmchat_redis_info(&info->str, "role", &role) != NGX_OK
        || ngx_gmchat_redis_info(&info->str, "master_replid", history)
           != NGX_OK
        || history->len == 0 || history->len > GMCHAT_SHA_LEN)
    {
        return NGX_ERROR;
    }

    *master = role.len == 6 && ngx_strncmp(role.data, "master", 6) == 0;

    return NGX_OK;
}


ngx_uint_t
ngx_gmchat_redis_copies(const gmchat_value_t *info)
{
    ngx_int_t  n;
    ngx_str_t  copies;

    if (ngx_gmchat_redis_info(&info->str, "connected_slaves", &copies)
        != NGX_OK)
    {
        return 0;
    }

    n = ngx_atoi(copies.data, copies.len);

    return n == NGX_ERROR ? 0 : (ngx_uint_t) n;
}


/*
 * The history that a server has, by its INFO: a replication id.  Returns
 * NGX_ERROR, and the link is to be lost, if the server tells none or may not
 * be written to.
 */

static ngx_int_t
ngx_gmchat_redis_examine(ngx_gmchat_redis_t *redis,
    const gmchat_value_t *value, ngx_str_t *id)
{
    ngx_uint_t  master;

    if (ngx_gmchat_redis_history(value, &master, id) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, &redis->link.log, 0,
                      "gmchat: store %V tells no role and replication id",
                      &redis->label);
        ngx_gmchat_redis_leave(redis, NGX_GMCHAT_CAUSE_SETUP);
        return NGX_ERROR;
    }

    if (!master) {
        ngx_log_error(NGX_LOG_ERR, &redis->link.log, 0,
                      "gmchat: store %V is a replica", &redis->label);
        ngx_gmchat_redis_leave(redis, NGX_GMCHAT_CAUSE_READONLY);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_info_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_str_t            id;
    ngx_gmchat_redis_t  *redis;

    redis = data;

    if (outcome == GMCHAT_STORE_REPLY && !redis->leaving
        && value->kind != GMCHAT_VALUE_ERROR)
    {
        if (ngx_gmchat_redis_examine(redis, value, &id) != NGX_OK) {
            return;
        }

        ngx_memcpy(redis->history, id.data, id.len);
        redis->history_len = id.len;
    }

    ngx_gmchat_redis_setup_done(data, outcome, value);
}


static ngx_int_t
ngx_gmchat_redis_put_auth(ngx_gmchat_redis_t *redis)
{
    size_t        n;
    gmchat_str_t  words[3];

    n = ngx_gmchat_wire_auth(&redis->link, words);

    if (n == 0) {
        return NGX_OK;
    }

    redis->setup_left++;

    return ngx_gmchat_redis_command(redis, ngx_gmchat_redis_setup_done, redis,
                                    words, n);
}


static ngx_int_t
ngx_gmchat_redis_put_select(ngx_gmchat_redis_t *redis)
{
    u_char        db[NGX_INT_T_LEN];
    gmchat_str_t  words[2];

    if (ngx_gmchat_wire_select(&redis->link, words, db) == 0) {
        return NGX_OK;
    }

    redis->setup_left++;

    return ngx_gmchat_redis_command(redis, ngx_gmchat_redis_setup_done, redis,
                                    words, 2);
}


static ngx_int_t
ngx_gmchat_redis_put_loads(ngx_gmchat_redis_t *redis)
{
    gmchat_str_t            words[3] = { gmchat_string("SCRIPT"),
                                         gmchat_string("LOAD"), { 0, NULL } };
    ngx_uint_t              i;
    const gmchat_script_t  *script;

    for (script = gmchat_script_list(); script->name.len; script++) {
        for (i = redis->sharded ? GMCHAT_SCRIPT_SHARDED : GMCHAT_SCRIPT_PLAIN;
             i < GMCHAT_SCRIPT_TEXTS;
             i += GMCHAT_SCRIPT_DESK)
        {
            words[2] = script->texts[i].body;

            if (words[2].len == 0) {
                continue;
            }

            redis->setup_left++;

            if (ngx_gmchat_redis_command(redis, ngx_gmchat_redis_setup_done,
                                         redis, words, 3)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* Whether a cluster's server knows sharded wake-ups: which scripts it gets
 * depends on that.  One that may not tell is taken not to. */

static void
ngx_gmchat_redis_commands_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_gmchat_redis_t  *redis;

    redis = data;

    if (outcome != GMCHAT_STORE_REPLY || redis->leaving) {
        return;
    }

    redis->sharded = value->kind == GMCHAT_VALUE_ARRAY && value->n == 1
                     && value->items[0].kind == GMCHAT_VALUE_ARRAY
                     && value->items[0].n != 0;

    if (ngx_gmchat_redis_put_loads(redis) != NGX_OK) {
        ngx_gmchat_redis_leave(redis, NGX_GMCHAT_CAUSE_MEMORY);
        return;
    }

    redis->setup_left--;
    ngx_gmchat_wire_write(&redis->link);
}


ngx_int_t
ngx_gmchat_redis_setup(ngx_gmchat_link_t *link)
{
    ngx_gmchat_redis_t  *redis;

    static const gmchat_str_t  commands[] = { gmchat_string("COMMAND"),
                                              gmchat_string("INFO"),
                                              gmchat_string("SSUBSCRIBE") };

    redis = link->data;
    redis->leaving = 0;
    redis->setup_left = 1;

    if (ngx_gmchat_redis_put_auth(redis) != NGX_OK
        || ngx_gmchat_redis_put_select(redis) != NGX_OK
        || ngx_gmchat_redis_command(redis, ngx_gmchat_redis_info_done, redis,
                                    ngx_gmchat_redis_info_words, 2)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (redis->store->cluster == NULL) {
        return ngx_gmchat_redis_put_loads(redis);
    }

    redis->setup_left++;

    return ngx_gmchat_redis_command(redis, ngx_gmchat_redis_commands_done,
                                    redis, commands, 3);
}


/* A server may change its history under a living connection, too, as when it
 * was made a replica and a master again. */

static void
ngx_gmchat_redis_probe_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_str_t            id;
    ngx_gmchat_redis_t  *redis;

    redis = data;

    if (outcome != GMCHAT_STORE_REPLY) {
        return;
    }

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_gmchat_redis_leave(redis, ngx_gmchat_redis_cause_of(&value->str));
        return;
    }

    if (ngx_gmchat_redis_examine(redis, value, &id) == NGX_OK
        && (id.len != redis->history_len
            || ngx_memcmp(id.data, redis->history, id.len) != 0))
    {
        ngx_gmchat_redis_leave(redis, NGX_GMCHAT_CAUSE_HISTORY);
    }
}


/* The link shows that it is alive, and the server that it is the same. */

void
ngx_gmchat_redis_probe_handler(ngx_event_t *ev)
{
    ngx_gmchat_redis_t  *redis;

    redis = ev->data;

    if (!ngx_gmchat_redis_serves(redis) || ngx_exiting) {
        return;
    }

    if (redis->conf->probe) {
        ngx_add_timer(&redis->probe, redis->conf->probe);
    }

    if (ngx_gmchat_redis_ask(redis, ngx_gmchat_redis_probe_done, redis,
                             ngx_gmchat_redis_info_words, 2)
        != NGX_OK)
    {
        ngx_gmchat_link_lose(&redis->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
    }
}

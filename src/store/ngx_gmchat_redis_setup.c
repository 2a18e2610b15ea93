#include "ngx_gmchat_redis_internal.h"


static const gmchat_str_t  ngx_gmchat_redis_info_words[] = {
    gmchat_string("INFO"), gmchat_string("replication")
};


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
        ngx_log_error(NGX_LOG_ERR, &store->link.log, 0,
                      "gmchat: store %V refused the set-up: \"%*s\"",
                      &store->conf->name, value->str.len, value->str.data);
        ngx_gmchat_redis_leave(store, ngx_gmchat_redis_cause_of(&value->str));
        return;
    }

    store->setup_left--;

    if (store->setup_left == 0) {
        ngx_gmchat_link_event(&store->link, GMCHAT_LINK_PREPARED);
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


/*
 * The history that a server has, by its INFO: a replication id.  Returns
 * NGX_ERROR, and the link is to be lost, if the server tells none or may not
 * be written to.
 */

static ngx_int_t
ngx_gmchat_redis_examine(gmchat_store_t *store, const gmchat_value_t *value,
    ngx_str_t *id)
{
    ngx_str_t  role;

    if (value->kind != GMCHAT_VALUE_STRING
        || ngx_gmchat_redis_info(&value->str, "role", &role) != NGX_OK
        || ngx_gmchat_redis_info(&value->str, "master_replid", id) != NGX_OK
        || id->len == 0 || id->len > sizeof(store->history))
    {
        ngx_log_error(NGX_LOG_ERR, &store->link.log, 0,
                      "gmchat: store %V tells no role and replication id",
                      &store->conf->name);
        ngx_gmchat_redis_leave(store, NGX_GMCHAT_CAUSE_SETUP);
        return NGX_ERROR;
    }

    if (role.len != 6 || ngx_strncmp(role.data, "master", 6) != 0) {
        ngx_log_error(NGX_LOG_ERR, &store->link.log, 0,
                      "gmchat: store %V is a replica", &store->conf->name);
        ngx_gmchat_redis_leave(store, NGX_GMCHAT_CAUSE_READONLY);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_gmchat_redis_info_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_str_t        id;
    gmchat_store_t  *store;

    store = data;

    if (outcome == GMCHAT_STORE_REPLY && !store->leaving
        && value->kind != GMCHAT_VALUE_ERROR)
    {
        if (ngx_gmchat_redis_examine(store, value, &id) != NGX_OK) {
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

    n = ngx_gmchat_wire_auth(&store->link, words);

    if (n == 0) {
        return NGX_OK;
    }

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


ngx_int_t
ngx_gmchat_redis_setup(ngx_gmchat_link_t *link)
{
    gmchat_store_t  *store;

    store = link->data;
    store->leaving = 0;
    store->setup_left = 1;

    if (ngx_gmchat_redis_put_auth(store) != NGX_OK
        || ngx_gmchat_redis_put_select(store) != NGX_OK
        || ngx_gmchat_redis_command(store, ngx_gmchat_redis_info_done,
                                    ngx_gmchat_redis_info_words, 2)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_gmchat_redis_put_loads(store);
}


/* A server may change its history under a living connection, too, as when it
 * was made a replica and a master again. */

static void
ngx_gmchat_redis_probe_done(void *data, gmchat_store_outcome_e outcome,
    const gmchat_value_t *value)
{
    ngx_str_t        id;
    gmchat_store_t  *store;

    store = data;

    if (outcome != GMCHAT_STORE_REPLY) {
        return;
    }

    if (value->kind == GMCHAT_VALUE_ERROR) {
        ngx_gmchat_redis_leave(store, ngx_gmchat_redis_cause_of(&value->str));
        return;
    }

    if (ngx_gmchat_redis_examine(store, value, &id) == NGX_OK
        && (id.len != store->history_len
            || ngx_memcmp(id.data, store->history, id.len) != 0))
    {
        ngx_gmchat_redis_leave(store, NGX_GMCHAT_CAUSE_HISTORY);
    }
}


/* The link shows that it is alive, and the server that it is the same. */

void
ngx_gmchat_redis_probe_handler(ngx_event_t *ev)
{
    gmchat_store_t  *store;

    store = ev->data;

    if (!ngx_gmchat_redis_serves(store) || ngx_exiting) {
        return;
    }

    ngx_add_timer(&store->probe, store->conf->probe);

    if (ngx_gmchat_redis_ask(store, ngx_gmchat_redis_probe_done,
                             ngx_gmchat_redis_info_words, 2)
        != NGX_OK)
    {
        ngx_gmchat_link_lose(&store->link, NGX_GMCHAT_CAUSE_MEMORY,
                             "no memory");
    }
}

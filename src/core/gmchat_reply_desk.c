#include "gmchat_entry.h"
#include "gmchat_json.h"
#include "gmchat_reply_internal.h"


/* What a desk looks at: accounts, friends, conversations, hosts, players,
 * canned replies. */


static int
gmchat_reply_account(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    (void) reply;

    if (items[0].kind != GMCHAT_VALUE_STRING
        || items[1].kind != GMCHAT_VALUE_STRING)
    {
        return -1;
    }

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_reply_string(buf, "gm_account", &items[0]);
    gmchat_reply_string(buf, "name", &items[1]);
    gmchat_reply_flag(buf, "online", items[2].integer);
    gmchat_reply_number(buf, "friends", &items[3]);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_accounts(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 4,
                                gmchat_reply_account);
}


/* The newest message of a friend's conversation, if there is one. */

static int
gmchat_reply_last(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *newest)
{
    gmchat_entry_t  entry;

    gmchat_json_name(buf, "last");

    if (newest->n == 0) {
        gmchat_buf_add_text(buf, "null");
        return 0;
    }

    if (gmchat_entry_read(&entry, &newest->items[0]) != 0) {
        return -1;
    }

    gmchat_buf_add_text(buf, "{");
    gmchat_entry_history_members(buf, &entry, reply->text);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


/* uid, host, since, undelivered, unread, waiting since, silent, newest */

static int
gmchat_reply_friend(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    if (items[0].kind != GMCHAT_VALUE_STRING
        || items[1].kind != GMCHAT_VALUE_STRING
        || items[5].kind != GMCHAT_VALUE_STRING
        || items[7].kind != GMCHAT_VALUE_ARRAY)
    {
        return -1;
    }

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_reply_string(buf, "uid", &items[0]);
    gmchat_reply_string(buf, "host", &items[1]);
    gmchat_reply_flag(buf, "silent", items[6].integer);
    gmchat_reply_number(buf, "since", &items[2]);
    gmchat_reply_number(buf, "undelivered", &items[3]);
    gmchat_reply_number(buf, "unread", &items[4]);

    if (items[5].str.len) {
        gmchat_reply_number(buf, "waiting_since", &items[5]);
    }

    if (gmchat_reply_last(reply, buf, &items[7]) != 0) {
        return -1;
    }

    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_friends(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 8,
                                gmchat_reply_friend);
}


/* entry, delivered: 1, 0, or -1 where that is not known */

static int
gmchat_reply_history_entry(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    gmchat_entry_t  entry;

    if (gmchat_entry_read(&entry, &items[0]) != 0
        || items[1].kind != GMCHAT_VALUE_INTEGER)
    {
        return -1;
    }

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_entry_history_members(buf, &entry, reply->text);

    if (items[1].integer >= 0) {
        gmchat_reply_flag(buf, "delivered", items[1].integer);
    }

    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_history(gmchat_reply_t *reply)
{
    const gmchat_value_t  *more, *entries;

    more = gmchat_reply_item(reply->value, 1, GMCHAT_VALUE_INTEGER);
    entries = gmchat_reply_item(reply->value, 2, GMCHAT_VALUE_ARRAY);

    if (more == NULL || entries == NULL
        || gmchat_reply_objects(reply, entries, 0, 2,
                                gmchat_reply_history_entry)
           != 0)
    {
        return -1;
    }

    gmchat_reply_flag(reply->out, "more", more->integer);

    return 0;
}


static int
gmchat_reply_host(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    (void) reply;

    if (items[0].kind != GMCHAT_VALUE_STRING) {
        return -1;
    }

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_reply_string(buf, "host", &items[0]);
    gmchat_reply_number(buf, "last_poll", &items[1]);
    gmchat_reply_number(buf, "players", &items[2]);
    gmchat_reply_number(buf, "undelivered", &items[3]);
    gmchat_reply_flag(buf, "silent", items[4].integer);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_hosts(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 5, gmchat_reply_host);
}


/* uid, host, GM, its name, since, silent */

static int
gmchat_reply_one_player(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    size_t  i;

    static const char  *names[] = { "uid", "host", "gm_account", "gm_name" };

    (void) reply;

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (items[i].kind != GMCHAT_VALUE_STRING) {
            return -1;
        }

        gmchat_reply_string(buf, names[i], &items[i]);
    }

    gmchat_reply_number(buf, "since", &items[4]);
    gmchat_reply_flag(buf, "silent", items[5].integer);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_player(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 6,
                                gmchat_reply_one_player);
}


/* name, text as base64, who wrote it (empty: nobody was named), when */

static int
gmchat_reply_one_canned(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    gmchat_entry_t  entry;

    if (items[0].kind != GMCHAT_VALUE_STRING
        || items[1].kind != GMCHAT_VALUE_STRING
        || items[2].kind != GMCHAT_VALUE_STRING)
    {
        return -1;
    }

    memset(&entry, 0, sizeof(gmchat_entry_t));
    entry.msg = items[1].str;

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_reply_string(buf, "name", &items[0]);
    gmchat_entry_message(buf, &entry, reply->text);

    if (items[2].str.len) {
        gmchat_reply_string(buf, "operator", &items[2]);
    }

    gmchat_reply_number(buf, "ts", &items[3]);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_canned(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 4,
                                gmchat_reply_one_canned);
}

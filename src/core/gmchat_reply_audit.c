#include <jansson.h>

#include "gmchat_desk.h"
#include "gmchat_json.h"
#include "gmchat_reply_internal.h"
#include "gmchat_split.h"


/* Operators, and what they did. */


/* operator, role, GMs */

static int
gmchat_reply_operator_members(gmchat_buf_t *buf, const gmchat_value_t *items)
{
    gmchat_str_t  next, gm;

    if (items[0].kind != GMCHAT_VALUE_STRING
        || items[1].kind != GMCHAT_VALUE_STRING
        || items[2].kind != GMCHAT_VALUE_STRING)
    {
        return -1;
    }

    gmchat_reply_string(buf, "operator", &items[0]);
    gmchat_reply_string(buf, "role", &items[1]);
    gmchat_json_name(buf, "gm_accounts");
    gmchat_buf_add_text(buf, "[");

    next = items[2].str;

    while (next.len && gmchat_action_list(&next, &gm)) {
        gmchat_json_next(buf);
        gmchat_json_string(buf, gm.data, gm.len);
    }

    gmchat_buf_add_text(buf, "]");

    return 0;
}


static int
gmchat_reply_operator(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    (void) reply;

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");

    if (gmchat_reply_operator_members(buf, items) != 0) {
        return -1;
    }

    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_operators(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 3,
                                gmchat_reply_operator);
}


/* ..., bytes that a message may have */

static int
gmchat_reply_one_me(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    (void) reply;

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");

    if (gmchat_reply_operator_members(buf, items) != 0) {
        return -1;
    }

    gmchat_reply_number(buf, "message_max", &items[3]);
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_me(gmchat_reply_t *reply)
{
    return gmchat_reply_objects(reply, reply->value, 1, 4,
                                gmchat_reply_one_me);
}


/* The field of an audit entry; NULL if there is none. */

static const gmchat_value_t *
gmchat_reply_audit_field(const gmchat_value_t *fields, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < fields->n; i += 2) {
        if (fields->items[i].kind == GMCHAT_VALUE_STRING
            && fields->items[i + 1].kind == GMCHAT_VALUE_STRING
            && gmchat_str_is(&fields->items[i].str, name))
        {
            return &fields->items[i + 1];
        }
    }

    return NULL;
}


/* What the call was about: members that the bridge itself wrote. */

static int
gmchat_reply_audit_params(gmchat_buf_t *buf, const gmchat_value_t *text)
{
    size_t       i;
    json_t      *params, *value;
    const char  *name;

    gmchat_json_watch();
    params = json_loadb((char *) text->str.data, text->str.len, 0, NULL);
    buf->failed |= gmchat_json_unwatch();

    if (!json_is_object(params)) {
        json_decref(params);
        return -1;
    }

    for (i = 0; (name = gmchat_desk_param(i)) != NULL; i++) {
        value = json_object_get(params, name);

        if (json_is_string(value)) {
            gmchat_json_name(buf, name);
            gmchat_json_string(buf,
                               (unsigned char *) json_string_value(value),
                               json_string_length(value));
        }
    }

    json_decref(params);

    return 0;
}


/* An id of Redis begins with the time in milliseconds. */

static void
gmchat_reply_audit_id(gmchat_buf_t *buf, const gmchat_value_t *id)
{
    gmchat_str_t    rest;
    gmchat_value_t  ts;

    rest = id->str;
    ts = *id;
    (void) gmchat_split_first(&rest, '-', &ts.str);

    gmchat_reply_string(buf, "id", id);
    gmchat_reply_number(buf, "ts", &ts);
}


/* A refusal that has no errno is no success. */

static void
gmchat_reply_audit_outcome(gmchat_buf_t *buf, gmchat_status_e outcome)
{
    int  code;

    code = gmchat_status_row(outcome)->code;
    gmchat_json_name(buf, "errno");

    if (code == 0 && outcome != GMCHAT_OK) {
        gmchat_buf_add_text(buf, "null");

    } else {
        gmchat_buf_add_int(buf, code);
    }
}


/* {id, {'o', operator, 'a', address, 'c', action, 'p', params, 'r', status}} */

static int
gmchat_reply_audit_entry(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_value_t *items)
{
    const gmchat_value_t  *id, *fields, *who, *from, *what, *params, *status;

    (void) reply;

    id = gmchat_reply_item(items, 0, GMCHAT_VALUE_STRING);
    fields = gmchat_reply_item(items, 1, GMCHAT_VALUE_ARRAY);

    if (id == NULL || fields == NULL) {
        return -1;
    }

    who = gmchat_reply_audit_field(fields, "o");
    from = gmchat_reply_audit_field(fields, "a");
    what = gmchat_reply_audit_field(fields, "c");
    params = gmchat_reply_audit_field(fields, "p");
    status = gmchat_reply_audit_field(fields, "r");

    if (!who || !from || !what || !params || !status) {
        return -1;
    }

    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "{");
    gmchat_reply_audit_id(buf, id);
    gmchat_reply_string(buf, "operator", who);
    gmchat_reply_string(buf, "address", from);
    gmchat_reply_string(buf, "action", what);

    if (gmchat_reply_audit_params(buf, params) != 0) {
        return -1;
    }

    gmchat_reply_audit_outcome(buf, gmchat_status_find(&status->str));
    gmchat_buf_add_text(buf, "}");

    return 0;
}


int
gmchat_reply_audit(gmchat_reply_t *reply)
{
    const gmchat_value_t  *more, *entries;

    more = gmchat_reply_item(reply->value, 1, GMCHAT_VALUE_INTEGER);
    entries = gmchat_reply_item(reply->value, 2, GMCHAT_VALUE_ARRAY);

    if (more == NULL || entries == NULL
        || gmchat_reply_objects(reply, entries, 0, 1,
                                gmchat_reply_audit_entry)
           != 0)
    {
        return -1;
    }

    gmchat_reply_flag(reply->out, "more", more->integer);

    return 0;
}

#include <stdio.h>

#include "gmchat_base64.h"
#include "gmchat_cursor.h"
#include "gmchat_entry.h"
#include "gmchat_integer.h"
#include "gmchat_json.h"
#include "gmchat_reply_internal.h"


/* A receive's reply: {'ok', cursor, more, reset, receipt, ...}; of one mailbox
 * {..., entries} or {..., entries, idle}. */

#define GMCHAT_R_CURSOR   1
#define GMCHAT_R_MORE     2
#define GMCHAT_R_RESET    3
#define GMCHAT_R_RECEIPT  4
#define GMCHAT_R_FIRST    5
#define GMCHAT_R_IDLE     6

/* A host's online GMs: {'ok', lapse, gm, ...}. */

#define GMCHAT_R_GMS      2

/* The mailboxes of what a stream reads. */

#define GMCHAT_R_PARTS    2

#define GMCHAT_DIGEST_LEN 16


gmchat_status_e
gmchat_reply_status(const gmchat_value_t *value)
{
    if (value->kind != GMCHAT_VALUE_ARRAY || value->n == 0
        || value->items[0].kind != GMCHAT_VALUE_STRING)
    {
        return GMCHAT_FAULT;
    }

    return gmchat_status_find(&value->items[0].str);
}


const gmchat_value_t *
gmchat_reply_item(const gmchat_value_t *value, size_t i,
    gmchat_value_kind_e kind)
{
    if (value->kind != GMCHAT_VALUE_ARRAY || i >= value->n
        || value->items[i].kind != kind)
    {
        return NULL;
    }

    return &value->items[i];
}


gmchat_str_t
gmchat_reply_receipt(const gmchat_action_t *action,
    const gmchat_value_t *value)
{
    const gmchat_value_t       *receipt;
    static const gmchat_str_t   none = gmchat_null_string;

    if (!(action->flags & GMCHAT_A_TAKES)) {
        return none;
    }

    receipt = gmchat_reply_item(value, GMCHAT_R_RECEIPT, GMCHAT_VALUE_STRING);

    return receipt ? receipt->str : none;
}


gmchat_status_e
gmchat_reply_success(const gmchat_action_t *action, gmchat_reply_t *reply)
{
    int  rc;

    gmchat_buf_add_text(reply->out, "{\"res\":1");
    rc = action->encode ? action->encode(reply) : 0;
    gmchat_buf_add_text(reply->out, "}");

    if (reply->out->failed || reply->data->failed || reply->text->failed
        || reply->arena->failed)
    {
        return GMCHAT_UNKNOWN;
    }

    return rc == 0 ? GMCHAT_OK : GMCHAT_FAULT;
}


void
gmchat_reply_refusal(gmchat_buf_t *out, const gmchat_refusal_t *refusal)
{
    const gmchat_status_row_t  *row;

    row = gmchat_status_row(refusal->status);

    if (row->text) {
        gmchat_buf_add_text(out, refusal->reason ? refusal->reason
                                                 : row->error);
        return;
    }

    gmchat_reply_refusal_object(out, refusal);
}


void
gmchat_reply_refusal_object(gmchat_buf_t *out,
    const gmchat_refusal_t *refusal)
{
    const char                 *sentence;
    const gmchat_status_row_t  *row;

    row = gmchat_status_row(refusal->status);
    sentence = refusal->reason ? refusal->reason : row->error;

    gmchat_buf_add_text(out, "{\"res\":0");

    if (row->code) {
        gmchat_json_name(out, "errno");
        gmchat_buf_add_int(out, row->code);
    }

    if (sentence) {
        gmchat_json_name(out, "error");
        gmchat_buf_add_text(out, "\"");

        if (refusal->param) {
            gmchat_buf_add_text(out, refusal->param);
            gmchat_buf_add_text(out, ": ");
        }

        gmchat_buf_add_text(out, sentence);
        gmchat_buf_add_text(out, "\"");
    }

    gmchat_buf_add_text(out, "}");
}


gmchat_buf_t *
gmchat_reply_open(gmchat_reply_t *reply)
{
    if (reply->json) {
        gmchat_json_name(reply->out, "data");
        return reply->out;
    }

    reply->data->len = 0;

    return reply->data;
}


static void
gmchat_reply_base64(gmchat_reply_t *reply, const char *name)
{
    gmchat_json_name(reply->out, name);
    gmchat_buf_add_text(reply->out, "\"");
    gmchat_base64_encode(reply->out, reply->data->data, reply->data->len);
    gmchat_buf_add_text(reply->out, "\"");

    if (reply->data->failed) {
        reply->out->failed = 1;
    }
}


void
gmchat_reply_close(gmchat_reply_t *reply)
{
    if (!reply->json) {
        gmchat_reply_base64(reply, "data");
    }
}


void
gmchat_reply_flag(gmchat_buf_t *buf, const char *name, int64_t value)
{
    gmchat_json_name(buf, name);
    gmchat_buf_add_text(buf, value ? "true" : "false");
}


void
gmchat_reply_string(gmchat_buf_t *buf, const char *name,
    const gmchat_value_t *value)
{
    gmchat_json_name(buf, name);
    gmchat_json_string(buf, value->str.data, value->str.len);
}


void
gmchat_reply_number(gmchat_buf_t *buf, const char *name,
    const gmchat_value_t *value)
{
    gmchat_json_name(buf, name);

    if (value->kind == GMCHAT_VALUE_STRING
        && gmchat_integer_parse(&value->str, NULL))
    {
        gmchat_buf_add(buf, value->str.data, value->str.len);
        return;
    }

    gmchat_buf_add_int(buf, value->kind == GMCHAT_VALUE_INTEGER
                                ? value->integer : 0);
}


static int
gmchat_reply_position(gmchat_reply_t *reply)
{
    const gmchat_value_t  *cursor, *more, *reset;

    cursor = gmchat_reply_item(reply->value, GMCHAT_R_CURSOR,
                               GMCHAT_VALUE_STRING);
    more = gmchat_reply_item(reply->value, GMCHAT_R_MORE,
                             GMCHAT_VALUE_INTEGER);
    reset = gmchat_reply_item(reply->value, GMCHAT_R_RESET,
                              GMCHAT_VALUE_INTEGER);

    if (cursor == NULL || more == NULL || reset == NULL) {
        return -1;
    }

    if (cursor->str.len) {
        gmchat_reply_string(reply->out, "cursor", cursor);
    }

    gmchat_reply_flag(reply->out, "more", more->integer);

    if (reset->integer) {
        gmchat_reply_flag(reply->out, "reset", 1);
    }

    return 0;
}


/* The entries of a receive of one mailbox. */

static const gmchat_value_t *
gmchat_reply_entries(const gmchat_value_t *value)
{
    return gmchat_reply_item(value, GMCHAT_R_FIRST, GMCHAT_VALUE_ARRAY);
}


int
gmchat_reply_sent(gmchat_reply_t *reply)
{
    const gmchat_value_t  *id, *repeat;

    id = gmchat_reply_item(reply->value, 1, GMCHAT_VALUE_STRING);
    repeat = gmchat_reply_item(reply->value, 2, GMCHAT_VALUE_INTEGER);

    if (id == NULL || repeat == NULL) {
        return -1;
    }

    gmchat_reply_string(reply->out, "id", id);

    if (repeat->integer) {
        gmchat_reply_flag(reply->out, "repeat", 1);
    }

    return 0;
}


int
gmchat_reply_gm_sent(gmchat_reply_t *reply)
{
    const gmchat_value_t  *silent;

    silent = gmchat_reply_item(reply->value, 3, GMCHAT_VALUE_INTEGER);

    if (silent == NULL || gmchat_reply_sent(reply) != 0) {
        return -1;
    }

    if (silent->integer) {
        gmchat_reply_flag(reply->out, "host_silent", 1);
    }

    return 0;
}


int
gmchat_reply_acked(gmchat_reply_t *reply)
{
    const gmchat_value_t  *reset;

    reset = gmchat_reply_item(reply->value, 1, GMCHAT_VALUE_INTEGER);
    if (reset == NULL) {
        return -1;
    }

    if (reset->integer) {
        gmchat_reply_flag(reply->out, "reset", 1);
    }

    return 0;
}


int
gmchat_reply_quiet(const gmchat_action_t *action, gmchat_reply_t *reply)
{
    const gmchat_wait_t  *wait;

    wait = action->wait;

    return wait->known ? wait->known(reply) : wait->quiet(reply->value);
}


int
gmchat_reply_receive_quiet(const gmchat_value_t *value)
{
    const gmchat_value_t  *more, *reset, *entries;

    more = gmchat_reply_item(value, GMCHAT_R_MORE, GMCHAT_VALUE_INTEGER);
    reset = gmchat_reply_item(value, GMCHAT_R_RESET, GMCHAT_VALUE_INTEGER);
    entries = gmchat_reply_entries(value);

    return more && more->integer == 0 && reset && reset->integer == 0
           && entries && entries->n == 0;
}


gmchat_str_t
gmchat_reply_idle(const gmchat_value_t *value)
{
    const gmchat_value_t       *idle, *cursor;
    static const gmchat_str_t   none = gmchat_null_string;

    idle = gmchat_reply_item(value, GMCHAT_R_IDLE, GMCHAT_VALUE_INTEGER);
    cursor = gmchat_reply_item(value, GMCHAT_R_CURSOR, GMCHAT_VALUE_STRING);

    if (idle == NULL || idle->integer != 1 || cursor == NULL
        || !gmchat_cursor_parse(&cursor->str, NULL, NULL)
        || !gmchat_reply_receive_quiet(value))
    {
        return none;
    }

    return cursor->str;
}


gmchat_str_t
gmchat_reply_written(const gmchat_action_t *action,
    const gmchat_value_t *value)
{
    const gmchat_value_t       *receiver;
    static const gmchat_str_t   none = gmchat_null_string;

    if (!(action->flags & GMCHAT_A_WRITES)) {
        return none;
    }

    receiver = gmchat_reply_item(value, value->n - 1, GMCHAT_VALUE_STRING);

    if (receiver == NULL || receiver->str.len < 2
        || (receiver->str.data[0] != 'g' && receiver->str.data[0] != 'h'))
    {
        return none;
    }

    return receiver->str;
}


int
gmchat_reply_receive_all_quiet(const gmchat_value_t *value)
{
    return value->n == GMCHAT_R_FIRST;
}


/* {'ok', more, {reset, done, position, entries}, ...} */

int
gmchat_reply_stream_quiet(const gmchat_value_t *value)
{
    size_t                 i;
    const gmchat_value_t  *reset, *entries;

    for (i = GMCHAT_R_PARTS; i < value->n; i++) {
        reset = gmchat_reply_item(&value->items[i], 0, GMCHAT_VALUE_INTEGER);
        entries = gmchat_reply_item(&value->items[i], 3, GMCHAT_VALUE_ARRAY);

        if ((reset && reset->integer) || (entries && entries->n)) {
            return 0;
        }
    }

    return value->n > GMCHAT_R_PARTS;
}


/* The messages of one mailbox, each with its own GM or with `owner`. */

static int
gmchat_reply_json_messages(gmchat_reply_t *reply,
    const gmchat_value_t *entries, const gmchat_str_t *owner)
{
    size_t          i;
    gmchat_entry_t  entry;

    for (i = 0; i < entries->n; i++) {
        if (gmchat_entry_read(&entry, &entries->items[i]) != 0) {
            return -1;
        }

        gmchat_entry_json(reply->out, &entry, owner ? owner : &entry.gm,
                          reply->text);
    }

    return 0;
}


int
gmchat_reply_messages(gmchat_reply_t *reply)
{
    int                    rc;
    gmchat_buf_t          *buf;
    const gmchat_value_t  *entries;

    entries = gmchat_reply_entries(reply->value);
    if (entries == NULL) {
        return -1;
    }

    buf = gmchat_reply_open(reply);

    if (reply->json) {
        gmchat_buf_add_text(buf, "[");
        rc = gmchat_reply_json_messages(reply, entries, NULL);
        gmchat_buf_add_text(buf, "]");

    } else {
        rc = gmchat_entry_items(buf, entries, reply->arena);
    }

    gmchat_reply_close(reply);

    return rc == 0 ? gmchat_reply_position(reply) : -1;
}


/* What players wrote to one GM. */

static int
gmchat_reply_gm(gmchat_reply_t *reply, gmchat_buf_t *buf,
    const gmchat_str_t *gm, const gmchat_value_t *entries)
{
    if (reply->json) {
        return gmchat_reply_json_messages(reply, entries, gm);
    }

    if (entries->n == 0) {
        return 0;
    }

    gmchat_json_next(buf);
    gmchat_json_string(buf, gm->data, gm->len);
    gmchat_buf_add_text(buf, ":");

    return gmchat_entry_items(buf, entries, reply->arena);
}


int
gmchat_reply_gm_messages(gmchat_reply_t *reply)
{
    int                    rc;
    gmchat_buf_t          *buf;
    const gmchat_value_t  *entries;

    entries = gmchat_reply_entries(reply->value);
    if (entries == NULL) {
        return -1;
    }

    buf = gmchat_reply_open(reply);
    gmchat_buf_add_text(buf, reply->json ? "[" : "{");
    rc = gmchat_reply_gm(reply, buf, &reply->args->values[GMCHAT_P_GM_ACCOUNT],
                         entries);
    gmchat_buf_add_text(buf, reply->json ? "]" : "}");
    gmchat_reply_close(reply);

    return rc == 0 ? gmchat_reply_position(reply) : -1;
}


int
gmchat_reply_all_messages(gmchat_reply_t *reply)
{
    size_t                 i;
    gmchat_buf_t          *buf;
    const gmchat_value_t  *gm, *entries;

    buf = gmchat_reply_open(reply);
    gmchat_buf_add_text(buf, reply->json ? "[" : "{");

    for (i = GMCHAT_R_FIRST; i < reply->value->n; i += 2) {
        gm = gmchat_reply_item(reply->value, i, GMCHAT_VALUE_STRING);
        entries = gmchat_reply_item(reply->value, i + 1, GMCHAT_VALUE_ARRAY);

        if (gm == NULL || entries == NULL
            || gmchat_reply_gm(reply, buf, &gm->str, entries) != 0)
        {
            return -1;
        }
    }

    gmchat_buf_add_text(buf, reply->json ? "]" : "}");
    gmchat_reply_close(reply);

    return gmchat_reply_position(reply);
}


static int
gmchat_reply_json_relation(gmchat_reply_t *reply,
    const gmchat_value_t *entries)
{
    size_t          i;
    gmchat_entry_t  entry;

    gmchat_json_name(reply->out, "data");
    gmchat_buf_add_text(reply->out, "[");

    for (i = 0; i < entries->n; i++) {
        if (gmchat_entry_read(&entry, &entries->items[i]) != 0) {
            return -1;
        }

        gmchat_entry_relation_json(reply->out, &entry);
    }

    gmchat_buf_add_text(reply->out, "]");

    return gmchat_reply_position(reply);
}


int
gmchat_reply_relation(gmchat_reply_t *reply)
{
    const gmchat_value_t  *entries;

    entries = gmchat_reply_entries(reply->value);
    if (entries == NULL) {
        return -1;
    }

    if (reply->json) {
        return gmchat_reply_json_relation(reply, entries);
    }

    reply->data->len = 0;
    reply->text->len = 0;

    if (gmchat_entry_relations(reply->data, reply->text, entries,
                               reply->arena)
        != 0)
    {
        return -1;
    }

    gmchat_reply_base64(reply, "apply_data");

    reply->data->len = 0;
    gmchat_buf_add(reply->data, reply->text->data, reply->text->len);
    reply->data->failed |= reply->text->failed;

    gmchat_reply_base64(reply, "remove_data");

    return gmchat_reply_position(reply);
}


/* FNV-1a of each, added up. */

uint64_t
gmchat_reply_gms_digest(const gmchat_value_t *gms, size_t n)
{
    size_t               i, k;
    uint64_t             sum, hash;
    const gmchat_str_t  *gm;

    sum = n;

    for (i = 0; i < n; i++) {
        gm = &gms[i].str;
        hash = 14695981039346656037u;

        for (k = 0; k < gm->len; k++) {
            hash = (hash ^ gm->data[k]) * 1099511628211u;
        }

        sum += hash;
    }

    return sum;
}


static void
gmchat_reply_online_digest(const gmchat_value_t *value, char *digest)
{
    uint64_t  sum;

    sum = gmchat_reply_gms_digest(&value->items[GMCHAT_R_GMS],
                                  value->n - GMCHAT_R_GMS);

    (void) snprintf(digest, GMCHAT_DIGEST_LEN + 1, "%016llx",
                    (unsigned long long) sum);
}


static int
gmchat_reply_online_valid(const gmchat_value_t *value)
{
    size_t  i;

    if (gmchat_reply_item(value, 1, GMCHAT_VALUE_INTEGER) == NULL) {
        return 0;
    }

    for (i = GMCHAT_R_GMS; i < value->n; i++) {
        if (value->items[i].kind != GMCHAT_VALUE_STRING) {
            return 0;
        }
    }

    return 1;
}


int
gmchat_reply_online_known(gmchat_reply_t *reply)
{
    char           digest[GMCHAT_DIGEST_LEN + 1];
    gmchat_str_t  *known;

    if (!gmchat_reply_online_valid(reply->value)) {
        return 0;
    }

    gmchat_reply_online_digest(reply->value, digest);
    known = &reply->args->values[GMCHAT_P_CURSOR];

    if (gmchat_args_given(reply->args, GMCHAT_P_CURSOR)) {
        return gmchat_str_is(known, digest);
    }

    known->data = gmchat_arena_copy(reply->arena, digest, GMCHAT_DIGEST_LEN);
    known->len = known->data ? GMCHAT_DIGEST_LEN : 0;

    return known->data != NULL;
}


int
gmchat_reply_online(gmchat_reply_t *reply)
{
    char           digest[GMCHAT_DIGEST_LEN + 1];
    size_t         i;
    gmchat_buf_t  *buf;

    if (!gmchat_reply_online_valid(reply->value)) {
        return -1;
    }

    buf = gmchat_reply_open(reply);
    gmchat_buf_add_text(buf, "[");

    for (i = GMCHAT_R_GMS; i < reply->value->n; i++) {
        gmchat_json_next(buf);
        gmchat_json_string(buf, reply->value->items[i].str.data,
                           reply->value->items[i].str.len);
    }

    gmchat_buf_add_text(buf, "]");
    gmchat_reply_close(reply);

    /* a poller that asks for none of it sees none of it */

    if (reply->args->values[GMCHAT_P_CURSOR].data
        || !gmchat_str_is(&reply->args->values[GMCHAT_P_WAIT], "0"))
    {
        gmchat_reply_online_digest(reply->value, digest);
        gmchat_json_name(reply->out, "cursor");
        gmchat_buf_add_text(reply->out, "\"");
        gmchat_buf_add_text(reply->out, digest);
        gmchat_buf_add_text(reply->out, "\"");
    }

    return 0;
}


int
gmchat_reply_objects(gmchat_reply_t *reply, const gmchat_value_t *list,
    size_t first, size_t width,
    int (*object)(gmchat_reply_t *reply, gmchat_buf_t *buf,
                  const gmchat_value_t *items))
{
    size_t         i;
    gmchat_buf_t  *buf;

    if ((list->n - first) % width) {
        return -1;
    }

    buf = gmchat_reply_open(reply);
    gmchat_buf_add_text(buf, "[");

    for (i = first; i < list->n; i += width) {
        if (object(reply, buf, &list->items[i]) != 0) {
            return -1;
        }
    }

    gmchat_buf_add_text(buf, "]");
    gmchat_reply_close(reply);

    return 0;
}

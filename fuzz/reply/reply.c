#include <stdlib.h>

#include <jansson.h>

#include "fuzz_call.h"
#include "fuzz_resp.h"
#include "gmchat_base64.h"
#include "gmchat_cursor.h"
#include "gmchat_reply.h"


/*
 * A script's reply, encoded as each action does.  The head says which action,
 * and whether the call has format=json and a cursor; a value follows.  Of
 * strings that are UTF-8 a body is made that is JSON, and what stands in it as
 * base64 is JSON, too.
 */


typedef struct {
    gmchat_buf_t  out;
    gmchat_buf_t  data;
    gmchat_buf_t  text;
} fuzz_bufs_t;


static size_t
fuzz_reply_actions(void)
{
    size_t  n;

    for (n = 0; gmchat_actions[n].name; n++) { /* void */ }

    return n;
}


static void
fuzz_reply_args(fuzz_t *f, gmchat_args_t *args)
{
    static gmchat_str_t  gm = gmchat_string("7");
    static gmchat_str_t  wait = gmchat_string("0");
    static gmchat_str_t  cursor = gmchat_string("0123456789abcdef");

    memset(args, 0, sizeof(gmchat_args_t));
    args->values[GMCHAT_P_GM_ACCOUNT] = gm;
    args->values[GMCHAT_P_WAIT] = wait;

    if (fuzz_below(f, 2)) {
        args->values[GMCHAT_P_CURSOR] = cursor;
    }
}


/* Whether a member is the base64 of JSON. */

static void
fuzz_reply_member(json_t *body, const char *name)
{
    json_t        *data;
    gmchat_buf_t   text = { 0 };
    gmchat_str_t   base64;

    base64.data = (unsigned char *) json_string_value(json_object_get(body,
                                                                      name));
    if (base64.data == NULL) {
        return;
    }

    base64.len = strlen((char *) base64.data);
    fuzz_must(gmchat_base64_valid(base64.data, base64.len));

    gmchat_base64_decode(&text, base64.data, base64.len);
    data = json_loadb((char *) text.data, text.len, JSON_ALLOW_NUL, NULL);
    fuzz_must(json_is_array(data) || json_is_object(data));

    json_decref(data);
    gmchat_buf_free(&text);
}


/* Part 1's messages stand between quotes as they are: base64 in the store. */

static int
fuzz_reply_clean(const gmchat_value_t *value)
{
    size_t  i;

    if (value->kind == GMCHAT_VALUE_STRING) {
        for (i = 0; i < value->str.len; i++) {
            if (strchr("\"\\", value->str.data[i])
                || value->str.data[i] < 0x20)
            {
                return 0;
            }
        }
    }

    for (i = 0; value->kind == GMCHAT_VALUE_ARRAY && i < value->n; i++) {
        if (!fuzz_reply_clean(&value->items[i])) {
            return 0;
        }
    }

    return 1;
}


static void
fuzz_reply_body(const gmchat_reply_t *reply)
{
    json_t  *body;

    if (!fuzz_resp_utf8(reply->value)
        || (!reply->json && !fuzz_reply_clean(reply->value)))
    {
        return;
    }

    body = json_loadb((char *) reply->out->data, reply->out->len,
                      JSON_ALLOW_NUL, NULL);
    fuzz_must(json_is_object(body));
    fuzz_must(json_integer_value(json_object_get(body, "res")) == 1);

    if (!reply->json) {
        fuzz_reply_member(body, "data");
        fuzz_reply_member(body, "apply_data");
        fuzz_reply_member(body, "remove_data");
    }

    json_decref(body);
}


static void
fuzz_reply_success(fuzz_t *f, const gmchat_action_t *action,
    gmchat_reply_t *reply)
{
    gmchat_str_t     receipt;
    gmchat_status_e  status;

    status = gmchat_reply_success(action, reply);
    fuzz_note(f, " success:%d", status);

    if (status == GMCHAT_OK) {
        fuzz_note_bytes(f, "out", reply->out->data, reply->out->len);
        fuzz_feed(f);
        fuzz_reply_body(reply);
        fuzz_starve(f);

    } else {
        fuzz_must(status == GMCHAT_FAULT || status == GMCHAT_UNKNOWN);
        fuzz_must_fed(f, status == GMCHAT_FAULT);
    }

    receipt = gmchat_reply_receipt(action, reply->value);
    fuzz_note_str(f, "receipt", &receipt);
    fuzz_must(receipt.data == NULL || (action->flags & GMCHAT_A_TAKES));
}


/* What the worker keeps of a reply: a cursor that is one, of an empty mailbox;
 * and whom it wrote to. */

static void
fuzz_reply_known(fuzz_t *f, const gmchat_action_t *action,
    const gmchat_value_t *value)
{
    gmchat_str_t  cursor, receiver;

    cursor = gmchat_reply_idle(value);
    fuzz_note_str(f, "idle", &cursor);
    fuzz_must(cursor.len == 0
              || (cursor.len <= GMCHAT_CURSOR_MAX
                  && gmchat_cursor_parse(&cursor, NULL, NULL)
                  && gmchat_reply_receive_quiet(value)));

    receiver = gmchat_reply_written(action, value);
    fuzz_note_str(f, "written", &receiver);
    fuzz_must(receiver.len == 0
              || ((action->flags & GMCHAT_A_WRITES)
                  && strchr("gh", receiver.data[0])));
}


/* The store asks what a reply has to say before anybody looked at it. */

static void
fuzz_reply_quiet(fuzz_t *f, const gmchat_wait_t *wait,
    const gmchat_value_t *value)
{
    int  quiet;

    if (wait && wait->quiet) {
        quiet = wait->quiet(value);
        fuzz_note(f, " quiet:%d", quiet);
        fuzz_must(!quiet || value->kind == GMCHAT_VALUE_ARRAY);
    }
}


static void
fuzz_reply_one(fuzz_t *f, const gmchat_action_t *action, int json,
    gmchat_args_t *args, const gmchat_value_t *value)
{
    fuzz_bufs_t       bufs;
    gmchat_reply_t    reply = { 0 };
    gmchat_arena_t    arena = { 0 };
    gmchat_status_e   status;
    gmchat_refusal_t  refusal = { 0 };

    memset(&bufs, 0, sizeof(bufs));

    reply.value = value;
    reply.args = args;
    reply.arena = &arena;
    reply.out = &bufs.out;
    reply.data = &bufs.data;
    reply.text = &bufs.text;
    reply.json = (unsigned) json;

    status = gmchat_reply_status(value);
    fuzz_note(f, "\n%s %d", action->script, status);
    fuzz_reply_quiet(f, action->wait, value);

    if (status == GMCHAT_OK) {
        fuzz_reply_known(f, action, value);

        if (action->wait && action->wait->known) {
            fuzz_note(f, " known:%d", action->wait->known(&reply));
        }

        fuzz_reply_success(f, action, &reply);

    } else if (status != GMCHAT_UNAVAILABLE) {
        refusal.status = status;
        fuzz_call_refused(f, status, &refusal);
    }

    gmchat_buf_free(&bufs.out);
    gmchat_buf_free(&bufs.data);
    gmchat_buf_free(&bufs.text);
    gmchat_arena_free(&arena);
}


void
fuzz_run(fuzz_t *f)
{
    int                     json;
    gmchat_args_t           args;
    gmchat_arena_t          arena = { 0 };
    gmchat_value_t         *value;
    const gmchat_action_t  *action;

    action = &gmchat_actions[fuzz_below(f, (unsigned) fuzz_reply_actions())];
    json = (int) fuzz_below(f, 2);
    fuzz_reply_args(f, &args);

    value = fuzz_resp_read(f, &arena);

    if (value) {
        fuzz_reply_one(f, action, json, &args, value);
    }

    gmchat_arena_free(&arena);
}

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "fuzz_call.h"
#include "fuzz_plain.h"
#include "gmchat_desk.h"
#include "gmchat_reply.h"
#include "gmchat_split.h"


static const gmchat_str_t  fuzz_call_prefix = gmchat_string("gmchat:{g}:");


void
fuzz_call_refused(fuzz_t *f, gmchat_status_e status,
    const gmchat_refusal_t *refusal)
{
    json_t                     *body;
    gmchat_buf_t                out = { 0 };
    const gmchat_status_row_t  *row;

    fuzz_must(status != GMCHAT_OK && status < GMCHAT_STATUSES);
    fuzz_must(status == refusal->status);
    fuzz_must_fed(f, status != GMCHAT_UNAVAILABLE);

    fuzz_note(f, " refused:%d %s %s", status,
              refusal->param ? refusal->param : "-",
              refusal->reason ? refusal->reason : "-");

    fuzz_feed(f);

    row = gmchat_status_row(status);
    gmchat_reply_refusal(&out, refusal);
    fuzz_must(!out.failed && out.len);

    if (!row->text) {
        body = json_loadb((char *) out.data, out.len, 0, NULL);
        fuzz_must(json_is_object(body));
        fuzz_must(json_integer_value(json_object_get(body, "res")) == 0);
        fuzz_must(json_integer_value(json_object_get(body, "errno"))
                  == row->code);
        json_decref(body);
    }

    gmchat_buf_free(&out);
    fuzz_starve(f);
}


static int
fuzz_call_token(const gmchat_str_t *value)
{
    return value->len >= 1 && value->len <= 64
           && fuzz_made_of(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "abcdefghijklmnopqrstuvwxyz0123456789_.:-");
}


static int
fuzz_call_range(const gmchat_str_t *value, int64_t least, int64_t most)
{
    int64_t  n;

    return fuzz_integer(value, &n) && n >= least && n <= most;
}


/* What the contract says of a value that was accepted. */

static int
fuzz_call_right(gmchat_param_e id, const gmchat_str_t *value)
{
    int64_t  n;

    switch (id) {

    case GMCHAT_P_GM_ACCOUNT:
    case GMCHAT_P_HOST:
    case GMCHAT_P_UID:
        return fuzz_integer(value, &n);

    case GMCHAT_P_GM_NAME:
        return value->len >= 1 && value->len <= 256 && fuzz_utf8(value)
               && memchr(value->data, '\0', value->len) == NULL;

    case GMCHAT_P_OPERATOR:
        return value->len >= 1 && value->len <= 128 && fuzz_utf8(value)
               && memchr(value->data, '\n', value->len) == NULL;

    case GMCHAT_P_ROLE:
        return gmchat_str_is(value, "admin") || gmchat_str_is(value, "gm")
               || gmchat_str_is(value, "viewer");

    case GMCHAT_P_GM_ACCOUNTS:
        return fuzz_integer(value, &n);

    case GMCHAT_P_MSG:
        return fuzz_base64(value, &n) && n <= FUZZ_MESSAGE_MAX;

    case GMCHAT_P_MSGID:
        return fuzz_call_token(value);

    case GMCHAT_P_GROUP:
        return fuzz_call_token(value) && !memchr(value->data, ':', value->len);

    case GMCHAT_P_ACK:
    case GMCHAT_P_BEFORE:
        return value->len == 0 || fuzz_cursor(value);

    case GMCHAT_P_LIMIT:
        return fuzz_call_range(value, 1, 1000);

    case GMCHAT_P_WAIT:
        return fuzz_call_range(value, 0, 55);

    case GMCHAT_P_LEASE:
        return fuzz_call_range(value, 5, 86400);

    case GMCHAT_P_CURSOR:
        return value->len <= 8192
               && fuzz_made_of(value, "0123456789abcdef:,-*");

    case GMCHAT_P_STREAM:
        return value->len == 32 && fuzz_made_of(value, "0123456789abcdef");

    case GMCHAT_P_FORMAT:
        return gmchat_str_is(value, "json");

    case GMCHAT_P_ONLINE:
        return gmchat_str_is(value, "1");

    default:
        return 0;
    }
}


static void
fuzz_call_needs(fuzz_t *f, const gmchat_action_t *action,
    const gmchat_args_t *given, const gmchat_args_t *args)
{
    size_t                n;
    gmchat_str_t          next, value;
    const gmchat_need_t  *need;

    for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
        next = args->values[need->id];
        fuzz_note_str(f, (char *) gmchat_param(need->id)->name.data, &next);

        /* a parameter that was not given has its preset */

        if (!gmchat_args_given(given, need->id)
            && (need->id != GMCHAT_P_MSG
                || !gmchat_args_given(given, GMCHAT_P_TEXT)))
        {
            fuzz_must(!need->required);
            continue;
        }

        if (!need->list) {
            fuzz_must(fuzz_call_right(need->id, &next));
            continue;
        }

        for (n = 0; gmchat_action_list(&next, &value); n++) {
            fuzz_must(fuzz_call_right(need->id, &value));
        }

        fuzz_must(n >= 1 && n <= GMCHAT_LIST_MAX);
    }
}


/* An operator's call has one more word, of eleven lines; the last is JSON. */

static void
fuzz_call_sign(fuzz_t *f, const gmchat_action_t *action,
    const gmchat_args_t *args, gmchat_arena_t *arena,
    gmchat_script_call_t *call)
{
    json_t         *params;
    unsigned        n, lines;
    gmchat_str_t    word, line;
    gmchat_desk_t   desk = { gmchat_string("olga"), gmchat_string("::1"),
                             gmchat_string("10000"), 0 };

    n = call->n;

    if (gmchat_desk_sign(call, &desk, action, args,
                         gmchat_desk_note(action), arena)
        != 0)
    {
        fuzz_must(f->starved && call->n == n);
        return;
    }

    fuzz_must(call->desk && call->n == n + 1 && call->n <= GMCHAT_WORDS_MAX);

    word = call->words[n];
    fuzz_note_str(f, "desk", &word);
    fuzz_must(word.len && word.data[word.len - 1] == '\n');
    word.len--;

    for (lines = 1; gmchat_split_first(&word, '\n', &line); lines++) {
        /* void */
    }

    fuzz_must(lines == 11);

    fuzz_feed(f);
    params = json_loadb((char *) line.data, line.len, 0, NULL);
    fuzz_must(json_is_object(params));
    json_decref(params);
    fuzz_starve(f);
}


static void
fuzz_call_build(fuzz_t *f, const gmchat_action_t *action,
    const gmchat_args_t *args, gmchat_arena_t *arena)
{
    unsigned              i, n;
    gmchat_str_t          env[GMCHAT_ENVS];
    gmchat_durability_t   durability = { 0 };
    gmchat_script_call_t  call;

    for (i = 0; i < GMCHAT_ENVS; i++) {
        env[i] = fuzz_call_prefix;
    }

    if (gmchat_action_build(action, action->script, args, &fuzz_call_prefix,
                            env, &durability, arena, &call)
        != 0)
    {
        fuzz_must(f->starved);
        return;
    }

    for (n = 0; action->argv[n]; n++) { /* void */ }

    fuzz_must(call.n == n + (action->mailbox ? 2 : 1));
    fuzz_must(call.n <= GMCHAT_WORDS_MAX);
    fuzz_must(call.history < call.n);
    fuzz_must(call.durability
              == (action->flags & GMCHAT_A_KEEP ? &durability : NULL));

    for (i = 0; i < call.n; i++) {
        fuzz_must(call.words[i].data != NULL);
        fuzz_note_str(f, "word", &call.words[i]);
    }

    fuzz_must(!action->mailbox
              || memcmp(call.words[1].data, fuzz_call_prefix.data,
                        fuzz_call_prefix.len) == 0);

    if (action->endpoint == GMCHAT_GM) {
        fuzz_call_sign(f, action, args, arena, &call);
    }
}


static void
fuzz_call_endpoint(fuzz_t *f, const gmchat_args_t *given,
    gmchat_endpoint_e endpoint, gmchat_arena_t *arena)
{
    gmchat_args_t           args = *given;
    gmchat_status_e         status;
    gmchat_refusal_t        refusal = { 0 };
    gmchat_param_env_t      env = { arena, FUZZ_MESSAGE_MAX };
    const gmchat_action_t  *action;

    action = gmchat_action_find(endpoint, &args);
    fuzz_note(f, "\n%d %s", endpoint, action ? action->script : "-");

    if (action == NULL) {
        return;
    }

    fuzz_must(action->endpoint == endpoint);
    fuzz_must(gmchat_str_is(&given->values[GMCHAT_P_ACTION], action->name));

    status = gmchat_action_check(action, &args, &env, &refusal);

    if (status != GMCHAT_OK) {
        fuzz_call_refused(f, status, &refusal);
        return;
    }

    fuzz_call_needs(f, action, given, &args);
    fuzz_call_build(f, action, &args, arena);
}


void
fuzz_call(fuzz_t *f, const gmchat_args_t *args, gmchat_arena_t *arena)
{
    fuzz_call_endpoint(f, args, GMCHAT_GM, arena);
    fuzz_call_endpoint(f, args, GMCHAT_GS, arena);
}


void
fuzz_call_read(fuzz_t *f, fuzz_call_read_pt read,
    void (*again)(const gmchat_args_t *args))
{
    gmchat_str_t      text;
    gmchat_args_t     args = { 0 };
    gmchat_arena_t    arena = { 0 };
    gmchat_status_e   status;
    gmchat_refusal_t  refusal = { 0 };

    text = fuzz_rest(f);
    text = fuzz_copy(text.data, text.len);

    status = read(&args, &arena, text.data, text.len, &refusal);

    free(text.data);

    if (status == GMCHAT_OK) {
        fuzz_call(f, &args, &arena);

        if (!f->starved) {
            again(&args);
        }

    } else {
        fuzz_call_refused(f, status, &refusal);
    }

    gmchat_arena_free(&arena);
}


void
fuzz_call_same(const gmchat_args_t *one, const gmchat_args_t *two)
{
    unsigned  i;

    for (i = 0; i < GMCHAT_PARAMS; i++) {
        if (one->escape[i] || one->kind[i] || two->escape[i] || two->kind[i]) {
            continue;
        }

        fuzz_must(gmchat_args_given(one, i) == gmchat_args_given(two, i));
        fuzz_must(fuzz_same(&one->values[i], &two->values[i]));
    }
}


void
fuzz_call_escape(const gmchat_args_t *args, gmchat_buf_t *buf)
{
    char                 text[sizeof("%00")];
    size_t               i;
    unsigned             id;
    const gmchat_str_t  *value;

    for (id = 1; id < GMCHAT_PARAMS; id++) {
        value = &args->values[id];

        if (value->data == NULL) {
            continue;
        }

        gmchat_buf_add_text(buf, (char *) gmchat_param(id)->name.data);
        gmchat_buf_add_text(buf, "=");

        for (i = 0; i < value->len; i++) {
            snprintf(text, sizeof(text), "%%%02x", value->data[i]);
            gmchat_buf_add(buf, text, 3);
        }

        gmchat_buf_add_text(buf, "&");
    }
}

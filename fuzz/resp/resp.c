#include <stdlib.h>

#include "fuzz_resp.h"
#include "gmchat_fault.h"
#include "gmchat_push.h"


/*
 * What Redis sends.  Each value, written again, is read as the same by our
 * functions and by hiredis' own; an error and what a subscribed link gets are
 * told apart by rules said a second time.  Strings of a value, sent as a
 * command, come back.
 */


/* More than any command has. */
#define FUZZ_WORDS  64


static void
fuzz_resp_plain(const gmchat_value_t *value, const redisReply *reply)
{
    size_t        i;
    gmchat_str_t  str;

    str.data = (unsigned char *) reply->str;
    str.len = (size_t) reply->len;

    switch (value->kind) {

    case GMCHAT_VALUE_INTEGER:
        fuzz_must(reply->type == REDIS_REPLY_INTEGER);
        fuzz_must(reply->integer == value->integer);
        break;

    case GMCHAT_VALUE_STRING:
        fuzz_must(reply->type == REDIS_REPLY_STRING);
        fuzz_must(fuzz_same(&str, &value->str));
        break;

    case GMCHAT_VALUE_ERROR:
        fuzz_must(reply->type == REDIS_REPLY_ERROR);
        fuzz_must(fuzz_same(&str, &value->str));
        break;

    case GMCHAT_VALUE_ARRAY:
        fuzz_must(reply->type == REDIS_REPLY_ARRAY);
        fuzz_must(reply->elements == value->n);

        for (i = 0; i < value->n; i++) {
            fuzz_resp_plain(&value->items[i], reply->element[i]);
        }

        break;

    default: /* GMCHAT_VALUE_NIL */
        fuzz_must(reply->type == REDIS_REPLY_NIL);
    }
}


/* The one value that a text is; by `reader`, which is freed. */

static void *
fuzz_resp_one(redisReader *reader, const gmchat_buf_t *text)
{
    void  *value;

    fuzz_must(redisReaderFeed(reader, (char *) text->data, text->len)
              == REDIS_OK);
    fuzz_must(redisReaderGetReply(reader, &value) == REDIS_OK);
    fuzz_must(value != NULL);

    redisReaderFree(reader);

    return value;
}


static void
fuzz_resp_again(const gmchat_value_t *value)
{
    redisReply      *reply;
    gmchat_buf_t     buf = { 0 };
    gmchat_arena_t   arena = { 0 };

    fuzz_resp_write(value, &buf);

    fuzz_must(fuzz_resp_same(value, fuzz_resp_one(gmchat_resp_reader(&arena),
                                                  &buf)));

    reply = fuzz_resp_one(redisReaderCreate(), &buf);
    fuzz_resp_plain(value, reply);
    freeReplyObject(reply);

    gmchat_buf_free(&buf);
    gmchat_arena_free(&arena);
}


static void
fuzz_resp_command(const gmchat_value_t *value)
{
    size_t           i;
    gmchat_buf_t     buf = { 0 };
    gmchat_str_t     words[FUZZ_WORDS];
    gmchat_arena_t   arena = { 0 };
    gmchat_value_t  *command;

    if (value->n > FUZZ_WORDS) {
        return;
    }

    for (i = 0; i < value->n; i++) {
        if (value->items[i].kind != GMCHAT_VALUE_STRING) {
            return;
        }

        words[i] = value->items[i].str;
    }

    /* behind what is there already */

    gmchat_buf_add_text(&buf, "+OK\r\n");
    fuzz_must(gmchat_resp_command(&buf, words, i) == 0);
    fuzz_must(memcmp(buf.data, "+OK\r\n", 5) == 0);

    memmove(buf.data, buf.data + 5, buf.len - 5);
    buf.len -= 5;
    command = fuzz_resp_one(gmchat_resp_reader(&arena), &buf);
    fuzz_must(fuzz_resp_same(value, command));

    gmchat_buf_free(&buf);
    gmchat_arena_free(&arena);
}


static void
fuzz_resp_error(fuzz_t *f, const gmchat_str_t *error)
{
    size_t                 len;
    const gmchat_fault_t  *fault;
    gmchat_store_outcome_e outcome;

    fault = gmchat_fault_find(error);
    outcome = gmchat_fault_outcome(fault, error);

    fuzz_note(f, " fault:%s %d", fault->cause, outcome);

    fuzz_must(outcome == GMCHAT_STORE_REFUSED
              || outcome == GMCHAT_STORE_UNKNOWN);
    fuzz_must(outcome == fault->outcome || outcome == fault->midway);

    if (fault->word) {
        len = strlen(fault->word);
        fuzz_must(memcmp(error->data, fault->word, len) == 0);
        fuzz_must(error->data[len] == ' ' || error->len == len);

    } else {
        fuzz_must(outcome == GMCHAT_STORE_UNKNOWN);
    }
}


static void
fuzz_resp_push(fuzz_t *f, const gmchat_value_t *value)
{
    gmchat_push_t  push;

    gmchat_push_read(&push, value);
    fuzz_note(f, " push:%d", push.kind);

    switch (push.kind) {

    case GMCHAT_PUSH_STRANGE:
        break;

    case GMCHAT_PUSH_OK:
        fuzz_must(value->kind == GMCHAT_VALUE_STRING);
        fuzz_must(gmchat_str_is(&value->str, "OK"));
        break;

    case GMCHAT_PUSH_ERROR:
        fuzz_must(value->kind == GMCHAT_VALUE_ERROR);
        fuzz_must(fuzz_same(&push.text, &value->str));
        break;

    default:
        fuzz_must(value->kind == GMCHAT_VALUE_ARRAY && value->n >= 2);
        fuzz_must(value->items[0].kind == GMCHAT_VALUE_STRING);
        fuzz_must(value->items[1].kind == GMCHAT_VALUE_STRING);
        fuzz_must(push.kind == GMCHAT_PUSH_PONG
                  || (value->n == 3
                      && push.channel.data == value->items[1].str.data
                      && push.text.data == value->items[2].str.data));
        break;
    }
}


static void
fuzz_resp_value(fuzz_t *f, const gmchat_value_t *value)
{
    fuzz_note(f, "\n");
    fuzz_resp_note(f, value);
    fuzz_resp_push(f, value);

    if (value->kind == GMCHAT_VALUE_ERROR) {
        fuzz_resp_error(f, &value->str);
    }

    if (f->starved) {
        return;
    }

    fuzz_resp_again(value);

    if (value->kind == GMCHAT_VALUE_ARRAY && value->n) {
        fuzz_resp_command(value);
    }
}


void
fuzz_run(fuzz_t *f)
{
    int              rc;
    void            *value;
    size_t           len;
    redisReader     *reader;
    unsigned char   *piece;
    gmchat_arena_t   arena = { 0 };

    reader = gmchat_resp_reader(&arena);
    fuzz_must(reader != NULL);
    rc = REDIS_OK;

    while (rc == REDIS_OK && (piece = fuzz_piece(f, &len)) != NULL) {
        rc = redisReaderFeed(reader, (char *) piece, len);
        free(piece);

        while (rc == REDIS_OK) {
            rc = redisReaderGetReply(reader, &value);

            if (rc != REDIS_OK || value == NULL) {
                break;
            }

            fuzz_resp_value(f, value);
            gmchat_arena_reset(&arena);
        }
    }

    fuzz_note(f, "\n%d %d", rc, reader->err);

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
}

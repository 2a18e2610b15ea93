#include <inttypes.h>
#include <stdlib.h>

#include "fuzz_plain.h"
#include "fuzz_resp.h"


gmchat_value_t *
fuzz_resp_read(fuzz_t *f, gmchat_arena_t *arena)
{
    void           *value;
    size_t          len;
    redisReader    *reader;
    unsigned char  *piece;

    reader = gmchat_resp_reader(arena);
    fuzz_must(reader != NULL);

    value = NULL;

    while (value == NULL && (piece = fuzz_piece(f, &len)) != NULL) {
        if (redisReaderFeed(reader, (char *) piece, len) != REDIS_OK
            || redisReaderGetReply(reader, &value) != REDIS_OK)
        {
            value = NULL;
        }

        free(piece);
    }

    redisReaderFree(reader);

    return value;
}


void
fuzz_resp_note(fuzz_t *f, const gmchat_value_t *value)
{
    size_t  i;

    fuzz_must(value->kind <= GMCHAT_VALUE_ARRAY);

    switch (value->kind) {

    case GMCHAT_VALUE_INTEGER:
        fuzz_note(f, " %" PRId64, value->integer);
        break;

    case GMCHAT_VALUE_STRING:
    case GMCHAT_VALUE_ERROR:
        fuzz_must(value->str.data[value->str.len] == '\0');
        fuzz_note_str(f, value->kind == GMCHAT_VALUE_ERROR ? "!" : "",
                      &value->str);
        break;

    case GMCHAT_VALUE_ARRAY:
        fuzz_note(f, " [%zu", value->n);

        for (i = 0; i < value->n; i++) {
            fuzz_resp_note(f, &value->items[i]);
        }

        fuzz_note(f, "]");
        break;

    default: /* GMCHAT_VALUE_NIL */
        fuzz_note(f, " nil");
    }
}


int
fuzz_resp_same(const gmchat_value_t *one, const gmchat_value_t *two)
{
    size_t  i;

    if (one == two || one->kind != two->kind) {
        return 0;
    }

    switch (one->kind) {

    case GMCHAT_VALUE_INTEGER:
        return one->integer == two->integer;

    case GMCHAT_VALUE_STRING:
    case GMCHAT_VALUE_ERROR:
        return fuzz_same(&one->str, &two->str)
               && (one->str.len == 0 || one->str.data != two->str.data);

    case GMCHAT_VALUE_ARRAY:
        if (one->n != two->n) {
            return 0;
        }

        for (i = 0; i < one->n; i++) {
            if (!fuzz_resp_same(&one->items[i], &two->items[i])) {
                return 0;
            }
        }

        return 1;

    default: /* GMCHAT_VALUE_NIL */
        return 1;
    }
}


int
fuzz_resp_utf8(const gmchat_value_t *value)
{
    size_t  i;

    if (value->kind == GMCHAT_VALUE_STRING) {
        return fuzz_utf8(&value->str);
    }

    if (value->kind == GMCHAT_VALUE_ARRAY) {
        for (i = 0; i < value->n; i++) {
            if (!fuzz_resp_utf8(&value->items[i])) {
                return 0;
            }
        }
    }

    return 1;
}


static void
fuzz_resp_head(gmchat_buf_t *buf, const char *type, int64_t number)
{
    gmchat_buf_add_text(buf, type);
    gmchat_buf_add_int(buf, number);
    gmchat_buf_add_text(buf, "\r\n");
}


void
fuzz_resp_write(const gmchat_value_t *value, gmchat_buf_t *buf)
{
    size_t  i;

    switch (value->kind) {

    case GMCHAT_VALUE_INTEGER:
        fuzz_resp_head(buf, ":", value->integer);
        break;

    case GMCHAT_VALUE_ERROR:
        gmchat_buf_add_text(buf, "-");
        gmchat_buf_add(buf, value->str.data, value->str.len);
        gmchat_buf_add_text(buf, "\r\n");
        break;

    case GMCHAT_VALUE_STRING:
        fuzz_resp_head(buf, "$", (int64_t) value->str.len);
        gmchat_buf_add(buf, value->str.data, value->str.len);
        gmchat_buf_add_text(buf, "\r\n");
        break;

    case GMCHAT_VALUE_ARRAY:
        fuzz_resp_head(buf, "*", (int64_t) value->n);

        for (i = 0; i < value->n; i++) {
            fuzz_resp_write(&value->items[i], buf);
        }

        break;

    default: /* GMCHAT_VALUE_NIL */
        gmchat_buf_add_text(buf, "$-1\r\n");
    }
}

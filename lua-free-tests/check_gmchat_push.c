#include <stdlib.h>
#include <string.h>

#include "gmchat_push.h"
#include "gmchat_resp.h"
#include "test_tools.h"


static gmchat_arena_t  arena;


static int
is(const gmchat_str_t *str, const char *text)
{
    return text[0] == '\0' ? str->len == 0 : gmchat_str_is(str, text);
}


START_TEST(every_kind)
{
    size_t          i;
    gmchat_push_t   push;

    static const struct {
        const char          *value;
        gmchat_push_kind_e   kind;
        const char          *channel;
        const char          *text;
    } rows[] = {
        { "'OK'", GMCHAT_PUSH_OK, "", "" },
        { "!NOPERM", GMCHAT_PUSH_ERROR, "", "NOPERM" },
        { "['subscribe' 'a' 1]", GMCHAT_PUSH_SUBSCRIBED, "a", "" },
        { "['unsubscribe' 'ab' 0]", GMCHAT_PUSH_UNSUBSCRIBED, "ab", "" },
        { "['message' 'a' 'm 1-1']", GMCHAT_PUSH_MESSAGE, "a", "m 1-1" },
        { "['message' 'a' '']", GMCHAT_PUSH_MESSAGE, "a", "" },
        { "['message' '' 'x']", GMCHAT_PUSH_MESSAGE, "", "x" },
        { "['message' 'subscribe' 'pong']", GMCHAT_PUSH_MESSAGE, "subscribe",
          "pong" },
        { "['pong' '']", GMCHAT_PUSH_PONG, "", "" },
        { "['pong' 'x']", GMCHAT_PUSH_PONG, "", "" },

        /* what looks like one of these, and is not */

        { "nil", GMCHAT_PUSH_STRANGE, "", "" },
        { "1", GMCHAT_PUSH_STRANGE, "", "" },
        { "'OKAY'", GMCHAT_PUSH_STRANGE, "", "" },
        { "'message'", GMCHAT_PUSH_STRANGE, "", "" },
        { "[]", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' 'a']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' 'a' 'b' 'c']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' 'a' 1]", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' 'a' nil]", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' nil 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['message' ['a'] 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "[['message'] 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "[!message 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['Message' 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['messages' 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['subscribe' 'a' '1']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['subscribe' 'a']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['unsubscribe' nil 0]", GMCHAT_PUSH_STRANGE, "", "" },
        { "['psubscribe' 'a' 1]", GMCHAT_PUSH_STRANGE, "", "" },
        { "['pmessage' 'a*' 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['pong']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['pong' '' '']", GMCHAT_PUSH_STRANGE, "", "" },
        { "['ok' 'a' 'b']", GMCHAT_PUSH_STRANGE, "", "" }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        memset(&push, 0xa5, sizeof(gmchat_push_t));
        gmchat_push_read(&push, check_value(&arena, rows[i].value));

        ck_assert_msg(push.kind == rows[i].kind, "%s: %d", rows[i].value,
                      push.kind);
        ck_assert_msg(is(&push.channel, rows[i].channel)
                      && is(&push.text, rows[i].text), "%s", rows[i].value);
        gmchat_arena_reset(&arena);
    }

    gmchat_arena_free(&arena);
}
END_TEST


/* As the wire has them, a byte at a time. */
START_TEST(from_the_wire)
{
    void           *value;
    size_t          i, n;
    gmchat_push_t   push;
    redisReader    *reader;

    static const char  bytes[] =
        "+OK\r\n"
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\n\r\n\0x\r\n"
        "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"
        "-NOPERM no\r\n";

    static const gmchat_push_kind_e  kinds[] = {
        GMCHAT_PUSH_OK, GMCHAT_PUSH_SUBSCRIBED, GMCHAT_PUSH_MESSAGE,
        GMCHAT_PUSH_PONG, GMCHAT_PUSH_UNSUBSCRIBED, GMCHAT_PUSH_ERROR
    };

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);

    for (i = 0, n = 0; i < sizeof(bytes) - 1; i++) {
        ck_assert_int_eq(redisReaderFeed(reader, bytes + i, 1), REDIS_OK);
        ck_assert_int_eq(redisReaderGetReply(reader, &value), REDIS_OK);

        if (value == NULL) {
            continue;
        }

        gmchat_push_read(&push, value);
        ck_assert_uint_lt(n, check_nelts(kinds));
        ck_assert_int_eq(push.kind, kinds[n++]);

        if (push.kind == GMCHAT_PUSH_MESSAGE) {
            ck_assert_uint_eq(push.text.len, 4);
            ck_assert_mem_eq(push.text.data, "\r\n\0x", 4);
        }

        gmchat_arena_reset(&arena);
    }

    ck_assert_uint_eq(n, check_nelts(kinds));

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_push");

    tcase_add_test(tc, every_kind);
    tcase_add_test(tc, from_the_wire);

    return check_end();
}

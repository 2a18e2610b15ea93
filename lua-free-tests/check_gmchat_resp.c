#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_resp.h"
#include "test_tools.h"


static gmchat_arena_t  arena;


/* A value as text: "s" i:1 nil e:"ERR" [a b]. */
static void
print(gmchat_buf_t *buf, const gmchat_value_t *value)
{
    size_t  i;

    switch (value->kind) {

    case GMCHAT_VALUE_NIL:
        gmchat_buf_add_text(buf, "nil");
        break;

    case GMCHAT_VALUE_INTEGER:
        gmchat_buf_add_int(buf, value->integer);
        break;

    case GMCHAT_VALUE_ERROR:
        gmchat_buf_add_text(buf, "!");
        gmchat_buf_add(buf, value->str.data, value->str.len);
        break;

    case GMCHAT_VALUE_STRING:
        gmchat_buf_add_text(buf, "'");
        gmchat_buf_add(buf, value->str.data, value->str.len);
        gmchat_buf_add_text(buf, "'");
        ck_assert_int_eq(value->str.data[value->str.len], 0);
        break;

    case GMCHAT_VALUE_ARRAY:
        gmchat_buf_add_text(buf, "[");

        for (i = 0; i < value->n; i++) {
            gmchat_buf_add_text(buf, i ? " " : "");
            print(buf, &value->items[i]);
        }

        gmchat_buf_add_text(buf, "]");
    }
}


/* Feeds a part; prints the replies that are whole.  Returns 0 or -1. */
static int
feed(redisReader *reader, const char *data, size_t len, gmchat_buf_t *out)
{
    void  *reply;

    if (redisReaderFeed(reader, data, len) != REDIS_OK) {
        return -1;
    }

    for ( ;; ) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            return -1;
        }

        if (reply == NULL) {
            return 0;
        }

        print(out, reply);
        gmchat_buf_add_text(out, ";");
        gmchat_arena_reset(&arena);
    }
}


static const char  stream[] =
    "+OK\r\n"
    ":42\r\n"
    ":-9223372036854775808\r\n"
    "$5\r\na\r\nbc\r\n"
    "$0\r\n\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "*0\r\n"
    "-ERR no\r\n"
    "*3\r\n$2\r\nok\r\n:0\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nm\r\n"
        "$4\r\nZg==\r\n*0\r\n"
    "*2\r\n-ERR in\r\n$-1\r\n";

static const char  replies[] =
    "'OK';42;-9223372036854775808;'a\r\nbc';'';nil;nil;[];!ERR no;"
    "['ok' 0 [['1-1' ['m' 'Zg==']] []]];[!ERR in nil];";


/* The stream in pieces of `first`, then of `size`. */
static void
feed_in_pieces(size_t first, size_t size)
{
    size_t         pos, n;
    redisReader   *reader;
    gmchat_buf_t   out = { 0 };

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);

    for (n = first, pos = 0; pos < sizeof(stream) - 1; pos += n, n = size) {
        if (n > sizeof(stream) - 1 - pos) {
            n = sizeof(stream) - 1 - pos;
        }

        ck_assert_int_eq(feed(reader, stream + pos, n, &out), 0);
    }

    gmchat_buf_add(&out, "", 1);
    ck_assert_str_eq((char *) out.data, replies);

    gmchat_buf_free(&out);
    redisReaderFree(reader);
    gmchat_arena_free(&arena);
}


START_TEST(whole)
{
    feed_in_pieces(sizeof(stream), 1);
}
END_TEST


START_TEST(cut_in_two_anywhere)
{
    size_t  first;

    for (first = 1; first < sizeof(stream) - 1; first++) {
        feed_in_pieces(first, sizeof(stream));
    }
}
END_TEST


START_TEST(in_equal_pieces)
{
    size_t  size;

    /* from a byte at a time on */

    for (size = 1; size < 20; size++) {
        feed_in_pieces(size, size);
    }
}
END_TEST


#if (HIREDIS_MAJOR >= 1)

/* What a server could say in RESP3, though nobody asks it to. */
START_TEST(resp3)
{
    redisReader   *reader;
    gmchat_buf_t   out = { 0 };

    static const char  text[] = ",1.5\r\n#t\r\n_\r\n%1\r\n+k\r\n:1\r\n"
                                "~1\r\n:2\r\n";

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(feed(reader, text, sizeof(text) - 1, &out), 0);
    gmchat_buf_add(&out, "", 1);
    ck_assert_str_eq((char *) out.data, "'1.5';1;nil;['k' 1];[2];");

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
}
END_TEST

#endif


START_TEST(not_resp)
{
    size_t        i;
    redisReader  *reader;
    gmchat_buf_t  out = { 0 };

    static const char  *texts[] = {
        "x", "HTTP/1.1 400 Bad Request\r\n", "\r\n", "+OK\r\n?\r\n",
        "*2\r\n:1\r\nx\r\n", "*99999999999999999999\r\n", "*-2\r\n",
        "$-2\r\n"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        reader = gmchat_resp_reader(&arena);
        ck_assert_ptr_nonnull(reader);
        ck_assert_msg(feed(reader, texts[i], strlen(texts[i]), &out) == -1,
                      "%s", texts[i]);
        redisReaderFree(reader);
        gmchat_arena_free(&arena);
    }

    gmchat_buf_free(&out);
}
END_TEST


/* hiredis refuses it, or reads it: that depends on its version. */
START_TEST(deep)
{
    int            rc;
    size_t         i;
    redisReader   *reader;
    gmchat_buf_t   out = { 0 };

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);

    for (rc = 0, i = 0; i < 1000 && rc == 0; i++) {
        rc = feed(reader, "*1\r\n", 4, &out);
    }

    if (rc == 0) {
        ck_assert_int_eq(feed(reader, ":1\r\n", 4, &out), 0);
        ck_assert_uint_eq(out.len, 1000 + 1 + 1000 + 1);
    }

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
}
END_TEST


START_TEST(unfinished_list)
{
    redisReader   *reader;
    gmchat_buf_t   out = { 0 };

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);

    /* what is missing is waited for */

    ck_assert_int_eq(feed(reader, "*100000\r\n:1\r\n", 13, &out), 0);
    ck_assert_uint_eq(out.len, 0);

    redisReaderFree(reader);
    gmchat_arena_free(&arena);

    /* unless it would be more than any reply has */

    reader = gmchat_resp_reader(&arena);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(feed(reader, "*2147483647\r\n", 13, &out), -1);

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
}
END_TEST


START_TEST(junk)
{
    char           text[60];
    size_t         i, n, len;
    uint64_t       seed = 8;
    redisReader   *reader;
    gmchat_buf_t   out = { 0 };

    static const char  letters[] = "+-:$*1230\r\n\r\n\r\nab";

    for (n = 0; n < 20000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = letters[check_random_below(&seed, sizeof(letters) - 1)];
        }

        out.len = 0;
        reader = gmchat_resp_reader(&arena);
        ck_assert_ptr_nonnull(reader);
        feed(reader, text, len, &out);
        redisReaderFree(reader);
        gmchat_arena_reset(&arena);
    }

    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
}
END_TEST


START_TEST(commands)
{
    gmchat_str_t   words[16];
    size_t         i;
    gmchat_buf_t   buf = { 0 };

    static const gmchat_str_t  ping[] = { gmchat_string("PING") };
    static const gmchat_str_t  set[] = {
        gmchat_string("SET"), gmchat_string("a\r\n\0b"), gmchat_string(""),
        gmchat_null_string
    };
    static const char  expected[] = "*1\r\n$4\r\nPING\r\n"
                                    "*4\r\n$3\r\nSET\r\n$5\r\na\r\n\0b\r\n"
                                    "$0\r\n\r\n$0\r\n\r\n";

    ck_assert_int_eq(gmchat_resp_command(&buf, ping, 1), 0);
    ck_assert_int_eq(gmchat_resp_command(&buf, set, 4), 0);
    ck_assert_uint_eq(buf.len, sizeof(expected) - 1);
    ck_assert_mem_eq(buf.data, expected, buf.len);

    /* EVALSHA with the most keys and arguments */

    for (i = 0; i < check_nelts(words); i++) {
        words[i] = ping[0];
    }

    buf.len = 0;
    ck_assert_int_eq(gmchat_resp_command(&buf, words, 16), 0);
    ck_assert_uint_eq(buf.len, 5 + 16 * 10);

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(command_lengths)
{
    int            n;
    char           head[32];
    size_t         i;
    gmchat_buf_t   buf = { 0 };
    gmchat_str_t   word;

    static unsigned char  zeroes[123456];
    static const size_t   lens[] = {
        0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 9999, 10000, 123456
    };

    word.data = zeroes;

    for (i = 0; i < check_nelts(lens); i++) {
        word.len = lens[i];
        n = snprintf(head, sizeof(head), "*1\r\n$%zu\r\n", lens[i]);

        buf.len = 0;
        ck_assert_int_eq(gmchat_resp_command(&buf, &word, 1), 0);
        ck_assert_uint_eq(buf.len, (size_t) n + lens[i] + 2);
        ck_assert_mem_eq(buf.data, head, (size_t) n);
        ck_assert_mem_eq(buf.data + buf.len - 2, "\r\n", 2);
    }

    gmchat_buf_free(&buf);
}
END_TEST


/* What is written is what would be read. */
START_TEST(command_is_read_back)
{
    redisReader   *reader;
    gmchat_buf_t   buf = { 0 }, out = { 0 };

    static const gmchat_str_t  words[] = {
        gmchat_string("EVALSHA"), gmchat_string("\r\n$1\r\nx"),
        gmchat_string("\xe6\xb8\xb8")
    };

    ck_assert_int_eq(gmchat_resp_command(&buf, words, 3), 0);

    reader = gmchat_resp_reader(&arena);
    ck_assert_int_eq(feed(reader, (char *) buf.data, buf.len, &out), 0);
    gmchat_buf_add(&out, "", 1);
    ck_assert_str_eq((char *) out.data,
                     "['EVALSHA' '\r\n$1\r\nx' '\xe6\xb8\xb8'];");

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
    gmchat_buf_free(&buf);
    gmchat_buf_free(&out);
}
END_TEST


static void
command_short_of_memory(void *data)
{
    int           rc;
    gmchat_buf_t  buf = { 0 };
    gmchat_str_t  word;

    word.data = data;
    word.len = 5000;

    rc = gmchat_resp_command(&buf, &word, 1);

    ck_assert_int_eq(rc, failing_malloc_disarm() ? -1 : 0);
    ck_assert_int_eq(buf.failed, 0);
    ck_assert_int_eq(buf.len == 0, rc != 0);

    gmchat_buf_free(&buf);
}


/* A reader that could not take or read all says so, and goes on saying it. */
static void
read_short_of_memory(void *data)
{
    int           rc, failed;
    void         *reply;
    size_t        half;
    redisReader  *reader;

    half = strlen(data) / 2;
    reply = NULL;
    reader = gmchat_resp_reader(&arena);

    if (reader == NULL) {
        ck_assert_int_eq(failing_malloc_disarm(), 1);
        return;
    }

    rc = redisReaderFeed(reader, data, half);
    rc |= redisReaderGetReply(reader, &reply);
    ck_assert_ptr_null(reply);

    rc |= redisReaderFeed(reader, (char *) data + half, strlen(data) - half);
    rc |= redisReaderGetReply(reader, &reply);

    failed = failing_malloc_disarm();
    ck_assert_int_eq(rc, failed ? REDIS_ERR : REDIS_OK);
    ck_assert_int_eq(reply == NULL, failed);

    redisReaderFree(reader);
    gmchat_arena_free(&arena);
}


START_TEST(out_of_memory)
{
    char    text[12000], *p;
    size_t  i;

    memset(text, 'x', sizeof(text));
    /* the buffer */
    ck_assert_uint_ge(failing_malloc_each(command_short_of_memory, text), 1);

    /* a string and a list that each need a block of their own */

    p = text + sprintf(text, "*3\r\n$4000\r\n");
    *p = 'x';
    p += 4000;
    p += sprintf(p, "\r\n*100\r\n");

    for (i = 0; i < 100; i++) {
        p += sprintf(p, ":1\r\n");
    }

    p += sprintf(p, "$-1\r\n");

    /* the reader itself and what it was fed, besides the arena's */
    ck_assert_uint_ge(failing_malloc_each(read_short_of_memory, text), 6);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_resp");

    tcase_add_test(tc, whole);
    tcase_add_test(tc, cut_in_two_anywhere);
    tcase_add_test(tc, in_equal_pieces);
#if (HIREDIS_MAJOR >= 1)
    tcase_add_test(tc, resp3);
#endif
    tcase_add_test(tc, not_resp);
    tcase_add_test(tc, deep);
    tcase_add_test(tc, unfinished_list);
    tcase_add_test(tc, junk);
    tcase_add_test(tc, commands);
    tcase_add_test(tc, command_lengths);
    tcase_add_test(tc, command_is_read_back);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

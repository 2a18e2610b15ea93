#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmchat_cluster.h"
#include "test_tools.h"


static gmchat_arena_t  arena;


static int
is(const gmchat_str_t *str, const char *text)
{
    return str->len == strlen(text)
           && (str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


static unsigned
slot_of(const void *key, size_t len)
{
    unsigned      slot;
    gmchat_str_t  str;

    str.len = len;
    str.data = check_exact(key, len);
    slot = gmchat_cluster_slot(&str);
    free(str.data);

    return slot;
}


/* What CLUSTER KEYSLOT of Redis 7.0.15 says; the first is 0x31c3. */
START_TEST(slots)
{
    char    key[2000];
    size_t  i;

    static const struct {
        const char  *key;
        size_t       len;
        unsigned     slot;
    } rows[] = {

#define ROW(key, slot)  { key, sizeof(key) - 1, slot }

        ROW("123456789", 12739),
        ROW("", 0),
        ROW("foo", 12182),
        ROW("bar", 5061),
        ROW("zap", 6469),
        ROW("a", 15495),
        ROW("c", 7365),
        ROW("gmchat", 6451),
        ROW("\xc3\xa9", 10180),

        ROW("user1000", 3443),
        ROW("{user1000}.following", 3443),
        ROW("{user1000}.followers", 3443),
        ROW("foo{bar}{zap}", 5061),
        ROW("foo{{bar}}zap", 4015),
        ROW("{bar", 4015),
        ROW("{a}{b}", 15495),
        ROW("}{a}", 15495),
        ROW("a}b{c}", 7365),
        ROW("{{}}", 4092),
        ROW("gmchat:{g}:x", 7233),

        /* no tag: nothing in it, or it has no end */

        ROW("foo{}{bar}", 8363),
        ROW("foo{}", 5542),
        ROW("{}{a}", 13650),
        ROW("{}x", 10595),
        ROW("{}", 15257),
        ROW("{", 4092),
        ROW("}", 12090),
        ROW("{{", 7007),
        ROW("}}", 4415),
        ROW("{a", 10276),
        ROW("a{b", 13340),
        ROW("x{y", 2740),

        /* odd bytes */

        ROW("\0\xff\r\n", 6261),
        ROW("\0", 0),
        ROW("{\0}", 0),
        ROW("\xff", 7920),
        ROW("{\xff}", 7920),
        ROW("\r\n ", 2552),
        ROW("a{\r\n }b", 2552)

#undef ROW
    };

    for (i = 0; i < check_nelts(rows); i++) {
        ck_assert_msg(slot_of(rows[i].key, rows[i].len) == rows[i].slot,
                      "\"%s\": %u", rows[i].key,
                      slot_of(rows[i].key, rows[i].len));
    }

    memset(key, '0', sizeof(key));
    ck_assert_uint_eq(slot_of(key, 300), 15136);

    for (i = 0; i < sizeof(key); i++) {
        key[i] = "ab"[i % 2];
    }

    ck_assert_uint_eq(slot_of(key, sizeof(key)), 13751);
}
END_TEST


/* The same by the definition: bit by bit, and the tag by strchr(). */
static unsigned
slot_by_bits(const char *key)
{
    size_t        i, len;
    unsigned      crc, bit;
    const char   *open, *end;

    len = strlen(key);
    open = strchr(key, '{');
    end = open ? strchr(open, '}') : NULL;

    if (end && end != open + 1) {
        key = open + 1;
        len = (size_t) (end - key);
    }

    for (crc = 0, i = 0; i < len; i++) {
        crc ^= (unsigned) (unsigned char) key[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
        }
    }

    return crc & 0x3fff;
}


START_TEST(slots_by_bits)
{
    char      key[24];
    size_t    i, n, len;
    uint64_t  seed = 5;

    for (n = 0; n < 50000; n++) {
        len = check_random_below(&seed, sizeof(key));

        for (i = 0; i < len; i++) {
            key[i] = n % 2 ? "{}ab"[check_random_below(&seed, 4)]
                           : (char) (1 + check_random_below(&seed, 255));
        }

        key[len] = '\0';
        ck_assert_msg(slot_of(key, len) == slot_by_bits(key), "%s", key);
    }
}
END_TEST


START_TEST(redirects)
{
    size_t              i;
    gmchat_str_t        str;
    gmchat_redirect_t   redirect;

    static const struct {
        const char         *text;
        gmchat_redirect_e   kind;
        unsigned            slot;
        const char         *host;
        unsigned            port;
    } rows[] = {
        { "MOVED 3999 127.0.0.1:6381", GMCHAT_REDIRECT_MOVED, 3999,
          "127.0.0.1", 6381 },
        { "ASK 1 ::1:7000", GMCHAT_REDIRECT_ASK, 1, "::1", 7000 },
        { "ASK 1 [::1]:7000", GMCHAT_REDIRECT_ASK, 1, "::1", 7000 },
        { "MOVED 1 [a]:7", GMCHAT_REDIRECT_MOVED, 1, "a", 7 },
        { "MOVED 0 :7000", GMCHAT_REDIRECT_MOVED, 0, "", 7000 },
        { "MOVED 0 ::7000", GMCHAT_REDIRECT_MOVED, 0, ":", 7000 },
        { "MOVED 16383 redis-1.example.com:1", GMCHAT_REDIRECT_MOVED, 16383,
          "redis-1.example.com", 1 },
        { "MOVED 5 2001:db8::7:65535", GMCHAT_REDIRECT_MOVED, 5,
          "2001:db8::7", 65535 },
        { "MOVED 5 ?:7000", GMCHAT_REDIRECT_MOVED, 5, "", 0 },
        { "ASK 5 ?:7000", GMCHAT_REDIRECT_ASK, 5, "", 0 },
        { "ASK 5 ??:7000", GMCHAT_REDIRECT_ASK, 5, "??", 7000 }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        str.len = strlen(rows[i].text);
        str.data = check_exact(rows[i].text, str.len);
        memset(&redirect, 0xa5, sizeof(gmchat_redirect_t));

        ck_assert_int_eq(gmchat_cluster_redirect(&redirect, &str), 1);
        ck_assert_int_eq(redirect.kind, rows[i].kind);
        ck_assert_uint_eq(redirect.slot, rows[i].slot);
        ck_assert_msg(is(&redirect.host, rows[i].host), "%s", rows[i].text);
        ck_assert_uint_eq(redirect.port, rows[i].port);

        free(str.data);
    }
}
END_TEST


START_TEST(not_redirects)
{
    size_t              i;
    gmchat_str_t        str;
    gmchat_redirect_t   redirect;

    static const char  *texts[] = {
        "", " ", "MOVED", "ASK", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED  1",
        "MOVED 1 a", "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536",
        "MOVED 1 a:-1", "MOVED 1 a:07", "MOVED 1 a:7x", "MOVED 1 a:7 ",
        "MOVED 1 a:7 b", "MOVED 1  a:7", "MOVED 1 a b:7", "MOVED 1 a\t:7",
        "MOVED 1 a\x7f:7", "MOVED 1 a:99999999999999999999", "MOVED 1 7000",
        "MOVED 1 []:7", "MOVED 1 [:7", "MOVED 1 [::1:7", "MOVED 1 [::1]",
        "MOVED -1 a:7", "MOVED 16384 a:7", "MOVED 01 a:7", "MOVED x a:7",
        "MOVED  a:7", "MOVED a:7", "MOVED 99999999999999999999 a:7",
        "MOVED:1 a:7", " MOVED 1 a:7", "moved 1 a:7", "MOVE 1 a:7",
        "MOVEDX 1 a:7", "ask 1 a:7", "ASKING 1 a:7", "ERR MOVED 1 a:7",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN Hash slot not served", "NOSCRIPT no"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        str.len = strlen(texts[i]);
        str.data = check_exact(texts[i], str.len);
        memset(&redirect, 0xa5, sizeof(gmchat_redirect_t));

        ck_assert_msg(!gmchat_cluster_redirect(&redirect, &str), "%s",
                      texts[i]);
        ck_assert_int_eq(redirect.kind, GMCHAT_REDIRECT_NONE);

        free(str.data);
    }
}
END_TEST


/* A name of 255 bytes is taken, one of 256 is not. */
START_TEST(long_host)
{
    int                 len;
    char                text[300];
    size_t              n;
    gmchat_str_t        str;
    gmchat_redirect_t   redirect;

    for (n = GMCHAT_CLUSTER_HOST; n <= GMCHAT_CLUSTER_HOST + 1; n++) {
        len = snprintf(text, sizeof(text), "ASK 2 %0*d:6379", (int) n, 0);

        str.len = (size_t) len;
        str.data = check_exact(text, str.len);

        ck_assert_int_eq(gmchat_cluster_redirect(&redirect, &str),
                         n == GMCHAT_CLUSTER_HOST);

        free(str.data);
    }
}
END_TEST


START_TEST(redirect_cut_anywhere)
{
    size_t              len;
    gmchat_str_t        str;
    gmchat_redirect_t   redirect;

    static const char  text[] = "MOVED 3999 [::1]:6381";

    for (len = 0; len < sizeof(text) - 1; len++) {
        str.len = len;
        str.data = check_exact(text, len);

        /* a port that is cut is still one */

        ck_assert_int_eq(gmchat_cluster_redirect(&redirect, &str),
                         len > sizeof("MOVED 3999 [::1]:") - 1);
        free(str.data);
    }
}
END_TEST


START_TEST(ranges)
{
    size_t                   i;
    gmchat_value_t          *slots;
    gmchat_cluster_range_t   range;

    static const struct {
        unsigned     first;
        unsigned     last;
        const char  *host;
        unsigned     port;
    } rows[] = {
        { 0, 5460, "127.0.0.1", 30001 },
        { 5461, 5461, "redis-1", 1 },
        { 0, 16383, "", 65535 },
        { 7, 16383, "", 6379 },
        { 8, 9, "", 0 },
        { 9, 9, "::1", 6379 }
    };

    slots = check_value(&arena,
        "[[0 5460 ['127.0.0.1' 30001 'id' []] ['127.0.0.1' 30004 'id2' []]]"
        " [5461 5461 ['redis-1' 1 'id' ['ip' '10.0.0.1']]]"
        " [0 16383 [nil 65535 'id']]"
        " [7 16383 ['' 6379 'id']]"
        " [8 9 ['?' 6379 'id' ['ip' '10.0.0.1']]]"
        " [9 9 ['::1' 6379]]]");

    for (i = 0; i < check_nelts(rows); i++) {
        memset(&range, 0xa5, sizeof(gmchat_cluster_range_t));

        ck_assert_int_eq(gmchat_cluster_range(&range, slots, i), 1);
        ck_assert_uint_eq(range.first, rows[i].first);
        ck_assert_uint_eq(range.last, rows[i].last);
        ck_assert_msg(is(&range.host, rows[i].host), "row %zu", i);
        ck_assert_uint_eq(range.port, rows[i].port);
    }

    ck_assert_int_eq(gmchat_cluster_range(&range, slots, i), 0);
    ck_assert_int_eq(gmchat_cluster_range(&range, slots, SIZE_MAX), 0);
    ck_assert_int_eq(gmchat_cluster_range(&range, check_value(&arena, "[]"),
                                          0), 0);
    gmchat_arena_free(&arena);
}
END_TEST


START_TEST(not_ranges)
{
    size_t                   i;
    gmchat_cluster_range_t   range;

    static const char  *values[] = {
        "nil", "1", "'OK'", "!ERR", "[nil]", "[1]", "['a']", "[!ERR]", "[[]]",
        "[[0]]", "[[0 1]]", "[[0 1 nil]]", "[[0 1 'a']]", "[[0 1 []]]",
        "[[0 1 ['a']]]", "[[0 1 ['a' nil]]]", "[[0 1 ['a' '7']]]",
        "[[0 1 ['a' 0]]]", "[[0 1 ['a' 65536]]]", "[[0 1 ['a' -1]]]",
        "[[0 1 [1 7]]]", "[[0 1 [!a 7]]]", "[[0 1 [['a'] 7]]]",
        "[[0 1 ['a b' 7]]]", "[[0 1 ['\n' 7]]]", "[[0 1 7 ['a' 7]]]",
        "[['0' 1 ['a' 7]]]", "[[0 '1' ['a' 7]]]", "[[nil 1 ['a' 7]]]",
        "[[0 nil ['a' 7]]]", "[[-1 1 ['a' 7]]]", "[[2 1 ['a' 7]]]",
        "[[0 16384 ['a' 7]]]", "[[16384 16384 ['a' 7]]]", "[[0 -1 ['a' 7]]]",
        "[[0 4294967296 ['a' 7]]]", "[[4294967296 4294967297 ['a' 7]]]",
        "[[0 1 ['a' 4294967303]]]", "[[['a' 7] 0 1]]"
    };

    for (i = 0; i < check_nelts(values); i++) {
        ck_assert_msg(gmchat_cluster_range(&range,
                                           check_value(&arena, values[i]), 0)
                      == -1, "%s", values[i]);
    }

    /* another row is not looked at */

    ck_assert_int_eq(gmchat_cluster_range(&range,
                         check_value(&arena, "[nil [0 1 ['a' 7]]]"), 1), 1);

    gmchat_arena_free(&arena);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_cluster");

    tcase_add_test(tc, slots);
    tcase_add_test(tc, slots_by_bits);
    tcase_add_test(tc, redirects);
    tcase_add_test(tc, not_redirects);
    tcase_add_test(tc, long_host);
    tcase_add_test(tc, redirect_cut_anywhere);
    tcase_add_test(tc, ranges);
    tcase_add_test(tc, not_ranges);

    return check_end();
}

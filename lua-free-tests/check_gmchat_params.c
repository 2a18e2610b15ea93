#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_params.h"
#include "test_tools.h"


#define MESSAGE_MAX  30


static gmchat_arena_t      arena;
static gmchat_param_env_t  env = { &arena, MESSAGE_MAX };


/* Checks a value; what it became is in `value`, in the arena. */
static gmchat_status_e
check_bytes(gmchat_param_e id, const char *text, size_t len,
    gmchat_str_t *value)
{
    const char       *reason;
    gmchat_str_t      given;
    gmchat_status_e   status;

    given.len = len;
    given.data = check_exact(text, len);
    *value = given;
    reason = NULL;

    status = gmchat_param(id)->check(value, &env, &reason);

    /* a parameter that is malformed says why, in words that fit into JSON */

    if (status == GMCHAT_MALFORMED) {
        ck_assert_ptr_nonnull(reason);
        ck_assert_ptr_null(strpbrk(reason, "\"\\\n"));

    } else {
        ck_assert_ptr_null(reason);
    }

    if (value->data == given.data) {
        value->data = gmchat_arena_copy(&arena, given.data, given.len);
    }

    free(given.data);

    return status;
}


static gmchat_status_e
check(gmchat_param_e id, const char *text)
{
    gmchat_str_t     value;
    gmchat_status_e  status;

    status = check_bytes(id, text, strlen(text), &value);
    gmchat_arena_free(&arena);

    return status;
}


/* n times the same character */
static gmchat_status_e
check_length(gmchat_param_e id, char c, size_t n)
{
    char             text[10000];
    gmchat_str_t     value;
    gmchat_status_e  status;

    ck_assert_uint_le(n, sizeof(text));
    memset(text, c, n);
    status = check_bytes(id, text, n, &value);
    gmchat_arena_free(&arena);

    return status;
}


START_TEST(names)
{
    unsigned               id;
    size_t                 len;
    unsigned char         *exact;
    const gmchat_param_t  *param;

    for (id = GMCHAT_P_NONE + 1; id < GMCHAT_PARAMS; id++) {
        param = gmchat_param(id);
        ck_assert_uint_gt(param->name.len, 0);
        ck_assert_ptr_nonnull(param->check);

        for (len = 0; len <= param->name.len; len++) {
            exact = check_exact(param->name.data, len);

            if (len == param->name.len) {
                ck_assert_uint_eq(gmchat_param_find(exact, len), id);

            } else {
                ck_assert_uint_ne(gmchat_param_find(exact, len), id);
            }

            free(exact);
        }
    }
}
END_TEST


START_TEST(unknown_names)
{
    size_t  i;

    static const gmchat_str_t  names[] = {
        gmchat_string(""), gmchat_string("UID"), gmchat_string("uid "),
        gmchat_string("uid\0"), gmchat_string("\0"), gmchat_string("nonce"),
        gmchat_string("msgids"), gmchat_string("gm-account")
    };

    for (i = 0; i < check_nelts(names); i++) {
        ck_assert_uint_eq(gmchat_param_find(names[i].data, names[i].len),
                          GMCHAT_P_NONE);
    }
}
END_TEST


/* What stands for a value that is not given is empty or passes its check; a
 * cursor that is not given differs from an empty one. */
START_TEST(presets)
{
    unsigned      id;
    gmchat_str_t  value;

    for (id = GMCHAT_P_NONE + 1; id < GMCHAT_PARAMS; id++) {
        value = gmchat_param(id)->preset;

        ck_assert_int_eq(value.data == NULL, id == GMCHAT_P_CURSOR);

        if (value.len) {
            ck_assert_uint_eq(check(id, (char *) value.data), GMCHAT_OK);
        }
    }

    ck_assert_str_eq((char *) gmchat_param(GMCHAT_P_LIMIT)->preset.data,
                     "200");
    ck_assert_str_eq((char *) gmchat_param(GMCHAT_P_WAIT)->preset.data, "0");
}
END_TEST


START_TEST(integers)
{
    size_t  i, j;

    static const gmchat_param_e  ids[] = {
        GMCHAT_P_GM_ACCOUNT, GMCHAT_P_HOST, GMCHAT_P_UID, GMCHAT_P_CALL
    };
    static const char  *good[] = {
        "0", "1", "1001", "9223372036854775807"
    };
    static const char  *bad[] = {
        "", "-1", "+1", "007", "1e3", "1.0", " 1", "1\n", "abc",
        "9223372036854775808", "10000000000000000000"
    };

    for (i = 0; i < check_nelts(ids); i++) {
        for (j = 0; j < check_nelts(good); j++) {
            ck_assert_uint_eq(check(ids[i], good[j]), GMCHAT_OK);
        }

        for (j = 0; j < check_nelts(bad); j++) {
            ck_assert_uint_eq(check(ids[i], bad[j]), GMCHAT_NOT_INTEGER);
        }
    }
}
END_TEST


START_TEST(gm_name)
{
    size_t        i;
    gmchat_str_t  value;

    static const char  *bad[] = {
        "", "a\nb", "\r", "\t", "\x7f", "\x1f", "a\x80", "\xff", "\xc0\x80",
        "\xed\xa0\x80", "\xe6\xb8"
    };

    ck_assert_uint_eq(check(GMCHAT_P_GM_NAME, "a"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_GM_NAME, " \"\\'<"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_GM_NAME, "\xe6\xb8\xb8\xe6\x88\x8f"),
                      GMCHAT_OK);

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_uint_eq(check(GMCHAT_P_GM_NAME, bad[i]), GMCHAT_MALFORMED);
    }

    ck_assert_uint_eq(check_bytes(GMCHAT_P_GM_NAME, "a\0b", 3, &value),
                      GMCHAT_MALFORMED);
    gmchat_arena_free(&arena);

    ck_assert_uint_eq(check_length(GMCHAT_P_GM_NAME, 'a', 256), GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_GM_NAME, 'a', 257),
                      GMCHAT_MALFORMED);
}
END_TEST


/* MESSAGE_MAX bytes are 40 characters without padding. */
START_TEST(msg)
{
    size_t  i;

    static const char  *bad[] = {
        "a", "Zg", "Zg=", "Zh==", "Zg==\n", "Zg-_", "Zg==,Zg==", "Zm 9v",
        "\xff\xff\xff\xff"
    };

    ck_assert_uint_eq(check(GMCHAT_P_MSG, ""), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_MSG, "Zg=="), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_MSG, "/+//"), GMCHAT_OK);

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_uint_eq(check(GMCHAT_P_MSG, bad[i]), GMCHAT_MALFORMED);
    }

    ck_assert_uint_eq(check_length(GMCHAT_P_MSG, 'A', 40), GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_MSG, 'A', 44), GMCHAT_MALFORMED);

    /* 29, 30 and 31 bytes in 40 and 44 characters */

    env.message_max = 29;
    ck_assert_uint_eq(check_length(GMCHAT_P_MSG, 'A', 40), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_MSG,
                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                      GMCHAT_OK);
    env.message_max = 31;
    ck_assert_uint_eq(check(GMCHAT_P_MSG,
                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
                      GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_MSG,
                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                      GMCHAT_MALFORMED);
}
END_TEST


/* It becomes what msg would have been. */
START_TEST(text)
{
    size_t        i;
    gmchat_str_t  value;

    static const char  *texts[][2] = {
        { "", "" }, { "f", "Zg==" }, { "foob", "Zm9vYg==" },
        { "\xe6\xb8\xb8", "5ri4" }, { "a\nb", "YQpi" }
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_uint_eq(check_bytes(GMCHAT_P_TEXT, texts[i][0],
                                      strlen(texts[i][0]), &value),
                          GMCHAT_OK);
        ck_assert_uint_eq(value.len, strlen(texts[i][1]));
        ck_assert_str_eq((char *) value.data, texts[i][1]);
        gmchat_arena_free(&arena);
    }

    ck_assert_uint_eq(check_bytes(GMCHAT_P_TEXT, "a\0b", 3, &value),
                      GMCHAT_MALFORMED);
    gmchat_arena_free(&arena);

    ck_assert_uint_eq(check(GMCHAT_P_TEXT, "\xff"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_TEXT, "a\xe6\xb8"), GMCHAT_MALFORMED);

    ck_assert_uint_eq(check_length(GMCHAT_P_TEXT, 'a', MESSAGE_MAX),
                      GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_TEXT, 'a', MESSAGE_MAX + 1),
                      GMCHAT_MALFORMED);
}
END_TEST


/* The characters that a token may have, each of all. */
static void
token(gmchat_param_e id, const char *others)
{
    int           ch, good;
    char          text[1];
    gmchat_str_t  value;

    for (ch = 0; ch < 256; ch++) {
        good = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
               || (ch >= 'a' && ch <= 'z') || (ch && strchr(others, ch));
        text[0] = ch;
        ck_assert_uint_eq(check_bytes(id, text, 1, &value),
                          good ? GMCHAT_OK : GMCHAT_MALFORMED);
        gmchat_arena_free(&arena);
    }

    ck_assert_uint_eq(check(id, ""), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(id, "a b"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(id, "a\n"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(id, "a}b"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check_length(id, 'a', 64), GMCHAT_OK);
    ck_assert_uint_eq(check_length(id, 'a', 65), GMCHAT_MALFORMED);
}


START_TEST(msgid)
{
    token(GMCHAT_P_MSGID, "_.:-");
}
END_TEST


START_TEST(group)
{
    token(GMCHAT_P_GROUP, "_.-");
}
END_TEST


START_TEST(cursors)
{
    size_t  i, j;

    static const gmchat_param_e  ids[] = { GMCHAT_P_ACK, GMCHAT_P_BEFORE };
    static const char  *good[] = {
        "", "0-0", "1-2", "1700000000000-1",
        "9223372036854775807-9223372036854775807"
    };
    static const char  *bad[] = {
        "1", "-", "1-", "-1", "1-2-3", "01-1", "1-01", "a-1", "(1-1", "1-1 ",
        "$", "9223372036854775808-1"
    };

    for (i = 0; i < check_nelts(ids); i++) {
        for (j = 0; j < check_nelts(good); j++) {
            ck_assert_uint_eq(check(ids[i], good[j]), GMCHAT_OK);
        }

        for (j = 0; j < check_nelts(bad); j++) {
            ck_assert_uint_eq(check(ids[i], bad[j]), GMCHAT_MALFORMED);
        }
    }
}
END_TEST


/* An integer within limits, which are given as text, with those beyond; NULL:
 * none is below. */
static void
range(gmchat_param_e id, const char *below, const char *min, const char *max,
    const char *above)
{
    ck_assert_uint_eq(check(id, min), GMCHAT_OK);
    ck_assert_uint_eq(check(id, max), GMCHAT_OK);
    ck_assert_uint_eq(check(id, above), GMCHAT_MALFORMED);

    if (below) {
        ck_assert_uint_eq(check(id, below), GMCHAT_MALFORMED);
    }

    ck_assert_uint_eq(check(id, "4294967306"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(id, "9223372036854775807"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(id, "9223372036854775808"), GMCHAT_NOT_INTEGER);
    ck_assert_uint_eq(check(id, ""), GMCHAT_NOT_INTEGER);
    ck_assert_uint_eq(check(id, "-1"), GMCHAT_NOT_INTEGER);
    ck_assert_uint_eq(check(id, "010"), GMCHAT_NOT_INTEGER);
    ck_assert_uint_eq(check(id, "1e1"), GMCHAT_NOT_INTEGER);
    ck_assert_uint_eq(check(id, "10s"), GMCHAT_NOT_INTEGER);
}


START_TEST(ranges)
{
    range(GMCHAT_P_LIMIT, "0", "1", "1000", "1001");
    range(GMCHAT_P_WAIT, NULL, "0", "55", "56");
    range(GMCHAT_P_LEASE, "4", "5", "86400", "86401");
}
END_TEST


/* The characters that a value may be made of, each of all, `len` times. */
static void
made_of(gmchat_param_e id, const char *alphabet, size_t len)
{
    int  ch;

    for (ch = 0; ch < 256; ch++) {
        ck_assert_uint_eq(check_length(id, ch, len),
                          ch && strchr(alphabet, ch) ? GMCHAT_OK
                                                     : GMCHAT_MALFORMED);
    }
}


START_TEST(position)
{
    made_of(GMCHAT_P_CURSOR, "0123456789abcdef:,-*", 1);

    ck_assert_uint_eq(check(GMCHAT_P_CURSOR, ""), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_CURSOR,
                            "1001:1-2:,1002::3-4,*0123456789abcdef"),
                      GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_CURSOR, "1:1-2 "), GMCHAT_MALFORMED);

    ck_assert_uint_eq(check_length(GMCHAT_P_CURSOR, '1', 8192), GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_CURSOR, '1', 8193),
                      GMCHAT_MALFORMED);
}
END_TEST


START_TEST(stream)
{
    made_of(GMCHAT_P_STREAM, "0123456789abcdef", 32);

    ck_assert_uint_eq(check(GMCHAT_P_STREAM, ""), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check_length(GMCHAT_P_STREAM, 'a', 31),
                      GMCHAT_MALFORMED);
    ck_assert_uint_eq(check_length(GMCHAT_P_STREAM, 'a', 33),
                      GMCHAT_MALFORMED);
}
END_TEST


START_TEST(online)
{
    size_t  i;

    static const char  *bad[] = { "", "0", "2", "11", "01", "true", "1 " };

    ck_assert_uint_eq(check(GMCHAT_P_ONLINE, "1"), GMCHAT_OK);

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_uint_eq(check(GMCHAT_P_ONLINE, bad[i]), GMCHAT_MALFORMED);
    }
}
END_TEST


/* An id is one: unlike a cursor it is never empty. */
START_TEST(id)
{
    size_t  i;

    static const char  *bad[] = {
        "", "1", "-", "1-", "-1", "01-1", "1-1-1", "1-1 ", "x",
        "9223372036854775808-1"
    };

    ck_assert_uint_eq(check(GMCHAT_P_ID, "0-0"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_ID, "1795211638879774-3"), GMCHAT_OK);

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_msg(check(GMCHAT_P_ID, bad[i]) == GMCHAT_MALFORMED, "%s",
                      bad[i]);
    }
}
END_TEST


/* What may stand in a line of a log: no controls, also not those that have two
 * bytes in UTF-8. */
START_TEST(operator)
{
    size_t        i;
    gmchat_str_t  value;

    static const char  *good[] = {
        "olga", "O. K.", "a,b|c", "CN=Olga,O=Example", " ", "\xc2\xa0",
        "\xc3\x80", "\xe7\x8e\x8b\xe8\x8a\xb3", "\xf0\x9f\x99\x82"
    };

    static const char  *bad[] = {
        "", "a\tb", "a\nb", "\x1f", "a\x7f", "\xc2\x80", "a\xc2\x85",
        "\xc2\x9b" "2J", "a\xc2\x9f" "b", "\xff", "a\xc2", "\xc0\xaf"
    };

    for (i = 0; i < check_nelts(good); i++) {
        ck_assert_msg(check(GMCHAT_P_OPERATOR, good[i]) == GMCHAT_OK, "%zu",
                      i);
    }

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_msg(check(GMCHAT_P_OPERATOR, bad[i]) == GMCHAT_MALFORMED,
                      "%zu", i);
    }

    ck_assert_uint_eq(check_bytes(GMCHAT_P_OPERATOR, "a\0b", 3, &value),
                      GMCHAT_MALFORMED);
    gmchat_arena_free(&arena);

    ck_assert_uint_eq(check_length(GMCHAT_P_OPERATOR, 'a', 128), GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_OPERATOR, 'a', 129),
                      GMCHAT_MALFORMED);
}
END_TEST


START_TEST(role)
{
    size_t  i;

    static const char  *bad[] = {
        "", "none", "Admin", "gm ", "gms", "g", "viewer,admin", "gm 7,8"
    };

    ck_assert_uint_eq(check(GMCHAT_P_ROLE, "admin"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_ROLE, "gm"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_ROLE, "viewer"), GMCHAT_OK);

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_msg(check(GMCHAT_P_ROLE, bad[i]) == GMCHAT_MALFORMED, "%s",
                      bad[i]);
    }
}
END_TEST


/* Letters of any script; counted are characters, whatever their bytes. */
START_TEST(canned_name)
{
    size_t        i;
    char          text[200];
    gmchat_str_t  value;

    static const char  *good[] = {
        "a", "Z", "0", "_", "-", "hello-2_B", "\xc2\xa1", "\xc3\xa9t\xc3\xa9",
        "\xe4\xbd\xa0\xe5\xa5\xbd", "\xf0\x9f\x99\x82"
    };

    static const char  *bad[] = {
        "", " ", "a b", "a\tb", "a\n", "a/b", "a.b", "a:b", "{a}", "a@", "[",
        "`", "a\x7f", "\x01", "\xc2\x80", "\xc2\x9f", "\xc2\xa0", "a\xc2\xa0" "b",
        "\xff", "\xc3", "\xe4\xbd", "\xa9", "a\xc0\xaf"
    };

    for (i = 0; i < check_nelts(good); i++) {
        ck_assert_msg(check(GMCHAT_P_NAME, good[i]) == GMCHAT_OK, "%zu", i);
    }

    for (i = 0; i < check_nelts(bad); i++) {
        ck_assert_msg(check(GMCHAT_P_NAME, bad[i]) == GMCHAT_MALFORMED, "%zu",
                      i);
    }

    ck_assert_uint_eq(check_bytes(GMCHAT_P_NAME, "a\0b", 3, &value),
                      GMCHAT_MALFORMED);
    gmchat_arena_free(&arena);

    ck_assert_uint_eq(check_length(GMCHAT_P_NAME, 'a', 32), GMCHAT_OK);
    ck_assert_uint_eq(check_length(GMCHAT_P_NAME, 'a', 33), GMCHAT_MALFORMED);

    for (text[0] = '\0', i = 1; i <= 33; i++) {
        strcat(text, "\xf0\x9f\x99\x82");
        ck_assert_uint_eq(check(GMCHAT_P_NAME, text),
                          i <= 32 ? GMCHAT_OK : GMCHAT_MALFORMED);
    }
}
END_TEST


START_TEST(format)
{
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, "json"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, ""), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, "JSON"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, "jso"), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, "json "), GMCHAT_MALFORMED);
    ck_assert_uint_eq(check(GMCHAT_P_FORMAT, "xml"), GMCHAT_MALFORMED);
}
END_TEST


static void
text_short_of_memory(void *data)
{
    const char       *reason;
    gmchat_str_t      value;
    gmchat_status_e   status;

    value.data = data;
    value.len = strlen(data);
    reason = NULL;

    status = gmchat_param(GMCHAT_P_TEXT)->check(&value, &env, &reason);

    ck_assert_uint_eq(status, failing_malloc_disarm() ? GMCHAT_UNAVAILABLE
                                                      : GMCHAT_OK);
    gmchat_arena_free(&arena);
}


START_TEST(out_of_memory)
{
    char  short_text[] = "hello";
    char  long_text[60000];

    ck_assert_uint_eq(failing_malloc_each(text_short_of_memory, short_text),
                      2);

    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';

    env.message_max = sizeof(long_text);
    ck_assert_uint_ge(failing_malloc_each(text_short_of_memory, long_text),
                      3);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_params");

    tcase_add_test(tc, names);
    tcase_add_test(tc, unknown_names);
    tcase_add_test(tc, presets);
    tcase_add_test(tc, integers);
    tcase_add_test(tc, gm_name);
    tcase_add_test(tc, msg);
    tcase_add_test(tc, text);
    tcase_add_test(tc, msgid);
    tcase_add_test(tc, group);
    tcase_add_test(tc, cursors);
    tcase_add_test(tc, ranges);
    tcase_add_test(tc, position);
    tcase_add_test(tc, stream);
    tcase_add_test(tc, online);
    tcase_add_test(tc, id);
    tcase_add_test(tc, operator);
    tcase_add_test(tc, role);
    tcase_add_test(tc, canned_name);
    tcase_add_test(tc, format);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_args.h"
#include "test_tools.h"


typedef gmchat_status_e (*reader_pt)(gmchat_args_t *args,
    gmchat_arena_t *arena, const unsigned char *data, size_t len,
    gmchat_refusal_t *refusal);


static gmchat_arena_t      arena;
static gmchat_args_t       args;
static gmchat_refusal_t    refusal;
static gmchat_param_env_t  env = { &arena, 1000 };


static void
setup(void)
{
    memset(&args, 0, sizeof(args));
    memset(&refusal, 0, sizeof(refusal));
}


static void
teardown(void)
{
    gmchat_arena_free(&arena);
}


static gmchat_status_e
add_bytes(reader_pt reader, const char *text, size_t len)
{
    unsigned char    *exact;
    gmchat_status_e   status;

    exact = check_exact(text, len);
    status = reader(&args, &arena, exact, len, &refusal);
    free(exact);

    return status;
}


static gmchat_status_e
add(reader_pt reader, const char *text)
{
    return add_bytes(reader, text, strlen(text));
}


static void
forget(void)
{
    teardown();
    setup();
}


static void
is_bytes(gmchat_param_e id, const char *text, size_t len)
{
    ck_assert_ptr_nonnull(args.values[id].data);
    ck_assert_uint_eq(args.values[id].len, len);
    ck_assert_mem_eq(args.values[id].data, text, len);
}


static void
is(gmchat_param_e id, const char *text)
{
    is_bytes(id, text, strlen(text));
}


static unsigned
given(void)
{
    unsigned  id, n;

    for (n = 0, id = 0; id < GMCHAT_PARAMS; id++) {
        n += gmchat_args_given(&args, id);
    }

    return n;
}


/* Checks one of them; NULL if it is right, else why not. */
static const char *
refused(gmchat_param_e id, gmchat_status_e status)
{
    ck_assert(gmchat_args_given(&args, id));
    ck_assert_uint_eq(gmchat_args_check(&args, id, &env, &refusal), status);
    ck_assert_uint_eq(refusal.status, status);
    ck_assert_str_eq(refusal.param, (char *) gmchat_param(id)->name.data);

    return refusal.reason ? refusal.reason : "";
}


START_TEST(query)
{
    ck_assert_uint_eq(add(gmchat_args_query,
                          "action=send&gm_account=1&uid=2&msg=a+b%2B%2f"),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 4);
    is(GMCHAT_P_ACTION, "send");
    is(GMCHAT_P_GM_ACCOUNT, "1");
    is(GMCHAT_P_UID, "2");
    is(GMCHAT_P_MSG, "a+b+/");
}
END_TEST


START_TEST(form)
{
    ck_assert_uint_eq(add(gmchat_args_form,
                          "action=send&text=a+b%2B%20c&g%6d_name=x%3D%26y"),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 3);
    is(GMCHAT_P_ACTION, "send");
    is(GMCHAT_P_TEXT, "a b+ c");
    is(GMCHAT_P_GM_NAME, "x=&y");
}
END_TEST


START_TEST(odd_pairs)
{
    size_t  i;

    static const char  *nothing[] = {
        "", "&", "&&&", "=", "=1", "&=&", "nonce=1", "UID=1", "uid%=1",
        "uid%zz=1", "uid%00=1", "%75%69%64%20=1", "x=uid=1", "%=%", "%",
        "_=%", "1700000000"
    };

    for (i = 0; i < check_nelts(nothing); i++) {
        ck_assert_uint_eq(add(gmchat_args_query, nothing[i]), GMCHAT_OK);
        ck_assert_msg(given() == 0, "%s", nothing[i]);
        forget();
    }

    ck_assert_uint_eq(add(gmchat_args_query, "&&uid=1&&host&msg=&text==="),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 4);
    is(GMCHAT_P_UID, "1");
    is(GMCHAT_P_HOST, "");
    is(GMCHAT_P_MSG, "");
    is(GMCHAT_P_TEXT, "==");

    forget();
    ck_assert_uint_eq(add(gmchat_args_query, "text=%00a%0d%0A%ff&uid=%31"),
                      GMCHAT_OK);
    is_bytes(GMCHAT_P_TEXT, "\0a\r\n\xff", 5);
    is(GMCHAT_P_UID, "1");

    forget();
    ck_assert_uint_eq(add_bytes(gmchat_args_query, "text=a\0b&uid=1", 14),
                      GMCHAT_OK);
    is_bytes(GMCHAT_P_TEXT, "a\0b", 3);
    is(GMCHAT_P_UID, "1");
}
END_TEST


START_TEST(null_query)
{
    ck_assert_uint_eq(gmchat_args_query(&args, &arena, NULL, 0, &refusal),
                      GMCHAT_OK);
    ck_assert_uint_eq(gmchat_args_form(&args, &arena, NULL, 0, &refusal),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 0);
}
END_TEST


START_TEST(broken_escapes)
{
    size_t  i;

    static const char  *texts[] = {
        "msg=%", "msg=%2", "msg=a%", "msg=a%4", "msg=%zz", "msg=%2g",
        "msg=%g2", "msg=%%", "msg=%25%", "msg=% 1", "msg=%-1", "msg=%&uid=1",
        "uid=1&msg=%4&host=1", "msg=%4\xb1"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_uint_eq(add(gmchat_args_query, texts[i]), GMCHAT_OK);
        ck_assert_ptr_nonnull(strstr(refused(GMCHAT_P_MSG, GMCHAT_MALFORMED),
                                     "%25"));
        forget();
    }

    /* of a name that no action knows it does not matter */

    ck_assert_uint_eq(add(gmchat_args_query, "x=%&uid=1"), GMCHAT_OK);
    ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_UID, &env, &refusal),
                      GMCHAT_OK);
}
END_TEST


START_TEST(json)
{
    ck_assert_uint_eq(add(gmchat_args_json,
                          " {\"action\": \"send\", \"gm_account\": 1,"
                          "\"uid\": \"2\", \"text\": \"a\\u0000\\n\\u6e38\","
                          "\"x\": null, \"y\": 1.5, \"z\": true}\r\n"),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 4);
    is(GMCHAT_P_ACTION, "send");
    is(GMCHAT_P_GM_ACCOUNT, "1");
    is(GMCHAT_P_UID, "2");
    is_bytes(GMCHAT_P_TEXT, "a\0\n\xe6\xb8\xb8", 6);

    forget();
    ck_assert_uint_eq(add(gmchat_args_json, "{}"), GMCHAT_OK);
    ck_assert_uint_eq(given(), 0);
}
END_TEST


START_TEST(json_integers)
{
    size_t  i;

    static const struct {
        const char       *value;
        gmchat_status_e   status;
    } values[] = {
        { "0", GMCHAT_OK },
        { "9223372036854775807", GMCHAT_OK },
        { "\"9223372036854775807\"", GMCHAT_OK },
        { "-1", GMCHAT_NOT_INTEGER },
        { "-9223372036854775808", GMCHAT_NOT_INTEGER },
        { "9223372036854775808", GMCHAT_NOT_INTEGER },
        { "-9223372036854775809", GMCHAT_NOT_INTEGER },
        { "18446744073709551617", GMCHAT_NOT_INTEGER },
        { "100000000000000000000000000", GMCHAT_NOT_INTEGER },
        { "1e3", GMCHAT_NOT_INTEGER },
        { "1.0", GMCHAT_NOT_INTEGER },
        { "\"1.0\"", GMCHAT_NOT_INTEGER },
        { "\"007\"", GMCHAT_NOT_INTEGER },
        { "\"\"", GMCHAT_NOT_INTEGER },
        { "null", GMCHAT_NOT_INTEGER },
        { "true", GMCHAT_NOT_INTEGER },
        { "false", GMCHAT_NOT_INTEGER }
    };

    for (i = 0; i < check_nelts(values); i++) {
        char  text[100];

        sprintf(text, "{\"uid\":%s}", values[i].value);
        ck_assert_uint_eq(add(gmchat_args_json, text), GMCHAT_OK);
        ck_assert_msg(gmchat_args_check(&args, GMCHAT_P_UID, &env, &refusal)
                      == values[i].status, "%s", text);
        forget();
    }
}
END_TEST


/* A number that is too large is its own parameter's fault. */
START_TEST(json_large_integers)
{
    ck_assert_uint_eq(add(gmchat_args_json,
                          "{\"gm_account\":5,\"host\":9223372036854775808,"
                          "\"uid\":7}"), GMCHAT_OK);
    ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_GM_ACCOUNT, &env,
                                        &refusal), GMCHAT_OK);
    ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_UID, &env,
                                        &refusal), GMCHAT_OK);
    refused(GMCHAT_P_HOST, GMCHAT_NOT_INTEGER);
    is(GMCHAT_P_GM_ACCOUNT, "5");
    is(GMCHAT_P_UID, "7");

    /* and nobody's under a name that is ignored */

    forget();
    ck_assert_uint_eq(add(gmchat_args_json,
                          "{\"gm_account\":9007199254740991,"
                          "\"nonce\":18446744073709551615}"), GMCHAT_OK);
    ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_GM_ACCOUNT, &env,
                                        &refusal), GMCHAT_OK);
    is(GMCHAT_P_GM_ACCOUNT, "9007199254740991");

    /* but what was then read inexactly is refused, never another number */

    forget();
    ck_assert_uint_eq(add(gmchat_args_json,
                          "{\"gm_account\":9007199254740993,"
                          "\"nonce\":18446744073709551615}"), GMCHAT_OK);
    refused(GMCHAT_P_GM_ACCOUNT, GMCHAT_NOT_INTEGER);
}
END_TEST


START_TEST(json_of_another_kind)
{
    size_t  i;

    static const char  *values[] = { "null", "true", "false", "1.5", "1e2" };

    for (i = 0; i < check_nelts(values); i++) {
        char  text[300];

        sprintf(text, "{\"msg\":%s,\"text\":%s,\"gm_name\":%s,\"ack\":%s,"
                "\"format\":%s,\"msgid\":%s,\"limit\":%s,\"cursor\":%s,"
                "\"stream\":%s,\"online\":%s,\"wait\":%s,\"call\":%s}",
                values[i], values[i], values[i], values[i], values[i],
                values[i], values[i], values[i], values[i], values[i],
                values[i], values[i]);
        ck_assert_uint_eq(add(gmchat_args_json, text), GMCHAT_OK);

        refused(GMCHAT_P_MSG, GMCHAT_MALFORMED);
        refused(GMCHAT_P_TEXT, GMCHAT_MALFORMED);
        refused(GMCHAT_P_GM_NAME, GMCHAT_MALFORMED);
        refused(GMCHAT_P_ACK, GMCHAT_MALFORMED);
        refused(GMCHAT_P_FORMAT, GMCHAT_MALFORMED);
        refused(GMCHAT_P_MSGID, GMCHAT_MALFORMED);
        refused(GMCHAT_P_LIMIT, GMCHAT_NOT_INTEGER);
        refused(GMCHAT_P_CURSOR, GMCHAT_MALFORMED);
        refused(GMCHAT_P_STREAM, GMCHAT_MALFORMED);
        refused(GMCHAT_P_ONLINE, GMCHAT_MALFORMED);
        refused(GMCHAT_P_WAIT, GMCHAT_NOT_INTEGER);
        refused(GMCHAT_P_CALL, GMCHAT_NOT_INTEGER);
        forget();
    }
}
END_TEST


START_TEST(json_broken)
{
    size_t  i;

    static const char  *texts[] = {
        "", " ", "{", "}", "{\"uid\":1", "{\"uid\":1}}", "{\"uid\":1}x",
        "{uid:1}", "{'uid':1}", "{\"uid\":01}", "{\"uid\":+1}",
        "{\"uid\":1,}", "{\"uid\" 1}", "{\"uid\":\"a\nb\"}", "uid=1",
        "{\"uid\":\"\xff\"}", "{\"\xc0\x80\":1}", "{\"uid\":\"\\ud800\"}",
        "{\"uid\":\"\\x\"}", "{\"uid\":NaN}", "[]", "[1]", "1", "\"uid\"",
        "null", "{\"x\":{}}", "{\"x\":[]}", "{\"uid\":[1]}",
        "{\"uid\":{\"uid\":1}}", "{\"ui\\u0000d\":1}"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(add(gmchat_args_json, texts[i]) == GMCHAT_MALFORMED,
                      "%s", texts[i]);
        ck_assert_uint_eq(refusal.status, GMCHAT_MALFORMED);
        ck_assert_str_eq(refusal.param, "body");
        ck_assert_ptr_nonnull(refusal.reason);
        forget();
    }

    ck_assert_uint_eq(add_bytes(gmchat_args_json, "{}\0", 3),
                      GMCHAT_MALFORMED);
    ck_assert_uint_eq(gmchat_args_json(&args, &arena, NULL, 0, &refusal),
                      GMCHAT_MALFORMED);
}
END_TEST


START_TEST(json_deep)
{
    char    *text;
    size_t   i, depth;

    static const size_t  depths[] = { 2, 100, 2047, 2048, 2049, 10000 };

    text = malloc(60000);
    ck_assert_ptr_nonnull(text);

    for (i = 0; i < check_nelts(depths); i++) {
        depth = depths[i];

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert_uint_eq(add_bytes(gmchat_args_json, text, depth * 2),
                          GMCHAT_MALFORMED);

        /* not even closed */

        memset(text, '[', depth * 2);
        memcpy(text, "{\"a\":", 5);
        ck_assert_uint_eq(add_bytes(gmchat_args_json, text, depth * 2),
                          GMCHAT_MALFORMED);
    }

    free(text);
}
END_TEST


START_TEST(json_cut_anywhere)
{
    size_t  len;

    static const char  text[] = "{\"uid\":12,\"text\":\"a\\u6e38\xe6\xb8\xb8"
                                "\",\"x\":-1.5e3}";

    for (len = 0; len < sizeof(text) - 1; len++) {
        ck_assert_uint_eq(add_bytes(gmchat_args_json, text, len),
                          GMCHAT_MALFORMED);
        forget();
    }

    ck_assert_uint_eq(add_bytes(gmchat_args_json, text, len), GMCHAT_OK);
}
END_TEST


START_TEST(given_twice)
{
    ck_assert_uint_eq(add(gmchat_args_query, "uid=1&host=1&uid=1"),
                      GMCHAT_OK);
    ck_assert_ptr_nonnull(strstr(refused(GMCHAT_P_UID, GMCHAT_MALFORMED),
                                 "twice"));
    ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_HOST, &env, &refusal),
                      GMCHAT_OK);

    forget();
    ck_assert_uint_eq(add(gmchat_args_form, "uid=&%75id"), GMCHAT_OK);
    refused(GMCHAT_P_UID, GMCHAT_MALFORMED);

    /* in both places */

    forget();
    ck_assert_uint_eq(add(gmchat_args_query, "uid=1"), GMCHAT_OK);
    ck_assert_uint_eq(add(gmchat_args_form, "uid=1"), GMCHAT_OK);
    ck_assert_ptr_nonnull(strstr(refused(GMCHAT_P_UID, GMCHAT_MALFORMED),
                                 "twice"));

    forget();
    ck_assert_uint_eq(add(gmchat_args_query, "uid=1"), GMCHAT_OK);
    ck_assert_uint_eq(add(gmchat_args_json, "{\"uid\":1}"), GMCHAT_OK);
    ck_assert_ptr_nonnull(strstr(refused(GMCHAT_P_UID, GMCHAT_MALFORMED),
                                 "twice"));

    /* in one object */

    forget();
    ck_assert_uint_eq(add(gmchat_args_json, "{\"uid\":1,\"uid\":1}"),
                      GMCHAT_MALFORMED);
    ck_assert_uint_eq(refusal.status, GMCHAT_MALFORMED);
    ck_assert_str_eq(refusal.param, "uid");
    ck_assert_ptr_nonnull(strstr(refusal.reason, "twice"));
}
END_TEST


/* Query and body together. */
START_TEST(both_places)
{
    ck_assert_uint_eq(add(gmchat_args_query, "action=send&gm_account=1"),
                      GMCHAT_OK);
    ck_assert_uint_eq(add(gmchat_args_json, "{\"uid\":2,\"msg\":\"\"}"),
                      GMCHAT_OK);
    ck_assert_uint_eq(given(), 4);
    is(GMCHAT_P_GM_ACCOUNT, "1");
    is(GMCHAT_P_UID, "2");
}
END_TEST


/* Each beginning of a query is a query. */
START_TEST(cut_anywhere)
{
    size_t  len;

    static const char  text[] = "action=send&uid=%31&msg=%5A%67==&_=1%";

    for (len = 0; len < sizeof(text); len++) {
        ck_assert_uint_eq(add_bytes(gmchat_args_query, text, len), GMCHAT_OK);
        forget();
        ck_assert_uint_eq(add_bytes(gmchat_args_form, text, len), GMCHAT_OK);
        forget();
    }
}
END_TEST


START_TEST(large)
{
    char    *text;
    size_t   i;

    text = malloc(1000000);
    ck_assert_ptr_nonnull(text);

    /* one value, and as many pairs as there can be */

    memset(text, 'A', 1000000);
    memcpy(text, "msg=", 4);
    ck_assert_uint_eq(add_bytes(gmchat_args_query, text, 1000000), GMCHAT_OK);
    ck_assert_uint_eq(args.values[GMCHAT_P_MSG].len, 999996);
    refused(GMCHAT_P_MSG, GMCHAT_MALFORMED);

    forget();

    for (i = 0; i < 1000000; i += 2) {
        memcpy(text + i, "a&", 2);
    }

    ck_assert_uint_eq(add_bytes(gmchat_args_form, text, 1000000), GMCHAT_OK);
    ck_assert_uint_eq(given(), 0);

    forget();
    memset(text, '%', 1000000);
    ck_assert_uint_eq(add_bytes(gmchat_args_query, text, 1000000), GMCHAT_OK);
    ck_assert_uint_eq(add_bytes(gmchat_args_json, text, 1000000),
                      GMCHAT_MALFORMED);

    free(text);
}
END_TEST


START_TEST(junk)
{
    char      text[80];
    size_t    i, n, len;
    unsigned  id;
    uint64_t  seed = 10;

    static const char  letters[] = "uid=&%0f+\"{}:,1[]n \\";
    static const reader_pt  readers[] = {
        gmchat_args_query, gmchat_args_form, gmchat_args_json
    };

    for (n = 0; n < 30000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = letters[check_random_below(&seed, sizeof(letters) - 1)];
        }

        if (n % 4 == 3 && len > 8) {
            memcpy(text, "{\"uid\":", 7);
            text[len - 1] = '}';
        }

        add_bytes(readers[n % 3], text, len);

        for (id = 1; id < GMCHAT_PARAMS; id++) {
            if (gmchat_args_given(&args, id)) {
                gmchat_args_check(&args, id, &env, &refusal);
            }
        }

        forget();
    }
}
END_TEST


static void
query_short_of_memory(void *data)
{
    gmchat_status_e  status;

    forget();
    status = gmchat_args_query(&args, &arena, data, strlen(data), &refusal);

    if (failing_malloc_disarm()) {
        ck_assert_uint_eq(status, GMCHAT_UNAVAILABLE);
        ck_assert_uint_eq(refusal.status, GMCHAT_UNAVAILABLE);

    } else {
        ck_assert_uint_eq(status, GMCHAT_OK);
    }

    forget();
}


static void
form_short_of_memory(void *data)
{
    gmchat_status_e  status;

    forget();
    status = gmchat_args_form(&args, &arena, data, strlen(data), &refusal);
    ck_assert_uint_eq(status, failing_malloc_disarm() ? GMCHAT_UNAVAILABLE
                                                      : GMCHAT_OK);
    forget();
}


static void
json_short_of_memory(void *data)
{
    gmchat_status_e  status;

    forget();
    status = gmchat_args_json(&args, &arena, data, strlen(data), &refusal);

    if (failing_malloc_disarm()) {
        ck_assert_uint_eq(status, GMCHAT_UNAVAILABLE);
        ck_assert_uint_eq(refusal.status, GMCHAT_UNAVAILABLE);

    } else {
        ck_assert_uint_eq(status, GMCHAT_OK);
    }

    forget();
}


/* It is read twice; the first reading may fail and not be missed. */
static void
large_short_of_memory(void *data)
{
    int              failed;
    gmchat_status_e  status;

    forget();
    status = gmchat_args_json(&args, &arena, data, strlen(data), &refusal);
    failed = failing_malloc_disarm();

    if (status == GMCHAT_OK) {
        ck_assert_uint_eq(gmchat_args_check(&args, GMCHAT_P_UID, &env,
                                            &refusal),
                          GMCHAT_NOT_INTEGER);

    } else {
        ck_assert_int_eq(failed, 1);
        ck_assert_uint_eq(status, GMCHAT_UNAVAILABLE);
        ck_assert_uint_eq(refusal.status, GMCHAT_UNAVAILABLE);
    }

    forget();
}


START_TEST(out_of_memory)
{
    char  text[9000];
    char  body[] = "{\"action\":\"send\",\"uid\":1,\"x\":\"y\",\"z\":1.5}";
    char  large[] = "{\"action\":\"send\",\"uid\":99999999999999999999}";

    memset(text, 'A', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "uid=1&msg=", 10);
    ck_assert_uint_eq(failing_malloc_each(query_short_of_memory, text), 2);
    ck_assert_uint_eq(failing_malloc_each(form_short_of_memory, text), 2);

    failing_malloc_jansson();
    ck_assert_uint_ge(failing_malloc_each(json_short_of_memory, body), 8);

    ck_assert_uint_ge(failing_malloc_each(large_short_of_memory, large), 16);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_args");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, query);
    tcase_add_test(tc, form);
    tcase_add_test(tc, odd_pairs);
    tcase_add_test(tc, null_query);
    tcase_add_test(tc, broken_escapes);
    tcase_add_test(tc, json);
    tcase_add_test(tc, json_integers);
    tcase_add_test(tc, json_large_integers);
    tcase_add_test(tc, json_of_another_kind);
    tcase_add_test(tc, json_broken);
    tcase_add_test(tc, json_deep);
    tcase_add_test(tc, json_cut_anywhere);
    tcase_add_test(tc, given_twice);
    tcase_add_test(tc, both_places);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, large);
    tcase_add_test(tc, junk);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_role.h"
#include "test_tools.h"


static gmchat_status_e
answer(unsigned http, const char *body, size_t len)
{
    unsigned char    *exact;
    gmchat_status_e   status;

    exact = check_exact(body, len);
    status = gmchat_role_answer(http, exact, len);
    free(exact);

    return status;
}


START_TEST(yes)
{
    size_t  i;

    static const char  *bodies[] = {
        "{\"code\":1}", " {\n\"code\" : 1 }\r\n",
        "{\"msg\":\"ok\",\"code\":1,\"data\":{\"code\":0,\"list\":[1]}}",
        "{\"code\":1,\"name\":\"a\\u0000b\"}"
    };

    for (i = 0; i < check_nelts(bodies); i++) {
        ck_assert_msg(answer(200, bodies[i], strlen(bodies[i])) == GMCHAT_OK,
                      "%s", bodies[i]);
    }
}
END_TEST


START_TEST(no)
{
    size_t  i;

    static const char  *bodies[] = {
        "{}", "{\"code\":0}", "{\"code\":2}", "{\"code\":-1}",
        "{\"code\":11}", "{\"code\":\"1\"}", "{\"code\":true}",
        "{\"code\":null}", "{\"code\":[1]}", "{\"code\":{\"code\":1}}",
        "{\"Code\":1}", "{\"data\":{\"code\":1}}"
    };

    for (i = 0; i < check_nelts(bodies); i++) {
        ck_assert_msg(answer(200, bodies[i], strlen(bodies[i]))
                      == GMCHAT_NO_PLAYER, "%s", bodies[i]);
    }
}
END_TEST


START_TEST(cannot_be_told)
{
    size_t    i;
    unsigned  http;

    static const char  *bodies[] = {
        "", " ", "1", "\"code\"", "null", "[]", "[1]", "[{\"code\":1}]",
        "{", "{\"code\":1", "{\"code\":1}}", "{\"code\":1} x", "{code:1}",
        "<html></html>", "{\"code\":01}", "{\"a\":\"\xff\",\"code\":1}"
    };

    for (i = 0; i < check_nelts(bodies); i++) {
        ck_assert_msg(answer(200, bodies[i], strlen(bodies[i]))
                      == GMCHAT_ROLE_UNAVAILABLE, "%s", bodies[i]);
    }

    for (http = 0; http < 600; http++) {
        if (http != 200) {
            ck_assert_uint_eq(answer(http, "{\"code\":1}", 10),
                              GMCHAT_ROLE_UNAVAILABLE);
        }
    }

    ck_assert_uint_eq(gmchat_role_answer(200, NULL, 0),
                      GMCHAT_ROLE_UNAVAILABLE);
    ck_assert_uint_eq(gmchat_role_answer(0, NULL, 0),
                      GMCHAT_ROLE_UNAVAILABLE);
    ck_assert_uint_eq(answer(200, "{\"code\":1}\0", 11),
                      GMCHAT_ROLE_UNAVAILABLE);
}
END_TEST


START_TEST(cut_anywhere)
{
    size_t  len;

    static const char  body[] = "{\"code\":1,\"name\":\"\xe6\xb8\xb8\"}";

    for (len = 0; len < sizeof(body) - 1; len++) {
        ck_assert_uint_eq(answer(200, body, len), GMCHAT_ROLE_UNAVAILABLE);
    }

    ck_assert_uint_eq(answer(200, body, len), GMCHAT_OK);
}
END_TEST


START_TEST(deep)
{
    char  body[20000];

    memset(body, '[', sizeof(body));
    memcpy(body, "{\"a\":", 5);
    ck_assert_uint_eq(answer(200, body, sizeof(body)),
                      GMCHAT_ROLE_UNAVAILABLE);
}
END_TEST


/* Numbers that jansson can't hold are no reason to doubt the answer. */
START_TEST(large_numbers)
{
    size_t  i;

    static const char  *bodies[] = {
        "{\"code\":1,\"uid\":9223372036854775807}",
        "{\"code\":1,\"uid\":9223372036854775808}",
        "{\"code\":1,\"uid\":18446744073709551615}",
        "{\"code\":1,\"power\":123456789012345678901234567890}"
    };

    for (i = 0; i < check_nelts(bodies); i++) {
        ck_assert_msg(answer(200, bodies[i], strlen(bodies[i])) == GMCHAT_OK,
                      "%s", bodies[i]);
    }
}
END_TEST


static void
answer_short_of_memory(void *data)
{
    gmchat_status_e  status;

    status = gmchat_role_answer(200, data, strlen(data));
    ck_assert_uint_eq(status, failing_malloc_disarm()
                                  ? GMCHAT_ROLE_UNAVAILABLE : GMCHAT_OK);
}


START_TEST(out_of_memory)
{
    char  body[] = "{\"name\":\"a\",\"list\":[1,{\"b\":1}],\"code\":1}";

    failing_malloc_jansson();
    ck_assert_uint_ge(failing_malloc_each(answer_short_of_memory, body), 5);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_role");

    tcase_add_test(tc, yes);
    tcase_add_test(tc, no);
    tcase_add_test(tc, cannot_be_told);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, deep);
    tcase_add_test(tc, large_numbers);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

#include <stdlib.h>
#include <string.h>

#include "gmchat_status.h"
#include "test_tools.h"


/* The contract's table of errors, and part 1's, with their HTTP statuses. */
START_TEST(the_contracts_codes)
{
    size_t                      i;
    const gmchat_status_row_t  *row;

    static const struct {
        gmchat_status_e  status;
        int              code;
        unsigned         http;
        int              retry;
    } rows[] = {
        { GMCHAT_OK, 0, 200, 0 },
        { GMCHAT_GM_EXISTS, 1, 200, 0 },
        { GMCHAT_NO_GM, 2, 200, 0 },
        { GMCHAT_HAS_GM, 3, 200, 0 },
        { GMCHAT_NO_PLAYER, 4, 200, 0 },
        { GMCHAT_NOT_FRIEND, 4, 200, 0 },
        { GMCHAT_NOT_THIS_GM, 5, 200, 0 },
        { GMCHAT_NO_FRIEND_GM, 5, 200, 0 },
        { GMCHAT_NOT_ONLINE, 0, 200, 0 },
        { GMCHAT_NOT_INTEGER, -1, 200, 0 },
        { GMCHAT_MISSING, -2, 400, 0 },
        { GMCHAT_MALFORMED, -3, 400, 0 },
        { GMCHAT_FULL, -4, 429, 1 },
        { GMCHAT_UNAVAILABLE, -5, 503, 1 },
        { GMCHAT_ROLE_UNAVAILABLE, -5, 503, 1 },
        { GMCHAT_UNKNOWN, -6, 504, 0 },
        { GMCHAT_FORBIDDEN, -7, 403, 0 },
        { GMCHAT_HOST_FORBIDDEN, -7, 403, 0 },
        { GMCHAT_GROUP_FORBIDDEN, -7, 403, 0 },
        { GMCHAT_ORIGIN_FORBIDDEN, -7, 403, 0 },
        { GMCHAT_METHOD_POST, 0, 405, 0 },
        { GMCHAT_NO_HEADER, -7, 403, 0 },
        { GMCHAT_NO_OPERATOR, -7, 403, 0 },
        { GMCHAT_NO_ROLE, -7, 403, 0 },
        { GMCHAT_VIEWER, -7, 403, 0 },
        { GMCHAT_NOT_GIVEN, -7, 403, 0 },
        { GMCHAT_NOT_ADMIN, -7, 403, 0 },
        { GMCHAT_NO_SUCH_OPERATOR, -3, 400, 0 },
        { GMCHAT_NO_ACTION, -8, 404, 0 },
        { GMCHAT_RATE_LIMITED, -9, 429, 1 },
        { GMCHAT_MSGID_REUSED, -10, 409, 0 },
        { GMCHAT_TOO_LARGE, -11, 413, 0 },
        { GMCHAT_METHOD, 0, 405, 0 },
        { GMCHAT_NO_STREAM, -3, 400, 0 },
        { GMCHAT_NO_CURSOR, -3, 400, 0 },
        { GMCHAT_TOO_MANY, -3, 400, 0 },
        { GMCHAT_CANNED_FULL, -3, 400, 0 },
        { GMCHAT_FAULT, -6, 504, 0 }
    };

    ck_assert_uint_eq(check_nelts(rows), GMCHAT_STATUSES);

    for (i = 0; i < check_nelts(rows); i++) {
        row = gmchat_status_row(rows[i].status);
        ck_assert_int_eq(row->code, rows[i].code);
        ck_assert_uint_eq(row->http, rows[i].http);
        ck_assert_int_eq(row->retry_after > 0, rows[i].retry);
    }
}
END_TEST


START_TEST(every_refusal_says_what_to_change)
{
    unsigned                    i;
    const gmchat_status_row_t  *row;

    for (i = 0; i < GMCHAT_STATUSES; i++) {
        row = gmchat_status_row(i);

        if (i == GMCHAT_OK || i == GMCHAT_NOT_ONLINE) {
            ck_assert_ptr_null(row->error);
            continue;
        }

        ck_assert_ptr_nonnull(row->error);

        /* it goes into JSON as it stands */

        ck_assert_ptr_null(strpbrk(row->error, "\"\\\n"));
    }

    ck_assert_ptr_nonnull(strstr(gmchat_status_row(GMCHAT_FORBIDDEN)->error,
                                 "has no access"));
    ck_assert_int_eq(strncmp(gmchat_status_row(GMCHAT_NO_ACTION)->error,
                             "Err action", 10), 0);
}
END_TEST


/* Each name leads back to its own row. */
START_TEST(names)
{
    unsigned       i, named;
    const char    *name;
    gmchat_str_t   str;

    for (named = 0, i = 0; i < GMCHAT_STATUSES; i++) {
        name = gmchat_status_row(i)->name;
        if (name == NULL) {
            continue;
        }

        str.len = strlen(name);
        str.data = check_exact(name, str.len);
        ck_assert_uint_eq(gmchat_status_find(&str), i);

        str.len--;
        ck_assert_uint_eq(gmchat_status_find(&str), GMCHAT_FAULT);
        free(str.data);

        named++;
    }

    ck_assert_uint_ge(named, 10);
}
END_TEST


START_TEST(unknown_names)
{
    size_t        i;
    gmchat_str_t  str;

    static const gmchat_str_t  names[] = {
        gmchat_string(""), gmchat_string("OK"), gmchat_string("okay"),
        gmchat_string("ok\0"), gmchat_string("ok "), gmchat_string("fault"),
        gmchat_string("\xff")
    };

    for (i = 0; i < check_nelts(names); i++) {
        str.len = names[i].len;
        str.data = check_exact(names[i].data, str.len);
        ck_assert_uint_eq(gmchat_status_find(&str), GMCHAT_FAULT);
        free(str.data);
    }
}
END_TEST


START_TEST(of_http)
{
    unsigned  http, status;

    for (http = 400; http < 600; http++) {
        status = gmchat_status_of_http(http);
        ck_assert_uint_ne(status, GMCHAT_OK);
        ck_assert_ptr_nonnull(gmchat_status_row(status)->error);
    }

    ck_assert_uint_eq(gmchat_status_of_http(403), GMCHAT_FORBIDDEN);
    ck_assert_uint_eq(gmchat_status_of_http(405), GMCHAT_METHOD);
    ck_assert_uint_eq(gmchat_status_of_http(413), GMCHAT_TOO_LARGE);
    ck_assert_uint_eq(gmchat_status_of_http(429), GMCHAT_RATE_LIMITED);
    ck_assert_uint_eq(gmchat_status_of_http(401), GMCHAT_FORBIDDEN);
    ck_assert_uint_eq(gmchat_status_of_http(503), GMCHAT_UNAVAILABLE);
    ck_assert_uint_eq(gmchat_status_of_http(400), GMCHAT_MALFORMED);
    ck_assert_uint_eq(gmchat_status_of_http(418), GMCHAT_MALFORMED);
    ck_assert_uint_eq(gmchat_status_of_http(500), GMCHAT_FAULT);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_status");

    tcase_add_test(tc, the_contracts_codes);
    tcase_add_test(tc, every_refusal_says_what_to_change);
    tcase_add_test(tc, names);
    tcase_add_test(tc, unknown_names);
    tcase_add_test(tc, of_http);

    return check_end();
}

#include <stdlib.h>
#include <string.h>

#include "gmchat_cursor.h"
#include "test_tools.h"


static int
parse(const char *text, size_t len, int64_t *epoch, int64_t *n)
{
    int           rc;
    gmchat_str_t  str;

    str.len = len;
    str.data = check_exact(text, len);
    rc = gmchat_cursor_parse(&str, epoch, n);
    free(str.data);

    return rc;
}


START_TEST(cursors)
{
    size_t       i;
    int64_t      epoch, n;

    static const struct {
        const char  *text;
        int64_t      epoch;
        int64_t      n;
    } cursors[] = {
        { "0-0", 0, 0 },
        { "1-2", 1, 2 },
        { "1700000000000-42", 1700000000000, 42 },
        { "9223372036854775807-9223372036854775807", INT64_MAX, INT64_MAX }
    };

    for (i = 0; i < check_nelts(cursors); i++) {
        ck_assert_int_eq(parse(cursors[i].text, strlen(cursors[i].text),
                               &epoch, &n), 1);
        ck_assert(epoch == cursors[i].epoch);
        ck_assert(n == cursors[i].n);
        ck_assert_int_eq(parse(cursors[i].text, strlen(cursors[i].text), NULL,
                               NULL), 1);
    }

    ck_assert_uint_eq(strlen(cursors[3].text), GMCHAT_CURSOR_MAX);
}
END_TEST


START_TEST(not_cursors)
{
    size_t        i;
    gmchat_str_t  none = gmchat_null_string;

    static const char  *texts[] = {
        "", "-", "--", "1", "1-", "-1", "1--2", "-1-2", "1-2-", "1-2-3",
        "1-2 ", " 1-2", "1 -2", "1- 2", "01-2", "1-02", "00-0", "1-+2",
        "+1-2", "a-1", "1-b", "1_2", "1.2", "1:2", "$", ">", "*", "+",
        "9223372036854775808-1", "1-9223372036854775808",
        "10000000000000000000-1", "1-18446744073709551615", "1-2\n",
        "1\xe2\x80\x93", "1\xe2\x80\x93-2"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(!parse(texts[i], strlen(texts[i]), NULL, NULL), "%s",
                      texts[i]);
    }

    ck_assert_int_eq(parse("1-2\0", 4, NULL, NULL), 0);
    ck_assert_int_eq(parse("1\0-2", 4, NULL, NULL), 0);
    ck_assert_int_eq(gmchat_cursor_parse(&none, NULL, NULL), 0);
}
END_TEST


/* What is behind the text is no part of it. */
START_TEST(cut_anywhere)
{
    size_t   len;
    int64_t  n;

    static const char  text[] = "17-42";

    for (len = 0; len < sizeof(text); len++) {
        ck_assert_int_eq(parse(text, len, NULL, &n), len == 4 || len == 5);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_cursor");

    tcase_add_test(tc, cursors);
    tcase_add_test(tc, not_cursors);
    tcase_add_test(tc, cut_anywhere);

    return check_end();
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmchat_integer.h"
#include "test_tools.h"


static int
parse(const char *text, size_t len, int64_t *value)
{
    int           rc;
    gmchat_str_t  str;

    str.len = len;
    str.data = check_exact(text, len);
    rc = gmchat_integer_parse(&str, value);
    free(str.data);

    return rc;
}


START_TEST(integers)
{
    size_t   i;
    char     text[32];
    int64_t  value;

    static const int64_t  values[] = {
        0, 1, 9, 10, 1001, 4294967295, 4294967296, 999999999999999999,
        1000000000000000000, INT64_MAX - 1, INT64_MAX
    };

    for (i = 0; i < check_nelts(values); i++) {
        sprintf(text, "%" PRId64, values[i]);

        value = -1;
        ck_assert_int_eq(parse(text, strlen(text), &value), 1);
        ck_assert(value == values[i]);
        ck_assert_int_eq(parse(text, strlen(text), NULL), 1);
    }
}
END_TEST


START_TEST(not_integers)
{
    size_t   i;
    int64_t  value = -1;

    static const char  *texts[] = {
        "", " ", "-", "+", "-1", "+1", "-0", "00", "01", "007", " 1", "1 ",
        "1\n", "1e3", "1.0", "0x10", "1,000", "a", "1a", "a1",
        "9223372036854775808", "9223372036854775809", "9999999999999999999",
        "10000000000000000000", "18446744073709551616",
        "18446744073709551617", "99999999999999999999999999999999",
        "00000000000000000001", "\xef\xbc\x91", "\xff"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(!parse(texts[i], strlen(texts[i]), &value), "%s",
                      texts[i]);
        ck_assert_int_eq(parse(texts[i], strlen(texts[i]), NULL), 0);
    }

    ck_assert_int_eq(parse("1\0", 2, &value), 0);
    ck_assert_int_eq(parse("\0", 1, &value), 0);
    ck_assert_int_eq(parse("12", 1, &value), 1);
    ck_assert_int_eq(value, 1);
}
END_TEST


START_TEST(each_byte)
{
    int   ch;
    char  text[1];

    for (ch = 0; ch < 256; ch++) {
        text[0] = ch;
        ck_assert_int_eq(parse(text, 1, NULL), ch >= '0' && ch <= '9');
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_integer");

    tcase_add_test(tc, integers);
    tcase_add_test(tc, not_integers);
    tcase_add_test(tc, each_byte);

    return check_end();
}

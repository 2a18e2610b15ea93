#include <stdlib.h>
#include <string.h>

#include "gmchat_utf8.h"
#include "test_tools.h"


static size_t
valid(const void *text, size_t len)
{
    size_t          n;
    unsigned char  *exact;

    exact = check_exact(text, len);
    n = gmchat_utf8_valid(exact, len);
    free(exact);

    return n;
}


/* Writes a number as UTF-8 would, be it a character or not. */
static size_t
put(unsigned char *p, uint32_t c, size_t len)
{
    size_t  i;

    static const unsigned char  first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    if (len == 1) {
        p[0] = c;
        return 1;
    }

    for (i = len; i > 1; i--) {
        p[i - 1] = 0x80 | (c & 0x3f);
        c >>= 6;
    }

    p[0] = first[len] | c;

    return len;
}


/* All that four bytes can say: shortest form, no surrogate, an end. */
START_TEST(each_number)
{
    size_t         len, n, shortest;
    uint32_t       c;
    unsigned char  p[4];

    static const uint32_t  ends[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };

    for (len = 1; len <= 4; len++) {
        for (c = 0; c < ends[len]; c++) {
            n = put(p, c, len);

            shortest = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

            if (len != shortest || (c >= 0xd800 && c <= 0xdfff)
                || c > 0x10ffff)
            {
                n = 0;
            }

            if (gmchat_utf8_valid(p, len) != n) {
                ck_abort_msg("U+%x in %zu bytes", c, len);
            }
        }
    }
}
END_TEST


START_TEST(each_pair_of_bytes)
{
    unsigned       a, b;
    size_t         n;
    unsigned char  p[2];

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            p[0] = a;
            p[1] = b;

            if (a < 0x80) {
                n = b < 0x80 ? 2 : 1;

            } else {
                n = (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf)
                        ? 2 : 0;
            }

            ck_assert_uint_eq(gmchat_utf8_valid(p, 2), n);
        }
    }
}
END_TEST


/* A character cut off, and one with another byte in each place. */
START_TEST(broken_characters)
{
    size_t  i, j, len;
    char    text[8];

    static const char  *chars[] = {
        "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xe6\xb8\xb8",
        "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
        "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf"
    };

    for (i = 0; i < check_nelts(chars); i++) {
        len = strlen(chars[i]);
        ck_assert_uint_eq(valid(chars[i], len), len);

        for (j = 1; j < len; j++) {
            ck_assert_uint_eq(valid(chars[i], j), 0);

            text[0] = 'a';
            memcpy(text + 1, chars[i], len);
            ck_assert_uint_eq(valid(text, 1 + j), 1);

            text[1 + j] = 'a';
            ck_assert_uint_eq(valid(text, 1 + len), 1);

            text[1 + j] = (char) 0xc2;
            ck_assert_uint_eq(valid(text, 1 + len), 1);
        }
    }
}
END_TEST


START_TEST(texts)
{
    ck_assert_uint_eq(gmchat_utf8_valid(NULL, 0), 0);
    ck_assert_uint_eq(valid("", 0), 0);
    ck_assert_uint_eq(valid("a\0b", 3), 3);
    ck_assert_uint_eq(valid("\xe6\xb8\xb8\xe6\x88\x8f", 6), 6);
    ck_assert_uint_eq(valid("\xe6\xb8\xb8 \xf0\x9f\x98\x80.", 9), 9);
    ck_assert_uint_eq(valid("abc\xff", 4), 3);
    ck_assert_uint_eq(valid("abc\x80", 4), 3);
    ck_assert_uint_eq(valid("\xfe", 1), 0);
    ck_assert_uint_eq(valid("\xf8\x88\x80\x80\x80", 5), 0);
    ck_assert_uint_eq(valid("\xed\xa0\xbd\xed\xb8\x80", 6), 0);
    ck_assert_uint_eq(valid("\xc0\x80", 2), 0);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_utf8");

    tcase_add_test(tc, each_number);
    tcase_add_test(tc, each_pair_of_bytes);
    tcase_add_test(tc, broken_characters);
    tcase_add_test(tc, texts);

    return check_end();
}

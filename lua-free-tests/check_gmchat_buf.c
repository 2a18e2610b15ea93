#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_buf.h"
#include "test_tools.h"


/* the first size in gmchat_buf.c */
#define FIRST  512


static void
holds(const gmchat_buf_t *buf, const char *text)
{
    ck_assert_int_eq(buf->failed, 0);
    ck_assert_uint_eq(buf->len, strlen(text));
    ck_assert_mem_eq(buf->data, text, buf->len);
}


START_TEST(adds)
{
    gmchat_buf_t  buf = { 0 };

    gmchat_buf_add(&buf, "ab", 2);
    gmchat_buf_add_text(&buf, "cd");
    gmchat_buf_add_text(&buf, "");
    gmchat_buf_add(&buf, NULL, 0);
    gmchat_buf_add_int(&buf, 0);
    gmchat_buf_add_int(&buf, -7);
    holds(&buf, "abcd0-7");

    gmchat_buf_reset(&buf, FIRST);
    gmchat_buf_add_int(&buf, INT64_MAX);
    gmchat_buf_add_int(&buf, INT64_MIN);
    holds(&buf, "9223372036854775807-9223372036854775808");

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(a_byte_at_a_time)
{
    size_t         i;
    unsigned char  c;
    gmchat_buf_t   buf = { 0 };

    for (i = 0; i < 100000; i++) {
        c = i % 251;
        gmchat_buf_add(&buf, &c, 1);
        ck_assert_uint_eq(buf.len, i + 1);
        ck_assert_uint_le(buf.len, buf.size);
    }

    for (i = 0; i < buf.len; i++) {
        ck_assert_uint_eq(buf.data[i], i % 251);
    }

    gmchat_buf_free(&buf);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.size, 0);
}
END_TEST


START_TEST(first_size)
{
    char           text[FIRST + 1];
    gmchat_buf_t   buf = { 0 };

    memset(text, 'x', sizeof(text));

    failing_malloc_arm(0);
    gmchat_buf_add(&buf, text, FIRST - 1);
    gmchat_buf_add(&buf, text, 1);
    ck_assert_uint_eq(failing_malloc_count(), 1);
    ck_assert_uint_eq(buf.size, FIRST);

    gmchat_buf_add(&buf, text, 1);
    ck_assert_uint_eq(failing_malloc_count(), 2);
    ck_assert_uint_eq(buf.len, FIRST + 1);

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(reserve)
{
    unsigned char  *p;
    gmchat_buf_t    buf = { 0 };

    gmchat_buf_add_text(&buf, "a");

    p = gmchat_buf_reserve(&buf, 5000);
    ck_assert_ptr_eq(p, buf.data + 1);
    memset(p, 'b', 5000);
    ck_assert_uint_eq(buf.len, 1);

    ck_assert_ptr_eq(gmchat_buf_reserve(&buf, 0), buf.data + 1);

    buf.len += 5000;
    gmchat_buf_add_text(&buf, "c");
    ck_assert_uint_eq(buf.len, 5002);
    ck_assert_int_eq(buf.data[0], 'a');
    ck_assert_int_eq(buf.data[5000], 'b');
    ck_assert_int_eq(buf.data[5001], 'c');

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(too_much)
{
    size_t        i;
    gmchat_buf_t  buf;

    static const size_t  sizes[] = {
        SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4 + 1, SIZE_MAX / 4
    };

    for (i = 0; i < check_nelts(sizes); i++) {
        memset(&buf, 0, sizeof(buf));
        gmchat_buf_add_text(&buf, "abc");

        ck_assert_ptr_null(gmchat_buf_reserve(&buf, sizes[i]));
        ck_assert_int_eq(buf.failed, 1);
        ck_assert_uint_eq(buf.len, 3);

        gmchat_buf_free(&buf);
    }
}
END_TEST


START_TEST(reset)
{
    gmchat_buf_t  buf = { 0 };

    gmchat_buf_add_text(&buf, "abc");
    gmchat_buf_reset(&buf, FIRST);
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_uint_eq(buf.size, FIRST);

    gmchat_buf_add_text(&buf, "abc");
    gmchat_buf_reset(&buf, FIRST - 1);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.size, 0);

    /* a failure is forgotten */

    failing_malloc_arm(1);
    gmchat_buf_add_text(&buf, "abc");
    failing_malloc_disarm();
    ck_assert_int_eq(buf.failed, 1);

    gmchat_buf_reset(&buf, FIRST);
    gmchat_buf_add_text(&buf, "abc");
    holds(&buf, "abc");

    gmchat_buf_free(&buf);
    gmchat_buf_free(&buf);
}
END_TEST


/* What comes after a failure is dropped: a gap would be worse than an end. */
static void
fill(void *data)
{
    size_t        i;
    char          text[100];
    gmchat_buf_t  buf = { 0 };

    (void) data;

    memset(text, 'x', sizeof(text));

    for (i = 0; i < 100; i++) {
        gmchat_buf_add(&buf, text, sizeof(text));
    }

    gmchat_buf_add_text(&buf, "");
    gmchat_buf_add_int(&buf, 1);

    ck_assert_int_eq(buf.failed, failing_malloc_disarm());

    if (buf.failed) {
        ck_assert_uint_lt(buf.len, 10001);
        ck_assert_uint_eq(buf.len % sizeof(text), 0);
        ck_assert_ptr_null(gmchat_buf_reserve(&buf, 1));

    } else {
        ck_assert_uint_eq(buf.len, 10001);
    }

    gmchat_buf_free(&buf);
}


START_TEST(out_of_memory)
{
    /* 512 to 16384 */
    ck_assert_uint_eq(failing_malloc_each(fill, NULL), 6);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_buf");

    tcase_add_test(tc, adds);
    tcase_add_test(tc, a_byte_at_a_time);
    tcase_add_test(tc, first_size);
    tcase_add_test(tc, reserve);
    tcase_add_test(tc, too_much);
    tcase_add_test(tc, reset);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

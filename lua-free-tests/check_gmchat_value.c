#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_value.h"
#include "test_tools.h"


static gmchat_arena_t  arena;


/* Equal in all, and `copy` shares no memory with `value`. */
static void
same(const gmchat_value_t *copy, const gmchat_value_t *value)
{
    size_t  i;

    ck_assert_ptr_ne(copy, value);
    ck_assert_uint_eq((uintptr_t) copy % _Alignof(gmchat_value_t), 0);
    ck_assert_int_eq(copy->kind, value->kind);
    ck_assert_int_eq(copy->integer, value->integer);
    ck_assert_uint_eq(copy->str.len, value->str.len);
    ck_assert_uint_eq(copy->n, value->n);

    if (value->str.len) {
        ck_assert_ptr_ne(copy->str.data, value->str.data);
        ck_assert_mem_eq(copy->str.data, value->str.data, value->str.len);
    }

    for (i = 0; i < value->n; i++) {
        same(&copy->items[i], &value->items[i]);
    }
}


START_TEST(copies)
{
    size_t           i;
    gmchat_value_t  *copy, *value;

    static const char  *values[] = {
        "nil", "0", "-7", "9223372036854775807", "'text'", "''", "!ERR",
        "[]", "[[]]", "[nil]", "[1 2 3]", "['a' 'bcd' '' 'efghi']",
        "['ok' 0 [nil !NOPERM ['x' []] 'long string of an odd length'] -1]",
        "[[['a'] ['b' 1]] [] [[] 'c'] ['d' [['e'] 'f']] nil 'g']",
        "[[0 5460 ['127.0.0.1' 30001 'id' []] ['::1' 30004 'id2' []]]]"
    };

    for (i = 0; i < check_nelts(values); i++) {
        value = check_value(&arena, values[i]);

        copy = gmchat_value_copy(value);
        ck_assert_ptr_nonnull(copy);
        same(copy, value);

        free(copy);
    }

    gmchat_arena_free(&arena);
}
END_TEST


/* The original is gone, and the block is no larger than it need be. */
START_TEST(stands_alone)
{
    gmchat_value_t  *copy, value, items[2];

    memset(&value, 0, sizeof(gmchat_value_t));
    memset(items, 0, sizeof(items));

    value.kind = GMCHAT_VALUE_ARRAY;
    value.items = items;
    value.n = 2;

    items[0].kind = GMCHAT_VALUE_STRING;
    items[0].str.data = check_exact("a\0\xff", 3);
    items[0].str.len = 3;
    items[1].kind = GMCHAT_VALUE_INTEGER;
    items[1].integer = INT64_MIN;

    copy = gmchat_value_copy(&value);
    ck_assert_ptr_nonnull(copy);

    free(items[0].str.data);
    memset(items, 0xa5, sizeof(items));

    ck_assert_uint_eq(copy->n, 2);
    ck_assert_uint_eq(copy->items[0].str.len, 3);
    ck_assert_mem_eq(copy->items[0].str.data, "a\0\xff", 3);
    ck_assert_int_eq(copy->items[1].integer, INT64_MIN);
    ck_assert_ptr_eq(copy->items, copy + 1);
    ck_assert_ptr_eq(copy->items[0].str.data, (void *) (copy + 3));

    free(copy);
}
END_TEST


/* What a kind does not use is not followed. */
START_TEST(stray_members)
{
    gmchat_value_t  *copy, value;

    value.kind = GMCHAT_VALUE_INTEGER;
    value.integer = 5;
    value.str.len = SIZE_MAX;
    value.str.data = NULL;
    value.items = NULL;
    value.n = SIZE_MAX;

    copy = gmchat_value_copy(&value);
    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(copy->integer, 5);
    ck_assert_uint_eq(copy->str.len, 0);
    ck_assert_uint_eq(copy->n, 0);
    ck_assert_ptr_null(copy->items);
    free(copy);

    value.kind = GMCHAT_VALUE_STRING;
    value.str.len = 0;

    copy = gmchat_value_copy(&value);
    ck_assert_ptr_nonnull(copy);
    ck_assert_uint_eq(copy->str.len, 0);
    ck_assert_uint_eq(copy->n, 0);
    free(copy);
}
END_TEST


/* 16 levels are copied, 17 are not; what is beside does not matter. */
START_TEST(levels)
{
    size_t           i, n;
    gmchat_value_t  *copy, values[GMCHAT_VALUE_LEVELS + 1][2];

    for (n = 1; n <= GMCHAT_VALUE_LEVELS + 1; n++) {
        memset(values, 0, sizeof(values));

        for (i = 0; i < n - 1; i++) {
            values[i][1].kind = GMCHAT_VALUE_ARRAY;
            values[i][1].items = values[i + 1];
            values[i][1].n = 2;
        }

        copy = gmchat_value_copy(&values[0][1]);

        if (n <= GMCHAT_VALUE_LEVELS) {
            ck_assert_ptr_nonnull(copy);
            same(copy, &values[0][1]);

        } else {
            ck_assert_ptr_null(copy);
        }

        free(copy);
    }
}
END_TEST


/* Sizes that no memory can hold: nothing of them is read. */
START_TEST(too_large)
{
    size_t          i;
    gmchat_value_t  value, items[3];

    static const size_t  sizes[] = {
        SIZE_MAX, SIZE_MAX / sizeof(gmchat_value_t),
        SIZE_MAX / sizeof(gmchat_value_t) + 1
    };

    memset(&value, 0, sizeof(gmchat_value_t));
    memset(items, 0, sizeof(items));

    value.kind = GMCHAT_VALUE_ARRAY;

    for (i = 0; i < check_nelts(sizes); i++) {
        value.n = sizes[i];
        ck_assert_ptr_null(gmchat_value_copy(&value));
    }

    value.kind = GMCHAT_VALUE_STRING;
    value.str.len = SIZE_MAX - sizeof(gmchat_value_t) + 1;
    ck_assert_ptr_null(gmchat_value_copy(&value));

    /* each fits, the sum does not */

    value.kind = GMCHAT_VALUE_ARRAY;
    value.items = items;
    value.n = 3;

    for (i = 0; i < 3; i++) {
        items[i].kind = i == 1 ? GMCHAT_VALUE_ERROR : GMCHAT_VALUE_STRING;
        items[i].str.len = SIZE_MAX / 2 - sizeof(items);
    }

    ck_assert_ptr_null(gmchat_value_copy(&value));

    items[1].kind = GMCHAT_VALUE_ARRAY;
    items[1].n = SIZE_MAX / sizeof(gmchat_value_t) / 2 + 1;
    ck_assert_ptr_null(gmchat_value_copy(&value));
}
END_TEST


static void
copy_once(void *data)
{
    int              failed;
    gmchat_value_t  *copy, *value = data;

    copy = gmchat_value_copy(value);
    failed = failing_malloc_disarm();

    if (failed) {
        ck_assert_ptr_null(copy);

    } else {
        ck_assert_ptr_nonnull(copy);
        same(copy, value);
    }

    free(copy);
}


/* One block: one allocation, whatever the tree. */
START_TEST(no_memory)
{
    gmchat_value_t  *value;

    value = check_value(&arena, "['a' ['b' ['c' 1] nil] 'd']");
    ck_assert_uint_eq(failing_malloc_each(copy_once, value), 1);

    gmchat_arena_free(&arena);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_value");

    tcase_add_test(tc, copies);
    tcase_add_test(tc, stands_alone);
    tcase_add_test(tc, stray_members);
    tcase_add_test(tc, levels);
    tcase_add_test(tc, too_large);
    tcase_add_test(tc, no_memory);

    return check_end();
}

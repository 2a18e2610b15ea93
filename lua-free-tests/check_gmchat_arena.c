#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_arena.h"
#include "test_tools.h"


/* a block's size in gmchat_arena.c */
#define BLOCK  4000


START_TEST(sizes_and_alignment)
{
    size_t           i;
    unsigned char   *p[200];
    gmchat_arena_t   arena = { 0 };

    for (i = 0; i < check_nelts(p); i++) {
        p[i] = gmchat_arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t) p[i] % _Alignof(max_align_t), 0);
        memset(p[i], (int) i, i);
    }

    /* none was given out twice */

    for (i = 1; i < check_nelts(p); i++) {
        ck_assert_uint_eq(p[i][0], i);
        ck_assert_uint_eq(p[i][i - 1], i);
    }

    gmchat_arena_free(&arena);
}
END_TEST


/* What fills a block, and one byte more. */
START_TEST(block_limit)
{
    size_t           size;
    unsigned char   *p;
    gmchat_arena_t   arena = { 0 };

    for (size = BLOCK - 40; size <= BLOCK + 40; size++) {
        p = gmchat_arena_alloc(&arena, size);
        ck_assert_ptr_nonnull(p);
        memset(p, 1, size);

        p = gmchat_arena_alloc(&arena, 1);
        ck_assert_ptr_nonnull(p);
        *p = 2;

        gmchat_arena_reset(&arena);
    }

    gmchat_arena_free(&arena);
}
END_TEST


START_TEST(large)
{
    unsigned char   *p;
    gmchat_arena_t   arena = { 0 };

    p = gmchat_arena_alloc(&arena, 3000000);
    ck_assert_ptr_nonnull(p);
    memset(p, 1, 3000000);

    ck_assert_ptr_null(gmchat_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(gmchat_arena_alloc(&arena, SIZE_MAX / 2 + 1));

    p = gmchat_arena_alloc(&arena, 1);
    ck_assert_ptr_nonnull(p);

    gmchat_arena_free(&arena);
}
END_TEST


START_TEST(copies)
{
    unsigned char   *p;
    gmchat_arena_t   arena = { 0 };

    p = gmchat_arena_copy(&arena, "a\0b", 3);
    ck_assert_mem_eq(p, "a\0b", 4);

    p = gmchat_arena_copy(&arena, "", 0);
    ck_assert_mem_eq(p, "", 1);

    p = gmchat_arena_copy(&arena, NULL, 0);
    ck_assert_mem_eq(p, "", 1);

    gmchat_arena_free(&arena);
}
END_TEST


/* An arena in steady use does not ask for memory. */
START_TEST(reset_keeps_a_block)
{
    size_t          i;
    gmchat_arena_t  arena = { 0 };

    gmchat_arena_reset(&arena);
    ck_assert_ptr_null(arena.first);

    for (i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 500));
    }

    gmchat_arena_reset(&arena);

    failing_malloc_arm(0);

    for (i = 0; i < 1000; i++) {
        ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 1000));
        ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 2000));
        gmchat_arena_reset(&arena);
    }

    ck_assert_uint_eq(failing_malloc_count(), 0);

    gmchat_arena_free(&arena);
    ck_assert_ptr_null(arena.first);
    ck_assert_ptr_null(arena.last);

    gmchat_arena_free(&arena);
}
END_TEST


/* One large call does not leave its memory behind for good. */
START_TEST(reset_frees_a_large_block)
{
    gmchat_arena_t  arena = { 0 };

    ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 1000000));
    gmchat_arena_reset(&arena);
    ck_assert_ptr_null(arena.first);

    ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 1));
    ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 1000000));
    gmchat_arena_reset(&arena);
    ck_assert_ptr_nonnull(arena.first);
    ck_assert_ptr_eq(arena.first, arena.last);

    gmchat_arena_free(&arena);
}
END_TEST


static void
allocate(void *data)
{
    void            *one, *two, *three, *after;
    gmchat_arena_t   arena = { 0 };

    (void) data;

    one = gmchat_arena_alloc(&arena, 10);
    two = gmchat_arena_copy(&arena, "text", 4);
    three = gmchat_arena_alloc(&arena, BLOCK);
    after = gmchat_arena_alloc(&arena, 10);

    ck_assert_int_eq(one && two && three && after, !failing_malloc_disarm());

    /* what failed once can be asked for again */

    ck_assert_ptr_nonnull(gmchat_arena_alloc(&arena, 10));

    gmchat_arena_free(&arena);
}


START_TEST(out_of_memory)
{
    ck_assert_uint_eq(failing_malloc_each(allocate, NULL), 3);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_arena");

    tcase_add_test(tc, sizes_and_alignment);
    tcase_add_test(tc, block_limit);
    tcase_add_test(tc, large);
    tcase_add_test(tc, copies);
    tcase_add_test(tc, reset_keeps_a_block);
    tcase_add_test(tc, reset_frees_a_large_block);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

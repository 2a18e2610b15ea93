#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_keys.h"
#include "test_tools.h"


static void
is(const gmchat_str_t *str, const char *text)
{
    ck_assert_uint_eq(str->len, strlen(text));
    ck_assert_mem_eq(str->data, text, str->len + 1);
}


START_TEST(keys)
{
    gmchat_str_t    prefix, key;
    gmchat_arena_t  arena = { 0 };

    static const gmchat_str_t  group = gmchat_string("eu-1.game_2");
    static const gmchat_str_t  id = gmchat_string("1001");

    ck_assert_int_eq(gmchat_keys_prefix(&prefix, &arena, &group), 0);
    is(&prefix, "gmchat:{eu-1.game_2}:");

    ck_assert_int_eq(gmchat_keys_join(&key, &arena, &prefix, "box:h", &id),
                     0);
    is(&key, "gmchat:{eu-1.game_2}:box:h1001");
    is(&prefix, "gmchat:{eu-1.game_2}:");

    ck_assert_int_eq(gmchat_keys_join(&key, &arena, &prefix, "", &id), 0);
    is(&key, "gmchat:{eu-1.game_2}:1001");

    gmchat_arena_free(&arena);
}
END_TEST


static void
build(void *data)
{
    int             ok;
    gmchat_str_t    prefix, key;
    gmchat_arena_t  arena = { 0 };

    ok = gmchat_keys_prefix(&prefix, &arena, data) == 0
         && gmchat_keys_join(&key, &arena, &prefix, "box:g", data) == 0;

    ck_assert_int_eq(ok, !failing_malloc_disarm());

    gmchat_arena_free(&arena);
}


START_TEST(out_of_memory)
{
    char          text[5000];
    gmchat_str_t  group;

    memset(text, 'x', sizeof(text));
    group.data = (unsigned char *) text;
    group.len = sizeof(text);

    ck_assert_uint_eq(failing_malloc_each(build, &group), 2);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_keys");

    tcase_add_test(tc, keys);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

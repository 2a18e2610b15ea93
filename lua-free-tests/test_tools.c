#include <stdlib.h>
#include <string.h>

#include "gmchat_buf.h"
#include "test_tools.h"


static Suite  *check_suite;


TCase *
check_begin(const char *name)
{
    TCase  *tc;

    check_suite = suite_create(name);

    tc = tcase_create("all");
    suite_add_tcase(check_suite, tc);

    return tc;
}


int
check_end(void)
{
    int       failed;
    SRunner  *runner;

    runner = srunner_create(check_suite);
    srunner_run_all(runner, CK_ENV);

    failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}


unsigned char *
check_exact(const void *data, size_t len)
{
    unsigned char  *copy;

    copy = malloc(len);
    ck_assert(copy != NULL || len == 0);

    if (len) {
        memcpy(copy, data, len);
    }

    return copy;
}


static const char *check_parse(gmchat_arena_t *arena, const char *text,
    gmchat_value_t *value);


/* A list, from behind its bracket on. */
static const char *
check_parse_list(gmchat_arena_t *arena, const char *text,
    gmchat_value_t *value)
{
    gmchat_buf_t    items = { 0 };
    gmchat_value_t  item;

    while (*text != ']') {
        text = check_parse(arena, text, &item);
        text += strspn(text, " ");

        gmchat_buf_add(&items, &item, sizeof(item));
        value->n++;
    }

    value->kind = GMCHAT_VALUE_ARRAY;
    value->items = (void *) gmchat_arena_copy(arena, items.data, items.len);
    ck_assert_ptr_nonnull(value->items);

    gmchat_buf_free(&items);

    return text + 1;
}


static const char *
check_parse_string(gmchat_arena_t *arena, const char *text, size_t len,
    gmchat_value_kind_e kind, gmchat_value_t *value)
{
    value->kind = kind;
    value->str.len = len;
    value->str.data = gmchat_arena_copy(arena, text, len);
    ck_assert_ptr_nonnull(value->str.data);

    return text + len;
}


static const char *
check_parse(gmchat_arena_t *arena, const char *text, gmchat_value_t *value)
{
    char  *end;

    memset(value, 0, sizeof(gmchat_value_t));

    switch (*text) {

    case '[':
        return check_parse_list(arena, text + 1, value);

    case '\'':
        return check_parse_string(arena, text + 1, strcspn(text + 1, "'"),
                                  GMCHAT_VALUE_STRING, value) + 1;

    case '!':
        return check_parse_string(arena, text + 1, strcspn(text + 1, " ]"),
                                  GMCHAT_VALUE_ERROR, value);

    case 'n':
        return text + sizeof("nil") - 1;

    default:
        value->kind = GMCHAT_VALUE_INTEGER;
        value->integer = strtoll(text, &end, 10);
        ck_assert_ptr_ne(end, text);

        return end;
    }
}


gmchat_value_t *
check_value(gmchat_arena_t *arena, const char *text)
{
    gmchat_value_t  *value;

    value = gmchat_arena_alloc(arena, sizeof(gmchat_value_t));
    ck_assert_ptr_nonnull(value);

    text = check_parse(arena, text, value);
    ck_assert_int_eq(*text, 0);

    return value;
}


/* a linear congruential generator whose low bits are left out */
uint64_t
check_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005)
            + UINT64_C(1442695040888963407);

    return *seed >> 32;
}


size_t
check_random_below(uint64_t *seed, size_t n)
{
    return check_random(seed) % n;
}

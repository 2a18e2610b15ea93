#include <stdlib.h>
#include <string.h>

#include "gmchat_action.h"
#include "gmchat_script.h"
#include "failing_malloc.h"
#include "test_tools.h"


START_TEST(list)
{
    size_t                  n;
    const gmchat_script_t  *script;

    for (n = 0, script = gmchat_script_list(); script->name.len; script++) {
        ck_assert_uint_eq(strlen((char *) script->name.data),
                          script->name.len);
        ck_assert_uint_eq(strlen((char *) script->body.data),
                          script->body.len);
        ck_assert_uint_gt(script->body.len, 0);

        /* whole lines, and nothing left of what the build takes out */

        ck_assert_int_eq(script->body.data[script->body.len - 1], '\n');
        ck_assert_ptr_null(strstr((char *) script->body.data, "\n--"));
        ck_assert_ptr_null(strstr((char *) script->body.data, "\n\n"));
        ck_assert_int_ne(script->body.data[0], '-');

        ck_assert_ptr_eq(gmchat_script_find((char *) script->name.data),
                         script);
        n++;
    }

    ck_assert_uint_ge(n, 11);
}
END_TEST


static size_t
count(const gmchat_str_t *text, const char *word)
{
    size_t  i, n, len;

    len = strlen(word);

    for (i = 0, n = 0; i + len <= text->len; i++) {
        n += memcmp(text->data + i, word, len) == 0;
    }

    return n;
}


/* Word for word, but for the way to publish; and without memory another try
 * makes what is missing. */
START_TEST(sharded)
{
    size_t            k, plain, all;
    gmchat_script_t  *script;

    for (k = 1; ; k++) {
        failing_malloc_arm(k);
        ck_assert_int_eq(gmchat_script_shard(), 0 - failing_malloc_disarm());

        if (gmchat_script_shard() == 0) {
            break;
        }
    }

    for (all = 0, script = gmchat_script_list(); script->name.len; script++) {
        plain = count(&script->body, "'PUBLISH'");
        all += plain;

        ck_assert_uint_eq(count(&script->sharded, "'PUBLISH'"), 0);
        ck_assert_uint_eq(count(&script->sharded, "'SPUBLISH'"), plain);
        ck_assert_uint_eq(script->sharded.len, script->body.len + plain);
    }

    ck_assert_uint_gt(all, 0);
}
END_TEST


START_TEST(unknown)
{
    ck_assert_ptr_null(gmchat_script_find(""));
    ck_assert_ptr_null(gmchat_script_find("creat"));
    ck_assert_ptr_null(gmchat_script_find("create.lua"));
    ck_assert_ptr_null(gmchat_script_find("Create"));
}
END_TEST


/* Each action's script is there. */
START_TEST(of_the_actions)
{
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        ck_assert_msg(gmchat_script_find(action->script) != NULL, "%s",
                      action->script);

        if (action->guard) {
            ck_assert_msg(gmchat_script_find(action->guard) != NULL, "%s",
                          action->guard);
        }
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_script");

    tcase_add_test(tc, list);
    tcase_add_test(tc, sharded);
    tcase_add_test(tc, unknown);
    tcase_add_test(tc, of_the_actions);

    return check_end();
}

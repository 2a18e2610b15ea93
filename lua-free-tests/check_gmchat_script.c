#include <stdlib.h>
#include <string.h>

#include "gmchat_action.h"
#include "gmchat_script.h"
#include "failing_malloc.h"
#include "test_tools.h"


START_TEST(list)
{
    size_t                  n;
    const char             *name;
    const gmchat_str_t     *body;
    const gmchat_script_t  *script;

    for (n = 0, script = gmchat_script_list(); script->name.len; script++) {
        name = (char *) script->name.data;
        body = &script->texts[GMCHAT_SCRIPT_PLAIN].body;

        ck_assert_uint_eq(strlen(name), script->name.len);
        ck_assert_uint_eq(strlen((char *) body->data), body->len);
        ck_assert_uint_gt(body->len, 0);

        /* whole lines, and nothing left of what the build takes out */

        ck_assert_int_eq(body->data[body->len - 1], '\n');
        ck_assert_ptr_null(strstr((char *) body->data, "\n--"));
        ck_assert_ptr_null(strstr((char *) body->data, "\n\n"));
        ck_assert_int_ne(body->data[0], '-');

        ck_assert_ptr_eq(gmchat_script_find(name), script);
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


/* Makes the desk bodies of all actions; without memory another try makes what
 * is missing. */

static void
make_desks(void)
{
    size_t                  k;
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        for (k = 1; ; k++) {
            failing_malloc_arm(k);
            ck_assert_int_eq(gmchat_script_desk(action->script),
                             0 - failing_malloc_disarm());

            if (gmchat_script_desk(action->script) == 0) {
                break;
            }
        }
    }
}


/* Around a script's own text stands what an operator's call takes. */
START_TEST(desk)
{
    size_t                  made;
    const gmchat_str_t     *plain, *desk;
    const gmchat_script_t  *script;

    make_desks();

    for (made = 0, script = gmchat_script_list(); script->name.len; script++) {
        plain = &script->texts[GMCHAT_SCRIPT_PLAIN].body;
        desk = &script->texts[GMCHAT_SCRIPT_DESK].body;

        if (desk->len == 0) {
            continue;
        }

        made++;
        ck_assert_uint_gt(desk->len, plain->len);
        ck_assert_uint_eq(count(desk, (char *) plain->data), 1);
        ck_assert_uint_eq(count(desk, "local function desk_action()"), 1);
        ck_assert_uint_eq(count(desk, "local function desk_forbids()"), 1);
        ck_assert_uint_eq(count(desk, "return desk_reply\n"), 1);
    }

    ck_assert_uint_gt(made, 10);
    ck_assert_int_eq(gmchat_script_desk("create"), 0);
    ck_assert_int_eq(gmchat_script_desk("creat"), -1);
}
END_TEST


/* Word for word, but for the way to publish; and without memory another try
 * makes what is missing. */
START_TEST(sharded)
{
    size_t               i, k, plain, all;
    gmchat_script_t     *script;
    const gmchat_str_t  *from, *to;

    make_desks();

    for (k = 1; ; k++) {
        failing_malloc_arm(k);
        ck_assert_int_eq(gmchat_script_shard(), 0 - failing_malloc_disarm());

        if (gmchat_script_shard() == 0) {
            break;
        }
    }

    for (all = 0, script = gmchat_script_list(); script->name.len; script++) {
        for (i = 0; i < GMCHAT_SCRIPT_TEXTS; i += GMCHAT_SCRIPT_DESK) {
            from = &script->texts[i].body;
            to = &script->texts[i + GMCHAT_SCRIPT_SHARDED].body;

            plain = count(from, "'PUBLISH'");
            all += plain;

            ck_assert_uint_eq(count(to, "'PUBLISH'"), 0);
            ck_assert_uint_eq(count(to, "'SPUBLISH'"), plain);
            ck_assert_uint_eq(to->len, from->len + plain);
        }
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
    tcase_add_test(tc, desk);
    tcase_add_test(tc, sharded);
    tcase_add_test(tc, unknown);
    tcase_add_test(tc, of_the_actions);

    return check_end();
}

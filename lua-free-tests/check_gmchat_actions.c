#include <stdlib.h>
#include <string.h>

#include "gmchat_action.h"
#include "test_tools.h"


/* The contract's actions, by endpoint. */
static const struct {
    gmchat_endpoint_e   endpoint;
    const char         *name;
} names[] = {
    { GMCHAT_GM, "create" }, { GMCHAT_GM, "add" }, { GMCHAT_GM, "del" },
    { GMCHAT_GM, "online" }, { GMCHAT_GM, "offline" },
    { GMCHAT_GM, "send" }, { GMCHAT_GM, "receive" },
    { GMCHAT_GM, "accounts" }, { GMCHAT_GM, "friends" },
    { GMCHAT_GM, "history" }, { GMCHAT_GM, "hosts" },
    { GMCHAT_GM, "stream" }, { GMCHAT_GM, "ack" },
    { GMCHAT_GM, "watch" }, { GMCHAT_GM, "unwatch" },
    { GMCHAT_GM, "player" }, { GMCHAT_GM, "read" },
    { GMCHAT_GM, "canned" }, { GMCHAT_GM, "canned_set" },
    { GMCHAT_GM, "canned_del" },
    { GMCHAT_GS, "relation" }, { GMCHAT_GS, "send" },
    { GMCHAT_GS, "receive" }, { GMCHAT_GS, "online" },
    { GMCHAT_GS, "stream" }, { GMCHAT_GS, "ack" },
    { GMCHAT_GS, "watch" }, { GMCHAT_GS, "unwatch" }
};


static int
needs(const gmchat_action_t *action, unsigned id)
{
    const gmchat_need_t  *need;

    for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
        if (need->id == id) {
            return need->required ? 2 : 1;
        }
    }

    return 0;
}


START_TEST(the_contracts_actions)
{
    size_t                  i, rows;
    const gmchat_action_t  *action;

    for (i = 0; i < check_nelts(names); i++) {
        for (rows = 0, action = gmchat_actions; action->name; action++) {
            rows += action->endpoint == names[i].endpoint
                    && strcmp(action->name, names[i].name) == 0;
        }

        ck_assert_msg(rows > 0, "%s", names[i].name);
    }
}
END_TEST


/* A row without a condition ends those of its name: all can be reached. */
START_TEST(every_row_can_be_reached)
{
    const gmchat_action_t  *one, *two;

    for (one = gmchat_actions; one->name; one++) {
        for (two = one + 1; two->name; two++) {
            if (one->endpoint == two->endpoint
                && strcmp(one->name, two->name) == 0)
            {
                ck_assert_uint_ne(one->when, GMCHAT_P_NONE);
                ck_assert_uint_ne(one->when, two->when);
            }
        }
    }
}
END_TEST


/* What a script is given is a parameter that the row knows, or the bridge's. */
START_TEST(arguments)
{
    unsigned                n;
    const unsigned         *arg;
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        ck_assert_ptr_nonnull(action->script);

        for (n = 0, arg = action->argv; *arg; arg++, n++) {
            ck_assert_uint_lt(*arg, GMCHAT_ARGS_ALL);

            if (*arg < GMCHAT_PARAMS) {
                ck_assert_msg(needs(action, *arg), "%s %u", action->name,
                              *arg);

                /* no word of a command is without bytes to point at */

                ck_assert(needs(action, *arg) == 2
                          || gmchat_param(*arg)->preset.data != NULL);
            }
        }

        ck_assert_uint_le(n, GMCHAT_ARGV_MAX);
    }
}
END_TEST


START_TEST(conditions_and_mailboxes)
{
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        if (action->when != GMCHAT_P_NONE) {
            ck_assert_int_eq(needs(action, action->when), 2);
        }

        /* a key is never made of what was not given */

        ck_assert_int_eq(action->mailbox != NULL,
                         action->owner != GMCHAT_P_NONE);

        if (action->mailbox) {
            ck_assert_int_eq(needs(action, action->owner), 2);
        }

        ck_assert_int_eq(action->guard != NULL,
                         (action->flags & GMCHAT_A_ROLE) != 0);
    }
}
END_TEST


/* A call may wait where the row says for what, and only there. */
START_TEST(waits)
{
    const gmchat_wait_t    *wait;
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        wait = action->wait;
        ck_assert_int_eq(needs(action, GMCHAT_P_WAIT), wait ? 1 : 0);

        if (wait == NULL) {
            continue;
        }

        ck_assert_ptr_nonnull(action->encode);
        ck_assert((wait->quiet == NULL) != (wait->known == NULL));
        ck_assert_int_eq(strncmp(wait->channel, "to:", 3), 0);

        if (wait->owner != GMCHAT_P_NONE) {
            ck_assert_int_eq(needs(action, wait->owner), 2);
        }

        ck_assert_uint_gt(strlen(wait->kinds), 0);
        ck_assert_uint_eq(strspn(wait->kinds, "mrao"), strlen(wait->kinds));

        /* whoever takes waits for what others put back */

        if (action->mailbox) {
            ck_assert_uint_eq(wait->owner, action->owner);
            ck_assert_int_eq(strchr(wait->kinds, 'a') != NULL,
                             (action->flags & GMCHAT_A_TAKES) != 0);
        }
    }
}
END_TEST


/* Who is told of, who is added or dropped, and what is given to an operator may
 * be many; nothing else. */
START_TEST(lists)
{
    unsigned                flags;
    const gmchat_need_t    *need;
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        flags = action->flags & (GMCHAT_A_STREAM|GMCHAT_A_WATCH
                                 |GMCHAT_A_UNWATCH);
        ck_assert_uint_eq(flags & (flags - 1), 0);

        ck_assert_int_eq(needs(action, GMCHAT_P_STREAM),
                         flags & (GMCHAT_A_WATCH|GMCHAT_A_UNWATCH) ? 2 : 0);

        for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
            if (need->id == GMCHAT_P_GM_ACCOUNTS) {
                ck_assert_int_eq(need->list, 1);
                continue;
            }

            ck_assert_int_eq(need->list,
                             flags && need->id
                                      == (action->endpoint == GMCHAT_GM
                                              ? GMCHAT_P_GM_ACCOUNT
                                              : GMCHAT_P_HOST));
        }
    }
}
END_TEST


/* Every action may name a group; format is known where there is data. */
START_TEST(common_parameters)
{
    const gmchat_need_t    *one, *two;
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        ck_assert_int_eq(needs(action, GMCHAT_P_GROUP), 1);

        for (one = action->needs; one->id != GMCHAT_P_NONE; one++) {
            for (two = action->needs; two < one; two++) {
                ck_assert_uint_ne(one->id, two->id);
            }
        }

        ck_assert_int_le(one - action->needs, GMCHAT_NEEDS_MAX);

        if (needs(action, GMCHAT_P_FORMAT)
            || needs(action, GMCHAT_P_LIMIT))
        {
            ck_assert_msg(action->encode != NULL, "%s", action->name);
        }
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_actions");

    tcase_add_test(tc, the_contracts_actions);
    tcase_add_test(tc, every_row_can_be_reached);
    tcase_add_test(tc, arguments);
    tcase_add_test(tc, conditions_and_mailboxes);
    tcase_add_test(tc, waits);
    tcase_add_test(tc, lists);
    tcase_add_test(tc, common_parameters);

    return check_end();
}

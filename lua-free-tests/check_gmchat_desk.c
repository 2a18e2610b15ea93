#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_desk.h"
#include "test_tools.h"


static gmchat_arena_t        arena;
static gmchat_script_call_t  script;
static const gmchat_str_t    prefix = gmchat_string("gmchat:{g}:");
static const gmchat_desk_t   olga = {
    gmchat_string("olga"), gmchat_string("192.0.2.1"), gmchat_string("10000"),
    0
};


static void
teardown(void)
{
    gmchat_arena_free(&arena);
}


/* The row of a call, whose parameters are checked. */

static const gmchat_action_t *
prepare(const char *query, gmchat_args_t *args)
{
    gmchat_refusal_t        refusal = { 0 };
    gmchat_param_env_t      env = { &arena, 4096 };
    const gmchat_action_t  *action;

    memset(args, 0, sizeof(gmchat_args_t));
    ck_assert_uint_eq(gmchat_args_query(args, &arena,
                                        (const unsigned char *) query,
                                        strlen(query), &refusal),
                      GMCHAT_OK);

    action = gmchat_action_find(GMCHAT_GM, args);
    ck_assert_msg(action != NULL, "%s", query);
    ck_assert_msg(gmchat_action_check(action, args, &env, &refusal)
                  == GMCHAT_OK, "%s: %s", query, refusal.param);

    return action;
}


/* The word of a call, each line's end written as "|". */

static const char *
word(const char *query, const gmchat_desk_t *desk)
{
    size_t                  i;
    gmchat_str_t           *last;
    gmchat_args_t           args;
    const gmchat_action_t  *action;

    action = prepare(query, &args);

    memset(&script, 0, sizeof(script));
    script.words[0] = prefix;
    script.n = 1;

    ck_assert_int_eq(gmchat_desk_sign(&script, desk, action, &args,
                                      gmchat_desk_note(action),
                                      &arena),
                     0);
    ck_assert_uint_eq(script.n, 2);
    ck_assert_uint_eq(script.desk, 1);

    last = &script.words[1];

    for (i = 0; i < last->len; i++) {
        if (last->data[i] == '\n') {
            last->data[i] = '|';
        }
    }

    return (char *) last->data;
}


START_TEST(words)
{
    gmchat_desk_t  root = olga;

    root.admin = 1;

    ck_assert_str_eq(word("action=accounts", &olga),
                     "olga||look|||accounts|refusal||192.0.2.1|10000|{}|");
    ck_assert_str_eq(word("action=accounts", &root),
                     "olga|1|look|||accounts|refusal||192.0.2.1|10000|{}|");
    ck_assert_str_eq(word("action=me", &olga),
                     "olga||any|||me|refusal||192.0.2.1|10000|{}|");
    ck_assert_str_eq(word("action=online&gm_account=7", &olga),
                     "olga||act|7||online|change|1|192.0.2.1|10000|"
                     "{\"gm_account\":\"7\"}|");
    ck_assert_str_eq(word("action=history&uid=17", &olga),
                     "olga||look||17|history|refusal||192.0.2.1|10000|"
                     "{\"uid\":\"17\"}|");
    ck_assert_str_eq(word("action=ack&cursor=7:1-2,8:", &olga),
                     "olga||act|7:1-2,8:||ack|refusal||192.0.2.1|10000|{}|");
    ck_assert_str_eq(word("action=add&gm_account=7&host=1001&uid=17", &olga),
                     "olga||act|7|17|add|change|1|192.0.2.1|10000|"
                     "{\"gm_account\":\"7\",\"uid\":\"17\","
                     "\"host\":\"1001\"}|");
    ck_assert_str_eq(word("action=operator&operator=b%22o&role=gm"
                          "&gm_accounts=7,8", &olga),
                     "olga||admin|||operator|change||192.0.2.1|10000|"
                     "{\"target\":\"b\\\"o\",\"role\":\"gm\","
                     "\"gm_accounts\":\"7,8\"}|");
}
END_TEST


/* Of a message stands nothing in the audit, however it came. */
START_TEST(messages)
{
    ck_assert_ptr_null(strstr(word("action=send&gm_account=7&uid=17"
                                   "&text=secret&msgid=m1", &olga), "secret"));
    ck_assert_str_eq(word("action=send&gm_account=7&uid=17&msg=c2VjcmV0",
                          &olga),
                     "olga||act|7|17|send|change|1|192.0.2.1|10000|"
                     "{\"gm_account\":\"7\",\"uid\":\"17\"}|");
}
END_TEST


/* A stream looks; one that puts GMs online acts. What it does is noted when it
 * does it. */
START_TEST(streams)
{
    ck_assert_str_eq(word("action=stream&gm_account=7,8", &olga),
                     "olga||look|7,8||stream|refusal||192.0.2.1|10000|"
                     "{\"gm_account\":\"7,8\"}|");
    ck_assert_str_eq(word("action=stream&gm_account=7,8&online=1", &olga),
                     "olga||act|7,8||stream|refusal||192.0.2.1|10000|"
                     "{\"gm_account\":\"7,8\"}|");
}
END_TEST


START_TEST(long_lists)
{
    size_t         i;
    const char    *noted;
    gmchat_buf_t   query = { 0 };

    gmchat_buf_add_text(&query, "action=stream&gm_account=1");

    for (i = 0; i < 1000; i++) {
        gmchat_buf_add_text(&query, ",22");
    }

    gmchat_buf_add(&query, "", 1);
    noted = strstr(word((char *) query.data, &olga), "{\"gm_account\":\"");
    gmchat_buf_free(&query);

    ck_assert_ptr_nonnull(noted);
    ck_assert_uint_eq(strlen(noted), strlen("{\"gm_account\":\"\"}|") + 1024);
}
END_TEST


/* What changes something is for those who act, and each row says for whom. */
START_TEST(rights)
{
    const gmchat_action_t  *action;

    for (action = gmchat_actions; action->name; action++) {
        if (action->endpoint != GMCHAT_GM) {
            ck_assert_uint_eq(action->flags & GMCHAT_A_CHANGE, 0);
            continue;
        }

        if (action->flags & GMCHAT_A_CHANGE) {
            ck_assert_msg(action->right == GMCHAT_RIGHT_ACT
                          || action->right == GMCHAT_RIGHT_ADMIN, "%s",
                          action->name);
        }

        if (action->flags & GMCHAT_A_TELLS) {
            ck_assert_uint_ne(action->flags & GMCHAT_A_CHANGE, 0);
            ck_assert(gmchat_action_knows(action, GMCHAT_P_GM_ACCOUNT));
        }

        /* for all who are named there is nothing about somebody */

        if (action->right == GMCHAT_RIGHT_ANY) {
            ck_assert(!gmchat_action_knows(action, GMCHAT_P_GM_ACCOUNT));
            ck_assert(!gmchat_action_knows(action, GMCHAT_P_UID));
        }
    }
}
END_TEST


START_TEST(params)
{
    size_t  i;

    for (i = 0; gmchat_desk_param(i); i++) {
        ck_assert_str_ne(gmchat_desk_param(i), "msg");
        ck_assert_str_ne(gmchat_desk_param(i), "text");
    }

    ck_assert_uint_gt(i, 5);
}
END_TEST


static void
sign_short_of_memory(void *data)
{
    int                     rc;
    gmchat_arena_t          own = { 0 };
    const gmchat_action_t  *action;

    action = gmchat_action_find(GMCHAT_GM, data);

    memset(&script, 0, sizeof(script));
    script.words[0] = prefix;
    script.n = 1;

    rc = gmchat_desk_sign(&script, &olga, action, data, GMCHAT_NOTE_CHANGE,
                          &own);

    if (failing_malloc_disarm()) {
        ck_assert_int_eq(rc, -1);
        ck_assert_uint_eq(script.n, 1);

    } else {
        ck_assert_int_eq(rc, 0);
        ck_assert_uint_eq(script.n, 2);
    }

    gmchat_arena_free(&own);
}


START_TEST(out_of_memory)
{
    gmchat_args_t  args;

    (void) prepare("action=online&gm_account=7", &args);
    ck_assert_uint_ge(failing_malloc_each(sign_short_of_memory, &args), 2);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_desk");
    tcase_add_checked_fixture(tc, NULL, teardown);

    tcase_add_test(tc, words);
    tcase_add_test(tc, messages);
    tcase_add_test(tc, streams);
    tcase_add_test(tc, long_lists);
    tcase_add_test(tc, rights);
    tcase_add_test(tc, params);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

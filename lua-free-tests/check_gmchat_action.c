#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_action.h"
#include "test_tools.h"


static gmchat_arena_t      arena;
static gmchat_args_t       args;
static gmchat_refusal_t    refusal;
static gmchat_param_env_t  env = { &arena, 1000 };


static const gmchat_str_t  prefix = gmchat_string("gmchat:{g}:");
static const gmchat_str_t  supplied[] = {
    gmchat_string("<history>"), gmchat_string("<entries>"),
    gmchat_string("<bytes>"), gmchat_string("<keep>"), gmchat_string("<ttl>"),
    gmchat_string("<patience>"), gmchat_string("<hosts>")
};


static void
setup(void)
{
    memset(&args, 0, sizeof(args));
    memset(&refusal, 0, sizeof(refusal));
}


static void
teardown(void)
{
    gmchat_arena_free(&arena);
}


static void
read_query(const char *query)
{
    teardown();
    setup();

    ck_assert_uint_eq(gmchat_args_query(&args, &arena,
                                        (unsigned char *) query,
                                        strlen(query), &refusal),
                      GMCHAT_OK);
}


static const gmchat_action_t *
find(gmchat_endpoint_e endpoint, const char *query)
{
    read_query(query);

    return gmchat_action_find(endpoint, &args);
}


static gmchat_status_e
check(gmchat_endpoint_e endpoint, const char *query)
{
    const gmchat_action_t  *action;

    action = find(endpoint, query);
    ck_assert_msg(action != NULL, "%s", query);

    return gmchat_action_check(action, &args, &env, &refusal);
}


static void
refused(gmchat_endpoint_e endpoint, const char *query, gmchat_status_e status,
    const char *param)
{
    ck_assert_msg(check(endpoint, query) == status, "%s: %u", query,
                  refusal.status);
    ck_assert_uint_eq(refusal.status, status);
    ck_assert_str_eq(refusal.param, param);
}


/* The call as text: script/keys/arguments. */
static const char *
build(gmchat_endpoint_e endpoint, const char *query)
{
    unsigned                i;
    gmchat_buf_t            buf = { 0 };
    unsigned char          *text;
    gmchat_script_call_t    call;
    const gmchat_action_t  *action;

    ck_assert_msg(check(endpoint, query) == GMCHAT_OK, "%s: %s", query,
                  refusal.param);

    action = gmchat_action_find(endpoint, &args);
    ck_assert_int_eq(gmchat_action_build(action, action->script, &args,
                                         &prefix, supplied, &arena, &call),
                     0);
    ck_assert_str_eq(call.script, action->script);

    gmchat_buf_add_text(&buf, call.script);

    for (i = 0; i < call.n; i++) {
        gmchat_buf_add_text(&buf, i == 0 ? "(" : i == call.nkeys ? "; "
                                                                 : ", ");
        gmchat_buf_add(&buf, call.words[i].data, call.words[i].len);

        ck_assert_int_eq(gmchat_str_is(&call.words[i], "<history>"),
                         call.history && i == call.history);
    }

    gmchat_buf_add_text(&buf, ")");
    text = gmchat_arena_copy(&arena, buf.data, buf.len);
    gmchat_buf_free(&buf);

    return (char *) text;
}


START_TEST(found)
{
    ck_assert_str_eq(find(GMCHAT_GM, "action=create")->script, "create");
    ck_assert_str_eq(find(GMCHAT_GM, "action=send")->script, "gm_send");
    ck_assert_str_eq(find(GMCHAT_GS, "action=send")->script, "gs_send");
    ck_assert_str_eq(find(GMCHAT_GM, "action=receive")->script, "take_all");
    ck_assert_str_eq(find(GMCHAT_GM, "action=receive&ack=")->script, "read");
    ck_assert_str_eq(find(GMCHAT_GM, "action=receive&gm_account=1")->script,
                     "take");
    ck_assert_str_eq(find(GMCHAT_GM, "action=receive&gm_account=1&ack=1-1")
                     ->script, "read");
    ck_assert_str_eq(find(GMCHAT_GS, "action=receive")->script, "take");
    ck_assert_str_eq(find(GMCHAT_GS, "ack&action=receive")->script, "read");
    ck_assert_str_eq(find(GMCHAT_GS, "action=relation")->mailbox, "rel:h");
}
END_TEST


START_TEST(not_found)
{
    size_t  i;

    static const char  *queries[] = {
        "", "action", "action=", "action=Send", "action=send%00",
        "action=send%20", "action=sen", "action=sends", "action=none",
        "Action=send", "action=%00", "action=%ff", "action=hosts%"
    };

    for (i = 0; i < check_nelts(queries); i++) {
        ck_assert_msg(find(GMCHAT_GM, queries[i]) == NULL, "%s", queries[i]);
        ck_assert_msg(find(GMCHAT_GS, queries[i]) == NULL, "%s", queries[i]);
    }

    ck_assert_ptr_null(find(GMCHAT_GM, "action=relation"));
    ck_assert_ptr_null(find(GMCHAT_GS, "action=create"));
    ck_assert_ptr_null(find(GMCHAT_GS, "action=hosts"));
    ck_assert_ptr_null(find(GMCHAT_NOWHERE, "action=send"));
}
END_TEST


START_TEST(missing)
{
    refused(GMCHAT_GM, "action=create", GMCHAT_MISSING, "gm_account");
    refused(GMCHAT_GM, "action=create&gm_account=1", GMCHAT_MISSING,
            "gm_name");
    refused(GMCHAT_GM, "action=create&gm_name=a", GMCHAT_MISSING,
            "gm_account");
    refused(GMCHAT_GM, "action=add&gm_account=1&uid=1", GMCHAT_MISSING,
            "host");
    refused(GMCHAT_GM, "action=add&gm_account=1&host=1", GMCHAT_MISSING,
            "uid");
    refused(GMCHAT_GM, "action=send&gm_account=1&uid=1", GMCHAT_MISSING,
            "msg");
    refused(GMCHAT_GM, "action=receive&ack=", GMCHAT_MISSING, "gm_account");
    refused(GMCHAT_GM, "action=history", GMCHAT_MISSING, "uid");
    refused(GMCHAT_GS, "action=receive", GMCHAT_MISSING, "host");
    refused(GMCHAT_GS, "action=relation&ack=", GMCHAT_MISSING, "host");
    refused(GMCHAT_GS, "action=online", GMCHAT_MISSING, "host");
    refused(GMCHAT_GS, "action=send", GMCHAT_MISSING, "uid");
}
END_TEST


START_TEST(malformed)
{
    refused(GMCHAT_GM, "action=create&gm_account=x&gm_name=a",
            GMCHAT_NOT_INTEGER, "gm_account");
    refused(GMCHAT_GM, "action=create&gm_account=&gm_name=a",
            GMCHAT_NOT_INTEGER, "gm_account");
    refused(GMCHAT_GM, "action=create&gm_account=1&gm_name=%ff",
            GMCHAT_MALFORMED, "gm_name");
    refused(GMCHAT_GM, "action=add&gm_account=1&host=01&uid=1",
            GMCHAT_NOT_INTEGER, "host");
    refused(GMCHAT_GM, "action=send&gm_account=1&uid=1&msg=a%",
            GMCHAT_MALFORMED, "msg");
    refused(GMCHAT_GM, "action=send&gm_account=1&uid=1&msg=a",
            GMCHAT_MALFORMED, "msg");
    refused(GMCHAT_GM, "action=send&gm_account=1&uid=1&msg=&msgid=%20",
            GMCHAT_MALFORMED, "msgid");
    refused(GMCHAT_GM, "action=send&gm_account=1&uid=1&msg=&msgid=",
            GMCHAT_MALFORMED, "msgid");
    refused(GMCHAT_GM, "action=hosts&group=a%7db", GMCHAT_MALFORMED, "group");
    refused(GMCHAT_GM, "action=hosts&group=", GMCHAT_MALFORMED, "group");
    refused(GMCHAT_GM, "action=hosts&format=xml", GMCHAT_MALFORMED,
            "format");
    refused(GMCHAT_GM, "action=receive&limit=0", GMCHAT_MALFORMED, "limit");
    refused(GMCHAT_GM, "action=receive&limit=x", GMCHAT_NOT_INTEGER,
            "limit");
    refused(GMCHAT_GM, "action=receive&ack=x&gm_account=1", GMCHAT_MALFORMED,
            "ack");
    refused(GMCHAT_GM, "action=history&uid=1&before=x", GMCHAT_MALFORMED,
            "before");
    refused(GMCHAT_GS, "action=receive&host=1&host=1", GMCHAT_MALFORMED,
            "host");
    refused(GMCHAT_GS, "action=receive&host=1&action=receive",
            GMCHAT_MALFORMED, "action");
}
END_TEST


/* What an action does not know is not looked at. */
START_TEST(ignored)
{
    ck_assert_uint_eq(check(GMCHAT_GM, "action=online&gm_account=1&uid=x"
                            "&host=&host=&msg=%&limit=0&ack=x&_=1&%=%"),
                      GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_GS, "action=receive&host=1&uid=x"
                            "&gm_account=-1&before=x"), GMCHAT_OK);
}
END_TEST


/* An action knows what its row names, whether the call has it or not. */
START_TEST(known)
{
    const gmchat_action_t  *action;

    action = find(GMCHAT_GS, "action=send&host=1");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_UID));
    ck_assert(gmchat_action_knows(action, GMCHAT_P_MSG));
    ck_assert(gmchat_action_knows(action, GMCHAT_P_GROUP));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_HOST));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_GM_ACCOUNT));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_NONE));

    action = find(GMCHAT_GS, "action=receive");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_HOST));
    ck_assert(gmchat_action_knows(action, GMCHAT_P_LIMIT));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_UID));

    action = find(GMCHAT_GS, "action=receive&ack=");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_ACK));

    action = find(GMCHAT_GM, "action=add");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_HOST));

    action = find(GMCHAT_GM, "action=hosts");
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_HOST));
}
END_TEST


/* A message given as text is the same call. */
START_TEST(text)
{
    static const char  call[] = "gs_send(gmchat:{g}:; 7, Zm9vYg==, , "
                                "<history>, <entries>, <bytes>, <keep>, "
                                "<ttl>, <hosts>)";

    ck_assert_str_eq(build(GMCHAT_GS, "action=send&uid=7&msg=Zm9vYg=="), call);
    ck_assert_str_eq(build(GMCHAT_GS, "action=send&uid=7&text=foob"), call);

    refused(GMCHAT_GS, "action=send&uid=7&text=a&msg=", GMCHAT_MALFORMED,
            "text");
    refused(GMCHAT_GS, "action=send&uid=7&text=%ff", GMCHAT_MALFORMED,
            "text");
    refused(GMCHAT_GS, "action=send&uid=7&text=a&text=a", GMCHAT_MALFORMED,
            "text");
    refused(GMCHAT_GS, "action=send&uid=7&text=%", GMCHAT_MALFORMED, "text");
    refused(GMCHAT_GS, "action=send&uid=7&msg=&msg=", GMCHAT_MALFORMED,
            "msg");
}
END_TEST


/* The longest text that is allowed is a message that is allowed. */
START_TEST(longest_text)
{
    size_t  n;
    char    query[1100];

    for (n = 996; n <= 1003; n++) {
        strcpy(query, "action=send&uid=7&text=");
        memset(query + 23, 'a', n);
        query[23 + n] = '\0';

        if (n <= 1000) {
            ck_assert_uint_eq(check(GMCHAT_GS, query), GMCHAT_OK);

        } else {
            refused(GMCHAT_GS, query, GMCHAT_MALFORMED, "text");
        }
    }
}
END_TEST


START_TEST(built)
{
    ck_assert_str_eq(build(GMCHAT_GM, "action=create&gm_account=1&gm_name=a"),
                     "create(gmchat:{g}:; 1, a)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=hosts"), "hosts(gmchat:{g}:)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=receive&gm_account=7"),
                     "take(gmchat:{g}:, gmchat:{g}:box:g7; 200, <patience>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=receive&gm_account=7&ack="
                           "&limit=1"),
                     "read(gmchat:{g}:, gmchat:{g}:box:g7; , 1)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=receive&host=9&ack=1-2"),
                     "read(gmchat:{g}:, gmchat:{g}:box:h9; 1-2, 200)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=relation&host=9&limit=1000"),
                     "take(gmchat:{g}:, gmchat:{g}:rel:h9; 1000, "
                     "<patience>)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=send&uid=5&msg=&msgid=a.b"),
                     "gs_send(gmchat:{g}:; 5, , a.b, <history>, <entries>, "
                     "<bytes>, <keep>, <ttl>, <hosts>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=history&uid=5"),
                     "history(gmchat:{g}:; 5, , 200)");
}
END_TEST


START_TEST(guard_is_built)
{
    gmchat_script_call_t    call;
    const gmchat_action_t  *action;

    ck_assert_uint_eq(check(GMCHAT_GM,
                            "action=add&gm_account=1&host=2&uid=3"),
                      GMCHAT_OK);
    action = gmchat_action_find(GMCHAT_GM, &args);
    ck_assert_ptr_nonnull(action->guard);

    ck_assert_int_eq(gmchat_action_build(action, action->guard, &args,
                                         &prefix, supplied, &arena, &call),
                     0);
    ck_assert_str_eq(call.script, action->guard);
}
END_TEST


static void
receive_short_of_memory(void *data)
{
    int                     rc;
    gmchat_script_call_t    call;
    const gmchat_action_t  *action;

    action = gmchat_action_find(GMCHAT_GS, data);

    memset(&arena, 0, sizeof(arena));
    rc = gmchat_action_build(action, action->script, data, &prefix, supplied,
                             &arena, &call);
    ck_assert_int_eq(rc, failing_malloc_disarm() ? -1 : 0);
    gmchat_arena_free(&arena);
}


static void
text_short_of_memory(void *data)
{
    gmchat_args_t     copy;
    gmchat_status_e   status;

    copy = *(gmchat_args_t *) data;

    memset(&arena, 0, sizeof(arena));
    status = gmchat_action_check(gmchat_action_find(GMCHAT_GS, &copy), &copy,
                                 &env, &refusal);
    ck_assert_uint_eq(status, failing_malloc_disarm() ? GMCHAT_UNAVAILABLE
                                                      : GMCHAT_OK);
    gmchat_arena_free(&arena);
}


START_TEST(out_of_memory)
{
    gmchat_arena_t  kept;

    ck_assert_uint_eq(check(GMCHAT_GS, "action=receive&host=2"), GMCHAT_OK);
    kept = arena;
    ck_assert_uint_eq(failing_malloc_each(receive_short_of_memory, &args), 1);
    gmchat_arena_free(&kept);

    read_query("action=send&uid=1&text=abc");
    kept = arena;
    ck_assert_uint_eq(failing_malloc_each(text_short_of_memory, &args), 2);
    gmchat_arena_free(&kept);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_action");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, found);
    tcase_add_test(tc, not_found);
    tcase_add_test(tc, missing);
    tcase_add_test(tc, malformed);
    tcase_add_test(tc, ignored);
    tcase_add_test(tc, known);
    tcase_add_test(tc, text);
    tcase_add_test(tc, longest_text);
    tcase_add_test(tc, built);
    tcase_add_test(tc, guard_is_built);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

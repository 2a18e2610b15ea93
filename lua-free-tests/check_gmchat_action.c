#include <stdio.h>
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

/* The bridge's own arguments, each by its name. */
#define SUPPLIED(id, name)  [id - GMCHAT_PARAMS] = gmchat_string("<" name ">")

static const gmchat_str_t  supplied[GMCHAT_ENVS] = {
    SUPPLIED(GMCHAT_E_HISTORY, "history"),
    SUPPLIED(GMCHAT_E_ENTRIES, "entries"),
    SUPPLIED(GMCHAT_E_BYTES, "bytes"),
    SUPPLIED(GMCHAT_E_KEEP, "keep"),
    SUPPLIED(GMCHAT_E_TTL, "ttl"),
    SUPPLIED(GMCHAT_E_PATIENCE, "patience"),
    SUPPLIED(GMCHAT_E_HOSTS, "hosts"),
    SUPPLIED(GMCHAT_E_SILENT, "silent"),
    SUPPLIED(GMCHAT_E_ENDPOINT, "endpoint"),
    SUPPLIED(GMCHAT_E_CHANGE, "change")
};

#define STREAM  "0123456789abcdef0123456789abcdef"


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
                                         &prefix, supplied, NULL, &arena,
                                         &call),
                     0);
    ck_assert_str_eq(call.script, action->script);

    gmchat_buf_add_text(&buf, call.script);

    for (i = 0; i < call.n; i++) {
        gmchat_buf_add_text(&buf, i == 0 ? "(" : i == 1 ? "; " : ", ");
        ck_assert_ptr_nonnull(call.words[i].data);
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
    ck_assert_str_eq(find(GMCHAT_GM, "action=stream")->script, "stream_gm");
    ck_assert_str_eq(find(GMCHAT_GS, "action=stream")->script, "stream_gs");
    ck_assert_str_eq(find(GMCHAT_GM, "action=ack")->script, "ack_gm");
    ck_assert_str_eq(find(GMCHAT_GS, "action=ack")->script, "ack_gs");
    ck_assert_uint_eq(find(GMCHAT_GS, "action=watch")->flags, GMCHAT_A_WATCH);
    ck_assert_uint_eq(find(GMCHAT_GM, "action=unwatch")->flags,
                      GMCHAT_A_UNWATCH);
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
    refused(GMCHAT_GM, "action=stream", GMCHAT_MISSING, "gm_account");
    refused(GMCHAT_GS, "action=stream", GMCHAT_MISSING, "host");
    refused(GMCHAT_GM, "action=ack", GMCHAT_MISSING, "cursor");
    refused(GMCHAT_GS, "action=watch&host=1", GMCHAT_MISSING, "stream");
    refused(GMCHAT_GS, "action=watch&stream=" STREAM, GMCHAT_MISSING,
            "host");
    refused(GMCHAT_GM, "action=unwatch&stream=" STREAM, GMCHAT_MISSING,
            "gm_account");
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
    refused(GMCHAT_GM, "action=receive&wait=56", GMCHAT_MALFORMED, "wait");
    refused(GMCHAT_GS, "action=online&host=1&wait=x", GMCHAT_NOT_INTEGER,
            "wait");
    refused(GMCHAT_GS, "action=online&host=1&cursor=x", GMCHAT_MALFORMED,
            "cursor");
    refused(GMCHAT_GM, "action=online&gm_account=1&lease=4",
            GMCHAT_MALFORMED, "lease");
    refused(GMCHAT_GM, "action=stream&gm_account=1&online=0",
            GMCHAT_MALFORMED, "online");
    refused(GMCHAT_GM, "action=ack&cursor=%20", GMCHAT_MALFORMED, "cursor");
    refused(GMCHAT_GS, "action=watch&stream=x&host=1", GMCHAT_MALFORMED,
            "stream");
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
                            "&gm_account=-1&before=x&cursor=x&lease=x"
                            "&stream=x&online=x&call=x"), GMCHAT_OK);
    ck_assert_uint_eq(check(GMCHAT_GS, "action=send&uid=1&msg=&wait=x"),
                      GMCHAT_OK);
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
    ck_assert(gmchat_action_knows(action, GMCHAT_P_WAIT));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_UID));
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_CURSOR));

    action = find(GMCHAT_GS, "action=receive&ack=");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_ACK));

    action = find(GMCHAT_GM, "action=add");
    ck_assert(gmchat_action_knows(action, GMCHAT_P_HOST));

    action = find(GMCHAT_GM, "action=hosts");
    ck_assert(!gmchat_action_knows(action, GMCHAT_P_HOST));
}
END_TEST


/* What is not given is its preset; a cursor that is not given is none. */
START_TEST(presets)
{
    ck_assert_uint_eq(check(GMCHAT_GS, "action=online&host=1"), GMCHAT_OK);
    ck_assert(gmchat_str_is(&args.values[GMCHAT_P_WAIT], "0"));
    ck_assert(!gmchat_args_given(&args, GMCHAT_P_CURSOR));

    ck_assert_uint_eq(check(GMCHAT_GS, "action=online&host=1&cursor=&wait=9"),
                      GMCHAT_OK);
    ck_assert(gmchat_str_is(&args.values[GMCHAT_P_WAIT], "9"));
    ck_assert(gmchat_args_given(&args, GMCHAT_P_CURSOR));
    ck_assert_uint_eq(args.values[GMCHAT_P_CURSOR].len, 0);
}
END_TEST


/* A list, from a block of its own, as its values, each with a bar behind. */
static void
walks(const char *list, const char *expected)
{
    char          text[100];
    size_t        len;
    gmchat_str_t  next, value;

    next.len = strlen(list);
    next.data = check_exact(list, next.len);
    list = (char *) next.data;
    len = 0;

    while (gmchat_action_list(&next, &value)) {
        ck_assert_uint_lt(len + value.len + 1, sizeof(text));
        memcpy(text + len, value.data, value.len);
        len += value.len;
        text[len++] = '|';
    }

    text[len] = '\0';
    ck_assert_str_eq(text, expected);

    /* it stays at its end */

    ck_assert_int_eq(gmchat_action_list(&next, &value), 0);
    free((char *) list);
}


START_TEST(list_is_walked)
{
    gmchat_str_t  none = gmchat_null_string, value;

    walks("1001", "1001|");
    walks("1001,1002,3", "1001|1002|3|");
    walks("", "|");
    walks(",", "||");
    walks("1,", "1||");
    walks(",1", "|1|");
    walks("1,,2", "1||2|");

    ck_assert_int_eq(gmchat_action_list(&none, &value), 0);
}
END_TEST


START_TEST(lists)
{
    size_t  i;
    char    query[100];

    static const struct {
        const char       *list;
        gmchat_status_e   status;
    } rows[] = {
        { "1", GMCHAT_OK },
        { "1001,1002", GMCHAT_OK },
        { "1,1", GMCHAT_OK },
        { "1%2c2", GMCHAT_OK },
        { "0,9223372036854775807", GMCHAT_OK },
        { "", GMCHAT_NOT_INTEGER },
        { ",", GMCHAT_NOT_INTEGER },
        { "1,", GMCHAT_NOT_INTEGER },
        { ",1", GMCHAT_NOT_INTEGER },
        { "1,,2", GMCHAT_NOT_INTEGER },
        { "1, 2", GMCHAT_NOT_INTEGER },
        { "1;2", GMCHAT_NOT_INTEGER },
        { "1,x", GMCHAT_NOT_INTEGER },
        { "1,-2", GMCHAT_NOT_INTEGER },
        { "1,9223372036854775808", GMCHAT_NOT_INTEGER },
        { "1&host=2", GMCHAT_MALFORMED },
        { "1,%", GMCHAT_MALFORMED }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        sprintf(query, "action=stream&host=%s", rows[i].list);

        if (rows[i].status != GMCHAT_OK) {
            refused(GMCHAT_GS, query, rows[i].status, "host");
            continue;
        }

        ck_assert_msg(check(GMCHAT_GS, query) == GMCHAT_OK, "%s", query);
    }

    /* it stays one value; where one is wanted, a list is none */

    ck_assert_uint_eq(check(GMCHAT_GM, "action=stream&gm_account=7,8,9"),
                      GMCHAT_OK);
    ck_assert(gmchat_str_is(&args.values[GMCHAT_P_GM_ACCOUNT], "7,8,9"));
    refused(GMCHAT_GS, "action=receive&host=1,2", GMCHAT_NOT_INTEGER, "host");
}
END_TEST


START_TEST(longest_list)
{
    size_t        n;
    gmchat_buf_t  query = { 0 };

    for (n = GMCHAT_LIST_MAX; n <= GMCHAT_LIST_MAX + 1; n++) {
        query.len = 0;
        gmchat_buf_add_text(&query, "action=stream&host=1");

        while (query.len < strlen("action=stream&host=") + n * 2 - 1) {
            gmchat_buf_add_text(&query, ",1");
        }

        gmchat_buf_add(&query, "", 1);

        if (n == GMCHAT_LIST_MAX) {
            ck_assert_uint_eq(check(GMCHAT_GS, (char *) query.data),
                              GMCHAT_OK);
            ck_assert_uint_eq(args.values[GMCHAT_P_HOST].len, n * 2 - 1);
            continue;
        }

        refused(GMCHAT_GS, (char *) query.data, GMCHAT_MALFORMED, "host");
        ck_assert_ptr_nonnull(strstr(refusal.reason, "4096"));
    }

    gmchat_buf_free(&query);
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
    ck_assert_str_eq(build(GMCHAT_GM, "action=hosts"),
                     "hosts(gmchat:{g}:; <silent>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=accounts"),
                     "accounts(gmchat:{g}:)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=online&gm_account=1"),
                     "online(gmchat:{g}:; 1, )");
    ck_assert_str_eq(build(GMCHAT_GM, "action=online&gm_account=1&lease=30"),
                     "online(gmchat:{g}:; 1, 30)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=send&gm_account=1&uid=5&msg="),
                     "gm_send(gmchat:{g}:; 1, 5, , , <history>, <entries>, "
                     "<bytes>, <keep>, <ttl>, <silent>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=receive&gm_account=7"),
                     "take(gmchat:{g}:; gmchat:{g}:box:g7, 200, <patience>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=receive&gm_account=7&ack="
                           "&limit=1"),
                     "read(gmchat:{g}:; gmchat:{g}:box:g7, , 1)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=receive&host=9&ack=1-2"),
                     "read(gmchat:{g}:; gmchat:{g}:box:h9, 1-2, 200)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=relation&host=9&limit=1000"),
                     "take(gmchat:{g}:; gmchat:{g}:rel:h9, 1000, "
                     "<patience>)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=send&uid=5&msg=&msgid=a.b"),
                     "gs_send(gmchat:{g}:; 5, , a.b, <history>, <entries>, "
                     "<bytes>, <keep>, <ttl>, <hosts>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=history&uid=5"),
                     "history(gmchat:{g}:; 5, , 200)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=stream&host=1,2&cursor="),
                     "stream_gs(gmchat:{g}:)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=ack&cursor=9:1-2:"),
                     "ack_gs(gmchat:{g}:; 9:1-2:, <hosts>)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=ack&cursor=9:1-2"),
                     "ack_gm(gmchat:{g}:; 9:1-2)");
    ck_assert_str_eq(build(GMCHAT_GS, "action=watch&host=1,2&stream=" STREAM),
                     "order(gmchat:{g}:; " STREAM ", <endpoint>, <change>, "
                     "1,2)");
    ck_assert_str_eq(build(GMCHAT_GM, "action=unwatch&gm_account=7&stream="
                           STREAM),
                     "order(gmchat:{g}:; " STREAM ", <endpoint>, <change>, "
                     "7)");
}
END_TEST


/* Whether the call of a query, or of its guard, waits until it is safe. */
static int
waits(gmchat_endpoint_e endpoint, const char *query, int guard)
{
    gmchat_script_call_t        call;
    const gmchat_action_t      *action;
    static gmchat_durability_t  durability = { 1, 0, 1000 };

    ck_assert_msg(check(endpoint, query) == GMCHAT_OK, "%s: %s", query,
                  refusal.param);
    action = gmchat_action_find(endpoint, &args);

    ck_assert_int_eq(gmchat_action_build(action, guard ? action->guard
                                                       : action->script,
                                         &args, &prefix, supplied,
                                         &durability, &arena, &call),
                     0);
    ck_assert(call.durability == NULL || call.durability == &durability);

    /* what is polled for has replies that say nothing */

    if (call.durability && action->wait) {
        ck_assert(call.quiet == action->wait->quiet);

    } else {
        ck_assert(call.quiet == NULL);
    }

    return call.durability != NULL;
}


START_TEST(durable_actions)
{
    size_t  i;

    static const struct {
        gmchat_endpoint_e   endpoint;
        const char         *query;
        int                 waits;
    } calls[] = {
        { GMCHAT_GM, "action=create&gm_account=1&gm_name=Ann", 1 },
        { GMCHAT_GM, "action=add&gm_account=1&host=2&uid=3", 1 },
        { GMCHAT_GM, "action=del&gm_account=1&uid=3", 1 },
        { GMCHAT_GM, "action=send&gm_account=1&uid=3&msg=YQ==", 1 },
        { GMCHAT_GM, "action=receive", 1 },
        { GMCHAT_GM, "action=receive&gm_account=1", 1 },
        { GMCHAT_GM, "action=receive&gm_account=1&ack=", 1 },
        { GMCHAT_GS, "action=send&uid=3&msg=YQ==", 1 },
        { GMCHAT_GS, "action=receive&host=1", 1 },
        { GMCHAT_GS, "action=receive&host=1&ack=", 1 },
        { GMCHAT_GS, "action=relation&host=1", 1 },
        { GMCHAT_GS, "action=relation&host=1&ack=", 1 },
        { GMCHAT_GM, "action=online&gm_account=1", 0 },
        { GMCHAT_GM, "action=offline&gm_account=1", 0 },
        { GMCHAT_GM, "action=accounts", 0 },
        { GMCHAT_GM, "action=history&uid=3", 0 },
        { GMCHAT_GS, "action=online&host=1", 0 }
    };

    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        ck_assert_msg(waits(calls[i].endpoint, calls[i].query, 0)
                      == calls[i].waits, "%s", calls[i].query);
    }

    ck_assert(!waits(GMCHAT_GM, "action=add&gm_account=1&host=2&uid=3", 1));
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
                                         &prefix, supplied, NULL, &arena,
                                         &call),
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
                             NULL, &arena, &call);
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
    tcase_add_test(tc, presets);
    tcase_add_test(tc, list_is_walked);
    tcase_add_test(tc, lists);
    tcase_add_test(tc, longest_list);
    tcase_add_test(tc, text);
    tcase_add_test(tc, longest_text);
    tcase_add_test(tc, built);
    tcase_add_test(tc, guard_is_built);
    tcase_add_test(tc, durable_actions);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

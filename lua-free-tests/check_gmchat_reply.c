#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "failing_malloc.h"
#include "reply_tools.h"
#include "test_tools.h"


START_TEST(statuses)
{
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "['ok']")),
                      GMCHAT_OK);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena,
                                                      "['no_gm' 1]")),
                      GMCHAT_NO_GM);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "['full']")),
                      GMCHAT_FULL);

    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "[]")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "'ok'")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "nil")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "0")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "!OK")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "[0]")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "[!ok]")),
                      GMCHAT_FAULT);
    ck_assert_uint_eq(gmchat_reply_status(check_value(&arena, "['okay']")),
                      GMCHAT_FAULT);
}
END_TEST


START_TEST(receipts)
{
    gmchat_str_t  receipt;

    call(GMCHAT_GS, "action=receive&host=1", "['ok' '1-1' 0 0 'k 1-1@5' []]");
    receipt = gmchat_reply_receipt(action, reply.value);
    ck_assert_int_eq(gmchat_str_is(&receipt, "k 1-1@5"), 1);

    call(GMCHAT_GS, "action=receive&host=1", "['ok' '1-1' 0 0 '' []]");
    ck_assert_uint_eq(gmchat_reply_receipt(action, reply.value).len, 0);

    call(GMCHAT_GS, "action=receive&host=1", "['ok']");
    ck_assert_uint_eq(gmchat_reply_receipt(action, reply.value).len, 0);

    call(GMCHAT_GM, "action=receive&gm_account=1", "nil");
    ck_assert_uint_eq(gmchat_reply_receipt(action, reply.value).len, 0);

    /* a fifth item of an action that takes nothing is none */

    call(GMCHAT_GM, "action=accounts", "['ok' '1' 'a' 1 'b']");
    ck_assert_uint_eq(gmchat_reply_receipt(action, reply.value).len, 0);
}
END_TEST


START_TEST(idle_mailboxes)
{
    size_t        i;
    gmchat_str_t  cursor;

    static const struct {
        const char  *value;
        const char  *cursor;        /* NULL: it is not idle */
    } replies[] = {
        { "['ok' '5-3' 0 0 '' [] 1]", "5-3" },
        { "['ok' '0-0' 0 0 '' [] 1]", "0-0" },
        { "['ok' '9223372036854775807-9223372036854775807' 0 0 '' [] 1]",
          "9223372036854775807-9223372036854775807" },
        { "['ok' '5-3' 0 0 '' []]", NULL },
        { "['ok' '5-3' 0 0 '' [] 0]", NULL },
        { "['ok' '5-3' 0 0 '' [] 2]", NULL },
        { "['ok' '5-3' 0 0 '' [] '1']", NULL },
        { "['ok' '5-3' 1 0 '' [] 1]", NULL },
        { "['ok' '5-3' 0 1 '' [] 1]", NULL },
        { "['ok' '5-3' 0 0 '' [['5-3' ['u' '1']]] 1]", NULL },
        { "['ok' '' 0 0 '' [] 1]", NULL },
        { "['ok' 'x' 0 0 '' [] 1]", NULL },
        { "['ok' '5-03' 0 0 '' [] 1]", NULL },
        { "['ok' 5 0 0 '' [] 1]", NULL },
        { "['ok' '5-3' 0 0 '' 'x' 1]", NULL },
        { "['ok']", NULL },
        { "nil", NULL }
    };

    for (i = 0; i < check_nelts(replies); i++) {
        call(GMCHAT_GS, "action=receive&host=1", replies[i].value);
        cursor = gmchat_reply_idle(reply.value);

        if (replies[i].cursor) {
            ck_assert_msg(gmchat_str_is(&cursor, replies[i].cursor), "%s",
                          replies[i].value);
        } else {
            ck_assert_msg(cursor.len == 0, "%s", replies[i].value);
        }
    }
}
END_TEST


START_TEST(written)
{
    size_t        i;
    gmchat_str_t  receiver;

    static const struct {
        gmchat_endpoint_e   endpoint;
        const char         *query;
        const char         *value;
        const char         *receiver;
    } replies[] = {
        { GMCHAT_GM, "action=send&gm_account=1&uid=2&msg=eA==",
          "['ok' '5-3' 0 1 'h1001']", "h1001" },
        { GMCHAT_GM, "action=send&gm_account=1&uid=2&msg=eA==",
          "['ok' '5-3' 1 1]", "" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==",
          "['ok' '5-3' 0 'g7']", "g7" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==", "['ok' '5-3' 1]", "" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==", "['ok' '5-3' 0 'g']", "" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==", "['ok' '5-3' 0 'x7']", "" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==", "nil", "" },
        { GMCHAT_GS, "action=send&uid=2&msg=eA==", "[]", "" },
        { GMCHAT_GM, "action=add&gm_account=1&uid=2&host=3",
          "['ok' 'h3']", "h3" },
        { GMCHAT_GM, "action=del&gm_account=1&uid=2", "['ok' 'h3']", "h3" },
        { GMCHAT_GM, "action=del&gm_account=1&uid=2", "['ok']", "" },

        /* an action that writes to nobody */

        { GMCHAT_GM, "action=online&gm_account=1", "['ok' 'h3']", "" }
    };

    for (i = 0; i < check_nelts(replies); i++) {
        call(replies[i].endpoint, replies[i].query, replies[i].value);
        receiver = gmchat_reply_written(action, reply.value);
        ck_assert_msg(receiver.len == strlen(replies[i].receiver)
                      && (receiver.len == 0
                          || gmchat_str_is(&receiver, replies[i].receiver)),
                      "%s", replies[i].value);
    }
}
END_TEST


/* The object of a status that no parameter is to blame for. */
static void
refusal_object(const gmchat_status_row_t *row)
{
    json_t      *body;
    const char  *error;

    body = json_loadb((char *) out.data, out.len, JSON_REJECT_DUPLICATES,
                      NULL);
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "res")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "errno")),
                     row->code);
    ck_assert_int_eq(json_object_get(body, "errno") != NULL, row->code != 0);
    error = json_string_value(json_object_get(body, "error"));
    ck_assert_pstr_eq(error, row->error);
    json_decref(body);

    out.len = 0;
}


START_TEST(refusals)
{
    size_t                      i;
    unsigned                    status;
    const gmchat_status_row_t  *row;

    static const struct {
        gmchat_refusal_t   refusal;
        const char        *body;
    } refusals[] = {
        { { GMCHAT_NOT_ONLINE, NULL, NULL }, "{\"res\":0}" },
        { { GMCHAT_MALFORMED, "msg", "is wrong" },
          "{\"res\":0,\"errno\":-3,\"error\":\"msg: is wrong\"}" },
        { { GMCHAT_MISSING, "uid", NULL },
          "{\"res\":0,\"errno\":-2,\"error\":\"uid: is missing\"}" },
        { { GMCHAT_MALFORMED, NULL, "x" },
          "{\"res\":0,\"errno\":-3,\"error\":\"x\"}" }
    };

    for (i = 0; i < check_nelts(refusals); i++) {
        out.len = 0;
        gmchat_reply_refusal(&out, &refusals[i].refusal);
        gmchat_buf_add(&out, "", 1);
        ck_assert_str_eq((char *) out.data, refusals[i].body);
    }

    for (status = GMCHAT_OK + 1; status < GMCHAT_STATUSES; status++) {
        gmchat_refusal_t  refusal = { status, NULL, NULL };

        row = gmchat_status_row(status);

        out.len = 0;
        gmchat_reply_refusal_object(&out, &refusal);
        refusal_object(row);

        gmchat_reply_refusal(&out, &refusal);

        if (row->text) {
            ck_assert_uint_eq(out.len, strlen(row->error));
            ck_assert_mem_eq(out.data, row->error, out.len);
            continue;
        }

        refusal_object(row);
    }
}
END_TEST


START_TEST(plain)
{
    answers(GMCHAT_GM, "action=online&gm_account=1", "['ok']",
            "{\"res\":1}");
    answers(GMCHAT_GM, "action=add&gm_account=1&host=1&uid=1", "['ok' 1]",
            "{\"res\":1}");
}
END_TEST


START_TEST(sent)
{
    static const char  query[] = "action=send&uid=1&msg=";

    answers(GMCHAT_GS, query, "['ok' '5-1' 0]",
            "{\"res\":1,\"id\":\"5-1\"}");
    answers(GMCHAT_GS, query, "['ok' '5-1' 1]",
            "{\"res\":1,\"id\":\"5-1\",\"repeat\":true}");

    faults(GMCHAT_GS, query, "['ok']");
    faults(GMCHAT_GS, query, "['ok' '5-1']");
    faults(GMCHAT_GS, query, "['ok' 5 0]");
    faults(GMCHAT_GS, query, "['ok' '5-1' '0']");
    faults(GMCHAT_GS, query, "['ok' nil nil]");
}
END_TEST


/* A GM is told beside where the player's host is silent. */
START_TEST(gm_sent)
{
    static const char  query[] = "action=send&gm_account=1&uid=1&msg=";

    answers(GMCHAT_GM, query, "['ok' '5-1' 0 0]",
            "{\"res\":1,\"id\":\"5-1\"}");
    answers(GMCHAT_GM, query, "['ok' '5-1' 0 1]",
            "{\"res\":1,\"id\":\"5-1\",\"host_silent\":true}");
    answers(GMCHAT_GM, query, "['ok' '5-1' 1 1]",
            "{\"res\":1,\"id\":\"5-1\",\"repeat\":true,"
            "\"host_silent\":true}");

    faults(GMCHAT_GM, query, "['ok' '5-1' 0]");
    faults(GMCHAT_GM, query, "['ok' '5-1' 0 '0']");
    faults(GMCHAT_GM, query, "['ok' '5-1' 0 nil]");
    faults(GMCHAT_GM, query, "['ok' 5 0 0]");
    faults(GMCHAT_GM, query, "['ok' '5-1' nil 0]");
}
END_TEST


START_TEST(acked)
{
    static const char  query[] = "action=ack&cursor=9:1-2";

    answers(GMCHAT_GM, query, "['ok' 0]", "{\"res\":1}");
    answers(GMCHAT_GM, query, "['ok' 1]", "{\"res\":1,\"reset\":true}");
    answers(GMCHAT_GS, query, "['ok' 0]", "{\"res\":1}");

    faults(GMCHAT_GM, query, "['ok']");
    faults(GMCHAT_GM, query, "['ok' '0']");
    faults(GMCHAT_GS, query, "['ok' nil]");
}
END_TEST


#define ENTRIES  "[['5-1' ['u' '7' 'g' '9' 'm' 'Zg==' 't' '3']]"              \
                 " ['5-2' ['u' '8' 'g' '9' 'm' '/w==' 't' '4']]"              \
                 " ['5-3' ['u' '7' 'g' '9' 'm' 'Zm8=' 't' '5']]]"


START_TEST(host_messages)
{
    size_t  i;

    static const char  *broken[] = {
        "['ok']", "['ok' '5-3' 0 0 '']", "['ok' '5-3' 0 0 '' nil]",
        "['ok' '5-3' 0 0 '' '']", "['ok' 5 0 0 '' []]",
        "['ok' '5-3' '0' 0 '' []]", "['ok' '5-3' 0 nil '' []]",
        "['ok' '5-3' 0 0 '' [1]]", "['ok' '5-3' 0 0 '' [['1-1']]]"
    };

    answers(GMCHAT_GS, "action=receive&host=1", "['ok' '0-0' 0 0 '' []]",
            "{\"res\":1,\"data\":<[]>,\"cursor\":\"0-0\",\"more\":false}");

    answers(GMCHAT_GS, "action=receive&host=1",
            "['ok' '5-3' 1 0 'receipt' " ENTRIES "]",
            "{\"res\":1,\"data\":<[{\"uid\":\"7\",\"msg\":\"Zg==,Zm8=\"},"
            "{\"uid\":\"8\",\"msg\":\"/w==\"}]>,\"cursor\":\"5-3\","
            "\"more\":true}");

    answers(GMCHAT_GS, "action=receive&host=1&ack=4-9&format=json",
            "['ok' '5-3' 0 1 '' " ENTRIES "]",
            "{\"res\":1,\"data\":["
            "{\"id\":\"5-1\",\"uid\":\"7\",\"gm_account\":\"9\","
            "\"text\":\"f\",\"ts\":3},"
            "{\"id\":\"5-2\",\"uid\":\"8\",\"gm_account\":\"9\","
            "\"msg\":\"/w==\",\"ts\":4},"
            "{\"id\":\"5-3\",\"uid\":\"7\",\"gm_account\":\"9\","
            "\"text\":\"fo\",\"ts\":5}],"
            "\"cursor\":\"5-3\",\"more\":false,\"reset\":true}");

    for (i = 0; i < check_nelts(broken); i++) {
        faults(GMCHAT_GS, "action=receive&host=1", broken[i]);
        faults(GMCHAT_GS, "action=receive&host=1&format=json", broken[i]);
    }
}
END_TEST


START_TEST(gm_messages)
{
    answers(GMCHAT_GM, "action=receive&gm_account=9",
            "['ok' '5-3' 0 0 '' " ENTRIES "]",
            "{\"res\":1,\"data\":<{\"9\":[{\"uid\":\"7\",\"msg\":"
            "\"Zg==,Zm8=\"},{\"uid\":\"8\",\"msg\":\"/w==\"}]}>,"
            "\"cursor\":\"5-3\",\"more\":false}");

    /* nothing is {}, not {"9":[]} */

    answers(GMCHAT_GM, "action=receive&gm_account=9&ack=",
            "['ok' '5-3' 0 0 '' []]",
            "{\"res\":1,\"data\":<{}>,\"cursor\":\"5-3\",\"more\":false}");

    /* whose mailbox it is does not depend on what the entries say */

    answers(GMCHAT_GM, "action=receive&gm_account=9&format=json",
            "['ok' '5-3' 0 0 '' [['5-1' ['u' '7' 'm' 'Zg==' 't' '3']]]]",
            "{\"res\":1,\"data\":[{\"id\":\"5-1\",\"uid\":\"7\","
            "\"gm_account\":\"9\",\"text\":\"f\",\"ts\":3}],"
            "\"cursor\":\"5-3\",\"more\":false}");

    faults(GMCHAT_GM, "action=receive&gm_account=9", "['ok' '5-3' 0 0 '']");
    faults(GMCHAT_GM, "action=receive&gm_account=9",
           "['ok' '5-3' 0 0 '' [nil]]");
}
END_TEST


START_TEST(all_messages)
{
    static const char  two[] =
        "['ok' '' 1 0 'r' '9' [['5-1' ['u' '7' 'm' 'Zg==' 't' '3']]]"
        " '10' [['6-1' ['u' '8' 'm' 'Zm8=' 't' '4']]]]";

    answers(GMCHAT_GM, "action=receive", "['ok' '' 0 0 '']",
            "{\"res\":1,\"data\":<{}>,\"more\":false}");
    answers(GMCHAT_GM, "action=receive&format=json", "['ok' '' 0 0 '']",
            "{\"res\":1,\"data\":[],\"more\":false}");

    answers(GMCHAT_GM, "action=receive", two,
            "{\"res\":1,\"data\":<{\"9\":[{\"uid\":\"7\",\"msg\":\"Zg==\"}],"
            "\"10\":[{\"uid\":\"8\",\"msg\":\"Zm8=\"}]}>,\"more\":true}");
    answers(GMCHAT_GM, "action=receive&format=json", two,
            "{\"res\":1,\"data\":["
            "{\"id\":\"5-1\",\"uid\":\"7\",\"gm_account\":\"9\","
            "\"text\":\"f\",\"ts\":3},"
            "{\"id\":\"6-1\",\"uid\":\"8\",\"gm_account\":\"10\","
            "\"text\":\"fo\",\"ts\":4}],\"more\":true}");

    faults(GMCHAT_GM, "action=receive", "['ok' '' 0 0 '' '9']");
    faults(GMCHAT_GM, "action=receive", "['ok' '' 0 0 '' 9 []]");
    faults(GMCHAT_GM, "action=receive", "['ok' '' 0 0 '' '9' [1]]");
    faults(GMCHAT_GM, "action=receive", "['ok']");
}
END_TEST


START_TEST(relation)
{
    static const char  value[] =
        "['ok' '5-3' 0 0 '' ["
        "['5-1' ['u' '7' 'c' 'apply' 'g' '9' 'a' 'Ann' 't' '3']]"
        " ['5-2' ['u' '8' 'c' 'apply' 'g' '9' 'a' 'Ann' 't' '4']]"
        " ['5-3' ['u' '7' 'c' 'remove' 'g' '9' 'a' 'Ann' 't' '5']]]]";

    answers(GMCHAT_GS, "action=relation&host=1", "['ok' '0-0' 0 0 '' []]",
            "{\"res\":1,\"apply_data\":<{}>,\"remove_data\":<[]>,"
            "\"cursor\":\"0-0\",\"more\":false}");

    answers(GMCHAT_GS, "action=relation&host=1", value,
            "{\"res\":1,\"apply_data\":<{\"8\":[\"9\",\"Ann\"]}>,"
            "\"remove_data\":<[\"7\"]>,\"cursor\":\"5-3\",\"more\":false}");

    answers(GMCHAT_GS, "action=relation&host=1&format=json",
            "['ok' '5-1' 1 1 '' [['5-1' ['u' '7' 'c' 'apply' 'g' '9' 'a'"
            " 'Ann' 't' '3']]]]",
            "{\"res\":1,\"data\":[{\"id\":\"5-1\",\"uid\":\"7\",\"change\":"
            "\"apply\",\"gm_account\":\"9\",\"gm_name\":\"Ann\"}],"
            "\"cursor\":\"5-1\",\"more\":true,\"reset\":true}");

    faults(GMCHAT_GS, "action=relation&host=1", "['ok']");
    faults(GMCHAT_GS, "action=relation&host=1", "['ok' '' 0 0 '' [1]]");
    faults(GMCHAT_GS, "action=relation&host=1&format=json",
           "['ok' '' 0 0 '' [1]]");
}
END_TEST


/* The text of a set's digest. */
#define NOBODY        "0000000000000000"
#define NINE          "af63b44c8601a895"
#define NINE_AND_TEN  "b75c46543abbb13a"


/* Who asks neither for a cursor nor to wait is told of none. */
START_TEST(online)
{
    static const char  query[] = "action=online&host=1";

    answers(GMCHAT_GS, query, "['ok' 0]", "{\"res\":1,\"data\":<[]>}");
    answers(GMCHAT_GS, query, "['ok' 0 '9' '10']",
            "{\"res\":1,\"data\":<[\"9\",\"10\"]>}");
    answers(GMCHAT_GS, "action=online&host=1&format=json",
            "['ok' 1700000000000 '9' '10']",
            "{\"res\":1,\"data\":[\"9\",\"10\"]}");
    answers(GMCHAT_GS, "action=online&host=1&wait=0", "['ok' 0 '9']",
            "{\"res\":1,\"data\":<[\"9\"]>}");

    answers(GMCHAT_GS, "action=online&host=1&wait=1", "['ok' 0]",
            "{\"res\":1,\"data\":<[]>,\"cursor\":\"" NOBODY "\"}");
    answers(GMCHAT_GS, "action=online&host=1&cursor=", "['ok' 0 '9']",
            "{\"res\":1,\"data\":<[\"9\"]>,\"cursor\":\"" NINE "\"}");
    answers(GMCHAT_GS, "action=online&host=1&format=json&cursor=" NINE,
            "['ok' 0 '10' '9']",
            "{\"res\":1,\"data\":[\"10\",\"9\"],\"cursor\":\""
            NINE_AND_TEN "\"}");

    faults(GMCHAT_GS, query, "['ok']");
    faults(GMCHAT_GS, query, "['ok' '0']");
    faults(GMCHAT_GS, query, "['ok' nil '9']");
    faults(GMCHAT_GS, query, "['ok' 0 9]");
    faults(GMCHAT_GS, query, "['ok' 0 '9' nil]");
    faults(GMCHAT_GS, "action=online&host=1&wait=1", "['ok' 0 9]");
}
END_TEST


/* The same set has the same digest, and another one has another. */
START_TEST(digests)
{
    size_t    i, k;
    uint64_t  digest[8];

    static const char  *sets[] = {
        "[]", "['9']", "['10']", "['9' '10']", "['9' '10' '11']", "['910']",
        "['1' '09']", "['9' '9']"
    };
    gmchat_value_t  *set;

    for (i = 0; i < check_nelts(sets); i++) {
        set = check_value(&arena, sets[i]);
        digest[i] = gmchat_reply_gms_digest(set->items, set->n);

        for (k = 0; k < i; k++) {
            ck_assert_msg(digest[k] != digest[i], "%s %s", sets[k], sets[i]);
        }
    }

    set = check_value(&arena, "['11' '9' '10']");
    ck_assert(gmchat_reply_gms_digest(set->items, set->n) == digest[4]);
    ck_assert(gmchat_reply_gms_digest(NULL, 0) == 0);
}
END_TEST


/* Whether a call that waits goes on waiting after this reply. */
static int
quiet(gmchat_endpoint_e endpoint, const char *query, const char *value)
{
    call(endpoint, query, value);
    ck_assert_ptr_nonnull(action->wait);

    return gmchat_reply_quiet(action, &reply);
}


START_TEST(quiet_receives)
{
    size_t  i, k;

    static const struct {
        gmchat_endpoint_e   endpoint;
        const char         *query;
    } calls[] = {
        { GMCHAT_GM, "action=receive&gm_account=1&wait=1" },
        { GMCHAT_GM, "action=receive&gm_account=1&ack=&wait=1" },
        { GMCHAT_GS, "action=receive&host=1&wait=1" },
        { GMCHAT_GS, "action=receive&host=1&ack=&wait=1" },
        { GMCHAT_GS, "action=relation&host=1&wait=1" },
        { GMCHAT_GS, "action=relation&host=1&ack=&wait=1" }
    };

    /* what has another shape is for the encoder to refuse */

    static const char  *loud[] = {
        "['ok' '5-1' 0 0 '' [['5-1' ['u' '7']]]]", "['ok' '5-1' 1 0 '' []]",
        "['ok' '5-1' 0 1 '' []]", "['ok']", "['ok' '5-1' 0 0 '']",
        "['ok' '5-1' 0 0 '' nil]", "['ok' '5-1' nil 0 '' []]",
        "['ok' '5-1' 0 '0' '' []]"
    };

    for (i = 0; i < check_nelts(calls); i++) {
        ck_assert(quiet(calls[i].endpoint, calls[i].query,
                        "['ok' '5-1' 0 0 '' []]"));

        for (k = 0; k < check_nelts(loud); k++) {
            ck_assert_msg(!quiet(calls[i].endpoint, calls[i].query, loud[k]),
                          "%s: %s", calls[i].query, loud[k]);
        }
    }

    ck_assert(quiet(GMCHAT_GM, "action=receive&wait=1", "['ok' '' 0 0 '']"));
    ck_assert(!quiet(GMCHAT_GM, "action=receive&wait=1",
                     "['ok' '' 0 0 'r' '9' [['5-1' ['u' '7']]]]"));
    ck_assert(!quiet(GMCHAT_GM, "action=receive&wait=1", "['ok']"));
}
END_TEST


/* What a stream reads: a GM's mailbox; a host's two, and its online GMs. */
START_TEST(quiet_streams)
{
    size_t  i;

    static const char  *silent[] = {
        "['ok' 0 [0 '0-0' '0-0' []]]",
        "['ok' 1 [0 '5-1' '5-3' []]]",
        "['ok' 0 [0 '0-0' '0-0' []] [0 '5-1' '5-3' []] -1 []]",
        "['ok' 0 [0 '0-0' '0-0' []] [0 '5-1' '5-3' []] 900 ['1' '2' '3' '4']]"
    };

    static const char  *loud[] = {
        "['ok' 0 [1 '0-0' '0-0' []]]",
        "['ok' 0 [0 '5-1' '5-3' [['5-3' ['u' '7']]]]]",
        "['ok' 0 [0 '0-0' '0-0' [['5-3' ['u' '7']]]] [0 '5-1' '5-3' []] 0 []]",
        "['ok' 0 [0 '0-0' '0-0' []] [0 '5-1' '5-3' [['5-3' ['u' '7']]]] 0 []]",
        "['ok' 0 [0 '0-0' '0-0' []] [1 '5-1' '5-3' []] 0 []]",
        "['ok' 0]", "['ok']", "'ok'", "nil", "[]"
    };

    for (i = 0; i < check_nelts(silent); i++) {
        ck_assert_msg(gmchat_reply_stream_quiet(check_value(&arena,
                                                            silent[i])),
                      "%s", silent[i]);
    }

    for (i = 0; i < check_nelts(loud); i++) {
        ck_assert_msg(!gmchat_reply_stream_quiet(check_value(&arena,
                                                             loud[i])),
                      "%s", loud[i]);
    }
}
END_TEST


/* The store asks before anybody looked at the reply's shape. */
START_TEST(quiet_of_any_shape)
{
    size_t                 i;
    const gmchat_value_t  *value;

    static const char  *shapes[] = { "nil", "0", "'ok'", "[]", "['full']" };

    for (i = 0; i < check_nelts(shapes); i++) {
        value = check_value(&arena, shapes[i]);
        ck_assert(!gmchat_reply_receive_quiet(value));
        ck_assert(!gmchat_reply_receive_all_quiet(value));
    }
}
END_TEST


/* Held is who knows the list as it is; who gave no cursor knows the first. */
START_TEST(quiet_online)
{
    static const char  known[] = "action=online&host=1&wait=1&cursor=" NINE;
    static const char  unknown[] = "action=online&host=1&wait=1&cursor=";
    static const char  none[] = "action=online&host=1&wait=1";

    ck_assert(quiet(GMCHAT_GS, known, "['ok' 0 '9']"));
    ck_assert(quiet(GMCHAT_GS, known, "['ok' 1700000000000 '9']"));
    ck_assert(!quiet(GMCHAT_GS, known, "['ok' 0]"));
    ck_assert(!quiet(GMCHAT_GS, known, "['ok' 0 '9' '10']"));
    ck_assert(!quiet(GMCHAT_GS, unknown, "['ok' 0 '9']"));
    ck_assert(!quiet(GMCHAT_GS, unknown, "['ok' 0]"));

    ck_assert(quiet(GMCHAT_GS, none, "['ok' 0 '9']"));
    ck_assert(gmchat_str_is(&args.values[GMCHAT_P_CURSOR], NINE));
    ck_assert(gmchat_reply_quiet(action, &reply));

    reply.value = check_value(&arena, "['ok' 0 '10' '9']");
    ck_assert(!gmchat_reply_quiet(action, &reply));
    ck_assert_uint_eq(gmchat_reply_success(action, &reply), GMCHAT_OK);
    ck_assert_str_eq(unpacked(), "{\"res\":1,\"data\":<[\"10\",\"9\"]>,"
                                 "\"cursor\":\"" NINE_AND_TEN "\"}");

    /* what has another shape is for the encoder to refuse */

    ck_assert(!quiet(GMCHAT_GS, none, "['ok']"));
    ck_assert(!quiet(GMCHAT_GS, none, "['ok' 0 9]"));
    ck_assert(!gmchat_args_given(&args, GMCHAT_P_CURSOR));
}
END_TEST


/* That the digest could not be kept shows at the call's end. */
static void
quiet_short_of_memory(void *shared)
{
    int              failed;
    gmchat_args_t    copy = args;
    gmchat_arena_t   mine = { 0 };
    gmchat_reply_t   r;

    r = *(gmchat_reply_t *) shared;
    r.arena = &mine;
    r.args = &copy;

    gmchat_reply_quiet(action, &r);
    failed = failing_malloc_disarm();

    ck_assert_int_eq(gmchat_args_given(&copy, GMCHAT_P_CURSOR), !failed);
    ck_assert_int_eq(mine.failed, failed);
    gmchat_arena_free(&mine);
}


typedef struct {
    void               (*write)(gmchat_buf_t *out,
                           const gmchat_refusal_t *refusal);
    size_t               filled;
    gmchat_refusal_t     refusal;
} refused_t;


static void
refusal_short_of_memory(void *shared)
{
    char           fill[512];
    refused_t     *refused = shared;
    gmchat_buf_t   mine = { 0 };

    memset(fill, 'x', sizeof(fill));
    gmchat_buf_add(&mine, fill, refused->filled);
    refused->write(&mine, &refused->refusal);

    ck_assert_int_eq(mine.failed, failing_malloc_disarm());
    gmchat_buf_free(&mine);
}


/* Behind each length of what stands there already. */
START_TEST(refusals_out_of_memory)
{
    size_t      failed;
    refused_t   refused = { gmchat_reply_refusal, 0,
                            { GMCHAT_MALFORMED, "msg", "is wrong" } };

    for (refused.filled = 400; refused.filled <= 512; refused.filled++) {
        refused.write = gmchat_reply_refusal;
        failed = failing_malloc_each(refusal_short_of_memory, &refused);
        ck_assert_uint_ge(failed, refused.filled < 512 ? 1 : 2);

        refused.write = gmchat_reply_refusal_object;
        failed = failing_malloc_each(refusal_short_of_memory, &refused);
        ck_assert_uint_ge(failed, refused.filled < 512 ? 1 : 2);
    }
}
END_TEST


START_TEST(out_of_memory)
{
    size_t  i;

    static const struct {
        gmchat_endpoint_e   endpoint;
        const char         *query;
        const char         *value;
        size_t              least;
    } calls[] = {
        { GMCHAT_GM, "action=online&gm_account=1", "['ok']", 1 },
        { GMCHAT_GS, "action=send&uid=1&msg=", "['ok' '1-1' 1]", 1 },
        { GMCHAT_GM, "action=send&gm_account=1&uid=1&msg=",
          "['ok' '1-1' 1 1]", 1 },
        { GMCHAT_GM, "action=ack&cursor=", "['ok' 1]", 1 },
        { GMCHAT_GS, "action=online&host=1", "['ok' 0 '9']", 2 },
        { GMCHAT_GS, "action=online&host=1&wait=1", "['ok' 0 '9']", 2 },
        { GMCHAT_GS, "action=receive&host=1&format=json",
          "['ok' '1-1' 0 0 '' " ENTRIES "]", 2 },
        { GMCHAT_GS, "action=receive&host=1",
          "['ok' '1-1' 0 0 '' " ENTRIES "]", 3 },
        { GMCHAT_GM, "action=receive&gm_account=9",
          "['ok' '1-1' 0 0 '' " ENTRIES "]", 3 },
        { GMCHAT_GM, "action=receive",
          "['ok' '' 0 0 '' '9' " ENTRIES "]", 3 },
        { GMCHAT_GS, "action=relation&host=1&format=json",
          "['ok' '1-1' 0 0 '' " ENTRIES "]", 1 },
        { GMCHAT_GS, "action=relation&host=1",
          "['ok' '1-1' 0 0 '' " ENTRIES "]", 4 }
    };

    for (i = 0; i < check_nelts(calls); i++) {
        call(calls[i].endpoint, calls[i].query, calls[i].value);
        short_of_memory(calls[i].least);
    }

    call(GMCHAT_GS, "action=online&host=1&wait=1", "['ok' 0 '9']");
    ck_assert_uint_eq(failing_malloc_each(quiet_short_of_memory, &reply), 1);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_reply");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, statuses);
    tcase_add_test(tc, receipts);
    tcase_add_test(tc, idle_mailboxes);
    tcase_add_test(tc, written);
    tcase_add_test(tc, refusals);
    tcase_add_test(tc, plain);
    tcase_add_test(tc, sent);
    tcase_add_test(tc, gm_sent);
    tcase_add_test(tc, acked);
    tcase_add_test(tc, host_messages);
    tcase_add_test(tc, gm_messages);
    tcase_add_test(tc, all_messages);
    tcase_add_test(tc, relation);
    tcase_add_test(tc, online);
    tcase_add_test(tc, digests);
    tcase_add_test(tc, quiet_receives);
    tcase_add_test(tc, quiet_streams);
    tcase_add_test(tc, quiet_of_any_shape);
    tcase_add_test(tc, quiet_online);
    tcase_add_test(tc, refusals_out_of_memory);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "reply_tools.h"
#include "test_tools.h"


START_TEST(operators)
{
    answers(GMCHAT_GM, "action=operators", "['ok']",
            "{\"res\":1,\"data\":<[]>}");
    answers(GMCHAT_GM, "action=operators&format=json",
            "['ok' 'Bo' 'gm' '7,8' 'r\"t' 'admin' '']",
            "{\"res\":1,\"data\":[{\"operator\":\"Bo\",\"role\":\"gm\","
            "\"gm_accounts\":[\"7\",\"8\"]},{\"operator\":\"r\\\"t\","
            "\"role\":\"admin\",\"gm_accounts\":[]}]}");
    faults(GMCHAT_GM, "action=operators", "['ok' 'Bo' 'gm']");
    faults(GMCHAT_GM, "action=operators", "['ok' 1 'gm' '']");
    faults(GMCHAT_GM, "action=operators", "['ok' 'Bo' nil '']");
    faults(GMCHAT_GM, "action=operators", "['ok' 'Bo' 'gm' 7]");
}
END_TEST


START_TEST(me)
{
    answers(GMCHAT_GM, "action=me&format=json", "['ok' '' 'none' '' '4096']",
            "{\"res\":1,\"data\":[{\"operator\":\"\",\"role\":\"none\","
            "\"gm_accounts\":[],\"message_max\":4096}]}");
    answers(GMCHAT_GM, "action=me&format=json",
            "['ok' 'Bo' 'gm' '7,8' '300']",
            "{\"res\":1,\"data\":[{\"operator\":\"Bo\",\"role\":\"gm\","
            "\"gm_accounts\":[\"7\",\"8\"],\"message_max\":300}]}");

    faults(GMCHAT_GM, "action=me", "['ok' 'Bo' 'gm' '']");
    faults(GMCHAT_GM, "action=me", "['ok' 1 'gm' '' '300']");
}
END_TEST


#define ENTRY(params, status)                                                 \
    "['1700000000000-3' ['o' 'olga' 'a' '::1' 'c' 'add' 'p' '" params "' "    \
    "'r' '" status "']]"

START_TEST(audit)
{
    static const char  query[] = "action=audit&format=json";

    answers(GMCHAT_GM, query, "['ok' 0 []]",
            "{\"res\":1,\"data\":[],\"more\":false}");
    answers(GMCHAT_GM, query,
            "['ok' 1 ["
            ENTRY("{\"gm_account\":\"7\",\"uid\":\"17\"}", "ok") " "
            ENTRY("{}", "not_given") "]]",
            "{\"res\":1,\"data\":[{\"id\":\"1700000000000-3\","
            "\"ts\":1700000000000,\"operator\":\"olga\",\"address\":"
            "\"::1\",\"action\":\"add\",\"gm_account\":\"7\","
            "\"uid\":\"17\",\"errno\":0},{\"id\":\"1700000000000-3\","
            "\"ts\":1700000000000,\"operator\":\"olga\",\"address\":"
            "\"::1\",\"action\":\"add\",\"errno\":-7}],"
            "\"more\":true}");

    /* nothing gets in that the bridge does not write */

    answers(GMCHAT_GM, query,
            "['ok' 0 [" ENTRY("{\"uid\":17,\"res\":\"0\"}", "no_gm") "]]",
            "{\"res\":1,\"data\":[{\"id\":\"1700000000000-3\","
            "\"ts\":1700000000000,\"operator\":\"olga\",\"address\":"
            "\"::1\",\"action\":\"add\",\"errno\":2}],\"more\":false}");

    /* a refusal without an errno is no success */

    answers(GMCHAT_GM, query,
            "['ok' 0 [" ENTRY("{}", "not_online") "]]",
            "{\"res\":1,\"data\":[{\"id\":\"1700000000000-3\","
            "\"ts\":1700000000000,\"operator\":\"olga\",\"address\":"
            "\"::1\",\"action\":\"add\",\"errno\":null}],\"more\":false}");
}
END_TEST


START_TEST(audit_of_another_shape)
{
    faults(GMCHAT_GM, "action=audit", "['ok']");
    faults(GMCHAT_GM, "action=audit", "['ok' 0]");
    faults(GMCHAT_GM, "action=audit", "['ok' '0' []]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 'x']");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 ['x']]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 [['1-1']]]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 [[1 []]]]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 [['1-1' ['o']]]]");
    faults(GMCHAT_GM, "action=audit",
           "['ok' 0 [['1-1' ['o' 'x' 'a' 'y' 'c' 'z' 'p' '{}']]]]");
    faults(GMCHAT_GM, "action=audit",
           "['ok' 0 [['1-1' ['o' 'x' 'a' 'y' 'c' 'z' 'p' '{}' 'r' 1]]]]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 [" ENTRY("[]", "ok") "]]");
    faults(GMCHAT_GM, "action=audit", "['ok' 0 [" ENTRY("{", "ok") "]]");
}
END_TEST


START_TEST(out_of_memory)
{
    failing_malloc_jansson();

    call(GMCHAT_GM, "action=operators&format=json",
         "['ok' 'Bo' 'gm' '7,8' 'Cy' 'viewer' '']");
    short_of_memory(1);

    call(GMCHAT_GM, "action=audit&format=json",
         "['ok' 1 [" ENTRY("{\"gm_account\":\"7\"}", "ok") "]]");
    short_of_memory(3);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_reply_audit");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, operators);
    tcase_add_test(tc, me);
    tcase_add_test(tc, audit);
    tcase_add_test(tc, audit_of_another_shape);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

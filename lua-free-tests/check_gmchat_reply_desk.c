#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "reply_tools.h"
#include "test_tools.h"


START_TEST(lists)
{
    answers(GMCHAT_GM, "action=accounts", "['ok']",
            "{\"res\":1,\"data\":<[]>}");
    answers(GMCHAT_GM, "action=accounts&format=json",
            "['ok' '9' 'A\"n' 1 3 '10' 'Bo' 0 '0']",
            "{\"res\":1,\"data\":[{\"gm_account\":\"9\",\"name\":\"A\\\"n\","
            "\"online\":true,\"friends\":3},{\"gm_account\":\"10\","
            "\"name\":\"Bo\",\"online\":false,\"friends\":0}]}");
    faults(GMCHAT_GM, "action=accounts", "['ok' '9' 'Ann' 1]");
    faults(GMCHAT_GM, "action=accounts", "['ok' 9 'Ann' 1 1]");
    faults(GMCHAT_GM, "action=accounts", "['ok' '9' 9 1 1]");

    answers(GMCHAT_GM, "action=hosts",
            "['ok' '1001' '1700000000000' 5 '7' 0 '1002' '' nil '' 1]",
            "{\"res\":1,\"data\":<[{\"host\":\"1001\",\"last_poll\":"
            "1700000000000,\"players\":5,\"undelivered\":7,"
            "\"silent\":false},{\"host\":\"1002\",\"last_poll\":0,"
            "\"players\":0,\"undelivered\":0,\"silent\":true}]>}");
    faults(GMCHAT_GM, "action=hosts", "['ok' '1001' 0 0 0]");
    faults(GMCHAT_GM, "action=hosts", "['ok' 1001 0 0 0 0]");
}
END_TEST


START_TEST(friends)
{
    static const char  query[] = "action=friends&gm_account=9&format=json";

    answers(GMCHAT_GM, query,
            "['ok' '7' '1001' '1700000000000' 2 4 '1700000000009' 1 [['1-0'"
            " ['i' '5-1' 'd' 'g' 'g' '9' 'm' 'Zg==' 't' '3']]] '8' '1002'"
            " '1700000000001' 0 0 '' 0 []]",
            "{\"res\":1,\"data\":[{\"uid\":\"7\",\"host\":\"1001\","
            "\"silent\":true,\"since\":1700000000000,\"undelivered\":2,"
            "\"unread\":4,\"waiting_since\":1700000000009,\"last\":{\"id\":"
            "\"5-1\",\"dir\":\"to_gm\",\"gm_account\":\"9\",\"text\":\"f\","
            "\"ts\":3}},{\"uid\":\"8\",\"host\":\"1002\",\"silent\":false,"
            "\"since\":1700000000001,\"undelivered\":0,\"unread\":0,"
            "\"last\":null}]}");

    faults(GMCHAT_GM, query, "['ok' '7']");
    faults(GMCHAT_GM, query, "['ok' '7' '1001' '1' 2 0 '' 0]");
    faults(GMCHAT_GM, query, "['ok' 7 '1001' '1' 2 0 '' 0 []]");
    faults(GMCHAT_GM, query, "['ok' '7' nil '1' 2 0 '' 0 []]");
    faults(GMCHAT_GM, query, "['ok' '7' '1001' '1' 2 0 nil 0 []]");
    faults(GMCHAT_GM, query, "['ok' '7' '1001' '1' 2 0 '' 0 nil]");
    faults(GMCHAT_GM, query, "['ok' '7' '1001' '1' 2 0 '' 0 ['x']]");
}
END_TEST


START_TEST(history)
{
    static const char  query[] = "action=history&uid=7";

    answers(GMCHAT_GM, query, "['ok' 0 []]",
            "{\"res\":1,\"data\":<[]>,\"more\":false}");
    answers(GMCHAT_GM, "action=history&uid=7&format=json",
            "['ok' 1 [['3-0' ['i' '5-1' 'd' 'p' 'g' '9' 'm' 'Zg==' 't' '3']] 0"
            " ['2-0' ['i' '4-2' 'd' 'g' 'g' '8' 'm' '/w==' 't' '2']] 1"
            " ['1-0' ['i' '4-1' 'd' 'g' 'g' '8' 'm' '' 't' '1']] -1]]",
            "{\"res\":1,\"data\":[{\"id\":\"5-1\",\"dir\":\"to_player\","
            "\"gm_account\":\"9\",\"text\":\"f\",\"ts\":3,\"delivered\":"
            "false},{\"id\":\"4-2\",\"dir\":\"to_gm\",\"gm_account\":\"8\","
            "\"msg\":\"/w==\",\"ts\":2,\"delivered\":true},{\"id\":\"4-1\","
            "\"dir\":\"to_gm\",\"gm_account\":\"8\",\"text\":\"\",\"ts\":1}],"
            "\"more\":true}");

    faults(GMCHAT_GM, query, "['ok']");
    faults(GMCHAT_GM, query, "['ok' '0' []]");
    faults(GMCHAT_GM, query, "['ok' 0 [1 1]]");
    faults(GMCHAT_GM, query, "['ok' 0 [['1-0' ['m' 'Zg==']]]]");
    faults(GMCHAT_GM, query, "['ok' 0 [['1-0' ['m' 'Zg==']] '1']]");
    faults(GMCHAT_GM, query, "['ok' 0 [['1-0' ['m' 'Zg==']] nil]]");
}
END_TEST


START_TEST(player)
{
    static const char  query[] = "action=player&uid=7";

    answers(GMCHAT_GM, query, "['ok']", "{\"res\":1,\"data\":<[]>}");
    answers(GMCHAT_GM, "action=player&uid=7&format=json",
            "['ok' '7' '1001' '9' 'A\"n' '1700000000000' 1]",
            "{\"res\":1,\"data\":[{\"uid\":\"7\",\"host\":\"1001\","
            "\"gm_account\":\"9\",\"gm_name\":\"A\\\"n\",\"since\":"
            "1700000000000,\"silent\":true}]}");

    faults(GMCHAT_GM, query, "['ok' '7']");
    faults(GMCHAT_GM, query, "['ok' 7 '1001' '9' 'Ann' '1' 0]");
    faults(GMCHAT_GM, query, "['ok' '7' '1001' '9' nil '1' 0]");
}
END_TEST


START_TEST(canned)
{
    static const char  query[] = "action=canned";

    answers(GMCHAT_GM, query, "['ok']", "{\"res\":1,\"data\":<[]>}");
    answers(GMCHAT_GM, "action=canned&format=json",
            "['ok' 'hi' 'SGkgIntwbGF5ZXJ9Ig==' 'a\"b' '17' 'odd' '/w==' '' '18']",
            "{\"res\":1,\"data\":[{\"name\":\"hi\",\"text\":"
            "\"Hi \\\"{player}\\\"\",\"operator\":\"a\\\"b\",\"ts\":17},"
            "{\"name\":\"odd\",\"msg\":\"/w==\",\"ts\":18}]}");

    faults(GMCHAT_GM, query, "['ok' 'hi']");
    faults(GMCHAT_GM, query, "['ok' 1 'SGk=' '' '17']");
    faults(GMCHAT_GM, query, "['ok' 'hi' nil '' '17']");
    faults(GMCHAT_GM, query, "['ok' 'hi' 'SGk=' nil '17']");
}
END_TEST


/* A number that is none would break the JSON of the whole body. */
START_TEST(numbers)
{
    size_t   i;
    json_t  *body;

    static const char  *texts[] = {
        "x", "inf", "-inf", "nan", "1,2", "\"", "01", "", "1e", "-"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        char  value[100];

        sprintf(value, "['ok' '1001' '%s' 0 0 0]", texts[i]);
        call(GMCHAT_GM, "action=hosts&format=json", value);

        ck_assert_uint_eq(gmchat_reply_success(action, &reply), GMCHAT_OK);
        body = json_loadb((char *) out.data, out.len, 0, NULL);
        ck_assert_msg(body != NULL, "%.*s", (int) out.len, out.data);
        json_decref(body);
    }
}
END_TEST


START_TEST(out_of_memory)
{
    size_t  i;

    static const struct {
        const char  *query;
        const char  *value;
        size_t       least;
    } calls[] = {
        { "action=accounts", "['ok' '9' 'Ann' 1 3]", 2 },
        { "action=hosts", "['ok' '1' 0 0 0 0]", 2 },
        { "action=history&uid=7&format=json",
          "['ok' 0 [['1-0' ['m' 'Zg==']] 1]]", 2 },
        { "action=friends&gm_account=9",
          "['ok' '7' '1' '1' 2 1 '3' 0 [['1-0' ['m' 'Zg==']]]]", 3 },
        { "action=player&uid=7", "['ok' '7' '1' '9' 'Ann' '1' 0]", 2 },
        { "action=canned", "['ok' 'hi' 'SGk=' 'Ann' '1']", 3 }
    };

    for (i = 0; i < check_nelts(calls); i++) {
        call(GMCHAT_GM, calls[i].query, calls[i].value);
        short_of_memory(calls[i].least);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_reply_desk");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, lists);
    tcase_add_test(tc, friends);
    tcase_add_test(tc, history);
    tcase_add_test(tc, player);
    tcase_add_test(tc, canned);
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

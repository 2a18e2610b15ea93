#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "failing_malloc.h"
#include "gmchat_entry.h"
#include "test_tools.h"


static gmchat_arena_t  arena;
static gmchat_buf_t    out, scratch;


static void
setup(void)
{
    memset(&arena, 0, sizeof(arena));
    memset(&out, 0, sizeof(out));
    memset(&scratch, 0, sizeof(scratch));
}


static void
teardown(void)
{
    gmchat_arena_free(&arena);
    gmchat_buf_free(&out);
    gmchat_buf_free(&scratch);
}


static void
is(const gmchat_str_t *str, const char *text)
{
    ck_assert_uint_eq(str->len, strlen(text));
    ck_assert(str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


static void
wrote(gmchat_buf_t *buf, const char *text)
{
    ck_assert_int_eq(buf->failed, 0);
    gmchat_buf_add(buf, "", 1);
    ck_assert_str_eq((char *) buf->data, text);
    buf->len = 0;
}


static gmchat_entry_t
entry(const char *text)
{
    gmchat_entry_t  e;

    ck_assert_int_eq(gmchat_entry_read(&e, check_value(&arena, text)), 0);

    return e;
}


START_TEST(read_entries)
{
    gmchat_entry_t  e;

    e = entry("['1-2' ['u' '7' 'g' '9' 'a' 'Ann' 'm' 'Zg==' 'c' 'apply'"
              " 'd' 'p' 'i' '3-4' 't' '1700000000000']]");
    is(&e.id, "1-2");
    is(&e.uid, "7");
    is(&e.gm, "9");
    is(&e.name, "Ann");
    is(&e.msg, "Zg==");
    is(&e.change, "apply");
    is(&e.dir, "p");
    is(&e.mailed, "3-4");
    ck_assert(e.ts == 1700000000000);

    /* what it lacks is empty, what is not known is passed over */

    e = entry("['1-2' []]");
    is(&e.id, "1-2");
    is(&e.uid, "");
    is(&e.msg, "");
    ck_assert_int_eq(e.ts, 0);

    e = entry("['1-2' ['b' '0' 'x' '1' 'uu' '2' '' '3' 'u' '4' 't' 'x'"
              " 'u']]");
    is(&e.uid, "4");
    ck_assert_int_eq(e.ts, 0);
}
END_TEST


START_TEST(not_entries)
{
    size_t          i;
    gmchat_entry_t  e;

    static const char  *texts[] = {
        "nil", "1", "'1-2'", "!ERR", "[]", "['1-2']", "['1-2' nil]",
        "['1-2' '']", "['1-2' [] []]", "[1 []]", "[nil []]", "[[] []]",
        "[!ERR []]", "['1-2' ['u' 1]]", "['1-2' ['u' nil]]",
        "['1-2' [1 'u']]", "['1-2' ['u' ['1']]]", "['1-2' [!ERR '1']]"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(gmchat_entry_read(&e, check_value(&arena, texts[i]))
                      == -1, "%s", texts[i]);
    }
}
END_TEST


START_TEST(messages)
{
    size_t          i;
    gmchat_str_t    gm = gmchat_string("9");
    gmchat_entry_t  e;

    static const char  *msgs[][2] = {
        { "", "\"text\":\"\"" },
        { "Zg==", "\"text\":\"f\"" },
        { "5ri45oiP", "\"text\":\"\xe6\xb8\xb8\xe6\x88\x8f\"" },
        { "IgpcAA==", "\"text\":\"\\\"\\n\\\\\\u0000\"" },
        { "/w==", "\"msg\":\"/w==\"" },
        { "Zv8=", "\"msg\":\"Zv8=\"" },
        { "5ri4 ", "\"msg\":\"5ri4 \"" },
        { "Zg", "\"msg\":\"Zg\"" },
        { "Zh==", "\"msg\":\"Zh==\"" }
    };

    for (i = 0; i < check_nelts(msgs); i++) {
        char  text[100], expected[200];

        sprintf(text, "['1-2' ['u' '7' 'm' '%s' 't' '5']]", msgs[i][0]);
        e = entry(text);

        gmchat_entry_message(&out, &e, &scratch);
        wrote(&out, msgs[i][1]);

        gmchat_entry_json(&out, &e, &gm, &scratch);
        sprintf(expected, "{\"id\":\"1-2\",\"uid\":\"7\",\"gm_account\":"
                "\"9\",%s,\"ts\":5}", msgs[i][1]);
        wrote(&out, expected);
    }
}
END_TEST


START_TEST(in_lists)
{
    gmchat_str_t    gm = gmchat_string("9");
    gmchat_entry_t  e;

    e = entry("['1-2' ['u' '7' 'm' 'Zg==' 't' '5']]");

    gmchat_buf_add_text(&out, "[");
    gmchat_entry_json(&out, &e, &gm, &scratch);
    gmchat_entry_json(&out, &e, &gm, &scratch);
    gmchat_buf_add_text(&out, "]");
    wrote(&out, "[{\"id\":\"1-2\",\"uid\":\"7\",\"gm_account\":\"9\","
                "\"text\":\"f\",\"ts\":5},"
                "{\"id\":\"1-2\",\"uid\":\"7\",\"gm_account\":\"9\","
                "\"text\":\"f\",\"ts\":5}]");
}
END_TEST


START_TEST(relations_as_json)
{
    gmchat_entry_t  e;

    e = entry("['1-2' ['u' '7' 'c' 'apply' 'g' '9' 'a' 'A\"n' 't' '5']]");
    gmchat_buf_add_text(&out, "[");
    gmchat_entry_relation_json(&out, &e);

    e = entry("['1-3' ['u' '7' 'c' 'remove' 'g' '9' 'a' '' 't' '6']]");
    gmchat_entry_relation_json(&out, &e);
    wrote(&out, "[{\"id\":\"1-2\",\"uid\":\"7\",\"change\":\"apply\","
                "\"gm_account\":\"9\",\"gm_name\":\"A\\\"n\"},"
                "{\"id\":\"1-3\",\"uid\":\"7\",\"change\":\"remove\","
                "\"gm_account\":\"9\",\"gm_name\":\"\"}");
}
END_TEST


/* What the objects above are made of, into an object that has more. */
START_TEST(members)
{
    gmchat_str_t    gm = gmchat_string("9");
    gmchat_entry_t  e;

    e = entry("['1-2' ['u' '7' 'g' '8' 'm' 'Zg==' 't' '5']]");

    gmchat_buf_add_text(&out, "{");
    gmchat_entry_members(&out, &e, &gm, &scratch);
    wrote(&out, "{\"id\":\"1-2\",\"uid\":\"7\",\"gm_account\":\"9\","
                "\"text\":\"f\",\"ts\":5");

    gmchat_buf_add_text(&out, "{\"host\":\"1\"");
    gmchat_entry_members(&out, &e, &e.gm, &scratch);
    wrote(&out, "{\"host\":\"1\",\"id\":\"1-2\",\"uid\":\"7\","
                "\"gm_account\":\"8\",\"text\":\"f\",\"ts\":5");

    e = entry("['1-2' ['u' '7' 'c' 'remove' 'g' '8' 'a' 'A\"' 't' '5']]");

    gmchat_buf_add_text(&out, "{\"host\":\"1\"");
    gmchat_entry_relation_members(&out, &e);
    wrote(&out, "{\"host\":\"1\",\"id\":\"1-2\",\"uid\":\"7\","
                "\"change\":\"remove\",\"gm_account\":\"8\","
                "\"gm_name\":\"A\\\"\"");
}
END_TEST


START_TEST(history)
{
    gmchat_entry_t  e;

    e = entry("['1700-0' ['i' '1-2' 'd' 'p' 'g' '9' 'm' 'Zg==' 't' '5']]");
    gmchat_buf_add_text(&out, "{");
    gmchat_entry_history_members(&out, &e, &scratch);
    wrote(&out, "{\"id\":\"1-2\",\"dir\":\"to_player\",\"gm_account\":\"9\","
                "\"text\":\"f\",\"ts\":5");

    e = entry("['1700-0' ['i' '1-2' 'd' 'g' 'g' '9' 'm' '/w==' 't' '5']]");
    gmchat_buf_add_text(&out, "{");
    gmchat_entry_history_members(&out, &e, &scratch);
    wrote(&out, "{\"id\":\"1-2\",\"dir\":\"to_gm\",\"gm_account\":\"9\","
                "\"msg\":\"/w==\",\"ts\":5");
}
END_TEST


/* n messages of the players in `players`, in turn, numbered from 1. */
static gmchat_value_t *
mailbox(size_t n, size_t players)
{
    size_t           i;
    gmchat_buf_t     text = { 0 };
    gmchat_value_t  *value;

    gmchat_buf_add_text(&text, "[");

    for (i = 0; i < n; i++) {
        gmchat_buf_add_text(&text, "['1-");
        gmchat_buf_add_int(&text, i + 1);
        gmchat_buf_add_text(&text, "' ['u' '");
        gmchat_buf_add_int(&text, i % players);
        gmchat_buf_add_text(&text, "' 'm' '");
        gmchat_buf_add_int(&text, i + 1);
        gmchat_buf_add_text(&text, "']] ");
    }

    gmchat_buf_add(&text, "]", 2);
    value = check_value(&arena, (char *) text.data);
    gmchat_buf_free(&text);

    return value;
}


START_TEST(items)
{
    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(0, 1), &arena), 0);
    wrote(&out, "[]");

    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(3, 1), &arena), 0);
    wrote(&out, "[{\"uid\":\"0\",\"msg\":\"1,2,3\"}]");

    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(5, 2), &arena), 0);
    wrote(&out, "[{\"uid\":\"0\",\"msg\":\"1,3,5\"},"
                "{\"uid\":\"1\",\"msg\":\"2,4\"}]");
}
END_TEST


/* An item carries at most 10 messages. */
START_TEST(items_limit)
{
    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(10, 1), &arena), 0);
    wrote(&out, "[{\"uid\":\"0\",\"msg\":\"1,2,3,4,5,6,7,8,9,10\"}]");

    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(11, 1), &arena), 0);
    wrote(&out, "[{\"uid\":\"0\",\"msg\":\"1,2,3,4,5,6,7,8,9,10\"},"
                "{\"uid\":\"0\",\"msg\":\"11\"}]");

    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(21, 1), &arena), 0);
    wrote(&out, "[{\"uid\":\"0\",\"msg\":\"1,2,3,4,5,6,7,8,9,10\"},"
                "{\"uid\":\"0\",\"msg\":\"11,12,13,14,15,16,17,18,19,20\"},"
                "{\"uid\":\"0\",\"msg\":\"21\"}]");
}
END_TEST


/* Read back: each message once, of its player, in order, 10 in an item. */
static void
read_back(size_t n, size_t players)
{
    char         *msg, *save, *word;
    json_t       *list, *item;
    size_t        i, number, count, total, *last;
    const char   *uid;

    ck_assert_int_eq(gmchat_entry_items(&out, mailbox(n, players), &arena),
                     0);
    list = json_loadb((char *) out.data, out.len, JSON_REJECT_DUPLICATES,
                      NULL);
    ck_assert_ptr_nonnull(list);

    last = calloc(players, sizeof(size_t));
    ck_assert_ptr_nonnull(last);
    total = 0;

    json_array_foreach(list, i, item) {
        uid = json_string_value(json_object_get(item, "uid"));
        msg = strdup(json_string_value(json_object_get(item, "msg")));
        count = 0;

        for (word = strtok_r(msg, ",", &save); word;
             word = strtok_r(NULL, ",", &save))
        {
            number = strtoul(word, NULL, 10);
            ck_assert_uint_eq((number - 1) % players, strtoul(uid, NULL, 10));
            ck_assert_uint_gt(number, last[(number - 1) % players]);
            last[(number - 1) % players] = number;
            count++;
        }

        ck_assert_uint_ge(count, 1);
        ck_assert_uint_le(count, 10);
        total += count;
        free(msg);
    }

    ck_assert_uint_eq(total, n);

    free(last);
    json_decref(list);
    out.len = 0;
    gmchat_arena_reset(&arena);
}


START_TEST(items_are_read_back)
{
    size_t  i;

    static const size_t  sizes[][2] = {
        { 1, 1 }, { 7, 7 }, { 8, 8 }, { 9, 9 }, { 16, 16 }, { 17, 17 },
        { 100, 3 }, { 200, 199 }, { 1000, 1 }, { 1000, 37 }, { 1000, 500 },
        { 1000, 1000 }
    };

    for (i = 0; i < check_nelts(sizes); i++) {
        read_back(sizes[i][0], sizes[i][1]);
    }
}
END_TEST


START_TEST(not_items)
{
    size_t           i;
    gmchat_value_t  *value;

    static const char  *texts[] = {
        "nil", "1", "'x'", "!ERR", "[nil]", "['x']", "[[]]", "[['1-1' []]]",
        "[['1-1' ['u' '']]]", "[['1-1' ['u' '1']] 1]", "[['1-1' ['u' 1]]]"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        value = check_value(&arena, texts[i]);
        ck_assert_msg(gmchat_entry_items(&out, value, &arena) == -1, "%s",
                      texts[i]);
        ck_assert_msg(gmchat_entry_relations(&out, &scratch, value, &arena)
                      == -1, "%s", texts[i]);
    }
}
END_TEST


static void
relations(const char *text, const char *apply, const char *removed)
{
    ck_assert_int_eq(gmchat_entry_relations(&out, &scratch,
                                            check_value(&arena, text),
                                            &arena), 0);
    wrote(&out, apply);
    wrote(&scratch, removed);
}


/* A player stands once, in its last state. */
START_TEST(last_states)
{
    relations("[]", "{}", "[]");
    relations("[['1-1' ['u' '1' 'c' 'apply' 'g' '9' 'a' 'A\"']]]",
              "{\"1\":[\"9\",\"A\\\"\"]}", "[]");
    relations("[['1-1' ['u' '1' 'c' 'remove' 'g' '9' 'a' 'A']]]",
              "{}", "[\"1\"]");
    relations("[['1-1' ['u' '1' 'c' 'apply' 'g' '9' 'a' 'A']]"
              " ['1-2' ['u' '2' 'c' 'apply' 'g' '9' 'a' 'A']]"
              " ['1-3' ['u' '3' 'c' 'remove' 'g' '9' 'a' 'A']]"
              " ['1-4' ['u' '1' 'c' 'remove' 'g' '9' 'a' 'A']]"
              " ['1-5' ['u' '3' 'c' 'apply' 'g' '8' 'a' 'B']]"
              " ['1-6' ['u' '2' 'c' 'remove' 'g' '9' 'a' 'A']]"
              " ['1-7' ['u' '2' 'c' 'apply' 'g' '8' 'a' 'B']]"
              " ['1-8' ['u' '4' 'c' 'remove' 'g' '8' 'a' 'B']]]",
              "{\"2\":[\"8\",\"B\"],\"3\":[\"8\",\"B\"]}",
              "[\"1\",\"4\"]");
}
END_TEST


static void
items_short_of_memory(void *data)
{
    int             rc;
    gmchat_buf_t    buf = { 0 };
    gmchat_arena_t  mine = { 0 };

    rc = gmchat_entry_items(&buf, data, &mine);
    ck_assert_int_eq(rc != 0 || buf.failed, failing_malloc_disarm());

    gmchat_buf_free(&buf);
    gmchat_arena_free(&mine);
}


static void
relations_short_of_memory(void *data)
{
    int             rc;
    gmchat_buf_t    one = { 0 }, two = { 0 };
    gmchat_arena_t  mine = { 0 };

    rc = gmchat_entry_relations(&one, &two, data, &mine);
    ck_assert_int_eq(rc != 0 || one.failed || two.failed,
                     failing_malloc_disarm());

    gmchat_buf_free(&one);
    gmchat_buf_free(&two);
    gmchat_arena_free(&mine);
}


static void
message_short_of_memory(void *data)
{
    gmchat_buf_t  one = { 0 }, two = { 0 };

    gmchat_entry_message(&one, data, &two);
    ck_assert_int_eq(one.failed, failing_malloc_disarm());

    gmchat_buf_free(&one);
    gmchat_buf_free(&two);
}


/* Each thing that is made of one entry, behind each length of what stands
 * there already, so that any part of it may be what does not fit. */

typedef struct {
    int              what;
    size_t           filled;
    gmchat_entry_t   entry;
} object_t;


#define OBJECTS  5


static void
object_short_of_memory(void *data)
{
    object_t       *object = data;
    char            fill[512];
    gmchat_buf_t    one = { 0 }, two = { 0 };

    memset(fill, 'x', sizeof(fill));
    gmchat_buf_add(&one, fill, object->filled);

    switch (object->what) {

    case 0:
        gmchat_entry_json(&one, &object->entry, &object->entry.gm, &two);
        break;

    case 1:
        gmchat_entry_members(&one, &object->entry, &object->entry.gm, &two);
        break;

    case 2:
        gmchat_entry_relation_json(&one, &object->entry);
        break;

    case 3:
        gmchat_entry_relation_members(&one, &object->entry);
        break;

    default:
        gmchat_entry_history_members(&one, &object->entry, &two);
    }

    ck_assert_int_eq(one.failed, failing_malloc_disarm());

    gmchat_buf_free(&one);
    gmchat_buf_free(&two);
}


START_TEST(objects_out_of_memory)
{
    size_t    failed;
    object_t  object;

    object.entry = entry("['1-1' ['u' '1' 'g' '9' 'm' 'Zg==' 't' '5' 'd' 'p' "
                         "'i' '1-2' 'c' 'apply' 'a' 'Ann']]");

    for (object.what = 0; object.what < OBJECTS; object.what++) {
        for (object.filled = 300; object.filled <= 512; object.filled++) {
            failed = failing_malloc_each(object_short_of_memory, &object);
            ck_assert_uint_ge(failed, object.filled < 512 ? 1 : 2);
        }
    }
}
END_TEST


START_TEST(out_of_memory)
{
    gmchat_entry_t  e;

    ck_assert_uint_ge(failing_malloc_each(items_short_of_memory,
                                          mailbox(400, 30)), 6);
    ck_assert_uint_ge(failing_malloc_each(relations_short_of_memory,
                                          mailbox(400, 300)), 6);

    e = entry("['1-1' ['u' '1' 'm' 'Zg==']]");
    ck_assert_uint_eq(failing_malloc_each(message_short_of_memory, &e), 2);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_entry");
    tcase_add_checked_fixture(tc, setup, teardown);

    tcase_add_test(tc, read_entries);
    tcase_add_test(tc, not_entries);
    tcase_add_test(tc, messages);
    tcase_add_test(tc, in_lists);
    tcase_add_test(tc, relations_as_json);
    tcase_add_test(tc, members);
    tcase_add_test(tc, history);
    tcase_add_test(tc, items);
    tcase_add_test(tc, items_limit);
    tcase_add_test(tc, items_are_read_back);
    tcase_add_test(tc, not_items);
    tcase_add_test(tc, last_states);
    tcase_add_test(tc, objects_out_of_memory);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

#include <stdlib.h>
#include <string.h>

#include "gmchat_wake.h"
#include "test_tools.h"


static unsigned char  *copy;


static void
teardown(void)
{
    free(copy);
    copy = NULL;
}


/* What it gave stays until the next. */
static gmchat_wake_e
wake(gmchat_wake_t *w, const char *text, size_t len)
{
    gmchat_str_t  message;

    free(copy);
    copy = check_exact(text, len);
    message.data = copy;
    message.len = len;
    memset(w, 0xa5, sizeof(gmchat_wake_t));

    return gmchat_wake_read(w, &message);
}


static gmchat_wake_e
wake_text(gmchat_wake_t *w, const char *text)
{
    return wake(w, text, strlen(text));
}


static void
is(const gmchat_str_t *str, const char *text)
{
    ck_assert_uint_eq(str->len, strlen(text));
    ck_assert(str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


static void
place_is(const gmchat_wake_t *w, gmchat_line_e line, int64_t epoch, int64_t n)
{
    ck_assert_int_eq(w->line, line);
    ck_assert_int_eq(w->place.epoch, epoch);
    ck_assert_int_eq(w->place.n, n);
}


START_TEST(messages)
{
    gmchat_wake_t  w;

    ck_assert_int_eq(wake_text(&w, "m 17-42 7 9 1700000000000 Zg=="),
                     GMCHAT_WAKE_ENTRY);
    place_is(&w, GMCHAT_MESSAGES, 17, 42);
    is(&w.entry.id, "17-42");
    is(&w.entry.uid, "7");
    is(&w.entry.gm, "9");
    is(&w.entry.msg, "Zg==");
    is(&w.entry.name, "");
    is(&w.entry.change, "");
    is(&w.entry.dir, "");
    is(&w.entry.mailed, "");
    ck_assert(w.entry.ts == 1700000000000);

    ck_assert_int_eq(wake_text(&w, "m 9223372036854775807-"
                               "9223372036854775807 9223372036854775807 "
                               "9223372036854775807 9223372036854775807 +/="),
                     GMCHAT_WAKE_ENTRY);
    place_is(&w, GMCHAT_MESSAGES, INT64_MAX, INT64_MAX);
    ck_assert(w.entry.ts == INT64_MAX);
    is(&w.entry.msg, "+/=");
}
END_TEST


START_TEST(relations)
{
    size_t         i;
    gmchat_wake_t  w;

    static const char  *names[][2] = {
        { "r 1-2 7 9 5 apply Ann", "Ann" },
        { "r 1-2 7 9 5 apply Ann Lee", "Ann Lee" },
        { "r 1-2 7 9 5 apply  Ann ", " Ann " },
        { "r 1-2 7 9 5 apply  ", " " },
        { "r 1-2 7 9 5 apply m 1-2 7 9 5 x", "m 1-2 7 9 5 x" },
        { "r 1-2 7 9 5 apply \xe6\xb8\xb8 \xe6\x88\x8f",
          "\xe6\xb8\xb8 \xe6\x88\x8f" }
    };

    for (i = 0; i < check_nelts(names); i++) {
        ck_assert_int_eq(wake_text(&w, names[i][0]), GMCHAT_WAKE_ENTRY);
        place_is(&w, GMCHAT_RELATIONS, 1, 2);
        is(&w.entry.id, "1-2");
        is(&w.entry.uid, "7");
        is(&w.entry.gm, "9");
        is(&w.entry.change, "apply");
        is(&w.entry.name, names[i][1]);
        is(&w.entry.msg, "");
        ck_assert(w.entry.ts == 5);
    }

    ck_assert_int_eq(wake_text(&w, "r 1-2 7 9 5 remove Ann"),
                     GMCHAT_WAKE_ENTRY);
    is(&w.entry.change, "remove");
    is(&w.entry.name, "Ann");
}
END_TEST


START_TEST(others)
{
    gmchat_wake_t  w;

    ck_assert_int_eq(wake_text(&w, "o"), GMCHAT_WAKE_ONLINE);
    ck_assert_int_eq(wake_text(&w, "m"), GMCHAT_WAKE_LOOK);
    ck_assert_int_eq(wake_text(&w, "r"), GMCHAT_WAKE_LOOK);

    ck_assert_int_eq(wake_text(&w, "a m 17-42"), GMCHAT_WAKE_DONE);
    place_is(&w, GMCHAT_MESSAGES, 17, 42);
    ck_assert_int_eq(wake_text(&w, "a r 0-0"), GMCHAT_WAKE_DONE);
    place_is(&w, GMCHAT_RELATIONS, 0, 0);
}
END_TEST


START_TEST(marks)
{
    gmchat_wake_t  w;

    ck_assert_int_eq(wake_text(&w, "s 7 17-42"), GMCHAT_WAKE_READ);
    is(&w.entry.uid, "7");
    is(&w.entry.id, "17-42");
    is(&w.entry.gm, "");
    is(&w.entry.msg, "");

    ck_assert_int_eq(wake_text(&w, "s 9223372036854775807 "
                               "9223372036854775807-9223372036854775807"),
                     GMCHAT_WAKE_READ);
    is(&w.entry.uid, "9223372036854775807");
}
END_TEST


/* What an action has not is a dash, or is not there. */
START_TEST(desks)
{
    size_t         i;
    gmchat_wake_t  w;

    static const char  *texts[][4] = {
        { "x send 7 17-42", "send", "7", "17-42" },
        { "x add 7 ", "add", "7", "" },
        { "x add 7", "add", "7", "" },
        { "x add 7 -", "add", "7", "" },
        { "x online - -", "online", "", "" },
        { "x online", "online", "", "" },
        { "x canned_set", "canned_set", "", "" },
        { "x ack - 5-1", "ack", "", "5-1" }
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(wake_text(&w, texts[i][0]) == GMCHAT_WAKE_DESK, "%s",
                      texts[i][0]);
        is(&w.action, texts[i][1]);
        is(&w.entry.uid, texts[i][2]);
        is(&w.entry.id, texts[i][3]);
    }
}
END_TEST


/* Whatever is not understood has the mailbox read. */
START_TEST(not_understood)
{
    size_t         i;
    gmchat_wake_t  w;
    gmchat_str_t   none = gmchat_null_string;

    static const char  *texts[] = {
        "", " ", "  ", "x", "x 1-2", "M", "O", "oo", "o ", " o", "o 1",
        "m ", " m", "mm 1-2 7 9 5 Zg==", "s 1-2 7 9 5 Zg==", "+ 1001",
        "m  1-2 7 9 5 Zg==", "m 1-2  7 9 5 Zg==", "m 1-2 7 9  5 Zg==",
        "m\t1-2 7 9 5 Zg==", "m 12 7 9 5 Zg==", "m 1- 7 9 5 Zg==",
        "m 01-2 7 9 5 Zg==", "m 1-2-3 7 9 5 Zg==", "m * 7 9 5 Zg==",
        "m 1-9223372036854775808 7 9 5 Zg==", "m 1-2 x 9 5 Zg==",
        "m 1-2 07 9 5 Zg==", "m 1-2 7 x 5 Zg==", "m 1-2 7 9 x Zg==",
        "m 1-2 7 9 -5 Zg==", "m 1-2 7 9 5.0 Zg==",
        "m 1-2 9223372036854775808 9 5 Zg==",
        "m 1-2 7 9 9223372036854775808 Zg==", "m 1-2 7 9 5", "m 1-2 7 9 5 ",
        "r 1-2 7 9 5 apply", "r 1-2 7 9 5 apply ", "r 1-2 7 9 5",
        "r 1-2 7 9 Ann", "r 1-2 7 9 apply Ann",
        "a", "a ", "a m", "a m ", "a r ", "a o", "a o 1-2", "a 1-2",
        "a x 1-2", "a  m 1-2", "a m  1-2", "a m 1-2 ", "a m 1-2 3",
        "a m 12", "a m -", "a r 1-x", "a a m 1-2", "am 1-2",
        "a m 9223372036854775808-1", "a m 1-9223372036854775808",
        "s", "s ", "s 7", "s 7 ", "s 7 7", "s x 1-2", "s  1-2", "s 07 1-2",
        "s 7 1-2 ", "s 7 1-2 3", "s 7  1-2", "s 7 01-2", "s 7 1-",
        "s 9223372036854775808 1-2", "x", "x ", "x  7 1-2", "x Send 7 1-2",
        "x se-nd 7 1-2", "x send x 1-2", "x send 07 1-2", "x send 7 12",
        "x send 7 1-2 3", "x send -- 1-2", "x - 7 1-2",
        "x send 7 -1", "x send\" 7 1-2", "x 7 1-2"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(wake_text(&w, texts[i]) == GMCHAT_WAKE_LOOK, "%s",
                      texts[i]);
    }

    ck_assert_int_eq(gmchat_wake_read(&w, &none), GMCHAT_WAKE_LOOK);
    ck_assert_int_eq(wake(&w, "o\0", 2), GMCHAT_WAKE_LOOK);
    ck_assert_int_eq(wake(&w, "a m 1-2\0", 8), GMCHAT_WAKE_LOOK);
    ck_assert_int_eq(wake(&w, "\0", 1), GMCHAT_WAKE_LOOK);
}
END_TEST


/* From `first` bytes on a text is whole, or cannot be told from a whole one;
 * before, it has the mailbox read. */
START_TEST(cut_anywhere)
{
    size_t         i, len;
    gmchat_wake_t  w;

    static const struct {
        const char     *text;
        size_t          first;
        gmchat_wake_e   what;
    } cuts[] = {
        { "m 17-42 7 9 1700000000000 Zg==", 27, GMCHAT_WAKE_ENTRY },
        { "r 17-42 7 9 1700000000000 apply Ann Lee", 33, GMCHAT_WAKE_ENTRY },
        { "r 17-42 7 9 1700000000000 remove \xe6\xb8\xb8", 34,
          GMCHAT_WAKE_ENTRY },
        { "a m 17-42", 8, GMCHAT_WAKE_DONE },
        { "a r 17-42", 8, GMCHAT_WAKE_DONE },
        { "s 7 17-42", 8, GMCHAT_WAKE_READ },
        { "o", 1, GMCHAT_WAKE_ONLINE }
    };

    for (i = 0; i < check_nelts(cuts); i++) {
        for (len = 0; len <= strlen(cuts[i].text); len++) {
            ck_assert_msg(wake(&w, cuts[i].text, len)
                          == (len < cuts[i].first ? GMCHAT_WAKE_LOOK
                                                  : cuts[i].what),
                          "%s, %zu", cuts[i].text, len);
        }
    }
}
END_TEST


/* Nothing that is published reads past its end. */
START_TEST(random_bytes)
{
    size_t         i, n, len;
    uint64_t       seed;
    char           text[48];
    gmchat_wake_t  w;

    static const char  bytes[] = "mraosx  1-2 7 9 5 apply\0\xff";

    for (seed = 1, n = 0; n < 20000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = bytes[check_random_below(&seed, sizeof(bytes))];
        }

        if (wake(&w, text, len) == GMCHAT_WAKE_ENTRY) {
            ck_assert(w.entry.msg.len || w.entry.name.len);
        }
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_wake");
    tcase_add_checked_fixture(tc, NULL, teardown);

    tcase_add_test(tc, messages);
    tcase_add_test(tc, relations);
    tcase_add_test(tc, others);
    tcase_add_test(tc, marks);
    tcase_add_test(tc, desks);
    tcase_add_test(tc, not_understood);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, random_bytes);

    return check_end();
}

#include <stdlib.h>
#include <string.h>

#include "gmchat_split.h"
#include "test_tools.h"


static int
is(const gmchat_str_t *str, const char *text)
{
    return str->len == strlen(text)
           && (str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


START_TEST(first)
{
    int              found;
    size_t           i;
    gmchat_str_t     head, rest;
    unsigned char   *data;

    static const struct {
        const char  *text;
        int          found;
        const char  *head;
        const char  *rest;
    } rows[] = {
        { "", 0, "", "" },
        { "a", 0, "a", "" },
        { "abc", 0, "abc", "" },
        { ",", 1, "", "" },
        { ",,", 1, "", "," },
        { "a,", 1, "a", "" },
        { ",a", 1, "", "a" },
        { "ab,cd,ef", 1, "ab", "cd,ef" }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        rest.len = strlen(rows[i].text);
        rest.data = data = check_exact(rows[i].text, rest.len);

        found = gmchat_split_first(&rest, ',', &head);

        ck_assert_msg(found == rows[i].found && is(&head, rows[i].head)
                      && is(&rest, rows[i].rest), "\"%s\"", rows[i].text);
        ck_assert_ptr_eq(head.data, data);
        ck_assert_ptr_eq(rest.data, data + head.len + (found ? 1 : 0));

        free(data);
    }
}
END_TEST


START_TEST(last)
{
    int              found;
    size_t           i;
    gmchat_str_t     rest, tail;
    unsigned char   *data;

    static const struct {
        const char  *text;
        int          found;
        const char  *rest;
        const char  *tail;
    } rows[] = {
        { "", 0, "", "before" },
        { "a", 0, "a", "before" },
        { "abc", 0, "abc", "before" },
        { ":", 1, "", "" },
        { "::", 1, ":", "" },
        { "a:", 1, "a", "" },
        { ":a", 1, "", "a" },
        { "ab:cd:ef", 1, "ab:cd", "ef" }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        rest.len = strlen(rows[i].text);
        rest.data = data = check_exact(rows[i].text, rest.len);

        tail = (gmchat_str_t) gmchat_string("before");
        found = gmchat_split_last(&rest, ':', &tail);

        ck_assert_msg(found == rows[i].found && is(&rest, rows[i].rest)
                      && is(&tail, rows[i].tail), "\"%s\"", rows[i].text);
        ck_assert_ptr_eq(rest.data, data);

        free(data);
    }
}
END_TEST


/* A byte is a byte: a zero, and one above 127. */
START_TEST(odd_bytes)
{
    gmchat_str_t  head, tail, rest = gmchat_string("a\0b\xff" "c\0d");

    ck_assert_int_eq(gmchat_split_first(&rest, '\0', &head), 1);
    ck_assert(is(&head, "a"));
    ck_assert_int_eq(gmchat_split_last(&rest, '\0', &tail), 1);
    ck_assert(is(&tail, "d"));
    ck_assert_int_eq(gmchat_split_first(&rest, 0xff, &head), 1);
    ck_assert(is(&head, "b"));
    ck_assert(is(&rest, "c"));
    ck_assert_int_eq(gmchat_split_last(&rest, 0xff, &tail), 0);
}
END_TEST


START_TEST(no_data)
{
    gmchat_str_t  part, rest = gmchat_null_string;

    ck_assert_int_eq(gmchat_split_first(&rest, ' ', &part), 0);
    ck_assert_uint_eq(part.len, 0);
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_int_eq(gmchat_split_last(&rest, ' ', &part), 0);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_split");

    tcase_add_test(tc, first);
    tcase_add_test(tc, last);
    tcase_add_test(tc, odd_bytes);
    tcase_add_test(tc, no_data);

    return check_end();
}

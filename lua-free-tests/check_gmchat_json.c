#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "failing_malloc.h"
#include "gmchat_json.h"
#include "test_tools.h"


static void
holds(const gmchat_buf_t *buf, const char *text)
{
    ck_assert_int_eq(buf->failed, 0);
    ck_assert_uint_eq(buf->len, strlen(text));
    ck_assert_mem_eq(buf->data, text, buf->len);
}


START_TEST(strings)
{
    size_t          i, len;
    gmchat_buf_t    buf = { 0 };
    unsigned char  *exact;

    static const char  *strings[][2] = {
        { "", "\"\"" },
        { "abc", "\"abc\"" },
        { "\"", "\"\\\"\"" },
        { "\\", "\"\\\\\"" },
        { "/", "\"/\"" },
        { "a\nb\rc\td", "\"a\\nb\\rc\\td\"" },
        { "\b\f\v", "\"\\u0008\\u000c\\u000b\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
        { "\"\"", "\"\\\"\\\"\"" },
        { "\xe6\xb8\xb8\xe6\x88\x8f", "\"\xe6\xb8\xb8\xe6\x88\x8f\"" },
        { "\xf0\x9f\x98\x80\n", "\"\xf0\x9f\x98\x80\\n\"" }
    };

    for (i = 0; i < check_nelts(strings); i++) {
        len = strlen(strings[i][0]);
        exact = check_exact(strings[i][0], len);

        buf.len = 0;
        gmchat_json_string(&buf, exact, len);
        holds(&buf, strings[i][1]);
        free(exact);
    }

    buf.len = 0;
    gmchat_json_string(&buf, (unsigned char *) "a\0b", 3);
    holds(&buf, "\"a\\u0000b\"");

    buf.len = 0;
    gmchat_json_string(&buf, NULL, 0);
    holds(&buf, "\"\"");

    gmchat_buf_free(&buf);
}
END_TEST


/* What is written is read back by another hand. */
START_TEST(strings_are_read_back)
{
    size_t          i, n, len;
    json_t         *json;
    uint64_t        seed = 5;
    gmchat_buf_t    buf = { 0 };
    unsigned char   text[64];

    for (n = 0; n < 5000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = check_random(&seed) & 0x7f;
        }

        buf.len = 0;
        gmchat_json_string(&buf, text, len);

        json = json_loadb((char *) buf.data, buf.len,
                          JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);
        ck_assert_ptr_nonnull(json);
        ck_assert_uint_eq(json_string_length(json), len);
        ck_assert(len == 0
                  || memcmp(json_string_value(json), text, len) == 0);
        json_decref(json);
    }

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(names_and_commas)
{
    gmchat_buf_t  buf = { 0 };

    gmchat_json_next(&buf);
    gmchat_buf_add_text(&buf, "{");
    gmchat_json_name(&buf, "a");
    gmchat_buf_add_text(&buf, "[");
    gmchat_json_next(&buf);
    gmchat_buf_add_int(&buf, 1);
    gmchat_json_next(&buf);
    gmchat_json_string(&buf, (unsigned char *) "{", 1);
    gmchat_json_next(&buf);
    gmchat_buf_add_text(&buf, "{}");
    gmchat_json_next(&buf);
    gmchat_buf_add_text(&buf, "[]");
    gmchat_buf_add_text(&buf, "]");
    gmchat_json_name(&buf, "b");
    gmchat_buf_add_text(&buf, "true}");
    holds(&buf, "{\"a\":[1,\"{\",{},[]],\"b\":true}");

    gmchat_buf_free(&buf);
}
END_TEST


static void
write_object(void *data)
{
    gmchat_buf_t  buf = { 0 };

    gmchat_json_name(&buf, "name");
    gmchat_json_string(&buf, data, 2000);
    gmchat_json_next(&buf);
    gmchat_json_name(&buf, "name");

    ck_assert_int_eq(buf.failed, failing_malloc_disarm());
    gmchat_buf_free(&buf);
}


START_TEST(out_of_memory)
{
    char  text[2000];

    memset(text, '"', sizeof(text));

    /* 512 to 4096 */
    ck_assert_uint_eq(failing_malloc_each(write_object, text), 4);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_json");

    tcase_add_test(tc, strings);
    tcase_add_test(tc, strings_are_read_back);
    tcase_add_test(tc, names_and_commas);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

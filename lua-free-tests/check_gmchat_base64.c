#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_base64.h"
#include "test_tools.h"


static const char  letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


/* The standard's own words, byte by byte, to compare with. */
static size_t
plain_encode(unsigned char *to, const unsigned char *from, size_t len)
{
    size_t          i;
    uint32_t        bits;
    unsigned char  *start;

    for (start = to, i = 0; i < len; i += 3) {
        bits = from[i] << 16;
        bits |= (i + 1 < len) ? from[i + 1] << 8 : 0;
        bits |= (i + 2 < len) ? from[i + 2] : 0;

        *to++ = letters[bits >> 18];
        *to++ = letters[bits >> 12 & 63];
        *to++ = (i + 1 < len) ? letters[bits >> 6 & 63] : '=';
        *to++ = (i + 2 < len) ? letters[bits & 63] : '=';
    }

    return to - start;
}


static void
there_and_back(const unsigned char *data, size_t len)
{
    size_t          n;
    gmchat_buf_t    text = { 0 }, back = { 0 };
    unsigned char  *exact, *expected;

    exact = check_exact(data, len);
    gmchat_base64_encode(&text, exact, len);
    free(exact);

    expected = malloc(len * 2 + 4);
    ck_assert_ptr_nonnull(expected);
    n = plain_encode(expected, data, len);

    ck_assert_int_eq(text.failed, 0);
    ck_assert_uint_eq(text.len, n);
    ck_assert_uint_eq(text.len, gmchat_base64_encoded_len(len));
    ck_assert(n == 0 || memcmp(text.data, expected, n) == 0);
    free(expected);

    exact = check_exact(text.data, text.len);
    ck_assert_int_eq(gmchat_base64_valid(exact, text.len), 1);
    ck_assert_uint_eq(gmchat_base64_decoded_len(exact, text.len), len);
    gmchat_base64_decode(&back, exact, text.len);
    free(exact);

    ck_assert_int_eq(back.failed, 0);
    ck_assert_uint_eq(back.len, len);
    ck_assert(len == 0 || memcmp(back.data, data, len) == 0);

    gmchat_buf_free(&text);
    gmchat_buf_free(&back);
}


START_TEST(the_standards_examples)
{
    size_t        i;
    gmchat_buf_t  buf = { 0 };

    static const char  *examples[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" }
    };

    for (i = 0; i < check_nelts(examples); i++) {
        buf.len = 0;
        gmchat_base64_encode(&buf, (unsigned char *) examples[i][0],
                             strlen(examples[i][0]));
        ck_assert_uint_eq(buf.len, strlen(examples[i][1]));
        ck_assert(i == 0 || memcmp(buf.data, examples[i][1], buf.len) == 0);
    }

    gmchat_buf_free(&buf);
}
END_TEST


/* Each length up to where several pieces and all line breaks have been. */
START_TEST(each_length)
{
    size_t          i, len;
    uint64_t        seed = 3;
    unsigned char   data[700];

    for (i = 0; i < sizeof(data); i++) {
        data[i] = check_random(&seed);
    }

    for (len = 0; len <= sizeof(data); len++) {
        there_and_back(data, len);
    }
}
END_TEST


/* 3072 bytes go at once. */
START_TEST(pieces)
{
    size_t          i, len;
    uint64_t        seed = 4;
    unsigned char  *data;

    data = malloc(1000001);
    ck_assert_ptr_nonnull(data);

    for (i = 0; i < 1000001; i++) {
        data[i] = check_random(&seed);
    }

    for (len = 3060; len < 3090; len++) {
        there_and_back(data, len);
        there_and_back(data, 3072 + len);
    }

    there_and_back(data, 999999);
    there_and_back(data, 1000000);
    there_and_back(data, 1000001);

    free(data);
}
END_TEST


START_TEST(goes_to_the_end)
{
    gmchat_buf_t  buf = { 0 };

    gmchat_buf_add_text(&buf, "a:");
    gmchat_base64_encode(&buf, (unsigned char *) "foob", 4);
    gmchat_buf_add_text(&buf, ",");
    gmchat_base64_decode(&buf, (unsigned char *) "Zm9vYg==", 8);
    gmchat_buf_add_text(&buf, ".");

    ck_assert_uint_eq(buf.len, 16);
    ck_assert_mem_eq(buf.data, "a:Zm9vYg==,foob.", 16);

    gmchat_buf_free(&buf);
}
END_TEST


START_TEST(not_base64)
{
    size_t          i, len;
    unsigned char  *exact;

    static const char  *texts[] = {
        "A", "AA", "AAA", "AAAAA", "AAA=A", "=", "==", "===", "====", "A===",
        "=AAA", "A=AA", "AA=A", "AA==AAAA", "AAA=AAAA", "AAAA====",
        "AAAAA===", "Zg=\n", "Zm9v\n", "\nZm9", "Zm9v\r\n", " Zm9", "Zm 9",
        "Zm-_", "Zm9,", "Zm9.", "Zm9\x80", "\xff\xff\xff\xff", "Zm9v,Zm9",
        "Zm9vYg", "Zm9v\nZm9", "[Zm9", "`m9v", "{m9v", "@m9v", ":m9v",
        /* bits that no byte bears */
        "Zh==", "Zn==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm//Zm9=", "AB==",
        "AAB=", "AAD="
    };

    for (i = 0; i < check_nelts(texts); i++) {
        len = strlen(texts[i]);
        exact = check_exact(texts[i], len);
        ck_assert_msg(!gmchat_base64_valid(exact, len), "%s", texts[i]);
        free(exact);
    }

    ck_assert_int_eq(gmchat_base64_valid((unsigned char *) "Zm\0v", 4), 0);
    ck_assert_int_eq(gmchat_base64_valid((unsigned char *) "\0\0\0\0", 4), 0);
    ck_assert_int_eq(gmchat_base64_valid(NULL, 0), 1);
}
END_TEST


/* Every byte in every place of four characters. */
START_TEST(each_character)
{
    int            ch, good;
    unsigned char  text[4];
    size_t         i;

    for (ch = 0; ch < 256; ch++) {
        good = ch && strchr(letters, ch) != NULL;

        for (i = 0; i < 4; i++) {
            memcpy(text, "AAAA", 4);
            text[i] = ch;
            ck_assert_int_eq(gmchat_base64_valid(text, 4),
                             good || (ch == '=' && i == 3));
        }

        /* before padding only those whose last bits are 0, or padding */

        memcpy(text, "A?==", 4);
        text[1] = ch;
        ck_assert_int_eq(gmchat_base64_valid(text, 4),
                         good && (strchr(letters, ch) - letters) % 16 == 0);

        memcpy(text, "AA?=", 4);
        text[2] = ch;
        ck_assert_int_eq(gmchat_base64_valid(text, 4),
                         ch == '='
                         || (good && (strchr(letters, ch) - letters) % 4
                                     == 0));
    }
}
END_TEST


static void
encode_large(void *data)
{
    gmchat_buf_t  text = { 0 };

    gmchat_base64_encode(&text, data, 60000);
    ck_assert_int_eq(text.failed, failing_malloc_disarm());
    gmchat_buf_free(&text);
}


static void
decode_large(void *data)
{
    gmchat_buf_t  bytes = { 0 };

    gmchat_base64_decode(&bytes, data, 60000);
    ck_assert_int_eq(bytes.failed, failing_malloc_disarm());
    gmchat_buf_free(&bytes);
}


START_TEST(out_of_memory)
{
    unsigned char  data[60000];

    memset(data, 'A', sizeof(data));

    ck_assert_uint_ge(failing_malloc_each(encode_large, data), 2);
    ck_assert_uint_ge(failing_malloc_each(decode_large, data), 2);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_base64");

    tcase_add_test(tc, the_standards_examples);
    tcase_add_test(tc, each_length);
    tcase_add_test(tc, pieces);
    tcase_add_test(tc, goes_to_the_end);
    tcase_add_test(tc, not_base64);
    tcase_add_test(tc, each_character);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

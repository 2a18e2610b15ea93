#include <stdlib.h>

#include <jansson.h>

#include "fuzz.h"
#include "fuzz_plain.h"
#include "gmchat_base64.h"
#include "gmchat_integer.h"
#include "gmchat_json.h"
#include "gmchat_utf8.h"


/* UTF-8, base64, integers and JSON strings against the plainest of each. */


static void
fuzz_text_utf8(fuzz_t *f, const gmchat_str_t *text)
{
    size_t        valid, i;
    gmchat_str_t  part;

    valid = gmchat_utf8_valid(text->data, text->len);
    fuzz_note(f, " utf8:%zu", valid);

    fuzz_must(valid <= text->len);
    fuzz_must((valid == text->len) == fuzz_utf8(text));

    part.data = text->data;
    part.len = valid;
    fuzz_must(fuzz_utf8(&part));

    /* the longest: no character of up to 4 bytes follows */

    for (i = valid + 1; i <= text->len && i <= valid + 4; i++) {
        part.len = i;
        fuzz_must(!fuzz_utf8(&part));
    }
}


static void
fuzz_text_json(const gmchat_str_t *text)
{
    json_t        *string;
    gmchat_buf_t   buf = { 0 };
    gmchat_str_t   read;

    gmchat_json_string(&buf, text->data, text->len);
    fuzz_must(!buf.failed);

    string = json_loadb((char *) buf.data, buf.len,
                        JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);
    fuzz_must((string != NULL) == fuzz_utf8(text));

    if (string) {
        read.data = (unsigned char *) json_string_value(string);
        read.len = json_string_length(string);
        fuzz_must(fuzz_same(&read, text));
    }

    json_decref(string);
    gmchat_buf_free(&buf);
}


static void
fuzz_text_encode(fuzz_t *f, const gmchat_str_t *text)
{
    int64_t         n;
    gmchat_buf_t    buf = { 0 };
    gmchat_str_t    encoded;
    unsigned char  *bytes;

    gmchat_base64_encode(&buf, text->data, text->len);

    if (buf.failed) {
        fuzz_must(f->starved);
        gmchat_buf_free(&buf);
        return;
    }

    encoded = fuzz_copy(buf.data, buf.len);
    bytes = malloc(buf.len + 1);
    fuzz_must(bytes != NULL);

    fuzz_must(encoded.len == gmchat_base64_encoded_len(text->len));
    fuzz_must(gmchat_base64_valid(encoded.data, encoded.len));
    fuzz_must(gmchat_base64_decoded_len(encoded.data, encoded.len)
              == text->len);
    fuzz_must(fuzz_base64_bytes(&encoded, &n, bytes));
    fuzz_must((size_t) n == text->len);
    fuzz_must(n == 0 || memcmp(bytes, text->data, text->len) == 0);

    free(bytes);
    free(encoded.data);
    gmchat_buf_free(&buf);
}


static void
fuzz_text_decode(fuzz_t *f, const gmchat_str_t *text)
{
    int             valid;
    int64_t         n;
    gmchat_buf_t    buf = { 0 };
    unsigned char  *bytes;

    valid = gmchat_base64_valid(text->data, text->len);
    bytes = malloc(text->len + 1);
    fuzz_must(bytes != NULL);

    fuzz_must(valid == fuzz_base64_bytes(text, &n, bytes));
    fuzz_note(f, " base64:%d", valid);

    if (valid) {
        gmchat_base64_decode(&buf, text->data, text->len);
        fuzz_must_fed(f, !buf.failed);
        fuzz_must_fed(f, buf.len == (size_t) n);
        fuzz_must(gmchat_base64_decoded_len(text->data, text->len)
                  == (size_t) n);
        fuzz_must(buf.failed || n == 0
                  || memcmp(buf.data, bytes, (size_t) n) == 0);
    }

    free(bytes);
    gmchat_buf_free(&buf);
}


static void
fuzz_text_integer(fuzz_t *f, const gmchat_str_t *text)
{
    int           is;
    int64_t       value, plain;
    gmchat_buf_t  buf = { 0 };
    gmchat_str_t  written;

    is = gmchat_integer_parse(text, &value);

    fuzz_must(is == gmchat_integer_parse(text, NULL));
    fuzz_must(is == fuzz_integer(text, &plain));
    fuzz_note(f, " integer:%d", is);

    if (is) {
        fuzz_must(value == plain);
        gmchat_buf_add_int(&buf, value);
        written.data = buf.data;
        written.len = buf.len;
        fuzz_must_fed(f, fuzz_same(&written, text));
    }

    gmchat_buf_free(&buf);
}


void
fuzz_run(fuzz_t *f)
{
    gmchat_str_t  text;

    text = fuzz_rest(f);
    text = fuzz_copy(text.data, text.len);

    fuzz_text_utf8(f, &text);
    fuzz_text_encode(f, &text);
    fuzz_text_decode(f, &text);
    fuzz_text_integer(f, &text);

    if (!f->starved) {
        fuzz_text_json(&text);
    }

    free(text.data);
}

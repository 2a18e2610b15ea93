#include <errno.h>
#include <stdlib.h>

#include "fuzz_plain.h"


int
fuzz_made_of(const gmchat_str_t *text, const char *alphabet)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '\0' || strchr(alphabet, text->data[i]) == NULL) {
            return 0;
        }
    }

    return 1;
}


int
fuzz_integer(const gmchat_str_t *text, int64_t *value)
{
    char  copy[20];

    if (text->len < 1 || text->len > 19 || !fuzz_made_of(text, "0123456789")
        || (text->len > 1 && text->data[0] == '0'))
    {
        return 0;
    }

    memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    errno = 0;
    *value = strtoll(copy, NULL, 10);

    return errno == 0;
}


int
fuzz_cursor(const gmchat_str_t *text)
{
    size_t        i;
    int64_t       n;
    gmchat_str_t  left, right;

    for (i = 0; i < text->len && text->data[i] != '-'; i++) { /* void */ }

    if (i == text->len) {
        return 0;
    }

    left.data = text->data;
    left.len = i;
    right.data = text->data + i + 1;
    right.len = text->len - i - 1;

    return fuzz_integer(&left, &n) && fuzz_integer(&right, &n);
}


/* The bytes that must follow a first byte; -1: it begins no character. */

static int
fuzz_utf8_more(unsigned char c)
{
    return c < 0x80 ? 0 : c < 0xc0 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2
           : c < 0xf8 ? 3 : -1;
}


/* By the code point, where the sources go by the table of RFC 3629. */

int
fuzz_utf8(const gmchat_str_t *text)
{
    int                    more, i;
    size_t                 at;
    uint32_t               code;
    static const uint32_t  least[] = { 0, 0x80, 0x800, 0x10000 };

    for (at = 0; at < text->len; at += 1 + (size_t) more) {
        more = fuzz_utf8_more(text->data[at]);

        if (more < 0 || text->len - at <= (size_t) more) {
            return 0;
        }

        code = more ? text->data[at] & (0x3f >> more) : text->data[at];

        for (i = 1; i <= more; i++) {
            if (text->data[at + (size_t) i] >> 6 != 2) {
                return 0;
            }

            code = code << 6 | (text->data[at + (size_t) i] & 0x3f);
        }

        if (code < least[more] || code > 0x10ffff || code >> 11 == 0x1b) {
            return 0;
        }
    }

    return 1;
}


/* Bit by bit. */

int
fuzz_base64_bytes(const gmchat_str_t *text, int64_t *n, unsigned char *bytes)
{
    size_t             i, len, bits;
    uint32_t           held;
    const char        *digit;
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    *n = 0;

    for (len = text->len; len && text->data[len - 1] == '='; len--) { /* */ }

    if (text->len % 4 || text->len - len > 2) {
        return 0;
    }

    held = 0;
    bits = 0;

    for (i = 0; i < len; i++) {
        digit = text->data[i] ? strchr(digits, text->data[i]) : NULL;
        if (digit == NULL) {
            return 0;
        }

        held = held << 6 | (uint32_t) (digit - digits);
        bits += 6;

        if (bits >= 8) {
            bits -= 8;

            if (bytes) {
                bytes[*n] = (unsigned char) (held >> bits);
            }

            held &= (1u << bits) - 1;
            (*n)++;
        }
    }

    return held == 0 && bits < 6;
}


int
fuzz_base64(const gmchat_str_t *text, int64_t *n)
{
    return fuzz_base64_bytes(text, n, NULL);
}

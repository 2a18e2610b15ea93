#include <b64/cdecode.h>
#include <b64/cencode.h>

#include "gmchat_base64.h"


/*
 * libb64 counts in ints and breaks its lines: it is fed pieces that fit its
 * ints, and the breaks are taken out as they come.
 */
#define GMCHAT_BASE64_PIECE  3072


static int
gmchat_base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : -1;
}


static size_t
gmchat_base64_padding(const unsigned char *text, size_t len)
{
    if (len == 0 || text[len - 1] != '=') {
        return 0;
    }

    return text[len - 2] == '=' ? 2 : 1;
}


int
gmchat_base64_valid(const unsigned char *text, size_t len)
{
    size_t               i, padding;
    static const int     unused[] = { 0, 0x03, 0x0f };

    if (len % 4) {
        return 0;
    }

    padding = gmchat_base64_padding(text, len);

    for (i = 0; i < len - padding; i++) {
        if (gmchat_base64_digit(text[i]) < 0) {
            return 0;
        }
    }

    return padding == 0
           || (gmchat_base64_digit(text[i - 1]) & unused[padding]) == 0;
}


size_t
gmchat_base64_decoded_len(const unsigned char *text, size_t len)
{
    return len / 4 * 3 - gmchat_base64_padding(text, len);
}


/* Moves the bytes that are no line break to the front; returns how many. */
static size_t
gmchat_base64_join(unsigned char *text, size_t len)
{
    size_t          n;
    unsigned char  *from, *to, *end, *brk;

    to = text;
    from = text;
    end = text + len;

    while (from < end) {
        brk = memchr(from, '\n', (size_t) (end - from));
        n = (size_t) ((brk ? brk : end) - from);
        memmove(to, from, n);
        to += n;
        from += n + (brk ? 1 : 0);
    }

    return (size_t) (to - text);
}


void
gmchat_base64_encode(gmchat_buf_t *buf, const unsigned char *data, size_t len)
{
    size_t               n, out;
    unsigned char       *p;
    base64_encodestate   state;

    if (len == 0) {
        return;
    }

    /* twice the size holds the padding and one break for each character */

    base64_init_encodestate(&state);

    do {
        n = len < GMCHAT_BASE64_PIECE ? len : GMCHAT_BASE64_PIECE;

        p = gmchat_buf_reserve(buf, gmchat_base64_encoded_len(n) * 2 + 8);
        if (p == NULL) {
            return;
        }

        out = (size_t) base64_encode_block((const char *) data, (int) n,
                                           (char *) p, &state);
        data += n;
        len -= n;

        if (len == 0) {
            out += (size_t) base64_encode_blockend((char *) p + out, &state);
        }

        buf->len += gmchat_base64_join(p, out);

    } while (len);
}


void
gmchat_base64_decode(gmchat_buf_t *buf, const unsigned char *text, size_t len)
{
    size_t               n;
    unsigned char       *p;
    base64_decodestate   state;

    base64_init_decodestate(&state);

    while (len) {
        n = len < GMCHAT_BASE64_PIECE ? len : GMCHAT_BASE64_PIECE;

        /* libb64 writes one byte ahead of what it returns */

        p = gmchat_buf_reserve(buf, n + 4);
        if (p == NULL) {
            return;
        }

        buf->len += (size_t) base64_decode_block((const char *) text, (int) n,
                                                 (char *) p, &state);
        text += n;
        len -= n;
    }
}

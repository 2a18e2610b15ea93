#include "gmchat_utf8.h"


/* RFC 3629, section 4, by first byte: how many follow, and what bounds the
 * first that follows. */
typedef struct {
    unsigned char  first;
    unsigned char  last;
    unsigned char  more;
    unsigned char  low;
    unsigned char  high;
} gmchat_utf8_form_t;


static const gmchat_utf8_form_t  gmchat_utf8_forms[] = {
    { 0x00, 0x7f, 0, 0x00, 0x00 },
    { 0xc2, 0xdf, 1, 0x80, 0xbf },
    { 0xe0, 0xe0, 2, 0xa0, 0xbf },
    { 0xe1, 0xec, 2, 0x80, 0xbf },
    { 0xed, 0xed, 2, 0x80, 0x9f },
    { 0xee, 0xef, 2, 0x80, 0xbf },
    { 0xf0, 0xf0, 3, 0x90, 0xbf },
    { 0xf1, 0xf3, 3, 0x80, 0xbf },
    { 0xf4, 0xf4, 3, 0x80, 0x8f }
};


/* The length of the character at `p`, 0 if it is not well-formed. */
static size_t
gmchat_utf8_char(const unsigned char *p, size_t len)
{
    size_t                     i, n;
    const gmchat_utf8_form_t  *form;

    for (i = 0; i < sizeof(gmchat_utf8_forms) / sizeof(*form); i++) {
        form = &gmchat_utf8_forms[i];

        if (p[0] < form->first || p[0] > form->last) {
            continue;
        }

        if (len < (size_t) form->more + 1) {
            return 0;
        }

        if (form->more && (p[1] < form->low || p[1] > form->high)) {
            return 0;
        }

        for (n = 2; n <= form->more; n++) {
            if ((p[n] & 0xc0) != 0x80) {
                return 0;
            }
        }

        return (size_t) form->more + 1;
    }

    return 0;
}


size_t
gmchat_utf8_valid(const unsigned char *data, size_t len)
{
    size_t  i, n;

    for (i = 0; i < len; i += n) {
        n = data[i] < 0x80 ? 1 : gmchat_utf8_char(data + i, len - i);
        if (n == 0) {
            break;
        }
    }

    return i;
}

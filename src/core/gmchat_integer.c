#include "gmchat_integer.h"


#define GMCHAT_INTEGER_DIGITS  19


int
gmchat_integer_parse(const gmchat_str_t *text, int64_t *value)
{
    size_t    i;
    int       digit;
    int64_t   n;

    if (text->len == 0 || text->len > GMCHAT_INTEGER_DIGITS) {
        return 0;
    }

    if (text->data[0] == '0' && text->len > 1) {
        return 0;
    }

    for (n = 0, i = 0; i < text->len; i++) {
        digit = text->data[i] - '0';

        if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10) {
            return 0;
        }

        n = n * 10 + digit;
    }

    if (value) {
        *value = n;
    }

    return 1;
}

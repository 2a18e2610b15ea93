#include "gmchat_split.h"


int
gmchat_split_first(gmchat_str_t *rest, unsigned char c, gmchat_str_t *head)
{
    unsigned char  *at;

    *head = *rest;

    if (rest->len == 0) {
        return 0;
    }

    at = memchr(rest->data, c, rest->len);

    if (at == NULL) {
        rest->data += rest->len;
        rest->len = 0;
        return 0;
    }

    head->len = (size_t) (at - head->data);
    rest->data = at + 1;
    rest->len -= head->len + 1;

    return 1;
}


int
gmchat_split_last(gmchat_str_t *rest, unsigned char c, gmchat_str_t *tail)
{
    size_t  i;

    for (i = rest->len; i > 0; i--) {
        if (rest->data[i - 1] == c) {
            tail->data = rest->data + i;
            tail->len = rest->len - i;
            rest->len = i - 1;
            return 1;
        }
    }

    return 0;
}

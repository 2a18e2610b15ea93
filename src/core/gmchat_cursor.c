#include "gmchat_cursor.h"
#include "gmchat_integer.h"


int
gmchat_cursor_parse(const gmchat_str_t *text, int64_t *epoch, int64_t *n)
{
    gmchat_str_t    left, right;
    unsigned char  *dash;

    dash = text->len ? memchr(text->data, '-', text->len) : NULL;
    if (dash == NULL) {
        return 0;
    }

    left.data = text->data;
    left.len = (size_t) (dash - text->data);
    right.data = dash + 1;
    right.len = text->len - left.len - 1;

    return gmchat_integer_parse(&left, epoch)
           && gmchat_integer_parse(&right, n);
}

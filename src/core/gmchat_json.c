#include <stdio.h>

#include "gmchat_json.h"


static void
gmchat_json_escape(gmchat_buf_t *buf, unsigned char c)
{
    int   len;
    char  text[sizeof("\\u0000")];

    switch (c) {

    case '"':
        gmchat_buf_add_text(buf, "\\\"");
        return;

    case '\\':
        gmchat_buf_add_text(buf, "\\\\");
        return;

    case '\n':
        gmchat_buf_add_text(buf, "\\n");
        return;

    case '\r':
        gmchat_buf_add_text(buf, "\\r");
        return;

    case '\t':
        gmchat_buf_add_text(buf, "\\t");
        return;

    default:
        len = snprintf(text, sizeof(text), "\\u%04x", c);
        gmchat_buf_add(buf, text, (size_t) len);
    }
}


void
gmchat_json_string(gmchat_buf_t *buf, const unsigned char *data, size_t len)
{
    size_t  i, from;

    gmchat_buf_add_text(buf, "\"");

    for (from = 0, i = 0; i < len; i++) {
        if (data[i] >= 0x20 && data[i] != '"' && data[i] != '\\') {
            continue;
        }

        gmchat_buf_add(buf, data + from, i - from);
        gmchat_json_escape(buf, data[i]);
        from = i + 1;
    }

    if (from < len) {
        gmchat_buf_add(buf, data + from, len - from);
    }

    gmchat_buf_add_text(buf, "\"");
}


void
gmchat_json_next(gmchat_buf_t *buf)
{
    unsigned char  last;

    if (buf->len == 0) {
        return;
    }

    last = buf->data[buf->len - 1];

    if (last != '{' && last != '[') {
        gmchat_buf_add_text(buf, ",");
    }
}


void
gmchat_json_name(gmchat_buf_t *buf, const char *name)
{
    gmchat_json_next(buf);
    gmchat_buf_add_text(buf, "\"");
    gmchat_buf_add_text(buf, name);
    gmchat_buf_add_text(buf, "\":");
}

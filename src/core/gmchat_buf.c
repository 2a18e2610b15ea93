#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "gmchat_buf.h"


/* Holds the reply to nearly every call. */
#define GMCHAT_BUF_FIRST  512


unsigned char *
gmchat_buf_reserve(gmchat_buf_t *buf, size_t more)
{
    size_t          size;
    unsigned char  *data;

    if (buf->failed) {
        return NULL;
    }

    if (buf->size - buf->len >= more) {
        return buf->data + buf->len;
    }

    if (more > SIZE_MAX / 4 - buf->len) {
        buf->failed = 1;
        return NULL;
    }

    size = buf->size ? buf->size : GMCHAT_BUF_FIRST;

    while (size - buf->len < more) {
        size *= 2;
    }

    data = realloc(buf->data, size);
    if (data == NULL) {
        buf->failed = 1;
        return NULL;
    }

    buf->data = data;
    buf->size = size;

    return data + buf->len;
}


void
gmchat_buf_add_more(gmchat_buf_t *buf, const void *data, size_t len)
{
    unsigned char  *p;

    p = gmchat_buf_reserve(buf, len);
    if (p == NULL) {
        return;
    }

    memcpy(p, data, len);
    buf->len += len;
}


void
gmchat_buf_add_int(gmchat_buf_t *buf, int64_t value)
{
    int   len;
    char  text[sizeof("-9223372036854775808")];

    len = snprintf(text, sizeof(text), "%" PRId64, value);
    gmchat_buf_add(buf, text, (size_t) len);
}


void
gmchat_buf_reset(gmchat_buf_t *buf, size_t keep)
{
    if (buf->size > keep) {
        gmchat_buf_free(buf);
        return;
    }

    buf->len = 0;
    buf->failed = 0;
}


void
gmchat_buf_free(gmchat_buf_t *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(gmchat_buf_t));
}

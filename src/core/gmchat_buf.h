#ifndef GMCHAT_BUF_H
#define GMCHAT_BUF_H


#include "gmchat_core.h"


/*
 * Bytes that grow at the end.  A failed allocation is remembered: what is
 * added after it is dropped, and the caller tests `failed` once, at the end.
 * A buffer of zeroes is an empty one.
 */

typedef struct {
    unsigned char  *data;
    size_t          len;
    size_t          size;
    unsigned        failed:1;
} gmchat_buf_t;


/* Makes room for `more` bytes; returns where they go, or NULL. */
unsigned char *gmchat_buf_reserve(gmchat_buf_t *buf, size_t more);

/* Adds bytes for which there is no room yet; for gmchat_buf_add() alone. */
void gmchat_buf_add_more(gmchat_buf_t *buf, const void *data, size_t len);

/* A reply is made of many short pieces: adding one that fits is a copy, and the
 * length of one that is written in the source costs nothing. */

static inline void
gmchat_buf_add(gmchat_buf_t *buf, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if (buf->size - buf->len < len || buf->failed) {
        gmchat_buf_add_more(buf, data, len);
        return;
    }

    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

static inline void
gmchat_buf_add_text(gmchat_buf_t *buf, const char *text)
{
    gmchat_buf_add(buf, text, strlen(text));
}

void gmchat_buf_add_int(gmchat_buf_t *buf, int64_t value);

/* Empties it.  Up to `keep` bytes of memory stay for the next use. */
void gmchat_buf_reset(gmchat_buf_t *buf, size_t keep);

void gmchat_buf_free(gmchat_buf_t *buf);


#endif /* GMCHAT_BUF_H */

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

void gmchat_buf_add(gmchat_buf_t *buf, const void *data, size_t len);
void gmchat_buf_add_text(gmchat_buf_t *buf, const char *text);
void gmchat_buf_add_int(gmchat_buf_t *buf, int64_t value);

/* Empties it.  Up to `keep` bytes of memory stay for the next use. */
void gmchat_buf_reset(gmchat_buf_t *buf, size_t keep);

void gmchat_buf_free(gmchat_buf_t *buf);


#endif /* GMCHAT_BUF_H */

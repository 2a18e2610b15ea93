#ifndef GMCHAT_BASE64_H
#define GMCHAT_BASE64_H


#include "gmchat_buf.h"


/* Base64 as in RFC 4648, section 4: padded, without line breaks. */

/* The length of the base64 of `len` bytes. */
#define gmchat_base64_encoded_len(len)  (((len) + 2) / 3 * 4)

/*
 * Returns 1 if `text` is base64 of something, 0 if it is not: another
 * character, a wrong length, padding elsewhere than at the end, or bits set
 * that no byte bears.
 */
int gmchat_base64_valid(const unsigned char *text, size_t len);

/* How many bytes valid base64 decodes to. */
size_t gmchat_base64_decoded_len(const unsigned char *text, size_t len);

/* Adds the base64 of `data`. */
void gmchat_base64_encode(gmchat_buf_t *buf, const unsigned char *data,
    size_t len);

/* Adds what valid base64 stands for. */
void gmchat_base64_decode(gmchat_buf_t *buf, const unsigned char *text,
    size_t len);


#endif /* GMCHAT_BASE64_H */

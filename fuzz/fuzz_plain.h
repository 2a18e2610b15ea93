#ifndef FUZZ_PLAIN_H
#define FUZZ_PLAIN_H


#include "gmchat_core.h"


/* The contract's forms said a second time, in the plainest way, to hold the
 * sources against.  Each returns 1 or 0. */

int fuzz_made_of(const gmchat_str_t *text, const char *alphabet);
int fuzz_integer(const gmchat_str_t *text, int64_t *value);
int fuzz_cursor(const gmchat_str_t *text);
int fuzz_utf8(const gmchat_str_t *text);

/* Base64; `n` becomes the number of bytes, and `bytes` unless NULL has room for
 * 3 for 4 characters. */
int fuzz_base64_bytes(const gmchat_str_t *text, int64_t *n,
    unsigned char *bytes);
int fuzz_base64(const gmchat_str_t *text, int64_t *n);


#endif /* FUZZ_PLAIN_H */

#ifndef GMCHAT_UTF8_H
#define GMCHAT_UTF8_H


#include "gmchat_core.h"


/*
 * Returns the length of the longest prefix that is well-formed UTF-8 (RFC
 * 3629, section 4: no overlong form, no surrogate, nothing past U+10FFFF);
 * `len` if all of it is.
 */
size_t gmchat_utf8_valid(const unsigned char *data, size_t len);


#endif /* GMCHAT_UTF8_H */

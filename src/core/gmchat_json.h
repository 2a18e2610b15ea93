#ifndef GMCHAT_JSON_H
#define GMCHAT_JSON_H


#include "gmchat_buf.h"


/* Writing JSON (RFC 8259) at the end of a buffer.  jansson reads it. */

/* Adds a string, quoted; `data` is well-formed UTF-8. */
void gmchat_json_string(gmchat_buf_t *buf, const unsigned char *data,
    size_t len);

/* Adds `"name":`, after a comma where an object has begun before. */
void gmchat_json_name(gmchat_buf_t *buf, const char *name);

/* Adds a comma unless a list or an object has just been opened. */
void gmchat_json_next(gmchat_buf_t *buf);


#endif /* GMCHAT_JSON_H */

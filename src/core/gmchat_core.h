#ifndef GMCHAT_CORE_H
#define GMCHAT_CORE_H


#include <stddef.h>
#include <stdint.h>
#include <string.h>


typedef struct {
    size_t          len;
    unsigned char  *data;
} gmchat_str_t;


#define gmchat_string(text)  { sizeof(text) - 1, (unsigned char *) text }
#define gmchat_null_string   { 0, NULL }


static inline int
gmchat_str_is(const gmchat_str_t *str, const char *text)
{
    size_t  len;

    len = strlen(text);

    return str->len == len && memcmp(str->data, text, len) == 0;
}


#endif /* GMCHAT_CORE_H */

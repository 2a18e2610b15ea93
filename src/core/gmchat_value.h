#ifndef GMCHAT_VALUE_H
#define GMCHAT_VALUE_H


#include "gmchat_core.h"


/* What the store replies, as a tree. */

typedef enum {
    GMCHAT_VALUE_NIL = 0,
    GMCHAT_VALUE_INTEGER,
    GMCHAT_VALUE_STRING,
    GMCHAT_VALUE_ERROR,
    GMCHAT_VALUE_ARRAY
} gmchat_value_kind_e;

typedef struct gmchat_value_s  gmchat_value_t;

struct gmchat_value_s {
    gmchat_value_kind_e   kind;
    int64_t               integer;
    gmchat_str_t          str;      /* of a string or an error */
    gmchat_value_t       *items;    /* of an array */
    size_t                n;
};


#endif /* GMCHAT_VALUE_H */

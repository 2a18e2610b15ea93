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

/* How many levels gmchat_value_copy() goes down; the value is the first. */

#define GMCHAT_VALUE_LEVELS  16


/*
 * A copy of the whole tree, strings too, in one block from malloc(), which is
 * given back by free().  NULL without memory, or if the tree has more than
 * GMCHAT_VALUE_LEVELS levels.
 */
gmchat_value_t *gmchat_value_copy(const gmchat_value_t *value);


#endif /* GMCHAT_VALUE_H */

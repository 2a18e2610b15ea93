#ifndef GMCHAT_PUSH_H
#define GMCHAT_PUSH_H


#include "gmchat_value.h"


/* What comes on a connection that is subscribed (RESP2). */

typedef enum {
    GMCHAT_PUSH_STRANGE = 0,    /* nothing of these */
    GMCHAT_PUSH_OK,             /* the answer to AUTH */
    GMCHAT_PUSH_ERROR,          /* `text` is the error */
    GMCHAT_PUSH_SUBSCRIBED,     /* to `channel` */
    GMCHAT_PUSH_UNSUBSCRIBED,   /* from it */
    GMCHAT_PUSH_MESSAGE,        /* `text` was published to `channel` */
    GMCHAT_PUSH_PONG
} gmchat_push_kind_e;

typedef struct {
    gmchat_push_kind_e   kind;
    gmchat_str_t         channel;
    gmchat_str_t         text;
} gmchat_push_t;


/* Says what a value is; the strings of `push` are the value's. */
void gmchat_push_read(gmchat_push_t *push, const gmchat_value_t *value);


#endif /* GMCHAT_PUSH_H */

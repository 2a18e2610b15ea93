#ifndef GMCHAT_SPLIT_H
#define GMCHAT_SPLIT_H


#include "gmchat_core.h"


/* Cuts a string at a byte, which is then in neither part. */

/*
 * Cuts `rest` at its first `c`; `head` is what was before.  Returns 1; 0 if
 * there is no `c`: then `head` is all, and `rest` is empty.
 */
int gmchat_split_first(gmchat_str_t *rest, unsigned char c,
    gmchat_str_t *head);

/*
 * Cuts `rest` before its last `c`; `tail` is what follows.  Returns 1; 0 if
 * there is no `c`: then both are as they were.
 */
int gmchat_split_last(gmchat_str_t *rest, unsigned char c,
    gmchat_str_t *tail);


#endif /* GMCHAT_SPLIT_H */

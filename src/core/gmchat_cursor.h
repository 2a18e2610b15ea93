#ifndef GMCHAT_CURSOR_H
#define GMCHAT_CURSOR_H


#include "gmchat_core.h"


/* The longest cursor: two numbers of 19 digits and what parts them. */
#define GMCHAT_CURSOR_MAX  39

/*
 * An id or cursor is "<epoch>-<n>", two integers without leading zeroes.
 * Returns 1 and fills what is not NULL, or 0 if it has another form.
 */
int gmchat_cursor_parse(const gmchat_str_t *text, int64_t *epoch, int64_t *n);


#endif /* GMCHAT_CURSOR_H */

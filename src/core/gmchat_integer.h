#ifndef GMCHAT_INTEGER_H
#define GMCHAT_INTEGER_H


#include "gmchat_core.h"


/*
 * An integer of the contract: 1 to 19 digits, no sign, no leading zero, at
 * most 2^63-1.  Returns 1 and sets `value` (unless NULL), or 0.
 */
int gmchat_integer_parse(const gmchat_str_t *text, int64_t *value);


#endif /* GMCHAT_INTEGER_H */

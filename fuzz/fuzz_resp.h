#ifndef FUZZ_RESP_H
#define FUZZ_RESP_H


#include "fuzz.h"
#include "gmchat_resp.h"


/* Values of the store. */

/* The first value of what is left, in the arena; NULL if none is whole. */
gmchat_value_t *fuzz_resp_read(fuzz_t *f, gmchat_arena_t *arena);

void fuzz_resp_note(fuzz_t *f, const gmchat_value_t *value);

/* Whether two values are the same, in memory of their own. */
int fuzz_resp_same(const gmchat_value_t *one, const gmchat_value_t *two);

/* Whether all its strings are UTF-8. */
int fuzz_resp_utf8(const gmchat_value_t *value);

/* Adds a value as Redis writes it. */
void fuzz_resp_write(const gmchat_value_t *value, gmchat_buf_t *buf);


#endif /* FUZZ_RESP_H */

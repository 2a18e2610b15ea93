#ifndef TEST_TOOLS_H
#define TEST_TOOLS_H


#include <stddef.h>
#include <stdint.h>

#include <check.h>

#include "gmchat_arena.h"
#include "gmchat_value.h"


/* What the tests share. */


/* The number of elements of an array. */
#define check_nelts(array)  (sizeof(array) / sizeof((array)[0]))


/*
 * A program's main() takes its one test case from check_begin(), adds its
 * tests to it and returns check_end(), which runs them: 0 if all passed.
 */
TCase *check_begin(const char *name);
int check_end(void);

/*
 * A copy in a block of its own of exactly `len` bytes, without a zero at the
 * end, so that the address sanitizer sees a read past it.  The caller frees.
 */
unsigned char *check_exact(const void *data, size_t len);

/*
 * A store's reply from its notation: 'string', 12, nil, !error, and lists of
 * them such as ['ok' 0 [nil]].  It lives in the arena.
 */
gmchat_value_t *check_value(gmchat_arena_t *arena, const char *text);

/* The next of a repeatable row of random numbers; *seed is not 0. */
uint64_t check_random(uint64_t *seed);

/* The same, from 0 to n - 1. */
size_t check_random_below(uint64_t *seed, size_t n);


#endif /* TEST_TOOLS_H */

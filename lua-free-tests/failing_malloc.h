#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H


#include <stddef.h>


/*
 * Memory that runs out on demand.  The Makefile has the pure sources of src
 * call failing_malloc(), failing_calloc() and failing_realloc() where they
 * wrote malloc(), calloc() and realloc(), and hiredis too; the tests, Check and
 * other libraries call the real ones.  jansson goes along after
 * failing_malloc_jansson().
 */


/* From now on the k-th allocation, from 1, fails, once.  0: none does. */
void failing_malloc_arm(size_t k);

/* Ends it.  Returns 1 if an allocation did fail since it was armed, else 0. */
int failing_malloc_disarm(void);

/* How many allocations there were since it was armed. */
size_t failing_malloc_count(void);

/*
 * Calls run(data) with the first allocation failing, then with the second, and
 * so on, up to a run in which there was none left to fail; returns how many
 * failed, each in its turn.  run() calls failing_malloc_disarm() after what it
 * tests to learn which outcome is right, and frees what it got: a leak fails
 * the test when it ends.
 */
size_t failing_malloc_each(void (*run)(void *data), void *data);

/* jansson's allocations are counted and fail too, up to the test's end. */
void failing_malloc_jansson(void);


/* what the sources are made to call */

void *failing_malloc(size_t size);
void *failing_calloc(size_t n, size_t size);
void *failing_realloc(void *p, size_t size);


#endif /* FAILING_MALLOC_H */

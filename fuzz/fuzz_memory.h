#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H


/*
 * What the sources get from malloc() is filled with a byte that changes from
 * run to run, and grows only by moving: what reads bytes that nobody wrote, or
 * keeps a pointer that realloc() made invalid, is found.
 */

/* No call gets more, as on a machine of little memory: Redis' protocol lets a
 * few bytes announce many. */
#define FUZZ_MEMORY_MAX  (16 << 20)


/* The byte from now on. */
void fuzz_fill(unsigned char byte);


#endif /* FUZZ_MEMORY_H */

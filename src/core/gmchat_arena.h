#ifndef GMCHAT_ARENA_H
#define GMCHAT_ARENA_H


#include "gmchat_core.h"


/*
 * Memory that is given back all at once.  The first block is kept by a reset,
 * so that an arena in steady use does not call malloc().
 */

typedef struct gmchat_arena_block_s  gmchat_arena_block_t;

typedef struct {
    gmchat_arena_block_t  *first;
    gmchat_arena_block_t  *last;
    unsigned               failed:1;    /* since the last reset */
} gmchat_arena_t;


/* An arena of zeroes is an empty one. */

/* Returns `size` bytes aligned for any type, owned by the arena; or NULL. */
void *gmchat_arena_alloc(gmchat_arena_t *arena, size_t size);

/* Copies `len` bytes and ends them with a zero byte; NULL without memory. */
unsigned char *gmchat_arena_copy(gmchat_arena_t *arena, const void *data,
    size_t len);

/* Forgets all that was allocated; everything given out is invalid. */
void gmchat_arena_reset(gmchat_arena_t *arena);

/* The same, and frees all memory. */
void gmchat_arena_free(gmchat_arena_t *arena);


#endif /* GMCHAT_ARENA_H */

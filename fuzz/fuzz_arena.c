#include <stdlib.h>

#include "failing_malloc.h"
#include "gmchat_arena.h"


/* gmchat_arena.h with a block of its own for each piece of memory. */

struct gmchat_arena_block_s {
    gmchat_arena_block_t  *next;
    void                  *data;
};


void *
gmchat_arena_alloc(gmchat_arena_t *arena, size_t size)
{
    void                  *data;
    gmchat_arena_block_t  *block;

    data = size > SIZE_MAX / 2 ? NULL : failing_malloc(size);
    if (data == NULL) {
        arena->failed = 1;
        return NULL;
    }

    block = malloc(sizeof(gmchat_arena_block_t));
    if (block == NULL) {
        abort();
    }

    block->data = data;
    block->next = arena->first;
    arena->first = block;

    return data;
}


unsigned char *
gmchat_arena_copy(gmchat_arena_t *arena, const void *data, size_t len)
{
    unsigned char  *p;

    p = gmchat_arena_alloc(arena, len + 1);
    if (p == NULL) {
        return NULL;
    }

    if (len) {
        memcpy(p, data, len);
    }

    p[len] = '\0';

    return p;
}


void
gmchat_arena_reset(gmchat_arena_t *arena)
{
    gmchat_arena_free(arena);
}


void
gmchat_arena_free(gmchat_arena_t *arena)
{
    gmchat_arena_block_t  *block;

    while (arena->first) {
        block = arena->first;
        arena->first = block->next;
        free(block->data);
        free(block);
    }

    arena->failed = 0;
}

#include <stdlib.h>

#include "gmchat_arena.h"


/* A block holds the parameters of nearly every call. */
#define GMCHAT_ARENA_BLOCK  4000
#define GMCHAT_ARENA_ALIGN  sizeof(max_align_t)


struct gmchat_arena_block_s {
    gmchat_arena_block_t  *next;
    size_t                 size;
    size_t                 used;
    max_align_t            data[];
};


static gmchat_arena_block_t *
gmchat_arena_block(size_t size)
{
    gmchat_arena_block_t  *block;

    if (size < GMCHAT_ARENA_BLOCK) {
        size = GMCHAT_ARENA_BLOCK;
    }

    block = malloc(sizeof(gmchat_arena_block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    block->next = NULL;
    block->size = size;
    block->used = 0;

    return block;
}


void *
gmchat_arena_alloc(gmchat_arena_t *arena, size_t size)
{
    unsigned char         *p;
    gmchat_arena_block_t  *block;

    if (size > SIZE_MAX / 2) {
        arena->failed = 1;
        return NULL;
    }

    size = (size + GMCHAT_ARENA_ALIGN - 1) & ~(GMCHAT_ARENA_ALIGN - 1);

    if (arena->last == NULL || arena->last->size - arena->last->used < size) {
        block = gmchat_arena_block(size);
        if (block == NULL) {
            arena->failed = 1;
            return NULL;
        }

        if (arena->last == NULL) {
            arena->first = block;

        } else {
            arena->last->next = block;
        }

        arena->last = block;
    }

    p = (unsigned char *) arena->last->data + arena->last->used;
    arena->last->used += size;

    return p;
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


static void
gmchat_arena_free_blocks(gmchat_arena_block_t *block)
{
    gmchat_arena_block_t  *next;

    while (block) {
        next = block->next;
        free(block);
        block = next;
    }
}


void
gmchat_arena_reset(gmchat_arena_t *arena)
{
    arena->failed = 0;

    if (arena->first == NULL) {
        return;
    }

    if (arena->first->size > GMCHAT_ARENA_BLOCK) {
        gmchat_arena_free(arena);
        return;
    }

    gmchat_arena_free_blocks(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->last = arena->first;
}


void
gmchat_arena_free(gmchat_arena_t *arena)
{
    gmchat_arena_free_blocks(arena->first);
    arena->first = NULL;
    arena->last = NULL;
    arena->failed = 0;
}

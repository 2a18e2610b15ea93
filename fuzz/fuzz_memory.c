#include <stdlib.h>
#include <string.h>

#include <sanitizer/allocator_interface.h>

#include "fuzz_memory.h"


static unsigned char  fuzz_filling;


void  *fuzz_malloc(size_t size);
void  *fuzz_calloc(size_t n, size_t size);
void  *fuzz_realloc(void *p, size_t size);


void
fuzz_fill(unsigned char byte)
{
    fuzz_filling = byte;
}


void *
fuzz_malloc(size_t size)
{
    void  *p;

    if (size > FUZZ_MEMORY_MAX) {
        return NULL;
    }

    p = malloc(size);

    if (p) {
        memset(p, fuzz_filling, size);
    }

    return p;
}


void *
fuzz_calloc(size_t n, size_t size)
{
    return size && n > FUZZ_MEMORY_MAX / size ? NULL : calloc(n, size);
}


void *
fuzz_realloc(void *p, size_t size)
{
    void    *moved;
    size_t   old;

    moved = fuzz_malloc(size);

    if (p == NULL || moved == NULL) {
        return moved;
    }

    old = __sanitizer_get_allocated_size(p);
    memcpy(moved, p, old < size ? old : size);
    free(p);

    return moved;
}

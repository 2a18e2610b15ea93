#include <stdlib.h>

#include <jansson.h>

#include "failing_malloc.h"


static size_t  failing_malloc_at;
static size_t  failing_malloc_calls;
static int     failing_malloc_fired;


static int
failing_malloc_now(void)
{
    failing_malloc_calls++;

    if (failing_malloc_calls != failing_malloc_at) {
        return 0;
    }

    failing_malloc_fired = 1;

    return 1;
}


void
failing_malloc_arm(size_t k)
{
    failing_malloc_at = k;
    failing_malloc_calls = 0;
    failing_malloc_fired = 0;
}


int
failing_malloc_disarm(void)
{
    failing_malloc_at = 0;

    return failing_malloc_fired;
}


size_t
failing_malloc_count(void)
{
    return failing_malloc_calls;
}


size_t
failing_malloc_each(void (*run)(void *data), void *data)
{
    size_t  k;

    for (k = 1; /* void */ ; k++) {
        failing_malloc_arm(k);
        run(data);

        if (!failing_malloc_disarm()) {
            return k - 1;
        }
    }
}


void
failing_malloc_jansson(void)
{
    json_set_alloc_funcs(failing_malloc, free);
}


void *
failing_malloc(size_t size)
{
    return failing_malloc_now() ? NULL : malloc(size);
}


void *
failing_calloc(size_t n, size_t size)
{
    return failing_malloc_now() ? NULL : calloc(n, size);
}


void *
failing_realloc(void *p, size_t size)
{
    return failing_malloc_now() ? NULL : realloc(p, size);
}

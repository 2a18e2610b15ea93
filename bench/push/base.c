/*
 * What every other file needs: the end, memory, the clock, buffers.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "push.h"


void
die(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    fprintf(stderr, "push: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}


void *
allocate(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        die("no memory");
    }

    return p;
}


int64_t
clock_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * NS + ts.tv_nsec;
}


/* Room for n bytes behind those that are there, and a zero. */

void
buf_room(buf_t *buf, size_t n)
{
    if (buf->len + n + 1 <= buf->size) {
        return;
    }

    buf->size = 2 * (buf->len + n + 1);
    buf->data = realloc(buf->data, buf->size);

    if (buf->data == NULL) {
        die("no memory");
    }
}


/* The first n bytes are done with. */

void
buf_cut(buf_t *buf, size_t n)
{
    buf->len -= n;
    memmove(buf->data, buf->data + n, buf->len + 1);
}

/*
 * For Test::Gmchat::Memory: a library that nginx is started with and that has
 * one allocation of one process fail, or all from one on.
 *
 *     cc -shared -fPIC -o scarce.so t/lib/scarce_memory.c -ldl
 *     SCARCE_MEMORY=file LD_PRELOAD=scarce.so nginx ...
 *
 * The file is an order_t, mapped: the test writes the first fields and reads
 * the others while the process runs.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>


typedef struct {
    int64_t  pid;       /* whose allocations; 0: nobody's */
    int64_t  at;        /* the first that fails, from 1; 0: none */
    int64_t  span;      /* how many fail from there on */
    int64_t  count;     /* how many there were since `at` was written */
    int64_t  failed;    /* how many of them did fail */
    int64_t  live;      /* blocks there are, less those before the pid was */
} order_t;


static order_t  nobody;
static order_t *order = &nobody;

static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t n, size_t size);
static void *(*real_realloc)(void *p, size_t size);
static void  (*real_free)(void *p);
static int   (*real_posix_memalign)(void **p, size_t align, size_t size);


/* dlsym() may allocate before the real ones are known; it never frees. */

static unsigned char  early[65536] __attribute__((aligned(16)));
static size_t         early_used;


static void *
early_alloc(size_t size)
{
    void  *p;

    size = (size + 15) & ~(size_t) 15;

    if (size > sizeof(early) - early_used) {
        _exit(127);
    }

    p = early + early_used;
    early_used += size;

    return p;
}


static int
is_early(const void *p)
{
    return (const unsigned char *) p >= early
           && (const unsigned char *) p < early + sizeof(early);
}


static void
find_real(void)
{
    static int  looking;

    if (looking) {
        return;
    }

    looking = 1;
    real_calloc = dlsym(RTLD_NEXT, "calloc");
    real_realloc = dlsym(RTLD_NEXT, "realloc");
    real_free = dlsym(RTLD_NEXT, "free");
    real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    real_malloc = dlsym(RTLD_NEXT, "malloc");
}


__attribute__((constructor))
static void
map_order(void)
{
    int          fd;
    void        *p;
    const char  *name;

    find_real();

    name = getenv("SCARCE_MEMORY");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    p = mmap(NULL, sizeof(order_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        order = p;
    }

    close(fd);
}


static int
is_mine(void)
{
    return order->pid && order->pid == getpid();
}


/* Whether the allocation that is about to be made fails. */

static int
fails(void)
{
    int64_t  n, first;

    if (!is_mine()) {
        return 0;
    }

    n = ++order->count;
    first = order->at;

    if (first == 0 || n < first || n - first >= order->span) {
        return 0;
    }

    order->failed++;
    errno = ENOMEM;

    return 1;
}


static void *
counted(void *p)
{
    if (p && is_mine()) {
        order->live++;
    }

    return p;
}


void *
malloc(size_t size)
{
    if (real_malloc == NULL) {
        find_real();
    }

    if (real_malloc == NULL) {
        return early_alloc(size);
    }

    return fails() ? NULL : counted(real_malloc(size));
}


void *
calloc(size_t n, size_t size)
{
    if (real_malloc == NULL) {
        find_real();
    }

    if (real_malloc == NULL) {
        return early_alloc(n * size);
    }

    return fails() ? NULL : counted(real_calloc(n, size));
}


void *
realloc(void *p, size_t size)
{
    void  *q;

    if (p == NULL) {
        return malloc(size);
    }

    if (is_early(p)) {
        q = malloc(size);

        if (q) {
            memcpy(q, p, size < (size_t) (early + sizeof(early)
                                          - (unsigned char *) p)
                             ? size : (size_t) (early + sizeof(early)
                                                - (unsigned char *) p));
        }

        return q;
    }

    if (fails()) {
        return NULL;
    }

    q = real_realloc(p, size);

    if (q == NULL && size == 0 && is_mine()) {
        order->live--;
    }

    return q;
}


int
posix_memalign(void **p, size_t align, size_t size)
{
    int  rc;

    if (real_malloc == NULL) {
        find_real();
    }

    if (fails()) {
        return ENOMEM;
    }

    rc = real_posix_memalign(p, align, size);

    if (rc == 0) {
        (void) counted(*p);
    }

    return rc;
}


void
free(void *p)
{
    if (p == NULL || is_early(p)) {
        return;
    }

    if (is_mine()) {
        order->live--;
    }

    real_free(p);
}

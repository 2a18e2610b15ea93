#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "failing_malloc.h"
#include "fuzz.h"
#include "fuzz_memory.h"


/* Pieces are up to so many bytes; many are one or two. */
#define FUZZ_PIECE  24

#define FUZZ_HEAD   2


static size_t   fuzz_failing;
static fuzz_t  *fuzz_running;


int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);


void
fuzz_broken(const char *condition, const char *file, int line)
{
    if (fuzz_running) {
        fprintf(stderr, "seen so far: %.*s\n", (int) fuzz_running->len,
                fuzz_running->notes);
    }

    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}


static void
fuzz_room(fuzz_t *f, size_t more)
{
    while (f->size - f->len < more) {
        f->size = f->size ? f->size * 2 : 4096;
        f->notes = realloc(f->notes, f->size);
        fuzz_must(f->notes != NULL);
    }
}


void
fuzz_note(fuzz_t *f, const char *format, ...)
{
    int      n;
    va_list  args;

    fuzz_room(f, 512);

    va_start(args, format);
    n = vsnprintf(f->notes + f->len, 512, format, args);
    va_end(args);

    fuzz_must(n >= 0 && n < 512);
    f->len += (size_t) n;
}


void
fuzz_note_bytes(fuzz_t *f, const char *name, const void *data, size_t len)
{
    fuzz_note(f, " %s(%zu):", name, len);
    fuzz_room(f, len + 1);

    if (len) {
        memcpy(f->notes + f->len, data, len);
    }

    f->len += len;
}


void
fuzz_note_str(fuzz_t *f, const char *name, const gmchat_str_t *str)
{
    if (str->data == NULL) {
        fuzz_note(f, " %s:none", name);
        return;
    }

    fuzz_note_bytes(f, name, str->data, str->len);
}


unsigned
fuzz_byte(fuzz_t *f)
{
    return f->pos < f->last ? *f->pos++ : 0;
}


unsigned
fuzz_below(fuzz_t *f, unsigned n)
{
    return (unsigned char) (fuzz_byte(f) - '0') % n;
}


gmchat_str_t
fuzz_line(fuzz_t *f)
{
    gmchat_str_t          line;
    const unsigned char  *end;

    end = f->pos < f->last ? memchr(f->pos, '\n', (size_t) (f->last - f->pos))
                           : NULL;

    line.data = (unsigned char *) f->pos;
    line.len = (size_t) ((end ? end : f->last) - f->pos);
    f->pos = end ? end + 1 : f->last;

    return line;
}


gmchat_str_t
fuzz_rest(fuzz_t *f)
{
    gmchat_str_t  rest;

    rest.data = (unsigned char *) f->pos;
    rest.len = (size_t) (f->last - f->pos);
    f->pos = f->last;

    return rest;
}


unsigned char *
fuzz_piece(fuzz_t *f, size_t *len)
{
    unsigned char  *piece;

    *len = (size_t) (f->last - f->pos);

    if (*len == 0) {
        return NULL;
    }

    if (f->cuts) {
        f->cuts = f->cuts * UINT64_C(6364136223846793005)
                  + UINT64_C(1442695040888963407);

        if (*len > 1 + (f->cuts >> 33) % FUZZ_PIECE) {
            *len = 1 + (f->cuts >> 33) % FUZZ_PIECE;
        }
    }

    piece = fuzz_copy(f->pos, *len).data;
    f->pos += *len;

    return piece;
}


gmchat_str_t
fuzz_copy(const void *data, size_t len)
{
    gmchat_str_t  copy;

    copy.len = len;
    copy.data = malloc(len);
    fuzz_must(copy.data != NULL);

    if (len) {
        memcpy(copy.data, data, len);
    }

    return copy;
}


void
fuzz_feed(fuzz_t *f)
{
    if (f->starved) {
        failing_malloc_arm(0);
    }
}


/* What is to fail is counted from here anew. */

void
fuzz_starve(fuzz_t *f)
{
    if (f->starved) {
        failing_malloc_arm(fuzz_failing);
    }
}


int
fuzz_same(const gmchat_str_t *one, const gmchat_str_t *two)
{
    return one->len == two->len
           && (one->len == 0 || memcmp(one->data, two->data, one->len) == 0);
}


int
fuzz_within(const gmchat_str_t *str, const gmchat_str_t *whole)
{
    return str->data >= whole->data && str->len <= whole->len
           && (size_t) (str->data - whole->data) <= whole->len - str->len;
}


static void
fuzz_once(fuzz_t *f, const unsigned char *data, size_t len, uint64_t cuts,
    unsigned char filling)
{
    gmchat_str_t  copy;

    copy = fuzz_copy(data, len);

    f->pos = copy.data;
    f->last = copy.data + len;
    f->len = 0;
    f->cuts = cuts;

    fuzz_running = f;
    fuzz_fill(filling);
    fuzz_run(f);
    fuzz_running = NULL;

    free(copy.data);
}


static void
fuzz_compare(const fuzz_t *one, const fuzz_t *two)
{
    if (one->len == two->len
        && (one->len == 0 || memcmp(one->notes, two->notes, one->len) == 0))
    {
        return;
    }

    fprintf(stderr, "whole:\n%.*s\nin pieces:\n%.*s\n", (int) one->len,
            one->notes, (int) two->len, two->notes);
    fuzz_broken("whole and in pieces is the same", __FILE__, __LINE__);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;

    /*
     * The same in each run.  jansson's own memory does not fail: it asserts
     * where it ends within a token of 16 bytes or more (lex_unget_unsave).
     */

    json_object_seed(1);

    return 0;
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    uint64_t       cuts;
    static fuzz_t  whole, pieces;

    if (len < FUZZ_HEAD) {
        return 0;
    }

    fuzz_failing = (unsigned char) (data[0] - '0');
    cuts = data[1] == '0' ? 0 : data[1];
    data += FUZZ_HEAD;
    len -= FUZZ_HEAD;

    fuzz_once(&whole, data, len, 0, 0xa5);
    fuzz_once(&pieces, data, len, cuts, 0x5a);
    fuzz_compare(&whole, &pieces);

    if (fuzz_failing) {
        pieces.starved = 1;
        fuzz_starve(&pieces);
        fuzz_once(&pieces, data, len, cuts, 0);
        failing_malloc_disarm();
        pieces.starved = 0;
    }

    return 0;
}

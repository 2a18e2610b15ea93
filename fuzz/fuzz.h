#ifndef FUZZ_H
#define FUZZ_H


#include "gmchat_arena.h"
#include "gmchat_buf.h"


/*
 * What the fuzzers share.  A fuzzer is one function, fuzz_run(), which gives
 * some bytes to the sources, asserts what must hold, and notes what it saw.
 *
 * An input is a head of two characters and the bytes:
 *
 *     memory   0: it is there; any other: so many allocations after the
 *              character '0' one fails
 *     cuts     0: the bytes come whole; any other: the seed of the pieces
 *
 * Each input is run twice at least: whole, and in pieces and in memory that was
 * filled with other bytes.  Both must note the same, so that a result that
 * hangs on the pieces, or on memory that nobody wrote, is found.  With a memory
 * character it runs once more, and then may fail in any orderly way.
 */

typedef struct {
    const unsigned char  *pos;      /* what fuzz_byte() and such take next */
    const unsigned char  *last;
    char                 *notes;
    size_t                len;
    size_t                size;
    uint64_t              cuts;     /* 0: whole */
    unsigned              starved:1;    /* an allocation fails somewhere */
} fuzz_t;


/* Runs one input.  Each fuzzer has its own. */
void fuzz_run(fuzz_t *f);


/* Ends the program, which is a finding. */
#define fuzz_must(condition)                                                  \
    ((condition) ? (void) 0 : fuzz_broken(#condition, __FILE__, __LINE__))

/* The same for what holds only while there is memory. */
#define fuzz_must_fed(f, condition)  fuzz_must((f)->starved || (condition))

void fuzz_broken(const char *condition, const char *file, int line)
    __attribute__((noreturn));


/* Notes what was seen; not in the memory that may fail. */
void fuzz_note(fuzz_t *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fuzz_note_bytes(fuzz_t *f, const char *name, const void *data,
    size_t len);
void fuzz_note_str(fuzz_t *f, const char *name, const gmchat_str_t *str);

/* The next byte; 0 behind the last. */
unsigned fuzz_byte(fuzz_t *f);

/* The next byte as a number below `n`: '0' is 0, so that it can be typed. */
unsigned fuzz_below(fuzz_t *f, unsigned n);

/* The bytes up to the next line end, which is taken too; or all that is left.
 * They stay where they are. */
gmchat_str_t fuzz_line(fuzz_t *f);

/* All that is left. */
gmchat_str_t fuzz_rest(fuzz_t *f);

/*
 * The next piece of what is left, in a block of exactly its size, which the
 * caller frees; NULL at the end.
 */
unsigned char *fuzz_piece(fuzz_t *f, size_t *len);

/* A copy in a block of exactly its size, which the caller frees. */
gmchat_str_t fuzz_copy(const void *data, size_t len);

/* Calls of the tests' own, for which all memory is there. */
void fuzz_feed(fuzz_t *f);
void fuzz_starve(fuzz_t *f);

int fuzz_same(const gmchat_str_t *one, const gmchat_str_t *two);

/* Whether `str` lies within `whole`. */
int fuzz_within(const gmchat_str_t *str, const gmchat_str_t *whole);


#endif /* FUZZ_H */

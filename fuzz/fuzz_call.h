#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H


#include "fuzz.h"
#include "gmchat_args.h"


/* What becomes of parameters, however they came. */

/* Bytes of a message: little, so that the limit is met. */
#define FUZZ_MESSAGE_MAX  60


typedef gmchat_status_e (*fuzz_call_read_pt)(gmchat_args_t *args,
    gmchat_arena_t *arena, const unsigned char *data, size_t len,
    gmchat_refusal_t *refusal);


/*
 * All that is left is read by `read`: what was accepted goes through
 * fuzz_call() and is given to `again`, unless memory is short.
 */
void fuzz_call_read(fuzz_t *f, fuzz_call_read_pt read,
    void (*again)(const gmchat_args_t *args));

/*
 * Runs the call on both endpoints: finds its action, checks it, builds its
 * script call; asserts what each accepted value must be, and that each refusal
 * can be written.
 */
void fuzz_call(fuzz_t *f, const gmchat_args_t *args, gmchat_arena_t *arena);

/* Asserts that a refusal can be written, and notes it. */
void fuzz_call_refused(fuzz_t *f, gmchat_status_e status,
    const gmchat_refusal_t *refusal);

/* Asserts that both hold the same values; what was given in a wrong way is
 * left out. */
void fuzz_call_same(const gmchat_args_t *one, const gmchat_args_t *two);

/* The parameters as a query or a form, each byte as %XX. */
void fuzz_call_escape(const gmchat_args_t *args, gmchat_buf_t *buf);


#endif /* FUZZ_CALL_H */

#include <stdlib.h>

#include "fuzz_call.h"


/*
 * A query string or a form: the third character of an input says which.  What
 * was read, written with %XX alone, is read as the same in both forms.
 */


static const fuzz_call_read_pt  fuzz_args_forms[] = {
    gmchat_args_query, gmchat_args_form
};


static void
fuzz_args_again(const gmchat_args_t *args)
{
    unsigned          i;
    gmchat_buf_t      buf = { 0 };
    gmchat_str_t      copy;
    gmchat_args_t     again;
    gmchat_arena_t    arena = { 0 };
    gmchat_refusal_t  refusal;

    fuzz_call_escape(args, &buf);
    copy = fuzz_copy(buf.data, buf.len);

    for (i = 0; i < 2; i++) {
        memset(&again, 0, sizeof(again));
        fuzz_must(fuzz_args_forms[i](&again, &arena, copy.data, copy.len,
                                     &refusal)
                  == GMCHAT_OK);
        fuzz_call_same(args, &again);
    }

    free(copy.data);
    gmchat_buf_free(&buf);
    gmchat_arena_free(&arena);
}


void
fuzz_run(fuzz_t *f)
{
    fuzz_call_read(f, fuzz_args_forms[fuzz_below(f, 2)], fuzz_args_again);
}

#ifndef GMCHAT_ARGS_H
#define GMCHAT_ARGS_H


#include "gmchat_params.h"


/*
 * The parameters of one call, however they came.  Values live in the arena
 * that was given to the reader.  A value whose data is NULL was not given.
 */

typedef struct {
    gmchat_str_t   values[GMCHAT_PARAMS];

    /* given in a way that no check of its value would notice */
    unsigned char  twice[GMCHAT_PARAMS];
    unsigned char  escape[GMCHAT_PARAMS];
    unsigned char  kind[GMCHAT_PARAMS];
} gmchat_args_t;


/*
 * Each reads parameters and adds them to `args`; names that the contract does
 * not have are ignored.  Returns GMCHAT_OK, or the status with `refusal`
 * filled.  What is wrong with one parameter is kept, and told by
 * gmchat_args_check() if the action knows that parameter.
 */

/* A query string: %XX is decoded, + stays +. */
gmchat_status_e gmchat_args_query(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal);

/* application/x-www-form-urlencoded: %XX is decoded, + is a space. */
gmchat_status_e gmchat_args_form(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal);

/* application/json: one flat object of strings and integers. */
gmchat_status_e gmchat_args_json(gmchat_args_t *args, gmchat_arena_t *arena,
    const unsigned char *data, size_t len, gmchat_refusal_t *refusal);

/*
 * Checks one parameter that was given; its value may be put into another
 * form.  Returns GMCHAT_OK, or the status with `refusal` filled.
 */
gmchat_status_e gmchat_args_check(gmchat_args_t *args, gmchat_param_e id,
    const gmchat_param_env_t *env, gmchat_refusal_t *refusal);

/* Around what reads JSON by jansson, whose errors do not say that memory ran
 * out: the second returns 1 if it did since the first. */
void gmchat_json_watch(void);
int gmchat_json_unwatch(void);

static inline int
gmchat_args_given(const gmchat_args_t *args, gmchat_param_e id)
{
    return args->values[id].data != NULL;
}


#endif /* GMCHAT_ARGS_H */

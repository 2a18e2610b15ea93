#ifndef REPLY_TOOLS_H
#define REPLY_TOOLS_H


#include "gmchat_reply.h"


/* What the tests of encoders share. */


/* What call() made ready, or made. */
extern gmchat_arena_t          arena;
extern gmchat_buf_t            out;
extern gmchat_args_t           args;
extern gmchat_reply_t          reply;
extern const gmchat_action_t  *action;


/* Around each test. */
void setup(void);
void teardown(void);

/* Makes ready to answer a call, whose script gave `value` (check_value). */
void call(gmchat_endpoint_e endpoint, const char *query, const char *value);

/* The body, with what is base64 in data, apply_data, .. decoded in <>. */
const char *unpacked(void);

/* A call and its whole body, as unpacked() has it. */
void answers(gmchat_endpoint_e endpoint, const char *query,
    const char *value, const char *expected);

/* Another shape than the action's is not answered. */
void faults(gmchat_endpoint_e endpoint, const char *query,
    const char *value);

/* The call is answered again without each of its allocations, of which there
 * are at least so many. */
void short_of_memory(size_t least);


#endif /* REPLY_TOOLS_H */

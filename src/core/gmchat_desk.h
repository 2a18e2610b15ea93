#ifndef GMCHAT_DESK_H
#define GMCHAT_DESK_H


#include "gmchat_action.h"


/*
 * A call that somebody is named for, an operator, runs its script in the desk
 * variant: with the operator's rights checked before and the change noted
 * after (src/lua/include/desk_before.lua, desk_after.lua).  One more word, the
 * last, says what these need to know.
 */

typedef struct {
    gmchat_str_t    operator;   /* who acts, as gmchat_param() allows it */
    gmchat_str_t    address;    /* and from where */
    gmchat_str_t    audit;      /* entries that are kept, as text */
    unsigned        admin:1;    /* whatever role the store knows */
} gmchat_desk_t;


/* What is noted of a call. */

typedef enum {
    GMCHAT_NOTE_NONE = 0,
    GMCHAT_NOTE_REFUSAL,        /* that the operator has no right to it */
    GMCHAT_NOTE_CHANGE          /* what it wrote, and any refusal */
} gmchat_note_e;


/* The i-th member of what is noted of a call's parameters, as the audit calls
 * it; NULL past the last. */
const char *gmchat_desk_param(size_t i);

/* The right that a call of the action takes. */
gmchat_right_e gmchat_desk_right(const gmchat_action_t *action,
    const gmchat_args_t *args);

/* What is to be noted of one. */
gmchat_note_e gmchat_desk_note(const gmchat_action_t *action);

/*
 * Makes a script call, which is built already, that of the desk variant.  The
 * word is in the arena.  Returns 0, or -1 without memory.
 */
int gmchat_desk_sign(gmchat_script_call_t *call, const gmchat_desk_t *desk,
    const gmchat_action_t *action, const gmchat_args_t *args,
    gmchat_note_e note, gmchat_arena_t *arena);


#endif /* GMCHAT_DESK_H */

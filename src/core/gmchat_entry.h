#ifndef GMCHAT_ENTRY_H
#define GMCHAT_ENTRY_H


#include "gmchat_action.h"


/*
 * An entry of a mailbox or of a conversation, as Redis gives the entries of a
 * stream (XRANGE): {id, {field, value, ...}}.
 */

typedef struct {
    gmchat_str_t   id;
    gmchat_str_t   uid;       /* u */
    gmchat_str_t   gm;        /* g */
    gmchat_str_t   name;      /* a: the GM's */
    gmchat_str_t   msg;       /* m: base64 */
    gmchat_str_t   change;    /* c: apply, remove */
    gmchat_str_t   dir;       /* d: p, g */
    gmchat_str_t   mailed;    /* i: the id in the receiver's mailbox */
    int64_t        ts;        /* t: ms since 1970 */
} gmchat_entry_t;


/* Returns 0, or -1 if `value` is no entry.  What it lacks is empty. */
int gmchat_entry_read(gmchat_entry_t *entry, const gmchat_value_t *value);

/*
 * Writes `"text":...` where the message decodes to UTF-8, else `"msg":...` as
 * it was sent.  `scratch` holds the decoded text meanwhile.
 */
void gmchat_entry_message(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    gmchat_buf_t *scratch);

/* The members of a message as format=json has it; `gm` is its GM. */
void gmchat_entry_members(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    const gmchat_str_t *gm, gmchat_buf_t *scratch);

/* The members of a change of a friendship, likewise. */
void gmchat_entry_relation_members(gmchat_buf_t *buf,
    const gmchat_entry_t *entry);

/* The same as an object of a list. */
void gmchat_entry_json(gmchat_buf_t *buf, const gmchat_entry_t *entry,
    const gmchat_str_t *gm, gmchat_buf_t *scratch);
void gmchat_entry_relation_json(gmchat_buf_t *buf,
    const gmchat_entry_t *entry);

/* The members of a message of a conversation. */
void gmchat_entry_history_members(gmchat_buf_t *buf,
    const gmchat_entry_t *entry, gmchat_buf_t *scratch);

/*
 * The messages as part 1 has them, [{"uid":"..","msg":"m1,m2"},..]: by
 * player, in order, at most 10 in an item.  `entries` is an array of them.
 * Returns 0, or -1 for another shape or without memory.
 */
int gmchat_entry_items(gmchat_buf_t *buf, const gmchat_value_t *entries,
    gmchat_arena_t *arena);

/*
 * The changes as part 1 has them, each player once in its last state:
 * {"uid":["gm","name"],..} into `apply`, ["uid",..] into `removed`.  Returns
 * as above.
 */
int gmchat_entry_relations(gmchat_buf_t *apply, gmchat_buf_t *removed,
    const gmchat_value_t *entries, gmchat_arena_t *arena);


#endif /* GMCHAT_ENTRY_H */

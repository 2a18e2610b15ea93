#ifndef GMCHAT_KEYS_H
#define GMCHAT_KEYS_H


#include "gmchat_arena.h"


/*
 * All keys of a group begin with "gmchat:{<group>}:", whose braces keep them
 * in one slot of a cluster (docs/keys.md).
 */

/* Returns 0 and the prefix, in the arena; or -1 without memory. */
int gmchat_keys_prefix(gmchat_str_t *prefix, gmchat_arena_t *arena,
    const gmchat_str_t *group);

/* Returns 0 and prefix + kind + id, in the arena; or -1 without memory. */
int gmchat_keys_join(gmchat_str_t *key, gmchat_arena_t *arena,
    const gmchat_str_t *prefix, const char *kind, const gmchat_str_t *id);


#endif /* GMCHAT_KEYS_H */

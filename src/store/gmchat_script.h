#ifndef GMCHAT_SCRIPT_H
#define GMCHAT_SCRIPT_H


#include "gmchat_core.h"


/* The Redis scripts of src/lua, which the build puts into the module. */

#define GMCHAT_SHA_LEN  40

typedef struct {
    gmchat_str_t    body;
    unsigned char   sha[GMCHAT_SHA_LEN];    /* of the body, in hex */
} gmchat_script_text_t;

/* What a script may be made into.  GMCHAT_SCRIPT_SHARDED and .._DESK may be
 * added up. */

#define GMCHAT_SCRIPT_PLAIN     0
#define GMCHAT_SCRIPT_SHARDED   1       /* uses SPUBLISH */
#define GMCHAT_SCRIPT_DESK      2       /* for an operator: gmchat_desk.h */

#define GMCHAT_SCRIPT_TEXTS     4

typedef struct {
    gmchat_str_t            name;
    gmchat_script_text_t    texts[GMCHAT_SCRIPT_TEXTS];     /* but for the plain
                                                               one, a body may
                                                               be empty */
} gmchat_script_t;


/* All of them; ends with one without a name.  Whoever opens the first store
 * fills in the `sha` of each body that there is. */
gmchat_script_t *gmchat_script_list(void);

/*
 * Makes the sharded bodies of each script, which wake who waits on the same
 * node of a cluster only (https://redis.io/commands/spublish/), of those that
 * there are; does nothing the second time.  Returns 0; or -1 without memory, to
 * be called again.
 */
int gmchat_script_shard(void);

/*
 * Makes the desk body of a script: around its own, what checks an operator's
 * rights and notes what was changed.  Before gmchat_script_shard().  Returns 0,
 * also where it is there already; or -1 without memory, or a script of this
 * name.
 */
int gmchat_script_desk(const char *name);

/* The script of a name; NULL if there is none. */
const gmchat_script_t *gmchat_script_find(const char *name);


#endif /* GMCHAT_SCRIPT_H */

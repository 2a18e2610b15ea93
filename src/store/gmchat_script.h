#ifndef GMCHAT_SCRIPT_H
#define GMCHAT_SCRIPT_H


#include "gmchat_core.h"


/* The Redis scripts of src/lua, which the build puts into the module. */

#define GMCHAT_SHA_LEN  40

typedef struct {
    gmchat_str_t    name;
    gmchat_str_t    body;
    unsigned char   sha[GMCHAT_SHA_LEN];    /* of the body, in hex */
    gmchat_str_t    sharded;    /* the body that uses SPUBLISH; may be empty */
    unsigned char   sharded_sha[GMCHAT_SHA_LEN];
} gmchat_script_t;


/* All of them; ends with one without a name.  Whoever opens the first store
 * fills in `sha`, and `sharded_sha` where there is such a body. */
gmchat_script_t *gmchat_script_list(void);

/*
 * Makes the `sharded` body of each script, which wakes who waits on the same
 * node of a cluster only (https://redis.io/commands/spublish/); does nothing
 * the second time.  Returns 0; or -1 without memory, to be called again.
 */
int gmchat_script_shard(void);

/* The script of a name; NULL if there is none. */
const gmchat_script_t *gmchat_script_find(const char *name);


#endif /* GMCHAT_SCRIPT_H */

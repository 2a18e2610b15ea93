#ifndef GMCHAT_SCRIPT_H
#define GMCHAT_SCRIPT_H


#include "gmchat_core.h"


/* The Redis scripts of src/lua, which the build puts into the module. */

#define GMCHAT_SHA_LEN  40

typedef struct {
    gmchat_str_t    name;
    gmchat_str_t    body;
    unsigned char   sha[GMCHAT_SHA_LEN];    /* of the body, in hex */
} gmchat_script_t;


/* All of them; ends with one without a name.  Whoever opens the first link
 * fills in `sha`. */
gmchat_script_t *gmchat_script_list(void);

/* The script of a name; NULL if there is none. */
const gmchat_script_t *gmchat_script_find(const char *name);


#endif /* GMCHAT_SCRIPT_H */

#ifndef GMCHAT_SCRIPT_CALL_H
#define GMCHAT_SCRIPT_CALL_H


#include "gmchat_core.h"


#define GMCHAT_KEYS_MAX      2
#define GMCHAT_ARGV_MAX      10


/*
 * What a script is called with: nkeys keys, then ARGV.  The strings are the
 * caller's, who keeps them until the call is done.
 */

typedef struct {
    const char     *script;         /* name of a file in src/lua */
    unsigned        nkeys;
    unsigned        n;              /* keys and ARGV together */
    unsigned        history;        /* the word that the store link fills with
                                       its replication id; 0: none */
    gmchat_str_t    words[GMCHAT_KEYS_MAX + GMCHAT_ARGV_MAX];
} gmchat_script_call_t;


#endif /* GMCHAT_SCRIPT_CALL_H */

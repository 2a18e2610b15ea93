#ifndef GMCHAT_SCRIPT_CALL_H
#define GMCHAT_SCRIPT_CALL_H


#include "gmchat_value.h"


#define GMCHAT_ARGV_MAX      10
#define GMCHAT_WORDS_MAX     (3 + GMCHAT_ARGV_MAX)  /* and prefix, mailbox,
                                                       a desk word */


/* What has to have what was written before a reply tells of it. */

typedef struct {
    unsigned        replicas;       /* so many; or .. */
    unsigned        fsync:1;        /* .. the server's disk */
    unsigned        timeout;        /* milliseconds: later it is not known */
} gmchat_durability_t;


/*
 * What a script is called with: KEYS[1], which is the prefix of all that it
 * uses and no key itself, then ARGV.  In a cluster that makes a server refuse
 * a script from the beginning of a move of the keys on.  The strings are the
 * caller's, who keeps them until the call is done.
 */

typedef struct {
    const char     *script;         /* name of a file in src/lua */
    unsigned        n;              /* words */
    unsigned        history;        /* the word that the store link fills with
                                       its replication id; 0: none */
    unsigned        desk:1;         /* the last word is a desk word: see
                                       gmchat_desk.h */
    gmchat_str_t    words[GMCHAT_WORDS_MAX];

    const gmchat_durability_t  *durability;     /* what the reply waits for;
                                                   NULL: nothing */

    /* whether a reply tells nothing that has to be safe; NULL: each does */
    int                       (*quiet)(const gmchat_value_t *reply);
} gmchat_script_call_t;


#endif /* GMCHAT_SCRIPT_CALL_H */

#include "gmchat_fault.h"


#define REFUSED    GMCHAT_STORE_REFUSED
#define UNKNOWN    GMCHAT_STORE_UNKNOWN
#define END        GMCHAT_FAULT_END
#define RERUN      GMCHAT_FAULT_RERUN
#define REDIRECT   GMCHAT_FAULT_REDIRECT
#define LATER      GMCHAT_FAULT_LATER
#define RECONNECT  GMCHAT_FAULT_RECONNECT


/*
 * REFUSED where Redis checks the condition before a script, or before its
 * first write, so that nothing was stored; UNKNOWN where a script may have
 * failed half-way.
 */

static const gmchat_fault_t  gmchat_faults[] = {
    { "NOSCRIPT", RERUN, REFUSED, UNKNOWN, "noscript" },
    { "LOADING", RECONNECT, REFUSED, REFUSED, "loading" },
    { "READONLY", RECONNECT, REFUSED, REFUSED, "readonly" },
    { "MASTERDOWN", RECONNECT, REFUSED, REFUSED, "masterdown" },
    { "NOAUTH", RECONNECT, REFUSED, REFUSED, "auth" },
    { "WRONGPASS", RECONNECT, REFUSED, REFUSED, "auth" },
    { "NOPERM", END, REFUSED, UNKNOWN, "noperm" },
    { "BUSY", END, REFUSED, REFUSED, "busy" },
    { "OOM", END, REFUSED, REFUSED, "oom" },
    { "MISCONF", END, REFUSED, REFUSED, "misconf" },
    { "NOREPLICAS", END, REFUSED, REFUSED, "noreplicas" },
    { "MOVED", REDIRECT, REFUSED, REFUSED, "moved" },
    { "ASK", REDIRECT, REFUSED, REFUSED, "ask" },
    { "TRYAGAIN", LATER, REFUSED, REFUSED, "tryagain" },
    { "CLUSTERDOWN", LATER, REFUSED, REFUSED, "clusterdown" },
    { "CROSSSLOT", END, REFUSED, REFUSED, "crossslot" },
    { "WRONGTYPE", END, UNKNOWN, UNKNOWN, "wrongtype" },
    { NULL, END, UNKNOWN, UNKNOWN, "other" }
};


const gmchat_fault_t *
gmchat_fault_find(const gmchat_str_t *error)
{
    size_t                 len;
    const gmchat_fault_t  *fault;

    for (fault = gmchat_faults; fault->word; fault++) {
        len = strlen(fault->word);

        if (error->len >= len && memcmp(error->data, fault->word, len) == 0
            && (error->len == len || error->data[len] == ' '))
        {
            break;
        }
    }

    return fault;
}


/* Redis names the script that met an error at the error's end. */

gmchat_store_outcome_e
gmchat_fault_outcome(const gmchat_fault_t *fault, const gmchat_str_t *error)
{
    size_t             i;
    static const char  mark[] = "@user_script";

    for (i = 0; i + sizeof(mark) - 1 <= error->len; i++) {
        if (memcmp(error->data + i, mark, sizeof(mark) - 1) == 0) {
            return fault->midway;
        }
    }

    return fault->outcome;
}

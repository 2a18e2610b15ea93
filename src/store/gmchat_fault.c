#include "gmchat_fault.h"


/*
 * REFUSED where Redis checks the condition before a script's first write, so
 * that nothing was stored; UNKNOWN where a script may have failed half-way.
 */

static const gmchat_fault_t  gmchat_faults[] = {

    { "NOSCRIPT", GMCHAT_FAULT_RERUN, GMCHAT_STORE_REFUSED, "noscript" },

    { "LOADING", GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "loading" },
    { "READONLY", GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "readonly" },
    { "MASTERDOWN", GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED,
      "masterdown" },
    { "NOAUTH", GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "auth" },
    { "WRONGPASS", GMCHAT_FAULT_RECONNECT, GMCHAT_STORE_REFUSED, "auth" },

    { "NOPERM", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "noperm" },
    { "BUSY", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "busy" },
    { "OOM", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "oom" },
    { "MISCONF", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "misconf" },
    { "NOREPLICAS", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "noreplicas" },
    { "MOVED", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "moved" },
    { "ASK", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "ask" },
    { "TRYAGAIN", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "tryagain" },
    { "CLUSTERDOWN", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "clusterdown" },
    { "CROSSSLOT", GMCHAT_FAULT_END, GMCHAT_STORE_REFUSED, "crossslot" },

    { "WRONGTYPE", GMCHAT_FAULT_END, GMCHAT_STORE_UNKNOWN, "wrongtype" },
    { NULL, GMCHAT_FAULT_END, GMCHAT_STORE_UNKNOWN, "other" }
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

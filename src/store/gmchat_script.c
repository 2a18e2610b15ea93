#include <stdlib.h>

#include "gmchat_script.h"

#include "gmchat_scripts.h"


gmchat_script_t *
gmchat_script_list(void)
{
    return gmchat_scripts;
}


static int
gmchat_script_shard_one(gmchat_script_t *script)
{
    size_t               i, left;
    unsigned char       *p;

    static const char    from[] = "'PUBLISH'", to[] = "'SPUBLISH'";
    static const size_t  n = sizeof(from) - 1;

    /* a script grows by less than its double */

    p = malloc(2 * script->body.len);
    if (p == NULL) {
        return -1;
    }

    script->sharded.data = p;

    for (i = 0; i < script->body.len; /* void */ ) {
        left = script->body.len - i;

        if (left >= n && memcmp(script->body.data + i, from, n) == 0) {
            memcpy(p, to, sizeof(to) - 1);
            p += sizeof(to) - 1;
            i += n;

        } else {
            *p++ = script->body.data[i++];
        }
    }

    script->sharded.len = (size_t) (p - script->sharded.data);

    return 0;
}


int
gmchat_script_shard(void)
{
    gmchat_script_t  *script;

    for (script = gmchat_scripts; script->name.len; script++) {
        if (script->sharded.len == 0 && gmchat_script_shard_one(script) != 0) {
            return -1;
        }
    }

    return 0;
}


const gmchat_script_t *
gmchat_script_find(const char *name)
{
    const gmchat_script_t  *script;

    for (script = gmchat_scripts; script->name.len; script++) {
        if (gmchat_str_is(&script->name, name)) {
            return script;
        }
    }

    return NULL;
}

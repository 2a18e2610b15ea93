#include <stdlib.h>

#include "gmchat_script.h"

#include "gmchat_scripts.h"


gmchat_script_t *
gmchat_script_list(void)
{
    return gmchat_scripts;
}


static gmchat_script_t *
gmchat_script_look_up(const char *name)
{
    gmchat_script_t  *script;

    for (script = gmchat_scripts; script->name.len; script++) {
        if (gmchat_str_is(&script->name, name)) {
            return script;
        }
    }

    return NULL;
}


static int
gmchat_script_shard_one(gmchat_str_t *sharded, const gmchat_str_t *body)
{
    size_t               i, left;
    unsigned char       *p;

    static const char    from[] = "'PUBLISH'", to[] = "'SPUBLISH'";
    static const size_t  n = sizeof(from) - 1;

    /* a script grows by less than its double */

    p = malloc(2 * body->len);
    if (p == NULL) {
        return -1;
    }

    sharded->data = p;

    for (i = 0; i < body->len; /* void */ ) {
        left = body->len - i;

        if (left >= n && memcmp(body->data + i, from, n) == 0) {
            memcpy(p, to, sizeof(to) - 1);
            p += sizeof(to) - 1;
            i += n;

        } else {
            *p++ = body->data[i++];
        }
    }

    sharded->len = (size_t) (p - sharded->data);

    return 0;
}


int
gmchat_script_shard(void)
{
    unsigned          i;
    gmchat_str_t     *body, *sharded;
    gmchat_script_t  *script;

    for (script = gmchat_scripts; script->name.len; script++) {
        for (i = 0; i < GMCHAT_SCRIPT_TEXTS; i += GMCHAT_SCRIPT_DESK) {
            body = &script->texts[i].body;
            sharded = &script->texts[i + GMCHAT_SCRIPT_SHARDED].body;

            if (body->len && sharded->len == 0
                && gmchat_script_shard_one(sharded, body) != 0)
            {
                return -1;
            }
        }
    }

    return 0;
}


int
gmchat_script_desk(const char *name)
{
    size_t            i;
    gmchat_str_t     *desk;
    unsigned char    *p;
    gmchat_script_t  *script;

    script = gmchat_script_look_up(name);
    if (script == NULL) {
        return -1;
    }

    desk = &script->texts[GMCHAT_SCRIPT_DESK].body;

    if (desk->len) {
        return 0;
    }

    const gmchat_str_t  parts[] = {
        gmchat_script_desk_before,
        gmchat_string("local function desk_action()\n"),
        script->texts[GMCHAT_SCRIPT_PLAIN].body,
        gmchat_string("end\n"),
        gmchat_script_desk_after
    };

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        desk->len += parts[i].len;
    }

    desk->data = malloc(desk->len);
    if (desk->data == NULL) {
        desk->len = 0;
        return -1;
    }

    p = desk->data;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        memcpy(p, parts[i].data, parts[i].len);
        p += parts[i].len;
    }

    return 0;
}


const gmchat_script_t *
gmchat_script_find(const char *name)
{
    return gmchat_script_look_up(name);
}

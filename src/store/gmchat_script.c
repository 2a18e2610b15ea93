#include "gmchat_script.h"

#include "gmchat_scripts.h"


gmchat_script_t *
gmchat_script_list(void)
{
    return gmchat_scripts;
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

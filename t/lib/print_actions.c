/*
 * For t/docs.t: prints what the action table, the parameters and the statuses
 * are, a line each, its columns separated by tabs.  With arguments NAME VALUE
 * ... it prints instead what the check of each parameter says of the value:
 * the errno, 0 if it may stand.
 *
 *     cc -Isrc/core t/lib/print_actions.c src/core/gmchat_*.c -ljansson -lb64
 */


#include <stdio.h>

#include "gmchat_action.h"


/* gmchat_message_max's default */
#define MESSAGE_MAX  4096


static const char *
endpoint_name(gmchat_endpoint_e endpoint)
{
    return endpoint == GMCHAT_GM ? "gm" : "gs";
}


static const char *
right_name(const gmchat_action_t *action)
{
    static const char *const  names[] = {
        [GMCHAT_RIGHT_ADMIN] = "admin",
        [GMCHAT_RIGHT_LOOK] = "look",
        [GMCHAT_RIGHT_ACT] = "act",
        [GMCHAT_RIGHT_ANY] = "any"
    };

    return names[action->right];
}


/* action, endpoint, name, script, "role" where it is asked, parameters, who may
 * do it, "change" where it changes something */

static void
print_action(const gmchat_action_t *action)
{
    const gmchat_need_t  *need;

    printf("action\t%s\t%s\t%s\t%s\t", endpoint_name(action->endpoint),
           action->name, action->script,
           action->flags & GMCHAT_A_ROLE ? "role" : "");

    for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
        printf("%s:%s ", gmchat_param(need->id)->name.data,
               need->required ? "yes" : "no");
    }

    printf("\t%s\t%s\n", right_name(action),
           action->flags & GMCHAT_A_CHANGE ? "change" : "");
}


/* status, name for scripts, errno, HTTP status, Retry-After */

static void
print_status(gmchat_status_e status)
{
    const gmchat_status_row_t  *row;

    row = gmchat_status_row(status);

    printf("status\t%s\t%d\t%u\t%u\n", row->name ? row->name : "",
           row->code, row->http, row->retry_after);
}


static int
print_check(const char *name, const char *text)
{
    const char           *reason;
    gmchat_str_t          value;
    gmchat_param_e        id;
    gmchat_arena_t        arena;
    gmchat_status_e       status;
    gmchat_param_env_t    env;

    id = gmchat_param_find((const unsigned char *) name, strlen(name));
    if (id == GMCHAT_P_NONE) {
        fprintf(stderr, "there is no parameter %s\n", name);
        return 1;
    }

    memset(&arena, 0, sizeof(gmchat_arena_t));
    env.arena = &arena;
    env.message_max = MESSAGE_MAX;
    reason = NULL;

    value.data = gmchat_arena_copy(&arena, text, strlen(text));
    value.len = strlen(text);

    status = gmchat_param(id)->check(&value, &env, &reason);
    printf("%d\n", gmchat_status_row(status)->code);

    gmchat_arena_free(&arena);

    return 0;
}


int
main(int argc, char **argv)
{
    int                     i;
    gmchat_param_e          id;
    gmchat_status_e         status;
    const gmchat_action_t  *action;

    for (i = 1; i + 1 < argc; i += 2) {
        if (print_check(argv[i], argv[i + 1]) != 0) {
            return 1;
        }
    }

    if (argc > 1) {
        return 0;
    }

    for (action = gmchat_actions; action->name; action++) {
        print_action(action);
    }

    for (id = GMCHAT_P_NONE + 1; id < GMCHAT_PARAMS; id++) {
        printf("param\t%s\t%s\n", gmchat_param(id)->name.data,
               gmchat_param(id)->preset.data);
    }

    for (status = 0; status < GMCHAT_STATUSES; status++) {
        print_status(status);
    }

    return 0;
}

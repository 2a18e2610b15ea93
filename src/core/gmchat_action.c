#include "gmchat_action.h"
#include "gmchat_keys.h"


const gmchat_action_t *
gmchat_action_find(gmchat_endpoint_e endpoint, const gmchat_args_t *args)
{
    const gmchat_str_t     *name;
    const gmchat_action_t  *action;

    name = &args->values[GMCHAT_P_ACTION];

    if (name->data == NULL) {
        return NULL;
    }

    for (action = gmchat_actions; action->name; action++) {
        if (action->endpoint != endpoint
            || !gmchat_str_is(name, action->name))
        {
            continue;
        }

        if (action->when == GMCHAT_P_NONE
            || gmchat_args_given(args, action->when))
        {
            return action;
        }
    }

    return NULL;
}


int
gmchat_action_knows(const gmchat_action_t *action, gmchat_param_e id)
{
    const gmchat_need_t  *need;

    for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
        if (need->id == id) {
            return 1;
        }
    }

    return 0;
}


static gmchat_status_e
gmchat_action_missing(gmchat_param_e id, gmchat_refusal_t *refusal)
{
    refusal->status = GMCHAT_MISSING;
    refusal->param = (const char *) gmchat_param(id)->name.data;
    refusal->reason = NULL;

    return GMCHAT_MISSING;
}


/* A message comes as msg or as text: text takes the place of msg. */

static gmchat_status_e
gmchat_action_message(gmchat_args_t *args, const gmchat_param_env_t *env,
    gmchat_refusal_t *refusal)
{
    gmchat_status_e  status;

    if (!gmchat_args_given(args, GMCHAT_P_TEXT)) {
        return GMCHAT_OK;
    }

    if (gmchat_args_given(args, GMCHAT_P_MSG)) {
        refusal->status = GMCHAT_MALFORMED;
        refusal->param = "text";
        refusal->reason = "is given beside msg: give one of them";
        return GMCHAT_MALFORMED;
    }

    status = gmchat_args_check(args, GMCHAT_P_TEXT, env, refusal);
    if (status != GMCHAT_OK) {
        return status;
    }

    args->values[GMCHAT_P_MSG] = args->values[GMCHAT_P_TEXT];
    args->values[GMCHAT_P_TEXT].data = NULL;

    return GMCHAT_OK;
}


int
gmchat_action_list(gmchat_str_t *next, gmchat_str_t *value)
{
    unsigned char  *comma;

    if (next->data == NULL) {
        return 0;
    }

    comma = next->len ? memchr(next->data, ',', next->len) : NULL;
    value->data = next->data;

    if (comma == NULL) {
        value->len = next->len;
        next->data = NULL;
        return 1;
    }

    value->len = (size_t) (comma - next->data);
    next->data = comma + 1;
    next->len -= value->len + 1;

    return 1;
}


/* Each value of a list is checked as if it stood alone. */

static gmchat_status_e
gmchat_action_check_list(gmchat_param_e id, gmchat_args_t *args,
    const gmchat_param_env_t *env, gmchat_refusal_t *refusal)
{
    size_t           n;
    gmchat_str_t     list, next;
    gmchat_status_e  status;

    list = args->values[id];
    next = list;

    for (n = 0; gmchat_action_list(&next, &args->values[id]); n++) {

        if (n == GMCHAT_LIST_MAX) {
            refusal->status = GMCHAT_MALFORMED;
            refusal->param = (const char *) gmchat_param(id)->name.data;
            refusal->reason = "names too many: at most 4096";
            return GMCHAT_MALFORMED;
        }

        status = gmchat_args_check(args, id, env, refusal);
        if (status != GMCHAT_OK) {
            return status;
        }
    }

    args->values[id] = list;

    return GMCHAT_OK;
}


static gmchat_status_e
gmchat_action_need(const gmchat_need_t *need, gmchat_args_t *args,
    const gmchat_param_env_t *env, gmchat_refusal_t *refusal)
{
    gmchat_status_e  status;

    if (need->id == GMCHAT_P_MSG) {
        status = gmchat_action_message(args, env, refusal);
        if (status != GMCHAT_OK) {
            return status;
        }
    }

    if (gmchat_args_given(args, need->id)) {
        return need->list
                   ? gmchat_action_check_list(need->id, args, env, refusal)
                   : gmchat_args_check(args, need->id, env, refusal);
    }

    if (need->required) {
        return gmchat_action_missing(need->id, refusal);
    }

    args->values[need->id].len = gmchat_param(need->id)->preset.len;
    args->values[need->id].data = gmchat_param(need->id)->preset.data;

    return GMCHAT_OK;
}


gmchat_status_e
gmchat_action_check(const gmchat_action_t *action, gmchat_args_t *args,
    const gmchat_param_env_t *env, gmchat_refusal_t *refusal)
{
    gmchat_status_e       status;
    const gmchat_need_t  *need;

    status = gmchat_args_check(args, GMCHAT_P_ACTION, env, refusal);
    if (status != GMCHAT_OK) {
        return status;
    }

    for (need = action->needs; need->id != GMCHAT_P_NONE; need++) {
        status = gmchat_action_need(need, args, env, refusal);
        if (status != GMCHAT_OK) {
            return status;
        }
    }

    return GMCHAT_OK;
}


int
gmchat_action_build(const gmchat_action_t *action, const char *script,
    const gmchat_args_t *args, const gmchat_str_t *prefix,
    const gmchat_str_t *env, const gmchat_durability_t *durability,
    gmchat_arena_t *arena, gmchat_script_call_t *call)
{
    const unsigned  *arg;

    call->script = script;
    call->words[0] = *prefix;
    call->n = 1;

    if (action->mailbox) {
        if (gmchat_keys_join(&call->words[1], arena, prefix, action->mailbox,
                             &args->values[action->owner])
            != 0)
        {
            return -1;
        }

        call->n = 2;
    }

    call->history = 0;
    call->desk = 0;
    call->durability = NULL;
    call->quiet = NULL;

    if (action->flags & GMCHAT_A_KEEP && script == action->script) {
        call->durability = durability;
        call->quiet = action->wait ? action->wait->quiet : NULL;
    }

    for (arg = action->argv; *arg; arg++) {
        if (*arg == GMCHAT_E_HISTORY) {
            call->history = call->n;
        }

        call->words[call->n++] = *arg < GMCHAT_PARAMS
                                     ? args->values[*arg]
                                     : env[*arg - GMCHAT_PARAMS];
    }

    return 0;
}

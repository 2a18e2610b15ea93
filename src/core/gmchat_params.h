#ifndef GMCHAT_PARAMS_H
#define GMCHAT_PARAMS_H


#include "gmchat_arena.h"
#include "gmchat_status.h"


/* The parameters of the contract; the order is that of gmchat_params. */

typedef enum {
    GMCHAT_P_NONE = 0,
    GMCHAT_P_ACTION,
    GMCHAT_P_GM_ACCOUNT,
    GMCHAT_P_GM_NAME,
    GMCHAT_P_HOST,
    GMCHAT_P_UID,
    GMCHAT_P_MSG,
    GMCHAT_P_TEXT,
    GMCHAT_P_MSGID,
    GMCHAT_P_ACK,
    GMCHAT_P_BEFORE,
    GMCHAT_P_LIMIT,
    GMCHAT_P_FORMAT,
    GMCHAT_P_GROUP,
    GMCHAT_P_WAIT,
    GMCHAT_P_LEASE,
    GMCHAT_P_CURSOR,
    GMCHAT_P_STREAM,
    GMCHAT_P_ONLINE,
    GMCHAT_P_OPERATOR,
    GMCHAT_P_ROLE,
    GMCHAT_P_GM_ACCOUNTS,
    GMCHAT_P_ID,
    GMCHAT_P_NAME,
    GMCHAT_P_CALL,          /* of a frame: its number */

    GMCHAT_PARAMS
} gmchat_param_e;


/* What a check knows beside the value. */

typedef struct {
    gmchat_arena_t   *arena;
    size_t            message_max;   /* bytes of a message's text */
} gmchat_param_env_t;


/* Why a call is refused: its status, the parameter, and what to change. */

typedef struct {
    gmchat_status_e   status;
    const char       *param;         /* NULL: none is to blame */
    const char       *reason;        /* NULL: the status's own sentence */
} gmchat_refusal_t;


/*
 * Checks a value and may put another in its place (in the arena).  Returns
 * GMCHAT_OK, or the status and a static sentence in `reason`.
 */
typedef gmchat_status_e (*gmchat_param_check_pt)(gmchat_str_t *value,
    const gmchat_param_env_t *env, const char **reason);

typedef struct {
    gmchat_str_t            name;
    gmchat_param_check_pt   check;
    gmchat_str_t            preset;  /* where the call does not give it */
} gmchat_param_t;


const gmchat_param_t *gmchat_param(gmchat_param_e id);

/* The parameter of a name; GMCHAT_P_NONE if the contract has none such. */
gmchat_param_e gmchat_param_find(const unsigned char *name, size_t len);


#endif /* GMCHAT_PARAMS_H */

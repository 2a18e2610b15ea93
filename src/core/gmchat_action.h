#ifndef GMCHAT_ACTION_H
#define GMCHAT_ACTION_H


#include "gmchat_args.h"
#include "gmchat_buf.h"
#include "gmchat_script_call.h"
#include "gmchat_value.h"


typedef enum {
    GMCHAT_NOWHERE = 0,
    GMCHAT_GM,
    GMCHAT_GS
} gmchat_endpoint_e;


/*
 * What a script gets in ARGV: a parameter of the call, or one of these that
 * the bridge itself supplies.
 */

typedef enum {
    GMCHAT_E_HISTORY = GMCHAT_PARAMS,   /* the store's replication id: known
                                           to the link alone */
    GMCHAT_E_ENTRIES,                   /* a mailbox's cap in entries */
    GMCHAT_E_BYTES,                     /* and in bytes */
    GMCHAT_E_KEEP,                      /* messages of a conversation */
    GMCHAT_E_TTL,                       /* and its life, in seconds */
    GMCHAT_E_PATIENCE,                  /* milliseconds until what was taken
                                           and never settled comes again */
    GMCHAT_E_HOSTS,                     /* ",1001,1002,": the hosts that the
                                           caller may speak for; "": any */
    GMCHAT_E_SILENT,                    /* milliseconds after which a host
                                           that is not heard of is silent */
    GMCHAT_E_ENDPOINT,                  /* gm, gs */
    GMCHAT_E_CHANGE,                    /* of a stream's receivers: +, - */
    GMCHAT_E_OPERATOR,                  /* who acts; "": nobody is named */
    GMCHAT_E_ADMIN,                     /* 1: an admin by configuration */
    GMCHAT_E_MESSAGE_MAX,               /* bytes that a message may have */

    GMCHAT_ARGS_ALL
} gmchat_arg_e;

#define GMCHAT_ENVS  (GMCHAT_ARGS_ALL - GMCHAT_PARAMS)


typedef struct {
    gmchat_param_e   id;
    unsigned         required:1;
    unsigned         list:1;            /* of such values, parted by commas */
} gmchat_need_t;


typedef struct gmchat_action_s  gmchat_action_t;

/* A reply that is being written. */

typedef struct {
    const gmchat_value_t   *value;      /* what the script gave */
    gmchat_args_t          *args;       /* of the call */
    gmchat_arena_t         *arena;
    gmchat_buf_t           *out;        /* the body */
    gmchat_buf_t           *data;       /* scratch: JSON that goes as base64 */
    gmchat_buf_t           *text;       /* scratch: a decoded message */
    unsigned                json:1;     /* format=json */
} gmchat_reply_t;

/*
 * Adds the members of a reply to the JSON object that is open in `out`.
 * Returns 0, or -1 if `value` has another shape.
 */
typedef int (*gmchat_encode_pt)(gmchat_reply_t *reply);

/* What a call with `wait` waits for. */

typedef struct {
    const char        *channel;         /* wake-ups come on prefix + this .. */
    gmchat_param_e     owner;           /* .. + the value of this parameter */
    const char        *kinds;           /* first letters of those that matter */
    size_t             lapse;           /* the item of the reply that says in
                                           how many milliseconds another one
                                           is due (-1: none is); 0: no item */

    /* whether the store's reply has nothing to say */
    int              (*quiet)(const gmchat_value_t *reply);

    /* the same where that depends on the call; NULL: `quiet` decides */
    int              (*known)(gmchat_reply_t *reply);
} gmchat_wait_t;


#define GMCHAT_NEEDS_MAX     8

/* Receivers that one call may name: what a page of a request line holds. */
#define GMCHAT_LIST_MAX      4096

/* flags */
#define GMCHAT_A_POLL        0x01   /* tells that the host is alive */
#define GMCHAT_A_ROLE        0x02   /* the role service is asked first */
#define GMCHAT_A_TAKES       0x04   /* the reply has a receipt to settle */
#define GMCHAT_A_STREAM      0x08   /* the reply is a stream of events */
#define GMCHAT_A_WATCH       0x10   /* adds receivers to a stream */
#define GMCHAT_A_UNWATCH     0x20   /* drops some */
#define GMCHAT_A_KEEP        0x40   /* what it tells is to be safe */
#define GMCHAT_A_WRITES      0x80   /* the reply's last item names the receiver
                                       that it wrote to: h<host>, g<gm> */
#define GMCHAT_A_CHANGE      0x100  /* changes something: an operator's is by
                                       POST, and noted */
#define GMCHAT_A_TELLS       0x200  /* .. and the GM's streams hear of it */
#define GMCHAT_A_ROUTINE     0x400  /* .. done by pages unasked: only refusals
                                       are noted */


/* Which operators may do it.  A row that does not say is for admins. */

typedef enum {
    GMCHAT_RIGHT_ADMIN = 0,
    GMCHAT_RIGHT_LOOK,              /* viewers too */
    GMCHAT_RIGHT_ACT,               /* who the GM is given to */
    GMCHAT_RIGHT_ANY                /* whoever is named */
} gmchat_right_e;

struct gmchat_action_s {
    gmchat_endpoint_e   endpoint;
    const char         *name;
    gmchat_param_e      when;       /* only where this parameter is given */
    gmchat_need_t       needs[GMCHAT_NEEDS_MAX + 1];
    const char         *guard;      /* script that must agree before the role
                                       service is asked; NULL: none */
    const char         *script;
    const char         *mailbox;    /* ARGV[1] is prefix + this + .. */
    gmchat_param_e      owner;      /* .. the value of this parameter */
    unsigned            argv[GMCHAT_ARGV_MAX + 1];
    gmchat_encode_pt    encode;     /* NULL: {"res":1} says it all */
    const gmchat_wait_t *wait;      /* NULL: it is answered at once */
    unsigned            flags;
    gmchat_right_e      right;      /* of operators; gs has none */
};


/* The table: src/core/gmchat_actions.c.  Ends with a row without a name. */
extern const gmchat_action_t  gmchat_actions[];


/*
 * The action that a call names, by endpoint, name and the parameters given;
 * NULL if there is none such.
 */
const gmchat_action_t *gmchat_action_find(gmchat_endpoint_e endpoint,
    const gmchat_args_t *args);

/*
 * Walks a list of values parted by commas: `next` begins as the list and is
 * what is left.  Returns 1 and the value, or 0 at the end.
 */
int gmchat_action_list(gmchat_str_t *next, gmchat_str_t *value);

/* Whether a call of the action has this parameter. */
int gmchat_action_knows(const gmchat_action_t *action, gmchat_param_e id);

/*
 * Checks the call's parameters against the action's row: what is missing,
 * what is malformed.  `text` becomes `msg`.  Returns GMCHAT_OK, or the status
 * with `refusal` filled.
 */
gmchat_status_e gmchat_action_check(const gmchat_action_t *action,
    gmchat_args_t *args, const gmchat_param_env_t *env,
    gmchat_refusal_t *refusal);

/*
 * Builds the call of `script`, which is the row's own or its guard; `env` has
 * the values from GMCHAT_E_HISTORY on.  The row's own waits for `durability`
 * (NULL: nothing) where the row has GMCHAT_A_KEEP.  Returns 0, or -1 without
 * memory.
 */
int gmchat_action_build(const gmchat_action_t *action, const char *script,
    const gmchat_args_t *args, const gmchat_str_t *prefix,
    const gmchat_str_t *env, const gmchat_durability_t *durability,
    gmchat_arena_t *arena, gmchat_script_call_t *call);


#endif /* GMCHAT_ACTION_H */

#include "gmchat_action.h"
#include "gmchat_reply.h"


/*
 * One row an action.  A new one is a row here, a script in src/lua, a test in
 * t/ and its docs: docs/actions.md and docs/openapi.yaml.  Where rows share a
 * name, the first whose `when` is given applies.
 */

#define REQUIRED(param)  { GMCHAT_P_##param, 1, 0 }
#define OPTIONAL(param)  { GMCHAT_P_##param, 0, 0 }
#define LIST(param)      { GMCHAT_P_##param, 1, 1 }
#define MAYBE_LIST(param)  { GMCHAT_P_##param, 0, 1 }
#define NEEDS(...)       { __VA_ARGS__ }
#define ARGV(...)        { __VA_ARGS__ }
#define P(param)         GMCHAT_P_##param
#define E(value)         GMCHAT_E_##value
#define NO_MAILBOX       NULL, GMCHAT_P_NONE
#define MAY(right)       GMCHAT_RIGHT_##right
#define CHANGE           GMCHAT_A_CHANGE
#define TOLD             GMCHAT_A_CHANGE|GMCHAT_A_TELLS


/* A plain receive also looks when something was settled: it may have held
 * other entries back. */

static const gmchat_wait_t  gmchat_wait_gm = {
    "to:g", GMCHAT_P_GM_ACCOUNT, "ma", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_gm_ack = {
    "to:g", GMCHAT_P_GM_ACCOUNT, "m", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_gms = {
    "to:gms", GMCHAT_P_NONE, "m", 0, gmchat_reply_receive_all_quiet,
    NULL
};

static const gmchat_wait_t  gmchat_wait_host = {
    "to:h", GMCHAT_P_HOST, "ma", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_host_ack = {
    "to:h", GMCHAT_P_HOST, "m", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_relation = {
    "to:h", GMCHAT_P_HOST, "ra", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_relation_ack = {
    "to:h", GMCHAT_P_HOST, "r", 0, gmchat_reply_receive_quiet, NULL
};

static const gmchat_wait_t  gmchat_wait_online = {
    "to:h", GMCHAT_P_HOST, "o", 1, NULL, gmchat_reply_online_known
};


const gmchat_action_t  gmchat_actions[] = {

    /* accounts and presence */

    { GMCHAT_GM, "create", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(GM_NAME), OPTIONAL(GROUP)),
      NULL, "create", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(GM_NAME)),
      NULL, NULL, GMCHAT_A_KEEP|CHANGE, MAY(ADMIN) },

    { GMCHAT_GM, "online", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(LEASE), OPTIONAL(GROUP)),
      NULL, "online", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(LEASE)),
      NULL, NULL, TOLD, MAY(ACT) },

    { GMCHAT_GM, "offline", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(GROUP)),
      NULL, "offline", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT)),
      NULL, NULL, TOLD, MAY(ACT) },

    { GMCHAT_GM, "accounts", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "accounts", NO_MAILBOX,
      ARGV(0),
      gmchat_reply_accounts, NULL, 0, MAY(LOOK) },

    /* friendships */

    { GMCHAT_GM, "add", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(HOST), REQUIRED(UID),
            OPTIONAL(GROUP)),
      "add_check", "add", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(HOST), P(UID), E(HISTORY), E(ENTRIES), E(BYTES)),
      NULL, NULL,
      GMCHAT_A_ROLE|GMCHAT_A_KEEP|GMCHAT_A_WRITES|TOLD, MAY(ACT) },

    { GMCHAT_GM, "del", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(UID), OPTIONAL(GROUP)),
      NULL, "del", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(UID), E(HISTORY), E(ENTRIES), E(BYTES)),
      NULL, NULL, GMCHAT_A_KEEP|GMCHAT_A_WRITES|TOLD, MAY(ACT) },

    { GMCHAT_GM, "friends", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "friends", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(GM_ACCOUNT), E(SILENT)),
      gmchat_reply_friends, NULL, 0, MAY(LOOK) },

    { GMCHAT_GM, "hosts", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "hosts", NO_MAILBOX,
      ARGV(E(SILENT)),
      gmchat_reply_hosts, NULL, 0, MAY(ADMIN) },

    /* messages */

    { GMCHAT_GM, "send", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(UID), REQUIRED(MSG),
            OPTIONAL(MSGID), OPTIONAL(GROUP)),
      NULL, "gm_send", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(UID), P(MSG), P(MSGID), E(HISTORY), E(ENTRIES),
           E(BYTES), E(KEEP), E(TTL), E(SILENT)),
      gmchat_reply_gm_sent, NULL,
      GMCHAT_A_KEEP|GMCHAT_A_WRITES|TOLD, MAY(ACT) },

    { GMCHAT_GM, "receive", GMCHAT_P_ACK,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(ACK), OPTIONAL(LIMIT),
            OPTIONAL(FORMAT), OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "read", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_gm_messages, &gmchat_wait_gm_ack,
      GMCHAT_A_KEEP|CHANGE, MAY(ACT) },

    { GMCHAT_GM, "receive", GMCHAT_P_GM_ACCOUNT,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "take", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_gm_messages, &gmchat_wait_gm,
      GMCHAT_A_TAKES|GMCHAT_A_KEEP|CHANGE, MAY(ACT) },

    { GMCHAT_GM, "receive", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(LIMIT), OPTIONAL(FORMAT), OPTIONAL(WAIT),
            OPTIONAL(GROUP)),
      NULL, "take_all", NO_MAILBOX,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_all_messages, &gmchat_wait_gms,
      GMCHAT_A_TAKES|GMCHAT_A_KEEP|CHANGE, MAY(ADMIN) },

    { GMCHAT_GM, "history", GMCHAT_P_NONE,
      NEEDS(REQUIRED(UID), OPTIONAL(BEFORE), OPTIONAL(LIMIT),
            OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "history", NO_MAILBOX,
      ARGV(P(UID), P(BEFORE), P(LIMIT)),
      gmchat_reply_history, NULL, 0, MAY(LOOK) },

    { GMCHAT_GS, "send", GMCHAT_P_NONE,
      NEEDS(REQUIRED(UID), REQUIRED(MSG), OPTIONAL(MSGID), OPTIONAL(GROUP)),
      NULL, "gs_send", NO_MAILBOX,
      ARGV(P(UID), P(MSG), P(MSGID), E(HISTORY), E(ENTRIES), E(BYTES),
           E(KEEP), E(TTL), E(HOSTS)),
      gmchat_reply_sent, NULL, GMCHAT_A_KEEP|GMCHAT_A_WRITES, MAY(ANY) },

    { GMCHAT_GS, "receive", GMCHAT_P_ACK,
      NEEDS(REQUIRED(HOST), REQUIRED(ACK), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "read", "box:h", GMCHAT_P_HOST,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_messages, &gmchat_wait_host_ack,
      GMCHAT_A_POLL|GMCHAT_A_KEEP, MAY(ANY) },

    { GMCHAT_GS, "receive", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "take", "box:h", GMCHAT_P_HOST,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_messages, &gmchat_wait_host,
      GMCHAT_A_POLL|GMCHAT_A_TAKES|GMCHAT_A_KEEP, MAY(ANY) },

    /* what a game server asks beside */

    { GMCHAT_GS, "relation", GMCHAT_P_ACK,
      NEEDS(REQUIRED(HOST), REQUIRED(ACK), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "read", "rel:h", GMCHAT_P_HOST,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_relation, &gmchat_wait_relation_ack,
      GMCHAT_A_POLL|GMCHAT_A_KEEP, MAY(ANY) },

    { GMCHAT_GS, "relation", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "take", "rel:h", GMCHAT_P_HOST,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_relation, &gmchat_wait_relation,
      GMCHAT_A_POLL|GMCHAT_A_TAKES|GMCHAT_A_KEEP, MAY(ANY) },

    { GMCHAT_GS, "online", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(FORMAT), OPTIONAL(CURSOR),
            OPTIONAL(WAIT), OPTIONAL(GROUP)),
      NULL, "host_online", NO_MAILBOX,
      ARGV(P(HOST)),
      gmchat_reply_online, &gmchat_wait_online, GMCHAT_A_POLL, MAY(ANY) },

    /* streams */

    { GMCHAT_GM, "stream", GMCHAT_P_NONE,
      NEEDS(LIST(GM_ACCOUNT), OPTIONAL(CURSOR), OPTIONAL(ONLINE),
            OPTIONAL(GROUP)),
      NULL, "stream_gm", NO_MAILBOX,
      ARGV(0),
      NULL, NULL, GMCHAT_A_STREAM, MAY(LOOK) },

    { GMCHAT_GS, "stream", GMCHAT_P_NONE,
      NEEDS(LIST(HOST), OPTIONAL(CURSOR), OPTIONAL(GROUP)),
      NULL, "stream_gs", NO_MAILBOX,
      ARGV(0),
      NULL, NULL, GMCHAT_A_STREAM, MAY(ANY) },

    { GMCHAT_GM, "ack", GMCHAT_P_NONE,
      NEEDS(REQUIRED(CURSOR), OPTIONAL(GROUP)),
      NULL, "ack_gm", NO_MAILBOX,
      ARGV(P(CURSOR)),
      gmchat_reply_acked, NULL, CHANGE|GMCHAT_A_ROUTINE, MAY(ACT) },

    { GMCHAT_GS, "ack", GMCHAT_P_NONE,
      NEEDS(REQUIRED(CURSOR), OPTIONAL(GROUP)),
      NULL, "ack_gs", NO_MAILBOX,
      ARGV(P(CURSOR), E(HOSTS)),
      gmchat_reply_acked, NULL, 0, MAY(ANY) },

    { GMCHAT_GM, "watch", GMCHAT_P_NONE,
      NEEDS(REQUIRED(STREAM), LIST(GM_ACCOUNT), OPTIONAL(GROUP)),
      NULL, "order", NO_MAILBOX,
      ARGV(P(STREAM), E(ENDPOINT), E(CHANGE), P(GM_ACCOUNT)),
      NULL, NULL, GMCHAT_A_WATCH, MAY(LOOK) },

    { GMCHAT_GS, "watch", GMCHAT_P_NONE,
      NEEDS(REQUIRED(STREAM), LIST(HOST), OPTIONAL(GROUP)),
      NULL, "order", NO_MAILBOX,
      ARGV(P(STREAM), E(ENDPOINT), E(CHANGE), P(HOST)),
      NULL, NULL, GMCHAT_A_WATCH, MAY(ANY) },

    { GMCHAT_GM, "unwatch", GMCHAT_P_NONE,
      NEEDS(REQUIRED(STREAM), LIST(GM_ACCOUNT), OPTIONAL(GROUP)),
      NULL, "order", NO_MAILBOX,
      ARGV(P(STREAM), E(ENDPOINT), E(CHANGE), P(GM_ACCOUNT)),
      NULL, NULL, GMCHAT_A_UNWATCH, MAY(LOOK) },

    { GMCHAT_GS, "unwatch", GMCHAT_P_NONE,
      NEEDS(REQUIRED(STREAM), LIST(HOST), OPTIONAL(GROUP)),
      NULL, "order", NO_MAILBOX,
      ARGV(P(STREAM), E(ENDPOINT), E(CHANGE), P(HOST)),
      NULL, NULL, GMCHAT_A_UNWATCH, MAY(ANY) },

    /* what the console asks beside */

    { GMCHAT_GM, "player", GMCHAT_P_NONE,
      NEEDS(REQUIRED(UID), OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "player", NO_MAILBOX,
      ARGV(P(UID), E(SILENT)),
      gmchat_reply_player, NULL, 0, MAY(LOOK) },

    { GMCHAT_GM, "read", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(UID), REQUIRED(ID),
            OPTIONAL(GROUP)),
      NULL, "mark", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(UID), P(ID), E(TTL)),
      gmchat_reply_acked, NULL, CHANGE, MAY(ACT) },

    { GMCHAT_GM, "canned", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "canned", NO_MAILBOX,
      ARGV(0),
      gmchat_reply_canned, NULL, 0, MAY(LOOK) },

    { GMCHAT_GM, "canned_set", GMCHAT_P_NONE,
      NEEDS(REQUIRED(NAME), REQUIRED(TEXT), OPTIONAL(GROUP)),
      NULL, "canned_set", NO_MAILBOX,
      ARGV(P(NAME), P(TEXT), E(OPERATOR)),
      NULL, NULL, GMCHAT_A_KEEP|CHANGE, MAY(ACT) },

    { GMCHAT_GM, "canned_del", GMCHAT_P_NONE,
      NEEDS(REQUIRED(NAME), OPTIONAL(GROUP)),
      NULL, "canned_del", NO_MAILBOX,
      ARGV(P(NAME)),
      NULL, NULL, GMCHAT_A_KEEP|CHANGE, MAY(ACT) },

    /* operators */

    { GMCHAT_GM, "me", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "me", NO_MAILBOX,
      ARGV(E(OPERATOR), E(ADMIN), E(MESSAGE_MAX)),
      gmchat_reply_me, NULL, 0, MAY(ANY) },

    { GMCHAT_GM, "operators", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "operators", NO_MAILBOX,
      ARGV(0),
      gmchat_reply_operators, NULL, 0, MAY(ADMIN) },

    { GMCHAT_GM, "operator", GMCHAT_P_NONE,
      NEEDS(REQUIRED(OPERATOR), REQUIRED(ROLE), MAYBE_LIST(GM_ACCOUNTS),
            OPTIONAL(GROUP)),
      NULL, "operator", NO_MAILBOX,
      ARGV(P(OPERATOR), P(ROLE), P(GM_ACCOUNTS)),
      NULL, NULL, GMCHAT_A_KEEP|CHANGE, MAY(ADMIN) },

    { GMCHAT_GM, "dismiss", GMCHAT_P_NONE,
      NEEDS(REQUIRED(OPERATOR), OPTIONAL(GROUP)),
      NULL, "dismiss", NO_MAILBOX,
      ARGV(P(OPERATOR)),
      NULL, NULL, GMCHAT_A_KEEP|CHANGE, MAY(ADMIN) },

    { GMCHAT_GM, "audit", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(BEFORE), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "audit", NO_MAILBOX,
      ARGV(P(BEFORE), P(LIMIT)),
      gmchat_reply_audit, NULL, 0, MAY(ADMIN) },

    { 0, NULL, 0, NEEDS(OPTIONAL(NONE)), NULL, NULL, NO_MAILBOX, ARGV(0),
      NULL, NULL, 0, MAY(ADMIN) }
};

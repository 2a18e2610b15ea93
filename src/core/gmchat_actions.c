#include "gmchat_action.h"
#include "gmchat_reply.h"


/*
 * One row an action.  A new one is a row here, a script in src/lua, a test in
 * t/ and its docs: docs/actions.md and docs/openapi.yaml.  Where rows share a name, the first
 * whose `when` is given applies.
 */

#define REQUIRED(param)  { GMCHAT_P_##param, 1 }
#define OPTIONAL(param)  { GMCHAT_P_##param, 0 }
#define NEEDS(...)       { __VA_ARGS__ }
#define ARGV(...)        { __VA_ARGS__ }
#define P(param)         GMCHAT_P_##param
#define E(value)         GMCHAT_E_##value
#define NO_MAILBOX       NULL, GMCHAT_P_NONE


const gmchat_action_t  gmchat_actions[] = {

    /* accounts and presence */

    { GMCHAT_GM, "create", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(GM_NAME), OPTIONAL(GROUP)),
      NULL, "create", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(GM_NAME)),
      NULL, 0 },

    { GMCHAT_GM, "online", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(GROUP)),
      NULL, "online", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT)),
      NULL, 0 },

    { GMCHAT_GM, "offline", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(GROUP)),
      NULL, "offline", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT)),
      NULL, 0 },

    { GMCHAT_GM, "accounts", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "accounts", NO_MAILBOX,
      ARGV(0),
      gmchat_reply_accounts, 0 },

    /* friendships */

    { GMCHAT_GM, "add", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(HOST), REQUIRED(UID),
            OPTIONAL(GROUP)),
      "add_check", "add", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(HOST), P(UID), E(HISTORY), E(ENTRIES), E(BYTES)),
      NULL, GMCHAT_A_ROLE },

    { GMCHAT_GM, "del", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(UID), OPTIONAL(GROUP)),
      NULL, "del", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(UID), E(HISTORY), E(ENTRIES), E(BYTES)),
      NULL, 0 },

    { GMCHAT_GM, "friends", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "friends", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(GM_ACCOUNT)),
      gmchat_reply_friends, 0 },

    { GMCHAT_GM, "hosts", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "hosts", NO_MAILBOX,
      ARGV(0),
      gmchat_reply_hosts, 0 },

    /* messages */

    { GMCHAT_GM, "send", GMCHAT_P_NONE,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(UID), REQUIRED(MSG),
            OPTIONAL(MSGID), OPTIONAL(GROUP)),
      NULL, "gm_send", NO_MAILBOX,
      ARGV(P(GM_ACCOUNT), P(UID), P(MSG), P(MSGID), E(HISTORY), E(ENTRIES),
           E(BYTES), E(KEEP), E(TTL)),
      gmchat_reply_sent, 0 },

    { GMCHAT_GM, "receive", GMCHAT_P_ACK,
      NEEDS(REQUIRED(GM_ACCOUNT), REQUIRED(ACK), OPTIONAL(LIMIT),
            OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "read", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_gm_messages, 0 },

    { GMCHAT_GM, "receive", GMCHAT_P_GM_ACCOUNT,
      NEEDS(REQUIRED(GM_ACCOUNT), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "take", "box:g", GMCHAT_P_GM_ACCOUNT,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_gm_messages, GMCHAT_A_TAKES },

    { GMCHAT_GM, "receive", GMCHAT_P_NONE,
      NEEDS(OPTIONAL(LIMIT), OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "take_all", NO_MAILBOX,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_all_messages, GMCHAT_A_TAKES },

    { GMCHAT_GM, "history", GMCHAT_P_NONE,
      NEEDS(REQUIRED(UID), OPTIONAL(BEFORE), OPTIONAL(LIMIT),
            OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "history", NO_MAILBOX,
      ARGV(P(UID), P(BEFORE), P(LIMIT)),
      gmchat_reply_history, 0 },

    { GMCHAT_GS, "send", GMCHAT_P_NONE,
      NEEDS(REQUIRED(UID), REQUIRED(MSG), OPTIONAL(MSGID), OPTIONAL(GROUP)),
      NULL, "gs_send", NO_MAILBOX,
      ARGV(P(UID), P(MSG), P(MSGID), E(HISTORY), E(ENTRIES), E(BYTES),
           E(KEEP), E(TTL), E(HOSTS)),
      gmchat_reply_sent, 0 },

    { GMCHAT_GS, "receive", GMCHAT_P_ACK,
      NEEDS(REQUIRED(HOST), REQUIRED(ACK), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "read", "box:h", GMCHAT_P_HOST,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_messages, GMCHAT_A_POLL },

    { GMCHAT_GS, "receive", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "take", "box:h", GMCHAT_P_HOST,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_messages, GMCHAT_A_POLL|GMCHAT_A_TAKES },

    /* what a game server asks beside */

    { GMCHAT_GS, "relation", GMCHAT_P_ACK,
      NEEDS(REQUIRED(HOST), REQUIRED(ACK), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "read", "rel:h", GMCHAT_P_HOST,
      ARGV(P(ACK), P(LIMIT)),
      gmchat_reply_relation, GMCHAT_A_POLL },

    { GMCHAT_GS, "relation", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(LIMIT), OPTIONAL(FORMAT),
            OPTIONAL(GROUP)),
      NULL, "take", "rel:h", GMCHAT_P_HOST,
      ARGV(P(LIMIT), E(PATIENCE)),
      gmchat_reply_relation, GMCHAT_A_POLL|GMCHAT_A_TAKES },

    { GMCHAT_GS, "online", GMCHAT_P_NONE,
      NEEDS(REQUIRED(HOST), OPTIONAL(FORMAT), OPTIONAL(GROUP)),
      NULL, "host_online", NO_MAILBOX,
      ARGV(P(HOST)),
      gmchat_reply_online, GMCHAT_A_POLL },

    { 0, NULL, 0, NEEDS(OPTIONAL(NONE)), NULL, NULL, NO_MAILBOX, ARGV(0),
      NULL, 0 }
};

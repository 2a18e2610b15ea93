#ifndef GMCHAT_REPLY_H
#define GMCHAT_REPLY_H


#include "gmchat_action.h"


/*
 * What a store reply comes to.  `value` is a script's {'status', ...}, or
 * something else, which is GMCHAT_FAULT.
 */
gmchat_status_e gmchat_reply_status(const gmchat_value_t *value);

/*
 * Writes the body of a success: {"res":1,...}.  Returns GMCHAT_OK;
 * GMCHAT_FAULT if the script's reply has another shape than the action's;
 * GMCHAT_UNKNOWN without memory, for the script did run.
 */
gmchat_status_e gmchat_reply_success(const gmchat_action_t *action,
    gmchat_reply_t *reply);

/* Writes the body of a refusal: {"res":0,"errno":N,"error":"..."}, or the
 * sentence alone where the contract wants text. */
void gmchat_reply_refusal(gmchat_buf_t *out, const gmchat_refusal_t *refusal);

/* The same, always as the object. */
void gmchat_reply_refusal_object(gmchat_buf_t *out,
    const gmchat_refusal_t *refusal);

/*
 * The receipt of what a plain receive (GMCHAT_A_TAKES) took, by which the
 * bridge settles it; empty if it took nothing.
 */
gmchat_str_t gmchat_reply_receipt(const gmchat_action_t *action,
    const gmchat_value_t *value);


/*
 * The cursor of a receive of one mailbox whose reply says that the mailbox is
 * empty: all in it is done with, nothing in flight.  Empty if it says not.
 */
gmchat_str_t gmchat_reply_idle(const gmchat_value_t *value);

/* Whom an action with GMCHAT_A_WRITES wrote to, as its channel is named behind
 * "to:"; empty if that is not known, for the call is a repeat. */
gmchat_str_t gmchat_reply_written(const gmchat_action_t *action,
    const gmchat_value_t *value);


/* One encoder for each shape of reply: see gmchat_encode_pt. */

int gmchat_reply_sent(gmchat_reply_t *reply);
int gmchat_reply_gm_sent(gmchat_reply_t *reply);
int gmchat_reply_acked(gmchat_reply_t *reply);
int gmchat_reply_messages(gmchat_reply_t *reply);
int gmchat_reply_gm_messages(gmchat_reply_t *reply);
int gmchat_reply_all_messages(gmchat_reply_t *reply);
int gmchat_reply_relation(gmchat_reply_t *reply);
int gmchat_reply_online(gmchat_reply_t *reply);
int gmchat_reply_accounts(gmchat_reply_t *reply);
int gmchat_reply_friends(gmchat_reply_t *reply);
int gmchat_reply_history(gmchat_reply_t *reply);
int gmchat_reply_hosts(gmchat_reply_t *reply);
int gmchat_reply_player(gmchat_reply_t *reply);
int gmchat_reply_canned(gmchat_reply_t *reply);
int gmchat_reply_me(gmchat_reply_t *reply);
int gmchat_reply_operators(gmchat_reply_t *reply);
int gmchat_reply_audit(gmchat_reply_t *reply);


/* Whether a reply has nothing to say to a call that waits. */
int gmchat_reply_quiet(const gmchat_action_t *action, gmchat_reply_t *reply);

/* The same of the store's reply alone: see gmchat_wait_t, and of what streams
 * read. */

int gmchat_reply_receive_quiet(const gmchat_value_t *value);
int gmchat_reply_receive_all_quiet(const gmchat_value_t *value);
int gmchat_reply_stream_quiet(const gmchat_value_t *value);

/*
 * A list of GMs is known while it is the one that the call's cursor stands
 * for; a call without one gets that of the first list.
 */
int gmchat_reply_online_known(gmchat_reply_t *reply);

/* Stands for a set of GMs, in whatever order: strings. */
uint64_t gmchat_reply_gms_digest(const gmchat_value_t *gms, size_t n);


#endif /* GMCHAT_REPLY_H */

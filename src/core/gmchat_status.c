#include "gmchat_status.h"


/* Seconds.  A full mailbox empties when its receiver polls, a store that is
 * away is usually back within its failover. */
#define GMCHAT_RETRY_FULL   5
#define GMCHAT_RETRY_STORE  1


static const gmchat_status_row_t  gmchat_status_rows[GMCHAT_STATUSES] = {

    [GMCHAT_OK] = { "ok", 0, 200, 0, NULL, 0 },

    [GMCHAT_GM_EXISTS] = { "gm_exists", 1, 200, 0,
        "gm_account: this account exists already", 0 },
    [GMCHAT_NO_GM] = { "no_gm", 2, 200, 0,
        "gm_account: there is no such account: create it first", 0 },
    [GMCHAT_HAS_GM] = { "has_gm", 3, 200, 0,
        "uid: this player has a GM already: end that friendship first", 0 },
    [GMCHAT_NO_PLAYER] = { "no_player", 4, 200, 0,
        "uid: the role service knows no such player on this host", 0 },
    [GMCHAT_NOT_FRIEND] = { "not_friend", 4, 200, 0,
        "uid: this player is not a friend of this GM: add it first", 0 },
    [GMCHAT_NOT_THIS_GM] = { "not_this_gm", 5, 200, 0,
        "uid: this player is not a friend of this GM", 0 },
    [GMCHAT_NO_FRIEND_GM] = { "no_friend_gm", 5, 200, 0,
        "uid: this player has no GM", 0 },
    [GMCHAT_NOT_ONLINE] = { "not_online", 0, 200, 0, NULL, 0 },

    [GMCHAT_NOT_INTEGER] = { NULL, -1, 200, 0,
        "must be an integer of 1 to 19 digits, without sign or leading zero, "
        "at most 9223372036854775807", 0 },
    [GMCHAT_MISSING] = { NULL, -2, 400, 0, "is missing", 0 },
    [GMCHAT_MALFORMED] = { NULL, -3, 400, 0, "is malformed", 0 },
    [GMCHAT_NO_ACTION] = { NULL, -8, 404, 0,
        "Err action: there is no such action at this endpoint", 1 },
    [GMCHAT_METHOD] = { NULL, 0, 405, 0, "method: use GET or POST", 0 },
    [GMCHAT_TOO_LARGE] = { NULL, -11, 413, 0,
        "body: too large: send less in one call", 0 },
    [GMCHAT_RATE_LIMITED] = { NULL, -9, 429, 1,
        "too many calls: wait and try again", 0 },
    [GMCHAT_FORBIDDEN] = { NULL, -7, 403, 0,
        "this address has no access: ask for it to be put on the list", 0 },
    [GMCHAT_HOST_FORBIDDEN] = { "host_forbidden", -7, 403, 0,
        "host: this address has no access to this host: it may speak for "
        "other hosts only", 0 },
    [GMCHAT_GROUP_FORBIDDEN] = { NULL, -7, 403, 0,
        "group: this location has no access to this group", 0 },
    [GMCHAT_ORIGIN_FORBIDDEN] = { NULL, -7, 403, 0,
        "origin: scripts of this site have no access: see gmchat_origin", 0 },
    [GMCHAT_METHOD_POST] = { NULL, 0, 405, 0,
        "method: use POST, for this changes something", 0 },
    [GMCHAT_NO_HEADER] = { NULL, -7, 403, 0,
        "header: has no access: a call that changes something needs the header "
        "X-GMChat", 0 },
    [GMCHAT_NO_OPERATOR] = { NULL, -7, 403, 0,
        "operator: has no access: nobody is named, sign in", 0 },
    [GMCHAT_NO_ROLE] = { "no_role", -7, 403, 0,
        "operator: has no access: there is no role for this name, ask an admin",
        0 },
    [GMCHAT_VIEWER] = { "viewer", -7, 403, 0,
        "operator: has no access to this: a viewer changes nothing", 0 },
    [GMCHAT_NOT_GIVEN] = { "not_given", -7, 403, 0,
        "operator: has no access to this GM: ask an admin for the account", 0 },
    [GMCHAT_NOT_ADMIN] = { "not_admin", -7, 403, 0,
        "operator: has no access to this: it is for admins", 0 },
    [GMCHAT_NO_SUCH_OPERATOR] = { "no_such_operator", -3, 400, 0,
        "operator: there is no operator of this name in the group", 0 },
    [GMCHAT_MSGID_REUSED] = { "msgid_reused", -10, 409, 0,
        "msgid: used before with another message: choose a new one", 0 },

    [GMCHAT_NO_STREAM] = { "no_stream", -3, 400, 0,
        "stream: there is no such stream: open one, its first event names it",
        0 },

    [GMCHAT_NO_CURSOR] = { "no_cursor", -3, 400, 0,
        "cursor: is not a cursor of this endpoint: give back one that an "
        "event held", 0 },

    [GMCHAT_TOO_MANY] = { NULL, -3, 400, 0,
        "stream: would have more than 4096 receivers: open another one", 0 },

    [GMCHAT_CANNED_FULL] = { "canned_full", -3, 400, 0,
        "name: would be one more canned reply than the 500 that there may "
        "be: delete one first", 0 },

    [GMCHAT_FULL] = { "full", -4, 429, GMCHAT_RETRY_FULL,
        "the receiver's mailbox is full: try again when it has read some",
        0 },
    [GMCHAT_UNAVAILABLE] = { NULL, -5, 503, GMCHAT_RETRY_STORE,
        "the store does not take this now, nothing was stored: try again",
        0 },
    [GMCHAT_ROLE_UNAVAILABLE] = { "role_unavailable", -5, 503,
        GMCHAT_RETRY_STORE,
        "the role service cannot be reached, nothing was stored: try again",
        0 },
    [GMCHAT_UNKNOWN] = { NULL, -6, 504, 0,
        "the store did not answer, the outcome is unknown: try a send again "
        "with the same msgid", 0 },

    [GMCHAT_FAULT] = { NULL, -6, 504, 0,
        "the bridge failed, the outcome is unknown: try a send again with "
        "the same msgid", 0 }
};


const gmchat_status_row_t *
gmchat_status_row(gmchat_status_e status)
{
    return &gmchat_status_rows[status];
}


gmchat_status_e
gmchat_status_find(const gmchat_str_t *name)
{
    unsigned  i;

    for (i = 0; i < GMCHAT_STATUSES; i++) {
        if (gmchat_status_rows[i].name
            && gmchat_str_is(name, gmchat_status_rows[i].name))
        {
            return i;
        }
    }

    return GMCHAT_FAULT;
}


gmchat_status_e
gmchat_status_of_http(unsigned http)
{
    switch (http) {

    case 401:
    case 403:
        return GMCHAT_FORBIDDEN;

    case 405:
        return GMCHAT_METHOD;

    case 413:
        return GMCHAT_TOO_LARGE;

    case 429:
        return GMCHAT_RATE_LIMITED;

    case 503:
        return GMCHAT_UNAVAILABLE;

    default:
        return http < 500 ? GMCHAT_MALFORMED : GMCHAT_FAULT;
    }
}

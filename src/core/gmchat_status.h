#ifndef GMCHAT_STATUS_H
#define GMCHAT_STATUS_H


#include "gmchat_core.h"


/* What came of a call.  The order is that of gmchat_status_rows. */

typedef enum {
    GMCHAT_OK = 0,

    /* answers of part 1 */
    GMCHAT_GM_EXISTS,
    GMCHAT_NO_GM,
    GMCHAT_HAS_GM,
    GMCHAT_NO_PLAYER,
    GMCHAT_NOT_FRIEND,
    GMCHAT_NOT_THIS_GM,
    GMCHAT_NO_FRIEND_GM,
    GMCHAT_NOT_ONLINE,

    /* the call itself */
    GMCHAT_NOT_INTEGER,
    GMCHAT_MISSING,
    GMCHAT_MALFORMED,
    GMCHAT_NO_ACTION,
    GMCHAT_METHOD,
    GMCHAT_TOO_LARGE,
    GMCHAT_RATE_LIMITED,
    GMCHAT_FORBIDDEN,
    GMCHAT_HOST_FORBIDDEN,
    GMCHAT_GROUP_FORBIDDEN,
    GMCHAT_ORIGIN_FORBIDDEN,
    GMCHAT_METHOD_POST,
    GMCHAT_NO_HEADER,
    GMCHAT_NO_OPERATOR,
    GMCHAT_NO_ROLE,
    GMCHAT_VIEWER,
    GMCHAT_NOT_GIVEN,
    GMCHAT_NOT_ADMIN,
    GMCHAT_NO_SUCH_OPERATOR,
    GMCHAT_MSGID_REUSED,
    GMCHAT_NO_STREAM,
    GMCHAT_NO_CURSOR,
    GMCHAT_TOO_MANY,
    GMCHAT_CANNED_FULL,

    /* the store and the role service */
    GMCHAT_FULL,
    GMCHAT_UNAVAILABLE,
    GMCHAT_ROLE_UNAVAILABLE,
    GMCHAT_UNKNOWN,

    /* the bridge itself */
    GMCHAT_FAULT,

    GMCHAT_STATUSES
} gmchat_status_e;


typedef struct {
    const char   *name;         /* as the scripts return it; NULL: they don't */
    int           code;         /* errno of the contract; 0: none */
    unsigned      http;         /* status line */
    unsigned      retry_after;  /* seconds; 0: no such header */
    const char   *error;        /* what to change; NULL: nothing is said */
    unsigned      text:1;       /* the body is that sentence, not JSON */
} gmchat_status_row_t;


/* The row of a status; never NULL for a value of the enum. */
const gmchat_status_row_t *gmchat_status_row(gmchat_status_e status);

/* The status that a script returned by name; GMCHAT_FAULT if it is none. */
gmchat_status_e gmchat_status_find(const gmchat_str_t *name);

/* The status for a refusal of nginx's own, by its HTTP status. */
gmchat_status_e gmchat_status_of_http(unsigned http);


#endif /* GMCHAT_STATUS_H */

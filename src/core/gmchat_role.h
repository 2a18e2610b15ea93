#ifndef GMCHAT_ROLE_H
#define GMCHAT_ROLE_H


#include "gmchat_status.h"


/*
 * What the role service answered, by its HTTP status (0: it did not) and
 * body: GMCHAT_OK, the player exists; GMCHAT_NO_PLAYER; or
 * GMCHAT_ROLE_UNAVAILABLE where it cannot be told.
 */
gmchat_status_e gmchat_role_answer(unsigned http, const unsigned char *body,
    size_t len);


#endif /* GMCHAT_ROLE_H */

#ifndef GMCHAT_URL_H
#define GMCHAT_URL_H


#include "gmchat_core.h"


/* Where a store is, as gmchat_redis names it. */

typedef enum {
    GMCHAT_URL_TCP = 0,     /* redis://[user@]host[:port][/db] */
    GMCHAT_URL_TLS,         /* rediss://[user@]host[:port][/db] */
    GMCHAT_URL_UNIX         /* unix:path[:db] */
} gmchat_url_kind_e;

typedef struct {
    gmchat_url_kind_e   kind;
    gmchat_str_t        user;
    gmchat_str_t        host;   /* without the brackets of IPv6; or the path */
    unsigned            port;
    unsigned            db;
    unsigned            ipv6:1; /* the host stood in brackets */
} gmchat_url_t;


/*
 * Parses `text`; the strings of `url` point into it.  Returns NULL, or a
 * static sentence that says what is wrong.
 */
const char *gmchat_url_parse(gmchat_url_t *url, const gmchat_str_t *text);


#endif /* GMCHAT_URL_H */

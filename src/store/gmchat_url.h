#ifndef GMCHAT_URL_H
#define GMCHAT_URL_H


#include "gmchat_core.h"


/*
 * Where a store is, as gmchat_redis names it:
 *
 *   redis://[user@]host[:port][/db]                            one server
 *   redis+sentinel://[user@]host[:port][,...]/master[/db]      sentinels
 *   redis+cluster://[user@]host[:port][,...]                   nodes
 *   unix:path[:db]                                             one server
 *
 * rediss instead of redis is with TLS.  An IPv6 address stands in [ ].  The
 * default of a port is 6379, a sentinel's 26379.
 */

#define GMCHAT_URL_HOSTS  16

/* How a connection is made. */

typedef enum {
    GMCHAT_URL_TCP = 0,
    GMCHAT_URL_TLS,
    GMCHAT_URL_UNIX
} gmchat_url_kind_e;

/* What the hosts are. */

typedef enum {
    GMCHAT_URL_SINGLE = 0,  /* the server: one host */
    GMCHAT_URL_SENTINEL,    /* sentinels, which know where the master is */
    GMCHAT_URL_CLUSTER      /* some nodes of a cluster, which know the rest */
} gmchat_url_topology_e;

typedef struct {
    gmchat_str_t   name;    /* without the brackets of IPv6; or the path */
    unsigned       port;    /* 1 to 65535; 0 with a path */
    unsigned       ipv6:1;  /* the name stood in brackets */
} gmchat_url_host_t;

typedef struct {
    gmchat_url_kind_e       kind;
    gmchat_url_topology_e   topology;
    gmchat_str_t            user;       /* may be empty */
    gmchat_url_host_t       hosts[GMCHAT_URL_HOSTS];
    size_t                  nhosts;     /* at least 1 */
    gmchat_str_t            master;     /* the sentinels' name of it */
    unsigned                db;
} gmchat_url_t;


/*
 * Parses `text`; the strings of `url` point into it.  Returns NULL, or a
 * static sentence that says what is wrong.
 */
const char *gmchat_url_parse(gmchat_url_t *url, const gmchat_str_t *text);


#endif /* GMCHAT_URL_H */

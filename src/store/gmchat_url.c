#include "gmchat_integer.h"
#include "gmchat_split.h"
#include "gmchat_url.h"


#define GMCHAT_URL_PORT           6379
#define GMCHAT_URL_SENTINEL_PORT  26379


typedef struct {
    const char              *head;
    gmchat_url_kind_e        kind;
    gmchat_url_topology_e    topology;
    unsigned                 port;
} gmchat_url_scheme_t;


static const gmchat_url_scheme_t  gmchat_url_schemes[] = {
    { "redis://", GMCHAT_URL_TCP, GMCHAT_URL_SINGLE, GMCHAT_URL_PORT },
    { "rediss://", GMCHAT_URL_TLS, GMCHAT_URL_SINGLE, GMCHAT_URL_PORT },
    { "redis+sentinel://", GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL,
      GMCHAT_URL_SENTINEL_PORT },
    { "rediss+sentinel://", GMCHAT_URL_TLS, GMCHAT_URL_SENTINEL,
      GMCHAT_URL_SENTINEL_PORT },
    { "redis+cluster://", GMCHAT_URL_TCP, GMCHAT_URL_CLUSTER,
      GMCHAT_URL_PORT },
    { "rediss+cluster://", GMCHAT_URL_TLS, GMCHAT_URL_CLUSTER,
      GMCHAT_URL_PORT },
    { NULL, GMCHAT_URL_TCP, GMCHAT_URL_SINGLE, 0 }
};


/* Takes `head` off the front of `rest`; returns 1 if it was there. */

static int
gmchat_url_skip(gmchat_str_t *rest, const char *head)
{
    size_t  len;

    len = strlen(head);

    if (rest->len < len || memcmp(rest->data, head, len) != 0) {
        return 0;
    }

    rest->data += len;
    rest->len -= len;

    return 1;
}


static const char *
gmchat_url_number(const gmchat_str_t *text, int64_t least, int64_t most,
    unsigned *number, const char *error)
{
    int64_t  n;

    if (!gmchat_integer_parse(text, &n) || n < least || n > most) {
        return error;
    }

    *number = (unsigned) n;

    return NULL;
}


static const char *
gmchat_url_db(gmchat_url_t *url, const gmchat_str_t *text)
{
    return gmchat_url_number(text, 0, 65535, &url->db,
                             "has a database number that is not 0 to 65535");
}


static const char *
gmchat_url_ipv6(gmchat_url_host_t *host, gmchat_str_t *rest,
    gmchat_str_t *port)
{
    rest->data++;
    rest->len--;

    if (!gmchat_split_first(rest, ']', &host->name)) {
        return "has no \"]\" after its IPv6 address";
    }

    host->ipv6 = 1;

    if (rest->len == 0) {
        return NULL;
    }

    *port = *rest;
    if (!gmchat_url_skip(port, ":")) {
        return "has something other than a port after its host";
    }

    return NULL;
}


/* Reads one host, which is all of `rest`; its port is the default already. */

static const char *
gmchat_url_host(gmchat_url_host_t *host, gmchat_str_t *rest)
{
    const char    *error;
    gmchat_str_t   port = gmchat_null_string;

    if (rest->len && rest->data[0] == '[') {
        error = gmchat_url_ipv6(host, rest, &port);
        if (error) {
            return error;
        }

    } else {
        gmchat_split_last(rest, ':', &port);
        host->name = *rest;

        if (memchr(rest->data, ':', rest->len)) {
            return "has a host with \":\": an IPv6 address stands in [ ]";
        }
    }

    if (host->name.len == 0) {
        return "has no host";
    }

    if (port.data == NULL) {
        return NULL;
    }

    return gmchat_url_number(&port, 1, 65535, &host->port,
                             "has a port that is not 1 to 65535");
}


static const char *
gmchat_url_hosts(gmchat_url_t *url, gmchat_str_t *rest, unsigned port)
{
    int                  more;
    const char          *error;
    gmchat_str_t         text;
    gmchat_url_host_t   *host;

    do {
        if (url->nhosts == GMCHAT_URL_HOSTS) {
            return "has more than 16 hosts";
        }

        more = gmchat_split_first(rest, ',', &text);

        if (more && url->topology == GMCHAT_URL_SINGLE) {
            return "has several hosts: that is for +sentinel or +cluster";
        }

        host = &url->hosts[url->nhosts++];
        host->port = port;

        error = gmchat_url_host(host, &text);
        if (error) {
            return error;
        }

    } while (more);

    return NULL;
}


/* Any but a space or a control character, by which Redis cuts the name off. */

static const char *
gmchat_url_master(gmchat_url_t *url, gmchat_str_t *rest)
{
    size_t  i;

    gmchat_split_first(rest, '/', &url->master);

    if (url->master.len == 0) {
        return "has no name of the master after its sentinels";
    }

    for (i = 0; i < url->master.len; i++) {
        if (url->master.data[i] <= ' ' || url->master.data[i] == 0x7f) {
            return "has a space or a control character in the master's name";
        }
    }

    return NULL;
}


/* Reads what follows the hosts and their slash. */

static const char *
gmchat_url_path(gmchat_url_t *url, gmchat_str_t *rest)
{
    const char  *error;

    if (url->topology == GMCHAT_URL_SENTINEL) {
        error = gmchat_url_master(url, rest);
        if (error) {
            return error;
        }
    }

    if (rest->len == 0) {
        return NULL;
    }

    if (url->topology == GMCHAT_URL_CLUSTER) {
        return "has a database number, which a cluster does not have";
    }

    return gmchat_url_db(url, rest);
}


static const char *
gmchat_url_unix(gmchat_url_t *url, gmchat_str_t *rest)
{
    const char    *error;
    gmchat_str_t   db;

    url->kind = GMCHAT_URL_UNIX;

    if (gmchat_split_last(rest, ':', &db)) {
        error = gmchat_url_db(url, &db);
        if (error) {
            return error;
        }
    }

    if (rest->len == 0 || rest->data[0] != '/') {
        return "has no absolute path after \"unix:\"";
    }

    url->hosts[0].name = *rest;
    url->nhosts = 1;

    return NULL;
}


const char *
gmchat_url_parse(gmchat_url_t *url, const gmchat_str_t *text)
{
    const char                 *error;
    gmchat_str_t                rest, part;
    const gmchat_url_scheme_t  *scheme;

    memset(url, 0, sizeof(gmchat_url_t));
    rest = *text;

    if (gmchat_url_skip(&rest, "unix:")) {
        return gmchat_url_unix(url, &rest);
    }

    for (scheme = gmchat_url_schemes; scheme->head; scheme++) {
        if (gmchat_url_skip(&rest, scheme->head)) {
            break;
        }
    }

    if (scheme->head == NULL) {
        return "must begin with redis://, rediss:// or unix:, the first two "
               "also with +sentinel or +cluster before ://";
    }

    url->kind = scheme->kind;
    url->topology = scheme->topology;

    if (gmchat_split_last(&rest, '@', &part)) {
        if (memchr(rest.data, ':', rest.len)) {
            return "must not hold a password: use password_file=";
        }

        url->user = rest;
        rest = part;
    }

    gmchat_split_first(&rest, '/', &part);

    error = gmchat_url_hosts(url, &part, scheme->port);
    if (error) {
        return error;
    }

    return gmchat_url_path(url, &rest);
}

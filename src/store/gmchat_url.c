#include "gmchat_integer.h"
#include "gmchat_url.h"


#define GMCHAT_URL_PORT  6379


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


/* Cuts `rest` before the last `c`; `tail` is what follows.  Returns 1 if it
 * was there. */

static int
gmchat_url_cut(gmchat_str_t *rest, unsigned char c, gmchat_str_t *tail)
{
    size_t  i;

    for (i = rest->len; i > 0; i--) {
        if (rest->data[i - 1] == c) {
            tail->data = rest->data + i;
            tail->len = rest->len - i;
            rest->len = i - 1;
            return 1;
        }
    }

    return 0;
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
gmchat_url_host(gmchat_url_t *url, gmchat_str_t *rest)
{
    gmchat_str_t     port;
    unsigned char   *end;

    if (rest->len && rest->data[0] == '[') {
        end = memchr(rest->data, ']', rest->len);
        if (end == NULL) {
            return "has no \"]\" after its IPv6 address";
        }

        url->ipv6 = 1;
        url->host.data = rest->data + 1;
        url->host.len = (size_t) (end - rest->data) - 1;
        rest->len -= url->host.len + 2;
        rest->data = end + 1;

        if (rest->len == 0) {
            return NULL;
        }

        port = *rest;
        if (!gmchat_url_skip(&port, ":")) {
            return "has something other than a port after its host";
        }

    } else {
        port.len = 0;
        port.data = NULL;
        gmchat_url_cut(rest, ':', &port);
        url->host = *rest;

        if (memchr(rest->data, ':', rest->len)) {
            return "has a host with \":\": an IPv6 address stands in [ ]";
        }

        if (port.data == NULL) {
            return NULL;
        }
    }

    return gmchat_url_number(&port, 1, 65535, &url->port,
                             "has a port that is not 1 to 65535");
}


static const char *
gmchat_url_unix(gmchat_url_t *url, gmchat_str_t *rest)
{
    gmchat_str_t  db;

    url->kind = GMCHAT_URL_UNIX;

    if (gmchat_url_cut(rest, ':', &db)) {
        if (gmchat_url_number(&db, 0, 65535, &url->db, "") != NULL) {
            return "has a database number that is not 0 to 65535";
        }
    }

    if (rest->len == 0 || rest->data[0] != '/') {
        return "has no absolute path after \"unix:\"";
    }

    url->host = *rest;

    return NULL;
}


const char *
gmchat_url_parse(gmchat_url_t *url, const gmchat_str_t *text)
{
    const char    *error;
    gmchat_str_t   rest, part;

    memset(url, 0, sizeof(gmchat_url_t));
    url->port = GMCHAT_URL_PORT;
    rest = *text;

    if (gmchat_url_skip(&rest, "unix:")) {
        return gmchat_url_unix(url, &rest);
    }

    if (gmchat_url_skip(&rest, "rediss://")) {
        url->kind = GMCHAT_URL_TLS;

    } else if (!gmchat_url_skip(&rest, "redis://")) {
        return "must begin with redis://, rediss:// or unix:";
    }

    if (gmchat_url_cut(&rest, '/', &part) && part.len) {
        error = gmchat_url_number(&part, 0, 65535, &url->db,
                                  "has a database number that is not 0 to "
                                  "65535");
        if (error) {
            return error;
        }
    }

    if (gmchat_url_cut(&rest, '@', &part)) {
        if (memchr(rest.data, ':', rest.len)) {
            return "must not hold a password: use password_file=";
        }

        url->user = rest;
        rest = part;
    }

    error = gmchat_url_host(url, &rest);
    if (error) {
        return error;
    }

    return url->host.len ? NULL : "has no host";
}

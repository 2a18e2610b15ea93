#include "gmchat_cluster.h"
#include "gmchat_integer.h"
#include "gmchat_split.h"


/* The part of a key that is hashed. */

static gmchat_str_t
gmchat_cluster_tag(const gmchat_str_t *key)
{
    size_t        start, end;
    gmchat_str_t  tag;

    for (start = 0; start < key->len && key->data[start] != '{'; start++) {
        /* void */
    }

    for (end = ++start; end < key->len && key->data[end] != '}'; end++) {
        /* void */
    }

    if (end >= key->len || end == start) {
        return *key;
    }

    tag.data = key->data + start;
    tag.len = end - start;

    return tag;
}


unsigned
gmchat_cluster_slot(const gmchat_str_t *key)
{
    size_t        i;
    unsigned      crc, byte;
    gmchat_str_t  tag;

    /* CRC-16/XMODEM of the four high bits: polynomial 0x1021 */

    static const unsigned  table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
    };

    tag = gmchat_cluster_tag(key);

    for (crc = 0, i = 0; i < tag.len; i++) {
        byte = tag.data[i];
        crc = (crc << 4 & 0xffff) ^ table[crc >> 12 ^ byte >> 4];
        crc = (crc << 4 & 0xffff) ^ table[crc >> 12 ^ (byte & 0x0f)];
    }

    return crc % GMCHAT_CLUSTER_SLOTS;
}


/* Checks an address, and makes of "?" what the header says. */

static int
gmchat_cluster_address(gmchat_str_t *host, int64_t n, unsigned *port)
{
    size_t  i;

    if (n < 1 || n > 65535 || host->len > GMCHAT_CLUSTER_HOST) {
        return 0;
    }

    for (i = 0; i < host->len; i++) {
        if (host->data[i] <= ' ' || host->data[i] == 0x7f) {
            return 0;
        }
    }

    *port = (unsigned) n;

    if (gmchat_str_is(host, "?")) {
        host->len = 0;
        *port = 0;
    }

    return 1;
}


/* Reads host:port.  The last colon counts, since IPv6 comes without [ ]. */

static int
gmchat_cluster_endpoint(gmchat_redirect_t *redirect, const gmchat_str_t *text)
{
    int64_t       n;
    gmchat_str_t  host, port;

    host = *text;

    if (!gmchat_split_last(&host, ':', &port)
        || !gmchat_integer_parse(&port, &n))
    {
        return 0;
    }

    if (host.len && host.data[0] == '[') {
        if (host.len < 3 || host.data[host.len - 1] != ']') {
            return 0;
        }

        host.data++;
        host.len -= 2;
    }

    redirect->host = host;

    return gmchat_cluster_address(&redirect->host, n, &redirect->port);
}


int
gmchat_cluster_redirect(gmchat_redirect_t *redirect, const gmchat_str_t *error)
{
    int64_t             slot;
    gmchat_str_t        rest, word;
    gmchat_redirect_e   kind;

    memset(redirect, 0, sizeof(gmchat_redirect_t));

    rest = *error;
    gmchat_split_first(&rest, ' ', &word);

    if (gmchat_str_is(&word, "MOVED")) {
        kind = GMCHAT_REDIRECT_MOVED;

    } else if (gmchat_str_is(&word, "ASK")) {
        kind = GMCHAT_REDIRECT_ASK;

    } else {
        return 0;
    }

    gmchat_split_first(&rest, ' ', &word);

    if (!gmchat_integer_parse(&word, &slot) || slot >= GMCHAT_CLUSTER_SLOTS) {
        return 0;
    }

    if (!gmchat_cluster_endpoint(redirect, &rest)) {
        return 0;
    }

    redirect->slot = (unsigned) slot;
    redirect->kind = kind;

    return 1;
}


static int
gmchat_cluster_node(gmchat_cluster_range_t *range, const gmchat_value_t *node)
{
    const gmchat_value_t  *host, *port;

    if (node->kind != GMCHAT_VALUE_ARRAY || node->n < 2) {
        return 0;
    }

    host = &node->items[0];
    port = &node->items[1];

    if (host->kind == GMCHAT_VALUE_STRING) {
        range->host = host->str;

    } else if (host->kind != GMCHAT_VALUE_NIL) {
        return 0;
    }

    return port->kind == GMCHAT_VALUE_INTEGER
           && gmchat_cluster_address(&range->host, port->integer,
                                     &range->port);
}


int
gmchat_cluster_range(gmchat_cluster_range_t *range,
    const gmchat_value_t *slots, size_t i)
{
    const gmchat_value_t  *row, *first, *last;

    memset(range, 0, sizeof(gmchat_cluster_range_t));

    if (slots->kind != GMCHAT_VALUE_ARRAY) {
        return -1;
    }

    if (i >= slots->n) {
        return 0;
    }

    row = &slots->items[i];

    if (row->kind != GMCHAT_VALUE_ARRAY || row->n < 3) {
        return -1;
    }

    first = &row->items[0];
    last = &row->items[1];

    if (first->kind != GMCHAT_VALUE_INTEGER
        || last->kind != GMCHAT_VALUE_INTEGER
        || first->integer < 0
        || last->integer < first->integer
        || last->integer >= GMCHAT_CLUSTER_SLOTS)
    {
        return -1;
    }

    range->first = (unsigned) first->integer;
    range->last = (unsigned) last->integer;

    return gmchat_cluster_node(range, &row->items[2]) ? 1 : -1;
}

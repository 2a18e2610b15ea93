/*
 * The list is one array of networks, sorted by address, wider before narrower,
 * each with a pointer to the next wider network around it.  Two networks are
 * nested or disjoint, so the last one that begins at or before an address is
 * the most specific that holds it, or lies inside of that one: a lookup is one
 * binary search and a few steps outwards.
 *
 * IPv4 is kept as ::ffff:0:0/96.
 */


#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gmchat_allow.h"


#define GMCHAT_ALLOW_V4         0xffff   /* of ::ffff:0:0/96 */
#define GMCHAT_ALLOW_V4_BITS    96

#define GMCHAT_ALLOW_DIGITS     19       /* of 2^63-1 */

#define gmchat_allow_str_(n)    #n
#define gmchat_allow_str(n)     gmchat_allow_str_(n)


typedef struct {
    uint64_t                     hi;
    uint64_t                     lo;
} gmchat_allow_addr_t;


struct gmchat_allow_entry_s {
    gmchat_allow_addr_t          addr;       /* the network's first address */
    const gmchat_allow_entry_t  *outer;      /* NULL: there is none */
    const char                  *hosts;      /* NULL: unbound */
    uint32_t                     hosts_len;
    uint32_t                     bits;
};


struct gmchat_allow_s {
    size_t                       count;
    gmchat_allow_entry_t        *entries;
    char                        *hosts;      /* the text of all entries */
};


typedef struct {
    gmchat_allow_addr_t          addr;
    uint32_t                     bits;
    uint32_t                     line;
    uint32_t                     first;      /* of its hosts in the parser's */
    uint32_t                     nhosts;     /* 0: unbound */
} gmchat_allow_line_t;


typedef struct {
    const unsigned char         *pos;        /* in the line being read */
    const unsigned char         *end;
    gmchat_allow_line_t         *lines;      /* those that hold a network */
    size_t                       nlines;
    int64_t                     *hosts;      /* of all lines, in order */
    size_t                       nhosts;
    size_t                       hosts_size;
    size_t                       text_size;  /* at most, of all hosts as text */
} gmchat_allow_parser_t;


typedef struct {
    int64_t                      hosts[GMCHAT_ALLOW_HOSTS_MAX];
    size_t                       n;
} gmchat_allow_union_t;


static const char  gmchat_allow_no_memory[] = "there is not enough memory";
static const char  gmchat_allow_no_address[] =
    "the line does not begin with an IPv4 or IPv6 address";


static int
gmchat_allow_is_v4(const gmchat_allow_addr_t *addr)
{
    return addr->hi == 0 && addr->lo >> 32 == GMCHAT_ALLOW_V4;
}


static gmchat_allow_addr_t
gmchat_allow_mask(gmchat_allow_addr_t addr, uint32_t bits)
{
    if (bits <= 64) {
        addr.lo = 0;
        addr.hi &= bits ? UINT64_MAX << (64 - bits) : 0;

    } else {
        addr.lo &= UINT64_MAX << (128 - bits);
    }

    return addr;
}


static int
gmchat_allow_addr(int family, const unsigned char *bytes,
    gmchat_allow_addr_t *addr)
{
    size_t  i;

    memset(addr, 0, sizeof(*addr));

    switch (family) {

    case AF_INET:
        addr->lo = GMCHAT_ALLOW_V4;

        for (i = 0; i < 4; i++) {
            addr->lo = addr->lo << 8 | bytes[i];
        }

        return 0;

    case AF_INET6:
        for (i = 0; i < 8; i++) {
            addr->hi = addr->hi << 8 | bytes[i];
            addr->lo = addr->lo << 8 | bytes[i + 8];
        }

        return 0;

    default:
        return -1;
    }
}


static int
gmchat_allow_address(const char *text, int v4, gmchat_allow_line_t *net)
{
    int            family;
    unsigned char  bytes[sizeof(struct in6_addr)];

    family = v4 ? AF_INET : AF_INET6;

    if (inet_pton(family, text, bytes) != 1) {
        return -1;
    }

    return gmchat_allow_addr(family, bytes, &net->addr);
}


static const char *
gmchat_allow_prefix(const char *text, int v4, gmchat_allow_line_t *net)
{
    size_t    len;
    uint32_t  bits, max;

    len = strspn(text, "0123456789");

    if (len == 0 || text[len] != '\0' || (len > 1 && text[0] == '0')) {
        return "the prefix length is not a number without leading zero";
    }

    max = v4 ? 32 : 128;
    bits = (len > 3) ? max + 1 : (uint32_t) atoi(text);

    if (bits > max) {
        return v4 ? "the prefix length of an IPv4 network is at most 32"
                  : "the prefix length of an IPv6 network is at most 128";
    }

    net->bits = v4 ? bits + GMCHAT_ALLOW_V4_BITS : bits;

    if (net->bits < GMCHAT_ALLOW_V4_BITS && gmchat_allow_is_v4(&net->addr)) {
        return "the prefix length of an IPv4-mapped network is at least 96";
    }

    return NULL;
}


static int
gmchat_allow_is_separator(unsigned char ch)
{
    return ch == ' ' || ch == '\t' || ch == ',';
}


/* returns the token's length and goes past the separators behind it */
static size_t
gmchat_allow_token(gmchat_allow_parser_t *p, const unsigned char **start)
{
    size_t  len;

    *start = p->pos;

    while (p->pos < p->end && !gmchat_allow_is_separator(*p->pos)) {
        p->pos++;
    }

    len = p->pos - *start;

    while (p->pos < p->end && gmchat_allow_is_separator(*p->pos)) {
        p->pos++;
    }

    return len;
}


static const char *
gmchat_allow_network(gmchat_allow_parser_t *p, gmchat_allow_line_t *net)
{
    int                   v4;
    char                  text[INET6_ADDRSTRLEN + sizeof("/128")];
    char                 *prefix;
    size_t                len;
    const char           *reason;
    const unsigned char  *start;

    len = gmchat_allow_token(p, &start);

    if (len >= sizeof(text)) {
        return gmchat_allow_no_address;
    }

    memcpy(text, start, len);
    text[len] = '\0';

    prefix = strchr(text, '/');
    if (prefix) {
        *prefix++ = '\0';
    }

    v4 = (strchr(text, ':') == NULL);

    if (gmchat_allow_address(text, v4, net) != 0) {
        return gmchat_allow_no_address;
    }

    net->bits = 128;

    reason = prefix ? gmchat_allow_prefix(prefix, v4, net) : NULL;

    net->addr = gmchat_allow_mask(net->addr, net->bits);

    return reason;
}


static const char *
gmchat_allow_host(const unsigned char *start, size_t len, int64_t *host)
{
    size_t    i;
    uint64_t  value;

    value = 0;

    /* 19 digits do not overflow 64 bits without sign */

    for (i = 0; i < len && i < GMCHAT_ALLOW_DIGITS; i++) {
        if (start[i] < '0' || start[i] > '9') {
            break;
        }

        value = value * 10 + (start[i] - '0');
    }

    if (i == 0 || i < len || (start[0] == '0' && len > 1)) {
        return "a host is not a number of 1 to "
               gmchat_allow_str(GMCHAT_ALLOW_DIGITS)
               " digits without leading zero";
    }

    if (value > INT64_MAX) {
        return "a host is larger than 9223372036854775807";
    }

    *host = value;

    return NULL;
}


static int
gmchat_allow_push(gmchat_allow_parser_t *p, int64_t host)
{
    size_t    size;
    int64_t  *hosts;

    if (p->nhosts == p->hosts_size) {
        size = p->hosts_size ? 2 * p->hosts_size : GMCHAT_ALLOW_HOSTS_MAX;

        hosts = realloc(p->hosts, size * sizeof(int64_t));
        if (hosts == NULL) {
            return -1;
        }

        p->hosts = hosts;
        p->hosts_size = size;
    }

    p->hosts[p->nhosts++] = host;

    return 0;
}


static const char *
gmchat_allow_line_hosts(gmchat_allow_parser_t *p, gmchat_allow_line_t *net)
{
    size_t                len;
    int64_t               host;
    const char           *reason;
    const unsigned char  *start;

    net->first = p->nhosts;

    while (p->pos < p->end) {
        len = gmchat_allow_token(p, &start);

        reason = gmchat_allow_host(start, len, &host);
        if (reason) {
            return reason;
        }

        if (gmchat_allow_push(p, host) != 0) {
            return gmchat_allow_no_memory;
        }

        p->text_size += len + sizeof(",") - 1;
    }

    net->nhosts = p->nhosts - net->first;
    p->text_size += sizeof(",");

    return NULL;
}


/* leaves pos and end around what is neither blank nor comment */
static const char *
gmchat_allow_content(gmchat_allow_parser_t *p)
{
    const unsigned char  *c;

    if (p->end > p->pos && p->end[-1] == '\r') {
        p->end--;
    }

    if (p->end - p->pos > GMCHAT_ALLOW_LINE_MAX) {
        return "the line is longer than "
               gmchat_allow_str(GMCHAT_ALLOW_LINE_MAX) " bytes";
    }

    for (c = p->pos; c < p->end; c++) {
        if ((*c < ' ' && *c != '\t') || *c == 0x7f) {
            return "the line holds a control character";
        }
    }

    c = memchr(p->pos, '#', p->end - p->pos);
    if (c) {
        p->end = c;
    }

    while (p->pos < p->end && (*p->pos == ' ' || *p->pos == '\t')) {
        p->pos++;
    }

    return NULL;
}


static const char *
gmchat_allow_line(gmchat_allow_parser_t *p, unsigned line)
{
    const char           *reason;
    gmchat_allow_line_t  *net;

    reason = gmchat_allow_content(p);

    if (reason || p->pos == p->end) {
        return reason;
    }

    net = &p->lines[p->nlines];
    net->line = line;

    reason = gmchat_allow_network(p, net);
    if (reason) {
        return reason;
    }

    p->nlines++;

    return gmchat_allow_line_hosts(p, net);
}


static const unsigned char *
gmchat_allow_line_end(const unsigned char *text, const unsigned char *end)
{
    const unsigned char  *p;

    p = memchr(text, '\n', end - text);

    return p ? p : end;
}


static size_t
gmchat_allow_count_lines(const unsigned char *text, size_t len)
{
    size_t                n;
    const unsigned char  *end;

    n = 0;

    for (end = text + len; text < end; n++) {
        text = gmchat_allow_line_end(text, end);

        if (text < end) {
            text++;
        }
    }

    return n;
}


static int
gmchat_allow_lines(gmchat_allow_parser_t *p, const unsigned char *text,
    size_t len, gmchat_allow_error_t *err)
{
    size_t                nlines;
    unsigned              line;
    const unsigned char  *end;

    nlines = gmchat_allow_count_lines(text, len);

    if (nlines > GMCHAT_ALLOW_LINES_MAX) {
        err->line = GMCHAT_ALLOW_LINES_MAX + 1;
        err->reason = "the list has more than "
                      gmchat_allow_str(GMCHAT_ALLOW_LINES_MAX) " lines";
        return -1;
    }

    p->lines = calloc(nlines + 1, sizeof(gmchat_allow_line_t));
    if (p->lines == NULL) {
        err->reason = gmchat_allow_no_memory;
        return -1;
    }

    end = text + len;

    for (line = 1; line <= nlines; line++) {
        p->pos = text;
        p->end = gmchat_allow_line_end(text, end);
        text = (p->end < end) ? p->end + 1 : end;

        err->reason = gmchat_allow_line(p, line);

        if (err->reason) {
            err->line = (err->reason == gmchat_allow_no_memory) ? 0 : line;
            return -1;
        }
    }

    return 0;
}


static int
gmchat_allow_cmp(const gmchat_allow_addr_t *one,
    const gmchat_allow_addr_t *two)
{
    if (one->hi != two->hi) {
        return (one->hi < two->hi) ? -1 : 1;
    }

    if (one->lo != two->lo) {
        return (one->lo < two->lo) ? -1 : 1;
    }

    return 0;
}


/* wider before narrower, and lines of one network in their order */
static int
gmchat_allow_cmp_lines(const void *one, const void *two)
{
    int                         rc;
    const gmchat_allow_line_t  *first, *second;

    first = one;
    second = two;

    rc = gmchat_allow_cmp(&first->addr, &second->addr);

    if (rc == 0) {
        rc = (int) first->bits - (int) second->bits;
    }

    if (rc == 0) {
        rc = (first->line < second->line) ? -1 : 1;
    }

    return rc;
}


/* the first line behind i that is about another network */
static size_t
gmchat_allow_group_end(const gmchat_allow_parser_t *p, size_t i)
{
    size_t                      end;
    const gmchat_allow_line_t  *lines;

    lines = p->lines;

    for (end = i + 1; end < p->nlines; end++) {
        if (lines[end].bits != lines[i].bits
            || gmchat_allow_cmp(&lines[end].addr, &lines[i].addr) != 0)
        {
            break;
        }
    }

    return end;
}


static int
gmchat_allow_unite_host(gmchat_allow_union_t *u, int64_t host)
{
    size_t  i;

    /* from the end: most lists are in ascending order */

    for (i = u->n; i > 0 && u->hosts[i - 1] >= host; i--) {
        if (u->hosts[i - 1] == host) {
            return 0;
        }
    }

    if (u->n == GMCHAT_ALLOW_HOSTS_MAX) {
        return -1;
    }

    memmove(&u->hosts[i + 1], &u->hosts[i], (u->n - i) * sizeof(int64_t));

    u->hosts[i] = host;
    u->n++;

    return 0;
}


/* leaves the union empty if one of the lines is unbound */
static int
gmchat_allow_unite(const gmchat_allow_parser_t *p, size_t i, size_t end,
    gmchat_allow_union_t *u, gmchat_allow_error_t *err)
{
    size_t                      n, j;
    const gmchat_allow_line_t  *net;

    u->n = 0;

    for (n = i; n < end; n++) {
        if (p->lines[n].nhosts == 0) {
            return 0;
        }
    }

    for (n = i; n < end; n++) {
        net = &p->lines[n];

        for (j = 0; j < net->nhosts; j++) {
            if (gmchat_allow_unite_host(u, p->hosts[net->first + j]) != 0) {
                err->line = net->line;
                err->reason = "the network has more than "
                              gmchat_allow_str(GMCHAT_ALLOW_HOSTS_MAX)
                              " hosts";
                return -1;
            }
        }
    }

    return 0;
}


/* returns where the next entry's hosts may go */
static char *
gmchat_allow_write(gmchat_allow_entry_t *entry, char *text,
    const gmchat_allow_union_t *u)
{
    size_t  i;

    if (u->n == 0) {
        return text;
    }

    entry->hosts = text;

    *text++ = ',';

    for (i = 0; i < u->n; i++) {
        text += sprintf(text, "%" PRId64 ",", u->hosts[i]);
    }

    entry->hosts_len = text - entry->hosts;

    return text + 1;
}


/* the first entry, from this one outwards, that holds the address */
static const gmchat_allow_entry_t *
gmchat_allow_around(const gmchat_allow_entry_t *entry,
    const gmchat_allow_addr_t *addr)
{
    gmchat_allow_addr_t  masked;

    for ( /* void */ ; entry; entry = entry->outer) {
        masked = gmchat_allow_mask(*addr, entry->bits);

        if (gmchat_allow_cmp(&masked, &entry->addr) == 0) {
            break;
        }
    }

    return entry;
}


static int
gmchat_allow_build(gmchat_allow_t *allow, const gmchat_allow_parser_t *p,
    gmchat_allow_error_t *err)
{
    char                  *text;
    size_t                 i, end;
    gmchat_allow_union_t   u;
    gmchat_allow_entry_t  *entry;

    text = allow->hosts;

    for (i = 0; i < p->nlines; i = end) {
        end = gmchat_allow_group_end(p, i);

        if (gmchat_allow_unite(p, i, end, &u, err) != 0) {
            return -1;
        }

        entry = &allow->entries[allow->count];
        entry->addr = p->lines[i].addr;
        entry->bits = p->lines[i].bits;

        if (allow->count > 0) {
            entry->outer = gmchat_allow_around(entry - 1, &entry->addr);
        }

        text = gmchat_allow_write(entry, text, &u);

        allow->count++;
    }

    return 0;
}


static gmchat_allow_t *
gmchat_allow_create(const gmchat_allow_parser_t *p, gmchat_allow_error_t *err)
{
    gmchat_allow_t  *allow;

    allow = calloc(1, sizeof(gmchat_allow_t));
    if (allow == NULL) {
        err->reason = gmchat_allow_no_memory;
        return NULL;
    }

    allow->entries = calloc(p->nlines + 1, sizeof(gmchat_allow_entry_t));
    if (allow->entries == NULL) {
        err->reason = gmchat_allow_no_memory;
        goto failed;
    }

    allow->hosts = malloc(p->text_size + 1);
    if (allow->hosts == NULL) {
        err->reason = gmchat_allow_no_memory;
        goto failed;
    }

    if (gmchat_allow_build(allow, p, err) == 0) {
        return allow;
    }

failed:

    gmchat_allow_free(allow);

    return NULL;
}


gmchat_allow_t *
gmchat_allow_parse(const unsigned char *text, size_t len,
    gmchat_allow_error_t *err)
{
    gmchat_allow_t         *allow;
    gmchat_allow_parser_t   p;

    memset(&p, 0, sizeof(p));
    memset(err, 0, sizeof(*err));

    if (len > GMCHAT_ALLOW_TEXT_MAX) {
        err->reason = "the list is longer than "
                      gmchat_allow_str(GMCHAT_ALLOW_TEXT_MAX) " bytes";
        return NULL;
    }

    if (len == 0) {
        text = (const unsigned char *) "";   /* it may be NULL */
    }

    allow = NULL;

    if (gmchat_allow_lines(&p, text, len, err) == 0) {
        qsort(p.lines, p.nlines, sizeof(gmchat_allow_line_t),
              gmchat_allow_cmp_lines);
        allow = gmchat_allow_create(&p, err);
    }

    free(p.lines);
    free(p.hosts);

    return allow;
}


const gmchat_allow_entry_t *
gmchat_allow_find(const gmchat_allow_t *allow, int family,
    const unsigned char *bytes)
{
    size_t                       low, high, mid;
    gmchat_allow_addr_t          addr;
    const gmchat_allow_entry_t  *entry;

    if (gmchat_allow_addr(family, bytes, &addr) != 0) {
        return NULL;
    }

    low = 0;
    high = allow->count;

    while (low < high) {
        mid = low + (high - low) / 2;

        if (gmchat_allow_cmp(&allow->entries[mid].addr, &addr) <= 0) {
            low = mid + 1;

        } else {
            high = mid;
        }
    }

    if (low == 0) {
        return NULL;
    }

    entry = gmchat_allow_around(&allow->entries[low - 1], &addr);

    if (entry && entry->bits < GMCHAT_ALLOW_V4_BITS
        && gmchat_allow_is_v4(&addr))
    {
        return NULL;
    }

    return entry;
}


int
gmchat_allow_speaks_for(const gmchat_allow_entry_t *entry, int64_t host)
{
    char  text[sizeof(",-,") + GMCHAT_ALLOW_DIGITS];

    if (entry->hosts == NULL) {
        return 1;
    }

    snprintf(text, sizeof(text), ",%" PRId64 ",", host);

    return strstr(entry->hosts, text) != NULL;
}


const char *
gmchat_allow_hosts(const gmchat_allow_entry_t *entry, size_t *len)
{
    *len = entry->hosts_len;

    return entry->hosts;
}


size_t
gmchat_allow_count(const gmchat_allow_t *allow)
{
    return allow->count;
}


void
gmchat_allow_free(gmchat_allow_t *allow)
{
    if (allow == NULL) {
        return;
    }

    free(allow->entries);
    free(allow->hosts);
    free(allow);
}

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "fuzz_plain.h"
#include "gmchat_allow.h"


/*
 * A server list, held against the plainest reading of it: each line for itself,
 * and for an address the line with the longest prefix.  Also: its lines in
 * reverse order are the same list.
 */


#define FUZZ_LINES  64


typedef struct {
    unsigned char  addr[16];    /* IPv4 as ::ffff:0:0/96 */
    unsigned       bits;
    gmchat_str_t   hosts;       /* the rest of the line */
} fuzz_net_t;

typedef struct {
    fuzz_net_t     nets[FUZZ_LINES];
    size_t         n;
    int            whole;       /* it is all of the list */
} fuzz_nets_t;


static const unsigned char  fuzz_mapped[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};


static int
fuzz_net_holds(const fuzz_net_t *net, const unsigned char *addr)
{
    unsigned  i;

    /* no network of IPv6 has an address of IPv4 */

    if (net->bits < 96 && memcmp(addr, fuzz_mapped, 12) == 0) {
        return 0;
    }

    for (i = 0; i < net->bits; i++) {
        if ((net->addr[i / 8] ^ addr[i / 8]) & (0x80 >> i % 8)) {
            return 0;
        }
    }

    return 1;
}


/* The text up to a blank, a comma or the end; `rest` begins behind those. */

static gmchat_str_t
fuzz_net_word(gmchat_str_t *rest)
{
    gmchat_str_t  word;

    word.data = rest->data;

    while (rest->len && strchr(" \t,", rest->data[0]) == NULL) {
        rest->data++;
        rest->len--;
    }

    word.len = (size_t) (rest->data - word.data);

    while (rest->len && strchr(" \t,", rest->data[0])) {
        rest->data++;
        rest->len--;
    }

    return word;
}


static void
fuzz_net_read(fuzz_net_t *net, const gmchat_str_t *word)
{
    char  text[64], *slash;

    fuzz_must(word->len < sizeof(text));
    memcpy(text, word->data, word->len);
    text[word->len] = '\0';

    slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
    }

    if (strchr(text, ':')) {
        fuzz_must(inet_pton(AF_INET6, text, net->addr) == 1);
        net->bits = slash ? (unsigned) atoi(slash + 1) : 128;

    } else {
        memcpy(net->addr, fuzz_mapped, 12);
        fuzz_must(inet_pton(AF_INET, text, net->addr + 12) == 1);
        net->bits = 96 + (slash ? (unsigned) atoi(slash + 1) : 32);
    }

    fuzz_must(net->bits <= 128);
}


/* A line of a list that was accepted. */

static void
fuzz_net_line(fuzz_nets_t *nets, gmchat_str_t line)
{
    size_t        i;
    fuzz_net_t   *net;
    gmchat_str_t  word;

    for (i = 0; i < line.len && line.data[i] != '#'; i++) { /* void */ }

    if (i == line.len && i && line.data[i - 1] == '\r') {
        i--;
    }

    line.len = i;

    while (line.len && strchr(" \t", line.data[0])) {
        line.data++;
        line.len--;
    }

    if (line.len == 0) {
        return;
    }

    if (nets->n == FUZZ_LINES) {
        nets->whole = 0;
        return;
    }

    net = &nets->nets[nets->n++];
    word = fuzz_net_word(&line);
    net->hosts = line;
    fuzz_net_read(net, &word);
}


static int
fuzz_net_names(const fuzz_net_t *net, int64_t host)
{
    int64_t       n;
    gmchat_str_t  rest, word;

    for (rest = net->hosts; rest.len; /* void */ ) {
        word = fuzz_net_word(&rest);
        fuzz_must(fuzz_integer(&word, &n));

        if (n == host) {
            return 1;
        }
    }

    return 0;
}


/* -1: no network holds the address; else whether it may speak for the host. */

static int
fuzz_nets_speak(const fuzz_nets_t *nets, const unsigned char *addr,
    int64_t host)
{
    int     bits, speaks, bound;
    size_t  i;

    bits = -1;

    for (i = 0; i < nets->n; i++) {
        if (fuzz_net_holds(&nets->nets[i], addr)
            && (int) nets->nets[i].bits > bits)
        {
            bits = (int) nets->nets[i].bits;
        }
    }

    speaks = 0;
    bound = 1;

    for (i = 0; i < nets->n; i++) {
        if ((int) nets->nets[i].bits != bits
            || !fuzz_net_holds(&nets->nets[i], addr))
        {
            continue;
        }

        bound &= nets->nets[i].hosts.len != 0;
        speaks |= fuzz_net_names(&nets->nets[i], host);
    }

    return bits < 0 ? -1 : speaks || !bound;
}


static int
fuzz_allow_speaks(const gmchat_allow_t *allow, const unsigned char *addr,
    int64_t host)
{
    size_t                       len;
    const char                  *hosts;
    const gmchat_allow_entry_t  *entry, *mapped;

    entry = gmchat_allow_find(allow, AF_INET6, addr);

    if (memcmp(addr, fuzz_mapped, 12) == 0) {
        mapped = gmchat_allow_find(allow, AF_INET, addr + 12);
        fuzz_must(mapped == entry);
    }

    if (entry == NULL) {
        return -1;
    }

    hosts = gmchat_allow_hosts(entry, &len);
    fuzz_must(hosts ? len == strlen(hosts) && len >= 3 && hosts[0] == ','
                      && hosts[len - 1] == ','
                    : len == 0);

    return gmchat_allow_speaks_for(entry, host);
}


/* Asks for each network's first address and for those around and in it. */

static void
fuzz_allow_probe(fuzz_t *f, const gmchat_allow_t *allow,
    const gmchat_allow_t *other, const fuzz_nets_t *nets)
{
    int             speaks;
    size_t          i;
    int64_t         host;
    unsigned        k;
    gmchat_str_t    rest, word;
    unsigned char   addr[16];

    for (i = 0; i < nets->n; i++) {
        rest = nets->nets[(i + 1) % nets->n].hosts;
        word = fuzz_net_word(&rest);
        host = 0;
        fuzz_must(word.len == 0 || fuzz_integer(&word, &host));

        for (k = 0; k < 4; k++) {
            memcpy(addr, nets->nets[i].addr, sizeof(addr));
            addr[15] ^= k & 1;
            addr[k < 2 ? 15 : 13] ^= k < 2 ? 0 : 0x80;

            speaks = fuzz_allow_speaks(allow, addr, host);
            fuzz_note(f, " %d", speaks);
            fuzz_must(fuzz_allow_speaks(other, addr, host) == speaks);
            fuzz_must(!nets->whole
                      || fuzz_nets_speak(nets, addr, host) == speaks);
        }
    }
}


/* The lines from the last to the first. */

static gmchat_str_t
fuzz_allow_reverse(const gmchat_str_t *text, fuzz_nets_t *nets)
{
    fuzz_t         lines = { 0 };
    gmchat_str_t   line, reversed;
    unsigned char *to;

    reversed.len = text->len + 1;
    reversed.data = malloc(reversed.len);
    fuzz_must(reversed.data != NULL);

    to = reversed.data + reversed.len;
    lines.pos = text->data;
    lines.last = text->data + text->len;

    while (lines.pos < lines.last) {
        line = fuzz_line(&lines);
        fuzz_net_line(nets, line);

        *--to = '\n';
        to -= line.len;
        memcpy(to, line.data, line.len);
    }

    reversed.len -= (size_t) (to - reversed.data);
    memmove(reversed.data, to, reversed.len);

    return reversed;
}


static void
fuzz_allow_read(fuzz_t *f, const gmchat_str_t *text,
    const gmchat_allow_t *allow)
{
    fuzz_nets_t            nets;
    gmchat_str_t           reversed;
    gmchat_allow_t        *other;
    gmchat_allow_error_t   err;

    memset(&nets, 0, sizeof(nets));
    nets.whole = 1;
    reversed = fuzz_allow_reverse(text, &nets);
    other = gmchat_allow_parse(reversed.data, reversed.len, &err);

    fuzz_must(other != NULL);
    fuzz_must(gmchat_allow_count(other) == gmchat_allow_count(allow));
    fuzz_must(!nets.whole || gmchat_allow_count(allow) <= nets.n);
    fuzz_must((gmchat_allow_count(allow) == 0) == (nets.n == 0));

    fuzz_allow_probe(f, allow, other, &nets);

    gmchat_allow_free(other);
    free(reversed.data);
}


static void
fuzz_allow_broken(fuzz_t *f, const gmchat_str_t *text,
    const gmchat_allow_error_t *err)
{
    size_t    i;
    unsigned  lines;

    lines = 1;

    for (i = 0; i < text->len; i++) {
        lines += text->data[i] == '\n';
    }

    fuzz_must(err->reason != NULL);
    fuzz_must(err->line <= lines);
    fuzz_must_fed(f, err->line != 0);
    fuzz_note(f, "line %u: %s", err->line, err->reason);
}


void
fuzz_run(fuzz_t *f)
{
    gmchat_str_t           text;
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    text = fuzz_rest(f);
    text = fuzz_copy(text.data, text.len);

    allow = gmchat_allow_parse(text.data, text.len, &err);

    if (allow == NULL) {
        fuzz_allow_broken(f, &text, &err);

    } else if (!f->starved) {
        fuzz_allow_read(f, &text, allow);
    }

    gmchat_allow_free(allow);
    free(text.data);
}

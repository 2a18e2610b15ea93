#include "gmchat_integer.h"
#include "gmchat_sentinel.h"
#include "gmchat_split.h"


#define GMCHAT_SENTINEL_WORDS  5


static int
gmchat_sentinel_read(gmchat_sentinel_addr_t *addr, const gmchat_str_t *host,
    const gmchat_str_t *port)
{
    int64_t  n;

    if (host->len == 0 || host->len >= GMCHAT_SENTINEL_HOST) {
        return -1;
    }

    if (!gmchat_integer_parse(port, &n) || n < 1 || n > 65535) {
        return -1;
    }

    addr->host = *host;
    addr->port = (unsigned) n;

    return 1;
}


int
gmchat_sentinel_address(gmchat_sentinel_addr_t *addr,
    const gmchat_value_t *reply)
{
    if (reply->kind == GMCHAT_VALUE_NIL) {
        return 0;
    }

    if (reply->kind != GMCHAT_VALUE_ARRAY || reply->n != 2
        || reply->items[0].kind != GMCHAT_VALUE_STRING
        || reply->items[1].kind != GMCHAT_VALUE_STRING)
    {
        return -1;
    }

    return gmchat_sentinel_read(addr, &reply->items[0].str,
                                &reply->items[1].str);
}


/* A word of a list with commas between. */

static int
gmchat_sentinel_has(const gmchat_str_t *list, const char *flag)
{
    gmchat_str_t  rest, word;

    rest = *list;

    while (rest.len) {
        (void) gmchat_split_first(&rest, ',', &word);

        if (gmchat_str_is(&word, flag)) {
            return 1;
        }
    }

    return 0;
}


int
gmchat_sentinel_vouches(const gmchat_value_t *reply,
    const gmchat_sentinel_addr_t *addr)
{
    size_t                   i;
    const gmchat_str_t      *name, *host, *port, *flags;
    gmchat_sentinel_addr_t   master;

    if (reply->kind != GMCHAT_VALUE_ARRAY) {
        return -1;
    }

    host = NULL;
    port = NULL;
    flags = NULL;

    for (i = 0; i + 1 < reply->n; i += 2) {
        if (reply->items[i].kind != GMCHAT_VALUE_STRING
            || reply->items[i + 1].kind != GMCHAT_VALUE_STRING)
        {
            return -1;
        }

        name = &reply->items[i].str;

        if (gmchat_str_is(name, "ip")) {
            host = &reply->items[i + 1].str;

        } else if (gmchat_str_is(name, "port")) {
            port = &reply->items[i + 1].str;

        } else if (gmchat_str_is(name, "flags")) {
            flags = &reply->items[i + 1].str;
        }
    }

    if (host == NULL || port == NULL || flags == NULL
        || gmchat_sentinel_read(&master, host, port) != 1)
    {
        return -1;
    }

    if (master.port != addr->port || master.host.len != addr->host.len
        || memcmp(master.host.data, addr->host.data, addr->host.len) != 0)
    {
        return -1;
    }

    return gmchat_sentinel_has(flags, "master")
           && !gmchat_sentinel_has(flags, "s_down")
           && !gmchat_sentinel_has(flags, "o_down")
           && !gmchat_sentinel_has(flags, "failover_in_progress");
}


int
gmchat_sentinel_newest(const gmchat_sentinel_say_t *says, size_t n)
{
    int     newest;
    size_t  i;

    newest = -1;

    for (i = 0; i < n; i++) {
        if (gmchat_sentinel_speaks(&says[i])
            && (newest == -1 || says[i].since > says[newest].since))
        {
            newest = (int) i;
        }
    }

    return newest;
}


int
gmchat_sentinel_switch(gmchat_sentinel_addr_t *addr, const gmchat_str_t *text,
    const gmchat_str_t *master)
{
    int           last;
    size_t        i;
    gmchat_str_t  rest, words[GMCHAT_SENTINEL_WORDS];

    rest = *text;

    for (i = 0; i < GMCHAT_SENTINEL_WORDS; i++) {
        last = i == GMCHAT_SENTINEL_WORDS - 1;

        if (gmchat_split_first(&rest, ' ', &words[i]) == last) {
            return -1;
        }
    }

    if (words[0].len != master->len
        || memcmp(words[0].data, master->data, master->len) != 0)
    {
        return 0;
    }

    return gmchat_sentinel_read(addr, &words[3], &words[4]);
}


static int
gmchat_sentinel_says(const gmchat_sentinel_say_t *say,
    const unsigned char *host, size_t len, unsigned port)
{
    return say->port == port && say->len == len
           && memcmp(say->host, host, len) == 0;
}


void
gmchat_sentinel_tell(gmchat_sentinel_say_t *say,
    const gmchat_sentinel_addr_t *addr, uint64_t now)
{
    if (addr->host.len >= GMCHAT_SENTINEL_HOST) {
        return;
    }

    say->silent = 0;

    if (gmchat_sentinel_says(say, addr->host.data, addr->host.len,
                             addr->port))
    {
        return;
    }

    memcpy(say->host, addr->host.data, addr->host.len);
    say->host[addr->host.len] = '\0';
    say->len = addr->host.len;
    say->port = addr->port;
    say->since = now;
}


int
gmchat_sentinel_speaks(const gmchat_sentinel_say_t *say)
{
    return say->port != 0 && !say->silent;
}


static size_t
gmchat_sentinel_votes(const gmchat_sentinel_say_t *says, size_t n,
    const gmchat_sentinel_say_t *say)
{
    size_t  i, votes;

    for (votes = 0, i = 0; i < n; i++) {
        if (gmchat_sentinel_speaks(&says[i])
            && gmchat_sentinel_says(&says[i], say->host, say->len, say->port))
        {
            votes++;
        }
    }

    return votes;
}


int
gmchat_sentinel_elect(const gmchat_sentinel_say_t *says, size_t n)
{
    int     best;
    size_t  i, votes, most;

    best = -1;
    most = 0;

    for (i = 0; i < n; i++) {
        if (!gmchat_sentinel_speaks(&says[i])) {
            continue;
        }

        votes = gmchat_sentinel_votes(says, n, &says[i]);

        if (votes > most
            || (votes == most && says[i].since > says[best].since))
        {
            best = (int) i;
            most = votes;
        }
    }

    return best;
}


int
gmchat_sentinel_settled(const gmchat_sentinel_say_t *says, size_t n, size_t i,
    int pending, int serves)
{
    size_t  votes;

    votes = gmchat_sentinel_votes(says, n, &says[i]);

    if (votes * 2 > n) {
        return 1;
    }

    return !pending && (!serves || votes * 2 == n);
}

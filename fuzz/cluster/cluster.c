#include <stdio.h>
#include <stdlib.h>

#include "fuzz_plain.h"
#include "fuzz_resp.h"
#include "gmchat_cluster.h"
#include "gmchat_sentinel.h"


/*
 * What the nodes of a cluster and sentinels say.  The first character says
 * which: a value (slots, an address), the text of an error, a message of
 * +switch-master behind a line with the master's name, a key, or what several
 * sentinels name, which is held against counting.
 */


#define FUZZ_SAYS  8


/* Of what the CRC is taken: Redis Cluster's specification, bit by bit. */

static unsigned
fuzz_cluster_crc(const unsigned char *data, size_t len)
{
    int       bit;
    size_t    i;
    unsigned  crc;

    for (crc = 0, i = 0; i < len; i++) {
        crc ^= (unsigned) data[i] << 8;

        for (bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
        }
    }

    return crc;
}


static void
fuzz_cluster_slot(fuzz_t *f, const gmchat_str_t *key)
{
    size_t                len;
    unsigned              slot;
    const unsigned char  *open, *shut, *data;

    slot = gmchat_cluster_slot(key);
    fuzz_note(f, "slot:%u", slot);

    data = key->data;
    len = key->len;
    open = len ? memchr(data, '{', len) : NULL;
    shut = open ? memchr(open, '}', (size_t) (data + len - open)) : NULL;

    if (shut && shut > open + 1) {
        len = (size_t) (shut - open) - 1;
        data = open + 1;
    }

    fuzz_must(slot == fuzz_cluster_crc(data, len) % GMCHAT_CLUSTER_SLOTS);
}


static void
fuzz_cluster_host(fuzz_t *f, const gmchat_str_t *host, unsigned port)
{
    size_t  i;

    fuzz_note_str(f, "host", host);
    fuzz_note(f, ":%u", port);

    fuzz_must(port <= 65535 && host->len <= GMCHAT_CLUSTER_HOST);
    fuzz_must(port || host->len == 0);

    for (i = 0; i < host->len; i++) {
        fuzz_must(host->data[i] > ' ' && host->data[i] != 0x7f);
    }
}


/* What was read of an error, written again, is read as the same. */

static void
fuzz_cluster_redirect(fuzz_t *f, const gmchat_str_t *error)
{
    int                 ipv6;
    char                text[512];
    gmchat_str_t        written;
    gmchat_redirect_t   redirect, again;

    if (!gmchat_cluster_redirect(&redirect, error)) {
        fuzz_must(redirect.kind == GMCHAT_REDIRECT_NONE);
        return;
    }

    fuzz_note(f, "redirect:%d %u", redirect.kind, redirect.slot);
    fuzz_cluster_host(f, &redirect.host, redirect.port);

    fuzz_must(redirect.kind == GMCHAT_REDIRECT_MOVED
              || redirect.kind == GMCHAT_REDIRECT_ASK);
    fuzz_must(redirect.slot < GMCHAT_CLUSTER_SLOTS);
    fuzz_must(redirect.host.len == 0 || fuzz_within(&redirect.host, error));

    ipv6 = redirect.host.len && memchr(redirect.host.data, ':',
                                       redirect.host.len);

    written.len = (size_t) snprintf(text, sizeof(text), "%s %u %s%.*s%s:%u",
                                    redirect.kind == GMCHAT_REDIRECT_ASK
                                        ? "ASK" : "MOVED",
                                    redirect.slot, ipv6 ? "[" : "",
                                    (int) redirect.host.len,
                                    redirect.port
                                        ? (char *) redirect.host.data : "",
                                    redirect.port ? ipv6 ? "]" : "" : "?",
                                    redirect.port ? redirect.port : 1);
    written = fuzz_copy(text, written.len);

    /* a name in brackets may be none of IPv6; the brackets are lost then */

    if (redirect.host.len == 0 || redirect.host.data[0] != '[') {
        fuzz_must(gmchat_cluster_redirect(&again, &written));
        fuzz_must(again.kind == redirect.kind && again.slot == redirect.slot);
        fuzz_must(again.port == redirect.port);
        fuzz_must(fuzz_same(&again.host, &redirect.host));
    }

    free(written.data);
}


static void
fuzz_cluster_ranges(fuzz_t *f, const gmchat_value_t *value)
{
    int                      rc;
    size_t                   i;
    gmchat_cluster_range_t   range;

    for (i = 0; (rc = gmchat_cluster_range(&range, value, i)) != 0; i++) {
        fuzz_note(f, " range:%d", rc);

        if (rc == 1) {
            fuzz_must(value->items[i].n >= 3);
            fuzz_must(range.first <= range.last);
            fuzz_must(range.last < GMCHAT_CLUSTER_SLOTS);
            fuzz_cluster_host(f, &range.host, range.port);

        } else {
            fuzz_must(rc == -1);
        }

        if (value->kind != GMCHAT_VALUE_ARRAY) {
            fuzz_must(rc == -1);
            return;
        }
    }

    fuzz_must(i == value->n);
}


static void
fuzz_cluster_address(fuzz_t *f, const gmchat_value_t *value)
{
    int                      rc;
    int64_t                  port;
    gmchat_sentinel_addr_t   addr;

    rc = gmchat_sentinel_address(&addr, value);
    fuzz_note(f, " address:%d", rc);
    fuzz_must((rc == 0) == (value->kind == GMCHAT_VALUE_NIL));

    if (rc == 1) {
        fuzz_must(value->n == 2);
        fuzz_must(addr.host.data == value->items[0].str.data);
        fuzz_must(addr.host.len && addr.host.len < GMCHAT_SENTINEL_HOST);
        fuzz_must(fuzz_integer(&value->items[1].str, &port));
        fuzz_must(port == addr.port && port >= 1 && port <= 65535);
    }
}


/* Nobody says anything of a server that is not the one asked for. */

static void
fuzz_cluster_vouches(fuzz_t *f, const gmchat_value_t *value)
{
    int                      rc;
    size_t                   i;
    unsigned                 seen;
    const gmchat_str_t      *text;
    gmchat_sentinel_addr_t   addr;

    addr.host.data = (unsigned char *) "10.0.0.1";
    addr.host.len = sizeof("10.0.0.1") - 1;
    addr.port = 6379;

    rc = gmchat_sentinel_vouches(value, &addr);
    fuzz_note(f, " vouches:%d", rc);

    if (rc == -1) {
        return;
    }

    fuzz_must(value->kind == GMCHAT_VALUE_ARRAY && value->n >= 6);

    for (seen = 0, i = 1; i < value->n; i += 2) {
        text = &value->items[i].str;
        seen |= (unsigned) gmchat_str_is(text, "10.0.0.1");
        seen |= (unsigned) gmchat_str_is(text, "6379") << 1;
    }

    fuzz_must(seen == 3);
    fuzz_must(rc == 0 || rc == 1);
}


static void
fuzz_cluster_value(fuzz_t *f)
{
    gmchat_arena_t   arena = { 0 };
    gmchat_value_t  *value, *copy;

    value = fuzz_resp_read(f, &arena);

    if (value) {
        fuzz_cluster_ranges(f, value);
        fuzz_cluster_address(f, value);
        fuzz_cluster_vouches(f, value);

        if (value->kind == GMCHAT_VALUE_ERROR) {
            fuzz_cluster_redirect(f, &value->str);
        }

        /* hiredis takes fewer levels than a copy */

        copy = gmchat_value_copy(value);
        fuzz_must_fed(f, copy != NULL);
        fuzz_must(copy == NULL || fuzz_resp_same(copy, value));
        free(copy);
    }

    gmchat_arena_free(&arena);
}


static void
fuzz_cluster_switch(fuzz_t *f, const gmchat_str_t *text)
{
    int                      rc;
    size_t                   i, spaces;
    gmchat_str_t             master;
    gmchat_sentinel_addr_t   addr;

    master = fuzz_line(f);
    master = fuzz_copy(master.data, master.len);

    rc = gmchat_sentinel_switch(&addr, text, &master);
    fuzz_note(f, "switch:%d", rc);
    fuzz_must(rc >= -1 && rc <= 1);

    for (spaces = 0, i = 0; i < text->len; i++) {
        spaces += text->data[i] == ' ';
    }

    fuzz_must(rc == -1 || spaces == 4);

    if (rc == 1) {
        fuzz_note_str(f, "host", &addr.host);
        fuzz_must(fuzz_within(&addr.host, text));
        fuzz_must(addr.host.len && addr.host.len < GMCHAT_SENTINEL_HOST);
        fuzz_must(addr.port >= 1 && addr.port <= 65535);
        fuzz_must(memcmp(text->data, master.data, master.len) == 0);
    }

    free(master.data);
}


/* Votes are counted anew from all that was told. */

static void
fuzz_cluster_elected(fuzz_t *f, const gmchat_sentinel_say_t *says)
{
    int       best, i, k;
    size_t    votes[FUZZ_SAYS];
    uint64_t  last[FUZZ_SAYS];

    best = gmchat_sentinel_elect(says, FUZZ_SAYS);
    fuzz_note(f, " %d", best);
    fuzz_must(best >= -1 && best < FUZZ_SAYS);

    for (i = 0; i < FUZZ_SAYS; i++) {
        votes[i] = 0;
        last[i] = 0;

        for (k = 0; says[i].port && k < FUZZ_SAYS; k++) {
            if (says[k].port == says[i].port
                && strcmp((char *) says[k].host, (char *) says[i].host) == 0)
            {
                votes[i]++;
                last[i] = says[k].since > last[i] ? says[k].since : last[i];
            }
        }
    }

    for (i = 0; i < FUZZ_SAYS; i++) {
        if (says[i].port == 0) {
            continue;
        }

        fuzz_must(best >= 0 && votes[best] >= votes[i]);
        fuzz_must(votes[best] > votes[i] || last[best] >= last[i]);
    }
}


static void
fuzz_cluster_elect(fuzz_t *f)
{
    uint64_t                 now, since;
    unsigned                 port;
    gmchat_sentinel_addr_t   addr;
    gmchat_sentinel_say_t   *say, says[FUZZ_SAYS];
    static unsigned char     hosts[][4] = { "h", "h2", "g" };

    memset(says, 0, sizeof(says));

    for (now = 1; f->pos < f->last; now++) {
        say = &says[fuzz_below(f, FUZZ_SAYS)];
        addr.host.data = hosts[fuzz_below(f, 3)];
        addr.host.len = strlen((char *) addr.host.data);
        addr.port = 1 + fuzz_below(f, 2);

        port = addr.port == say->port
               && strcmp((char *) say->host, (char *) addr.host.data) == 0
                   ? say->port : 0;
        since = port ? say->since : now;

        gmchat_sentinel_tell(say, &addr, now);

        fuzz_must(say->since == since && say->port == addr.port);
        fuzz_must(strcmp((char *) say->host, (char *) addr.host.data) == 0);

        fuzz_cluster_elected(f, says);
    }
}


void
fuzz_run(fuzz_t *f)
{
    gmchat_str_t  text;
    unsigned      what;

    what = fuzz_below(f, 5);

    if (what == 0) {
        fuzz_cluster_value(f);
        return;
    }

    if (what == 4) {
        fuzz_cluster_elect(f);
        return;
    }

    text = fuzz_line(f);
    text = fuzz_copy(text.data, text.len);

    if (what == 1) {
        fuzz_cluster_redirect(f, &text);

    } else if (what == 2) {
        fuzz_cluster_switch(f, &text);

    } else {
        fuzz_cluster_slot(f, &text);
    }

    free(text.data);
}

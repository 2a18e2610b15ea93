#include <stdlib.h>
#include <string.h>

#include "gmchat_sentinel.h"
#include "test_tools.h"


static gmchat_arena_t  arena;


static int
is(const gmchat_str_t *str, const char *text)
{
    return str->len == strlen(text)
           && (str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


START_TEST(address)
{
    size_t                   i;
    gmchat_sentinel_addr_t   addr;

    static const struct {
        const char  *value;
        int          rc;
        const char  *host;
        unsigned     port;
    } rows[] = {
        { "['127.0.0.1' '6379']", 1, "127.0.0.1", 6379 },
        { "['::1' '1']", 1, "::1", 1 },
        { "['redis-1.example.com' '65535']", 1, "redis-1.example.com",
          65535 },
        { "nil", 0, "", 0 },

        { "[]", -1, "", 0 },
        { "['a']", -1, "", 0 },
        { "['a' '1' '2']", -1, "", 0 },
        { "['' '1']", -1, "", 0 },
        { "['a' '']", -1, "", 0 },
        { "['a' '0']", -1, "", 0 },
        { "['a' '-1']", -1, "", 0 },
        { "['a' '65536']", -1, "", 0 },
        { "['a' '01']", -1, "", 0 },
        { "['a' '1x']", -1, "", 0 },
        { "['a' '99999999999999999999']", -1, "", 0 },
        { "['a' 1]", -1, "", 0 },
        { "[1 '1']", -1, "", 0 },
        { "[nil nil]", -1, "", 0 },
        { "[nil '1']", -1, "", 0 },
        { "['a' nil]", -1, "", 0 },
        { "[!a '1']", -1, "", 0 },
        { "[['a' '1']]", -1, "", 0 },
        { "'a 1'", -1, "", 0 },
        { "1", -1, "", 0 },
        { "!NOPERM", -1, "", 0 }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        memset(&addr, 0, sizeof(gmchat_sentinel_addr_t));

        ck_assert_msg(gmchat_sentinel_address(&addr,
                          check_value(&arena, rows[i].value)) == rows[i].rc,
                      "%s", rows[i].value);

        if (rows[i].rc == 1) {
            ck_assert(is(&addr.host, rows[i].host));
            ck_assert_uint_eq(addr.port, rows[i].port);
        }
    }

    gmchat_arena_free(&arena);
}
END_TEST


/* What a sentinel says of the master at a:1. */
START_TEST(vouches)
{
    size_t                   i;
    gmchat_sentinel_addr_t   addr;

    static const struct {
        const char  *value;
        int          rc;
    } rows[] = {
        { "['ip' 'a' 'port' '1' 'flags' 'master']", 1 },
        { "['flags' 'master' 'port' '1' 'ip' 'a']", 1 },
        { "['ip' 'a' 'port' '1' 'flags' 'master,disconnected']", 1 },
        { "['ip' 'a' 'port' '1' 'flags' 's_downs,master']", 1 },

        { "['ip' 'a' 'port' '1' 'flags' 's_down,master']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' 'master,s_down']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' 's_down,o_down,master']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' 'o_down,master']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' 'master,failover_in_progress']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' 'slave']", 0 },
        { "['ip' 'a' 'port' '1' 'flags' '']", 0 },
        { "['ip' 'b' 'port' '1' 'flags' 'master']", -1 },
        { "['ip' 'aa' 'port' '1' 'flags' 'master']", -1 },
        { "['ip' 'a' 'port' '2' 'flags' 'master']", -1 },

        { "['ip' 'a' 'port' '1']", -1 },
        { "['ip' 'a' 'flags' 'master']", -1 },
        { "['port' '1' 'flags' 'master']", -1 },
        { "['ip' '' 'port' '1' 'flags' 'master']", -1 },
        { "['ip' 'a' 'port' 'x' 'flags' 'master']", -1 },
        { "['ip' 'a' 'port' 1 'flags' 'master']", -1 },
        { "[1 'a' 'port' '1' 'flags' 'master']", -1 },
        { "['ip' 'a' 'port' '1' 'flags' 'master' 'quorum']", 1 },
        { "[]", -1 },
        { "nil", -1 },
        { "!ERR", -1 }
    };

    addr.host.data = (unsigned char *) "a";
    addr.host.len = 1;
    addr.port = 1;

    for (i = 0; i < check_nelts(rows); i++) {
        ck_assert_msg(gmchat_sentinel_vouches(check_value(&arena,
                                                          rows[i].value),
                                              &addr)
                      == rows[i].rc,
                      "%s", rows[i].value);
        gmchat_arena_reset(&arena);
    }
}
END_TEST


START_TEST(switches)
{
    size_t                   i;
    gmchat_str_t             str, master;
    gmchat_sentinel_addr_t   addr;

    static const struct {
        const char  *text;
        int          rc;
        const char  *host;
        unsigned     port;
    } rows[] = {
        { "mymaster 127.0.0.1 6379 127.0.0.1 6380", 1, "127.0.0.1", 6380 },
        { "mymaster a 1 ::1 65535", 1, "::1", 65535 },
        { "mymaster   new.example.com 1", 1, "new.example.com", 1 },
        { "mymaster2 a 1 b 2", 0, "", 0 },
        { "mymaste a 1 b 2", 0, "", 0 },
        { "Mymaster a 1 b 2", 0, "", 0 },
        { "other a 1 b 0", 0, "", 0 },
        { " a 1 b 2", 0, "", 0 },

        { "", -1, "", 0 },
        { "mymaster", -1, "", 0 },
        { "mymaster ", -1, "", 0 },
        { "mymaster a 1 b", -1, "", 0 },
        { "mymaster a 1 b ", -1, "", 0 },
        { "mymaster a 1  2", -1, "", 0 },
        { "mymaster a 1 b 2 ", -1, "", 0 },
        { "mymaster a 1 b 2 c", -1, "", 0 },
        { "other a 1 b 2 c", -1, "", 0 },
        { "mymaster a 1 b 0", -1, "", 0 },
        { "mymaster a 1 b 65536", -1, "", 0 },
        { "mymaster a 1 b x", -1, "", 0 },
        { " mymaster a 1 b 2", -1, "", 0 },
        { "mymaster,a,1,b,2", -1, "", 0 }
    };

    master.len = sizeof("mymaster") - 1;
    master.data = check_exact("mymaster", master.len);

    for (i = 0; i < check_nelts(rows); i++) {
        str.len = strlen(rows[i].text);
        str.data = check_exact(rows[i].text, str.len);
        memset(&addr, 0, sizeof(gmchat_sentinel_addr_t));

        ck_assert_msg(gmchat_sentinel_switch(&addr, &str, &master)
                      == rows[i].rc, "%s", rows[i].text);

        if (rows[i].rc == 1) {
            ck_assert(is(&addr.host, rows[i].host));
            ck_assert_uint_eq(addr.port, rows[i].port);
            ck_assert(addr.host.data > str.data
                      && addr.host.data < str.data + str.len);
        }

        free(str.data);
    }

    free(master.data);
}
END_TEST


/* 255 bytes are the most, of a host that is read and of one that is told. */
START_TEST(long_host)
{
    size_t                   n;
    unsigned char           *host;
    gmchat_value_t          *reply;
    gmchat_sentinel_say_t    say;
    gmchat_sentinel_addr_t   addr;

    for (n = GMCHAT_SENTINEL_HOST - 1; n <= GMCHAT_SENTINEL_HOST; n++) {
        host = malloc(n);
        ck_assert_ptr_nonnull(host);
        memset(host, 'h', n);

        reply = check_value(&arena, "['' '6379']");
        reply->items[0].str.data = host;
        reply->items[0].str.len = n;

        ck_assert_int_eq(gmchat_sentinel_address(&addr, reply),
                         n < GMCHAT_SENTINEL_HOST ? 1 : -1);

        addr.host = reply->items[0].str;
        addr.port = 6379;
        memset(&say, 0, sizeof(gmchat_sentinel_say_t));

        gmchat_sentinel_tell(&say, &addr, 5);

        if (n < GMCHAT_SENTINEL_HOST) {
            ck_assert_uint_eq(say.len, n);
            ck_assert_mem_eq(say.host, host, n);
            ck_assert_uint_eq(say.host[n], 0);
            ck_assert_uint_eq(say.port, 6379);

        } else {
            ck_assert_uint_eq(say.port, 0);
        }

        free(host);
    }

    gmchat_arena_free(&arena);
}
END_TEST


static void
tell(gmchat_sentinel_say_t *say, const char *host, unsigned port, uint64_t now)
{
    gmchat_sentinel_addr_t  addr;

    addr.host.len = strlen(host);
    addr.host.data = check_exact(host, addr.host.len);
    addr.port = port;

    gmchat_sentinel_tell(say, &addr, now);

    ck_assert_str_eq((char *) say->host, host);
    ck_assert_uint_eq(say->len, addr.host.len);
    ck_assert_uint_eq(say->port, port);

    memset(addr.host.data, 0, addr.host.len);
    free(addr.host.data);
}


START_TEST(since_when)
{
    gmchat_sentinel_say_t  say;

    memset(&say, 0, sizeof(gmchat_sentinel_say_t));

    tell(&say, "10.0.0.1", 6379, 100);
    ck_assert_uint_eq(say.since, 100);

    tell(&say, "10.0.0.1", 6379, 200);
    ck_assert_uint_eq(say.since, 100);

    tell(&say, "10.0.0.1", 6380, 300);
    ck_assert_uint_eq(say.since, 300);

    tell(&say, "10.0.0.2", 6380, 400);
    ck_assert_uint_eq(say.since, 400);

    tell(&say, "10.0.0", 6380, 500);
    ck_assert_uint_eq(say.since, 500);

    tell(&say, "10.0.0.12", 6380, 600);
    ck_assert_uint_eq(say.since, 600);

    tell(&say, "10.0.0.12", 6380, 700);
    ck_assert_uint_eq(say.since, 600);

    /* one that said nothing for a time says it anew */

    say.port = 0;
    tell(&say, "10.0.0.12", 6380, 800);
    ck_assert_uint_eq(say.since, 800);
}
END_TEST


START_TEST(elections)
{
    size_t                  i, j;
    gmchat_sentinel_say_t   says[5];

    static const struct {
        const char  *what;
        size_t       n;
        int          elected;

        struct {
            const char  *host;
            unsigned     port;
            uint64_t     since;
        } says[5];
    } rows[] = {
        { "no sentinel", 0, -1, { { "a", 1, 1 } } },
        { "none says anything", 2, -1, { { "", 0, 0 }, { "a", 0, 9 } } },
        { "one alone", 1, 0, { { "a", 1, 1 } } },
        { "one alone, at 0", 1, 0, { { "a", 1, 0 } } },
        { "one of three answers", 3, 1,
          { { "", 0, 0 }, { "a", 1, 1 }, { "", 0, 0 } } },
        { "most votes against the newest", 3, 2,
          { { "new", 1, 9 }, { "old", 1, 1 }, { "old", 1, 2 } } },
        { "most votes come last", 5, 4,
          { { "a", 1, 8 }, { "a", 1, 9 }, { "b", 1, 1 }, { "b", 1, 2 },
            { "b", 1, 3 } } },
        { "those that say nothing have no vote", 5, 0,
          { { "a", 1, 9 }, { "b", 1, 1 }, { "b", 0, 2 }, { "b", 0, 3 },
            { "b", 0, 4 } } },
        { "a tie: the newer, first", 2, 0, { { "a", 1, 2 }, { "b", 1, 1 } } },
        { "a tie: the newer, last", 2, 1, { { "a", 1, 1 }, { "b", 1, 2 } } },
        { "a tie of two each", 4, 2,
          { { "a", 1, 1 }, { "b", 1, 5 }, { "a", 1, 6 }, { "b", 1, 2 } } },
        { "a tie in all: the first", 2, 0,
          { { "a", 1, 1 }, { "b", 1, 1 } } },
        { "ports differ", 3, 2,
          { { "a", 1, 1 }, { "a", 2, 5 }, { "a", 1, 2 } } },
        { "hosts of different length", 3, 1,
          { { "a", 1, 1 }, { "ab", 1, 5 }, { "abc", 1, 2 } } },
        { "hosts of the same length", 3, 2,
          { { "ab", 1, 1 }, { "ac", 1, 2 }, { "ad", 1, 3 } } }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        memset(says, 0, sizeof(says));

        for (j = 0; j < rows[i].n; j++) {
            tell(&says[j], rows[i].says[j].host, rows[i].says[j].port,
                 rows[i].says[j].since);
            says[j].since = rows[i].says[j].since;
        }

        ck_assert_msg(gmchat_sentinel_elect(says, rows[i].n)
                      == rows[i].elected, "%s: %d", rows[i].what,
                      gmchat_sentinel_elect(says, rows[i].n));
    }
}
END_TEST


/* A failover as three sentinels tell of it, one after the other. */
START_TEST(failover)
{
    gmchat_sentinel_say_t  says[3];

    memset(says, 0, sizeof(says));

    tell(&says[0], "old", 6379, 1);
    tell(&says[1], "old", 6379, 1);
    tell(&says[2], "old", 6379, 1);

    tell(&says[1], "new", 6379, 10);
    ck_assert_int_ne(gmchat_sentinel_elect(says, 3), 1);

    tell(&says[0], "old", 6379, 11);
    ck_assert_int_ne(gmchat_sentinel_elect(says, 3), 1);

    tell(&says[2], "new", 6379, 12);
    ck_assert_int_eq(gmchat_sentinel_elect(says, 3), 2);

    /* with one of them gone a tie is the newest's, not the oldest's */

    says[1].port = 0;
    tell(&says[0], "old", 6379, 13);
    ck_assert_int_eq(gmchat_sentinel_elect(says, 3), 2);

    tell(&says[0], "new", 6379, 14);
    ck_assert_int_eq(gmchat_sentinel_elect(says, 3), 0);
}
END_TEST


/* One that is silent has no vote; what it said last is not news once it says
 * so again. */
START_TEST(silence)
{
    gmchat_sentinel_say_t  says[2];

    memset(says, 0, sizeof(says));
    ck_assert(!gmchat_sentinel_speaks(&says[0]));

    tell(&says[0], "old", 6379, 1);
    tell(&says[1], "new", 6379, 2);
    ck_assert(gmchat_sentinel_speaks(&says[0]));
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), 1);
    ck_assert_int_eq(gmchat_sentinel_newest(says, 2), 1);

    says[1].silent = 1;
    ck_assert_int_eq(gmchat_sentinel_newest(says, 2), 0);
    ck_assert(!gmchat_sentinel_speaks(&says[1]));
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), 0);

    says[0].silent = 1;
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), -1);
    ck_assert_int_eq(gmchat_sentinel_newest(says, 2), -1);

    tell(&says[1], "new", 6379, 3);
    ck_assert(gmchat_sentinel_speaks(&says[1]));
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), 1);

    tell(&says[0], "old", 6379, 4);
    ck_assert_uint_eq(says[0].since, 1);
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), 1);

    tell(&says[0], "newer", 6379, 5);
    ck_assert_int_eq(gmchat_sentinel_elect(says, 2), 0);
}
END_TEST


START_TEST(settled)
{
    int                     pending, serves, mask;
    size_t                  i, j;
    gmchat_sentinel_say_t   says[5];

    /* 1: as it is; 2: others are pending; 4: the one before serves; 8: both */

    static const struct {
        size_t       n;
        const char  *hosts;     /* a letter each; a capital: silent */
        size_t       of;
        int          mask;
    } rows[] = {
        { 1, "a", 0, 1|2|4|8 },
        { 2, "a-", 0, 1|4 },
        { 2, "ab", 1, 1|4 },
        { 2, "aa", 1, 1|2|4|8 },
        { 3, "a--", 0, 1 },
        { 3, "abc", 2, 1 },
        { 3, "aa-", 1, 1|2|4|8 },
        { 3, "aba", 0, 1|2|4|8 },
        { 3, "aAA", 0, 1 },
        { 4, "aab-", 0, 1|4 },
        { 4, "aabb", 0, 1|4 },
        { 4, "aaab", 0, 1|2|4|8 },
        { 4, "a---", 0, 1 },
        { 5, "aabbb", 2, 1|2|4|8 },
        { 5, "aabbB", 2, 1 }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        memset(says, 0, sizeof(says));

        for (j = 0; j < rows[i].n; j++) {
            if (rows[i].hosts[j] != '-') {
                tell(&says[j], rows[i].hosts[j] == 'b' ? "b"
                               : rows[i].hosts[j] == 'c' ? "c"
                               : rows[i].hosts[j] == 'B' ? "b" : "a", 1, j);
                says[j].silent = rows[i].hosts[j] < 'a';
            }
        }

        mask = 0;

        for (j = 0; j < 4; j++) {
            pending = j & 1;
            serves = j >> 1;

            if (gmchat_sentinel_settled(says, rows[i].n, rows[i].of, pending,
                                        serves))
            {
                mask |= 1 << j;
            }
        }

        ck_assert_msg(mask == rows[i].mask, "%s of %zu: %d", rows[i].hosts,
                      rows[i].of, mask);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_sentinel");

    tcase_add_test(tc, address);
    tcase_add_test(tc, vouches);
    tcase_add_test(tc, switches);
    tcase_add_test(tc, long_host);
    tcase_add_test(tc, since_when);
    tcase_add_test(tc, elections);
    tcase_add_test(tc, failover);
    tcase_add_test(tc, silence);
    tcase_add_test(tc, settled);

    return check_end();
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmchat_url.h"
#include "test_tools.h"


static void
is(const gmchat_str_t *str, const char *text)
{
    ck_assert_uint_eq(str->len, strlen(text));
    ck_assert(str->len == 0 || memcmp(str->data, text, str->len) == 0);
}


START_TEST(urls)
{
    size_t         i;
    const char    *error;
    gmchat_str_t   str;
    gmchat_url_t   url;

    static const struct {
        const char         *text;
        gmchat_url_kind_e   kind;
        const char         *user;
        const char         *host;
        unsigned            port;
        unsigned            db;
        unsigned            ipv6;
    } urls[] = {
        { "redis://a", GMCHAT_URL_TCP, "", "a", 6379, 0, 0 },
        { "redis://redis.example.com:6380", GMCHAT_URL_TCP, "",
          "redis.example.com", 6380, 0, 0 },
        { "redis://127.0.0.1:1/15", GMCHAT_URL_TCP, "", "127.0.0.1", 1, 15,
          0 },
        { "redis://127.0.0.1:65535/65535", GMCHAT_URL_TCP, "", "127.0.0.1",
          65535, 65535, 0 },
        { "redis://a/", GMCHAT_URL_TCP, "", "a", 6379, 0, 0 },
        { "redis://a/0", GMCHAT_URL_TCP, "", "a", 6379, 0, 0 },
        { "redis://user@a", GMCHAT_URL_TCP, "user", "a", 6379, 0, 0 },
        { "redis://u@v@a:7/3", GMCHAT_URL_TCP, "u@v", "a", 7, 3, 0 },
        { "rediss://user@a:6390/2", GMCHAT_URL_TLS, "user", "a", 6390, 2, 0 },
        { "redis://[::1]", GMCHAT_URL_TCP, "", "::1", 6379, 0, 1 },
        { "redis://[2001:db8::1]:6380/1", GMCHAT_URL_TCP, "", "2001:db8::1",
          6380, 1, 1 },
        { "rediss://user@[::1]/4", GMCHAT_URL_TLS, "user", "::1", 6379, 4,
          1 },
        { "unix:/run/redis.sock", GMCHAT_URL_UNIX, "", "/run/redis.sock",
          0, 0, 0 },
        { "unix:/run/redis.sock:5", GMCHAT_URL_UNIX, "", "/run/redis.sock",
          0, 5, 0 },
        { "unix:/run/redis.sock:65535", GMCHAT_URL_UNIX, "",
          "/run/redis.sock", 0, 65535, 0 },
        { "redis://us/er@a/1", GMCHAT_URL_TCP, "us/er", "a", 6379, 1, 0 },
        { "unix:/run/a,b", GMCHAT_URL_UNIX, "", "/run/a,b", 0, 0, 0 }
    };

    for (i = 0; i < check_nelts(urls); i++) {
        str.len = strlen(urls[i].text);
        str.data = check_exact(urls[i].text, str.len);

        error = gmchat_url_parse(&url, &str);
        ck_assert_msg(error == NULL, "%s %s", urls[i].text, error);

        ck_assert_int_eq(url.kind, urls[i].kind);
        is(&url.user, urls[i].user);
        is(&url.hosts[0].name, urls[i].host);
        is(&url.master, "");
        ck_assert_int_eq(url.topology, GMCHAT_URL_SINGLE);
        ck_assert_uint_eq(url.nhosts, 1);
        ck_assert_uint_eq(url.db, urls[i].db);
        ck_assert_uint_eq(url.hosts[0].ipv6, urls[i].ipv6);
        ck_assert_uint_eq(url.hosts[0].port, urls[i].port);

        free(str.data);
    }
}
END_TEST


START_TEST(not_urls)
{
    size_t         i;
    const char    *error;
    gmchat_str_t   str;
    gmchat_url_t   url;

    static const char  *urls[] = {
        "", "r", "redis", "redis:", "redis:/", "redis://", "redis:///",
        "redis:///0", "redis://@", "redis://user@", "redis://user@/0",
        "redis://:6379", "redis://[]", "redis://[]:1", "redis://[::1",
        "redis://[::1]x", "redis://[::1]6379", "redis://[::1]:",
        "redis://[::1]:0", "redis://[::1]:65536", "redis://a:", "redis://a:0",
        "redis://a:65536", "redis://a:-1", "redis://a:06379",
        "redis://a:6379x", "redis://a:99999999999999999999", "redis://a/x",
        "redis://a/-1", "redis://a/00", "redis://a/65536", "redis://a/1x",
        "redis://user:secret@a", "redis://:secret@a", "rediss://u:p@a:1/1",
        "REDIS://a", "http://a", "127.0.0.1:6379", "localhost", "unix:",
        "unix:redis.sock", "unix::0", "unix:/a:", "unix:/a:x", "unix:/a:-1",
        "unix:/a:65536", "unix:a:1", " redis://a", "redis://a,b", "redis://a,",
        "redis://,a", "redis://[::1],[::2]", "redis://a/b/0", "redis://a/1/",
        "redis://a//", "rediss://a:1,b:2/3", "redis://u:p@a,b",
        "redis://::1", "redis://::1/0", "redis://user@::1", "redis://a:b:1",
        "redis://2001:db8::1:6379", "rediss://fe80::1"
    };

    for (i = 0; i < check_nelts(urls); i++) {
        str.len = strlen(urls[i]);
        str.data = check_exact(urls[i], str.len);

        error = gmchat_url_parse(&url, &str);
        ck_assert_msg(error != NULL, "%s", urls[i]);
        ck_assert_uint_gt(strlen(error), 5);

        free(str.data);
    }
}
END_TEST


/* The hosts, as "name port" of each; an IPv6 address is in brackets. */
static void
hosts_are(const gmchat_url_t *url, const char *text)
{
    int     len;
    size_t  i;
    char    line[1024], *p;

    for (p = line, i = 0; i < url->nhosts; i++) {
        len = snprintf(p, (size_t) (line + sizeof(line) - p),
                       url->hosts[i].ipv6 ? "%s[%.*s] %u" : "%s%.*s %u",
                       i ? ", " : "", (int) url->hosts[i].name.len,
                       (const char *) url->hosts[i].name.data,
                       url->hosts[i].port);
        ck_assert(len > 0 && len < line + sizeof(line) - p);
        p += len;
    }

    ck_assert_str_eq(line, text);
}


START_TEST(several_hosts)
{
    size_t         i;
    const char    *error;
    gmchat_str_t   str;
    gmchat_url_t   url;

    static const struct {
        const char             *text;
        gmchat_url_kind_e       kind;
        gmchat_url_topology_e   topology;
        const char             *user;
        const char             *hosts;
        const char             *master;
        unsigned                db;
    } urls[] = {
        { "redis+sentinel://a/m", GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL, "",
          "a 26379", "m", 0 },
        { "redis+sentinel://a/m/", GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL, "",
          "a 26379", "m", 0 },
        { "redis+sentinel://a/m/0", GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL, "",
          "a 26379", "m", 0 },
        { "redis+sentinel://a,b:1,c:65535/my-master_1.x/65535",
          GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL, "",
          "a 26379, b 1, c 65535", "my-master_1.x", 65535 },
        { "rediss+sentinel://user@[::1],[2001:db8::1]:7,b/16/3",
          GMCHAT_URL_TLS, GMCHAT_URL_SENTINEL, "user",
          "[::1] 26379, [2001:db8::1] 7, b 26379", "16", 3 },
        { "redis+sentinel://a:1,a:1/a:1,b", GMCHAT_URL_TCP,
          GMCHAT_URL_SENTINEL, "", "a 1, a 1", "a:1,b", 0 },
        { "redis+sentinel://a/\xc3\xa9!", GMCHAT_URL_TCP, GMCHAT_URL_SENTINEL,
          "", "a 26379", "\xc3\xa9!", 0 },
        { "redis+cluster://a", GMCHAT_URL_TCP, GMCHAT_URL_CLUSTER, "",
          "a 6379", "", 0 },
        { "redis+cluster://a/", GMCHAT_URL_TCP, GMCHAT_URL_CLUSTER, "",
          "a 6379", "", 0 },
        { "redis+cluster://a,b:7001", GMCHAT_URL_TCP, GMCHAT_URL_CLUSTER, "",
          "a 6379, b 7001", "", 0 },
        { "rediss+cluster://u,v@w@[::1]:7000,10.0.0.1:7001,[::2]",
          GMCHAT_URL_TLS, GMCHAT_URL_CLUSTER, "u,v@w",
          "[::1] 7000, 10.0.0.1 7001, [::2] 6379", "", 0 }
    };

    for (i = 0; i < check_nelts(urls); i++) {
        str.len = strlen(urls[i].text);
        str.data = check_exact(urls[i].text, str.len);

        error = gmchat_url_parse(&url, &str);
        ck_assert_msg(error == NULL, "%s %s", urls[i].text, error);

        ck_assert_int_eq(url.kind, urls[i].kind);
        ck_assert_int_eq(url.topology, urls[i].topology);
        is(&url.user, urls[i].user);
        hosts_are(&url, urls[i].hosts);
        is(&url.master, urls[i].master);
        ck_assert_uint_eq(url.db, urls[i].db);

        free(str.data);
    }
}
END_TEST


START_TEST(not_several_hosts)
{
    size_t         i;
    const char    *error;
    gmchat_str_t   str;
    gmchat_url_t   url;

    static const struct {
        const char  *text;
        const char  *error;
    } urls[] = {
        { "redis+sentinel://a", "no name of the master" },
        { "redis+sentinel://a/", "no name of the master" },
        { "redis+sentinel://a//0", "no name of the master" },
        { "redis+sentinel://a/m x", "space or a control" },
        { "redis+sentinel://a/m\x7f", "space or a control" },
        { "redis+sentinel://a/\n", "space or a control" },
        { "redis+sentinel://a/m/x", "database number that" },
        { "redis+sentinel://a/m/65536", "database number that" },
        { "redis+sentinel://a/m/0/", "database number that" },
        { "redis+sentinel://a/m/1/2", "database number that" },
        { "redis+sentinel:///m", "no host" },
        { "redis+sentinel://u@/m", "no host" },
        { "redis+sentinel://a,/m", "no host" },
        { "redis+sentinel://,a/m", "no host" },
        { "redis+sentinel://a,,b/m", "no host" },
        { "redis+sentinel://a,:1/m", "no host" },
        { "redis+sentinel://a,[]/m", "no host" },
        { "redis+sentinel://a,b:0/m", "port that" },
        { "redis+sentinel://a,b:65536/m", "port that" },
        { "redis+sentinel://a,b:/m", "port that" },
        { "redis+sentinel://a,::1/m", "stands in [ ]" },
        { "redis+sentinel://a,[::1/m", "no \"]\"" },
        { "redis+sentinel://[::1,::2]/m", "no \"]\"" },
        { "redis+sentinel://a,[::1]1/m", "other than a port" },
        { "redis+sentinel://u:p@a/m", "password" },
        { "redis+sentinel:/a/m", "must begin" },
        { "redis+sentinels://a/m", "must begin" },
        { "sentinel://a/m", "must begin" },
        { "unix+sentinel:/a/m", "must begin" },
        { "redis+cluster://", "no host" },
        { "redis+cluster://a,", "no host" },
        { "redis+cluster://a/0", "a cluster does not have" },
        { "redis+cluster://a/x", "a cluster does not have" },
        { "redis+cluster://a,b//", "a cluster does not have" },
        { "rediss+cluster://:p@a", "password" },
        { "redis+cluster:a", "must begin" },
        { "redis+Cluster://a", "must begin" },
        { "redis+://a", "must begin" },
        { "redis://a,b", "several hosts" },
        { "rediss://a,", "several hosts" }
    };

    for (i = 0; i < check_nelts(urls); i++) {
        str.len = strlen(urls[i].text);
        str.data = check_exact(urls[i].text, str.len);

        error = gmchat_url_parse(&url, &str);
        ck_assert_msg(error && strstr(error, urls[i].error), "%s: %s",
                      urls[i].text, error ? error : "no error");

        free(str.data);
    }
}
END_TEST


/* 16 hosts are taken, 17 are not. */
START_TEST(most_hosts)
{
    char          text[256], *p;
    size_t        i, n;
    gmchat_str_t  str;
    gmchat_url_t  url;

    for (n = 1; n <= GMCHAT_URL_HOSTS + 1; n++) {
        p = stpcpy(text, "redis+cluster://h");

        for (i = 1; i < n; i++) {
            p = stpcpy(p, ",h:7");
        }

        str.len = (size_t) (p - text);
        str.data = check_exact(text, str.len);

        if (n <= GMCHAT_URL_HOSTS) {
            ck_assert_ptr_null(gmchat_url_parse(&url, &str));
            ck_assert_uint_eq(url.nhosts, n);
            ck_assert_uint_eq(url.hosts[n - 1].port, n == 1 ? 6379 : 7);

        } else {
            ck_assert_ptr_nonnull(strstr(gmchat_url_parse(&url, &str), "16"));
        }

        free(str.data);
    }
}
END_TEST


/* A sentence never repeats the password that it is about. */
START_TEST(password)
{
    gmchat_url_t  url;
    gmchat_str_t  str = gmchat_string("redis://user:secret@a");

    ck_assert_ptr_null(strstr(gmchat_url_parse(&url, &str), "secret"));
}
END_TEST


START_TEST(cut_anywhere)
{
    size_t        len;
    gmchat_str_t  str;
    gmchat_url_t  url;

    static const char  text[] = "rediss+sentinel://user@[2001:db8::1]:6380,"
                               "a:1,b/master/12";

    for (len = 0; len < sizeof(text); len++) {
        str.len = len;
        str.data = check_exact(text, len);
        gmchat_url_parse(&url, &str);
        free(str.data);
    }
}
END_TEST


static void
inside(const gmchat_str_t *part, const gmchat_str_t *whole)
{
    ck_assert_uint_gt(part->len, 0);
    ck_assert(part->data >= whole->data);
    ck_assert(part->data + part->len <= whole->data + whole->len);
}


START_TEST(junk)
{
    char          text[60], *p;
    size_t        i, n;
    uint64_t      seed = 9;
    gmchat_str_t  str;
    gmchat_url_t  url;

    static const char  letters[] = "a1:/@[].,";

    static const char  *heads[] = {
        "redis://", "unix:/", "rediss+sentinel://", "redis+cluster://"
    };

    for (n = 0; n < 100000; n++) {
        p = stpcpy(text, heads[n % 4]);
        i = (size_t) (p - text);
        str.len = i + check_random_below(&seed, 32);

        for ( /* void */ ; i < str.len; i++) {
            text[i] = letters[check_random_below(&seed, sizeof(letters) - 1)];
        }

        str.data = check_exact(text, str.len);

        if (gmchat_url_parse(&url, &str) == NULL) {
            ck_assert(url.nhosts > 0 && url.nhosts <= GMCHAT_URL_HOSTS);
            ck_assert_uint_le(url.db, 65535);

            for (i = 0; i < url.nhosts; i++) {
                inside(&url.hosts[i].name, &str);
                ck_assert_uint_le(url.hosts[i].port, 65535);
                ck_assert_int_eq(url.hosts[i].port == 0,
                                 url.kind == GMCHAT_URL_UNIX);
            }

            if (url.topology == GMCHAT_URL_SENTINEL) {
                inside(&url.master, &str);
            }
        }

        free(str.data);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_url");

    tcase_add_test(tc, urls);
    tcase_add_test(tc, not_urls);
    tcase_add_test(tc, several_hosts);
    tcase_add_test(tc, not_several_hosts);
    tcase_add_test(tc, most_hosts);
    tcase_add_test(tc, password);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, junk);

    return check_end();
}

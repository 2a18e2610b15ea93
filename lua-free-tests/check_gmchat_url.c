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
          6379, 0, 0 },
        { "unix:/run/redis.sock:5", GMCHAT_URL_UNIX, "", "/run/redis.sock",
          6379, 5, 0 },
        { "unix:/run/redis.sock:65535", GMCHAT_URL_UNIX, "",
          "/run/redis.sock", 6379, 65535, 0 }
    };

    for (i = 0; i < check_nelts(urls); i++) {
        str.len = strlen(urls[i].text);
        str.data = check_exact(urls[i].text, str.len);

        error = gmchat_url_parse(&url, &str);
        ck_assert_msg(error == NULL, "%s %s", urls[i].text, error);

        ck_assert_int_eq(url.kind, urls[i].kind);
        is(&url.user, urls[i].user);
        is(&url.host, urls[i].host);
        ck_assert_uint_eq(url.db, urls[i].db);
        ck_assert_uint_eq(url.ipv6, urls[i].ipv6);

        if (url.kind != GMCHAT_URL_UNIX) {
            ck_assert_uint_eq(url.port, urls[i].port);
        }

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
        "unix:/a:65536", "unix:a:1", "redis+cluster://a", " redis://a",
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

    static const char  text[] = "rediss://user@[2001:db8::1]:6380/12";

    for (len = 0; len < sizeof(text); len++) {
        str.len = len;
        str.data = check_exact(text, len);
        gmchat_url_parse(&url, &str);
        free(str.data);
    }
}
END_TEST


START_TEST(junk)
{
    char          text[40];
    size_t        i, n;
    uint64_t      seed = 9;
    gmchat_str_t  str;
    gmchat_url_t  url;

    static const char  letters[] = "a1:/@[].";

    for (n = 0; n < 50000; n++) {
        memcpy(text, n % 2 ? "redis://" : "unix:/xx", 8);
        str.len = 8 + check_random_below(&seed, sizeof(text) - 8);

        for (i = 8; i < str.len; i++) {
            text[i] = letters[check_random_below(&seed, sizeof(letters) - 1)];
        }

        str.data = check_exact(text, str.len);

        if (gmchat_url_parse(&url, &str) == NULL) {
            ck_assert_uint_gt(url.host.len, 0);
            ck_assert_uint_le(url.port, 65535);
            ck_assert_uint_le(url.db, 65535);
            ck_assert(url.host.data >= str.data);
            ck_assert(url.host.data + url.host.len <= str.data + str.len);
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
    tcase_add_test(tc, password);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, junk);

    return check_end();
}

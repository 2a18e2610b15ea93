#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_tools.h"
#include "failing_malloc.h"
#include "gmchat_allow.h"


#define HOST  "a host is not a number of 1 to 19 digits without leading zero"
#define ADDRESS  "the line does not begin with an IPv4 or IPv6 address"
#define PREFIX  "the prefix length is not a number without leading zero"


static gmchat_allow_t *
parse_bytes(const void *text, size_t len, gmchat_allow_error_t *err)
{
    unsigned char   *copy;
    gmchat_allow_t  *allow;

    copy = check_exact(text, len);
    allow = gmchat_allow_parse(copy, len, err);
    free(copy);

    return allow;
}


static gmchat_allow_t *
parse(const char *text)
{
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    allow = parse_bytes(text, strlen(text), &err);

    ck_assert_msg(allow != NULL, "line %u: %s", err.line, err.reason);
    ck_assert_uint_eq(err.line, 0);
    ck_assert_ptr_null(err.reason);

    return allow;
}


static void
broken_bytes(const void *text, size_t len, unsigned line, const char *reason)
{
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    allow = parse_bytes(text, len, &err);

    ck_assert_ptr_null(allow);
    ck_assert_str_eq(err.reason, reason);
    ck_assert_uint_eq(err.line, line);
}


static void
broken(const char *text, unsigned line, const char *reason)
{
    broken_bytes(text, strlen(text), line, reason);
}


static const gmchat_allow_entry_t *
find(const gmchat_allow_t *allow, const char *addr)
{
    int            family;
    unsigned char  bytes[16];

    family = strchr(addr, ':') ? AF_INET6 : AF_INET;
    ck_assert_int_eq(inet_pton(family, addr, bytes), 1);

    return gmchat_allow_find(allow, family, bytes);
}


/* The hosts as text, "unbound", or "none" where no network holds addr. */
static const char *
hosts(const gmchat_allow_t *allow, const char *addr)
{
    size_t                       len;
    const char                  *text;
    const gmchat_allow_entry_t  *entry;

    entry = find(allow, addr);
    if (entry == NULL) {
        return "none";
    }

    text = gmchat_allow_hosts(entry, &len);
    if (text == NULL) {
        ck_assert_uint_eq(len, 0);
        return "unbound";
    }

    ck_assert_uint_eq(len, strlen(text));

    return text;
}


START_TEST(empty_texts)
{
    size_t          i;
    gmchat_allow_t  *allow;

    static const char  *texts[] = {
        "", "\n", "\r\n", "\n\n\n", "   ", " \t \r\n\t", "#", "# 10.0.0.1",
        "#\n", "  # a\n#\r\n"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        allow = parse(texts[i]);
        ck_assert_uint_eq(gmchat_allow_count(allow), 0);
        ck_assert_str_eq(hosts(allow, "10.0.0.1"), "none");
        ck_assert_str_eq(hosts(allow, "::1"), "none");
        gmchat_allow_free(allow);
    }
}
END_TEST


START_TEST(null_text)
{
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    allow = gmchat_allow_parse(NULL, 0, &err);
    ck_assert_ptr_nonnull(allow);
    gmchat_allow_free(allow);

    gmchat_allow_free(NULL);
}
END_TEST


/* One address with two hosts, in every way to write it. */
START_TEST(ways_to_write)
{
    size_t          i;
    gmchat_allow_t  *allow;

    static const char  *texts[] = {
        "10.0.0.1 1001 1002",
        "10.0.0.1 1001 1002\n",
        "10.0.0.1 1001 1002\r\n",
        "10.0.0.1 1001 1002\r",
        "  10.0.0.1  1001  1002  \n",
        "\t10.0.0.1\t1001\t1002\t\n",
        "10.0.0.1,1001,1002\n",
        "10.0.0.1, 1001 , 1002,\n",
        "10.0.0.1,,1001,\t,1002, ,\r\n",
        "10.0.0.1 1001 1002#remark",
        "10.0.0.1 1001 1002 # remark\r\n",
        "10.0.0.1 1002 1001 1002 1001",
        "10.0.0.1/32 1001 1002",
        "::ffff:10.0.0.1 1001 1002",
        "::ffff:a00:1/128 1001 1002",
        "0:0:0:0:0:FFFF:10.0.0.1 1001 1002",
        "# \xe6\xb8\xb8\xe6\x88\x8f \xff\xfe\n\n10.0.0.1 1001 1002 # \xb7\xfe",
        "10.0.0.1 1001\n10.0.0.1 1002",
        "10.0.0.1 1002\r\n\r\n::ffff:10.0.0.1/128 1001\r\n",
        "10.0.0.1 1002 1001\n10.0.0.1/32 1001"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        allow = parse(texts[i]);
        ck_assert_uint_eq(gmchat_allow_count(allow), 1);
        ck_assert_str_eq(hosts(allow, "10.0.0.1"), ",1001,1002,");
        ck_assert_str_eq(hosts(allow, "::ffff:10.0.0.1"), ",1001,1002,");
        ck_assert_str_eq(hosts(allow, "10.0.0.0"), "none");
        ck_assert_str_eq(hosts(allow, "10.0.0.2"), "none");
        ck_assert_str_eq(hosts(allow, "::10.0.0.1"), "none");
        gmchat_allow_free(allow);
    }
}
END_TEST


START_TEST(host_bits_are_masked)
{
    gmchat_allow_t  *allow;

    allow = parse("10.1.2.3/8 1\n10.9.9.9/8 2\n2001:db8::1/33 3\n"
                  "2001:db8:7fff::/33 4\n::ffff:192.168.7.7/112 5\n");

    ck_assert_uint_eq(gmchat_allow_count(allow), 3);
    ck_assert_str_eq(hosts(allow, "10.0.0.0"), ",1,2,");
    ck_assert_str_eq(hosts(allow, "10.255.255.255"), ",1,2,");
    ck_assert_str_eq(hosts(allow, "9.255.255.255"), "none");
    ck_assert_str_eq(hosts(allow, "11.0.0.0"), "none");
    ck_assert_str_eq(hosts(allow, "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"),
                     ",3,4,");
    ck_assert_str_eq(hosts(allow, "2001:db8:8000::"), "none");
    ck_assert_str_eq(hosts(allow, "192.168.0.0"), ",5,");
    ck_assert_str_eq(hosts(allow, "192.168.255.255"), ",5,");
    ck_assert_str_eq(hosts(allow, "192.169.0.0"), "none");

    gmchat_allow_free(allow);
}
END_TEST


START_TEST(most_specific_decides)
{
    gmchat_allow_t  *allow;

    allow = parse("10.0.0.0/8 8\n10.1.0.0/16 16\n10.1.2.0/24\n"
                  "10.1.2.128/25 25\n10.1.2.130 32\n10.1.3.0/24 24\n"
                  "10.200.0.0/16 200\n");

    ck_assert_uint_eq(gmchat_allow_count(allow), 7);
    ck_assert_str_eq(hosts(allow, "10.1.2.130"), ",32,");
    ck_assert_str_eq(hosts(allow, "10.1.2.129"), ",25,");
    ck_assert_str_eq(hosts(allow, "10.1.2.131"), ",25,");
    ck_assert_str_eq(hosts(allow, "10.1.2.255"), ",25,");
    ck_assert_str_eq(hosts(allow, "10.1.2.127"), "unbound");
    ck_assert_str_eq(hosts(allow, "10.1.3.1"), ",24,");
    ck_assert_str_eq(hosts(allow, "10.1.4.0"), ",16,");
    ck_assert_str_eq(hosts(allow, "10.1.1.255"), ",16,");
    ck_assert_str_eq(hosts(allow, "10.2.0.0"), ",8,");
    ck_assert_str_eq(hosts(allow, "10.200.1.1"), ",200,");
    ck_assert_str_eq(hosts(allow, "10.201.0.0"), ",8,");
    ck_assert_str_eq(hosts(allow, "11.0.0.0"), "none");

    gmchat_allow_free(allow);
}
END_TEST


START_TEST(families_are_apart)
{
    gmchat_allow_t  *allow;

    allow = parse("::/0 6\n::/80 80\n");
    ck_assert_str_eq(hosts(allow, "10.0.0.1"), "none");
    ck_assert_str_eq(hosts(allow, "::ffff:10.0.0.1"), "none");
    ck_assert_str_eq(hosts(allow, "::fffe:10.0.0.1"), ",80,");
    ck_assert_str_eq(hosts(allow, "ffff::1"), ",6,");
    gmchat_allow_free(allow);

    allow = parse("0.0.0.0/0 4\n");
    ck_assert_str_eq(hosts(allow, "0.0.0.0"), ",4,");
    ck_assert_str_eq(hosts(allow, "255.255.255.255"), ",4,");
    ck_assert_str_eq(hosts(allow, "::ffff:10.0.0.1"), ",4,");
    ck_assert_str_eq(hosts(allow, "::10.0.0.1"), "none");
    ck_assert_str_eq(hosts(allow, "1::ffff:10.0.0.1"), "none");
    ck_assert_str_eq(hosts(allow, "::1:0:0:0"), "none");
    gmchat_allow_free(allow);

    allow = parse("::ffff:0:0/96 4\n::/0 6");
    ck_assert_str_eq(hosts(allow, "10.0.0.1"), ",4,");
    ck_assert_str_eq(hosts(allow, "::1"), ",6,");
    gmchat_allow_free(allow);
}
END_TEST


START_TEST(other_family)
{
    gmchat_allow_t  *allow;
    unsigned char    bytes[16] = { 0 };

    allow = parse("0.0.0.0/0\n::/0");
    ck_assert_ptr_nonnull(gmchat_allow_find(allow, AF_INET, bytes));
    ck_assert_ptr_nonnull(gmchat_allow_find(allow, AF_INET6, bytes));
    ck_assert_ptr_null(gmchat_allow_find(allow, AF_UNIX, bytes));
    ck_assert_ptr_null(gmchat_allow_find(allow, -1, bytes));
    gmchat_allow_free(allow);
}
END_TEST


START_TEST(lines_are_united)
{
    gmchat_allow_t  *allow;

    allow = parse("10.0.0.0/24 5\n10.0.0.0/25 7\n10.0.0.9/24 3,5\n"
                  "10.0.0.0/24 4\n::1 2\n::1\n::1 1\n");

    ck_assert_uint_eq(gmchat_allow_count(allow), 3);
    ck_assert_str_eq(hosts(allow, "10.0.0.200"), ",3,4,5,");
    ck_assert_str_eq(hosts(allow, "10.0.0.1"), ",7,");
    ck_assert_str_eq(hosts(allow, "::1"), "unbound");

    gmchat_allow_free(allow);
}
END_TEST


START_TEST(speaks_for)
{
    gmchat_allow_t              *allow;
    const gmchat_allow_entry_t  *entry;

    allow = parse("10.0.0.1 9223372036854775807 0 10 1001 22\n10.0.0.2");

    entry = find(allow, "10.0.0.1");
    ck_assert_str_eq(hosts(allow, "10.0.0.1"),
                     ",0,10,22,1001,9223372036854775807,");
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 0), 1);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 10), 1);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 22), 1);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 1001), 1);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, INT64_MAX), 1);

    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 1), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 2), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 100), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 1002), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, INT64_MAX - 1), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, -10), 0);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, INT64_MIN), 0);

    entry = find(allow, "10.0.0.2");
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, 0), 1);
    ck_assert_int_eq(gmchat_allow_speaks_for(entry, INT64_MAX), 1);

    gmchat_allow_free(allow);
}
END_TEST


/* Each broken line as first, second and fourth, with any kind of end. */
START_TEST(broken_lines)
{
    char    text[256];
    size_t  i;

    static const struct {
        const char  *line;
        const char  *reason;
    } lines[] = {
        { "hello", ADDRESS },
        { ",10.0.0.1", ADDRESS },
        { "10.0.0", ADDRESS },
        { "10.0.0.1.2", ADDRESS },
        { "10.0.0.256", ADDRESS },
        { "10.0.0.01", ADDRESS },
        { "10.0.0.-1", ADDRESS },
        { "10.0.0.1:80", ADDRESS },
        { "10.0.0.1;1001", ADDRESS },
        { "/8", ADDRESS },
        { "1001 10.0.0.1", ADDRESS },
        { ":", ADDRESS },
        { "1:2:3:4:5:6:7", ADDRESS },
        { "1:2:3:4:5:6:7:8:9", ADDRESS },
        { "::1::2", ADDRESS },
        { "::12345", ADDRESS },
        { "fe80::1%eth0", ADDRESS },
        { "[::1]", ADDRESS },
        { "::ffff:10.0.0.256", ADDRESS },
        { "\xef\xbc\x91.0.0.1", ADDRESS },
        { "0000:0000:0000:0000:0000:ffff:100.100.100.100/128x", PREFIX },
        { "0000:0000:0000:0000:0000:ffff:100.100.100.100/12888", ADDRESS },
        { "0000:0000:0000:0000:0000:0000:0000:0000:0000:00000", ADDRESS },
        { "10.0.0.1/", PREFIX },
        { "10.0.0.1/ 8", PREFIX },
        { "10.0.0.1/x", PREFIX },
        { "10.0.0.1/8x", PREFIX },
        { "10.0.0.1/-8", PREFIX },
        { "10.0.0.1/+8", PREFIX },
        { "10.0.0.1/08", PREFIX },
        { "10.0.0.1/00", PREFIX },
        { "10.0.0.1/8/8", PREFIX },
        { "10.0.0.1/255.0.0.0", PREFIX },
        { "10.0.0.1/33",
          "the prefix length of an IPv4 network is at most 32" },
        { "10.0.0.1/4294967304",
          "the prefix length of an IPv4 network is at most 32" },
        { "::1/129",
          "the prefix length of an IPv6 network is at most 128" },
        { "::1/1000",
          "the prefix length of an IPv6 network is at most 128" },
        { "::1/99999999999999999999999",
          "the prefix length of an IPv6 network is at most 128" },
        { "::ffff:10.0.0.1/95",
          "the prefix length of an IPv4-mapped network is at least 96" },
        { "::ffff:10.0.0.1/8",
          "the prefix length of an IPv4-mapped network is at least 96" },
        { "10.0.0.1 x", HOST },
        { "10.0.0.1 1001x", HOST },
        { "10.0.0.1 0x10", HOST },
        { "10.0.0.1 1e3", HOST },
        { "10.0.0.1 007", HOST },
        { "10.0.0.1 00", HOST },
        { "10.0.0.1 -1", HOST },
        { "10.0.0.1 +1", HOST },
        { "10.0.0.1 1.0", HOST },
        { "10.0.0.1 1001;1002", HOST },
        { "10.0.0.1 10.0.0.2", HOST },
        { "10.0.0.1 /8", HOST },
        { "10.0.0.1 1001 1002 \xef\xbc\x91", HOST },
        { "10.0.0.1 10000000000000000000", HOST },
        { "10.0.0.1 18446744073709551617", HOST },
        { "10.0.0.1 1001 12345678901234567890123",  HOST },
        { "10.0.0.1 9223372036854775808",
          "a host is larger than 9223372036854775807" },
        { "10.0.0.1 9999999999999999999",
          "a host is larger than 9223372036854775807" },
        { "10.0.0.1 10\x01", "the line holds a control character" },
        { "10.0.0.1\v1001", "the line holds a control character" },
        { "10.0.0.1 1001 # \x1b[31m", "the line holds a control character" },
        { "# \x7f", "the line holds a control character" },
        { "10.0.0.1\r1001", "the line holds a control character" },
        { "10.0.0.1\r\r", "the line holds a control character" }
    };

    for (i = 0; i < check_nelts(lines); i++) {
        broken(lines[i].line, 1, lines[i].reason);

        snprintf(text, sizeof(text), "%s\n10.0.0.1", lines[i].line);
        broken(text, 1, lines[i].reason);

        snprintf(text, sizeof(text), "10.0.0.1\r\n%s\r\n", lines[i].line);
        broken(text, 2, lines[i].reason);

        snprintf(text, sizeof(text), "\n# a\n10.0.0.1 1\n%s\n\nx",
                 lines[i].line);
        broken(text, 4, lines[i].reason);
    }
}
END_TEST


START_TEST(zero_bytes)
{
    static const char  reason[] = "the line holds a control character";

    broken_bytes("\0", 1, 1, reason);
    broken_bytes("10.0.0.1\0", 9, 1, reason);
    broken_bytes("10.0.0.1\n10.0.0.2\0 1001\n", 24, 2, reason);
    broken_bytes("10.0.0.1\n\n#\0\n", 13, 3, reason);
    broken_bytes("10.0.0.1 1001\0", 14, 1, reason);
}
END_TEST


/* Every beginning of a good list is a good list or a broken last line. */
START_TEST(cut_anywhere)
{
    size_t                 len;
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    static const char  text[] = "10.0.0.0/8 1001,1002 # a\r\n"
                                "\r\n"
                                "2001:db8::/32\t9223372036854775807\n"
                                "::ffff:1.2.3.4/100";

    for (len = 0; len < sizeof(text); len++) {
        allow = parse_bytes(text, len, &err);

        if (allow == NULL) {
            ck_assert_ptr_nonnull(err.reason);
            ck_assert_uint_ge(err.line, 1);
            ck_assert_uint_le(err.line, 4);
        }

        gmchat_allow_free(allow);
    }
}
END_TEST


START_TEST(line_length_limit)
{
    size_t           i;
    char             text[GMCHAT_ALLOW_LINE_MAX + 32];
    gmchat_allow_t  *allow;

    static const char  reason[] = "the line is longer than 8192 bytes";
    static const char *ends[] = { "", "\n", "\r\n", "\n10.0.0.2" };

    for (i = 0; i < check_nelts(ends); i++) {
        memset(text, ' ', sizeof(text));
        memcpy(text, "10.0.0.1 #", 10);
        strcpy(text + GMCHAT_ALLOW_LINE_MAX, ends[i]);

        allow = parse(text);
        ck_assert_str_eq(hosts(allow, "10.0.0.1"), "unbound");
        gmchat_allow_free(allow);

        text[GMCHAT_ALLOW_LINE_MAX] = ' ';
        strcpy(text + GMCHAT_ALLOW_LINE_MAX + 1, ends[i]);
        broken(text, 1, reason);

        memmove(text + 1, text, GMCHAT_ALLOW_LINE_MAX + 16);
        text[0] = '\n';
        broken(text, 2, reason);
    }
}
END_TEST


/* n hosts of 19 digits in one line, or on two */
static char *
many_hosts(size_t n, size_t split)
{
    char    *text, *p;
    size_t   i;

    text = malloc(n * 20 + 100);
    ck_assert_ptr_nonnull(text);

    p = text + sprintf(text, "# hosts\n1111:2222:3333:4444:5555:6666:7777:8888"
                             "/128");

    for (i = 0; i < n; i++) {
        if (i && i == split) {
            p += sprintf(p, "\n1111:2222:3333:4444:5555:6666:7777:8888 1");
        }

        p += sprintf(p, " %zu", (size_t) 1000000000000000000 + n - i);
    }

    return text;
}


START_TEST(hosts_limit)
{
    char            *text;
    size_t           len;
    gmchat_allow_t  *allow;

    static const char  reason[] = "the network has more than 256 hosts";
    static const char  addr[] = "1111:2222:3333:4444:5555:6666:7777:8888";

    text = many_hosts(GMCHAT_ALLOW_HOSTS_MAX, 0);
    allow = parse(text);
    gmchat_allow_hosts(find(allow, addr), &len);
    ck_assert_uint_eq(len, 1 + GMCHAT_ALLOW_HOSTS_MAX * 20);
    ck_assert_int_eq(gmchat_allow_speaks_for(find(allow, addr),
                                             1000000000000000001), 1);
    gmchat_allow_free(allow);
    free(text);

    text = many_hosts(GMCHAT_ALLOW_HOSTS_MAX + 1, 0);
    broken(text, 2, reason);
    free(text);

    text = many_hosts(GMCHAT_ALLOW_HOSTS_MAX - 1, 100);
    allow = parse(text);
    ck_assert_uint_eq(gmchat_allow_count(allow), 1);
    gmchat_allow_free(allow);
    free(text);

    text = many_hosts(GMCHAT_ALLOW_HOSTS_MAX, 100);
    broken(text, 3, reason);
    free(text);
}
END_TEST


/* A host given again counts once. */
START_TEST(hosts_limit_repeated)
{
    size_t           i;
    char             text[GMCHAT_ALLOW_LINE_MAX], *p;
    gmchat_allow_t  *allow;

    p = text + sprintf(text, "10.0.0.1");

    for (i = 0; i < 2 * GMCHAT_ALLOW_HOSTS_MAX; i++) {
        p += sprintf(p, " %zu", 1000 + i / 2);
    }

    allow = parse(text);
    gmchat_allow_free(allow);
}
END_TEST


static char *
many_lines(size_t n, const char *line)
{
    char    *text;
    size_t   i, len;

    len = strlen(line);
    text = malloc(n * len + 1);
    ck_assert_ptr_nonnull(text);

    for (i = 0; i < n; i++) {
        memcpy(text + i * len, line, len);
    }

    text[n * len] = '\0';

    return text;
}


START_TEST(lines_limit)
{
    char            *text;
    gmchat_allow_t  *allow;

    static const char  reason[] = "the list has more than 200000 lines";

    text = many_lines(GMCHAT_ALLOW_LINES_MAX, "::1\n");
    allow = parse(text);
    ck_assert_uint_eq(gmchat_allow_count(allow), 1);
    gmchat_allow_free(allow);

    text[strlen(text) - 1] = '\0';
    allow = parse(text);
    gmchat_allow_free(allow);
    free(text);

    text = many_lines(GMCHAT_ALLOW_LINES_MAX + 1, "::1\n");
    broken(text, GMCHAT_ALLOW_LINES_MAX + 1, reason);

    text[strlen(text) - 1] = '\0';
    broken(text, GMCHAT_ALLOW_LINES_MAX + 1, reason);
    free(text);
}
END_TEST


START_TEST(text_limit)
{
    char            *text;
    size_t           i;
    gmchat_allow_t  *allow;

    text = malloc(GMCHAT_ALLOW_TEXT_MAX + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', GMCHAT_ALLOW_TEXT_MAX + 1);
    text[GMCHAT_ALLOW_TEXT_MAX + 1] = '\0';

    for (i = 4000; i < GMCHAT_ALLOW_TEXT_MAX; i += 4000) {
        text[i] = '\n';
    }

    broken(text, 0, "the list is longer than 16000000 bytes");

    text[GMCHAT_ALLOW_TEXT_MAX] = '\0';
    allow = parse(text);
    ck_assert_uint_eq(gmchat_allow_count(allow), 0);
    gmchat_allow_free(allow);
    free(text);
}
END_TEST


static size_t
write_address(char *text, size_t i)
{
    if (i % 2) {
        return sprintf(text, "2001:db8:%zx:%zx::%zx", i / 256, i % 256, i);
    }

    return sprintf(text, "10.%zu.%zu.%zu", i >> 16, i >> 8 & 255, i & 255);
}


START_TEST(fifty_thousand_lines)
{
    char            *text, *p, addr[64], expected[64];
    size_t           i;
    clock_t          start;
    gmchat_allow_t  *allow;

    text = malloc(50000 * 64);
    ck_assert_ptr_nonnull(text);

    for (p = text, i = 0; i < 50000; i++) {
        p += write_address(p, i * 7919 % 50000);
        p += sprintf(p, " %zu,%zu # server\n", 50000 + i * 7919 % 50000,
                     i * 7919 % 50000);
    }

    start = clock();
    allow = parse(text);

    /* a second even with the sanitizers: no worse than n log n */
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 1);
    ck_assert_uint_eq(gmchat_allow_count(allow), 50000);

    for (i = 0; i < 50000; i++) {
        write_address(addr, i);
        sprintf(expected, ",%zu,%zu,", i, 50000 + i);
        ck_assert_str_eq(hosts(allow, addr), expected);
    }

    ck_assert_str_eq(hosts(allow, "10.0.0.1"), "none");
    ck_assert_str_eq(hosts(allow, "9.255.255.255"), "none");
    ck_assert_str_eq(hosts(allow, "2001:db8::"), "none");

    gmchat_allow_free(allow);
    free(text);
}
END_TEST


typedef struct {
    uint32_t  addr;
    unsigned  bits;
} net_t;


static int
holds(const net_t *net, uint32_t addr)
{
    return net->bits == 0 || (net->addr ^ addr) >> (32 - net->bits) == 0;
}


/* -1, or the number of the first among the longest networks that hold addr */
static int
longest(const net_t *nets, size_t n, uint32_t addr)
{
    int     best;
    size_t  i;

    best = -1;

    for (i = 0; i < n; i++) {
        if (holds(&nets[i], addr)
            && (best < 0 || nets[i].bits > nets[best].bits))
        {
            best = (int) i;
        }
    }

    return best;
}


/* Dense random networks, each bound to its number. */
static void
random_networks(net_t *nets, size_t n, char *text, uint64_t *seed)
{
    size_t  i, first;

    for (i = 0; i < n; i++) {
        nets[i].addr = 10 << 24 | (check_random(seed) & 0x3ff);
        nets[i].bits = check_random_below(seed, 4)
                           ? 20 + check_random_below(seed, 13)
                           : check_random_below(seed, 33);

        /* the same network again has the number of the first */

        for (first = 0; first < i; first++) {
            if (nets[first].bits == nets[i].bits
                && holds(&nets[first], nets[i].addr))
            {
                break;
            }
        }

        text += sprintf(text, "10.0.%u.%u/%u %zu\n", nets[i].addr >> 8 & 255,
                        nets[i].addr & 255, nets[i].bits, first);
    }
}


/* against a search of all networks for the longest */
START_TEST(against_a_plain_search)
{
    int                          best;
    char                         text[200 * 40];
    net_t                        nets[200];
    size_t                       i, round;
    uint32_t                     addr;
    uint64_t                     seed = 7;
    gmchat_allow_t              *allow;
    const gmchat_allow_entry_t  *entry;

    for (round = 0; round < 10; round++) {
        random_networks(nets, check_nelts(nets), text, &seed);
        allow = parse(text);

        for (i = 0; i < 1024; i++) {
            best = longest(nets, check_nelts(nets), 10 << 24 | i);
            addr = htonl(10 << 24 | i);
            entry = gmchat_allow_find(allow, AF_INET,
                                      (unsigned char *) &addr);

            ck_assert_int_eq(entry != NULL, best >= 0);

            if (entry) {
                ck_assert_int_eq(gmchat_allow_speaks_for(entry, best), 1);
                ck_assert_int_eq(gmchat_allow_speaks_for(entry, 1000), 0);
            }
        }

        gmchat_allow_free(allow);
    }
}
END_TEST


START_TEST(deepest_nesting)
{
    char             text[130 * 64], *p;
    int              i;
    gmchat_allow_t  *allow;

    for (p = text, i = 128; i >= 0; i--) {
        p += sprintf(p, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%d %d\n", i,
                     i);
    }

    allow = parse(text);
    ck_assert_uint_eq(gmchat_allow_count(allow), 129);
    ck_assert_str_eq(hosts(allow, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                     ",128,");
    ck_assert_str_eq(hosts(allow, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"),
                     ",127,");
    ck_assert_str_eq(hosts(allow, "ffff:ffff:ffff:ffff:7fff::"), ",64,");
    ck_assert_str_eq(hosts(allow, "ffff:ffff:ffff:fffe::"), ",63,");
    ck_assert_str_eq(hosts(allow, "ffff:ffff:ffff:ffff:8000::"), ",65,");
    ck_assert_str_eq(hosts(allow, "::1"), ",0,");
    gmchat_allow_free(allow);
}
END_TEST


static void
parse_junk(const unsigned char *text, size_t len)
{
    unsigned char          addr[16] = { 0 };
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    allow = parse_bytes(text, len, &err);

    ck_assert_int_eq(allow == NULL, err.reason != NULL);

    if (allow) {
        gmchat_allow_find(allow, AF_INET, addr);
        gmchat_allow_find(allow, AF_INET6, addr);
    }

    gmchat_allow_free(allow);
}


START_TEST(junk_bytes)
{
    size_t         i, n, len;
    uint64_t       seed = 1;
    unsigned char  text[300];

    for (n = 0; n < 20000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = check_random(&seed);
        }

        parse_junk(text, len);
    }
}
END_TEST


START_TEST(junk_of_its_own_letters)
{
    size_t         i, n, len;
    uint64_t       seed = 2;
    unsigned char  text[120];

    static const char  letters[] = "00112255ff::..//  ,,\t#\r\n\n";

    for (n = 0; n < 50000; n++) {
        len = check_random_below(&seed, sizeof(text));

        for (i = 0; i < len; i++) {
            text[i] = letters[check_random_below(&seed, sizeof(letters) - 1)];
        }

        parse_junk(text, len);
    }
}
END_TEST


/* A good list with one byte changed at a time. */
START_TEST(junk_in_one_place)
{
    size_t         i;
    unsigned       ch;
    unsigned char  text[] = "10.0.0.0/8 1001,1002 # a\r\n2001:db8::/32 7\n";

    for (i = 0; i < sizeof(text) - 1; i++) {
        for (ch = 0; ch < 256; ch++) {
            unsigned char  kept = text[i];

            text[i] = ch;
            parse_junk(text, sizeof(text) - 1);
            text[i] = kept;
        }
    }
}
END_TEST


static void
parse_short_of_memory(void *data)
{
    int                    failed;
    gmchat_allow_t        *allow;
    gmchat_allow_error_t   err;

    allow = gmchat_allow_parse(data, strlen(data), &err);
    failed = failing_malloc_disarm();

    ck_assert_int_eq(allow == NULL, failed);

    if (failed) {
        ck_assert_str_eq(err.reason, "there is not enough memory");
        ck_assert_uint_eq(err.line, 0);
    }

    gmchat_allow_free(allow);
}


START_TEST(out_of_memory)
{
    char    text[8000], *p;
    size_t  i;

    p = text;

    for (i = 0; i < 400; i++) {
        p += sprintf(p, "10.0.%zu.%zu %zu\n", i / 256, i % 256, i);
    }

    /* lines, hosts and hosts again, list, entries, hosts as text */
    ck_assert_uint_eq(failing_malloc_each(parse_short_of_memory, text), 6);

    strcpy(text, "");
    ck_assert_uint_eq(failing_malloc_each(parse_short_of_memory, text), 4);
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_allow");

    tcase_add_test(tc, empty_texts);
    tcase_add_test(tc, null_text);
    tcase_add_test(tc, ways_to_write);
    tcase_add_test(tc, host_bits_are_masked);
    tcase_add_test(tc, most_specific_decides);
    tcase_add_test(tc, families_are_apart);
    tcase_add_test(tc, other_family);
    tcase_add_test(tc, lines_are_united);
    tcase_add_test(tc, speaks_for);
    tcase_add_test(tc, broken_lines);
    tcase_add_test(tc, zero_bytes);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, line_length_limit);
    tcase_add_test(tc, hosts_limit);
    tcase_add_test(tc, hosts_limit_repeated);
    tcase_add_test(tc, lines_limit);
    tcase_add_test(tc, text_limit);
    tcase_add_test(tc, fifty_thousand_lines);
    tcase_add_test(tc, against_a_plain_search);
    tcase_add_test(tc, deepest_nesting);
    tcase_add_test(tc, junk_bytes);
    tcase_add_test(tc, junk_of_its_own_letters);
    tcase_add_test(tc, junk_in_one_place);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

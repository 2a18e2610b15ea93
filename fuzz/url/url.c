#include <stdlib.h>

#include "fuzz.h"
#include "gmchat_url.h"


/*
 * Where a store is.  An address that was accepted, written in full from what
 * was read of it, is read as the same.
 */


static void
fuzz_url_host(const gmchat_url_host_t *host, gmchat_buf_t *buf)
{
    gmchat_buf_add_text(buf, host->ipv6 ? "[" : "");
    gmchat_buf_add(buf, host->name.data, host->name.len);
    gmchat_buf_add_text(buf, host->ipv6 ? "]:" : ":");
    gmchat_buf_add_int(buf, host->port);
}


static void
fuzz_url_write(const gmchat_url_t *url, gmchat_buf_t *buf)
{
    size_t                    i;
    static const char *const  heads[][2] = {
        { "redis://", "rediss://" },
        { "redis+sentinel://", "rediss+sentinel://" },
        { "redis+cluster://", "rediss+cluster://" }
    };

    gmchat_buf_add_text(buf, heads[url->topology][url->kind == GMCHAT_URL_TLS]);

    if (url->user.len) {
        gmchat_buf_add(buf, url->user.data, url->user.len);
        gmchat_buf_add_text(buf, "@");
    }

    for (i = 0; i < url->nhosts; i++) {
        gmchat_buf_add_text(buf, i ? "," : "");
        fuzz_url_host(&url->hosts[i], buf);
    }

    if (url->topology == GMCHAT_URL_SENTINEL) {
        gmchat_buf_add_text(buf, "/");
        gmchat_buf_add(buf, url->master.data, url->master.len);
    }

    if (url->topology != GMCHAT_URL_CLUSTER) {
        gmchat_buf_add_text(buf, "/");
        gmchat_buf_add_int(buf, url->db);
    }
}


static void
fuzz_url_write_unix(const gmchat_url_t *url, gmchat_buf_t *buf)
{
    gmchat_buf_add_text(buf, "unix:");
    gmchat_buf_add(buf, url->hosts[0].name.data, url->hosts[0].name.len);
    gmchat_buf_add_text(buf, ":");
    gmchat_buf_add_int(buf, url->db);
}


static void
fuzz_url_same(const gmchat_url_t *one, const gmchat_url_t *two)
{
    size_t  i;

    fuzz_must(one->kind == two->kind && one->topology == two->topology);
    fuzz_must(one->db == two->db && one->nhosts == two->nhosts);
    fuzz_must(fuzz_same(&one->user, &two->user));
    fuzz_must(fuzz_same(&one->master, &two->master));

    for (i = 0; i < one->nhosts; i++) {
        fuzz_must(one->hosts[i].port == two->hosts[i].port);
        fuzz_must(one->hosts[i].ipv6 == two->hosts[i].ipv6);
        fuzz_must(fuzz_same(&one->hosts[i].name, &two->hosts[i].name));
    }
}


static void
fuzz_url_check_host(fuzz_t *f, const gmchat_url_t *url,
    const gmchat_url_host_t *host, const gmchat_str_t *text)
{
    fuzz_note_str(f, "host", &host->name);
    fuzz_note(f, ":%u", host->port);

    fuzz_must(host->name.len && fuzz_within(&host->name, text));

    if (url->kind == GMCHAT_URL_UNIX) {
        fuzz_must(host->name.data[0] == '/' && host->port == 0);
        return;
    }

    fuzz_must(host->port >= 1 && host->port <= 65535);
    fuzz_must(host->ipv6 || !memchr(host->name.data, ':', host->name.len));
}


static void
fuzz_url_check(fuzz_t *f, const gmchat_url_t *url, const gmchat_str_t *text)
{
    size_t        i;
    gmchat_buf_t  buf = { 0 };
    gmchat_str_t  written;
    gmchat_url_t  again;

    fuzz_must(url->nhosts >= 1 && url->nhosts <= GMCHAT_URL_HOSTS);
    fuzz_must(url->nhosts == 1 || url->topology != GMCHAT_URL_SINGLE);
    fuzz_must((url->master.len != 0)
              == (url->topology == GMCHAT_URL_SENTINEL));
    fuzz_must(url->db <= 65535);
    fuzz_must(url->db == 0 || url->topology != GMCHAT_URL_CLUSTER);
    fuzz_must(url->user.len == 0 || fuzz_within(&url->user, text));

    for (i = 0; i < url->nhosts; i++) {
        fuzz_url_check_host(f, url, &url->hosts[i], text);
    }

    if (url->kind == GMCHAT_URL_UNIX) {
        fuzz_url_write_unix(url, &buf);

    } else {
        fuzz_url_write(url, &buf);
    }

    fuzz_must_fed(f, !buf.failed);

    if (!buf.failed) {
        written = fuzz_copy(buf.data, buf.len);
        fuzz_must(gmchat_url_parse(&again, &written) == NULL);
        fuzz_url_same(url, &again);
        free(written.data);
    }

    gmchat_buf_free(&buf);
}


void
fuzz_run(fuzz_t *f)
{
    const char    *error;
    gmchat_str_t   text;
    gmchat_url_t   url;

    text = fuzz_rest(f);
    text = fuzz_copy(text.data, text.len);
    memset(&url, 0x55, sizeof(url));

    error = gmchat_url_parse(&url, &text);
    fuzz_note(f, "%s", error ? error : "ok");

    if (error == NULL) {
        fuzz_url_check(f, &url, &text);

    } else {
        fuzz_must(error[0] && error[strlen(error) - 1] != '.');
    }

    free(text.data);
}

#include <stdlib.h>

#include "fuzz.h"
#include "gmchat_role.h"


/* An answer of the role service: its first character is the HTTP status. */


static gmchat_status_e
fuzz_role_around(const gmchat_str_t *body, const char *before,
    const char *behind)
{
    gmchat_buf_t     buf = { 0 };
    gmchat_status_e  status;

    gmchat_buf_add_text(&buf, before);
    gmchat_buf_add(&buf, body->data, body->len);
    gmchat_buf_add_text(&buf, behind);

    status = gmchat_role_answer(200, buf.data, buf.len);
    gmchat_buf_free(&buf);

    return status;
}


void
fuzz_run(fuzz_t *f)
{
    unsigned               http;
    gmchat_str_t           body;
    gmchat_status_e        status;
    static const unsigned  https[] = { 200, 0, 404, 500, 502 };

    http = https[fuzz_below(f, 5)];
    body = fuzz_rest(f);
    body = fuzz_copy(body.data, body.len);

    status = gmchat_role_answer(http, body.data, body.len);
    fuzz_note(f, "%d", status);

    fuzz_must(status == GMCHAT_OK || status == GMCHAT_NO_PLAYER
              || status == GMCHAT_ROLE_UNAVAILABLE);
    fuzz_must(http == 200 || status == GMCHAT_ROLE_UNAVAILABLE);

    if (http == 200 && !f->starved) {
        fuzz_must(fuzz_role_around(&body, " \n", "\r\n\t") == status);
        fuzz_must(fuzz_role_around(&body, "[", "]")
                  == GMCHAT_ROLE_UNAVAILABLE);
        fuzz_must(fuzz_role_around(&body, "{\"a\":", ",\"code\":1}")
                  != GMCHAT_NO_PLAYER);
    }

    free(body.data);
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "fuzz_plain.h"
#include "gmchat_cursor.h"
#include "gmchat_ledger.h"


/*
 * Cursors: of a mailbox, and of a stream with and without relations.  Both have
 * one form only: what was read, written, is the same text.
 */


static void
fuzz_cursor_mailbox(fuzz_t *f, const gmchat_str_t *text)
{
    int             is;
    gmchat_buf_t    buf = { 0 };
    gmchat_str_t    written;
    gmchat_place_t  place;

    is = gmchat_cursor_parse(text, &place.epoch, &place.n);
    fuzz_note(f, "%d", is);

    fuzz_must(is == fuzz_cursor(text));
    fuzz_must(is == gmchat_cursor_parse(text, NULL, NULL));

    if (is) {
        fuzz_must(text->len <= GMCHAT_CURSOR_MAX);
        fuzz_must(place.epoch >= 0 && place.n >= 0);

        gmchat_ledger_id(&buf, &place);
        written.data = buf.data;
        written.len = buf.len;
        fuzz_must_fed(f, fuzz_same(&written, text));
    }

    gmchat_buf_free(&buf);
}


static void
fuzz_cursor_write(const gmchat_ledger_t *ledger,
    const gmchat_ledger_item_t *item, gmchat_buf_t *buf)
{
    char           check[sizeof("*0123456789abcdef")];
    gmchat_line_e  i;

    if (item->last) {
        snprintf(check, sizeof(check), "*%016" PRIx64, item->check);
        gmchat_buf_add_text(buf, check);
        return;
    }

    gmchat_buf_add_int(buf, item->id);

    for (i = ledger->relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
         i < GMCHAT_LINES;
         i++)
    {
        gmchat_buf_add_text(buf, ":");

        if (item->named[i]) {
            gmchat_ledger_id(buf, &item->places[i]);
        }
    }
}


static void
fuzz_cursor_stream(fuzz_t *f, const gmchat_str_t *text, unsigned relations)
{
    int                    rc, last;
    size_t                 left;
    gmchat_buf_t           buf = { 0 };
    gmchat_str_t           rest, written;
    gmchat_ledger_t        ledger = { .relations = relations };
    gmchat_ledger_item_t   item;

    rest = *text;
    last = 0;

    for ( ;; ) {
        left = rest.len;
        rc = gmchat_ledger_parse(&ledger, &rest, &item);

        fuzz_must(fuzz_within(&rest, text));

        if (rc != 1) {
            break;
        }

        fuzz_must(rest.len < left);
        fuzz_must(!last);
        fuzz_must(item.last || item.id >= 0);
        last = item.last;

        if (buf.len) {
            gmchat_buf_add_text(&buf, ",");
        }

        fuzz_cursor_write(&ledger, &item, &buf);
    }

    fuzz_note(f, " %d:%zu", rc, buf.failed ? 0 : buf.len);
    fuzz_must(rc == -1 || (rc == 0 && left == 0));

    written.data = buf.data;
    written.len = buf.len;

    if (rc == 0) {
        fuzz_must_fed(f, fuzz_same(&written, text));
    }

    gmchat_buf_free(&buf);
}


void
fuzz_run(fuzz_t *f)
{
    gmchat_str_t  text;

    text = fuzz_rest(f);
    text = fuzz_copy(text.data, text.len);

    fuzz_cursor_mailbox(f, &text);
    fuzz_cursor_stream(f, &text, 0);
    fuzz_cursor_stream(f, &text, 1);

    free(text.data);
}

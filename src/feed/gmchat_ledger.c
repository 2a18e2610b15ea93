#include <stdio.h>

#include "gmchat_cursor.h"
#include "gmchat_integer.h"
#include "gmchat_ledger.h"


/* Up to so many receivers a cursor names all: each place is exact then. */
#define GMCHAT_LEDGER_WHOLE  8

#define GMCHAT_CHECK_LEN     16


/* Stands for a place in the check, which is their sum.  The finalizer of
 * MurmurHash3, by Austin Appleby, who put it into the public domain. */

static uint64_t
gmchat_ledger_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    x ^= x >> 33;

    return x;
}


/* A mailbox that nobody wrote to has no epoch yet. */

static uint64_t
gmchat_ledger_hash(const gmchat_receiver_t *receiver, gmchat_line_e line)
{
    uint64_t               x;
    const gmchat_place_t  *given;

    given = &receiver->lines[line].given;

    x = gmchat_ledger_mix((uint64_t) receiver->id * 2 + (uint64_t) line + 1);
    x = gmchat_ledger_mix(x ^ (uint64_t) given->n);

    return given->n ? gmchat_ledger_mix(x ^ (uint64_t) given->epoch) : x;
}


static uint64_t
gmchat_ledger_ahead(const gmchat_line_t *line)
{
    return line->known && line->given.n > line->done.n
               ? (uint64_t) (line->given.n - line->done.n) : 0;
}


static void
gmchat_ledger_unlink(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver)
{
    if (receiver->prev) {
        receiver->prev->next = receiver->next;

    } else {
        ledger->first = receiver->next;
    }

    if (receiver->next) {
        receiver->next->prev = receiver->prev;

    } else {
        ledger->last = receiver->prev;
    }
}


static int
gmchat_ledger_named(const gmchat_receiver_t *receiver)
{
    return receiver->lines[GMCHAT_RELATIONS].listed
           || receiver->lines[GMCHAT_MESSAGES].listed;
}


static void
gmchat_ledger_link(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver)
{
    if (gmchat_ledger_named(receiver)) {
        receiver->prev = NULL;
        receiver->next = ledger->first;
        ledger->first = receiver;

        if (receiver->next) {
            receiver->next->prev = receiver;

        } else {
            ledger->last = receiver;
        }

        return;
    }

    receiver->next = NULL;
    receiver->prev = ledger->last;
    ledger->last = receiver;

    if (receiver->prev) {
        receiver->prev->next = receiver;

    } else {
        ledger->first = receiver;
    }
}


static void
gmchat_ledger_list(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, int listed)
{
    int  before;

    before = gmchat_ledger_named(receiver);
    receiver->lines[line].listed = (unsigned) listed;
    ledger->listed += listed ? 1 : (size_t) -1;

    if (gmchat_ledger_named(receiver) != before) {
        gmchat_ledger_unlink(ledger, receiver);
        gmchat_ledger_link(ledger, receiver);
    }
}


static gmchat_line_e
gmchat_ledger_line(const gmchat_ledger_t *ledger)
{
    return ledger->relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
}


void
gmchat_ledger_add(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    int64_t id)
{
    memset(receiver, 0, sizeof(gmchat_receiver_t));
    receiver->id = id;

    gmchat_ledger_link(ledger, receiver);
    ledger->n++;
    ledger->unread += ledger->relations ? 2 : 1;
    ledger->fresh = 1;
}


void
gmchat_ledger_remove(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver)
{
    gmchat_line_e   i;
    gmchat_line_t  *line;

    for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
        line = &receiver->lines[i];

        ledger->unacked -= gmchat_ledger_ahead(line);
        ledger->listed -= line->listed;

        if (!line->known) {
            ledger->unread--;

        } else if (line->covered && !line->listed) {
            ledger->check -= gmchat_ledger_hash(receiver, i);
        }
    }

    gmchat_ledger_unlink(ledger, receiver);
    ledger->n--;
}


static int
gmchat_ledger_parse_check(gmchat_str_t *text, gmchat_ledger_item_t *item)
{
    size_t         i;
    unsigned char  c;

    if (text->len != GMCHAT_CHECK_LEN + 1) {
        return -1;
    }

    item->last = 1;
    item->check = 0;

    for (i = 1; i < text->len; i++) {
        c = text->data[i];

        if (c >= '0' && c <= '9') {
            item->check = item->check * 16 + (uint64_t) (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            item->check = item->check * 16 + (uint64_t) (c - 'a' + 10);

        } else {
            return -1;
        }
    }

    return 1;
}


/*
 * Cuts off what stands before the next `c`, or all.  Returns 1 where there was
 * one.
 */

static int
gmchat_ledger_cut(gmchat_str_t *rest, int c, gmchat_str_t *part)
{
    unsigned char  *end;

    *part = *rest;
    end = rest->len ? memchr(rest->data, c, rest->len) : NULL;

    if (end == NULL) {
        rest->data += rest->len;
        rest->len = 0;
        return 0;
    }

    part->len = (size_t) (end - part->data);
    rest->data = end + 1;
    rest->len -= part->len + 1;

    return 1;
}


static int
gmchat_ledger_parse_line(const gmchat_str_t *text, gmchat_ledger_item_t *item,
    gmchat_line_e line)
{
    if (text->len == 0) {
        return 1;
    }

    item->named[line] = 1;

    return gmchat_cursor_parse(text, &item->places[line].epoch,
                               &item->places[line].n);
}


int
gmchat_ledger_parse(const gmchat_ledger_t *ledger, gmchat_str_t *rest,
    gmchat_ledger_item_t *item)
{
    int            more;
    gmchat_str_t   text, part;
    gmchat_line_e  i;

    if (rest->len == 0) {
        return 0;
    }

    memset(item, 0, sizeof(gmchat_ledger_item_t));
    more = gmchat_ledger_cut(rest, ',', &text);

    if (text.len && text.data[0] == '*') {
        return more ? -1 : gmchat_ledger_parse_check(&text, item);
    }

    if (more && rest->len == 0) {
        return -1;
    }

    more = gmchat_ledger_cut(&text, ':', &part);

    if (!gmchat_integer_parse(&part, &item->id)) {
        return -1;
    }

    for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
        if (!more) {
            return -1;
        }

        more = gmchat_ledger_cut(&text, ':', &part);

        if (!gmchat_ledger_parse_line(&part, item, i)) {
            return -1;
        }
    }

    return more ? -1 : 1;
}


void
gmchat_ledger_name(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    const gmchat_ledger_item_t *item)
{
    gmchat_line_e   i;
    gmchat_line_t  *line;

    for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
        line = &receiver->lines[i];

        if (item->named[i] && !line->known) {
            line->given = item->places[i];
            line->done = item->places[i];

            if (!line->listed) {
                gmchat_ledger_list(ledger, receiver, i, 1);
            }
        }
    }
}


void
gmchat_ledger_claim(gmchat_ledger_t *ledger, uint64_t check)
{
    gmchat_line_e       i;
    gmchat_receiver_t  *receiver;

    ledger->check = check;
    ledger->claimed = 1;
    ledger->checked = 1;
    ledger->fresh = 1;

    for (receiver = ledger->first; receiver; receiver = receiver->next) {
        for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
            receiver->lines[i].assumed = !receiver->lines[i].listed;
            receiver->lines[i].covered = 1;
        }
    }
}


/* Whether the cursor is to name a line; once it does, until a check covers
 * it. */

static int
gmchat_ledger_names(const gmchat_ledger_t *ledger, const gmchat_line_t *line)
{
    return gmchat_ledger_ahead(line) != 0
           || (line->listed && !ledger->checked);
}


/* Moves a line to other places, and keeps the sums. */

static void
gmchat_ledger_move(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *given,
    const gmchat_place_t *done)
{
    gmchat_line_t  *l;

    l = &receiver->lines[line];

    if (l->known && l->covered && !l->listed) {
        ledger->check -= gmchat_ledger_hash(receiver, line);
    }

    ledger->unacked -= gmchat_ledger_ahead(l);

    if (!l->known) {
        ledger->unread--;
        l->known = 1;
    }

    l->given = *given;
    l->done = *done;
    ledger->unacked += gmchat_ledger_ahead(l);

    if (l->listed != (unsigned) gmchat_ledger_names(ledger, l)) {
        gmchat_ledger_list(ledger, receiver, line, !l->listed);
    }

    if (l->covered && !l->listed) {
        ledger->check += gmchat_ledger_hash(receiver, line);
    }
}


void
gmchat_ledger_read(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *done,
    const gmchat_place_t *given)
{
    gmchat_line_t  *l;

    l = &receiver->lines[line];

    if (!l->known && l->assumed) {

        /* the sum that the client brought has it already, if it is so */

        l->given = *given;
        ledger->check -= gmchat_ledger_hash(receiver, line);
    }

    gmchat_ledger_move(ledger, receiver, line, given, done);
}


static uint64_t
gmchat_ledger_sum(const gmchat_ledger_t *ledger)
{
    uint64_t                  sum;
    gmchat_line_e             i;
    const gmchat_line_t      *line;
    const gmchat_receiver_t  *receiver;

    sum = 0;

    for (receiver = ledger->first; receiver; receiver = receiver->next) {
        for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
            line = &receiver->lines[i];

            if (line->known && line->covered && !line->listed) {
                sum += gmchat_ledger_hash(receiver, i);
            }
        }
    }

    return sum;
}


int
gmchat_ledger_holds(const gmchat_ledger_t *ledger)
{
    return !ledger->claimed || gmchat_ledger_sum(ledger) == ledger->check;
}


void
gmchat_ledger_cover(gmchat_ledger_t *ledger)
{
    gmchat_line_e       i;
    gmchat_line_t      *line;
    gmchat_receiver_t  *receiver, *next;

    ledger->checked = 1;
    ledger->claimed = 0;
    ledger->fresh = 0;

    /* one that is named no longer goes behind the others, and is seen again */

    for (receiver = ledger->first; receiver; receiver = next) {
        next = receiver->next;

        for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
            line = &receiver->lines[i];
            line->covered = 1;
            line->assumed = 0;

            if (line->listed && !gmchat_ledger_names(ledger, line)) {
                gmchat_ledger_list(ledger, receiver, i, 0);
            }
        }
    }

    ledger->check = gmchat_ledger_sum(ledger);
}


void
gmchat_ledger_give(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *place)
{
    gmchat_place_t  done;

    done = receiver->lines[line].done;
    gmchat_ledger_move(ledger, receiver, line, place, &done);
}


void
gmchat_ledger_done(gmchat_ledger_t *ledger, gmchat_receiver_t *receiver,
    gmchat_line_e line, const gmchat_place_t *place)
{
    gmchat_place_t  given;

    if (!receiver->lines[line].known
        || place->n <= receiver->lines[line].done.n)
    {
        return;
    }

    given = receiver->lines[line].given;
    gmchat_ledger_move(ledger, receiver, line, &given, place);
}


/* A new epoch may have begun anywhere: the store knows where. */

gmchat_entry_place_e
gmchat_ledger_place(const gmchat_line_t *line, const gmchat_place_t *place)
{
    if (!line->known || place->epoch != line->given.epoch) {
        return GMCHAT_ENTRY_GAP;
    }

    if (place->n <= line->given.n) {
        return GMCHAT_ENTRY_OLD;
    }

    return place->n == line->given.n + 1 ? GMCHAT_ENTRY_NEXT
                                         : GMCHAT_ENTRY_GAP;
}


int
gmchat_ledger_room(const gmchat_ledger_t *ledger, const gmchat_line_t *line,
    uint64_t window)
{
    return ledger->unacked < window
           && (line->listed || ledger->listed < GMCHAT_LEDGER_LISTED);
}


void
gmchat_ledger_id(gmchat_buf_t *buf, const gmchat_place_t *place)
{
    gmchat_buf_add_int(buf, place->epoch);
    gmchat_buf_add_text(buf, "-");
    gmchat_buf_add_int(buf, place->n);
}


static void
gmchat_ledger_item(const gmchat_ledger_t *ledger,
    const gmchat_receiver_t *receiver, gmchat_buf_t *buf, int whole)
{
    gmchat_line_e         i;
    const gmchat_line_t  *line;

    gmchat_buf_add_int(buf, receiver->id);

    for (i = gmchat_ledger_line(ledger); i < GMCHAT_LINES; i++) {
        line = &receiver->lines[i];
        gmchat_buf_add_text(buf, ":");

        if (line->listed || (whole && line->known)) {
            gmchat_ledger_id(buf, &line->given);
        }
    }
}


void
gmchat_ledger_cursor(const gmchat_ledger_t *ledger, gmchat_buf_t *buf)
{
    int                       whole;
    char                      check[GMCHAT_CHECK_LEN + 1];
    size_t                    start;
    const gmchat_receiver_t  *receiver;

    start = buf->len;
    whole = ledger->n <= GMCHAT_LEDGER_WHOLE && !ledger->claimed;

    for (receiver = ledger->first;
         receiver && (whole || gmchat_ledger_named(receiver));
         receiver = receiver->next)
    {
        if (buf->len > start) {
            gmchat_buf_add_text(buf, ",");
        }

        gmchat_ledger_item(ledger, receiver, buf, whole);
    }

    if (whole) {
        return;
    }

    if (!ledger->checked) {
        if (buf->len == start) {
            gmchat_ledger_item(ledger, ledger->first, buf, 0);
        }

        return;
    }

    (void) snprintf(check, sizeof(check), "%016llx",
                    (unsigned long long) ledger->check);
    gmchat_buf_add_text(buf, buf->len > start ? ",*" : "*");
    gmchat_buf_add_text(buf, check);
}

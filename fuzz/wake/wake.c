#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "fuzz_plain.h"
#include "gmchat_cursor.h"
#include "gmchat_integer.h"
#include "gmchat_wake.h"


/*
 * A stream beside a model of the store: mailboxes with epochs that lose their
 * tail, wake-ups that are lost, late or doubled, acknowledgements by this
 * client and by others, and a client that comes back with its cursor.  No entry is
 * given twice, ids ascend, nothing is left out, and the ledger's sums are what
 * its lines say.  The first two characters say whether there are relations, and
 * the window; each one that follows is something that happens.
 */


#define FUZZ_RECEIVERS  12
#define FUZZ_ENTRIES    60
#define FUZZ_LATE       8       /* wake-ups that may come again */
#define FUZZ_TEXT       128
#define FUZZ_CURSOR     8192    /* what a call may hold (gmchat_params.c) */


/* A mailbox in the store, and what this client was given of it. */

typedef struct {
    int64_t          epoch;
    int64_t          n;
    int64_t          done;
    int64_t          epochs[FUZZ_ENTRIES + 1];  /* of each entry */
    gmchat_place_t   high;      /* the newest that was given */
} fuzz_box_t;

typedef struct {
    gmchat_receiver_t   receiver;
    fuzz_box_t          boxes[GMCHAT_LINES];
    unsigned            watched:1;
} fuzz_watch_t;

typedef struct {
    unsigned            to;
    char                text[FUZZ_TEXT];
} fuzz_late_t;

typedef struct {
    fuzz_t             *f;
    gmchat_ledger_t     ledger;
    fuzz_watch_t        watches[FUZZ_RECEIVERS];
    fuzz_late_t         late[FUZZ_LATE];
    unsigned            told;           /* wake-ups so far */
    uint64_t            window;
} fuzz_stream_t;


static const int64_t  fuzz_ids[FUZZ_RECEIVERS] = {
    1, 2, 3, 10, 1001, 1002, 77, 500, 9223372036854775806, 0, 42, 43
};


/* Of an entry, the store's id. */

static gmchat_place_t
fuzz_place(const fuzz_box_t *box, int64_t n)
{
    gmchat_place_t  place;

    place.epoch = n ? box->epochs[n] : box->epoch;
    place.n = n;

    return place;
}


static int
fuzz_before(const gmchat_place_t *one, const gmchat_place_t *two)
{
    return one->epoch < two->epoch
           || (one->epoch == two->epoch && one->n < two->n);
}


static void
fuzz_give(fuzz_stream_t *s, fuzz_watch_t *w, gmchat_line_e line,
    const gmchat_place_t *place)
{
    fuzz_box_t  *box;

    box = &w->boxes[line];

    fuzz_note(s->f, " %" PRId64 ":%d:%" PRId64 "-%" PRId64, w->receiver.id,
              line, place->epoch, place->n);
    fuzz_must(fuzz_before(&box->high, place));
    fuzz_must(place->n == w->receiver.lines[line].given.n + 1);

    box->high = *place;
    gmchat_ledger_give(&s->ledger, &w->receiver, line, place);
}


/* What include/peek.lua says, taken as ngx_http_gmchat_read.c takes it. */

static void
fuzz_read_line(fuzz_stream_t *s, fuzz_watch_t *w, gmchat_line_e line,
    const gmchat_place_t *cursor)
{
    int              reset;
    int64_t          n;
    fuzz_box_t      *box;
    gmchat_line_t   *l;
    gmchat_place_t   done, place;

    box = &w->boxes[line];
    l = &w->receiver.lines[line];

    n = cursor ? cursor->n : box->done;
    reset = n > box->n || n < box->done
            || (n && box->epochs[n] != (cursor ? cursor->epoch
                                               : box->epochs[n]));
    n = reset ? box->done : n;
    done = fuzz_place(box, box->done);
    place = fuzz_place(box, n);

    /* what was given of a history that is no more may come again */

    if (reset) {
        box->high = place;
        box->high.epoch = n ? place.epoch : 0;
    }

    if (!reset && l->known && l->done.epoch == done.epoch
        && l->done.n > done.n)
    {
        done = l->done;
    }

    gmchat_ledger_read(&s->ledger, &w->receiver, line, &done, &place);

    while (n < box->n && gmchat_ledger_room(&s->ledger, l, s->window)) {
        place = fuzz_place(box, ++n);
        fuzz_give(s, w, line, &place);
    }
}


/* Once all was read, a check covers all; returns whether the client's holds. */

static int
fuzz_cover(fuzz_stream_t *s)
{
    int  holds;

    if (!s->ledger.fresh || s->ledger.unread) {
        return 1;
    }

    holds = gmchat_ledger_holds(&s->ledger);
    gmchat_ledger_cover(&s->ledger);
    fuzz_must(s->ledger.checked && !s->ledger.claimed && !s->ledger.fresh);

    return holds;
}


static void
fuzz_read(fuzz_stream_t *s, fuzz_watch_t *w)
{
    gmchat_line_e   i;
    gmchat_line_t  *l;

    for (i = s->ledger.relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
         i < GMCHAT_LINES;
         i++)
    {
        l = &w->receiver.lines[i];
        fuzz_read_line(s, w, i, l->known ? &l->given : NULL);
    }

    fuzz_must(fuzz_cover(s));
}


/* A wake-up, as ngx_http_gmchat_watch.c deals with it. */

static void
fuzz_wake(fuzz_stream_t *s, fuzz_watch_t *w, const gmchat_wake_t *wake,
    gmchat_wake_e kind)
{
    gmchat_line_t         *l;
    gmchat_entry_place_e   where;

    l = &w->receiver.lines[wake->line];

    if (!s->ledger.relations && wake->line == GMCHAT_RELATIONS) {
        return;
    }

    if (kind == GMCHAT_WAKE_DONE) {
        gmchat_ledger_done(&s->ledger, &w->receiver, wake->line, &wake->place);

        if (l->known && l->done.n > l->given.n) {
            fuzz_read(s, w);
        }

        return;
    }

    where = gmchat_ledger_place(l, &wake->place);
    fuzz_note(s->f, " %d", where);

    if (where == GMCHAT_ENTRY_NEXT
        && gmchat_ledger_room(&s->ledger, l, s->window))
    {
        fuzz_give(s, w, wake->line, &wake->place);

    } else if (where != GMCHAT_ENTRY_OLD) {
        fuzz_read(s, w);
    }
}


/* What was read of a payload, written again, is the same text. */

static void
fuzz_wake_again(fuzz_t *f, const gmchat_wake_t *wake, gmchat_wake_e kind,
    const gmchat_str_t *text)
{
    gmchat_buf_t  buf = { 0 };
    gmchat_str_t  written;

    gmchat_buf_add_text(&buf, kind == GMCHAT_WAKE_DONE ? "a " : "");
    gmchat_buf_add_text(&buf, wake->line == GMCHAT_MESSAGES ? "m " : "r ");
    gmchat_ledger_id(&buf, &wake->place);

    if (kind == GMCHAT_WAKE_ENTRY) {
        fuzz_must(fuzz_within(&wake->entry.uid, text));
        fuzz_must(fuzz_within(&wake->entry.gm, text));

        gmchat_buf_add_text(&buf, " ");
        gmchat_buf_add(&buf, wake->entry.uid.data, wake->entry.uid.len);
        gmchat_buf_add_text(&buf, " ");
        gmchat_buf_add(&buf, wake->entry.gm.data, wake->entry.gm.len);
        gmchat_buf_add_text(&buf, " ");
        gmchat_buf_add_int(&buf, wake->entry.ts);
        gmchat_buf_add_text(&buf, " ");

        if (wake->line == GMCHAT_RELATIONS) {
            gmchat_buf_add(&buf, wake->entry.change.data,
                           wake->entry.change.len);
            gmchat_buf_add_text(&buf, " ");
        }

        written = wake->line == GMCHAT_MESSAGES ? wake->entry.msg
                                                : wake->entry.name;
        fuzz_must(written.len && fuzz_within(&written, text));
        gmchat_buf_add(&buf, written.data, written.len);
    }

    written.data = buf.data;
    written.len = buf.len;
    fuzz_must_fed(f, fuzz_same(&written, text));
    gmchat_buf_free(&buf);
}


/* What is said of a message, and of an operator, which may leave things out. */

static void
fuzz_wake_about(const gmchat_wake_t *wake, gmchat_wake_e kind,
    const gmchat_str_t *text)
{
    fuzz_must(text->data[0] == (kind == GMCHAT_WAKE_READ ? 's' : 'x'));

    if (kind == GMCHAT_WAKE_DESK) {
        fuzz_must(wake->action.len && fuzz_within(&wake->action, text));
    }

    if (kind == GMCHAT_WAKE_READ || wake->entry.uid.len) {
        fuzz_must(fuzz_within(&wake->entry.uid, text));
        fuzz_must(gmchat_integer_parse(&wake->entry.uid, NULL));
    }

    if (kind == GMCHAT_WAKE_READ || wake->entry.id.len) {
        fuzz_must(fuzz_within(&wake->entry.id, text));
        fuzz_must(gmchat_cursor_parse(&wake->entry.id, NULL, NULL));
    }
}


/* Bytes that the store did not make: read, and nothing more. */

static void
fuzz_payload(fuzz_t *f)
{
    gmchat_str_t    text;
    gmchat_wake_t   wake;
    gmchat_wake_e   kind;

    text = fuzz_line(f);
    text = fuzz_copy(text.data, text.len);

    kind = gmchat_wake_read(&wake, &text);
    fuzz_note(f, " kind:%d", kind);

    if (kind == GMCHAT_WAKE_DONE || kind == GMCHAT_WAKE_ENTRY) {
        fuzz_wake_again(f, &wake, kind, &text);
    }

    if (kind == GMCHAT_WAKE_READ || kind == GMCHAT_WAKE_DESK) {
        fuzz_wake_about(&wake, kind, &text);
    }

    fuzz_must((kind == GMCHAT_WAKE_ONLINE) == gmchat_str_is(&text, "o"));
    free(text.data);
}


static void
fuzz_deliver(fuzz_stream_t *s, const fuzz_late_t *late)
{
    fuzz_box_t     *box;
    gmchat_str_t    text;
    gmchat_wake_t   wake;
    gmchat_wake_e   kind;

    if (!s->watches[late->to].watched) {
        return;
    }

    text = fuzz_copy(late->text, strlen(late->text));
    kind = gmchat_wake_read(&wake, &text);
    box = &s->watches[late->to].boxes[wake.line];

    /* no server that has another history tells of this one any more */

    if (kind == GMCHAT_WAKE_DONE
        && (wake.place.n > box->n
            || box->epochs[wake.place.n] != wake.place.epoch))
    {
        free(text.data);
        return;
    }

    fuzz_must(kind == (late->text[0] == 'a' ? GMCHAT_WAKE_DONE
                                            : GMCHAT_WAKE_ENTRY));
    fuzz_wake_again(s->f, &wake, kind, &text);
    fuzz_wake(s, &s->watches[late->to], &wake, kind);

    free(text.data);
}


/* The store publishes; whether it arrives is the input's to say. */

static void
fuzz_tell(fuzz_stream_t *s, unsigned to, int arrives, const char *head,
    gmchat_line_e line, const gmchat_place_t *place, const char *tail)
{
    fuzz_late_t  *late;

    late = &s->late[s->told++ % FUZZ_LATE];
    late->to = to;

    snprintf(late->text, FUZZ_TEXT, "%s%c %" PRId64 "-%" PRId64 "%s", head,
             line == GMCHAT_MESSAGES ? 'm' : 'r', place->epoch, place->n,
             tail);

    if (arrives) {
        fuzz_deliver(s, late);
    }
}


static void
fuzz_append(fuzz_stream_t *s, unsigned to, gmchat_line_e line, int arrives)
{
    fuzz_box_t      *box;
    gmchat_place_t   place;

    box = &s->watches[to].boxes[line];

    if (box->n == FUZZ_ENTRIES) {
        return;
    }

    box->epochs[++box->n] = box->epoch;
    place = fuzz_place(box, box->n);

    fuzz_tell(s, to, arrives, "", line, &place,
              line == GMCHAT_MESSAGES ? " 5 1 1700000000000 aGk="
                                      : " 5 1 1700000000000 apply Ann Lee");
}


/* Somebody acknowledges up to `n`. */

static void
fuzz_acknowledge(fuzz_stream_t *s, unsigned to, gmchat_line_e line, int64_t n,
    int arrives)
{
    fuzz_box_t      *box;
    gmchat_place_t   place;

    box = &s->watches[to].boxes[line];
    n = n < box->n ? n : box->n;

    if (n > box->done) {
        box->done = n;
        place = fuzz_place(box, n);
        fuzz_tell(s, to, arrives, "a ", line, &place, "");
    }
}


/* The store comes back without its newest entries. */

static void
fuzz_lose(fuzz_box_t *box, int64_t lost)
{
    box->epoch++;
    box->n = box->n - lost > box->done ? box->n - lost : box->done;
}


static void
fuzz_watch(fuzz_stream_t *s, fuzz_watch_t *w)
{
    if (w->watched) {
        gmchat_ledger_remove(&s->ledger, &w->receiver);
        memset(&w->boxes[GMCHAT_RELATIONS].high, 0, sizeof(gmchat_place_t));
        memset(&w->boxes[GMCHAT_MESSAGES].high, 0, sizeof(gmchat_place_t));
        w->watched = 0;
        fuzz_must(fuzz_cover(s));
        return;
    }

    gmchat_ledger_add(&s->ledger, &w->receiver, fuzz_ids[w - s->watches]);
    w->watched = 1;
}


/* A cursor acknowledges what it names. */

static void
fuzz_resume_item(fuzz_stream_t *s, const gmchat_ledger_item_t *item)
{
    unsigned       i;
    gmchat_line_e  line;
    fuzz_box_t    *box;

    for (i = 0; fuzz_ids[i] != item->id; i++) { /* void */ }

    fuzz_must(s->watches[i].watched);
    gmchat_ledger_name(&s->ledger, &s->watches[i].receiver, item);

    for (line = GMCHAT_RELATIONS; line < GMCHAT_LINES; line++) {
        box = &s->watches[i].boxes[line];

        if (item->named[line] && item->places[line].n > box->done
            && item->places[line].n <= box->n
            && box->epochs[item->places[line].n] == item->places[line].epoch)
        {
            box->done = item->places[line].n;
        }
    }
}


/* Whether each line that the cursor does not name is where it was. */

static int
fuzz_resume_holds(const fuzz_stream_t *s, const gmchat_ledger_t *old)
{
    size_t                    i;
    gmchat_line_e             line;
    gmchat_place_t            done;
    const fuzz_watch_t       *w;
    const gmchat_receiver_t  *receiver;

    for (receiver = old->first; receiver; receiver = receiver->next) {
        for (i = 0; fuzz_ids[i] != receiver->id; i++) { /* void */ }

        w = &s->watches[i];

        for (line = old->relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
             line < GMCHAT_LINES;
             line++)
        {
            done = fuzz_place(&w->boxes[line], w->boxes[line].done);

            if (!receiver->lines[line].listed
                && (!receiver->lines[line].covered
                    || receiver->lines[line].given.n != done.n
                    || (done.n
                        && receiver->lines[line].given.epoch != done.epoch)))
            {
                return 0;
            }
        }
    }

    return 1;
}


/* A copy of the receivers, in whatever order, to look at later. */

static void
fuzz_keep(const gmchat_ledger_t *ledger, gmchat_ledger_t *old,
    gmchat_receiver_t *receivers)
{
    const gmchat_receiver_t  *receiver;

    *old = *ledger;
    old->first = NULL;

    for (receiver = ledger->first; receiver; receiver = receiver->next) {
        *receivers = *receiver;
        receivers->next = old->first;
        old->first = receivers++;
    }
}


static void
fuzz_resume_lines(fuzz_stream_t *s, fuzz_watch_t *w)
{
    gmchat_line_e   line;
    gmchat_line_t  *l;

    for (line = s->ledger.relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
         line < GMCHAT_LINES;
         line++)
    {
        l = &w->receiver.lines[line];
        fuzz_read_line(s, w, line, l->listed ? &l->given : NULL);
    }
}


/* The ledger of a new connection, by the cursor. */

static void
fuzz_resume_ledger(fuzz_stream_t *s, const gmchat_buf_t *cursor)
{
    int                    rc;
    size_t                 i;
    unsigned               relations;
    gmchat_str_t           rest;
    gmchat_ledger_item_t   item;

    relations = s->ledger.relations;
    memset(&s->ledger, 0, sizeof(gmchat_ledger_t));
    s->ledger.relations = relations;

    for (i = 0; i < FUZZ_RECEIVERS; i++) {
        if (s->watches[i].watched) {
            gmchat_ledger_add(&s->ledger, &s->watches[i].receiver,
                              fuzz_ids[i]);
        }
    }

    rest.data = cursor->data;
    rest.len = cursor->len;

    while ((rc = gmchat_ledger_parse(&s->ledger, &rest, &item)) == 1) {
        if (item.last) {
            gmchat_ledger_claim(&s->ledger, item.check);

        } else {
            fuzz_resume_item(s, &item);
        }
    }

    fuzz_must(rc == 0);
}


/* The client comes back. */

static void
fuzz_resume(fuzz_stream_t *s)
{
    int                 holds;
    size_t              i, checked;
    gmchat_buf_t        cursor = { 0 };
    gmchat_ledger_t     old;
    gmchat_receiver_t   receivers[FUZZ_RECEIVERS];

    gmchat_ledger_cursor(&s->ledger, &cursor);
    fuzz_must(!cursor.failed && cursor.len <= FUZZ_CURSOR);
    fuzz_note_bytes(s->f, "cursor", cursor.data, cursor.len);

    fuzz_keep(&s->ledger, &old, receivers);
    fuzz_resume_ledger(s, &cursor);
    gmchat_buf_free(&cursor);
    checked = s->ledger.claimed;
    holds = !checked || fuzz_resume_holds(s, &old);
    fuzz_must(!checked || old.checked);

    for (i = 0; i < FUZZ_RECEIVERS; i++) {
        if (s->watches[i].watched) {
            fuzz_resume_lines(s, &s->watches[i]);
        }
    }

    fuzz_must(s->ledger.unread == 0);

    if (checked) {
        fuzz_note(s->f, " holds:%d", holds);
    }

    fuzz_must(fuzz_cover(s) == holds);
}


/* The check is what it would be if it were made now. */

static void
fuzz_check(const fuzz_stream_t *s)
{
    gmchat_ledger_t  copy;

    copy = s->ledger;
    copy.claimed = 1;
    fuzz_must(gmchat_ledger_holds(&copy));
}


/* The ledger's sums, added up anew. */

static void
fuzz_sums(const fuzz_stream_t *s)
{
    size_t                    n, listed, unread;
    uint64_t                  unacked;
    gmchat_line_e             i;
    const gmchat_line_t      *l;
    const gmchat_receiver_t  *r, *prev;

    n = 0;
    listed = 0;
    unread = 0;
    unacked = 0;
    prev = NULL;

    for (r = s->ledger.first; r; prev = r, r = r->next, n++) {
        fuzz_must(r->prev == prev);

        for (i = s->ledger.relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
             i < GMCHAT_LINES;
             i++)
        {
            l = &r->lines[i];
            listed += l->listed;
            unread += !l->known;
            unacked += l->known && l->given.n > l->done.n
                           ? (uint64_t) (l->given.n - l->done.n) : 0;
            fuzz_must(!l->known || l->given.n <= l->done.n || l->listed);
            fuzz_must(!l->known || l->given.n > l->done.n || !l->listed
                      || !s->ledger.checked);
        }
    }

    fuzz_must(s->ledger.last == prev);
    fuzz_must(s->ledger.n == n && s->ledger.listed == listed);
    fuzz_must(s->ledger.unread == unread && s->ledger.unacked == unacked);

    fuzz_check(s);
}


static void
fuzz_happens(fuzz_stream_t *s, unsigned what)
{
    int             n;
    unsigned        to;
    fuzz_watch_t   *w;
    gmchat_line_e   line;

    if (what == 'p') {
        fuzz_payload(s->f);
        return;
    }

    if (what == 'c') {
        fuzz_resume(s);
        return;
    }

    if (what == 'o') {
        if (s->told) {
            fuzz_deliver(s, &s->late[fuzz_below(s->f, FUZZ_LATE) % s->told]);
        }

        return;
    }

    to = fuzz_below(s->f, FUZZ_RECEIVERS);
    line = s->ledger.relations ? fuzz_below(s->f, GMCHAT_LINES)
                               : GMCHAT_MESSAGES;
    w = &s->watches[to];

    switch (what) {

    case 'a':
    case 'A':
        fuzz_append(s, to, line, what == 'a');
        break;

    case 'k':
    case 'K':
        n = (int) fuzz_below(s->f, FUZZ_ENTRIES);
        fuzz_acknowledge(s, to, line, n, what == 'k');
        break;

    case 'e':
        fuzz_lose(&w->boxes[line], fuzz_below(s->f, 4));
        break;

    case 'w':
        fuzz_watch(s, w);
        break;

    case 'r':
        if (w->watched) {
            fuzz_read(s, w);
        }

        break;

    default:
        break;
    }
}


/* With room and a look at the store, all that there is was given. */

static void
fuzz_all_given(fuzz_stream_t *s)
{
    size_t          i;
    fuzz_watch_t   *w;
    gmchat_line_e   line;

    s->window = UINT64_MAX;

    for (i = 0; i < FUZZ_RECEIVERS; i++) {
        w = &s->watches[i];

        if (!w->watched) {
            continue;
        }

        fuzz_read(s, w);

        for (line = s->ledger.relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
             line < GMCHAT_LINES;
             line++)
        {
            fuzz_must(w->receiver.lines[line].given.n == w->boxes[line].n);
        }

        fuzz_sums(s);
        fuzz_watch(s, w);
        fuzz_sums(s);
    }

    fuzz_must(s->ledger.n == 0 && s->ledger.first == NULL);
    fuzz_must(s->ledger.unacked == 0 && s->ledger.listed == 0);
    fuzz_must(s->ledger.unread == 0 && s->ledger.check == 0);
}


void
fuzz_run(fuzz_t *f)
{
    size_t                  i;
    gmchat_line_e           line;
    fuzz_stream_t           s;
    static const uint64_t   windows[] = { 200, 1, 3 };

    /* a ledger has no memory of its own */

    fuzz_feed(f);

    memset(&s, 0, sizeof(s));
    s.f = f;
    s.ledger.relations = fuzz_below(f, 2);
    s.window = windows[fuzz_below(f, 3)];

    for (i = 0; i < FUZZ_RECEIVERS; i++) {
        for (line = GMCHAT_RELATIONS; line < GMCHAT_LINES; line++) {
            s.watches[i].boxes[line].epoch = 1700000000000000 + (int64_t) i;
        }
    }

    while (f->pos < f->last) {
        fuzz_happens(&s, fuzz_byte(f));
        fuzz_sums(&s);
    }

    fuzz_all_given(&s);
}

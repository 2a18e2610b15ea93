#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "gmchat_ledger.h"
#include "test_tools.h"


/*
 * The model: the mailboxes as the scripts keep them, a client with the last
 * few cursors that it got, and what it has seen, without any cursor.
 */

#define RECEIVERS  40
#define WHOLE      8        /* receivers that a cursor names all */
#define FIRST_ID   1000
#define EPOCHS     24
#define KEPT       4
#define RUNS       60
#define STEPS      1500


typedef struct {
    gmchat_place_t        past[EPOCHS];     /* each epoch's last entry */
    size_t                npast;
    int64_t               epoch;
    int64_t               n;
    int64_t               done;
    int                   history;
} box_t;


typedef struct {
    int                   reset;
    gmchat_place_t        done;
    gmchat_place_t        position;
} part_t;


typedef struct {
    unsigned              known:1;          /* the stream read it */
    unsigned              named:1;          /* by the cursor; not read yet */
    unsigned              seen:1;           /* the client knows `given` */
    unsigned              told:1;           /* .. by an entry */
    unsigned              kept:1;           /* stays in the cursor */
    gmchat_place_t        given;
    gmchat_place_t        done;
} view_t;


/* What depends on the moment: it is kept with a cursor. */

typedef struct {
    view_t                views[RECEIVERS][GMCHAT_LINES];
    unsigned              missed:1;         /* the check has to fail */
    unsigned              exact:1;          /* or else it has to hold */
    unsigned              checked:1;        /* there is a check */
    size_t                version;          /* of the set of receivers */
} moment_t;


typedef struct {
    moment_t              moment;
    int                   checked;          /* it has a check */
    gmchat_buf_t          text;
} cursor_t;


static box_t              boxes[RECEIVERS][GMCHAT_LINES];
static box_t              saved[RECEIVERS][GMCHAT_LINES];
static int                history;
static int64_t            now;
static uint64_t           seed, window;

static gmchat_ledger_t    ledger;
static gmchat_receiver_t  receivers[RECEIVERS];
static int                present[RECEIVERS];
static size_t             npresent;
static moment_t           stream;
static cursor_t           kept[KEPT];
static size_t             nkept;

/* What a run met, so that none of it is missing unseen. */

static struct {
    size_t  next, gap, old, full, reset, held, failed, whole, few, restarts,
            unchecked, kept, again;
} met;


static size_t
below(size_t n)
{
    return check_random_below(&seed, n);
}


static gmchat_line_e
first_line(void)
{
    return ledger.relations ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
}


static gmchat_line_e
any_line(void)
{
    return ledger.relations && below(2) ? GMCHAT_RELATIONS : GMCHAT_MESSAGES;
}


/* Mostly one of the stream's. */
static size_t
any_receiver(void)
{
    size_t  i, n;

    i = below(RECEIVERS);

    for (n = below(8) ? RECEIVERS : 0; n > 0 && !present[i]; n--) {
        i = (i + 1) % RECEIVERS;
    }

    return i;
}


static gmchat_place_t
place(int64_t epoch, int64_t n)
{
    gmchat_place_t  p = { epoch, n };

    return p;
}


/* Nothing is the same in all epochs. */
static int
same(gmchat_place_t a, gmchat_place_t b)
{
    return a.n == b.n && (a.n == 0 || a.epoch == b.epoch);
}


static uint64_t
ahead(const view_t *view)
{
    return view->known && view->given.n > view->done.n
               ? (uint64_t) (view->given.n - view->done.n) : 0;
}


static int
is_listed(const view_t *view)
{
    return view->kept || (view->known ? ahead(view) != 0 : view->named);
}


/* Who is in a cursor stays there until a check is about all. */
static void
keep(view_t *view)
{
    view->kept = !stream.checked && is_listed(view);
}


/* The store */


static gmchat_place_t
box_place(const box_t *box, int64_t n)
{
    size_t   i;
    int64_t  epoch;

    epoch = box->epoch;

    for (i = box->npast; i > 0 && n <= box->past[i - 1].n; i--) {
        epoch = box->past[i - 1].epoch;
    }

    return place(epoch, n);
}


static int
box_has(const box_t *box, gmchat_place_t cursor)
{
    size_t  i;

    if (cursor.n == 0) {
        return 1;
    }

    for (i = 0; i < box->npast; i++) {
        if (box->past[i].epoch == cursor.epoch) {
            return cursor.n <= box->past[i].n;
        }
    }

    return box->epoch != 0 && box->epoch == cursor.epoch
           && cursor.n <= box->n;
}


static gmchat_place_t
box_append(box_t *box)
{
    if (box->epoch == 0 || box->history != history) {

        if (box->epoch) {
            ck_assert_uint_lt(box->npast, EPOCHS);
            box->past[box->npast++] = place(box->epoch, box->n);
        }

        box->epoch = ++now;
        box->history = history;
    }

    return place(box->epoch, ++box->n);
}


static part_t
box_peek(const box_t *box, const gmchat_place_t *cursor)
{
    part_t  part;

    part.reset = cursor && (!box_has(box, *cursor) || cursor->n < box->done);
    part.done = box_place(box, box->done);
    part.position = cursor && !part.reset ? box_place(box, cursor->n)
                                          : part.done;

    return part;
}


/* The stream */


/* An item is as the model has it.  Returns its lines that are listed. */
static size_t
check_item(const gmchat_ledger_item_t *item, int whole, int checked,
    int *before)
{
    int            good;
    size_t         i, listed;
    view_t        *view;
    gmchat_line_e  l;

    i = (size_t) (item->id - FIRST_ID);
    good = i < RECEIVERS && present[i] && !before[i];
    ck_assert(good);
    before[i] = 1;

    for (listed = 0, l = first_line(); l < GMCHAT_LINES; l++) {
        view = &stream.views[i][l];
        listed += is_listed(view);

        good &= item->named[l] == (is_listed(view)
                                   || (whole && view->known));
        good &= !item->named[l] || same(item->places[l], view->given);
    }

    /* one that says nothing stands for an empty cursor */

    ck_assert(good && (whole || listed > 0 || (!checked
                                               && ledger.listed == 0)));

    return listed;
}


static gmchat_str_t
cursor_text(const cursor_t *cursor)
{
    gmchat_str_t  text = { cursor->text.len, cursor->text.data };

    return text;
}


/* The cursor says what it should, and can be read again. */
static void
check_cursor(cursor_t *cursor)
{
    int                   rc, whole, checked, before[RECEIVERS] = { 0 };
    size_t                items, listed;
    gmchat_str_t          rest;
    gmchat_ledger_item_t  item;

    whole = npresent <= WHOLE && !ledger.claimed;
    checked = !whole && stream.checked;
    rest = cursor_text(cursor);
    cursor->checked = 0;

    for (items = 0, listed = 0;
         (rc = gmchat_ledger_parse(&ledger, &rest, &item)) == 1;
         /* void */ )
    {
        if (item.last) {
            ck_assert_uint_eq(item.check, ledger.check);
            cursor->checked = 1;
            continue;
        }

        items++;
        listed += check_item(&item, whole, checked, before);
    }

    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(listed, ledger.listed);
    ck_assert_int_eq(cursor->checked, checked);
    ck_assert(!whole || items == npresent);
    ck_assert(npresent == 0 || cursor->text.len > 0);

    met.whole += whole;
    met.few += !whole;
    met.unchecked += !whole && !checked;
}


/* Forgets the oldest `n`. */
static void
forget(size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        gmchat_buf_free(&kept[i].text);
    }

    nkept -= n;
    memmove(kept, kept + n, nkept * sizeof(cursor_t));
    memset(kept + nkept, 0, (KEPT - nkept) * sizeof(cursor_t));
}


/* The newest `n` never reached the client. */
static void
lose(size_t n)
{
    while (n--) {
        gmchat_buf_free(&kept[--nkept].text);
    }
}


/* An event: the client keeps its cursor. */
static void
event(void)
{
    cursor_t  *cursor;

    forget(nkept == KEPT);

    cursor = &kept[nkept++];
    cursor->moment = stream;

    gmchat_ledger_cursor(&ledger, &cursor->text);
    ck_assert(!cursor->text.failed);
    check_cursor(cursor);

    /* a check is about all lines, unless some were added since */

    cursor->moment.exact = ledger.claimed ? stream.exact : !ledger.fresh;
}


static void
give(size_t i, gmchat_line_e l, gmchat_place_t p)
{
    view_t  *view;

    view = &stream.views[i][l];

    ck_assert(p.n == view->given.n + 1);
    gmchat_ledger_give(&ledger, &receivers[i], l, &p);
    view->given = p;
    view->told = 1;
    keep(view);
    event();
}


static int
room(size_t i, gmchat_line_e l)
{
    return gmchat_ledger_room(&ledger, &receivers[i].lines[l], window);
}


/* Where reading begins: after what the client has seen, or it is told. */
static void
check_position(view_t *view, const part_t *part)
{
    if (!view->seen || same(part->position, view->given)) {
        ck_assert(!part->reset || !view->seen);
        return;
    }

    if (part->reset) {
        met.reset++;
        return;
    }

    ck_assert(!view->known && !view->named && ledger.claimed);
    stream.missed = 1;
}


static void
look(size_t i, gmchat_line_e l)
{
    part_t          part;
    view_t         *view;
    gmchat_line_t  *line;

    view = &stream.views[i][l];
    line = &receivers[i].lines[l];

    ck_assert_uint_eq(line->known, view->known);
    ck_assert_uint_eq(line->listed, is_listed(view));

    part = box_peek(&boxes[i][l],
                    line->known || line->listed ? &line->given : NULL);
    check_position(view, &part);

    gmchat_ledger_read(&ledger, &receivers[i], l, &part.done,
                       &part.position);
    keep(view);
    view->known = 1;
    view->named = 0;
    view->seen = 1;
    view->given = part.position;
    view->done = part.done;
    keep(view);

    while (view->given.n < boxes[i][l].n && room(i, l)) {
        give(i, l, box_place(&boxes[i][l], view->given.n + 1));
    }
}


static void
cover(void)
{
    size_t         i;
    uint64_t       check;
    gmchat_line_e  l;

    gmchat_ledger_cover(&ledger);
    ck_assert(ledger.checked && !ledger.claimed && !ledger.fresh);

    stream.missed = 0;
    stream.exact = 1;
    stream.checked = 1;

    for (i = 0; i < RECEIVERS; i++) {
        for (l = GMCHAT_RELATIONS; l < GMCHAT_LINES; l++) {
            met.kept += stream.views[i][l].kept;
            stream.views[i][l].kept = 0;
        }
    }

    /* once more changes nothing */

    check = ledger.check;
    gmchat_ledger_cover(&ledger);
    ck_assert_uint_eq(ledger.check, check);
}


static void
verify(void)
{
    int       holds, claimed, fresh;
    uint64_t  check;

    if (ledger.unread) {
        return;
    }

    check = ledger.check;
    claimed = ledger.claimed;
    fresh = ledger.fresh;
    holds = gmchat_ledger_holds(&ledger);

    ck_assert(!stream.missed || !holds);
    ck_assert(holds || stream.missed || !stream.exact);
    ck_assert(claimed || holds);

    cover();
    ck_assert(fresh || ledger.check == check);

    met.held += claimed && holds;
    met.failed += claimed && !holds;
}


static void
add(size_t i)
{
    if (present[i]) {
        return;
    }

    memset(&receivers[i], 0xa5, sizeof(gmchat_receiver_t));
    memset(stream.views[i], 0, sizeof(stream.views[i]));
    gmchat_ledger_add(&ledger, &receivers[i], FIRST_ID + (int64_t) i);

    present[i] = 1;
    npresent++;
    stream.version++;
    stream.exact = 0;
}


static void
drop(size_t i)
{
    if (!present[i]) {
        return;
    }

    gmchat_ledger_remove(&ledger, &receivers[i]);
    memset(&receivers[i], 0xa5, sizeof(gmchat_receiver_t));
    memset(stream.views[i], 0, sizeof(stream.views[i]));

    present[i] = 0;
    npresent--;
    stream.version++;
    stream.exact = 0;
}


static void
name(const gmchat_ledger_item_t *item)
{
    size_t         i;
    view_t        *view;
    gmchat_line_e  l;

    i = (size_t) (item->id - FIRST_ID);

    if (!present[i]) {
        return;
    }

    gmchat_ledger_name(&ledger, &receivers[i], item);

    for (l = first_line(); l < GMCHAT_LINES; l++) {
        view = &stream.views[i][l];
        view->named = item->named[l] != 0;

        ck_assert(!view->named
                  || (view->seen && same(item->places[l], view->given)));
    }
}


/* A new ledger with the receivers of the old one, in any order. */
static void
begin(void)
{
    size_t    i, from;
    unsigned  relations;

    relations = ledger.relations;
    memset(&ledger, 0, sizeof(ledger));
    ledger.relations = relations & 1;

    for (i = 0, from = below(RECEIVERS); i < RECEIVERS; i++) {
        if (present[(from + i) % RECEIVERS]) {
            gmchat_ledger_add(&ledger, &receivers[(from + i) % RECEIVERS],
                              FIRST_ID
                              + (int64_t) ((from + i) % RECEIVERS));
        }
    }
}


/* Where the cursor says nothing of a line and has no check, it begins anew;
 * but no entry of it was given. */
static void
resume_rest(void)
{
    size_t         i;
    view_t        *view;
    gmchat_line_e  l;

    for (i = 0; i < RECEIVERS && !stream.checked; i++) {
        for (l = first_line(); present[i] && l < GMCHAT_LINES; l++) {
            view = &stream.views[i][l];

            if (!view->named) {
                ck_assert(!view->told);
                view->seen = 0;
            }
        }
    }
}


/* The client comes back with nothing, or with a cursor of the last few. */
static void
resume(void)
{
    size_t                i, version;
    gmchat_str_t          rest;
    gmchat_line_e         l;
    gmchat_ledger_item_t  item;

    begin();
    version = stream.version;
    lose(nkept ? below(nkept) : 0);

    if (below(20) == 0) {
        forget(nkept);
    }

    if (nkept == 0) {
        memset(&stream, 0, sizeof(stream));
        stream.version = version;
        return;
    }

    met.again += !kept[nkept - 1].checked;

    forget(nkept - 1);
    stream = kept[0].moment;
    stream.exact = stream.exact && stream.version == version;
    stream.version = version;
    stream.checked = kept[0].checked & 1;

    for (i = 0; i < RECEIVERS; i++) {
        for (l = 0; l < GMCHAT_LINES; l++) {
            stream.views[i][l].known = 0;
            stream.views[i][l].named = 0;
            stream.views[i][l].kept = 0;
        }
    }

    rest = cursor_text(&kept[0]);

    while (gmchat_ledger_parse(&ledger, &rest, &item) == 1) {
        if (item.last) {
            gmchat_ledger_claim(&ledger, item.check);

        } else {
            name(&item);
        }
    }

    ck_assert_uint_eq(ledger.claimed, (unsigned) kept[0].checked);
    resume_rest();
}


/* What others do */


/* Entries are published; a stream that waits for room takes no notice. */
static void
append(size_t i, gmchat_line_e l)
{
    int                   full;
    view_t               *view;
    gmchat_place_t        p;
    gmchat_entry_place_e  what;

    p = box_append(&boxes[i][l]);
    view = &stream.views[i][l];

    if (!present[i]) {
        return;
    }

    what = gmchat_ledger_place(&receivers[i].lines[l], &p);
    full = !room(i, l);
    met.full += full;

    if (!view->known || p.epoch != view->given.epoch
        || p.n > view->given.n + 1)
    {
        ck_assert_int_eq(what, GMCHAT_ENTRY_GAP);
        met.gap++;

        if (view->known && !full) {
            look(i, l);
        }

        return;
    }

    ck_assert_int_eq(what, GMCHAT_ENTRY_NEXT);
    met.next++;

    if (!full) {
        give(i, l, p);

        ck_assert_int_eq(gmchat_ledger_place(&receivers[i].lines[l], &p),
                         GMCHAT_ENTRY_OLD);
        met.old++;
    }
}


/* Now and then what is published is lost. */
static void
acknowledge(size_t i, gmchat_line_e l, gmchat_place_t cursor)
{
    box_t           *box;
    view_t          *view;
    gmchat_place_t   done;

    box = &boxes[i][l];

    if (!box_has(box, cursor) || cursor.n <= box->done) {
        return;
    }

    box->done = cursor.n;

    if (!present[i] || below(8) == 0) {
        return;
    }

    done = box_place(box, box->done);
    view = &stream.views[i][l];
    gmchat_ledger_done(&ledger, &receivers[i], l, &done);

    if (view->known && done.n > view->done.n) {
        view->done = done;
    }
}


static void
acknowledge_any(size_t i, gmchat_line_e l)
{
    box_t  *box;

    box = &boxes[i][l];

    if (box->n > box->done) {
        acknowledge(i, l, box_place(box, box->done + 1
                            + (int64_t) below((size_t) (box->n
                                                        - box->done))));
    }
}


/* The client acknowledges with a cursor, and forgets those before it. */
static void
acknowledge_cursor(void)
{
    gmchat_str_t          rest;
    gmchat_line_e         l;
    gmchat_ledger_item_t  item;

    if (nkept == 0) {
        return;
    }

    forget(below(nkept));
    rest = cursor_text(&kept[0]);

    while (gmchat_ledger_parse(&ledger, &rest, &item) == 1) {
        for (l = first_line(); !item.last && l < GMCHAT_LINES; l++) {
            if (item.named[l]) {
                acknowledge((size_t) (item.id - FIRST_ID), l,
                            item.places[l]);
            }
        }
    }
}


/* A check that had to fail may hold again: what was missed is there again. */
static void
forgive(moment_t *moment)
{
    if (moment->missed) {
        moment->missed = 0;
        moment->exact = 0;
    }
}


/* The store loses what it wrote last; streams look at all mailboxes. */
static void
restart(void)
{
    size_t         i;
    gmchat_line_e  l;

    if (history == EPOCHS - 1) {
        return;
    }

    memcpy(boxes, saved, sizeof(boxes));
    history++;
    met.restarts++;

    for (i = 0; i < nkept; i++) {
        forgive(&kept[i].moment);
    }

    forgive(&stream);

    for (i = 0; i < RECEIVERS; i++) {
        for (l = first_line(); present[i] && l < GMCHAT_LINES; l++) {
            if (stream.views[i][l].known) {
                look(i, l);
            }
        }
    }
}


/* The sums and the order of the list.  (Asserts are dear: one for many.) */
static void
check_ledger(void)
{
    int                 good, named, before;
    size_t              i, n, listed, unread;
    view_t             *view;
    uint64_t            unacked;
    gmchat_line_e       l;
    gmchat_ledger_t     copy;
    gmchat_receiver_t  *r, *prev;

    n = listed = unread = 0;
    unacked = 0;
    good = 1;

    for (before = 1, prev = NULL, r = ledger.first;
         r && n < npresent;
         prev = r, r = r->next, n++)
    {
        i = (size_t) (r->id - FIRST_ID);
        good &= r == &receivers[i] && r->prev == prev && present[i];

        for (named = 0, l = first_line(); l < GMCHAT_LINES; l++) {
            view = &stream.views[i][l];

            good &= r->lines[l].listed == (unsigned) is_listed(view);
            named |= is_listed(view);
            listed += is_listed(view);
            unread += !view->known;
            unacked += ahead(view);
        }

        good &= before || !named;
        before = named;
    }

    ck_assert(good && r == NULL && ledger.last == prev);
    ck_assert(n == npresent && ledger.n == n);
    ck_assert_uint_eq(ledger.listed, listed);
    ck_assert_uint_eq(ledger.unread, unread);
    ck_assert_uint_eq(ledger.unacked, unacked);

    copy = ledger;
    copy.claimed = !ledger.claimed & 1;
    ck_assert(gmchat_ledger_holds(&copy));
}


static void
look_at_all(void)
{
    size_t         i;
    gmchat_line_e  l;

    for (i = 0; i < RECEIVERS; i++) {
        for (l = first_line(); present[i] && l < GMCHAT_LINES; l++) {
            look(i, l);
        }
    }
}


static void
look_at_some(void)
{
    size_t  n, i;

    for (n = 1 + below(30); n > 0; n--) {
        i = any_receiver();

        if (present[i]) {
            look(i, any_line());
        }
    }
}


/* The rare ones. */
static void
seldom(void)
{
    switch (below(16)) {

    case 0:
    case 1:
        restart();
        return;

    case 2:
    case 3:
    case 4:
        memcpy(saved, boxes, sizeof(boxes));
        return;

    case 5:
        add(below(RECEIVERS));
        return;

    case 6:
        drop(any_receiver());
        return;

    case 7:
        window = 1 + below(100);
        return;

    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
        resume();
        return;

    default:
        look_at_all();
    }
}


static void
step(void)
{
    switch (below(48)) {

    case 0:
    case 1:
        seldom();
        return;

    case 2:
        acknowledge_any(any_receiver(), any_line());
        return;

    case 3:
    case 4:
    case 5:
        look_at_some();
        return;

    case 6:
    case 7:
    case 8:
    case 9:
        acknowledge_cursor();
        return;

    case 10:
    case 11:
        verify();
        return;

    default:
        append(any_receiver(), any_line());
    }
}


static void
start(uint64_t number)
{
    size_t  i, n;

    memset(boxes, 0, sizeof(boxes));
    memset(saved, 0, sizeof(saved));
    memset(present, 0, sizeof(present));
    memset(&stream, 0, sizeof(stream));
    memset(&ledger, 0, sizeof(ledger));

    seed = number;
    history = 1;
    now = 0;
    forget(nkept);
    npresent = 0;
    window = 1 + below(100);
    ledger.relations = number & 1;

    n = number & 2 ? 1 + below(WHOLE + 2) : 1 + below(RECEIVERS);

    for (i = 0; i < n; i++) {
        add(below(RECEIVERS));
    }
}


/* In the end the client has seen all. */
static void
end(void)
{
    size_t         i;
    gmchat_line_e  l;

    window = UINT64_MAX;
    look_at_all();
    verify();

    for (i = 0; i < RECEIVERS; i++) {
        for (l = first_line(); present[i] && l < GMCHAT_LINES; l++) {
            ck_assert(same(stream.views[i][l].given,
                           box_place(&boxes[i][l], boxes[i][l].n)));
            ck_assert(stream.views[i][l].done.n == boxes[i][l].done);
        }
    }

    check_ledger();
}


START_TEST(model)
{
    size_t    i;
    uint64_t  run;

    for (run = 1; run <= RUNS; run++) {
        start(run);

        for (i = 0; i < STEPS; i++) {
            step();
            check_ledger();
        }

        end();
    }

    forget(nkept);

    ck_assert(met.next && met.gap && met.old && met.full && met.reset);
    ck_assert(met.held && met.failed && met.whole && met.few);
    ck_assert(met.restarts && met.unchecked && met.kept && met.again);
}
END_TEST


/* Parts, by hand */


static int
parse(int relations, const char *text, size_t len,
    gmchat_ledger_item_t *items, size_t max)
{
    int              rc;
    size_t           n;
    gmchat_str_t     rest;
    unsigned char   *copy;
    gmchat_ledger_t  empty;

    memset(&empty, 0, sizeof(empty));
    empty.relations = relations & 1;
    copy = check_exact(text, len);
    rest.data = copy;
    rest.len = len;

    for (n = 0; n < max; n++) {
        rc = gmchat_ledger_parse(&empty, &rest, &items[n]);

        if (rc != 1) {
            ck_assert(rc == -1 || rest.len == 0);
            free(copy);
            return rc ? -1 : (int) n;
        }
    }

    ck_abort_msg("more items than expected");
}


static void
item_is(const gmchat_ledger_item_t *item, int64_t id, gmchat_line_e line,
    int64_t epoch, int64_t n)
{
    ck_assert_int_eq(item->id, id);
    ck_assert_uint_eq(item->named[line], 1);
    ck_assert_int_eq(item->places[line].epoch, epoch);
    ck_assert_int_eq(item->places[line].n, n);
    ck_assert_uint_eq(item->last, 0);
}


START_TEST(cursors)
{
    const char            *text;
    gmchat_ledger_item_t   items[4];

    ck_assert_int_eq(parse(0, "", 0, items, 4), 0);
    ck_assert_int_eq(parse(1, "", 0, items, 4), 0);

    text = "7:1-2,9223372036854775807:9223372036854775807-"
           "9223372036854775807,*00ff00000000000a";
    ck_assert_int_eq(parse(0, text, strlen(text), items, 4), 3);
    item_is(&items[0], 7, GMCHAT_MESSAGES, 1, 2);
    item_is(&items[1], INT64_MAX, GMCHAT_MESSAGES, INT64_MAX, INT64_MAX);
    ck_assert_uint_eq(items[1].named[GMCHAT_RELATIONS], 0);
    ck_assert_uint_eq(items[2].last, 1);
    ck_assert_uint_eq(items[2].check, UINT64_C(0x00ff00000000000a));

    text = "7:1-2:3-4,0::0-0,8:5-6:";
    ck_assert_int_eq(parse(1, text, strlen(text), items, 4), 3);
    item_is(&items[0], 7, GMCHAT_RELATIONS, 1, 2);
    item_is(&items[0], 7, GMCHAT_MESSAGES, 3, 4);
    item_is(&items[1], 0, GMCHAT_MESSAGES, 0, 0);
    ck_assert_uint_eq(items[1].named[GMCHAT_RELATIONS], 0);
    item_is(&items[2], 8, GMCHAT_RELATIONS, 5, 6);
    ck_assert_uint_eq(items[2].named[GMCHAT_MESSAGES], 0);

    /* items that say nothing, and the same receiver twice */

    ck_assert_int_eq(parse(0, "7:,7:,7:1-2", 11, items, 4), 3);
    ck_assert_uint_eq(items[0].named[GMCHAT_MESSAGES], 0);
    item_is(&items[2], 7, GMCHAT_MESSAGES, 1, 2);

    ck_assert_int_eq(parse(1, "7::", 3, items, 4), 1);
    ck_assert_uint_eq(items[0].named[GMCHAT_RELATIONS], 0);
    ck_assert_uint_eq(items[0].named[GMCHAT_MESSAGES], 0);

    ck_assert_int_eq(parse(1, "*ffffffffffffffff", 17, items, 4), 1);
    ck_assert_uint_eq(items[0].check, UINT64_MAX);
}
END_TEST


START_TEST(not_cursors)
{
    size_t                i;
    gmchat_ledger_item_t  items[8];

    /* in neither form; what is good before is of no use */

    static const char  *texts[] = {
        ",", ":", "::", "7", "-", "*", "1-2", "7,", ",7:1-2", ",7:1-2:3-4",
        "7:1-2,", "7:1-2:3-4,", "7:1-2,,8:1-2", "7:1-2:,,8:1-2:",
        "x:1-2", "x:1-2:3-4", ":1-2", ":1-2:3-4", "-7:1-2", "+7:1-2",
        "07:1-2", "07:1-2:3-4", " 7:1-2", "7 :1-2", "7: 1-2", "7:1-2 ",
        "7:1", "7:1:1-2", "7:1-2:1", "7:-", "7:-:", "7:1-", "7:-1",
        "7:1--2", "7:1-2-3", "7:01-2", "7:1-02", "7:a-b", "7:1-2:3-4:",
        "7:1-2:3-4:5-6", "7:::", "7:1-2;8:1-2", "7:1-2 8:1-2",
        "9223372036854775808:1-2", "9223372036854775808:1-2:3-4",
        "7:9223372036854775808-1", "7:1-9223372036854775808",
        "7:1-2:9223372036854775808-1", "7::1-18446744073709551616",
        "99999999999999999999:1-2", "99999999999999999999::",
        "*0123456789abcde", "*0123456789abcdef0", "*0123456789ABCDEF",
        "*0123456789abcdeg", "*0123456789abcde ", "*-123456789abcdef",
        "**123456789abcdef", "*0123456789abcdef,", "*0123456789abcdef:",
        "*0123456789abcdef,7:1-2", "*0123456789abcdef,7:1-2:3-4",
        "*0123456789abcdef,*0123456789abcdef", "7*0123456789abcdef",
        "7:*0123456789abcdef", ",*0123456789abcdef"
    };

    for (i = 0; i < check_nelts(texts); i++) {
        ck_assert_msg(parse(0, texts[i], strlen(texts[i]), items, 8) == -1
                      && parse(1, texts[i], strlen(texts[i]), items, 8) == -1,
                      "%s", texts[i]);
    }

    /* a host's cursor is none of a GM's, nor the other way round */

    ck_assert_int_eq(parse(0, "7:1-2:3-4", 9, items, 8), -1);
    ck_assert_int_eq(parse(0, "7:1-2:", 6, items, 8), -1);
    ck_assert_int_eq(parse(0, "7::", 3, items, 8), -1);
    ck_assert_int_eq(parse(1, "7:1-2", 5, items, 8), -1);
    ck_assert_int_eq(parse(1, "7:", 2, items, 8), -1);

    ck_assert_int_eq(parse(0, "7:1-2\0", 6, items, 8), -1);
    ck_assert_int_eq(parse(0, "\0", 1, items, 8), -1);
}
END_TEST


/* What is behind the text is no part of it. */
START_TEST(cut_anywhere)
{
    size_t                len;
    gmchat_ledger_item_t  items[4];

    static const char  text[] = "7:1-2:3-4,8::5-6,*0123456789abcdef";
    static const int   expected[] = {
        0, -1, -1, -1, -1, -1, 1, -1, -1, 1,        /* "7:1-2:", "..:3-4" */
        -1, -1, -1, 2, -1, -1, 2,                   /* "8::", "8::5-6" */
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        3
    };

    ck_assert_uint_eq(check_nelts(expected), sizeof(text));

    for (len = 0; len < sizeof(text); len++) {
        ck_assert_msg(parse(1, text, len, items, 4) == expected[len], "%zu",
                      len);
    }
}
END_TEST


static void
resume_with(const char *cursor)
{
    gmchat_str_t          rest;
    gmchat_ledger_item_t  item;

    rest.data = (unsigned char *) cursor;
    rest.len = strlen(cursor);

    while (gmchat_ledger_parse(&ledger, &rest, &item) == 1) {
        if (item.last) {
            gmchat_ledger_claim(&ledger, item.check);

        } else if (item.id >= FIRST_ID && item.id < FIRST_ID + RECEIVERS
                   && present[item.id - FIRST_ID])
        {
            gmchat_ledger_name(&ledger, &receivers[item.id - FIRST_ID],
                               &item);
        }
    }
}


static void
cursor_is(const char *text)
{
    gmchat_buf_t  buf = { 0 };

    /* it is added to what is there */

    gmchat_buf_add_text(&buf, "id: ");
    gmchat_ledger_cursor(&ledger, &buf);
    gmchat_buf_add(&buf, "", 1);

    ck_assert(!buf.failed);
    ck_assert_str_eq((char *) buf.data + 4, text);
    gmchat_buf_free(&buf);
}


static void
few(int relations, size_t n)
{
    size_t  i;

    start(4);

    for (i = 0; i < RECEIVERS; i++) {
        drop(i);
    }

    ledger.relations = relations & 1;

    for (i = 0; i < n; i++) {
        add(i);
    }
}


/* The last item of a receiver counts; who is not in the stream is nobody. */
START_TEST(odd_items)
{
    gmchat_place_t  done = { 1, 2 };

    few(0, 2);
    cursor_is("1000:,1001:");

    resume_with("1000:1-2,5:9-9,1000:1-3,1039:1-1,1000:");
    ck_assert_uint_eq(ledger.listed, 1);
    ck_assert_uint_eq(ledger.unacked, 0);
    ck_assert_uint_eq(ledger.unread, 2);
    cursor_is("1000:1-3,1001:");

    gmchat_ledger_read(&ledger, &receivers[0], GMCHAT_MESSAGES, &done,
                       &receivers[0].lines[GMCHAT_MESSAGES].given);
    ck_assert_uint_eq(ledger.unacked, 1);
    ck_assert_uint_eq(ledger.unread, 1);

    /* once the store was asked, an item says nothing any more */

    resume_with("1000:1-9");
    cursor_is("1000:1-3,1001:");
    ck_assert_uint_eq(ledger.unacked, 1);

    /* and what was acknowledged stays so */

    done.n = 1;
    gmchat_ledger_done(&ledger, &receivers[0], GMCHAT_MESSAGES, &done);
    ck_assert_uint_eq(ledger.unacked, 1);

    /* nothing is done with where nothing is known */

    gmchat_ledger_done(&ledger, &receivers[1], GMCHAT_MESSAGES, &done);
    ck_assert_uint_eq(ledger.unread, 1);
    ck_assert_uint_eq(ledger.listed, 1);

    drop(0);
    drop(1);
    cursor_is("");
    ck_assert_uint_eq(ledger.listed + ledger.unread + ledger.unacked, 0);
    ck_assert_uint_eq(ledger.check, 0);
}
END_TEST


/* Eight receivers are named whatever they have; of nine, those only that have
 * something to acknowledge, and of these the line.  There is a check once all
 * were read. */
START_TEST(whole_and_not)
{
    size_t          i;
    gmchat_str_t    rest;
    gmchat_buf_t    buf = { 0 };
    gmchat_place_t  done = { 1, 2 }, given = { 1, 3 };

    few(1, WHOLE);

    for (i = 0; i < WHOLE; i++) {
        gmchat_ledger_read(&ledger, &receivers[i], GMCHAT_RELATIONS, &done,
                           &done);
    }

    gmchat_ledger_read(&ledger, &receivers[5], GMCHAT_MESSAGES, &done,
                       &given);
    cursor_is("1005:1-2:1-3,1000:1-2:,1001:1-2:,1002:1-2:,1003:1-2:,"
              "1004:1-2:,1006:1-2:,1007:1-2:");

    add(WHOLE);
    cursor_is("1005::1-3");

    for (i = 0; i < WHOLE; i++) {
        gmchat_ledger_read(&ledger, &receivers[i], GMCHAT_MESSAGES, &done,
                           i == 5 ? &given : &done);
    }

    gmchat_ledger_read(&ledger, &receivers[i], GMCHAT_RELATIONS, &done, &done);
    gmchat_ledger_read(&ledger, &receivers[i], GMCHAT_MESSAGES, &done, &done);
    ck_assert_uint_eq(ledger.unread, 0);
    cursor_is("1005::1-3");

    gmchat_ledger_cover(&ledger);
    gmchat_ledger_cursor(&ledger, &buf);
    rest.data = buf.data;
    rest.len = 11;
    ck_assert(gmchat_str_is(&rest, "1005::1-3,*"));
    ck_assert_uint_eq(buf.len, 11 + 16);
    gmchat_buf_free(&buf);

    drop(5);
    cursor_is("1000:1-2:1-2,1001:1-2:1-2,1002:1-2:1-2,1003:1-2:1-2,"
              "1004:1-2:1-2,1006:1-2:1-2,1007:1-2:1-2,1008:1-2:1-2");

    few(0, WHOLE + 1);
    cursor_is("1000:");
    few(1, WHOLE + 1);
    cursor_is("1000::");

    /* a check that was not verified is handed on */

    few(1, 2);
    resume_with("1001::1-3,*0123456789abcdef");
    cursor_is("1001::1-3,*0123456789abcdef");
    gmchat_ledger_read(&ledger, &receivers[0], GMCHAT_RELATIONS, &done,
                       &done);
    cursor_is("1001::1-3,*0123456789abcdef");
}
END_TEST


static uint64_t
check_of(size_t i, gmchat_line_e line, int64_t epoch, int64_t n)
{
    gmchat_place_t  done;

    few(1, WHOLE + 1);
    done = place(epoch, n);
    gmchat_ledger_cover(&ledger);
    gmchat_ledger_read(&ledger, &receivers[i], line, &done, &done);

    return ledger.check;
}


/* Any other place has another check, but for the beginning of a mailbox. */
START_TEST(checks)
{
    size_t    i, k;
    uint64_t  all[6];

    all[0] = check_of(0, GMCHAT_MESSAGES, 1, 2);
    all[1] = check_of(1, GMCHAT_MESSAGES, 1, 2);
    all[2] = check_of(0, GMCHAT_RELATIONS, 1, 2);
    all[3] = check_of(0, GMCHAT_MESSAGES, 2, 2);
    all[4] = check_of(0, GMCHAT_MESSAGES, 2, 1);
    all[5] = check_of(0, GMCHAT_MESSAGES, 2, 0);

    for (i = 0; i < check_nelts(all); i++) {
        ck_assert(all[i] != 0);

        for (k = 0; k < i; k++) {
            ck_assert(all[i] != all[k]);
        }
    }

    ck_assert(all[5] == check_of(0, GMCHAT_MESSAGES, 0, 0));
}
END_TEST


/* 128 lines are named at once, whatever the window has. */
START_TEST(room_for_names)
{
    size_t              i;
    gmchat_place_t      none = { 1, 0 }, one = { 1, 1 }, two = { 1, 2 };
    gmchat_receiver_t  *many;

    many = calloc(GMCHAT_LEDGER_LISTED + 1, sizeof(gmchat_receiver_t));
    ck_assert_ptr_nonnull(many);
    memset(&ledger, 0, sizeof(ledger));

    for (i = 0; i <= GMCHAT_LEDGER_LISTED; i++) {
        gmchat_ledger_add(&ledger, &many[i], (int64_t) i);
        gmchat_ledger_read(&ledger, &many[i], GMCHAT_MESSAGES, &none, &none);
    }

    for (i = 0; i < GMCHAT_LEDGER_LISTED; i++) {
        ck_assert(gmchat_ledger_room(&ledger,
                                     &many[i].lines[GMCHAT_MESSAGES], 1000));
        gmchat_ledger_give(&ledger, &many[i], GMCHAT_MESSAGES, &one);
    }

    ck_assert_uint_eq(ledger.listed, GMCHAT_LEDGER_LISTED);
    ck_assert(!gmchat_ledger_room(&ledger, &many[i].lines[GMCHAT_MESSAGES],
                                  1000));
    ck_assert(gmchat_ledger_room(&ledger, &many[0].lines[GMCHAT_MESSAGES],
                                 1000));

    gmchat_ledger_give(&ledger, &many[0], GMCHAT_MESSAGES, &two);
    ck_assert_uint_eq(ledger.unacked, GMCHAT_LEDGER_LISTED + 1);
    ck_assert(!gmchat_ledger_room(&ledger, &many[0].lines[GMCHAT_MESSAGES],
                                  GMCHAT_LEDGER_LISTED + 1));
    ck_assert(gmchat_ledger_room(&ledger, &many[0].lines[GMCHAT_MESSAGES],
                                 GMCHAT_LEDGER_LISTED + 2));

    /* whose acknowledgement counts at once, its name once all are covered */

    gmchat_ledger_done(&ledger, &many[1], GMCHAT_MESSAGES, &one);
    ck_assert_uint_eq(ledger.unacked, GMCHAT_LEDGER_LISTED);
    ck_assert(!gmchat_ledger_room(&ledger, &many[i].lines[GMCHAT_MESSAGES],
                                  1000));
    gmchat_ledger_cover(&ledger);
    ck_assert_uint_eq(ledger.listed, GMCHAT_LEDGER_LISTED - 1);
    ck_assert(gmchat_ledger_room(&ledger, &many[i].lines[GMCHAT_MESSAGES],
                                 1000));

    gmchat_ledger_give(&ledger, &many[i], GMCHAT_MESSAGES, &one);
    gmchat_ledger_done(&ledger, &many[2], GMCHAT_MESSAGES, &one);
    ck_assert_uint_eq(ledger.listed, GMCHAT_LEDGER_LISTED - 1);

    free(many);
}
END_TEST


/* The store has its places in numbers of 64 bits. */
START_TEST(places)
{
    gmchat_line_t   line;
    gmchat_place_t  p;

    memset(&line, 0, sizeof(line));
    p = place(1, 1);
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_GAP);

    line.known = 1;
    line.given = place(1, INT64_MAX);
    p = place(1, INT64_MAX);
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_OLD);

    line.given.n--;
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_NEXT);

    line.given.n--;
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_GAP);

    p = place(2, INT64_MAX - 1);
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_GAP);

    p.n = 1;
    ck_assert_int_eq(gmchat_ledger_place(&line, &p), GMCHAT_ENTRY_GAP);
}
END_TEST


/* A cursor is whole, or the buffer says that it is not; the ledger stays. */
static void
cursor_short_of_memory(void *data)
{
    gmchat_buf_t     buf = { 0 };
    gmchat_ledger_t  before;

    (void) data;

    before = ledger;
    gmchat_ledger_cursor(&ledger, &buf);

    ck_assert_int_eq(buf.failed, failing_malloc_disarm());
    ck_assert_mem_eq(&ledger, &before, sizeof(before));
    gmchat_buf_free(&buf);
}


static void
id_short_of_memory(void *data)
{
    gmchat_buf_t    buf = { 0 };
    gmchat_place_t  p = place(INT64_MAX, INT64_MAX);

    /* so that each part of it is the one that does not fit */

    gmchat_buf_add(&buf, data, *(size_t *) data);
    gmchat_ledger_id(&buf, &p);

    ck_assert_int_eq(buf.failed, failing_malloc_disarm());
    gmchat_buf_free(&buf);
}


START_TEST(out_of_memory)
{
    size_t  filled[512 / sizeof(size_t)] = { 0 };

    few(1, RECEIVERS);
    ck_assert_uint_ge(failing_malloc_each(cursor_short_of_memory, NULL), 1);

    for (filled[0] = 512 - 40; filled[0] <= 512; filled[0]++) {
        ck_assert_uint_eq(failing_malloc_each(id_short_of_memory, filled),
                          filled[0] + 39 > 512 ? 2 : 1);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_ledger");

    tcase_add_test(tc, model);
    tcase_add_test(tc, cursors);
    tcase_add_test(tc, not_cursors);
    tcase_add_test(tc, cut_anywhere);
    tcase_add_test(tc, odd_items);
    tcase_add_test(tc, whole_and_not);
    tcase_add_test(tc, checks);
    tcase_add_test(tc, room_for_names);
    tcase_add_test(tc, places);
    tcase_add_test(tc, out_of_memory);

    return check_end();
}

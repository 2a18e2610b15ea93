#include <stdlib.h>

#include "fuzz_resp.h"
#include "gmchat_backoff.h"
#include "gmchat_fault.h"
#include "gmchat_link.h"


/*
 * The link's states, driven by what Redis sends and by what else happens, in
 * the way of ngx_gmchat_link.c: there is a connection, a timer and calls.  Each
 * byte is something that happens; one of them brings a line, which the server
 * sends.  What must hold: effects fit what there is, each call ends once, and
 * what is closed stays so.
 */


#define FUZZ_QUEUE    8
#define FUZZ_SETUP    3     /* answers of the set-up */
#define FUZZ_BASE     50
#define FUZZ_CAP      1000


typedef struct {
    gmchat_link_state_e   state;
    redisReader          *reader;       /* NULL: no connection */
    gmchat_arena_t        arena;
    unsigned              up:1;         /* it is connected */
    unsigned              timer:1;      /* backoff */
    unsigned              prepares:1;
    unsigned              answers;      /* of the set-up still to come */
    unsigned              failures;
    size_t                kept;         /* calls that wait to be sent */
    size_t                sent;
    size_t                submitted;
    size_t                ended;
} fuzz_link_t;


static void
fuzz_link_close(fuzz_link_t *link)
{
    if (link->reader) {
        redisReaderFree(link->reader);
        link->reader = NULL;
    }

    link->up = 0;
    link->answers = 0;
    link->prepares = 0;
    link->timer = 0;
}


static void
fuzz_link_backoff(fuzz_t *f, fuzz_link_t *link)
{
    uint32_t  delay, most;

    fuzz_must(!link->timer && link->reader == NULL);
    link->timer = 1;
    link->failures++;

    most = link->failures < 6 ? FUZZ_BASE << (link->failures - 1) : FUZZ_CAP;
    most = most < FUZZ_CAP ? most : FUZZ_CAP;

    delay = gmchat_backoff_delay(link->failures, FUZZ_BASE, FUZZ_CAP,
                                 fuzz_byte(f) * 0x01010101u);
    fuzz_must(delay <= most);
    fuzz_note(f, " backoff:%u", delay);
}


static void
fuzz_link_effects(fuzz_t *f, fuzz_link_t *link, unsigned effects)
{
    if (effects & GMCHAT_LINK_DO_CLOSE) {
        fuzz_link_close(link);
    }

    if (effects & GMCHAT_LINK_DO_FAIL) {
        link->ended += link->kept + link->sent;
        link->kept = 0;
        link->sent = 0;
    }

    if (effects & GMCHAT_LINK_DO_BACKOFF) {
        fuzz_link_backoff(f, link);
    }

    if (effects & GMCHAT_LINK_DO_CONNECT) {
        fuzz_must(link->reader == NULL && link->sent == 0);
        link->timer = 0;
        link->reader = gmchat_resp_reader(&link->arena);
        fuzz_must(link->reader != NULL);
    }

    if (effects & GMCHAT_LINK_DO_SETUP) {
        fuzz_must(link->up && !link->prepares);
        link->prepares = 1;
        link->answers = FUZZ_SETUP;
    }

    if (effects & GMCHAT_LINK_DO_SERVE) {
        fuzz_must(link->up && link->answers == 0);
        link->failures = 0;
        link->sent += link->kept;
        link->kept = 0;
    }
}


/* What there must be in a state; the names are the contract's. */

static void
fuzz_link_holds(const fuzz_link_t *link)
{
    const char  *name;

    name = gmchat_link_name(link->state);
    fuzz_must(name != NULL && name[0]);

    fuzz_must(link->submitted == link->ended + link->kept + link->sent);
    fuzz_must(!link->timer || link->reader == NULL);
    fuzz_must(link->sent == 0 || link->state == GMCHAT_LINK_READY);
    fuzz_must(link->kept == 0 || !gmchat_link_refuses(link->state));

    switch (link->state) {

    case GMCHAT_LINK_IDLE:
    case GMCHAT_LINK_CLOSED:
        fuzz_must(link->reader == NULL && !link->timer);
        break;

    case GMCHAT_LINK_WAITING:
        fuzz_must(link->reader == NULL && link->timer);
        fuzz_must(link->kept == 0 && link->sent == 0);
        break;

    case GMCHAT_LINK_READY:
        fuzz_must(link->up && link->kept == 0);
        break;

    default:
        fuzz_must(link->reader != NULL);
    }
}


static void
fuzz_link_event(fuzz_t *f, fuzz_link_t *link, gmchat_link_event_e event)
{
    gmchat_link_step_t  step;

    step = gmchat_link_step(link->state, event);
    fuzz_note(f, "\n%s %d", gmchat_link_name(link->state), event);

    fuzz_must(step.next < GMCHAT_LINK_STATES);
    fuzz_must(step.next != link->state || step.effects == 0);
    fuzz_must(link->state != GMCHAT_LINK_CLOSED
              || step.next == GMCHAT_LINK_CLOSED);
    fuzz_must(event != GMCHAT_LINK_EXIT || step.next == GMCHAT_LINK_CLOSED);

    link->state = step.next;
    fuzz_link_effects(f, link, step.effects);
    fuzz_link_holds(link);
}


static void
fuzz_link_submit(fuzz_link_t *link)
{
    link->submitted++;

    if (gmchat_link_refuses(link->state)
        || link->kept + link->sent == FUZZ_QUEUE)
    {
        link->ended++;
        return;
    }

    if (link->state == GMCHAT_LINK_READY) {
        link->sent++;
        return;
    }

    link->kept++;
}


static void
fuzz_link_error(fuzz_t *f, fuzz_link_t *link, const gmchat_str_t *error)
{
    const gmchat_fault_t  *fault;

    fault = gmchat_fault_find(error);
    fuzz_note(f, " %s", fault->cause);

    if (fault->cure == GMCHAT_FAULT_RERUN) {
        link->sent++;
        link->ended--;
        return;
    }

    if (fault->cure == GMCHAT_FAULT_RECONNECT) {
        fuzz_link_event(f, link, GMCHAT_LINK_FAILED);
    }
}


static void
fuzz_link_answer(fuzz_t *f, fuzz_link_t *link, const gmchat_value_t *value)
{
    if (link->answers) {
        if (value->kind == GMCHAT_VALUE_ERROR) {
            fuzz_link_event(f, link, GMCHAT_LINK_FAILED);

        } else if (--link->answers == 0) {
            fuzz_link_event(f, link, GMCHAT_LINK_PREPARED);
        }

        return;
    }

    /* what nobody asked for */

    if (link->sent == 0) {
        fuzz_link_event(f, link, GMCHAT_LINK_FAILED);
        return;
    }

    link->sent--;
    link->ended++;

    if (value->kind == GMCHAT_VALUE_ERROR) {
        fuzz_link_error(f, link, &value->str);
    }
}


static void
fuzz_link_reads(fuzz_t *f, fuzz_link_t *link)
{
    int            rc;
    void          *value;
    gmchat_str_t   line;

    line = fuzz_line(f);

    if (!link->up) {
        return;
    }

    rc = redisReaderFeed(link->reader, (char *) line.data, line.len);

    if (rc == REDIS_OK) {
        rc = redisReaderFeed(link->reader, "\n", 1);
    }

    while (rc == REDIS_OK && link->reader) {
        rc = redisReaderGetReply(link->reader, &value);

        if (rc != REDIS_OK || value == NULL) {
            break;
        }

        fuzz_link_answer(f, link, value);
    }

    if (rc != REDIS_OK) {
        fuzz_link_event(f, link, GMCHAT_LINK_FAILED);
    }
}


/* Something happens that may happen now. */

static void
fuzz_link_happens(fuzz_t *f, fuzz_link_t *link)
{
    switch (fuzz_byte(f)) {

    case 'c':
        fuzz_link_submit(link);
        break;

    case 'r':
        fuzz_link_reads(f, link);
        break;

    case 's':
        fuzz_link_event(f, link, GMCHAT_LINK_START);
        break;

    case 'u':
        if (link->reader && !link->up) {
            link->up = 1;
            fuzz_link_event(f, link, GMCHAT_LINK_CONNECTED);
        }

        break;

    case 'd':
        fuzz_link_event(f, link, GMCHAT_LINK_FAILED);
        break;

    case 't':
        if (link->timer) {
            link->timer = 0;
            fuzz_link_event(f, link, GMCHAT_LINK_RETRY);
        }

        break;

    case 'n':
        if (link->kept + link->sent == 0) {
            fuzz_link_event(f, link, GMCHAT_LINK_REST);
        }

        break;

    case 'x':
        fuzz_link_event(f, link, GMCHAT_LINK_EXIT);
        break;

    default:
        break;
    }

    fuzz_link_holds(link);
}


void
fuzz_run(fuzz_t *f)
{
    unsigned     i;
    fuzz_link_t  link;

    memset(&link, 0, sizeof(link));

    while (f->pos < f->last) {
        fuzz_link_happens(f, &link);
    }

    fuzz_link_event(f, &link, GMCHAT_LINK_EXIT);
    fuzz_must(link.ended == link.submitted);

    for (i = 0; i < GMCHAT_LINK_EVENTS; i++) {
        fuzz_link_event(f, &link, i);
    }

    gmchat_arena_free(&link.arena);
}

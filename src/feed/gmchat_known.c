#include "gmchat_known.h"


void
gmchat_known_init(gmchat_known_t *known)
{
    memset(known, 0, sizeof(gmchat_known_t));
    known->needed = GMCHAT_KNOWN_NEEDED;
}


/* "0-0" acknowledges nothing, either. */

static int
gmchat_known_acknowledged(const gmchat_known_line_t *line,
    const gmchat_str_t *ack)
{
    return ack == NULL || ack->len == 0 || gmchat_str_is(ack, "0-0")
           || (ack->len == line->len
               && memcmp(ack->data, line->cursor, line->len) == 0);
}


const gmchat_known_line_t *
gmchat_known_use(gmchat_known_t *known, gmchat_line_e line,
    const gmchat_str_t *ack, uint64_t changes, uint64_t now, uint64_t age)
{
    const gmchat_known_line_t  *of;

    of = &known->lines[line];

    if (!of->empty || of->changes != changes || now - of->since >= age
        || !gmchat_known_acknowledged(of, ack))
    {
        return NULL;
    }

    known->wakes = 0;
    known->vain = 0;

    if (known->uses < GMCHAT_KNOWN_USES
        && ++known->uses == GMCHAT_KNOWN_USES)
    {
        known->needed = GMCHAT_KNOWN_NEEDED;
    }

    return of;
}


void
gmchat_known_ask(const gmchat_known_t *known, gmchat_line_e line,
    uint64_t changes, uint64_t now, int active, gmchat_known_ticket_t *ticket)
{
    ticket->since = now;
    ticket->changes = changes;
    ticket->turn = known->lines[line].turn;
    ticket->active = active != 0;
}


static void
gmchat_known_end(gmchat_known_line_t *line)
{
    line->empty = 0;
    line->turn++;
}


/* The subscription ends: the next one takes more. */

static gmchat_known_e
gmchat_known_leave(gmchat_known_t *known)
{
    size_t  i;

    for (i = 0; i < GMCHAT_LINES; i++) {
        known->lines[i].idle = 0;
        gmchat_known_end(&known->lines[i]);
    }

    known->wakes = 0;
    known->uses = 0;
    known->vain = 0;

    if (known->needed < GMCHAT_KNOWN_NEEDED_MAX) {
        known->needed *= 2;
    }

    return GMCHAT_KNOWN_UNSUBSCRIBE;
}


gmchat_known_e
gmchat_known_reply(gmchat_known_t *known, gmchat_line_e line,
    const gmchat_known_ticket_t *ticket, const gmchat_str_t *cursor,
    int active)
{
    gmchat_known_line_t  *of;

    of = &known->lines[line];
    of->empty = 0;

    if (cursor->len == 0 || cursor->len > GMCHAT_CURSOR_MAX) {
        of->idle = 0;
        return GMCHAT_KNOWN_ASK;
    }

    of->idle++;

    if (ticket == NULL || !ticket->active || !active
        || ticket->turn != of->turn)
    {
        return of->idle >= known->needed ? GMCHAT_KNOWN_SUBSCRIBE
                                         : GMCHAT_KNOWN_ASK;
    }

    of->empty = 1;
    of->since = ticket->since;
    of->changes = ticket->changes;
    of->len = (unsigned char) cursor->len;
    memcpy(of->cursor, cursor->data, cursor->len);

    return ++known->vain > GMCHAT_KNOWN_VAIN ? gmchat_known_leave(known)
                                             : GMCHAT_KNOWN_ASK;
}


gmchat_known_e
gmchat_known_wake(gmchat_known_t *known, const gmchat_str_t *message,
    int active)
{
    size_t  i;

    for (i = 0; i < GMCHAT_LINES; i++) {
        if (message == NULL || message->len == 0
            || message->data[0] == (i == GMCHAT_RELATIONS ? 'r' : 'm'))
        {
            gmchat_known_end(&known->lines[i]);
        }
    }

    if (message == NULL && active) {
        return GMCHAT_KNOWN_ASK;
    }

    return ++known->wakes >= GMCHAT_KNOWN_WAKES ? gmchat_known_leave(known)
                                                : GMCHAT_KNOWN_ASK;
}

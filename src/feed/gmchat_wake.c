#include "gmchat_cursor.h"
#include "gmchat_integer.h"
#include "gmchat_wake.h"


static gmchat_str_t
gmchat_wake_word(gmchat_str_t *rest)
{
    gmchat_str_t    word;
    unsigned char  *space;

    word = *rest;
    space = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;

    if (space == NULL) {
        rest->data += rest->len;
        rest->len = 0;
        return word;
    }

    word.len = (size_t) (space - word.data);
    rest->data = space + 1;
    rest->len -= word.len + 1;

    return word;
}


static int
gmchat_wake_line(const gmchat_str_t *word, gmchat_line_e *line)
{
    if (gmchat_str_is(word, "m")) {
        *line = GMCHAT_MESSAGES;
        return 1;
    }

    if (gmchat_str_is(word, "r")) {
        *line = GMCHAT_RELATIONS;
        return 1;
    }

    return 0;
}


static int
gmchat_wake_place(const gmchat_str_t *id, gmchat_place_t *place)
{
    return gmchat_cursor_parse(id, &place->epoch, &place->n);
}


/* "<id> <uid> <gm> <ts> <msg>" or "<id> <uid> <gm> <ts> <change> <name>" */

static gmchat_wake_e
gmchat_wake_entry(gmchat_wake_t *wake, gmchat_str_t *rest)
{
    gmchat_str_t     ts;
    gmchat_entry_t  *entry;

    entry = &wake->entry;
    memset(entry, 0, sizeof(gmchat_entry_t));

    entry->id = gmchat_wake_word(rest);
    entry->uid = gmchat_wake_word(rest);
    entry->gm = gmchat_wake_word(rest);
    ts = gmchat_wake_word(rest);

    if (!gmchat_wake_place(&entry->id, &wake->place)
        || !gmchat_integer_parse(&entry->uid, NULL)
        || !gmchat_integer_parse(&entry->gm, NULL)
        || !gmchat_integer_parse(&ts, &entry->ts))
    {
        return GMCHAT_WAKE_LOOK;
    }

    if (wake->line == GMCHAT_MESSAGES) {
        entry->msg = *rest;
        return entry->msg.len ? GMCHAT_WAKE_ENTRY : GMCHAT_WAKE_LOOK;
    }

    entry->change = gmchat_wake_word(rest);
    entry->name = *rest;

    return entry->name.len ? GMCHAT_WAKE_ENTRY : GMCHAT_WAKE_LOOK;
}


/* "<uid> <id>" */

static gmchat_wake_e
gmchat_wake_mark(gmchat_wake_t *wake, gmchat_str_t *rest)
{
    memset(&wake->entry, 0, sizeof(gmchat_entry_t));

    wake->entry.uid = gmchat_wake_word(rest);
    wake->entry.id = *rest;

    return gmchat_integer_parse(&wake->entry.uid, NULL)
           && gmchat_wake_place(&wake->entry.id, &wake->place)
               ? GMCHAT_WAKE_READ : GMCHAT_WAKE_LOOK;
}


static int
gmchat_wake_action(const gmchat_str_t *word)
{
    size_t  i;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] != '_'
            && (word->data[i] < 'a' || word->data[i] > 'z'))
        {
            return 0;
        }
    }

    return word->len > 0;
}


/* A word that may be missing: "-", or nothing. */

static gmchat_str_t
gmchat_wake_optional(gmchat_str_t *rest)
{
    gmchat_str_t  word;

    word = gmchat_wake_word(rest);

    if (gmchat_str_is(&word, "-")) {
        word.len = 0;
    }

    return word;
}


/* "<action> <uid> <id>" */

static gmchat_wake_e
gmchat_wake_desk(gmchat_wake_t *wake, gmchat_str_t *rest)
{
    memset(&wake->entry, 0, sizeof(gmchat_entry_t));

    wake->action = gmchat_wake_word(rest);
    wake->entry.uid = gmchat_wake_optional(rest);
    wake->entry.id = gmchat_wake_optional(rest);

    return rest->len == 0 && gmchat_wake_action(&wake->action)
           && (wake->entry.uid.len == 0
               || gmchat_integer_parse(&wake->entry.uid, NULL))
           && (wake->entry.id.len == 0
               || gmchat_wake_place(&wake->entry.id, &wake->place))
               ? GMCHAT_WAKE_DESK : GMCHAT_WAKE_LOOK;
}


gmchat_wake_e
gmchat_wake_read(gmchat_wake_t *wake, const gmchat_str_t *message)
{
    gmchat_str_t  rest, word;

    if (gmchat_str_is(message, "o")) {
        return GMCHAT_WAKE_ONLINE;
    }

    rest = *message;
    word = gmchat_wake_word(&rest);

    if (gmchat_str_is(&word, "a")) {
        word = gmchat_wake_word(&rest);

        return gmchat_wake_line(&word, &wake->line)
               && gmchat_wake_place(&rest, &wake->place) ? GMCHAT_WAKE_DONE
                                                         : GMCHAT_WAKE_LOOK;
    }

    if (gmchat_str_is(&word, "s")) {
        return gmchat_wake_mark(wake, &rest);
    }

    if (gmchat_str_is(&word, "x")) {
        return gmchat_wake_desk(wake, &rest);
    }

    return gmchat_wake_line(&word, &wake->line) && rest.len
               ? gmchat_wake_entry(wake, &rest) : GMCHAT_WAKE_LOOK;
}

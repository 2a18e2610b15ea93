#include "gmchat_desk.h"
#include "gmchat_json.h"


/* What is noted of one parameter, in bytes: a list may be as long as a call. */
#define GMCHAT_DESK_VALUE_MAX  1024


/* As the scripts know them; the order is that of the enums. */

static const char *const  gmchat_desk_rights[] = {
    "admin", "look", "act", "any"
};

static const char *const  gmchat_desk_notes[] = {
    "none", "refusal", "change"
};


/* The parameters that are noted: those that name something.  No message is
 * among them. */

static const struct {
    gmchat_param_e   id;
    const char      *name;      /* as the audit calls it */
} gmchat_desk_names[] = {
    { GMCHAT_P_GM_ACCOUNT, "gm_account" },
    { GMCHAT_P_GM_NAME, "gm_name" },
    { GMCHAT_P_UID, "uid" },
    { GMCHAT_P_HOST, "host" },
    { GMCHAT_P_OPERATOR, "target" },
    { GMCHAT_P_ROLE, "role" },
    { GMCHAT_P_GM_ACCOUNTS, "gm_accounts" },
    { GMCHAT_P_NAME, "name" },
    { GMCHAT_P_NONE, NULL }
};


const char *
gmchat_desk_param(size_t i)
{
    return gmchat_desk_names[i].name;
}


/* A stream that puts its GMs online acts for them. */

gmchat_right_e
gmchat_desk_right(const gmchat_action_t *action, const gmchat_args_t *args)
{
    if (action->flags & GMCHAT_A_STREAM
        && args->values[GMCHAT_P_ONLINE].len)
    {
        return GMCHAT_RIGHT_ACT;
    }

    return action->right;
}


gmchat_note_e
gmchat_desk_note(const gmchat_action_t *action)
{
    return (action->flags & (GMCHAT_A_CHANGE|GMCHAT_A_ROUTINE))
           == GMCHAT_A_CHANGE ? GMCHAT_NOTE_CHANGE : GMCHAT_NOTE_REFUSAL;
}


static void
gmchat_desk_params(gmchat_buf_t *buf, const gmchat_action_t *action,
    const gmchat_args_t *args)
{
    size_t               i, len;
    const gmchat_str_t  *value;

    gmchat_buf_add_text(buf, "{");

    for (i = 0; gmchat_desk_names[i].name; i++) {
        value = &args->values[gmchat_desk_names[i].id];

        if (value->len == 0
            || !gmchat_action_knows(action, gmchat_desk_names[i].id))
        {
            continue;
        }

        /* what is longer is a list of numbers, which any byte ends */

        len = value->len < GMCHAT_DESK_VALUE_MAX ? value->len
                                                 : GMCHAT_DESK_VALUE_MAX;

        gmchat_json_name(buf, gmchat_desk_names[i].name);
        gmchat_json_string(buf, value->data, len);
    }

    gmchat_buf_add_text(buf, "}");
}


static void
gmchat_desk_line(gmchat_buf_t *buf, const gmchat_str_t *line)
{
    gmchat_buf_add(buf, line->data, line->len);
    gmchat_buf_add_text(buf, "\n");
}


static void
gmchat_desk_text_line(gmchat_buf_t *buf, const char *line)
{
    gmchat_buf_add_text(buf, line);
    gmchat_buf_add_text(buf, "\n");
}


/* The GMs that a call is about: a list, or a stream's cursor; and the player,
 * whose GM it is about where it names none. */

static void
gmchat_desk_objects(gmchat_buf_t *buf, const gmchat_action_t *action,
    const gmchat_args_t *args)
{
    gmchat_param_e             gms;
    static const gmchat_str_t  none = gmchat_string("");

    gms = gmchat_action_knows(action, GMCHAT_P_GM_ACCOUNT)
              ? GMCHAT_P_GM_ACCOUNT : GMCHAT_P_CURSOR;

    gmchat_desk_line(buf, gmchat_action_knows(action, gms)
                              ? &args->values[gms] : &none);
    gmchat_desk_line(buf, gmchat_action_knows(action, GMCHAT_P_UID)
                              ? &args->values[GMCHAT_P_UID] : &none);
}


int
gmchat_desk_sign(gmchat_script_call_t *call, const gmchat_desk_t *desk,
    const gmchat_action_t *action, const gmchat_args_t *args,
    gmchat_note_e note, gmchat_arena_t *arena)
{
    gmchat_buf_t   buf;
    gmchat_str_t  *word;

    memset(&buf, 0, sizeof(gmchat_buf_t));

    /* no line holds a line's end: a name has no control characters, and in
     * JSON they are escaped */

    gmchat_desk_line(&buf, &desk->operator);
    gmchat_desk_text_line(&buf, desk->admin ? "1" : "");
    gmchat_desk_text_line(&buf, gmchat_desk_rights[gmchat_desk_right(action,
                                                                     args)]);
    gmchat_desk_objects(&buf, action, args);
    gmchat_desk_text_line(&buf, action->name);
    gmchat_desk_text_line(&buf, gmchat_desk_notes[note]);
    gmchat_desk_text_line(&buf, action->flags & GMCHAT_A_TELLS ? "1" : "");
    gmchat_desk_line(&buf, &desk->address);
    gmchat_desk_line(&buf, &desk->audit);
    gmchat_desk_params(&buf, action, args);
    gmchat_buf_add_text(&buf, "\n");

    word = &call->words[call->n];
    word->len = buf.len;
    word->data = buf.failed ? NULL
                            : gmchat_arena_copy(arena, buf.data, buf.len);
    gmchat_buf_free(&buf);

    if (word->data == NULL) {
        return -1;
    }

    call->n++;
    call->desk = 1;

    return 0;
}

#include "gmchat_push.h"


#define STRING   GMCHAT_VALUE_STRING
#define INTEGER  GMCHAT_VALUE_INTEGER


/* Arrays: their first item, and the kinds of those behind it. */

typedef struct {
    const char           *name;
    gmchat_push_kind_e    kind;
    size_t                n;
    gmchat_value_kind_e   items[2];
} gmchat_push_row_t;


static const gmchat_push_row_t  gmchat_push_rows[] = {
    { "message", GMCHAT_PUSH_MESSAGE, 3, { STRING, STRING } },
    { "subscribe", GMCHAT_PUSH_SUBSCRIBED, 3, { STRING, INTEGER } },
    { "unsubscribe", GMCHAT_PUSH_UNSUBSCRIBED, 3, { STRING, INTEGER } },
    { "smessage", GMCHAT_PUSH_MESSAGE, 3, { STRING, STRING } },
    { "ssubscribe", GMCHAT_PUSH_SUBSCRIBED, 3, { STRING, INTEGER } },
    { "sunsubscribe", GMCHAT_PUSH_UNSUBSCRIBED, 3, { STRING, INTEGER } },
    { "pong", GMCHAT_PUSH_PONG, 2, { STRING, STRING } },
    { NULL, GMCHAT_PUSH_STRANGE, 0, { STRING, STRING } }
};


static int
gmchat_push_fits(const gmchat_push_row_t *row, const gmchat_value_t *value)
{
    size_t  i;

    if (value->n != row->n || value->items[0].kind != STRING
        || !gmchat_str_is(&value->items[0].str, row->name))
    {
        return 0;
    }

    for (i = 1; i < row->n; i++) {
        if (value->items[i].kind != row->items[i - 1]) {
            return 0;
        }
    }

    return 1;
}


static void
gmchat_push_array(gmchat_push_t *push, const gmchat_value_t *value)
{
    const gmchat_push_row_t  *row;

    for (row = gmchat_push_rows; row->name; row++) {
        if (gmchat_push_fits(row, value)) {
            break;
        }
    }

    push->kind = row->kind;

    if (row->n == 3) {
        push->channel = value->items[1].str;
        push->text = value->items[2].str;
    }
}


void
gmchat_push_read(gmchat_push_t *push, const gmchat_value_t *value)
{
    memset(push, 0, sizeof(gmchat_push_t));

    switch (value->kind) {

    case GMCHAT_VALUE_ARRAY:
        gmchat_push_array(push, value);
        break;

    case GMCHAT_VALUE_ERROR:
        push->kind = GMCHAT_PUSH_ERROR;
        push->text = value->str;
        break;

    case GMCHAT_VALUE_STRING:
        if (gmchat_str_is(&value->str, "OK")) {
            push->kind = GMCHAT_PUSH_OK;
        }

        break;

    default:
        break;
    }
}

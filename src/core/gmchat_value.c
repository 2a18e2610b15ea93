#include <stdlib.h>

#include "gmchat_value.h"


/* What is left of the block: its values stand first, so that they are aligned,
 * its bytes behind them. */

typedef struct {
    gmchat_value_t   *items;
    unsigned char    *bytes;
} gmchat_value_room_t;


static int
gmchat_value_has_str(const gmchat_value_t *value)
{
    return value->kind == GMCHAT_VALUE_STRING
           || value->kind == GMCHAT_VALUE_ERROR;
}


/* Adds n times `each` to `size`; returns 0 if the sum is too large. */

static int
gmchat_value_grow(size_t *size, size_t n, size_t each)
{
    if (n > (SIZE_MAX - *size) / each) {
        return 0;
    }

    *size += n * each;

    return 1;
}


/* Counts the values below `value`, and adds the bytes of all to `size`. */

static int
gmchat_value_measure(const gmchat_value_t *value, size_t levels, size_t *n,
    size_t *size)
{
    size_t  i;

    if (levels == 0) {
        return 0;
    }

    if (gmchat_value_has_str(value)) {
        return gmchat_value_grow(size, value->str.len, 1);
    }

    if (value->kind != GMCHAT_VALUE_ARRAY) {
        return 1;
    }

    if (!gmchat_value_grow(size, value->n, sizeof(gmchat_value_t))) {
        return 0;
    }

    *n += value->n;

    for (i = 0; i < value->n; i++) {
        if (!gmchat_value_measure(&value->items[i], levels - 1, n, size)) {
            return 0;
        }
    }

    return 1;
}


static void
gmchat_value_fill(gmchat_value_t *copy, const gmchat_value_t *value,
    gmchat_value_room_t *room)
{
    size_t  i;

    memset(copy, 0, sizeof(gmchat_value_t));
    copy->kind = value->kind;
    copy->integer = value->integer;

    if (gmchat_value_has_str(value)) {
        copy->str.len = value->str.len;
        copy->str.data = room->bytes;

        if (value->str.len) {
            memcpy(room->bytes, value->str.data, value->str.len);
            room->bytes += value->str.len;
        }

        return;
    }

    if (value->kind != GMCHAT_VALUE_ARRAY) {
        return;
    }

    copy->n = value->n;
    copy->items = room->items;
    room->items += value->n;

    for (i = 0; i < value->n; i++) {
        gmchat_value_fill(&copy->items[i], &value->items[i], room);
    }
}


gmchat_value_t *
gmchat_value_copy(const gmchat_value_t *value)
{
    size_t                n, size;
    gmchat_value_t       *copy;
    gmchat_value_room_t   room;

    n = 1;
    size = sizeof(gmchat_value_t);

    if (!gmchat_value_measure(value, GMCHAT_VALUE_LEVELS, &n, &size)) {
        return NULL;
    }

    copy = malloc(size);
    if (copy == NULL) {
        return NULL;
    }

    room.items = copy + 1;
    room.bytes = (unsigned char *) (copy + n);

    gmchat_value_fill(copy, value, &room);

    return copy;
}

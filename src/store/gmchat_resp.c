#include <stdlib.h>

#include "gmchat_resp.h"


/* The longest line with a length. */
#define GMCHAT_RESP_HEAD   (sizeof("$18446744073709551615\r\n") - 1)

/* Items of an array: no reply has so many, and a length is believed before
 * the items came. */
#define GMCHAT_RESP_ITEMS  (1 << 20)


#if (HIREDIS_MAJOR >= 1)
typedef size_t  gmchat_resp_elements_t;
#else
typedef int  gmchat_resp_elements_t;
#endif


static gmchat_value_t *
gmchat_resp_value(const redisReadTask *task, gmchat_value_kind_e kind)
{
    gmchat_value_t  *value, *parent;

    if (task->parent) {
        parent = task->parent->obj;
        value = &parent->items[task->idx];

    } else {
        value = gmchat_arena_alloc(task->privdata, sizeof(gmchat_value_t));
        if (value == NULL) {
            return NULL;
        }
    }

    memset(value, 0, sizeof(gmchat_value_t));
    value->kind = kind;

    return value;
}


static void *
gmchat_resp_string(const redisReadTask *task, char *data, size_t len)
{
    gmchat_value_t  *value;

    value = gmchat_resp_value(task, task->type == REDIS_REPLY_ERROR
                                        ? GMCHAT_VALUE_ERROR
                                        : GMCHAT_VALUE_STRING);
    if (value == NULL) {
        return NULL;
    }

    value->str.len = len;
    value->str.data = gmchat_arena_copy(task->privdata, data, len);

    return value->str.data ? value : NULL;
}


static void *
gmchat_resp_array(const redisReadTask *task, gmchat_resp_elements_t elements)
{
    size_t           n;
    gmchat_value_t  *value;

    value = gmchat_resp_value(task, GMCHAT_VALUE_ARRAY);
    if (value == NULL) {
        return NULL;
    }

    n = (size_t) elements;

    if (n > GMCHAT_RESP_ITEMS) {
        return NULL;
    }

    value->n = n;
    value->items = gmchat_arena_alloc(task->privdata,
                                      n * sizeof(gmchat_value_t));

    return value->items ? value : NULL;
}


static void *
gmchat_resp_integer(const redisReadTask *task, long long integer)
{
    gmchat_value_t  *value;

    value = gmchat_resp_value(task, GMCHAT_VALUE_INTEGER);
    if (value == NULL) {
        return NULL;
    }

    value->integer = integer;

    return value;
}


static void *
gmchat_resp_nil(const redisReadTask *task)
{
    return gmchat_resp_value(task, GMCHAT_VALUE_NIL);
}


#if (HIREDIS_MAJOR >= 1)

static void *
gmchat_resp_double(const redisReadTask *task, double number, char *data,
    size_t len)
{
    (void) number;

    return gmchat_resp_string(task, data, len);
}


static void *
gmchat_resp_bool(const redisReadTask *task, int set)
{
    return gmchat_resp_integer(task, set);
}

#endif


/* Values go with their arena. */

static void
gmchat_resp_free(void *value)
{
    (void) value;
}


static redisReplyObjectFunctions  gmchat_resp_functions = {
    .createString = gmchat_resp_string,
    .createArray = gmchat_resp_array,
    .createInteger = gmchat_resp_integer,
#if (HIREDIS_MAJOR >= 1)
    .createDouble = gmchat_resp_double,
    .createBool = gmchat_resp_bool,
#endif
    .createNil = gmchat_resp_nil,
    .freeObject = gmchat_resp_free
};


redisReader *
gmchat_resp_reader(gmchat_arena_t *arena)
{
    redisReader  *reader;

    reader = redisReaderCreateWithFunctions(&gmchat_resp_functions);
    if (reader == NULL) {
        return NULL;
    }

    reader->privdata = arena;

    return reader;
}


/* "*3\r\n" or "$12\r\n". */

static unsigned char *
gmchat_resp_head(unsigned char *p, unsigned char mark, size_t value)
{
    size_t          rest;
    unsigned char  *digit;

    *p++ = mark;

    for (rest = value; rest >= 10; rest /= 10) {
        p++;
    }

    digit = p++;

    for (rest = value; rest >= 10; rest /= 10) {
        *digit-- = (unsigned char) ('0' + rest % 10);
    }

    *digit = (unsigned char) ('0' + rest);

    *p++ = '\r';
    *p++ = '\n';

    return p;
}


int
gmchat_resp_command(gmchat_buf_t *buf, const gmchat_str_t *words, size_t n)
{
    size_t          i, size;
    unsigned char  *p;

    size = GMCHAT_RESP_HEAD;

    for (i = 0; i < n; i++) {
        size += GMCHAT_RESP_HEAD + words[i].len + 2;
    }

    p = gmchat_buf_reserve(buf, size);

    if (p == NULL) {
        buf->failed = 0;
        return -1;
    }

    p = gmchat_resp_head(p, '*', n);

    for (i = 0; i < n; i++) {
        p = gmchat_resp_head(p, '$', words[i].len);

        if (words[i].len) {
            memcpy(p, words[i].data, words[i].len);
            p += words[i].len;
        }

        *p++ = '\r';
        *p++ = '\n';
    }

    buf->len = (size_t) (p - buf->data);

    return 0;
}

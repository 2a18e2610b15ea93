#include <stdlib.h>

#include "gmchat_resp.h"


/* Words of the longest command: EVALSHA, sha, nkeys, keys and ARGV. */
#define GMCHAT_RESP_WORDS  16

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


int
gmchat_resp_command(gmchat_buf_t *buf, const gmchat_str_t *words, size_t n)
{
    char        *command;
    size_t       i, lens[GMCHAT_RESP_WORDS];
    long long    len;
    const char  *argv[GMCHAT_RESP_WORDS];

    if (n > GMCHAT_RESP_WORDS) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        argv[i] = words[i].data ? (const char *) words[i].data : "";
        lens[i] = words[i].len;
    }

    len = redisFormatCommandArgv(&command, (int) n, argv, lens);
    if (len < 0) {
        return -1;
    }

    gmchat_buf_add(buf, command, (size_t) len);
    redisFreeCommand(command);

    if (buf->failed) {
        buf->failed = 0;
        return -1;
    }

    return 0;
}

#ifndef GMCHAT_RESP_H
#define GMCHAT_RESP_H


#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include "gmchat_arena.h"
#include "gmchat_buf.h"
#include "gmchat_value.h"


/*
 * RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/):
 * hiredis' reader, made to build gmchat_value_t trees in an arena, with hiredis
 * 0.14 and 1.x; and commands, written straight into the buffer that is sent.
 */

/*
 * Returns a reader whose replies are gmchat_value_t in `arena`, to be given
 * back by redisReaderFree(); NULL without memory.
 */
redisReader *gmchat_resp_reader(gmchat_arena_t *arena);

/*
 * Adds a command, an array of bulk strings, to `buf`.  Returns 0, or -1 without
 * memory; then `buf` is as it was.
 */
int gmchat_resp_command(gmchat_buf_t *buf, const gmchat_str_t *words,
    size_t n);


#endif /* GMCHAT_RESP_H */

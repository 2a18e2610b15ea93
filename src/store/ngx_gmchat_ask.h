#ifndef NGX_GMCHAT_ASK_H
#define NGX_GMCHAT_ASK_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "gmchat_arena.h"
#include "ngx_gmchat_store.h"


/*
 * Asks the server of a store whether it can say that something is on its disk,
 * when the configuration is read.  Blocks: each connection and each answer for
 * as long as connecting may take.  Returns NGX_OK if it can, or if it has only
 * names that the resolver will be asked; NGX_DECLINED if it cannot, and
 * `error`, in the arena, is what it said; NGX_ERROR if nobody answers that.
 */
ngx_int_t ngx_gmchat_ask_waitaof(ngx_gmchat_store_conf_t *conf,
    ngx_log_t *log, gmchat_arena_t *arena, gmchat_str_t *error);


#endif /* NGX_GMCHAT_ASK_H */

#ifndef NGX_GMCHAT_SENTINEL_H
#define NGX_GMCHAT_SENTINEL_H


#include "ngx_gmchat_store_internal.h"


/*
 * Who says where a store's master is: one connection to each Sentinel that the
 * configuration names.  None of it is for others than the store's files.
 */

/*
 * Begins to ask them, for a store that has its server, not connected yet.  The
 * memory is the pool's, and store->sentinels.  Returns NGX_ERROR without
 * memory.
 */
ngx_int_t ngx_gmchat_sentinels_open(gmchat_store_t *store, ngx_pool_t *pool);

/* Closes the connections: the worker exits. */
void ngx_gmchat_sentinels_close(ngx_gmchat_sentinels_t *sentinels);

/* The master was lost, or may be another one: they are asked soon, and again
 * until it serves. */
void ngx_gmchat_sentinels_ask(ngx_gmchat_sentinels_t *sentinels);


/*
 * They are asked whether the server that is followed is the master still, and
 * none of them is about to promote another one: until all that can be asked,
 * and most of all, say so.  Then ngx_gmchat_commit_vouched() is called; where
 * the master changes before that, it is not.
 */
void ngx_gmchat_sentinels_doubt(ngx_gmchat_sentinels_t *sentinels);

/* Nobody waits for it any more. */
void ngx_gmchat_sentinels_calm(ngx_gmchat_sentinels_t *sentinels);


#endif /* NGX_GMCHAT_SENTINEL_H */

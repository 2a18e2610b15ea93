#ifndef GMCHAT_BACKOFF_H
#define GMCHAT_BACKOFF_H


#include <stdint.h>


/*
 * Exponential backoff with full jitter: the delay in milliseconds before the
 * try after `failures` (1 or more) in a row, anything from 0 to
 * min(cap, base * 2^(failures - 1)), by `random`, so that the workers and
 * nodes that lost the same server do not come back to it at once.
 */
uint32_t gmchat_backoff_delay(unsigned failures, uint32_t base, uint32_t cap,
    uint32_t random);


#endif /* GMCHAT_BACKOFF_H */

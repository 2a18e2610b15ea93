#ifndef GMCHAT_SENTINEL_H
#define GMCHAT_SENTINEL_H


#include "gmchat_value.h"


/* What sentinels say about where the master is. */

#define GMCHAT_SENTINEL_HOST  256   /* with a zero at its end */

typedef struct {
    gmchat_str_t   host;    /* 1 to 255 bytes */
    unsigned       port;    /* 1 to 65535 */
} gmchat_sentinel_addr_t;

/* What one sentinel says; all zero at first. */

typedef struct {
    unsigned char   host[GMCHAT_SENTINEL_HOST];
    size_t          len;    /* of host, without the zero */
    unsigned        port;   /* 0: it says nothing */
    uint64_t        since;  /* when it first said so, in the caller's units */
    unsigned        silent:1;   /* it does not say so now: it has no vote */
} gmchat_sentinel_say_t;


/*
 * Reads a reply of SENTINEL GET-MASTER-ADDR-BY-NAME.  Returns 1 and the
 * address, whose host is the reply's; 0 if the sentinel does not know the
 * name; -1 if the reply is anything else.
 */
int gmchat_sentinel_address(gmchat_sentinel_addr_t *addr,
    const gmchat_value_t *reply);

/*
 * Reads a message of +switch-master, "name oldhost oldport newhost newport".
 * Returns 1 and the new address, whose host points into `text`; 0 if another
 * master than `master` was switched; -1 if it is malformed.
 */
int gmchat_sentinel_switch(gmchat_sentinel_addr_t *addr,
    const gmchat_str_t *text, const gmchat_str_t *master);

/*
 * Reads a reply of SENTINEL MASTER.  Returns 1 if the sentinel has the master
 * at `addr`, and knows of nothing that could make it promote another one: it is
 * up, and no failover is under way; 0 if it may; -1 if it has the master
 * elsewhere, or the reply is anything else (Redis' documentation, "High
 * availability with Redis Sentinel").
 */
int gmchat_sentinel_vouches(const gmchat_value_t *reply,
    const gmchat_sentinel_addr_t *addr);

/*
 * Notes that a sentinel names `addr`, which it copies, at `now`: it is not
 * silent.  `since` changes only if it named another one, or none, before, so
 * that one that was silent for a time does not say anything new.  A host too
 * long for `say` is not noted.
 */
void gmchat_sentinel_tell(gmchat_sentinel_say_t *say,
    const gmchat_sentinel_addr_t *addr, uint64_t now);

/*
 * The address to follow: the one that most of `n` sentinels name; of several,
 * the one that was named last.  Returns the index of a sentinel that names it,
 * or -1 if none names any.
 */
int gmchat_sentinel_elect(const gmchat_sentinel_say_t *says, size_t n);

/* The index of the sentinel whose statement is the newest; -1 if none names any
 * address now. */
int gmchat_sentinel_newest(const gmchat_sentinel_say_t *says, size_t n);

/* Whether a sentinel names any address now. */
int gmchat_sentinel_speaks(const gmchat_sentinel_say_t *say);

/*
 * Whether the address that sentinel `i` names, which was elected and is not
 * followed yet, is to be followed now.  Where more than half of all `n` name
 * it, nothing that the others may say changes that.  Else, not while any of
 * them is `pending`; and where the one that is followed still serves, it takes
 * half of all, for a few may be cut off from the others, or lie.
 */
int gmchat_sentinel_settled(const gmchat_sentinel_say_t *says, size_t n,
    size_t i, int pending, int serves);


#endif /* GMCHAT_SENTINEL_H */

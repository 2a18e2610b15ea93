#ifndef GMCHAT_ALLOW_H
#define GMCHAT_ALLOW_H


#include <stddef.h>
#include <stdint.h>


/*
 * The server list: which addresses may call, and for which hosts they may
 * speak.
 *
 * A line holds an address or a network (IPv4 or IPv6, "/bits" optional), then
 * optionally the hosts that it is bound to, separated by blanks or commas.
 * "#" begins a comment anywhere, empty lines are skipped, a line may end with
 * CRLF, the last one without any.  Host bits of a network are ignored.
 *
 *     # name and remark are comments
 *     192.0.2.10      1001, 1002     # may speak for these two
 *     198.51.100.0/24                # may speak for any host
 *     2001:db8::/32   2001
 *
 * IPv4-mapped addresses (::ffff:192.0.2.10) are IPv4 throughout, and IPv4
 * addresses are in no IPv6 network, not even in ::/0.
 */


/*
 * The limits bound what one reading of a list can cost a worker in time and
 * memory, and find the wrong file in the list's place early.
 */

/* four times the largest list that a game of today is expected to need */
#define GMCHAT_ALLOW_LINES_MAX  200000

/* bytes; all lines at an average of 80 */
#define GMCHAT_ALLOW_TEXT_MAX   16000000

/* different hosts of one network, on all its lines; the hosts of a network
 * travel with each call to the store: 256 are 5 KB at most */
#define GMCHAT_ALLOW_HOSTS_MAX  256

/* bytes without the line end; an address, GMCHAT_ALLOW_HOSTS_MAX hosts of 19
 * digits, and still a comment */
#define GMCHAT_ALLOW_LINE_MAX   8192


typedef struct gmchat_allow_s        gmchat_allow_t;
typedef struct gmchat_allow_entry_s  gmchat_allow_entry_t;

typedef struct {
    unsigned     line;     /* from 1; 0: no single line is at fault */
    const char  *reason;   /* a sentence without its full stop; static */
} gmchat_allow_error_t;


/*
 * Reads a whole list.  The text is not kept and need not end with a zero.
 * Returns a list that the caller frees with gmchat_allow_free(), or NULL with
 * *err set if a line is broken, a limit exceeded or memory short: there are no
 * half lists.  An empty text is a list of no networks.  Where a network stands
 * on several lines it is bound to the hosts of all of them, or to none if one
 * of the lines names none.
 */
gmchat_allow_t *gmchat_allow_parse(const unsigned char *text, size_t len,
    gmchat_allow_error_t *err);

/*
 * The most specific network that holds the address: 4 bytes for AF_INET, 16
 * for AF_INET6, in network order.  NULL if there is none, or for another
 * family.  The entry lives as long as the list.
 */
const gmchat_allow_entry_t *gmchat_allow_find(const gmchat_allow_t *allow,
    int family, const unsigned char *addr);

/* 1 if the entry is bound to no host or to this one as well, else 0 */
int gmchat_allow_speaks_for(const gmchat_allow_entry_t *entry, int64_t host);

/*
 * The hosts that the entry is bound to, ascending, with a comma on both ends
 * (",1001,1002,"), zero-terminated; *len is the length without the zero.
 * NULL with *len 0 if the entry is bound to none.  It lives as long as the
 * list.
 */
const char *gmchat_allow_hosts(const gmchat_allow_entry_t *entry, size_t *len);

/* the number of different networks */
size_t gmchat_allow_count(const gmchat_allow_t *allow);

/* NULL is allowed */
void gmchat_allow_free(gmchat_allow_t *allow);


#endif /* GMCHAT_ALLOW_H */

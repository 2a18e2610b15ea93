#ifndef GMCHAT_LINK_H
#define GMCHAT_LINK_H


/*
 * The life of a connection to the store, as data: in a state, an event leads
 * to another state and has effects, which ngx_gmchat_link.c carries out in
 * the order in which they stand here.  Calls are those of the link that runs
 * scripts; the one that is subscribed has none.
 */

typedef enum {
    GMCHAT_LINK_IDLE = 0,       /* never connected: calls are kept */
    GMCHAT_LINK_CONNECTING,     /* first try: calls are kept */
    GMCHAT_LINK_SETUP,          /* what it begins with is not answered yet */
    GMCHAT_LINK_READY,
    GMCHAT_LINK_WAITING,        /* known to be down: calls are refused */
    GMCHAT_LINK_RECONNECTING,
    GMCHAT_LINK_RESETUP,
    GMCHAT_LINK_CLOSED,         /* the worker exits */

    GMCHAT_LINK_STATES
} gmchat_link_state_e;


typedef enum {
    GMCHAT_LINK_START = 0,      /* the worker starts, somebody subscribes */
    GMCHAT_LINK_CONNECTED,      /* TCP and TLS are up */
    GMCHAT_LINK_PREPARED,       /* the set-up was answered */
    GMCHAT_LINK_FAILED,         /* refused, cut, silent, not understood */
    GMCHAT_LINK_RETRY,          /* the backoff is over */
    GMCHAT_LINK_EXIT,           /* the worker exits */
    GMCHAT_LINK_REST,           /* nobody is subscribed any more */

    GMCHAT_LINK_EVENTS
} gmchat_link_event_e;


#define GMCHAT_LINK_DO_CLOSE     0x01   /* close the connection */
#define GMCHAT_LINK_DO_FAIL      0x02   /* end all that it carried */
#define GMCHAT_LINK_DO_BACKOFF   0x04   /* start the backoff timer */
#define GMCHAT_LINK_DO_CONNECT   0x08   /* connect */
#define GMCHAT_LINK_DO_SETUP     0x10   /* send the set-up */
#define GMCHAT_LINK_DO_SERVE     0x20   /* send what was kept */


typedef struct {
    gmchat_link_state_e   next;
    unsigned              effects;
} gmchat_link_step_t;


/* The step for an event; an event that means nothing in a state leaves it. */
gmchat_link_step_t gmchat_link_step(gmchat_link_state_e state,
    gmchat_link_event_e event);

/* Whether a call is refused at once, because the store is known to be away. */
int gmchat_link_refuses(gmchat_link_state_e state);

/* The state's name, as the status endpoint shows it. */
const char *gmchat_link_name(gmchat_link_state_e state);


#endif /* GMCHAT_LINK_H */

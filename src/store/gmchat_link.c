#include "gmchat_link.h"


#define IDLE          GMCHAT_LINK_IDLE
#define CONNECTING    GMCHAT_LINK_CONNECTING
#define SETUP         GMCHAT_LINK_SETUP
#define READY         GMCHAT_LINK_READY
#define WAITING       GMCHAT_LINK_WAITING
#define RECONNECTING  GMCHAT_LINK_RECONNECTING
#define RESETUP       GMCHAT_LINK_RESETUP
#define CLOSED        GMCHAT_LINK_CLOSED

#define LOSE  { WAITING, GMCHAT_LINK_DO_CLOSE|GMCHAT_LINK_DO_FAIL             \
                         |GMCHAT_LINK_DO_BACKOFF }
#define QUIT  { CLOSED, GMCHAT_LINK_DO_CLOSE|GMCHAT_LINK_DO_FAIL }
#define REST  { IDLE, GMCHAT_LINK_DO_CLOSE }
#define DIAL(state)    { state, GMCHAT_LINK_DO_CONNECT }
#define PREPARE(state) { state, GMCHAT_LINK_DO_SETUP }
#define SERVE          { READY, GMCHAT_LINK_DO_SERVE }
#define STAY(state)    { state, 0 }


static const gmchat_link_step_t
    gmchat_link_steps[GMCHAT_LINK_STATES][GMCHAT_LINK_EVENTS] =
{
    /* START, CONNECTED, PREPARED, FAILED, RETRY, EXIT, REST */

    [IDLE] = { DIAL(CONNECTING), STAY(IDLE), STAY(IDLE), STAY(IDLE),
               STAY(IDLE), QUIT, STAY(IDLE) },

    [CONNECTING] = { STAY(CONNECTING), PREPARE(SETUP), STAY(CONNECTING),
                     LOSE, STAY(CONNECTING), QUIT, REST },

    [SETUP] = { STAY(SETUP), STAY(SETUP), SERVE, LOSE, STAY(SETUP), QUIT,
                REST },

    [READY] = { STAY(READY), STAY(READY), STAY(READY), LOSE, STAY(READY),
                QUIT, REST },

    [WAITING] = { STAY(WAITING), STAY(WAITING), STAY(WAITING), STAY(WAITING),
                  DIAL(RECONNECTING), QUIT, REST },

    [RECONNECTING] = { STAY(RECONNECTING), PREPARE(RESETUP),
                       STAY(RECONNECTING), LOSE, STAY(RECONNECTING), QUIT,
                       REST },

    [RESETUP] = { STAY(RESETUP), STAY(RESETUP), SERVE, LOSE, STAY(RESETUP),
                  QUIT, REST },

    [CLOSED] = { STAY(CLOSED), STAY(CLOSED), STAY(CLOSED), STAY(CLOSED),
                 STAY(CLOSED), STAY(CLOSED), STAY(CLOSED) }
};


static const char *const  gmchat_link_names[GMCHAT_LINK_STATES] = {
    "idle", "connecting", "setup", "ready", "waiting", "reconnecting",
    "resetup", "closed"
};


gmchat_link_step_t
gmchat_link_step(gmchat_link_state_e state, gmchat_link_event_e event)
{
    return gmchat_link_steps[state][event];
}


int
gmchat_link_refuses(gmchat_link_state_e state)
{
    return state >= GMCHAT_LINK_WAITING;
}


const char *
gmchat_link_name(gmchat_link_state_e state)
{
    return gmchat_link_names[state];
}

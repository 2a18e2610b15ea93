#include <stdlib.h>
#include <string.h>

#include "gmchat_link.h"
#include "test_tools.h"


#define CLOSE    GMCHAT_LINK_DO_CLOSE
#define FAIL     GMCHAT_LINK_DO_FAIL
#define BACKOFF  GMCHAT_LINK_DO_BACKOFF
#define CONNECT  GMCHAT_LINK_DO_CONNECT
#define SETUP    GMCHAT_LINK_DO_SETUP
#define SERVE    GMCHAT_LINK_DO_SERVE

#define LOST     (CLOSE|FAIL|BACKOFF)


static const struct {
    gmchat_link_state_e  state;
    gmchat_link_event_e  event;
    gmchat_link_state_e  next;
    unsigned             effects;
} moves[] = {
    { GMCHAT_LINK_IDLE, GMCHAT_LINK_START, GMCHAT_LINK_CONNECTING, CONNECT },

    { GMCHAT_LINK_CONNECTING, GMCHAT_LINK_CONNECTED, GMCHAT_LINK_SETUP,
      SETUP },
    { GMCHAT_LINK_SETUP, GMCHAT_LINK_PREPARED, GMCHAT_LINK_READY, SERVE },

    { GMCHAT_LINK_CONNECTING, GMCHAT_LINK_FAILED, GMCHAT_LINK_WAITING, LOST },
    { GMCHAT_LINK_SETUP, GMCHAT_LINK_FAILED, GMCHAT_LINK_WAITING, LOST },
    { GMCHAT_LINK_READY, GMCHAT_LINK_FAILED, GMCHAT_LINK_WAITING, LOST },

    { GMCHAT_LINK_WAITING, GMCHAT_LINK_RETRY, GMCHAT_LINK_RECONNECTING,
      CONNECT },
    { GMCHAT_LINK_RECONNECTING, GMCHAT_LINK_CONNECTED, GMCHAT_LINK_RESETUP,
      SETUP },
    { GMCHAT_LINK_RESETUP, GMCHAT_LINK_PREPARED, GMCHAT_LINK_READY, SERVE },

    { GMCHAT_LINK_RECONNECTING, GMCHAT_LINK_FAILED, GMCHAT_LINK_WAITING,
      LOST },
    { GMCHAT_LINK_RESETUP, GMCHAT_LINK_FAILED, GMCHAT_LINK_WAITING, LOST },

    { GMCHAT_LINK_IDLE, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED, CLOSE|FAIL },
    { GMCHAT_LINK_CONNECTING, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED,
      CLOSE|FAIL },
    { GMCHAT_LINK_SETUP, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED, CLOSE|FAIL },
    { GMCHAT_LINK_READY, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED, CLOSE|FAIL },
    { GMCHAT_LINK_WAITING, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED, CLOSE|FAIL },
    { GMCHAT_LINK_RECONNECTING, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED,
      CLOSE|FAIL },
    { GMCHAT_LINK_RESETUP, GMCHAT_LINK_EXIT, GMCHAT_LINK_CLOSED, CLOSE|FAIL },

    { GMCHAT_LINK_CONNECTING, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE },
    { GMCHAT_LINK_SETUP, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE },
    { GMCHAT_LINK_READY, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE },
    { GMCHAT_LINK_WAITING, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE },
    { GMCHAT_LINK_RECONNECTING, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE },
    { GMCHAT_LINK_RESETUP, GMCHAT_LINK_REST, GMCHAT_LINK_IDLE, CLOSE }
};


/* What is not among the moves leaves the state and has no effect. */
START_TEST(every_pair)
{
    size_t               i;
    unsigned             state, event, next, effects;
    gmchat_link_step_t   step;

    for (state = 0; state < GMCHAT_LINK_STATES; state++) {
        for (event = 0; event < GMCHAT_LINK_EVENTS; event++) {
            next = state;
            effects = 0;

            for (i = 0; i < check_nelts(moves); i++) {
                if (moves[i].state == state && moves[i].event == event) {
                    next = moves[i].next;
                    effects = moves[i].effects;
                }
            }

            step = gmchat_link_step(state, event);
            ck_assert_msg(step.next == next && step.effects == effects,
                          "%s, event %u: %s, %x", gmchat_link_name(state),
                          event, gmchat_link_name(step.next), step.effects);
        }
    }
}
END_TEST


/* Calls are refused from a loss on until it is served again, and at the end. */
START_TEST(refusals)
{
    unsigned             state, event;
    gmchat_link_step_t   step;

    ck_assert_int_eq(gmchat_link_refuses(GMCHAT_LINK_IDLE), 0);
    ck_assert_int_eq(gmchat_link_refuses(GMCHAT_LINK_READY), 0);
    ck_assert_int_eq(gmchat_link_refuses(GMCHAT_LINK_CLOSED), 1);

    for (state = 0; state < GMCHAT_LINK_STATES; state++) {
        for (event = 0; event < GMCHAT_LINK_EVENTS; event++) {

            /* a link that has calls does not rest */

            if (event == GMCHAT_LINK_REST) {
                continue;
            }

            step = gmchat_link_step(state, event);

            if (step.effects & FAIL) {
                ck_assert_int_eq(gmchat_link_refuses(step.next), 1);
            }

            if (step.effects & SERVE) {
                ck_assert_int_eq(gmchat_link_refuses(step.next), 0);
                continue;
            }

            /* calls that were kept are not forgotten without their end */

            if (!gmchat_link_refuses(state)
                && gmchat_link_refuses(step.next))
            {
                ck_assert(step.effects & FAIL);
            }

            if (gmchat_link_refuses(state)) {
                ck_assert_int_eq(gmchat_link_refuses(step.next), 1);
            }
        }
    }
}
END_TEST


/* Random events: at most one connection, one timer, and no way to be stuck. */
START_TEST(long_lives)
{
    int                  connected, timer;
    size_t               i, life;
    uint64_t             seed = 6;
    gmchat_link_state_e  state;
    gmchat_link_event_e  event;
    gmchat_link_step_t   step;

    for (life = 0; life < 1000; life++) {
        state = GMCHAT_LINK_IDLE;
        connected = 0;
        timer = 0;

        for (i = 0; i < 200; i++) {
            event = check_random_below(&seed, GMCHAT_LINK_EVENTS);

            if (event == GMCHAT_LINK_EXIT && i < 150) {
                continue;
            }

            step = gmchat_link_step(state, event);
            state = step.next;

            if (event == GMCHAT_LINK_RETRY || event == GMCHAT_LINK_REST) {
                timer = 0;
            }

            if (step.effects & CLOSE) {
                connected = 0;
            }

            if (step.effects & BACKOFF) {
                ck_assert_int_eq(timer, 0);
                timer = 1;
            }

            if (step.effects & CONNECT) {
                ck_assert_int_eq(connected, 0);
                connected = 1;
            }

            if (step.effects & (SETUP|SERVE)) {
                ck_assert_int_eq(connected, 1);
            }

            if (state == GMCHAT_LINK_IDLE || state == GMCHAT_LINK_CLOSED
                || state == GMCHAT_LINK_WAITING)
            {
                ck_assert_int_eq(connected, 0);

            } else {
                ck_assert_int_eq(connected, 1);
            }
        }
    }
}
END_TEST


START_TEST(names)
{
    unsigned  i, j;

    for (i = 0; i < GMCHAT_LINK_STATES; i++) {
        ck_assert_ptr_nonnull(gmchat_link_name(i));

        for (j = 0; j < i; j++) {
            ck_assert_str_ne(gmchat_link_name(i), gmchat_link_name(j));
        }
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_link");

    tcase_add_test(tc, every_pair);
    tcase_add_test(tc, refusals);
    tcase_add_test(tc, long_lives);
    tcase_add_test(tc, names);

    return check_end();
}

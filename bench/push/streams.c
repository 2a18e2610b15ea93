/*
 * push hold: connections that wait, and nothing more.
 * push fanout: one message to many streams, some times.
 */

#include <stdio.h>
#include <stdlib.h>

#include "push.h"


#define GIVE_UP  (20 * NS)      /* not everybody has it: they never will */
#define PAUSE    (NS / 5)       /* a look at the clock */
#define PACE     (NS / 5000)    /* from one new connection to the next */


static conn_t   **waiting;
static uint32_t   nwaiting, nreceived;
static int64_t   *delays;       /* of one message, by when it came */


/* Opens `n` connections: each for a host of its own from `first` on, or all
 * for `first`.  Not all at one moment, for clients do not come so, and what the
 * server needs while they come would count as what they need when they wait.
 * A held call has no answer to wait for. */

static void
open_all(uint32_t first, uint32_t n, int apart)
{
    int64_t   start;
    uint32_t  i;

    start = clock_ns();
    waiting = allocate(n, sizeof(conn_t *));
    nwaiting = n;

    for (i = 0; i < n; i++) {
        waiting[i] = conn_open(first + (apart ? i : 0));
        run.kind->wait(waiting[i]);

        do {
            turn(start + (i + 1) * PACE, NULL);
        } while (clock_ns() < start + (i + 1) * PACE);
    }

    last_read = clock_ns();

    for (i = 0; !run.kind->held && i < n; i++) {
        while (!waiting[i]->opened) {
            turn(clock_ns() + PAUSE, NULL);

            if (clock_ns() >= last_read + GIVE_UP) {
                die("%s: %u of %u were not answered", run.kind->name, n - i, n);
            }
        }
    }

    settle();
}


/* <first host> <connections>: prints "held" once they are, and goes on until
 * it is killed. */

void
mode_hold(char **args)
{
    open_all((uint32_t) atoi(args[0]), (uint32_t) atoi(args[1]), 1);

    printf("held\n");
    fflush(stdout);

    for ( ;; ) {
        turn(clock_ns() + PAUSE, NULL);
    }
}


/* Everybody gets each message, once and in order. */

static void
arrived(conn_t *c, uint32_t number)
{
    if (number != c->received - 1) {
        die("message %u came as the %u. one", number, c->received);
    }

    delays[nreceived++] = last_read - run.messages[number].written;
}


/* Writes the message and waits until all have it. */

static void
tell_all(uint32_t number)
{
    nreceived = 0;
    send_message(number);

    while (nreceived < nwaiting) {
        turn(clock_ns() + PAUSE, NULL);

        if (clock_ns() >= run.messages[number].written + GIVE_UP) {
            die("message %u: %u of %u never got it", number,
                nwaiting - nreceived, nwaiting);
        }
    }

    settle();
}


/*
 * <streams> <messages> <pid of the nginx worker> <pid of Redis>
 *
 * The first message warms and is not counted.  For each other one a line
 * "median last", in microseconds from the moment before its write; then CPU
 * time of a message, in microseconds.
 */

void
mode_fanout(char **args)
{
    usage_t   from, to;
    uint32_t  i, n;

    n = (uint32_t) atoi(args[1]);
    run.nginx = args[2];
    run.redis = args[3];
    run.nmessages = n + 1;
    run.messages = allocate(n + 1, sizeof(message_t));
    run.arrived = arrived;

    senders_open(n + 2);
    open_all(0, (uint32_t) atoi(args[0]), 0);
    delays = allocate(nwaiting, sizeof(int64_t));

    tell_all(0);
    from = usage();

    for (i = 1; i <= n; i++) {
        tell_all(i);
        printf("message %.1f %.1f\n", (double) delays[nwaiting / 2] / 1e3,
               (double) delays[nwaiting - 1] / 1e3);
    }

    to = usage();
    printf("nginx %.1f\nredis %.1f\nclient %.1f\n",
           (to.nginx - from.nginx) * 1e6 / n,
           (to.redis - from.redis) * 1e6 / n,
           (to.client - from.client) * 1e6 / n);

    if (run.kind->ack) {
        run.kind->ack(waiting[0]);
        settle();
    }
}

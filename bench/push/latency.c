/*
 * push latency: HOSTS clients wait, each for a host (or channel) of its own,
 * while messages are due at random moments, a Poisson process of the rate,
 * whatever became of those before.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "push.h"


#define HOSTS    100                /* clients that wait */
#define WARM     1                  /* seconds that are not counted */
#define ACK      NS                 /* streams acknowledge so often, not all */
                                    /* at one time */
#define GIVE_UP  (5 * NS)           /* nothing came: it never will */


static conn_t   *waiting[HOSTS];
static uint32_t  ndue, nreceived;


static void
arrived(conn_t *c, uint32_t number)
{
    message_t  *m;

    m = &run.messages[number];

    if (m->host != c->host || m->read) {
        die("message %u came twice, or to host %u", number, c->host);
    }

    m->read = last_read;
    nreceived++;
}


static double
random_unit(void)
{
    static uint64_t  state = UINT64_C(88172645463325252);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (double) ((state >> 11) + 1) / 9007199254740993.0;
}


/* Moments count from the beginning of the schedule, which is not known yet. */

static void
schedule(double rate, double seconds)
{
    double      at;
    message_t  *m;

    run.messages = allocate((size_t) (rate * seconds * 1.5) + 1000,
                            sizeof(message_t));

    for (at = -log(random_unit()) / rate;
         at < seconds;
         at -= log(random_unit()) / rate)
    {
        m = &run.messages[run.nmessages++];
        m->due = (int64_t) (at * 1e9);
        m->host = (uint32_t) (random_unit() * HOSTS) % HOSTS;
    }
}


static void
write_due(void)
{
    int64_t  time;

    time = clock_ns();

    while (ndue < run.nmessages && run.messages[ndue].due <= time) {
        send_message(ndue++);
    }
}


static void
ack_one(conn_t *c)
{
    if (c->kind->ack && c->unacked) {
        c->kind->ack(c);
    }
}


static void
ack_all(void)
{
    int  i;

    for (i = 0; i < HOSTS; i++) {
        ack_one(waiting[i]);
    }

    settle();
}


/* Sends what is due until `end`.  Returns what was used when it was warm. */

static usage_t
play(int64_t start, int64_t warm, int64_t end)
{
    int       is_warm, acked;
    int64_t   ack_at, until;
    usage_t   from;

    is_warm = 0;
    acked = 0;
    ack_at = start;
    from = usage();

    while (clock_ns() < end) {
        write_due();

        until = ndue < run.nmessages && run.messages[ndue].due < end
                ? run.messages[ndue].due : end;
        turn(until < ack_at ? until : ack_at, write_due);

        if (clock_ns() >= ack_at) {
            ack_one(waiting[acked++ % HOSTS]);
            ack_at += ACK / HOSTS;
        }

        if (!is_warm && clock_ns() >= warm) {
            is_warm = 1;
            from = usage();
        }
    }

    return from;
}


/* What is still on its way */

static void
finish(void)
{
    write_due();
    last_read = clock_ns();

    while (nreceived < run.nmessages) {
        turn(last_read + GIVE_UP, NULL);

        if (clock_ns() >= last_read + GIVE_UP) {
            die("%u of %u messages never came", run.nmessages - nreceived,
                run.nmessages);
        }
    }
}


/*
 * Of the messages that were due when it was warm: how many there are, and how
 * many a second were read while others were due; the time from when they were
 * due, and from the moment before their write, to the read; CPU.
 */

static void
report(int64_t warm, const usage_t *from, const usage_t *to)
{
    int64_t    *written, *due;
    uint32_t    i, n, in_time;
    message_t  *m;

    n = 0;
    in_time = 0;
    written = allocate(run.nmessages + 1, sizeof(int64_t));
    due = allocate(run.nmessages + 1, sizeof(int64_t));

    for (i = 0; i < run.nmessages; i++) {
        m = &run.messages[i];

        if (m->read >= from->at && m->read < to->at) {
            in_time++;
        }

        if (m->due >= warm) {
            written[n] = m->read - m->written;
            due[n++] = m->read - m->due;
        }
    }

    printf("counted %u\nread %.1f\n", n,
           in_time / ((double) (to->at - from->at) / 1e9));
    report_delays("due", due, n);
    report_delays("written", written, n);
    report_usage(from, to);
}


/* <rate> <seconds> <pid of the nginx worker> <pid of Redis> */

void
mode_latency(char **args)
{
    double    rate, seconds;
    int64_t   start, warm, end;
    usage_t   from, to;
    uint32_t  i;

    rate = atof(args[0]);
    seconds = atof(args[1]);
    run.nginx = args[2];
    run.redis = args[3];
    run.arrived = arrived;

    schedule(rate, WARM + seconds);
    senders_open(run.nmessages + HOSTS);

    for (i = 0; i < HOSTS; i++) {
        waiting[i] = conn_open(i);
        run.kind->wait(waiting[i]);
    }

    settle();
    ack_all();

    start = clock_ns() + NS / 1000;
    warm = start + WARM * NS;
    end = warm + (int64_t) (seconds * 1e9);

    for (i = 0; i < run.nmessages; i++) {
        run.messages[i].due += start;
    }

    from = play(start, warm, end);
    to = usage();
    finish();
    ack_all();
    report(warm, &from, &to);
}

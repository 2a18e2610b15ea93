/*
 * The client of `./gmchat bench` for those who wait: senders and waiting
 * clients in one process and one thread, on one clock.
 *
 *     push latency <port> <kind> <rate> <seconds> <nginx pid> <redis pid>
 *     push fanout <port> <kind> <streams> <messages> <nginx pid> <redis pid>
 *     push hold <port> <kind> <first host> <connections>
 *
 * Kinds are in transports.c.  A message is written when it is due, on a free
 * connection of the senders'; where none is free it waits for one, and its time
 * runs.  Each message must arrive once, at the right client.  Figures are
 * printed as lines "name value".
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "push.h"


run_t  run;


static const struct {
    const char   *name;
    int           nargs;
    void        (*play)(char **args);
} modes[] = {
    { "latency", 4, mode_latency },
    { "fanout", 4, mode_fanout },
    { "hold", 2, mode_hold },
    { NULL, 0, NULL }
};


int
main(int argc, char **argv)
{
    int              i;
    struct timespec  ts;

    if (argc < 4) {
        die("see the top of main.c");
    }

    for (i = 0; modes[i].name && strcmp(modes[i].name, argv[1]) != 0; i++) {
        /* void */
    }

    run.port = atoi(argv[2]);
    run.kind = kind_find(argv[3]);

    if (modes[i].name == NULL || run.kind == NULL
        || argc != 4 + modes[i].nargs)
    {
        die("see the top of main.c");
    }

    clock_gettime(CLOCK_REALTIME, &ts);
    run.id = (uint32_t) (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);

    conn_init();
    modes[i].play(argv + 4);

    return 0;
}

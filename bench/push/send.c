/*
 * Those who send: connections that take the next message, or a stream's
 * acknowledgement, as soon as they were answered.
 */

#include <stdio.h>
#include <string.h>

#include "push.h"


#define SENDERS  64         /* connections */


/* What senders are to write: a message, or a stream's ack */

typedef struct {
    conn_t      *ack;       /* NULL: the message `number` */
    uint32_t     number;
} job_t;


static job_t    *jobs;      /* a ring, as large as it can get */
static uint32_t  jobs_size, jobs_first, jobs_last;

static conn_t   *idle[SENDERS];
static uint32_t  nidle;


/* `most`: so many messages and acks at most will ever wait for a sender. */

void
senders_open(uint32_t most)
{
    jobs_size = most;
    jobs = allocate(most, sizeof(job_t));

    while (nidle < SENDERS) {
        idle[nidle] = conn_open(0);
        idle[nidle++]->take = take_answer;
    }
}


static void
job_write(conn_t *c, const job_t *job)
{
    char        text[64];
    message_t  *m;

    if (job->ack) {
        job->ack->asked = 0;
        conn_ask(c, NULL, "/gs?action=ack&cursor=%s", job->ack->cursor);
        return;
    }

    m = &run.messages[job->number];
    m->written = clock_ns();

    snprintf(text, sizeof(text), "%08x.%08x.hello", run.id, job->number);
    run.kind->say(c, m->host, text);
}


static void
job_add(conn_t *ack, uint32_t number)
{
    job_t  job = { ack, number };

    if (nidle) {
        job_write(idle[--nidle], &job);
        return;
    }

    if (jobs_last - jobs_first == jobs_size) {
        die("too much is due");
    }

    jobs[jobs_last++ % jobs_size] = job;
}


void
send_message(uint32_t number)
{
    job_add(NULL, number);
}


/* What a stream got is acknowledged by a call of its own, unless one is still
 * to be written. */

void
send_ack(conn_t *c)
{
    if (!c->asked) {
        c->asked = 1;
        job_add(c, 0);
    }
}


/* A sender's connection was answered, by the kind's `said`. */

void
sender_answered(conn_t *c, const char *head, const char *body)
{
    const char  *said = c->kind->said;

    if (strncmp(body, said, strlen(said)) != 0
        || strncmp(head, "HTTP/1.1 20", 11) != 0)
    {
        die("a sender was answered: %.300s", head);
    }

    if (jobs_first == jobs_last) {
        idle[nidle++] = c;
        return;
    }

    job_write(c, &jobs[jobs_first++ % jobs_size]);
}

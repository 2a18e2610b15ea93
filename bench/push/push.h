/*
 * What the files of this folder share.  main.c says what the program does.
 *
 * Whatever is not as it should be ends the program with status 1 (die).
 */

#ifndef PUSH_H
#define PUSH_H


#include <stddef.h>
#include <stdint.h>


#define NS  INT64_C(1000000000)     /* of a second */


typedef struct {
    char               *data;       /* and a zero behind them */
    size_t              len;
    size_t              size;
} buf_t;

typedef struct conn_s  conn_t;

typedef struct {
    const char         *name;
    const char         *headers;    /* of its requests */
    /* the request with which a client begins to wait */
    void              (*wait)(conn_t *c);
    /* takes one response, chunk or frame out of `in`; 0: it is not whole */
    int               (*take)(conn_t *c);
    /* acknowledges what came, on a stream that has it; else NULL */
    void              (*ack)(conn_t *c);
    /* writes a message to `host` on a sender's connection */
    void              (*say)(conn_t *c, uint32_t host, const char *text);
    /* how the answer to it begins */
    const char         *said;
    unsigned            held:1;     /* nothing comes before a message does */
} kind_t;

struct conn_s {
    int                 fd;
    uint32_t            host;       /* from 0 */
    const kind_t       *kind;
    int               (*take)(conn_t *c);
    buf_t               in;
    buf_t               text;       /* of a stream, without chunks */
    char                cursor[256];
    unsigned            unacked;    /* events */
    uint32_t            received;   /* messages of this run */
    unsigned            asked:1;    /* to acknowledge, in the queue */
    unsigned            opened:1;   /* something came */
};

/* A message: when it was due, written, and read; in ns of clock_ns() */

typedef struct {
    int64_t             due;
    int64_t             written;
    int64_t             read;
    uint32_t            host;
} message_t;

/* CPU time, in seconds, of all that ran until `at` */

typedef struct {
    int64_t             at;
    double              client;
    double              nginx;
    double              redis;
} usage_t;


/* What a run is about; set by main() and by its mode */

typedef struct {
    int                 port;
    uint32_t            id;         /* in each message's text */
    const kind_t       *kind;
    const char         *nginx;      /* pids of the worker and of Redis */
    const char         *redis;
    message_t          *messages;
    uint32_t            nmessages;
    /* the message `number` of this run came to a client that waits */
    void              (*arrived)(conn_t *c, uint32_t number);
} run_t;

extern run_t  run;


/* base.c */

void die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void *allocate(size_t n, size_t size);
int64_t clock_ns(void);
void buf_room(buf_t *buf, size_t n);
void buf_cut(buf_t *buf, size_t n);

/* conn.c */

extern int64_t  last_read;

void conn_init(void);
conn_t *conn_open(uint32_t host);
void conn_write(conn_t *c, const char *data, size_t len);
void conn_ask(conn_t *c, const char *body, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void turn(int64_t until, void (*due)(void));
void settle(void);

/* transports.c */

const kind_t *kind_find(const char *name);
int take_answer(conn_t *c);

/* send.c */

void senders_open(uint32_t most);
void send_message(uint32_t number);
void send_ack(conn_t *c);
void sender_answered(conn_t *c, const char *head, const char *body);

/* report.c */

usage_t usage(void);
void report_delays(const char *name, int64_t *delays, uint32_t n);
void report_usage(const usage_t *from, const usage_t *to);

/* the modes */

void mode_latency(char **args);     /* latency.c */
void mode_hold(char **args);        /* streams.c */
void mode_fanout(char **args);


#endif /* PUSH_H */

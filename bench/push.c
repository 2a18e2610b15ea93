/*
 * The client of bench/push: senders and waiting clients in one process and
 * one thread, on one clock.
 *
 *     push latency <port> <kind> <rate> <seconds> <nginx pid> <redis pid>
 *     push hold <port> <kind> <connections>
 *
 * latency: HOSTS clients wait, each for a host of its own, while messages are
 * due at random moments (a Poisson process of the rate), whatever became of
 * those before.  A message is written when it is due, on a free connection of
 * the senders'; where none is free it waits for one, and its time runs.  Each
 * message must arrive once, at the right client.  One line is printed, see
 * report().
 *
 * hold: the connections are opened, each for a host of its own; "held" is
 * printed once they are; then nothing happens until the process is killed.
 *
 * Whatever is not as it should be ends the program with status 1.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define HOSTS       100         /* clients that wait */
#define SENDERS     64          /* connections of those who send */
#define WARM        1           /* seconds that are not counted */
#define ACK_EVENTS  100         /* streams acknowledge after so many, */
#define ACK_NS      1000000000  /* or each second, not all at one time */
#define QUIET_NS    300000000   /* nothing came: everybody waits */
#define GIVE_UP_NS  5000000000  /* nothing came: it never will */
#define MARK        "\"text\":\""


typedef struct {
    char               *data;
    size_t              len;
    size_t              size;
} buf_t;

typedef struct conn_s  conn_t;

typedef struct {
    const char         *name;
    const char         *accept;     /* headers that choose a transport */
    /* takes one response, chunk or frame out of `in`; 0: it is not whole */
    int               (*take)(conn_t *c);
} kind_t;

struct conn_s {
    int                 fd;
    uint32_t            host;       /* from 0 */
    const kind_t       *kind;
    buf_t               in;
    buf_t               text;       /* of a stream, without chunks */
    char                cursor[256];
    unsigned            unacked;    /* events */
    unsigned            asked:1;    /* to acknowledge, in the queue */
    unsigned            opened:1;   /* something came */
};

/* What senders are to write: a message, or a stream's ack */

typedef struct {
    conn_t             *ack;        /* NULL: the message `number` */
    uint32_t            number;
} job_t;

typedef struct {
    int64_t             due;
    int64_t             written;
    int64_t             read;
    uint32_t            host;
} message_t;


static int take_response(conn_t *c);
static int take_reply(conn_t *c);
static int take_chunk(conn_t *c);
static int take_frame(conn_t *c);


static const kind_t  kinds[] = {
    { "longpoll", NULL, take_reply },
    { "sse", "Accept: text/event-stream\r\n", take_chunk },
    { "websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
      take_frame },
    { "keepalive", NULL, take_response },
    { NULL, NULL, NULL }
};

static const kind_t  sender = { "sender", NULL, take_response };

static int           port;
static int           poll_fd;
static int64_t       now;           /* of the last read */
static uint32_t      run;           /* in each message's text */

static message_t    *messages;
static uint32_t      nmessages, nreceived, nwritten, nanswered;

static job_t        *jobs;          /* a ring, as large as it can get */
static uint32_t      jobs_size, jobs_first, jobs_last;

static conn_t       *idle[SENDERS];
static uint32_t      nidle;


static void
die(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    fprintf(stderr, "push: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}


static void *
allocate(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        die("no memory");
    }

    return p;
}


static int64_t
clock_ns(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}


/* Room for n bytes behind those that are there, and a zero. */

static void
buf_room(buf_t *buf, size_t n)
{
    if (buf->len + n + 1 <= buf->size) {
        return;
    }

    buf->size = 2 * (buf->len + n + 1);
    buf->data = realloc(buf->data, buf->size);

    if (buf->data == NULL) {
        die("no memory");
    }
}


static void
buf_cut(buf_t *buf, size_t n)
{
    buf->len -= n;
    memmove(buf->data, buf->data + n, buf->len + 1);
}


/* Requests are small: a connection that does not take one at once is stuck. */

static void
conn_write(conn_t *c, const char *data, size_t len)
{
    if (write(c->fd, data, len) != (ssize_t) len) {
        die("%s: write: %s", c->kind->name, strerror(errno));
    }
}


static void
conn_get(conn_t *c, const char *format, ...)
{
    int      n, m;
    char     text[1024];
    va_list  args;

    n = sprintf(text, "GET ");

    va_start(args, format);
    m = vsnprintf(text + n, 512, format, args);
    va_end(args);

    if (m < 0 || m >= 512) {
        die("a request is too long");
    }

    n += m;
    n += sprintf(text + n, " HTTP/1.1\r\nHost: bench\r\n%s\r\n",
                 c->kind->accept ? c->kind->accept : "");

    conn_write(c, text, (size_t) n);
}


static conn_t *
conn_open(const kind_t *kind, uint32_t host)
{
    int                 on = 1;
    conn_t             *c;
    struct sockaddr_in  addr = { .sin_family = AF_INET };
    struct epoll_event  ev;

    c = allocate(1, sizeof(conn_t));
    c->kind = kind;
    c->host = host;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_port = htons((uint16_t) port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (c->fd == -1
        || connect(c->fd, (struct sockaddr *) &addr, sizeof(addr)) == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
    {
        die("%s: connect: %s", kind->name, strerror(errno));
    }

    return c;
}


/* The first request of a client that waits; a long-poll's next ones, too. */

static void
conn_wait(conn_t *c)
{
    if (c->kind->take == take_response) {
        conn_get(c, "/ok");

    } else if (c->kind->take == take_reply) {
        conn_get(c, "/gs?action=receive&host=%u&ack=%s&format=json&wait=50",
                 1000 + c->host, c->cursor);

    } else {
        conn_get(c, "/gs?action=stream&host=%u", 1000 + c->host);
    }
}


/* Senders */


static int
job_take(job_t *job)
{
    if (jobs_first == jobs_last) {
        return 0;
    }

    *job = jobs[jobs_first++ % jobs_size];

    return 1;
}


static void
job_write(conn_t *c, const job_t *job)
{
    message_t  *m;

    if (job->ack) {
        job->ack->asked = 0;
        conn_get(c, "/gs?action=ack&cursor=%s", job->ack->cursor);
        return;
    }

    m = &messages[job->number];
    m->written = clock_ns();
    nwritten++;

    conn_get(c, "/gm?action=send&gm_account=1&uid=%u&text=%08x.%08x.hello",
             1 + m->host, run, job->number);
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


/* What a sender was answered: "200 OK" and {"res":1,...}. */

static void
sender_answered(conn_t *c, const char *body)
{
    job_t  job;

    if (strncmp(body, "{\"res\":1", 8) != 0) {
        die("a sender was answered: %.100s", body);
    }

    nanswered++;

    if (job_take(&job)) {
        job_write(c, &job);

    } else {
        idle[nidle++] = c;
    }
}


/* Those who wait */


/* Counts the messages in what a client got.  Those of an earlier run, which
 * were not acknowledged, are passed over. */

static void
received(conn_t *c, const char *text)
{
    unsigned    of, number;
    message_t  *m;

    while ((text = strstr(text, MARK)) != NULL) {
        text += sizeof(MARK) - 1;

        if (sscanf(text, "%8x.%8x.", &of, &number) != 2) {
            die("a strange message: %.100s", text);
        }

        if (of != run) {
            continue;
        }

        m = &messages[number];

        if (number >= nmessages || m->host != c->host || m->read) {
            die("message %u came twice, or to host %u", number, c->host);
        }

        m->read = now;
        nreceived++;
    }
}


/* The value that follows `name` and ends with `end` is the client's cursor. */

static void
take_cursor(conn_t *c, const char *text, const char *name, char end)
{
    size_t       len;
    const char  *value, *last;

    value = strstr(text, name);
    if (value == NULL) {
        return;
    }

    value += strlen(name);
    last = strchr(value, end);
    len = last ? (size_t) (last - value) : sizeof(c->cursor);

    if (len >= sizeof(c->cursor)) {
        die("a strange cursor: %.300s", value);
    }

    memcpy(c->cursor, value, len);
    c->cursor[len] = '\0';
    c->unacked++;
}


static void
stream_ack(conn_t *c)
{
    size_t   n;
    char     json[512];
    uint8_t  frame[512 + 8] = { 0x81, 0x80 | 126 };

    c->unacked = 0;

    if (c->kind->take == take_chunk) {
        if (!c->asked) {
            c->asked = 1;
            job_add(c, 0);
        }

        return;
    }

    /* a text frame; the mask is four zeroes, so that it changes nothing */

    n = (size_t) sprintf(json, "{\"call\":1,\"action\":\"ack\","
                               "\"cursor\":\"%s\"}", c->cursor);
    json[n++] = ' ';

    while (n < 126) {
        json[n++] = ' ';
    }

    frame[2] = (uint8_t) (n >> 8);
    frame[3] = (uint8_t) n;
    memcpy(frame + 8, json, n);
    conn_write(c, (char *) frame, n + 8);
}


static void
stream_event(conn_t *c, const char *text, const char *id, char end)
{
    received(c, text);
    take_cursor(c, text, id, end);

    if (c->unacked >= ACK_EVENTS) {
        stream_ack(c);
    }
}


/* The length of a header if it is there; else 0. */

static size_t
header_length(conn_t *c)
{
    const char  *end;

    end = strstr(c->in.data, "\r\n\r\n");

    return end ? (size_t) (end + 4 - c->in.data) : 0;
}


/* Passes over a stream's header, which must have this status. */

static int
take_opening(conn_t *c, const char *status)
{
    size_t  head;

    head = header_length(c);
    if (head == 0) {
        return 0;
    }

    if (strncmp(c->in.data, status, strlen(status)) != 0) {
        die("%s: refused: %.300s", c->kind->name, c->in.data);
    }

    c->opened = 1;
    buf_cut(&c->in, head);

    return 1;
}


/* Its header and body, if there is a whole response; else 0. */

static size_t
response_length(conn_t *c, size_t *head)
{
    const char  *length;

    *head = header_length(c);
    if (*head == 0) {
        return 0;
    }

    length = strstr(c->in.data, "\r\nContent-Length: ");

    if (length == NULL || strncmp(c->in.data, "HTTP/1.1 200", 12) != 0) {
        die("%s: refused: %.300s", c->kind->name, c->in.data);
    }

    return c->in.len < *head + (size_t) atoi(length + 18)
           ? 0 : *head + (size_t) atoi(length + 18);
}


static int
take_response(conn_t *c)
{
    size_t  head, len;

    len = response_length(c, &head);
    if (len == 0) {
        return 0;
    }

    c->opened = 1;

    if (c->kind == &sender) {
        sender_answered(c, c->in.data + head);
    }

    buf_cut(&c->in, len);

    return 1;
}


/* A long-poll was answered: the next one acknowledges it. */

static int
take_reply(conn_t *c)
{
    size_t  head, len;

    len = response_length(c, &head);
    if (len == 0) {
        return 0;
    }

    received(c, c->in.data + head);
    take_cursor(c, c->in.data + head, "\"cursor\":\"", '"');
    buf_cut(&c->in, len);
    conn_wait(c);

    return 1;
}


static int
take_chunk(conn_t *c)
{
    char    *end;
    size_t   len, head;

    if (!c->opened) {
        return take_opening(c, "HTTP/1.1 200");
    }

    end = strstr(c->in.data, "\r\n");
    if (end == NULL) {
        return 0;
    }

    head = (size_t) (end + 2 - c->in.data);
    len = strtoul(c->in.data, NULL, 16);

    if (len == 0) {
        die("a stream ended");
    }

    if (c->in.len < head + len + 2) {
        return 0;
    }

    buf_room(&c->text, len);
    memcpy(c->text.data + c->text.len, end + 2, len);
    c->text.len += len;
    c->text.data[c->text.len] = '\0';
    buf_cut(&c->in, head + len + 2);

    while ((end = strstr(c->text.data, "\n\n")) != NULL) {
        end[1] = '\0';
        stream_event(c, c->text.data, "\nid: ", '\n');
        buf_cut(&c->text, (size_t) (end + 2 - c->text.data));
    }

    return 1;
}


static int
take_frame(conn_t *c)
{
    size_t          len, head;
    const uint8_t  *p;

    static const char  pong[] = "\x8a\x80\0\0\0\0";

    if (!c->opened) {
        return take_opening(c, "HTTP/1.1 101");
    }

    p = (uint8_t *) c->in.data;

    if (c->in.len < 4) {
        return 0;
    }

    len = p[1] == 126 ? (size_t) p[2] << 8 | p[3] : p[1];
    head = p[1] == 126 ? 4 : 2;

    if (c->in.len < head + len) {
        return 0;
    }

    switch (p[0]) {

    case 0x81:
        buf_room(&c->text, len);
        memcpy(c->text.data, p + head, len);
        c->text.data[len] = '\0';
        stream_event(c, c->text.data, "\"id\":\"", '"');

        if (strstr(c->text.data, "\"res\":0")) {
            die("an ack was refused: %s", c->text.data);
        }

        break;

    case 0x89:
        conn_write(c, pong, 6);
        break;

    default:
        die("frame %02x: %.*s", p[0], (int) len, p + head);
    }

    buf_cut(&c->in, head + len);

    return 1;
}


static void
conn_read(conn_t *c)
{
    ssize_t  n;

    buf_room(&c->in, 16384);
    n = read(c->fd, c->in.data + c->in.len, c->in.size - c->in.len - 1);
    now = clock_ns();

    if (n <= 0) {
        die("%s: read: %s", c->kind->name, n ? strerror(errno) : "closed");
    }

    c->in.len += (size_t) n;
    c->in.data[c->in.len] = '\0';

    while (c->in.len && c->kind->take(c)) { /* void */ }
}


/* Reads what is there, until `until` at most.  With `due`, messages are written
 * in between, as they become due. */

static void
turn(int64_t until, void (*due)(void))
{
    int                 i, n;
    int64_t             left;
    struct timespec     ts = { 0, 0 };
    struct epoll_event  evs[64];

    left = until - clock_ns();

    if (left > 0) {
        ts.tv_sec = left / 1000000000;
        ts.tv_nsec = left % 1000000000;
    }

    n = epoll_pwait2(poll_fd, evs, 64, &ts, NULL);

    if (n == -1 && errno != EINTR) {
        die("epoll_pwait2: %s", strerror(errno));
    }

    for (i = 0; i < n; i++) {
        conn_read(evs[i].data.ptr);

        if (due) {
            due();
        }
    }
}


/* The schedule */


static uint32_t  ndue;


static double
random_unit(void)
{
    static uint64_t  state = UINT64_C(88172645463325252);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (double) ((state >> 11) + 1) / 9007199254740993.0;
}


static void
schedule(int64_t from, double rate, double seconds)
{
    double  at;

    nmessages = 0;
    messages = allocate((size_t) (rate * seconds * 1.5) + 1000,
                        sizeof(message_t));

    for (at = -log(random_unit()) / rate;
         at < seconds;
         at -= log(random_unit()) / rate)
    {
        messages[nmessages].due = from + (int64_t) (at * 1e9);
        messages[nmessages].host = (uint32_t) (random_unit() * HOSTS) % HOSTS;
        nmessages++;
    }

    jobs_size = nmessages + HOSTS;
    jobs = allocate(jobs_size, sizeof(job_t));
}


static void
write_due(void)
{
    int64_t  time;

    time = clock_ns();

    while (ndue < nmessages && messages[ndue].due <= time) {
        job_add(NULL, ndue++);
    }
}


/* CPU time of a process, or of all of the machine that was not idle, in
 * seconds */


static double
cpu_of(const char *pid)
{
    char           path[64], line[1024], *p;
    FILE          *file;
    unsigned long  user, system;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "r");

    if (file == NULL || fgets(line, sizeof(line), file) == NULL
        || (p = strrchr(line, ')')) == NULL
        || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                  &user, &system) != 2)
    {
        die("%s cannot be read", path);
    }

    fclose(file);

    return (double) (user + system) / (double) sysconf(_SC_CLK_TCK);
}


static double
cpu_of_all(void)
{
    FILE           *file;
    unsigned long   t[8];

    file = fopen("/proc/stat", "r");

    if (file == NULL
        || fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &t[0], &t[1],
                  &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
    {
        die("/proc/stat cannot be read");
    }

    fclose(file);

    return (double) (t[0] + t[1] + t[2] + t[5] + t[6] + t[7])
           / (double) sysconf(_SC_CLK_TCK);
}


typedef struct {
    int64_t   at;
    double    client;
    double    nginx;
    double    redis;
    double    all;
} usage_t;


static usage_t
usage(char **pids)
{
    usage_t        u;
    struct rusage  self;

    getrusage(RUSAGE_SELF, &self);

    u.at = clock_ns();
    u.client = (double) (self.ru_utime.tv_sec + self.ru_stime.tv_sec)
               + (double) (self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    u.nginx = cpu_of(pids[0]);
    u.redis = cpu_of(pids[1]);
    u.all = cpu_of_all();

    return u;
}


/* The report */


static int
compare(const void *one, const void *two)
{
    int64_t  a = *(const int64_t *) one, b = *(const int64_t *) two;

    return a < b ? -1 : a > b;
}


static double
percentile(const int64_t *sorted, uint32_t n, double part)
{
    return (double) sorted[(uint32_t) (part * (double) (n - 1) + 0.5)] / 1e3;
}


/*
 * Of the messages that were due when it was warm: how many a second were
 * read while others were due; microseconds from the moment before the write to
 * the read (p50, p99, p99.9), from the moment it was due to the read (the
 * same, and the longest); CPU of the client, nginx, Redis and of all else, in
 * percent of one core.
 */

static void
report(int64_t warm, const usage_t *from, const usage_t *to)
{
    double    seconds;
    int64_t  *written, *due;
    uint32_t  i, n, in_time;

    n = 0;
    in_time = 0;
    seconds = (double) (to->at - from->at) / 1e9;
    written = allocate(nmessages, sizeof(int64_t));
    due = allocate(nmessages, sizeof(int64_t));

    for (i = 0; i < nmessages; i++) {
        if (messages[i].read >= from->at && messages[i].read < to->at) {
            in_time++;
        }

        if (messages[i].due >= warm) {
            written[n] = messages[i].read - messages[i].written;
            due[n++] = messages[i].read - messages[i].due;
        }
    }

    qsort(written, n, sizeof(int64_t), compare);
    qsort(due, n, sizeof(int64_t), compare);

    printf("%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f"
           "\t%.1f\t%.1f\t%.1f\t%.1f\n",
           (double) in_time / seconds,
           percentile(written, n, 0.5), percentile(written, n, 0.99),
           percentile(written, n, 0.999),
           percentile(due, n, 0.5), percentile(due, n, 0.99),
           percentile(due, n, 0.999), percentile(due, n, 1),
           100 * (to->client - from->client) / seconds,
           100 * (to->nginx - from->nginx) / seconds,
           100 * (to->redis - from->redis) / seconds,
           100 * (to->all - from->all - (to->client - from->client)
                  - (to->nginx - from->nginx) - (to->redis - from->redis))
               / seconds);
}


static void
ack_one(conn_t *c)
{
    if (c->kind->take != take_reply && c->unacked) {
        stream_ack(c);
    }
}


static void
ack_all(conn_t **waiting)
{
    int  i;

    for (i = 0; i < HOSTS; i++) {
        ack_one(waiting[i]);
    }
}


/* Reads until nothing came for a while: everybody waits, all is answered. */

static void
settle(void)
{
    now = clock_ns();

    while (clock_ns() < now + QUIET_NS) {
        turn(now + QUIET_NS, NULL);
    }
}


static void
latency(const kind_t *kind, char **args)
{
    int       i, is_warm, acked;
    double    rate, seconds;
    conn_t   *waiting[HOSTS];
    int64_t   start, warm, end, ack_at, until;
    usage_t   from, to;

    rate = atof(args[0]);
    seconds = atof(args[1]);
    schedule(0, rate, WARM + seconds);

    for (i = 0; i < SENDERS; i++) {
        idle[nidle++] = conn_open(&sender, 0);
    }

    for (i = 0; i < HOSTS; i++) {
        waiting[i] = conn_open(kind, (uint32_t) i);
        conn_wait(waiting[i]);
    }

    settle();
    ack_all(waiting);
    settle();

    start = clock_ns() + 1000000;
    warm = start + WARM * INT64_C(1000000000);
    end = warm + (int64_t) (seconds * 1e9);
    ack_at = start;
    acked = 0;
    is_warm = 0;
    from = to = usage(args + 2);

    for (i = 0; i < (int) nmessages; i++) {
        messages[i].due += start;
    }

    while (clock_ns() < end) {
        write_due();

        until = ndue < nmessages && messages[ndue].due < end
                ? messages[ndue].due : end;
        turn(until < ack_at ? until : ack_at, write_due);

        if (clock_ns() >= ack_at) {
            ack_one(waiting[acked++ % HOSTS]);
            ack_at += ACK_NS / HOSTS;
        }

        if (!is_warm && clock_ns() >= warm) {
            is_warm = 1;
            from = usage(args + 2);
        }
    }

    to = usage(args + 2);
    write_due();
    now = clock_ns();

    while (nreceived < nmessages) {
        turn(now + GIVE_UP_NS, NULL);

        if (clock_ns() >= now + GIVE_UP_NS) {
            die("%u of %u messages never came", nmessages - nreceived,
                nmessages);
        }
    }

    ack_all(waiting);
    settle();
    report(warm, &from, &to);
}


static void
hold(const kind_t *kind, uint32_t n)
{
    uint32_t   i;
    conn_t   **waiting;

    waiting = allocate(n, sizeof(conn_t *));

    for (i = 0; i < n; i++) {
        waiting[i] = conn_open(kind, i);
        conn_wait(waiting[i]);
        turn(0, NULL);
    }

    /* a held call has no answer to wait for */

    for (i = 0; kind->take != take_reply && i < n; i++) {
        while (!waiting[i]->opened) {
            turn(clock_ns() + QUIET_NS, NULL);
        }
    }

    settle();
    printf("held\n");
    fflush(stdout);

    for ( ;; ) {
        turn(clock_ns() + GIVE_UP_NS, NULL);
    }
}


int
main(int argc, char **argv)
{
    struct timespec  ts;
    const kind_t    *kind;

    if (argc < 5) {
        die("see the top of push.c");
    }

    port = atoi(argv[2]);

    for (kind = kinds; kind->name && strcmp(kind->name, argv[3]) != 0; kind++) {
        /* void */
    }

    poll_fd = epoll_create1(0);
    clock_gettime(CLOCK_REALTIME, &ts);
    run = (uint32_t) ts.tv_sec;

    if (kind->name == NULL || poll_fd == -1
        || prctl(PR_SET_TIMERSLACK, 1UL) == -1)
    {
        die("there is no kind \"%s\", or no epoll", argv[3]);
    }

    if (strcmp(argv[1], "latency") == 0 && argc == 8) {
        latency(kind, argv + 4);

    } else if (strcmp(argv[1], "hold") == 0 && argc == 5) {
        hold(kind, (uint32_t) atoi(argv[4]));

    } else {
        die("see the top of push.c");
    }

    return 0;
}

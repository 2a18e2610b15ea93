/*
 * Connections, and the one loop that reads them.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "push.h"


#define QUIET  (3 * NS / 10)        /* nothing came: everybody waits */
#define ROOM   16384                /* of one read */


int64_t     last_read;              /* when something came */

static int  poll_fd;


/* Connections may be as many as the hard limit of open files has it. */

void
conn_init(void)
{
    struct rlimit  files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1) {
        die("getrlimit: %s", strerror(errno));
    }

    files.rlim_cur = files.rlim_max;
    poll_fd = epoll_create1(0);

    if (setrlimit(RLIMIT_NOFILE, &files) == -1 || poll_fd == -1
        || prctl(PR_SET_TIMERSLACK, 1UL) == -1)
    {
        die("setrlimit, epoll_create1, prctl: %s", strerror(errno));
    }
}


/* A connection of the run's kind. */

conn_t *
conn_open(uint32_t host)
{
    int                 on = 1;
    conn_t             *c;
    struct sockaddr_in  addr = { .sin_family = AF_INET };
    struct epoll_event  ev;

    c = allocate(1, sizeof(conn_t));
    c->kind = run.kind;
    c->take = run.kind->take;
    c->host = host;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_port = htons((uint16_t) run.port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (c->fd == -1
        || connect(c->fd, (struct sockaddr *) &addr, sizeof(addr)) == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
    {
        die("%s: connect: %s", c->kind->name, strerror(errno));
    }

    return c;
}


/* Requests are small: a connection that does not take one at once is stuck. */

void
conn_write(conn_t *c, const char *data, size_t len)
{
    if (write(c->fd, data, len) != (ssize_t) len) {
        die("%s: write: %s", c->kind->name, strerror(errno));
    }
}


/* Asks for what the format makes: by POST where there is a body, else by GET.
 * A client that waits says what it waits for. */

void
conn_ask(conn_t *c, const char *body, const char *format, ...)
{
    int      n;
    char     path[512], text[2048];
    va_list  args;

    va_start(args, format);
    n = vsnprintf(path, sizeof(path), format, args);
    va_end(args);

    if (n < 0 || n >= (int) sizeof(path)) {
        die("a request is too long");
    }

    if (body) {
        n = snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: bench\r\n"
                     "Content-Length: %zu\r\n\r\n%s", path, strlen(body),
                     body);

    } else {
        n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: bench\r\n"
                     "%s\r\n", path,
                     c->take == take_answer ? "" : c->kind->headers);
    }

    if (n < 0 || n >= (int) sizeof(text)) {
        die("a request is too long");
    }

    conn_write(c, text, (size_t) n);
}


static void
conn_read(conn_t *c)
{
    ssize_t  n;

    buf_room(&c->in, ROOM);
    n = read(c->fd, c->in.data + c->in.len, ROOM);
    last_read = clock_ns();

    if (n <= 0) {
        die("%s: read: %s", c->kind->name, n ? strerror(errno) : "closed");
    }

    c->in.len += (size_t) n;
    c->in.data[c->in.len] = '\0';

    while (c->in.len && c->take(c)) { /* void */ }
}


/* Reads what is there, until `until` at most.  With `due`, messages are written
 * in between, as they become due. */

void
turn(int64_t until, void (*due)(void))
{
    int                 i, n;
    int64_t             left;
    struct timespec     ts = { 0, 0 };
    struct epoll_event  evs[64];

    left = until - clock_ns();

    if (left > 0) {
        ts.tv_sec = left / NS;
        ts.tv_nsec = left % NS;
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


/* Reads until nothing came for a while: everybody waits, all is answered. */

void
settle(void)
{
    last_read = clock_ns();

    while (clock_ns() < last_read + QUIET) {
        turn(last_read + QUIET, NULL);
    }
}

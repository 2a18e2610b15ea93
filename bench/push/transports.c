/*
 * What each kind of client asks, and how it reads what comes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push.h"


#define ACK_EVENTS  100             /* streams acknowledge after so many */
#define MARK        "\"text\":\""   /* before a message's text */

#define SSE         "Accept: text/event-stream\r\n"
#define WEBSOCKET   "Connection: Upgrade\r\nUpgrade: websocket\r\n"            \
                    "Sec-WebSocket-Version: 13\r\n"                            \
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
#define SAID        "{\"res\":1"


/* Requests */


static void
wait_call(conn_t *c)
{
    conn_ask(c, NULL, "/gs?action=receive&host=%u&ack=%s&format=json&wait=50",
             1000 + c->host, c->cursor);
}


static void
wait_stream(conn_t *c)
{
    conn_ask(c, NULL, "/gs?action=stream&host=%u", 1000 + c->host);
}


static void
wait_nchan(conn_t *c)
{
    conn_ask(c, NULL, "/sub/%u", 1000 + c->host);
}


static void
ask_ok(conn_t *c)
{
    conn_ask(c, NULL, "/ok");
}


static void
say_gm(conn_t *c, uint32_t host, const char *text)
{
    conn_ask(c, NULL, "/gm?action=send&gm_account=1&uid=%u&text=%s",
             1 + host, text);
}


static void
say_nchan(conn_t *c, uint32_t host, const char *text)
{
    char  body[128];

    snprintf(body, sizeof(body), "{" MARK "%s\"}", text);
    conn_ask(c, body, "/pub/%u", 1000 + host);
}


/* A text frame; the mask is four zeroes, so that it changes nothing. */

static void
ack_frame(conn_t *c)
{
    size_t   n;
    char     json[512];
    uint8_t  frame[512 + 8] = { 0x81, 0x80 | 126 };

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
    c->unacked = 0;
}


static void
ack_call(conn_t *c)
{
    send_ack(c);
    c->unacked = 0;
}


/* What came */


/* Counts the messages in what a client got.  Those of an earlier run, which
 * were not acknowledged, are passed over. */

static void
received(conn_t *c, const char *text)
{
    unsigned  of, number;

    while ((text = strstr(text, MARK)) != NULL) {
        text += sizeof(MARK) - 1;

        if (sscanf(text, "%8x.%8x.", &of, &number) != 2) {
            die("a strange message: %.100s", text);
        }

        if (of != run.id) {
            continue;
        }

        if (number >= run.nmessages || run.arrived == NULL) {
            die("message %u was not sent", number);
        }

        c->received++;
        run.arrived(c, number);
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
stream_event(conn_t *c, const char *text, const char *id, char end)
{
    received(c, text);
    take_cursor(c, text, id, end);

    if (c->kind->ack && c->unacked >= ACK_EVENTS) {
        c->kind->ack(c);
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
    size_t       len;
    const char  *length;

    *head = header_length(c);
    if (*head == 0) {
        return 0;
    }

    length = strstr(c->in.data, "\r\nContent-Length: ");

    if (length == NULL || strncmp(c->in.data, "HTTP/1.1 20", 11) != 0) {
        die("%s: refused: %.300s", c->kind->name, c->in.data);
    }

    len = *head + (size_t) atoi(length + 18);

    return c->in.len < len ? 0 : len;
}


static int
take_ok(conn_t *c)
{
    size_t  head, len;

    len = response_length(c, &head);
    if (len == 0) {
        return 0;
    }

    c->opened = 1;
    buf_cut(&c->in, len);

    return 1;
}


/* Of a sender's connection */

int
take_answer(conn_t *c)
{
    size_t  head, len;

    len = response_length(c, &head);
    if (len == 0) {
        return 0;
    }

    /* it may write the next request, but reads nothing */

    sender_answered(c, c->in.data, c->in.data + head);
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
    wait_call(c);

    return 1;
}


/* The whole events of a buffer */

static void
take_events(conn_t *c, buf_t *buf)
{
    char  *end;

    while ((end = strstr(buf->data, "\n\n")) != NULL) {
        end[1] = '\0';
        stream_event(c, buf->data, "\nid: ", '\n');
        buf_cut(buf, (size_t) (end + 2 - buf->data));
    }
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
    take_events(c, &c->text);

    return 1;
}


/* Events without chunks; all that is whole is taken at once. */

static int
take_plain(conn_t *c)
{
    if (!c->opened) {
        return take_opening(c, "HTTP/1.1 200");
    }

    take_events(c, &c->in);

    return 0;
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


static const kind_t  kinds[] = {

    { "longpoll", "", wait_call, take_reply, NULL, say_gm, SAID, 1 },

    { "sse", SSE, wait_stream, take_chunk, ack_call, say_gm, SAID, 0 },

    { "websocket", WEBSOCKET, wait_stream, take_frame, ack_frame, say_gm, SAID,
      0 },

    /* nginx's own, with a request that was answered */
    { "keepalive", "", ask_ok, take_ok, NULL, NULL, NULL, 0 },

    /* the peer's server-sent events: those of a client that has them all */
    { "nchan", SSE, wait_nchan, take_plain, NULL, say_nchan, "queued messages",
      0 },

    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0 }
};


const kind_t *
kind_find(const char *name)
{
    const kind_t  *kind;

    for (kind = kinds; kind->name; kind++) {
        if (strcmp(kind->name, name) == 0) {
            return kind;
        }
    }

    return NULL;
}

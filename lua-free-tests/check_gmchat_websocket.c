#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

#include "failing_malloc.h"
#include "gmchat_websocket.h"
#include "test_tools.h"


#define MAX   1000

#define FIN   0x80
#define CONT  0x0
#define TEXT  0x1
#define BIN   0x2
#define END   0x8
#define PING  0x9
#define PONG  0xa


/* By event: what a transcript of a connection says. */

static const char  *kinds[] = {
    "more", "message", "ping", "pong", "close", "fail"
};


static int  no_context;


/* Stands before wslay's own, whose malloc() cannot be made to fail. */
int
wslay_frame_context_init(wslay_frame_context_ptr *ctx,
    const struct wslay_frame_callbacks *callbacks, void *data)
{
    int  (*init)(wslay_frame_context_ptr *,
                 const struct wslay_frame_callbacks *, void *);

    if (no_context) {
        *ctx = NULL;
        return WSLAY_ERR_NOMEM;
    }

    init = (__typeof__(init)) dlsym(RTLD_NEXT, "wslay_frame_context_init");
    ck_assert(init != NULL);

    return init(ctx, callbacks, data);
}


/* Adds a client's frame; `first` is its first byte. */
static void
frame_of(gmchat_buf_t *wire, unsigned first, const void *data, size_t len)
{
    int                   shift;
    size_t                i;
    unsigned char         c, head[2];
    static unsigned char  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    head[0] = first;
    head[1] = 0x80 | (len < 126 ? len : len < 65536 ? 126 : 127);
    gmchat_buf_add(wire, head, 2);

    shift = len < 126 ? 0 : len < 65536 ? 16 : 64;

    while (shift) {
        shift -= 8;
        c = (uint64_t) len >> shift;
        gmchat_buf_add(wire, &c, 1);
    }

    mask[3]++;
    gmchat_buf_add(wire, mask, 4);

    for (i = 0; i < len; i++) {
        c = ((const unsigned char *) data)[i] ^ mask[i % 4];
        gmchat_buf_add(wire, &c, 1);
    }
}


static void
frame(gmchat_buf_t *wire, unsigned first, const char *text)
{
    frame_of(wire, first, text, strlen(text));
}


/* Nothing is held that is not of a frame or a message that has begun. */
static void
is_idle(const gmchat_websocket_t *ws)
{
    ck_assert_ptr_null(ws->frames);
    ck_assert_ptr_null(ws->data.data);
    ck_assert_uint_eq(ws->fed, 0);
    ck_assert_uint_eq(ws->got, 0);
}


/* Reads a piece, from a block of its own, and adds what it tells. */
static void
feed(gmchat_websocket_t *ws, const unsigned char *data, size_t len, size_t max,
    gmchat_buf_t *told)
{
    unsigned char             *copy;
    const unsigned char       *pos, *last;
    gmchat_websocket_event_e   event;

    copy = check_exact(data, len);
    pos = copy;
    last = copy + len;

    while ((event = gmchat_websocket_read(ws, &pos, last, max))
           != GMCHAT_WS_MORE)
    {
        gmchat_buf_add_text(told, kinds[event]);

        if (event == GMCHAT_WS_CLOSE || event == GMCHAT_WS_FAIL) {
            gmchat_buf_add_text(told, " ");
            gmchat_buf_add_int(told, ws->code);
            ck_assert_ptr_null(ws->frames);
            ck_assert_ptr_eq(pos, last);
        }

        ck_assert_ptr_nonnull(ws->message.data);

        if (ws->message.len) {
            gmchat_buf_add_text(told, " ");
            gmchat_buf_add(told, ws->message.data, ws->message.len);
        }

        gmchat_buf_add_text(told, "|");
    }

    ck_assert_ptr_eq(pos, last);
    free(copy);
}


static void
said(gmchat_buf_t *told, const char *expected, size_t at)
{
    gmchat_buf_add(told, "", 1);
    ck_assert_msg(strcmp((char *) told->data, expected) == 0,
                  "\"%s\", not \"%s\", split at %zu", (char *) told->data,
                  expected, at);
    gmchat_buf_free(told);
}


/*
 * What the bytes tell: whole, split in two at each position, and byte by byte.
 * `whole`: they end with no frame or message begun.
 */
static void
tells_max(gmchat_buf_t *wire, const char *expected, int whole, size_t max)
{
    size_t              i, at;
    gmchat_buf_t        told = { 0 };
    gmchat_websocket_t  ws = { 0 };

    for (at = 0; at <= wire->len; at++) {
        feed(&ws, wire->data, at, max, &told);
        feed(&ws, wire->data + at, wire->len - at, max, &told);
        said(&told, expected, at);

        if (whole) {
            is_idle(&ws);
        }

        gmchat_websocket_free(&ws);
        is_idle(&ws);
    }

    for (i = 0; i < wire->len; i++) {
        feed(&ws, wire->data + i, 1, max, &told);
    }

    said(&told, expected, i);

    if (whole) {
        is_idle(&ws);
    }

    gmchat_websocket_free(&ws);
    gmchat_buf_free(wire);
}


static void
tells(gmchat_buf_t *wire, const char *expected)
{
    tells_max(wire, expected, 1, MAX);
}


/* The same of bytes as they are. */
static void
bytes_tell(const void *data, size_t len, const char *expected)
{
    gmchat_buf_t  wire = { 0 };

    gmchat_buf_add(&wire, data, len);
    tells(&wire, expected);
}


START_TEST(every_kind)
{
    gmchat_buf_t  wire = { 0 };

    frame(&wire, FIN|TEXT, "Hello");
    tells(&wire, "message Hello|");

    frame(&wire, FIN|TEXT, "");
    tells(&wire, "message|");

    frame(&wire, FIN|PING, "now?");
    tells(&wire, "ping now?|");

    frame(&wire, FIN|PING, "");
    tells(&wire, "ping|");

    frame(&wire, FIN|PONG, "now");
    tells(&wire, "pong now|");

    frame(&wire, FIN|PONG, "");
    tells(&wire, "pong|");

    frame(&wire, FIN|END, "\003\350");
    tells(&wire, "close 1000|");

    frame(&wire, FIN|END, "\003\351gone");
    tells(&wire, "close 1001 gone|");

    frame(&wire, FIN|END, "");
    tells(&wire, "close 1005|");

    frame(&wire, FIN|BIN, "x");
    tells(&wire, "fail 1003|");

    frame(&wire, BIN, "x");
    tells(&wire, "fail 1003|");

    tells(&wire, "");
}
END_TEST


START_TEST(every_pair)
{
    size_t        i, j;
    char          expected[64];
    gmchat_buf_t  wire = { 0 };

    static const struct {
        unsigned     first;
        const char  *text;
        const char  *told;
    } frames[] = {
        { FIN|TEXT, "one", "message one|" },
        { FIN|TEXT, "", "message|" },
        { FIN|PING, "two", "ping two|" },
        { FIN|PING, "", "ping|" },
        { FIN|PONG, "three", "pong three|" },
        { FIN|END, "\003\350four", "close 1000 four|" },
        { FIN|CONT, "five", "fail 1002|" },
        { FIN|BIN, "six", "fail 1003|" }
    };

    for (i = 0; i < check_nelts(frames); i++) {
        for (j = 0; j < check_nelts(frames); j++) {
            frame(&wire, frames[i].first, frames[i].text);
            frame(&wire, frames[j].first, frames[j].text);

            snprintf(expected, sizeof(expected), "%s%s", frames[i].told,
                     i < 5 ? frames[j].told : "");
            tells(&wire, expected);
        }
    }
}
END_TEST


START_TEST(fragments)
{
    gmchat_buf_t  wire = { 0 };

    frame(&wire, TEXT, "a");
    frame(&wire, CONT, "");
    frame(&wire, CONT, "bc");
    frame(&wire, FIN|CONT, "d");
    frame(&wire, FIN|TEXT, "e");
    tells(&wire, "message abcd|message e|");

    frame(&wire, TEXT, "");
    frame(&wire, FIN|CONT, "");
    tells(&wire, "message|");

    /* control frames between them, also before there is any text */

    frame(&wire, TEXT, "");
    frame(&wire, FIN|PING, "1");
    frame(&wire, CONT, "ab");
    frame(&wire, FIN|PING, "22");
    frame(&wire, FIN|PONG, "");
    frame(&wire, CONT, "c");
    frame(&wire, FIN|PONG, "333");
    frame(&wire, FIN|CONT, "d");
    tells(&wire, "ping 1|ping 22|pong|pong 333|message abcd|");

    frame(&wire, TEXT, "ab");
    frame(&wire, FIN|END, "\003\350bye");
    tells_max(&wire, "close 1000 bye|", 0, MAX);
}
END_TEST


START_TEST(out_of_order)
{
    gmchat_buf_t  wire = { 0 };

    frame(&wire, CONT, "a");
    tells(&wire, "fail 1002|");

    frame(&wire, FIN|CONT, "");
    tells(&wire, "fail 1002|");

    frame(&wire, FIN|TEXT, "a");
    frame(&wire, FIN|CONT, "b");
    tells(&wire, "message a|fail 1002|");

    frame(&wire, TEXT, "a");
    frame(&wire, FIN|TEXT, "b");
    tells(&wire, "fail 1002|");

    frame(&wire, TEXT, "");
    frame(&wire, TEXT, "");
    tells(&wire, "fail 1002|");

    frame(&wire, TEXT, "a");
    frame(&wire, FIN|BIN, "b");
    tells(&wire, "fail 1002|");

    frame(&wire, TEXT, "a");
    frame(&wire, FIN|PING, "b");
    frame(&wire, FIN|CONT, "c");
    frame(&wire, CONT, "d");
    tells(&wire, "ping b|message ac|fail 1002|");
}
END_TEST


START_TEST(no_mask)
{
    bytes_tell("\x81\x01""a", 3, "fail 1002|");
    bytes_tell("\x81\x00", 2, "fail 1002|");
    bytes_tell("\x89\x00", 2, "fail 1002|");
    bytes_tell("\x88\x02\x03\xe8", 4, "fail 1002|");
}
END_TEST


/* Each first byte there is, before a payload that fits a close as well. */
START_TEST(first_bytes)
{
    unsigned      first;
    const char   *expected;
    gmchat_buf_t  wire = { 0 };

    for (first = 0; first < 256; first++) {
        switch (first) {

        case TEXT:
            expected = "";
            break;

        case FIN|TEXT:
            expected = "message \014A|";
            break;

        case BIN:
        case FIN|BIN:
            expected = "fail 1003|";
            break;

        case FIN|END:
            expected = "close 3137|";
            break;

        case FIN|PING:
            expected = "ping \014A|";
            break;

        case FIN|PONG:
            expected = "pong \014A|";
            break;

        default:
            expected = "fail 1002|";
        }

        frame(&wire, first, "\014A");
        tells_max(&wire, expected, first != TEXT, MAX);
    }
}
END_TEST


START_TEST(control_lengths)
{
    size_t        i;
    char          text[127], expected[140];
    gmchat_buf_t  wire = { 0 };

    static const unsigned  opcodes[] = { END, PING, PONG };

    memset(text, 'x', sizeof(text) - 1);
    text[126] = '\0';

    for (i = 0; i < check_nelts(opcodes); i++) {
        frame(&wire, FIN|opcodes[i], text);
        tells(&wire, "fail 1002|");

        frame(&wire, opcodes[i], "a");
        tells(&wire, "fail 1002|");

        frame(&wire, opcodes[i], "");
        tells(&wire, "fail 1002|");
    }

    text[125] = '\0';

    frame(&wire, FIN|PING, text);
    snprintf(expected, sizeof(expected), "ping %s|", text);
    tells(&wire, expected);

    frame(&wire, FIN|PONG, text);
    snprintf(expected, sizeof(expected), "pong %s|", text);
    tells(&wire, expected);

    text[0] = '\003';
    text[1] = '\350';
    frame(&wire, FIN|END, text);
    snprintf(expected, sizeof(expected), "close 1000 %s|", text + 2);
    tells(&wire, expected);
}
END_TEST


START_TEST(length_forms)
{
    size_t              i, max;
    unsigned char       text[65537];
    gmchat_buf_t        wire = { 0 };
    gmchat_buf_t        told = { 0 };
    gmchat_websocket_t  ws = { 0 };

    static const size_t  lengths[] = {
        0, 1, 125, 126, 127, 4081, 4082, 4088, 4089, 4095, 4096, 4097, 65535,
        65536, 65537
    };

    static const struct {
        size_t       len;
        const char  *bytes;
    } longer[] = {
        { 9, "\x81\xfe\0\x01""mask""x" },
        { 8, "\x81\xfe\0\0""mask" },
        { 9, "\x81\xfe\0\x7d""mask""x" },
        { 15, "\x81\xff\0\0\0\0\0\0\0\x01""mask""x" },
        { 15, "\x81\xff\0\0\0\0\0\0\0\x7e""mask""x" },
        { 15, "\x81\xff\0\0\0\0\0\0\xff\xff""mask""x" },

        /* 2^63, and all ones: at the length's last byte */

        { 10, "\x81\xff\x80\0\0\0\0\0\0\0" },
        { 10, "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" }
    };

    memset(text, 'x', sizeof(text));

    for (i = 0; i < check_nelts(lengths); i++) {
        max = lengths[i];

        frame_of(&wire, FIN|TEXT, text, max);
        frame(&wire, FIN|PING, "");

        feed(&ws, wire.data, wire.len, max, &told);

        ck_assert_uint_eq(told.len, strlen("message|ping|") + max + !!max);
        is_idle(&ws);

        gmchat_buf_free(&told);
        gmchat_buf_free(&wire);
    }

    for (i = 0; i < check_nelts(longer); i++) {
        bytes_tell(longer[i].bytes, longer[i].len, "fail 1002|");
    }
}
END_TEST


/* What is only announced is never allocated. */
START_TEST(announced)
{
    size_t               i;
    const unsigned char  *pos;
    gmchat_websocket_t   ws;

    static const char  *heads[] = {
        "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff""mask",
        "\x81\xff\0\0\0\0\x80\0\0\0""mask",
        "\x81\xff\0\0\0\0\0\x10\0\0""mask"
    };

    for (i = 0; i < check_nelts(heads); i++) {
        memset(&ws, 0, sizeof(ws));
        failing_malloc_arm(0);

        pos = (unsigned char *) heads[i];
        ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, pos + 14, MAX),
                         GMCHAT_WS_MORE);

        pos = (unsigned char *) "x";
        ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, pos + 1, MAX),
                         GMCHAT_WS_FAIL);
        ck_assert_uint_eq(ws.code, 1009);
        is_idle(&ws);

        ck_assert_uint_eq(failing_malloc_count(), 0);
    }

    /* a frame below the cap grows with what arrives of it */

    memset(&ws, 0, sizeof(ws));

    pos = (unsigned char *) heads[2];
    ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, pos + 14, 2000000),
                     GMCHAT_WS_MORE);
    pos = (unsigned char *) "mask";
    ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, pos + 4, 2000000),
                     GMCHAT_WS_MORE);
    ck_assert_uint_eq(ws.data.len, 4);
    ck_assert_uint_le(ws.data.size, 512);

    gmchat_websocket_free(&ws);
    is_idle(&ws);
}
END_TEST


START_TEST(cap)
{
    gmchat_buf_t  wire = { 0 };

    frame(&wire, FIN|TEXT, "12345");
    tells_max(&wire, "message 12345|", 1, 5);

    frame(&wire, FIN|TEXT, "123456");
    tells_max(&wire, "fail 1009|", 1, 5);

    frame(&wire, FIN|TEXT, "");
    tells_max(&wire, "message|", 1, 0);

    frame(&wire, FIN|TEXT, "1");
    tells_max(&wire, "fail 1009|", 1, 0);

    /* all frames of a message together; control frames do not count */

    frame(&wire, TEXT, "12");
    frame(&wire, FIN|PING, "1234567890");
    frame(&wire, FIN|CONT, "345");
    frame(&wire, FIN|TEXT, "67890");
    tells_max(&wire, "ping 1234567890|message 12345|message 67890|", 1, 5);

    frame(&wire, TEXT, "12");
    frame(&wire, FIN|PING, "1234567890");
    frame(&wire, FIN|CONT, "3456");
    tells_max(&wire, "ping 1234567890|fail 1009|", 1, 5);

    frame(&wire, TEXT, "12345");
    frame(&wire, CONT, "");
    frame(&wire, CONT, "6");
    tells_max(&wire, "fail 1009|", 1, 5);

    /* in the longer form of a length, too */

    bytes_tell("\x81\xfe\x03\xe9""maskx", 9, "fail 1009|");
}
END_TEST


START_TEST(fragments_without_end)
{
    size_t              i;
    gmchat_buf_t        wire = { 0 };
    gmchat_buf_t        empty = { 0 };
    gmchat_buf_t        told = { 0 };
    gmchat_websocket_t  ws = { 0 };

    frame(&empty, TEXT, "");
    feed(&ws, empty.data, empty.len, MAX, &told);
    gmchat_buf_free(&empty);

    failing_malloc_arm(0);

    for (i = 0; i < 20000; i++) {
        gmchat_buf_reset(&empty, 512);
        frame(&empty, CONT, "");
        feed(&ws, empty.data, empty.len, MAX, &told);
        is_idle(&ws);
    }

    /* the wire's own, and none of the connection */
    ck_assert_uint_eq(failing_malloc_count(), 1);

    for (i = 0; i < MAX; i++) {
        gmchat_buf_reset(&wire, 512);
        frame(&wire, CONT, "x");
        feed(&ws, wire.data, wire.len, MAX, &told);
        ck_assert_uint_eq(ws.data.len, i + 1);
        ck_assert_uint_lt(ws.data.size, 2 * MAX);
    }

    feed(&ws, empty.data, empty.len, MAX, &told);
    ck_assert_uint_eq(told.len, 0);

    feed(&ws, wire.data, wire.len, MAX, &told);
    said(&told, "fail 1009|", 0);
    is_idle(&ws);

    gmchat_buf_free(&wire);
    gmchat_buf_free(&empty);
}
END_TEST


START_TEST(many_pings)
{
    size_t                     n, pings;
    gmchat_buf_t               wire = { 0 };
    const unsigned char       *pos, *last;
    gmchat_websocket_t         ws = { 0 };
    gmchat_websocket_event_e   event;

    for (n = 0; wire.len < 1024 * 1024; n++) {
        frame(&wire, FIN|PING, n % 2 ? "" : "ping");
    }

    pos = wire.data;
    last = wire.data + wire.len;
    pings = 0;

    while ((event = gmchat_websocket_read(&ws, &pos, last, MAX))
           != GMCHAT_WS_MORE)
    {
        ck_assert_int_eq(event, GMCHAT_WS_PING);
        ck_assert_uint_eq(ws.message.len, pings % 2 ? 0 : 4);
        ck_assert_uint_le(ws.data.size, 512);
        pings++;
    }

    ck_assert_uint_eq(pings, n);
    ck_assert_ptr_eq(pos, last);
    is_idle(&ws);

    gmchat_buf_free(&wire);
}
END_TEST


/* What was moved over waits inside while the caller is busy. */
START_TEST(events_one_by_one)
{
    gmchat_buf_t         wire = { 0 };
    const unsigned char  *pos, *last;
    gmchat_websocket_t    ws = { 0 };

    frame(&wire, FIN|TEXT, "one");
    frame(&wire, FIN|TEXT, "two");

    pos = wire.data;
    last = pos + wire.len;
    ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, last, MAX),
                     GMCHAT_WS_MESSAGE);
    ck_assert_ptr_eq(pos, last);
    gmchat_buf_free(&wire);

    pos = NULL;
    ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, NULL, MAX),
                     GMCHAT_WS_MESSAGE);
    ck_assert_uint_eq(ws.message.len, 3);
    ck_assert_mem_eq(ws.message.data, "two", 3);

    ck_assert_int_eq(gmchat_websocket_read(&ws, &pos, NULL, MAX),
                     GMCHAT_WS_MORE);
    is_idle(&ws);
}
END_TEST


START_TEST(close_codes)
{
    int            valid;
    unsigned       code;
    char           expected[32];
    unsigned char  payload[2];
    gmchat_buf_t   wire = { 0 };
    gmchat_buf_t   told = { 0 };

    /* 5000 on: some */

    for (code = 0; code < 65536; code += code < 5000 ? 1 : 97) {
        gmchat_websocket_t  ws = { 0 };

        valid = (code >= 1000 && code <= 1003)
                || (code >= 1007 && code <= 1014)
                || (code >= 3000 && code <= 4999);

        payload[0] = code >> 8;
        payload[1] = code;
        frame_of(&wire, FIN|END, payload, 2);
        feed(&ws, wire.data, wire.len, MAX, &told);

        snprintf(expected, sizeof(expected), "%s %u|",
                 valid ? "close" : "fail", valid ? code : 1002);
        said(&told, expected, code);

        gmchat_buf_free(&wire);
    }

    frame(&wire, FIN|END, "\003");
    tells(&wire, "fail 1002|");
}
END_TEST


START_TEST(close_reasons)
{
    gmchat_buf_t  wire = { 0 };

    frame(&wire, FIN|END, "\003\350\xc3\xa9t\xc3\xa9");
    tells(&wire, "close 1000 \xc3\xa9t\xc3\xa9|");

    frame(&wire, FIN|END, "\003\350\xc3");
    tells(&wire, "fail 1007|");

    frame(&wire, FIN|END, "\003\350""a\xff""b");
    tells(&wire, "fail 1007|");

    /* the code is the first that is wrong */

    frame(&wire, FIN|END, "\003\355\xff");
    tells(&wire, "fail 1002|");
}
END_TEST


START_TEST(nothing_after_the_end)
{
    gmchat_buf_t        told = { 0 };
    gmchat_buf_t        wire = { 0 };
    gmchat_websocket_t  ws = { 0 };

    frame(&wire, FIN|END, "\003\350");
    frame(&wire, FIN|TEXT, "a");
    feed(&ws, wire.data, wire.len, MAX, &told);
    feed(&ws, wire.data, wire.len, MAX, &told);
    feed(&ws, (unsigned char *) "\xff\xff\xff", 3, MAX, &told);
    said(&told, "close 1000|", 0);

    /* free makes it new */

    gmchat_websocket_free(&ws);
    feed(&ws, wire.data, wire.len, MAX, &told);
    said(&told, "close 1000|", 0);

    gmchat_buf_free(&wire);
}
END_TEST


START_TEST(utf8)
{
    size_t        i, len;
    const char   *p;
    gmchat_buf_t  wire = { 0 };

    /* of 1 to 4 bytes each */
    static const char  text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";

    static const char  *broken[] = {
        "\xff", "\x80", "a\xc0\x80z", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\xe2\x82", "\xc3",
        "ok\xc3(ok", "ok\xf0\x9f(\x80ok"
    };

    frame(&wire, FIN|TEXT, text);
    tells(&wire, "message a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|");

    len = strlen(text);

    for (i = 0; i <= len; i++) {
        frame_of(&wire, TEXT, text, i);
        frame(&wire, FIN|PING, "\xf0");
        frame_of(&wire, FIN|CONT, text + i, len - i);
        tells(&wire, "ping \xf0|message a\xc3\xa9\xe2\x82\xac"
                     "\xf0\x9f\x98\x80|");
    }

    frame(&wire, TEXT, "");

    for (p = text; *p; p++) {
        frame_of(&wire, CONT, p, 1);
        frame(&wire, CONT, "");
    }

    frame(&wire, FIN|CONT, "");
    tells(&wire, "message a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|");

    for (i = 0; i < check_nelts(broken); i++) {
        frame(&wire, FIN|TEXT, broken[i]);
        tells(&wire, "fail 1007|");

        len = strlen(broken[i]);
        frame_of(&wire, TEXT, broken[i], len / 2);
        frame_of(&wire, CONT, broken[i] + len / 2, len - len / 2);
        frame(&wire, FIN|CONT, "");
        tells(&wire, "fail 1007|");
    }

    /* a character does not go on in the next message */

    frame(&wire, FIN|TEXT, "\xc3");
    frame(&wire, FIN|TEXT, "\xa9");
    tells(&wire, "fail 1007|");

    /* and in the middle of a message it is seen before the end */

    frame(&wire, TEXT, "a\xff""bcd");
    tells(&wire, "fail 1007|");
}
END_TEST


/* Messages at random, in frames at random, in pieces at random. */
START_TEST(at_random)
{
    size_t              i, n, at, len, part;
    uint64_t            seed = 7;
    gmchat_buf_t        text = { 0 };
    gmchat_buf_t        wire = { 0 };
    gmchat_buf_t        told = { 0 };
    gmchat_buf_t        expected = { 0 };
    gmchat_websocket_t  ws = { 0 };

    for (i = 0; i < 300; i++) {
        gmchat_buf_add_text(&expected, "message ");
        gmchat_buf_reset(&text, SIZE_MAX);
        len = 1 + check_random_below(&seed, i % 10 ? 300 : 20000);

        for (n = 0; n < len; n++) {
            gmchat_buf_add(&text,
                           &"0123456789abcdef"[check_random_below(&seed, 16)],
                           1);
        }

        gmchat_buf_add(&expected, text.data, len);
        gmchat_buf_add_text(&expected, "|");

        for (at = 0; at < len; at += part) {
            part = 1 + check_random_below(&seed, len - at);
            frame_of(&wire, (at ? CONT : TEXT) | (at + part < len ? 0 : FIN),
                     text.data + at, part);
        }
    }

    for (at = 0; at < wire.len; at += part) {
        part = 1 + check_random_below(&seed, 9000);
        part = part < wire.len - at ? part : wire.len - at;
        feed(&ws, wire.data + at, part, 20000, &told);
    }

    is_idle(&ws);
    ck_assert_uint_eq(told.len, expected.len);
    ck_assert_mem_eq(told.data, expected.data, told.len);

    gmchat_buf_free(&text);
    gmchat_buf_free(&wire);
    gmchat_buf_free(&told);
    gmchat_buf_free(&expected);
}
END_TEST


/* Bytes at random end the connection or not, and break nothing. */
START_TEST(noise)
{
    size_t         i, n;
    uint64_t       seed = 11;
    unsigned char  bytes[64];
    gmchat_buf_t   told = { 0 };

    for (i = 0; i < 20000; i++) {
        gmchat_websocket_t  ws = { 0 };

        for (n = 0; n < sizeof(bytes); n++) {
            bytes[n] = check_random(&seed);
        }

        /* most would end at the first byte */

        bytes[0] &= 0x8f;
        bytes[1] |= 0x80;

        feed(&ws, bytes, check_random_below(&seed, sizeof(bytes)), 50, &told);
        gmchat_websocket_free(&ws);
        gmchat_buf_reset(&told, 512);
    }

    gmchat_buf_free(&told);
}
END_TEST


static void
read_all(void *data)
{
    gmchat_buf_t              *wire = data;
    const unsigned char       *pos, *last;
    gmchat_websocket_t         ws = { 0 };
    gmchat_websocket_event_e   event;

    pos = wire->data;
    last = pos + wire->len;

    do {
        event = gmchat_websocket_read(&ws, &pos, last, 5000);
    } while (event == GMCHAT_WS_MESSAGE || event == GMCHAT_WS_PING);

    if (failing_malloc_disarm()) {
        ck_assert_int_eq(event, GMCHAT_WS_FAIL);
        ck_assert_uint_eq(ws.code, 1011);

    } else {
        ck_assert_int_eq(event, GMCHAT_WS_MORE);
    }

    is_idle(&ws);
    ck_assert_ptr_eq(pos, last);
}


START_TEST(out_of_memory)
{
    char          text[2001];
    gmchat_buf_t  wire = { 0 };

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    frame(&wire, FIN|PING, "ping");
    frame(&wire, TEXT, text);
    frame(&wire, FIN|PING, "ping");
    frame(&wire, FIN|CONT, text);
    frame(&wire, FIN|TEXT, "short");

    /* a ping; 2048 and 4096 of the text; the short one */
    ck_assert_uint_eq(failing_malloc_each(read_all, &wire), 4);

    gmchat_buf_free(&wire);
}
END_TEST


START_TEST(no_context_read)
{
    gmchat_buf_t  wire = { 0 };

    no_context = 1;

    frame(&wire, FIN|TEXT, "a");
    tells(&wire, "fail 1011|");

    /* none is asked for while there is nothing to read */

    tells(&wire, "");
}
END_TEST


/* The first write of the process; the next one tries again. */
START_TEST(no_context_write)
{
    gmchat_buf_t  out = { 0 };

    no_context = 1;
    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, "a",
                                            1), -1);
    ck_assert_uint_eq(out.len, 0);

    no_context = 0;
    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, "a",
                                            1), 0);
    ck_assert_uint_eq(out.len, 3);
    gmchat_buf_free(&out);
}
END_TEST


START_TEST(written)
{
    size_t         i;
    unsigned char  text[65537];
    gmchat_buf_t   out = { 0 };

    static const struct {
        size_t       len;
        size_t       head_len;
        const char  *head;
    } frames[] = {
        { 0, 2, "\x81\x00" },
        { 1, 2, "\x81\x01" },
        { 125, 2, "\x81\x7d" },
        { 126, 4, "\x81\x7e\x00\x7e" },
        { 65535, 4, "\x81\x7e\xff\xff" },
        { 65536, 10, "\x81\x7f\0\0\0\0\0\x01\0\0" },
        { 65537, 10, "\x81\x7f\0\0\0\0\0\x01\0\x01" }
    };

    memset(text, 'x', sizeof(text));
    text[0] = 'a';

    for (i = 0; i < check_nelts(frames); i++) {
        gmchat_buf_add_text(&out, "before");
        ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME,
                                                text, frames[i].len), 0);

        ck_assert_uint_eq(out.len, 6 + frames[i].head_len + frames[i].len);
        ck_assert_mem_eq(out.data, "before", 6);
        ck_assert_mem_eq(out.data + 6, frames[i].head, frames[i].head_len);
        ck_assert_mem_eq(out.data + 6 + frames[i].head_len, text,
                         frames[i].len);
        gmchat_buf_free(&out);
    }

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, NULL,
                                            0), 0);
    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_PING_FRAME, "i",
                                            1), 0);
    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_PONG_FRAME, "",
                                            0), 0);
    ck_assert_uint_eq(out.len, 7);
    ck_assert_mem_eq(out.data, "\x81\x00\x89\x01i\x8a\x00", 7);
    gmchat_buf_free(&out);
}
END_TEST


/* The length of a frame of `len` bytes, of whose bytes `have` are there. */
static size_t
frame_len(const gmchat_buf_t *out, size_t have)
{
    size_t          len;
    unsigned char  *copy;

    copy = check_exact(out->data, have);
    len = gmchat_websocket_frame_len(copy, have);
    free(copy);

    return len;
}


/* A frame tells its length as soon as its header is whole. */
START_TEST(frame_lengths)
{
    size_t         i, have;
    gmchat_buf_t   out = { 0 };

    static const unsigned char  text[65537];

    static const struct {
        size_t   len;
        size_t   head_len;
    } frames[] = {
        { 0, 2 }, { 1, 2 }, { 125, 2 }, { 126, 4 }, { 127, 4 }, { 255, 4 },
        { 256, 4 }, { 65535, 4 }, { 65536, 10 }, { 65537, 10 }
    };

    for (i = 0; i < check_nelts(frames); i++) {
        out.len = 0;
        ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME,
                                                text, frames[i].len), 0);
        ck_assert_uint_eq(out.len, frames[i].head_len + frames[i].len);

        for (have = 0; have < frames[i].head_len; have++) {
            ck_assert_uint_eq(frame_len(&out, have), 0);
        }

        ck_assert_uint_eq(frame_len(&out, have), out.len);
        ck_assert_uint_eq(frame_len(&out, out.len), out.len);
    }

    gmchat_buf_free(&out);
}
END_TEST


START_TEST(written_control_lengths)
{
    char          text[GMCHAT_WS_REASON_MAX + 2];
    gmchat_buf_t  out = { 0 };

    memset(text, 'x', sizeof(text));

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_PONG_FRAME, text,
                                            125), 0);
    ck_assert_uint_eq(out.len, 127);

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_PONG_FRAME,
                                            (char[126]) { 0 }, 126), -1);
    ck_assert_uint_eq(out.len, 127);

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, text,
                                            SIZE_MAX), -1);
    ck_assert_uint_eq(out.len, 127);
    ck_assert_int_eq(out.failed, 0);

    /* what was refused leaves nothing behind */

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_PING_FRAME, "",
                                            0), 0);
    ck_assert_uint_eq(out.len, 129);
    ck_assert_mem_eq(out.data + 127, "\x89\x00", 2);
    gmchat_buf_free(&out);
}
END_TEST


START_TEST(written_close)
{
    char          reason[GMCHAT_WS_REASON_MAX + 2];
    gmchat_buf_t  out = { 0 };

    ck_assert_int_eq(gmchat_websocket_write_close(&out, GMCHAT_WS_GOING_AWAY,
                                                  "bye"), 0);
    ck_assert_int_eq(gmchat_websocket_write_close(&out, GMCHAT_WS_NORMAL, ""),
                     0);
    ck_assert_int_eq(gmchat_websocket_write_close(&out, GMCHAT_WS_NO_CODE,
                                                  "unused"), 0);
    ck_assert_uint_eq(out.len, 13);
    ck_assert_mem_eq(out.data, "\x88\x05\x03\xe9""bye\x88\x02\x03\xe8\x88\x00",
                     13);
    gmchat_buf_free(&out);

    memset(reason, 'x', sizeof(reason));
    reason[GMCHAT_WS_REASON_MAX + 1] = '\0';
    ck_assert_int_eq(gmchat_websocket_write_close(&out, 1000, reason), -1);
    ck_assert_uint_eq(out.len, 0);

    reason[GMCHAT_WS_REASON_MAX] = '\0';
    ck_assert_int_eq(gmchat_websocket_write_close(&out, 1000, reason), 0);
    ck_assert_uint_eq(out.len, 127);
    gmchat_buf_free(&out);
}
END_TEST


static void
write_some(void *data)
{
    int           failed;
    gmchat_buf_t  out = { 0 };

    failed = gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, data, 300);
    failed |= gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, data, 300);

    ck_assert_int_eq(failed, failing_malloc_disarm() ? -1 : 0);
    ck_assert_int_eq(out.failed, failed ? 1 : 0);
    ck_assert_uint_eq(out.len % 304, 0);
    gmchat_buf_free(&out);

    /* the frame of another connection is whole */

    ck_assert_int_eq(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, "a",
                                            1), 0);
    ck_assert_uint_eq(out.len, 3);
    ck_assert_mem_eq(out.data, "\x81\x01""a", 3);
    gmchat_buf_free(&out);
}


/* 512 bytes hold the text, but not its header: there is one allocation. */
static void
write_to_the_brim(void *data)
{
    int            failed;
    unsigned char  text[510] = { 0 };
    gmchat_buf_t   out = { 0 };

    (void) data;

    failed = gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME, text,
                                    sizeof(text));

    ck_assert_int_eq(failed, failing_malloc_disarm() ? -1 : 0);
    ck_assert_uint_eq(out.len, failed ? 0 : 4 + sizeof(text));
    gmchat_buf_free(&out);
}


START_TEST(written_without_memory)
{
    char  text[300];

    memset(text, 'x', sizeof(text));
    ck_assert_uint_eq(failing_malloc_each(write_some, text), 2);
    ck_assert_uint_eq(failing_malloc_each(write_to_the_brim, NULL), 1);
}
END_TEST


START_TEST(keys)
{
    size_t        i;
    gmchat_str_t  key;

    static const struct {
        const char  *text;
        int          valid;
    } rows[] = {
        { "dGhlIHNhbXBsZSBub25jZQ==", 1 },
        { "AAAAAAAAAAAAAAAAAAAAAA==", 1 },
        { "", 0 },
        { "dGhlIHNhbXBsZSBub25jZQ", 0 },
        { "dGhlIHNhbXBsZSBub25jZQ= ", 0 },
        { "dGhlIHNhbXBsZSBub25jZR==", 0 },
        { "dGhlIHNhbXBsZSBub25jZQE=", 0 },
        { "dGhlIHNhbXBsZSBub25jZQEB", 0 },
        { "dGhlIHNhbXBsZSBub25j", 0 },
        { "dGhlIHNhbXBsZSBub25jZQ==dGhl", 0 },
        { "dGhlIHNhbXBs-SBub25jZQ==", 0 }
    };

    for (i = 0; i < check_nelts(rows); i++) {
        key.len = strlen(rows[i].text);
        key.data = check_exact(rows[i].text, key.len);
        ck_assert_msg(gmchat_websocket_key_valid(&key) == rows[i].valid, "%s",
                      rows[i].text);
        free(key.data);
    }
}
END_TEST


int
main(void)
{
    TCase  *tc;

    tc = check_begin("gmchat_websocket");

    tcase_add_test(tc, every_kind);
    tcase_add_test(tc, every_pair);
    tcase_add_test(tc, fragments);
    tcase_add_test(tc, out_of_order);
    tcase_add_test(tc, no_mask);
    tcase_add_test(tc, first_bytes);
    tcase_add_test(tc, control_lengths);
    tcase_add_test(tc, length_forms);
    tcase_add_test(tc, announced);
    tcase_add_test(tc, cap);
    tcase_add_test(tc, fragments_without_end);
    tcase_add_test(tc, many_pings);
    tcase_add_test(tc, events_one_by_one);
    tcase_add_test(tc, close_codes);
    tcase_add_test(tc, close_reasons);
    tcase_add_test(tc, nothing_after_the_end);
    tcase_add_test(tc, utf8);
    tcase_add_test(tc, at_random);
    tcase_add_test(tc, noise);
    tcase_add_test(tc, out_of_memory);
    tcase_add_test(tc, no_context_read);
    tcase_add_test(tc, no_context_write);
    tcase_add_test(tc, written);
    tcase_add_test(tc, frame_lengths);
    tcase_add_test(tc, written_control_lengths);
    tcase_add_test(tc, written_close);
    tcase_add_test(tc, written_without_memory);
    tcase_add_test(tc, keys);

    return check_end();
}

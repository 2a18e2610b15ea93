#include <stdlib.h>

#include "fuzz.h"
#include "fuzz_plain.h"
#include "gmchat_utf8.h"
#include "gmchat_websocket.h"


/*
 * What a WebSocket's client sends, behind a character that says how long a
 * message may be.  The events are held against a plain reading of RFC 6455;
 * each message, sent back and masked, comes again.
 */


#define FUZZ_CONT  0x0
#define FUZZ_TEXT  0x1
#define FUZZ_BIN   0x2


typedef struct {
    const unsigned char  *data;         /* its payload, masked */
    const unsigned char  *mask;
    size_t                len;          /* of the payload */
    size_t                have;         /* of that, what arrived */
    unsigned              opcode;
    unsigned              fin:1;
    unsigned              wrong:1;      /* by its header */
} fuzz_frame_t;

typedef struct {
    fuzz_t                notes;
    gmchat_buf_t          text;
    size_t                max;
    unsigned              open:1;
    unsigned              ended:1;
    unsigned              cut:1;        /* within a frame whose header alone
                                           arrived: a failure may follow */
} fuzz_reader_t;


static void
fuzz_ws_note(fuzz_t *f, gmchat_websocket_event_e event, unsigned code,
    const gmchat_str_t *message)
{
    fuzz_note(f, "\n%d", event);

    if (event == GMCHAT_WS_FAIL || event == GMCHAT_WS_CLOSE) {
        fuzz_note(f, " %u", code);
    }

    if (event != GMCHAT_WS_FAIL) {
        fuzz_note_bytes(f, "", message->data, message->len);
    }
}


/* Sends a message back, and reads it as its own client's. */

static void
fuzz_ws_again(const gmchat_str_t *message)
{
    size_t                i, head;
    gmchat_buf_t          out = { 0 }, in = { 0 };
    gmchat_websocket_t    ws;
    const unsigned char  *pos;
    static const unsigned char  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    fuzz_must(gmchat_websocket_write(&out, GMCHAT_WS_TEXT_FRAME,
                                     message->data, message->len)
              == 0);
    head = out.len - message->len;
    fuzz_must(head == (message->len < 126 ? 2 : message->len < 65536 ? 4
                                                                     : 10));

    for (i = 0; i <= out.len; i++) {
        fuzz_must(gmchat_websocket_frame_len(out.data, i)
                  == (i < head ? 0 : out.len));
    }

    gmchat_buf_add(&in, out.data, out.len);
    in.data[1] |= 0x80;
    in.len = head;
    gmchat_buf_add(&in, mask, 4);

    for (i = 0; i < message->len; i++) {
        gmchat_buf_add(&in, &(unsigned char) {
                           (unsigned char) (message->data[i] ^ mask[i % 4])
                       }, 1);
    }

    memset(&ws, 0, sizeof(ws));
    pos = in.data;
    fuzz_must(gmchat_websocket_read(&ws, &pos, in.data + in.len, message->len)
              == GMCHAT_WS_MESSAGE);
    fuzz_must(fuzz_same(&ws.message, message));

    gmchat_websocket_free(&ws);
    gmchat_buf_free(&in);
    gmchat_buf_free(&out);
}


static void
fuzz_ws_key(const gmchat_str_t *message)
{
    int64_t  n;

    fuzz_must(gmchat_websocket_key_valid(message)
              == (fuzz_base64(message, &n) && n == 16));
}


static void
fuzz_ws_event(fuzz_t *f, gmchat_websocket_event_e event,
    const gmchat_websocket_t *ws, size_t max)
{
    fuzz_must(ws->message.data != NULL);
    fuzz_ws_note(f, event, ws->code, &ws->message);

    switch (event) {

    case GMCHAT_WS_MESSAGE:
        fuzz_must(ws->message.len <= max && fuzz_utf8(&ws->message));
        fuzz_ws_key(&ws->message);

        if (!f->starved) {
            fuzz_ws_again(&ws->message);
        }

        break;

    case GMCHAT_WS_PING:
    case GMCHAT_WS_PONG:
        fuzz_must(ws->message.len <= 125);
        break;

    case GMCHAT_WS_CLOSE:
        fuzz_must(ws->message.len <= GMCHAT_WS_REASON_MAX);
        fuzz_must(fuzz_utf8(&ws->message));
        break;

    default: /* GMCHAT_WS_FAIL */
        fuzz_must(ws->ended);
        fuzz_must_fed(f, ws->code != GMCHAT_WS_NO_MEMORY);
    }
}


/* The plain reading.  Gives the header's length, or 0 if it is not whole. */

static size_t
fuzz_frame_head(fuzz_frame_t *frame, const unsigned char *data, size_t len)
{
    size_t    i, head;
    uint64_t  n;

    memset(frame, 0, sizeof(fuzz_frame_t));

    if (len < 2) {
        return 0;
    }

    n = data[1] & 0x7f;
    head = n < 126 ? 2 : n == 126 ? 4 : 10;

    if (len < head + (data[1] >> 7) * 4u) {
        return 0;
    }

    if (n >= 126) {
        for (n = 0, i = 2; i < head; i++) {
            n = n << 8 | data[i];
        }

        frame->wrong = head == 4 ? n < 126 : n < 65536 || n >> 63;
    }

    frame->opcode = data[0] & 0x0f;
    frame->fin = data[0] >> 7;
    frame->wrong |= (data[0] & 0x70) != 0 || !(data[1] >> 7);

    if (frame->opcode >= 8) {
        frame->wrong |= n > 125 || !frame->fin || frame->opcode > 10;

    } else {
        frame->wrong |= frame->opcode > FUZZ_BIN;
    }

    frame->mask = data + head;
    head += (data[1] >> 7) * 4u;
    frame->data = data + head;
    frame->len = n;
    frame->have = len - head < n ? len - head : n;

    return head;
}


static void
fuzz_reader_fail(fuzz_reader_t *r, unsigned code)
{
    fuzz_ws_note(&r->notes, GMCHAT_WS_FAIL, code, NULL);
    r->ended = 1;
}


static int
fuzz_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
           || (code >= 3000 && code <= 4999);
}


static void
fuzz_reader_close(fuzz_reader_t *r, gmchat_str_t *message)
{
    unsigned  code;

    code = GMCHAT_WS_NO_CODE;

    if (message->len) {
        code = message->len < 2 ? 0 : (unsigned) message->data[0] << 8
                                      | message->data[1];

        if (!fuzz_close_code(code)) {
            fuzz_reader_fail(r, GMCHAT_WS_PROTOCOL);
            return;
        }

        message->data += 2;
        message->len -= 2;
    }

    if (!fuzz_utf8(message)) {
        fuzz_reader_fail(r, GMCHAT_WS_NOT_UTF8);
        return;
    }

    fuzz_ws_note(&r->notes, GMCHAT_WS_CLOSE, code, message);
    r->ended = 1;
}


static void
fuzz_reader_control(fuzz_reader_t *r, const fuzz_frame_t *frame)
{
    size_t         i;
    gmchat_str_t   message;
    unsigned char  payload[125];

    if (frame->have < frame->len) {
        return;
    }

    for (i = 0; i < frame->len; i++) {
        payload[i] = frame->data[i] ^ frame->mask[i % 4];
    }

    message.data = payload;
    message.len = frame->len;

    if (frame->opcode == GMCHAT_WS_CLOSE_FRAME) {
        fuzz_reader_close(r, &message);
        return;
    }

    fuzz_ws_note(&r->notes, frame->opcode == GMCHAT_WS_PING_FRAME
                                ? GMCHAT_WS_PING : GMCHAT_WS_PONG,
                 0, &message);
}


static void
fuzz_reader_data(fuzz_reader_t *r, const fuzz_frame_t *frame)
{
    size_t         i, tail;
    gmchat_str_t   message;
    unsigned char  c;

    if (frame->opcode == FUZZ_BIN) {
        fuzz_reader_fail(r, GMCHAT_WS_BINARY);
        return;
    }

    if (r->text.len + frame->len > r->max) {
        fuzz_reader_fail(r, GMCHAT_WS_TOO_BIG);
        return;
    }

    r->open = 1;

    for (i = 0; i < frame->have; i++) {
        c = frame->data[i] ^ frame->mask[i % 4];
        gmchat_buf_add(&r->text, &c, 1);
    }

    message.data = r->text.data;
    message.len = r->text.len;

    /* what may become a character is up to 3 bytes */

    tail = message.len - gmchat_utf8_valid(message.data, message.len);

    if (tail > 3 || (tail && frame->fin && frame->have == frame->len)) {
        fuzz_reader_fail(r, GMCHAT_WS_NOT_UTF8);
        return;
    }

    if (frame->fin && frame->have == frame->len) {
        fuzz_ws_note(&r->notes, GMCHAT_WS_MESSAGE, 0, &message);
        r->text.len = 0;
        r->open = 0;
    }
}


/* Takes a frame; returns how many bytes it has, or 0 at the end. */

static size_t
fuzz_reader_frame(fuzz_reader_t *r, const unsigned char *data, size_t len)
{
    size_t        head;
    fuzz_frame_t  frame;

    head = fuzz_frame_head(&frame, data, len);

    if (head == 0 || (frame.have == 0 && frame.len)) {
        r->cut = 1;
        return 0;
    }

    if (frame.opcode < 8) {
        frame.wrong |= (frame.opcode == FUZZ_CONT) != r->open;
    }

    if (frame.wrong) {
        fuzz_reader_fail(r, GMCHAT_WS_PROTOCOL);

    } else if (frame.opcode >= 8) {
        fuzz_reader_control(r, &frame);

    } else {
        fuzz_reader_data(r, &frame);
    }

    return frame.have < frame.len ? 0 : head + frame.len;
}


static void
fuzz_ws_compare(const fuzz_t *f, const gmchat_str_t *wire, size_t max)
{
    size_t         at, n;
    fuzz_reader_t  r;

    memset(&r, 0, sizeof(r));
    r.max = max;

    for (at = 0; !r.ended && at < wire->len; at += n) {
        n = fuzz_reader_frame(&r, wire->data + at, wire->len - at);

        if (n == 0) {
            break;
        }
    }

    fuzz_must(f->len == r.notes.len || (r.cut && f->len > r.notes.len));
    fuzz_must(r.notes.len == 0
              || memcmp(f->notes, r.notes.notes, r.notes.len) == 0);
    fuzz_must(f->len == r.notes.len
              || memcmp(f->notes + r.notes.len, "\n5 1002", 7) == 0);

    free(r.notes.notes);
    gmchat_buf_free(&r.text);
}


void
fuzz_run(fuzz_t *f)
{
    size_t                      len, max;
    gmchat_str_t                wire;
    unsigned char              *piece;
    gmchat_websocket_t          ws;
    const unsigned char        *pos;
    gmchat_websocket_event_e    event;
    static const size_t         maxes[] = { 1000, 0, 10, 100000 };

    max = maxes[fuzz_below(f, 4)];
    wire.data = (unsigned char *) f->pos;
    wire.len = (size_t) (f->last - f->pos);
    memset(&ws, 0, sizeof(ws));

    while ((piece = fuzz_piece(f, &len)) != NULL) {
        pos = piece;

        while ((event = gmchat_websocket_read(&ws, &pos, piece + len, max))
               != GMCHAT_WS_MORE)
        {
            fuzz_must(pos >= piece && pos <= piece + len);
            fuzz_ws_event(f, event, &ws, max);
        }

        fuzz_must(pos == piece + len);
        free(piece);
    }

    if (!f->starved) {
        fuzz_ws_compare(f, &wire, max);
    }

    gmchat_websocket_free(&ws);
}

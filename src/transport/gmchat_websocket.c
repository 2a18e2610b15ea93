#include <wslay/wslay.h>

#include "gmchat_base64.h"
#include "gmchat_utf8.h"
#include "gmchat_websocket.h"


/* of a frame that is sent, which has no mask */
#define GMCHAT_WS_HEADER_MAX  10

/* RFC 6455, section 4.1: bytes of the nonce that the key stands for */
#define GMCHAT_WS_NONCE       16


typedef struct {
    unsigned  first;
    unsigned  last;
} gmchat_websocket_codes_t;


/* The codes that a close may bear: section 7.4 and IANA's registry. */
static const gmchat_websocket_codes_t  gmchat_websocket_codes[] = {
    { 1000, 1003 },
    { 1007, 1014 },
    { 3000, 4999 },
    { 0, 0 }
};


/*
 * Sends for all connections: between two writes it is at a frame's end.  It
 * stays as long as the process.
 */
static struct {
    wslay_frame_context_ptr  frames;
    gmchat_buf_t            *out;
} gmchat_websocket_sender;


static ssize_t
gmchat_websocket_feed(uint8_t *buf, size_t len, int flags, void *data)
{
    size_t               n;
    gmchat_websocket_t  *ws = data;

    (void) flags;

    n = (size_t) (ws->last - ws->pos);

    if (n == 0) {
        return -1;
    }

    if (n > len) {
        n = len;
    }

    memcpy(buf, ws->pos, n);
    ws->pos += n;
    ws->fed += n;

    return (ssize_t) n;
}


static const struct wslay_frame_callbacks  gmchat_websocket_receiving = {
    NULL, gmchat_websocket_feed, NULL
};


static void
gmchat_websocket_free_frames(gmchat_websocket_t *ws)
{
    wslay_frame_context_free(ws->frames);
    ws->frames = NULL;
    ws->fed = 0;
    ws->got = 0;
}


/* The last `len` bytes of the data are what an event tells of. */
static void
gmchat_websocket_give(gmchat_websocket_t *ws, size_t len)
{
    ws->data.len -= len;
    ws->message.len = len;
    ws->message.data = ws->data.data ? ws->data.data + ws->data.len
                                     : (unsigned char *) "";
}


static gmchat_websocket_event_e
gmchat_websocket_fail(gmchat_websocket_t *ws, unsigned code)
{
    gmchat_buf_free(&ws->data);
    gmchat_websocket_give(ws, 0);
    ws->code = code;

    return GMCHAT_WS_FAIL;
}


static int
gmchat_websocket_code_valid(unsigned code)
{
    const gmchat_websocket_codes_t  *codes;

    for (codes = gmchat_websocket_codes; codes->last; codes++) {
        if (code >= codes->first && code <= codes->last) {
            return 1;
        }
    }

    return 0;
}


/* Checks the frame that begins; returns 0, or the code to fail with. */
static unsigned
gmchat_websocket_begin(gmchat_websocket_t *ws,
    const struct wslay_frame_iocb *frame, size_t message_max)
{
    if (frame->rsv || !frame->mask) {
        return GMCHAT_WS_PROTOCOL;
    }

    switch (frame->opcode) {

    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return 0;

    case WSLAY_CONTINUATION_FRAME:
        if (!ws->open) {
            return GMCHAT_WS_PROTOCOL;
        }

        break;

    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        if (ws->open) {
            return GMCHAT_WS_PROTOCOL;
        }

        break;

    default:
        return GMCHAT_WS_PROTOCOL;
    }

    if (frame->opcode == WSLAY_BINARY_FRAME) {
        return GMCHAT_WS_BINARY;
    }

    /* wslay takes no length from 2^63 on */

    if (ws->data.len + frame->payload_length > message_max) {
        return GMCHAT_WS_TOO_BIG;
    }

    ws->open = 1;

    return 0;
}


/*
 * Checks the last `len` bytes of the text; returns 0, or -1 if they are not
 * UTF-8 whatever may follow.
 */
static int
gmchat_websocket_check_text(gmchat_websocket_t *ws, size_t len)
{
    if (len == 0) {
        return 0;
    }

    len += ws->rest;
    len -= gmchat_utf8_valid(ws->data.data + ws->data.len - len, len);

    /* no character has more than 4 bytes */

    if (len > 3) {
        return -1;
    }

    ws->rest = (unsigned) len;

    return 0;
}


static gmchat_websocket_event_e
gmchat_websocket_end_close(gmchat_websocket_t *ws)
{
    gmchat_str_t  *message = &ws->message;

    if (message->len == 0) {
        ws->code = GMCHAT_WS_NO_CODE;
        return GMCHAT_WS_CLOSE;
    }

    if (message->len == 1) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_PROTOCOL);
    }

    ws->code = (unsigned) message->data[0] << 8 | message->data[1];
    message->data += 2;
    message->len -= 2;

    if (!gmchat_websocket_code_valid(ws->code)) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_PROTOCOL);
    }

    if (gmchat_utf8_valid(message->data, message->len) != message->len) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_NOT_UTF8);
    }

    return GMCHAT_WS_CLOSE;
}


static gmchat_websocket_event_e
gmchat_websocket_end_control(gmchat_websocket_t *ws,
    const struct wslay_frame_iocb *frame)
{
    gmchat_websocket_give(ws, (size_t) frame->payload_length);

    switch (frame->opcode) {

    case WSLAY_PING:
        return GMCHAT_WS_PING;

    case WSLAY_PONG:
        return GMCHAT_WS_PONG;

    default:
        return gmchat_websocket_end_close(ws);
    }
}


static gmchat_websocket_event_e
gmchat_websocket_end_data(gmchat_websocket_t *ws,
    const struct wslay_frame_iocb *frame)
{
    if (!frame->fin) {
        return GMCHAT_WS_MORE;
    }

    if (ws->rest) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_NOT_UTF8);
    }

    ws->open = 0;
    gmchat_websocket_give(ws, ws->data.len);

    return GMCHAT_WS_MESSAGE;
}


/* Of a frame that the peer masked. */
static size_t
gmchat_websocket_header_len(uint64_t payload_length)
{
    if (payload_length < 126) {
        return 6;
    }

    return payload_length < 65536 ? 8 : 14;
}


/* Takes a piece of a frame. */
static gmchat_websocket_event_e
gmchat_websocket_take(gmchat_websocket_t *ws,
    const struct wslay_frame_iocb *frame, size_t message_max)
{
    int       control;
    unsigned  code;

    /* only an empty frame has an empty piece */

    if (ws->got == 0) {
        code = gmchat_websocket_begin(ws, frame, message_max);
        if (code) {
            return gmchat_websocket_fail(ws, code);
        }
    }

    gmchat_buf_add(&ws->data, frame->data, frame->data_length);
    if (ws->data.failed) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_NO_MEMORY);
    }

    ws->got += frame->data_length;
    control = wslay_is_ctrl_frame(frame->opcode);

    if (!control && gmchat_websocket_check_text(ws, frame->data_length) != 0) {
        return gmchat_websocket_fail(ws, GMCHAT_WS_NOT_UTF8);
    }

    if (ws->got < frame->payload_length) {
        return GMCHAT_WS_MORE;
    }

    ws->fed -= gmchat_websocket_header_len(ws->got) + ws->got;
    ws->got = 0;

    return control ? gmchat_websocket_end_control(ws, frame)
                   : gmchat_websocket_end_data(ws, frame);
}


static gmchat_websocket_event_e
gmchat_websocket_read_frames(gmchat_websocket_t *ws, size_t message_max)
{
    ssize_t                   n;
    struct wslay_frame_iocb   frame;
    gmchat_websocket_event_e  event;

    if (ws->frames == NULL
        && wslay_frame_context_init(&ws->frames, &gmchat_websocket_receiving,
                                    ws)
           != 0)
    {
        return gmchat_websocket_fail(ws, GMCHAT_WS_NO_MEMORY);
    }

    do {
        n = wslay_frame_recv(ws->frames, &frame);

        if (n == WSLAY_ERR_WANT_READ) {
            return GMCHAT_WS_MORE;
        }

        if (n < 0) {
            return gmchat_websocket_fail(ws, GMCHAT_WS_PROTOCOL);
        }

        event = gmchat_websocket_take(ws, &frame, message_max);

    } while (event == GMCHAT_WS_MORE);

    return event;
}


gmchat_websocket_event_e
gmchat_websocket_read(gmchat_websocket_t *ws, const unsigned char **pos,
    const unsigned char *last, size_t message_max)
{
    gmchat_websocket_event_e  event;

    /* what the last event gave */

    if (ws->data.len == 0) {
        gmchat_buf_free(&ws->data);
    }

    gmchat_websocket_give(ws, 0);

    if (ws->ended || (*pos == last && ws->frames == NULL)) {
        *pos = last;
        return GMCHAT_WS_MORE;
    }

    ws->pos = *pos;
    ws->last = last;

    event = gmchat_websocket_read_frames(ws, message_max);

    *pos = ws->pos;

    if (event == GMCHAT_WS_FAIL || event == GMCHAT_WS_CLOSE) {
        ws->ended = 1;
        *pos = last;
    }

    if (ws->ended || ws->fed == 0) {
        gmchat_websocket_free_frames(ws);
    }

    return event;
}


void
gmchat_websocket_free(gmchat_websocket_t *ws)
{
    wslay_frame_context_free(ws->frames);
    gmchat_buf_free(&ws->data);
    memset(ws, 0, sizeof(gmchat_websocket_t));
}


static ssize_t
gmchat_websocket_send(const uint8_t *data, size_t len, int flags, void *unused)
{
    (void) flags;
    (void) unused;

    gmchat_buf_add(gmchat_websocket_sender.out, data, len);

    return (ssize_t) len;
}


static const struct wslay_frame_callbacks  gmchat_websocket_sending = {
    gmchat_websocket_send, NULL, NULL
};


int
gmchat_websocket_write(gmchat_buf_t *out, unsigned opcode, const void *data,
    size_t len)
{
    ssize_t                  n;
    struct wslay_frame_iocb  frame;

    if (gmchat_websocket_sender.frames == NULL
        && wslay_frame_context_init(&gmchat_websocket_sender.frames,
                                    &gmchat_websocket_sending, NULL)
           != 0)
    {
        return -1;
    }

    /* the sender must not be left within a frame, so there is room for all */

    if (len > SIZE_MAX / 4
        || gmchat_buf_reserve(out, GMCHAT_WS_HEADER_MAX + len) == NULL)
    {
        return -1;
    }

    memset(&frame, 0, sizeof(frame));
    frame.fin = 1;
    frame.opcode = (uint8_t) opcode;
    frame.payload_length = len;
    frame.data = data;
    frame.data_length = len;

    gmchat_websocket_sender.out = out;
    n = wslay_frame_send(gmchat_websocket_sender.frames, &frame);
    gmchat_websocket_sender.out = NULL;

    return n == (ssize_t) len ? 0 : -1;
}


int
gmchat_websocket_write_close(gmchat_buf_t *out, unsigned code,
    const char *reason)
{
    size_t         len;
    unsigned char  payload[2 + GMCHAT_WS_REASON_MAX];

    if (code == GMCHAT_WS_NO_CODE) {
        return gmchat_websocket_write(out, WSLAY_CONNECTION_CLOSE, "", 0);
    }

    len = strlen(reason);

    if (len > GMCHAT_WS_REASON_MAX) {
        return -1;
    }

    payload[0] = (unsigned char) (code >> 8);
    payload[1] = (unsigned char) code;
    memcpy(payload + 2, reason, len);

    return gmchat_websocket_write(out, WSLAY_CONNECTION_CLOSE, payload,
                                  2 + len);
}


int
gmchat_websocket_key_valid(const gmchat_str_t *key)
{
    return key->len == gmchat_base64_encoded_len(GMCHAT_WS_NONCE)
           && gmchat_base64_valid(key->data, key->len)
           && gmchat_base64_decoded_len(key->data, key->len)
              == GMCHAT_WS_NONCE;
}


size_t
gmchat_websocket_frame_len(const unsigned char *data, size_t len)
{
    size_t  i, header, payload;

    if (len < 2) {
        return 0;
    }

    payload = data[1];
    header = payload < 126 ? 2 : payload == 126 ? 4 : 10;

    if (header == 2) {
        return 2 + payload;
    }

    if (len < header) {
        return 0;
    }

    payload = 0;

    for (i = 2; i < header; i++) {
        payload = payload << 8 | data[i];
    }

    return header + payload;
}

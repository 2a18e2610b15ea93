#ifndef GMCHAT_WEBSOCKET_H
#define GMCHAT_WEBSOCKET_H


#include "gmchat_buf.h"


/*
 * The server's side of a WebSocket connection (RFC 6455), after the handshake:
 * from bytes to text messages and back.  Extensions are not spoken, binary
 * messages not taken.
 */


/* What is hashed behind the client's key for Sec-WebSocket-Accept. */
#define GMCHAT_WS_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* The longest reason of a close: a control frame less its code. */
#define GMCHAT_WS_REASON_MAX  123


typedef enum {
    GMCHAT_WS_TEXT_FRAME = 0x1,
    GMCHAT_WS_CLOSE_FRAME = 0x8,
    GMCHAT_WS_PING_FRAME = 0x9,
    GMCHAT_WS_PONG_FRAME = 0xa
} gmchat_websocket_opcode_e;


/* Close codes. */

typedef enum {
    GMCHAT_WS_NORMAL = 1000,
    GMCHAT_WS_GOING_AWAY = 1001,
    GMCHAT_WS_PROTOCOL = 1002,
    GMCHAT_WS_BINARY = 1003,
    GMCHAT_WS_NO_CODE = 1005,       /* the frame bears none */
    GMCHAT_WS_NOT_UTF8 = 1007,
    GMCHAT_WS_POLICY = 1008,
    GMCHAT_WS_TOO_BIG = 1009,
    GMCHAT_WS_NO_MEMORY = 1011,
    GMCHAT_WS_TRY_LATER = 1013
} gmchat_websocket_code_e;


typedef enum {
    GMCHAT_WS_MORE = 0,     /* all bytes are taken, nothing is whole */
    GMCHAT_WS_MESSAGE,      /* `message`: a text, UTF-8 */
    GMCHAT_WS_PING,         /* `message`: to be sent back in a pong */
    GMCHAT_WS_PONG,         /* `message`: its payload */
    GMCHAT_WS_CLOSE,        /* `code`: the peer's, or GMCHAT_WS_NO_CODE;
                               `message`: its reason, UTF-8 */
    GMCHAT_WS_FAIL          /* `code`: why, to be sent in a close */
} gmchat_websocket_event_e;


/*
 * A connection.  Zeroes are a new one; it stays at its address.  Between two
 * frames outside of a message it holds no memory of its own; within a frame it
 * holds some 4 KB, and within a message what has arrived of it.
 */

typedef struct {
    gmchat_str_t                 message;   /* of the last event; data is not
                                               NULL, even if it is empty */
    unsigned                     code;      /* likewise */

    /* internal */

    unsigned                     open:1;    /* a message has begun */
    unsigned                     ended:1;   /* by a close or a failure */
    unsigned                     rest:2;    /* last bytes of the text that may
                                               become a character */
    struct wslay_frame_context  *frames;    /* while it holds something */
    const unsigned char         *pos;       /* what it is fed from */
    const unsigned char         *last;
    size_t                       fed;       /* bytes, less those of frames
                                               that are whole */
    size_t                       got;       /* payload of the frame so far */
    gmchat_buf_t                 data;      /* the text so far, and behind it
                                               that of a control frame */
} gmchat_websocket_t;


/*
 * Reads from *pos on and moves it; some of what it moved over may wait inside.
 * So it is called until it returns GMCHAT_WS_MORE, also where *pos is `last`;
 * it may be left alone after an event and called again later.  What an event
 * gave is valid until the next call.  A failed or closed connection takes all
 * bytes, drops them and returns GMCHAT_WS_MORE.
 *
 * A message of `message_max` bytes is still taken.  One that announces more,
 * all its frames together, fails with GMCHAT_WS_TOO_BIG at the first byte that
 * follows the header: no length that the peer only names costs memory.
 */
gmchat_websocket_event_e gmchat_websocket_read(gmchat_websocket_t *ws,
    const unsigned char **pos, const unsigned char *last, size_t message_max);

/* Frees what it holds; then it is new. */
void gmchat_websocket_free(gmchat_websocket_t *ws);


/*
 * Adds one frame, final and unmasked.  Returns 0, or -1 and adds nothing:
 * without memory, when `out` has failed, or for a control frame of more than
 * 125 bytes.
 */
int gmchat_websocket_write(gmchat_buf_t *out, unsigned opcode,
    const void *data, size_t len);

/*
 * Adds a close; its `reason` is UTF-8, "" is none.  GMCHAT_WS_NO_CODE gives
 * one without code and reason, as the answer to such.  Returns 0, or -1 as
 * above or for a reason above GMCHAT_WS_REASON_MAX.
 */
int gmchat_websocket_write_close(gmchat_buf_t *out, unsigned code,
    const char *reason);


/* The length of an unmasked frame, by its header; 0 if that is not whole. */
size_t gmchat_websocket_frame_len(const unsigned char *data, size_t len);

/* Whether a Sec-WebSocket-Key is one: base64 of 16 bytes. */
int gmchat_websocket_key_valid(const gmchat_str_t *key);


#endif /* GMCHAT_WEBSOCKET_H */

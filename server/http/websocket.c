#include "http/websocket.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "base/buf.h"
#include "base/memory.h"

#define KEY_SUFFIX     "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_SUFFIX_LEN (sizeof(KEY_SUFFIX) - 1)
#define KEY_BYTES      16

/* A message in more pieces than that is an attack on the memory that each piece takes. */
#define FRAGMENTS_MAX 64

struct tb_websocket {
    wslay_event_context_ptr wslay;
    tb_websocket_on_text *on_text;
    void *ctx;
    struct tb_str input; /* what is left of the bytes that are being taken */
    struct tb_buf output;
    unsigned fragments; /* of the message that is being received */
    bool closing;       /* by us */
    bool broken;        /* what came is no frame */
};

bool tb_websocket_accept(struct tb_str key, char accept[TB_WEBSOCKET_ACCEPT_LEN])
{
    unsigned char bytes[KEY_BYTES], digest[SHA_DIGEST_LENGTH];
    char joined[TB_WEBSOCKET_KEY_LEN + KEY_SUFFIX_LEN], encoded[TB_WEBSOCKET_ACCEPT_LEN + 1];
    size_t len = 0;
    if (key.len != TB_WEBSOCKET_KEY_LEN ||
        sodium_base642bin(bytes, sizeof(bytes), key.ptr, key.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != KEY_BYTES) {
        return false;
    }
    memcpy(joined, key.ptr, TB_WEBSOCKET_KEY_LEN);
    memcpy(joined + TB_WEBSOCKET_KEY_LEN, KEY_SUFFIX, KEY_SUFFIX_LEN);
    (void)SHA1((const unsigned char *)joined, sizeof(joined), digest);
    (void)sodium_bin2base64(encoded, sizeof(encoded), digest, sizeof(digest),
                            sodium_base64_VARIANT_ORIGINAL);
    memcpy(accept, encoded, TB_WEBSOCKET_ACCEPT_LEN);
    return true;
}

/* --- what wslay calls --- */

static ssize_t on_want_bytes(wslay_event_context_ptr wslay, uint8_t *to, size_t len, int flags,
                             void *ctx)
{
    struct tb_websocket *websocket = ctx;
    (void)flags;
    if (websocket->input.len == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t count = len < websocket->input.len ? len : websocket->input.len;
    memcpy(to, websocket->input.ptr, count);
    websocket->input.ptr += count;
    websocket->input.len -= count;
    return (ssize_t)count;
}

static ssize_t on_have_bytes(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len,
                             int flags, void *ctx)
{
    struct tb_websocket *websocket = ctx;
    (void)wslay;
    (void)flags;
    tb_buf_add(&websocket->output, bytes, len);
    return (ssize_t)len;
}

/* Says why, and reads nothing more. */
static void fail(struct tb_websocket *websocket, unsigned code, const char *reason)
{
    tb_websocket_close(websocket, code, reason);
    wslay_event_shutdown_read(websocket->wslay);
}

static void on_frame(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *ctx)
{
    struct tb_websocket *websocket = ctx;
    (void)wslay;
    if (wslay_is_ctrl_frame(frame->opcode)) {
        return;
    }
    websocket->fragments = frame->opcode == WSLAY_CONTINUATION_FRAME ? websocket->fragments + 1 : 1;
    if (frame->opcode == WSLAY_BINARY_FRAME) {
        fail(websocket, WSLAY_CODE_UNSUPPORTED_DATA, "messages are text");
    } else if (websocket->fragments > FRAGMENTS_MAX) {
        fail(websocket, WSLAY_CODE_POLICY_VIOLATION, "too many fragments");
    }
}

static void on_message(wslay_event_context_ptr wslay,
                       const struct wslay_event_on_msg_recv_arg *message, void *ctx)
{
    struct tb_websocket *websocket = ctx;
    (void)wslay;
    if (message->opcode == WSLAY_TEXT_FRAME && !tb_websocket_is_closing(websocket)) {
        struct tb_str text = tb_str_from((const char *)message->msg, message->msg_length);
        websocket->on_text(websocket->ctx, text.ptr == NULL ? TB_STR("") : text);
    }
}

/* --- the life of a connection --- */

struct tb_websocket *tb_websocket_new(tb_websocket_on_text *on_text, void *ctx)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_want_bytes,
        .send_callback = on_have_bytes,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct tb_websocket *websocket = malloc(sizeof(*websocket));
    if (websocket == NULL) {
        tb_out_of_memory();
    }
    *websocket = (struct tb_websocket){.on_text = on_text, .ctx = ctx};
    if (wslay_event_context_server_init(&websocket->wslay, &callbacks, websocket) != 0) {
        tb_out_of_memory();
    }
    wslay_event_config_set_max_recv_msg_length(websocket->wslay, TB_WEBSOCKET_MESSAGE_BYTES_MAX);
    return websocket;
}

void tb_websocket_free(struct tb_websocket **websocket)
{
    if (*websocket != NULL) {
        wslay_event_context_free((*websocket)->wslay);
        free(*websocket);
        *websocket = NULL;
    }
}

void tb_websocket_take(struct tb_websocket *websocket, struct tb_str bytes)
{
    websocket->input = bytes;
    websocket->broken = wslay_event_recv(websocket->wslay) != 0 || websocket->broken;
    websocket->input = TB_STR_NONE;
}

static void queue(struct tb_websocket *websocket, uint8_t opcode, struct tb_str bytes)
{
    struct wslay_event_msg message = {
        .opcode = opcode,
        .msg = (const uint8_t *)bytes.ptr,
        .msg_length = bytes.len,
    };
    if (!tb_websocket_is_closing(websocket)) {
        (void)wslay_event_queue_msg(websocket->wslay, &message);
    }
}

void tb_websocket_send(struct tb_websocket *websocket, struct tb_str message)
{
    queue(websocket, WSLAY_TEXT_FRAME, message);
}

void tb_websocket_ping(struct tb_websocket *websocket)
{
    queue(websocket, WSLAY_PING, TB_STR(""));
}

void tb_websocket_close(struct tb_websocket *websocket, unsigned code, const char *reason)
{
    if (!tb_websocket_is_closing(websocket)) {
        (void)wslay_event_queue_close(websocket->wslay, (uint16_t)code, (const uint8_t *)reason,
                                      strlen(reason));
        websocket->closing = true;
    }
}

size_t tb_websocket_queued(const struct tb_websocket *websocket)
{
    return wslay_event_get_queued_msg_count(websocket->wslay);
}

/* To what is no frame wslay answers with a close frame without a code; it is the last one. */
static void add_code(struct tb_buf *output)
{
    static const char without[] = "\x88\x00";
    static const char with[] = "\x88\x02\x03\xea"; /* 1002 */
    size_t len = sizeof(without) - 1;
    if (output->len >= len && memcmp(output->ptr + output->len - len, without, len) == 0) {
        output->len -= len;
        tb_buf_add(output, with, sizeof(with) - 1);
    }
}

/* The length of the server's frame at that place. */
static size_t frame_len(const struct tb_buf *output, size_t at)
{
    const uint8_t *frame = (const uint8_t *)output->ptr + at;
    size_t len = frame[1];
    if (len < 126) {
        return 2 + len;
    }
    size_t length_bytes = len == 126 ? 2 : 8;
    len = 0;
    for (size_t i = 0; i < length_bytes; i++) {
        len = len << 8 | frame[2 + i];
    }
    return 2 + length_bytes + len;
}

/* A client's close frame is answered with its code alone. wslay would give its reason back, too,
 * and that may be no UTF-8: of each piece in which it comes, wslay takes the first two bytes for
 * the code and does not look at them. */
static void cut_reason(struct tb_buf *output)
{
    for (size_t at = 0; at < output->len; at += frame_len(output, at)) {
        char *frame = output->ptr + at;
        if ((uint8_t)frame[0] == 0x88 && frame[1] > 2) {
            frame[1] = 2;
            output->len = at + 4; /* it is the last one */
        }
    }
}

struct tb_str tb_websocket_output(struct tb_websocket *websocket, struct tb_arena *arena)
{
    if (!wslay_event_want_write(websocket->wslay)) {
        return TB_STR("");
    }
    tb_buf_init(&websocket->output, arena, 256);
    (void)wslay_event_send(websocket->wslay);
    if (websocket->broken) {
        add_code(&websocket->output);
    }
    if (!websocket->closing) {
        cut_reason(&websocket->output);
    }
    return tb_buf_str(&websocket->output);
}

/* wslay stops reading when it has received a close frame, or answers a fault with one. */
bool tb_websocket_is_closing(const struct tb_websocket *websocket)
{
    return websocket->closing || !wslay_event_want_read(websocket->wslay);
}

bool tb_websocket_has_said_goodbye(const struct tb_websocket *websocket)
{
    return tb_websocket_is_closing(websocket) && !wslay_event_want_write(websocket->wslay);
}

bool tb_websocket_is_over(const struct tb_websocket *websocket)
{
    return tb_websocket_has_said_goodbye(websocket) &&
           wslay_event_get_close_received(websocket->wslay);
}

/* The WebSocket of a subscriber: any bytes, cut in any pieces.
 *
 * The first two bytes seed where the stream is cut. Messages are the same as when all comes at
 * once, and so are replies, as long as nobody closes. (Of a close frame wslay judges the code and
 * the reason's UTF-8 piece by piece, so that its answer depends on where it was cut.) What the
 * server says is read by a frame reader of this file's own: whole frames, not masked, a close frame
 * last and with a code that may be sent. */
#include "base/buf.h"
#include "fuzz.h"
#include "http/stream_message.h"
#include "http/websocket.h"
#include "strict.h"

struct session {
    struct tb_arena *arena;
    struct tb_websocket *websocket;
    struct tb_buf messages; /* one after the other, each behind its length */
    struct tb_buf said;
};

/* As a stream does it: a filter is taken, anything else gets an error. */
static void on_text(void *ctx, struct tb_str message)
{
    struct session *session = ctx;
    struct tb_parse parse = {.arena = session->arena, .strict = true};
    struct tb_events_request filter;
    bool has_since = false;
    must(message.ptr != NULL && message.len <= TB_WEBSOCKET_MESSAGE_BYTES_MAX);
    must(strict_utf8(message));
    must(!tb_websocket_is_closing(session->websocket));
    tb_buf_add_u64(&session->messages, message.len);
    tb_buf_add(&session->messages, ":", 1);
    tb_buf_add_str(&session->messages, message);
    if (!tb_stream_message_parse(&parse, message, &filter, &has_since)) {
        struct tb_str error = tb_stream_message_error(session->arena, &parse.refusal);
        must(strict_json_within(error, 64 * 1024));
        tb_websocket_send(session->websocket, error);
    }
}

static void open_session(struct session *session)
{
    *session = (struct session){.arena = tb_arena_new(0)};
    session->websocket = tb_websocket_new(on_text, session);
    tb_buf_init(&session->messages, session->arena, 256);
    tb_buf_init(&session->said, session->arena, 256);
}

static void close_session(struct session *session)
{
    tb_websocket_free(&session->websocket);
    tb_arena_free(session->arena);
}

static void take(struct session *session, struct tb_str piece)
{
    char *exact = fuzz_exact(piece);
    tb_websocket_take(session->websocket, tb_str_from(exact, piece.len));
    free(exact);
}

static void collect(struct session *session)
{
    struct tb_str output = tb_websocket_output(session->websocket, session->arena);
    tb_buf_add_str(&session->said, output);
    must(tb_websocket_queued(session->websocket) == 0 ||
         tb_websocket_has_said_goodbye(session->websocket));
}

/* --- what the server says --- */

struct frame {
    unsigned opcode;
    struct tb_str payload;
};

/* Cuts a frame of the server off `rest`, which must begin with a whole one. */
static struct frame next_frame(struct tb_str *rest)
{
    must(rest->len >= 2);
    uint8_t first = (uint8_t)rest->ptr[0], second = (uint8_t)rest->ptr[1];
    must((first & 0xF0) == 0x80); /* the last of its message; no extension */
    must((second & 0x80) == 0);   /* not masked */
    size_t head_len = second < 126 ? 2 : second == 126 ? 4 : 10;
    uint64_t len = second;
    must(rest->len >= head_len);
    if (second >= 126) {
        len = 0;
        for (size_t i = 2; i < head_len; i++) {
            len = len << 8 | (uint8_t)rest->ptr[i];
        }
        must(len > (second == 126 ? 125U : 65535U)); /* the shortest form */
    }
    must(len <= rest->len - head_len);
    struct frame frame = {first & 0x0F, tb_str_from(rest->ptr + head_len, (size_t)len)};
    rest->ptr += head_len + len;
    rest->len -= head_len + len;
    return frame;
}

/* `answers`: one of the client's; then it has no reason. */
static void check_close(struct tb_str payload, bool answers)
{
    static const unsigned codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011};
    if (payload.len == 0) {
        return; /* the answer to one without a code */
    }
    must(payload.len >= 2 && payload.len <= 125 && (!answers || payload.len == 2));
    unsigned code = (unsigned)(uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
    bool known = code >= 3000 && code <= 4999; /* the client's own, given back */
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        known = known || code == codes[i];
    }
    must(known);
    must(strict_utf8(tb_str_from(payload.ptr + 2, payload.len - 2)));
}

static void check_said(const struct session *session)
{
    struct tb_str rest = tb_buf_str(&session->said);
    bool closed = false;
    while (rest.len > 0) {
        struct frame frame = next_frame(&rest);
        must(!closed);
        closed = frame.opcode == 0x8;
        switch (frame.opcode) {
        case 0x1:
            must(strict_json_within(frame.payload, SIZE_MAX));
            break;
        case 0x8:
            check_close(frame.payload, tb_websocket_is_over(session->websocket));
            break;
        case 0xA:
            must(frame.payload.len <= 125);
            break;
        default:
            must(frame.opcode == 0x1); /* nothing else is ever sent */
        }
    }
    must(closed == tb_websocket_has_said_goodbye(session->websocket));
    must(closed == tb_websocket_is_closing(session->websocket));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    uint32_t seed = fuzz_byte(&input);
    seed = seed << 8 | fuzz_byte(&input);
    uint32_t largest = 1 + (seed & 63);
    struct session whole, cut;
    open_session(&whole);
    open_session(&cut);
    take(&whole, fuzz_rest(&input));
    struct tb_str rest = fuzz_rest(&input);
    while (rest.len > 0) {
        seed = seed * 1103515245 + 12345;
        size_t len = 1 + (seed >> 16) % largest;
        len = len < rest.len ? len : rest.len;
        take(&cut, tb_str_from(rest.ptr, len));
        rest = tb_str_from(rest.ptr + len, rest.len - len);
    }
    collect(&whole);
    collect(&cut);
    must(tb_str_eq(tb_buf_str(&whole.messages), tb_buf_str(&cut.messages)));
    if (!tb_websocket_is_closing(whole.websocket) && !tb_websocket_is_closing(cut.websocket)) {
        must(tb_str_eq(tb_buf_str(&whole.said), tb_buf_str(&cut.said)));
    }
    check_said(&whole);
    check_said(&cut);
    close_session(&whole);
    close_session(&cut);
    return 0;
}

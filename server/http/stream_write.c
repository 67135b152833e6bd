#include "http/stream_write.h"

#include "board/read.h"

#define FINAL_TEXT_FRAME     0x81
#define LENGTH_OF_16_BITS    126
#define LENGTH_OF_64_BITS    127
#define FRAME_HEAD_BYTES_MAX 10

/* What a server sends is not masked, so that a frame is the same for everybody. */
static void add_frame_head(struct tb_buf *out, size_t len)
{
    unsigned char *head = (unsigned char *)tb_buf_reserve(out, FRAME_HEAD_BYTES_MAX);
    size_t length_bytes = len < LENGTH_OF_16_BITS ? 0 : len <= UINT16_MAX ? 2 : 8;
    head[0] = FINAL_TEXT_FRAME;
    head[1] = (unsigned char)(length_bytes == 0   ? len
                              : length_bytes == 2 ? LENGTH_OF_16_BITS
                                                  : LENGTH_OF_64_BITS);
    for (size_t i = 0; i < length_bytes; i++) {
        head[2 + i] = (unsigned char)((uint64_t)len >> 8 * (length_bytes - 1 - i));
    }
    out->len += 2 + length_bytes;
}

static void add_feed_event(struct tb_buf *out, const struct tb_event *event)
{
    TB_BUF_LIT(out, "id: ");
    tb_ulid_format(event->id, tb_buf_reserve(out, TB_ULID_LEN));
    out->len += TB_ULID_LEN;
    TB_BUF_LIT(out, "\ndata: ");
    tb_feed_write(event, out);
    TB_BUF_LIT(out, "\n\n");
}

void tb_stream_write_event(struct tb_buf *out, enum tb_stream_format format,
                           const struct tb_event *event)
{
    switch (format) {
    case TB_STREAM_EVENTS:
        TB_BUF_LIT(out, "id: ");
        tb_buf_add_u64(out, event->seq);
        TB_BUF_LIT(out, "\ndata: ");
        tb_buf_add_str(out, event->wire);
        TB_BUF_LIT(out, "\n\n");
        break;
    case TB_STREAM_FEED:
        add_feed_event(out, event);
        break;
    case TB_STREAM_WEBSOCKET:
        add_frame_head(out, event->wire.len);
        tb_buf_add_str(out, event->wire);
        break;
    }
}

static void add_reset_members(struct tb_buf *out, uint64_t oldest, uint64_t head)
{
    TB_BUF_LIT(out, "\"oldest\":");
    tb_buf_add_u64(out, oldest);
    TB_BUF_LIT(out, ",\"head\":");
    tb_buf_add_u64(out, head);
    TB_BUF_LIT(out, "}");
}

void tb_stream_write_reset(struct tb_buf *out, enum tb_stream_format format, uint64_t oldest,
                           uint64_t head)
{
    struct tb_buf json;
    switch (format) {
    case TB_STREAM_EVENTS:
        /* Who resumes from that id gets the oldest event next. */
        TB_BUF_LIT(out, "event: reset\nid: ");
        tb_buf_add_u64(out, oldest - 1);
        TB_BUF_LIT(out, "\ndata: {");
        add_reset_members(out, oldest, head);
        TB_BUF_LIT(out, "\n\n");
        break;
    case TB_STREAM_FEED:
        break;
    case TB_STREAM_WEBSOCKET:
        tb_buf_init(&json, out->arena, 96);
        TB_BUF_LIT(&json, "{\"type\":\"reset\",");
        add_reset_members(&json, oldest, head);
        add_frame_head(out, json.len);
        tb_buf_add_str(out, tb_buf_str(&json));
        break;
    }
}

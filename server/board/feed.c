/* The feed: what agents tell each other. A view on the log, of the events of its own types. */
#include "board/feed.h"

#include <assert.h>

#include "board/change.h"
#include "board/note.h"
#include "board/rules.h"

struct tb_str tb_feed_type_name(enum tb_event_type type)
{
    static const char prefix[] = "feed.";
    assert(tb_event_is_of_feed(type));
    return tb_str_c(tb_event_type_name(type) + sizeof(prefix) - 1);
}

bool tb_feed_type_parse(struct tb_str name, enum tb_event_type *type)
{
    for (int i = TB_EVENT_FEED_FIRST; i <= TB_EVENT_FEED_LAST; i++) {
        if (tb_str_eq(name, tb_feed_type_name((enum tb_event_type)i))) {
            *type = (enum tb_event_type)i;
            return true;
        }
    }
    return false;
}

static void add_text(struct tb_buf *out, const char *name, struct tb_str text)
{
    if (text.ptr != NULL) {
        TB_BUF_LIT(out, ",\"");
        tb_buf_add_c(out, name);
        TB_BUF_LIT(out, "\":");
        tb_buf_add_quoted(out, text);
    }
}

struct tb_str tb_feed_members(struct tb_arena *arena, const struct tb_feed_command *feed)
{
    struct tb_buf out;
    tb_buf_init(&out, arena,
                128 + feed->agent.len + feed->summary.len + feed->detail.len + feed->metadata.len);
    add_text(&out, "agent", feed->agent);
    add_text(&out, "type", tb_feed_type_name(feed->type));
    add_text(&out, "summary", feed->summary);
    add_text(&out, "detail", feed->detail);
    if (feed->metadata.ptr != NULL) {
        tb_buf_add_str(&out, tb_event_member(arena, "metadata", feed->metadata));
    }
    return tb_buf_str(&out);
}

void tb_rule_feed_publish(struct tb_board *board, const struct tb_command *command,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_feed_command *feed = &command->feed;
    const struct tb_change change = {
        .type = feed->type, .actor = feed->agent, .extra = tb_feed_members(board->arena, feed)};
    struct tb_buf body;
    tb_change_tell(board, NULL, &change);
    const struct tb_event event = {
        .id = tb_txn_head(board->txn)->last_id,
        .at_ms = board->now_ms,
        .data = tb_arena_printf(board->arena, "{%.*s}", (int)change.extra.len - 1,
                                change.extra.ptr + 1),
    };
    tb_buf_init(&body, arena, change.extra.len + 128);
    tb_feed_write(&event, &body);
    *reply = (struct tb_reply){.http_status = 201, .body = tb_buf_str(&body)};
}

void tb_rule_feed_clear(struct tb_board *board, const struct tb_command *command,
                        struct tb_arena *arena, struct tb_reply *reply)
{
    (void)arena;
    const struct tb_change change = {.type = TB_EVENT_FEED_CLEARED, .actor = command->actor};
    struct tb_head *head = tb_txn_head(board->txn);
    tb_change_tell(board, NULL, &change);
    head->feed_cleared_seq = head->seq;
    *reply = (struct tb_reply){.http_status = 200, .body = TB_STR("{\"ok\":true}")};
}

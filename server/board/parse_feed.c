/* The body of an event for the feed, with the sentences that today's clients know. */
#include "base/buf.h"
#include "board/feed.h"
#include "board/field.h"
#include "taskboard/limits.h"

/* A text that is there and not empty, kept exactly as sent. */
static bool parse_required(struct tb_parse *parse, const struct tb_json *node, const char *field,
                           size_t bytes_max, struct tb_str *out)
{
    if (node == NULL || node->type != TB_JSON_STRING || tb_json_text(node).len == 0) {
        return tb_field_refuse(parse, TB_E_MISSING_FIELD, field, "Missing or invalid '%s' field",
                               field);
    }
    return tb_field_exact_text(parse, node, field, bytes_max, out);
}

static bool refuse_type(struct tb_parse *parse)
{
    struct tb_buf names;
    tb_buf_init(&names, parse->arena, 256);
    for (int i = TB_EVENT_FEED_FIRST; i <= TB_EVENT_FEED_LAST; i++) {
        tb_buf_add_c(&names, i > TB_EVENT_FEED_FIRST ? ", " : "");
        tb_buf_add_str(&names, tb_feed_type_name((enum tb_event_type)i));
    }
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "type",
                           "Invalid 'type'. Must be one of: %.*s", (int)names.len, names.ptr);
}

static bool parse_type(struct tb_parse *parse, const struct tb_json *node, enum tb_event_type *type)
{
    return (node != NULL && node->type == TB_JSON_STRING &&
            tb_feed_type_parse(tb_json_text(node), type)) ||
           refuse_type(parse);
}

static bool parse_agent(struct tb_parse *parse, const struct tb_json *node, struct tb_str *agent)
{
    bool stands_for_itself = node == NULL && parse->speaker.ptr != NULL;
    return (stands_for_itself || parse_required(parse, node, "agent", TB_NAME_BYTES_MAX, agent)) &&
           tb_field_speaks(parse, "agent", agent);
}

/* May be empty. */
static bool parse_detail(struct tb_parse *parse, const struct tb_json *node, struct tb_str *detail)
{
    if (!tb_field_is_absent(node) && node->type == TB_JSON_STRING && tb_json_text(node).len == 0) {
        *detail = TB_STR("");
        return true;
    }
    return tb_field_exact_text(parse, node, "detail", TB_FEED_DETAIL_BYTES_MAX, detail);
}

bool tb_parse_feed_publish(struct tb_parse *parse, const struct tb_json *body,
                           struct tb_command *command)
{
    static const char *const known[] = {"agent", "type", "summary", "detail", "metadata", NULL};
    struct tb_feed_command *feed = &command->feed;
    command->kind = TB_COMMAND_FEED_PUBLISH;
    *feed = (struct tb_feed_command){.type = TB_EVENT_FEED_CUSTOM};
    return (body->type != TB_JSON_OBJECT || tb_field_check_known(parse, body, known, false, "")) &&
           parse_agent(parse, tb_json_member(body, "agent"), &feed->agent) &&
           parse_type(parse, tb_json_member(body, "type"), &feed->type) &&
           parse_required(parse, tb_json_member(body, "summary"), "summary",
                          TB_FEED_SUMMARY_BYTES_MAX, &feed->summary) &&
           parse_detail(parse, tb_json_member(body, "detail"), &feed->detail) &&
           tb_field_json(parse, tb_json_member(body, "metadata"), "metadata", TB_METADATA_BYTES_MAX,
                         &feed->metadata);
}

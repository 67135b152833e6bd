#include "http/stream_message.h"

#include "board/field.h"

static const char *const known[] = {"since", "topic", "type", "taskId", "agent", "tag", NULL};

/* A member that narrows the filter, as the query parameter of that name. */
static bool add_term(struct tb_parse *parse, const struct tb_json *member, struct tb_params *params)
{
    if (tb_field_is_absent(member)) {
        return true;
    }
    struct tb_str name =
        tb_arena_printf(parse->arena, "%.*s", (int)member->key.len, member->key.ptr);
    if (member->type != TB_JSON_STRING) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, name.ptr, "%s must be a string",
                               name.ptr);
    }
    params->items[params->count++] = (struct tb_param){name, tb_json_text(member)};
    return true;
}

bool tb_stream_message_parse(struct tb_parse *parse, struct tb_str bytes,
                             struct tb_events_request *filter, bool *has_since)
{
    struct tb_params *params = tb_arena_zalloc(parse->arena, sizeof(*params));
    const struct tb_json *body = tb_parse_body(parse, bytes);
    int64_t since = 0;
    if (body == NULL || !tb_field_check_body(parse, body, known, true)) {
        return false;
    }
    const struct tb_json *since_member = tb_json_member(body, "since");
    if (!tb_field_integer(parse, since_member, "since", 0, INT64_MAX, &since)) {
        return false;
    }
    for (const struct tb_json *member = body->child; member != NULL; member = member->next) {
        if (member != since_member && !add_term(parse, member, params)) {
            return false;
        }
    }
    if (!tb_parse_events(parse, params, filter)) {
        return false;
    }
    filter->since = (uint64_t)since;
    *has_since = !tb_field_is_absent(since_member);
    return true;
}

struct tb_str tb_stream_message_error(struct tb_arena *arena, const struct tb_refusal *refusal)
{
    struct tb_buf out;
    struct tb_str message = refusal->message;
    if (message.ptr == NULL) {
        message = tb_str_c(tb_err_text(refusal->err));
    }
    tb_buf_init(&out, arena, 256);
    TB_BUF_LIT(&out, "{\"type\":\"error\",\"error\":");
    tb_buf_add_quoted(&out, message);
    TB_BUF_LIT(&out, ",\"code\":");
    tb_buf_add_quoted(&out, tb_str_c(tb_err_code(refusal->err)));
    if (refusal->extra.ptr != NULL) {
        tb_buf_add_str(&out, refusal->extra);
    }
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

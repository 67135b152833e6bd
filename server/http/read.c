#include "http/read.h"

#include "board/query.h"
#include "http/context.h"
#include "http/header.h"
#include "http/reply.h"

void tb_parse_init(struct tb_request *request, struct tb_parse *parse)
{
    bool legacy = (request->route->flags & TB_ROUTE_LEGACY) != 0;
    *parse = (struct tb_parse){
        .arena = request->arena,
        .strict = !legacy || tb_header_prefers(request->headers[TB_IN_PREFER], TB_STR("handling"),
                                               TB_STR("strict")),
    };
}

bool tb_read_task_id(struct tb_request *request, struct tb_id *id)
{
    struct tb_str sent = request->params[0];
    char canonical[TB_ULID_LEN];
    bool parsed = tb_ulid_parse(sent, id);
    if (parsed) {
        /* Ids are matched letter by letter, as they always were: a lower-case one is another. */
        tb_ulid_format(*id, canonical);
    }
    if (!parsed || memcmp(sent.ptr, canonical, TB_ULID_LEN) != 0) {
        tb_reply_error(request, TB_E_TASK_NOT_FOUND);
        return false;
    }
    return true;
}

bool tb_read_open(struct tb_request *request, struct tb_arena *arena, struct tb_txn **txn)
{
    enum tb_err err = tb_read_begin(request->worker->reader, arena, txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return false;
    }
    return true;
}

bool tb_read_unchanged(struct tb_request *request, struct tb_str tag)
{
    if (!tb_header_has_tag(request->headers[TB_IN_IF_NONE_MATCH], tag)) {
        return false;
    }
    tb_reply_not_modified(request);
    return true;
}

/* Of a preference there is no wrong value: what cannot be met is met as far as it can be. */
static int64_t preferred_wait_ms(const struct tb_request *request)
{
    struct tb_str value;
    int64_t seconds = 0;
    if (!tb_header_preference(request->headers[TB_IN_PREFER], TB_STR("wait"), &value) ||
        !tb_str_to_i64(value, &seconds) || seconds < 0) {
        return 0;
    }
    return (seconds < TB_WAIT_SECONDS_MAX ? seconds : TB_WAIT_SECONDS_MAX) * 1000;
}

static bool has_param(const struct tb_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_params->count; i++) {
        if (tb_str_eq_c(request->query_params->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool tb_read_wait(struct tb_request *request, struct tb_parse *parse, int64_t *wait_ms)
{
    if (!tb_parse_wait(parse, request->query_params, wait_ms)) {
        tb_reply_refusal(request, parse->refusal.err, parse->refusal.message, parse->refusal.extra);
        return false;
    }
    if (!has_param(request, "wait")) {
        *wait_ms = preferred_wait_ms(request);
    }
    if (request->headers[TB_IN_IF_NONE_MATCH].ptr == NULL || request->held.woken) {
        *wait_ms = 0;
    }
    if (*wait_ms > 0) {
        tb_request_expect_news(request);
    }
    return true;
}

bool tb_read_held(struct tb_request *request, struct tb_str tag, int64_t wait_ms)
{
    enum tb_err err = TB_OK;
    if (!tb_header_has_tag(request->headers[TB_IN_IF_NONE_MATCH], tag)) {
        return false;
    }
    if (wait_ms > 0 && tb_request_hold(request, wait_ms, &err)) {
        return true;
    }
    if (err != TB_OK) {
        tb_reply_error(request, err);
    } else {
        tb_reply_not_modified(request);
    }
    return true;
}

bool tb_read_switch(const struct tb_request *request, struct tb_parse *parse, const char *name,
                    bool *on)
{
    const struct tb_params *params = request->query_params;
    *on = false;
    for (size_t i = 0; i < params->count; i++) {
        struct tb_str value = params->items[i].value;
        if (!tb_str_eq_c(params->items[i].name, name)) {
            continue;
        }
        *on = tb_str_eq_c(value, "true");
        if (!*on && !tb_str_eq_c(value, "false")) {
            parse->refusal = (struct tb_refusal){
                .err = TB_E_INVALID_QUERY,
                .message = tb_arena_printf(parse->arena, "%s must be true or false", name),
                .extra = tb_arena_printf(parse->arena, ",\"field\":\"%s\"", name),
            };
            return false;
        }
    }
    return true;
}

void tb_read_answer(struct tb_request *request, enum tb_err err, const struct tb_buf *body)
{
    if (err != TB_OK) {
        tb_reply_error(request, err);
    } else {
        tb_reply_json(request, 200, tb_buf_str(body));
    }
}

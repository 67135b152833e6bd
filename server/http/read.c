#include "http/read.h"

#include "board/query.h"
#include "board/query_value.h"
#include "http/context.h"
#include "http/header.h"
#include "http/reply.h"

void tb_parse_init(struct tb_request *request, struct tb_parse *parse)
{
    bool legacy = (request->route->flags & TB_ROUTE_LEGACY) != 0;
    *parse = (struct tb_parse){
        .arena = request->arena,
        .speaker = request->agent,
        .strict = !legacy || tb_header_prefers(request->headers[TB_IN_PREFER], TB_STR("handling"),
                                               TB_STR("strict")),
    };
}

/* Ids are matched letter by letter, as they always were: a lower-case one is another. */
bool tb_read_ulid(struct tb_str sent, struct tb_id *id)
{
    char canonical[TB_ULID_LEN];
    if (!tb_ulid_parse(sent, id)) {
        return false;
    }
    tb_ulid_format(*id, canonical);
    return memcmp(sent.ptr, canonical, TB_ULID_LEN) == 0;
}

bool tb_read_task_id(struct tb_request *request, struct tb_id *id)
{
    if (!tb_read_ulid(request->params[0], id)) {
        tb_reply_error(request, TB_E_TASK_NOT_FOUND);
        return false;
    }
    return true;
}

/* The query's own decoding reads a segment, too, but for the plus, which is no space in a path. */
bool tb_read_path_text(const struct tb_request *request, size_t param, struct tb_str *text)
{
    struct tb_str sent = request->params[param];
    struct tb_parse parse = {.arena = request->arena};
    struct tb_params *decoded = tb_arena_alloc(request->arena, sizeof(*decoded));
    struct tb_buf query;
    tb_buf_init(&query, request->arena, sent.len + 8);
    TB_BUF_LIT(&query, "=");
    for (size_t i = 0; i < sent.len; i++) {
        if (sent.ptr[i] == '+') {
            TB_BUF_LIT(&query, "%2B");
        } else if (sent.ptr[i] == '&') {
            TB_BUF_LIT(&query, "%26");
        } else {
            tb_buf_add(&query, &sent.ptr[i], 1);
        }
    }
    if (!tb_params_parse(&parse, tb_buf_str(&query), decoded) || decoded->count != 1) {
        return false;
    }
    *text = tb_text_trim(decoded->items[0].value);
    return text->len > 0;
}

bool tb_read_vm_id(struct tb_request *request, struct tb_str *id)
{
    bool fits = tb_read_path_text(request, 0, id) && tb_text_decoded_len(*id) <= TB_NAME_BYTES_MAX;
    if (!fits && request->method == TB_METHOD_PUT) {
        tb_reply_refusal(request, TB_E_INVALID_FIELD,
                         TB_STR("The VM's id in the path must be 1 to 256 bytes of UTF-8"),
                         TB_STR(",\"field\":\"id\""));
    } else if (!fits) {
        tb_reply_error(request, TB_E_VM_NOT_FOUND);
    }
    return fits;
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

bool tb_read_is_unchanged(const struct tb_request *request, struct tb_str tag)
{
    return tb_header_has_tag(request->headers[TB_IN_IF_NONE_MATCH], tag);
}

bool tb_read_unchanged(struct tb_request *request, struct tb_str tag)
{
    if (!tb_read_is_unchanged(request, tag)) {
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
    if (!tb_read_is_unchanged(request, tag)) {
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
    bool given = false;
    *on = false;
    for (size_t i = 0; i < params->count; i++) {
        struct tb_str value = params->items[i].value;
        if (!tb_str_eq_c(params->items[i].name, name)) {
            continue;
        }
        if (!tb_query_once(parse, name, &given)) {
            return false;
        }
        *on = tb_str_eq_c(value, "true");
        if (!*on && !tb_str_eq_c(value, "false")) {
            return tb_query_refuse(parse, name, "must be true or false");
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

/* GET /board/ready, and `wait`. */
#include "board/query.h"
#include "board/query_value.h"

bool tb_parse_wait(struct tb_parse *parse, const struct tb_params *params, int64_t *wait_ms)
{
    int64_t seconds = 0;
    bool has_wait = false;
    for (size_t i = 0; i < params->count; i++) {
        const struct tb_param *param = &params->items[i];
        if (tb_str_eq_c(param->name, "wait") &&
            (!tb_query_once(parse, "wait", &has_wait) ||
             !tb_query_number(parse, "wait", param->value, 0, TB_WAIT_SECONDS_MAX, &seconds))) {
            return false;
        }
    }
    *wait_ms = seconds * 1000;
    return true;
}

/* --- what is ready --- */

struct ready_terms {
    struct tb_str *tags; /* the array behind the request's */
    bool has_limit;
};

/* Whom the answer is for, not a condition: so it is given once. Blank is as if it were not there.
 */
static bool read_name(struct tb_parse *parse, const char *name, struct tb_str value,
                      struct tb_str *out)
{
    bool given = out->ptr != NULL;
    struct tb_str trimmed = tb_text_trim(value);
    if (trimmed.len == 0) {
        return true;
    }
    *out = trimmed;
    return tb_query_once(parse, name, &given);
}

static bool read_ready_param(struct tb_parse *parse, const struct tb_param *param,
                             struct ready_terms *terms, struct tb_ready_request *request)
{
    struct tb_str value = param->value;
    if (tb_str_eq_c(param->name, "limit")) {
        int64_t limit = 0;
        bool good = tb_query_once(parse, "limit", &terms->has_limit) &&
                    tb_query_number(parse, "limit", value, 1, TB_LIST_LIMIT_MAX, &limit);
        request->limit = good ? (uint32_t)limit : 0;
        return good;
    }
    if (tb_str_eq_c(param->name, "tag") && value.len > 0) {
        terms->tags[request->tag_count++] = value;
    }
    if (tb_str_eq_c(param->name, "agent")) {
        return read_name(parse, "agent", value, &request->agent);
    }
    if (tb_str_eq_c(param->name, "vmId")) {
        return read_name(parse, "vmId", value, &request->vm_id);
    }
    return true;
}

bool tb_parse_ready(struct tb_parse *parse, const struct tb_params *params,
                    struct tb_ready_request *request)
{
    struct ready_terms terms = {
        .tags = tb_arena_alloc(parse->arena, TB_QUERY_TERMS_MAX * sizeof(struct tb_str)),
    };
    *request = (struct tb_ready_request){.tags = terms.tags, .limit = TB_READY_LIMIT_DEFAULT};
    for (size_t i = 0; i < params->count; i++) {
        if (!read_ready_param(parse, &params->items[i], &terms, request)) {
            return false;
        }
    }
    return true;
}

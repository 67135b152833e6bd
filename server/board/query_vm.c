/* Queries of the registry and of the feed. */
#include "base/instant.h"
#include "board/feed.h"
#include "board/query.h"
#include "board/query_value.h"

/* A name that must be one of those of an enum: -1 in `*out` is any. What is not one, or another one
 * than before, fits nothing. */
static void narrow(struct tb_vms_request *request, int *out, bool known, int value)
{
    if (!known || (*out >= 0 && *out != value)) {
        request->nothing = true;
    }
    *out = value;
}

static void read_role(struct tb_vms_request *request, struct tb_str value)
{
    enum tb_vm_role role = TB_VM_INFRA;
    bool known = tb_vm_role_parse(value, &role);
    narrow(request, &request->role, known, (int)role);
}

static void read_status(struct tb_vms_request *request, struct tb_str value)
{
    enum tb_vm_status status = TB_VM_RUNNING;
    bool known = tb_vm_status_parse(value, &status);
    narrow(request, &request->status, known, (int)status);
}

static bool parse_vms(struct tb_parse *parse, const struct tb_params *params,
                      struct tb_vms_request *request)
{
    int64_t wait_ms = 0;
    for (size_t i = 0; i < params->count; i++) {
        struct tb_str name = params->items[i].name;
        struct tb_str value = params->items[i].value;
        if (value.len == 0) {
            continue;
        }
        if (tb_str_eq_c(name, "role") && !request->discover) {
            read_role(request, value);
        } else if (tb_str_eq_c(name, "status") && !request->discover) {
            read_status(request, value);
        } else if (tb_str_eq_c(name, "service")) {
            request->services[request->service_count++] = value;
        }
    }
    return tb_parse_wait(parse, params, &wait_ms);
}

bool tb_parse_vms(struct tb_parse *parse, const struct tb_params *params,
                  struct tb_vms_request *request)
{
    *request = (struct tb_vms_request){.role = -1, .status = -1};
    return parse_vms(parse, params, request);
}

bool tb_parse_discover(struct tb_parse *parse, const struct tb_params *params, struct tb_str role,
                       struct tb_vms_request *request)
{
    *request = (struct tb_vms_request){.role = -1, .status = (int)TB_VM_RUNNING, .discover = true};
    read_role(request, role);
    return parse_vms(parse, params, request);
}

/* --- the feed --- */

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool looks_like_ulid(struct tb_str value)
{
    size_t len = 0;
    while (len < value.len && is_letter_or_digit(value.ptr[len])) {
        len++;
    }
    return len == value.len && len == TB_ULID_LEN;
}

/* Ids are compared as strings, also with what is none. Behind "…I…" comes the same as behind
 * "…HZZZ": the four letters that no id has (I, L, O, U) each follow one that they do have. */
static bool nearest_ulid(struct tb_str value, struct tb_id *id)
{
    char text[TB_ULID_LEN];
    bool below = false;
    for (size_t i = 0; i < TB_ULID_LEN; i++) {
        char c = value.ptr[i] >= 'a' ? (char)(value.ptr[i] - 'a' + 'A') : value.ptr[i];
        bool foreign = c == 'I' || c == 'L' || c == 'O' || c == 'U';
        text[i] = below ? 'Z' : (char)(foreign ? c - 1 : c);
        below = below || foreign;
    }
    return tb_ulid_parse(tb_str_from(text, sizeof(text)), id);
}

/* A whole instant; one without seconds, without a zone (UTC then), or but a day, month or year. */
static bool parse_instant(struct tb_parse *parse, struct tb_str value, int64_t *ms)
{
    static const char *const endings[] = {
        "", "Z", ":00Z", "T00:00:00Z", "-01T00:00:00Z", "-01-01T00:00:00Z"};
    bool short_zulu = value.len == 17 && value.ptr[16] == 'Z'; /* 2026-11-22T13:30Z */
    struct tb_str start = short_zulu ? tb_str_from(value.ptr, 16) : value;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        struct tb_str whole =
            tb_arena_printf(parse->arena, "%.*s%s", (int)start.len, start.ptr, endings[i]);
        if (tb_instant_parse(whole, ms)) {
            return true;
        }
    }
    return false;
}

static void read_since(struct tb_parse *parse, struct tb_str value, struct tb_feed_request *request)
{
    bool good = looks_like_ulid(value) ? nearest_ulid(value, &request->since_id)
                                       : parse_instant(parse, value, &request->since_ms);
    request->nothing = request->nothing || !good;
}

/* As parseInt() reads it, and what is not above zero means all. */
static uint32_t parse_limit(struct tb_str value)
{
    struct tb_str digits = tb_text_trim(value);
    if (digits.len > 0 && digits.ptr[0] == '+') {
        digits = tb_str_from(digits.ptr + 1, digits.len - 1);
    }
    uint32_t limit = 0;
    for (size_t i = 0; i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9'; i++) {
        limit = limit * 10 + (uint32_t)(digits.ptr[i] - '0');
        limit = limit < TB_FEED_EVENTS_MAX ? limit : TB_FEED_EVENTS_MAX;
    }
    return limit > 0 ? limit : TB_FEED_EVENTS_MAX;
}

static void read_agent(struct tb_feed_request *request, struct tb_str value)
{
    if (request->agent.len > 0 && !tb_str_eq(request->agent, value)) {
        request->nothing = true;
    }
    request->agent = value;
}

static void read_type(struct tb_feed_request *request, struct tb_str value)
{
    enum tb_event_type type = TB_EVENT_FEED_CUSTOM;
    bool known = tb_feed_type_parse(value, &type);
    request->nothing =
        request->nothing || !known || (request->type >= 0 && request->type != (int)type);
    request->type = (int)type;
}

/* Nothing is refused. Of a `limit` or a `since` that is repeated the first counts. */
bool tb_parse_feed(struct tb_parse *parse, const struct tb_params *params,
                   struct tb_feed_request *request)
{
    bool has_limit = false;
    bool has_since = false;
    *request = (struct tb_feed_request){.type = -1, .limit = TB_FEED_LIMIT_DEFAULT};
    for (size_t i = 0; i < params->count; i++) {
        struct tb_str name = params->items[i].name;
        struct tb_str value = params->items[i].value;
        if (value.len == 0) {
            continue;
        }
        if (tb_str_eq_c(name, "agent")) {
            read_agent(request, value);
        } else if (tb_str_eq_c(name, "type")) {
            read_type(request, value);
        } else if (tb_str_eq_c(name, "since") && !has_since) {
            has_since = true;
            read_since(parse, value, request);
        } else if (tb_str_eq_c(name, "limit") && !has_limit) {
            has_limit = true;
            request->limit = parse_limit(value);
        }
    }
    return true;
}

#include "board/parse.h"

#include "board/field.h"
#include "taskboard/limits.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const struct tb_json *tb_parse_body(struct tb_parse *parse, struct tb_str bytes)
{
    static const struct tb_json empty = {.type = TB_JSON_OBJECT, .raw = {"{}", 2}};
    size_t start = 0;
    while (start < bytes.len && is_space(bytes.ptr[start])) {
        start++;
    }
    if (start == bytes.len) {
        return &empty;
    }
    /* The deepest members that a parser looks at are those of a task in {"tasks":[{…}]}; in a bare
     * array they stand one level higher. Free JSON below gets no nodes, whatever its shape. */
    const struct tb_json_limits limits = {
        .depth_max = TB_JSON_DEPTH_MAX,
        .tree_depth = bytes.ptr[start] == '[' ? 3 : 4,
        .node_count_max = TB_JSON_NODES_MAX,
    };
    struct tb_json_error error;
    const struct tb_json *body = tb_json_parse(parse->arena, bytes, &limits, &error);
    if (body == NULL) {
        parse->refusal = (struct tb_refusal){
            .err = TB_E_INVALID_JSON,
            .message = tb_arena_printf(parse->arena, "Invalid JSON body: %.*s", (int)error.text.len,
                                       error.text.ptr),
            .extra = tb_arena_printf(parse->arena, ",\"offset\":%zu", error.offset),
        };
        return NULL;
    }
    if (body->type != TB_JSON_OBJECT && body->type != TB_JSON_ARRAY) {
        tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "The body must be a JSON object");
        return NULL;
    }
    return body;
}

bool tb_body_is_array(const struct tb_json *body)
{
    return body->type == TB_JSON_ARRAY ||
           (body->type == TB_JSON_OBJECT && tb_json_member(body, "tasks") != NULL);
}

/* --- headers --- */

/* Without the white space round it. */
static struct tb_str trim_header(struct tb_str header)
{
    while (header.len > 0 && (header.ptr[0] == ' ' || header.ptr[0] == '\t')) {
        header.ptr++;
        header.len--;
    }
    while (header.len > 0 &&
           (header.ptr[header.len - 1] == ' ' || header.ptr[header.len - 1] == '\t')) {
        header.len--;
    }
    return header;
}

/* One character of a quoted string of RFC 8941, 3.3.3, which may be escaped. */
static bool unquote_next(struct tb_str value, size_t *at, char *out)
{
    bool escaped = value.ptr[*at] == '\\';
    *at += escaped ? 1 : 0;
    if (*at >= value.len) {
        return false;
    }
    char c = value.ptr[(*at)++];
    *out = c;
    return escaped ? c == '"' || c == '\\' : c >= ' ' && c < 0x7F;
}

static bool unquote(struct tb_arena *arena, struct tb_str value, struct tb_str *out)
{
    char *bytes = tb_arena_alloc(arena, value.len);
    size_t len = 0;
    size_t at = 1; /* behind the quote */
    while (at < value.len && value.ptr[at] != '"') {
        if (!unquote_next(value, &at, &bytes[len++])) {
            return false;
        }
    }
    *out = tb_str_from(bytes, len);
    return at + 1 == value.len;
}

static bool is_visible(struct tb_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] <= ' ' || value.ptr[i] >= 0x7F) {
            return false;
        }
    }
    return true;
}

bool tb_parse_idempotency_key(struct tb_parse *parse, struct tb_str header, struct tb_str *key)
{
    if (header.ptr == NULL) {
        *key = TB_STR_NONE;
        return true;
    }
    struct tb_str value = trim_header(header);
    bool quoted = value.len > 0 && value.ptr[0] == '"';
    bool good = quoted ? unquote(parse->arena, value, &value) : is_visible(value);
    if (!good || value.len == 0 || value.len > TB_IDEMPOTENCY_KEY_BYTES_MAX) {
        return tb_field_refuse(
            parse, TB_E_INVALID_HEADER, "Idempotency-Key",
            "Idempotency-Key must have 1 to %d visible ASCII characters, bare or "
            "in quotes",
            TB_IDEMPOTENCY_KEY_BYTES_MAX);
    }
    *key = value;
    return true;
}

/* --- If-Match --- */

static void skip_spaces(struct tb_str header, size_t *at)
{
    while (*at < header.len && (header.ptr[*at] == ' ' || header.ptr[*at] == '\t')) {
        (*at)++;
    }
}

/* One entity tag, RFC 9110 8.8.3: an optional W/ and a quoted string. A weak one never matches
 * (13.1.1), nor does one that is no version. */
static bool parse_tag(struct tb_str header, size_t *at, uint64_t *version)
{
    bool weak = header.len - *at >= 2 && memcmp(header.ptr + *at, "W/", 2) == 0;
    *at += weak ? 2 : 0;
    if (*at >= header.len || header.ptr[*at] != '"') {
        return false;
    }
    size_t start = ++(*at);
    while (*at < header.len && header.ptr[*at] != '"') {
        unsigned char c = (unsigned char)header.ptr[*at];
        if (c < 0x21 || c == 0x7F) {
            return false;
        }
        (*at)++;
    }
    if (*at >= header.len) {
        return false;
    }
    struct tb_str tag = tb_str_from(header.ptr + start, *at - start);
    (*at)++;
    int64_t number = 0;
    bool is_version = !weak && tb_str_to_i64(tag, &number) && number > 0 && tag.ptr[0] != '0';
    *version = is_version ? (uint64_t)number : 0;
    return true;
}

static bool parse_tags(struct tb_parse *parse, struct tb_str header, struct tb_if_match *if_match)
{
    uint64_t *versions = tb_arena_alloc(parse->arena, (header.len / 3 + 1) * sizeof(*versions));
    size_t count = 0;
    size_t at = 0;
    while (at < header.len) {
        skip_spaces(header, &at);
        if (at < header.len && header.ptr[at] == ',') { /* empty elements count for nothing */
            at++;
            continue;
        }
        if (!parse_tag(header, &at, &versions[count])) {
            return false;
        }
        count++;
        skip_spaces(header, &at);
        if (at < header.len && header.ptr[at++] != ',') {
            return false;
        }
    }
    *if_match = (struct tb_if_match){.present = true, .versions = versions, .version_count = count};
    return count > 0;
}

bool tb_parse_if_match(struct tb_parse *parse, struct tb_str header, struct tb_if_match *if_match)
{
    if (header.ptr == NULL) {
        *if_match = (struct tb_if_match){.present = false};
        return true;
    }
    struct tb_str value = trim_header(header);
    if (tb_str_eq_c(value, "*")) {
        *if_match = (struct tb_if_match){.present = true, .any = true};
        return true;
    }
    return parse_tags(parse, value, if_match) ||
           tb_field_refuse(parse, TB_E_INVALID_HEADER, "If-Match",
                           "If-Match must be * or a list of entity tags such as \\\"3\\\"");
}

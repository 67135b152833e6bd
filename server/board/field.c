#include "board/field.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/instant.h"
#include "taskboard/limits.h"

#define SHOWN_BYTES_MAX   64
#define IGNORED_BYTES_MAX 1024
#define NEAREST_MAX       4

bool tb_field_refuse(struct tb_parse *parse, enum tb_err err, const char *field, const char *format,
                     ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    parse->refusal = (struct tb_refusal){
        .err = err,
        .message = tb_arena_dup(parse->arena, tb_str_c(text)),
    };
    if (field != NULL) {
        parse->refusal.extra = tb_arena_printf(parse->arena, ",\"field\":\"%s\"", field);
    }
    return false;
}

bool tb_field_is_absent(const struct tb_json *node)
{
    return node == NULL || node->type == TB_JSON_NULL;
}

static bool check_length(struct tb_parse *parse, struct tb_str text, const char *field,
                         size_t bytes_max)
{
    if (text.len <= bytes_max || tb_text_decoded_len(text) <= bytes_max) {
        return true;
    }
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s is longer than %zu bytes", field,
                           bytes_max);
}

bool tb_field_required(struct tb_parse *parse, const struct tb_json *node, const char *field,
                       size_t bytes_max, const char *missing, struct tb_str *out)
{
    struct tb_str text = TB_STR_NONE;
    if (node != NULL && node->type == TB_JSON_STRING) {
        text = tb_text_trim(tb_json_text(node));
    }
    if (text.len == 0) {
        return tb_field_refuse(parse, TB_E_MISSING_FIELD, field, "%s", missing);
    }
    if (!check_length(parse, text, field, bytes_max)) {
        return false;
    }
    *out = text;
    return true;
}

bool tb_field_text(struct tb_parse *parse, const struct tb_json *node, const char *field,
                   size_t bytes_max, struct tb_str *out)
{
    if (tb_field_is_absent(node)) {
        *out = TB_STR_NONE;
        return true;
    }
    if (node->type != TB_JSON_STRING) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be a string", field);
    }
    struct tb_str text = tb_text_trim(tb_json_text(node));
    if (!check_length(parse, text, field, bytes_max)) {
        return false;
    }
    *out = text.len > 0 ? text : TB_STR_NONE;
    return true;
}

bool tb_field_speaks(struct tb_parse *parse, const char *field, struct tb_str *name)
{
    if (parse->speaker.ptr == NULL || tb_str_eq(*name, parse->speaker)) {
        return true;
    }
    if (name->ptr != NULL) {
        return tb_field_refuse(parse, TB_E_FORBIDDEN, field,
                               "%s must be the agent that this token is bound to, or absent",
                               field);
    }
    *name = parse->speaker;
    return true;
}

bool tb_field_actor(struct tb_parse *parse, const struct tb_json *node, const char *field,
                    const char *missing, struct tb_str *out)
{
    bool required = missing != NULL && parse->speaker.ptr == NULL;
    bool good = required ? tb_field_required(parse, node, field, TB_NAME_BYTES_MAX, missing, out)
                         : tb_field_text(parse, node, field, TB_NAME_BYTES_MAX, out);
    return good && tb_field_speaks(parse, field, out);
}

bool tb_field_exact_text(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         size_t bytes_max, struct tb_str *out)
{
    if (tb_field_is_absent(node)) {
        *out = TB_STR_NONE;
        return true;
    }
    if (node->type != TB_JSON_STRING) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be a string", field);
    }
    struct tb_str text = tb_json_text(node);
    if (text.len == 0) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must not be empty", field);
    }
    if (!check_length(parse, text, field, bytes_max)) {
        return false;
    }
    *out = text;
    return true;
}

/* True when the canonical array holds nothing but strings, so that it can be walked as such. */
static bool holds_only_strings(struct tb_str array)
{
    const char *at = array.ptr + 1;
    const char *end = array.ptr + array.len - 1;
    while (at < end) {
        if (*at != '"') {
            return false;
        }
        for (at++; *at != '"'; at++) {
            at += *at == '\\' ? 1 : 0;
        }
        at += 2; /* the quote and the comma */
    }
    return true;
}

bool tb_field_strings(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      size_t count_max, size_t bytes_max, struct tb_str *out)
{
    if (tb_field_is_absent(node)) {
        *out = TB_STR_NONE;
        return true;
    }
    if (node->type != TB_JSON_ARRAY || !holds_only_strings(node->raw)) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be an array of strings",
                               field);
    }
    if (node->child_count > count_max) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s has more than %zu entries",
                               field, count_max);
    }
    struct tb_json_strings strings = tb_json_strings_of(node->raw);
    struct tb_str text;
    while (tb_json_strings_next(&strings, &text)) {
        if (text.len == 0 || (text.len > bytes_max && tb_text_decoded_len(text) > bytes_max)) {
            return tb_field_refuse(parse, TB_E_INVALID_FIELD, field,
                                   "each entry of %s must have 1 to %zu bytes", field, bytes_max);
        }
    }
    *out = node->raw;
    return true;
}

bool tb_field_texts(struct tb_parse *parse, const struct tb_json *node, const char *field,
                    size_t count_max, size_t bytes_max, const struct tb_str **out, size_t *count)
{
    struct tb_str array = TB_STR_NONE;
    if (!tb_field_strings(parse, node, field, count_max, bytes_max, &array)) {
        return false;
    }
    *count = 0;
    if (array.ptr == NULL) {
        return true;
    }
    struct tb_str *texts = tb_arena_alloc(parse->arena, (node->child_count + 1) * sizeof(*texts));
    struct tb_json_strings strings = tb_json_strings_of(array);
    while (tb_json_strings_next(&strings, &texts[*count])) {
        (*count)++;
    }
    *out = texts;
    return true;
}

bool tb_field_bool(struct tb_parse *parse, const struct tb_json *node, const char *field, bool *out)
{
    if (tb_field_is_absent(node)) {
        return true;
    }
    if (node->type != TB_JSON_TRUE && node->type != TB_JSON_FALSE) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be true or false", field);
    }
    *out = node->type == TB_JSON_TRUE;
    return true;
}

bool tb_field_integer(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      int64_t min, int64_t max, int64_t *out)
{
    int64_t number = 0;
    if (tb_field_is_absent(node)) {
        return true;
    }
    if (!tb_json_to_i64(node, &number) || number < min || number > max) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field,
                               "%s must be a whole number from %lld to %lld", field, (long long)min,
                               (long long)max);
    }
    *out = number;
    return true;
}

bool tb_field_instant(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      int64_t *ms)
{
    if (tb_field_is_absent(node)) {
        *ms = 0;
        return true;
    }
    int64_t parsed = 0;
    if (node->type != TB_JSON_STRING || !tb_instant_parse(tb_json_text(node), &parsed)) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field,
                               "%s must be an instant such as 2026-11-22T13:30:00.000Z", field);
    }
    *ms = parsed > 0 ? parsed : 1; /* 0 stands for absent */
    return true;
}

bool tb_field_json(struct tb_parse *parse, const struct tb_json *node, const char *field,
                   size_t bytes_max, struct tb_str *out)
{
    if (tb_field_is_absent(node)) {
        *out = TB_STR_NONE;
        return true;
    }
    if (node->raw.len > bytes_max) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s is longer than %zu bytes",
                               field, bytes_max);
    }
    *out = node->raw;
    return true;
}

/* Cuts a text without breaking a character or an escape. */
static struct tb_str cut_text(struct tb_str text, size_t len_max)
{
    size_t len = 0;
    while (len < text.len) {
        size_t next = len + 1;
        if (text.ptr[len] == '\\') {
            next = len + (text.ptr[len + 1] == 'u' ? 6 : 2);
        }
        while (next < text.len && ((unsigned char)text.ptr[next] & 0xC0) == 0x80) {
            next++;
        }
        if (next > len_max) {
            break;
        }
        len = next;
    }
    return tb_str_from(text.ptr, len);
}

struct tb_str tb_field_shown(struct tb_parse *parse, const struct tb_json *node)
{
    if (node == NULL) {
        return TB_STR("undefined");
    }
    if (node->type == TB_JSON_STRING) {
        return cut_text(tb_json_text(node), SHOWN_BYTES_MAX);
    }
    return cut_text(tb_text_from_bytes(parse->arena, node->raw), SHOWN_BYTES_MAX);
}

static bool is_known(const char *const *known, struct tb_str name)
{
    for (; *known != NULL; known++) {
        if (tb_str_eq_c(name, *known)) {
            return true;
        }
    }
    return false;
}

static const char *nearest_name(const char *const *known, struct tb_str name)
{
    const char *nearest = NULL;
    unsigned best = NEAREST_MAX;
    for (; *known != NULL; known++) {
        unsigned distance = tb_str_distance(name, tb_str_c(*known), NEAREST_MAX);
        if (distance < best) {
            best = distance;
            nearest = *known;
        }
    }
    return nearest;
}

static bool refuse_unknown(struct tb_parse *parse, const char *const *known, struct tb_str name,
                           const char *prefix)
{
    struct tb_str shown = cut_text(name, SHOWN_BYTES_MAX);
    const char *nearest = nearest_name(known, name);
    parse->refusal = (struct tb_refusal){.err = TB_E_UNKNOWN_FIELD};
    struct tb_buf extra;
    tb_buf_init(&extra, parse->arena, 192);
    TB_BUF_LIT(&extra, ",\"field\":\"");
    tb_buf_add_c(&extra, prefix);
    tb_buf_add_str(&extra, shown);
    TB_BUF_LIT(&extra, "\"");
    if (nearest != NULL) {
        TB_BUF_LIT(&extra, ",\"nearest\":\"");
        tb_buf_add_c(&extra, nearest);
        TB_BUF_LIT(&extra, "\"");
    }
    parse->refusal.extra = tb_buf_str(&extra);
    parse->refusal.message =
        tb_arena_printf(parse->arena, "unknown field %s%.*s%s%s%s", prefix, (int)shown.len,
                        shown.ptr, nearest != NULL ? " (did you mean " : "",
                        nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "");
    return false;
}

/* The name goes into a header: what is not printable ASCII shows as a question mark. */
static void note_ignored(struct tb_parse *parse, struct tb_buf *ignored, struct tb_str name)
{
    if (ignored->ptr == NULL) {
        tb_buf_init(ignored, parse->arena, 64);
    }
    struct tb_str shown = cut_text(name, SHOWN_BYTES_MAX);
    if (ignored->len + shown.len + 2 > IGNORED_BYTES_MAX) {
        return;
    }
    if (ignored->len > 0) {
        TB_BUF_LIT(ignored, ", ");
    }
    for (size_t i = 0; i < shown.len; i++) {
        bool printable = shown.ptr[i] > ' ' && shown.ptr[i] < 0x7F && shown.ptr[i] != ',';
        tb_buf_add(ignored, printable ? &shown.ptr[i] : "?", 1);
    }
}

bool tb_field_check_known(struct tb_parse *parse, const struct tb_json *object,
                          const char *const *known, bool strict, const char *prefix)
{
    struct tb_buf ignored = {.ptr = NULL};
    for (const struct tb_json *member = object->child; member != NULL; member = member->next) {
        if (is_known(known, member->key)) {
            continue;
        }
        if (strict || parse->strict) {
            return refuse_unknown(parse, known, member->key, prefix);
        }
        note_ignored(parse, &ignored, member->key);
    }
    if (ignored.ptr != NULL) {
        parse->ignored = tb_buf_str(&ignored);
    }
    return true;
}

bool tb_field_check_body(struct tb_parse *parse, const struct tb_json *body,
                         const char *const *known, bool strict)
{
    if (body->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "The body must be a JSON object");
    }
    return tb_field_check_known(parse, body, known, strict, "");
}

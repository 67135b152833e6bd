#include "scenario/wire.h"

#include "base/instant.h"

int64_t wire_number(struct tb_str json)
{
    int64_t number = -1;
    assert_true(tb_str_to_i64(json, &number));
    return number;
}

int64_t wire_number_or(struct tb_str json, int64_t otherwise)
{
    return json.ptr == NULL ? otherwise : wire_number(json);
}

struct tb_str wire_text(struct tb_str json)
{
    return json.ptr == NULL ? json : tb_str_from(json.ptr + 1, json.len - 2);
}

int64_t wire_instant(struct tb_str json)
{
    int64_t ms = 0;
    assert_true(json.ptr == NULL || tb_instant_parse(wire_text(json), &ms));
    return ms;
}

struct tb_id wire_id(struct tb_str json)
{
    struct tb_id id = {{0}};
    assert_true(tb_ulid_parse(wire_text(json), &id));
    return id;
}

bool wire_bool(struct tb_str json)
{
    return tb_str_eq_c(json, "true");
}

/* The length of the JSON value at the start of `json`. */
static size_t value_len(struct tb_str json)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ',')) {
            return i;
        }
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= closes ? 1 : 0;
    }
    return json.len;
}

bool wire_next(struct tb_str array, size_t *at, struct tb_str *item)
{
    if (array.ptr == NULL || array.len == 2 || *at + 1 >= array.len) {
        return false;
    }
    *item = tb_str_from(array.ptr + *at + 1, array.len - *at - 1);
    item->len = value_len(*item);
    *at += item->len + 1;
    return true;
}

bool wire_has(struct tb_str array, struct tb_str text)
{
    struct tb_str item;
    for (size_t at = 0; wire_next(array, &at, &item);) {
        if (tb_str_eq(wire_text(item), text)) {
            return true;
        }
    }
    return false;
}

struct tb_str wire_extra(struct tb_arena *arena, struct tb_str extra)
{
    if (extra.len == 0) {
        return TB_STR("{}");
    }
    return tb_arena_printf(arena, "{%.*s}", (int)extra.len - 1, extra.ptr + 1);
}

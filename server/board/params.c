#include <string.h>

#include "base/buf.h"
#include "board/field.h"
#include "board/query.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes %XX and `+`; false for a broken escape. `out` has room for in.len bytes. */
static bool percent_decode(struct tb_str in, char *out, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            int high = i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    *out_len = len;
    return true;
}

/* A decoded part as text. Bytes that are not UTF-8 do not survive the way to a text and back. */
static bool decode(struct tb_parse *parse, struct tb_str in, struct tb_str *out)
{
    char *bytes = tb_arena_alloc(parse->arena, in.len + 1);
    size_t len = 0;
    if (!percent_decode(in, bytes, &len) || memchr(bytes, 0, len) != NULL) {
        return false;
    }
    struct tb_str decoded = tb_str_from(bytes, len);
    *out = tb_text_from_bytes(parse->arena, decoded);
    return tb_str_eq(tb_text_to_bytes(parse->arena, *out), decoded);
}

static bool add_param(struct tb_parse *parse, struct tb_str pair, struct tb_params *params)
{
    if (params->count == TB_QUERY_TERMS_MAX) {
        return tb_field_refuse(parse, TB_E_INVALID_QUERY, NULL,
                               "The query has more than %d parameters", TB_QUERY_TERMS_MAX);
    }
    const char *equals = memchr(pair.ptr, '=', pair.len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair.ptr) : pair.len;
    struct tb_str name = tb_str_from(pair.ptr, name_len);
    struct tb_str value = TB_STR("");
    if (equals != NULL) {
        value = tb_str_from(equals + 1, pair.len - name_len - 1);
    }
    struct tb_param *param = &params->items[params->count];
    if (!decode(parse, name, &param->name) || !decode(parse, value, &param->value)) {
        return tb_field_refuse(parse, TB_E_INVALID_QUERY, NULL,
                               "The query has a broken escape, a NUL or bytes that are not UTF-8");
    }
    params->count++;
    return true;
}

bool tb_params_parse(struct tb_parse *parse, struct tb_str query_string, struct tb_params *params)
{
    params->count = 0;
    if (query_string.len > TB_QUERY_BYTES_MAX) {
        return tb_field_refuse(parse, TB_E_INVALID_QUERY, NULL, "The query is longer than %d bytes",
                               TB_QUERY_BYTES_MAX);
    }
    size_t at = 0;
    while (at < query_string.len) {
        const char *start = query_string.ptr + at;
        const char *amp = memchr(start, '&', query_string.len - at);
        size_t len = amp != NULL ? (size_t)(amp - start) : query_string.len - at;
        if (len > 0 && !add_param(parse, tb_str_from(start, len), params)) {
            return false;
        }
        at += len + 1;
    }
    return true;
}

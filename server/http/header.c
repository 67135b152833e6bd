#include "http/header.h"

#include <assert.h>
#include <strings.h>

#include "taskboard/limits.h"

#define TRACEPARENT_LEN 55 /* 2 - 32 - 16 - 2 hex digits */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct tb_str trim(struct tb_str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

static bool equals_any_case(struct tb_str a, struct tb_str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* Cuts the part before the next separator that stands in no quoted string off `rest`, trimmed.
 * False at the end. */
static bool next_part(struct tb_str *rest, char separator, struct tb_str *part)
{
    if (rest->ptr == NULL) {
        return false;
    }
    bool quoted = false;
    size_t at = 0;
    for (; at < rest->len && (quoted || rest->ptr[at] != separator); at++) {
        char c = rest->ptr[at];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\' && at + 1 < rest->len) {
            at++;
        }
    }
    *part = trim(tb_str_from(rest->ptr, at));
    *rest = at < rest->len ? tb_str_from(rest->ptr + at + 1, rest->len - at - 1) : TB_STR_NONE;
    return true;
}

/* Splits `name = value` or `name`; a value's quotes are taken off. */
static void split_pair(struct tb_str pair, struct tb_str *name, struct tb_str *value)
{
    struct tb_str rest = pair;
    *value = TB_STR_NONE;
    if (!next_part(&rest, '=', name)) {
        *name = pair;
        return;
    }
    if (rest.ptr == NULL) {
        return;
    }
    *value = trim(rest);
    if (value->len >= 2 && value->ptr[0] == '"' && value->ptr[value->len - 1] == '"') {
        value->ptr++;
        value->len -= 2;
    }
}

bool tb_header_bearer(struct tb_str authorization, struct tb_str *token)
{
    static const size_t scheme_len = sizeof("Bearer") - 1;
    struct tb_str value = trim(authorization);
    if (value.len < scheme_len + 2 || strncasecmp(value.ptr, "Bearer", scheme_len) != 0 ||
        !is_blank(value.ptr[scheme_len])) {
        return false;
    }
    *token = trim(tb_str_from(value.ptr + scheme_len, value.len - scheme_len));
    return true;
}

bool tb_header_preference(struct tb_str prefer, struct tb_str name, struct tb_str *value)
{
    struct tb_str preference;
    while (next_part(&prefer, ',', &preference)) {
        struct tb_str pair, its_name, its_value;
        if (!next_part(&preference, ';', &pair)) {
            continue;
        }
        split_pair(pair, &its_name, &its_value);
        if (equals_any_case(its_name, name)) {
            *value = its_value;
            return true;
        }
    }
    return false;
}

bool tb_header_prefers(struct tb_str prefer, struct tb_str name, struct tb_str value)
{
    struct tb_str sent;
    return tb_header_preference(prefer, name, &sent) && sent.ptr != NULL &&
           equals_any_case(sent, value);
}

/* A weight (RFC 9110, 12.4.2) in thousandths: `0`, `0.5`, `1.000`, …; -1: that is none. */
static int parse_weight(struct tb_str q)
{
    if (q.len == 0 || q.len > 5 || (q.ptr[0] != '0' && q.ptr[0] != '1') ||
        (q.len > 1 && q.ptr[1] != '.')) {
        return -1;
    }
    int weight = (q.ptr[0] - '0') * 1000;
    int worth = 100;
    for (size_t i = 2; i < q.len; i++) {
        if (q.ptr[i] < '0' || q.ptr[i] > '9') {
            return -1;
        }
        weight += (q.ptr[i] - '0') * worth;
        worth /= 10;
    }
    return weight <= 1000 ? weight : -1;
}

/* Of the part of a list that has these parameters. */
static int weight_of(struct tb_str parameters)
{
    struct tb_str parameter;
    while (next_part(&parameters, ';', &parameter)) {
        struct tb_str name, value;
        split_pair(parameter, &name, &value);
        if (equals_any_case(name, TB_STR("q"))) {
            return parse_weight(value);
        }
    }
    return 1000;
}

bool tb_header_accepts(struct tb_str accept, struct tb_str media_type)
{
    struct tb_str range;
    while (next_part(&accept, ',', &range)) {
        struct tb_str type;
        if (next_part(&range, ';', &type) && equals_any_case(type, media_type) &&
            weight_of(range) != 0) {
            return true;
        }
    }
    return false;
}

bool tb_header_accepts_coding(struct tb_str accept_encoding, struct tb_str coding)
{
    int of_coding = -1, of_any = -1, of_identity = -1;
    struct tb_str item, name;
    while (next_part(&accept_encoding, ',', &item)) {
        if (!next_part(&item, ';', &name)) {
            continue;
        }
        if (equals_any_case(name, coding)) {
            of_coding = weight_of(item);
        } else if (tb_str_eq_c(name, "*")) {
            of_any = weight_of(item);
        } else if (equals_any_case(name, TB_STR("identity"))) {
            of_identity = weight_of(item);
        }
    }
    int weight = of_coding >= 0 ? of_coding : of_any;
    return weight > 0 && weight >= of_identity;
}

bool tb_header_has_tag(struct tb_str if_none_match, struct tb_str tag)
{
    struct tb_str one;
    while (next_part(&if_none_match, ',', &one)) {
        assert(one.ptr != NULL);
        if (one.len >= 2 && one.ptr[0] == 'W' && one.ptr[1] == '/') {
            one.ptr += 2;
            one.len -= 2;
        }
        if (tb_str_eq(one, tag) || (one.len == 1 && one.ptr[0] == '*')) {
            return true;
        }
    }
    return false;
}

static bool is_id_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
}

bool tb_request_id_valid(struct tb_str id)
{
    if (id.len < 1 || id.len > TB_REQUEST_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (!is_id_char(id.ptr[i])) {
            return false;
        }
    }
    return true;
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

struct tb_str tb_header_traceparent(struct tb_str traceparent)
{
    if (traceparent.len < TRACEPARENT_LEN) {
        return TB_STR_NONE;
    }
    for (size_t i = 0; i < TRACEPARENT_LEN; i++) {
        bool is_dash = i == 2 || i == 35 || i == 52;
        char c = traceparent.ptr[i];
        if (is_dash ? c != '-' : !is_lower_hex(c)) {
            return TB_STR_NONE;
        }
    }
    return tb_str_from(traceparent.ptr, TRACEPARENT_LEN);
}

#include <assert.h>

#include "base/json.h"

#define I64_DIGITS_MAX 19

const struct tb_json *tb_json_member(const struct tb_json *object, const char *name)
{
    struct tb_str wanted = tb_str_c(name);
    if (object->type != TB_JSON_OBJECT) {
        return NULL;
    }
    for (const struct tb_json *member = object->child; member != NULL; member = member->next) {
        if (tb_str_eq(member->key, wanted)) {
            return member;
        }
    }
    return NULL;
}

struct tb_str tb_json_text(const struct tb_json *string)
{
    assert(string->type == TB_JSON_STRING);
    return tb_str_from(string->raw.ptr + 1, string->raw.len - 2);
}

/* --- numbers --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The exponent after `e`, held within a bound that no length of digits reaches. */
static int64_t exponent_of(const char *at, const char *end)
{
    const int64_t bound = INT64_C(1) << 56;
    bool negative = *at == '-';
    int64_t exponent = 0;
    at += negative || *at == '+' ? 1 : 0;
    for (; at < end && exponent < bound; at++) {
        exponent = exponent * 10 + (*at - '0');
    }
    return negative ? -exponent : exponent;
}

/* A number is `significant` * 10^power: the digits without dot, leading and trailing zeros. */
struct decimal {
    bool negative;
    bool too_long; /* more significant digits than any int64 has */
    unsigned digit_count;
    uint64_t significant;
    int64_t power;
};

/* Zeros wait in `zeros` until a digit follows them: so trailing ones never enter `significant`, and
 * the power counts them. */
static struct decimal decimal_of(struct tb_str raw)
{
    const char *at = raw.ptr;
    const char *end = raw.ptr + raw.len;
    struct decimal number = {.negative = *at == '-'};
    int64_t zeros = 0;
    bool fraction = false;
    for (at += number.negative ? 1 : 0; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        number.power -= fraction ? 1 : 0;
        if (*at == '0') {
            zeros += 1;
            continue;
        }
        int64_t more = number.digit_count == 0 ? 1 : zeros + 1;
        zeros = 0;
        if (more > I64_DIGITS_MAX - (int64_t)number.digit_count) {
            number.too_long = true;
            return number;
        }
        number.digit_count += (unsigned)more;
        for (; more > 1; more--) {
            number.significant *= 10;
        }
        number.significant = number.significant * 10 + (uint64_t)(*at - '0');
    }
    number.power += zeros + (at < end ? exponent_of(at + 1, end) : 0);
    return number;
}

bool tb_json_to_i64(const struct tb_json *node, int64_t *out)
{
    if (node->type != TB_JSON_NUMBER) {
        return false;
    }
    struct decimal number = decimal_of(node->raw);
    int64_t power_max = number.digit_count == 0 ? INT64_MAX : I64_DIGITS_MAX - number.digit_count;
    if (number.too_long || (number.digit_count > 0 && number.power < 0) ||
        number.power > power_max) {
        return false;
    }
    uint64_t magnitude = number.significant; /* below 10^19, which fits */
    for (int64_t i = 0; magnitude != 0 && i < number.power; i++) {
        magnitude *= 10;
    }
    if (magnitude > (uint64_t)INT64_MAX + (number.negative ? 1 : 0)) {
        return false;
    }
    *out = (int64_t)(number.negative ? 0 - magnitude : magnitude);
    return true;
}

/* --- stored arrays of strings --- */

struct tb_json_strings tb_json_strings_of(struct tb_str json_array)
{
    if (json_array.len < 2) {
        return (struct tb_json_strings){NULL, NULL};
    }
    return (struct tb_json_strings){json_array.ptr + 1, json_array.ptr + json_array.len - 1};
}

bool tb_json_strings_next(struct tb_json_strings *strings, struct tb_str *text)
{
    const char *end = strings->end;
    if (strings->at == end) {
        return false;
    }
    const char *start = strings->at + (strings->at[0] == ',' ? 2 : 1);
    const char *at = start;
    while (at < end && *at != '"') {
        at += *at == '\\' ? 2 : 1;
    }
    assert(at < end); /* we wrote it */
    *text = tb_str_from(start, (size_t)(at - start));
    strings->at = at + 1;
    return true;
}

#include "base/str.h"

#define DISTANCE_LEN_MAX 64

int tb_str_cmp(struct tb_str a, struct tb_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Wagner and Fischer's table, of which one row and the cell up and to the left are kept. */
unsigned tb_str_distance(struct tb_str a, struct tb_str b, unsigned max)
{
    unsigned row[DISTANCE_LEN_MAX + 1];
    if (a.len > DISTANCE_LEN_MAX || b.len > DISTANCE_LEN_MAX) {
        return max;
    }
    for (unsigned j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned above = row[j];
            unsigned changed = a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1;
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + changed);
            diagonal = above;
        }
    }
    return row[b.len] < max ? row[b.len] : max;
}

bool tb_str_to_i64(struct tb_str s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    size_t digits = s.len - i;
    if (digits == 0 || digits > 19) {
        return false;
    }
    uint64_t number = 0; /* 19 nines fit */
    for (; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (number > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *out = (int64_t)(negative ? 0 - number : number);
    return true;
}

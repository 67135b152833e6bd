#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/run.h"

#define OPS_FIRST   4096
#define BYTES_FIRST (256 * 1024)

void tb_run_ops_fini(struct tb_run_ops *ops)
{
    free(ops->ops);
    free(ops->spare);
    free(ops->refs);
    free(ops->bytes);
    *ops = (struct tb_run_ops){0};
}

void tb_run_ops_forget(struct tb_run_ops *ops)
{
    ops->count = 0;
    ops->sorted = 0;
    ops->bytes_used = 0;
}

static void *grow(void *old, size_t bytes)
{
    void *grown = realloc(old, bytes);
    if (grown == NULL) {
        tb_out_of_memory();
    }
    return grown;
}

static void make_room(struct tb_run_ops *ops, size_t key_bytes)
{
    if (ops->count == ops->capacity) {
        ops->capacity = ops->capacity == 0 ? OPS_FIRST : 2 * ops->capacity;
        ops->ops = grow(ops->ops, ops->capacity * sizeof *ops->ops);
        ops->spare = grow(ops->spare, ops->capacity * sizeof *ops->spare);
        ops->refs = grow(ops->refs, 2 * ops->capacity * sizeof *ops->refs);
    }
    if (ops->bytes_capacity - ops->bytes_used < key_bytes) {
        ops->bytes_capacity = ops->bytes_capacity == 0 ? BYTES_FIRST : 2 * ops->bytes_capacity;
        ops->bytes = grow(ops->bytes, ops->bytes_capacity);
    }
}

static void take_head(uint64_t head[TB_RUN_HEAD_WORDS], const uint8_t *key, size_t len)
{
    uint8_t bytes[TB_RUN_HEAD_WORDS * sizeof *head] = {0};
    memcpy(bytes, key, len < sizeof bytes ? len : sizeof bytes);
    for (size_t i = 0; i < TB_RUN_HEAD_WORDS; i++) {
        head[i] = tb_key_read_u64(bytes + i * sizeof *head);
    }
}

void tb_run_ops_add(struct tb_run_ops *ops, const struct tb_key *key, bool put)
{
    static_assert(TB_KEY_BYTES_MAX <= UINT8_MAX, "a length is a byte");
    make_room(ops, key->len);
    struct tb_run_op *op = &ops->ops[ops->count++];
    take_head(op->head, key->bytes, key->len);
    op->at = ops->bytes_used;
    op->len = (uint8_t)key->len;
    op->first_put = put;
    op->last_put = put;
    memcpy(ops->bytes + op->at, key->bytes, key->len);
    ops->bytes_used += key->len;
}

static int compare(const struct tb_run_ops *ops, const struct tb_run_op *a,
                   const struct tb_run_op *b)
{
    for (size_t i = 0; i < TB_RUN_HEAD_WORDS; i++) {
        if (a->head[i] != b->head[i]) {
            return a->head[i] < b->head[i] ? -1 : 1;
        }
    }
    return tb_run_compare(ops->bytes + a->at, a->len, ops->bytes + b->at, b->len);
}

/* Where the stretch that begins at `from` and is sorted already ends, `end` at the latest. */
static size_t stretch_end(const struct tb_run_ops *ops, size_t from, size_t end)
{
    size_t at = from + 1;
    while (at < end && compare(ops, &ops->ops[at - 1], &ops->ops[at]) <= 0) {
        at++;
    }
    return at;
}

/* Merges two neighbouring stretches into `spare` at the same place; of equals the earlier first. */
static void merge_two(struct tb_run_ops *ops, size_t from, size_t middle, size_t end)
{
    size_t a = from;
    size_t b = middle;
    for (size_t to = from; to < end; to++) {
        bool take_b = a == middle || (b < end && compare(ops, &ops->ops[b], &ops->ops[a]) < 0);
        ops->spare[to] = ops->ops[take_b ? b++ : a++];
    }
}

/* Merges the stretches of [from, end) in pairs; false: there is only one left. */
static bool merge_pass(struct tb_run_ops *ops, size_t from, size_t end)
{
    size_t at = from;
    while (at < end) {
        size_t middle = stretch_end(ops, at, end);
        if (middle == end) {
            if (at == from) {
                return false;
            }
            memcpy(ops->spare + at, ops->ops + at, (middle - at) * sizeof *ops->ops);
            break;
        }
        size_t next = stretch_end(ops, middle, end);
        merge_two(ops, at, middle, next);
        at = next;
    }
    memcpy(ops->ops + from, ops->spare + from, (end - from) * sizeof *ops->ops);
    return true;
}

static void sort_range(struct tb_run_ops *ops, size_t from, size_t end)
{
    while (merge_pass(ops, from, end)) {
    }
}

/* --- by the first word of the head, byte by byte: no comparisons --- */

enum { HEAD_BYTES = sizeof(uint64_t), BYTE_VALUES = 256 };

static unsigned byte_of(uint64_t head, unsigned byte)
{
    return (unsigned)(head >> (8 * byte)) & (BYTE_VALUES - 1);
}

/* Moves the refs from one array to the other, in the order of one byte of their heads; `ends`
 * counts its values. False: it is the same everywhere, nothing was done. */
static bool distribute(const struct tb_run_op_ref *from, struct tb_run_op_ref *to, size_t count,
                       unsigned byte, uint32_t ends[BYTE_VALUES])
{
    if (ends[byte_of(from[0].head, byte)] == count) {
        return false;
    }
    uint32_t at = 0;
    for (unsigned value = 0; value < BYTE_VALUES; value++) {
        at += ends[value];
        ends[value] = at - ends[value];
    }
    for (size_t i = 0; i < count; i++) {
        to[ends[byte_of(from[i].head, byte)]++] = from[i];
    }
    return true;
}

/* Orders [from, count); equals stay as they were. */
static void sort_heads(struct tb_run_ops *ops, size_t from)
{
    uint32_t counts[HEAD_BYTES][BYTE_VALUES] = {{0}};
    size_t count = ops->count - from;
    struct tb_run_op_ref *refs = ops->refs;
    struct tb_run_op_ref *others = ops->refs + count;
    for (size_t i = 0; i < count; i++) {
        refs[i] = (struct tb_run_op_ref){ops->ops[from + i].head[0], (uint32_t)(from + i)};
        for (unsigned byte = 0; byte < HEAD_BYTES; byte++) {
            counts[byte][byte_of(refs[i].head, byte)]++;
        }
    }
    for (unsigned byte = 0; byte < HEAD_BYTES; byte++) {
        if (distribute(refs, others, count, byte, counts[byte])) {
            struct tb_run_op_ref *done = refs;
            refs = others;
            others = done;
        }
    }
    for (size_t i = 0; i < count; i++) {
        ops->spare[from + i] = ops->ops[refs[i].op];
    }
    memcpy(ops->ops + from, ops->spare + from, count * sizeof *ops->ops);
}

/* Sorts [from, count): by the beginnings of the keys, then each stretch that begins alike. Of what
 * remains most comes in order, such as one word's ids. */
static void sort_new(struct tb_run_ops *ops, size_t from)
{
    sort_heads(ops, from);
    while (from < ops->count) {
        size_t end = from + 1;
        while (end < ops->count && ops->ops[end].head[0] == ops->ops[from].head[0]) {
            end++;
        }
        sort_range(ops, from, end);
        from = end;
    }
}

/* Makes one op of each key. */
static void unite_equals(struct tb_run_ops *ops)
{
    size_t kept = 0;
    for (size_t i = 1; i < ops->count; i++) {
        if (compare(ops, &ops->ops[kept], &ops->ops[i]) == 0) {
            ops->ops[kept].last_put = ops->ops[i].last_put;
        } else {
            ops->ops[++kept] = ops->ops[i];
        }
    }
    ops->count = kept + 1;
}

void tb_run_ops_sort(struct tb_run_ops *ops)
{
    if (ops->sorted == ops->count) {
        return;
    }
    sort_new(ops, ops->sorted);
    if (ops->sorted > 0) {
        sort_range(ops, 0, ops->count);
    }
    unite_equals(ops);
    ops->sorted = ops->count;
}

size_t tb_run_ops_rank(const struct tb_run_ops *ops, const uint8_t *key, size_t len)
{
    size_t low = 0;
    size_t high = ops->sorted;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tb_run_compare(tb_run_op_key(ops, middle), ops->ops[middle].len, key, len) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

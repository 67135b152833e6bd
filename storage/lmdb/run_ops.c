#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "lmdb/run.h"

#define OPS_FIRST   4096
#define BYTES_FIRST (256 * 1024)

void tb_run_ops_fini(struct tb_run_ops *ops)
{
    free(ops->ops);
    free(ops->spare);
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
        abort();
    }
    return grown;
}

static void make_room(struct tb_run_ops *ops, size_t key_bytes)
{
    if (ops->count == ops->capacity) {
        ops->capacity = ops->capacity == 0 ? OPS_FIRST : 2 * ops->capacity;
        ops->ops = grow(ops->ops, ops->capacity * sizeof *ops->ops);
        ops->spare = grow(ops->spare, ops->capacity * sizeof *ops->spare);
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

static uint8_t kind_of(const struct tb_run_op *op)
{
    return (uint8_t)(op->head[0] >> 56);
}

/* Sorts [from, count): first by kind, the first byte of a key, without a comparison. What follows
 * is cheap for the kinds whose keys come in order, such as those that begin with a time. */
static void sort_new(struct tb_run_ops *ops, size_t from)
{
    size_t ends[256] = {0};
    for (size_t i = from; i < ops->count; i++) {
        ends[kind_of(&ops->ops[i])]++;
    }
    size_t at = from;
    for (size_t kind = 0; kind < 256; kind++) {
        at += ends[kind];
        ends[kind] = at - ends[kind];
    }
    for (size_t i = from; i < ops->count; i++) {
        ops->spare[ends[kind_of(&ops->ops[i])]++] = ops->ops[i];
    }
    memcpy(ops->ops + from, ops->spare + from, (ops->count - from) * sizeof *ops->ops);
    at = from;
    for (size_t kind = 0; kind < 256; kind++) {
        if (ends[kind] > at) {
            sort_range(ops, at, ends[kind]);
            at = ends[kind];
        }
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

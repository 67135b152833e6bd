#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/memory.h"
#include "lmdb/names.h"

#define BUCKETS_FIRST 1024

/* Rows in the order in which they came, found through open addressing: a bucket holds the number of
 * a row, counted from 1. */
struct tb_name_table {
    struct tb_arena *texts;
    size_t count;
    size_t capacity;
    struct tb_name_row *rows;
    size_t bucket_count; /* a power of two; at least twice as many as rows */
    uint32_t *buckets;
};

static void *check(void *memory)
{
    if (memory == NULL) {
        tb_out_of_memory();
    }
    return memory;
}

struct tb_name_table *tb_name_table_new(void)
{
    struct tb_name_table *table = check(calloc(1, sizeof *table));
    table->texts = tb_arena_new(0);
    table->bucket_count = BUCKETS_FIRST;
    table->buckets = check(calloc(table->bucket_count, sizeof *table->buckets));
    return table;
}

void tb_name_table_free(struct tb_name_table *table)
{
    tb_arena_free(table->texts);
    free(table->rows);
    free(table->buckets);
    free(table);
}

size_t tb_name_table_count(const struct tb_name_table *table)
{
    return table->count;
}

void tb_name_table_clear(struct tb_name_table *table)
{
    tb_arena_reset(table->texts);
    table->count = 0;
    memset(table->buckets, 0, table->bucket_count * sizeof *table->buckets);
}

struct tb_name_row *tb_name_table_row(struct tb_name_table *table, size_t i)
{
    return &table->rows[i];
}

/* Seeded with the kind, so that a tag and an agent of the same name part. */
void tb_name_hash(enum tb_name_kind kind, struct tb_str name, uint8_t hash[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical,
                             XXH3_128bits_withSeed(name.ptr, name.len, (XXH64_hash_t)kind));
    memcpy(hash, &canonical, sizeof canonical);
}

static size_t first_bucket(const struct tb_name_table *table, const uint8_t hash[16])
{
    return tb_key_read_u64(hash) & (table->bucket_count - 1);
}

/* The bucket of the name, or the empty one where it would stand. */
static uint32_t *find_bucket(struct tb_name_table *table, enum tb_name_kind kind,
                             struct tb_str name, const uint8_t hash[16])
{
    assert(name.ptr != NULL);
    size_t i = first_bucket(table, hash);
    for (; table->buckets[i] != 0; i = (i + 1) & (table->bucket_count - 1)) {
        const struct tb_name_row *row = &table->rows[table->buckets[i] - 1];
        if (row->kind == kind && memcmp(row->hash, hash, sizeof row->hash) == 0 &&
            row->name.len == name.len && memcmp(name.ptr, row->name.ptr, name.len) == 0) {
            break;
        }
    }
    return &table->buckets[i];
}

static void make_room(struct tb_name_table *table)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? BUCKETS_FIRST / 2 : 2 * table->capacity;
        table->rows = check(realloc(table->rows, table->capacity * sizeof *table->rows));
    }
    if (2 * (table->count + 1) <= table->bucket_count) {
        return;
    }
    free(table->buckets);
    table->bucket_count *= 2;
    table->buckets = check(calloc(table->bucket_count, sizeof *table->buckets));
    for (size_t i = 0; i < table->count; i++) {
        const struct tb_name_row *row = &table->rows[i];
        *find_bucket(table, row->kind, row->name, row->hash) = (uint32_t)i + 1;
    }
}

struct tb_name_row *tb_name_table_find(struct tb_name_table *table, enum tb_name_kind kind,
                                       struct tb_str name)
{
    uint8_t hash[16];
    tb_name_hash(kind, name, hash);
    uint32_t number = *find_bucket(table, kind, name, hash);
    return number == 0 ? NULL : &table->rows[number - 1];
}

struct tb_name_row *tb_name_table_get(struct tb_name_table *table, enum tb_name_kind kind,
                                      struct tb_str name, bool *is_new)
{
    uint8_t hash[16];
    tb_name_hash(kind, name, hash);
    make_room(table);
    uint32_t *bucket = find_bucket(table, kind, name, hash);
    *is_new = *bucket == 0;
    if (*is_new) {
        struct tb_name_row *row = &table->rows[table->count];
        *row = (struct tb_name_row){
            .kind = kind, .name = tb_arena_dup(table->texts, name), .index = table->count++};
        memcpy(row->hash, hash, sizeof row->hash);
        *bucket = (uint32_t)table->count;
    }
    return &table->rows[*bucket - 1];
}

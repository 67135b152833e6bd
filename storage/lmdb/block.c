#include "lmdb/block.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/memory.h"
#include "lmdb/keys.h"

struct block_header {
    uint64_t checksum;
    uint32_t count;
    uint32_t zero;
};

/* --- making --- */

void tb_block_maker_fini(struct tb_block_maker *maker)
{
    free(maker->ends);
    free(maker->records);
    *maker = (struct tb_block_maker){0};
}

void tb_block_maker_forget(struct tb_block_maker *maker)
{
    maker->count = 0;
    maker->used = 0;
}

static void *grow(void *old, size_t bytes)
{
    void *grown = realloc(old, bytes);
    if (grown == NULL) {
        tb_out_of_memory();
    }
    return grown;
}

uint8_t *tb_block_maker_add(struct tb_block_maker *maker, uint64_t number, size_t size)
{
    enum { ENDS_FIRST = 256 };
    if (maker->count == maker->ends_capacity) {
        maker->ends_capacity = maker->count == 0 ? ENDS_FIRST : 2 * maker->ends_capacity;
        maker->ends = grow(maker->ends, maker->ends_capacity * sizeof *maker->ends);
    }
    if (maker->capacity - maker->used < size) {
        maker->capacity = 2 * maker->capacity + size + TB_BLOCK_BYTES_MAX;
        maker->records = grow(maker->records, maker->capacity);
    }
    if (maker->count == 0) {
        maker->first = number;
    }
    uint8_t *record = maker->records + maker->used;
    maker->used += size;
    maker->ends[maker->count++] = (uint32_t)maker->used;
    return record;
}

static uint64_t checksum(const uint8_t *block, uint32_t count, uint64_t first)
{
    return XXH3_64bits_withSeed(
        block + sizeof(uint64_t),
        sizeof(struct block_header) - sizeof(uint64_t) + count * sizeof(uint32_t), first);
}

size_t tb_block_maker_size(const struct tb_block_maker *maker)
{
    return sizeof(struct block_header) + maker->count * sizeof *maker->ends + maker->used;
}

void tb_block_maker_fill(const struct tb_block_maker *maker, uint8_t *block)
{
    struct block_header header = {.count = maker->count};
    size_t ends_bytes = maker->count * sizeof *maker->ends;
    memcpy(block, &header, sizeof header);
    memcpy(block + sizeof header, maker->ends, ends_bytes);
    memcpy(block + sizeof header + ends_bytes, maker->records, maker->used);
    header.checksum = checksum(block, maker->count, maker->first);
    memcpy(block, &header.checksum, sizeof header.checksum);
}

/* --- reading --- */

int tb_block_open(MDB_val key, MDB_val bytes, struct tb_block *block)
{
    struct block_header header;
    if (key.mv_size != sizeof(uint64_t) || bytes.mv_size < sizeof header) {
        return MDB_CORRUPTED;
    }
    memcpy(&header, bytes.mv_data, sizeof header);
    uint64_t first = tb_key_read_u64(key.mv_data);
    if (header.count == 0 || header.count > (bytes.mv_size - sizeof header) / sizeof(uint32_t) ||
        checksum(bytes.mv_data, header.count, first) != header.checksum) {
        return MDB_CORRUPTED;
    }
    *block = (struct tb_block){.first = first, .count = header.count, .bytes = bytes};
    return 0;
}

static uint32_t end_of(const struct tb_block *block, uint32_t index)
{
    uint32_t end = 0;
    memcpy(&end,
           (const uint8_t *)block->bytes.mv_data + sizeof(struct block_header) + index * sizeof end,
           sizeof end);
    return end;
}

int tb_block_record(const struct tb_block *block, uint32_t index, struct tb_str *record)
{
    size_t records = sizeof(struct block_header) + block->count * sizeof(uint32_t);
    size_t from = records + (index == 0 ? 0 : end_of(block, index - 1));
    size_t to = records + end_of(block, index);
    if (from > to || to > block->bytes.mv_size) {
        return MDB_CORRUPTED;
    }
    *record = tb_str_from((const char *)block->bytes.mv_data + from, to - from);
    return 0;
}

int tb_block_find(MDB_cursor *cursor, uint64_t number, struct tb_block *block)
{
    uint8_t bytes[8];
    tb_key_write_u64(bytes, number);
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (rc == 0 && tb_key_read_u64(key.mv_data) == number) {
        return tb_block_open(key, value, block);
    }
    if (rc == 0 || rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
    }
    if (rc == MDB_NOTFOUND) { /* all begin behind it, or there is none */
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        return rc != 0 ? rc : tb_block_open(key, value, block);
    }
    rc = rc != 0 ? rc : tb_block_open(key, value, block);
    if (rc == 0 && number >= block->first + block->count) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        rc = rc != 0 ? rc : tb_block_open(key, value, block);
    }
    return rc;
}

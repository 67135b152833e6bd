/* Blocks: records with consecutive numbers as one value, so that a commit writes one place for all
 * that it appends.
 *
 *   key    number u64 of the first record, big-endian
 *   block  | checksum u64 | count u32 | 0 u32 | end u32 of each record, from the first on | records
 * |
 *
 * The checksum is XXH3 of 64 bits over count and ends, seeded with the first number; each record
 * has its own. */
#ifndef TB_LMDB_BLOCK_H
#define TB_LMDB_BLOCK_H

#include <lmdb.h>

#include "base/str.h"

#define TB_BLOCK_BYTES_MAX (256 * 1024) /* about: one that has more is closed */

/* A block to come. */
struct tb_block_maker {
    uint64_t first; /* number */
    uint32_t count;
    size_t ends_capacity;
    uint32_t *ends; /* where each record ends */
    size_t used;
    size_t capacity;
    uint8_t *records;
};

void tb_block_maker_fini(struct tb_block_maker *maker);
void tb_block_maker_forget(struct tb_block_maker *maker);

/* Room for one more record of `size` bytes; `number` counts when it is the first one. */
uint8_t *tb_block_maker_add(struct tb_block_maker *maker, uint64_t number, size_t size);
size_t tb_block_maker_size(const struct tb_block_maker *maker);
void tb_block_maker_fill(const struct tb_block_maker *maker, uint8_t *block);

/* A block that was checked. */
struct tb_block {
    uint64_t first; /* number */
    uint32_t count;
    MDB_val bytes;
};

/* MDB_CORRUPTED when it is damaged. */
int tb_block_open(MDB_val key, MDB_val bytes, struct tb_block *block);
int tb_block_record(const struct tb_block *block, uint32_t index, struct tb_str *record);

static inline bool tb_block_holds(const struct tb_block *block, uint64_t number)
{
    return number >= block->first && number - block->first < block->count;
}

/* To the block that holds `number`; when there is none, to the first behind it. MDB_NOTFOUND: nor
 * is there such a one. */
int tb_block_find(MDB_cursor *cursor, uint64_t number, struct tb_block *block);

#endif

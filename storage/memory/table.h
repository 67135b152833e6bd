/* A sorted table of versioned values: how the memory engine lets snapshots stand still while
 * somebody writes.
 *
 * Each value carries the numbers of the commits that it was born in and died in; the snapshot of
 * commit n sees those with born <= n < died. The write transaction that will be commit n + 1 reads
 * as n + 1. Nothing that an open snapshot may see is ever freed. Not thread-safe: the engine's
 * mutex guards it. */
#ifndef TB_MEMORY_TABLE_H
#define TB_MEMORY_TABLE_H

#include <stddef.h>

#include "base/str.h"

#define TB_ROW_KEY_BYTES 32
#define TB_ROW_ALIVE     UINT64_MAX

struct tb_version {
    struct tb_version *older;
    uint64_t born;
    uint64_t died; /* TB_ROW_ALIVE: not yet */
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

struct tb_row {
    uint8_t key[TB_ROW_KEY_BYTES]; /* shorter ones end in zeros */
    struct tb_version *newest;
};

struct tb_table {
    struct tb_row *rows; /* sorted by key */
    size_t count;
    size_t cap;
};

void tb_table_fini(struct tb_table *table);

/* The index of the first row whose key is not below `key`. */
size_t tb_table_find(const struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES]);

/* The version of a row, or of the row of a key, that commit `n` sees, or NULL. */
struct tb_version *tb_row_at(const struct tb_row *row, uint64_t n);
struct tb_version *tb_table_get(const struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES],
                                uint64_t n);

/* Gives the key a new version, born in `n`, and returns it with its bytes to be filled. */
struct tb_version *tb_table_put(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES],
                                uint64_t n, size_t size);
void tb_table_delete(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES], uint64_t n);

/* Forgets what was born in `n` and revives what died in it. */
void tb_table_undo(struct tb_table *table, uint64_t n);

/* Frees the versions of the key's row that died in `n` or before, and the row when nothing is left
 * of it. */
void tb_table_prune(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES], uint64_t n);

#endif

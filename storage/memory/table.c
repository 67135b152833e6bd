#include "memory/table.h"

#include <stdlib.h>

static void free_versions(struct tb_version *version)
{
    while (version != NULL) {
        struct tb_version *older = version->older;
        free(version);
        version = older;
    }
}

void tb_table_fini(struct tb_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free_versions(table->rows[i].newest);
    }
    free(table->rows);
    *table = (struct tb_table){.rows = NULL};
}

size_t tb_table_find(const struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES])
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(table->rows[middle].key, key, TB_ROW_KEY_BYTES) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct tb_row *row_of(const struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES])
{
    size_t i = tb_table_find(table, key);
    bool found = i < table->count && memcmp(table->rows[i].key, key, TB_ROW_KEY_BYTES) == 0;
    return found ? &table->rows[i] : NULL;
}

struct tb_version *tb_row_at(const struct tb_row *row, uint64_t n)
{
    struct tb_version *version = row->newest;
    while (version != NULL && !(version->born <= n && n < version->died)) {
        version = version->older;
    }
    return version;
}

struct tb_version *tb_table_get(const struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES],
                                uint64_t n)
{
    const struct tb_row *row = row_of(table, key);
    return row == NULL ? NULL : tb_row_at(row, n);
}

static struct tb_row *insert_row(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES])
{
    size_t i = tb_table_find(table, key);
    if (table->count == table->cap) {
        table->cap = table->cap == 0 ? 64 : table->cap * 2;
        table->rows = realloc(table->rows, table->cap * sizeof *table->rows);
        if (table->rows == NULL) {
            abort();
        }
    }
    memmove(table->rows + i + 1, table->rows + i, (table->count - i) * sizeof *table->rows);
    table->count++;
    table->rows[i].newest = NULL;
    memcpy(table->rows[i].key, key, TB_ROW_KEY_BYTES);
    return &table->rows[i];
}

static void remove_row(struct tb_table *table, size_t i)
{
    table->count--;
    memmove(table->rows + i, table->rows + i + 1, (table->count - i) * sizeof *table->rows);
}

struct tb_version *tb_table_put(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES],
                                uint64_t n, size_t size)
{
    struct tb_row *row = row_of(table, key);
    if (row == NULL) {
        row = insert_row(table, key);
    }
    struct tb_version *version = malloc(sizeof *version + size);
    if (version == NULL) {
        abort();
    }
    struct tb_version *before = tb_row_at(row, n);
    if (before != NULL) {
        before->died = n;
    }
    *version =
        (struct tb_version){.older = row->newest, .born = n, .died = TB_ROW_ALIVE, .size = size};
    row->newest = version;
    return version;
}

void tb_table_delete(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES], uint64_t n)
{
    struct tb_version *version = tb_table_get(table, key, n);
    if (version != NULL) {
        version->died = n;
    }
}

static void undo_row(struct tb_row *row, uint64_t n)
{
    while (row->newest != NULL && row->newest->born == n) {
        struct tb_version *older = row->newest->older;
        free(row->newest);
        row->newest = older;
    }
    if (row->newest != NULL && row->newest->died == n) {
        row->newest->died = TB_ROW_ALIVE;
    }
}

void tb_table_undo(struct tb_table *table, uint64_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        undo_row(&table->rows[i], n);
        if (table->rows[i].newest != NULL) {
            table->rows[kept++] = table->rows[i];
        }
    }
    table->count = kept;
}

void tb_table_prune(struct tb_table *table, const uint8_t key[TB_ROW_KEY_BYTES], uint64_t n)
{
    struct tb_row *row = row_of(table, key);
    if (row == NULL) {
        return;
    }
    struct tb_version **link = &row->newest;
    while (*link != NULL && (*link)->died > n) {
        link = &(*link)->older;
    }
    free_versions(*link); /* versions die in the order in which they were born */
    *link = NULL;
    if (row->newest == NULL) {
        remove_row(table, (size_t)(row - table->rows));
    }
}

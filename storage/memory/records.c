#include <assert.h>
#include <stdlib.h>

#include "memory/memory.h"

void tb_memory_touch(struct tb_memory_store *store, struct tb_table *table,
                     const uint8_t key[TB_ROW_KEY_BYTES])
{
    if (store->touched_count == store->touched_cap) {
        store->touched_cap = store->touched_cap == 0 ? 64 : store->touched_cap * 2;
        store->touched = realloc(store->touched, store->touched_cap * sizeof *store->touched);
        if (store->touched == NULL) {
            abort();
        }
    }
    struct tb_touched *touched = &store->touched[store->touched_count++];
    touched->table = table;
    memcpy(touched->key, key, TB_ROW_KEY_BYTES);
}

/* --- tasks --- */

static struct tb_version *task_at(struct tb_memory_txn *txn, struct tb_id id)
{
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, id, NULL, 0);
    return tb_table_get(&txn->store->tasks, key, txn->n);
}

enum tb_err tb_memory_get_task(struct tb_txn *base, struct tb_id id, struct tb_task *task)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    const struct tb_version *version = task_at(txn, id);
    if (version != NULL) {
        *task = *tb_memory_task(version);
    }
    tb_memory_unlock(txn);
    return version != NULL ? TB_OK : TB_E_ABSENT;
}

/* The struct, then its wire; the strings point into that. */
static void copy_task(struct tb_version *version, const struct tb_task *task)
{
    struct tb_task *copy = (struct tb_task *)(void *)version->bytes;
    char *wire = version->bytes + sizeof *copy;
    memcpy(wire, task->wire.ptr, task->wire.len);
    *copy = *task;
    copy->wire.ptr = wire;
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        if (task->strings[i].ptr != NULL) {
            copy->strings[i].ptr = wire + (task->strings[i].ptr - task->wire.ptr);
        }
    }
}

enum tb_err tb_memory_put_task(struct tb_txn *base, const struct tb_task *old,
                               const struct tb_task *task)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_memory_store *store = txn->store;
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, task->id, NULL, 0);
    tb_memory_lock(txn);
    assert((old != NULL) == (task_at(txn, task->id) != NULL));
    struct tb_version *version =
        tb_table_put(&store->tasks, key, txn->n, sizeof *task + task->wire.len);
    copy_task(version, task);
    tb_memory_touch(store, &store->tasks, key);
    tb_head_note_change(&txn->head, old, task);
    tb_memory_touch_names(txn, old, task);
    if (task->unique_key.ptr != NULL) {
        tb_memory_unique_add(store, task->unique_key, task->id);
    }
    tb_memory_unlock(txn);
    return TB_OK;
}

size_t tb_memory_rows_of_task(const struct tb_table *table, struct tb_id task_id, size_t *first)
{
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, task_id, NULL, 0);
    *first = tb_table_find(table, key);
    size_t end = *first;
    while (end < table->count &&
           memcmp(table->rows[end].key, task_id.bytes, sizeof task_id.bytes) == 0) {
        end++;
    }
    return end - *first;
}

static void delete_rows(struct tb_memory_txn *txn, struct tb_table *table, struct tb_id task_id)
{
    size_t first = 0;
    size_t count = tb_memory_rows_of_task(table, task_id, &first);
    for (size_t i = first; i < first + count; i++) {
        tb_table_delete(table, table->rows[i].key, txn->n);
        tb_memory_touch(txn->store, table, table->rows[i].key);
    }
}

enum tb_err tb_memory_delete_task(struct tb_txn *base, const struct tb_task *old)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    assert(task_at(txn, old->id) != NULL);
    delete_rows(txn, &txn->store->tasks, old->id);
    delete_rows(txn, &txn->store->notes, old->id);
    delete_rows(txn, &txn->store->artifacts, old->id);
    delete_rows(txn, &txn->store->attempts, old->id);
    tb_head_note_change(&txn->head, old, NULL);
    tb_memory_touch_names(txn, old, NULL);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_find_unique(struct tb_txn *base, struct tb_str unique_key, struct tb_id *id)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    enum tb_err err = TB_E_ABSENT;
    tb_memory_lock(txn);
    struct tb_id_list list = tb_memory_unique_candidates(txn->store, unique_key);
    for (size_t i = 0; i < list.count; i++) {
        const struct tb_version *version = task_at(txn, list.ids[i]);
        const struct tb_task *task = version == NULL ? NULL : tb_memory_task(version);
        bool has_it = task != NULL && task->status != TB_STATUS_DONE &&
                      tb_str_eq(task->unique_key, unique_key);
        if (has_it && (err != TB_OK || tb_id_cmp(task->id, *id) < 0)) {
            *id = task->id;
            err = TB_OK;
        }
    }
    tb_memory_unlock(txn);
    return err;
}

/* --- notes and artifacts --- */

static enum tb_err put_wire(struct tb_txn *base, struct tb_table *table,
                            const uint8_t key[TB_ROW_KEY_BYTES], struct tb_str wire)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    struct tb_version *version = tb_table_put(table, key, txn->n, wire.len);
    memcpy(version->bytes, wire.ptr, wire.len);
    tb_memory_touch(txn->store, table, key);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                               struct tb_str wire)
{
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, task_id, note_id.bytes, sizeof note_id.bytes);
    return put_wire(txn, &tb_memory_txn_of(txn)->store->notes, key, wire);
}

enum tb_err tb_memory_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                   struct tb_str wire)
{
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_number_key(key, task_id, number);
    return put_wire(txn, &tb_memory_txn_of(txn)->store->artifacts, key, wire);
}

struct wire_row {
    struct tb_id id;
    struct tb_str wire;
};

static enum tb_err visit_rows(struct tb_memory_txn *txn, const struct tb_table *table,
                              struct tb_id task_id, tb_visit_json *visit, void *ctx)
{
    size_t first = 0;
    tb_memory_lock(txn);
    size_t row_count = tb_memory_rows_of_task(table, task_id, &first);
    struct wire_row *rows = malloc((row_count + 1) * sizeof *rows);
    if (rows == NULL) {
        abort();
    }
    size_t count = 0;
    for (size_t i = first; i < first + row_count; i++) {
        const struct tb_version *version = tb_row_at(&table->rows[i], txn->n);
        if (version == NULL) {
            continue;
        }
        rows[count] = (struct wire_row){.wire = tb_str_from(version->bytes, version->size)};
        if (table == &txn->store->notes) {
            memcpy(rows[count].id.bytes, table->rows[i].key + sizeof task_id, sizeof task_id);
        }
        count++;
    }
    tb_memory_unlock(txn);
    for (size_t i = 0; i < count && visit(ctx, rows[i].id, rows[i].wire) == TB_VISIT_NEXT; i++) {
    }
    free(rows);
    return TB_OK;
}

enum tb_err tb_memory_visit_notes(struct tb_txn *base, struct tb_id task_id, tb_visit_json *visit,
                                  void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    return visit_rows(txn, &txn->store->notes, task_id, visit, ctx);
}

enum tb_err tb_memory_visit_artifacts(struct tb_txn *base, struct tb_id task_id,
                                      tb_visit_json *visit, void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    return visit_rows(txn, &txn->store->artifacts, task_id, visit, ctx);
}

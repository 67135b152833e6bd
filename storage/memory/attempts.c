#include <stdlib.h>

#include "memory/memory.h"

static const struct tb_attempt *attempt_of(const struct tb_version *version)
{
    return (const struct tb_attempt *)(const void *)version->bytes;
}

/* The struct, then its wire; the strings point into that. */
static void copy_attempt(struct tb_version *version, const struct tb_attempt *attempt)
{
    struct tb_attempt *copy = (struct tb_attempt *)(void *)version->bytes;
    char *wire = version->bytes + sizeof *copy;
    memcpy(wire, attempt->wire.ptr, attempt->wire.len);
    *copy = *attempt;
    copy->wire.ptr = wire;
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        if (attempt->strings[i].ptr != NULL) {
            copy->strings[i].ptr = wire + (attempt->strings[i].ptr - attempt->wire.ptr);
        }
    }
}

enum tb_err tb_memory_put_attempt(struct tb_txn *base, struct tb_id task_id,
                                  const struct tb_attempt *attempt)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *attempts = &txn->store->attempts;
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_number_key(key, task_id, attempt->number);
    tb_memory_lock(txn);
    struct tb_version *version =
        tb_table_put(attempts, key, txn->n, sizeof *attempt + attempt->wire.len);
    copy_attempt(version, attempt);
    tb_memory_touch(txn->store, attempts, key);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_get_attempt(struct tb_txn *base, struct tb_id task_id, uint32_t number,
                                  struct tb_attempt *attempt)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_number_key(key, task_id, number);
    tb_memory_lock(txn);
    const struct tb_version *version = tb_table_get(&txn->store->attempts, key, txn->n);
    if (version != NULL) {
        *attempt = *attempt_of(version);
    }
    tb_memory_unlock(txn);
    return version != NULL ? TB_OK : TB_E_ABSENT;
}

enum tb_err tb_memory_delete_attempt(struct tb_txn *base, struct tb_id task_id, uint32_t number)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_number_key(key, task_id, number);
    tb_memory_lock(txn);
    tb_table_delete(&txn->store->attempts, key, txn->n);
    tb_memory_touch(txn->store, &txn->store->attempts, key);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_visit_attempts(struct tb_txn *base, struct tb_id task_id,
                                     tb_visit_attempt *visit, void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    const struct tb_table *table = &txn->store->attempts;
    size_t first = 0;
    size_t count = 0;
    tb_memory_lock(txn);
    size_t row_count = tb_memory_rows_of_task(table, task_id, &first);
    const struct tb_attempt **found = malloc((row_count + 1) * sizeof(void *));
    if (found == NULL) {
        abort();
    }
    for (size_t i = first; i < first + row_count; i++) {
        const struct tb_version *version = tb_row_at(&table->rows[i], txn->n);
        if (version != NULL) {
            found[count++] = attempt_of(version);
        }
    }
    tb_memory_unlock(txn);
    for (size_t i = 0; i < count && visit(ctx, found[i]) == TB_VISIT_NEXT; i++) {
    }
    free(found);
    return TB_OK;
}

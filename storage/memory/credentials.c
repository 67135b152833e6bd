#include <assert.h>
#include <stdlib.h>

#include "memory/memory.h"

static const struct tb_credential *credential_of(const struct tb_version *version)
{
    return (const struct tb_credential *)(const void *)version->bytes;
}

enum tb_err tb_memory_get_credential(struct tb_txn *base, struct tb_id id,
                                     struct tb_credential *credential)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, id, NULL, 0);
    tb_memory_lock(txn);
    const struct tb_version *version = tb_table_get(&txn->store->credentials, key, txn->n);
    if (version != NULL) {
        *credential = *credential_of(version);
    }
    tb_memory_unlock(txn);
    return version != NULL ? TB_OK : TB_E_ABSENT;
}

/* The struct, then its wire; the strings point into that. */
enum tb_err tb_memory_put_credential(struct tb_txn *base, const struct tb_credential *credential)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *table = &txn->store->credentials;
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, credential->id, NULL, 0);
    tb_memory_lock(txn);
    assert(tb_table_get(table, key, txn->n) == NULL); /* a credential never changes */
    struct tb_version *version =
        tb_table_put(table, key, txn->n, sizeof *credential + credential->wire.len);
    struct tb_credential *copy = (struct tb_credential *)(void *)version->bytes;
    char *wire = version->bytes + sizeof *copy;
    memcpy(wire, credential->wire.ptr, credential->wire.len);
    *copy = *credential;
    copy->wire.ptr = wire;
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        if (credential->strings[i].ptr != NULL) {
            copy->strings[i].ptr = wire + (credential->strings[i].ptr - credential->wire.ptr);
        }
    }
    tb_memory_touch(txn->store, table, key);
    txn->head.credential_changes++;
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_delete_credential(struct tb_txn *base, struct tb_id id)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *table = &txn->store->credentials;
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, id, NULL, 0);
    tb_memory_lock(txn);
    assert(tb_table_get(table, key, txn->n) != NULL); /* it was read in this transaction */
    tb_table_delete(table, key, txn->n);
    tb_memory_touch(txn->store, table, key);
    txn->head.credential_changes++;
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_visit_credentials(struct tb_txn *base, tb_visit_credential *visit, void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    const struct tb_table *table = &txn->store->credentials;
    tb_memory_lock(txn);
    const struct tb_credential **found = malloc((table->count + 1) * sizeof(void *));
    if (found == NULL) {
        abort();
    }
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct tb_version *version = tb_row_at(&table->rows[i], txn->n);
        if (version != NULL) {
            found[count++] = credential_of(version);
        }
    }
    tb_memory_unlock(txn);
    for (size_t i = 0; i < count && visit(ctx, found[i]) == TB_VISIT_NEXT; i++) {
    }
    free(found);
    return TB_OK;
}

/* VMs, and when each gave its last sign of life.
 *
 *   vm       number (16 bytes) → VM record
 *   vm_seen  number (16 bytes) → seen u64: the upper 48 bits are the instant in milliseconds, the
 *            lower 16 those of an XXH3 over the number and the instant
 *
 * Heartbeats are many and change nothing but `vm_seen`, which is dense: some hundred VMs a page. */
#include <assert.h>
#include <xxhash.h>

#include "lmdb/list.h"
#include "taskboard/limits.h"

#define SEEN_CHECK_BITS 16

/* --- signs of life --- */

static uint64_t seal_seen(struct tb_id number, int64_t seen_ms)
{
    assert(seen_ms >= 0 && seen_ms < INT64_C(1) << (64 - SEEN_CHECK_BITS));
    uint64_t shifted = (uint64_t)seen_ms << SEEN_CHECK_BITS;
    uint64_t hash = XXH3_64bits_withSeed(number.bytes, sizeof number.bytes, shifted);
    return shifted | (hash & ((1U << SEEN_CHECK_BITS) - 1));
}

static int put_seen(struct tb_lmdb_txn *txn, struct tb_id number, int64_t seen_ms, unsigned flags)
{
    void *record = NULL;
    uint64_t seen = seal_seen(number, seen_ms);
    int rc = tb_lmdb_put(txn, TB_DB_VM_SEEN, tb_mdb_val(number.bytes, sizeof number.bytes),
                         sizeof seen, flags, &record);
    if (rc == 0) {
        memcpy(record, &seen, sizeof seen);
    }
    return rc;
}

enum tb_err tb_lmdb_decode_seen(struct tb_id number, MDB_val value, int64_t *seen_ms)
{
    uint64_t seen = 0;
    if (value.mv_size != sizeof seen) {
        return TB_E_STORAGE_CORRUPT;
    }
    memcpy(&seen, value.mv_data, sizeof seen);
    int64_t found_ms = (int64_t)(seen >> SEEN_CHECK_BITS);
    if (seal_seen(number, found_ms) != seen) {
        return TB_E_STORAGE_CORRUPT;
    }
    *seen_ms = found_ms;
    return TB_OK;
}

static enum tb_err get_seen(struct tb_lmdb_txn *txn, struct tb_id number, int64_t *seen_ms)
{
    MDB_val key = tb_mdb_val(number.bytes, sizeof number.bytes);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_VM_SEEN], &key, &value);
    return rc != 0 ? tb_lmdb_must_exist(tb_lmdb_err(rc))
                   : tb_lmdb_decode_seen(number, value, seen_ms);
}

enum tb_err tb_lmdb_see_vm(struct tb_txn *base, const struct tb_vm *vm, int64_t seen_ms)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    return tb_lmdb_write_err(txn->store, put_seen(txn, vm->number, seen_ms, 0));
}

/* --- writing --- */

static void id_key(struct tb_key *key, const struct tb_vm *vm)
{
    tb_key_start(key, TB_INDEX_VM);
    tb_key_add_text(key, vm->id);
    tb_key_add_id(key, vm->number);
}

static void due_key(struct tb_key *key, const struct tb_vm *vm, int64_t due_ms)
{
    tb_key_start(key, TB_INDEX_DUE_VM);
    tb_key_add_i64(key, due_ms);
    tb_key_add_id(key, vm->number);
}

/* It was due at the first instant and is at the second; 0 is never. */
static int change_due(struct tb_lmdb_txn *txn, const struct tb_vm *vm, int64_t before_ms,
                      int64_t after_ms)
{
    struct tb_key key;
    int rc = 0;
    if (before_ms != 0 && before_ms != after_ms) {
        due_key(&key, vm, before_ms);
        rc = tb_lmdb_index_drop(txn, &key);
    }
    if (rc == 0 && after_ms != 0 && before_ms != after_ms) {
        due_key(&key, vm, after_ms);
        rc = tb_lmdb_index_put(txn, &key);
    }
    return rc;
}

int tb_lmdb_vm_entries(struct tb_lmdb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm)
{
    struct tb_key id;
    assert(old != NULL || vm != NULL);
    int rc = change_due(txn, vm != NULL ? vm : old, old != NULL ? old->due_ms : 0,
                        vm != NULL ? vm->due_ms : 0);
    if (rc == 0 && old == NULL) {
        id_key(&id, vm);
        rc = tb_lmdb_index_put(txn, &id);
    }
    if (rc == 0 && vm == NULL) {
        id_key(&id, old);
        rc = tb_lmdb_index_drop(txn, &id);
    }
    return rc;
}

enum tb_err tb_lmdb_put_vm(struct tb_txn *base, const struct tb_vm *old, const struct tb_vm *vm)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    bool grows = old == NULL || vm->wire.len > old->wire.len + TB_NAME_BYTES_MAX;
    if (grows && !txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    void *record = NULL;
    unsigned flags = old == NULL ? MDB_APPEND | MDB_NOOVERWRITE : 0;
    MDB_val key = tb_mdb_val(vm->number.bytes, sizeof vm->number.bytes);
    int rc = tb_lmdb_put(txn, TB_DB_VM, key, tb_record_vm_size(vm), flags, &record);
    assert(rc != MDB_KEYEXIST); /* a new VM with the number of another */
    if (rc == 0) {
        tb_record_encode_vm(vm, record);
        tb_head_note_vm_change(&txn->head);
        rc = put_seen(txn, vm->number, vm->seen_ms, flags & (unsigned)~MDB_NOOVERWRITE);
    }
    rc = rc != 0 ? rc : tb_lmdb_vm_entries(txn, old, vm);
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_delete_vm(struct tb_txn *base, const struct tb_vm *old)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_val key = tb_mdb_val(old->number.bytes, sizeof old->number.bytes);
    txn->deletes++;
    int rc = mdb_del(txn->mdb, txn->store->dbis[TB_DB_VM], &key, NULL);
    assert(rc != MDB_NOTFOUND); /* it was read in this transaction */
    rc = rc != 0 ? rc : mdb_del(txn->mdb, txn->store->dbis[TB_DB_VM_SEEN], &key, NULL);
    if (rc == 0) {
        tb_head_note_vm_change(&txn->head);
        rc = tb_lmdb_vm_entries(txn, old, NULL);
    }
    return tb_lmdb_write_err(txn->store, rc);
}

/* --- reading --- */

static enum tb_err decode(struct tb_lmdb_txn *txn, struct tb_id number, MDB_val record,
                          struct tb_vm *vm)
{
    struct tb_vm found;
    enum tb_err err = tb_record_decode_vm(tb_mdb_str(record), &found);
    if (err == TB_OK && tb_id_cmp(found.number, number) != 0) {
        err = TB_E_STORAGE_CORRUPT;
    }
    err = err != TB_OK ? err : get_seen(txn, number, &found.seen_ms);
    if (err == TB_OK) {
        *vm = found;
    }
    return err;
}

/* Without a copy; an index names it: it must be there. */
static enum tb_err peek_vm(struct tb_lmdb_txn *txn, struct tb_id number, struct tb_vm *vm)
{
    MDB_val key = tb_mdb_val(number.bytes, sizeof number.bytes);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_VM], &key, &value);
    return rc != 0 ? tb_lmdb_must_exist(tb_lmdb_err(rc)) : decode(txn, number, value, vm);
}

/* In a write transaction the next write may move the record's page. */
static void keep(struct tb_lmdb_txn *txn, struct tb_vm *vm)
{
    if (!txn->base.writable) {
        return;
    }
    struct tb_str wire = tb_arena_dup(txn->arena, vm->wire);
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        if (vm->strings[i].ptr != NULL) {
            vm->strings[i].ptr = wire.ptr + (vm->strings[i].ptr - vm->wire.ptr);
        }
    }
    vm->wire = wire;
}

enum tb_err tb_lmdb_get_vm(struct tb_txn *base, struct tb_str id, struct tb_vm *vm)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    struct tb_vm found = {.due_ms = 0};
    tb_key_start(&prefix, TB_INDEX_VM);
    tb_key_add_text(&prefix, id);
    int rc = tb_list_open(txn, TB_DB_INDEX, &prefix, sizeof(struct tb_id), &list);
    rc = rc != 0 ? rc : tb_list_start(&list, TB_LIST_UP, NULL);
    enum tb_err err = TB_E_ABSENT;
    while (rc == 0 && list.on_entry && err == TB_E_ABSENT) {
        err = peek_vm(txn, tb_list_id(&list), &found);
        if (err == TB_OK && !tb_str_eq(found.id, id)) { /* another text with the same hash */
            err = TB_E_ABSENT;
            rc = tb_list_next(&list, TB_LIST_UP);
        }
    }
    tb_list_close(&list);
    if (rc == 0 && err == TB_OK) {
        keep(txn, &found);
        *vm = found;
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_lmdb_visit_vms(struct tb_txn *base, bool latest_first, tb_visit_vm *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    enum tb_list_way way = latest_first ? TB_LIST_DOWN : TB_LIST_UP;
    struct tb_list list;
    int rc = tb_list_open(txn, TB_DB_VM, NULL, sizeof(struct tb_id), &list);
    rc = rc != 0 ? rc : tb_list_start(&list, way, NULL);
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        struct tb_vm vm;
        err = decode(txn, tb_list_id(&list), list.value, &vm);
        if (err != TB_OK || visit(ctx, &vm) == TB_VISIT_STOP) {
            break;
        }
        rc = tb_list_next(&list, way);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_lmdb_next_due_vm(struct tb_txn *base, struct tb_vm *vm)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    tb_key_start(&prefix, TB_INDEX_DUE_VM);
    int rc = tb_list_open(txn, TB_DB_INDEX, &prefix, sizeof(int64_t) + sizeof(struct tb_id), &list);
    rc = rc != 0 ? rc : tb_list_start(&list, TB_LIST_UP, NULL);
    bool found = rc == 0 && list.on_entry;
    enum tb_err err = found ? peek_vm(txn, tb_list_id(&list), vm) : TB_E_ABSENT;
    tb_list_close(&list);
    if (err == TB_OK) {
        keep(txn, vm);
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

/* Only the hash of a long text stands in the key. */
static enum tb_err check_holder(struct tb_lmdb_txn *txn, struct tb_id id, struct tb_str vm_id,
                                bool *yes)
{
    struct tb_task task;
    *yes = true;
    if (vm_id.len <= TB_KEY_TEXT_BYTES_MAX) {
        return TB_OK;
    }
    enum tb_err err = tb_lmdb_must_exist(tb_lmdb_peek_task(txn, id, &task));
    *yes = err == TB_OK && tb_str_eq(tb_task_vm(&task), vm_id);
    return err;
}

enum tb_err tb_lmdb_visit_vm_tasks(struct tb_txn *base, struct tb_str vm_id, tb_visit_id *visit,
                                   void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    tb_key_start(&prefix, TB_INDEX_VM_TASK);
    tb_key_add_text(&prefix, vm_id);
    int rc = tb_list_open(txn, TB_DB_RUN, &prefix, sizeof(struct tb_id), &list);
    rc = rc != 0 ? rc : tb_list_start(&list, TB_LIST_UP, NULL);
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        bool yes = false;
        err = check_holder(txn, tb_list_id(&list), vm_id, &yes);
        if (err != TB_OK || (yes && visit(ctx, tb_list_id(&list)) == TB_VISIT_STOP)) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

/* Records that stand under keys of their own. */
#include "lmdb/verify.h"

struct id_text {
    char chars[TB_ULID_LEN + 1];
};

static struct id_text text_of(const uint8_t id[16])
{
    struct id_text text;
    struct tb_id copy;
    memcpy(copy.bytes, id, sizeof copy.bytes);
    tb_ulid_format(copy, text.chars);
    text.chars[TB_ULID_LEN] = '\0';
    return text;
}

/* --- LMDB's own database --- */

static bool is_key(MDB_val key, const char *name)
{
    return key.mv_size == strlen(name) && memcmp(key.mv_data, name, key.mv_size) == 0;
}

static bool is_known(MDB_val key)
{
    static const char runs[] = "runs.";
    for (int db = 0; db < TB_DB_COUNT; db++) {
        if (db != TB_DB_META && is_key(key, tb_lmdb_db_name(db))) {
            return true;
        }
    }
    return is_key(key, "format") || is_key(key, "runs") ||
           (key.mv_size > strlen(runs) && memcmp(key.mv_data, runs, strlen(runs)) == 0);
}

static void check_share(struct tb_check *check, uint16_t share, MDB_val value)
{
    struct tb_answer_share *said = &check->shares[share].said;
    if (tb_record_decode_answer_share(tb_mdb_str(value), said) != TB_OK) {
        tb_check_fault(check, "the record of share %u of the answers is damaged", share);
    }
}

static void check_meta(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_str json;
    if (is_key(key, "head")) {
        check->met_head = true;
        check->has_head = tb_record_decode_head(tb_mdb_str(value), &check->txn.head) == TB_OK;
        if (!check->has_head) {
            tb_check_fault(check, "the head is damaged");
        }
    } else if (is_key(key, "pauses")) {
        if (tb_record_decode_wire(TB_RECORD_PAUSES, tb_mdb_str(value), &json) != TB_OK) {
            tb_check_fault(check, "the record of what is paused is damaged");
        }
    } else if (tb_answer_share_of(key) != 0) {
        check_share(check, tb_answer_share_of(key), value);
    } else if (!is_known(key)) {
        tb_check_fault(check, "the main database has an entry that nobody knows: %.*s",
                       (int)key.mv_size, (const char *)key.mv_data);
    }
}

void tb_check_meta(struct tb_check *check)
{
    tb_check_walk(check, TB_DB_META, check_meta, check);
    if (!check->met_head) {
        tb_check_fault(check, "there is no head");
    }
}

/* --- tasks --- */

/* One task that is being counted. */
struct counted_task {
    struct tb_check *check;
    const struct tb_task *task;
};

static int count_name(void *ctx, enum tb_name_kind kind, struct tb_str name)
{
    const struct counted_task *counted = ctx;
    bool is_new = false;
    struct tb_name_row *row = tb_name_table_get(counted->check->names, kind, name, &is_new);
    row->now.count.tasks += counted->task->status != TB_STATUS_DONE ? 1 : 0;
    row->now.count.ready += tb_task_state(counted->task) == TB_STATE_READY ? 1 : 0;
    return 0;
}

static void check_task(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_task task;
    struct counted_task counted = {check, &task};
    check->tally->tasks++;
    if (key.mv_size != sizeof task.id) {
        tb_check_fault(check, "the task database has a key of %zu bytes", key.mv_size);
        return;
    }
    if (tb_record_decode_task(tb_mdb_str(value), &task) != TB_OK) {
        tb_check_fault(check, "task %s: its record is damaged", text_of(key.mv_data).chars);
        return;
    }
    if (memcmp(key.mv_data, task.id.bytes, sizeof task.id) != 0) {
        tb_check_fault(check, "task %s: the record is that of task %s", text_of(key.mv_data).chars,
                       text_of(task.id.bytes).chars);
        return;
    }
    tb_check_entries_begin(check);
    (void)tb_lmdb_index_entries(&check->txn, NULL, &task);
    if (task.status != TB_STATUS_DONE) { /* of one that is done nothing is counted */
        (void)tb_names_of_task(&task, count_name, &counted);
    }
}

void tb_check_tasks(struct tb_check *check)
{
    tb_check_walk(check, TB_DB_TASK, check_task, check);
}

/* --- notes, artifacts, attempts: what hangs on a task --- */

static bool hangs_on_task(struct tb_check *check, const char *what, MDB_val key, size_t key_bytes)
{
    MDB_val id = {sizeof(struct tb_id), key.mv_data};
    MDB_val task;
    if (key.mv_size != key_bytes) {
        tb_check_fault(check, "the %s database has a key of %zu bytes", what, key.mv_size);
        return false;
    }
    if (mdb_get(check->txn.mdb, check->txn.store->dbis[TB_DB_TASK], &id, &task) != 0) {
        tb_check_fault(check, "task %s: it does not exist, but a record of its %s does",
                       text_of(key.mv_data).chars, what);
    }
    return true;
}

static void check_wire(struct tb_check *check, const char *what, enum tb_record_kind kind,
                       MDB_val key, MDB_val value)
{
    struct tb_str wire;
    if (tb_record_decode_wire(kind, tb_mdb_str(value), &wire) != TB_OK) {
        tb_check_fault(check, "task %s: the record of its %s is damaged",
                       text_of(key.mv_data).chars, what);
    }
}

static void check_note(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    if (hangs_on_task(check, "note", key, 2 * sizeof(struct tb_id))) {
        check_wire(check, "note", TB_RECORD_NOTE, key, value);
    }
}

static void check_artifact(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    if (hangs_on_task(check, "artifact", key, sizeof(struct tb_id) + sizeof(uint32_t))) {
        check_wire(check, "artifact", TB_RECORD_ARTIFACT, key, value);
    }
}

static void check_attempt(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_attempt attempt;
    if (!hangs_on_task(check, "attempt", key, sizeof(struct tb_id) + sizeof(uint32_t))) {
        return;
    }
    uint32_t number = tb_key_read_u32((const uint8_t *)key.mv_data + sizeof(struct tb_id));
    if (tb_record_decode_attempt(tb_mdb_str(value), &attempt) != TB_OK) {
        tb_check_fault(check, "task %s: the record of its attempt %u is damaged",
                       text_of(key.mv_data).chars, number);
    } else if (attempt.number != number) {
        tb_check_fault(check, "task %s: its attempt %u says that it is %u",
                       text_of(key.mv_data).chars, number, attempt.number);
    }
}

void tb_check_attached(struct tb_check *check)
{
    tb_check_walk(check, TB_DB_NOTE, check_note, check);
    tb_check_walk(check, TB_DB_ARTIFACT, check_artifact, check);
    tb_check_walk(check, TB_DB_ATTEMPT, check_attempt, check);
}

/* --- VMs --- */

/* Whether the other database has that number, too. */
static bool has_pair(struct tb_check *check, enum tb_lmdb_db db, MDB_val key)
{
    MDB_val value;
    return mdb_get(check->txn.mdb, check->txn.store->dbis[db], &key, &value) == 0;
}

static void check_vm(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_vm vm;
    check->tally->vms++;
    if (key.mv_size != sizeof vm.number) {
        tb_check_fault(check, "the vm database has a key of %zu bytes", key.mv_size);
        return;
    }
    if (!has_pair(check, TB_DB_VM_SEEN, key)) {
        tb_check_fault(check, "VM number %s: it has no sign of life", text_of(key.mv_data).chars);
    }
    if (tb_record_decode_vm(tb_mdb_str(value), &vm) != TB_OK) {
        tb_check_fault(check, "VM number %s: its record is damaged", text_of(key.mv_data).chars);
    } else if (memcmp(key.mv_data, vm.number.bytes, sizeof vm.number) != 0) {
        tb_check_fault(check, "VM number %s: the record is that of another one",
                       text_of(key.mv_data).chars);
    } else {
        tb_check_entries_begin(check);
        (void)tb_lmdb_vm_entries(&check->txn, NULL, &vm);
    }
}

static void check_seen(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_id number;
    int64_t seen_ms = 0;
    if (key.mv_size != sizeof number) {
        tb_check_fault(check, "the vm_seen database has a key of %zu bytes", key.mv_size);
        return;
    }
    memcpy(number.bytes, key.mv_data, sizeof number);
    if (tb_lmdb_decode_seen(number, value, &seen_ms) != TB_OK) {
        tb_check_fault(check, "VM number %s: its sign of life is damaged",
                       text_of(key.mv_data).chars);
    }
    if (!has_pair(check, TB_DB_VM, key)) {
        tb_check_fault(check, "VM number %s: it gave a sign of life and does not exist",
                       text_of(key.mv_data).chars);
    }
}

void tb_check_vms(struct tb_check *check)
{
    tb_check_walk(check, TB_DB_VM, check_vm, check);
    tb_check_walk(check, TB_DB_VM_SEEN, check_seen, check);
}

/* --- credentials --- */

static void check_credential(void *ctx, MDB_val key, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_credential credential;
    if (key.mv_size != sizeof credential.id) {
        tb_check_fault(check, "the credential database has a key of %zu bytes", key.mv_size);
    } else if (tb_lmdb_decode_credential(key, value, &credential) != TB_OK) {
        tb_check_fault(check, "credential %s: its record is damaged", text_of(key.mv_data).chars);
    }
}

void tb_check_credentials(struct tb_check *check)
{
    if (check->txn.store->dbis[TB_DB_CREDENTIAL] != TB_LMDB_NO_DBI) {
        tb_check_walk(check, TB_DB_CREDENTIAL, check_credential, check);
    }
}

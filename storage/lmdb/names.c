#include "lmdb/names.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "lmdb/list.h"

/* What is kept from one transaction to the next. */
#define ROWS_KEPT_MAX 16384

#define ENTRY_BYTES TB_NAMES_ENTRY_BYTES

struct tb_names {
    struct tb_name_table *table;
    size_t changed_count;
    size_t changed_capacity;
    size_t *changed; /* rows that were changed since the last flush */
    bool spoiled;    /* the table holds what would not be true after an abort */
};

struct tb_names *tb_names_new(void)
{
    struct tb_names *names = calloc(1, sizeof *names);
    if (names == NULL) {
        tb_out_of_memory();
    }
    names->table = tb_name_table_new();
    return names;
}

void tb_names_free(struct tb_names *names)
{
    if (names != NULL) {
        tb_name_table_free(names->table);
        free(names->changed);
        free(names);
    }
}

void tb_names_end(struct tb_names *names, bool committed)
{
    if ((names->spoiled && !committed) || tb_name_table_count(names->table) > ROWS_KEPT_MAX) {
        tb_name_table_clear(names->table);
    }
    names->changed_count = 0;
    names->spoiled = false;
}

/* --- what is stored --- */

void tb_names_start_key(struct tb_key *key, enum tb_name_kind kind, struct tb_str name)
{
    tb_key_start(key, TB_INDEX_NAME);
    tb_key_add_byte(key, (uint8_t)kind);
    tb_key_add_text(key, name);
}

static void entry_key(struct tb_key *key, const struct tb_name_row *row,
                      const struct tb_name_entry *entry)
{
    tb_names_start_key(key, row->kind, row->name);
    tb_key_add_u64(key, entry->count.changed);
    tb_key_add_u64(key, entry->count.tasks);
    tb_key_add_u64(key, entry->count.ready);
    tb_key_add_u64(key, entry->number);
}

int tb_names_seek(struct tb_run_list *list, enum tb_name_kind kind, struct tb_str name,
                  struct tb_name_entry *entry)
{
    struct tb_key key;
    uint8_t last[ENTRY_BYTES];
    memset(last, 0xff, sizeof last);
    *entry = (struct tb_name_entry){.number = 0};
    tb_names_start_key(&key, kind, name);
    size_t name_len = key.len;
    tb_key_add_bytes(&key, last, sizeof last);
    size_t prefix_len = list->walk.prefix_len;
    int rc = tb_run_list_seek(list, TB_RUN_DOWN, key.bytes + prefix_len, key.len - prefix_len);
    if (rc != 0 || !list->on_entry || !tb_run_begins_with(&list->key, key.bytes, name_len)) {
        return rc;
    }
    if (list->key.len != key.len) {
        return MDB_CORRUPTED;
    }
    const uint8_t *numbers = list->key.bytes + name_len;
    entry->count.changed = tb_key_read_u64(numbers);
    entry->count.tasks = tb_key_read_u64(numbers + 8);
    entry->count.ready = tb_key_read_u64(numbers + 16);
    entry->number = tb_key_read_u64(numbers + 24);
    return entry->count.tasks == 0 ? MDB_CORRUPTED : 0;
}

static int read_entry(struct tb_lmdb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                      struct tb_name_entry *entry)
{
    struct tb_key prefix;
    int rc = 0;
    tb_names_start_key(&prefix, kind, name);
    struct tb_run_list *list =
        tb_run_list_open_stored(txn, prefix.bytes, prefix.len, ENTRY_BYTES, &rc);
    if (rc == 0) {
        rc = tb_names_seek(list, kind, name, entry);
    }
    tb_run_list_close(list);
    return rc;
}

/* --- what the write transaction knows --- */

static int get_row(struct tb_lmdb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                   struct tb_name_row **row)
{
    struct tb_names *names = txn->store->names;
    bool is_new = false;
    *row = tb_name_table_get(names->table, kind, name, &is_new);
    if (!is_new) {
        return 0;
    }
    int rc = read_entry(txn, kind, name, &(*row)->stored);
    (*row)->now = (*row)->stored;
    names->spoiled = names->spoiled || rc != 0;
    return rc;
}

static void note_changed(struct tb_names *names, struct tb_name_row *row)
{
    names->spoiled = true;
    if (row->changed) {
        return;
    }
    row->changed = true;
    if (names->changed_count == names->changed_capacity) {
        names->changed_capacity = names->changed_capacity == 0 ? 64 : 2 * names->changed_capacity;
        names->changed = realloc(names->changed, names->changed_capacity * sizeof *names->changed);
        if (names->changed == NULL) {
            tb_out_of_memory();
        }
    }
    names->changed[names->changed_count++] = row->index;
}

enum way { IN = 1, OUT = -1 };

static int count_name(struct tb_lmdb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                      const struct tb_task *task, enum way way)
{
    struct tb_name_row *row = NULL;
    int rc = get_row(txn, kind, name, &row);
    if (rc != 0) {
        return rc;
    }
    struct tb_name_count *count = &row->now.count;
    uint64_t tasks = task->status != TB_STATUS_DONE;
    uint64_t ready = tb_task_state(task) == TB_STATE_READY;
    if (way == OUT && (count->tasks < tasks || count->ready < ready)) {
        return MDB_CORRUPTED;
    }
    count->tasks = way == IN ? count->tasks + tasks : count->tasks - tasks;
    count->ready = way == IN ? count->ready + ready : count->ready - ready;
    count->changed = txn->head.changes;
    note_changed(txn->store->names, row);
    return 0;
}

/* Whether the tag, which is one of the array, stands in it twice, and this is not the first one. */
static bool stands_before(struct tb_str array, struct tb_str tag)
{
    struct tb_json_strings tags = tb_json_strings_of(array);
    struct tb_str other;
    while (tb_json_strings_next(&tags, &other) && other.ptr < tag.ptr) {
        if (tb_str_eq(other, tag)) {
            return true;
        }
    }
    return false;
}

int tb_names_of_task(const struct tb_task *task, tb_each_name *each, void *ctx)
{
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    int rc = 0;
    while (rc == 0 && tb_json_strings_next(&tags, &tag)) {
        if (!stands_before(task->tags, tag)) {
            rc = each(ctx, TB_NAME_TAG, tag);
        }
    }
    if (rc == 0 && task->assignee.ptr != NULL) {
        rc = each(ctx, TB_NAME_ASSIGNEE, task->assignee);
    }
    struct tb_str vm = tb_task_vm(task);
    return rc == 0 && vm.ptr != NULL ? each(ctx, TB_NAME_VM, vm) : rc;
}

/* A task that is counted in or out. */
struct counting {
    struct tb_lmdb_txn *txn;
    const struct tb_task *task;
    enum way way;
};

static int count_one(void *ctx, enum tb_name_kind kind, struct tb_str name)
{
    const struct counting *counting = ctx;
    return count_name(counting->txn, kind, name, counting->task, counting->way);
}

static int count_task(struct tb_lmdb_txn *txn, const struct tb_task *task, enum way way)
{
    struct counting counting = {txn, task, way};
    return task == NULL ? 0 : tb_names_of_task(task, count_one, &counting);
}

int tb_names_change(struct tb_lmdb_txn *txn, const struct tb_task *old, const struct tb_task *task)
{
    int rc = count_task(txn, old, OUT);
    return rc != 0 ? rc : count_task(txn, task, IN);
}

bool tb_names_has_changed(struct tb_names *names, enum tb_name_kind kind, struct tb_str name)
{
    const struct tb_name_row *row = tb_name_table_find(names->table, kind, name);
    return row != NULL && row->changed;
}

const struct tb_name_row *tb_names_changed(struct tb_names *names, size_t i)
{
    return i < names->changed_count ? tb_name_table_row(names->table, names->changed[i]) : NULL;
}

/* --- writing --- */

/* Small numbers, that names leave and come back to all the time, share a size: 1, to 3, to 7, to
 * 15. */
uint16_t tb_names_size(uint64_t tasks)
{
    enum { COARSE_BITS = 4, STEP_BITS = 3, STEPS = 1 << STEP_BITS };
    int top = 63 - __builtin_clzll(tasks);
    if (top < COARSE_BITS) {
        return (uint16_t)top;
    }
    uint64_t step = (tasks >> (top - STEP_BITS)) & (STEPS - 1);
    return (uint16_t)(COARSE_BITS + (top - COARSE_BITS) * STEPS + (int)step);
}

static void order_key(struct tb_key *key, const struct tb_name_row *row,
                      const struct tb_name_entry *entry)
{
    uint16_t descending = (uint16_t)~tb_names_size(entry->count.tasks);
    tb_key_start(key, TB_INDEX_NAME_ORDER);
    tb_key_add_byte(key, (uint8_t)row->kind);
    tb_key_add_byte(key, (uint8_t)(descending >> 8));
    tb_key_add_byte(key, (uint8_t)descending);
    tb_key_add_u64(key, entry->number);
    tb_key_add_bytes(key, row->hash, sizeof row->hash);
}

static int move_in_order(struct tb_lmdb_txn *txn, struct tb_name_row *row, bool was, bool is)
{
    struct tb_key key;
    int rc = 0;
    if (was && is &&
        tb_names_size(row->stored.count.tasks) == tb_names_size(row->now.count.tasks)) {
        return 0;
    }
    if (was) {
        order_key(&key, row, &row->stored);
        rc = tb_lmdb_index_drop(txn, &key);
    }
    row->now.number = row->now.count.changed;
    if (rc == 0 && is) {
        order_key(&key, row, &row->now);
        rc = tb_lmdb_index_put_value(txn, &key, row->name);
    }
    return rc;
}

static int flush_row(struct tb_lmdb_txn *txn, struct tb_name_row *row)
{
    bool was = row->stored.count.tasks > 0;
    bool is = row->now.count.tasks > 0;
    struct tb_key key;
    int rc = move_in_order(txn, row, was, is);
    if (rc == 0 && was) {
        entry_key(&key, row, &row->stored);
        rc = tb_run_drop(txn, &key);
    }
    if (rc == 0 && is) {
        entry_key(&key, row, &row->now);
        rc = tb_run_put(txn, &key);
    }
    row->stored = row->now;
    row->changed = false;
    return rc;
}

int tb_names_flush(struct tb_lmdb_txn *txn)
{
    struct tb_names *names = txn->store->names;
    int rc = 0;
    for (size_t i = 0; i < names->changed_count && rc == 0; i++) {
        rc = flush_row(txn, tb_name_table_row(names->table, names->changed[i]));
    }
    names->changed_count = 0;
    return rc;
}

/* --- reading --- */

enum tb_err tb_lmdb_get_name(struct tb_txn *base, enum tb_name_kind kind, struct tb_str name,
                             struct tb_name_count *count)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_name_entry entry;
    int rc = 0;
    if (base->writable) {
        struct tb_name_row *row = NULL;
        rc = get_row(txn, kind, name, &row);
        entry = row->now;
    } else {
        rc = read_entry(txn, kind, name, &entry);
    }
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    if (entry.count.tasks == 0) {
        return TB_E_ABSENT;
    }
    *count = entry.count;
    return TB_OK;
}

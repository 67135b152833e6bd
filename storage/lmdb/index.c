#include <assert.h>

#include "base/json.h"
#include "lmdb/marks.h"
#include "lmdb/names.h"
#include "lmdb/ready.h"
#include "model/words.h"

/* Makes the key of a task's one entry in an index; false: the task has none there. */
typedef bool entry_key(const struct tb_task *task, struct tb_key *key);

static bool created_key(const struct tb_task *task, struct tb_key *key)
{
    tb_key_start(key, TB_INDEX_CREATED);
    tb_key_add_byte(key, (uint8_t)tb_task_state(task));
    tb_key_add_id(key, task->id);
    return true;
}

static bool updated_key(const struct tb_task *task, struct tb_key *key)
{
    tb_key_start(key, TB_INDEX_UPDATED);
    tb_key_add_byte(key, (uint8_t)tb_task_state(task));
    tb_key_add_i64(key, task->updated_ms);
    tb_key_add_id(key, task->id);
    tb_key_add_u32(key, tb_marks_of_task(task));
    return true;
}

static bool rank_key(const struct tb_task *task, struct tb_key *key)
{
    tb_key_start(key, TB_INDEX_RANK);
    tb_key_add_byte(key, (uint8_t)tb_task_state(task));
    tb_key_add_i64(key, task->rank_ms);
    tb_key_add_id(key, task->id);
    return true;
}

static bool text_key(enum tb_index index, struct tb_str text, struct tb_id id, struct tb_key *key)
{
    if (text.ptr == NULL) {
        return false;
    }
    tb_key_start(key, index);
    tb_key_add_text(key, text);
    tb_key_add_id(key, id);
    return true;
}

static bool assignee_key(const struct tb_task *task, struct tb_key *key)
{
    return text_key(TB_INDEX_ASSIGNEE, task->assignee, task->id, key);
}

static bool created_by_key(const struct tb_task *task, struct tb_key *key)
{
    return text_key(TB_INDEX_CREATED_BY, task->created_by, task->id, key);
}

static bool unique_key(const struct tb_task *task, struct tb_key *key)
{
    return task->status != TB_STATUS_DONE &&
           text_key(TB_INDEX_UNIQUE, task->unique_key, task->id, key);
}

static bool parent_key(const struct tb_task *task, struct tb_key *key)
{
    if (tb_id_is_zero(task->parent_id)) {
        return false;
    }
    tb_key_start(key, TB_INDEX_PARENT);
    tb_key_add_id(key, task->parent_id);
    tb_key_add_id(key, task->id);
    return true;
}

static bool due_key(const struct tb_task *task, struct tb_key *key)
{
    if (task->due_ms == 0) {
        return false;
    }
    tb_key_start(key, TB_INDEX_DUE);
    tb_key_add_i64(key, task->due_ms);
    tb_key_add_id(key, task->id);
    return true;
}

static bool ready_since_key(const struct tb_task *task, struct tb_key *key)
{
    if (tb_task_state(task) != TB_STATE_READY) {
        return false;
    }
    tb_key_start(key, TB_INDEX_READY_SINCE);
    tb_key_add_i64(key, task->ready_ms);
    tb_key_add_id(key, task->id);
    return true;
}

static bool vm_task_key(const struct tb_task *task, struct tb_key *key)
{
    return text_key(TB_INDEX_VM_TASK, tb_task_vm(task), task->id, key);
}

static entry_key *const single_entries[] = {
    created_key, updated_key, rank_key, assignee_key,    created_by_key,
    unique_key,  parent_key,  due_key,  ready_since_key, vm_task_key,
};

/* One cursor for the whole transaction: neighbouring keys find their page at once. */
static int index_cursor(struct tb_lmdb_txn *txn, MDB_cursor **cursor)
{
    int rc = 0;
    if (txn->index == NULL) {
        rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_INDEX], &txn->index);
    }
    *cursor = txn->index;
    return rc;
}

static bool is_in_tree(const struct tb_key *key)
{
    return tb_lmdb_index_db(key->bytes[0]) == TB_DB_INDEX;
}

int tb_lmdb_index_put_value(struct tb_lmdb_txn *txn, const struct tb_key *key, struct tb_str value)
{
    MDB_cursor *cursor = NULL;
    MDB_val entry = tb_mdb_val(key->bytes, key->len);
    MDB_val content = tb_mdb_val(value.ptr, value.len);
    int rc = index_cursor(txn, &cursor);
    return rc != 0 ? rc : mdb_cursor_put(cursor, &entry, &content, 0);
}

/* An entry that is not there is not an error: a task may name a dependency twice. */
static int drop_from_tree(struct tb_lmdb_txn *txn, const struct tb_key *key)
{
    MDB_cursor *cursor = NULL;
    MDB_val entry = tb_mdb_val(key->bytes, key->len);
    int rc = index_cursor(txn, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &entry, NULL, MDB_SET);
        rc = rc != 0 ? rc : mdb_cursor_del(cursor, 0);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int tb_lmdb_index_put(struct tb_lmdb_txn *txn, const struct tb_key *key)
{
    if (txn->listener != NULL) {
        return txn->listener->put(txn->listener, key);
    }
    if (is_in_tree(key)) {
        return tb_lmdb_index_put_value(txn, key, TB_STR(""));
    }
    if (tb_lmdb_is_queue(key->bytes[0])) {
        size_t prefix_len = key->len - TB_FRONT_SUFFIX_BYTES;
        tb_fronts_put(txn->store->fronts, key->bytes, prefix_len, key->bytes + prefix_len);
        tb_heads_put(txn->store->heads, key->bytes, prefix_len, key->bytes + prefix_len);
    }
    return tb_run_put(txn, key);
}

int tb_lmdb_index_drop(struct tb_lmdb_txn *txn, const struct tb_key *key)
{
    if (is_in_tree(key)) {
        return drop_from_tree(txn, key);
    }
    if (tb_lmdb_is_queue(key->bytes[0])) {
        size_t prefix_len = key->len - TB_FRONT_SUFFIX_BYTES;
        tb_heads_drop(txn->store->heads, key->bytes, prefix_len, key->bytes + prefix_len);
    }
    return tb_run_drop(txn, key);
}

static int change_single_entry(struct tb_lmdb_txn *txn, entry_key *make, const struct tb_task *old,
                               const struct tb_task *task)
{
    struct tb_key before;
    struct tb_key after;
    bool was = old != NULL && make(old, &before);
    bool is = task != NULL && make(task, &after);
    if (was && is && before.len == after.len && memcmp(before.bytes, after.bytes, after.len) == 0) {
        return 0;
    }
    int rc = was ? tb_lmdb_index_drop(txn, &before) : 0;
    return rc == 0 && is ? tb_lmdb_index_put(txn, &after) : rc;
}

/* Puts (or drops) an entry for each string of `array` that `others` lacks. */
static int change_strings(struct tb_lmdb_txn *txn, enum tb_index index, struct tb_id id,
                          struct tb_str array, struct tb_str others, bool puts)
{
    struct tb_json_strings strings = tb_json_strings_of(array);
    struct tb_str text;
    struct tb_key key;
    int rc = 0;
    while (rc == 0 && tb_json_strings_next(&strings, &text)) {
        if (tb_strings_contain(others, text)) {
            continue;
        }
        if (!text_key(index, text, id, &key)) {
            continue;
        }
        rc = puts ? tb_lmdb_index_put(txn, &key) : tb_lmdb_index_drop(txn, &key);
    }
    return rc;
}

static int change_array(struct tb_lmdb_txn *txn, enum tb_index index, struct tb_id id,
                        struct tb_str before, struct tb_str after)
{
    assert(before.ptr != NULL && after.ptr != NULL);
    if (tb_str_eq(before, after)) {
        return 0;
    }
    int rc = change_strings(txn, index, id, before, after, false);
    return rc != 0 ? rc : change_strings(txn, index, id, after, before, true);
}

struct word_list {
    struct tb_str *words; /* sorted */
    size_t count;
};

static struct word_list words_of(struct tb_lmdb_txn *txn, const struct tb_task *task)
{
    struct word_list list = {NULL, 0};
    if (task != NULL) {
        list.words = tb_words_collect(txn->store->scratch, task->title, task->description,
                                      TB_INDEXED_WORDS_MAX, &list.count);
    }
    return list;
}

static void word_key(struct tb_str word, struct tb_id id, struct tb_key *key)
{
    tb_key_start(key, TB_INDEX_WORD);
    tb_key_add_text(key, word);
    tb_key_add_id(key, id);
}

static int change_words(struct tb_lmdb_txn *txn, const struct tb_task *old,
                        const struct tb_task *task)
{
    assert(old != NULL || task != NULL);
    if (old != NULL && task != NULL && tb_str_eq(old->title, task->title) &&
        tb_str_eq(old->description, task->description)) {
        return 0;
    }
    struct tb_id id = task != NULL ? task->id : old->id;
    int rc = 0;
    struct word_list before = words_of(txn, old);
    struct word_list after = words_of(txn, task);
    size_t b = 0;
    size_t a = 0;
    while (rc == 0 && (b < before.count || a < after.count)) {
        int order = b == before.count  ? 1
                    : a == after.count ? -1
                                       : tb_str_cmp(before.words[b], after.words[a]);
        struct tb_key key;
        if (order < 0) {
            word_key(before.words[b++], id, &key);
            rc = tb_lmdb_index_drop(txn, &key);
        } else if (order > 0) {
            word_key(after.words[a++], id, &key);
            rc = tb_lmdb_index_put(txn, &key);
        } else {
            b++;
            a++;
        }
    }
    tb_arena_reset(txn->store->scratch);
    return rc;
}

int tb_lmdb_index_entries(struct tb_lmdb_txn *txn, const struct tb_task *old,
                          const struct tb_task *task)
{
    static const struct tb_str no_strings = {"[]", 2};
    assert(old != NULL || task != NULL);
    int rc = 0;
    for (size_t i = 0; i < sizeof single_entries / sizeof *single_entries && rc == 0; i++) {
        rc = change_single_entry(txn, single_entries[i], old, task);
    }
    struct tb_id id = task != NULL ? task->id : old->id;
    if (rc == 0) {
        rc = change_array(txn, TB_INDEX_TAG, id, old != NULL ? old->tags : no_strings,
                          task != NULL ? task->tags : no_strings);
    }
    if (rc == 0) {
        rc = change_array(txn, TB_INDEX_DEPENDENT, id, old != NULL ? old->dependencies : no_strings,
                          task != NULL ? task->dependencies : no_strings);
    }
    if (rc == 0) {
        rc = tb_ready_index_change(txn, old, task);
    }
    return rc != 0 ? rc : change_words(txn, old, task);
}

int tb_lmdb_index_change(struct tb_lmdb_txn *txn, const struct tb_task *old,
                         const struct tb_task *task)
{
    int rc = tb_names_change(txn, old, task);
    return rc != 0 ? rc : tb_lmdb_index_entries(txn, old, task);
}

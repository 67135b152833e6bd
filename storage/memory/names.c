/* What is counted by tag, by assignee and by VM. Tasks are counted by looking at all of them; only
 * when a name was last touched is kept. */
#include <stdlib.h>
#include <xxhash.h>

#include "base/json.h"
#include "memory/memory.h"

static void name_key(uint8_t key[TB_ROW_KEY_BYTES], enum tb_name_kind kind, struct tb_str name)
{
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(name.ptr, name.len));
    memset(key, 0, TB_ROW_KEY_BYTES);
    key[0] = (uint8_t)kind;
    memcpy(key + 1, &hash, sizeof hash);
}

static void touch_name(struct tb_memory_txn *txn, enum tb_name_kind kind, struct tb_str name)
{
    struct tb_table *names = &txn->store->names;
    uint8_t key[TB_ROW_KEY_BYTES];
    if (name.ptr == NULL) {
        return;
    }
    name_key(key, kind, name);
    struct tb_version *version = tb_table_put(names, key, txn->n, sizeof txn->head.changes);
    memcpy(version->bytes, &txn->head.changes, sizeof txn->head.changes);
    tb_memory_touch(txn->store, names, key);
}

static void touch_names_of(struct tb_memory_txn *txn, const struct tb_task *task)
{
    if (task == NULL) {
        return;
    }
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    while (tb_json_strings_next(&tags, &tag)) {
        touch_name(txn, TB_NAME_TAG, tag);
    }
    touch_name(txn, TB_NAME_ASSIGNEE, task->assignee);
    touch_name(txn, TB_NAME_VM, tb_task_vm(task));
}

void tb_memory_touch_names(struct tb_memory_txn *txn, const struct tb_task *old,
                           const struct tb_task *task)
{
    touch_names_of(txn, old);
    touch_names_of(txn, task);
}

/* --- counting --- */

struct wanted {
    enum tb_name_kind kind;
    struct tb_str name; /* absent: any */
};

/* Of a kind of which a task has at most one. */
static struct tb_str only_name(enum tb_name_kind kind, const struct tb_task *task)
{
    return kind == TB_NAME_VM ? tb_task_vm(task) : task->assignee;
}

static bool has_name(const void *ctx, const struct tb_task *task)
{
    const struct wanted *wanted = ctx;
    if (task->status == TB_STATUS_DONE || wanted->name.ptr == NULL) {
        return task->status != TB_STATUS_DONE;
    }
    return wanted->kind == TB_NAME_TAG ? tb_strings_contain(task->tags, wanted->name)
                                       : tb_str_eq(only_name(wanted->kind, task), wanted->name);
}

enum tb_err tb_memory_get_name(struct tb_txn *base, enum tb_name_kind kind, struct tb_str name,
                               struct tb_name_count *count)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    const struct wanted wanted = {kind, name};
    struct tb_memory_found found = tb_memory_find_tasks(txn, has_name, &wanted);
    struct tb_name_count counted = {.tasks = found.count};
    for (size_t i = 0; i < found.count; i++) {
        counted.ready += tb_task_state(found.tasks[i]) == TB_STATE_READY;
    }
    free(found.tasks);
    if (counted.tasks == 0) {
        return TB_E_ABSENT;
    }
    uint8_t key[TB_ROW_KEY_BYTES];
    name_key(key, kind, name);
    tb_memory_lock(txn);
    const struct tb_version *version = tb_table_get(&txn->store->names, key, txn->n);
    memcpy(&counted.changed, version->bytes, sizeof counted.changed);
    tb_memory_unlock(txn);
    *count = counted;
    return TB_OK;
}

/* --- the largest --- */

struct counted {
    struct tb_str name;
    uint64_t tasks;
};

struct counts {
    struct counted *items; /* malloced */
    size_t count;
    size_t cap;
};

static void count_one(struct counts *counts, struct tb_str name)
{
    if (name.ptr == NULL) {
        return;
    }
    if (counts->count == counts->cap) {
        counts->cap = counts->cap == 0 ? 64 : 2 * counts->cap;
        counts->items = realloc(counts->items, counts->cap * sizeof *counts->items);
        if (counts->items == NULL) {
            abort();
        }
    }
    counts->items[counts->count++] = (struct counted){name, 1};
}

/* A tag that a task names twice counts once. */
static void count_tags(struct counts *counts, const struct tb_task *task)
{
    size_t first = counts->count;
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    while (tb_json_strings_next(&tags, &tag)) {
        bool again = false;
        for (size_t i = first; i < counts->count && !again; i++) {
            again = tb_str_eq(counts->items[i].name, tag);
        }
        if (!again) {
            count_one(counts, tag);
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return tb_str_cmp(((const struct counted *)a)->name, ((const struct counted *)b)->name);
}

static int compare_sizes(const void *a, const void *b)
{
    const struct counted *left = a;
    const struct counted *right = b;
    return left->tasks != right->tasks ? (left->tasks > right->tasks ? -1 : 1)
                                       : compare_names(a, b);
}

/* Makes one item of each name. */
static void unite(struct counts *counts)
{
    size_t kept = 0;
    for (size_t i = 1; i < counts->count; i++) {
        if (tb_str_eq(counts->items[kept].name, counts->items[i].name)) {
            counts->items[kept].tasks += counts->items[i].tasks;
        } else {
            counts->items[++kept] = counts->items[i];
        }
    }
    counts->count = counts->count == 0 ? 0 : kept + 1;
}

static struct counts count_all(struct tb_memory_txn *txn, enum tb_name_kind kind)
{
    const struct wanted any = {kind, TB_STR_NONE};
    struct tb_memory_found found = tb_memory_find_tasks(txn, has_name, &any);
    struct counts counts = {.items = NULL};
    for (size_t i = 0; i < found.count; i++) {
        if (kind == TB_NAME_TAG) {
            count_tags(&counts, found.tasks[i]);
        } else {
            count_one(&counts, only_name(kind, found.tasks[i]));
        }
    }
    free(found.tasks);
    if (counts.count > 0) {
        qsort(counts.items, counts.count, sizeof *counts.items, compare_names);
        unite(&counts);
        qsort(counts.items, counts.count, sizeof *counts.items, compare_sizes);
    }
    return counts;
}

enum tb_err tb_memory_visit_names(struct tb_txn *base, enum tb_name_kind kind, uint32_t max,
                                  tb_visit_name *visit, void *ctx)
{
    struct counts counts = count_all(tb_memory_txn_of(base), kind);
    enum tb_err err = TB_OK;
    for (size_t i = 0; i < counts.count && i < max && err == TB_OK; i++) {
        struct tb_name_count count;
        err = tb_memory_get_name(base, kind, counts.items[i].name, &count);
        if (err == TB_OK && visit(ctx, counts.items[i].name, &count) == TB_VISIT_STOP) {
            break;
        }
    }
    free(counts.items);
    return err;
}

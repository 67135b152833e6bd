#include <stdlib.h>

#include "memory/memory.h"
#include "model/words.h"
#include "taskboard/limits.h"

struct tb_memory_found tb_memory_find_tasks(struct tb_memory_txn *txn, tb_memory_want *want,
                                            const void *ctx)
{
    struct tb_memory_store *store = txn->store;
    tb_memory_lock(txn);
    struct tb_memory_found found = {malloc((store->tasks.count + 1) * sizeof(void *)), 0};
    if (found.tasks == NULL) {
        abort();
    }
    for (size_t i = 0; i < store->tasks.count; i++) {
        const struct tb_version *version = tb_row_at(&store->tasks.rows[i], txn->n);
        if (version != NULL && (want == NULL || want(ctx, tb_memory_task(version)))) {
            found.tasks[found.count++] = tb_memory_task(version);
        }
    }
    tb_memory_unlock(txn);
    return found;
}

static bool depends(const void *ctx, const struct tb_task *task)
{
    return tb_strings_contain(task->dependencies, *(const struct tb_str *)ctx);
}

enum tb_err tb_memory_visit_dependents(struct tb_txn *base, struct tb_str dependency,
                                       tb_visit_id *visit, void *ctx)
{
    struct tb_memory_found found =
        tb_memory_find_tasks(tb_memory_txn_of(base), depends, &dependency);
    for (size_t i = 0; i < found.count && visit(ctx, found.tasks[i]->id) == TB_VISIT_NEXT; i++) {
    }
    free(found.tasks);
    return TB_OK;
}

static bool has_due(const void *ctx, const struct tb_task *task)
{
    (void)ctx;
    return task->due_ms != 0;
}

enum tb_err tb_memory_next_due(struct tb_txn *base, int64_t *due_ms, struct tb_id *id)
{
    struct tb_memory_found found = tb_memory_find_tasks(tb_memory_txn_of(base), has_due, NULL);
    const struct tb_task *first = NULL;
    for (size_t i = 0; i < found.count; i++) {
        if (first == NULL || found.tasks[i]->due_ms < first->due_ms) {
            first = found.tasks[i];
        }
    }
    if (first != NULL) {
        *due_ms = first->due_ms;
        *id = first->id;
    }
    free(found.tasks);
    return first != NULL ? TB_OK : TB_E_ABSENT;
}

/* --- lists --- */

static bool contains_words(const struct tb_task_query *query, const struct tb_task *task)
{
    if (query->word_count == 0) {
        return true;
    }
    struct tb_arena *arena = tb_arena_new(0);
    size_t count = 0;
    const struct tb_str *words =
        tb_words_collect(arena, task->title, task->description, TB_INDEXED_WORDS_MAX, &count);
    size_t met = 0;
    for (size_t i = 0; i < query->word_count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (tb_str_eq(words[k], query->words[i])) {
                met++;
                break;
            }
        }
    }
    tb_arena_free(arena);
    return met == query->word_count;
}

static bool is_in_states(const struct tb_task_query *query, const struct tb_task *task)
{
    return query->states == 0 || (query->states & (1U << tb_task_state(task))) != 0;
}

static bool matches(const void *ctx, const struct tb_task *task)
{
    const struct tb_task_query *query = ctx;
    if (!is_in_states(query, task)) {
        return false;
    }
    if (query->assignee.ptr != NULL && !tb_str_eq(task->assignee, query->assignee)) {
        return false;
    }
    if (query->created_by.ptr != NULL && !tb_str_eq(task->created_by, query->created_by)) {
        return false;
    }
    if (!tb_id_is_zero(query->parent_id) && tb_id_cmp(task->parent_id, query->parent_id) != 0) {
        return false;
    }
    if (query->updated_since_ms != 0 && task->updated_ms < query->updated_since_ms) {
        return false;
    }
    for (size_t i = 0; i < query->tag_count; i++) {
        if (!tb_strings_contain(task->tags, query->tags[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < query->without_tag_count; i++) {
        if (tb_strings_contain(task->tags, query->without_tags[i])) {
            return false;
        }
    }
    return contains_words(query, task);
}

static int64_t sort_key(enum tb_order order, const struct tb_task *task)
{
    switch (order) {
    case TB_ORDER_UPDATED:
        return task->updated_ms;
    case TB_ORDER_RANK:
        return task->rank_ms;
    case TB_ORDER_CREATED:
        break;
    }
    return 0;
}

/* Below 0 when the task stands before that position, 0 when at it. */
static int compare_place(enum tb_order order, const struct tb_task *task, int64_t key,
                         struct tb_id id)
{
    int64_t own = sort_key(order, task);
    int result = own != key ? (own < key ? -1 : 1) : tb_id_cmp(task->id, id);
    return order == TB_ORDER_RANK ? result : -result;
}

static int compare_in_order(const void *a, const void *b, void *ctx)
{
    const struct tb_task *left = *(const struct tb_task *const *)a;
    const struct tb_task *right = *(const struct tb_task *const *)b;
    enum tb_order order = *(const enum tb_order *)ctx;
    return compare_place(order, left, sort_key(order, right), right->id);
}

/* With scan_max every task of the states counts as looked at, whether it matches or not. */
enum tb_err tb_memory_visit_tasks(struct tb_txn *base, const struct tb_task_query *query,
                                  tb_visit_task *visit, void *ctx, struct tb_query_end *end)
{
    struct tb_memory_found found =
        tb_memory_find_tasks(tb_memory_txn_of(base), query->scan_max == 0 ? matches : NULL, query);
    enum tb_order order = query->order;
    qsort_r(found.tasks, found.count, sizeof(void *), compare_in_order, &order);
    uint32_t scanned = 0;
    for (size_t i = 0; i < found.count; i++) {
        const struct tb_task *task = found.tasks[i];
        if (!is_in_states(query, task) ||
            (query->has_after &&
             compare_place(order, task, query->after.key, query->after.id) <= 0)) {
            continue;
        }
        bool matching = query->scan_max == 0 || matches(query, task);
        if (matching && visit(ctx, task) == TB_VISIT_STOP) {
            break;
        }
        if (query->scan_max != 0 && ++scanned == query->scan_max) {
            end->more_to_scan = true;
            end->reached = (struct tb_position){sort_key(order, task), task->id};
            break;
        }
    }
    free(found.tasks);
    return TB_OK;
}

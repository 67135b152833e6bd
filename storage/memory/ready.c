#include <stdlib.h>

#include "memory/memory.h"

static bool has_any(const struct tb_task *task, const struct tb_str *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tb_strings_contain(task->tags, tags[i])) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const void *ctx, const struct tb_task *task)
{
    const struct tb_ready_query *query = ctx;
    bool may_have = task->assignee.ptr == NULL || tb_str_eq(task->assignee, query->agent);
    if (tb_task_state(task) != TB_STATE_READY || !may_have) {
        return false;
    }
    for (size_t i = 0; i < query->tag_count; i++) {
        if (!tb_strings_contain(task->tags, query->tags[i])) {
            return false;
        }
    }
    return (query->any_tag_count == 0 || has_any(task, query->any_tags, query->any_tag_count)) &&
           !has_any(task, query->without_tags, query->without_tag_count);
}

static int compare_ranks(const void *a, const void *b)
{
    const struct tb_task *left = *(const struct tb_task *const *)a;
    const struct tb_task *right = *(const struct tb_task *const *)b;
    return left->rank_ms != right->rank_ms ? (left->rank_ms < right->rank_ms ? -1 : 1)
                                           : tb_id_cmp(left->id, right->id);
}

enum tb_err tb_memory_visit_ready(struct tb_txn *base, const struct tb_ready_query *query,
                                  tb_visit_task *visit, void *ctx)
{
    struct tb_memory_found found = tb_memory_find_tasks(tb_memory_txn_of(base), is_wanted, query);
    qsort(found.tasks, found.count, sizeof(void *), compare_ranks);
    for (size_t i = 0; i < found.count && visit(ctx, found.tasks[i]) == TB_VISIT_NEXT; i++) {
    }
    free(found.tasks);
    return TB_OK;
}

static bool is_ready(const void *ctx, const struct tb_task *task)
{
    (void)ctx;
    return tb_task_state(task) == TB_STATE_READY;
}

enum tb_err tb_memory_oldest_ready(struct tb_txn *base, int64_t *ready_ms)
{
    struct tb_memory_found found = tb_memory_find_tasks(tb_memory_txn_of(base), is_ready, NULL);
    size_t count = found.count;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || found.tasks[i]->ready_ms < *ready_ms) {
            *ready_ms = found.tasks[i]->ready_ms;
        }
    }
    free(found.tasks);
    return count > 0 ? TB_OK : TB_E_ABSENT;
}

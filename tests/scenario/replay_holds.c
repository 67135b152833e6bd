/* What must hold between the tasks of a replayed log. */
#include <stdio.h>

#include "scenario/replay.h"

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)

static const struct replay_task *named(const struct replay *replay, struct tb_str text)
{
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        if (text.len == TB_ULID_LEN && memcmp(text.ptr, task->id_text, TB_ULID_LEN) == 0) {
            return task;
        }
    }
    return NULL;
}

static bool check_waiting(const struct replay *replay, const struct replay_task *task,
                          int64_t handled_ms, char *why, size_t why_size)
{
    char wanted[REPLAY_DEPENDENCIES_MAX * 64] = "[";
    size_t len = 1;
    for (size_t i = 0; i < task->dependency_count; i++) {
        struct tb_str text = task->dependencies[i];
        const struct replay_task *dependency = named(replay, text);
        bool met =
            dependency != NULL && dependency->status == TB_STATUS_DONE && dependency->success;
        if (task->status != TB_STATUS_DONE && !met) {
            len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s\"%.*s\"",
                                    len > 1 ? "," : "", (int)text.len, text.ptr);
        }
    }
    wanted[len++] = ']';
    if (!tb_str_eq(task->blocked_by, tb_str_from(wanted, len))) {
        return FAIL(why, why_size, "blockedBy should be %.*s: %.*s", (int)len, wanted,
                    (int)task->summary.len, task->summary.ptr);
    }
    bool free = task->status == TB_STATUS_OPEN && len == 2;
    bool must = free && task->not_before_ms <= handled_ms;
    bool may = free && task->not_before_ms <= replay->last_ms;
    if ((must && !task->ready) || (task->ready && !may)) {
        return FAIL(why, why_size, "ready is wrong: %.*s", (int)task->summary.len,
                    task->summary.ptr);
    }
    return true;
}

/* Takes away tasks that wait for none of those left, as long as there are some. */
static bool is_free_of_cycles(const struct replay *replay)
{
    bool gone[REPLAY_TASKS_MAX] = {false};
    size_t left = replay->count;
    for (bool progress = true; progress;) {
        progress = false;
        for (size_t i = 0; i < replay->count; i++) {
            bool waits = false;
            for (size_t k = 0; k < replay->tasks[i].dependency_count && !gone[i]; k++) {
                const struct replay_task *to = named(replay, replay->tasks[i].dependencies[k]);
                waits = waits || (to != NULL && !gone[to - replay->tasks]);
            }
            if (!gone[i] && !waits) {
                gone[i] = true;
                progress = true;
                left--;
            }
        }
    }
    return left == 0;
}

static bool check_keys(const struct replay *replay, char *why, size_t why_size)
{
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        for (size_t k = 0; k < i && task->unique_key.ptr != NULL; k++) {
            const struct replay_task *other = &replay->tasks[k];
            if (task->status != TB_STATUS_DONE && other->status != TB_STATUS_DONE &&
                tb_str_eq(task->unique_key, other->unique_key)) {
                return FAIL(why, why_size, "two tasks have the key %.*s", (int)task->unique_key.len,
                            task->unique_key.ptr);
            }
        }
    }
    return true;
}

static bool check_counters(const struct replay *replay, const struct tb_head *head, char *why,
                           size_t why_size)
{
    static const enum tb_state states[TB_STATUS_COUNT] = {TB_STATE_WAITING, TB_STATE_IN_PROGRESS,
                                                          TB_STATE_IN_REVIEW, TB_STATE_BLOCKED,
                                                          TB_STATE_DONE};
    struct tb_head counted = {
        .generation = replay->generation,
        .pauses = replay->paused_tag_count + (replay->paused ? 1 : 0),
    };
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        bool waits = task->status == TB_STATUS_OPEN && !task->ready;
        counted.task_counts[task->ready ? TB_STATE_READY : states[task->status]]++;
        counted.scheduled += waits && task->blocked_by.len == 2 ? 1 : 0;
        counted.claimed += task->generation != 0 ? 1 : 0;
        counted.dead_letters += task->dead_letter ? 1 : 0;
    }
    return (memcmp(counted.task_counts, head->task_counts, sizeof(counted.task_counts)) == 0 &&
            counted.scheduled == head->scheduled && counted.claimed == head->claimed &&
            counted.dead_letters == head->dead_letters && counted.generation == head->generation &&
            counted.pauses == head->pauses) ||
           FAIL(why, why_size, "the counters are wrong");
}

bool replay_holds(const struct replay *replay, const struct tb_head *head, int64_t handled_ms,
                  char *why, size_t why_size)
{
    for (size_t i = 0; i < replay->count; i++) {
        if (!check_waiting(replay, &replay->tasks[i], handled_ms, why, why_size)) {
            return false;
        }
    }
    if (!is_free_of_cycles(replay)) {
        return FAIL(why, why_size, "there is a cycle");
    }
    return check_keys(replay, why, why_size) && check_counters(replay, head, why, why_size);
}

#include <stdlib.h>

#include "board/verify.h"
#include "taskboard/limits.h"

static void note_generation(struct tb_verify *verify, uint64_t generation)
{
    struct tb_generations *list = &verify->generations;
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 256 : 2 * list->room;
        uint64_t *items = tb_arena_alloc(verify->kept, room * sizeof(*items));
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof(*items));
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = generation;
}

/* The ended attempts of a task, as they are visited. */
struct attempts {
    struct tb_verify *verify;
    uint32_t count;
    uint32_t next; /* the number that the next one must have */
    uint64_t generation;
    bool good;
};

static enum tb_visit check_attempt(void *ctx, const struct tb_attempt *attempt)
{
    struct attempts *attempts = ctx;
    int64_t last_ms = tb_txn_head(attempts->verify->board.txn)->last_ms;
    attempts->good =
        attempt->number == attempts->next && attempt->generation > attempts->generation &&
        attempt->outcome != TB_ATTEMPT_RUNNING && attempt->ended_ms >= attempt->claimed_ms &&
        attempt->ended_ms <= last_ms && (!attempt->late || attempt->result.ptr != NULL);
    attempts->next++;
    attempts->count++;
    attempts->generation = attempt->generation;
    note_generation(attempts->verify, attempt->generation);
    return attempts->good ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

/* The latest TB_ATTEMPTS_KEPT that have ended, without a gap, their generations rising. */
static bool attempts_are_right(struct tb_verify *verify, const struct tb_task *task)
{
    uint32_t ended = task->claims - (tb_task_is_claimed(task) ? 1 : 0);
    uint32_t kept = ended < TB_ATTEMPTS_KEPT ? ended : TB_ATTEMPTS_KEPT;
    struct attempts attempts = {.verify = verify, .next = ended - kept + 1, .good = true};
    return tb_visit_attempts(verify->board.txn, task->id, check_attempt, &attempts) == TB_OK &&
           attempts.good && attempts.count == kept &&
           (!tb_task_is_claimed(task) || task->claim.generation > attempts.generation);
}

static bool claim_is_right(const struct tb_verify *verify, const struct tb_task *task)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    const struct tb_claim *claim = &task->claim;
    struct tb_vm vm;
    if (task->claim_vm.ptr != NULL && tb_get_vm(verify->board.txn, task->claim_vm, &vm) != TB_OK) {
        return false;
    }
    return task->status == TB_STATUS_IN_PROGRESS && task->assignee.ptr != NULL &&
           task->reserved_for.ptr != NULL && claim->attempt == task->claims &&
           claim->generation <= head->generation && claim->lease_ms > 0 && claim->claimed_ms > 0 &&
           claim->claimed_ms <= head->last_ms && claim->expires_ms > claim->claimed_ms;
}

static bool is_free_of_claims(const struct tb_task *task)
{
    return task->claim.attempt == 0 && task->claim.claimed_ms == 0 && task->claim.expires_ms == 0 &&
           task->claim.lease_ms == 0 && task->claim_vm.ptr == NULL && task->cancel.ptr == NULL &&
           task->progress.ptr == NULL && task->progress_told_ms == 0 &&
           (task->status != TB_STATUS_OPEN || task->reserved_for.ptr == NULL);
}

const char *tb_verify_claim(struct tb_verify *verify, const struct tb_task *task)
{
    if (tb_task_is_claimed(task)) {
        note_generation(verify, task->claim.generation);
        if (!claim_is_right(verify, task)) {
            return "its claim is wrong";
        }
    } else if (!is_free_of_claims(task)) {
        return "something is left of a claim";
    }
    if (task->attempts > task->claims) {
        return "it counts more attempts than claims";
    }
    return attempts_are_right(verify, task) ? NULL : "its attempts are wrong";
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void tb_verify_generations(struct tb_verify *verify)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    struct tb_generations *list = &verify->generations;
    if (list->count == 0) {
        return;
    }
    qsort(list->items, list->count, sizeof(*list->items), compare);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] > head->generation || (i > 0 && list->items[i] == list->items[i - 1])) {
            tb_verify_fault(verify, "generation %llu was given twice, or never",
                            (unsigned long long)list->items[i]);
        }
    }
}

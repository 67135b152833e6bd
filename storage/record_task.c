#include "record_seal.h"

struct task_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t status;
    uint8_t outcome;
    uint8_t ready;
    uint8_t zero[3];
    struct tb_id id;
    struct tb_id parent_id;
    uint64_t version;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t not_before_ms;
    int64_t due_ms;
    int64_t ready_ms;
    int64_t rank_ms;
    int64_t score;
    uint64_t notes_bytes;
    uint64_t claim_generation;
    int64_t claimed_ms;
    int64_t claim_expires_ms;
    int64_t claim_lease_ms;
    int64_t progress_told_ms;
    uint32_t claim_attempt;
    int32_t priority;
    uint32_t attempts;
    uint32_t claims;
    uint32_t max_attempts;
    uint32_t note_count;
    uint32_t artifact_count;
    uint32_t summary_len;
    uint32_t view_len;
    uint32_t zero_too;
    struct tb_slice strings[TB_TASK_STRING_COUNT];
};

static_assert(offsetof(struct task_record, strings) == 200, "layout of a stored task");
static_assert(sizeof(struct task_record) == 320, "layout of a stored task");
static_assert(TB_TASK_STRING_COUNT == 15, "it is part of the layout");

size_t tb_record_task_size(const struct tb_task *task)
{
    return sizeof(struct task_record) + task->wire.len;
}

void tb_record_encode_task(const struct tb_task *task, void *out)
{
    struct task_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_TASK,
        .status = (uint8_t)task->status,
        .outcome = (uint8_t)task->outcome,
        .ready = task->ready,
        .id = task->id,
        .parent_id = task->parent_id,
        .version = task->version,
        .created_ms = task->created_ms,
        .updated_ms = task->updated_ms,
        .not_before_ms = task->not_before_ms,
        .due_ms = task->due_ms,
        .ready_ms = task->ready_ms,
        .rank_ms = task->rank_ms,
        .score = task->score,
        .notes_bytes = task->notes_bytes,
        .claim_generation = task->claim.generation,
        .claimed_ms = task->claim.claimed_ms,
        .claim_expires_ms = task->claim.expires_ms,
        .claim_lease_ms = task->claim.lease_ms,
        .progress_told_ms = task->progress_told_ms,
        .claim_attempt = task->claim.attempt,
        .priority = task->priority,
        .attempts = task->attempts,
        .claims = task->claims,
        .max_attempts = task->max_attempts,
        .note_count = task->note_count,
        .artifact_count = task->artifact_count,
        .summary_len = task->summary_len,
        .view_len = task->view_len,
    };
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        fixed.strings[i] = tb_slice_of(task->strings[i], task->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, task->wire.ptr, task->wire.len);
    tb_record_seal(out, sizeof fixed + task->wire.len);
}

static void take_task_scalars(const struct task_record *fixed, struct tb_task *task)
{
    task->id = fixed->id;
    task->version = fixed->version;
    task->created_ms = fixed->created_ms;
    task->updated_ms = fixed->updated_ms;
    task->not_before_ms = fixed->not_before_ms;
    task->due_ms = fixed->due_ms;
    task->ready_ms = fixed->ready_ms;
    task->rank_ms = fixed->rank_ms;
    task->score = fixed->score;
    task->priority = fixed->priority;
    task->attempts = fixed->attempts;
    task->claims = fixed->claims;
    task->max_attempts = fixed->max_attempts;
    task->note_count = fixed->note_count;
    task->artifact_count = fixed->artifact_count;
    task->notes_bytes = fixed->notes_bytes;
    task->parent_id = fixed->parent_id;
    task->claim = (struct tb_claim){.generation = fixed->claim_generation,
                                    .attempt = fixed->claim_attempt,
                                    .claimed_ms = fixed->claimed_ms,
                                    .expires_ms = fixed->claim_expires_ms,
                                    .lease_ms = fixed->claim_lease_ms};
    task->progress_told_ms = fixed->progress_told_ms;
    task->status = fixed->status;
    task->outcome = fixed->outcome;
    task->ready = fixed->ready != 0;
    task->summary_len = fixed->summary_len;
    task->view_len = fixed->view_len;
}

enum tb_err tb_record_decode_task(struct tb_str record, struct tb_task *task)
{
    struct task_record fixed;
    if (!tb_record_open(record, TB_RECORD_TASK, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_str wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    struct tb_str strings[TB_TASK_STRING_COUNT];
    bool good = fixed.status < TB_STATUS_COUNT && fixed.outcome < TB_OUTCOME_COUNT &&
                fixed.summary_len <= fixed.view_len && fixed.view_len <= wire.len;
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        good = tb_slice_string(fixed.strings[i], wire, &strings[i]) && good;
    }
    if (!good) {
        return TB_E_STORAGE_CORRUPT;
    }
    take_task_scalars(&fixed, task);
    memcpy(task->strings, strings, sizeof strings);
    task->wire = wire;
    return TB_OK;
}

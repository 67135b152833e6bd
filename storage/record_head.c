#include "record_seal.h"

struct head_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[6];
    uint64_t seq;
    uint64_t oldest_seq;
    int64_t last_ms;
    struct tb_id last_id;
    uint64_t store_id;
    int64_t aging_ms;
    uint64_t task_counts[TB_STATE_COUNT];
    uint64_t scheduled;
    uint64_t claimed;
    uint64_t dead_letters;
    uint64_t generation;
    uint64_t pauses;
    uint64_t answers;
    uint64_t answer_bytes;
    uint64_t changes;
    uint64_t state_changes[TB_STATE_COUNT];
    uint64_t pause_changes;
    uint64_t running_vms;
    uint64_t vms;
    uint64_t vm_changes;
    uint64_t feed_cleared_seq;
    uint8_t claim_key[TB_CLAIM_KEY_BYTES];
    int64_t rates_fine_at;
    int64_t rates_coarse_at;
    uint32_t rates_fine[TB_RATE_FINE_SLOTS][TB_RATE_COUNT];
    uint32_t rates_coarse[TB_RATE_COARSE_SLOTS][TB_RATE_COUNT];
    uint64_t credential_changes; /* a record of store format 1 ends before it: none */
};

static_assert(sizeof(struct head_record) == TB_RECORD_HEAD_BYTES, "layout of the head");
static_assert(offsetof(struct head_record, credential_changes) == TB_RECORD_HEAD_1_BYTES,
              "what came later stands behind what there was");
static_assert(TB_STATE_COUNT == 6, "it is part of the layout");

void tb_record_encode_head(const struct tb_head *head, void *out)
{
    struct head_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_HEAD,
        .seq = head->seq,
        .oldest_seq = head->oldest_seq,
        .last_ms = head->last_ms,
        .last_id = head->last_id,
        .store_id = head->store_id,
        .aging_ms = head->aging_ms,
        .scheduled = head->scheduled,
        .claimed = head->claimed,
        .dead_letters = head->dead_letters,
        .generation = head->generation,
        .pauses = head->pauses,
        .answers = head->answers,
        .answer_bytes = head->answer_bytes,
        .changes = head->changes,
        .pause_changes = head->pause_changes,
        .running_vms = head->running_vms,
        .vms = head->vms,
        .vm_changes = head->vm_changes,
        .feed_cleared_seq = head->feed_cleared_seq,
        .rates_fine_at = head->rates.fine_at,
        .rates_coarse_at = head->rates.coarse_at,
        .credential_changes = head->credential_changes,
    };
    memcpy(fixed.task_counts, head->task_counts, sizeof fixed.task_counts);
    memcpy(fixed.state_changes, head->state_changes, sizeof fixed.state_changes);
    memcpy(fixed.claim_key, head->claim_key, sizeof fixed.claim_key);
    memcpy(fixed.rates_fine, head->rates.fine, sizeof fixed.rates_fine);
    memcpy(fixed.rates_coarse, head->rates.coarse, sizeof fixed.rates_coarse);
    tb_record_seal(&fixed, sizeof fixed);
    memcpy(out, &fixed, sizeof fixed);
}

static bool is_slot(int64_t at, int64_t slot_ms)
{
    return at >= 0 && at <= INT64_MAX / slot_ms;
}

enum tb_err tb_record_decode_head(struct tb_str record, struct tb_head *head)
{
    struct head_record fixed = {.credential_changes = 0};
    bool has_length = record.len == sizeof fixed || record.len == TB_RECORD_HEAD_1_BYTES;
    if (!has_length || !tb_record_open(record, TB_RECORD_HEAD, &fixed, record.len) ||
        !is_slot(fixed.rates_fine_at, TB_RATE_FINE_MS) ||
        !is_slot(fixed.rates_coarse_at, TB_RATE_COARSE_MS)) {
        return TB_E_STORAGE_CORRUPT;
    }
    head->seq = fixed.seq;
    head->oldest_seq = fixed.oldest_seq;
    head->last_ms = fixed.last_ms;
    head->last_id = fixed.last_id;
    head->store_id = fixed.store_id;
    head->aging_ms = fixed.aging_ms;
    head->scheduled = fixed.scheduled;
    head->claimed = fixed.claimed;
    head->dead_letters = fixed.dead_letters;
    head->generation = fixed.generation;
    head->pauses = fixed.pauses;
    head->answers = fixed.answers;
    head->answer_bytes = fixed.answer_bytes;
    head->changes = fixed.changes;
    head->pause_changes = fixed.pause_changes;
    head->running_vms = fixed.running_vms;
    head->vms = fixed.vms;
    head->vm_changes = fixed.vm_changes;
    head->feed_cleared_seq = fixed.feed_cleared_seq;
    head->rates.fine_at = fixed.rates_fine_at;
    head->rates.coarse_at = fixed.rates_coarse_at;
    head->credential_changes = fixed.credential_changes;
    memcpy(head->task_counts, fixed.task_counts, sizeof head->task_counts);
    memcpy(head->state_changes, fixed.state_changes, sizeof head->state_changes);
    memcpy(head->claim_key, fixed.claim_key, sizeof head->claim_key);
    memcpy(head->rates.fine, fixed.rates_fine, sizeof head->rates.fine);
    memcpy(head->rates.coarse, fixed.rates_coarse, sizeof head->rates.coarse);
    return TB_OK;
}

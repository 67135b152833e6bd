/* Two records are the same, to the last field. */
#include "world.h"

void assert_same_id(struct tb_id a, struct tb_id b)
{
    assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);
}

void assert_same_str(struct tb_str a, struct tb_str b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.ptr, b.ptr, a.len);
    }
}

void assert_same_task(const struct tb_task *a, const struct tb_task *b)
{
    assert_same_id(a->id, b->id);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_int_equal(a->not_before_ms, b->not_before_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->ready_ms, b->ready_ms);
    assert_int_equal(a->rank_ms, b->rank_ms);
    assert_int_equal(a->score, b->score);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->claims, b->claims);
    assert_int_equal(a->claim.generation, b->claim.generation);
    assert_int_equal(a->claim.attempt, b->claim.attempt);
    assert_int_equal(a->claim.claimed_ms, b->claim.claimed_ms);
    assert_int_equal(a->claim.expires_ms, b->claim.expires_ms);
    assert_int_equal(a->claim.lease_ms, b->claim.lease_ms);
    assert_int_equal(a->progress_told_ms, b->progress_told_ms);
    assert_int_equal(a->max_attempts, b->max_attempts);
    assert_int_equal(a->note_count, b->note_count);
    assert_int_equal(a->artifact_count, b->artifact_count);
    assert_int_equal(a->notes_bytes, b->notes_bytes);
    assert_same_id(a->parent_id, b->parent_id);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->ready, b->ready);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
    assert_int_equal(a->summary_len, b->summary_len);
    assert_int_equal(a->view_len, b->view_len);
}

void assert_same_attempt(const struct tb_attempt *a, const struct tb_attempt *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->claimed_ms, b->claimed_ms);
    assert_int_equal(a->ended_ms, b->ended_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->ended_by, b->ended_by);
    assert_int_equal(a->late, b->late);
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_vm(const struct tb_vm *a, const struct tb_vm *b)
{
    assert_same_id(a->number, b->number);
    assert_int_equal(a->registered_ms, b->registered_ms);
    assert_int_equal(a->seen_ms, b->seen_ms);
    assert_int_equal(a->ttl_ms, b->ttl_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->stale_ms, b->stale_ms);
    assert_int_equal(a->spared, b->spared);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->status, b->status);
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_credential(const struct tb_credential *a, const struct tb_credential *b)
{
    assert_same_id(a->id, b->id);
    assert_same_id(a->parent, b->parent);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_event(const struct tb_event *a, const struct tb_event *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_same_id(a->id, b->id);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->type, b->type);
    assert_same_id(a->task_id, b->task_id);
    assert_same_str(a->wire, b->wire);
    assert_same_str(a->actor, b->actor);
    assert_same_str(a->tags, b->tags);
    assert_same_str(a->vm_id, b->vm_id);
    assert_same_str(a->data, b->data);
}

void assert_same_answer(const struct tb_answer *a, const struct tb_answer *b)
{
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_memory_equal(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->http_status, b->http_status);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->seq, b->seq);
    assert_same_str(a->body, b->body);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

#include "record.h"

/* Where things stand in a stored task: see docs/STORAGE.md. */
enum {
    FORMAT_AT = 8,
    KIND_AT = 9,
    STATUS_AT = 10,
    SUMMARY_LEN_AT = 188,
    VIEW_LEN_AT = 192,
    STRINGS_AT = 200
};

struct fixture {
    struct tb_arena *arena;
    struct tb_task task;
    uint8_t *bytes; /* the task's record, malloced, so that a read behind it is noticed */
    size_t size;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->arena = tb_arena_new(0);
    fixture->task = (struct tb_task){
        .id.bytes = {1, 2, 3},
        .version = UINT64_C(1) << 40,
        .created_ms = 1,
        .updated_ms = 2,
        .not_before_ms = 3,
        .due_ms = 4,
        .ready_ms = 5,
        .rank_ms = INT64_MIN,
        .score = -6,
        .priority = -100,
        .attempts = 7,
        .claims = 8,
        .max_attempts = UINT32_MAX,
        .note_count = 9,
        .artifact_count = 10,
        .notes_bytes = UINT64_MAX,
        .parent_id.bytes = {4, 5, 6},
        .claim = {.generation = UINT64_C(1) << 50,
                  .attempt = 11,
                  .claimed_ms = 12,
                  .expires_ms = 13,
                  .lease_ms = 14},
        .progress_told_ms = 15,
        .status = TB_STATUS_DONE,
        .outcome = TB_OUTCOME_FAILED,
        .title = TB_STR("a title"),
        .tags = TB_STR("[\"t\"]"),
        .dependencies = TB_STR("[]"),
        .created_by = TB_STR("somebody"),
        .blocked_by = TB_STR("[]"),
        .description = TB_STR(""),
        .result = TB_STR("{\"r\":1}"),
        .assignee = TB_STR("holder"),
        .claim_vm = TB_STR("vm"),
        .cancel = TB_STR("{\"by\":\"me\"}"),
        .progress = TB_STR("{\"percent\":3}"),
        .reserved_for = TB_STR("another"),
    };
    tb_task_render(&fixture->task, fixture->arena);
    fixture->size = tb_record_task_size(&fixture->task);
    fixture->bytes = malloc(fixture->size);
    tb_record_encode_task(&fixture->task, fixture->bytes);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tb_arena_free(fixture->arena);
    free(fixture->bytes);
    free(fixture);
    return 0;
}

static enum tb_err decode(const struct fixture *fixture, struct tb_task *task)
{
    return tb_record_decode_task(tb_str_from((const char *)fixture->bytes, fixture->size), task);
}

/* Makes the checksum right again after something was changed. */
static void seal(struct fixture *fixture)
{
    uint64_t sum = XXH3_64bits(fixture->bytes + 8, fixture->size - 8);
    memcpy(fixture->bytes, &sum, sizeof sum);
}

static void assert_same_str(struct tb_str a, struct tb_str b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_true(tb_str_eq(a, b));
}

static void record_gives_back_every_field_of_a_task(void **state)
{
    struct fixture *fixture = *state;
    const struct tb_task *task = &fixture->task;
    struct tb_task got;
    assert_int_equal(decode(fixture, &got), TB_OK);
    assert_memory_equal(&got.id, &task->id, sizeof got.id);
    assert_memory_equal(&got.parent_id, &task->parent_id, sizeof got.id);
    assert_int_equal(got.version, task->version);
    assert_int_equal(got.created_ms, task->created_ms);
    assert_int_equal(got.updated_ms, task->updated_ms);
    assert_int_equal(got.not_before_ms, task->not_before_ms);
    assert_int_equal(got.due_ms, task->due_ms);
    assert_int_equal(got.ready_ms, task->ready_ms);
    assert_int_equal(got.rank_ms, task->rank_ms);
    assert_int_equal(got.score, task->score);
    assert_int_equal(got.priority, task->priority);
    assert_int_equal(got.attempts, task->attempts);
    assert_int_equal(got.claims, task->claims);
    assert_int_equal(got.claim.generation, task->claim.generation);
    assert_int_equal(got.claim.attempt, task->claim.attempt);
    assert_int_equal(got.claim.claimed_ms, task->claim.claimed_ms);
    assert_int_equal(got.claim.expires_ms, task->claim.expires_ms);
    assert_int_equal(got.claim.lease_ms, task->claim.lease_ms);
    assert_int_equal(got.progress_told_ms, task->progress_told_ms);
    assert_int_equal(got.max_attempts, task->max_attempts);
    assert_int_equal(got.note_count, task->note_count);
    assert_int_equal(got.artifact_count, task->artifact_count);
    assert_int_equal(got.notes_bytes, task->notes_bytes);
    assert_int_equal(got.status, task->status);
    assert_int_equal(got.outcome, task->outcome);
    assert_int_equal(got.ready, task->ready);
    assert_int_equal(got.summary_len, task->summary_len);
    assert_int_equal(got.view_len, task->view_len);
    assert_same_str(got.wire, task->wire);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        assert_same_str(got.strings[i], task->strings[i]);
    }
}

static void record_with_any_bit_flipped_is_corrupt(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->size * 8; i++) {
        struct tb_task got = {.version = 42};
        fixture->bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(decode(fixture, &got), TB_E_STORAGE_CORRUPT);
        assert_int_equal(got.version, 42); /* left alone */
        fixture->bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void record_cut_anywhere_is_corrupt(void **state)
{
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->size; size++) {
        char *cut = malloc(size + 1);
        struct tb_task got;
        memcpy(cut, fixture->bytes, size);
        assert_int_equal(tb_record_decode_task(tb_str_from(cut, size), &got), TB_E_STORAGE_CORRUPT);
        free(cut);
    }
}

static void expect_corrupt_with(struct fixture *fixture, size_t at, const void *bytes, size_t size)
{
    uint8_t before[8];
    struct tb_task got;
    memcpy(before, fixture->bytes + at, size);
    memcpy(fixture->bytes + at, bytes, size);
    seal(fixture);
    assert_int_equal(decode(fixture, &got), TB_E_STORAGE_CORRUPT);
    memcpy(fixture->bytes + at, before, size);
    seal(fixture);
    assert_int_equal(decode(fixture, &got), TB_OK);
}

static void record_that_is_sealed_but_makes_no_sense_is_corrupt(void **state)
{
    struct fixture *fixture = *state;
    expect_corrupt_with(fixture, FORMAT_AT, "\x02", 1);
    expect_corrupt_with(fixture, KIND_AT, "E", 1);
    expect_corrupt_with(fixture, STATUS_AT, "\x05", 1);
    expect_corrupt_with(fixture, STATUS_AT + 1, "\x04", 1);
    uint32_t beyond = (uint32_t)fixture->task.wire.len + 1;
    uint32_t in_view = fixture->task.view_len;
    uint32_t before_summary = fixture->task.summary_len - 1;
    expect_corrupt_with(fixture, SUMMARY_LEN_AT, &beyond, sizeof beyond);
    expect_corrupt_with(fixture, VIEW_LEN_AT, &beyond, sizeof beyond);
    expect_corrupt_with(fixture, VIEW_LEN_AT, &before_summary, sizeof before_summary);
    assert_true(in_view < fixture->task.wire.len); /* there is a hidden end */
    expect_corrupt_with(fixture, STRINGS_AT, &beyond, sizeof beyond);
    expect_corrupt_with(fixture, STRINGS_AT + 4, &beyond, sizeof beyond);
    uint32_t far_away[2] = {UINT32_MAX - 1, UINT32_MAX};
    expect_corrupt_with(fixture, STRINGS_AT, far_away, sizeof far_away);
}

static void record_of_an_event_is_checked_likewise(void **state)
{
    struct fixture *fixture = *state;
    struct tb_event event = {.seq = 5,
                             .id.bytes = {7},
                             .at_ms = 6,
                             .type = TB_EVENT_BUMPED,
                             .task_id = fixture->task.id,
                             .actor = TB_STR("me")};
    tb_event_render(&event, &fixture->task, TB_STR_NONE, fixture->arena);
    size_t size = tb_record_event_size(&event);
    uint8_t *bytes = malloc(size);
    tb_record_encode_event(&event, bytes);
    struct tb_event got;
    struct tb_str record = tb_str_from((const char *)bytes, size);
    assert_int_equal(tb_record_decode_event(record, &got), TB_OK);
    assert_int_equal(got.seq, 5);
    assert_int_equal(got.at_ms, 6);
    assert_int_equal(got.type, TB_EVENT_BUMPED);
    assert_memory_equal(&got.id, &event.id, sizeof got.id);
    assert_memory_equal(&got.task_id, &event.task_id, sizeof got.id);
    assert_same_str(got.wire, event.wire);
    assert_same_str(got.actor, TB_STR("me"));
    assert_same_str(got.tags, TB_STR("[\"t\"]"));
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_event(record, &got), TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
        record.len = i;
        assert_int_equal(tb_record_decode_event(record, &got), TB_E_STORAGE_CORRUPT);
        record.len = size;
    }
    free(bytes);
}

static void record_of_an_event_keeps_its_vm_and_its_data(void **state)
{
    struct fixture *fixture = *state;
    struct tb_event event = {.seq = 5, .type = TB_EVENT_VM_BACK, .vm_id = TB_STR("vm")};
    tb_event_render(&event, NULL, TB_STR(",\"n\":1"), fixture->arena);
    size_t size = tb_record_event_size(&event);
    uint8_t *bytes = malloc(size);
    tb_record_encode_event(&event, bytes);
    struct tb_event got;
    struct tb_str record = tb_str_from((const char *)bytes, size);
    assert_int_equal(tb_record_decode_event(record, &got), TB_OK);
    assert_same_str(got.vm_id, TB_STR("vm"));
    assert_same_str(got.data, TB_STR("{\"n\":1}"));
    assert_null(got.actor.ptr);
    free(bytes);
}

static struct tb_attempt some_attempt(struct tb_arena *arena)
{
    struct tb_attempt attempt = {
        .number = 3,
        .generation = UINT64_C(1) << 40,
        .claimed_ms = 4,
        .ended_ms = 5,
        .outcome = TB_ATTEMPT_VM_LOST,
        .ended_by = TB_ATTEMPT_END_RELEASE,
        .late = true,
        .agent = TB_STR("worker"),
        .vm_id = TB_STR("vm"),
        .error = TB_STR("a \\\"bad\\\" thing"),
        .result = TB_STR("{\"r\":2}"),
        .progress = TB_STR("{}"),
    };
    tb_attempt_render(&attempt, arena);
    return attempt;
}

static void expect_damage_noticed(uint8_t *bytes, size_t size)
{
    struct tb_attempt got = {.number = 42};
    struct tb_str record = tb_str_from((const char *)bytes, size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_attempt(record, &got), TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
        record.len = i;
        assert_int_equal(tb_record_decode_attempt(record, &got), TB_E_STORAGE_CORRUPT);
        record.len = size;
    }
    assert_int_equal(got.number, 42);
}

static void expect_sealed_nonsense(uint8_t *bytes, size_t size, size_t at, uint8_t value)
{
    struct tb_attempt got;
    uint8_t before = bytes[at];
    bytes[at] = value;
    uint64_t sum = XXH3_64bits(bytes + 8, size - 8);
    memcpy(bytes, &sum, sizeof sum);
    assert_int_equal(tb_record_decode_attempt(tb_str_from((const char *)bytes, size), &got),
                     TB_E_STORAGE_CORRUPT);
    bytes[at] = before;
    sum = XXH3_64bits(bytes + 8, size - 8);
    memcpy(bytes, &sum, sizeof sum);
}

static void record_of_an_attempt_is_checked_likewise(void **state)
{
    struct fixture *fixture = *state;
    struct tb_attempt attempt = some_attempt(fixture->arena);
    size_t size = tb_record_attempt_size(&attempt);
    uint8_t *bytes = malloc(size);
    tb_record_encode_attempt(&attempt, bytes);
    struct tb_attempt got;
    assert_int_equal(tb_record_decode_attempt(tb_str_from((const char *)bytes, size), &got), TB_OK);
    assert_int_equal(got.number, 3);
    assert_int_equal(got.generation, attempt.generation);
    assert_int_equal(got.claimed_ms, 4);
    assert_int_equal(got.ended_ms, 5);
    assert_int_equal(got.outcome, TB_ATTEMPT_VM_LOST);
    assert_int_equal(got.ended_by, TB_ATTEMPT_END_RELEASE);
    assert_true(got.late);
    assert_same_str(got.wire, attempt.wire);
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        assert_same_str(got.strings[i], attempt.strings[i]);
    }
    expect_damage_noticed(bytes, size);
    expect_sealed_nonsense(bytes, size, 10, TB_ATTEMPT_OUTCOME_COUNT);
    expect_sealed_nonsense(bytes, size, 11, TB_ATTEMPT_END_RELEASE + 1);
    expect_sealed_nonsense(bytes, size, size - attempt.wire.len - 1, 1); /* a slice's length */
    free(bytes);
}

static void record_of_an_answer_is_checked_likewise(void **state)
{
    (void)state;
    struct tb_answer answer = {.key = {1, 2},
                               .fingerprint = {3, 4},
                               .at_ms = -5,
                               .http_status = 201,
                               .share = 40000,
                               .version = 6,
                               .seq = 7,
                               .body = TB_STR("{\"a\":1}")};
    uint8_t bytes[128];
    size_t size = tb_record_answer_size(&answer);
    assert_in_range(size, 1, sizeof bytes);
    tb_record_encode_answer(&answer, bytes);
    struct tb_str record = tb_str_from((const char *)bytes, size);
    struct tb_answer got;
    assert_int_equal(tb_record_decode_answer(record, &got), TB_OK);
    assert_memory_equal(got.key, answer.key, sizeof got.key);
    assert_memory_equal(got.fingerprint, answer.fingerprint, sizeof got.fingerprint);
    assert_int_equal(got.at_ms, -5);
    assert_int_equal(got.http_status, 201);
    assert_int_equal(got.share, 40000);
    assert_int_equal(got.version, 6);
    assert_int_equal(got.seq, 7);
    assert_same_str(got.body, answer.body);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_answer(record, &got), TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
        record.len = i;
        assert_int_equal(tb_record_decode_answer(record, &got), TB_E_STORAGE_CORRUPT);
        record.len = size;
    }
}

static void record_of_a_share_is_checked_likewise(void **state)
{
    (void)state;
    const struct tb_answer_share kept = {.answers = 1, .bytes = 2};
    struct tb_answer_share got;
    uint8_t bytes[TB_RECORD_ANSWER_SHARE_BYTES + 1] = {0};
    tb_record_encode_answer_share(&kept, bytes);
    struct tb_str record = tb_str_from((const char *)bytes, TB_RECORD_ANSWER_SHARE_BYTES);
    assert_int_equal(tb_record_decode_answer_share(record, &got), TB_OK);
    assert_int_equal(got.answers, 1);
    assert_int_equal(got.bytes, 2);
    for (size_t i = 0; i < record.len; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_answer_share(record, &got), TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
    }
    record.len++;
    assert_int_equal(tb_record_decode_answer_share(record, &got), TB_E_STORAGE_CORRUPT);
}

static void record_of_a_note_is_not_one_of_an_artifact(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct tb_str wire = TB_STR("{\"a\":1}");
    struct tb_str got;
    tb_record_encode_wire(TB_RECORD_NOTE, wire, bytes);
    struct tb_str record = tb_str_from((const char *)bytes, tb_record_wire_size(wire));
    assert_int_equal(tb_record_decode_wire(TB_RECORD_NOTE, record, &got), TB_OK);
    assert_same_str(got, wire);
    assert_int_equal(tb_record_decode_wire(TB_RECORD_ARTIFACT, record, &got), TB_E_STORAGE_CORRUPT);
    record.len--;
    assert_int_equal(tb_record_decode_wire(TB_RECORD_NOTE, record, &got), TB_E_STORAGE_CORRUPT);
}

static void record_of_the_head_has_one_size(void **state)
{
    (void)state;
    struct tb_head head = {.seq = 1,
                           .oldest_seq = 2,
                           .last_ms = -3,
                           .last_id.bytes = {4},
                           .store_id = 5,
                           .aging_ms = 6,
                           .task_counts = {7, 8, 9, 10, 11, 12},
                           .scheduled = 13,
                           .claimed = 14,
                           .dead_letters = 15,
                           .generation = 16,
                           .pauses = 17,
                           .answers = 18,
                           .answer_bytes = 19,
                           .changes = 20,
                           .state_changes = {21, 22, 23, 24, 25, 26},
                           .pause_changes = 27,
                           .claim_key = {28, [TB_CLAIM_KEY_BYTES - 1] = 29},
                           .rates = {.fine_at = 30, .coarse_at = 31},
                           .running_vms = 36,
                           .vms = 37,
                           .vm_changes = 38,
                           .feed_cleared_seq = 39,
                           .credential_changes = 40};
    head.rates.fine[0][0] = 32;
    head.rates.fine[TB_RATE_FINE_SLOTS - 1][TB_RATE_COUNT - 1] = 33;
    head.rates.coarse[0][0] = 34;
    head.rates.coarse[TB_RATE_COARSE_SLOTS - 1][TB_RATE_COUNT - 1] = 35;
    uint8_t bytes[TB_RECORD_HEAD_BYTES + 1] = {0};
    struct tb_head got;
    tb_record_encode_head(&head, bytes);
    struct tb_str record = tb_str_from((const char *)bytes, TB_RECORD_HEAD_BYTES);
    assert_int_equal(tb_record_decode_head(record, &got), TB_OK);
    uint8_t again[TB_RECORD_HEAD_BYTES];
    tb_record_encode_head(&got, again);
    assert_memory_equal(again, bytes, sizeof again);
    assert_memory_equal(&got, &head, sizeof head);
    record.len++;
    assert_int_equal(tb_record_decode_head(record, &got), TB_E_STORAGE_CORRUPT);
    record.len -= 2;
    assert_int_equal(tb_record_decode_head(record, &got), TB_E_STORAGE_CORRUPT);
    record.len++;
    bytes[100] ^= 1;
    assert_int_equal(tb_record_decode_head(record, &got), TB_E_STORAGE_CORRUPT);
}

static void record_of_a_head_of_format_1_counts_no_credentials(void **state)
{
    struct tb_head head = {.seq = 1, .vms = 2, .credential_changes = 3};
    struct tb_head got;
    uint8_t bytes[TB_RECORD_HEAD_BYTES];
    (void)state;
    tb_record_encode_head(&head, bytes);
    struct tb_str record = tb_str_from((const char *)bytes, TB_RECORD_HEAD_1_BYTES);
    assert_int_equal(tb_record_decode_head(record, &got), TB_E_STORAGE_CORRUPT);
    uint64_t sum = XXH3_64bits(bytes + sizeof sum, TB_RECORD_HEAD_1_BYTES - sizeof sum);
    memcpy(bytes, &sum, sizeof sum);
    assert_int_equal(tb_record_decode_head(record, &got), TB_OK);
    head.credential_changes = 0;
    assert_memory_equal(&got, &head, sizeof head);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_gives_back_every_field_of_a_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_with_any_bit_flipped_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_cut_anywhere_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_that_is_sealed_but_makes_no_sense_is_corrupt, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(record_of_an_event_is_checked_likewise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_of_an_event_keeps_its_vm_and_its_data, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(record_of_an_attempt_is_checked_likewise, set_up,
                                        tear_down),
        cmocka_unit_test(record_of_an_answer_is_checked_likewise),
        cmocka_unit_test(record_of_a_share_is_checked_likewise),
        cmocka_unit_test(record_of_a_note_is_not_one_of_an_artifact),
        cmocka_unit_test(record_of_the_head_has_one_size),
        cmocka_unit_test(record_of_a_head_of_format_1_counts_no_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

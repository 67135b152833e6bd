#include "record.h"

#include <assert.h>
#include <stddef.h>
#include <xxhash.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "records are little-endian and copied as they stand in memory");

#define ABSENT UINT32_MAX

/* The first bytes of every record; the structs below begin alike. */
struct envelope {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
};

/* A string's place in the wire JSON. */
struct slice {
    uint32_t at; /* ABSENT: there is no such string */
    uint32_t len;
};

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
    struct slice strings[TB_TASK_STRING_COUNT];
};

struct event_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t type;
    uint8_t zero[5];
    struct tb_id id;
    struct tb_id task_id;
    uint64_t seq;
    int64_t at_ms;
    struct slice actor;
    struct slice tags;
};

struct attempt_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t outcome;
    uint8_t ended_by;
    uint8_t late;
    uint8_t zero[3];
    uint64_t generation;
    int64_t claimed_ms;
    int64_t ended_ms;
    uint32_t number;
    uint32_t zero_too;
    struct slice strings[TB_ATTEMPT_STRING_COUNT];
};

struct answer_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[2];
    int32_t http_status;
    uint8_t key[TB_DIGEST_BYTES];
    uint8_t fingerprint[TB_DIGEST_BYTES];
    int64_t at_ms;
    uint64_t version;
    uint64_t seq;
};

struct wire_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[6];
};

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
    uint8_t claim_key[TB_CLAIM_KEY_BYTES];
    int64_t rates_fine_at;
    int64_t rates_coarse_at;
    uint32_t rates_fine[TB_RATE_FINE_SLOTS][TB_RATE_COUNT];
    uint32_t rates_coarse[TB_RATE_COARSE_SLOTS][TB_RATE_COUNT];
};

/* The layouts are on disk: these numbers never change without a new format. */
static_assert(offsetof(struct envelope, format) == 8 && offsetof(struct envelope, kind) == 9, "");
static_assert(offsetof(struct task_record, strings) == 200, "layout of a stored task");
static_assert(sizeof(struct task_record) == 320, "layout of a stored task");
static_assert(sizeof(struct event_record) == 80, "layout of a stored event");
static_assert(sizeof(struct attempt_record) == 88, "layout of a stored attempt");
static_assert(sizeof(struct answer_record) == 72, "layout of a stored answer");
static_assert(sizeof(struct wire_record) == 16, "layout of a stored note or artifact");
static_assert(sizeof(struct head_record) == TB_RECORD_HEAD_BYTES, "layout of the head");
static_assert(TB_STATE_COUNT == 6 && TB_TASK_STRING_COUNT == 15 && TB_ATTEMPT_STRING_COUNT == 5,
              "they are part of the layouts");

static uint64_t checksum(const void *record, size_t size)
{
    return XXH3_64bits((const char *)record + sizeof(uint64_t), size - sizeof(uint64_t));
}

static void seal(void *record, size_t size)
{
    uint64_t sum = checksum(record, size);
    memcpy(record, &sum, sizeof sum);
}

/* Copies the fixed part out, once the record is known to be whole and of that kind. */
static bool open_record(struct tb_str record, enum tb_record_kind kind, void *fixed, size_t size)
{
    if (record.len < size) {
        return false;
    }
    struct envelope envelope;
    memcpy(&envelope, record.ptr, sizeof envelope);
    memcpy(fixed, record.ptr, size);
    return envelope.checksum == checksum(record.ptr, record.len) &&
           envelope.format == TB_RECORD_FORMAT && envelope.kind == (uint8_t)kind;
}

static struct slice slice_of(struct tb_str string, struct tb_str wire)
{
    if (string.ptr == NULL) {
        return (struct slice){.at = ABSENT};
    }
    assert(string.ptr >= wire.ptr && string.ptr + string.len <= wire.ptr + wire.len);
    return (struct slice){(uint32_t)(string.ptr - wire.ptr), (uint32_t)string.len};
}

static bool string_of(struct slice slice, struct tb_str wire, struct tb_str *string)
{
    if (slice.at == ABSENT) {
        *string = TB_STR_NONE;
        return true;
    }
    *string = tb_str_from(wire.ptr + slice.at, slice.len);
    return slice.at <= wire.len && slice.len <= wire.len - slice.at;
}

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
        fixed.strings[i] = slice_of(task->strings[i], task->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, task->wire.ptr, task->wire.len);
    seal(out, sizeof fixed + task->wire.len);
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
    if (!open_record(record, TB_RECORD_TASK, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_str wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    struct tb_str strings[TB_TASK_STRING_COUNT];
    bool good = fixed.status < TB_STATUS_COUNT && fixed.outcome < TB_OUTCOME_COUNT &&
                fixed.summary_len <= fixed.view_len && fixed.view_len <= wire.len;
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        good = string_of(fixed.strings[i], wire, &strings[i]) && good;
    }
    if (!good) {
        return TB_E_STORAGE_CORRUPT;
    }
    take_task_scalars(&fixed, task);
    memcpy(task->strings, strings, sizeof strings);
    task->wire = wire;
    return TB_OK;
}

size_t tb_record_event_size(const struct tb_event *event)
{
    return sizeof(struct event_record) + event->wire.len;
}

void tb_record_encode_event(const struct tb_event *event, void *out)
{
    struct event_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_EVENT,
        .type = (uint8_t)event->type,
        .id = event->id,
        .task_id = event->task_id,
        .seq = event->seq,
        .at_ms = event->at_ms,
        .actor = slice_of(event->actor, event->wire),
        .tags = slice_of(event->tags, event->wire),
    };
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, event->wire.ptr, event->wire.len);
    seal(out, sizeof fixed + event->wire.len);
}

enum tb_err tb_record_decode_event(struct tb_str record, struct tb_event *event)
{
    struct event_record fixed;
    if (!open_record(record, TB_RECORD_EVENT, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_event found = {
        .seq = fixed.seq,
        .id = fixed.id,
        .at_ms = fixed.at_ms,
        .type = fixed.type,
        .task_id = fixed.task_id,
        .wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed),
    };
    if (fixed.type >= TB_EVENT_TYPE_COUNT || !string_of(fixed.actor, found.wire, &found.actor) ||
        !string_of(fixed.tags, found.wire, &found.tags)) {
        return TB_E_STORAGE_CORRUPT;
    }
    *event = found;
    return TB_OK;
}

size_t tb_record_attempt_size(const struct tb_attempt *attempt)
{
    return sizeof(struct attempt_record) + attempt->wire.len;
}

void tb_record_encode_attempt(const struct tb_attempt *attempt, void *out)
{
    struct attempt_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_ATTEMPT,
        .outcome = (uint8_t)attempt->outcome,
        .ended_by = (uint8_t)attempt->ended_by,
        .late = attempt->late,
        .generation = attempt->generation,
        .claimed_ms = attempt->claimed_ms,
        .ended_ms = attempt->ended_ms,
        .number = attempt->number,
    };
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        fixed.strings[i] = slice_of(attempt->strings[i], attempt->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, attempt->wire.ptr, attempt->wire.len);
    seal(out, sizeof fixed + attempt->wire.len);
}

enum tb_err tb_record_decode_attempt(struct tb_str record, struct tb_attempt *attempt)
{
    struct attempt_record fixed;
    if (!open_record(record, TB_RECORD_ATTEMPT, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_attempt found = {
        .number = fixed.number,
        .generation = fixed.generation,
        .claimed_ms = fixed.claimed_ms,
        .ended_ms = fixed.ended_ms,
        .outcome = fixed.outcome,
        .ended_by = fixed.ended_by,
        .late = fixed.late != 0,
        .wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed),
    };
    bool good = fixed.outcome < TB_ATTEMPT_OUTCOME_COUNT &&
                fixed.ended_by <= (uint8_t)TB_ATTEMPT_END_RELEASE;
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        good = string_of(fixed.strings[i], found.wire, &found.strings[i]) && good;
    }
    if (!good) {
        return TB_E_STORAGE_CORRUPT;
    }
    *attempt = found;
    return TB_OK;
}

size_t tb_record_answer_size(const struct tb_answer *answer)
{
    return sizeof(struct answer_record) + answer->body.len;
}

void tb_record_encode_answer(const struct tb_answer *answer, void *out)
{
    struct answer_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_ANSWER,
        .http_status = answer->http_status,
        .at_ms = answer->at_ms,
        .version = answer->version,
        .seq = answer->seq,
    };
    memcpy(fixed.key, answer->key, sizeof fixed.key);
    memcpy(fixed.fingerprint, answer->fingerprint, sizeof fixed.fingerprint);
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, answer->body.ptr, answer->body.len);
    seal(out, sizeof fixed + answer->body.len);
}

enum tb_err tb_record_decode_answer(struct tb_str record, struct tb_answer *answer)
{
    struct answer_record fixed;
    if (!open_record(record, TB_RECORD_ANSWER, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    memcpy(answer->key, fixed.key, sizeof fixed.key);
    memcpy(answer->fingerprint, fixed.fingerprint, sizeof fixed.fingerprint);
    answer->at_ms = fixed.at_ms;
    answer->http_status = fixed.http_status;
    answer->version = fixed.version;
    answer->seq = fixed.seq;
    answer->body = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    return TB_OK;
}

size_t tb_record_wire_size(struct tb_str wire)
{
    return sizeof(struct wire_record) + wire.len;
}

void tb_record_encode_wire(enum tb_record_kind kind, struct tb_str wire, void *out)
{
    struct wire_record fixed = {.format = TB_RECORD_FORMAT, .kind = (uint8_t)kind};
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, wire.ptr, wire.len);
    seal(out, sizeof fixed + wire.len);
}

enum tb_err tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                  struct tb_str *wire)
{
    struct wire_record fixed;
    if (!open_record(record, kind, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    *wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    return TB_OK;
}

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
        .rates_fine_at = head->rates.fine_at,
        .rates_coarse_at = head->rates.coarse_at,
    };
    memcpy(fixed.task_counts, head->task_counts, sizeof fixed.task_counts);
    memcpy(fixed.state_changes, head->state_changes, sizeof fixed.state_changes);
    memcpy(fixed.claim_key, head->claim_key, sizeof fixed.claim_key);
    memcpy(fixed.rates_fine, head->rates.fine, sizeof fixed.rates_fine);
    memcpy(fixed.rates_coarse, head->rates.coarse, sizeof fixed.rates_coarse);
    seal(&fixed, sizeof fixed);
    memcpy(out, &fixed, sizeof fixed);
}

enum tb_err tb_record_decode_head(struct tb_str record, struct tb_head *head)
{
    struct head_record fixed;
    if (record.len != sizeof fixed || !open_record(record, TB_RECORD_HEAD, &fixed, sizeof fixed)) {
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
    head->rates.fine_at = fixed.rates_fine_at;
    head->rates.coarse_at = fixed.rates_coarse_at;
    memcpy(head->task_counts, fixed.task_counts, sizeof head->task_counts);
    memcpy(head->state_changes, fixed.state_changes, sizeof head->state_changes);
    memcpy(head->claim_key, fixed.claim_key, sizeof head->claim_key);
    memcpy(head->rates.fine, fixed.rates_fine, sizeof head->rates.fine);
    memcpy(head->rates.coarse, fixed.rates_coarse, sizeof head->rates.coarse);
    return TB_OK;
}

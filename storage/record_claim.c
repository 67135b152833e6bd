/* Attempts, and answers to idempotency keys. */
#include "record_seal.h"

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
    struct tb_slice strings[TB_ATTEMPT_STRING_COUNT];
};

struct answer_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint16_t share;
    int32_t http_status;
    uint8_t key[TB_DIGEST_BYTES];
    uint8_t fingerprint[TB_DIGEST_BYTES];
    int64_t at_ms;
    uint64_t version;
    uint64_t seq;
};

struct answer_share_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[6];
    uint64_t answers;
    uint64_t bytes;
};

static_assert(sizeof(struct attempt_record) == 88, "layout of a stored attempt");
static_assert(sizeof(struct answer_record) == 72, "layout of a stored answer");
static_assert(sizeof(struct answer_share_record) == TB_RECORD_ANSWER_SHARE_BYTES,
              "layout of what is kept of a share");
static_assert(TB_ATTEMPT_STRING_COUNT == 5, "it is part of the layout");

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
        fixed.strings[i] = tb_slice_of(attempt->strings[i], attempt->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, attempt->wire.ptr, attempt->wire.len);
    tb_record_seal(out, sizeof fixed + attempt->wire.len);
}

enum tb_err tb_record_decode_attempt(struct tb_str record, struct tb_attempt *attempt)
{
    struct attempt_record fixed;
    if (!tb_record_open(record, TB_RECORD_ATTEMPT, &fixed, sizeof fixed)) {
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
        good = tb_slice_string(fixed.strings[i], found.wire, &found.strings[i]) && good;
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
        .share = answer->share,
        .http_status = answer->http_status,
        .at_ms = answer->at_ms,
        .version = answer->version,
        .seq = answer->seq,
    };
    memcpy(fixed.key, answer->key, sizeof fixed.key);
    memcpy(fixed.fingerprint, answer->fingerprint, sizeof fixed.fingerprint);
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, answer->body.ptr, answer->body.len);
    tb_record_seal(out, sizeof fixed + answer->body.len);
}

enum tb_err tb_record_decode_answer(struct tb_str record, struct tb_answer *answer)
{
    struct answer_record fixed;
    if (!tb_record_open(record, TB_RECORD_ANSWER, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    memcpy(answer->key, fixed.key, sizeof fixed.key);
    memcpy(answer->fingerprint, fixed.fingerprint, sizeof fixed.fingerprint);
    answer->share = fixed.share;
    answer->at_ms = fixed.at_ms;
    answer->http_status = fixed.http_status;
    answer->version = fixed.version;
    answer->seq = fixed.seq;
    answer->body = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    return TB_OK;
}

void tb_record_encode_answer_share(const struct tb_answer_share *kept, void *out)
{
    struct answer_share_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_ANSWER_SHARE,
        .answers = kept->answers,
        .bytes = kept->bytes,
    };
    tb_record_seal(&fixed, sizeof fixed);
    memcpy(out, &fixed, sizeof fixed);
}

enum tb_err tb_record_decode_answer_share(struct tb_str record, struct tb_answer_share *kept)
{
    struct answer_share_record fixed;
    if (record.len != sizeof fixed ||
        !tb_record_open(record, TB_RECORD_ANSWER_SHARE, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    *kept = (struct tb_answer_share){.answers = fixed.answers, .bytes = fixed.bytes};
    return TB_OK;
}

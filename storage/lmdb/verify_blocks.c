/* Events and answers: records with consecutive numbers, in blocks. */
#include "lmdb/verify.h"

/* A walk over one of the two databases. */
struct numbering {
    struct tb_check *check;
    const char *what; /* "event" or "answer" */
    uint64_t next;    /* the number that must come; 0: any */
    uint64_t count;
    uint64_t body_bytes; /* of answers */
    int64_t at_ms;       /* of the last answer */
    bool (*record)(struct numbering *numbering, uint64_t number, struct tb_str record);
};

static bool check_event(struct numbering *numbering, uint64_t number, struct tb_str record)
{
    struct tb_check *check = numbering->check;
    struct tb_event event;
    if (tb_record_decode_event(record, &event) != TB_OK || event.seq != number) {
        return false;
    }
    tb_check_entries_begin(check);
    (void)tb_event_entries(&check->txn, &event, tb_lmdb_index_put);
    return true;
}

static bool check_answer(struct numbering *numbering, uint64_t number, struct tb_str record)
{
    struct tb_check *check = numbering->check;
    struct tb_answer answer = {.at_ms = 0};
    struct tb_key key;
    if (tb_record_decode_answer(record, &answer) != TB_OK) {
        return false;
    }
    if (answer.at_ms < numbering->at_ms) {
        tb_check_fault(check, "answer %llu was given before the one in front of it",
                       (unsigned long long)number);
    }
    numbering->at_ms = answer.at_ms;
    numbering->body_bytes += answer.body.len;
    check->shares[answer.share].found.answers++;
    check->shares[answer.share].found.bytes += answer.body.len;
    tb_answer_key(&key, answer.key, number);
    tb_check_entries_begin(check);
    tb_check_expect(check, &key);
    return true;
}

static void check_gap(struct numbering *numbering, uint64_t first)
{
    if (numbering->next != 0 && first != numbering->next) {
        tb_check_fault(numbering->check, "%s %llu comes where %llu should", numbering->what,
                       (unsigned long long)first, (unsigned long long)numbering->next);
    }
}

/* Each record, and that nothing stands behind the last one. */
static void check_records(struct numbering *numbering, const struct tb_block *block)
{
    const char *end = (const char *)block->bytes.mv_data + block->bytes.mv_size;
    struct tb_str record = TB_STR_NONE;
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t number = block->first + i;
        bool good =
            tb_block_record(block, i, &record) == 0 && numbering->record(numbering, number, record);
        if (!good) {
            tb_check_fault(numbering->check, "%s %llu: its record is damaged", numbering->what,
                           (unsigned long long)number);
            record = TB_STR_NONE;
        }
    }
    if (record.ptr != NULL && record.ptr + record.len != end) {
        tb_check_fault(numbering->check, "the block of %s %llu is longer than its records",
                       numbering->what, (unsigned long long)block->first);
    }
}

static void check_block(void *ctx, MDB_val key, MDB_val value)
{
    struct numbering *numbering = ctx;
    struct tb_block block;
    if (key.mv_size != sizeof(uint64_t)) {
        tb_check_fault(numbering->check, "the %s database has a key of %zu bytes", numbering->what,
                       key.mv_size);
        return;
    }
    uint64_t first = tb_key_read_u64(key.mv_data);
    check_gap(numbering, first);
    if (tb_block_open(key, value, &block) != 0) {
        tb_check_fault(numbering->check, "the block that begins with %s %llu is damaged",
                       numbering->what, (unsigned long long)first);
        numbering->next = 0;
        return;
    }
    check_records(numbering, &block);
    numbering->next = block.first + block.count;
    numbering->count += block.count;
}

void tb_check_events(struct tb_check *check)
{
    const struct tb_head *head = &check->txn.head;
    struct numbering numbering = {.check = check, .what = "event", .record = check_event};
    numbering.next = check->has_head ? head->oldest_seq : 0;
    tb_check_walk(check, TB_DB_EVENT, check_block, &numbering);
    check->tally->events = numbering.count;
    if (check->has_head && numbering.next != 0 && numbering.next != head->seq + 1) {
        tb_check_fault(check, "the log ends at event %llu, the head says %llu",
                       (unsigned long long)numbering.next - 1, (unsigned long long)head->seq);
    }
}

/* Of share 0 nothing is counted. */
static void compare_shares(struct tb_check *check)
{
    for (uint32_t share = 1; share < TB_CHECKED_SHARES; share++) {
        const struct tb_answer_share *said = &check->shares[share].said;
        const struct tb_answer_share *found = &check->shares[share].found;
        if (said->answers != found->answers || said->bytes != found->bytes) {
            tb_check_fault(check,
                           "share %u is said to have %llu answers of %llu bytes, there are %llu "
                           "of %llu",
                           share, (unsigned long long)said->answers,
                           (unsigned long long)said->bytes, (unsigned long long)found->answers,
                           (unsigned long long)found->bytes);
        }
    }
}

void tb_check_answers(struct tb_check *check)
{
    const struct tb_head *head = &check->txn.head;
    struct numbering numbering = {.check = check, .what = "answer", .record = check_answer};
    numbering.at_ms = INT64_MIN;
    tb_check_walk(check, TB_DB_ANSWER, check_block, &numbering);
    check->tally->answers = numbering.count;
    if (check->has_head &&
        (head->answers != numbering.count || head->answer_bytes != numbering.body_bytes)) {
        tb_check_fault(check, "the head counts %llu answers of %llu bytes, there are %llu of %llu",
                       (unsigned long long)head->answers, (unsigned long long)head->answer_bytes,
                       (unsigned long long)numbering.count,
                       (unsigned long long)numbering.body_bytes);
    }
    compare_shares(check);
}

/* Events, the feed and answers to idempotency keys. */
#include "fault/fault.h"

enum tb_err tb_fault_append_event(struct tb_txn *txn, const struct tb_event *event)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_append_event(tb_fault_inner(txn), event);
}

enum tb_err tb_fault_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                  tb_visit_event *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_events(tb_fault_inner(txn), since, task_id, visit, ctx);
}

enum tb_err tb_fault_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                                tb_visit_event *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_feed(tb_fault_inner(txn), query, visit, ctx);
}

enum tb_err tb_fault_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_find_event(tb_fault_inner(txn), id, seq);
}

enum tb_err tb_fault_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_drop_events(tb_fault_inner(txn), seq, max);
}

enum tb_err tb_fault_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                                struct tb_answer *answer)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_answer(tb_fault_inner(txn), key, answer);
}

enum tb_err tb_fault_get_answer_share(struct tb_txn *txn, uint16_t share,
                                      struct tb_answer_share *kept)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_answer_share(tb_fault_inner(txn), share, kept);
}

enum tb_err tb_fault_put_answer(struct tb_txn *txn, const struct tb_answer *answer)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_answer(tb_fault_inner(txn), answer);
}

enum tb_err tb_fault_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_drop_answers(tb_fault_inner(txn), before_ms, max);
}

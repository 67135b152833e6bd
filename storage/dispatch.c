#include <assert.h>

#include "engine.h"

/* Every error but ABSENT ends what a write transaction can do. */
static enum tb_err stick(struct tb_txn *txn, enum tb_err err)
{
    if (txn->writable && err != TB_OK && err != TB_E_ABSENT) {
        txn->err = err;
    }
    return err;
}

void tb_store_close(struct tb_store **store)
{
    if (*store != NULL) {
        (*store)->ops->close(*store);
        *store = NULL;
    }
}

enum tb_err tb_store_verify(struct tb_store *store, tb_report_fault *report, void *ctx,
                            struct tb_store_tally *tally)
{
    *tally = (struct tb_store_tally){0};
    return store->ops->verify(store, report, ctx, tally);
}

enum tb_err tb_store_copy(struct tb_store *store, tb_write_bytes *write, void *ctx)
{
    return store->ops->copy(store, write, ctx);
}

enum tb_err tb_write_begin(struct tb_store *store, struct tb_arena *arena, struct tb_txn **txn)
{
    return store->ops->write_begin(store, arena, txn);
}

enum tb_err tb_write_commit(struct tb_txn **txn)
{
    struct tb_txn *ending = *txn;
    assert(ending->writable);
    *txn = NULL;
    enum tb_err err = ending->err;
    if (err != TB_OK) {
        ending->ops->write_abort(ending);
        return err;
    }
    return ending->ops->write_commit(ending);
}

void tb_write_abort(struct tb_txn **txn)
{
    if (*txn != NULL) {
        assert((*txn)->writable);
        (*txn)->ops->write_abort(*txn);
        *txn = NULL;
    }
}

enum tb_err tb_reader_new(struct tb_store *store, struct tb_reader **reader)
{
    return store->ops->reader_new(store, reader);
}

void tb_reader_free(struct tb_reader **reader)
{
    if (*reader != NULL) {
        (*reader)->ops->reader_free(*reader);
        *reader = NULL;
    }
}

enum tb_err tb_read_begin(struct tb_reader *reader, struct tb_arena *arena, struct tb_txn **txn)
{
    return reader->ops->read_begin(reader, arena, txn);
}

void tb_read_end(struct tb_txn **txn)
{
    if (*txn != NULL) {
        assert(!(*txn)->writable);
        (*txn)->ops->read_end(*txn);
        *txn = NULL;
    }
}

struct tb_arena *tb_txn_swap_arena(struct tb_txn *txn, struct tb_arena *arena)
{
    return txn->ops->swap_arena(txn, arena);
}

enum tb_err tb_txn_error(const struct tb_txn *txn)
{
    return txn->err;
}

struct tb_head *tb_txn_head(struct tb_txn *txn)
{
    return txn->head;
}

enum tb_err tb_store_stats(struct tb_txn *txn, struct tb_store_stats *stats)
{
    *stats = (struct tb_store_stats){0};
    return txn->ops->stats(txn, stats);
}

enum tb_err tb_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_task(txn, id, task));
}

enum tb_err tb_put_task(struct tb_txn *txn, const struct tb_task *old, const struct tb_task *task)
{
    assert(txn->writable && task->wire.ptr != NULL);
    assert(old == NULL || tb_id_cmp(old->id, task->id) == 0);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_task(txn, old, task));
}

enum tb_err tb_delete_task(struct tb_txn *txn, const struct tb_task *old)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->delete_task(txn, old));
}

enum tb_err tb_find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->find_unique(txn, unique_key, id));
}

enum tb_err tb_visit_dependents(struct tb_txn *txn, struct tb_str dependency, tb_visit_id *visit,
                                void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_dependents(txn, dependency, visit, ctx));
}

enum tb_err tb_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->next_due(txn, due_ms, id));
}

enum tb_err tb_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                        struct tb_str wire)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->put_note(txn, task_id, note_id, wire));
}

enum tb_err tb_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                           void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_notes(txn, task_id, visit, ctx));
}

enum tb_err tb_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                            struct tb_str wire)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->put_artifact(txn, task_id, number, wire));
}

enum tb_err tb_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                               void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_artifacts(txn, task_id, visit, ctx));
}

enum tb_err tb_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                           const struct tb_attempt *attempt)
{
    assert(txn->writable && attempt->wire.ptr != NULL);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_attempt(txn, task_id, attempt));
}

enum tb_err tb_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                           struct tb_attempt *attempt)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->get_attempt(txn, task_id, number, attempt));
}

enum tb_err tb_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->delete_attempt(txn, task_id, number));
}

enum tb_err tb_visit_attempts(struct tb_txn *txn, struct tb_id task_id, tb_visit_attempt *visit,
                              void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_attempts(txn, task_id, visit, ctx));
}

enum tb_err tb_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                           tb_visit_task *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->visit_ready(txn, query, visit, ctx));
}

enum tb_err tb_oldest_ready(struct tb_txn *txn, int64_t *ready_ms)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->oldest_ready(txn, ready_ms));
}

enum tb_err tb_get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                        struct tb_name_count *count)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_name(txn, kind, name, count));
}

enum tb_err tb_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                           tb_visit_name *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_names(txn, kind, max, visit, ctx));
}

enum tb_err tb_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_vm(txn, id, vm));
}

enum tb_err tb_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm)
{
    assert(txn->writable && vm->wire.ptr != NULL);
    assert(old == NULL || (tb_id_cmp(old->number, vm->number) == 0 && tb_str_eq(old->id, vm->id)));
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_vm(txn, old, vm));
}

enum tb_err tb_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->see_vm(txn, vm, seen_ms));
}

enum tb_err tb_delete_vm(struct tb_txn *txn, const struct tb_vm *old)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->delete_vm(txn, old));
}

enum tb_err tb_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_vms(txn, latest_first, visit, ctx));
}

enum tb_err tb_next_due_vm(struct tb_txn *txn, struct tb_vm *vm)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->next_due_vm(txn, vm));
}

enum tb_err tb_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                              void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_vm_tasks(txn, vm_id, visit, ctx));
}

enum tb_err tb_get_credential(struct tb_txn *txn, struct tb_id id, struct tb_credential *credential)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_credential(txn, id, credential));
}

enum tb_err tb_put_credential(struct tb_txn *txn, const struct tb_credential *credential)
{
    assert(txn->writable && credential->wire.ptr != NULL);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_credential(txn, credential));
}

enum tb_err tb_delete_credential(struct tb_txn *txn, struct tb_id id)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->delete_credential(txn, id));
}

enum tb_err tb_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->visit_credentials(txn, visit, ctx));
}

enum tb_err tb_get_pauses(struct tb_txn *txn, struct tb_str *json)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_pauses(txn, json));
}

enum tb_err tb_put_pauses(struct tb_txn *txn, struct tb_str json)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_pauses(txn, json));
}

enum tb_err tb_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                          struct tb_answer *answer)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_answer(txn, key, answer));
}

enum tb_err tb_get_answer_share(struct tb_txn *txn, uint16_t share, struct tb_answer_share *kept)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->get_answer_share(txn, share, kept));
}

enum tb_err tb_put_answer(struct tb_txn *txn, const struct tb_answer *answer)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->put_answer(txn, answer));
}

enum tb_err tb_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->drop_answers(txn, before_ms, max));
}

enum tb_err tb_append_event(struct tb_txn *txn, const struct tb_event *event)
{
    assert(txn->writable && event->wire.ptr != NULL);
    assert(txn->err != TB_OK || event->seq == txn->head->seq + 1);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->append_event(txn, event));
}

enum tb_err tb_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                            tb_visit_event *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err
                             : stick(txn, txn->ops->visit_events(txn, since, task_id, visit, ctx));
}

enum tb_err tb_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                          tb_visit_event *visit, void *ctx)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->visit_feed(txn, query, visit, ctx));
}

enum tb_err tb_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq)
{
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->find_event(txn, id, seq));
}

enum tb_err tb_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max)
{
    assert(txn->writable);
    return txn->err != TB_OK ? txn->err : stick(txn, txn->ops->drop_events(txn, seq, max));
}

enum tb_err tb_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                           tb_visit_task *visit, void *ctx, struct tb_query_end *end)
{
    if (txn->err != TB_OK) {
        return txn->err;
    }
    *end = (struct tb_query_end){.more_to_scan = false};
    return stick(txn, txn->ops->visit_tasks(txn, query, visit, ctx, end));
}

/* A store that fails when it is told to, and else passes every call on. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine.h"
#include "taskboard/storage_testing.h"

struct fault_store;

struct fault_txn {
    struct tb_txn base;
    struct fault_store *store;
    struct tb_txn *inner;
};

struct fault_reader {
    struct tb_reader base;
    struct tb_reader *inner;
    struct fault_txn txn;
};

struct fault_store {
    struct tb_store base;
    struct tb_store *inner; /* owned */
    struct fault_txn write;
    pthread_mutex_t mutex; /* guards what follows */
    uint64_t calls;
    uint64_t nth; /* 0: no faults */
    enum tb_err err;
    bool once;
    tb_fault_decide *decide; /* may be NULL; not guarded */
    void *decide_ctx;
};

static struct fault_store *store_of(struct tb_store *store)
{
    return (struct fault_store *)store;
}

static struct fault_txn *txn_of(struct tb_txn *txn)
{
    return (struct fault_txn *)txn;
}

/* Counts a call and says what becomes of it. */
static struct tb_fate fate_of(struct fault_store *store, enum tb_fault_call call)
{
    pthread_mutex_lock(&store->mutex);
    store->calls++;
    bool due =
        store->nth != 0 && (store->once ? store->calls == store->nth : store->calls >= store->nth);
    enum tb_err err = due ? store->err : TB_OK;
    pthread_mutex_unlock(&store->mutex);
    if (err == TB_OK && store->decide != NULL) {
        return store->decide(store->decide_ctx, call);
    }
    return (struct tb_fate){.err = err, .happens = err == TB_OK};
}

static enum tb_err count_call(struct fault_store *store)
{
    return fate_of(store, TB_FAULT_BEGIN).err;
}

static enum tb_err count_txn_call(struct tb_txn *txn)
{
    return fate_of(txn_of(txn)->store, TB_FAULT_WITHIN).err;
}

static void wrap(struct fault_txn *txn, struct fault_store *store, struct tb_txn *inner,
                 bool writable)
{
    txn->base =
        (struct tb_txn){.ops = store->base.ops, .head = tb_txn_head(inner), .writable = writable};
    txn->store = store;
    txn->inner = inner;
}

/* --- life cycle --- */

static void close_store(struct tb_store *base)
{
    struct fault_store *store = store_of(base);
    tb_store_close(&store->inner);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static enum tb_err verify(struct tb_store *base, tb_report_fault *report, void *ctx,
                          struct tb_store_tally *tally)
{
    struct fault_store *store = store_of(base);
    enum tb_err err = count_call(store);
    return err != TB_OK ? err : tb_store_verify(store->inner, report, ctx, tally);
}

static enum tb_err copy(struct tb_store *base, tb_write_bytes *write, void *ctx)
{
    struct fault_store *store = store_of(base);
    enum tb_err err = count_call(store);
    return err != TB_OK ? err : tb_store_copy(store->inner, write, ctx);
}

static enum tb_err write_begin(struct tb_store *base, struct tb_arena *arena, struct tb_txn **out)
{
    struct fault_store *store = store_of(base);
    struct tb_txn *inner = NULL;
    enum tb_err err = count_call(store);
    if (err == TB_OK) {
        err = tb_write_begin(store->inner, arena, &inner);
    }
    if (err == TB_OK) {
        wrap(&store->write, store, inner, true);
        *out = &store->write.base;
    }
    return err;
}

static enum tb_err write_commit(struct tb_txn *txn)
{
    struct tb_fate fate = fate_of(txn_of(txn)->store, TB_FAULT_COMMIT);
    if (!fate.happens) {
        tb_write_abort(&txn_of(txn)->inner);
        return fate.err;
    }
    enum tb_err err = tb_write_commit(&txn_of(txn)->inner);
    return err != TB_OK ? err : fate.err;
}

static void write_abort(struct tb_txn *txn)
{
    tb_write_abort(&txn_of(txn)->inner);
}

static enum tb_err reader_new(struct tb_store *base, struct tb_reader **out)
{
    struct fault_store *store = store_of(base);
    enum tb_err err = count_call(store);
    if (err != TB_OK) {
        return err;
    }
    struct fault_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        abort();
    }
    reader->base.ops = store->base.ops;
    reader->txn.store = store;
    err = tb_reader_new(store->inner, &reader->inner);
    if (err != TB_OK) {
        free(reader);
        return err;
    }
    *out = &reader->base;
    return TB_OK;
}

static void reader_free(struct tb_reader *base)
{
    struct fault_reader *reader = (struct fault_reader *)base;
    tb_reader_free(&reader->inner);
    free(reader);
}

static enum tb_err read_begin(struct tb_reader *base, struct tb_arena *arena, struct tb_txn **out)
{
    struct fault_reader *reader = (struct fault_reader *)base;
    struct tb_txn *inner = NULL;
    enum tb_err err = count_call(reader->txn.store);
    if (err == TB_OK) {
        err = tb_read_begin(reader->inner, arena, &inner);
    }
    if (err == TB_OK) {
        wrap(&reader->txn, reader->txn.store, inner, false);
        *out = &reader->txn.base;
    }
    return err;
}

static void read_end(struct tb_txn *txn)
{
    tb_read_end(&txn_of(txn)->inner);
}

/* --- calls within a transaction --- */

static enum tb_err stats(struct tb_txn *txn, struct tb_store_stats *out)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_store_stats(txn_of(txn)->inner, out);
}

static enum tb_err get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_task(txn_of(txn)->inner, id, task);
}

static enum tb_err put_task(struct tb_txn *txn, const struct tb_task *old,
                            const struct tb_task *task)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_task(txn_of(txn)->inner, old, task);
}

static enum tb_err delete_task(struct tb_txn *txn, const struct tb_task *old)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_delete_task(txn_of(txn)->inner, old);
}

static enum tb_err find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_find_unique(txn_of(txn)->inner, unique_key, id);
}

static enum tb_err visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                    tb_visit_id *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_dependents(txn_of(txn)->inner, dependency, visit, ctx);
}

static enum tb_err next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_next_due(txn_of(txn)->inner, due_ms, id);
}

static enum tb_err put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                            struct tb_str wire)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_note(txn_of(txn)->inner, task_id, note_id, wire);
}

static enum tb_err visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                               void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_notes(txn_of(txn)->inner, task_id, visit, ctx);
}

static enum tb_err put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                struct tb_str wire)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_artifact(txn_of(txn)->inner, task_id, number, wire);
}

static enum tb_err visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                   void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_artifacts(txn_of(txn)->inner, task_id, visit, ctx);
}

static enum tb_err put_attempt(struct tb_txn *txn, struct tb_id task_id,
                               const struct tb_attempt *attempt)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_attempt(txn_of(txn)->inner, task_id, attempt);
}

static enum tb_err get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                               struct tb_attempt *attempt)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_attempt(txn_of(txn)->inner, task_id, number, attempt);
}

static enum tb_err delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_delete_attempt(txn_of(txn)->inner, task_id, number);
}

static enum tb_err visit_attempts(struct tb_txn *txn, struct tb_id task_id, tb_visit_attempt *visit,
                                  void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_attempts(txn_of(txn)->inner, task_id, visit, ctx);
}

static enum tb_err visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                               tb_visit_task *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_ready(txn_of(txn)->inner, query, visit, ctx);
}

static enum tb_err oldest_ready(struct tb_txn *txn, int64_t *ready_ms)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_oldest_ready(txn_of(txn)->inner, ready_ms);
}

static enum tb_err get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                            struct tb_name_count *count)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_name(txn_of(txn)->inner, kind, name, count);
}

static enum tb_err visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                               tb_visit_name *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_names(txn_of(txn)->inner, kind, max, visit, ctx);
}

static enum tb_err get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_vm(txn_of(txn)->inner, id, vm);
}

static enum tb_err put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_vm(txn_of(txn)->inner, old, vm);
}

static enum tb_err see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_see_vm(txn_of(txn)->inner, vm, seen_ms);
}

static enum tb_err delete_vm(struct tb_txn *txn, const struct tb_vm *old)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_delete_vm(txn_of(txn)->inner, old);
}

static enum tb_err visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_vms(txn_of(txn)->inner, latest_first, visit, ctx);
}

static enum tb_err next_due_vm(struct tb_txn *txn, struct tb_vm *vm)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_next_due_vm(txn_of(txn)->inner, vm);
}

static enum tb_err visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                  void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_vm_tasks(txn_of(txn)->inner, vm_id, visit, ctx);
}

static enum tb_err get_credential(struct tb_txn *txn, struct tb_id id,
                                  struct tb_credential *credential)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_credential(txn_of(txn)->inner, id, credential);
}

static enum tb_err put_credential(struct tb_txn *txn, const struct tb_credential *credential)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_credential(txn_of(txn)->inner, credential);
}

static enum tb_err delete_credential(struct tb_txn *txn, struct tb_id id)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_delete_credential(txn_of(txn)->inner, id);
}

static enum tb_err visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_credentials(txn_of(txn)->inner, visit, ctx);
}

static enum tb_err get_pauses(struct tb_txn *txn, struct tb_str *json)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_pauses(txn_of(txn)->inner, json);
}

static enum tb_err put_pauses(struct tb_txn *txn, struct tb_str json)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_pauses(txn_of(txn)->inner, json);
}

static enum tb_err get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                              struct tb_answer *answer)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_answer(txn_of(txn)->inner, key, answer);
}

static enum tb_err get_answer_share(struct tb_txn *txn, uint16_t share,
                                    struct tb_answer_share *kept)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_get_answer_share(txn_of(txn)->inner, share, kept);
}

static enum tb_err put_answer(struct tb_txn *txn, const struct tb_answer *answer)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_put_answer(txn_of(txn)->inner, answer);
}

static enum tb_err drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_drop_answers(txn_of(txn)->inner, before_ms, max);
}

static enum tb_err append_event(struct tb_txn *txn, const struct tb_event *event)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_append_event(txn_of(txn)->inner, event);
}

static enum tb_err visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                tb_visit_event *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_events(txn_of(txn)->inner, since, task_id, visit, ctx);
}

static enum tb_err visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                              tb_visit_event *visit, void *ctx)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_feed(txn_of(txn)->inner, query, visit, ctx);
}

static enum tb_err find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_find_event(txn_of(txn)->inner, id, seq);
}

static enum tb_err drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_drop_events(txn_of(txn)->inner, seq, max);
}

static enum tb_err visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                               tb_visit_task *visit, void *ctx, struct tb_query_end *end)
{
    enum tb_err err = count_txn_call(txn);
    return err != TB_OK ? err : tb_visit_tasks(txn_of(txn)->inner, query, visit, ctx, end);
}

static struct tb_arena *swap_arena(struct tb_txn *base, struct tb_arena *arena)
{
    return tb_txn_swap_arena(txn_of(base)->inner, arena);
}

static const struct tb_store_ops ops = {
    .close = close_store,
    .write_begin = write_begin,
    .write_commit = write_commit,
    .write_abort = write_abort,
    .reader_new = reader_new,
    .reader_free = reader_free,
    .read_begin = read_begin,
    .read_end = read_end,
    .swap_arena = swap_arena,
    .get_task = get_task,
    .put_task = put_task,
    .delete_task = delete_task,
    .find_unique = find_unique,
    .visit_dependents = visit_dependents,
    .next_due = next_due,
    .put_note = put_note,
    .visit_notes = visit_notes,
    .put_artifact = put_artifact,
    .visit_artifacts = visit_artifacts,
    .put_attempt = put_attempt,
    .get_attempt = get_attempt,
    .delete_attempt = delete_attempt,
    .visit_attempts = visit_attempts,
    .visit_ready = visit_ready,
    .oldest_ready = oldest_ready,
    .get_name = get_name,
    .visit_names = visit_names,
    .get_vm = get_vm,
    .put_vm = put_vm,
    .see_vm = see_vm,
    .delete_vm = delete_vm,
    .visit_vms = visit_vms,
    .next_due_vm = next_due_vm,
    .visit_vm_tasks = visit_vm_tasks,
    .get_credential = get_credential,
    .put_credential = put_credential,
    .delete_credential = delete_credential,
    .visit_credentials = visit_credentials,
    .get_pauses = get_pauses,
    .put_pauses = put_pauses,
    .get_answer = get_answer,
    .get_answer_share = get_answer_share,
    .put_answer = put_answer,
    .drop_answers = drop_answers,
    .append_event = append_event,
    .visit_events = visit_events,
    .visit_feed = visit_feed,
    .find_event = find_event,
    .drop_events = drop_events,
    .visit_tasks = visit_tasks,
    .stats = stats,
    .verify = verify,
    .copy = copy,
};

/* --- for the test --- */

enum tb_err tb_fault_wrap(struct tb_store *inner, struct tb_store **out)
{
    struct fault_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        abort();
    }
    store->base.ops = &ops;
    store->inner = inner;
    pthread_mutex_init(&store->mutex, NULL);
    *out = &store->base;
    return TB_OK;
}

static struct fault_store *fault_store_of(struct tb_store *store)
{
    assert(store->ops == &ops); /* made by tb_fault_wrap */
    return store_of(store);
}

void tb_fault_set(struct tb_store *base, uint64_t nth, enum tb_err err, bool once)
{
    struct fault_store *store = fault_store_of(base);
    pthread_mutex_lock(&store->mutex);
    store->calls = 0;
    store->nth = nth;
    store->err = err;
    store->once = once;
    pthread_mutex_unlock(&store->mutex);
}

void tb_fault_ask(struct tb_store *base, tb_fault_decide *decide, void *ctx)
{
    struct fault_store *store = fault_store_of(base);
    store->decide = decide;
    store->decide_ctx = ctx;
}

uint64_t tb_fault_calls(const struct tb_store *base)
{
    struct fault_store *store = fault_store_of((struct tb_store *)(uintptr_t)base);
    pthread_mutex_lock(&store->mutex);
    uint64_t calls = store->calls;
    pthread_mutex_unlock(&store->mutex);
    return calls;
}

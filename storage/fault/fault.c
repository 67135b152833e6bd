#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "fault/fault.h"
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
    enum tb_fault_room room;
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

enum tb_err tb_fault_within(struct tb_txn *txn)
{
    return fate_of(txn_of(txn)->store, TB_FAULT_WITHIN).err;
}

struct tb_txn *tb_fault_inner(struct tb_txn *txn)
{
    return txn_of(txn)->inner;
}

void tb_fault_tell_room(struct tb_txn *txn, struct tb_store_stats *stats)
{
    struct fault_store *store = txn_of(txn)->store;
    pthread_mutex_lock(&store->mutex);
    enum tb_fault_room room = store->room;
    pthread_mutex_unlock(&store->mutex);
    if (room != TB_FAULT_ROOM_AS_IS) {
        stats->has_room = room == TB_FAULT_ROOM_SCARCE;
        stats->room_is_scarce = true;
    }
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
    .get_task = tb_fault_get_task,
    .put_task = tb_fault_put_task,
    .delete_task = tb_fault_delete_task,
    .find_unique = tb_fault_find_unique,
    .visit_dependents = tb_fault_visit_dependents,
    .next_due = tb_fault_next_due,
    .put_note = tb_fault_put_note,
    .visit_notes = tb_fault_visit_notes,
    .put_artifact = tb_fault_put_artifact,
    .visit_artifacts = tb_fault_visit_artifacts,
    .put_attempt = tb_fault_put_attempt,
    .get_attempt = tb_fault_get_attempt,
    .delete_attempt = tb_fault_delete_attempt,
    .visit_attempts = tb_fault_visit_attempts,
    .visit_ready = tb_fault_visit_ready,
    .oldest_ready = tb_fault_oldest_ready,
    .get_name = tb_fault_get_name,
    .visit_names = tb_fault_visit_names,
    .get_vm = tb_fault_get_vm,
    .put_vm = tb_fault_put_vm,
    .see_vm = tb_fault_see_vm,
    .delete_vm = tb_fault_delete_vm,
    .visit_vms = tb_fault_visit_vms,
    .next_due_vm = tb_fault_next_due_vm,
    .visit_vm_tasks = tb_fault_visit_vm_tasks,
    .get_credential = tb_fault_get_credential,
    .put_credential = tb_fault_put_credential,
    .delete_credential = tb_fault_delete_credential,
    .visit_credentials = tb_fault_visit_credentials,
    .get_pauses = tb_fault_get_pauses,
    .put_pauses = tb_fault_put_pauses,
    .get_answer = tb_fault_get_answer,
    .get_answer_share = tb_fault_get_answer_share,
    .put_answer = tb_fault_put_answer,
    .drop_answers = tb_fault_drop_answers,
    .append_event = tb_fault_append_event,
    .visit_events = tb_fault_visit_events,
    .visit_feed = tb_fault_visit_feed,
    .find_event = tb_fault_find_event,
    .drop_events = tb_fault_drop_events,
    .visit_tasks = tb_fault_visit_tasks,
    .stats = tb_fault_stats,
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

void tb_fault_room(struct tb_store *base, enum tb_fault_room room)
{
    struct fault_store *store = fault_store_of(base);
    pthread_mutex_lock(&store->mutex);
    store->room = room;
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

#include <assert.h>
#include <stdlib.h>

#include "memory/memory.h"

static void close_store(struct tb_store *base)
{
    struct tb_memory_store *store = (struct tb_memory_store *)base;
    assert(store->readers == NULL && store->write.base.ops == NULL);
    tb_table_fini(&store->tasks);
    tb_table_fini(&store->notes);
    tb_table_fini(&store->artifacts);
    tb_table_fini(&store->attempts);
    tb_table_fini(&store->names);
    tb_table_fini(&store->pauses);
    tb_table_fini(&store->answers);
    tb_table_fini(&store->answer_shares);
    tb_table_fini(&store->vms);
    tb_table_fini(&store->credentials);
    tb_memory_events_fini(store);
    free(store->touched);
    tb_memory_unique_fini(store);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static void start(struct tb_memory_txn *txn, struct tb_memory_store *store, struct tb_arena *arena,
                  bool writable)
{
    *txn = (struct tb_memory_txn){
        .base = {.ops = store->base.ops, .head = &txn->head, .writable = writable},
        .store = store,
        .arena = arena,
        .head = store->head,
        .n = store->n + writable,
        .event_count = store->event_committed,
    };
}

static enum tb_err write_begin(struct tb_store *base, struct tb_arena *arena, struct tb_txn **txn)
{
    struct tb_memory_store *store = (struct tb_memory_store *)base;
    pthread_mutex_lock(&store->mutex);
    assert(store->write.base.ops == NULL); /* one at a time */
    start(&store->write, store, arena, true);
    store->touched_count = 0;
    pthread_mutex_unlock(&store->mutex);
    *txn = &store->write.base;
    return TB_OK;
}

struct oldest {
    uint64_t n;   /* the latest commit that every open snapshot is at or behind of */
    uint64_t seq; /* of the oldest event that one of them sees */
};

static struct oldest oldest_snapshot(const struct tb_memory_store *store)
{
    struct oldest oldest = {store->n, store->head.oldest_seq};
    for (const struct tb_memory_reader *r = store->readers; r != NULL; r = r->next) {
        if (r->txn.base.ops != NULL && r->txn.n < oldest.n) {
            oldest = (struct oldest){r->txn.n, r->txn.head.oldest_seq};
        }
    }
    return oldest;
}

static enum tb_err write_commit(struct tb_txn *base)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_memory_store *store = txn->store;
    pthread_mutex_lock(&store->mutex);
    store->n = txn->n;
    store->head = txn->head;
    store->event_committed = store->event_count;
    struct oldest oldest = oldest_snapshot(store);
    for (size_t i = 0; i < store->touched_count; i++) {
        tb_table_prune(store->touched[i].table, store->touched[i].key, oldest.n);
    }
    tb_memory_events_prune(store, oldest.seq);
    txn->base.ops = NULL;
    pthread_mutex_unlock(&store->mutex);
    return TB_OK;
}

static void write_abort(struct tb_txn *base)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_memory_store *store = txn->store;
    pthread_mutex_lock(&store->mutex);
    tb_table_undo(&store->tasks, txn->n);
    tb_table_undo(&store->notes, txn->n);
    tb_table_undo(&store->artifacts, txn->n);
    tb_table_undo(&store->attempts, txn->n);
    tb_table_undo(&store->names, txn->n);
    tb_table_undo(&store->pauses, txn->n);
    tb_table_undo(&store->answers, txn->n);
    tb_table_undo(&store->answer_shares, txn->n);
    tb_table_undo(&store->vms, txn->n);
    tb_table_undo(&store->credentials, txn->n);
    tb_memory_events_undo(store, txn->event_count);
    txn->base.ops = NULL;
    pthread_mutex_unlock(&store->mutex);
}

static enum tb_err reader_new(struct tb_store *base, struct tb_reader **out)
{
    struct tb_memory_store *store = (struct tb_memory_store *)base;
    struct tb_memory_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        abort();
    }
    reader->base.ops = store->base.ops;
    reader->txn.store = store;
    pthread_mutex_lock(&store->mutex);
    reader->next = store->readers;
    store->readers = reader;
    pthread_mutex_unlock(&store->mutex);
    *out = &reader->base;
    return TB_OK;
}

static void reader_free(struct tb_reader *base)
{
    struct tb_memory_reader *reader = (struct tb_memory_reader *)base;
    struct tb_memory_store *store = reader->txn.store;
    pthread_mutex_lock(&store->mutex);
    assert(reader->txn.base.ops == NULL);
    struct tb_memory_reader **link = &store->readers;
    while (*link != reader) {
        link = &(*link)->next;
    }
    *link = reader->next;
    pthread_mutex_unlock(&store->mutex);
    free(reader);
}

static enum tb_err read_begin(struct tb_reader *base, struct tb_arena *arena, struct tb_txn **txn)
{
    struct tb_memory_reader *reader = (struct tb_memory_reader *)base;
    struct tb_memory_store *store = reader->txn.store;
    pthread_mutex_lock(&store->mutex);
    assert(reader->txn.base.ops == NULL); /* one snapshot at a time */
    start(&reader->txn, store, arena, false);
    pthread_mutex_unlock(&store->mutex);
    *txn = &reader->txn.base;
    return TB_OK;
}

static void read_end(struct tb_txn *base)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    pthread_mutex_lock(&txn->store->mutex);
    txn->base.ops = NULL;
    pthread_mutex_unlock(&txn->store->mutex);
}

static struct tb_arena *swap_arena(struct tb_txn *base, struct tb_arena *arena)
{
    struct tb_memory_txn *txn = (struct tb_memory_txn *)base;
    struct tb_arena *previous = txn->arena;
    txn->arena = arena;
    return previous;
}

static enum tb_err stats(struct tb_txn *base, struct tb_store_stats *out)
{
    struct tb_memory_store *store = tb_memory_txn_of(base)->store;
    pthread_mutex_lock(&store->mutex);
    for (const struct tb_memory_reader *r = store->readers; r != NULL; r = r->next) {
        out->snapshots += r->txn.base.ops != NULL;
    }
    out->oldest_behind = store->n - oldest_snapshot(store).n;
    out->has_room = true;
    pthread_mutex_unlock(&store->mutex);
    return TB_OK;
}

/* UNTESTED: nobody serves from memory. */
static enum tb_err copy_nothing(struct tb_store *base, tb_write_bytes *write, void *ctx)
{
    (void)base, (void)write, (void)ctx;
    return TB_E_STORAGE_DOWN;
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
    .stats = stats,
    .get_task = tb_memory_get_task,
    .put_task = tb_memory_put_task,
    .delete_task = tb_memory_delete_task,
    .find_unique = tb_memory_find_unique,
    .visit_dependents = tb_memory_visit_dependents,
    .next_due = tb_memory_next_due,
    .put_note = tb_memory_put_note,
    .visit_notes = tb_memory_visit_notes,
    .put_artifact = tb_memory_put_artifact,
    .visit_artifacts = tb_memory_visit_artifacts,
    .put_attempt = tb_memory_put_attempt,
    .get_attempt = tb_memory_get_attempt,
    .delete_attempt = tb_memory_delete_attempt,
    .visit_attempts = tb_memory_visit_attempts,
    .visit_ready = tb_memory_visit_ready,
    .oldest_ready = tb_memory_oldest_ready,
    .get_name = tb_memory_get_name,
    .visit_names = tb_memory_visit_names,
    .get_vm = tb_memory_get_vm,
    .put_vm = tb_memory_put_vm,
    .see_vm = tb_memory_see_vm,
    .delete_vm = tb_memory_delete_vm,
    .visit_vms = tb_memory_visit_vms,
    .next_due_vm = tb_memory_next_due_vm,
    .visit_vm_tasks = tb_memory_visit_vm_tasks,
    .get_credential = tb_memory_get_credential,
    .put_credential = tb_memory_put_credential,
    .delete_credential = tb_memory_delete_credential,
    .visit_credentials = tb_memory_visit_credentials,
    .get_pauses = tb_memory_get_pauses,
    .put_pauses = tb_memory_put_pauses,
    .get_answer = tb_memory_get_answer,
    .get_answer_share = tb_memory_get_answer_share,
    .put_answer = tb_memory_put_answer,
    .drop_answers = tb_memory_drop_answers,
    .append_event = tb_memory_append_event,
    .visit_events = tb_memory_visit_events,
    .visit_feed = tb_memory_visit_feed,
    .find_event = tb_memory_find_event,
    .drop_events = tb_memory_drop_events,
    .visit_tasks = tb_memory_visit_tasks,
    .verify = tb_memory_verify,
    .copy = copy_nothing,
};

enum tb_err tb_memory_open(struct tb_store **out)
{
    struct tb_memory_store *store = calloc(1, sizeof *store);
    if (store == NULL || !tb_head_init(&store->head)) {
        abort();
    }
    store->base.ops = &ops;
    pthread_mutex_init(&store->mutex, NULL);
    *out = &store->base;
    return TB_OK;
}

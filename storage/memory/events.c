/* The event log. The log has no gaps: event `seq` stands at seq - 1. */
#include <stdlib.h>

#include "memory/memory.h"

void tb_memory_events_fini(struct tb_memory_store *store)
{
    tb_memory_events_undo(store, 0);
    free(store->events);
}

void tb_memory_events_prune(struct tb_memory_store *store, uint64_t oldest_seq)
{
    while (store->event_gone < store->event_count && store->event_gone + 1 < oldest_seq) {
        free(store->events[store->event_gone]);
        store->events[store->event_gone++] = NULL;
    }
}

void tb_memory_events_undo(struct tb_memory_store *store, size_t count)
{
    while (store->event_count > count) {
        free(store->events[--store->event_count]);
    }
}

static void point_into(struct tb_str *string, struct tb_str from, const char *wire)
{
    if (string->ptr != NULL) {
        string->ptr = wire + (string->ptr - from.ptr);
    }
}

static struct tb_memory_event *copy_event(uint64_t n, const struct tb_event *event)
{
    struct tb_memory_event *copy = malloc(sizeof *copy + event->wire.len);
    if (copy == NULL) {
        abort();
    }
    char *wire = (char *)(copy + 1);
    memcpy(wire, event->wire.ptr, event->wire.len);
    *copy = (struct tb_memory_event){.n = n, .event = *event};
    copy->event.wire.ptr = wire;
    point_into(&copy->event.actor, event->wire, wire);
    point_into(&copy->event.tags, event->wire, wire);
    point_into(&copy->event.vm_id, event->wire, wire);
    point_into(&copy->event.data, event->wire, wire);
    return copy;
}

enum tb_err tb_memory_append_event(struct tb_txn *base, const struct tb_event *event)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_memory_store *store = txn->store;
    tb_memory_lock(txn);
    if (store->event_count == store->event_cap) {
        store->event_cap = store->event_cap == 0 ? 64 : store->event_cap * 2;
        store->events = realloc(store->events, store->event_cap * sizeof(void *));
        if (store->events == NULL) {
            abort();
        }
    }
    store->events[store->event_count++] = copy_event(txn->n, event);
    tb_memory_unlock(txn);
    return TB_OK;
}

/* --- reading --- */

/* NULL: the transaction does not see it. One at a time, because the array may move. */
static const struct tb_memory_event *entry_at(struct tb_memory_txn *txn, uint64_t seq)
{
    tb_memory_lock(txn);
    size_t count = txn->base.writable ? txn->store->event_count : txn->event_count;
    bool seen = seq >= txn->head.oldest_seq && seq <= count;
    const struct tb_memory_event *entry = seen ? txn->store->events[seq - 1] : NULL;
    tb_memory_unlock(txn);
    return entry;
}

static const struct tb_event *event_at(struct tb_memory_txn *txn, uint64_t seq)
{
    const struct tb_memory_event *entry = entry_at(txn, seq);
    return entry == NULL ? NULL : &entry->event;
}

/* The first that is kept of those with a greater seq. */
static uint64_t first_behind(const struct tb_memory_txn *txn, uint64_t since)
{
    return since < txn->head.oldest_seq ? txn->head.oldest_seq
                                        : since + (since < UINT64_MAX ? 1 : 0);
}

/* seq + 1 of the last one. */
static uint64_t end_of_log(struct tb_memory_txn *txn)
{
    tb_memory_lock(txn);
    size_t count = txn->base.writable ? txn->store->event_count : txn->event_count;
    tb_memory_unlock(txn);
    return count + 1;
}

enum tb_err tb_memory_visit_events(struct tb_txn *base, uint64_t since, struct tb_id task_id,
                                   tb_visit_event *visit, void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    const struct tb_event *event = NULL;
    for (uint64_t seq = first_behind(txn, since); (event = event_at(txn, seq)) != NULL; seq++) {
        bool asked = tb_id_is_zero(task_id) || tb_id_cmp(event->task_id, task_id) == 0;
        if (asked && visit(ctx, event) == TB_VISIT_STOP) {
            break;
        }
    }
    return TB_OK;
}

static bool is_asked(const struct tb_feed_query *query, const struct tb_event *event)
{
    return tb_event_is_of_feed(event->type) &&
           (query->agent.ptr == NULL || tb_str_eq(event->actor, query->agent));
}

enum tb_err tb_memory_visit_feed(struct tb_txn *base, const struct tb_feed_query *query,
                                 tb_visit_event *visit, void *ctx)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint64_t first = first_behind(txn, query->since);
    uint64_t end = end_of_log(txn);
    for (uint64_t i = 0; first < end && i < end - first; i++) {
        const struct tb_event *event = event_at(txn, query->latest_first ? end - 1 - i : first + i);
        if (is_asked(query, event) && visit(ctx, event) == TB_VISIT_STOP) {
            break;
        }
    }
    return TB_OK;
}

enum tb_err tb_memory_find_event(struct tb_txn *base, struct tb_id id, uint64_t *seq)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint64_t at = end_of_log(txn) - 1;
    const struct tb_event *event = event_at(txn, at);
    while (event != NULL && tb_id_cmp(event->id, id) > 0) {
        event = event_at(txn, --at);
    }
    *seq = event == NULL ? 0 : at;
    return TB_OK;
}

/* --- dropping --- */

/* The seq behind the last event that the same commit appended. */
static uint64_t commit_end(struct tb_memory_txn *txn, uint64_t seq, uint64_t n)
{
    const struct tb_memory_event *entry = NULL;
    do {
        entry = entry_at(txn, ++seq);
    } while (entry != NULL && entry->n == n);
    return seq;
}

enum tb_err tb_memory_drop_events(struct tb_txn *base, uint64_t seq, uint32_t max)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint64_t first = txn->head.oldest_seq;
    while (txn->head.oldest_seq - first < max) {
        const struct tb_memory_event *entry = entry_at(txn, txn->head.oldest_seq);
        if (entry == NULL || entry->n == txn->n) { /* of this transaction */
            break;
        }
        uint64_t end = commit_end(txn, txn->head.oldest_seq, entry->n);
        if (end - 1 > seq) {
            break;
        }
        txn->head.oldest_seq = end;
    }
    return TB_OK;
}

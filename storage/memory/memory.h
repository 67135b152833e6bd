/* Private to storage/memory/: a store without a disk and without an index.
 *
 * It is meant to be plainly right rather than fast: lists are found by looking at every task and
 * sorting. The contract suite measures the other engines against it. One mutex guards everything;
 * visitors run outside it, over what was gathered under it. */
#ifndef TB_MEMORY_MEMORY_H
#define TB_MEMORY_MEMORY_H

#include <pthread.h>

#include "engine.h"
#include "memory/table.h"

struct tb_memory_store;

struct tb_memory_txn {
    struct tb_txn base;
    struct tb_memory_store *store;
    struct tb_arena *arena;
    struct tb_head head;
    uint64_t n; /* the commit whose state it sees; the next one's for the write transaction */
    size_t event_count;
};

struct tb_memory_reader {
    struct tb_reader base;
    struct tb_memory_reader *next; /* in the store's list of readers */
    struct tb_memory_txn txn;      /* base.ops is NULL while no snapshot is open */
};

/* What a write transaction touched, to be tidied once it has committed. */
struct tb_touched {
    struct tb_table *table;
    uint8_t key[TB_ROW_KEY_BYTES];
};

struct tb_id_list {
    struct tb_id *ids;
    size_t count;
};

struct tb_memory_store {
    struct tb_store base;
    pthread_mutex_t mutex;
    uint64_t n; /* commits so far */
    struct tb_head head;
    struct tb_table tasks;     /* id → struct tb_task, then its wire */
    struct tb_table notes;     /* task id, note id → wire */
    struct tb_table artifacts; /* task id, number → wire */
    struct tb_event **events;  /* each with its wire behind it; never removed */
    size_t event_count;
    size_t event_cap;
    struct tb_memory_reader *readers;
    struct tb_memory_txn write;
    struct tb_touched *touched;
    size_t touched_count;
    size_t touched_cap;
    struct tb_id_list *unique; /* see unique.c; NULL while no task ever had a key */
};

static inline struct tb_memory_txn *tb_memory_txn_of(struct tb_txn *txn)
{
    return (struct tb_memory_txn *)txn;
}

static inline const struct tb_task *tb_memory_task(const struct tb_version *version)
{
    return (const struct tb_task *)(const void *)version->bytes;
}

/* --- unique.c; all under the mutex --- */

void tb_memory_unique_fini(struct tb_memory_store *store);
void tb_memory_unique_add(struct tb_memory_store *store, struct tb_str unique_key, struct tb_id id);
struct tb_id_list tb_memory_unique_candidates(const struct tb_memory_store *store,
                                              struct tb_str unique_key);

/* --- records.c --- */

enum tb_err tb_memory_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task);
enum tb_err tb_memory_put_task(struct tb_txn *txn, const struct tb_task *old,
                               const struct tb_task *task);
enum tb_err tb_memory_delete_task(struct tb_txn *txn, const struct tb_task *old);
enum tb_err tb_memory_find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id);
enum tb_err tb_memory_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                               struct tb_str wire);
enum tb_err tb_memory_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                  void *ctx);
enum tb_err tb_memory_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                   struct tb_str wire);
enum tb_err tb_memory_visit_artifacts(struct tb_txn *txn, struct tb_id task_id,
                                      tb_visit_json *visit, void *ctx);
enum tb_err tb_memory_append_event(struct tb_txn *txn, const struct tb_event *event);
enum tb_err tb_memory_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                   tb_visit_event *visit, void *ctx);

/* --- query.c --- */

enum tb_err tb_memory_visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                       tb_visit_id *visit, void *ctx);
enum tb_err tb_memory_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);
enum tb_err tb_memory_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                                  tb_visit_task *visit, void *ctx, struct tb_query_end *end);

#endif

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

/* An answer and its place in the order in which they were put. */
struct tb_memory_answer {
    uint64_t number;
    struct tb_answer answer;
};

/* An event and the commit that appended it; its wire stands behind it. */
struct tb_memory_event {
    uint64_t n;
    struct tb_event event;
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
    struct tb_table tasks;           /* id → struct tb_task, then its wire */
    struct tb_table notes;           /* task id, note id → wire */
    struct tb_table artifacts;       /* task id, number → wire */
    struct tb_table attempts;        /* task id, number → struct tb_attempt, then its wire */
    struct tb_table names;           /* kind, hash of the name → head.changes when last touched */
    struct tb_table pauses;          /* of one row: the JSON */
    struct tb_table answers;         /* key → struct tb_memory_answer, then its body */
    struct tb_table answer_shares;   /* share → struct tb_answer_share */
    struct tb_table vms;             /* number → struct tb_vm, then its wire */
    struct tb_table credentials;     /* id → struct tb_credential, then its wire */
    uint64_t answer_next;            /* number of the next one */
    struct tb_memory_event **events; /* by seq, from 1 on; NULL: dropped, and nobody sees it */
    size_t event_count;
    size_t event_committed; /* so many of them */
    size_t event_cap;
    size_t event_gone; /* so many of the first are NULL */
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

static inline void tb_memory_lock(struct tb_memory_txn *txn)
{
    pthread_mutex_lock(&txn->store->mutex);
}

static inline void tb_memory_unlock(struct tb_memory_txn *txn)
{
    pthread_mutex_unlock(&txn->store->mutex);
}

/* --- table keys --- */

/* The id, then `rest`; the remainder is zeros. */
static inline void tb_memory_key(uint8_t key[TB_ROW_KEY_BYTES], struct tb_id task_id,
                                 const void *rest, size_t rest_len)
{
    memset(key, 0, TB_ROW_KEY_BYTES);
    memcpy(key, task_id.bytes, sizeof task_id.bytes);
    if (rest_len > 0) {
        memcpy(key + sizeof task_id.bytes, rest, rest_len);
    }
}

static inline void tb_memory_number_key(uint8_t key[TB_ROW_KEY_BYTES], struct tb_id task_id,
                                        uint32_t number)
{
    uint8_t big_endian[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                             (uint8_t)(number >> 8), (uint8_t)number};
    tb_memory_key(key, task_id, big_endian, sizeof big_endian);
}

/* --- unique.c; all under the mutex --- */

void tb_memory_unique_fini(struct tb_memory_store *store);
void tb_memory_unique_add(struct tb_memory_store *store, struct tb_str unique_key, struct tb_id id);
struct tb_id_list tb_memory_unique_candidates(const struct tb_memory_store *store,
                                              struct tb_str unique_key);

/* --- records.c --- */

/* Notes that the row has changed, so that the commit tidies it. Under the mutex. */
void tb_memory_touch(struct tb_memory_store *store, struct tb_table *table,
                     const uint8_t key[TB_ROW_KEY_BYTES]);

/* The rows of `table` whose keys begin with the task's id are [first, first + the result). Under
 * the mutex. */
size_t tb_memory_rows_of_task(const struct tb_table *table, struct tb_id task_id, size_t *first);

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

/* --- events.c --- */

void tb_memory_events_fini(struct tb_memory_store *store);

/* Frees the events that no snapshot sees any more. Under the mutex. */
void tb_memory_events_prune(struct tb_memory_store *store, uint64_t oldest_seq);
void tb_memory_events_undo(struct tb_memory_store *store, size_t count);
enum tb_err tb_memory_append_event(struct tb_txn *txn, const struct tb_event *event);
enum tb_err tb_memory_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                   tb_visit_event *visit, void *ctx);
enum tb_err tb_memory_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                                 tb_visit_event *visit, void *ctx);
enum tb_err tb_memory_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq);
enum tb_err tb_memory_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max);

/* --- vms.c --- */

enum tb_err tb_memory_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);
enum tb_err tb_memory_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);
enum tb_err tb_memory_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms);
enum tb_err tb_memory_delete_vm(struct tb_txn *txn, const struct tb_vm *old);
enum tb_err tb_memory_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit,
                                void *ctx);
enum tb_err tb_memory_next_due_vm(struct tb_txn *txn, struct tb_vm *vm);
enum tb_err tb_memory_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                     void *ctx);

/* --- credentials.c --- */

enum tb_err tb_memory_get_credential(struct tb_txn *txn, struct tb_id id,
                                     struct tb_credential *credential);
enum tb_err tb_memory_put_credential(struct tb_txn *txn, const struct tb_credential *credential);
enum tb_err tb_memory_delete_credential(struct tb_txn *txn, struct tb_id id);
enum tb_err tb_memory_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx);

/* --- attempts.c --- */

enum tb_err tb_memory_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                                  const struct tb_attempt *attempt);
enum tb_err tb_memory_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                  struct tb_attempt *attempt);
enum tb_err tb_memory_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number);
enum tb_err tb_memory_visit_attempts(struct tb_txn *txn, struct tb_id task_id,
                                     tb_visit_attempt *visit, void *ctx);

/* --- answers.c --- */

enum tb_err tb_memory_get_pauses(struct tb_txn *txn, struct tb_str *json);
enum tb_err tb_memory_put_pauses(struct tb_txn *txn, struct tb_str json);
enum tb_err tb_memory_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                                 struct tb_answer *answer);
/* What is kept of a share as of commit `n`. The store is locked. */
struct tb_answer_share tb_memory_share_at(const struct tb_memory_store *store, uint16_t share,
                                          uint64_t n);
enum tb_err tb_memory_get_answer_share(struct tb_txn *txn, uint16_t share,
                                       struct tb_answer_share *kept);
enum tb_err tb_memory_put_answer(struct tb_txn *txn, const struct tb_answer *answer);
enum tb_err tb_memory_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max);

/* --- names.c --- */

/* Notes head.changes for the names of both; either may be NULL. Under the mutex. */
void tb_memory_touch_names(struct tb_memory_txn *txn, const struct tb_task *old,
                           const struct tb_task *task);
enum tb_err tb_memory_get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                               struct tb_name_count *count);
enum tb_err tb_memory_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                                  tb_visit_name *visit, void *ctx);

/* --- ready.c --- */

enum tb_err tb_memory_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                                  tb_visit_task *visit, void *ctx);
enum tb_err tb_memory_oldest_ready(struct tb_txn *txn, int64_t *ready_ms);

/* --- verify.c --- */

enum tb_err tb_memory_verify(struct tb_store *store, tb_report_fault *report, void *ctx,
                             struct tb_store_tally *tally);

/* --- query.c --- */

/* All tasks that the transaction sees and `want` accepts (NULL: all), by id. The array is malloced.
 */
struct tb_memory_found {
    const struct tb_task **tasks;
    size_t count;
};

typedef bool tb_memory_want(const void *ctx, const struct tb_task *task);

struct tb_memory_found tb_memory_find_tasks(struct tb_memory_txn *txn, tb_memory_want *want,
                                            const void *ctx);

enum tb_err tb_memory_visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                       tb_visit_id *visit, void *ctx);
enum tb_err tb_memory_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);
enum tb_err tb_memory_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                                  tb_visit_task *visit, void *ctx, struct tb_query_end *end);

#endif

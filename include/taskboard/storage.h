/* The storage engines' one interface: a unit of work at the level of the domain.
 *
 * A store keeps tasks with their notes, artifacts and ended attempts, VMs, credentials, the event
 * log, the answers given to idempotency keys, the pauses and one head record. Indexes are the
 * engine's own business, and so is what they count: tasks by tag, by assignee and by VM, and which
 * change touched them last. Engines know no rules: they keep what they are given, exactly, and find
 * it again.
 *
 * - Threads: a store may be used by many threads; a transaction and a reader belong to one thread
 *   at a time. At most one write transaction is open at any moment (the committer's).
 * - Memory: what a read returns is borrowed: it lives until the transaction ends, except in a visit
 *   callback, where it lives until the callback returns. What is given to a put is copied.
 * - Errors: TB_E_ABSENT: no such record; not a failure. Every other error of a write transaction is
 *   sticky: later calls return it and do nothing, and commit aborts and returns it. So a rule may
 *   check at its end only. TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN, TB_E_STORAGE_FAILED (the disk
 *   failed in a commit: that one is there after the next open or it is not, and until then every
 *   write gets the same error, while reads go on), TB_E_STORAGE_CORRUPT, TB_E_CONFLICT (run the
 *   batch again), and of a commit TB_E_UNKNOWN_OUTCOME (remote engines only): the whole of it has
 *   happened, or nothing; the head that the next transaction begins with tells which.
 */
#ifndef TASKBOARD_STORAGE_H
#define TASKBOARD_STORAGE_H

#include "base/arena.h"
#include "taskboard/credential.h"
#include "taskboard/err.h"
#include "taskboard/task.h"
#include "taskboard/vm.h"

struct tb_store;
struct tb_reader;
struct tb_txn;

/* --- opening --- */

struct tb_store_options {
    const char *url; /* a folder (LMDB), "lmdb:DIR", or "memory:" */
    uint64_t
        map_bytes; /* LMDB: the most the store may ever grow to; 0: the default (1 TiB, sparse) */
    unsigned readers_max; /* most tb_readers at once */
    bool create;          /* make the folder and the store when missing */
    bool read_only;       /* for tb_store_verify: nothing in the folder is changed */
};

/* Opens the store. On failure returns an error and writes one sentence for a person into `why`
 * (NUL-terminated, cut to fit). Refuses a folder that another process has open, that cannot be
 * written, or whose format is newer than this program. */
TB_MUST_CHECK enum tb_err tb_store_open(const struct tb_store_options *options,
                                        struct tb_store **store, char *why, size_t why_size);

/* All transactions and readers must have ended. NULL is accepted; the caller's pointer is set to
 * NULL. */
void tb_store_close(struct tb_store **store);

/* --- the check of a whole store --- */

/* Is told of one fault: a sentence for a person, without a full stop. */
typedef void tb_report_fault(void *ctx, const char *fault);

/* What a check has met. */
struct tb_store_tally {
    uint64_t tasks;
    uint64_t events;
    uint64_t vms;
    uint64_t answers;
    uint64_t entries; /* of indexes */
};

/* Walks everything that the engine keeps and compares it with itself: records, the log, what the
 * engine counts and its indexes in both directions. It relies on nothing that makes reading fast
 * and tells of every fault, but of what follows from one only once. What the rules demand is not
 * its business: see tb_board_verify. TB_OK also when faults were reported; else the check could not
 * be ended. Writes nothing; not while a write transaction is open. */
TB_MUST_CHECK enum tb_err tb_store_verify(struct tb_store *store, tb_report_fault *report,
                                          void *ctx, struct tb_store_tally *tally);

/* --- copies --- */

/* Takes the next bytes of a copy. False: it wants no more. */
typedef bool tb_write_bytes(void *ctx, const void *bytes, size_t len);

/* Hands the whole store to `write`, as one file without free pages, as of one moment, while others
 * read and write. What `write` waits for keeps the space of everything deleted meanwhile from being
 * used again. Any thread; `write` is called on it. TB_OK: all of it was written; every error means
 * that what was written is not a whole copy. The memory engine has nothing to copy:
 * TB_E_STORAGE_DOWN. */
TB_MUST_CHECK enum tb_err tb_store_copy(struct tb_store *store, tb_write_bytes *write, void *ctx);

struct tb_restore {
    const char *url; /* of a store to be: its folder is absent or empty */
    int from_fd;     /* a copy, read to its end */
    /* Judges, and may change, the store that the copy is, in a folder where nobody else looks; it
     * must have closed it again. False, with a sentence in `why`: it is not wanted. */
    bool (*judge)(void *ctx, const char *folder, char *why, size_t why_size);
    void *ctx;
};

/* Makes a store of a copy, durably: the whole of it or none, whatever happens meanwhile. One
 * sentence in `why` on failure. */
TB_MUST_CHECK enum tb_err tb_store_restore(const struct tb_restore *restore, char *why,
                                           size_t why_size);

/* --- units of work --- */

/* Starts the write transaction. `arena` is borrowed for its whole life and holds what reads return.
 */
TB_MUST_CHECK enum tb_err tb_write_begin(struct tb_store *store, struct tb_arena *arena,
                                         struct tb_txn **txn);

/* Makes everything durable, or nothing of it. The transaction is gone in either case. */
TB_MUST_CHECK enum tb_err tb_write_commit(struct tb_txn **txn);
void tb_write_abort(struct tb_txn **txn);

/* A thread's right to read: one reader has at most one snapshot open at a time. */
TB_MUST_CHECK enum tb_err tb_reader_new(struct tb_store *store, struct tb_reader **reader);
void tb_reader_free(struct tb_reader **reader);

/* Opens a snapshot. Never waits for the writer. `arena` as above. */
TB_MUST_CHECK enum tb_err tb_read_begin(struct tb_reader *reader, struct tb_arena *arena,
                                        struct tb_txn **txn);
void tb_read_end(struct tb_txn **txn);

/* Lets reads from now on put what they return into `arena`, and gives back the one used so far: a
 * walk over many records keeps its memory bounded with a scratch arena that it resets. Engines
 * therefore keep nothing of their own in it. */
struct tb_arena *tb_txn_swap_arena(struct tb_txn *txn, struct tb_arena *arena);

/* The sticky error so far. */
enum tb_err tb_txn_error(const struct tb_txn *txn);

/* The head as this transaction sees it. In a write transaction the caller changes it in place and
 * commit stores it. A new store has seq 0, oldest_seq 1, a random store_id and zeros. Never NULL.
 */
struct tb_head *tb_txn_head(struct tb_txn *txn);

/* How much room the store takes, and what keeps it from using some again. */
struct tb_store_stats {
    uint64_t used_bytes;    /* of the file, by what is stored */
    uint64_t free_bytes;    /* of the file: to be used again once no old snapshot needs it */
    uint64_t limit_bytes;   /* of the file; 0: the engine has none, and counts no bytes */
    bool has_room;          /* a new task is taken, and the disk is not full */
    bool room_is_scarce;    /* a large one may not find enough */
    uint64_t snapshots;     /* that are open */
    uint64_t oldest_behind; /* commits since the oldest of them was opened */
};

/* As the snapshot or the write transaction sees it, and as nearly as can be told without waiting for
 * anybody: constant cost, however much is stored. The snapshot itself is counted. */
TB_MUST_CHECK enum tb_err tb_store_stats(struct tb_txn *txn, struct tb_store_stats *stats);

/* --- tasks --- */

/* The task comes rendered (see task.h). */
TB_MUST_CHECK enum tb_err tb_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task);

/* This and tb_delete_task raise head.changes and note it in head.state_changes, for the states
 * before and after, and for the names of both. */
/* Stores `task`, which must be rendered, in the place of `old` (as read in this transaction), or as
 * a new one when `old` is NULL. */
enum tb_err tb_put_task(struct tb_txn *txn, const struct tb_task *old, const struct tb_task *task);

/* Removes the task, its notes, artifacts, attempts and index entries; its events stay. */
enum tb_err tb_delete_task(struct tb_txn *txn, const struct tb_task *old);

/* The task, not done, that has that uniqueKey (text), or TB_E_ABSENT. */
TB_MUST_CHECK enum tb_err tb_find_unique(struct tb_txn *txn, struct tb_str unique_key,
                                         struct tb_id *id);

enum tb_visit { TB_VISIT_NEXT, TB_VISIT_STOP };

typedef enum tb_visit tb_visit_id(void *ctx, struct tb_id id);
typedef enum tb_visit tb_visit_task(void *ctx, const struct tb_task *task);
typedef enum tb_visit tb_visit_json(void *ctx, struct tb_id id, struct tb_str wire);
typedef enum tb_visit tb_visit_event(void *ctx, const struct tb_event *event);

/* Tasks, done or not, that name `dependency` (text) among their dependencies, in id order. The
 * callback must not write. */
enum tb_err tb_visit_dependents(struct tb_txn *txn, struct tb_str dependency, tb_visit_id *visit,
                                void *ctx);

/* The task with the earliest due_ms that is not 0 (TB_E_ABSENT: none has one). */
TB_MUST_CHECK enum tb_err tb_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);

/* --- notes and artifacts --- */

/* `wire` is the note's JSON; notes of a task come back in id order. */
enum tb_err tb_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                        struct tb_str wire);
enum tb_err tb_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                           void *ctx);

/* `number` counts the task's artifacts from 0; they come back in that order (the visitor's id is
 * all zero). */
enum tb_err tb_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                            struct tb_str wire);
enum tb_err tb_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                               void *ctx);

/* --- attempts --- */

/* Stores the attempt, which must be rendered, under its number; replaces one that is there. */
enum tb_err tb_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                           const struct tb_attempt *attempt);
TB_MUST_CHECK enum tb_err tb_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                         struct tb_attempt *attempt);

/* An attempt that is not there is not an error. */
enum tb_err tb_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number);

typedef enum tb_visit tb_visit_attempt(void *ctx, const struct tb_attempt *attempt);

/* In the order of their numbers. */
enum tb_err tb_visit_attempts(struct tb_txn *txn, struct tb_id task_id, tb_visit_attempt *visit,
                              void *ctx);

/* --- the claim order --- */

/* Which of the tasks in state READY a claim may have. Texts. */
struct tb_ready_query {
    struct tb_str agent;       /* tasks assigned to nobody or to it */
    const struct tb_str *tags; /* all of them */
    size_t tag_count;
    const struct tb_str *any_tags; /* at least one of them; none given: no condition */
    size_t any_tag_count;
    const struct tb_str *without_tags; /* none of them */
    size_t without_tag_count;
};

/* Hands them to `visit`, least rank_ms first, then oldest id. The callback must not write. Costs
 * what the shortest of the lists of `tags` costs, and nothing for what was claimed before. */
enum tb_err tb_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                           tb_visit_task *visit, void *ctx);

/* The least ready_ms of the tasks in state READY (TB_E_ABSENT: there is none). */
TB_MUST_CHECK enum tb_err tb_oldest_ready(struct tb_txn *txn, int64_t *ready_ms);

/* --- names: what the engine counts --- */

/* VM: of the tasks that a claim with that vmId holds. */
enum tb_name_kind { TB_NAME_TAG, TB_NAME_ASSIGNEE, TB_NAME_VM, TB_NAME_KIND_COUNT };

struct tb_name_count {
    uint64_t tasks;   /* not done */
    uint64_t ready;   /* in state READY */
    uint64_t changed; /* head.changes when a task last had, got or lost that name, or changed while
                       * it had it; done ones count here */
};

/* TB_E_ABSENT: no task that is not done has the name. Changes of done tasks may have been forgotten
 * then, so that nobody knows when it was last touched. */
TB_MUST_CHECK enum tb_err tb_get_name(struct tb_txn *txn, enum tb_name_kind kind,
                                      struct tb_str name, struct tb_name_count *count);

typedef enum tb_visit tb_visit_name(void *ctx, struct tb_str name,
                                    const struct tb_name_count *count);

/* The `max` names with the most tasks, most first, then by name. Where more than a few hundred
 * share about the same number, those at the end are any of them. */
enum tb_err tb_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                           tb_visit_name *visit, void *ctx);

/* --- VMs --- */

/* By id (text). */
TB_MUST_CHECK enum tb_err tb_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);

/* Stores `vm`, which must be rendered, in the place of `old` (as read in this transaction; the same
 * number and id), or as a new one when `old` is NULL. Its sign of life is stored with it. Raises
 * head.changes and sets head.vm_changes, as does tb_delete_vm; the counts of VMs are the rules'. */
enum tb_err tb_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);

/* Stores nothing but another seen_ms: cheap, and no change. */
enum tb_err tb_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms);
enum tb_err tb_delete_vm(struct tb_txn *txn, const struct tb_vm *old);

typedef enum tb_visit tb_visit_vm(void *ctx, const struct tb_vm *vm);

/* All of them by number: earliest registration first, or latest first. The callback must not
 * write. */
enum tb_err tb_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx);

/* The VM with the earliest due_ms that is not 0 (TB_E_ABSENT: none has one). */
TB_MUST_CHECK enum tb_err tb_next_due_vm(struct tb_txn *txn, struct tb_vm *vm);

/* Tasks that a claim with that vmId (text) holds, in id order. The callback must not write. */
enum tb_err tb_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                              void *ctx);

/* --- credentials --- */

TB_MUST_CHECK enum tb_err tb_get_credential(struct tb_txn *txn, struct tb_id id,
                                            struct tb_credential *credential);

/* Stores a new credential, which must be rendered. This and tb_delete_credential raise
 * head.credential_changes. */
enum tb_err tb_put_credential(struct tb_txn *txn, const struct tb_credential *credential);

/* It must have been read in this transaction. */
enum tb_err tb_delete_credential(struct tb_txn *txn, struct tb_id id);

typedef enum tb_visit tb_visit_credential(void *ctx, const struct tb_credential *credential);

/* All of them, in id order. The callback must not write. */
enum tb_err tb_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx);

/* --- pauses --- */

/* One JSON value, kept as it is (TB_E_ABSENT: none was stored). */
TB_MUST_CHECK enum tb_err tb_get_pauses(struct tb_txn *txn, struct tb_str *json);
enum tb_err tb_put_pauses(struct tb_txn *txn, struct tb_str json);

/* --- answers to idempotency keys --- */

struct tb_answer {
    uint8_t key[TB_DIGEST_BYTES];
    uint8_t fingerprint[TB_DIGEST_BYTES];
    int64_t at_ms;
    int32_t http_status;
    uint16_t share;   /* whose it is: what is kept of each is counted; 0: nobody's, not counted */
    uint64_t version; /* as in tb_reply */
    uint64_t seq;
    struct tb_str body;
};

/* What is kept of one share. */
struct tb_answer_share {
    uint64_t answers;
    uint64_t bytes; /* of their bodies */
};

TB_MUST_CHECK enum tb_err tb_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                                        struct tb_answer *answer);

/* All zero where there are none. */
TB_MUST_CHECK enum tb_err tb_get_answer_share(struct tb_txn *txn, uint16_t share,
                                              struct tb_answer_share *kept);

/* `at_ms` never falls from one to the next; the key must be new. Counts it in head.answers,
 * head.answer_bytes and its share. */
enum tb_err tb_put_answer(struct tb_txn *txn, const struct tb_answer *answer);

/* Removes the oldest answers given before that instant, at most `max`, and counts them out. Costs
 * next to nothing when there is none. */
enum tb_err tb_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max);

/* --- the event log --- */

/* `event` must be rendered and its seq be the head's seq + 1; the caller then raises the head's. */
enum tb_err tb_append_event(struct tb_txn *txn, const struct tb_event *event);

/* Events with seq > since, ascending. With a task id (not all zero) only that task's, through an
 * index. */
enum tb_err tb_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                            tb_visit_event *visit, void *ctx);

/* Events of the feed (tb_event_is_of_feed) with since < seq, of `agent` (text) or, when it is
 * absent, of all; ascending, or latest first. Through an index. */
struct tb_feed_query {
    struct tb_str agent;
    uint64_t since;
    bool latest_first;
};
enum tb_err tb_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                          tb_visit_event *visit, void *ctx);

/* The seq of the last kept event whose id is not greater than that; 0 when there is none. Ids rise
 * with the seq: whoever appends sees to it. */
enum tb_err tb_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq);

/* Removes the oldest events with seq <= `seq`, at most about `max` of them (whole commits go), with
 * their index entries, and sets head.oldest_seq. What this transaction appended stays. In a full
 * store it works in a transaction that does little else. */
enum tb_err tb_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max);

/* --- lists --- */

enum tb_order {
    TB_ORDER_CREATED, /* newest id first */
    TB_ORDER_UPDATED, /* latest updated_ms first, then newest id */
    TB_ORDER_RANK,    /* least rank_ms first, then oldest id */
};

/* Where a list goes on: just behind the task with these keys. */
struct tb_position {
    int64_t key; /* updated_ms or rank_ms; 0 for TB_ORDER_CREATED */
    struct tb_id id;
};

#define TB_STATES_ALL ((1U << TB_STATE_COUNT) - 1)

/* All conditions must hold. An absent string, a zero count or zero means no condition. */
struct tb_task_query {
    enum tb_order order;
    unsigned states;           /* set of 1 << tb_state; TB_STATES_ALL for any */
    struct tb_str assignee;    /* text */
    struct tb_str created_by;  /* text */
    struct tb_id parent_id;    /* all zero: any */
    const struct tb_str *tags; /* texts; all of them must be there */
    size_t tag_count;
    const struct tb_str *words; /* as tb_words_next() gives them; all of them */
    size_t word_count;
    const struct tb_str *without_tags; /* texts; none of them may be there */
    size_t without_tag_count;
    int64_t updated_since_ms; /* inclusive */
    bool has_after;
    struct tb_position after; /* exclusive */
    uint32_t scan_max;        /* entries to look at before giving up early; 0: without limit. At
                               * most one of each task of `states` for each further condition, and
                               * one more, count */
};

/* How a query ended. */
struct tb_query_end {
    bool more_to_scan; /* scan_max was reached: there may be matches behind `reached` */
    struct tb_position reached;
};

/* Hands matching tasks to `visit` in order until it stops, all are done, or scan_max entries were
 * looked at. The tasks are rendered. The callback must not write. With TB_ORDER_CREATED, any
 * combination of equality conditions costs no more than the shortest of their index lists. */
enum tb_err tb_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                           tb_visit_task *visit, void *ctx, struct tb_query_end *end);

#endif

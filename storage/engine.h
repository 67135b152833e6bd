/* What an engine implements. Private to storage/: everybody else calls the functions of
 * taskboard/storage.h, which dispatch.c passes on.
 *
 * An engine puts these structs first in its own. dispatch.c keeps the rule that errors of a write
 * transaction are sticky, so that no engine has to: after an error it calls the engine only to
 * abort. */
#ifndef TB_STORAGE_ENGINE_H
#define TB_STORAGE_ENGINE_H

#include "taskboard/storage.h"

struct tb_store_ops {
    void (*close)(struct tb_store *store);
    enum tb_err (*write_begin)(struct tb_store *store, struct tb_arena *arena, struct tb_txn **txn);
    enum tb_err (*write_commit)(struct tb_txn *txn); /* ends it in either case */
    void (*write_abort)(struct tb_txn *txn);
    enum tb_err (*reader_new)(struct tb_store *store, struct tb_reader **reader);
    void (*reader_free)(struct tb_reader *reader);
    enum tb_err (*read_begin)(struct tb_reader *reader, struct tb_arena *arena,
                              struct tb_txn **txn);
    void (*read_end)(struct tb_txn *txn);
    struct tb_arena *(*swap_arena)(struct tb_txn *txn, struct tb_arena *arena);
    enum tb_err (*stats)(struct tb_txn *txn, struct tb_store_stats *stats);

    enum tb_err (*get_task)(struct tb_txn *txn, struct tb_id id, struct tb_task *task);
    enum tb_err (*put_task)(struct tb_txn *txn, const struct tb_task *old,
                            const struct tb_task *task);
    enum tb_err (*delete_task)(struct tb_txn *txn, const struct tb_task *old);
    enum tb_err (*find_unique)(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id);
    enum tb_err (*visit_dependents)(struct tb_txn *txn, struct tb_str dependency,
                                    tb_visit_id *visit, void *ctx);
    enum tb_err (*next_due)(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);

    enum tb_err (*put_note)(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                            struct tb_str wire);
    enum tb_err (*visit_notes)(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                               void *ctx);
    enum tb_err (*put_artifact)(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                struct tb_str wire);
    enum tb_err (*visit_artifacts)(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                   void *ctx);

    enum tb_err (*put_attempt)(struct tb_txn *txn, struct tb_id task_id,
                               const struct tb_attempt *attempt);
    enum tb_err (*get_attempt)(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                               struct tb_attempt *attempt);
    enum tb_err (*delete_attempt)(struct tb_txn *txn, struct tb_id task_id, uint32_t number);
    enum tb_err (*visit_attempts)(struct tb_txn *txn, struct tb_id task_id, tb_visit_attempt *visit,
                                  void *ctx);

    enum tb_err (*visit_ready)(struct tb_txn *txn, const struct tb_ready_query *query,
                               tb_visit_task *visit, void *ctx);
    enum tb_err (*oldest_ready)(struct tb_txn *txn, int64_t *ready_ms);
    enum tb_err (*get_name)(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                            struct tb_name_count *count);
    enum tb_err (*visit_names)(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                               tb_visit_name *visit, void *ctx);

    enum tb_err (*get_vm)(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);
    enum tb_err (*put_vm)(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);
    enum tb_err (*see_vm)(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms);
    enum tb_err (*delete_vm)(struct tb_txn *txn, const struct tb_vm *old);
    enum tb_err (*visit_vms)(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx);
    enum tb_err (*next_due_vm)(struct tb_txn *txn, struct tb_vm *vm);
    enum tb_err (*visit_vm_tasks)(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                  void *ctx);

    enum tb_err (*get_credential)(struct tb_txn *txn, struct tb_id id,
                                  struct tb_credential *credential);
    enum tb_err (*put_credential)(struct tb_txn *txn, const struct tb_credential *credential);
    enum tb_err (*delete_credential)(struct tb_txn *txn, struct tb_id id);
    enum tb_err (*visit_credentials)(struct tb_txn *txn, tb_visit_credential *visit, void *ctx);

    enum tb_err (*get_pauses)(struct tb_txn *txn, struct tb_str *json);
    enum tb_err (*put_pauses)(struct tb_txn *txn, struct tb_str json);

    enum tb_err (*get_answer)(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                              struct tb_answer *answer);
    enum tb_err (*get_answer_share)(struct tb_txn *txn, uint16_t share,
                                    struct tb_answer_share *kept);
    enum tb_err (*put_answer)(struct tb_txn *txn, const struct tb_answer *answer);
    enum tb_err (*drop_answers)(struct tb_txn *txn, int64_t before_ms, uint32_t max);

    enum tb_err (*append_event)(struct tb_txn *txn, const struct tb_event *event);
    enum tb_err (*visit_events)(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                tb_visit_event *visit, void *ctx);
    enum tb_err (*visit_feed)(struct tb_txn *txn, const struct tb_feed_query *query,
                              tb_visit_event *visit, void *ctx);
    enum tb_err (*find_event)(struct tb_txn *txn, struct tb_id id, uint64_t *seq);
    enum tb_err (*drop_events)(struct tb_txn *txn, uint64_t seq, uint32_t max);
    enum tb_err (*visit_tasks)(struct tb_txn *txn, const struct tb_task_query *query,
                               tb_visit_task *visit, void *ctx, struct tb_query_end *end);
    enum tb_err (*verify)(struct tb_store *store, tb_report_fault *report, void *ctx,
                          struct tb_store_tally *tally);
    enum tb_err (*copy)(struct tb_store *store, tb_write_bytes *write, void *ctx);
};

struct tb_store {
    const struct tb_store_ops *ops;
};

struct tb_reader {
    const struct tb_store_ops *ops;
};

struct tb_txn {
    const struct tb_store_ops *ops;
    struct tb_head *head; /* owned by the engine */
    bool writable;
    enum tb_err err; /* sticky; kept by dispatch.c */
};

/* --- head.c --- */

/* The head of a new store: with an id and a key of its own. False: the system has no random numbers
 * (errno says why). */
bool tb_head_init(struct tb_head *head);

/* Counts a change of a task; either may be NULL. Engines do so before they note the change in what
 * they count by name. */
void tb_head_note_change(struct tb_head *head, const struct tb_task *old,
                         const struct tb_task *task);

/* The id of the VM whose claim holds the task; absent: of none. */
static inline struct tb_str tb_task_vm(const struct tb_task *task)
{
    return tb_task_is_claimed(task) ? task->claim_vm : TB_STR_NONE;
}

/* Counts a VM that is registered, stored or removed. */
void tb_head_note_vm_change(struct tb_head *head);

/* Each opens one kind of store; what they answer is what tb_store_open answers. */
TB_MUST_CHECK enum tb_err tb_lmdb_open(const struct tb_store_options *options, const char *folder,
                                       struct tb_store **store, char *why, size_t why_size);
TB_MUST_CHECK enum tb_err tb_memory_open(struct tb_store **store);

/* What tb_store_restore answers. */
TB_MUST_CHECK enum tb_err tb_lmdb_restore(const struct tb_restore *restore, const char *folder,
                                          char *why, size_t why_size);

#endif

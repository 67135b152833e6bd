/* Private to storage/fault/: a store that fails when it is told to, and else passes every call on.
 *
 * Files: fault.c the store, its transactions, and what a test tells it; tasks.c, lists.c, fleet.c and
 * log.c the calls within a transaction, each of which is counted and passed on. */
#ifndef TB_FAULT_FAULT_H
#define TB_FAULT_FAULT_H

#include "engine.h"

/* --- fault.c --- */

/* Counts a call within a transaction; an error: it fails. */
enum tb_err tb_fault_within(struct tb_txn *txn);

/* The transaction of the store within. */
struct tb_txn *tb_fault_inner(struct tb_txn *txn);

/* What the test wants to be said of room. */
void tb_fault_tell_room(struct tb_txn *txn, struct tb_store_stats *stats);

/* --- tasks.c --- */

enum tb_err tb_fault_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task);
enum tb_err tb_fault_put_task(struct tb_txn *txn, const struct tb_task *old,
                              const struct tb_task *task);
enum tb_err tb_fault_delete_task(struct tb_txn *txn, const struct tb_task *old);
enum tb_err tb_fault_find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id);
enum tb_err tb_fault_visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                      tb_visit_id *visit, void *ctx);
enum tb_err tb_fault_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);
enum tb_err tb_fault_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                              struct tb_str wire);
enum tb_err tb_fault_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                 void *ctx);
enum tb_err tb_fault_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                  struct tb_str wire);
enum tb_err tb_fault_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                     void *ctx);
enum tb_err tb_fault_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                                 const struct tb_attempt *attempt);
enum tb_err tb_fault_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                 struct tb_attempt *attempt);
enum tb_err tb_fault_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number);
enum tb_err tb_fault_visit_attempts(struct tb_txn *txn, struct tb_id task_id,
                                    tb_visit_attempt *visit, void *ctx);

/* --- lists.c --- */

enum tb_err tb_fault_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                                 tb_visit_task *visit, void *ctx, struct tb_query_end *end);
enum tb_err tb_fault_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                                 tb_visit_task *visit, void *ctx);
enum tb_err tb_fault_oldest_ready(struct tb_txn *txn, int64_t *ready_ms);
enum tb_err tb_fault_get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                              struct tb_name_count *count);
enum tb_err tb_fault_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                                 tb_visit_name *visit, void *ctx);
enum tb_err tb_fault_stats(struct tb_txn *txn, struct tb_store_stats *out);

/* --- fleet.c --- */

enum tb_err tb_fault_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);
enum tb_err tb_fault_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);
enum tb_err tb_fault_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms);
enum tb_err tb_fault_delete_vm(struct tb_txn *txn, const struct tb_vm *old);
enum tb_err tb_fault_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit,
                               void *ctx);
enum tb_err tb_fault_next_due_vm(struct tb_txn *txn, struct tb_vm *vm);
enum tb_err tb_fault_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                    void *ctx);
enum tb_err tb_fault_get_credential(struct tb_txn *txn, struct tb_id id,
                                    struct tb_credential *credential);
enum tb_err tb_fault_put_credential(struct tb_txn *txn, const struct tb_credential *credential);
enum tb_err tb_fault_delete_credential(struct tb_txn *txn, struct tb_id id);
enum tb_err tb_fault_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx);
enum tb_err tb_fault_get_pauses(struct tb_txn *txn, struct tb_str *json);
enum tb_err tb_fault_put_pauses(struct tb_txn *txn, struct tb_str json);

/* --- log.c --- */

enum tb_err tb_fault_append_event(struct tb_txn *txn, const struct tb_event *event);
enum tb_err tb_fault_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                  tb_visit_event *visit, void *ctx);
enum tb_err tb_fault_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                                tb_visit_event *visit, void *ctx);
enum tb_err tb_fault_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq);
enum tb_err tb_fault_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max);
enum tb_err tb_fault_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                                struct tb_answer *answer);
enum tb_err tb_fault_get_answer_share(struct tb_txn *txn, uint16_t share,
                                      struct tb_answer_share *kept);
enum tb_err tb_fault_put_answer(struct tb_txn *txn, const struct tb_answer *answer);
enum tb_err tb_fault_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max);

#endif

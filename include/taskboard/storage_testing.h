/* Engines that only tests use. */
#ifndef TASKBOARD_STORAGE_TESTING_H
#define TASKBOARD_STORAGE_TESTING_H

#include "taskboard/storage.h"

/* A fault engine: passes every call on to `inner` (which it then owns) but makes chosen ones fail.
 */
TB_MUST_CHECK enum tb_err tb_fault_wrap(struct tb_store *inner, struct tb_store **store);

/* From now on the `nth` fallible call on the store (1: the very next; begin, get, put, visit,
 * commit … all count) fails with `err`. Once: only that call; the calls after it work again (in a
 * new transaction: the error is sticky in its own). Until told otherwise: every call from the nth
 * on fails. nth 0 switches faults off. */
void tb_fault_set(struct tb_store *store, uint64_t nth, enum tb_err err, bool once);

/* Fallible calls made since the last tb_fault_set. */
uint64_t tb_fault_calls(const struct tb_store *store);

#endif

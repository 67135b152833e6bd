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

/* What becomes of one fallible call: its answer, and whether the call happens all the same. Of a
 * commit any combination can be: one that happened and says UNKNOWN_OUTCOME, one that was dropped
 * and says TB_OK. Other calls happen when `err` is TB_OK. */
struct tb_fate {
    enum tb_err err;
    bool happens;
};

enum tb_fault_call { TB_FAULT_BEGIN, TB_FAULT_WITHIN, TB_FAULT_COMMIT };

/* Asked before each fallible call that tb_fault_set lets pass; of readers' calls, too. */
typedef struct tb_fate tb_fault_decide(void *ctx, enum tb_fault_call call);

/* From now on `decide` rules; NULL: nobody does. Only while no other thread uses the store. */
void tb_fault_ask(struct tb_store *store, tb_fault_decide *decide, void *ctx);

/* What tb_store_stats says of room from now on; at first, what the store within says. Any thread. */
enum tb_fault_room { TB_FAULT_ROOM_AS_IS, TB_FAULT_ROOM_SCARCE, TB_FAULT_ROOM_NONE };

void tb_fault_room(struct tb_store *store, enum tb_fault_room room);

#endif

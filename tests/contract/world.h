/* A store to test, whatever its engine, and tasks and events to put into it. */
#ifndef TB_TESTS_WORLD_H
#define TB_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "taskboard/storage.h"
#include "taskboard/storage_testing.h"

enum engine {
    ENGINE_MEMORY,
    ENGINE_LMDB,
    ENGINE_FAULT_ON_MEMORY, /* a fault engine that is told of no fault */
    ENGINE_FAULT_ON_LMDB,
    ENGINE_COUNT,
};

struct world {
    enum engine engine;
    struct tb_store *store;
    struct tb_reader *reader;
    struct tb_arena *arena; /* for drafts and transactions; freed with the world */
    struct tb_ulid_source ids;
    uint64_t random;
    int64_t now_ms;
    char folder[64];    /* of an LMDB store */
    uint64_t map_bytes; /* of that, likewise */
    bool damaged;       /* on purpose: not to be checked at the end */
};

const char *engine_name(enum engine engine);

/* Opens an empty store (LMDB: in a new folder, removed by world_close). Two worlds with the same
 * seed make the same ids. */
struct world *world_open(enum engine engine, uint64_t seed);

/* LMDB that may grow to so many bytes only. */
struct world *world_open_small(uint64_t map_bytes);

/* Checks the whole store (tb_store_verify) and closes it. */
void world_close(struct world *world);

/* Fails when the check finds a fault. */
void expect_sound(struct world *world);

/* Closes the store and opens it again. */
void world_reopen(struct world *world);

/* A new folder under /tmp, and the removal of one with all that is in it. */
void folder_make(char folder[64]);
void folder_remove(const char *folder);

/* A number below `bound` (at least 1) from the world's own sequence. */
uint64_t pick(struct world *world, uint64_t bound);

struct tb_id new_id(struct world *world);

/* --- transactions; whatever fails ends the test --- */

struct tb_txn *begin(struct world *world);
void commit(struct tb_txn **txn);
struct tb_txn *snapshot(struct world *world);

/* --- tasks: plain structs to be changed at will, then rendered and put --- */

struct tb_task draft(struct world *world, const char *title);
struct tb_str text(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts a new task, and its event into the log. */
void create(struct world *world, struct tb_txn *txn, struct tb_task *task);

/* The same in a transaction of its own; returns the id. */
struct tb_id created(struct world *world, struct tb_task task);

/* Replaces what is stored by `task`. */
void replace(struct world *world, struct tb_txn *txn, struct tb_task *task);
void remove_task(struct world *world, struct tb_txn *txn, struct tb_id id);
void log_event(struct world *world, struct tb_txn *txn, enum tb_event_type type,
               const struct tb_task *task);

/* Appends what the agent (text) publishes to the feed; returns its seq. */
uint64_t publish(struct world *world, struct tb_txn *txn, enum tb_event_type type,
                 struct tb_str agent);

/* The stored task; it must be there. */
struct tb_task stored(struct tb_txn *txn, struct tb_id id);

/* --- VMs: likewise --- */

struct tb_vm draft_vm(struct world *world, struct tb_str id);
void put_vm(struct world *world, struct tb_txn *txn, const struct tb_vm *old, struct tb_vm *vm);
struct tb_vm stored_vm(struct tb_txn *txn, struct tb_str id);

/* --- credentials --- */

struct tb_credential draft_credential(struct world *world, struct tb_str name);
void put_credential(struct world *world, struct tb_txn *txn, struct tb_credential *credential);

/* --- lists --- */

struct page {
    size_t count;
    size_t max; /* stop at so many */
    struct tb_id ids[20000];
    struct tb_position last; /* of the task visited last */
    enum tb_order order;
    struct tb_query_end end;
};

/* Runs the query and remembers what it visits. The page is malloced; to be freed by the caller. */
struct page *list(struct tb_txn *txn, const struct tb_task_query *query, size_t max);

/* Expects that the query, in one go and in pages of every size, gives exactly those. */
void expect_list(struct tb_txn *txn, struct tb_task_query query, const struct tb_id *ids,
                 size_t count);

void assert_same_id(struct tb_id a, struct tb_id b);
void assert_same_str(struct tb_str a, struct tb_str b);
void assert_same_task(const struct tb_task *a, const struct tb_task *b);
void assert_same_attempt(const struct tb_attempt *a, const struct tb_attempt *b);
void assert_same_vm(const struct tb_vm *a, const struct tb_vm *b);
void assert_same_credential(const struct tb_credential *a, const struct tb_credential *b);
void assert_same_event(const struct tb_event *a, const struct tb_event *b);
void assert_same_answer(const struct tb_answer *a, const struct tb_answer *b);

/* The tasks that a query of the claim order gives, at most `max`, as a page. To be freed. */
struct page *ready_list(struct tb_txn *txn, const struct tb_ready_query *query, size_t max);

/* Everything that can be read of a store, as text: equal stores give equal texts. In the world's
 * arena. */
struct tb_str dump(struct world *world, struct tb_txn *txn);

/* The same of what is committed. */
struct tb_str dump_now(struct world *world);

#endif

/* A store of the memory engine and one of LMDB that are told the same, chosen at random. */
#ifndef TB_TESTS_TWIN_H
#define TB_TESTS_TWIN_H

#include "world.h"

enum { KNOWN_MAX = 20000 };

/* Two stores that are told the same. The memory one's world makes all random choices. */
struct twin {
    struct world *memory;
    struct world *lmdb;
    struct tb_txn *m;
    struct tb_txn *l;
    struct tb_id known[KNOWN_MAX]; /* ids of tasks that were put, some of them deleted */
    size_t known_count;
    uint64_t pages; /* compared so far */
};

struct twin *twin_open(uint64_t seed);
void twin_close(struct twin *twin);

/* --- choosing --- */

uint64_t choose(struct twin *twin, uint64_t bound);
bool chance(struct twin *twin, unsigned percent);

#define ONE_OF(twin, array) (array)[choose((twin), sizeof(array) / sizeof *(array))]

struct tb_str some_name(struct twin *twin);
struct tb_str some_text(struct twin *twin, uint64_t word_count);
void remember_known(struct twin *twin, struct tb_id id);
struct tb_id some_known(struct twin *twin);
struct tb_task random_task(struct twin *twin);

/* --- the same to both --- */

void begin_both(struct twin *twin);

/* Commits; one in five aborts. */
void end_both(struct twin *twin);
void snapshot_both(struct twin *twin);
void end_snapshot_both(struct twin *twin);

/* False: there is no such task (any more). */
bool get_both(struct twin *twin, struct tb_id id, struct tb_task *m, struct tb_task *l);

void create_both(struct twin *twin);
void change_both(struct twin *twin);
void put_both(struct twin *twin, const struct tb_task *m, const struct tb_task *l,
              struct tb_task *task);

/* Creates, changes, deletes a task, or attaches something. */
void change_something(struct twin *twin, unsigned create_percent);

#endif

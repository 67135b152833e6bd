/* What is counted by name: for each tag, each assignee and each VM the tasks that are not done,
 * those that are ready, and when something last changed.
 *
 *   NAME        runs     kind u8, name | changed u64, tasks u64, ready u64, number u64
 *   NAME_ORDER  B-tree   kind u8, ~size u16, number u64, hash of the name (16 bytes) → name
 *
 * NAME      A commit that changes a count drops the entry and puts another one, so it writes no
 *           place but its run. `changed` only grows: the entry that is there is the last one of its
 *           name, and a search for it passes nothing. (Of one name a run has at most one put and
 *           one drop, because a merge cancels what lies between.) A long name shows its hash only,
 *           as in all keys; two names with the same hash would be counted as one.
 * NAME_ORDER  finds the largest names. `size` is the number of tasks, rounded down to three bits
 *           behind the first one, and below 16 even more, so that the entry changes rarely.
 * `number` makes new entries of one commit stand side by side; NAME knows it.
 *
 * In memory stands what the write transaction has changed, which its commit writes, and, from one
 * transaction to the next, what was last looked at: only the committer changes it. */
#ifndef TB_LMDB_NAMES_H
#define TB_LMDB_NAMES_H

#include "lmdb/lmdb.h"

struct tb_names;

struct tb_names *tb_names_new(void);
void tb_names_free(struct tb_names *names);

/* Counts the names of `old` out and those of `task` in; either may be NULL. head.changes is the
 * number of this change already. */
int tb_names_change(struct tb_lmdb_txn *txn, const struct tb_task *old, const struct tb_task *task);

/* Writes what has changed. */
int tb_names_flush(struct tb_lmdb_txn *txn);

/* The transaction has ended. */
void tb_names_end(struct tb_names *names, bool committed);

/* --- what the check needs to know of it --- */

/* Behind the name in an entry of NAME: changed, tasks, ready, number, each u64. */
#define TB_NAMES_ENTRY_BYTES 32

/* What an entry of NAME begins with. */
void tb_names_start_key(struct tb_key *key, enum tb_name_kind kind, struct tb_str name);

/* The size that NAME_ORDER sorts by; tasks > 0. */
uint16_t tb_names_size(uint64_t tasks);

/* Each name of a task once, till one of the calls does not answer 0. */
typedef int tb_each_name(void *ctx, enum tb_name_kind kind, struct tb_str name);
int tb_names_of_task(const struct tb_task *task, tb_each_name *each, void *ctx);

/* --- for names_largest.c --- */

struct tb_name_row;
struct tb_name_entry;

/* The entry of the name in a list of the NAME entries of its kind, as stored; tasks 0: there is
 * none. */
int tb_names_seek(struct tb_run_list *list, enum tb_name_kind kind, struct tb_str name,
                  struct tb_name_entry *entry);

/* Whether the write transaction has changed it; the `i`th one that it has, or NULL. */
bool tb_names_has_changed(struct tb_names *names, enum tb_name_kind kind, struct tb_str name);
const struct tb_name_row *tb_names_changed(struct tb_names *names, size_t i);

/* --- names_table.c: a hash table of what is counted --- */

/* As it is stored; tasks 0: it is not. */
struct tb_name_entry {
    struct tb_name_count count;
    uint64_t number; /* of its entry in NAME_ORDER */
};

struct tb_name_row {
    enum tb_name_kind kind;
    struct tb_str name;
    uint8_t hash[16];
    size_t index; /* its place in the table */
    bool changed;
    struct tb_name_entry stored;
    struct tb_name_entry now;
};

struct tb_name_table;

/* What names are told apart by. */
void tb_name_hash(enum tb_name_kind kind, struct tb_str name, uint8_t hash[16]);

struct tb_name_table *tb_name_table_new(void);
void tb_name_table_free(struct tb_name_table *table);
size_t tb_name_table_count(const struct tb_name_table *table);
void tb_name_table_clear(struct tb_name_table *table);

/* The row of the name; a new one, all zero but for its name, when there is none: `*is_new`. It
 * lives until the next call. */
struct tb_name_row *tb_name_table_get(struct tb_name_table *table, enum tb_name_kind kind,
                                      struct tb_str name, bool *is_new);

/* Or NULL. */
struct tb_name_row *tb_name_table_find(struct tb_name_table *table, enum tb_name_kind kind,
                                       struct tb_str name);

struct tb_name_row *tb_name_table_row(struct tb_name_table *table, size_t i);

#endif

/* The claim order: for each assignee, and each tag of that assignee's tasks, a list of the tasks in
 * state READY.
 *
 *   READY | hash of assignee and tag (16 bytes) | rank_ms | id
 *
 * A ready task stands in the list of its assignee ("" for nobody) without a tag, and in one for
 * each of its tags. Hashes may collide, so whoever reads such an entry compares with the record. */
#ifndef TB_LMDB_READY_H
#define TB_LMDB_READY_H

#include "lmdb/list.h"

/* The prefix of a list. An absent assignee counts as an empty one; an absent tag: all tasks. */
void tb_ready_prefix(struct tb_key *key, struct tb_str assignee, struct tb_str tag);

/* --- ready_index.c --- */

/* Turns the entries of `old` into those of `task`; either may be NULL. */
int tb_ready_index_change(struct tb_lmdb_txn *txn, const struct tb_task *old,
                          const struct tb_task *task);

/* --- ready_lists.c --- */

/* Several lists as one, least suffix first. */
struct tb_ready_union {
    size_t count;
    struct tb_list *lists; /* malloced */
    struct tb_list *front; /* NULL: at the end */
};

/* The tasks of one assignee that stand in every union and in none of the excluded lists. */
struct tb_ready_part {
    struct tb_lmdb_txn *txn;
    struct tb_str assignee;
    struct tb_front_conditions known_by; /* what the fronts remember where entries begin by */
    bool is_narrow;                      /* `known_by` has all conditions, not only the exclusion */
    size_t union_count;
    struct tb_ready_union *unions; /* malloced */
    struct tb_ready_union excluded;
    bool excluded_started;
    bool told;     /* the fronts know where the entries begin that meet `known_by` */
    bool on_entry; /* `at` is one */
    uint8_t at[TB_FRONT_SUFFIX_BYTES];
};

/* What makes a part. */
struct tb_ready_conditions {
    const struct tb_str *tags; /* a list each: all of them */
    size_t tag_count;
    const struct tb_str *any_tags; /* one union of their lists, when there are any */
    size_t any_tag_count;
    const struct tb_str *excluded_tags;
    size_t excluded_tag_count;
    struct tb_front_conditions known_by; /* all zero: nothing is excluded, each list is a part */
    bool is_narrow;
};

/* Goes to its first entry. To be closed also after a failure. */
int tb_ready_part_start(struct tb_lmdb_txn *txn, struct tb_str assignee,
                        const struct tb_ready_conditions *conditions, struct tb_ready_part *part);
void tb_ready_part_close(struct tb_ready_part *part);

/* From an entry to the next one. */
int tb_ready_part_next(struct tb_ready_part *part);

/* To be called at the first entry that really meets `known_by`, or at the end. */
void tb_ready_part_tell(struct tb_ready_part *part);

#endif

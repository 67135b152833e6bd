/* The marks of a task: 32 bits that stand at the end of its entries in UPDATED. Its creator, its
 * assignee, its parent and each of its tags sets two of them.
 *
 * A walk in the order `updated` that looks for one of those passes by the entries that lack its
 * marks, and need not read their records. An entry that has them may be a wrong one: the record
 * tells. */
#ifndef TB_LMDB_MARKS_H
#define TB_LMDB_MARKS_H

#include "taskboard/storage.h"

uint32_t tb_marks_of_task(const struct tb_task *task);

/* The marks that every match has. */
uint32_t tb_marks_of_query(const struct tb_task_query *ask);

#endif

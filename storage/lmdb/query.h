/* How a list is found. Private to the query files.
 *
 *   order    conditions                       way
 *   created  equality conditions, states      intersection of their lists       intersect.c
 *   created  none                             the task database, backward       intersect.c
 *   updated  states, updatedSince only        merge of the states' lists        ordered.c
 *   rank     states only                      merge of the states' lists        ordered.c
 *   updated  others, one list of them short   intersection, then sort           collect.c
 *   rank     likewise                         likewise                          collect.c
 *   any      updatedSince, few since then     those, then sort                  collect.c
 *   updated  otherwise                        merge of the states' lists,       ordered.c
 *   rank     otherwise                          each task compared              ordered.c
 *
 * Whichever way finds a task, its record is compared with the query before it is handed out: two
 * long texts may share a key. */
#ifndef TB_LMDB_QUERY_H
#define TB_LMDB_QUERY_H

#include "lmdb/list.h"

/* A list that is at most so long counts as short. */
#define TB_SHORT_LIST_MAX 10000

/* A running query. */
struct tb_query {
    struct tb_lmdb_txn *txn;
    const struct tb_task_query *ask;
    tb_visit_task *visit;
    void *ctx;
    struct tb_query_end *end;
    MDB_cursor *tasks;
    uint32_t scanned; /* entries looked at */
    bool stopped;     /* by the visitor */
};

/* Lists of the same kind, one a state, walked as one in the order of their suffixes; or just one
 * list. */
struct tb_merge {
    enum tb_list_way way;
    size_t count;
    struct tb_list lists[TB_STATE_COUNT];
    struct tb_list *front; /* the one that stands on the next entry; NULL at the end */
};

/* --- merge.c --- */

/* The lists of `index` (CREATED, UPDATED or RANK) of each state in the set. To be closed also after
 * a failure. */
int tb_merge_open_states(struct tb_lmdb_txn *txn, enum tb_index index, unsigned states,
                         enum tb_list_way way, struct tb_merge *merge);
int tb_merge_open_list(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, const struct tb_key *prefix,
                       struct tb_merge *merge);
void tb_merge_close(struct tb_merge *merge);
int tb_merge_start(struct tb_merge *merge, const uint8_t *after);
int tb_merge_next(struct tb_merge *merge);
int tb_merge_sink(struct tb_merge *merge, const uint8_t *bound);

/* --- intersect.c --- */

/* The lists of the equality conditions of a query (not of its states). */
struct tb_conditions {
    size_t count;
    struct tb_merge *lists; /* malloced, with room for one more */
};

int tb_conditions_open(struct tb_query *query, struct tb_conditions *conditions);
void tb_conditions_close(struct tb_conditions *conditions);

/* Walks the tasks that stand in all of the lists and in one of the states, newest first. */
enum tb_err tb_query_intersect(struct tb_query *query, struct tb_conditions *conditions);

/* --- ordered.c --- */

/* Walks the index of the order and filters. */
enum tb_err tb_query_ordered(struct tb_query *query);

/* The position as a suffix of the ordered indexes. */
void tb_query_suffix(struct tb_position position, uint8_t suffix[TB_SUFFIX_BYTES_MAX]);
struct tb_position tb_query_position(const uint8_t suffix[TB_SUFFIX_BYTES_MAX]);

/* --- collect.c --- */

/* Gathers all matches by the intersection, or from what was changed since, and hands them out in
 * order. */
enum tb_err tb_query_collect(struct tb_query *query, struct tb_conditions *conditions,
                             bool changed_since);

/* --- query.c --- */

/* Compares the task with the whole query and visits it when it matches. */
enum tb_err tb_query_offer(struct tb_query *query, struct tb_id id, bool words_known);

/* True when scan_max is reached: then the query ends here, to go on behind `reached`. */
bool tb_query_gives_up(struct tb_query *query, struct tb_position reached);

enum tb_err tb_query_read(struct tb_query *query, struct tb_id id, struct tb_task *task);
enum tb_err tb_query_matches(struct tb_query *query, const struct tb_task *task, bool words_known,
                             bool *matches);

#endif

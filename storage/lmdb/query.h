/* How a list is found. Private to the query files.
 *
 * There are two straight ways: each meets the tasks in an order that was asked for, and stops when
 * the visitor has enough.
 *
 *   order          way
 *   created        intersection of the conditions' lists and those of the states; without any
 *                  condition the task database, backward                            intersect.c
 *   updated, rank  merge of the states' lists, each task compared                   ordered.c
 *
 * A straight way is long when few of the tasks that it meets match. So where it has to compare, it
 * is walked in turns with one that gathers all matches, to sort and hand them out. That is long
 * when there are many matches. Whichever is through first ends the query, so that it costs little
 * more than the shorter of them (turns.c, gather.c).
 *
 *   order          conditions                      gathers
 *   created        updatedSince                    what was changed since then
 *   rank           updatedSince alone              likewise
 *   updated, rank  others than states              the intersection of their lists
 *
 * Whichever way finds a task, its record is compared with the query before it is handed out: two
 * long texts may share a key. */
#ifndef TB_LMDB_QUERY_H
#define TB_LMDB_QUERY_H

#include "lmdb/list.h"

/* So many matches at most are gathered. */
#define TB_GATHERED_MAX 10000

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
    /* A way that is walked in turns pauses when it has looked at so many; 0: never */
    uint32_t pause_at;
    bool paused;
    struct tb_position reached; /* then: all up to here are done */
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

/* The tasks that stand in all of the lists and in one of the states, newest first. */
struct tb_intersection {
    struct tb_conditions *conditions; /* borrowed; lists by id; the states' are added */
    struct tb_id at;                  /* nothing above it is left */
};

int tb_intersection_start(struct tb_query *query, struct tb_conditions *conditions,
                          struct tb_intersection *intersection);

/* Offers them until the visitor stops, all are done, or the query pauses or gives up. */
enum tb_err tb_intersection_walk(struct tb_query *query, struct tb_intersection *intersection);

/* --- ordered.c --- */

/* The tasks in one of the states, in the order of an index. */
struct tb_ordered {
    enum tb_order order; /* updated or rank */
    uint32_t marks;      /* that an entry must have: see marks.h */
    struct tb_merge merge;
};

/* Begins behind `after`; NULL: at the beginning. To be closed also after a failure. */
int tb_ordered_start(struct tb_query *query, enum tb_order order, const struct tb_position *after,
                     struct tb_ordered *ordered);
void tb_ordered_close(struct tb_ordered *ordered);

/* True when no more tasks can match. */
bool tb_ordered_is_through(const struct tb_query *query, const struct tb_ordered *ordered);

/* Where it stands. */
struct tb_position tb_ordered_position(const struct tb_ordered *ordered);

/* Whether the entry it stands on may be of a match. */
bool tb_ordered_has_marks(const struct tb_ordered *ordered);

int tb_ordered_next(struct tb_ordered *ordered);

/* Like tb_intersection_walk. */
enum tb_err tb_ordered_walk(struct tb_query *query, struct tb_ordered *ordered);

/* The position as a suffix of the ordered indexes, without marks. */
void tb_query_suffix(struct tb_position position, uint8_t suffix[TB_SUFFIX_BYTES_MAX]);
struct tb_position tb_query_position(const uint8_t suffix[TB_SUFFIX_BYTES_MAX]);

/* --- gather.c --- */

/* The matches of a query, gathered in no order. */
struct tb_gathering {
    struct tb_task_query ask; /* of `query` */
    struct tb_query query;    /* that gathers */
    enum tb_order order;      /* that they are handed out in */
    bool changed_since;       /* what was changed since a time, not an intersection */
    bool untested;            /* their records have not been compared yet */
    bool through;             /* all are here */
    bool too_many;
    struct tb_ordered changed;
    struct tb_intersection intersection;
    size_t count;
    size_t capacity;
    struct tb_position *places; /* in the order asked for; malloced */
};

/* `query` is the one that will hand them out. To be closed also after a failure. */
int tb_gathering_start(struct tb_query *query, struct tb_conditions *conditions,
                       struct tb_gathering *gathering);
void tb_gathering_close(struct tb_gathering *gathering);

/* Does the work of so many entries of a straight way. */
enum tb_err tb_gathering_walk(struct tb_gathering *gathering, uint32_t entries);

/* Hands out what stands behind query->reached. */
enum tb_err tb_gathering_hand_out(struct tb_gathering *gathering, struct tb_query *query);

/* --- turns.c --- */

struct tb_straight {
    bool by_creation;
    struct tb_intersection intersection; /* by_creation */
    struct tb_ordered ordered;           /* otherwise */
};

/* To be closed also after a failure. */
int tb_straight_start(struct tb_query *query, struct tb_conditions *conditions,
                      struct tb_straight *straight);
void tb_straight_close(struct tb_straight *straight);
enum tb_err tb_straight_walk(struct tb_query *query, struct tb_straight *straight);

/* Walks the straight way and gathers in turns. */
enum tb_err tb_query_in_turns(struct tb_query *query, struct tb_straight *straight,
                              struct tb_conditions *conditions);

/* --- query.c --- */

/* Compares the task with the whole query and visits it when it matches. */
enum tb_err tb_query_offer(struct tb_query *query, struct tb_id id, bool words_known);

/* Counts an entry looked at. True when the query ends here, as scan_max is reached, or pauses; it
 * can go on behind `reached`. */
bool tb_query_gives_up(struct tb_query *query, struct tb_position reached);

enum tb_err tb_query_read(struct tb_query *query, struct tb_id id, struct tb_task *task);
enum tb_err tb_query_matches(struct tb_query *query, const struct tb_task *task, bool words_known,
                             bool *matches);

#endif

/* Answers to reads: JSON from a snapshot. Pure functions over a transaction, read or write. */
#ifndef TB_BOARD_READ_H
#define TB_BOARD_READ_H

#include "board/query.h"

/* Adds the full view of a task that was read in `txn`: notes and artifacts included, and not ready
 * when it is paused. */
enum tb_err tb_read_full(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out);

/* The same of a copy that tb_pauses_show has seen already. */
enum tb_err tb_read_shown(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out);

/* The notes, the artifacts of a task as json arrays. */
enum tb_err tb_read_note_array(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out);
enum tb_err tb_read_artifact_array(struct tb_txn *txn, const struct tb_task *task,
                                   struct tb_buf *out);

/* One task by id. `*version` and `*done` are for the ETag. TB_E_TASK_NOT_FOUND. */
enum tb_err tb_read_task(struct tb_txn *txn, struct tb_id id, struct tb_buf *out, uint64_t *version,
                         bool *done);

/* {"notes":[…],"count":N} */
enum tb_err tb_read_notes(struct tb_txn *txn, struct tb_id id, struct tb_buf *out);

/* {"attempts":[…],"count":N}, the running one included. TB_E_TASK_NOT_FOUND. */
enum tb_err tb_read_attempts(struct tb_txn *txn, struct tb_id id, struct tb_buf *out);

/* {"tasks":[…],"count":N}: the tasks that name this one among their dependencies, done or not, in
 * id order; summary views. TB_E_TASK_NOT_FOUND. */
enum tb_err tb_read_dependents(struct tb_txn *txn, struct tb_id id, struct tb_buf *out);

/* {"tasks":[…],"count":N}: what claims would get, in their order; summary views. With
 * "truncated":true when there are more than the answer has room for, or than were looked at. */
enum tb_err tb_read_ready(struct tb_txn *txn, const struct tb_ready_request *request,
                          int64_t now_ms, struct tb_buf *out);

/* {"claimable":…,"reasons":[{"code":…,…}],"position":N}: why nobody, or why `agent` (text, may be
 * absent), does not get the task. TB_E_TASK_NOT_FOUND. */
enum tb_err tb_read_why(struct tb_txn *txn, struct tb_id id, struct tb_str agent,
                        struct tb_str vm_id, int64_t now_ms, struct tb_buf *out);

/* The board's summary; constant cost. */
enum tb_err tb_read_summary(struct tb_txn *txn, int64_t now_ms, struct tb_buf *out);

/* One VM; {"vms":[…],"count":N}. Stale is what `now_ms` makes of the last sign of life. */
enum tb_err tb_read_vm(struct tb_txn *txn, struct tb_str id, int64_t now_ms, struct tb_buf *out);
enum tb_err tb_read_vms(struct tb_txn *txn, const struct tb_vms_request *request, int64_t now_ms,
                        struct tb_buf *out);

/* The feed's own view of an event: {"id","agent","type","summary","detail"?,"metadata"?,
 * "timestamp"}. */
void tb_feed_write(const struct tb_event *event, struct tb_buf *out);

/* A bare array; one event (TB_E_EVENT_NOT_FOUND); {"total","byAgent","byType","latestPerAgent"}. */
enum tb_err tb_read_feed(struct tb_txn *txn, const struct tb_feed_request *request,
                         struct tb_buf *out);
enum tb_err tb_read_feed_event(struct tb_txn *txn, struct tb_id id, struct tb_buf *out);
enum tb_err tb_read_feed_stats(struct tb_txn *txn, struct tb_buf *out);

/* A number that is another one whenever the answer to the list may be: of what the list's filter
 * says the cheapest, at most three small reads. For ETags; it orders nothing. */
enum tb_err tb_read_list_change(struct tb_txn *txn, const struct tb_list_request *request,
                                uint64_t *change);

/* A list in pieces. Each piece may come from another snapshot: a list goes on from a position, not
 * from an open cursor.
 *
 *   init → piece (as often as it leaves done == false) → the bytes of all pieces, one after the
 * other, are the body */
struct tb_list {
    const struct tb_list_request *request;
    uint32_t count; /* tasks written so far */
    size_t bytes;   /* written so far, for max_bytes */
    bool started;
    bool moved; /* `position` says where to go on; before, the request's cursor does */
    bool done;
    bool truncated;              /* max_bytes cut it */
    bool more;                   /* there is, or may be, a next page behind `position` */
    struct tb_position position; /* of the last task written or looked at */
    bool has_stop; /* set by tb_list_find_end: where it ends, and whether there is more behind */
    bool stop_more;
    struct tb_position stop;
};

void tb_list_init(struct tb_list *list, const struct tb_list_request *request);

/* Adds the next piece: stops after the task with which it reaches `piece_bytes`. A list with
 * max_bytes comes in one piece. */
enum tb_err tb_list_piece(struct tb_list *list, struct tb_txn *txn, struct tb_buf *out,
                          size_t piece_bytes);

/* For a list that did not end with its first piece: finds, in the same snapshot as that piece,
 * where it will end, so that the Link header can be sent before the body; `*more` and `*next` say
 * so. From then on that position counts and not the limit: tasks that come into the filter while
 * the pieces are read make the page a little longer instead of pushing others out of it. */
enum tb_err tb_list_find_end(struct tb_list *list, struct tb_txn *txn, bool *more,
                             struct tb_position *next);

/* {"tokens":[…],"count":N}: those whose time is not over; links and sessions are none. */
enum tb_err tb_read_tokens(struct tb_txn *txn, int64_t now_ms, struct tb_buf *out);

/* {"events":[…],"count":N,"oldest":…,"head":…}; when the scan limit cut it short also "next": the
 * seq to go on from. */
enum tb_err tb_read_events(struct tb_txn *txn, const struct tb_events_request *request,
                           struct tb_buf *out);

/* The same for one task's history; TB_E_TASK_NOT_FOUND when neither the task nor an event of it is
 * there. */
enum tb_err tb_read_history(struct tb_txn *txn, const struct tb_events_request *request,
                            struct tb_buf *out);

#endif

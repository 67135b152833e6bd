/* The one way in which a rule changes a task. Internal to the rules.
 *
 * A rule copies the task that it read, edits the copy, and hands both to tb_change_write, which
 * derives what follows (outcome, blockedBy, ready, due time, rank), stores the task with its new
 * version, keeps the counters, appends the event and tells the tasks that depend on it. */
#ifndef TB_BOARD_CHANGE_H
#define TB_BOARD_CHANGE_H

#include "board/board.h"

struct tb_change {
    enum tb_event_type type;
    struct tb_str actor; /* text */
    struct tb_str extra; /* members of the event's data, each with a comma in front, or absent */
    struct tb_str vm_id; /* text: of an event about a VM */
    bool dependencies_changed;
    bool quiet; /* a change by time or by another task: updated_ms stays */
};

/* Reads the task of a command. Where a claim is over that nobody has looked at yet, that comes
 * first: the task is read as it is then. False: the reply says why not. */
bool tb_change_find(struct tb_board *board, const struct tb_command *command,
                    struct tb_reply *reply, struct tb_task *task);

/* Checks If-Match. The verbs of a holder do so behind his token (RFC 9110, 13.2.1), so that a late
 * result is kept, and a repetition answered. False: the reply says why not. */
bool tb_change_match(const struct tb_command *command, const struct tb_task *task,
                     struct tb_arena *arena, struct tb_reply *reply);

/* Both, one after the other. */
bool tb_change_load(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply, struct tb_task *task);

/* Writes the change: `old` NULL makes a new task, whose id, version 0 and created_ms the caller has
 * set. Every check was made before. */
void tb_change_write(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                     const struct tb_change *change);

/* Stores what is no change of the task: its version and updated_ms stay. With `told` the log is
 * told of it, without (NULL) nobody is. */
void tb_change_refresh(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                       const struct tb_change *told);

/* Appends an event about a task that stays as it is, or about no task (NULL). */
void tb_change_tell(struct tb_board *board, const struct tb_task *task,
                    const struct tb_change *told);

/* Appends an event that happened elsewhere, about no task: with its own id, above all in the log,
 * and instant. */
void tb_change_tell_of(struct tb_board *board, const struct tb_change *told, struct tb_id id,
                       int64_t at_ms);

/* Stores a task that comes from elsewhere: with its version and updated_ms. */
void tb_change_import(struct tb_board *board, struct tb_task *task, const struct tb_change *change);

/* Removes a task: deletes it, counts it out, appends task.deleted, tells its dependents. */
void tb_change_delete(struct tb_board *board, const struct tb_task *old, struct tb_str actor);

/* The same for one that is finished and not kept any longer: data.reason says so. */
void tb_change_retire(struct tb_board *board, const struct tb_task *old);

/* The task's full view as the answer, with 200 or 201. */
void tb_change_answer(struct tb_board *board, const struct tb_task *task, int http_status,
                      struct tb_arena *arena, struct tb_reply *reply);

/* A refusal: `message` absent for the error's own sentence. */
void tb_refuse(struct tb_reply *reply, enum tb_err err, struct tb_str message, struct tb_str extra);

/* For work on many tasks, one after the other: what each of them needs then lives in a scratch
 * arena that is emptied behind it. */
struct tb_scratch {
    struct tb_arena *arena;
    struct tb_arena *batch_arena;
};

void tb_scratch_begin(struct tb_board *board, struct tb_scratch *scratch);
void tb_scratch_reset(struct tb_scratch *scratch);
void tb_scratch_end(struct tb_board *board, struct tb_scratch *scratch);

/* True when the task would stay the only one, of those not done, with its uniqueKey. */
bool tb_change_key_is_free(struct tb_board *board, const struct tb_task *task);

#endif

/* What is paused: nothing is handed out till it is resumed. Internal to the rules and the reads. */
#ifndef TB_BOARD_PAUSE_H
#define TB_BOARD_PAUSE_H

#include "board/board.h"

struct tb_pauses {
    bool all;                  /* the board as a whole */
    const struct tb_str *tags; /* texts, ascending */
    size_t tag_count;
    struct tb_str
        wire; /* json array of {tag?,reason?,since,by?}, in the order in which they began */
};

/* What is paused as of this transaction; its strings live in `arena`. Costs nothing while nothing
 * is (head.pauses == 0). */
TB_MUST_CHECK enum tb_err tb_pauses_load(struct tb_txn *txn, struct tb_arena *arena,
                                         struct tb_pauses *pauses);

/* May a task with these tags not be handed out? */
bool tb_pauses_hold(const struct tb_pauses *pauses, const struct tb_task *task);

/* Makes a copy of a stored task into what readers are shown: what is paused is not ready. The
 * record keeps saying ready, so that pausing and resuming touch no task. */
void tb_pauses_show(const struct tb_pauses *pauses, struct tb_task *task);

/* Puts a pause in force that began then (text); one of the same tag that is in force stays. */
void tb_pause_import(struct tb_board *board, const struct tb_steer_command *pause,
                     struct tb_str since);

#endif

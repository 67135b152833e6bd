/* Retention of finished tasks: those that nobody needs any more are deleted, oldest last change
 * first to go. Internal to the rules.
 *
 * A pass walks the done tasks, latest change first, some in each batch; behind the newest ones that
 * are kept it deletes what is not needed. A task is needed while another one depends on it, or
 * while it is the parent of one that is not done. What depended on it goes first, so that a plan
 * goes within a few passes. */
#ifndef TB_BOARD_RETIRE_H
#define TB_BOARD_RETIRE_H

#include "board/board.h"

/* Goes on with a pass, or begins one, when it is time to. */
void tb_retire(struct tb_board *board);

/* When it is; INT64_MAX: never. */
int64_t tb_retire_due_ms(const struct tb_board *board);

#endif

/* Retention: the log's old end is cut off. Internal to the rules. */
#ifndef TB_BOARD_TRIM_H
#define TB_BOARD_TRIM_H

#include "board/board.h"

/* Removes some of what is too old, or too much, when it is time to. */
void tb_trim(struct tb_board *board);

/* When it is; INT64_MAX: never. */
int64_t tb_trim_due_ms(const struct tb_board *board);

#endif

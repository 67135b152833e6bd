/* What becomes of tokens, links and sessions whose time is over. Internal to the rules. */
#ifndef TB_BOARD_CREDENTIAL_END_H
#define TB_BOARD_CREDENTIAL_END_H

#include "board/board.h"

/* Deletes those whose time is over, at most TB_CREDENTIALS_ENDED_MAX of them, when there may be
 * some. Nobody waits for that: whoever checks one looks at its end, too. */
void tb_credential_end(struct tb_board *board);

/* When that is; INT64_MAX: never. */
int64_t tb_credential_end_due_ms(const struct tb_board *board);

#endif

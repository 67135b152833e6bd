/* Handing out ready tasks. Internal to the rules. */
#ifndef TB_BOARD_CLAIM_H
#define TB_BOARD_CLAIM_H

#include "board/change.h"

/* Claims as many ready tasks as `claim` asks for and may have, best first, and adds
 * `{"tasks":[…],"count":N}` to `out`: the full views, each with the token of its claim. Returns N.
 */
uint32_t tb_claim_next(struct tb_board *board, const struct tb_claim_command *claim,
                       struct tb_buf *out);

/* An answer that claims nothing more: the same with no tasks. */
void tb_claim_write_none(struct tb_buf *out);

#endif

/* Idempotency-Key: the first successful answer to a key is stored in the transaction of its effect,
 * and given again for TB_ANSWER_KEPT_MS. Internal to the rules. */
#ifndef TB_BOARD_IDEMPOTENCY_H
#define TB_BOARD_IDEMPOTENCY_H

#include "board/board.h"

/* True when the command must not run: the reply is the answer that was given to its key before, or
 * a refusal. */
bool tb_idempotency_settles(struct tb_board *board, const struct tb_idempotency *idempotency,
                            struct tb_arena *arena, struct tb_reply *reply);

/* Stores the answer of a success that has had an effect, to a command with a key. */
void tb_idempotency_keep(struct tb_board *board, const struct tb_idempotency *idempotency,
                         const struct tb_reply *reply);

/* Drops answers that have been kept for long enough, so many that a batch is never busy with it for
 * long. */
void tb_idempotency_expire(struct tb_board *board);

#endif

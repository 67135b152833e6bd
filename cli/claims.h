/* The tokens of claims that `claim` has made, kept for `heartbeat`, `done`, `fail` and `release`:
 * a file a task, which only its owner may read. A token never stands on a command line.
 *
 *   ${XDG_STATE_HOME:-~/.local/state}/taskboard/claims/ID
 *
 * Inside of `work`, TASK_CLAIM_FILE names the claim of the task TASK_ID; it goes first. */
#ifndef CLI_CLAIMS_H
#define CLI_CLAIMS_H

#include "base/arena.h"

/* Asked before a claim is made. False: there is no place for its token, which has been said. */
bool cli_claim_can_be_kept(struct tb_arena *arena);

/* False: it could not be kept, which has been said. */
bool cli_claim_keep(struct tb_arena *arena, const char *task_id, const char *token);

/* NULL: no claim of that task is kept. */
const char *cli_claim_find(struct tb_arena *arena, const char *task_id);

/* It is over. */
void cli_claim_forget(struct tb_arena *arena, const char *task_id);

#endif

/* What a command's token allows, where that depends on what is stored. Internal to the rules.
 *
 * Which routes a role may call is said by the table of routes (server/http/routes.c); that a token
 * bound to an agent names nobody else, by the parsers (tb_field_actor). What is left is here. Each
 * answers false when it has refused. */
#ifndef TB_BOARD_SPEAKER_H
#define TB_BOARD_SPEAKER_H

#include "board/board.h"

/* Is the command's credential still there? Between the check at the door and the command's turn it
 * may have been revoked: a claim that waits may wait for a minute. */
bool tb_speaker_is_heard(struct tb_board *board, const struct tb_command *command,
                         struct tb_reply *reply);

/* A worker patches status and assignee only; one that is bound to an agent only of tasks that are
 * nobody's or the agent's. */
bool tb_speaker_may_patch(const struct tb_command *command, const struct tb_task *old,
                          struct tb_reply *reply);

/* A worker that is bound to an agent gives tasks to that agent or to nobody (absent). */
bool tb_speaker_may_assign(const struct tb_command *command, struct tb_str assignee,
                           struct tb_reply *reply);

/* Whoever is bound to an agent uses the claims of that agent only. */
bool tb_speaker_may_use_claim(const struct tb_command *command, struct tb_str holder,
                              struct tb_reply *reply);

#endif

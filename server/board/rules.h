/* One rule a kind of command. Internal: board.c picks the rule. Each answers in `reply`, whose
 * strings it makes in `arena`. */
#ifndef TB_BOARD_RULES_H
#define TB_BOARD_RULES_H

#include "board/change.h"

typedef void tb_rule(struct tb_board *board, const struct tb_command *command,
                     struct tb_arena *arena, struct tb_reply *reply);

tb_rule tb_rule_create;
tb_rule tb_rule_patch;
tb_rule tb_rule_delete;
tb_rule tb_rule_note;
tb_rule tb_rule_artifacts;
tb_rule tb_rule_bump;
tb_rule tb_rule_review;
tb_rule tb_rule_approve;
tb_rule tb_rule_reject;
tb_rule tb_rule_claim;
tb_rule tb_rule_claim_task;
tb_rule tb_rule_heartbeat;
tb_rule tb_rule_complete;
tb_rule tb_rule_fail;
tb_rule tb_rule_release;
tb_rule tb_rule_cancel;
tb_rule tb_rule_retry;
tb_rule tb_rule_retry_many;
tb_rule tb_rule_accept;
tb_rule tb_rule_pause;
tb_rule tb_rule_resume;
tb_rule tb_rule_vm_register;
tb_rule tb_rule_vm_put;
tb_rule tb_rule_vm_patch;
tb_rule tb_rule_vm_delete;
tb_rule tb_rule_vm_heartbeat;
tb_rule tb_rule_feed_publish;
tb_rule tb_rule_feed_clear;
tb_rule tb_rule_token_create;
tb_rule tb_rule_token_delete;
tb_rule tb_rule_link_create;
tb_rule tb_rule_session_start;
tb_rule tb_rule_session_end;
tb_rule tb_rule_import;

#endif

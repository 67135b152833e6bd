/* Dependencies: what a task still waits for, and that nothing waits for itself. Internal to the
 * rules. */
#ifndef TB_BOARD_DEPENDENCY_H
#define TB_BOARD_DEPENDENCY_H

#include "board/board.h"

/* A dependency counts as met when it is done with outcome success. */
bool tb_dependency_is_met_by(const struct tb_task *task);

/* The unmet ones of `dependencies`, in their order, as a json array in the batch's arena. */
struct tb_str tb_dependency_unmet(struct tb_board *board, struct tb_str dependencies);

/* `blocked_by` after `id` (text) has become met or unmet, for a task with these dependencies. */
struct tb_str tb_dependency_adjust(struct tb_arena *arena, struct tb_str dependencies,
                                   struct tb_str blocked_by, struct tb_str id, bool met);

/* How a check of new dependencies came out. */
enum tb_dependency_check {
    TB_DEPENDENCY_FINE,
    TB_DEPENDENCY_CYCLE,       /* `path` is a json array of ids, first and last the same */
    TB_DEPENDENCY_TOO_LARGE,   /* more than TB_DEPENDENCY_WALK_MAX tasks to look at */
    TB_DEPENDENCY_TOO_POPULAR, /* one of them has TB_DEPENDENTS_MAX dependents already; `path` is
                                  its text */
};

/* Tasks that are about to be stored together, their ids rising. */
struct tb_dependency_drafts {
    const struct tb_task **tasks;
    size_t count;
};

/* The draft with that id, or NULL. */
const struct tb_task *tb_dependency_draft(const struct tb_dependency_drafts *drafts,
                                          struct tb_id id);

/* Would task `id` with these dependencies close a cycle? Stored tasks and `drafts` (NULL: none) are
 * looked at. */
enum tb_dependency_check tb_dependency_check_cycle(struct tb_board *board,
                                                   const struct tb_dependency_drafts *drafts,
                                                   struct tb_id id, struct tb_str dependencies,
                                                   struct tb_str *path);

/* May `more` further tasks depend on `dependency` (text)? */
bool tb_dependency_has_room(struct tb_board *board, struct tb_str dependency, unsigned more);

/* True when the text is a task id as the board writes it; only then can it name a task. */
bool tb_dependency_id(struct tb_str text, struct tb_id *id);

/* Fills in a refusal from a check that did not come out fine. */
void tb_dependency_refuse(enum tb_dependency_check check, struct tb_str path,
                          struct tb_arena *arena, struct tb_reply *reply);

#endif

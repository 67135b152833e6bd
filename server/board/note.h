/* Notes and artifacts: records that hang on a task. Internal to the rules. */
#ifndef TB_BOARD_NOTE_H
#define TB_BOARD_NOTE_H

#include "board/board.h"

/* Is there room for one more note, for `more` artifacts? If not, the reply says so. */
bool tb_note_has_room(const struct tb_task *task, struct tb_str content, struct tb_arena *arena,
                      struct tb_reply *reply);
bool tb_artifacts_have_room(const struct tb_task *task, size_t more, struct tb_arena *arena,
                            struct tb_reply *reply);

/* Stores the note and counts it in `task`, which the caller then writes. Returns the note's JSON,
 * in `arena`. */
struct tb_str tb_note_add(struct tb_board *board, struct tb_task *task,
                          const struct tb_note_command *command, struct tb_arena *arena);

/* The same for artifacts; returns them as a json array. */
struct tb_str tb_artifacts_add(struct tb_board *board, struct tb_task *task,
                               const struct tb_artifacts_command *command, struct tb_arena *arena);

/* `,"name":json`, for an event's data. */
struct tb_str tb_event_member(struct tb_arena *arena, const char *name, struct tb_str json);

#endif

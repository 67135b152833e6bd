#include "board/note.h"

#include "board/rules.h"

bool tb_note_has_room(const struct tb_task *task, struct tb_str content, struct tb_arena *arena,
                      struct tb_reply *reply)
{
    if (task->note_count < TB_NOTES_MAX && task->notes_bytes + content.len <= TB_NOTES_BYTES_MAX) {
        return true;
    }
    tb_refuse(reply, TB_E_LIMIT_REACHED,
              tb_arena_printf(arena, "A task takes at most %d notes of %d bytes in all",
                              TB_NOTES_MAX, TB_NOTES_BYTES_MAX),
              TB_STR(",\"field\":\"notes\""));
    return false;
}

struct tb_str tb_note_add(struct tb_board *board, struct tb_task *task,
                          const struct tb_note_command *command, struct tb_arena *arena)
{
    const struct tb_note note = {
        .id = tb_ulid_next(&board->ids, board->now_ms),
        .created_ms = board->now_ms,
        .type = command->type,
        .author = command->author,
        .content = command->content,
    };
    struct tb_buf wire;
    tb_buf_init(&wire, arena, note.author.len + note.content.len + 192);
    tb_note_write(&note, &wire);
    tb_put_note(board->txn, task->id, note.id, tb_buf_str(&wire));
    task->note_count++;
    task->notes_bytes += wire.len;
    return tb_buf_str(&wire);
}

bool tb_artifacts_have_room(const struct tb_task *task, size_t more, struct tb_arena *arena,
                            struct tb_reply *reply)
{
    if (task->artifact_count + more <= TB_ARTIFACTS_MAX) {
        return true;
    }
    tb_refuse(reply, TB_E_LIMIT_REACHED,
              tb_arena_printf(arena, "A task takes at most %d artifacts", TB_ARTIFACTS_MAX),
              TB_STR(",\"field\":\"artifacts\""));
    return false;
}

struct tb_str tb_artifacts_add(struct tb_board *board, struct tb_task *task,
                               const struct tb_artifacts_command *command, struct tb_arena *arena)
{
    struct tb_buf list;
    tb_buf_init(&list, arena, 256 * command->item_count + 2);
    TB_BUF_LIT(&list, "[");
    for (size_t i = 0; i < command->item_count; i++) {
        struct tb_artifact artifact = command->items[i];
        artifact.added_ms = board->now_ms;
        if (i > 0) {
            TB_BUF_LIT(&list, ",");
        }
        size_t start = list.len;
        tb_artifact_write(&artifact, &list);
        tb_put_artifact(board->txn, task->id, task->artifact_count,
                        tb_str_from(list.ptr + start, list.len - start));
        task->artifact_count++;
    }
    TB_BUF_LIT(&list, "]");
    return tb_buf_str(&list);
}

void tb_rule_note(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                  struct tb_reply *reply)
{
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !tb_note_has_room(&old, command->note.content, arena, reply)) {
        return;
    }
    struct tb_task task = old;
    struct tb_str wire = tb_note_add(board, &task, &command->note, arena);
    const struct tb_change change = {
        .type = TB_EVENT_NOTED,
        .actor = command->note.author,
        .extra = tb_event_member(board->arena, "note", wire),
    };
    tb_change_write(board, &old, &task, &change);
    *reply = (struct tb_reply){.http_status = 201, .body = wire};
}

void tb_rule_artifacts(struct tb_board *board, const struct tb_command *command,
                       struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_artifacts_command *artifacts = &command->artifacts;
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !tb_artifacts_have_room(&old, artifacts->item_count, arena, reply)) {
        return;
    }
    struct tb_task task = old;
    struct tb_str list = tb_artifacts_add(board, &task, artifacts, arena);
    struct tb_str added_by = artifacts->items[0].added_by;
    const struct tb_change change = {
        .type = TB_EVENT_ARTIFACTS,
        .actor = added_by.ptr != NULL ? added_by : command->actor,
        .extra = tb_event_member(board->arena, "artifacts", list),
    };
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 201, arena, reply);
}

struct tb_str tb_event_member(struct tb_arena *arena, const char *name, struct tb_str json)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, json.len + 32);
    TB_BUF_LIT(&out, ",\"");
    tb_buf_add_c(&out, name);
    TB_BUF_LIT(&out, "\":");
    tb_buf_add_str(&out, json);
    return tb_buf_str(&out);
}

#include "board/import_field.h"

#include <stdlib.h>

#include "board/field.h"
#include "taskboard/limits.h"

static bool read_note(struct tb_parse *parse, const struct tb_json *node,
                      struct tb_import_item *item, struct tb_note *note)
{
    const struct tb_json *type = tb_json_member(node, "type");
    if (type == NULL || type->type != TB_JSON_STRING ||
        !tb_note_type_parse(tb_json_text(type), &note->type)) {
        struct tb_str shown = tb_field_shown(parse, type);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "notes", "invalid note type: %.*s",
                               (int)shown.len, shown.ptr);
    }
    return tb_import_read_id(parse, tb_json_member(node, "id"), "notes[].id", item, &note->id) &&
           tb_field_required(parse, tb_json_member(node, "author"), "notes[].author",
                             TB_NAME_BYTES_MAX, "a note has no author", &note->author) &&
           tb_field_required(parse, tb_json_member(node, "content"), "notes[].content",
                             TB_NOTE_BYTES_MAX, "a note has no content", &note->content) &&
           tb_import_read_past(parse, tb_json_member(node, "createdAt"), "notes[].createdAt", item,
                               &note->created_ms);
}

static int compare_notes(const void *a, const void *b)
{
    return tb_id_cmp(((const struct tb_note *)a)->id, ((const struct tb_note *)b)->id);
}

static bool check_notes(struct tb_parse *parse, struct tb_import_item *item)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < item->task.note_count; i++) {
        const struct tb_note *note = &item->notes[i];
        if (bytes + note->content.len > TB_NOTES_BYTES_MAX) {
            return tb_field_refuse(parse, TB_E_LIMIT_REACHED, "notes",
                                   "the task has more than %d bytes of notes", TB_NOTES_BYTES_MAX);
        }
        if (i > 0 && tb_id_cmp(note[-1].id, note->id) == 0) {
            return tb_field_refuse(parse, TB_E_ID_EXISTS, "notes", "two notes have the same id");
        }
        bytes += note->content.len;
    }
    return true;
}

bool tb_import_read_notes(struct tb_parse *parse, const struct tb_json *list,
                          struct tb_import_item *item)
{
    size_t count = 0;
    if (!tb_import_read_list(parse, list, "notes", &count)) {
        return false;
    }
    if (count > TB_NOTES_MAX) {
        return tb_field_refuse(parse, TB_E_LIMIT_REACHED, "notes",
                               "the task has more than %d notes", TB_NOTES_MAX);
    }
    item->task.note_count = (uint32_t)count;
    item->notes = tb_arena_zalloc(parse->arena, (count + 1) * sizeof(*item->notes));
    const struct tb_json *node = count > 0 ? list->child : NULL;
    for (size_t i = 0; node != NULL; i++, node = node->next) {
        if (!tb_import_expect(parse, node, TB_JSON_OBJECT, "a note must be an object") ||
            !read_note(parse, node, item, &item->notes[i])) {
            return false;
        }
    }
    qsort(item->notes, count, sizeof(*item->notes), compare_notes);
    return check_notes(parse, item);
}

static bool read_artifact(struct tb_parse *parse, const struct tb_json *node,
                          struct tb_import_item *item, struct tb_artifact *artifact)
{
    const struct tb_json *type = tb_json_member(node, "type");
    if (type == NULL || type->type != TB_JSON_STRING ||
        !tb_artifact_type_parse(tb_json_text(type), &artifact->type)) {
        struct tb_str shown = tb_field_shown(parse, type);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "artifacts",
                               "invalid artifact type: %.*s", (int)shown.len, shown.ptr);
    }
    return tb_field_required(parse, tb_json_member(node, "url"), "artifacts[].url",
                             TB_ARTIFACT_BYTES_MAX, "an artifact has no url", &artifact->url) &&
           tb_field_required(parse, tb_json_member(node, "label"), "artifacts[].label",
                             TB_ARTIFACT_BYTES_MAX, "an artifact has no label", &artifact->label) &&
           tb_field_text(parse, tb_json_member(node, "addedBy"), "artifacts[].addedBy",
                         TB_NAME_BYTES_MAX, &artifact->added_by) &&
           tb_import_read_past(parse, tb_json_member(node, "addedAt"), "artifacts[].addedAt", item,
                               &artifact->added_ms);
}

bool tb_import_read_artifacts(struct tb_parse *parse, const struct tb_json *list,
                              struct tb_import_item *item)
{
    size_t count = 0;
    if (!tb_import_read_list(parse, list, "artifacts", &count)) {
        return false;
    }
    if (count > TB_ARTIFACTS_MAX) {
        return tb_field_refuse(parse, TB_E_LIMIT_REACHED, "artifacts",
                               "the task has more than %d artifacts", TB_ARTIFACTS_MAX);
    }
    item->task.artifact_count = (uint32_t)count;
    item->artifacts = tb_arena_zalloc(parse->arena, (count + 1) * sizeof(*item->artifacts));
    const struct tb_json *node = count > 0 ? list->child : NULL;
    for (size_t i = 0; node != NULL; i++, node = node->next) {
        if (!tb_import_expect(parse, node, TB_JSON_OBJECT, "an artifact must be an object") ||
            !read_artifact(parse, node, item, &item->artifacts[i])) {
            return false;
        }
    }
    return true;
}

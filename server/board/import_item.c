#include "board/import_item.h"

#include <stdlib.h>

#include "base/instant.h"
#include "board/dependency.h"
#include "board/export.h"
#include "board/feed.h"
#include "board/field.h"
#include "taskboard/limits.h"

#define NODES_MAX       (4 * 1024 * 1024)
#define NUMBER_MAX      INT64_C(9007199254740991) /* that every reader of JSON takes exactly */
#define ATTEMPT_MAX     INT32_MAX                 /* of which a task can never come to the end */
#define LINE_DEPTH_MAX  (TB_JSON_DEPTH_MAX + 2) /* a payload stands one deeper than in a request */
#define LINE_TREE_DEPTH 5                       /* {"task":{"notes":[{…}]}} */

static const char *const format_names[TB_IMPORT_FORMAT_COUNT] = {
    [TB_IMPORT_NDJSON] = "ndjson",
    [TB_IMPORT_BOARD_JSON] = "board.json",
    [TB_IMPORT_REGISTRY_JSON] = "registry.json",
    [TB_IMPORT_FEED_JSONL] = "feed.jsonl",
};

const char *tb_import_format_name(enum tb_import_format format)
{
    return format_names[format];
}

bool tb_import_format_parse(struct tb_str name, enum tb_import_format *format)
{
    for (int i = 0; i < TB_IMPORT_FORMAT_COUNT; i++) {
        if (tb_str_eq_c(name, format_names[i])) {
            *format = (enum tb_import_format)i;
            return true;
        }
    }
    return false;
}

/* --- the file --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool open_document(struct tb_parse *parse, const char *name, struct tb_str bytes,
                          struct tb_import_source *source)
{
    const struct tb_json_limits limits = {
        .depth_max = LINE_DEPTH_MAX, .tree_depth = 3, .node_count_max = NODES_MAX};
    struct tb_json_error error;
    const struct tb_json *root = tb_json_parse(parse->arena, bytes, &limits, &error);
    if (root == NULL) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "The file is not valid JSON: %.*s",
                               (int)error.text.len, error.text.ptr);
    }
    const struct tb_json *list = root->type == TB_JSON_OBJECT ? tb_json_member(root, name) : NULL;
    if (list == NULL || list->type != TB_JSON_ARRAY) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, name,
                               "The file must be an object with an array %s", name);
    }
    source->node = list->child;
    return true;
}

bool tb_import_open(struct tb_parse *parse, enum tb_import_format format, struct tb_str bytes,
                    struct tb_import_source *source)
{
    *source =
        (struct tb_import_source){.format = format, .at = bytes.ptr, .end = bytes.ptr + bytes.len};
    switch (format) {
    case TB_IMPORT_BOARD_JSON:
        return open_document(parse, "tasks", bytes, source);
    case TB_IMPORT_REGISTRY_JSON:
        return open_document(parse, "vms", bytes, source);
    default:
        return true;
    }
}

static bool next_line(struct tb_import_source *source, struct tb_str *text)
{
    while (source->at < source->end) {
        const char *start = source->at;
        const char *stop = memchr(start, '\n', (size_t)(source->end - start));
        stop = stop != NULL ? stop : source->end;
        source->at = stop < source->end ? stop + 1 : stop;
        source->number++;
        while (stop > start && is_space(stop[-1])) {
            stop--;
        }
        if (stop > start) {
            *text = tb_str_from(start, (size_t)(stop - start));
            return true;
        }
    }
    return false;
}

bool tb_import_next(struct tb_import_source *source, struct tb_str *text)
{
    bool lines = source->format == TB_IMPORT_NDJSON || source->format == TB_IMPORT_FEED_JSONL;
    if (lines) {
        return next_line(source, text);
    }
    if (source->node == NULL) {
        return false;
    }
    *text = source->node->raw;
    source->node = source->node->next;
    source->number++;
    return true;
}

/* --- what lines share --- */

static void note_id(struct tb_import_item *item, struct tb_id id)
{
    if (tb_id_cmp(id, item->latest_id) > 0) {
        item->latest_id = id;
    }
}

static void note_ms(struct tb_import_item *item, int64_t ms)
{
    item->latest_ms = ms > item->latest_ms ? ms : item->latest_ms;
}

static bool read_id(struct tb_parse *parse, const struct tb_json *node, const char *field,
                    struct tb_import_item *item, struct tb_id *id)
{
    if (node == NULL || node->type != TB_JSON_STRING || !tb_dependency_id(tb_json_text(node), id) ||
        tb_id_is_zero(*id)) { /* which stands for none */
        struct tb_str shown = tb_field_shown(parse, node);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be a ULID, not %.*s",
                               field, (int)shown.len, shown.ptr);
    }
    note_id(item, *id);
    return true;
}

/* One that must be there and has passed. */
static bool read_past(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      struct tb_import_item *item, int64_t *ms)
{
    *ms = 0;
    if (!tb_field_instant(parse, node, field, ms)) {
        return false;
    }
    if (tb_field_is_absent(node)) {
        return tb_field_refuse(parse, TB_E_MISSING_FIELD, field, "%s is required", field);
    }
    note_ms(item, *ms);
    return true;
}

static bool read_number(struct tb_parse *parse, const struct tb_json *node, const char *field,
                        int64_t min, uint64_t *number)
{
    int64_t value = (int64_t)*number;
    bool good = tb_field_integer(parse, node, field, min, NUMBER_MAX, &value);
    *number = (uint64_t)value;
    return good;
}

static bool read_u32(struct tb_parse *parse, const struct tb_json *node, const char *field,
                     int64_t max, uint32_t *number)
{
    int64_t value = *number;
    bool good = tb_field_integer(parse, node, field, 0, max, &value);
    *number = (uint32_t)value;
    return good;
}

static bool expect(struct tb_parse *parse, const struct tb_json *node, enum tb_json_type type,
                   const char *what)
{
    return (node != NULL && node->type == type) ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, NULL, "%s", what);
}

/* `,[`: an array, or nothing. */
static bool is_list(struct tb_parse *parse, const struct tb_json *node, const char *field)
{
    return tb_field_is_absent(node) || node->type == TB_JSON_ARRAY ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be an array", field);
}

static size_t length_of(const struct tb_json *list)
{
    return tb_field_is_absent(list) ? 0 : list->child_count;
}

/* --- notes and artifacts --- */

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
    return read_id(parse, tb_json_member(node, "id"), "notes[].id", item, &note->id) &&
           tb_field_required(parse, tb_json_member(node, "author"), "notes[].author",
                             TB_NAME_BYTES_MAX, "a note has no author", &note->author) &&
           tb_field_required(parse, tb_json_member(node, "content"), "notes[].content",
                             TB_NOTE_BYTES_MAX, "a note has no content", &note->content) &&
           read_past(parse, tb_json_member(node, "createdAt"), "notes[].createdAt", item,
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

static bool read_notes(struct tb_parse *parse, const struct tb_json *list,
                       struct tb_import_item *item)
{
    size_t count = length_of(list);
    if (!is_list(parse, list, "notes")) {
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
        if (!expect(parse, node, TB_JSON_OBJECT, "a note must be an object") ||
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
           read_past(parse, tb_json_member(node, "addedAt"), "artifacts[].addedAt", item,
                     &artifact->added_ms);
}

static bool read_artifacts(struct tb_parse *parse, const struct tb_json *list,
                           struct tb_import_item *item)
{
    size_t count = length_of(list);
    if (!is_list(parse, list, "artifacts")) {
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
        if (!expect(parse, node, TB_JSON_OBJECT, "an artifact must be an object") ||
            !read_artifact(parse, node, item, &item->artifacts[i])) {
            return false;
        }
    }
    return true;
}

/* --- attempts --- */

static bool read_outcome(struct tb_parse *parse, const struct tb_json *node,
                         enum tb_attempt_outcome *outcome)
{
    bool good = node != NULL && node->type == TB_JSON_STRING &&
                tb_attempt_outcome_parse(tb_json_text(node), outcome) &&
                *outcome != TB_ATTEMPT_RUNNING;
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts",
                                   "an attempt must have an outcome, and be over");
}

static bool read_progress(struct tb_parse *parse, const struct tb_json *node,
                          struct tb_str *progress)
{
    if (!tb_field_is_absent(node) && node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts", "progress must be an object");
    }
    return tb_field_json(parse, node, "attempts[].progress", (size_t)8 * TB_PROGRESS_BYTES_MAX,
                         progress);
}

static bool read_attempt(struct tb_parse *parse, const struct tb_json *node,
                         struct tb_import_item *item, struct tb_attempt *attempt)
{
    static const char *const known[] = {"attempt",   "generation", "agent",   "vmId",
                                        "claimedAt", "endedAt",    "outcome", "error",
                                        "result",    "progress",   "late",    NULL};
    int64_t number = 0;
    bool good =
        tb_field_check_known(parse, node, known, true, "attempts[].") &&
        tb_field_integer(parse, tb_json_member(node, "attempt"), "attempts[].attempt", 1,
                         ATTEMPT_MAX, &number) &&
        read_number(parse, tb_json_member(node, "generation"), "attempts[].generation", 1,
                    &attempt->generation) &&
        tb_field_required(parse, tb_json_member(node, "agent"), "attempts[].agent",
                          TB_NAME_BYTES_MAX, "an attempt has no agent", &attempt->agent) &&
        tb_field_text(parse, tb_json_member(node, "vmId"), "attempts[].vmId", TB_NAME_BYTES_MAX,
                      &attempt->vm_id) &&
        read_past(parse, tb_json_member(node, "claimedAt"), "attempts[].claimedAt", item,
                  &attempt->claimed_ms) &&
        read_past(parse, tb_json_member(node, "endedAt"), "attempts[].endedAt", item,
                  &attempt->ended_ms) &&
        read_outcome(parse, tb_json_member(node, "outcome"), &attempt->outcome) &&
        tb_field_text(parse, tb_json_member(node, "error"), "attempts[].error", TB_ERROR_BYTES_MAX,
                      &attempt->error) &&
        tb_field_json(parse, tb_json_member(node, "result"), "attempts[].result",
                      TB_RESULT_BYTES_MAX, &attempt->result) &&
        read_progress(parse, tb_json_member(node, "progress"), &attempt->progress) &&
        tb_field_bool(parse, tb_json_member(node, "late"), "attempts[].late", &attempt->late);
    attempt->number = (uint32_t)number;
    return good;
}

/* As the board keeps them: the latest, without a gap. */
static bool check_attempts(struct tb_parse *parse, struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    size_t count = item->attempt_count;
    task->claims = count > 0 ? item->attempts[count - 1].number : 0;
    size_t kept = task->claims < TB_ATTEMPTS_KEPT ? task->claims : TB_ATTEMPTS_KEPT;
    bool good = count == kept && task->attempts <= task->claims;
    for (size_t i = 0; good && i < count; i++) {
        const struct tb_attempt *attempt = &item->attempts[i];
        good = attempt->number == task->claims - count + 1 + i &&
               attempt->ended_ms >= attempt->claimed_ms &&
               attempt->generation > (i == 0 ? 0 : attempt[-1].generation) &&
               (!attempt->late || attempt->result.ptr != NULL);
    }
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts",
                                   "the attempts do not follow one another, or are not as many as "
                                   "the task counts");
}

static bool read_attempts(struct tb_parse *parse, const struct tb_json *list,
                          struct tb_import_item *item)
{
    size_t count = length_of(list);
    if (!is_list(parse, list, "attempts")) {
        return false;
    }
    item->attempt_count = count;
    item->attempts = tb_arena_zalloc(parse->arena, (count + 1) * sizeof(*item->attempts));
    const struct tb_json *node = count > 0 ? list->child : NULL;
    for (size_t i = 0; node != NULL; i++, node = node->next) {
        if (!expect(parse, node, TB_JSON_OBJECT, "an attempt must be an object") ||
            !read_attempt(parse, node, item, &item->attempts[i])) {
            return false;
        }
    }
    return check_attempts(parse, item);
}

/* --- tasks --- */

static bool read_status(struct tb_parse *parse, const struct tb_json *task, struct tb_task *out)
{
    const struct tb_json *status = tb_json_member(task, "status");
    const struct tb_json *outcome = tb_json_member(task, "outcome");
    if (status == NULL || status->type != TB_JSON_STRING ||
        !tb_status_parse(tb_json_text(status), &out->status)) {
        struct tb_str shown = tb_field_shown(parse, status);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "status", "invalid status: %.*s",
                               (int)shown.len, shown.ptr);
    }
    bool good = tb_field_is_absent(outcome) ||
                (outcome->type == TB_JSON_STRING && out->status == TB_STATUS_DONE &&
                 tb_outcome_parse(tb_json_text(outcome), &out->outcome));
    if (out->status == TB_STATUS_DONE && out->outcome == TB_OUTCOME_NONE) {
        out->outcome = TB_OUTCOME_SUCCESS;
    }
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "outcome",
                                   "outcome must be that of a task that is done");
}

static bool read_blocked_reason(struct tb_parse *parse, const struct tb_json *node,
                                struct tb_task *task)
{
    const struct tb_json *kind =
        node != NULL && node->type == TB_JSON_OBJECT ? tb_json_member(node, "kind") : NULL;
    bool good =
        tb_field_is_absent(node) ||
        (task->status == TB_STATUS_BLOCKED && kind != NULL &&
         (tb_str_eq_c(kind->raw, "\"manual\"") || tb_str_eq_c(kind->raw, "\"dead_letter\"")));
    if (!good) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "blockedReason",
                               "blockedReason must be an object of a blocked task, with its kind");
    }
    return tb_field_json(parse, node, "blockedReason", (size_t)4 * TB_ERROR_BYTES_MAX,
                         &task->blocked_reason);
}

static bool read_texts(struct tb_parse *parse, const struct tb_json *from, struct tb_task *task)
{
    bool good = tb_field_required(parse, tb_json_member(from, "title"), "title", TB_TITLE_BYTES_MAX,
                                  "title is required", &task->title) &&
                tb_field_required(parse, tb_json_member(from, "createdBy"), "createdBy",
                                  TB_NAME_BYTES_MAX, "createdBy is required", &task->created_by) &&
                tb_field_text(parse, tb_json_member(from, "description"), "description",
                              TB_DESCRIPTION_BYTES_MAX, &task->description) &&
                tb_field_text(parse, tb_json_member(from, "assignee"), "assignee",
                              TB_NAME_BYTES_MAX, &task->assignee) &&
                tb_field_strings(parse, tb_json_member(from, "tags"), "tags", TB_TAGS_MAX,
                                 TB_TAG_BYTES_MAX, &task->tags) &&
                tb_field_strings(parse, tb_json_member(from, "dependencies"), "dependencies",
                                 TB_DEPENDENCIES_MAX, TB_DEPENDENCY_BYTES_MAX, &task->dependencies);
    task->tags = task->tags.ptr != NULL ? task->tags : TB_STR("[]");
    task->dependencies = task->dependencies.ptr != NULL ? task->dependencies : TB_STR("[]");
    return good;
}

/* What every task has, also of the service that was before. */
static bool read_common(struct tb_parse *parse, const struct tb_json *from,
                        struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    const struct tb_json *updated = tb_json_member(from, "updatedAt");
    bool good =
        read_id(parse, tb_json_member(from, "id"), "id", item, &item->id) &&
        read_texts(parse, from, task) && read_status(parse, from, task) &&
        read_past(parse, tb_json_member(from, "createdAt"), "createdAt", item, &task->created_ms) &&
        (tb_field_is_absent(updated) ||
         read_past(parse, updated, "updatedAt", item, &task->updated_ms)) &&
        tb_field_integer(parse, tb_json_member(from, "score"), "score", 0, TB_SCORE_MAX,
                         &task->score) &&
        read_notes(parse, tb_json_member(from, "notes"), item) &&
        read_artifacts(parse, tb_json_member(from, "artifacts"), item);
    task->id = item->id;
    task->updated_ms = task->updated_ms != 0 ? task->updated_ms : task->created_ms;
    task->blocked_by = TB_STR("[]");
    return good;
}

static bool read_added(struct tb_parse *parse, const struct tb_json *from,
                       struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    const struct tb_json *parent = tb_json_member(from, "parentId");
    int64_t priority = 0;
    bool good = read_number(parse, tb_json_member(from, "version"), "version", 1, &task->version) &&
                tb_field_integer(parse, tb_json_member(from, "priority"), "priority",
                                 -TB_PRIORITY_MAX, TB_PRIORITY_MAX, &priority) &&
                tb_field_instant(parse, tb_json_member(from, "notBefore"), "notBefore",
                                 &task->not_before_ms) &&
                read_u32(parse, tb_json_member(from, "attempts"), "attempts", UINT32_MAX,
                         &task->attempts) &&
                read_u32(parse, tb_json_member(from, "maxAttempts"), "maxAttempts",
                         TB_MAX_ATTEMPTS_MAX, &task->max_attempts) &&
                tb_field_text(parse, tb_json_member(from, "uniqueKey"), "uniqueKey",
                              TB_NAME_BYTES_MAX, &task->unique_key) &&
                (tb_field_is_absent(parent) ||
                 read_id(parse, parent, "parentId", item, &task->parent_id)) &&
                read_blocked_reason(parse, tb_json_member(from, "blockedReason"), task) &&
                tb_field_json(parse, tb_json_member(from, "payload"), "payload",
                              TB_PAYLOAD_BYTES_MAX, &task->payload) &&
                tb_field_json(parse, tb_json_member(from, "result"), "result", TB_RESULT_BYTES_MAX,
                              &task->result);
    task->priority = (int32_t)priority;
    return good;
}

/* Who is assignee again when the task is open again; empty: nobody. */
static bool read_reserved_for(struct tb_parse *parse, const struct tb_json *node,
                              struct tb_task *task)
{
    if (!tb_field_text(parse, node, "reservedFor", TB_NAME_BYTES_MAX, &task->reserved_for)) {
        return false;
    }
    if (!tb_field_is_absent(node) && task->reserved_for.ptr == NULL) {
        task->reserved_for = TB_STR("");
    }
    return task->reserved_for.ptr == NULL || task->status != TB_STATUS_OPEN ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, "reservedFor",
                           "a task that is open has no reservedFor");
}

static bool read_task(struct tb_parse *parse, const struct tb_json *line,
                      struct tb_import_item *item)
{
    static const char *const line_members[] = {"task", "attempts", "reservedFor", NULL};
    static const char *const known[] = {
        "id",           "title",     "status",        "outcome",   "assignee",
        "tags",         "createdBy", "createdAt",     "updatedAt", "score",
        "version",      "priority",  "notBefore",     "attempts",  "maxAttempts",
        "uniqueKey",    "parentId",  "blockedReason", "notes",     "description",
        "dependencies", "payload",   "result",        "artifacts", NULL};
    const struct tb_json *task = tb_json_member(line, "task");
    item->kind = TB_IMPORT_TASK;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           expect(parse, task, TB_JSON_OBJECT, "task must be an object") &&
           tb_field_check_known(parse, task, known, true, "") && read_common(parse, task, item) &&
           read_added(parse, task, item) &&
           read_attempts(parse, tb_json_member(line, "attempts"), item) &&
           read_reserved_for(parse, tb_json_member(line, "reservedFor"), &item->task);
}

/* --- VMs --- */

/* The body of a register is the same, but for its times. */
static bool read_vm_fields(struct tb_parse *parse, const struct tb_json *from,
                           struct tb_import_item *item)
{
    struct tb_command command = {.kind = TB_COMMAND_VM_REGISTER};
    struct tb_vm *vm = &item->vm;
    if (!tb_parse_vm_register(parse, from, &command) ||
        !read_past(parse, tb_json_member(from, "registeredAt"), "registeredAt", item,
                   &vm->registered_ms) ||
        !read_past(parse, tb_json_member(from, "lastSeen"), "lastSeen", item, &vm->seen_ms)) {
        return false;
    }
    vm->seen_ms = vm->seen_ms > vm->registered_ms ? vm->seen_ms : vm->registered_ms;
    vm->ttl_ms = command.vm.ttl_ms;
    vm->role = command.vm.role;
    vm->status = command.vm.status;
    vm->id = command.vm_id;
    vm->name = command.vm.name;
    vm->address = command.vm.address;
    vm->services = command.vm.services;
    vm->metadata = command.vm.metadata;
    vm->registered_by =
        command.vm.registered_by.ptr != NULL ? command.vm.registered_by : TB_STR("unknown");
    return true;
}

static bool read_vm(struct tb_parse *parse, const struct tb_json *line, struct tb_import_item *item)
{
    static const char *const line_members[] = {"vm", "number", NULL};
    static const char *const known[] = {"id",           "name",         "role",       "status",
                                        "address",      "services",     "metadata",   "lastSeen",
                                        "registeredBy", "registeredAt", "ttlSeconds", NULL};
    const struct tb_json *vm = tb_json_member(line, "vm");
    item->kind = TB_IMPORT_VM;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           expect(parse, vm, TB_JSON_OBJECT, "vm must be an object") &&
           tb_field_check_known(parse, vm, known, true, "") && read_vm_fields(parse, vm, item) &&
           read_id(parse, tb_json_member(line, "number"), "number", item, &item->id);
}

/* --- the rest --- */

static bool read_feed(struct tb_parse *parse, const struct tb_json *from,
                      struct tb_import_item *item)
{
    struct tb_command command = {.kind = TB_COMMAND_FEED_PUBLISH};
    item->kind = TB_IMPORT_FEED;
    if (!expect(parse, from, TB_JSON_OBJECT, "an event must be an object") ||
        !read_id(parse, tb_json_member(from, "id"), "id", item, &item->id) ||
        !tb_parse_feed_publish(parse, from, &command) ||
        !read_past(parse, tb_json_member(from, "timestamp"), "timestamp", item, &item->feed_ms)) {
        return false;
    }
    item->feed = command.feed;
    return true;
}

static bool read_feed_line(struct tb_parse *parse, const struct tb_json *line,
                           struct tb_import_item *item)
{
    static const char *const line_members[] = {"feed", NULL};
    static const char *const known[] = {"id",     "agent",    "type",      "summary",
                                        "detail", "metadata", "timestamp", NULL};
    const struct tb_json *feed = tb_json_member(line, "feed");
    return tb_field_check_known(parse, line, line_members, true, "") &&
           expect(parse, feed, TB_JSON_OBJECT, "feed must be an object") &&
           tb_field_check_known(parse, feed, known, true, "") && read_feed(parse, feed, item);
}

static bool read_pause(struct tb_parse *parse, const struct tb_json *line,
                       struct tb_import_item *item)
{
    static const char *const line_members[] = {"pause", NULL};
    static const char *const known[] = {"tag", "reason", "since", "by", NULL};
    const struct tb_json *pause = tb_json_member(line, "pause");
    struct tb_steer_command *steer = &item->pause;
    int64_t since_ms = 0;
    item->kind = TB_IMPORT_PAUSE;
    if (!tb_field_check_known(parse, line, line_members, true, "") ||
        !expect(parse, pause, TB_JSON_OBJECT, "pause must be an object") ||
        !tb_field_check_known(parse, pause, known, true, "") ||
        !tb_field_exact_text(parse, tb_json_member(pause, "tag"), "tag", TB_TAG_BYTES_MAX,
                             &steer->tag) ||
        !tb_field_text(parse, tb_json_member(pause, "reason"), "reason", TB_REASON_BYTES_MAX,
                       &steer->reason) ||
        !tb_field_text(parse, tb_json_member(pause, "by"), "by", TB_NAME_BYTES_MAX, &steer->by) ||
        !read_past(parse, tb_json_member(pause, "since"), "since", item, &since_ms)) {
        return false;
    }
    struct tb_buf text;
    tb_buf_init(&text, parse->arena, 32);
    tb_buf_add_instant(&text, since_ms);
    item->pause_since = tb_str_from(text.ptr + 1, text.len - 2);
    return true;
}

static bool read_board(struct tb_parse *parse, const struct tb_json *line,
                       struct tb_import_item *item)
{
    static const char *const line_members[] = {"board", NULL};
    static const char *const known[] = {"format", "generation", NULL};
    const struct tb_json *board = tb_json_member(line, "board");
    int64_t format = 0;
    item->kind = TB_IMPORT_BOARD;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           expect(parse, board, TB_JSON_OBJECT, "board must be an object") &&
           tb_field_check_known(parse, board, known, true, "") &&
           tb_field_integer(parse, tb_json_member(board, "format"), "format", 1, TB_EXPORT_FORMAT,
                            &format) &&
           read_number(parse, tb_json_member(board, "generation"), "generation", 0,
                       &item->generation);
}

static bool read_line(struct tb_parse *parse, const struct tb_json *line,
                      struct tb_import_item *item)
{
    static const struct {
        const char *name;
        bool (*read)(struct tb_parse *, const struct tb_json *, struct tb_import_item *);
    } kinds[] = {{"task", read_task},
                 {"vm", read_vm},
                 {"feed", read_feed_line},
                 {"pause", read_pause},
                 {"board", read_board}};
    for (size_t i = 0; line->type == TB_JSON_OBJECT && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tb_json_member(line, kinds[i].name) != NULL) {
            return kinds[i].read(parse, line, item);
        }
    }
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, NULL,
                           "a line must be an object with a member task, vm, feed, pause or board");
}

static bool read_by_format(struct tb_parse *parse, enum tb_import_format format,
                           const struct tb_json *node, struct tb_import_item *item)
{
    switch (format) {
    case TB_IMPORT_BOARD_JSON:
        item->kind = TB_IMPORT_TASK;
        item->attempts = NULL;
        return expect(parse, node, TB_JSON_OBJECT, "a task must be an object") &&
               read_common(parse, node, item);
    case TB_IMPORT_REGISTRY_JSON:
        item->kind = TB_IMPORT_VM;
        return expect(parse, node, TB_JSON_OBJECT, "a VM must be an object") &&
               read_vm_fields(parse, node, item);
    case TB_IMPORT_FEED_JSONL:
        return read_feed(parse, node, item);
    default:
        return read_line(parse, node, item);
    }
}

bool tb_import_read(struct tb_parse *parse, enum tb_import_format format, struct tb_str text,
                    uint32_t default_max_attempts, struct tb_import_item *item)
{
    const struct tb_json_limits limits = {
        .depth_max = LINE_DEPTH_MAX, .tree_depth = LINE_TREE_DEPTH, .node_count_max = NODES_MAX};
    struct tb_json_error error;
    *item = (struct tb_import_item){.task = {.version = 1, .max_attempts = default_max_attempts}};
    const struct tb_json *node = tb_json_parse(parse->arena, text, &limits, &error);
    if (node == NULL) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "it is not valid JSON: %.*s",
                               (int)error.text.len, error.text.ptr);
    }
    return read_by_format(parse, format, node, item);
}

/* import: what another board was, or a part of it, becomes a part of this one; all or none.
 *
 * The text is read twice, line by line, so that only what must be compared is kept: first every
 * check is made, then everything is written, in the order in which things can stand on each other.
 *
 *   pauses, feed (by id), VMs, tasks that are done (by id), all other tasks (by id) */
#include "board/import.h"

#include "board/dependency.h"
#include "board/rules.h"

#define AHEAD_MS_MAX INT64_C(86400000) /* what a clock elsewhere may be ahead of ours */

bool tb_import_refuse(struct tb_import *import, uint64_t number, enum tb_err err,
                      struct tb_str message, struct tb_str extra)
{
    enum tb_import_format format = import->command->import.format;
    const char *what = format == TB_IMPORT_BOARD_JSON      ? "Task"
                       : format == TB_IMPORT_REGISTRY_JSON ? "VM"
                                                           : "Line";
    message = message.ptr != NULL ? message : tb_str_c(tb_err_text(err));
    tb_refuse(import->reply, err,
              tb_arena_printf(import->arena, "%s %llu: %.*s", what, (unsigned long long)number,
                              (int)message.len, message.ptr),
              tb_arena_printf(import->arena, ",\"line\":%llu%.*s", (unsigned long long)number,
                              (int)extra.len, extra.len > 0 ? extra.ptr : ""));
    return false;
}

bool tb_import_refuse_entry(struct tb_import *import, const struct tb_import_entry *entry,
                            enum tb_err err, const char *message)
{
    return tb_import_refuse(import, entry->number, err,
                            message != NULL ? tb_str_c(message) : TB_STR_NONE, TB_STR_NONE);
}

/* --- reading it --- */

static void *grown(struct tb_import *import, const void *items, size_t count, size_t *room,
                   size_t size)
{
    *room = *room == 0 ? 64 : *room * 2;
    void *more = tb_arena_alloc(import->kept, *room * size);
    if (count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

static struct tb_import_entry *add_entry(struct tb_import *import, enum tb_import_kind kind)
{
    struct tb_import_entries *entries = &import->entries[kind];
    if (entries->count == entries->room) {
        entries->items =
            grown(import, entries->items, entries->count, &entries->room, sizeof(*entries->items));
    }
    return &entries->items[entries->count++];
}

static void add_generations(struct tb_import *import, const struct tb_import_item *item)
{
    struct tb_import_numbers *numbers = &import->generations;
    for (size_t i = 0; i < item->attempt_count; i++) {
        uint64_t generation = item->attempts[i].generation;
        if (numbers->count == numbers->room) {
            numbers->items = grown(import, numbers->items, numbers->count, &numbers->room,
                                   sizeof(*numbers->items));
        }
        numbers->items[numbers->count++] = generation;
        import->generation = generation > import->generation ? generation : import->generation;
    }
}

static struct tb_str keep(struct tb_import *import, struct tb_str text)
{
    return text.ptr == NULL ? text : tb_arena_dup(import->kept, text);
}

static void note_down(struct tb_import *import, struct tb_str text,
                      const struct tb_import_item *item)
{
    struct tb_import_entry *entry = add_entry(import, item->kind);
    *entry = (struct tb_import_entry){
        .text = text, .number = import->source.number, .kind = item->kind, .id = item->id};
    if (item->kind == TB_IMPORT_TASK) {
        const struct tb_task *task = &item->task;
        entry->parent_id = task->parent_id;
        entry->dependencies =
            task->dependencies.len > 2 ? keep(import, task->dependencies) : TB_STR("[]");
        entry->name = task->status != TB_STATUS_DONE ? keep(import, task->unique_key) : TB_STR_NONE;
        entry->met = tb_dependency_is_met_by(task);
    } else if (item->kind == TB_IMPORT_VM) {
        entry->name = keep(import, item->vm.id);
    }
    add_generations(import, item);
    import->generation =
        item->generation > import->generation ? item->generation : import->generation;
    if (tb_id_cmp(item->latest_id, import->latest_id) > 0) {
        import->latest_id = item->latest_id;
    }
    import->latest_ms = item->latest_ms > import->latest_ms ? item->latest_ms : import->latest_ms;
}

/* Time never goes behind what is stored: what comes from the future would stop it. */
static bool is_of_the_past(struct tb_import *import, const struct tb_import_item *item)
{
    int64_t most_ms = import->board->now_ms + AHEAD_MS_MAX;
    return (item->latest_ms <= most_ms && tb_ulid_ms(item->latest_id) <= most_ms) ||
           tb_import_refuse(import, import->source.number, TB_E_INVALID_FIELD,
                            TB_STR("an id or instant lies in the future"), TB_STR_NONE);
}

static bool read_item(struct tb_import *import, struct tb_str text, struct tb_import_item *item)
{
    struct tb_parse parse = {.arena = import->board->arena};
    if (!tb_import_read(&parse, import->command->import.format, text,
                        import->board->options.default_max_attempts, item)) {
        return tb_import_refuse(import, import->source.number, parse.refusal.err,
                                parse.refusal.message, parse.refusal.extra);
    }
    return is_of_the_past(import, item);
}

static bool read_all(struct tb_import *import)
{
    const struct tb_import_command *command = &import->command->import;
    struct tb_parse parse = {.arena = import->kept};
    struct tb_str text;
    if (!tb_import_open(&parse, command->format, command->bytes, &import->source)) {
        tb_refuse(import->reply, parse.refusal.err,
                  tb_arena_printf(import->arena, "%.*s", (int)parse.refusal.message.len,
                                  parse.refusal.message.ptr),
                  TB_STR_NONE);
        return false;
    }
    while (tb_import_next(&import->source, &text)) {
        struct tb_import_item item;
        if (!read_item(import, text, &item)) {
            return false;
        }
        note_down(import, text, &item);
        tb_scratch_reset(&import->scratch);
    }
    return true;
}

static void answer(struct tb_import *import)
{
    *import->reply = (struct tb_reply){
        .http_status = 200,
        .body = tb_arena_printf(
            import->arena, "{\"tasks\":%zu,\"vms\":%zu,\"feedEvents\":%zu,\"pauses\":%zu}",
            import->entries[TB_IMPORT_TASK].count, import->entries[TB_IMPORT_VM].count,
            import->entries[TB_IMPORT_FEED].count, import->entries[TB_IMPORT_PAUSE].count),
    };
}

void tb_rule_import(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_import import = {
        .board = board,
        .command = command,
        .kept = tb_arena_new(0),
        .arena = arena,
        .reply = reply,
    };
    tb_scratch_begin(board, &import.scratch);
    if (read_all(&import) && tb_import_check(&import)) {
        tb_import_write(&import);
        answer(&import);
    }
    tb_scratch_end(board, &import.scratch);
    tb_arena_free(import.kept);
}

/* import: what another board was, or a part of it, becomes a part of this one; all or none.
 *
 * The text is read twice, line by line, so that only what must be compared is kept: first every
 * check is made, then everything is written, in the order in which things can stand on each other.
 *
 *   pauses, feed (by id), VMs, tasks that are done (by id), all other tasks (by id) */
#include <stdlib.h>

#include "base/json.h"
#include "board/dependency.h"
#include "board/feed.h"
#include "board/import_item.h"
#include "board/note.h"
#include "board/pause.h"
#include "board/rules.h"
#include "board/vm_life.h"
#include "taskboard/limits.h"

#define AHEAD_MS_MAX   INT64_C(86400000)   /* what a clock elsewhere may be ahead of ours */
#define GENERATION_MAX (UINT64_C(1) << 52) /* a half of what JSON has is for claims to come */

/* What is kept of a line. */
struct entry {
    struct tb_str text; /* of the line */
    uint64_t number;
    enum tb_import_kind kind;
    struct tb_id id;
    struct tb_id parent_id;
    struct tb_str dependencies; /* in `kept` */
    struct tb_str name;         /* in `kept`: a VM's id, a task's uniqueKey while it is not done */
    bool met;                   /* a task that others need not wait for */
};

struct entries {
    struct entry *items;
    size_t count;
    size_t room;
};

struct numbers {
    uint64_t *items;
    size_t count;
    size_t room;
};

struct import {
    struct tb_board *board;
    const struct tb_command *command;
    struct tb_arena *kept;     /* till the end of the import */
    struct tb_scratch scratch; /* of a line */
    struct entries entries[TB_IMPORT_KIND_COUNT];
    struct numbers generations; /* of attempts */
    struct tb_import_source source;
    uint64_t generation; /* the greatest one that the file knows of */
    struct tb_id latest_id;
    int64_t latest_ms;
    struct tb_arena *arena; /* of the reply */
    struct tb_reply *reply;
};

/* Always false. `extra` is of the arena of the reply. */
static bool refuse(struct import *import, uint64_t number, enum tb_err err, struct tb_str message,
                   struct tb_str extra)
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

static bool refuse_entry(struct import *import, const struct entry *entry, enum tb_err err,
                         const char *message)
{
    return refuse(import, entry->number, err, message != NULL ? tb_str_c(message) : TB_STR_NONE,
                  TB_STR_NONE);
}

/* --- reading it --- */

static void *grown(struct import *import, const void *items, size_t count, size_t *room,
                   size_t size)
{
    *room = *room == 0 ? 64 : *room * 2;
    void *more = tb_arena_alloc(import->kept, *room * size);
    if (count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

static struct entry *add_entry(struct import *import, enum tb_import_kind kind)
{
    struct entries *entries = &import->entries[kind];
    if (entries->count == entries->room) {
        entries->items =
            grown(import, entries->items, entries->count, &entries->room, sizeof(*entries->items));
    }
    return &entries->items[entries->count++];
}

static void add_generations(struct import *import, const struct tb_import_item *item)
{
    struct numbers *numbers = &import->generations;
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

static struct tb_str keep(struct import *import, struct tb_str text)
{
    return text.ptr == NULL ? text : tb_arena_dup(import->kept, text);
}

static void note_down(struct import *import, struct tb_str text, const struct tb_import_item *item)
{
    struct entry *entry = add_entry(import, item->kind);
    *entry = (struct entry){
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
static bool is_of_the_past(struct import *import, const struct tb_import_item *item)
{
    int64_t most_ms = import->board->now_ms + AHEAD_MS_MAX;
    return (item->latest_ms <= most_ms && tb_ulid_ms(item->latest_id) <= most_ms) ||
           refuse(import, import->source.number, TB_E_INVALID_FIELD,
                  TB_STR("an id or instant lies in the future"), TB_STR_NONE);
}

static bool read_item(struct import *import, struct tb_str text, struct tb_import_item *item)
{
    struct tb_parse parse = {.arena = import->board->arena};
    if (!tb_import_read(&parse, import->command->import.format, text,
                        import->board->options.default_max_attempts, item)) {
        return refuse(import, import->source.number, parse.refusal.err, parse.refusal.message,
                      parse.refusal.extra);
    }
    return is_of_the_past(import, item);
}

static bool read_all(struct import *import)
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

/* --- ids --- */

static int compare_ids(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = tb_id_cmp(left->id, right->id);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Sorts them by id; each must be the only one with it. VMs may have none. */
static bool check_ids(struct import *import, enum tb_import_kind kind)
{
    struct entries *entries = &import->entries[kind];
    if (entries->count == 0) {
        return true;
    }
    qsort(entries->items, entries->count, sizeof(*entries->items), compare_ids);
    for (size_t i = 1; i < entries->count; i++) {
        bool has_one = !tb_id_is_zero(entries->items[i].id);
        if (has_one && tb_id_cmp(entries->items[i - 1].id, entries->items[i].id) == 0) {
            return refuse_entry(import, &entries->items[i], TB_E_ID_EXISTS,
                                "an earlier line has the same id");
        }
    }
    return true;
}

static bool check_tasks_are_new(struct import *import)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_task stored;
        if (tb_get_task(import->board->txn, tasks->items[i].id, &stored) == TB_OK) {
            return refuse_entry(import, &tasks->items[i], TB_E_ID_EXISTS,
                                "the board has a task with that id");
        }
        tb_scratch_reset(&import->scratch);
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct entry *left = *(const struct entry *const *)a;
    const struct entry *right = *(const struct entry *const *)b;
    int order = tb_str_cmp(left->name, right->name);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Each name once in the file. */
static bool check_names(struct import *import, enum tb_import_kind kind, enum tb_err err,
                        const char *message)
{
    const struct entries *entries = &import->entries[kind];
    const struct entry **named =
        tb_arena_alloc(import->kept, (entries->count + 1) * sizeof(struct entry *));
    size_t count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].name.ptr != NULL) {
            named[count++] = &entries->items[i];
        }
    }
    qsort(named, count, sizeof(struct entry *), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (tb_str_eq(named[i - 1]->name, named[i]->name)) {
            return refuse_entry(import, named[i], err, message);
        }
    }
    return true;
}

static bool check_keys(struct import *import)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_id holder;
        if (tasks->items[i].name.ptr != NULL &&
            tb_find_unique(import->board->txn, tasks->items[i].name, &holder) == TB_OK) {
            return refuse_entry(import, &tasks->items[i], TB_E_UNIQUE_KEY_TAKEN, NULL);
        }
    }
    return check_names(import, TB_IMPORT_TASK, TB_E_UNIQUE_KEY_TAKEN,
                       "an earlier line has the same uniqueKey");
}

static bool check_vms(struct import *import)
{
    const struct entries *vms = &import->entries[TB_IMPORT_VM];
    struct tb_vm stored;
    for (size_t i = 0; i < vms->count; i++) {
        if (tb_get_vm(import->board->txn, vms->items[i].name, &stored) == TB_OK) {
            return refuse_entry(import, &vms->items[i], TB_E_VM_EXISTS, NULL);
        }
        if (tb_txn_head(import->board->txn)->vms + i >= TB_VMS_MAX) {
            return refuse_entry(import, &vms->items[i], TB_E_LIMIT_REACHED,
                                "the registry takes no more VMs");
        }
        tb_scratch_reset(&import->scratch);
    }
    return check_names(import, TB_IMPORT_VM, TB_E_VM_EXISTS, "an earlier line has the same id");
}

static bool check_pauses(struct import *import)
{
    const struct entries *pauses = &import->entries[TB_IMPORT_PAUSE];
    uint64_t in_force = tb_txn_head(import->board->txn)->pauses;
    size_t room = in_force < TB_PAUSES_MAX ? (size_t)(TB_PAUSES_MAX - in_force) : 0;
    return pauses->count <= room || refuse_entry(import, &pauses->items[room], TB_E_LIMIT_REACHED,
                                                 "so many pauses cannot be in force");
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* No claim of the file was given twice, and there are numbers left behind them all. */
static bool check_generations(struct import *import)
{
    struct numbers *numbers = &import->generations;
    bool twice = false;
    if (numbers->count > 0) {
        qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare_numbers);
    }
    for (size_t i = 1; i < numbers->count; i++) {
        twice = twice || numbers->items[i - 1] == numbers->items[i];
    }
    uint64_t given = tb_txn_head(import->board->txn)->generation;
    bool fits = given < GENERATION_MAX && import->generation < GENERATION_MAX - given;
    if (twice || !fits) {
        tb_refuse(import->reply, TB_E_INVALID_FIELD,
                  twice ? TB_STR("Two attempts of the file have the same generation")
                        : TB_STR("The file's generations are too large"),
                  TB_STR(",\"field\":\"generation\""));
    }
    return !twice && fits;
}

static enum tb_visit keep_id(void *ctx, const struct tb_event *event)
{
    *(struct tb_id *)ctx = event->id;
    return TB_VISIT_STOP;
}

/* The log is in the order of its ids: nothing can come in between. */
static bool check_feed(struct import *import)
{
    const struct entries *feed = &import->entries[TB_IMPORT_FEED];
    struct tb_txn *txn = import->board->txn;
    struct tb_id last = {{0}};
    if (feed->count == 0) {
        return true;
    }
    (void)tb_visit_events(txn, tb_txn_head(txn)->seq > 0 ? tb_txn_head(txn)->seq - 1 : 0, last,
                          keep_id, &last);
    return tb_id_cmp(feed->items[0].id, last) > 0 ||
           refuse_entry(import, &feed->items[0], TB_E_LOG_IS_NEWER, NULL);
}

/* --- who waits for whom --- */

static struct entry *find_task(const struct import *import, struct tb_id id)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    const struct entry key = {.id = id};
    size_t low = 0;
    size_t high = tasks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tb_id_cmp(tasks->items[middle].id, key.id);
        if (order == 0) {
            return &tasks->items[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* A task on the way down, and which of its dependencies comes next. */
struct step {
    struct entry *entry;
    struct tb_json_strings rest;
};

enum colour { COLOUR_NEW, COLOUR_ON_THE_WAY, COLOUR_DONE };

struct walk {
    struct step *steps;
    size_t depth;
    uint8_t *colours; /* by place among the tasks */
};

static struct tb_str path_from(struct import *import, const struct walk *walk, struct tb_id id)
{
    struct tb_buf out;
    char text[TB_ULID_LEN];
    size_t at = walk->depth - 1;
    while (tb_id_cmp(walk->steps[at].entry->id, id) != 0) {
        at--;
    }
    tb_buf_init(&out, import->arena, (walk->depth - at + 2) * (TB_ULID_LEN + 3) + 32);
    TB_BUF_LIT(&out, ",\"path\":[");
    for (; at < walk->depth; at++) {
        tb_ulid_format(walk->steps[at].entry->id, text);
        tb_buf_add_quoted(&out, tb_str_from(text, sizeof(text)));
        TB_BUF_LIT(&out, ",");
    }
    tb_ulid_format(id, text);
    tb_buf_add_quoted(&out, tb_str_from(text, sizeof(text)));
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

static void step_down(struct import *import, struct walk *walk, struct entry *entry)
{
    walk->colours[entry - import->entries[TB_IMPORT_TASK].items] = COLOUR_ON_THE_WAY;
    walk->steps[walk->depth++] = (struct step){entry, tb_json_strings_of(entry->dependencies)};
}

/* False: it is a cycle. */
static bool follow(struct import *import, struct walk *walk, struct tb_str dependency)
{
    struct tb_id id;
    struct entry *next = tb_dependency_id(dependency, &id) ? find_task(import, id) : NULL;
    uint8_t colour =
        next == NULL ? COLOUR_DONE : walk->colours[next - import->entries[TB_IMPORT_TASK].items];
    if (colour == COLOUR_NEW) {
        step_down(import, walk, next);
    }
    return colour != COLOUR_ON_THE_WAY ||
           refuse(import, walk->steps[walk->depth - 1].entry->number, TB_E_DEPENDENCY_CYCLE,
                  TB_STR_NONE, path_from(import, walk, id));
}

/* Within the file: down from each task, nowhere twice. */
static bool check_own_cycles(struct import *import)
{
    struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    struct walk walk = {
        .steps = tb_arena_alloc(import->kept, (tasks->count + 1) * sizeof(*walk.steps)),
        .colours = tb_arena_zalloc(import->kept, tasks->count + 1),
    };
    for (size_t i = 0; i < tasks->count; i++) {
        if (walk.colours[i] == COLOUR_NEW) {
            step_down(import, &walk, &tasks->items[i]);
        }
        while (walk.depth > 0) {
            struct step *step = &walk.steps[walk.depth - 1];
            struct tb_str dependency;
            if (!tb_json_strings_next(&step->rest, &dependency)) {
                walk.colours[step->entry - tasks->items] = COLOUR_DONE;
                walk.depth--;
            } else if (!follow(import, &walk, dependency)) {
                return false;
            }
        }
    }
    return true;
}

static enum tb_visit found_one(void *ctx, struct tb_id id)
{
    (void)id;
    *(bool *)ctx = true;
    return TB_VISIT_STOP;
}

static bool somebody_waits_for(struct import *import, struct tb_id id)
{
    char text[TB_ULID_LEN];
    bool found = false;
    tb_ulid_format(id, text);
    tb_visit_dependents(import->board->txn, tb_str_from(text, sizeof(text)), found_one, &found);
    return found;
}

/* All of the file's tasks, as far as a search for a cycle looks at them. */
static struct tb_dependency_drafts make_drafts(struct import *import)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    struct tb_task *all = tb_arena_zalloc(import->kept, tasks->count * sizeof(*all));
    struct tb_dependency_drafts drafts = {
        .tasks = tb_arena_alloc(import->kept, tasks->count * sizeof(struct tb_task *)),
        .count = tasks->count,
    };
    for (size_t i = 0; i < tasks->count; i++) {
        all[i].id = tasks->items[i].id;
        all[i].dependencies = tasks->items[i].dependencies;
        drafts.tasks[i] = &all[i];
    }
    return drafts;
}

/* Through a stored task that waits for one of the file already. */
static bool check_stored_cycles(struct import *import)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    struct tb_dependency_drafts drafts = {.count = 0};
    for (size_t i = 0; i < tasks->count; i++) {
        const struct entry *task = &tasks->items[i];
        struct tb_str path = TB_STR_NONE;
        struct tb_reply why;
        if (task->dependencies.len == 2 || !somebody_waits_for(import, task->id)) {
            continue;
        }
        drafts = drafts.count == 0 ? make_drafts(import) : drafts;
        enum tb_dependency_check check =
            tb_dependency_check_cycle(import->board, &drafts, task->id, task->dependencies, &path);
        if (check != TB_DEPENDENCY_FINE) {
            tb_dependency_refuse(check, path, import->kept, &why);
            return refuse(import, task->number, why.err, why.message, why.extra);
        }
        tb_scratch_reset(&import->scratch);
    }
    return true;
}

/* That a task names a dependency. */
struct use {
    struct tb_str dependency;
    const struct entry *task;
};

static int compare_uses(const void *a, const void *b)
{
    const struct use *left = a;
    const struct use *right = b;
    int order = tb_str_cmp(left->dependency, right->dependency);
    return order != 0 ? order
                      : (left->task->number > right->task->number) -
                            (left->task->number < right->task->number);
}

static struct use *collect_uses(struct import *import, size_t *count)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    size_t max = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        max += tasks->items[i].dependencies.len / 3; /* "", is the shortest */
    }
    struct use *uses = tb_arena_alloc(import->kept, (max + 1) * sizeof(*uses));
    *count = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_json_strings strings = tb_json_strings_of(tasks->items[i].dependencies);
        struct tb_str text;
        while (tb_json_strings_next(&strings, &text)) {
            uses[(*count)++] = (struct use){text, &tasks->items[i]};
        }
    }
    qsort(uses, *count, sizeof(*uses), compare_uses);
    return uses;
}

/* Is there room for all that will wait for the same task? */
static bool check_popularity(struct import *import)
{
    size_t count = 0;
    const struct use *uses = collect_uses(import, &count);
    for (size_t i = 0; i < count;) {
        size_t next = i + 1;
        unsigned waiting = 1;
        while (next < count && tb_str_eq(uses[next].dependency, uses[i].dependency)) {
            waiting += uses[next].task != uses[next - 1].task ? 1 : 0;
            next++;
        }
        if (!tb_dependency_has_room(import->board, uses[i].dependency, waiting)) {
            struct tb_reply why;
            tb_dependency_refuse(TB_DEPENDENCY_TOO_POPULAR, uses[i].dependency, import->kept, &why);
            return refuse(import, uses[next - 1].task->number, why.err, why.message, why.extra);
        }
        i = next;
    }
    return true;
}

/* Nobody is its own ancestor. Parents themselves may be gone. */
static bool check_parents(struct import *import)
{
    struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    size_t *seen_by = tb_arena_zalloc(import->kept, (tasks->count + 1) * sizeof(*seen_by));
    for (size_t i = 0; i < tasks->count; i++) {
        struct entry *at = &tasks->items[i];
        while (at != NULL && seen_by[at - tasks->items] == 0) {
            seen_by[at - tasks->items] = i + 1;
            at = tb_id_is_zero(at->parent_id) ? NULL : find_task(import, at->parent_id);
        }
        if (at != NULL && seen_by[at - tasks->items] == i + 1) {
            return refuse_entry(import, at, TB_E_INVALID_FIELD, "the task is its own ancestor");
        }
    }
    return true;
}

static bool check_all(struct import *import)
{
    return check_ids(import, TB_IMPORT_TASK) && check_ids(import, TB_IMPORT_FEED) &&
           check_ids(import, TB_IMPORT_VM) && check_tasks_are_new(import) && check_keys(import) &&
           check_vms(import) && check_pauses(import) && check_generations(import) &&
           check_feed(import) && check_own_cycles(import) && check_stored_cycles(import) &&
           check_popularity(import) && check_parents(import);
}

/* --- writing --- */

/* What was read once without a fault. */
static void read_again(struct import *import, const struct entry *entry,
                       struct tb_import_item *item)
{
    struct tb_parse parse = {.arena = import->board->arena};
    bool good = tb_import_read(&parse, import->command->import.format, entry->text,
                               import->board->options.default_max_attempts, item);
    (void)good;
}

static void write_attached(struct import *import, const struct tb_import_item *item,
                           struct tb_task *task)
{
    struct tb_board *board = import->board;
    struct tb_buf wire;
    uint64_t offset = tb_txn_head(board->txn)->generation;
    for (size_t i = 0; i < task->note_count; i++) {
        tb_buf_init(&wire, board->arena, item->notes[i].content.len + 512);
        tb_note_write(&item->notes[i], &wire);
        tb_put_note(board->txn, task->id, item->notes[i].id, tb_buf_str(&wire));
        task->notes_bytes += wire.len;
    }
    for (uint32_t i = 0; i < task->artifact_count; i++) {
        tb_buf_init(&wire, board->arena, 512);
        tb_artifact_write(&item->artifacts[i], &wire);
        tb_put_artifact(board->txn, task->id, i, tb_buf_str(&wire));
    }
    for (size_t i = 0; i < item->attempt_count; i++) {
        struct tb_attempt attempt = item->attempts[i];
        attempt.generation += offset;
        tb_attempt_render(&attempt, board->arena);
        tb_put_attempt(board->txn, task->id, &attempt);
    }
}

static void write_task(struct import *import, const struct entry *entry)
{
    struct tb_import_item item;
    read_again(import, entry, &item);
    struct tb_task task = item.task;
    const struct tb_change change = {
        .type = TB_EVENT_IMPORTED, .actor = import->command->actor, .dependencies_changed = true};
    write_attached(import, &item, &task);
    tb_change_import(import->board, &task, &change);
}

static void write_tasks(struct import *import, bool met)
{
    const struct entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        if (tasks->items[i].met == met) {
            write_task(import, &tasks->items[i]);
            tb_scratch_reset(&import->scratch);
        }
    }
}

/* A place among the others for one that comes without. */
static struct tb_id number_of(struct import *import, const struct tb_import_item *item)
{
    struct tb_ulid_source ids = {.random = import->board->ids.random,
                                 .random_ctx = import->board->ids.random_ctx};
    return tb_id_is_zero(item->id) ? tb_ulid_next(&ids, item->vm.registered_ms) : item->id;
}

static void write_vms(struct import *import)
{
    const struct entries *vms = &import->entries[TB_IMPORT_VM];
    for (size_t i = 0; i < vms->count; i++) {
        struct tb_import_item item;
        read_again(import, &vms->items[i], &item);
        item.vm.number = number_of(import, &item);
        tb_vm_change(import->board, NULL, &item.vm, TB_EVENT_VM_IMPORTED, import->command->actor);
        tb_scratch_reset(&import->scratch);
    }
}

static void write_feed(struct import *import)
{
    const struct entries *feed = &import->entries[TB_IMPORT_FEED];
    for (size_t i = 0; i < feed->count; i++) {
        struct tb_import_item item;
        read_again(import, &feed->items[i], &item);
        const struct tb_change change = {.type = item.feed.type,
                                         .actor = item.feed.agent,
                                         .extra =
                                             tb_feed_members(import->board->arena, &item.feed)};
        tb_change_tell_of(import->board, &change, item.id, item.feed_ms);
        tb_scratch_reset(&import->scratch);
    }
}

static void write_pauses(struct import *import)
{
    const struct entries *pauses = &import->entries[TB_IMPORT_PAUSE];
    for (size_t i = 0; i < pauses->count; i++) {
        struct tb_import_item item;
        read_again(import, &pauses->items[i], &item);
        tb_pause_import(import->board, &item.pause, item.pause_since);
        tb_scratch_reset(&import->scratch);
    }
}

/* Ids and instants made from now on are greater than all of the file. */
static void raise_clock(struct import *import)
{
    struct tb_board *board = import->board;
    if (tb_id_cmp(import->latest_id, board->ids.last) > 0) {
        board->ids.last = import->latest_id;
    }
    if (import->latest_ms > board->now_ms) {
        board->now_ms = import->latest_ms;
    }
}

static void write_all(struct import *import)
{
    struct tb_head *head = tb_txn_head(import->board->txn);
    write_feed(import); /* before any event gets an id of today */
    raise_clock(import);
    write_pauses(import);
    write_vms(import);
    write_tasks(import, true);
    write_tasks(import, false);
    head->generation += import->generation;
    head->last_id = import->board->ids.last;
    head->last_ms = import->board->now_ms;
}

static void answer(struct import *import)
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
    struct import import = {
        .board = board,
        .command = command,
        .kept = tb_arena_new(0),
        .arena = arena,
        .reply = reply,
    };
    tb_scratch_begin(board, &import.scratch);
    if (read_all(&import) && check_all(&import)) {
        write_all(&import);
        answer(&import);
    }
    tb_scratch_end(board, &import.scratch);
    tb_arena_free(import.kept);
}

/* What an import says of who waits for whom: no task for itself, and not too many for one. */
#include "board/import.h"

#include <stdlib.h>

#include "base/json.h"
#include "board/dependency.h"

/* A task on the way down, and which of its dependencies comes next. */
struct step {
    struct tb_import_entry *entry;
    struct tb_json_strings rest;
};

enum colour { COLOUR_NEW, COLOUR_ON_THE_WAY, COLOUR_DONE };

struct walk {
    struct step *steps;
    size_t depth;
    uint8_t *colours; /* by place among the tasks */
};

static struct tb_str path_from(struct tb_import *import, const struct walk *walk, struct tb_id id)
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

static void step_down(struct tb_import *import, struct walk *walk, struct tb_import_entry *entry)
{
    walk->colours[entry - import->entries[TB_IMPORT_TASK].items] = COLOUR_ON_THE_WAY;
    walk->steps[walk->depth++] = (struct step){entry, tb_json_strings_of(entry->dependencies)};
}

/* False: it is a cycle. */
static bool follow(struct tb_import *import, struct walk *walk, struct tb_str dependency)
{
    struct tb_id id;
    struct tb_import_entry *next =
        tb_dependency_id(dependency, &id) ? tb_import_find_task(import, id) : NULL;
    uint8_t colour =
        next == NULL ? COLOUR_DONE : walk->colours[next - import->entries[TB_IMPORT_TASK].items];
    if (colour == COLOUR_NEW) {
        step_down(import, walk, next);
    }
    return colour != COLOUR_ON_THE_WAY ||
           tb_import_refuse(import, walk->steps[walk->depth - 1].entry->number,
                            TB_E_DEPENDENCY_CYCLE, TB_STR_NONE, path_from(import, walk, id));
}

/* Within the file: down from each task, nowhere twice. */
static bool check_own_cycles(struct tb_import *import)
{
    struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
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

static bool somebody_waits_for(struct tb_import *import, struct tb_id id)
{
    char text[TB_ULID_LEN];
    bool found = false;
    tb_ulid_format(id, text);
    tb_visit_dependents(import->board->txn, tb_str_from(text, sizeof(text)), found_one, &found);
    return found;
}

/* All of the file's tasks, as far as a search for a cycle looks at them. */
static struct tb_dependency_drafts make_drafts(struct tb_import *import)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
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
static bool check_stored_cycles(struct tb_import *import)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
    struct tb_dependency_drafts drafts = {.count = 0};
    for (size_t i = 0; i < tasks->count; i++) {
        const struct tb_import_entry *task = &tasks->items[i];
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
            return tb_import_refuse(import, task->number, why.err, why.message, why.extra);
        }
        tb_scratch_reset(&import->scratch);
    }
    return true;
}

/* That a task names a dependency. */
struct use {
    struct tb_str dependency;
    const struct tb_import_entry *task;
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

static struct use *collect_uses(struct tb_import *import, size_t *count)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
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
static bool check_popularity(struct tb_import *import)
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
            return tb_import_refuse(import, uses[next - 1].task->number, why.err, why.message,
                                    why.extra);
        }
        i = next;
    }
    return true;
}

bool tb_import_check_waits(struct tb_import *import)
{
    return check_own_cycles(import) && check_stored_cycles(import) && check_popularity(import);
}

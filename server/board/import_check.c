/* What must hold before anything of an import is written, but for who waits for whom
 * (import_waits.c). */
#include "board/import.h"

#include <stdlib.h>

#include "taskboard/limits.h"

#define GENERATION_MAX (UINT64_C(1) << 52) /* a half of what JSON has is for claims to come */

static int compare_ids(const void *a, const void *b)
{
    const struct tb_import_entry *left = a;
    const struct tb_import_entry *right = b;
    int order = tb_id_cmp(left->id, right->id);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Sorts them by id; each must be the only one with it. VMs may have none. */
static bool check_ids(struct tb_import *import, enum tb_import_kind kind)
{
    struct tb_import_entries *entries = &import->entries[kind];
    if (entries->count == 0) {
        return true;
    }
    qsort(entries->items, entries->count, sizeof(*entries->items), compare_ids);
    for (size_t i = 1; i < entries->count; i++) {
        bool has_one = !tb_id_is_zero(entries->items[i].id);
        if (has_one && tb_id_cmp(entries->items[i - 1].id, entries->items[i].id) == 0) {
            return tb_import_refuse_entry(import, &entries->items[i], TB_E_ID_EXISTS,
                                          "an earlier line has the same id");
        }
    }
    return true;
}

static struct tb_import_entry *find(const struct tb_import_entries *entries, struct tb_id id)
{
    size_t low = 0;
    size_t high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tb_id_cmp(entries->items[middle].id, id);
        if (order == 0) {
            return &entries->items[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

struct tb_import_entry *tb_import_find_task(const struct tb_import *import, struct tb_id id)
{
    return find(&import->entries[TB_IMPORT_TASK], id);
}

static bool check_tasks_are_new(struct tb_import *import)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_task stored;
        if (tb_get_task(import->board->txn, tasks->items[i].id, &stored) == TB_OK) {
            return tb_import_refuse_entry(import, &tasks->items[i], TB_E_ID_EXISTS,
                                          "the board has a task with that id");
        }
        tb_scratch_reset(&import->scratch);
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct tb_import_entry *left = *(const struct tb_import_entry *const *)a;
    const struct tb_import_entry *right = *(const struct tb_import_entry *const *)b;
    int order = tb_str_cmp(left->name, right->name);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* Each name once in the file. */
static bool check_names(struct tb_import *import, enum tb_import_kind kind, enum tb_err err,
                        const char *message)
{
    const struct tb_import_entries *entries = &import->entries[kind];
    const struct tb_import_entry **named =
        tb_arena_alloc(import->kept, (entries->count + 1) * sizeof(struct tb_import_entry *));
    size_t count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].name.ptr != NULL) {
            named[count++] = &entries->items[i];
        }
    }
    qsort(named, count, sizeof(struct tb_import_entry *), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (tb_str_eq(named[i - 1]->name, named[i]->name)) {
            return tb_import_refuse_entry(import, named[i], err, message);
        }
    }
    return true;
}

static bool check_keys(struct tb_import *import)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_id holder;
        if (tasks->items[i].name.ptr != NULL &&
            tb_find_unique(import->board->txn, tasks->items[i].name, &holder) == TB_OK) {
            return tb_import_refuse_entry(import, &tasks->items[i], TB_E_UNIQUE_KEY_TAKEN, NULL);
        }
    }
    return check_names(import, TB_IMPORT_TASK, TB_E_UNIQUE_KEY_TAKEN,
                       "an earlier line has the same uniqueKey");
}

/* Whose number is a stored VM's. */
struct taken {
    struct tb_import *import;
    const struct tb_import_entry *vm;
};

static enum tb_visit find_number(void *ctx, const struct tb_vm *stored)
{
    struct taken *taken = ctx;
    taken->vm = find(&taken->import->entries[TB_IMPORT_VM], stored->number);
    tb_scratch_reset(&taken->import->scratch);
    return taken->vm == NULL ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

/* A VM is stored under its number. */
static bool check_numbers(struct tb_import *import)
{
    struct taken taken = {.import = import};
    if (import->entries[TB_IMPORT_VM].count > 0) {
        (void)tb_visit_vms(import->board->txn, false, find_number, &taken);
    }
    return taken.vm == NULL || tb_import_refuse_entry(import, taken.vm, TB_E_ID_EXISTS,
                                                      "the board has a VM with that number");
}

static bool check_vms(struct tb_import *import)
{
    const struct tb_import_entries *vms = &import->entries[TB_IMPORT_VM];
    struct tb_vm stored;
    for (size_t i = 0; i < vms->count; i++) {
        if (tb_get_vm(import->board->txn, vms->items[i].name, &stored) == TB_OK) {
            return tb_import_refuse_entry(import, &vms->items[i], TB_E_VM_EXISTS, NULL);
        }
        if (tb_txn_head(import->board->txn)->vms + i >= TB_VMS_MAX) {
            return tb_import_refuse_entry(import, &vms->items[i], TB_E_LIMIT_REACHED,
                                          "the registry takes no more VMs");
        }
        tb_scratch_reset(&import->scratch);
    }
    return check_names(import, TB_IMPORT_VM, TB_E_VM_EXISTS, "an earlier line has the same id") &&
           check_numbers(import);
}

static bool check_pauses(struct tb_import *import)
{
    const struct tb_import_entries *pauses = &import->entries[TB_IMPORT_PAUSE];
    uint64_t in_force = tb_txn_head(import->board->txn)->pauses;
    size_t room = in_force < TB_PAUSES_MAX ? (size_t)(TB_PAUSES_MAX - in_force) : 0;
    return pauses->count <= room ||
           tb_import_refuse_entry(import, &pauses->items[room], TB_E_LIMIT_REACHED,
                                  "so many pauses cannot be in force");
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* No claim of the file was given twice, and there are numbers left behind them all. */
static bool check_generations(struct tb_import *import)
{
    struct tb_import_numbers *numbers = &import->generations;
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
static bool check_feed(struct tb_import *import)
{
    const struct tb_import_entries *feed = &import->entries[TB_IMPORT_FEED];
    struct tb_txn *txn = import->board->txn;
    struct tb_id last = {{0}};
    if (feed->count == 0) {
        return true;
    }
    (void)tb_visit_events(txn, tb_txn_head(txn)->seq > 0 ? tb_txn_head(txn)->seq - 1 : 0, last,
                          keep_id, &last);
    return tb_id_cmp(feed->items[0].id, last) > 0 ||
           tb_import_refuse_entry(import, &feed->items[0], TB_E_LOG_IS_NEWER, NULL);
}

/* Nobody is its own ancestor. Parents themselves may be gone. */
static bool check_parents(struct tb_import *import)
{
    struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
    size_t *seen_by = tb_arena_zalloc(import->kept, (tasks->count + 1) * sizeof(*seen_by));
    for (size_t i = 0; i < tasks->count; i++) {
        struct tb_import_entry *at = &tasks->items[i];
        while (at != NULL && seen_by[at - tasks->items] == 0) {
            seen_by[at - tasks->items] = i + 1;
            at = tb_id_is_zero(at->parent_id) ? NULL : tb_import_find_task(import, at->parent_id);
        }
        if (at != NULL && seen_by[at - tasks->items] == i + 1) {
            return tb_import_refuse_entry(import, at, TB_E_INVALID_FIELD,
                                          "the task is its own ancestor");
        }
    }
    return true;
}

bool tb_import_check(struct tb_import *import)
{
    return check_ids(import, TB_IMPORT_TASK) && check_ids(import, TB_IMPORT_FEED) &&
           check_ids(import, TB_IMPORT_VM) && check_tasks_are_new(import) && check_keys(import) &&
           check_vms(import) && check_pauses(import) && check_generations(import) &&
           check_feed(import) && tb_import_check_waits(import) && check_parents(import);
}

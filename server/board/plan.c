#include "board/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "board/field.h"
#include "taskboard/limits.h"

struct named {
    struct tb_str ref;
    int32_t item;
    int32_t task; /* the item whose task it will be: itself, or the first with its uniqueKey */
};

struct plan {
    struct tb_parse *parse;
    struct tb_create_item *items;
    size_t count;
    struct named *named; /* sorted by ref */
    size_t named_count;
};

void tb_plan_name_index(struct tb_parse *parse, size_t index)
{
    struct tb_str extra = parse->refusal.extra;
    parse->refusal.extra = tb_arena_printf(parse->arena, ",\"index\":%zu%.*s", index,
                                           (int)extra.len, extra.len > 0 ? extra.ptr : "");
}

static bool refuse(struct plan *plan, size_t index, enum tb_err err, const char *field,
                   const char *what, struct tb_str shown)
{
    tb_field_refuse(plan->parse, err, field, "%s %.*s", what, (int)shown.len, shown.ptr);
    tb_plan_name_index(plan->parse, index);
    return false;
}

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    int order = tb_str_cmp(left->ref, right->ref);
    return order != 0 ? order : left->item - right->item;
}

/* While a task is not done, further items with its uniqueKey are that task: the rule puts it in
 * their place. */
static int32_t task_of_item(const struct plan *plan, size_t index)
{
    struct tb_str key = plan->items[index].unique_key;
    for (size_t i = 0; key.ptr != NULL && i < index; i++) {
        if (tb_str_eq(plan->items[i].unique_key, key) &&
            plan->items[i].fields.status != TB_STATUS_DONE) {
            return (int32_t)i;
        }
    }
    return (int32_t)index;
}

static bool collect_refs(struct plan *plan)
{
    plan->named = tb_arena_alloc(plan->parse->arena, plan->count * sizeof(*plan->named));
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].ref.ptr != NULL) {
            plan->named[plan->named_count++] =
                (struct named){plan->items[i].ref, (int32_t)i, task_of_item(plan, i)};
        }
    }
    qsort(plan->named, plan->named_count, sizeof(*plan->named), compare_named);
    for (size_t i = 1; i < plan->named_count; i++) {
        if (tb_str_eq(plan->named[i].ref, plan->named[i - 1].ref)) {
            return refuse(plan, (size_t)plan->named[i].item, TB_E_INVALID_FIELD, "ref",
                          "two tasks have the ref", plan->named[i].ref);
        }
    }
    return true;
}

/* The item whose task "#ref" names; -1 for a text that is no reference, -2 for one that names
 * nothing. */
static int32_t find_item(const struct plan *plan, struct tb_str text)
{
    if (text.len == 0 || text.ptr[0] != '#') {
        return -1;
    }
    const struct tb_str ref = tb_str_from(text.ptr + 1, text.len - 1);
    size_t low = 0;
    size_t high = plan->named_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tb_str_cmp(plan->named[middle].ref, ref);
        if (order == 0) {
            return plan->named[middle].task;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -2;
}

static bool resolve_dependencies(struct plan *plan, size_t index)
{
    struct tb_create_item *item = &plan->items[index];
    if (item->fields.dependencies.ptr == NULL) {
        return true;
    }
    int32_t *found =
        tb_arena_alloc(plan->parse->arena, item->fields.dependencies.len * sizeof(*found));
    struct tb_json_strings strings = tb_json_strings_of(item->fields.dependencies);
    struct tb_str text;
    for (size_t i = 0; tb_json_strings_next(&strings, &text); i++) {
        found[i] = find_item(plan, text);
        if (found[i] == -2) {
            return refuse(plan, index, TB_E_UNKNOWN_REF, "dependencies", "no task has the ref",
                          text);
        }
        item->dependency_items = found[i] >= 0 ? found : item->dependency_items;
    }
    return true;
}

static bool resolve_parent(struct plan *plan, size_t index)
{
    struct tb_create_item *item = &plan->items[index];
    int32_t found = item->parent.ptr == NULL ? -1 : find_item(plan, item->parent);
    if (found == -2) {
        return refuse(plan, index, TB_E_UNKNOWN_PARENT, "parentId", "no task has the ref",
                      item->parent);
    }
    item->parent_item = found;
    item->parent = found >= 0 ? TB_STR_NONE : item->parent;
    return true;
}

static size_t dependency_count(const struct tb_create_item *item)
{
    struct tb_json_strings strings = tb_json_strings_of(item->fields.dependencies);
    struct tb_str text;
    size_t count = 0;
    while (tb_json_strings_next(&strings, &text)) {
        count++;
    }
    return count;
}

/* Where a depth-first walk stands: the item, and which of its dependencies comes next. */
struct step {
    int32_t item;
    size_t next;
};

enum { UNSEEN, ON_THE_WAY, FINISHED };

/* A ref of an item's task; only called for items that some ref names. */
static struct tb_str ref_of(const struct plan *plan, int32_t item)
{
    struct tb_str ref = plan->items[item].ref;
    for (size_t i = 0; ref.ptr == NULL && i < plan->named_count; i++) {
        ref = plan->named[i].task == item ? plan->named[i].ref : ref;
    }
    return ref;
}

static bool refuse_cycle(struct plan *plan, const struct step *steps, size_t depth, int32_t again)
{
    size_t first = 0;
    while (steps[first].item != again) {
        first++;
    }
    struct tb_buf extra;
    tb_buf_init(&extra, plan->parse->arena, 256);
    TB_BUF_LIT(&extra, ",\"path\":[");
    for (size_t i = first; i <= depth; i++) {
        int32_t item = i < depth ? steps[i].item : again;
        TB_BUF_LIT(&extra, "\"#");
        tb_buf_add_str(&extra, ref_of(plan, item));
        tb_buf_add_c(&extra, i < depth ? "\"," : "\"]");
    }
    plan->parse->refusal =
        (struct tb_refusal){.err = TB_E_DEPENDENCY_CYCLE, .extra = tb_buf_str(&extra)};
    tb_plan_name_index(plan->parse, (size_t)again);
    return false;
}

/* Walks from `start` along references. Each item is on the way at most once, so `steps` has room
 * for all. */
static bool walk(struct plan *plan, size_t start, char *marks, const size_t *counts,
                 struct step *steps)
{
    size_t depth = 0;
    steps[depth++] = (struct step){(int32_t)start, 0};
    marks[start] = ON_THE_WAY;
    while (depth > 0) {
        struct step *top = &steps[depth - 1];
        if (top->next == counts[top->item]) {
            marks[top->item] = FINISHED;
            depth--;
            continue;
        }
        const int32_t *items = plan->items[top->item].dependency_items;
        assert(items != NULL); /* only those that have some are counted */
        int32_t to = items[top->next++];
        if (to >= 0 && marks[to] == ON_THE_WAY) {
            return refuse_cycle(plan, steps, depth, to);
        }
        if (to >= 0 && marks[to] == UNSEEN) {
            marks[to] = ON_THE_WAY;
            steps[depth++] = (struct step){to, 0};
        }
    }
    return true;
}

static bool check_cycles(struct plan *plan)
{
    struct tb_arena *arena = plan->parse->arena;
    char *marks = tb_arena_zalloc(arena, plan->count);
    size_t *counts = tb_arena_zalloc(arena, plan->count * sizeof(*counts));
    struct step *steps = tb_arena_alloc(arena, plan->count * sizeof(*steps));
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].dependency_items != NULL) {
            counts[i] = dependency_count(&plan->items[i]);
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (marks[i] == UNSEEN && !walk(plan, i, marks, counts, steps)) {
            return false;
        }
    }
    return true;
}

/* An item has one parent, so a chain longer than there are items goes round, though perhaps not
 * through the item that it was followed from: then another one finds it. */
static bool check_ancestors(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        int32_t at = plan->items[i].parent_item;
        for (size_t step = 0; at >= 0 && step < plan->count; step++) {
            if (at == (int32_t)i) {
                return refuse(plan, i, TB_E_INVALID_FIELD, "parentId",
                              "a task would be its own ancestor:", ref_of(plan, at));
            }
            at = plan->items[at].parent_item;
        }
    }
    return true;
}

bool tb_plan_resolve(struct tb_parse *parse, struct tb_create_item *items, size_t count)
{
    struct plan plan = {.parse = parse, .items = items, .count = count};
    if (!collect_refs(&plan)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!resolve_dependencies(&plan, i) || !resolve_parent(&plan, i)) {
            return false;
        }
    }
    return check_cycles(&plan) && check_ancestors(&plan);
}

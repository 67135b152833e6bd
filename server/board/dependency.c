#include "board/dependency.h"

#include "base/json.h"
#include "board/change.h"

bool tb_dependency_is_met_by(const struct tb_task *task)
{
    return task->status == TB_STATUS_DONE && task->outcome == TB_OUTCOME_SUCCESS;
}

bool tb_dependency_id(struct tb_str text, struct tb_id *id)
{
    char canonical[TB_ULID_LEN];
    struct tb_id parsed;
    if (text.len != TB_ULID_LEN || !tb_ulid_parse(text, &parsed)) {
        return false;
    }
    tb_ulid_format(parsed, canonical);
    if (memcmp(canonical, text.ptr, TB_ULID_LEN) != 0) {
        return false;
    }
    *id = parsed;
    return true;
}

static bool is_met(struct tb_board *board, struct tb_str dependency)
{
    struct tb_id id;
    struct tb_task task;
    return tb_dependency_id(dependency, &id) && tb_get_task(board->txn, id, &task) == TB_OK &&
           tb_dependency_is_met_by(&task);
}

static void add_item(struct tb_buf *out, struct tb_str text)
{
    if (out->len > 1) {
        TB_BUF_LIT(out, ",");
    }
    tb_buf_add_quoted(out, text);
}

struct tb_str tb_dependency_unmet(struct tb_board *board, struct tb_str dependencies)
{
    if (dependencies.len == 2) {
        return TB_STR("[]");
    }
    struct tb_buf out;
    tb_buf_init(&out, board->arena, dependencies.len);
    TB_BUF_LIT(&out, "[");
    struct tb_arena *scratch = tb_arena_new(0);
    struct tb_arena *previous = tb_txn_swap_arena(board->txn, scratch);
    struct tb_json_strings strings = tb_json_strings_of(dependencies);
    struct tb_str dependency;
    while (tb_json_strings_next(&strings, &dependency)) {
        if (!is_met(board, dependency)) {
            add_item(&out, dependency);
        }
        tb_arena_reset(scratch);
    }
    tb_txn_swap_arena(board->txn, previous);
    tb_arena_free(scratch);
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

/* blocked_by holds some of the dependencies in the same order: both are walked as one. */
struct tb_str tb_dependency_adjust(struct tb_arena *arena, struct tb_str dependencies,
                                   struct tb_str blocked_by, struct tb_str id, bool met)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, dependencies.len);
    TB_BUF_LIT(&out, "[");
    struct tb_json_strings strings = tb_json_strings_of(dependencies);
    struct tb_json_strings unmet = tb_json_strings_of(blocked_by);
    struct tb_str dependency;
    struct tb_str next_unmet = TB_STR_NONE;
    bool any_unmet = tb_json_strings_next(&unmet, &next_unmet);
    while (tb_json_strings_next(&strings, &dependency)) {
        bool was_unmet = any_unmet && tb_str_eq(dependency, next_unmet);
        if (was_unmet) {
            any_unmet = tb_json_strings_next(&unmet, &next_unmet);
        }
        if (tb_str_eq(dependency, id) ? !met : was_unmet) {
            add_item(&out, dependency);
        }
    }
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

struct counter {
    unsigned count;
    unsigned max;
};

static enum tb_visit count_id(void *ctx, struct tb_id id)
{
    struct counter *counter = ctx;
    (void)id;
    counter->count++;
    return counter->count < counter->max ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

bool tb_dependency_has_room(struct tb_board *board, struct tb_str dependency, unsigned more)
{
    struct counter counter = {.max = TB_DEPENDENTS_MAX};
    tb_visit_dependents(board->txn, dependency, count_id, &counter);
    return counter.count + more <= TB_DEPENDENTS_MAX;
}

/* --- the search for a cycle: breadth first from the new dependencies along stored ones --- */

struct node {
    struct tb_id id;
    uint32_t from; /* index of the node that led here */
};

/* `nodes` is the queue and remembers the way; `slots` is an open hash set of their indices plus
 * one. */
struct walk {
    struct node *nodes;
    uint32_t count;
    uint32_t node_max;
    uint32_t *slots;
    uint32_t slot_mask;
    uint32_t edge_count; /* dependencies looked at */
    uint64_t secret[2];
    struct tb_arena *arena;
};

static uint64_t mixed(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

/* Clients choose the ids that they depend on: without the secret they could choose them to collide.
 */
static uint32_t *find_slot(struct walk *walk, struct tb_id id)
{
    uint64_t halves[2];
    memcpy(halves, id.bytes, sizeof(halves));
    uint64_t hash = mixed(mixed(halves[0] ^ walk->secret[0]) ^ halves[1] ^ walk->secret[1]);
    uint32_t slot = (uint32_t)(hash >> 32) & walk->slot_mask;
    while (walk->slots[slot] != 0 && tb_id_cmp(walk->nodes[walk->slots[slot] - 1].id, id) != 0) {
        slot = (slot + 1) & walk->slot_mask;
    }
    return &walk->slots[slot];
}

static void grow(struct walk *walk)
{
    uint32_t node_max = walk->node_max == 0 ? 64 : walk->node_max * 2;
    struct node *nodes = tb_arena_alloc(walk->arena, node_max * sizeof(*nodes));
    if (walk->count > 0) {
        memcpy(nodes, walk->nodes, walk->count * sizeof(*nodes));
    }
    walk->nodes = nodes;
    walk->node_max = node_max;
    walk->slot_mask = node_max * 2 - 1;
    walk->slots = tb_arena_zalloc(walk->arena, (walk->slot_mask + 1) * sizeof(*walk->slots));
    for (uint32_t i = 0; i < walk->count; i++) {
        *find_slot(walk, nodes[i].id) = i + 1;
    }
}

static void push(struct walk *walk, struct tb_id id, uint32_t from)
{
    if (walk->count == walk->node_max) {
        grow(walk);
    }
    uint32_t *slot = find_slot(walk, id);
    if (*slot == 0) {
        walk->nodes[walk->count] = (struct node){id, from};
        *slot = ++walk->count;
    }
}

/* The ids from the target along the way to node `last` and back to the target. */
static struct tb_str write_path(struct walk *walk, uint32_t last, struct tb_arena *arena)
{
    uint32_t *way = tb_arena_alloc(walk->arena, (walk->count + 1) * sizeof(*way));
    uint32_t len = 0;
    for (uint32_t i = last; i != 0; i = walk->nodes[i].from) {
        way[len++] = i;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, (len + 2) * (TB_ULID_LEN + 3));
    TB_BUF_LIT(&out, "[");
    char text[TB_ULID_LEN];
    tb_ulid_format(walk->nodes[0].id, text);
    add_item(&out, tb_str_from(text, sizeof(text)));
    while (len > 0) {
        tb_ulid_format(walk->nodes[way[--len]].id, text);
        add_item(&out, tb_str_from(text, sizeof(text)));
    }
    tb_ulid_format(walk->nodes[0].id, text);
    add_item(&out, tb_str_from(text, sizeof(text)));
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

/* Queues the dependencies of node `from`; true when one of them is the target, nodes[0]. */
static bool push_dependencies(struct walk *walk, struct tb_str dependencies, uint32_t from)
{
    struct tb_json_strings strings = tb_json_strings_of(dependencies);
    struct tb_str dependency;
    while (tb_json_strings_next(&strings, &dependency)) {
        struct tb_id id;
        walk->edge_count++;
        if (!tb_dependency_id(dependency, &id)) {
            continue;
        }
        if (tb_id_cmp(id, walk->nodes[0].id) == 0) {
            return true;
        }
        push(walk, id, from);
    }
    return false;
}

const struct tb_task *tb_dependency_draft(const struct tb_dependency_drafts *drafts,
                                          struct tb_id id)
{
    size_t low = 0;
    size_t high = drafts != NULL ? drafts->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tb_id_cmp(drafts->tasks[middle]->id, id);
        if (order == 0) {
            return drafts->tasks[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* What the task with that id waits for; nothing when there is no such task. */
static struct tb_str dependencies_of(struct tb_board *board,
                                     const struct tb_dependency_drafts *drafts, struct tb_id id)
{
    const struct tb_task *draft = tb_dependency_draft(drafts, id);
    struct tb_task task;
    if (draft != NULL) {
        return draft->dependencies;
    }
    return tb_get_task(board->txn, id, &task) == TB_OK ? task.dependencies : TB_STR("[]");
}

enum tb_dependency_check tb_dependency_check_cycle(struct tb_board *board,
                                                   const struct tb_dependency_drafts *drafts,
                                                   struct tb_id id, struct tb_str dependencies,
                                                   struct tb_str *path)
{
    struct walk walk = {.arena = tb_arena_new(0)};
    board->ids.random(board->ids.random_ctx, walk.secret, sizeof(walk.secret));
    struct tb_arena *scratch = tb_arena_new(0);
    struct tb_arena *previous = tb_txn_swap_arena(board->txn, scratch);
    enum tb_dependency_check check = TB_DEPENDENCY_FINE;
    push(&walk, id, 0);
    bool closed = push_dependencies(&walk, dependencies, 0);
    uint32_t at = 0;
    while (!closed && ++at < walk.count && walk.edge_count <= TB_DEPENDENCY_WALK_MAX) {
        struct tb_str further = dependencies_of(board, drafts, walk.nodes[at].id);
        closed = push_dependencies(&walk, further, at);
        tb_arena_reset(scratch);
    }
    if (closed) {
        check = TB_DEPENDENCY_CYCLE;
        *path = write_path(&walk, at, board->arena);
    } else if (walk.edge_count > TB_DEPENDENCY_WALK_MAX) {
        check = TB_DEPENDENCY_TOO_LARGE;
    }
    tb_txn_swap_arena(board->txn, previous);
    tb_arena_free(scratch);
    tb_arena_free(walk.arena);
    return check;
}

void tb_dependency_refuse(enum tb_dependency_check check, struct tb_str path,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    switch (check) {
    case TB_DEPENDENCY_CYCLE:
        tb_refuse(reply, TB_E_DEPENDENCY_CYCLE, TB_STR_NONE,
                  tb_arena_printf(arena, ",\"path\":%.*s", (int)path.len, path.ptr));
        return;
    case TB_DEPENDENCY_TOO_LARGE:
        tb_refuse(reply, TB_E_LIMIT_REACHED,
                  tb_arena_printf(arena, "More than %d dependencies hang together with these",
                                  TB_DEPENDENCY_WALK_MAX),
                  TB_STR(",\"field\":\"dependencies\""));
        return;
    case TB_DEPENDENCY_TOO_POPULAR:
        tb_refuse(reply, TB_E_LIMIT_REACHED,
                  tb_arena_printf(arena, "More than %d tasks would wait for task %.*s",
                                  TB_DEPENDENTS_MAX, (int)path.len, path.ptr),
                  TB_STR(",\"field\":\"dependencies\""));
        return;
    case TB_DEPENDENCY_FINE:
        break;
    }
}

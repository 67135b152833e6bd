#include "board/verify.h"

#include "base/json.h"

#define LARGEST 100 /* names that are asked for at once */

/* FNV-1a: what is counted here is nobody's to choose against us, and the table grows. */
static uint64_t hash(enum tb_name_kind kind, struct tb_str name)
{
    uint64_t bits = UINT64_C(0xCBF29CE484222325) ^ (uint64_t)kind;
    for (size_t i = 0; i < name.len; i++) {
        bits = (bits ^ (unsigned char)name.ptr[i]) * UINT64_C(0x100000001B3);
    }
    return bits ^ (bits >> 32);
}

static struct tb_counted_name *find(const struct tb_counted_names *names, enum tb_name_kind kind,
                                    struct tb_str name)
{
    size_t slot = hash(kind, name) & (names->slot_count - 1);
    while (names->slots[slot].name.ptr != NULL &&
           (names->slots[slot].kind != kind || !tb_str_eq(names->slots[slot].name, name))) {
        slot = (slot + 1) & (names->slot_count - 1);
    }
    return &names->slots[slot];
}

/* At most half of the slots are taken. */
static void make_room(struct tb_counted_names *names, struct tb_arena *arena)
{
    struct tb_counted_names old = *names;
    if (2 * (old.count[TB_NAME_TAG] + old.count[TB_NAME_ASSIGNEE] + old.count[TB_NAME_VM] + 1) <=
        old.slot_count) {
        return;
    }
    names->slot_count = old.slot_count == 0 ? 256 : 2 * old.slot_count;
    names->slots = tb_arena_zalloc(arena, names->slot_count * sizeof(*names->slots));
    for (size_t i = 0; i < old.slot_count; i++) {
        if (old.slots[i].name.ptr != NULL) {
            *find(names, old.slots[i].kind, old.slots[i].name) = old.slots[i];
        }
    }
}

static void count_name(struct tb_verify *verify, enum tb_name_kind kind, struct tb_str name,
                       bool ready)
{
    struct tb_counted_names *names = &verify->names;
    make_room(names, verify->kept);
    struct tb_counted_name *slot = find(names, kind, name);
    if (slot->name.ptr == NULL) {
        *slot = (struct tb_counted_name){.kind = kind, .name = tb_arena_dup(verify->kept, name)};
        names->count[kind]++;
    }
    slot->tasks++;
    slot->ready += ready ? 1 : 0;
}

/* Is it among the first `count` of them? */
static bool came_before(struct tb_str array, size_t count, struct tb_str wanted)
{
    struct tb_json_strings strings = tb_json_strings_of(array);
    struct tb_str text;
    for (size_t i = 0; i < count && tb_json_strings_next(&strings, &text); i++) {
        if (tb_str_eq(text, wanted)) {
            return true;
        }
    }
    return false;
}

void tb_verify_count_names(struct tb_verify *verify, const struct tb_task *task)
{
    bool ready = tb_task_state(task) == TB_STATE_READY;
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    if (task->status == TB_STATUS_DONE) {
        return;
    }
    for (size_t i = 0; tb_json_strings_next(&tags, &tag); i++) {
        if (!came_before(task->tags, i, tag)) {
            count_name(verify, TB_NAME_TAG, tag, ready);
        }
    }
    if (task->assignee.ptr != NULL) {
        count_name(verify, TB_NAME_ASSIGNEE, task->assignee, ready);
    }
    if (tb_task_is_claimed(task) && task->claim_vm.ptr != NULL) {
        count_name(verify, TB_NAME_VM, task->claim_vm, ready);
    }
}

static void fail(struct tb_verify *verify, enum tb_name_kind kind, struct tb_str name)
{
    static const char *const kinds[TB_NAME_KIND_COUNT] = {
        [TB_NAME_TAG] = "tag", [TB_NAME_ASSIGNEE] = "assignee", [TB_NAME_VM] = "VM"};
    tb_verify_fault(verify, "the tasks of %s \"%.*s\" are miscounted", kinds[kind], (int)name.len,
                    name.ptr);
}

struct largest {
    struct tb_verify *verify;
    enum tb_name_kind kind;
    size_t count;
};

static enum tb_visit check_large(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    struct largest *largest = ctx;
    const struct tb_counted_names *names = &largest->verify->names;
    largest->count++;
    if (names->slot_count == 0 || find(names, largest->kind, name)->tasks != count->tasks) {
        fail(largest->verify, largest->kind, name);
    }
    return TB_VISIT_NEXT;
}

static void check_largest(struct tb_verify *verify, enum tb_name_kind kind)
{
    struct largest largest = {.verify = verify, .kind = kind};
    size_t wanted = verify->names.count[kind] < LARGEST ? verify->names.count[kind] : LARGEST;
    if (tb_visit_names(verify->board.txn, kind, LARGEST, check_large, &largest) != TB_OK) {
        fail(verify, kind, TB_STR(""));
    } else if (largest.count != wanted) {
        tb_verify_fault(verify, "%zu names of kind %d are listed, not %zu", largest.count,
                        (int)kind, wanted);
    }
}

void tb_verify_names(struct tb_verify *verify)
{
    for (size_t i = 0; i < verify->names.slot_count; i++) {
        const struct tb_counted_name *wanted = &verify->names.slots[i];
        struct tb_name_count count;
        if (wanted->name.ptr != NULL &&
            (tb_get_name(verify->board.txn, wanted->kind, wanted->name, &count) != TB_OK ||
             count.tasks != wanted->tasks || count.ready != wanted->ready)) {
            fail(verify, wanted->kind, wanted->name);
        }
        tb_arena_reset(verify->board.arena);
    }
    check_largest(verify, TB_NAME_TAG);
    check_largest(verify, TB_NAME_ASSIGNEE);
    check_largest(verify, TB_NAME_VM);
}

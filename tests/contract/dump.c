#include "world.h"

#include <inttypes.h>

struct dumping {
    struct tb_txn *txn;
    struct tb_buf out;
};

static void add(struct dumping *dumping, struct tb_str line)
{
    tb_buf_add_str(&dumping->out, line);
    TB_BUF_LIT(&dumping->out, "\n");
}

static struct tb_str id_text(struct dumping *dumping, struct tb_id id)
{
    char ulid[TB_ULID_LEN];
    tb_ulid_format(id, ulid);
    return tb_arena_dup(dumping->out.arena, tb_str_from(ulid, sizeof ulid));
}

static enum tb_visit dump_json(void *ctx, struct tb_id id, struct tb_str wire)
{
    struct dumping *dumping = ctx;
    TB_BUF_LIT(&dumping->out, "  ");
    add(dumping, id_text(dumping, id));
    add(dumping, wire);
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_id(void *ctx, struct tb_id id)
{
    struct dumping *dumping = ctx;
    TB_BUF_LIT(&dumping->out, "  names it ");
    add(dumping, id_text(dumping, id));
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_event(void *ctx, const struct tb_event *event)
{
    struct dumping *dumping = ctx;
    struct tb_arena *arena = dumping->out.arena;
    add(dumping, tb_arena_printf(arena, "event %" PRIu64 " %d %" PRId64, event->seq,
                                 (int)event->type, event->at_ms));
    add(dumping, id_text(dumping, event->id));
    add(dumping, id_text(dumping, event->task_id));
    add(dumping, event->wire);
    add(dumping, event->actor);
    add(dumping, event->tags);
    add(dumping, event->vm_id);
    add(dumping, event->data);
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_attempt(void *ctx, const struct tb_attempt *attempt)
{
    struct dumping *dumping = ctx;
    struct tb_arena *arena = dumping->out.arena;
    add(dumping,
        tb_arena_printf(arena, "  attempt %u ended %" PRId64 " by %d late %d", attempt->number,
                        attempt->ended_ms, (int)attempt->ended_by, attempt->late));
    add(dumping, attempt->wire);
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_name(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    struct dumping *dumping = ctx;
    struct tb_arena *arena = dumping->out.arena;
    add(dumping, name);
    add(dumping, tb_arena_printf(arena, "  tasks %" PRIu64 " ready %" PRIu64 " changed %" PRIu64,
                                 count->tasks, count->ready, count->changed));
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_ready(void *ctx, const struct tb_task *task)
{
    struct dumping *dumping = ctx;
    TB_BUF_LIT(&dumping->out, "  ready ");
    add(dumping, id_text(dumping, task->id));
    return TB_VISIT_NEXT;
}

static enum tb_visit dump_task(void *ctx, const struct tb_task *task)
{
    struct dumping *dumping = ctx;
    struct tb_arena *arena = dumping->out.arena;
    struct tb_task got = stored(dumping->txn, task->id);
    assert_same_task(&got, task);
    add(dumping, task->wire);
    add(dumping, tb_arena_printf(arena,
                                 "  rank %" PRId64 " due %" PRId64 " notes %u %" PRIu64
                                 " artifacts %u ready %d %" PRId64 " summary %u view %u",
                                 task->rank_ms, task->due_ms, task->note_count, task->notes_bytes,
                                 task->artifact_count, task->ready, task->ready_ms,
                                 task->summary_len, task->view_len));
    assert_int_equal(tb_visit_notes(dumping->txn, task->id, dump_json, dumping), TB_OK);
    assert_int_equal(tb_visit_artifacts(dumping->txn, task->id, dump_json, dumping), TB_OK);
    assert_int_equal(tb_visit_attempts(dumping->txn, task->id, dump_attempt, dumping), TB_OK);
    assert_int_equal(
        tb_visit_dependents(dumping->txn, id_text(dumping, task->id), dump_id, dumping), TB_OK);
    if (task->unique_key.ptr != NULL) {
        struct tb_id id = {{0}};
        enum tb_err err = tb_find_unique(dumping->txn, task->unique_key, &id);
        assert_true(err == TB_OK || err == TB_E_ABSENT);
        TB_BUF_LIT(&dumping->out, "  unique ");
        add(dumping, id_text(dumping, id));
    }
    return TB_VISIT_NEXT;
}

static void dump_head(struct dumping *dumping)
{
    const struct tb_head *head = tb_txn_head(dumping->txn);
    struct tb_arena *arena = dumping->out.arena;
    add(dumping, tb_arena_printf(arena, "head %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64,
                                 head->seq, head->oldest_seq, head->last_ms, head->aging_ms));
    add(dumping, id_text(dumping, head->last_id));
    for (int state = 0; state < TB_STATE_COUNT; state++) {
        add(dumping, tb_arena_printf(arena, "  %" PRIu64, head->task_counts[state]));
    }
}

static void dump_counters(struct dumping *dumping)
{
    const struct tb_head *head = tb_txn_head(dumping->txn);
    struct tb_arena *arena = dumping->out.arena;
    const uint64_t counters[] = {
        head->scheduled,        head->claimed,           head->dead_letters, head->generation,
        head->pauses,           head->answers,           head->answer_bytes, head->changes,
        head->pause_changes,    head->running_vms,       head->vms,          head->vm_changes,
        head->feed_cleared_seq, head->credential_changes};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        add(dumping, tb_arena_printf(arena, "  counter %" PRIu64, counters[i]));
    }
    for (int state = 0; state < TB_STATE_COUNT; state++) {
        add(dumping, tb_arena_printf(arena, "  changes %" PRIu64, head->state_changes[state]));
    }
    add(dumping, tb_str_from((const char *)&head->rates, sizeof head->rates));
}

static void dump_claims(struct dumping *dumping)
{
    struct tb_str json = TB_STR("no pauses");
    int64_t ready_ms = -1;
    enum tb_err err = tb_get_pauses(dumping->txn, &json);
    assert_true(err == TB_OK || err == TB_E_ABSENT);
    add(dumping, json);
    err = tb_oldest_ready(dumping->txn, &ready_ms);
    assert_true(err == TB_OK || err == TB_E_ABSENT);
    add(dumping, tb_arena_printf(dumping->out.arena, "oldest ready %" PRId64, ready_ms));
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    assert_int_equal(tb_visit_ready(dumping->txn, &query, dump_ready, dumping), TB_OK);
    for (enum tb_name_kind kind = 0; kind < TB_NAME_KIND_COUNT; kind++) {
        assert_int_equal(tb_visit_names(dumping->txn, kind, 1000, dump_name, dumping), TB_OK);
    }
}

static enum tb_visit dump_vm(void *ctx, const struct tb_vm *vm)
{
    struct dumping *dumping = ctx;
    struct tb_vm got = stored_vm(dumping->txn, vm->id);
    assert_same_vm(&got, vm);
    add(dumping, id_text(dumping, vm->number));
    add(dumping, vm->wire);
    add(dumping, tb_arena_printf(dumping->out.arena,
                                 "  seen %" PRId64 " due %" PRId64 " stale %" PRId64 " spared %d",
                                 vm->seen_ms, vm->due_ms, vm->stale_ms, vm->spared));
    assert_int_equal(tb_visit_vm_tasks(dumping->txn, vm->id, dump_id, dumping), TB_OK);
    return TB_VISIT_NEXT;
}

static void dump_fleet(struct dumping *dumping)
{
    struct tb_feed_query query = {.latest_first = true};
    struct tb_vm vm = {.number = {{0}}};
    assert_int_equal(tb_visit_vms(dumping->txn, true, dump_vm, dumping), TB_OK);
    enum tb_err err = tb_next_due_vm(dumping->txn, &vm);
    assert_true(err == TB_OK || err == TB_E_ABSENT);
    add(dumping, id_text(dumping, vm.number));
    assert_int_equal(tb_visit_feed(dumping->txn, &query, dump_event, dumping), TB_OK);
}

static enum tb_visit dump_credential(void *ctx, const struct tb_credential *credential)
{
    struct dumping *dumping = ctx;
    struct tb_credential got;
    assert_int_equal(tb_get_credential(dumping->txn, credential->id, &got), TB_OK);
    assert_same_credential(&got, credential);
    add(dumping, id_text(dumping, credential->id));
    add(dumping, id_text(dumping, credential->parent));
    add(dumping, credential->wire);
    add(dumping, tb_str_from((const char *)credential->digest, sizeof credential->digest));
    return TB_VISIT_NEXT;
}

static void dump_list(struct dumping *dumping, enum tb_order order)
{
    struct tb_query_end end;
    struct tb_task_query query = {.order = order, .states = TB_STATES_ALL};
    assert_int_equal(tb_visit_tasks(dumping->txn, &query, dump_task, dumping, &end), TB_OK);
}

struct tb_str dump(struct world *world, struct tb_txn *txn)
{
    struct dumping dumping = {.txn = txn};
    tb_buf_init(&dumping.out, world->arena, 64 * 1024);
    dump_head(&dumping);
    dump_counters(&dumping);
    dump_claims(&dumping);
    dump_fleet(&dumping);
    assert_int_equal(tb_visit_credentials(txn, dump_credential, &dumping), TB_OK);
    dump_list(&dumping, TB_ORDER_CREATED);
    dump_list(&dumping, TB_ORDER_UPDATED);
    dump_list(&dumping, TB_ORDER_RANK);
    int64_t due_ms = 0;
    struct tb_id due_id = {{0}};
    enum tb_err err = tb_next_due(txn, &due_ms, &due_id);
    assert_true(err == TB_OK || err == TB_E_ABSENT);
    add(&dumping, tb_arena_printf(world->arena, "due %" PRId64, due_ms));
    add(&dumping, id_text(&dumping, due_id));
    assert_int_equal(tb_visit_events(txn, 0, (struct tb_id){{0}}, dump_event, &dumping), TB_OK);
    return tb_buf_str(&dumping.out);
}

struct tb_str dump_now(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    struct tb_str all = dump(world, txn);
    tb_read_end(&txn);
    return all;
}

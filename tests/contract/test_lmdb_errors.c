/* LMDB fails at one call after the other, each in a store of its own: the engine passes the error
 * on, goes on working afterwards (after a failed commit when it is opened anew), and what is stored
 * is sound. The linker puts these functions in
 * front of LMDB's (--wrap). */
#include "world.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "lmdb/lmdb.h"

/* The call that fails, counted down; 0: none. */
static unsigned countdown;

static bool fails_now(void)
{
    return countdown > 0 && --countdown == 0;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails_now() ? EIO : __real_##name arguments;                                        \
    }

WRAP(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value), (txn, dbi, key, value))
WRAP(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
     (txn, dbi, key, value, flags))
WRAP(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value), (txn, dbi, key, value))
WRAP(mdb_stat, (MDB_txn * txn, MDB_dbi dbi, MDB_stat *stat), (txn, dbi, stat))
WRAP(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
WRAP(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
     (cursor, key, value, op))
WRAP(mdb_cursor_put, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, unsigned flags),
     (cursor, key, value, flags))
WRAP(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))
WRAP(mdb_cursor_renew, (MDB_txn * txn, MDB_cursor *cursor), (txn, cursor))
WRAP(mdb_txn_renew, (MDB_txn * txn), (txn))
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Nothing here has to outlive a power cut, and there are many stores to make. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

/* Everything that a store can do; what fails is passed over. */
struct work {
    struct world *world;
    struct tb_txn *txn;
    struct tb_id task;
    struct tb_id credential;
    uint8_t answers; /* so many were put */
    size_t errors;
};

static void note(struct work *work, enum tb_err err)
{
    work->errors += err != TB_OK && err != TB_E_ABSENT ? 1 : 0;
}

static enum tb_visit pass_task(void *ctx, const struct tb_task *task)
{
    (void)ctx;
    (void)task;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_id(void *ctx, struct tb_id id)
{
    (void)ctx;
    (void)id;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_credential(void *ctx, const struct tb_credential *credential)
{
    (void)ctx, (void)credential;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_json(void *ctx, struct tb_id id, struct tb_str wire)
{
    (void)wire;
    return pass_id(ctx, id);
}

static enum tb_visit pass_event(void *ctx, const struct tb_event *event)
{
    (void)ctx;
    (void)event;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_attempt(void *ctx, const struct tb_attempt *attempt)
{
    (void)ctx;
    (void)attempt;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_name(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    (void)ctx;
    (void)name;
    (void)count;
    return TB_VISIT_NEXT;
}

static enum tb_visit pass_vm(void *ctx, const struct tb_vm *vm)
{
    (void)ctx;
    (void)vm;
    return TB_VISIT_NEXT;
}

static void read_lists(struct work *work)
{
    static const struct tb_str tags[] = {{"red", 3}, {"blue", 4}};
    static const struct tb_str words[] = {{"words", 5}};
    struct tb_txn *txn = work->txn;
    struct tb_query_end end;
    struct tb_task_query query = {.states = TB_STATES_ALL};
    for (query.order = TB_ORDER_CREATED; query.order <= TB_ORDER_RANK; query.order++) {
        query.tag_count = 0;
        query.word_count = 0;
        note(work, tb_visit_tasks(txn, &query, pass_task, NULL, &end));
        query.tags = tags;
        query.tag_count = 2;
        note(work, tb_visit_tasks(txn, &query, pass_task, NULL, &end));
        query.words = words;
        query.word_count = 1;
        query.updated_since_ms = 1;
        note(work, tb_visit_tasks(txn, &query, pass_task, NULL, &end));
    }
    struct tb_ready_query ready = {
        .agent = TB_STR("ann"), .without_tags = tags, .without_tag_count = 1};
    note(work, tb_visit_ready(txn, &ready, pass_task, NULL));
    ready = (struct tb_ready_query){.agent = TB_STR("ann"), .tags = tags, .tag_count = 2};
    note(work, tb_visit_ready(txn, &ready, pass_task, NULL));
    ready = (struct tb_ready_query){.agent = TB_STR("ann"), .any_tags = tags, .any_tag_count = 2};
    note(work, tb_visit_ready(txn, &ready, pass_task, NULL));
}

static void read_records(struct work *work)
{
    struct tb_txn *txn = work->txn;
    struct tb_task task;
    struct tb_attempt attempt;
    struct tb_credential credential;
    struct tb_answer answer;
    struct tb_answer_share kept;
    struct tb_vm vm;
    struct tb_name_count count;
    struct tb_str json;
    struct tb_id id;
    int64_t ms = 0;
    uint64_t seq = 0;
    const uint8_t digest[TB_DIGEST_BYTES] = {1};
    const struct tb_feed_query feed = {.agent = TB_STR("ann")};
    const struct tb_feed_query all = {.latest_first = true};
    note(work, tb_get_task(txn, work->task, &task));
    note(work, tb_find_unique(txn, TB_STR("key"), &id));
    note(work, tb_visit_dependents(txn, TB_STR("DEP"), pass_id, NULL));
    note(work, tb_next_due(txn, &ms, &id));
    note(work, tb_oldest_ready(txn, &ms));
    note(work, tb_visit_notes(txn, work->task, pass_json, NULL));
    note(work, tb_visit_artifacts(txn, work->task, pass_json, NULL));
    note(work, tb_get_attempt(txn, work->task, 1, &attempt));
    note(work, tb_visit_attempts(txn, work->task, pass_attempt, NULL));
    note(work, tb_get_name(txn, TB_NAME_TAG, TB_STR("red"), &count));
    note(work, tb_visit_names(txn, TB_NAME_TAG, 10, pass_name, NULL));
    note(work, tb_get_vm(txn, TB_STR("vm"), &vm));
    note(work, tb_visit_vms(txn, true, pass_vm, NULL));
    note(work, tb_next_due_vm(txn, &vm));
    note(work, tb_visit_vm_tasks(txn, TB_STR("vm"), pass_id, NULL));
    note(work, tb_get_pauses(txn, &json));
    note(work, tb_get_credential(txn, work->credential, &credential));
    note(work, tb_visit_credentials(txn, pass_credential, NULL));
    note(work, tb_get_answer(txn, digest, &answer));
    note(work, tb_get_answer_share(txn, 1, &kept));
    note(work, tb_visit_events(txn, 0, (struct tb_id){{0}}, pass_event, NULL));
    note(work, tb_visit_events(txn, 0, work->task, pass_event, NULL));
    note(work, tb_visit_feed(txn, &feed, pass_event, NULL));
    note(work, tb_visit_feed(txn, &all, pass_event, NULL));
    note(work, tb_find_event(txn, work->task, &seq));
    read_lists(work);
}

static void append(struct work *work, enum tb_event_type type, struct tb_id task_id)
{
    struct world *world = work->world;
    struct tb_event event = {.seq = tb_txn_head(work->txn)->seq + 1,
                             .id = new_id(world),
                             .type = type,
                             .task_id = task_id,
                             .actor = TB_STR("ann")};
    tb_event_render(&event, NULL, TB_STR_NONE, world->arena);
    note(work, tb_append_event(work->txn, &event));
    tb_txn_head(work->txn)->seq++;
}

static void write_all(struct work *work)
{
    struct world *world = work->world;
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    vm.due_ms = 9;
    tb_vm_render(&vm, world->arena);
    note(work, tb_put_vm(work->txn, NULL, &vm));
    note(work, tb_see_vm(work->txn, &vm, vm.seen_ms));
    struct tb_task task = draft(world, "some words");
    task.tags = TB_STR("[\"red\",\"blue\"]");
    task.assignee = TB_STR("ann");
    task.unique_key = TB_STR("key");
    task.dependencies = TB_STR("[\"DEP\"]");
    task.due_ms = 5;
    task.claim_vm = TB_STR("vm");
    tb_task_render(&task, world->arena);
    note(work, tb_put_task(work->txn, NULL, &task));
    work->task = task.id;
    append(work, TB_EVENT_CREATED, task.id);
    append(work, TB_EVENT_FEED_FINDING, (struct tb_id){{0}});
    note(work, tb_put_note(work->txn, task.id, new_id(world), TB_STR("n")));
    note(work, tb_put_artifact(work->txn, task.id, 0, TB_STR("a")));
    struct tb_attempt attempt = {.number = 1, .agent = TB_STR("x"), .outcome = TB_ATTEMPT_FAILED};
    tb_attempt_render(&attempt, world->arena);
    note(work, tb_put_attempt(work->txn, task.id, &attempt));
    note(work, tb_put_pauses(work->txn, TB_STR("[]")));
    struct tb_credential credential = draft_credential(world, TB_STR("token"));
    tb_credential_render(&credential, world->arena);
    note(work, tb_put_credential(work->txn, &credential));
    work->credential = credential.id;
    const struct tb_answer answer = {.key = {1}, .at_ms = 1, .share = 1, .body = TB_STR("b")};
    note(work, tb_put_answer(work->txn, &answer));
}

static void drop_all(struct work *work)
{
    struct tb_task task;
    struct tb_vm vm;
    struct tb_credential credential;
    note(work, tb_drop_answers(work->txn, 5, 10));
    note(work, tb_drop_events(work->txn, 1000, 1000));
    if (tb_get_credential(work->txn, work->credential, &credential) == TB_OK) {
        note(work, tb_delete_credential(work->txn, work->credential));
    }
    note(work, tb_delete_attempt(work->txn, work->task, 1));
    if (tb_get_task(work->txn, work->task, &task) == TB_OK) {
        note(work, tb_delete_task(work->txn, &task));
    }
    if (tb_get_vm(work->txn, TB_STR("vm"), &vm) == TB_OK) {
        note(work, tb_delete_vm(work->txn, &vm));
    }
}

static void in_a_write(struct work *work, void (*first)(struct work *),
                       void (*second)(struct work *))
{
    enum tb_err err = tb_write_begin(work->world->store, work->world->arena, &work->txn);
    note(work, err);
    if (err != TB_OK) {
        return;
    }
    first(work);
    if (second != NULL) {
        second(work);
    }
    note(work, tb_write_commit(&work->txn));
}

static void do_everything(struct work *work)
{
    in_a_write(work, write_all, read_records);
    enum tb_err err = tb_read_begin(work->world->reader, work->world->arena, &work->txn);
    note(work, err);
    if (err == TB_OK) {
        read_records(work);
        tb_read_end(&work->txn);
    }
    in_a_write(work, read_records, drop_all);
}

static bool writes_are_over(struct world *world)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err == TB_OK) {
        tb_write_abort(&txn);
    }
    return err == TB_E_STORAGE_FAILED;
}

/* False: there were not so many calls. */
static bool fail_at(unsigned nth)
{
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct work work = {.world = world};
    countdown = nth;
    do_everything(&work);
    bool failed = countdown == 0;
    countdown = 0;
    assert_int_equal(failed && nth > 0, work.errors > 0);
    expect_sound(world);
    if (writes_are_over(world)) {
        world_reopen(world);
    }
    struct tb_txn *txn = begin(world);
    struct tb_task task = draft(world, "and it goes on");
    create(world, txn, &task);
    commit(&txn);
    world_close(world);
    return failed;
}

static void an_error_of_lmdb_at_whichever_call_is_passed_on_and_harms_nothing(void **state)
{
    enum { CALLS_MAX = 5000 };
    unsigned nth = 0;
    (void)state;
    (void)fail_at(0);
    do {
        nth++;
        assert_true(nth < CALLS_MAX);
    } while (fail_at(nth));
    print_message("%u calls of LMDB failed, one after the other\n", nth - 1);
    assert_true(nth > 200);
}

/* --- while runs are merged, and old answers leave --- */

/* Merges take a few entries with each commit, so that each of these has some going on. */
static const struct tb_run_tuning slow = {
    .fan_in_first = 2, .fan_in = 2, .block_pages = 1, .step_entries = 3};

static void put_answers(struct work *work)
{
    static const int64_t times_ms[] = {1, 2, 9};
    for (uint8_t i = 0; i < 3; i++) {
        const struct tb_answer answer = {
            .key = {++work->answers}, .at_ms = times_ms[i], .share = i + 1, .body = TB_STR("b")};
        note(work, tb_put_answer(work->txn, &answer));
    }
}

static void put_late_answers(struct work *work)
{
    for (int i = 0; i < 2; i++) {
        const struct tb_answer answer = {
            .key = {++work->answers}, .at_ms = 10, .share = 9, .body = TB_STR("late")};
        note(work, tb_put_answer(work->txn, &answer));
    }
}

static void add_task(struct work *work)
{
    struct tb_task task = draft(work->world, "words that are merged");
    task.tags = TB_STR("[\"red\"]");
    tb_task_render(&task, work->world->arena);
    note(work, tb_put_task(work->txn, NULL, &task));
    append(work, TB_EVENT_CREATED, task.id);
    work->task = task.id;
}

static void drop_task(struct work *work)
{
    struct tb_task task;
    if (tb_get_task(work->txn, work->task, &task) == TB_OK) {
        note(work, tb_delete_task(work->txn, &task));
    }
}

static void drop_old(struct work *work)
{
    note(work, tb_drop_answers(work->txn, 5, 10));
    note(work, tb_drop_events(work->txn, 3, 2));
}

static void add_some(struct work *work)
{
    for (int i = 0; i < 6; i++) {
        in_a_write(work, add_task, NULL);
    }
    in_a_write(work, put_answers, NULL);
}

static void merge_and_drop(struct work *work)
{
    in_a_write(work, add_task, read_lists);
    in_a_write(work, drop_task, drop_old);
    in_a_write(work, add_task, read_lists);
}

static void merge_where_room_is_scarce(struct work *work)
{
    ((struct tb_lmdb_store *)work->world->store)->tight_commits = 2;
    merge_and_drop(work);
    ((struct tb_lmdb_store *)work->world->store)->tight_commits = 2;
    in_a_write(work, put_late_answers, NULL);
}

/* False: there were not so many calls. */
static bool fail_merging_at(unsigned nth, void (*go_on)(struct work *work))
{
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct work work = {.world = world};
    ((struct tb_lmdb_store *)world->store)->tuning = slow;
    add_some(&work);
    assert_int_equal(work.errors, 0);
    countdown = nth;
    go_on(&work);
    bool failed = countdown == 0;
    countdown = 0;
    assert_int_equal(failed, work.errors > 0);
    expect_sound(world);
    if (writes_are_over(world)) {
        world_reopen(world);
    }
    work.errors = 0;
    in_a_write(&work, add_task, read_lists);
    assert_int_equal(work.errors, 0);
    world_close(world);
    return failed;
}

static void an_error_while_runs_are_merged_is_passed_on_and_harms_nothing(void **state)
{
    enum { CALLS_MAX = 5000 };
    static void (*const works[])(struct work *) = {merge_and_drop, merge_where_room_is_scarce};
    (void)state;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        unsigned nth = 0;
        do {
            nth++;
            assert_true(nth < CALLS_MAX);
        } while (fail_merging_at(nth, works[i]));
        print_message("%u calls of LMDB failed, one after the other\n", nth - 1);
        assert_true(nth > 200);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_lmdb_at_whichever_call_is_passed_on_and_harms_nothing),
        cmocka_unit_test(an_error_while_runs_are_merged_is_passed_on_and_harms_nothing),
    };
    return cmocka_run_group_tests_name("errors of LMDB", tests, NULL, NULL);
}

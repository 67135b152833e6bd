/* A full map: what is refused, and how it gets room again. */
#include "folder.h"

#include <stdlib.h>

struct small {
    struct world *world; /* its store is the small one */
    struct tb_store *memory;
    struct tb_reader *memory_reader;
    char folder[64];
};

static void small_open(struct small *small, uint64_t map_bytes)
{
    char why[256];
    small->world = world_open(ENGINE_MEMORY, 1);
    small->memory = small->world->store;
    small->memory_reader = small->world->reader;
    folder_make(small->folder);
    assert_int_equal(open_folder(small->folder, true, map_bytes, &small->world->store, why), TB_OK);
    assert_int_equal(tb_reader_new(small->world->store, &small->world->reader), TB_OK);
}

static void small_close(struct small *small)
{
    tb_reader_free(&small->world->reader);
    tb_store_close(&small->world->store);
    small->world->store = small->memory;
    small->world->reader = small->memory_reader;
    world_close(small->world);
    folder_remove(small->folder);
}

/* Creates a batch of tasks with descriptions of so many bytes; their ids go to `ids`. */
static enum tb_err try_create(struct world *world, size_t tasks, size_t bytes, struct tb_id *ids)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    char *filler = tb_arena_alloc(world->arena, bytes);
    memset(filler, '-', bytes);
    for (size_t i = 0; i < tasks; i++) {
        struct tb_task task = draft(world, "filler");
        task.description = tb_str_from(filler, bytes);
        tb_task_render(&task, world->arena);
        tb_put_task(txn, NULL, &task);
        ids[i] = task.id;
    }
    err = tb_write_commit(&txn);
    tb_arena_reset(world->arena);
    return err;
}

static void try_delete(struct world *world, struct tb_id id)
{
    struct tb_txn *txn = begin(world);
    remove_task(world, txn, id);
    commit(&txn);
    tb_arena_reset(world->arena);
}

static size_t count_tasks(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
    size_t count = page->count;
    free(page);
    tb_read_end(&txn);
    return count;
}

/* Fills the map, batch by batch; answers how many tasks fit in. */
static size_t fill(struct world *world, size_t batch, size_t bytes, struct tb_id *ids)
{
    size_t count = 0;
    enum tb_err err = TB_OK;
    while ((err = try_create(world, batch, bytes, &ids[count])) == TB_OK) {
        count += batch;
        assert_true(count + batch < 10000);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
    return count;
}

/* Changes tasks, which grows nothing but the log, until not even that has room. */
static void wear_out(struct world *world, const struct tb_id *ids, size_t count)
{
    enum tb_err err = TB_OK;
    for (size_t i = 0; err == TB_OK; i++) {
        assert_true(i < 100000);
        struct tb_txn *txn = begin(world);
        struct tb_task old = stored(txn, ids[i % count]);
        struct tb_task task = old;
        task.priority = (int32_t)(i % 100);
        tb_task_render(&task, world->arena);
        struct tb_event event = {.seq = tb_txn_head(txn)->seq + 1, .task_id = task.id};
        tb_event_render(&event, &task, TB_STR_NONE, world->arena);
        tb_put_task(txn, &old, &task);
        tb_append_event(txn, &event);
        tb_txn_head(txn)->seq++;
        err = tb_write_commit(&txn);
        tb_arena_reset(world->arena);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
}

/* Deletes tasks, each with an event in the log, until a new one fits in again; answers how many it
 * took. */
static size_t make_room(struct world *world, const struct tb_id *ids, size_t count, size_t bytes)
{
    struct tb_id id;
    for (size_t deleted = 1; deleted <= count; deleted++) {
        try_delete(world, ids[deleted - 1]);
        enum tb_err err = try_create(world, 1, bytes, &id);
        if (err == TB_OK) {
            return deleted;
        }
        assert_int_equal(err, TB_E_STORAGE_FULL);
    }
    fail_msg("%zu tasks were deleted and there is still no room", count);
    return 0;
}

static void a_full_map_is_refused_and_read_and_emptied_again(void **state)
{
    (void)state;
    static const struct {
        uint64_t map_bytes;
        size_t batch;
        size_t bytes;
    } cases[] = {{UINT64_C(1) << 20, 1, 3000},    {UINT64_C(1) << 20, 10, 1700},
                 {UINT64_C(4) << 20, 1, 100000},  {UINT64_C(4) << 20, 40, 3000},
                 {UINT64_C(16) << 20, 300, 2500}, {UINT64_C(16) << 20, 3000, 1500}};
    static struct tb_id ids[10000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct small small;
        small_open(&small, cases[i].map_bytes);
        struct world *world = small.world;
        size_t tasks = fill(world, cases[i].batch, cases[i].bytes, ids);
        assert_true(tasks > 0);
        for (int again = 0; again < 5; again++) {
            assert_int_equal(try_create(world, cases[i].batch, cases[i].bytes, &ids[tasks]),
                             TB_E_STORAGE_FULL);
        }
        assert_int_equal(count_tasks(world), tasks);
        wear_out(world, ids, tasks);
        size_t deleted = make_room(world, ids, tasks, cases[i].bytes);
        assert_int_equal(count_tasks(world), tasks - deleted + 1);
        print_message("%zu tasks filled the map, %zu made room again\n", tasks, deleted);
        small_close(&small);
    }
}

/* Not tasks alone. */
static void a_full_map_takes_nothing_that_stays(void **state)
{
    (void)state;
    static struct tb_id ids[10000];
    struct small small;
    small_open(&small, UINT64_C(1) << 20);
    struct world *world = small.world;
    fill(world, 1, 3000, ids);
    const struct tb_answer answer = {.key = {1}, .at_ms = 1, .body = TB_STR("an answer")};
    struct tb_credential credential = draft_credential(world, TB_STR("a token"));
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    tb_credential_render(&credential, world->arena);
    tb_vm_render(&vm, world->arena);
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_answer(txn, &answer), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(tb_put_credential(txn, &credential), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(tb_put_vm(txn, NULL, &vm), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(tb_put_note(txn, ids[0], new_id(world), TB_STR("a note")), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(tb_put_artifact(txn, ids[0], 0, TB_STR("an artifact")), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    small_close(&small);
}

/* Readers that hold old pages make the map fill sooner, and that is all. */
static void a_full_map_with_an_open_snapshot_recovers_when_it_ends(void **state)
{
    (void)state;
    static struct tb_id ids[10000];
    struct small small;
    small_open(&small, UINT64_C(4) << 20);
    struct world *world = small.world;
    static struct tb_id first[100];
    assert_int_equal(try_create(world, 100, 2000, first), TB_OK);
    struct tb_txn *held = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_reader *reader = NULL;
    assert_int_equal(tb_reader_new(world->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, arena, &held), TB_OK);
    fill(world, 1, 2000, ids);
    tb_read_end(&held);
    tb_reader_free(&reader);
    tb_arena_free(arena);
    size_t tasks = count_tasks(world);
    size_t deleted = make_room(world, first, 100, 2000);
    assert_int_equal(count_tasks(world), tasks - deleted + 1);
    small_close(&small);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_map_is_refused_and_read_and_emptied_again),
        cmocka_unit_test(a_full_map_takes_nothing_that_stays),
        cmocka_unit_test(a_full_map_with_an_open_snapshot_recovers_when_it_ends),
    };
    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}

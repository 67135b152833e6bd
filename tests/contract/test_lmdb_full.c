/* A full map of prose: each word of a task is an entry of the runs, so that a deletion writes as
 * many entries as the creation did. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { TASKS_MAX = 10000, TEXT_BYTES_MAX = 3000, WORD_BYTES = 7 };

struct full {
    struct world *world; /* its store is the small one */
    struct tb_store *memory;
    struct tb_reader *memory_reader;
    char folder[64];
    size_t bytes; /* of a description */
    size_t count;
    struct tb_id ids[TASKS_MAX];
};

static struct full *full_open(uint64_t map_bytes, size_t bytes)
{
    char why[256];
    struct full *full = calloc(1, sizeof *full);
    assert_non_null(full);
    full->bytes = bytes;
    full->world = world_open(ENGINE_MEMORY, 1);
    full->memory = full->world->store;
    full->memory_reader = full->world->reader;
    folder_make(full->folder);
    struct tb_store_options options = {
        .url = full->folder, .map_bytes = map_bytes, .readers_max = 8, .create = true};
    assert_int_equal(tb_store_open(&options, &full->world->store, why, sizeof why), TB_OK);
    assert_int_equal(tb_reader_new(full->world->store, &full->world->reader), TB_OK);
    return full;
}

static void full_close(struct full *full)
{
    tb_reader_free(&full->world->reader);
    tb_store_close(&full->world->store);
    full->world->store = full->memory;
    full->world->reader = full->memory_reader;
    world_close(full->world);
    folder_remove(full->folder);
    free(full);
}

/* Different words, as prose has them. */
static struct tb_str write_prose(struct full *full, char text[TEXT_BYTES_MAX])
{
    enum { WORDS = 100000 };
    memset(text, ' ', full->bytes);
    for (size_t at = 0; at + WORD_BYTES <= full->bytes; at += WORD_BYTES) {
        char word[WORD_BYTES + 1];
        snprintf(word, sizeof word, "w%05u", (unsigned)pick(full->world, WORDS));
        memcpy(text + at, word, strlen(word));
    }
    return tb_str_from(text, full->bytes);
}

static enum tb_err end(struct full *full, struct tb_txn *txn)
{
    enum tb_err err = tb_write_commit(&txn);
    tb_arena_reset(full->world->arena);
    return err;
}

static enum tb_err try_create(struct full *full)
{
    char prose[TEXT_BYTES_MAX];
    struct tb_txn *txn = begin(full->world);
    struct tb_task task = draft(full->world, "prose");
    task.description = write_prose(full, prose);
    tb_task_render(&task, full->world->arena);
    tb_put_task(txn, NULL, &task);
    enum tb_err err = end(full, txn);
    if (err == TB_OK) {
        assert_true(full->count < TASKS_MAX);
        full->ids[full->count++] = task.id;
    }
    return err;
}

/* Other words, as many as before; only the log grows. */
static enum tb_err try_update(struct full *full, struct tb_id id)
{
    char prose[TEXT_BYTES_MAX];
    struct tb_txn *txn = begin(full->world);
    struct tb_task old = stored(txn, id);
    struct tb_task task = old;
    task.description = write_prose(full, prose);
    tb_task_render(&task, full->world->arena);
    tb_put_task(txn, &old, &task);
    log_event(full->world, txn, TB_EVENT_UPDATED, &task);
    return end(full, txn);
}

/* As the rules do: the event of a deletion is a small one. */
static enum tb_err try_delete(struct full *full, struct tb_id id)
{
    struct tb_txn *txn = begin(full->world);
    struct tb_task old = stored(txn, id);
    struct tb_event event = {.seq = tb_txn_head(txn)->seq + 1,
                             .type = TB_EVENT_DELETED,
                             .task_id = id,
                             .tags = old.tags};
    tb_event_render(&event, NULL, TB_STR_NONE, full->world->arena);
    tb_delete_task(txn, &old);
    tb_append_event(txn, &event);
    tb_txn_head(txn)->seq++;
    return end(full, txn);
}

/* For large tasks, too, as a writer is told. */
static bool has_room(struct full *full)
{
    struct tb_store_stats stats;
    struct tb_txn *txn = begin(full->world);
    assert_int_equal(tb_store_stats(txn, &stats), TB_OK);
    tb_write_abort(&txn);
    return stats.has_room && !stats.room_is_scarce;
}

/* Creates until there is no room; how many. */
static size_t fill(struct full *full, bool updates)
{
    size_t before = full->count;
    enum tb_err err = TB_OK;
    while ((err = try_create(full)) == TB_OK) {
        if (updates && full->count % 3 == 0) {
            err = try_update(full, full->ids[pick(full->world, full->count)]);
            assert_true(err == TB_OK || err == TB_E_STORAGE_FULL);
        }
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
    return full->count - before;
}

static void wear_out(struct full *full)
{
    enum { UPDATES_MAX = 20000 };
    enum tb_err err = TB_OK;
    for (size_t i = 0; err == TB_OK && i < UPDATES_MAX; i++) {
        err = try_update(full, full->ids[pick(full->world, full->count)]);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
}

/* Every deletion must pass. */
static void empty(struct full *full, bool shuffled)
{
    for (; full->count > 0; full->count--) {
        size_t last = full->count - 1;
        size_t i = shuffled ? pick(full->world, full->count) : last;
        assert_int_equal(try_delete(full, full->ids[i]), TB_OK);
        full->ids[i] = full->ids[last];
    }
    struct tb_txn *txn = snapshot(full->world);
    struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
    assert_int_equal(page->count, 0);
    free(page);
    tb_read_end(&txn);
}

struct full_case {
    uint64_t map_bytes;
    size_t bytes;
    unsigned again_min; /* in percent of the first fill: the log of the deletions stays */
};

enum { CASES = 4, UPDATE_CASES = 3 };

static const struct full_case cases[CASES] = {
    {UINT64_C(1) << 20, 300, 60},
    {UINT64_C(4) << 20, 300, 75},
    {UINT64_C(4) << 20, 3000, 80},
    {UINT64_C(8) << 20, 1500, 80},
};

static void a_full_map_of_prose_can_be_emptied_and_filled_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct full *full = full_open(cases[i].map_bytes, cases[i].bytes);
        size_t first = fill(full, false);
        assert_false(has_room(full));
        empty(full, i % 2 != 0);
        assert_true(has_room(full));
        size_t again = fill(full, false);
        print_message("%zu tasks of %zu bytes filled the map, %zu did again\n", first,
                      cases[i].bytes, again);
        assert_true(again * 100 >= first * cases[i].again_min);
        empty(full, i % 2 == 0);
        full_close(full);
    }
}

static void so_can_one_whose_tasks_were_changed_until_it_was_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < UPDATE_CASES; i++) {
        struct full *full = full_open(cases[i].map_bytes, cases[i].bytes);
        size_t first = fill(full, true);
        wear_out(full);
        empty(full, i % 2 == 0);
        size_t again = fill(full, true);
        print_message("%zu tasks of %zu bytes filled the map, %zu did again\n", first,
                      cases[i].bytes, again);
        assert_true(again > first / 2);
        full_close(full);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_map_of_prose_can_be_emptied_and_filled_again),
        cmocka_unit_test(so_can_one_whose_tasks_were_changed_until_it_was_full),
    };
    return cmocka_run_group_tests_name("full map", tests, NULL, NULL);
}

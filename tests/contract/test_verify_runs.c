/* Damaged runs, and a manifest that says what is not so. */
#include "scene.h"

#include <stdlib.h>

static void damage_page(const struct scene *scene)
{
    change_nth(scene, TB_DB_RUN, 2, flip_last);
}

static void swap_pages_in(uint8_t *bytes, size_t size)
{
    uint8_t page[TB_RUN_PAGE_BYTES];
    uint8_t *one = bytes + tb_run_page_at(1);
    uint8_t *two = bytes + tb_run_page_at(2);
    assert_true(size > tb_run_page_at(3));
    memcpy(page, one, sizeof page);
    memcpy(one, two, sizeof page);
    memcpy(two, page, sizeof page);
}

static void swap_pages(const struct scene *scene)
{
    change_nth(scene, TB_DB_RUN, 2, swap_pages_in);
}

/* The first page of one run in another one: right in itself, but of another run. */
static void exchange_runs(const struct scene *scene)
{
    struct raw one = raw_get(scene, TB_DB_RUN, 0);
    struct raw two = raw_get(scene, TB_DB_RUN, 1);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(one.key, one.key_size), tb_mdb_val(two.value, two.size));
    raw_free(&one);
    raw_free(&two);
}

static void lose_block(const struct scene *scene)
{
    delete_nth(scene, TB_DB_RUN, 3);
}

static void leave_foreign_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    tb_key_write_u64(raw.key, 999);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void rename_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    raw_delete(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size));
    raw.key[raw.key_size - 1] ^= 1;
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void lengthen_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    memset(raw.value + raw.size, 0, 8);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size + 8));
    raw_free(&raw);
}

static void say_other_entries(struct tb_run_manifest *manifest)
{
    manifest->runs[0].entries++;
}

static void say_other_drops(struct tb_run_manifest *manifest)
{
    manifest->runs[0].drops++;
}

static void say_no_states(struct tb_run_manifest *manifest)
{
    manifest->runs[0].states = 0;
}

static void say_low_ids(struct tb_run_manifest *manifest)
{
    manifest->runs[0].id_top = 1;
}

static void say_low_times(struct tb_run_manifest *manifest)
{
    manifest->runs[0].time_top = 1;
}

static void miscount_entries(const struct scene *scene)
{
    change_manifest(scene, say_other_entries);
}

static void miscount_drops(const struct scene *scene)
{
    change_manifest(scene, say_other_drops);
}

static void deny_states(const struct scene *scene)
{
    change_manifest(scene, say_no_states);
}

static void deny_ids(const struct scene *scene)
{
    change_manifest(scene, say_low_ids);
}

static void deny_times(const struct scene *scene)
{
    change_manifest(scene, say_low_times);
}

static const struct damage damages[] = {
    {damage_page, "the page is damaged", 0},
    {swap_pages, "an entry is not above the one in front of it", 0},
    {exchange_runs, "the page is damaged", 0},
    {lose_block, " blocks, there are ", 0},
    {leave_foreign_block, "there are blocks of run 999, which the manifest does not name", 1},
    {rename_block, "the block stands under another key than its first one", 1},
    {lengthen_block, "the block is longer than its pages", 1},
    {miscount_entries, " entries, there are ", 1},
    {miscount_drops, " drops, there are ", 1},
    {deny_states, "it has states, ids or times that the manifest denies", 1},
    {deny_ids, "it has states, ids or times that the manifest denies", 1},
    {deny_times, "it has states, ids or times that the manifest denies", 1},
};

static void every_damage_is_found_and_named(void **state)
{
    (void)state;
    expect_all_found(damages, sizeof damages / sizeof *damages);
}

/* --- merges --- */

static void a_merge_that_goes_on_is_looked_at_too(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)world->store;
    store->tuning =
        (struct tb_run_tuning){.fan_in_first = 2, .fan_in = 2, .block_pages = 1, .step_entries = 3};
    unsigned seen = 0;
    for (unsigned i = 0; i < 200; i++) {
        created(world, draft(world, "one word more"));
        expect_sound(world);
        struct tb_txn *txn = begin(world);
        struct tb_lmdb_txn *inner = tb_lmdb_txn_of(txn);
        assert_int_equal(tb_run_manifest_load(inner), 0);
        struct tb_run_merging *merge = &inner->manifest.merges[1];
        if (merge->output != 0 && merge->taken.len > 0) {
            seen++;
            merge->left++;
            assert_int_equal(tb_run_manifest_save(inner), 0);
            struct faults *faults = NULL;
            inner->changed = true;
            commit(&txn);
            faults = verify(world);
            assert_non_null(strstr(faults->text, " entries to take, not "));
            assert_int_equal(faults->count, 1);
            free(faults);
            txn = begin(world);
            inner = tb_lmdb_txn_of(txn);
            assert_int_equal(tb_run_manifest_load(inner), 0);
            inner->manifest.merges[1].left--;
            assert_int_equal(tb_run_manifest_save(inner), 0);
            inner->changed = true;
            commit(&txn);
        } else {
            tb_write_abort(&txn);
        }
    }
    assert_true(seen > 5);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found_and_named),
        cmocka_unit_test(a_merge_that_goes_on_is_looked_at_too),
    };
    return cmocka_run_group_tests_name("check of runs", tests, NULL, NULL);
}

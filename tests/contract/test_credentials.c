/* Tokens, links and sessions. */
#include "suite.h"

static void expect_none(struct tb_txn *txn, struct tb_id id)
{
    struct tb_credential credential = {.created_ms = 77};
    assert_int_equal(tb_get_credential(txn, id, &credential), TB_E_ABSENT);
    assert_int_equal(credential.created_ms, 77);
    assert_int_equal(tb_txn_error(txn), TB_OK);
}

static void expect_stored(struct tb_txn *txn, const struct tb_credential *wanted)
{
    struct tb_credential got;
    assert_int_equal(tb_get_credential(txn, wanted->id, &got), TB_OK);
    assert_same_credential(&got, wanted);
}

/* What is kept in memory only is gone by then. */
static void reopen(struct world *world)
{
    if (world->engine == ENGINE_LMDB) {
        world_reopen(world);
    }
}

static void a_credential_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_credential plain = draft_credential(world, TB_STR("plain"));
    struct tb_credential full = draft_credential(world, TB_STR("f\\\"ull"));
    full.kind = TB_CREDENTIAL_SESSION;
    full.role = TB_ROLE_ADMIN;
    full.expires_ms = 9;
    full.parent = plain.id;
    full.agent = TB_STR("ann");
    struct tb_txn *txn = begin(world);
    expect_none(txn, plain.id);
    put_credential(world, txn, &plain);
    put_credential(world, txn, &full);
    expect_stored(txn, &plain);
    commit(&txn);
    reopen(world);
    txn = snapshot(world);
    expect_stored(txn, &plain);
    expect_stored(txn, &full);
    expect_none(txn, new_id(world));
    tb_read_end(&txn);
}

static void each_change_of_credentials_is_counted_and_no_other(void **state)
{
    struct world *world = *state;
    struct tb_credential credential = draft_credential(world, TB_STR("one"));
    struct tb_txn *txn = begin(world);
    const struct tb_head *head = tb_txn_head(txn);
    assert_int_equal(head->credential_changes, 0);
    put_credential(world, txn, &credential);
    assert_int_equal(head->credential_changes, 1);
    struct tb_task task = draft(world, "a task");
    create(world, txn, &task);
    assert_int_equal(head->credential_changes, 1);
    assert_int_equal(head->changes, 1); /* that of the task */
    commit(&txn);
    txn = begin(world);
    expect_stored(txn, &credential);
    assert_int_equal(tb_delete_credential(txn, credential.id), TB_OK);
    assert_int_equal(tb_txn_head(txn)->credential_changes, 2);
    expect_none(txn, credential.id);
    commit(&txn);
    reopen(world);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->credential_changes, 2);
    expect_none(txn, credential.id);
    tb_read_end(&txn);
}

struct seen {
    struct tb_id ids[8];
    size_t count;
    size_t stop_after;
};

static enum tb_visit see(void *ctx, const struct tb_credential *credential)
{
    struct seen *seen = ctx;
    seen->ids[seen->count++] = credential->id;
    return seen->count == seen->stop_after ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void credentials_are_visited_in_the_order_of_their_ids(void **state)
{
    struct world *world = *state;
    struct tb_credential credentials[5];
    for (size_t i = 0; i < 5; i++) {
        credentials[i] = draft_credential(world, text(world, "number %zu", i));
    }
    struct tb_txn *txn = begin(world);
    struct seen seen = {.count = 0};
    assert_int_equal(tb_visit_credentials(txn, see, &seen), TB_OK);
    assert_int_equal(seen.count, 0);
    for (size_t i = 5; i-- > 0;) {
        put_credential(world, txn, &credentials[i]);
    }
    assert_int_equal(tb_visit_credentials(txn, see, &seen), TB_OK);
    assert_int_equal(seen.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_same_id(seen.ids[i], credentials[i].id);
    }
    commit(&txn);
    txn = snapshot(world);
    seen = (struct seen){.stop_after = 2};
    assert_int_equal(tb_visit_credentials(txn, see, &seen), TB_OK);
    assert_int_equal(seen.count, 2);
    tb_read_end(&txn);
}

static void a_snapshot_and_an_abort_see_what_was_there(void **state)
{
    struct world *world = *state;
    struct tb_credential old = draft_credential(world, TB_STR("old"));
    struct tb_credential fresh = draft_credential(world, TB_STR("fresh"));
    struct tb_txn *txn = begin(world);
    put_credential(world, txn, &old);
    commit(&txn);
    struct tb_txn *before = snapshot(world);
    txn = begin(world);
    expect_stored(txn, &old);
    assert_int_equal(tb_delete_credential(txn, old.id), TB_OK);
    put_credential(world, txn, &fresh);
    tb_write_abort(&txn);
    txn = begin(world);
    expect_stored(txn, &old);
    expect_none(txn, fresh.id);
    assert_int_equal(tb_delete_credential(txn, old.id), TB_OK);
    commit(&txn);
    expect_stored(before, &old);
    tb_read_end(&before);
    txn = snapshot(world);
    expect_none(txn, old.id);
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_comes_back_as_it_was_put),
        cmocka_unit_test(each_change_of_credentials_is_counted_and_no_other),
        cmocka_unit_test(credentials_are_visited_in_the_order_of_their_ids),
        cmocka_unit_test(a_snapshot_and_an_abort_see_what_was_there),
    };
    return run_on_every_engine("credentials", tests, sizeof tests / sizeof *tests);
}

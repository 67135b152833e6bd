/* Answers to idempotency keys, and the pauses. */
#include "suite.h"

static struct tb_answer some_answer(struct world *world, uint8_t number, int64_t at_ms)
{
    return (struct tb_answer){
        .key = {number, 1},
        .fingerprint = {number, 2},
        .at_ms = at_ms,
        .http_status = 200 + number,
        .version = number,
        .seq = 3U * number,
        .body = text(world, "{\"answer\":%u}", number),
    };
}

static void put(struct world *world, struct tb_txn *txn, uint8_t number, int64_t at_ms)
{
    struct tb_answer answer = some_answer(world, number, at_ms);
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
}

static void expect_answer(struct world *world, struct tb_txn *txn, uint8_t number, int64_t at_ms)
{
    struct tb_answer expected = some_answer(world, number, at_ms);
    struct tb_answer got;
    assert_int_equal(tb_get_answer(txn, expected.key, &got), TB_OK);
    assert_same_answer(&got, &expected);
}

static void expect_absent(struct world *world, struct tb_txn *txn, uint8_t number)
{
    struct tb_answer answer = some_answer(world, number, 0);
    struct tb_answer got = {.seq = 77};
    assert_int_equal(tb_get_answer(txn, answer.key, &got), TB_E_ABSENT);
    assert_int_equal(got.seq, 77);
    assert_int_equal(tb_txn_error(txn), TB_OK);
}

static void an_answer_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    expect_absent(world, txn, 1);
    put(world, txn, 1, 10);
    put(world, txn, 2, 10);
    expect_answer(world, txn, 1, 10);
    expect_absent(world, txn, 3);
    commit(&txn);
    txn = begin(world);
    expect_answer(world, txn, 2, 10);
    put(world, txn, 3, 11);
    expect_answer(world, txn, 3, 11);
    commit(&txn);
    txn = snapshot(world);
    for (uint8_t i = 1; i <= 3; i++) {
        expect_answer(world, txn, i, i < 3 ? 10 : 11);
    }
    expect_absent(world, txn, 4);
    assert_int_equal(tb_txn_head(txn)->answers, 3);
    assert_int_equal(tb_txn_head(txn)->answer_bytes, 3 * strlen("{\"answer\":1}"));
    tb_read_end(&txn);
}

static void an_abort_forgets_answers(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    put(world, txn, 1, 10);
    commit(&txn);
    txn = begin(world);
    put(world, txn, 2, 10);
    assert_int_equal(tb_drop_answers(txn, 100, 1), TB_OK);
    expect_absent(world, txn, 1);
    tb_write_abort(&txn);
    txn = begin(world);
    expect_answer(world, txn, 1, 10);
    expect_absent(world, txn, 2);
    assert_int_equal(tb_txn_head(txn)->answers, 1);
    put(world, txn, 2, 10);
    commit(&txn);
    txn = snapshot(world);
    expect_answer(world, txn, 2, 10);
    tb_read_end(&txn);
}

/* Expects that answers from `first` to 20 are there, and none before. */
static void expect_from(struct world *world, struct tb_txn *txn, uint8_t first)
{
    for (uint8_t i = 1; i <= 20; i++) {
        if (i < first) {
            expect_absent(world, txn, i);
        } else {
            expect_answer(world, txn, i, i);
        }
    }
    assert_int_equal(tb_txn_head(txn)->answers, 21U - first);
    assert_int_equal(tb_txn_head(txn)->answer_bytes == 0, first == 21);
}

static void the_oldest_answers_are_dropped_first(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = NULL;
    for (uint8_t first = 1; first <= 20; first = (uint8_t)(first + 5)) {
        txn = begin(world);
        for (uint8_t i = first; i < first + 5; i++) {
            put(world, txn, i, i);
        }
        commit(&txn);
    }
    txn = begin(world);
    assert_int_equal(tb_drop_answers(txn, 1, 1000), TB_OK); /* none is as old as that */
    expect_from(world, txn, 1);
    assert_int_equal(tb_drop_answers(txn, 4, 1000), TB_OK);
    expect_from(world, txn, 4);
    assert_int_equal(tb_drop_answers(txn, 100, 0), TB_OK);
    assert_int_equal(tb_drop_answers(txn, 100, 3), TB_OK);
    expect_from(world, txn, 7);
    commit(&txn);
    txn = begin(world);
    expect_from(world, txn, 7);
    assert_int_equal(tb_drop_answers(txn, 18, 1000), TB_OK);
    expect_from(world, txn, 18);
    commit(&txn);
    txn = begin(world);
    assert_int_equal(tb_drop_answers(txn, 1000, 1000), TB_OK);
    expect_from(world, txn, 21);
    put(world, txn, 1, 1000); /* the key is new again */
    expect_answer(world, txn, 1, 1000);
    commit(&txn);
    txn = snapshot(world);
    expect_answer(world, txn, 1, 1000);
    assert_int_equal(tb_txn_head(txn)->answers, 1);
    tb_read_end(&txn);
}

static void what_was_put_in_the_same_transaction_can_be_dropped(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    put(world, txn, 1, 10);
    put(world, txn, 2, 20);
    assert_int_equal(tb_drop_answers(txn, 20, 9), TB_OK);
    expect_absent(world, txn, 1);
    expect_answer(world, txn, 2, 20);
    put(world, txn, 3, 30);
    commit(&txn);
    txn = snapshot(world);
    expect_absent(world, txn, 1);
    expect_answer(world, txn, 2, 20);
    expect_answer(world, txn, 3, 30);
    tb_read_end(&txn);
}

static void bodies_of_every_size_are_kept(void **state)
{
    static const size_t sizes[] = {0, 1, 2000, 4096, 100000, 262144, 300000, 5, 1048576, 7};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct world *world = *state;
    struct tb_answer answers[COUNT];
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < COUNT; i++) {
        char *body = tb_arena_alloc(world->arena, sizes[i] + 1);
        memset(body, 'a' + i, sizes[i]);
        answers[i] = some_answer(world, (uint8_t)i, 5);
        answers[i].body = tb_str_from(body, sizes[i]);
        assert_int_equal(tb_put_answer(txn, &answers[i]), TB_OK);
    }
    commit(&txn);
    txn = begin(world);
    for (uint32_t dropped = 0; dropped < COUNT; dropped++) {
        for (uint32_t i = dropped; i < COUNT; i++) {
            struct tb_answer got;
            assert_int_equal(tb_get_answer(txn, answers[i].key, &got), TB_OK);
            assert_same_answer(&got, &answers[i]);
        }
        assert_int_equal(tb_drop_answers(txn, 6, 1), TB_OK);
    }
    assert_int_equal(tb_txn_head(txn)->answers, 0);
    assert_int_equal(tb_txn_head(txn)->answer_bytes, 0);
    commit(&txn);
}

static void an_old_snapshot_still_has_what_was_dropped(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    put(world, txn, 1, 10);
    put(world, txn, 2, 20);
    commit(&txn);
    struct tb_txn *old = snapshot(world);
    txn = begin(world);
    assert_int_equal(tb_drop_answers(txn, 15, 9), TB_OK);
    commit(&txn);
    expect_answer(world, old, 1, 10);
    expect_answer(world, old, 2, 20);
    tb_read_end(&old);
    old = snapshot(world);
    expect_absent(world, old, 1);
    expect_answer(world, old, 2, 20);
    tb_read_end(&old);
}

/* --- shares --- */

static void put_of(struct world *world, struct tb_txn *txn, uint8_t number, uint16_t share)
{
    struct tb_answer answer = some_answer(world, number, number);
    answer.share = share;
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    struct tb_answer got;
    assert_int_equal(tb_get_answer(txn, answer.key, &got), TB_OK);
    assert_int_equal(got.share, share);
}

static void expect_share(struct tb_txn *txn, uint16_t share, uint64_t answers)
{
    struct tb_answer_share kept = {77, 77};
    assert_int_equal(tb_get_answer_share(txn, share, &kept), TB_OK);
    assert_int_equal(kept.answers, answers);
    assert_int_equal(kept.bytes, answers * strlen("{\"answer\":1}"));
}

static void what_is_kept_of_each_share_is_counted(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    expect_share(txn, 1, 0);
    put_of(world, txn, 1, 1);
    put_of(world, txn, 2, UINT16_MAX);
    put_of(world, txn, 3, 1);
    put_of(world, txn, 4, 0);
    expect_share(txn, 1, 2);
    expect_share(txn, UINT16_MAX, 1);
    expect_share(txn, 0, 0); /* nobody's */
    commit(&txn);
    struct tb_txn *old = snapshot(world);
    txn = begin(world);
    put_of(world, txn, 5, 256);
    assert_int_equal(tb_drop_answers(txn, 3, 9), TB_OK);
    expect_share(txn, 1, 1);
    expect_share(txn, UINT16_MAX, 0);
    expect_share(txn, 256, 1);
    commit(&txn);
    expect_share(old, 1, 2);
    expect_share(old, 256, 0);
    tb_read_end(&old);
    txn = snapshot(world);
    expect_share(txn, 1, 1);
    expect_share(txn, UINT16_MAX, 0);
    tb_read_end(&txn);
    txn = begin(world);
    assert_int_equal(tb_drop_answers(txn, 100, 9), TB_OK);
    expect_share(txn, 1, 0);
    expect_share(txn, 256, 0);
    commit(&txn);
}

static void an_abort_leaves_shares_as_they_were(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    put_of(world, txn, 1, 1);
    commit(&txn);
    txn = begin(world);
    put_of(world, txn, 2, 1);
    put_of(world, txn, 3, 2);
    assert_int_equal(tb_drop_answers(txn, 2, 9), TB_OK);
    tb_write_abort(&txn);
    txn = snapshot(world);
    expect_share(txn, 1, 1);
    expect_share(txn, 2, 0);
    tb_read_end(&txn);
}

/* --- pauses --- */

static void pauses_are_kept_as_they_are(void **state)
{
    struct world *world = *state;
    struct tb_str json = TB_STR("untouched");
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_get_pauses(txn, &json), TB_E_ABSENT);
    assert_same_str(json, TB_STR("untouched"));
    assert_int_equal(tb_put_pauses(txn, TB_STR("[1]")), TB_OK);
    assert_int_equal(tb_get_pauses(txn, &json), TB_OK);
    assert_same_str(json, TB_STR("[1]"));
    struct tb_str before = json;
    assert_int_equal(tb_put_pauses(txn, text(world, "[%05000d]", 1)), TB_OK);
    assert_same_str(before, TB_STR("[1]")); /* lives until the transaction ends */
    commit(&txn);
    txn = begin(world);
    assert_int_equal(tb_put_pauses(txn, TB_STR("[]")), TB_OK);
    tb_write_abort(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_pauses(txn, &json), TB_OK);
    assert_same_str(json, text(world, "[%05000d]", 1));
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_as_it_was_put),
        cmocka_unit_test(an_abort_forgets_answers),
        cmocka_unit_test(the_oldest_answers_are_dropped_first),
        cmocka_unit_test(what_was_put_in_the_same_transaction_can_be_dropped),
        cmocka_unit_test(bodies_of_every_size_are_kept),
        cmocka_unit_test(an_old_snapshot_still_has_what_was_dropped),
        cmocka_unit_test(what_is_kept_of_each_share_is_counted),
        cmocka_unit_test(an_abort_leaves_shares_as_they_were),
        cmocka_unit_test(pauses_are_kept_as_they_are),
    };
    return run_on_every_engine("answers", tests, sizeof tests / sizeof *tests);
}

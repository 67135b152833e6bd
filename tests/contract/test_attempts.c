/* Ended attempts of tasks. */
#include "suite.h"

#include <stdlib.h>

static struct tb_attempt some_attempt(struct world *world, uint32_t number)
{
    struct tb_attempt attempt = {
        .number = number,
        .generation = 100 + number,
        .claimed_ms = 1000,
        .ended_ms = 2000,
        .outcome = TB_ATTEMPT_FAILED,
        .ended_by = TB_ATTEMPT_END_FAIL,
        .agent = TB_STR("ann"),
        .error = text(world, "error of %u", number),
    };
    tb_attempt_render(&attempt, world->arena);
    return attempt;
}

static void put(struct world *world, struct tb_txn *txn, struct tb_id task, uint32_t number)
{
    struct tb_attempt attempt = some_attempt(world, number);
    assert_int_equal(tb_put_attempt(txn, task, &attempt), TB_OK);
}

struct numbers {
    size_t count;
    size_t max;
    uint32_t numbers[2000];
};

static enum tb_visit remember(void *ctx, const struct tb_attempt *attempt)
{
    struct numbers *numbers = ctx;
    numbers->numbers[numbers->count++] = attempt->number;
    return numbers->count == numbers->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void expect_numbers(struct tb_txn *txn, struct tb_id task, size_t max, size_t count,
                           const uint32_t *expected)
{
    struct numbers *numbers = calloc(1, sizeof *numbers);
    numbers->max = max;
    assert_int_equal(tb_visit_attempts(txn, task, remember, numbers), TB_OK);
    assert_int_equal(numbers->count, count);
    assert_memory_equal(numbers->numbers, expected, count * sizeof *expected);
    free(numbers);
}

#define EXPECT(txn, task, max, ...)                                                                \
    expect_numbers(txn, task, max, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),     \
                   (const uint32_t[]){__VA_ARGS__})

static void an_attempt_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "tried"));
    struct tb_attempt full = {
        .number = UINT32_MAX,
        .generation = UINT64_MAX,
        .claimed_ms = 1,
        .ended_ms = 2,
        .outcome = TB_ATTEMPT_EXPIRED,
        .ended_by = TB_ATTEMPT_END_NONE,
        .late = true,
        .agent = TB_STR("ann"),
        .vm_id = TB_STR("vm-1"),
        .error = TB_STR("e"),
        .result = TB_STR("{\"r\":1}"),
        .progress = TB_STR("{\"percent\":1}"),
    };
    struct tb_attempt bare = {.number = 1, .agent = TB_STR("bob")};
    struct tb_attempt got;
    tb_attempt_render(&full, world->arena);
    tb_attempt_render(&bare, world->arena);
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_attempt(txn, task, &full), TB_OK);
    assert_int_equal(tb_put_attempt(txn, task, &bare), TB_OK);
    assert_int_equal(tb_get_attempt(txn, task, UINT32_MAX, &got), TB_OK);
    assert_same_attempt(&got, &full);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_attempt(txn, task, UINT32_MAX, &got), TB_OK);
    assert_same_attempt(&got, &full);
    assert_int_equal(tb_get_attempt(txn, task, 1, &got), TB_OK);
    assert_same_attempt(&got, &bare);
    assert_int_equal(tb_get_attempt(txn, task, 2, &got), TB_E_ABSENT);
    assert_int_equal(tb_get_attempt(txn, new_id(world), 1, &got), TB_E_ABSENT);
    tb_read_end(&txn);
}

static void attempts_come_in_the_order_of_their_numbers(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "tried"));
    struct tb_id other = created(world, draft(world, "tried too"));
    struct tb_id bare = created(world, draft(world, "not tried"));
    struct tb_txn *txn = begin(world);
    put(world, txn, task, 300);
    put(world, txn, other, 7);
    put(world, txn, task, 2);
    put(world, txn, task, 10);
    EXPECT(txn, task, 0, 2, 10, 300);
    commit(&txn);
    txn = snapshot(world);
    EXPECT(txn, task, 0, 2, 10, 300);
    EXPECT(txn, task, 2, 2, 10);
    EXPECT(txn, other, 0, 7);
    expect_numbers(txn, bare, 0, 0, (const uint32_t[]){0});
    tb_read_end(&txn);
}

static void an_attempt_can_be_replaced_and_deleted(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "tried"));
    struct tb_txn *txn = begin(world);
    put(world, txn, task, 1);
    put(world, txn, task, 2);
    commit(&txn);
    txn = begin(world);
    struct tb_attempt late = some_attempt(world, 1);
    struct tb_attempt early;
    struct tb_attempt got;
    assert_int_equal(tb_get_attempt(txn, task, 1, &early), TB_OK);
    struct tb_str before = tb_arena_dup(world->arena, early.wire);
    late.result = text(world, "\"%0500d\"", 7);
    late.late = true;
    tb_attempt_render(&late, world->arena);
    assert_int_equal(tb_put_attempt(txn, task, &late), TB_OK);
    assert_int_equal(tb_delete_attempt(txn, task, 2), TB_OK);
    assert_int_equal(tb_delete_attempt(txn, task, 9), TB_OK);
    assert_same_str(early.wire, before); /* lives until the transaction ends */
    EXPECT(txn, task, 0, 1);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_attempt(txn, task, 1, &got), TB_OK);
    assert_same_attempt(&got, &late);
    EXPECT(txn, task, 0, 1);
    tb_read_end(&txn);
}

static void attempts_go_with_their_task(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "tried"));
    struct tb_id other = created(world, draft(world, "stays"));
    struct tb_txn *txn = begin(world);
    for (uint32_t i = 1; i <= 100; i++) {
        put(world, txn, task, i);
    }
    put(world, txn, other, 1);
    commit(&txn);
    txn = begin(world);
    remove_task(world, txn, task);
    expect_numbers(txn, task, 0, 0, (const uint32_t[]){0});
    EXPECT(txn, other, 0, 1);
    tb_write_abort(&txn);
    txn = snapshot(world);
    struct numbers *numbers = calloc(1, sizeof *numbers);
    assert_int_equal(tb_visit_attempts(txn, task, remember, numbers), TB_OK);
    assert_int_equal(numbers->count, 100);
    free(numbers);
    tb_read_end(&txn);
    txn = begin(world);
    remove_task(world, txn, task);
    commit(&txn);
    txn = snapshot(world);
    expect_numbers(txn, task, 0, 0, (const uint32_t[]){0});
    EXPECT(txn, other, 0, 1);
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_comes_back_as_it_was_put),
        cmocka_unit_test(attempts_come_in_the_order_of_their_numbers),
        cmocka_unit_test(an_attempt_can_be_replaced_and_deleted),
        cmocka_unit_test(attempts_go_with_their_task),
    };
    return run_on_every_engine("attempts", tests, sizeof tests / sizeof *tests);
}

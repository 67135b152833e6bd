#include "unit/base/check.h"

#include "taskboard/task.h"

#define CLAIMED_MS INT64_C(1700000000000)

static struct tb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

#define fresh_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static struct tb_attempt full_attempt(void)
{
    return (struct tb_attempt){
        .number = 3,
        .generation = 41,
        .claimed_ms = CLAIMED_MS,
        .ended_ms = CLAIMED_MS + 1000,
        .outcome = TB_ATTEMPT_TAKEN_OVER,
        .ended_by = TB_ATTEMPT_END_NONE,
        .late = true,
        .agent = TB_STR("ann \\\""),
        .vm_id = TB_STR("vm-1"),
        .error = TB_STR("it broke\\n"),
        .result = TB_STR("{\"n\":1}"),
        .progress = TB_STR("{\"percent\":40}"),
    };
}

static void an_attempt_is_written_as_the_wire_format_has_it(void **state)
{
    (void)state;
    struct tb_attempt attempt = full_attempt();
    tb_attempt_render(&attempt, arena);
    assert_str(attempt.wire,
               "{\"attempt\":3,\"generation\":41,\"agent\":\"ann \\\"\",\"vmId\":\"vm-1\","
               "\"claimedAt\":\"2023-11-14T22:13:20.000Z\","
               "\"endedAt\":\"2023-11-14T22:13:21.000Z\",\"outcome\":\"taken_over\","
               "\"error\":\"it broke\\n\",\"result\":{\"n\":1},\"progress\":{\"percent\":40},"
               "\"late\":true}");
}

static void what_it_does_not_have_is_left_out(void **state)
{
    (void)state;
    struct tb_attempt attempt = {.number = 1, .generation = 1, .claimed_ms = CLAIMED_MS};
    attempt.agent = TB_STR("ann");
    tb_attempt_render(&attempt, arena);
    assert_str(attempt.wire, "{\"attempt\":1,\"generation\":1,\"agent\":\"ann\","
                             "\"claimedAt\":\"2023-11-14T22:13:20.000Z\",\"outcome\":\"running\"}");
}

static void rendering_points_every_string_into_the_wire(void **state)
{
    (void)state;
    const struct tb_attempt before = full_attempt();
    struct tb_attempt attempt = before;
    tb_attempt_render(&attempt, arena);
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        assert_str_eq(attempt.strings[i], before.strings[i]);
        assert_true(attempt.strings[i].ptr > attempt.wire.ptr);
        assert_true(attempt.strings[i].ptr + attempt.strings[i].len <=
                    attempt.wire.ptr + attempt.wire.len);
    }
}

static void the_largest_attempt_renders_without_moving_its_strings(void **state)
{
    (void)state;
    struct tb_attempt attempt = full_attempt();
    char *text = tb_arena_alloc(arena, 1 << 20);
    memset(text, 'x', 1 << 20);
    attempt.number = UINT32_MAX;
    attempt.generation = UINT64_MAX;
    attempt.claimed_ms = attempt.ended_ms = INT64_C(253402300799999);
    attempt.result = tb_str_from(text, 1 << 20);
    tb_attempt_render(&attempt, arena);
    assert_memory_equal(attempt.result.ptr, text, 1 << 20);
}

static void the_running_attempt_is_what_the_task_says_of_its_claim(void **state)
{
    (void)state;
    const struct tb_task task = {
        .claim = {.generation = 41, .attempt = 3, .claimed_ms = CLAIMED_MS},
        .assignee = TB_STR("ann"),
        .claim_vm = TB_STR("vm-1"),
        .progress = TB_STR("{\"percent\":40}"),
    };
    struct tb_attempt attempt = tb_attempt_running(&task);
    tb_attempt_render(&attempt, arena);
    assert_str(attempt.wire, "{\"attempt\":3,\"generation\":41,\"agent\":\"ann\",\"vmId\":\"vm-1\","
                             "\"claimedAt\":\"2023-11-14T22:13:20.000Z\",\"outcome\":\"running\","
                             "\"progress\":{\"percent\":40}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_test(an_attempt_is_written_as_the_wire_format_has_it),
        fresh_test(what_it_does_not_have_is_left_out),
        fresh_test(rendering_points_every_string_into_the_wire),
        fresh_test(the_largest_attempt_renders_without_moving_its_strings),
        fresh_test(the_running_attempt_is_what_the_task_says_of_its_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit/base/check.h"

#include "taskboard/task.h"

#define AT_MS INT64_C(1700000000000)

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

static struct tb_task rendered_task(struct tb_str tags)
{
    struct tb_task task = {
        .id = {.bytes = {[15] = 2}},
        .version = 1,
        .created_ms = AT_MS,
        .updated_ms = AT_MS,
        .ready = true,
        .title = TB_STR("paint"),
        .tags = tags,
        .dependencies = TB_STR("[]"),
        .created_by = TB_STR("ann"),
        .blocked_by = TB_STR("[]"),
        .description = TB_STR("heavy"),
    };
    tb_task_render(&task, arena);
    return task;
}

static struct tb_event event_on_task(void)
{
    return (struct tb_event){
        .seq = 7,
        .id = {.bytes = {[15] = 3}},
        .at_ms = AT_MS,
        .type = TB_EVENT_NOTED,
        .task_id = {.bytes = {[15] = 2}},
        .actor = TB_STR("bob \\\"b\\\""),
    };
}

static bool lies_within(struct tb_str part, struct tb_str whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void an_event_renders_its_envelope_the_summary_and_what_else_it_carries(void **state)
{
    (void)state;
    struct tb_task task = rendered_task(TB_STR("[\"x\"]"));
    struct tb_event event = event_on_task();
    tb_event_render(&event, &task, TB_STR(",\"note\":{\"n\":1}"), arena);
    assert_str(event.wire,
               "{\"seq\":7,\"id\":\"00000000000000000000000003\","
               "\"at\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"board\",\"type\":\"task.noted\","
               "\"taskId\":\"00000000000000000000000002\",\"actor\":\"bob \\\"b\\\"\","
               "\"data\":{\"task\":{\"id\":\"00000000000000000000000002\",\"title\":\"paint\","
               "\"status\":\"open\",\"tags\":[\"x\"],\"dependencies\":[],\"createdBy\":\"ann\","
               "\"createdAt\":\"2023-11-14T22:13:20.000Z\","
               "\"updatedAt\":\"2023-11-14T22:13:20.000Z\",\"score\":0,\"version\":1,"
               "\"priority\":0,\"attempts\":0,\"maxAttempts\":0,\"blockedBy\":[],\"ready\":true},"
               "\"note\":{\"n\":1}}}");
}

static void actor_and_tags_point_into_the_event(void **state)
{
    (void)state;
    struct tb_task task = rendered_task(TB_STR("[\"x\",\"]\\\"\"]"));
    struct tb_event event = event_on_task();
    tb_event_render(&event, &task, TB_STR_NONE, arena);
    assert_str(event.actor, "bob \\\"b\\\"");
    assert_str(event.tags, "[\"x\",\"]\\\"\"]");
    assert_true(lies_within(event.actor, event.wire));
    assert_true(lies_within(event.tags, event.wire));
    assert_false(lies_within(event.tags, task.wire));
}

static void an_event_that_nobody_caused_names_no_actor(void **state)
{
    (void)state;
    struct tb_task task = rendered_task(TB_STR("[]"));
    struct tb_event event = event_on_task();
    event.actor = TB_STR_NONE;
    tb_event_render(&event, &task, TB_STR_NONE, arena);
    assert_absent(event.actor);
    assert_null(memmem(event.wire.ptr, event.wire.len, "actor", 5));
    assert_str(event.tags, "[]");
}

static void an_event_about_no_task_has_neither_task_nor_tags(void **state)
{
    (void)state;
    struct tb_event event = event_on_task();
    event.task_id = (struct tb_id){{0}};
    event.actor = TB_STR_NONE;
    tb_event_render(&event, NULL, TB_STR(",\"reason\":\"x\",\"n\":2"), arena);
    assert_str(event.wire, "{\"seq\":7,\"id\":\"00000000000000000000000003\","
                           "\"at\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"board\","
                           "\"type\":\"task.noted\",\"data\":{\"reason\":\"x\",\"n\":2}}");
    assert_absent(event.tags);
    tb_event_render(&event, NULL, TB_STR_NONE, arena);
    assert_memory_equal(event.wire.ptr + event.wire.len - 10, "\"data\":{}}", 10);
}

static void an_event_about_a_task_that_is_no_more_carries_its_tags(void **state)
{
    (void)state;
    struct tb_event event = event_on_task();
    event.type = TB_EVENT_DELETED;
    event.tags = TB_STR("[\"x\",\"]\\\"\"]");
    tb_event_render(&event, NULL, TB_STR(",\"n\":2"), arena);
    assert_str(event.wire, "{\"seq\":7,\"id\":\"00000000000000000000000003\","
                           "\"at\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"board\","
                           "\"type\":\"task.deleted\",\"taskId\":\"00000000000000000000000002\","
                           "\"actor\":\"bob \\\"b\\\"\","
                           "\"data\":{\"tags\":[\"x\",\"]\\\"\"],\"n\":2}}");
    assert_str(event.tags, "[\"x\",\"]\\\"\"]");
    assert_true(lies_within(event.tags, event.wire));
}

static void an_event_about_a_vm_names_it(void **state)
{
    (void)state;
    struct tb_event event = event_on_task();
    event.type = TB_EVENT_VM_STALE;
    event.task_id = (struct tb_id){{0}};
    event.vm_id = TB_STR("vm \\\"1\\\"");
    tb_event_render(&event, NULL, TB_STR(",\"vm\":{\"n\":1}"), arena);
    assert_str(event.wire, "{\"seq\":7,\"id\":\"00000000000000000000000003\","
                           "\"at\":\"2023-11-14T22:13:20.000Z\",\"topic\":\"registry\","
                           "\"type\":\"vm.stale\",\"vmId\":\"vm \\\"1\\\"\","
                           "\"actor\":\"bob \\\"b\\\"\",\"data\":{\"vm\":{\"n\":1}}}");
    assert_str(event.vm_id, "vm \\\"1\\\"");
    assert_true(lies_within(event.vm_id, event.wire));
    event.task_id = (struct tb_id){.bytes = {[15] = 2}};
    event.vm_id = TB_STR("vm");
    tb_event_render(&event, NULL, TB_STR_NONE, arena);
    static const char both[] =
        "\"taskId\":\"00000000000000000000000002\",\"vmId\":\"vm\",\"actor\"";
    assert_non_null(memmem(event.wire.ptr, event.wire.len, both, sizeof both - 1));
}

static void the_data_of_an_event_is_a_part_of_it(void **state)
{
    (void)state;
    struct tb_task task = rendered_task(TB_STR("[]"));
    const struct {
        const struct tb_task *task;
        struct tb_str extra;
        const char *data; /* NULL: only its ends are looked at */
    } cases[] = {
        {NULL, TB_STR_NONE, "{}"},
        {NULL, TB_STR(",\"agent\":\"a\",\"n\":{}"), "{\"agent\":\"a\",\"n\":{}}"},
        {&task, TB_STR(",\"n\":1"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_event event = event_on_task();
        tb_event_render(&event, cases[i].task, cases[i].extra, arena);
        assert_true(lies_within(event.data, event.wire));
        assert_ptr_equal(event.data.ptr + event.data.len + 1, event.wire.ptr + event.wire.len);
        if (cases[i].data != NULL) {
            assert_true(tb_str_eq_c(event.data, cases[i].data));
        } else {
            assert_memory_equal(event.data.ptr, "{\"task\":{", 9);
            assert_memory_equal(event.data.ptr + event.data.len - 8, "},\"n\":1}", 8);
        }
    }
}

static void what_agents_publish_is_of_the_feed_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned type = 0; type < TB_EVENT_TYPE_COUNT; type++) {
        bool is_feed = strcmp(tb_event_topic((enum tb_event_type)type), "feed") == 0;
        assert_int_equal(tb_event_is_of_feed((enum tb_event_type)type),
                         is_feed && type != TB_EVENT_FEED_CLEARED);
    }
}

static void every_type_renders_its_name(void **state)
{
    (void)state;
    struct tb_task task = rendered_task(TB_STR("[]"));
    for (unsigned type = 0; type < TB_EVENT_TYPE_COUNT; type++) {
        struct tb_event event = event_on_task();
        event.seq = UINT64_MAX;
        event.type = (enum tb_event_type)type;
        tb_event_render(&event, &task, TB_STR_NONE, arena);
        struct tb_str member =
            tb_arena_printf(arena, "\"topic\":\"%s\",\"type\":\"%s\",", tb_event_topic(event.type),
                            tb_event_type_name(event.type));
        assert_non_null(memmem(event.wire.ptr, event.wire.len, member.ptr, member.len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_renders_its_envelope_the_summary_and_what_else_it_carries),
        cmocka_unit_test(actor_and_tags_point_into_the_event),
        cmocka_unit_test(an_event_that_nobody_caused_names_no_actor),
        cmocka_unit_test(an_event_about_no_task_has_neither_task_nor_tags),
        cmocka_unit_test(an_event_about_a_task_that_is_no_more_carries_its_tags),
        cmocka_unit_test(an_event_about_a_vm_names_it),
        cmocka_unit_test(the_data_of_an_event_is_a_part_of_it),
        cmocka_unit_test(what_agents_publish_is_of_the_feed_and_nothing_else),
        cmocka_unit_test(every_type_renders_its_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

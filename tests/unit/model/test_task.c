#include "unit/base/check.h"

#include "base/buf.h"
#include "taskboard/task.h"

#define CREATED_MS INT64_C(1700000000000)

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

static struct tb_id id_of(uint8_t last)
{
    return (struct tb_id){.bytes = {[15] = last}};
}

/* With only what a task always has. */
static struct tb_task plain_task(void)
{
    return (struct tb_task){
        .id = id_of(1),
        .version = 1,
        .created_ms = CREATED_MS,
        .updated_ms = CREATED_MS + 1,
        .max_attempts = 3,
        .ready = true,
        .title = TB_STR("paint"),
        .tags = TB_STR("[]"),
        .dependencies = TB_STR("[]"),
        .created_by = TB_STR("ann"),
        .blocked_by = TB_STR("[]"),
    };
}

/* With every field that a task can have; texts and JSON hold what needs escaping. */
static struct tb_task full_task(void)
{
    return (struct tb_task){
        .id = id_of(2),
        .version = 7,
        .created_ms = CREATED_MS,
        .updated_ms = CREATED_MS + 60000,
        .not_before_ms = CREATED_MS + 3600000,
        .score = 12,
        .priority = -100,
        .attempts = 2,
        .max_attempts = 0,
        .parent_id = id_of(1),
        .status = TB_STATUS_DONE,
        .outcome = TB_OUTCOME_CANCELLED,
        .title = TB_STR("a \\\"b\\\" \\\\ \\u0001 é 😀"),
        .assignee = TB_STR("bob\\n"),
        .tags = TB_STR("[\"x\",\"\\\"\"]"),
        .dependencies = TB_STR("[\"later\"]"),
        .created_by = TB_STR("ann \\\\"),
        .unique_key = TB_STR("k\\t"),
        .blocked_reason = TB_STR("{\"kind\":\"manual\"}"),
        .blocked_by = TB_STR("[\"later\"]"),
        .description = TB_STR("two\\nlines"),
        .payload = TB_STR("{\"n\":1.50}"),
        .result = TB_STR("null"),
        .claim = {.generation = 41,
                  .attempt = 3,
                  .claimed_ms = CREATED_MS + 1000,
                  .expires_ms = CREATED_MS + 301000,
                  .lease_ms = 300000},
        .claim_vm = TB_STR("vm \\\""),
        .cancel = TB_STR("{\"by\":\"lead\"}"),
        .progress = TB_STR("{\"percent\":40}"),
        .reserved_for = TB_STR("cid"),
    };
}

static struct tb_str summary_of(const struct tb_task *task)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_task_write_summary(task, &out);
    return tb_buf_str(&out);
}

static struct tb_str open_of(const struct tb_task *task)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_task_write_open(task, &out);
    return tb_buf_str(&out);
}

/* --- rendering --- */

static void a_plain_task_renders_only_what_it_has(void **state)
{
    (void)state;
    struct tb_task task = plain_task();
    tb_task_render(&task, arena);
    assert_str(summary_of(&task),
               "{\"id\":\"00000000000000000000000001\",\"title\":\"paint\",\"status\":\"open\","
               "\"tags\":[],\"dependencies\":[],\"createdBy\":\"ann\","
               "\"createdAt\":\"2023-11-14T22:13:20.000Z\","
               "\"updatedAt\":\"2023-11-14T22:13:20.001Z\",\"score\":0,\"version\":1,"
               "\"priority\":0,\"attempts\":0,\"maxAttempts\":3,\"blockedBy\":[],\"ready\":true}");
    assert_int_equal(task.wire.len, task.summary_len);
}

static void a_full_task_renders_every_field_in_the_order_of_the_contract(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    tb_task_render(&task, arena);
    assert_str(open_of(&task),
               "{\"id\":\"00000000000000000000000002\","
               "\"title\":\"a \\\"b\\\" \\\\ \\u0001 é 😀\","
               "\"status\":\"done\",\"outcome\":\"cancelled\",\"assignee\":\"bob\\n\","
               "\"tags\":[\"x\",\"\\\"\"],\"dependencies\":[\"later\"],"
               "\"createdBy\":\"ann \\\\\",\"createdAt\":\"2023-11-14T22:13:20.000Z\","
               "\"updatedAt\":\"2023-11-14T22:14:20.000Z\",\"score\":12,\"version\":7,"
               "\"priority\":-100,\"notBefore\":\"2023-11-14T23:13:20.000Z\",\"attempts\":2,"
               "\"maxAttempts\":0,\"claim\":{\"by\":\"bob\\n\",\"vmId\":\"vm \\\"\","
               "\"generation\":41,\"attempt\":3,\"claimedAt\":\"2023-11-14T22:13:21.000Z\","
               "\"expiresAt\":\"2023-11-14T22:18:21.000Z\","
               "\"cancelRequested\":{\"by\":\"lead\"}},\"progress\":{\"percent\":40},"
               "\"uniqueKey\":\"k\\t\","
               "\"parentId\":\"00000000000000000000000001\","
               "\"blockedReason\":{\"kind\":\"manual\"},\"blockedBy\":[\"later\"],"
               "\"ready\":false,\"description\":\"two\\nlines\",\"payload\":{\"n\":1.50},"
               "\"result\":null");
}

static void the_summary_leaves_out_the_heavy_rest(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    tb_task_render(&task, arena);
    struct tb_str summary = summary_of(&task);
    assert_null(memmem(summary.ptr, summary.len, "description", 11));
    assert_null(memmem(summary.ptr, summary.len, "payload", 7));
    assert_null(memmem(summary.ptr, summary.len, "result", 6));
    assert_memory_equal(summary.ptr + summary.len - 15, ",\"ready\":false}", 15);
    assert_memory_equal(summary.ptr, task.wire.ptr, task.summary_len);
}

static void rendering_points_every_string_into_the_wire(void **state)
{
    (void)state;
    const struct tb_task before = full_task();
    struct tb_task task = before;
    tb_task_render(&task, arena);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        assert_str_eq(task.strings[i], before.strings[i]);
        assert_true(task.strings[i].ptr > task.wire.ptr);
        assert_true(task.strings[i].ptr + task.strings[i].len <= task.wire.ptr + task.wire.len);
    }
}

static void rendering_leaves_absent_strings_absent(void **state)
{
    (void)state;
    struct tb_task task = plain_task();
    tb_task_render(&task, arena);
    assert_absent(task.assignee);
    assert_absent(task.unique_key);
    assert_absent(task.blocked_reason);
    assert_absent(task.description);
    assert_absent(task.payload);
    assert_absent(task.result);
}

static void rendering_again_gives_the_same_bytes(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    tb_task_render(&task, arena);
    struct tb_task again = task;
    tb_task_render(&again, arena);
    assert_ptr_not_equal(again.wire.ptr, task.wire.ptr);
    assert_str_eq(again.wire, task.wire);
    assert_int_equal(again.summary_len, task.summary_len);
}

static void what_is_stored_but_not_shown_stands_behind_the_view(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    tb_task_render(&task, arena);
    assert_int_equal(task.wire.len, task.view_len + task.reserved_for.len);
    assert_ptr_equal(task.reserved_for.ptr, task.wire.ptr + task.view_len);
    struct tb_str view = open_of(&task);
    assert_memory_equal(view.ptr + view.len - 4, "null", 4);
}

/* What belongs to a claim goes with it; for whom the task was reserved stays. */
static void without_a_claim_nothing_of_one_is_rendered(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    task.claim.generation = 0;
    tb_task_render(&task, arena);
    assert_absent(task.claim_vm);
    assert_absent(task.cancel);
    assert_absent(task.progress);
    assert_str(task.reserved_for, "cid");
    struct tb_str view = open_of(&task);
    assert_null(memmem(view.ptr, view.len, "claim", 5));
    assert_null(memmem(view.ptr, view.len, "progress", 8));
}

static void an_empty_text_is_not_an_absent_one(void **state)
{
    (void)state;
    struct tb_task task = plain_task();
    task.description = TB_STR("");
    tb_task_render(&task, arena);
    assert_non_null(memmem(task.wire.ptr, task.wire.len, "\"description\":\"\"", 16));
    assert_str(task.description, "");
}

static void the_largest_task_renders_without_moving_its_strings(void **state)
{
    (void)state;
    struct tb_task task = full_task();
    char *text = tb_arena_alloc(arena, 1 << 20);
    memset(text, 'x', 1 << 20);
    task.description = tb_str_from(text, 1 << 20);
    task.title = tb_str_from(text, 6 * 1024);
    task.score = INT64_MIN;
    task.version = INT64_MAX;
    task.priority = INT32_MIN;
    task.attempts = UINT32_MAX;
    task.max_attempts = UINT32_MAX;
    task.created_ms = task.updated_ms = task.not_before_ms = INT64_C(253402300799999);
    task.claim = (struct tb_claim){
        .generation = UINT64_MAX, .attempt = UINT32_MAX, .claimed_ms = task.created_ms};
    task.claim.expires_ms = task.created_ms;
    tb_task_render(&task, arena);
    assert_int_equal(task.description.len, 1 << 20);
    assert_memory_equal(task.description.ptr, text, 1 << 20);
}

/* --- single fields --- */

/* Each field as it stands in the views must be what tb_task_write_field writes. */
static void check_fields_against_views(struct tb_task task)
{
    tb_task_render(&task, arena);
    struct tb_buf whole;
    tb_buf_init(&whole, arena, 16);
    TB_BUF_LIT(&whole, "{");
    for (unsigned field = 0; field < TB_FIELD_NOTES; field++) {
        size_t before = whole.len;
        if (before > 1) {
            TB_BUF_LIT(&whole, ",");
        }
        if (!tb_task_write_field(&task, (enum tb_field)field, &whole)) {
            assert_int_equal(whole.len, before + (before > 1 ? 1 : 0)); /* nothing added */
            whole.len = before;
        }
    }
    assert_str_eq(tb_buf_str(&whole), open_of(&task));
}

static void every_field_written_alone_is_as_it_is_in_the_view(void **state)
{
    (void)state;
    check_fields_against_views(plain_task());
    check_fields_against_views(full_task());
}

static void fields_are_consistent_with_the_view_whatever_the_status(void **state)
{
    (void)state;
    for (unsigned status = 0; status < TB_STATUS_COUNT; status++) {
        for (unsigned outcome = 0; outcome < TB_OUTCOME_COUNT; outcome++) {
            struct tb_task task = plain_task();
            task.status = (enum tb_status)status;
            task.outcome = (enum tb_outcome)outcome;
            task.ready = status == TB_STATUS_OPEN;
            check_fields_against_views(task);
        }
    }
}

/* --- notes and artifacts --- */

static void a_note_is_written_as_the_wire_format_has_it(void **state)
{
    (void)state;
    const struct tb_note note = {
        .id = id_of(3),
        .created_ms = CREATED_MS,
        .type = TB_NOTE_QUESTION,
        .author = TB_STR("ann \\\"x\\\""),
        .content = TB_STR("why\\n?"),
    };
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_note_write(&note, &out);
    assert_str(tb_buf_str(&out),
               "{\"id\":\"00000000000000000000000003\",\"author\":\"ann \\\"x\\\"\","
               "\"content\":\"why\\n?\",\"type\":\"question\","
               "\"createdAt\":\"2023-11-14T22:13:20.000Z\"}");
}

static void an_artifact_is_written_with_and_without_who_added_it(void **state)
{
    (void)state;
    struct tb_artifact artifact = {
        .added_ms = CREATED_MS,
        .type = TB_ARTIFACT_DIFF,
        .url = TB_STR("http://x/\\\\"),
        .label = TB_STR("the diff"),
        .added_by = TB_STR("bob"),
    };
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_artifact_write(&artifact, &out);
    assert_str(tb_buf_str(&out),
               "{\"type\":\"diff\",\"url\":\"http://x/\\\\\",\"label\":\"the diff\","
               "\"addedAt\":\"2023-11-14T22:13:20.000Z\",\"addedBy\":\"bob\"}");
    artifact.added_by = TB_STR_NONE;
    out.len = 0;
    tb_artifact_write(&artifact, &out);
    assert_str(tb_buf_str(&out),
               "{\"type\":\"diff\",\"url\":\"http://x/\\\\\",\"label\":\"the diff\","
               "\"addedAt\":\"2023-11-14T22:13:20.000Z\"}");
}

/* --- states --- */

static void open_is_two_states_and_every_other_status_one(void **state)
{
    (void)state;
    static const struct {
        enum tb_status status;
        bool ready;
        enum tb_state state;
    } rows[] = {
        {TB_STATUS_OPEN, true, TB_STATE_READY},
        {TB_STATUS_OPEN, false, TB_STATE_WAITING},
        {TB_STATUS_IN_PROGRESS, false, TB_STATE_IN_PROGRESS},
        {TB_STATUS_IN_REVIEW, false, TB_STATE_IN_REVIEW},
        {TB_STATUS_BLOCKED, false, TB_STATE_BLOCKED},
        {TB_STATUS_DONE, false, TB_STATE_DONE},
    };
    assert_int_equal(COUNT(rows), TB_STATE_COUNT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_task task = plain_task();
        task.status = rows[i].status;
        task.ready = rows[i].ready;
        assert_int_equal(tb_task_state(&task), rows[i].state);
        assert_int_equal(tb_state_status(rows[i].state), rows[i].status);
    }
}

/* --- rank --- */

static int64_t rank(int64_t created_ms, int64_t score, int32_t priority, int64_t aging_ms)
{
    const struct tb_task task = {.created_ms = created_ms, .score = score, .priority = priority};
    return tb_task_rank(&task, aging_ms);
}

static void each_point_moves_a_task_forward_by_the_aging(void **state)
{
    (void)state;
    assert_int_equal(rank(CREATED_MS, 0, 0, 3600000), CREATED_MS);
    assert_int_equal(rank(CREATED_MS, 2, 3, 3600000), CREATED_MS - 5 * 3600000);
    assert_int_equal(rank(CREATED_MS, 1, -100, 1000), CREATED_MS + 99 * 1000);
    assert_int_equal(rank(CREATED_MS, 5, -5, 3600000), CREATED_MS);
    assert_int_equal(rank(CREATED_MS, 100, 100, 0), CREATED_MS);
}

static void rank_is_held_at_the_ends_of_its_range(void **state)
{
    (void)state;
    assert_true(rank(CREATED_MS, 1, 0, INT64_MAX) == CREATED_MS - INT64_MAX);
    assert_true(rank(CREATED_MS, 2, 0, INT64_MAX) == INT64_MIN);
    assert_true(rank(CREATED_MS, 0, -2, INT64_MAX) == INT64_MAX);
    assert_true(rank(CREATED_MS, 0, -1, INT64_MAX) == INT64_MAX);
    assert_true(rank(-2, 1, 0, INT64_MAX) == INT64_MIN);
    assert_true(rank(-1, 1, 0, INT64_MAX) == INT64_MIN);
    assert_true(rank(CREATED_MS, INT64_MAX, 100, 1) == INT64_MIN);
    assert_true(rank(CREATED_MS, INT64_MIN, -100, 1) == INT64_MAX);
}

/* --- arrays of strings --- */

static void an_array_of_strings_contains_whole_entries_only(void **state)
{
    (void)state;
    struct tb_str array = TB_STR("[\"a\",\"b c\",\"\\\"d\\\"\",\"é\",\"a,b\",\"\"]");
    assert_true(tb_strings_contain(array, TB_STR("a")));
    assert_true(tb_strings_contain(array, TB_STR("b c")));
    assert_true(tb_strings_contain(array, TB_STR("\\\"d\\\"")));
    assert_true(tb_strings_contain(array, TB_STR("é")));
    assert_true(tb_strings_contain(array, TB_STR("a,b")));
    assert_true(tb_strings_contain(array, TB_STR("")));
    assert_false(tb_strings_contain(array, TB_STR("b")));
    assert_false(tb_strings_contain(array, TB_STR("c")));
    assert_false(tb_strings_contain(array, TB_STR("d")));
    assert_false(tb_strings_contain(array, TB_STR("A")));
    assert_false(tb_strings_contain(array, TB_STR("a\",\"b c")));
    assert_false(tb_strings_contain(TB_STR("[]"), TB_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_task_renders_only_what_it_has),
        cmocka_unit_test(a_full_task_renders_every_field_in_the_order_of_the_contract),
        cmocka_unit_test(the_summary_leaves_out_the_heavy_rest),
        cmocka_unit_test(rendering_points_every_string_into_the_wire),
        cmocka_unit_test(rendering_leaves_absent_strings_absent),
        cmocka_unit_test(rendering_again_gives_the_same_bytes),
        cmocka_unit_test(what_is_stored_but_not_shown_stands_behind_the_view),
        cmocka_unit_test(without_a_claim_nothing_of_one_is_rendered),
        cmocka_unit_test(an_empty_text_is_not_an_absent_one),
        cmocka_unit_test(the_largest_task_renders_without_moving_its_strings),
        cmocka_unit_test(every_field_written_alone_is_as_it_is_in_the_view),
        cmocka_unit_test(fields_are_consistent_with_the_view_whatever_the_status),
        cmocka_unit_test(a_note_is_written_as_the_wire_format_has_it),
        cmocka_unit_test(an_artifact_is_written_with_and_without_who_added_it),
        cmocka_unit_test(open_is_two_states_and_every_other_status_one),
        cmocka_unit_test(each_point_moves_a_task_forward_by_the_aging),
        cmocka_unit_test(rank_is_held_at_the_ends_of_its_range),
        cmocka_unit_test(an_array_of_strings_contains_whole_entries_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

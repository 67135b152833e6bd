#include "fixture/fixture.h"

#include "taskboard/limits.h"

#define HOUR_MS INT64_C(3600000)

/* A PATCH that is expected to be refused: nothing may have changed. */
static void refuse_patch(struct fixture *f, struct tb_id id, struct tb_str body)
{
    struct tb_head before = fixture_head(f);
    struct tb_str view = fixture_view(f, id);
    fixture_send_body(f, TB_COMMAND_PATCH, id, body);
    struct tb_head after = fixture_head(f);
    assert_int_not_equal(f->reply.err, TB_OK);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_str_eq(fixture_view(f, id), view);
}

/* --- fields --- */

static void a_patch_answers_the_whole_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 5);
    fixture_patch(f, id,
                  "{'title':' \\u0022new\\u0022 ','description':'d\\\\','assignee':'bob',"
                  "'tags':['x'],'priority':-7,'payload':[1],'maxAttempts':0}");
    assert_json(f, f->reply.body,
                "{'id':'%s','title':'\\\"new\\\"','status':'open','assignee':'bob','tags':['x'],"
                "'dependencies':[],'createdBy':'ann','createdAt':'" FIXTURE_START
                "','updatedAt':'2023-11-14T22:13:20.005Z','score':0,'version':2,'priority':-7,"
                "'attempts':0,'maxAttempts':0,'blockedBy':[],'ready':true,'description':'d\\\\',"
                "'payload':[1],'notes':[],'artifacts':[]}",
                fixture_id(f, id));
    assert_int_equal(f->reply.version, 2);
    assert_str_eq(fixture_view(f, id), f->reply.body);
    assert_true(fixture_task(f, id).rank_ms == FIXTURE_START_MS + 7 * HOUR_MS);
}

static void what_a_patch_does_not_name_stays(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(
        f, "{'title':'t','createdBy':'ann','description':'d','assignee':'bob','tags':['x'],"
           "'dependencies':['y'],'priority':3,'payload':{},'notBefore':'2023-11-15T00:00:00Z',"
           "'maxAttempts':5,'uniqueKey':'k','status':'blocked'}");
    const struct tb_task before = fixture_task(f, id);
    fixture_advance(f, 9);
    fixture_patch(f, id, "{}");
    const struct tb_task after = fixture_task(f, id);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        assert_str_eq(after.strings[i], before.strings[i]);
    }
    assert_int_equal(after.status, before.status);
    assert_int_equal(after.priority, 3);
    assert_int_equal(after.max_attempts, 5);
    assert_true(after.not_before_ms == before.not_before_ms);
    assert_true(after.created_ms == before.created_ms);
    assert_int_equal(after.version, 2);
    assert_true(after.updated_ms == before.updated_ms + 9);
}

static void null_clears_or_gives_the_default(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(
        f, "{'title':'t','createdBy':'ann','description':'d','assignee':'bob','tags':['x'],"
           "'dependencies':['y'],'priority':3,'payload':{},'notBefore':'2023-11-15T00:00:00Z',"
           "'maxAttempts':5}");
    fixture_patch(f, id,
                  "{'description':null,'assignee':null,'tags':null,'dependencies':null,"
                  "'priority':null,'payload':null,'notBefore':null,'maxAttempts':null}");
    struct tb_task task = fixture_task(f, id);
    assert_absent(task.description);
    assert_absent(task.assignee);
    assert_absent(task.payload);
    assert_str(task.tags, "[]");
    assert_str(task.dependencies, "[]");
    assert_int_equal(task.priority, 0);
    assert_int_equal(task.max_attempts, 3);
    assert_true(task.not_before_ms == 0);
    assert_true(task.ready);
}

static void an_empty_text_clears_too(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'ann','description':'d','assignee':'bob'}");
    fixture_patch(f, id, "{'description':'','assignee':' \\t'}");
    assert_absent(fixture_task(f, id).description);
    assert_absent(fixture_task(f, id).assignee);
}

static void not_before_delays_and_frees(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_patch(f, id, "{'notBefore':'2023-11-14T22:13:21Z'}");
    assert_waiting(f, id, "[]", false);
    assert_true(fixture_task(f, id).due_ms == FIXTURE_START_MS + 1000);
    fixture_patch(f, id, "{'notBefore':'" FIXTURE_START "'}");
    assert_waiting(f, id, "[]", true);
    assert_true(fixture_task(f, id).due_ms == 0);
}

/* --- status and outcome --- */

static void every_status_can_follow_every_other(void **state)
{
    struct fixture *f = *state;
    for (unsigned from = 0; from < TB_STATUS_COUNT; from++) {
        for (unsigned to = 0; to < TB_STATUS_COUNT; to++) {
            struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}",
                                             tb_status_name((enum tb_status)from));
            fixture_patch(f, id, "{'status':'%s'}", tb_status_name((enum tb_status)to));
            struct tb_task task = fixture_task(f, id);
            assert_int_equal(task.status, to);
            assert_int_equal(task.ready, to == TB_STATUS_OPEN);
            assert_int_equal(task.outcome,
                             to == TB_STATUS_DONE ? TB_OUTCOME_SUCCESS : TB_OUTCOME_NONE);
            assert_str_eq(task.blocked_reason,
                          to == TB_STATUS_BLOCKED ? TB_STR("{\"kind\":\"manual\"}") : TB_STR_NONE);
        }
    }
    assert_verified(f);
}

static void done_is_success_unless_the_outcome_says_otherwise(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        enum tb_outcome outcome;
        const char *type;
    } rows[] = {
        {"{'status':'done'}", TB_OUTCOME_SUCCESS, "task.completed"},
        {"{'status':'done'}", TB_OUTCOME_SUCCESS, "task.updated"},
        {"{'outcome':'failed'}", TB_OUTCOME_FAILED, "task.failed"},
        {"{'outcome':'failed','title':'x'}", TB_OUTCOME_FAILED, "task.updated"},
        {"{'title':'y'}", TB_OUTCOME_FAILED, "task.updated"},
        {"{'status':'done','outcome':'cancelled'}", TB_OUTCOME_CANCELLED, "task.cancelled"},
        {"{'status':'done'}", TB_OUTCOME_SUCCESS, "task.completed"},
        {"{'status':'open'}", TB_OUTCOME_NONE, "task.updated"},
        {"{'status':'done','outcome':'failed'}", TB_OUTCOME_FAILED, "task.failed"},
        {"{'status':'in_progress'}", TB_OUTCOME_NONE, "task.updated"},
        {"{'status':'done','outcome':'success'}", TB_OUTCOME_SUCCESS, "task.completed"},
    };
    struct tb_id id = fixture_task_named(f, "t");
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_patch(f, id, "%s", rows[i].body);
        assert_int_equal(fixture_task(f, id).outcome, rows[i].outcome);
        assert_event(f, i + 2, rows[i].type, id);
    }
}

static void an_outcome_goes_only_with_done(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    static const char *const wrong[] = {"{'outcome':'success'}",
                                        "{'status':'blocked','outcome':'failed','title':'x'}"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        refuse_patch(f, id, fixture_json(f, "%s", wrong[i]));
        assert_refused(f, TB_E_INVALID_FIELD, "outcome goes only with status done",
                       ",'field':'outcome'");
    }
    fixture_finish(f, id);
    refuse_patch(f, id, fixture_json(f, "{'status':'open','outcome':'success'}"));
    assert_refused(f, TB_E_INVALID_FIELD, "outcome goes only with status done",
                   ",'field':'outcome'");
}

/* --- versions and conditions --- */

static void every_patch_raises_the_version_and_writes_one_event(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->actor = TB_STR("the token \\\"x\\\"");
    for (uint64_t i = 1; i <= 5; i++) {
        fixture_patch(f, id, "{'tags':['%d']}", (int)i);
        assert_int_equal(f->reply.version, i + 1);
        assert_int_equal(f->reply.seq, i + 1);
        assert_event(f, i + 1, "task.updated", id);
        struct tb_event event = fixture_last_event(f);
        assert_str(event.actor, "the token \\\"x\\\"");
        assert_json(f, event.tags, "['%d']", (int)i);
    }
}

static void an_event_shows_the_task_after_the_change(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_patch(f, id, "{'title':'u','description':'heavy'}");
    struct tb_str data = fixture_member(fixture_last_event(f).wire, "data");
    struct tb_str summary = fixture_list(f, "view=summary");
    assert_json(f, summary, "{'tasks':[%.*s],'count':1}", (int)fixture_member(data, "task").len,
                fixture_member(data, "task").ptr);
}

static void a_condition_that_does_not_hold_is_refused_with_the_version(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    static const struct {
        const char *header;
        bool holds;
    } rows[] = {
        {"*", true},      {"\"2\"", true},        {"\"3\", \"1\"", true}, /* versions 1, 2, 3 */
        {"\"1\"", false}, {"\"9\",\"8\"", false}, {"W/\"4\"", false},
        {"\"x\"", false}, {"\"44\"", false},      {"\"4\"", true},
    };
    uint64_t version = 1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        f->if_match = tb_str_c(rows[i].header);
        if (rows[i].holds) {
            fixture_patch(f, id, "{}");
            version++;
            continue;
        }
        refuse_patch(f, id, TB_STR("{}"));
        assert_refused(f, TB_E_VERSION_MISMATCH, NULL,
                       tb_arena_printf(f->arena, ",'version':%d", (int)version).ptr);
    }
}

static void a_task_that_is_not_there_is_not_found_whatever_the_condition(void **state)
{
    struct fixture *f = *state;
    const struct tb_id nobody = {.bytes = {1}};
    static const char *const headers[] = {NULL, "*", "\"1\""};
    for (size_t i = 0; i < COUNT(headers); i++) {
        f->if_match = tb_str_c(headers[i]);
        fixture_send(f, TB_COMMAND_PATCH, nobody, "{'title':'x'}");
        assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    }
    assert_int_equal(fixture_head(f).seq, 0);
}

/* --- unique keys --- */

static void a_task_whose_key_is_taken_cannot_be_opened_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_create(f, "{'title':'1','createdBy':'a','uniqueKey':'k'}");
    fixture_finish(f, first);
    struct tb_id second = fixture_create(f, "{'title':'2','createdBy':'a','uniqueKey':'k'}");
    static const char *const statuses[] = {"open", "in_progress", "in_review", "blocked"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        refuse_patch(f, first, fixture_json(f, "{'status':'%s'}", statuses[i]));
        assert_refused(f, TB_E_UNIQUE_KEY_TAKEN, NULL, NULL);
    }
    fixture_patch(f, first, "{'outcome':'failed'}");
    fixture_patch(f, second, "{'status':'in_progress'}");
    fixture_finish(f, second);
    fixture_patch(f, first, "{'status':'open'}");
    refuse_patch(f, second, TB_STR("{\"status\":\"open\"}"));
    assert_refused(f, TB_E_UNIQUE_KEY_TAKEN, NULL, NULL);
}

/* --- dependencies --- */

static void new_dependencies_are_looked_up(void **state)
{
    struct fixture *f = *state;
    struct tb_id open = fixture_task_named(f, "open");
    struct tb_id done = fixture_create(f, "{'title':'done','createdBy':'a','status':'done'}");
    struct tb_id id = fixture_task_named(f, "t");
    fixture_patch(f, id, "{'dependencies':['%s','%s','x']}", fixture_id(f, open),
                  fixture_id(f, done));
    assert_waiting(f, id, tb_arena_printf(f->arena, "['%s','x']", fixture_id(f, open)).ptr, false);
    fixture_patch(f, id, "{'dependencies':['%s']}", fixture_id(f, done));
    assert_waiting(f, id, "[]", true);
    fixture_patch(f, id, "{'dependencies':['%s']}", fixture_id(f, open));
    fixture_patch(f, id, "{'dependencies':[]}");
    assert_waiting(f, id, "[]", true);
}

static void a_done_task_may_change_what_it_waited_for(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}");
    fixture_patch(f, id, "{'dependencies':['x']}");
    assert_waiting(f, id, "[]", false);
    fixture_patch(f, id, "{'status':'open'}");
    assert_waiting(f, id, "['x']", false);
}

static void a_task_cannot_wait_for_itself(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    const char *own = fixture_id(f, id);
    refuse_patch(f, id, fixture_json(f, "{'dependencies':['x','%s']}", own));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL,
                   tb_arena_printf(f->arena, ",'path':['%s','%s']", own, own).ptr);
}

static void a_cycle_is_refused_with_its_shortest_path(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    struct tb_id c = fixture_task_after(f, "c", b);
    struct tb_id d = fixture_create(f, "{'title':'d','createdBy':'x','dependencies':['%s','%s']}",
                                    fixture_id(f, c), fixture_id(f, b));
    refuse_patch(f, a,
                 fixture_json(f, "{'title':'new','dependencies':['y','%s']}", fixture_id(f, d)));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL,
                   tb_arena_printf(f->arena, ",'path':['%s','%s','%s','%s']", fixture_id(f, a),
                                   fixture_id(f, d), fixture_id(f, b), fixture_id(f, a))
                       .ptr);
}

/* Done tasks may be opened again, so they count. */
static void a_cycle_through_a_done_task_is_one(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    fixture_finish(f, b);
    refuse_patch(f, a, fixture_json(f, "{'dependencies':['%s']}", fixture_id(f, b)));
    assert_int_equal(f->reply.err, TB_E_DEPENDENCY_CYCLE);
    fixture_patch(f, a, "{'status':'done'}");
    refuse_patch(f, a, fixture_json(f, "{'dependencies':['%s']}", fixture_id(f, b)));
    assert_int_equal(f->reply.err, TB_E_DEPENDENCY_CYCLE);
}

static void a_deleted_task_closes_no_cycle(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    struct tb_id c = fixture_task_after(f, "c", b);
    fixture_delete(f, b);
    fixture_patch(f, a, "{'dependencies':['%s']}", fixture_id(f, c));
    assert_waiting(f, a, tb_arena_printf(f->arena, "['%s']", fixture_id(f, c)).ptr, false);
}

static void unchanged_dependencies_are_not_checked_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    fixture_patch(f, b, "{'dependencies':['%s']}", fixture_id(f, a));
    assert_waiting(f, b, tb_arena_printf(f->arena, "['%s']", fixture_id(f, a)).ptr, false);
    fixture_finish(f, a);
    fixture_patch(f, b, "{'dependencies':['%s']}", fixture_id(f, a));
    assert_waiting(f, b, "[]", true);
}

/* Two requests that race to close a cycle are two commands of one batch. */
static void the_second_of_two_racing_patches_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_named(f, "b");
    fixture_begin(f);
    fixture_patch(f, a, "{'dependencies':['%s']}", fixture_id(f, b));
    refuse_patch(f, b, fixture_json(f, "{'dependencies':['%s']}", fixture_id(f, a)));
    assert_int_equal(f->reply.err, TB_E_DEPENDENCY_CYCLE);
    fixture_commit(f);
}

/* --- limits --- */

static void make_dependents(struct fixture *f, const char *dependency, int arrays)
{
    const struct tb_id none = {{0}};
    struct tb_str item = tb_arena_printf(
        f->arena, ",{'title':'t','createdBy':'a','dependencies':['%s']}", dependency);
    const char *items = fixture_repeat(f->arena, item.ptr, TB_CREATE_TASKS_MAX);
    for (int i = 0; i < arrays; i++) {
        fixture_send_body(f, TB_COMMAND_CREATE, none, fixture_json(f, "[%s]", items + 1));
        assert_reply(f, 201);
    }
}

static void a_patch_cannot_make_too_many_wait_for_one_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id popular = fixture_task_named(f, "popular");
    const char *text = fixture_id(f, popular);
    make_dependents(f, text, TB_DEPENDENTS_MAX / TB_CREATE_TASKS_MAX);
    struct tb_id waiting = fixture_item(f, 0);
    struct tb_id other = fixture_task_named(f, "other");
    refuse_patch(f, other, fixture_json(f, "{'dependencies':['x','%s']}", text));
    assert_refused(
        f, TB_E_LIMIT_REACHED,
        tb_arena_printf(f->arena, "More than 2000 tasks would wait for task %s", text).ptr,
        ",'field':'dependencies'");
    /* those that wait for it already may go on doing so */
    fixture_patch(f, waiting, "{'dependencies':['%s','x']}", text);
    fixture_patch(f, waiting, "{'dependencies':['x']}");
    fixture_patch(f, other, "{'dependencies':['x','%s']}", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_patch_answers_the_whole_task),
        fixture_test(what_a_patch_does_not_name_stays),
        fixture_test(null_clears_or_gives_the_default),
        fixture_test(an_empty_text_clears_too),
        fixture_test(not_before_delays_and_frees),
        fixture_test(every_status_can_follow_every_other),
        fixture_test(done_is_success_unless_the_outcome_says_otherwise),
        fixture_test(an_outcome_goes_only_with_done),
        fixture_test(every_patch_raises_the_version_and_writes_one_event),
        fixture_test(an_event_shows_the_task_after_the_change),
        fixture_test(a_condition_that_does_not_hold_is_refused_with_the_version),
        fixture_test(a_task_that_is_not_there_is_not_found_whatever_the_condition),
        fixture_test(a_task_whose_key_is_taken_cannot_be_opened_again),
        fixture_test(new_dependencies_are_looked_up),
        fixture_test(a_done_task_may_change_what_it_waited_for),
        fixture_test(a_task_cannot_wait_for_itself),
        fixture_test(a_cycle_is_refused_with_its_shortest_path),
        fixture_test(a_cycle_through_a_done_task_is_one),
        fixture_test(a_deleted_task_closes_no_cycle),
        fixture_test(unchanged_dependencies_are_not_checked_again),
        fixture_test(the_second_of_two_racing_patches_is_refused),
        fixture_large_test(a_patch_cannot_make_too_many_wait_for_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

#define HOUR_MS INT64_C(3600000)

/* A create that is expected to be refused: nothing may have changed. */
static void refuse_create(struct fixture *f, struct tb_str body)
{
    struct tb_head before = fixture_head(f);
    fixture_send_body(f, TB_COMMAND_CREATE, none, body);
    struct tb_head after = fixture_head(f);
    assert_int_not_equal(f->reply.err, TB_OK);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_true(f->reply.seq == 0);
}

/* --- one task --- */

static void a_new_task_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(
        f,
        "{'title':'paint \\\"it\\\"','createdBy':'ann','description':'a\\\\b\\n.','tags':['x','x'],"
        "'assignee':'bob','priority':5,'payload':{'k':[1,2]},'maxAttempts':7,'uniqueKey':'u'}");
    assert_json(f, f->reply.body,
                "{'id':'%s','title':'paint \\\"it\\\"','status':'open','assignee':'bob',"
                "'tags':['x','x'],'dependencies':[],'createdBy':'ann','createdAt':'" FIXTURE_START
                "','updatedAt':'" FIXTURE_START "','score':0,'version':1,'priority':5,'attempts':0,"
                "'maxAttempts':7,'uniqueKey':'u','blockedBy':[],'ready':true,"
                "'description':'a\\\\b\\n.','payload':{'k':[1,2]},'notes':[],'artifacts':[]}",
                fixture_id(f, id));
    assert_int_equal(f->reply.version, 1);
    assert_str_eq(fixture_view(f, id), f->reply.body);
}

static void texts_come_out_as_they_went_in(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(
        f, "{'title':' \\u0022q\\u0022 \\\\ \\/ \\u0001 \\u00e9 \\ud83d\\ude00 \\u007f ',"
           "'createdBy':'\\tann\\n','tags':['\\u0041\\t',' '],'payload':'\\u000b'}");
    struct tb_task task = fixture_task(f, id);
    assert_str(task.title, "\\\"q\\\" \\\\ / \\u0001 é 😀 \x7f");
    assert_str(task.created_by, "ann");
    assert_str(task.tags, "[\"A\\t\",\" \"]");
    assert_str(task.payload, "\"\\u000b\"");
}

static void a_new_task_counts_and_is_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'ann','tags':['x']}");
    assert_int_equal(f->reply.seq, 1);
    assert_event(f, 1, "task.created", id);
    struct tb_event event = fixture_event(f, 1);
    assert_str(event.actor, "ann");
    assert_str(event.tags, "[\"x\"]");
    assert_true(event.at_ms == FIXTURE_START_MS);
    struct tb_str data = fixture_member(event.wire, "data");
    struct tb_str list = fixture_list(f, "view=summary");
    assert_json(f, list, "{'tasks':[%.*s],'count':1}", (int)fixture_member(data, "task").len,
                fixture_member(data, "task").ptr);
    struct tb_head head = fixture_head(f);
    assert_int_equal(head.seq, 1);
    assert_int_equal(head.task_counts[TB_STATE_READY], 1);
    assert_true(head.last_ms == FIXTURE_START_MS);
    assert_true(tb_id_cmp(head.last_id, id) > 0);
}

static void each_status_makes_a_fitting_task(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *status;
        enum tb_state state;
        enum tb_outcome outcome;
        const char *blocked_reason;
    } rows[] = {
        {"open", TB_STATE_READY, TB_OUTCOME_NONE, NULL},
        {"in_progress", TB_STATE_IN_PROGRESS, TB_OUTCOME_NONE, NULL},
        {"in_review", TB_STATE_IN_REVIEW, TB_OUTCOME_NONE, NULL},
        {"blocked", TB_STATE_BLOCKED, TB_OUTCOME_NONE, "{\"kind\":\"manual\"}"},
        {"done", TB_STATE_DONE, TB_OUTCOME_SUCCESS, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}", rows[i].status);
        struct tb_task task = fixture_task(f, id);
        assert_int_equal(tb_task_state(&task), rows[i].state);
        assert_int_equal(task.outcome, rows[i].outcome);
        assert_str_eq(task.blocked_reason, tb_str_c(rows[i].blocked_reason));
        assert_event(f, i + 1, "task.created", id);
    }
}

static void ids_rise_also_within_a_millisecond_over_restarts_and_when_the_clock_goes_back(
    void **state)
{
    struct fixture *f = *state;
    struct tb_id last = none;
    for (int i = 0; i < 50; i++) {
        struct tb_id id = fixture_task_named(f, "t");
        assert_true(tb_id_cmp(id, last) > 0);
        last = id;
        if (i % 5 == 0) {
            fixture_restart(f);
        }
        fixture_advance(f, i % 3 == 0 ? -HOUR_MS : 7);
    }
}

static void the_clock_of_the_board_never_goes_back(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "a");
    fixture_advance(f, -HOUR_MS);
    struct tb_id id = fixture_task_named(f, "b");
    assert_true(fixture_task(f, id).created_ms == FIXTURE_START_MS);
    assert_true(fixture_event(f, 2).at_ms == FIXTURE_START_MS);
}

static void the_default_of_max_attempts_is_the_boards(void **state)
{
    struct fixture *f = *state;
    f->board.options.default_max_attempts = 9;
    assert_int_equal(fixture_task(f, fixture_task_named(f, "t")).max_attempts, 9);
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':0}");
    assert_int_equal(fixture_task(f, id).max_attempts, 0);
}

static void priority_moves_a_task_in_the_claim_order(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','priority':3}");
    assert_true(fixture_task(f, id).rank_ms == FIXTURE_START_MS - 3 * HOUR_MS);
}

/* --- later --- */

static void a_delay_counts_from_the_boards_clock(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':90}");
    struct tb_task task = fixture_task(f, id);
    assert_true(task.not_before_ms == FIXTURE_START_MS + 90000);
    assert_true(task.due_ms == task.not_before_ms);
    assert_false(task.ready);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_WAITING], 1);
}

static void not_before_that_has_passed_does_not_delay(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','notBefore':'" FIXTURE_START "'}");
    struct tb_task task = fixture_task(f, id);
    assert_true(task.ready);
    assert_true(task.due_ms == 0);
    assert_true(task.not_before_ms == FIXTURE_START_MS);
    id = fixture_create(f, "{'title':'t','createdBy':'a','notBefore':'2023-11-14T22:13:20.001Z'}");
    task = fixture_task(f, id);
    assert_false(task.ready);
    assert_true(task.due_ms == FIXTURE_START_MS + 1);
}

static void only_an_open_task_without_unmet_dependencies_is_due(void **state)
{
    struct fixture *f = *state;
    static const char *const members[] = {"'status':'in_progress'", "'status':'done'",
                                          "'status':'blocked'", "'dependencies':['x']"};
    for (size_t i = 0; i < COUNT(members); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':90,%s}", members[i]);
        assert_true(fixture_task(f, id).due_ms == 0);
        assert_false(fixture_task(f, id).ready);
    }
}

/* --- dependencies --- */

static void unmet_dependencies_stand_in_blocked_by_in_their_order(void **state)
{
    struct fixture *f = *state;
    const char *open = fixture_id(f, fixture_task_named(f, "open"));
    const char *done =
        fixture_id(f, fixture_create(f, "{'title':'done','createdBy':'a','status':'done'}"));
    struct tb_id failed_id = fixture_task_named(f, "failed");
    fixture_patch(f, failed_id, "{'status':'done','outcome':'failed'}");
    const char *failed = fixture_id(f, failed_id);
    struct tb_id id = fixture_create(
        f, "{'title':'t','createdBy':'a','dependencies':['%s','no \\\"such','%s','%s','%s','%s']}",
        open, done, failed, open, done);
    struct tb_task task = fixture_task(f, id);
    assert_json(f, task.blocked_by, "['%s','no \\\"such','%s','%s']", open, failed, open);
    assert_json(f, task.dependencies, "['%s','no \\\"such','%s','%s','%s','%s']", open, done,
                failed, open, done);
    assert_false(task.ready);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_WAITING], 1);
}

static void a_task_whose_dependencies_are_all_met_is_ready(void **state)
{
    struct fixture *f = *state;
    struct tb_id done = fixture_create(f, "{'title':'done','createdBy':'a','status':'done'}");
    struct tb_id id = fixture_task_after(f, "t", done);
    assert_waiting(f, id, "[]", true);
}

static void a_done_task_is_blocked_by_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','status':'done','dependencies':['x']}");
    assert_waiting(f, id, "[]", false);
}

static void an_id_in_lower_case_names_no_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id done = fixture_create(f, "{'title':'done','createdBy':'a','status':'done'}");
    char *lower = (char *)(uintptr_t)fixture_id(f, done);
    for (char *c = lower; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
    }
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['%s']}", lower);
    assert_waiting(f, id, tb_arena_printf(f->arena, "['%s']", lower).ptr, false);
}

/* --- unique keys --- */

static void a_key_that_is_taken_gives_the_existing_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':' k '}");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    struct tb_head before = fixture_head(f);
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'other','createdBy':'b','uniqueKey':'k'}");
    assert_reply(f, 200);
    assert_str_eq(f->reply.body, fixture_view(f, id));
    assert_int_equal(f->reply.version, 2);
    assert_true(f->reply.seq == 0);
    struct tb_head after = fixture_head(f);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void a_key_is_free_again_when_its_task_is_done_or_gone(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_create(f, "{'title':'1','createdBy':'a','uniqueKey':'k'}");
    fixture_finish(f, first);
    struct tb_id second = fixture_create(f, "{'title':'2','createdBy':'a','uniqueKey':'k'}");
    assert_true(tb_id_cmp(second, first) > 0);
    fixture_delete(f, second);
    fixture_create(f, "{'title':'3','createdBy':'a','uniqueKey':'k'}");
}

static void a_task_that_is_created_done_takes_no_key(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'1','createdBy':'a','uniqueKey':'k','status':'done'}");
    fixture_create(f, "{'title':'2','createdBy':'a','uniqueKey':'k','status':'done'}");
    fixture_create(f, "{'title':'3','createdBy':'a','uniqueKey':'k'}");
}

/* What the new task would have had wrong does not matter when there is no new task. */
static void an_existing_task_is_given_whatever_else_the_request_says(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    fixture_send(f, TB_COMMAND_CREATE, none,
                 "{'title':'u','createdBy':'a','uniqueKey':'k','parentId':'no such'}");
    assert_reply(f, 200);
    assert_int_equal(fixture_task(f, id).version, 1);
}

/* --- parents --- */

static void a_parent_must_exist(void **state)
{
    struct fixture *f = *state;
    struct tb_id parent = fixture_task_named(f, "parent");
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','parentId':'%s'}", fixture_id(f, parent));
    assert_id(fixture_task(f, id).parent_id, parent);
    assert_json(f, fixture_member(fixture_view(f, id), "parentId"), "'%s'", fixture_id(f, parent));
    static const char *const wrong[] = {"x", "#x", "01HF7YAT00AAAAAAAAAAAAAAAA",
                                        "00000000000000000000000000"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        refuse_create(f,
                      fixture_json(f, "{'title':'t','createdBy':'a','parentId':'%s'}", wrong[i]));
        assert_refused(f, TB_E_UNKNOWN_PARENT, NULL, ",'field':'parentId'");
    }
    fixture_delete(f, parent);
    refuse_create(
        f, fixture_json(f, "{'title':'t','createdBy':'a','parentId':'%s'}", fixture_id(f, parent)));
    assert_refused(f, TB_E_UNKNOWN_PARENT, NULL, ",'field':'parentId'");
}

/* --- arrays --- */

static void an_array_is_created_in_order_and_answered_whole(void **state)
{
    struct fixture *f = *state;
    fixture_create_array(f, "[{'title':'a','createdBy':'x'},{'title':'b','createdBy':'y'}]");
    struct tb_id a = fixture_item(f, 0);
    struct tb_id b = fixture_item(f, 1);
    assert_true(tb_id_cmp(a, b) < 0);
    struct tb_str view_a = fixture_view(f, a);
    struct tb_str view_b = fixture_view(f, b);
    assert_json(f, f->reply.body, "{'tasks':[%.*s,%.*s],'count':2}", (int)view_a.len, view_a.ptr,
                (int)view_b.len, view_b.ptr);
    assert_int_equal(f->reply.seq, 2);
    assert_true(f->reply.version == 0);
    assert_event(f, 1, "task.created", a);
    assert_event(f, 2, "task.created", b);
    assert_str(fixture_event(f, 2).actor, "y");
}

static void refs_become_ids(void **state)
{
    struct fixture *f = *state;
    struct tb_id old = fixture_task_named(f, "old");
    fixture_create_array(f,
                         "[{'title':'c','createdBy':'x','dependencies':['#b','%s','#a'],"
                         "'parentId':'#b'},{'title':'a','createdBy':'x','ref':'a'},"
                         "{'title':'b','createdBy':'x','ref':'b','dependencies':['#a']}]",
                         fixture_id(f, old));
    const char *a = fixture_id(f, fixture_item(f, 1));
    const char *b = fixture_id(f, fixture_item(f, 2));
    struct tb_task c = fixture_task(f, fixture_item(f, 0));
    assert_json(f, c.dependencies, "['%s','%s','%s']", b, fixture_id(f, old), a);
    assert_str_eq(c.blocked_by, c.dependencies);
    assert_id(c.parent_id, fixture_item(f, 2));
    assert_waiting(f, fixture_item(f, 1), "[]", true);
    assert_waiting(f, fixture_item(f, 2), tb_arena_printf(f->arena, "['%s']", a).ptr, false);
}

static void a_task_created_done_meets_those_that_stand_before_it(void **state)
{
    struct fixture *f = *state;
    fixture_create_array(f, "[{'title':'a','createdBy':'x','dependencies':['#b']},"
                            "{'title':'b','createdBy':'x','ref':'b','status':'done'}]");
    assert_waiting(f, fixture_item(f, 0), "[]", true);
    assert_int_equal(fixture_task(f, fixture_item(f, 0)).version, 1);
    assert_int_equal(fixture_head(f).seq, 2);
}

static void an_array_is_created_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    refuse_create(f, fixture_json(f, "[{'title':'a','createdBy':'x'},"
                                     "{'title':'b','createdBy':'x','parentId':'no such'}]"));
    assert_refused(f, TB_E_UNKNOWN_PARENT, NULL, ",'index':1,'field':'parentId'");
    assert_json(f, fixture_list(f, ""), "{'tasks':[],'count':0}");
}

static void a_taken_key_puts_the_existing_task_into_the_array(void **state)
{
    struct fixture *f = *state;
    struct tb_id old = fixture_create(f, "{'title':'old','createdBy':'a','uniqueKey':'k'}");
    const char *old_id = fixture_id(f, old);
    fixture_create_array(f,
                         "[{'title':'new','createdBy':'a','dependencies':['#k'],'parentId':'#k'},"
                         "{'title':'gone','createdBy':'a','uniqueKey':'k','ref':'k',"
                         "'dependencies':['x']}]");
    assert_id(fixture_item(f, 1), old);
    struct tb_task task = fixture_task(f, fixture_item(f, 0));
    assert_json(f, task.dependencies, "['%s']", old_id);
    assert_json(f, task.blocked_by, "['%s']", old_id);
    assert_id(task.parent_id, old);
    assert_int_equal(fixture_task(f, old).version, 1);
    assert_int_equal(fixture_head(f).seq, 2);
}

static void one_key_twice_in_an_array_is_one_task(void **state)
{
    struct fixture *f = *state;
    fixture_create_array(f, "[{'title':'a','createdBy':'x','uniqueKey':'k'},"
                            "{'title':'b','createdBy':'x','uniqueKey':'k','ref':'b'},"
                            "{'title':'c','createdBy':'x','dependencies':['#b']}]");
    assert_id(fixture_item(f, 1), fixture_item(f, 0));
    assert_int_equal(fixture_head(f).seq, 2);
    struct tb_task c = fixture_task(f, fixture_item(f, 2));
    assert_json(f, c.blocked_by, "['%s']", fixture_id(f, fixture_item(f, 0)));
    assert_json(f, fixture_member(fixture_list(f, "fields=id"), "count"), "2");
}

static void a_done_item_leaves_its_key_to_the_next(void **state)
{
    struct fixture *f = *state;
    fixture_create_array(f, "[{'title':'a','createdBy':'x','uniqueKey':'k','status':'done'},"
                            "{'title':'b','createdBy':'x','uniqueKey':'k'},"
                            "{'title':'c','createdBy':'x','uniqueKey':'k','status':'done'}]");
    assert_int_equal(tb_id_cmp(fixture_item(f, 0), fixture_item(f, 1)) < 0, 1);
    assert_id(fixture_item(f, 2), fixture_item(f, 1));
}

static void an_array_of_known_tasks_only_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    fixture_create_array(f, "[{'title':'t','createdBy':'a','uniqueKey':'k'}]");
    assert_id(fixture_item(f, 0), id);
    assert_true(f->reply.seq == 0);
    assert_int_equal(fixture_head(f).seq, 1);
}

static void a_thousand_tasks_are_one_array(void **state)
{
    struct fixture *f = *state;
    struct tb_buf body;
    tb_buf_init(&body, f->arena, 1 << 17);
    for (int i = 0; i < TB_CREATE_TASKS_MAX; i++) {
        tb_buf_add_str(&body, fixture_json(f, "%s{'title':'%d','createdBy':'a','ref':'%d'",
                                           i == 0 ? "[" : ",", i, i));
        if (i > 0) {
            tb_buf_add_str(&body, fixture_json(f, ",'dependencies':['#%d']", i - 1));
        }
        TB_BUF_LIT(&body, "}");
    }
    TB_BUF_LIT(&body, "]");
    fixture_send_body(f, TB_COMMAND_CREATE, none, tb_buf_str(&body));
    assert_reply(f, 201);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 1);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_WAITING], TB_CREATE_TASKS_MAX - 1);
}

/* --- ids that somebody guessed: possible while the clock stands, or was set back --- */

static void a_task_that_was_waited_for_meets_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    struct tb_id guessed = fixture_next_id(f, 3); /* the waiting task and its event come before */
    struct tb_id waiting = fixture_task_after(f, "waiting", guessed);
    assert_id(fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}"), guessed);
    assert_waiting(f, waiting, "[]", true);
    assert_int_equal(fixture_task(f, waiting).version, 2);
    assert_event(f, fixture_head(f).seq, "task.ready", waiting);
}

static void a_task_cannot_wait_for_one_that_waits_for_it_already(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    struct tb_id guessed = fixture_next_id(f, 3);
    struct tb_id waiting = fixture_task_after(f, "waiting", guessed);
    refuse_create(f, fixture_json(f, "{'title':'t','createdBy':'a','dependencies':['%s']}",
                                  fixture_id(f, waiting)));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL,
                   tb_arena_printf(f->arena, ",'path':['%s','%s','%s']", fixture_id(f, guessed),
                                   fixture_id(f, waiting), fixture_id(f, guessed))
                       .ptr);
}

static void a_task_cannot_wait_for_its_own_guessed_id(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    const char *own = fixture_id(f, fixture_next_id(f, 1));
    refuse_create(f,
                  fixture_json(f, "{'title':'t','createdBy':'a','dependencies':['x','%s']}", own));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL,
                   tb_arena_printf(f->arena, ",'path':['%s','%s']", own, own).ptr);
}

static void tasks_of_one_array_cannot_wait_for_each_others_guessed_ids(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    const char *first = fixture_id(f, fixture_next_id(f, 1));
    const char *second = fixture_id(f, fixture_next_id(f, 2));
    refuse_create(f, fixture_json(f,
                                  "[{'title':'t','createdBy':'a','ref':'r','dependencies':['%s']},"
                                  "{'title':'t','createdBy':'a','dependencies':['#r']}]",
                                  second));
    assert_refused(
        f, TB_E_DEPENDENCY_CYCLE, NULL,
        tb_arena_printf(f->arena, ",'index':1,'path':['%s','%s','%s']", second, first, second).ptr);
}

static void a_cycle_through_stored_and_new_tasks_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    struct tb_id guessed = fixture_next_id(f, 3);
    struct tb_id stored = fixture_task_after(f, "stored", guessed);
    const char *second = fixture_id(f, fixture_next_id(f, 2));
    refuse_create(f, fixture_json(f,
                                  "[{'title':'t','createdBy':'a','dependencies':['#r']},"
                                  "{'title':'t','createdBy':'a','ref':'r','dependencies':['%s']}]",
                                  fixture_id(f, stored)));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL,
                   tb_arena_printf(f->arena, ",'index':0,'path':['%s','%s','%s','%s']",
                                   fixture_id(f, guessed), second, fixture_id(f, stored),
                                   fixture_id(f, guessed))
                       .ptr);
}

static void a_guessed_id_that_closes_no_cycle_is_just_a_dependency(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    const char *second = fixture_id(f, fixture_next_id(f, 2));
    fixture_create_array(f,
                         "[{'title':'a','createdBy':'x','dependencies':['%s']},"
                         "{'title':'b','createdBy':'x','status':'done','dependencies':['y']}]",
                         second);
    assert_waiting(f, fixture_item(f, 0), "[]", true);
}

/* --- limits --- */

/* So many tasks that wait for that text, in arrays of a thousand. */
static void make_dependents(struct fixture *f, const char *dependency, int count)
{
    while (count > 0) {
        int now = count < TB_CREATE_TASKS_MAX ? count : TB_CREATE_TASKS_MAX;
        struct tb_str item = tb_arena_printf(
            f->arena, ",{'title':'t','createdBy':'a','dependencies':['%s']}", dependency);
        struct tb_str items = tb_str_c(fixture_repeat(f->arena, item.ptr, (size_t)now));
        fixture_send_body(f, TB_COMMAND_CREATE, none,
                          fixture_json(f, "[%.*s]", (int)items.len - 1, items.ptr + 1));
        assert_reply(f, 201);
        count -= now;
    }
}

static void two_thousand_tasks_may_wait_for_one(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "popular");
    const char *text = fixture_id(f, id);
    make_dependents(f, text, TB_DEPENDENTS_MAX - 1);
    const char *message =
        tb_arena_printf(f->arena, "More than 2000 tasks would wait for task %s", text).ptr;
    refuse_create(f, fixture_json(f,
                                  "[{'title':'t','createdBy':'a','dependencies':['%s']},"
                                  "{'title':'t','createdBy':'a'},"
                                  "{'title':'t','createdBy':'a','dependencies':['y','%s']}]",
                                  text, text));
    assert_refused(f, TB_E_LIMIT_REACHED, message, ",'index':0,'field':'dependencies'");
    struct tb_id last =
        fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['%s','%s']}", text, text);
    refuse_create(f, fixture_json(f, "{'title':'t','createdBy':'a','dependencies':['%s']}", text));
    assert_refused(f, TB_E_LIMIT_REACHED, message, ",'field':'dependencies'");
    fixture_finish(f, id);
    assert_waiting(f, last, "[]", true);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], TB_DEPENDENTS_MAX);
}

static void those_who_guessed_an_id_count_as_waiting_for_it(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "first");
    /* each of two arrays of a thousand takes two thousand ids, with their events */
    struct tb_id guessed = fixture_next_id(f, 2 * TB_DEPENDENTS_MAX + 1);
    make_dependents(f, fixture_id(f, guessed), TB_DEPENDENTS_MAX);
    assert_id(fixture_next_id(f, 1), guessed);
    refuse_create(f, fixture_json(f, "[{'title':'t','createdBy':'a','ref':'r'},"
                                     "{'title':'t','createdBy':'a','dependencies':['#r']}]"));
    assert_refused(f, TB_E_LIMIT_REACHED,
                   tb_arena_printf(f->arena, "More than 2000 tasks would wait for task %s",
                                   fixture_id(f, guessed))
                       .ptr,
                   ",'index':1,'field':'dependencies'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_new_task_is_answered_whole),
        fixture_test(texts_come_out_as_they_went_in),
        fixture_test(a_new_task_counts_and_is_told),
        fixture_test(each_status_makes_a_fitting_task),
        fixture_test(ids_rise_also_within_a_millisecond_over_restarts_and_when_the_clock_goes_back),
        fixture_test(the_clock_of_the_board_never_goes_back),
        fixture_test(the_default_of_max_attempts_is_the_boards),
        fixture_test(priority_moves_a_task_in_the_claim_order),
        fixture_test(a_delay_counts_from_the_boards_clock),
        fixture_test(not_before_that_has_passed_does_not_delay),
        fixture_test(only_an_open_task_without_unmet_dependencies_is_due),
        fixture_test(unmet_dependencies_stand_in_blocked_by_in_their_order),
        fixture_test(a_task_whose_dependencies_are_all_met_is_ready),
        fixture_test(a_done_task_is_blocked_by_nothing),
        fixture_test(an_id_in_lower_case_names_no_task),
        fixture_test(a_key_that_is_taken_gives_the_existing_task),
        fixture_test(a_key_is_free_again_when_its_task_is_done_or_gone),
        fixture_test(a_task_that_is_created_done_takes_no_key),
        fixture_test(an_existing_task_is_given_whatever_else_the_request_says),
        fixture_test(a_parent_must_exist),
        fixture_test(an_array_is_created_in_order_and_answered_whole),
        fixture_test(refs_become_ids),
        fixture_test(a_task_created_done_meets_those_that_stand_before_it),
        fixture_test(an_array_is_created_whole_or_not_at_all),
        fixture_test(a_taken_key_puts_the_existing_task_into_the_array),
        fixture_test(one_key_twice_in_an_array_is_one_task),
        fixture_test(a_done_item_leaves_its_key_to_the_next),
        fixture_test(an_array_of_known_tasks_only_changes_nothing),
        fixture_test(a_thousand_tasks_are_one_array),
        fixture_test(a_task_that_was_waited_for_meets_at_once),
        fixture_test(a_task_cannot_wait_for_one_that_waits_for_it_already),
        fixture_test(a_task_cannot_wait_for_its_own_guessed_id),
        fixture_test(tasks_of_one_array_cannot_wait_for_each_others_guessed_ids),
        fixture_test(a_cycle_through_stored_and_new_tasks_is_found),
        fixture_test(a_guessed_id_that_closes_no_cycle_is_just_a_dependency),
        fixture_large_test(two_thousand_tasks_may_wait_for_one),
        fixture_large_test(those_who_guessed_an_id_count_as_waiting_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

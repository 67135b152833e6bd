/* Claiming: the next ready tasks, or one by its id. */
#include "fixture/fixture.h"

static const struct tb_id nobody = {{0}};

static void claim(struct fixture *f, const char *body)
{
    fixture_send(f, TB_COMMAND_CLAIM, nobody, "%s", body);
}

/* The titles of the tasks in the answer, with a space behind each. */
static const char *titles(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    struct tb_str tasks = fixture_member(f->reply.body, "tasks");
    static const char name[] = "\"title\":\"";
    const char *at = tasks.ptr;
    const char *end = tasks.ptr + tasks.len;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1)) != NULL) {
        at += sizeof(name) - 1;
        tb_buf_add(&out, at, (size_t)((const char *)memchr(at, '"', 64) - at));
        TB_BUF_LIT(&out, " ");
    }
    tb_buf_add(&out, "", 1);
    return out.ptr;
}

/* --- one claim --- */

static void a_claim_answers_with_the_task_and_its_token(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','payload':{'claim':1}}");
    fixture_register(f, "vm-1", 300);
    claim(f, "{'agent':'ann','vmId':'vm-1','leaseSeconds':60}");
    assert_reply(f, 200);
    assert_false(f->reply.found_nothing);
    assert_int_equal(f->reply.seq, 3);
    const char *token = fixture_claim_in(f, f->reply.body).token;
    assert_json(f, f->reply.body,
                "{'tasks':[{'id':'%s','title':'t','status':'in_progress','assignee':'ann',"
                "'tags':[],'dependencies':[],'createdBy':'a','createdAt':'" FIXTURE_START
                "','updatedAt':'" FIXTURE_START "','score':0,'version':2,'priority':0,"
                "'attempts':1,'maxAttempts':3,'claim':{'by':'ann','vmId':'vm-1','generation':1,"
                "'attempt':1,'claimedAt':'" FIXTURE_START
                "','expiresAt':'2023-11-14T22:14:20.000Z','token':'%s'},'blockedBy':[],"
                "'ready':false,'payload':{'claim':1},'notes':[],'artifacts':[]}],'count':1}",
                fixture_id(f, id), token);
    assert_verified(f);
}

static void only_the_answer_to_the_claim_shows_its_token(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    assert_absent(fixture_member(fixture_field(f, id, "claim"), "token"));
    struct tb_event event = fixture_last_event(f);
    assert_null(memmem(event.wire.ptr, event.wire.len, "token", 5));
    struct tb_str list = fixture_list(f, "");
    assert_null(memmem(list.ptr, list.len, "token", 5));
}

static void a_claim_is_a_change_that_the_log_tells(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 1000);
    fixture_claim(f, "ann");
    assert_event(f, 2, "task.claimed", id);
    assert_str(fixture_last_event(f).actor, "ann");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_told(f, "generation"), "1");
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.version, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS + 1000);
    struct tb_head head = fixture_head(f);
    assert_int_equal(head.claimed, 1);
    assert_int_equal(head.task_counts[TB_STATE_IN_PROGRESS], 1);
    assert_int_equal(tb_rates_within(&head.rates, TB_RATE_CLAIMED, 60000, f->clock.now_ms), 1);
}

static void nothing_ready_is_an_empty_answer(void **state)
{
    struct fixture *f = *state;
    claim(f, "{'agent':'ann','wait':5}");
    assert_reply(f, 200);
    assert_true(f->reply.found_nothing);
    assert_int_equal(f->reply.seq, 0);
    assert_str(f->reply.body, "{\"tasks\":[],\"count\":0}");
    fixture_create(f, "{'title':'t','createdBy':'a','status':'blocked'}");
    fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10}");
    fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['x']}");
    fixture_create(f, "{'title':'t','createdBy':'a','status':'in_progress'}");
    claim(f, "{'agent':'ann'}");
    assert_true(f->reply.found_nothing);
    assert_int_equal(fixture_head(f).seq, 4);
    assert_int_equal(fixture_head(f).generation, 0);
}

static void no_task_is_handed_out_twice(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    claim(f, "{'agent':'ann'}");
    assert_true(f->reply.found_nothing);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    assert_refused(f, TB_E_ALREADY_CLAIMED, NULL, ",'claim':{'by':'ann','generation':1}");
}

static void a_generation_rises_with_every_claim_on_the_board(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    fixture_task_named(f, "b");
    struct fixture_claim first = fixture_claim_task(f, a, "ann");
    assert_int_equal(first.generation, 1);
    assert_int_equal(fixture_claim(f, "ann").generation, 2);
    fixture_hold(f, TB_COMMAND_RELEASE, first, "%s", "");
    fixture_restart(f);
    assert_int_equal(fixture_claim(f, "ann").generation, 3);
    assert_int_equal(fixture_head(f).generation, 3);
}

/* --- which --- */

static void priority_wins_and_then_age(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'old','createdBy':'a'}");
    fixture_advance(f, 60000);
    fixture_create(f, "{'title':'urgent','createdBy':'a','priority':1}");
    fixture_create(f, "{'title':'idle','createdBy':'a','priority':-1}");
    struct tb_id wanted = fixture_create(f, "{'title':'wanted','createdBy':'a'}");
    for (int i = 0; i < 2; i++) {
        fixture_send(f, TB_COMMAND_BUMP, wanted, "{}");
    }
    claim(f, "{'agent':'ann','max':32}");
    assert_string_equal(titles(f), "wanted urgent old idle ");
}

static void at_most_so_many_are_claimed(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        fixture_task_named(f, "t");
    }
    claim(f, "{'agent':'ann','max':3}");
    assert_str(fixture_member(f->reply.body, "count"), "3");
    claim(f, "{'agent':'ann','max':32}");
    assert_str(fixture_member(f->reply.body, "count"), "32");
    claim(f, "{'agent':'ann','max':32}");
    assert_str(fixture_member(f->reply.body, "count"), "5");
    assert_int_equal(fixture_head(f).generation, 40);
}

/* What one request may cost is bounded, however large the tasks are: the rest is for the next. */
static void an_answer_that_is_large_gets_no_further_task(void **state)
{
    struct fixture *f = *state;
    const char *many = fixture_repeat(f->arena, "x", 250000);
    const char *some = fixture_repeat(f->arena, "x", 60000);
    for (int i = 0; i < 32; i++) {
        struct tb_id id = fixture_create(
            f, "{'title':'t','createdBy':'a','description':'%s','payload':'%s'}", many, many);
        for (int k = 0; k < 2; k++) {
            fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','type':'update','content':'%s'}",
                         some);
        }
    }
    claim(f, "{'agent':'ann','max':32}");
    assert_str(fixture_member(f->reply.body, "count"), "28");
    assert_in_range(f->reply.body.len, 16 << 20, 17 << 20);
    assert_int_equal(fixture_head(f).claimed, 28);
    claim(f, "{'agent':'ann','max':32}");
    assert_str(fixture_member(f->reply.body, "count"), "4");
    assert_verified(f);
}

static void a_claim_takes_tasks_with_all_tags_and_any_of_others(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'none','createdBy':'a'}");
    fixture_create(f, "{'title':'x','createdBy':'a','tags':['x']}");
    fixture_create(f, "{'title':'xy','createdBy':'a','tags':['x','y']}");
    fixture_create(f, "{'title':'xz','createdBy':'a','tags':['z','x']}");
    fixture_create(f, "{'title':'y','createdBy':'a','tags':['y']}");
    static const char *const rows[][2] = {
        {"'tags':['x']", "x xy xz "},         {"'tags':['x','y']", "xy "},
        {"'anyTags':['y','z']", "xy xz y "},  {"'tags':['x'],'anyTags':['y','z']", "xy xz "},
        {"'tags':['x'],'anyTags':['q']", ""}, {"'tags':[],'anyTags':[]", "none x xy xz y "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_begin(f);
        claim(f, tb_arena_printf(f->arena, "{'agent':'ann','max':32,%s}", rows[i][0]).ptr);
        assert_string_equal(titles(f), rows[i][1]);
        fixture_abort(f);
    }
}

static void a_task_reserved_for_one_is_for_no_other(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','assignee':'bob'}");
    claim(f, "{'agent':'ann'}");
    assert_true(f->reply.found_nothing);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    assert_refused(f, TB_E_ASSIGNED_ELSEWHERE, NULL, ",'assignee':'bob'");
    struct fixture_claim claimed = fixture_claim(f, "bob");
    assert_id(claimed.id, id);
    fixture_hold(f, TB_COMMAND_RELEASE, claimed, "%s", "");
    assert_str(fixture_field(f, id, "assignee"), "\"bob\"");
}

static void what_is_paused_is_not_handed_out(void **state)
{
    struct fixture *f = *state;
    struct tb_id plain = fixture_task_named(f, "plain");
    struct tb_id tagged = fixture_create(f, "{'title':'tagged','createdBy':'a','tags':['x']}");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'x'}");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, tagged, "{'agent':'ann'}");
    assert_refused(f, TB_E_PAUSED, NULL, NULL);
    claim(f, "{'agent':'ann','max':5}");
    assert_string_equal(titles(f), "plain ");
    fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_in(f, f->reply.body), "%s", "");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{}");
    fixture_restart(f);
    claim(f, "{'agent':'ann'}");
    assert_true(f->reply.found_nothing);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, plain, "{'agent':'ann'}");
    assert_refused(f, TB_E_PAUSED, NULL, NULL);
    fixture_send(f, TB_COMMAND_RESUME, nobody, "{}");
    fixture_send(f, TB_COMMAND_RESUME, nobody, "{'tag':'x'}");
    claim(f, "{'agent':'ann','max':5}");
    assert_string_equal(titles(f), "plain tagged ");
}

/* --- one that is named --- */

static void a_named_task_is_answered_like_any_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann','leaseSeconds':10}");
    assert_reply(f, 200);
    assert_int_equal(f->reply.version, 2);
    assert_int_equal(f->reply.seq, 2);
    assert_json(f, fixture_member(f->reply.body, "id"), "'%s'", fixture_id(f, id));
    struct tb_str shown = fixture_member(f->reply.body, "claim");
    assert_json(f, fixture_member(shown, "expiresAt"), "'2023-11-14T22:13:30.000Z'");
}

static void a_task_that_is_not_ready_says_what_is_missing(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"'dependencies':['x']", ",'task':{'status':'open','blockedBy':['x']}"},
        {"'delaySeconds':1",
         ",'task':{'status':'open','notBefore':'2023-11-14T22:13:21.000Z','blockedBy':[]}"},
        {"'status':'done'", ",'task':{'status':'done','blockedBy':[]}"},
        {"'status':'blocked'", ",'task':{'status':'blocked','blockedBy':[]}"},
        {"'status':'in_review'", ",'task':{'status':'in_review','blockedBy':[]}"},
        {"'status':'in_progress'", ",'task':{'status':'in_progress','blockedBy':[]}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a',%s}", rows[i][0]);
        fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
        assert_refused(f, TB_E_NOT_READY, NULL, rows[i][1]);
    }
    fixture_send(f, TB_COMMAND_CLAIM_TASK, nobody, "{'agent':'ann'}");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
}

static void a_delay_that_is_over_hinders_nobody_who_names_the_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10}");
    fixture_advance(f, 10000);
    fixture_claim_task(f, id, "ann");
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 310000);
    assert_int_equal(fixture_head(f).seq, 2);
    assert_int_equal(fixture_head(f).scheduled, 0);
}

static void a_claim_honours_if_match(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    f->if_match = TB_STR("\"1\"");
    fixture_claim_task(f, id, "ann");
}

/* --- who was there before --- */

static void the_next_holder_sees_what_the_last_one_left(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim first = fixture_claim(f, "ann");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, first, ",'progress':{'message':'half'}");
    fixture_hold(f, TB_COMMAND_FAIL, first, ",'error':'broke','delaySeconds':0");
    claim(f, "{'agent':'bob'}");
    struct fixture_claim second = fixture_claim_in(f, f->reply.body);
    struct tb_str tasks = fixture_member(f->reply.body, "tasks");
    struct tb_str task = tb_str_from(tasks.ptr + 1, tasks.len - 2);
    assert_json(f, fixture_member(task, "previousAttempt"),
                "{'attempt':1,'generation':1,'agent':'ann','claimedAt':'" FIXTURE_START
                "','endedAt':'" FIXTURE_START "','outcome':'failed','error':'broke',"
                "'progress':{'message':'half','at':'" FIXTURE_START "'}}");
    fixture_hold(f, TB_COMMAND_RELEASE, second, "%s", "");
    fixture_hold(f, TB_COMMAND_COMPLETE, second, ",'result':'late'");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'eve'}");
    assert_json(f, fixture_member(f->reply.body, "previousAttempt"),
                "{'attempt':2,'generation':2,'agent':'bob','claimedAt':'" FIXTURE_START
                "','endedAt':'" FIXTURE_START "','outcome':'released','result':'late',"
                "'late':true}");
}

static void the_first_holder_has_no_one_before(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    assert_absent(fixture_member(f->reply.body, "previousAttempt"));
}

/* Nothing in a task can be mistaken for its claim. */
static void the_token_stands_in_the_claim_whatever_the_task_says(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        fixture_create(f, "{'title':',\\'claim\\':{\\'by\\':\\'ann\\'}','createdBy':'a',"
                          "'tags':['claim',':{'],'payload':{'claim':{'by':'ann','generation':1}}}");
    fixture_send(f, TB_COMMAND_NOTE, id,
                 "{'author':'a','type':'update','content':'\\'claim\\':{\\'by\\'}'}");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    struct tb_str shown = fixture_member(f->reply.body, "claim");
    assert_non_null(fixture_member(shown, "token").ptr);
    assert_json(f, fixture_member(f->reply.body, "payload"),
                "{'claim':{'by':'ann','generation':1}}");
}

/* --- what waiting claims need --- */

static bool wants(struct fixture *f, const char *body, struct tb_id id)
{
    struct tb_command command;
    assert_true(fixture_parse(f, TB_COMMAND_CLAIM, nobody, &command, fixture_json(f, "%s", body)));
    struct tb_task task = fixture_task(f, id);
    return tb_claim_wants(&command.claim, &task);
}

static void a_claim_wants_what_it_would_take(void **state)
{
    struct fixture *f = *state;
    struct tb_id plain = fixture_task_named(f, "t");
    struct tb_id bobs =
        fixture_create(f, "{'title':'t','createdBy':'a','assignee':'bob','tags':['x','y']}");
    assert_true(wants(f, "{'agent':'ann'}", plain));
    assert_false(wants(f, "{'agent':'ann'}", bobs));
    assert_true(wants(f, "{'agent':'bob'}", bobs));
    assert_false(wants(f, "{'agent':'bob','tags':['x']}", plain));
    assert_true(wants(f, "{'agent':'bob','tags':['x','y']}", bobs));
    assert_false(wants(f, "{'agent':'bob','tags':['x','z']}", bobs));
    assert_true(wants(f, "{'agent':'bob','anyTags':['z','y']}", bobs));
    assert_false(wants(f, "{'agent':'bob','anyTags':['z']}", bobs));
    assert_false(wants(f, "{'agent':'bob','tags':['z'],'anyTags':['x']}", bobs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_claim_answers_with_the_task_and_its_token),
        fixture_test(only_the_answer_to_the_claim_shows_its_token),
        fixture_test(a_claim_is_a_change_that_the_log_tells),
        fixture_test(nothing_ready_is_an_empty_answer),
        fixture_test(no_task_is_handed_out_twice),
        fixture_test(a_generation_rises_with_every_claim_on_the_board),
        fixture_test(priority_wins_and_then_age),
        fixture_test(at_most_so_many_are_claimed),
        fixture_test(an_answer_that_is_large_gets_no_further_task),
        fixture_test(a_claim_takes_tasks_with_all_tags_and_any_of_others),
        fixture_test(a_task_reserved_for_one_is_for_no_other),
        fixture_test(what_is_paused_is_not_handed_out),
        fixture_test(a_named_task_is_answered_like_any_task),
        fixture_test(a_task_that_is_not_ready_says_what_is_missing),
        fixture_test(a_delay_that_is_over_hinders_nobody_who_names_the_task),
        fixture_test(a_claim_honours_if_match),
        fixture_test(the_next_holder_sees_what_the_last_one_left),
        fixture_test(the_first_holder_has_no_one_before),
        fixture_test(the_token_stands_in_the_claim_whatever_the_task_says),
        fixture_test(a_claim_wants_what_it_would_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

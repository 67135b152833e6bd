/* What a token allows, where that depends on what is stored. */
#include "fixture/fixture.h"

static const struct tb_id none;

static void speak_as(struct fixture *f, enum tb_role role, const char *agent)
{
    f->speaker = (struct tb_speaker){.role = role, .agent = tb_str_c(agent)};
}

static struct tb_id task_of(struct fixture *f, const char *assignee)
{
    return fixture_create(f, "{'title':'t','createdBy':'ann','assignee':'%s'}", assignee);
}

static void check_forbidden(struct fixture *f, const char *message, const char *extra, int line)
{
    if (f->reply.err != TB_E_FORBIDDEN) {
        print_error("line %d: %s\n", line, tb_err_code(f->reply.err));
    }
    assert_refused(f, TB_E_FORBIDDEN, message, extra);
}

#define assert_forbidden(f, message, extra) check_forbidden((f), (message), (extra), __LINE__)

/* --- patches --- */

static void a_worker_patches_status_and_assignee_only(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = task_of(f, "bob");
    speak_as(f, TB_ROLE_WORKER, NULL);
    fixture_send(f, TB_COMMAND_PATCH, id, "{'title':'x'}");
    assert_forbidden(f, "A worker's token changes status and assignee only", NULL);
    fixture_send(f, TB_COMMAND_PATCH, id, "{'status':'in_progress','priority':1}");
    assert_forbidden(f, "A worker's token changes status and assignee only", NULL);
    assert_int_equal(fixture_task(f, id).version, 1);
    fixture_patch(f, id, "{'status':'in_progress','assignee':'eve'}");
    speak_as(f, TB_ROLE_COORDINATOR, NULL);
    fixture_patch(f, id, "{'title':'x','priority':1}");
}

static void a_bound_worker_leaves_tasks_of_others_alone(void **state)
{
    struct fixture *f = *state;
    struct tb_id others = task_of(f, "ann");
    struct tb_id own = task_of(f, "bob");
    struct tb_id nobodys = fixture_task_named(f, "t");
    speak_as(f, TB_ROLE_WORKER, "bob");
    fixture_send(f, TB_COMMAND_PATCH, others, "{'status':'done'}");
    assert_forbidden(f, "The task is another agent's", NULL);
    fixture_patch(f, own, "{'status':'done'}");
    fixture_patch(f, nobodys, "{'status':'in_progress'}");
}

static void a_bound_worker_assigns_to_itself_or_to_nobody(void **state)
{
    static const char message[] = "This token assigns tasks to its own agent or to nobody";
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    speak_as(f, TB_ROLE_WORKER, "bob");
    fixture_send(f, TB_COMMAND_PATCH, id, "{'assignee':'ann'}");
    assert_forbidden(f, message, ",'field':'assignee'");
    fixture_patch(f, id, "{'assignee':'bob'}");
    fixture_patch(f, id, "{'assignee':null}");
    fixture_send(f, TB_COMMAND_CREATE, none,
                 "[{'title':'t'},{'title':'t','assignee':'bob'},{'title':'t','assignee':'ann'}]");
    assert_forbidden(f, message, ",'index':2,'field':'assignee'");
    fixture_send(f, TB_COMMAND_CREATE, none, "[{'title':'t'},{'title':'t','assignee':'bob'}]");
    assert_reply(f, 201);
    speak_as(f, TB_ROLE_WORKER, NULL);
    fixture_patch(f, id, "{'assignee':'ann'}");
}

/* A coordinator that is bound to an agent steers what is others' all the same. */
static void a_bound_coordinator_assigns_to_anybody(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = task_of(f, "ann");
    speak_as(f, TB_ROLE_COORDINATOR, "bob");
    fixture_patch(f, id, "{'assignee':'eve','title':'x'}");
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'t','assignee':'eve'}");
    assert_reply(f, 201);
}

/* --- claims --- */

static void whoever_is_bound_uses_claims_of_that_agent_only(void **state)
{
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } rows[] = {
        {TB_COMMAND_HEARTBEAT, ""},
        {TB_COMMAND_FAIL, ",'error':'e'"},
        {TB_COMMAND_RELEASE, ""},
        {TB_COMMAND_COMPLETE, ""},
    };
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    for (size_t i = 0; i < COUNT(rows); i++) {
        speak_as(f, TB_ROLE_WORKER, "bob");
        fixture_hold(f, rows[i].kind, claim, "%s", rows[i].body);
        assert_forbidden(f, "The claim is another agent's", NULL);
    }
    f->claim_token = tb_str_c(claim.token);
    speak_as(f, TB_ROLE_COORDINATOR, "bob");
    fixture_send(f, TB_COMMAND_PATCH, claim.id, "{'status':'done'}");
    assert_forbidden(f, "The claim is another agent's", NULL);
    f->claim_token = TB_STR_NONE;
    speak_as(f, TB_ROLE_WORKER, "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

/* Its result is kept for whoever had it. */
static void a_claim_that_was_lost_is_still_the_agents(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_advance(f, 301000);
    (void)fixture_run_due(f, 10);
    (void)fixture_claim_task(f, claim.id, "bob");
    speak_as(f, TB_ROLE_WORKER, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_forbidden(f, "The claim is another agent's", NULL);
    speak_as(f, TB_ROLE_WORKER, "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_int_equal(f->reply.err, TB_E_CLAIM_LOST);
    assert_string_equal(fixture_types(f, fixture_head(f).seq - 1), "task.late");
}

/* --- names in bodies --- */

static void who_is_bound_speaks_for_itself_and_for_nobody_else(void **state)
{
    static const struct {
        enum tb_command_kind kind;
        const char *other; /* names somebody else */
        const char *field;
        const char *own;
        const char *nobody;
    } rows[] = {
        {TB_COMMAND_CREATE, "{'title':'t','createdBy':'ann'}", "createdBy",
         "{'title':'t','createdBy':'bob'}", "{'title':'t'}"},
        {TB_COMMAND_CLAIM, "{'agent':'ann'}", "agent", "{'agent':'bob'}", "{}"},
        {TB_COMMAND_FEED_PUBLISH, "{'agent':'ann','type':'custom','summary':'s'}", "agent",
         "{'agent':'bob','type':'custom','summary':'s'}", "{'type':'custom','summary':'s'}"},
        {TB_COMMAND_VM_REGISTER,
         "{'id':'a','name':'n','role':'worker','address':'a','registeredBy':'ann'}", "registeredBy",
         "{'id':'b','name':'n','role':'worker','address':'a','registeredBy':'bob'}",
         "{'id':'c','name':'n','role':'worker','address':'a'}"},
    };
    struct fixture *f = *state;
    speak_as(f, TB_ROLE_WORKER, "bob");
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_send(f, rows[i].kind, none, "%s", rows[i].other);
        assert_forbidden(
            f,
            tb_arena_printf(f->arena, "%s must be the agent that this token is bound to, or absent",
                            rows[i].field)
                .ptr,
            tb_arena_printf(f->arena, ",'field':'%s'", rows[i].field).ptr);
        fixture_send(f, rows[i].kind, none, "%s", rows[i].own);
        assert_int_equal(f->reply.err, TB_OK);
        fixture_send(f, rows[i].kind, none, "%s", rows[i].nobody);
        assert_int_equal(f->reply.err, TB_OK);
    }
    assert_str(fixture_vm(f, "c").registered_by, "bob");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_worker_patches_status_and_assignee_only),
        fixture_test(a_bound_worker_leaves_tasks_of_others_alone),
        fixture_test(a_bound_worker_assigns_to_itself_or_to_nobody),
        fixture_test(a_bound_coordinator_assigns_to_anybody),
        fixture_test(whoever_is_bound_uses_claims_of_that_agent_only),
        fixture_test(a_claim_that_was_lost_is_still_the_agents),
        fixture_test(who_is_bound_speaks_for_itself_and_for_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

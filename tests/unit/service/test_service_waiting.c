/* Claims that wait for a task. */
#include "unit/service/world.h"

#include <sched.h>

static const struct tb_id none = {{0}};

/* How many tasks the answer holds; -1: it is a refusal. */
static int count_of(const struct tb_job *job)
{
    static const char empty[] = "{\"tasks\":[],\"count\":0}";
    if (job->reply.err != TB_OK) {
        return -1;
    }
    struct tb_str body = job->reply.body;
    return tb_str_eq_c(body, empty) ? 0 : body.ptr[body.len - 2] - '0';
}

/* Whose claim it is. */
static const char *agent_of(const struct tb_job *job)
{
    struct tb_str agent = job->command.claim.agent;
    static char name[32];
    memcpy(name, agent.ptr, agent.len);
    name[agent.len] = '\0';
    return name;
}

static struct tb_job *create(struct world *w, const char *body)
{
    struct box *box = &w->boxes[0];
    struct tb_job *job = world_job(box, TB_COMMAND_CREATE, none, "%s", body);
    world_run(w, job);
    assert_int_equal(job->reply.err, TB_OK);
    return job;
}

/* Submits claims of these agents, in that order, and waits until all stand in the list: a job
 * behind them has been answered. */
static void let_wait(struct world *w, struct box *box, const char *const *agents)
{
    for (; *agents != NULL; agents++) {
        world_submit(w, world_claim(box, *agents, 60));
    }
    world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
}

static void assert_nobody_else_is_answered(struct world *w, const struct box *box, unsigned jobs)
{
    world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
    assert_int_equal(box->jobs, jobs);
}

/* --- being served --- */

static void a_claim_is_answered_in_the_transaction_that_makes_a_task_ready(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    let_wait(w, box, agents);
    assert_int_equal(box->jobs, 0);
    struct tb_job *made = create(w, "{'title':'t','createdBy':'a'}");
    world_wait(box, 1);
    struct tb_job *claim = world_nth(box, 0);
    assert_int_equal(count_of(claim), 1);
    assert_int_equal(made->reply.seq, 1);
    assert_int_equal(claim->reply.seq, 2);
    assert_str(world_task(w, world_task_id(made)).assignee, "ann");
}

/* Also when the first of them to become ready is nothing for who came first. */
static void what_becomes_ready_together_goes_to_who_came_first(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    world_submit(
        w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'red','tags':['red'],'wait':60}"));
    let_wait(w, box, agents);
    create(w, "[{'title':'1','createdBy':'a'},"
              "{'title':'2','createdBy':'a','tags':['red'],'priority':5}]");
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct tb_job *job = world_nth(box, i);
        assert_int_equal(count_of(job), 1);
        assert_string_equal(agent_of(job), i == 0 ? "red" : "ann");
    }
}

/* A claim of several tasks takes none that somebody who came earlier waits for. */
static void a_claim_of_several_tasks_passes_nobody_over(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {NULL};
    world_submit(
        w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'red','tags':['red'],'wait':60}"));
    world_submit(w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'ann','max':2,'wait':60}"));
    let_wait(w, box, agents);
    create(w, "[{'title':'1','createdBy':'a','priority':5},"
              "{'title':'2','createdBy':'a','tags':['red']}]");
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct tb_job *job = world_nth(box, i);
        assert_int_equal(count_of(job), 1);
        assert_string_equal(agent_of(job), i == 0 ? "red" : "ann");
    }
}

/* Who would get a task of a paused tag is not served another one before his turn. */
static void what_is_paused_lets_nobody_jump_the_queue(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_PAUSE, none, "{'tag':'blue'}"));
    world_submit(
        w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'red','tags':['red'],'wait':60}"));
    let_wait(w, box, agents);
    create(w, "[{'title':'1','createdBy':'a','tags':['blue'],'priority':5},"
              "{'title':'2','createdBy':'a','tags':['red']}]");
    world_wait(box, 1);
    assert_string_equal(agent_of(world_nth(box, 0)), "red");
    assert_nobody_else_is_answered(w, box, 1);
}

static void who_came_first_is_served_first(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", "bob", "cid", NULL};
    let_wait(w, box, agents);
    create(w, "[{'title':'1','createdBy':'a'},{'title':'2','createdBy':'a'}]");
    world_wait(box, 2);
    assert_string_equal(agent_of(world_nth(box, 0)), "ann");
    assert_string_equal(agent_of(world_nth(box, 1)), "bob");
    assert_nobody_else_is_answered(w, box, 2);
    create(w, "{'title':'3','createdBy':'a'}");
    world_wait(box, 3);
    assert_string_equal(agent_of(world_nth(box, 2)), "cid");
}

static void nobody_who_comes_later_gets_before_who_waits(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    let_wait(w, box, agents);
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_create(&w->boxes[0], "t"));
    world_submit(w, world_claim(box, "late", 0));
    world_release(&w->boxes[2]);
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct tb_job *job = world_nth(box, i);
        bool is_late = strcmp(agent_of(job), "late") == 0;
        assert_int_equal(count_of(job), is_late ? 0 : 1);
    }
}

static void a_claim_may_come_and_be_served_in_one_batch(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_claim(box, "ann", 60));
    world_submit(w, world_claim(box, "bob", 60));
    world_submit(w, world_create(box, "t"));
    world_release(&w->boxes[2]);
    world_wait(box, 2);
    assert_int_equal(box->deliveries, 1);
    assert_int_equal(count_of(world_nth(box, 0)), 1);
    assert_int_equal(world_nth(box, 1)->reply.seq, 1);
    assert_nobody_else_is_answered(w, box, 2);
}

static void a_claim_takes_as_many_as_it_may_and_leaves_the_rest(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    struct tb_job *first =
        world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'a','max':2,'wait':60}");
    struct tb_job *second =
        world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'b','max':9,'wait':60}");
    world_submit(w, first);
    world_submit(w, second);
    create(w, "[{'title':'1','createdBy':'a'},{'title':'2','createdBy':'a'},"
              "{'title':'3','createdBy':'a'}]");
    world_wait(box, 2);
    assert_int_equal(count_of(first), 2);
    assert_int_equal(count_of(second), 1);
}

static void a_task_goes_to_who_may_have_it(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_submit(
        w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'red','tags':['red'],'wait':60}"));
    world_submit(w, world_claim(box, "ann", 60));
    world_submit(w, world_claim(box, "bob", 60));
    create(w, "{'title':'1','createdBy':'a','assignee':'bob'}");
    world_wait(box, 1);
    assert_string_equal(agent_of(world_nth(box, 0)), "bob");
    create(w, "{'title':'2','createdBy':'a','tags':['red']}");
    world_wait(box, 2);
    assert_string_equal(agent_of(world_nth(box, 1)), "red");
    create(w, "{'title':'3','createdBy':'a','tags':['red']}");
    world_wait(box, 3);
    assert_string_equal(agent_of(world_nth(box, 2)), "ann");
}

static void what_becomes_ready_by_time_is_handed_out_too(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    struct tb_job *made =
        create(w, "{'title':'t','createdBy':'a','notBefore':'2023-11-14T22:13:20.005Z'}");
    let_wait(w, box, agents);
    atomic_fetch_add(&w->wall_ms, 5);
    world_wait(box, 1);
    assert_int_equal(count_of(world_nth(box, 0)), 1);
    assert_str(world_task(w, world_task_id(made)).assignee, "ann");
}

/* The lease of one ends, and in the same transaction the other has the task. */
static void a_lease_that_ends_gives_the_task_to_who_waits(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"bob", NULL};
    create(w, "{'title':'t','createdBy':'a'}");
    world_run(w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'ann','leaseSeconds':10}"));
    let_wait(w, box, agents);
    atomic_fetch_add(&w->wall_ms, 10000);
    world_wait(box, 2);
    assert_int_equal(count_of(world_nth(box, 1)), 1);
    assert_int_equal(world_nth(box, 1)->reply.seq, 4); /* created, claimed, expired, claimed */
}

/* --- pauses --- */

static void a_pause_hands_out_nothing_and_its_end_tries_everybody(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", "bob", "cid", NULL};
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_PAUSE, none, "{}"));
    let_wait(w, box, agents);
    create(w, "[{'title':'1','createdBy':'a'},{'title':'2','createdBy':'a'}]");
    assert_nobody_else_is_answered(w, box, 0);
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_RESUME, none, "{}"));
    world_wait(box, 2);
    assert_string_equal(agent_of(world_nth(box, 0)), "ann");
    assert_string_equal(agent_of(world_nth(box, 1)), "bob");
    assert_nobody_else_is_answered(w, box, 2);
}

static void trying_everybody_may_take_several_batches(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    enum { MANY = 20 };
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_PAUSE, none, "{}"));
    for (int i = 0; i < MANY; i++) {
        world_submit(w, world_claim(box, "ann", 60));
        create(w, "{'title':'t','createdBy':'a'}");
    }
    atomic_store(&w->monotonic_step_us, 30000); /* a batch is full at once */
    world_submit(w, world_job(&w->boxes[0], TB_COMMAND_RESUME, none, "{}"));
    world_wait(box, MANY);
    atomic_store(&w->monotonic_step_us, 0);
    assert_in_range(box->deliveries, 3, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(count_of(world_nth(box, i)), 1);
        assert_true(i == 0 || world_nth(box, i)->wait.number > world_nth(box, i - 1)->wait.number);
    }
}

/* --- the end of waiting --- */

static void a_claim_whose_time_is_over_gets_nothing(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_submit(w, world_claim(box, "long", 30));
    world_submit(w, world_claim(box, "short", 5));
    assert_nobody_else_is_answered(w, box, 0);
    atomic_fetch_add(&w->monotonic_us, 5000000);
    world_wait(box, 1);
    assert_string_equal(agent_of(world_nth(box, 0)), "short");
    assert_int_equal(count_of(world_nth(box, 0)), 0);
    atomic_fetch_add(&w->monotonic_us, 25000000);
    world_wait(box, 2);
    assert_int_equal(count_of(world_nth(box, 1)), 0);
    create(w, "{'title':'t','createdBy':'a'}");
    assert_int_equal(world_head(w).task_counts[TB_STATE_READY], 1);
}

static void a_clock_that_is_set_does_not_shorten_a_wait(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", NULL};
    let_wait(w, box, agents);
    atomic_fetch_add(&w->wall_ms, 86400000);
    assert_nobody_else_is_answered(w, box, 0);
}

static void stopping_answers_who_waits(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const char *const agents[] = {"ann", "bob", NULL};
    let_wait(w, box, agents);
    world_stop(w);
    assert_int_equal(box->jobs, 2);
    assert_int_equal(count_of(world_nth(box, 0)), 0);
    assert_string_equal(agent_of(world_nth(box, 1)), "bob");
}

static void a_draining_service_hands_out_nothing_but_takes_what_is_done(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    struct tb_job *made = create(w, "{'title':'t','createdBy':'a'}");
    struct tb_id id = world_task_id(made);
    struct tb_job *held = world_claim(box, "ann", 0);
    world_run(w, held);
    struct tb_str token = world_token(held);
    static const char *const agents[] = {"bob", NULL};
    let_wait(w, box, agents);
    tb_service_drain(w->service);
    world_wait(box, 2);
    assert_int_equal(count_of(world_nth(box, 1)), 0);
    create(w, "{'title':'t','createdBy':'a'}");

    struct tb_job *refused[] = {
        world_claim(box, "cid", 0),
        world_job(box, TB_COMMAND_CLAIM_TASK, id, "{'agent':'cid'}"),
        world_job(box, TB_COMMAND_COMPLETE, id, "{'claimToken':'%.*s','next':{'agent':'ann'}}",
                  (int)token.len, token.ptr),
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(tb_service_submit(w->service, refused[i]), TB_E_DRAINING);
        world_free_job(refused[i]);
    }
    world_run(w, world_job(box, TB_COMMAND_HEARTBEAT, id, "{'claimToken':'%.*s'}", (int)token.len,
                           token.ptr));
    world_run(w, world_job(box, TB_COMMAND_COMPLETE, id, "{'claimToken':'%.*s'}", (int)token.len,
                           token.ptr));
    assert_int_equal(world_nth(box, 2)->reply.err, TB_OK);
    assert_int_equal(world_nth(box, 3)->reply.err, TB_OK);
    assert_int_equal(world_task(w, id).status, TB_STATUS_DONE);
}

/* --- clients that have gone --- */

static _Atomic bool ann_is_gone;

static bool is_gone(struct tb_job *job)
{
    return tb_str_eq_c(job->command.claim.agent, "ann") && atomic_load(&ann_is_gone);
}

static struct tb_job *leaving(struct box *box, const char *agent)
{
    struct tb_job *job = world_claim(box, agent, 60);
    job->is_gone = is_gone;
    return job;
}

static void a_claim_whose_client_has_gone_takes_nothing(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    atomic_store(&ann_is_gone, false);
    world_submit(w, leaving(box, "ann"));
    world_submit(w, leaving(box, "bob"));
    assert_nobody_else_is_answered(w, box, 0);
    atomic_store(&ann_is_gone, true);
    struct tb_job *made = create(w, "{'title':'t','createdBy':'a'}");
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct tb_job *job = world_nth(box, i);
        assert_int_equal(count_of(job), strcmp(agent_of(job), "bob") == 0 ? 1 : 0);
    }
    assert_str(world_task(w, world_task_id(made)).assignee, "bob");
}

static void who_has_gone_is_let_go_of_also_when_there_is_nothing_to_do(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    atomic_store(&ann_is_gone, true);
    for (int i = 0; i < 25; i++) {
        world_submit(w, leaving(box, i % 5 == 0 ? "bob" : "ann"));
    }
    for (int i = 0; i < 30; i++) {
        atomic_fetch_add(&w->monotonic_us, 100000);
        world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
    }
    world_wait(box, 20);
    assert_nobody_else_is_answered(w, box, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_string_equal(agent_of(world_nth(box, i)), "ann");
    }
}

/* --- repetitions --- */

static struct tb_job *repeated(struct box *box, uint8_t fingerprint)
{
    struct tb_job *job = world_claim(box, "ann", 60);
    job->command.idempotency.present = true;
    memset(job->command.idempotency.key, 5, TB_DIGEST_BYTES);
    memset(job->command.idempotency.fingerprint, fingerprint, TB_DIGEST_BYTES);
    return job;
}

/* The client came again because it heard nothing: it gets what the first request got. */
static void a_claim_that_is_repeated_while_it_waits_gets_one_answer(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_submit(w, repeated(box, 1));
    world_submit(w, world_claim(box, "bob", 60));
    world_submit(w, repeated(box, 1));
    world_submit(w, repeated(box, 2));
    assert_nobody_else_is_answered(w, box, 0);
    create(w, "{'title':'t','createdBy':'a'}");
    world_wait(box, 3);
    const struct tb_reply *first = &world_nth(box, 0)->reply;
    const struct tb_reply *second = &world_nth(box, 1)->reply;
    assert_false(first->replayed);
    assert_true(second->replayed);
    assert_str_eq(second->body, first->body);
    assert_int_equal(world_nth(box, 2)->reply.err, TB_E_IDEMPOTENCY_KEY_REUSED);
    assert_int_equal(world_head(w).claimed, 1);
    assert_nobody_else_is_answered(w, box, 3); /* bob waits on */
}

/* --- limits --- */

static void more_than_may_wait_are_refused(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    for (unsigned i = 0; i < TB_WAITING_CLAIMS_MAX; i++) {
        struct tb_job *job = world_claim(box, "ann", 60);
        while (tb_service_submit(w->service, job) == TB_E_OVERLOADED) {
            sched_yield();
        }
    }
    world_run(w, world_claim(&w->boxes[0], "bob", 60));
    assert_int_equal(world_nth(&w->boxes[0], 0)->reply.err, TB_E_OVERLOADED);
    world_run(w, world_claim(&w->boxes[0], "bob", 0));
    assert_int_equal(count_of(world_nth(&w->boxes[0], 1)), 0);
    assert_int_equal(box->jobs, 0);
    create(w, "{'title':'t','createdBy':'a'}");
    world_wait(box, 1);
    assert_int_equal(world_nth(box, 0)->wait.number, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_claim_is_answered_in_the_transaction_that_makes_a_task_ready),
        world_test(what_becomes_ready_together_goes_to_who_came_first),
        world_test(a_claim_of_several_tasks_passes_nobody_over),
        world_test(what_is_paused_lets_nobody_jump_the_queue),
        world_test(who_came_first_is_served_first),
        world_test(nobody_who_comes_later_gets_before_who_waits),
        world_test(a_claim_may_come_and_be_served_in_one_batch),
        world_test(a_claim_takes_as_many_as_it_may_and_leaves_the_rest),
        world_test(a_task_goes_to_who_may_have_it),
        world_test(what_becomes_ready_by_time_is_handed_out_too),
        world_test(a_lease_that_ends_gives_the_task_to_who_waits),
        world_test(a_pause_hands_out_nothing_and_its_end_tries_everybody),
        world_test(trying_everybody_may_take_several_batches),
        world_test(a_claim_whose_time_is_over_gets_nothing),
        world_test(a_clock_that_is_set_does_not_shorten_a_wait),
        world_test(stopping_answers_who_waits),
        world_test(a_draining_service_hands_out_nothing_but_takes_what_is_done),
        world_test(a_claim_whose_client_has_gone_takes_nothing),
        world_test(who_has_gone_is_let_go_of_also_when_there_is_nothing_to_do),
        world_test(a_claim_that_is_repeated_while_it_waits_gets_one_answer),
        world_test(more_than_may_wait_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Why a task is not handed out, or when it will be. */
#include "fixture/fixture.h"

static const struct tb_id nobody = {{0}};

#define assert_why(f, id, agent, ...) assert_json((f), fixture_why((f), (id), (agent)), __VA_ARGS__)

static struct tb_id created(struct fixture *f, const char *more)
{
    return fixture_create(f, "{'title':'t','createdBy':'a'%s}", more);
}

static void check_reasons(struct fixture *f, struct tb_id id, const char *agent,
                          const char *reasons, int line)
{
    fixture_check_json(f, __FILE__, line, fixture_why(f, id, agent),
                       "{'claimable':false,'reasons':[%s]}", reasons);
}

#define assert_reasons(f, id, agent, reasons) check_reasons((f), (id), (agent), (reasons), __LINE__)

static void a_ready_task_has_no_reason_but_a_place(void **state)
{
    struct fixture *f = *state;
    struct tb_id low = created(f, ",'priority':-1");
    struct tb_id high = created(f, ",'priority':1");
    struct tb_id bobs = created(f, ",'assignee':'bob','priority':2");
    assert_why(f, low, "ann", "{'claimable':true,'reasons':[],'position':2}");
    assert_why(f, high, "ann", "{'claimable':true,'reasons':[],'position':1}");
    assert_why(f, low, "bob", "{'claimable':true,'reasons':[],'position':3}");
    assert_why(f, high, NULL, "{'claimable':true,'reasons':[],'position':1}");
    assert_why(f, bobs, NULL, "{'claimable':true,'reasons':[],'position':1}");
    assert_why(f, bobs, "bob", "{'claimable':true,'reasons':[],'position':1}");
    assert_reasons(f, bobs, "ann", "{'code':'assigned_elsewhere','assignee':'bob'}");
}

static void each_status_is_a_reason(void **state)
{
    struct fixture *f = *state;
    assert_reasons(f, created(f, ",'status':'done'"), "ann", "{'code':'done','outcome':'success'}");
    assert_reasons(f, created(f, ",'status':'in_review'"), "ann", "{'code':'in_review'}");
    assert_reasons(f, created(f, ",'status':'blocked'"), "ann",
                   "{'code':'blocked','blockedReason':{'kind':'manual'}}");
    assert_reasons(f, created(f, ",'status':'in_progress'"), "ann", "{'code':'held'}");
    assert_reasons(f, created(f, ",'status':'in_progress','assignee':'bob'"), "ann",
                   "{'code':'held','by':'bob'}");
    struct tb_id id = created(f, "");
    struct fixture_claim claim = fixture_claim_task(f, id, "bob");
    assert_reasons(f, id, "ann",
                   "{'code':'claimed','by':'bob','generation':1,"
                   "'expiresAt':'2023-11-14T22:18:20.000Z'}");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','retryable':false");
    assert_reasons(f, id, "ann",
                   "{'code':'dead_letter','blockedReason':{'kind':'dead_letter','attempt':1,"
                   "'outcome':'failed','at':'" FIXTURE_START "'}}");
}

static void what_is_missing_is_a_reason(void **state)
{
    struct fixture *f = *state;
    assert_reasons(f, created(f, ",'dependencies':['x','y']"), "ann",
                   "{'code':'dependencies','blockedBy':['x','y']}");
    struct tb_id id = created(f, ",'delaySeconds':10");
    assert_reasons(f, id, "ann", "{'code':'not_before','notBefore':'2023-11-14T22:13:30.000Z'}");
    fixture_advance(f, 10000); /* it may be claimed by its id, but is in no list yet */
    assert_why(f, id, "ann", "{'claimable':true,'reasons':[]}");
    fixture_run_due(f, 10);
    assert_why(f, id, "ann", "{'claimable':true,'reasons':[],'position':1}");
}

static void pauses_are_reasons(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = created(f, ",'tags':['x','y','z']");
    struct tb_id plain = created(f, "");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'y'}");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'x'}");
    assert_reasons(f, id, "ann", "{'code':'tag_paused','tag':'x'},{'code':'tag_paused','tag':'y'}");
    assert_why(f, plain, "ann", "{'claimable':true,'reasons':[],'position':1}");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{}");
    assert_reasons(f, plain, "ann", "{'code':'paused'}");
}

static void every_reason_is_named(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        created(f, ",'dependencies':['x'],'delaySeconds':10,'tags':['y'],'assignee':'bob'");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{}");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'y'}");
    assert_reasons(f, id, "ann",
                   "{'code':'dependencies','blockedBy':['x']},"
                   "{'code':'not_before','notBefore':'2023-11-14T22:13:30.000Z'},"
                   "{'code':'paused'},{'code':'tag_paused','tag':'y'},"
                   "{'code':'assigned_elsewhere','assignee':'bob'}");
    fixture_patch(f, id, "{'status':'done'}");
    assert_reasons(f, id, "ann", "{'code':'done','outcome':'success'}");
}

/* Nobody waits for a place that far behind. */
static void places_are_counted_only_so_far(void **state)
{
    struct fixture *f = *state;
    struct tb_id last = nobody;
    for (int i = 0; i <= 1000; i++) {
        struct tb_id before = last;
        last = created(f, "");
        if (i == 1000) {
            assert_why(f, before, "ann", "{'claimable':true,'reasons':[],'position':1000}");
        }
    }
    assert_why(f, last, "ann", "{'claimable':true,'reasons':[]}");
}

static void no_task_has_no_reasons(void **state)
{
    struct fixture *f = *state;
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(
        tb_read_why(fixture_read(f), nobody, TB_STR("ann"), TB_STR_NONE, FIXTURE_START_MS, &out),
        TB_E_TASK_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_ready_task_has_no_reason_but_a_place),
        fixture_test(each_status_is_a_reason),
        fixture_test(what_is_missing_is_a_reason),
        fixture_test(pauses_are_reasons),
        fixture_test(every_reason_is_named),
        fixture_large_test(places_are_counted_only_so_far),
        fixture_test(no_task_has_no_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

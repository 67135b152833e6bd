/* What the committer publishes, and whom it tells. */
#include "unit/service/world.h"

static const struct tb_id none = {{0}};

static void ask(struct box *box)
{
    atomic_store(&box->mailbox.wants_news, true);
}

static void assert_announced(struct box *box, unsigned times)
{
    assert_int_equal(atomic_load(&box->announcements), times);
}

static void a_change_is_told_once_to_who_has_asked(void **state)
{
    struct world *w = *state;
    struct box *asks = &w->boxes[0];
    struct box *silent = &w->boxes[1];
    tb_service_listen(w->service, &asks->mailbox);
    tb_service_listen(w->service, &silent->mailbox);
    ask(asks);
    world_run(w, world_create(&w->boxes[2], "t"));
    assert_announced(asks, 1);
    assert_false(atomic_load(&asks->mailbox.wants_news));
    world_run(w, world_create(&w->boxes[2], "t"));
    assert_announced(asks, 1);
    ask(asks);
    world_run(w, world_create(&w->boxes[2], "t"));
    assert_announced(asks, 2);
    assert_announced(silent, 0);
    tb_service_unlisten(w->service, &asks->mailbox);
    tb_service_unlisten(w->service, &silent->mailbox);
}

static void what_changes_nothing_is_not_told(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    tb_service_listen(w->service, &box->mailbox);
    ask(box);
    world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
    tb_fault_set(w->store, 1, TB_E_STORAGE_DOWN, true);
    world_run(w, world_create(&w->boxes[2], "t"));
    assert_announced(box, 0);
    tb_service_unlisten(w->service, &box->mailbox);
}

static void who_listens_no_more_is_told_nothing(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    tb_service_listen(w->service, &box->mailbox);
    ask(box);
    tb_service_unlisten(w->service, &box->mailbox);
    world_run(w, world_create(&w->boxes[2], "t"));
    assert_announced(box, 0);
}

static void changes_are_published_before_the_answer(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_run(w, world_create(box, "t"));
    uint64_t changes = tb_service_changes(w->service);
    assert_true(changes > 0);
    assert_true(changes == world_head(w).changes);
    world_stop(w);
    world_start(w);
    assert_true(tb_service_changes(w->service) == changes);
}

/* A heartbeat is no event, but the list shows another lease. */
static void a_heartbeat_is_news_without_an_event(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    struct tb_job *made = world_create(box, "t");
    struct tb_job *claim = world_claim(box, "ann", 0);
    world_run(w, made);
    world_run(w, claim);
    struct tb_str token = world_token(claim);
    tb_service_listen(w->service, &box->mailbox);
    uint64_t seq = tb_service_head_seq(w->service);
    uint64_t changes = tb_service_changes(w->service);
    ask(box);
    atomic_fetch_add(&w->wall_ms, 1000);
    struct tb_job *beat = world_job(box, TB_COMMAND_HEARTBEAT, world_task_id(made),
                                    "{'claimToken':'%.*s'}", (int)token.len, token.ptr);
    world_run(w, beat);
    assert_int_equal(beat->reply.err, TB_OK);
    assert_announced(box, 1);
    assert_true(tb_service_head_seq(w->service) == seq);
    assert_true(tb_service_changes(w->service) > changes);
    assert_true(world_head(w).changes == tb_service_changes(w->service));
    tb_service_unlisten(w->service, &box->mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_change_is_told_once_to_who_has_asked),
        world_test(what_changes_nothing_is_not_told),
        world_test(who_listens_no_more_is_told_nothing),
        world_test(changes_are_published_before_the_answer),
        world_test(a_heartbeat_is_news_without_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* VMs that fall silent, and come back. */
#include "fixture/fixture.h"

#define TTL_MS 300000

static bool is_shown_stale(struct fixture *f, const char *id)
{
    return tb_str_eq_c(fixture_member(fixture_vm_view(f, id), "stale"), "true");
}

static void a_vm_without_a_sign_of_life_goes_stale(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS - 1);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + TTL_MS);
    assert_false(is_shown_stale(f, "a"));
    assert_int_equal(fixture_head(f).running_vms, 1);
    fixture_advance(f, 1);
    uint64_t changed = fixture_head(f).vm_changes;
    assert_true(fixture_run_due(f, 10) == 0);
    assert_true(is_shown_stale(f, "a"));
    struct tb_event event = fixture_last_event(f);
    assert_int_equal(event.type, TB_EVENT_VM_STALE);
    assert_str(event.vm_id, "a");
    assert_absent(event.actor);
    assert_int_equal(fixture_head(f).running_vms, 0);
    assert_int_equal(fixture_head(f).vms, 1);
    assert_true(fixture_head(f).vm_changes > changed);
    assert_str(fixture_member(fixture_vm_view(f, "a"), "status"), "\"running\"");
    assert_int_equal(fixture_vm(f, "a").stale_ms, f->clock.now_ms);
}

/* Readers do not wait for the timer. */
static void readers_see_it_at_the_same_instant(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS - 1);
    assert_false(is_shown_stale(f, "a"));
    fixture_advance(f, 1);
    assert_true(is_shown_stale(f, "a"));
}

/* Heartbeats leave the timer's instant alone; when it comes, the timer finds the VM alive, and no
 * reader is told that anything has changed. */
static void a_vm_that_lives_is_quietly_looked_at_again(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head before = fixture_head(f);
    fixture_advance(f, 200000);
    fixture_see(f, "a");
    assert_int_equal(fixture_vm(f, "a").due_ms, FIXTURE_START_MS + TTL_MS);
    fixture_advance(f, 100000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 500000);
    assert_int_equal(fixture_vm(f, "a").due_ms, FIXTURE_START_MS + 500000);
    assert_int_equal(fixture_head(f).seq, before.seq);
    assert_int_equal(fixture_head(f).vm_changes, before.vm_changes);
    assert_int_equal(fixture_vm(f, "a").seen_ms, FIXTURE_START_MS + 200000);
}

static void a_heartbeat_brings_it_back(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    uint64_t changed = fixture_head(f).vm_changes;
    fixture_see(f, "a");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_BACK);
    assert_false(is_shown_stale(f, "a"));
    assert_int_equal(fixture_head(f).running_vms, 1);
    assert_true(fixture_head(f).vm_changes > changed);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + TTL_MS);
}

static void a_patch_or_a_put_brings_it_back_with_one_event(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"{'status':'running'}", "{'name':'other'}", "{}"};
    fixture_register(f, "a", 300);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        fixture_advance(f, TTL_MS);
        fixture_run_due(f, 10);
        uint64_t seq = fixture_head(f).seq;
        fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "%s", bodies[i]);
        assert_string_equal(fixture_types(f, seq), "vm.back");
        assert_int_equal(fixture_head(f).running_vms, 1);
    }
    assert_json(f, fixture_member(fixture_told(f, "vm"), "name"), "'other'");
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a", "{'name':'n','role':'infra','address':'y'}");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_BACK);
}

static void a_stale_vm_that_is_stopped_or_paused_is_not_back(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    fixture_set_vm(f, "a", "stopped");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
    assert_false(is_shown_stale(f, "a"));
    fixture_set_vm(f, "a", "running");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    fixture_set_vm(f, "a", "paused");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
    assert_int_equal(fixture_head(f).running_vms, 0);
    assert_true(fixture_run_due(f, 10) == 0);
}

/* It was shown as stale already, so that lists change now. */
static void a_heartbeat_that_comes_late_but_before_the_timer_is_a_change_without_an_event(
    void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS + 5);
    struct tb_head before = fixture_head(f);
    fixture_see(f, "a");
    assert_int_equal(fixture_head(f).seq, before.seq);
    assert_true(fixture_head(f).vm_changes > before.vm_changes);
    assert_false(is_shown_stale(f, "a"));
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + TTL_MS);
}

/* Nobody could heartbeat while the server was down. */
static void after_a_restart_every_vm_has_its_whole_ttl_again(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, 3600000);
    fixture_restart(f);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + TTL_MS);
    assert_int_equal(fixture_head(f).seq, 1);
    assert_int_equal(fixture_head(f).running_vms, 1);
    fixture_advance(f, TTL_MS - 1);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_head(f).seq, 1);
    fixture_advance(f, 1);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_STALE);
}

/* Readers count from the last sign of life, the timer from the restart: what they show of it has
 * changed long before it goes stale. */
static void after_a_restart_lists_have_another_tag_as_soon_as_a_vm_is_shown_stale(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS - 1000);
    fixture_restart(f);
    int64_t started_ms = f->clock.now_ms;
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + TTL_MS);
    uint64_t before = fixture_head(f).vm_changes;
    assert_false(is_shown_stale(f, "a"));
    fixture_advance(f, 1000);
    assert_true(is_shown_stale(f, "a"));
    assert_true(fixture_run_due(f, 10) == started_ms + TTL_MS);
    assert_true(fixture_head(f).vm_changes > before);
    assert_int_equal(fixture_head(f).seq, 1);
    fixture_advance(f, TTL_MS - 1000);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_STALE);
}

static void a_restart_brings_no_stale_vm_back(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    fixture_restart(f);
    fixture_run_due(f, 10);
    assert_true(is_shown_stale(f, "a"));
    assert_int_equal(fixture_head(f).running_vms, 0);
}

static void vms_and_tasks_are_due_in_their_order(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':100}");
    fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':300}");
    fixture_register(f, "a", 200);
    fixture_register(f, "b", 300);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 100000);
    fixture_advance(f, 400000);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms);
    assert_string_equal(fixture_types(f, 4), "task.ready vm.stale");
    assert_true(fixture_run_due(f, 10) == 0);
    assert_string_equal(fixture_types(f, 6), "vm.stale task.ready"); /* VMs come first */
}

static void a_clock_that_is_set_back_makes_nobody_stale(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_advance(f, 1000);
    fixture_see(f, "a");
    fixture_advance(f, -3600000);
    fixture_see(f, "a");
    assert_int_equal(fixture_vm(f, "a").seen_ms, FIXTURE_START_MS + 1000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + TTL_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_vm_without_a_sign_of_life_goes_stale),
        fixture_test(readers_see_it_at_the_same_instant),
        fixture_test(a_vm_that_lives_is_quietly_looked_at_again),
        fixture_test(a_heartbeat_brings_it_back),
        fixture_test(a_patch_or_a_put_brings_it_back_with_one_event),
        fixture_test(a_stale_vm_that_is_stopped_or_paused_is_not_back),
        fixture_test(a_heartbeat_that_comes_late_but_before_the_timer_is_a_change_without_an_event),
        fixture_test(after_a_restart_every_vm_has_its_whole_ttl_again),
        fixture_test(after_a_restart_lists_have_another_tag_as_soon_as_a_vm_is_shown_stale),
        fixture_test(a_restart_brings_no_stale_vm_back),
        fixture_test(vms_and_tasks_are_due_in_their_order),
        fixture_test(a_clock_that_is_set_back_makes_nobody_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The guard against a mass loss. */
#include "fixture/fixture.h"

#define TTL_MS INT64_C(300000)

/* So many VMs, v0, v1 …, of which each holds a claim; those from `silent` on are heard of again
 * when the time of the others is nearly over. */
static void make_fleet(struct fixture *f, unsigned count, unsigned silent)
{
    for (unsigned i = 0; i < count; i++) {
        const char *id = tb_arena_printf(f->arena, "v%u", i).ptr;
        fixture_register(f, id, 300);
        fixture_claim_on(f, fixture_task_named(f, "t"), id, 3600);
    }
    fixture_advance(f, TTL_MS - 1);
    for (unsigned i = silent; i < count; i++) {
        fixture_see(f, tb_arena_printf(f->arena, "v%u", i).ptr);
    }
    fixture_advance(f, 1);
}

static unsigned held(struct fixture *f)
{
    return (unsigned)fixture_head(f).claimed;
}

static void more_than_half_that_fall_silent_are_spared_once(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 5, 3);
    uint64_t seq = fixture_head(f).seq;
    fixture_begin(f);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + TTL_MS - 1);
    assert_int_equal(f->board.spared_vms, 3); /* for the service's log */
    fixture_commit(f);
    assert_string_equal(fixture_types(f, seq), "registry.expiry_held");
    assert_json(f, fixture_last_event(f).data, "{'vms':3,'until':'2023-11-14T22:23:20.000Z'}");
    assert_str(fixture_member(fixture_last_event(f).wire, "topic"), "\"registry\"");
    assert_int_equal(held(f), 5);
    assert_int_equal(fixture_head(f).running_vms, 5);
    assert_str(fixture_member(fixture_vm_view(f, "v0"), "stale"), "true");
    assert_verified(f);

    fixture_advance(f, TTL_MS - 1);
    fixture_see(f, "v3");
    fixture_see(f, "v4");
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + 1);
    fixture_advance(f, 1);
    seq = fixture_head(f).seq;
    fixture_run_due(f, 10);
    assert_string_equal(fixture_types(f, seq), "vm.stale task.expired vm.stale task.expired "
                                               "vm.stale task.expired");
    assert_int_equal(held(f), 2);
}

static void half_of_them_are_not_enough(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 6, 3);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 3);
    assert_int_equal(fixture_head(f).running_vms, 3);
}

static void two_are_not_enough(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 2, 2);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 0);
}

static void who_comes_back_in_time_has_lost_nothing(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 3, 3);
    fixture_run_due(f, 10);
    uint64_t seq = fixture_head(f).seq;
    uint64_t changed = fixture_head(f).vm_changes;
    fixture_see(f, "v0");
    assert_true(fixture_head(f).vm_changes > changed); /* it was shown as stale */
    assert_false(fixture_vm(f, "v0").spared);
    fixture_see(f, "v1");
    assert_int_equal(fixture_head(f).seq, seq);
    fixture_advance(f, TTL_MS - 1);
    fixture_see(f, "v0");
    fixture_see(f, "v1");
    fixture_advance(f, 1);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 2);
    assert_verified(f);
}

/* Being spared once is for one silence. */
static void who_was_heard_of_can_be_spared_again(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 3, 3);
    fixture_run_due(f, 10);
    for (int i = 0; i < 3; i++) {
        fixture_see(f, tb_arena_printf(f->arena, "v%d", i).ptr);
    }
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 3);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_EXPIRY_HELD);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 0);
}

/* One by one: those lost before count, and stay lost. */
static void who_was_lost_within_the_last_ttl_counts(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 5; i++) {
        fixture_register(f, tb_arena_printf(f->arena, "v%u", i).ptr, 300);
        fixture_advance(f, 1000);
    }
    fixture_advance(f, TTL_MS - 5000);
    for (unsigned i = 0; i < 5; i++) {
        fixture_run_due(f, 10);
        fixture_advance(f, 1000);
    }
    /* 1 of 5, 2 of 5, then 3 of 5: held; and the rest with it */
    assert_string_equal(fixture_types(f, 5),
                        "vm.stale vm.stale registry.expiry_held registry.expiry_held "
                        "registry.expiry_held");
    assert_int_equal(fixture_head(f).running_vms, 3);
}

static void who_was_lost_longer_ago_does_not(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    for (unsigned i = 0; i < 5; i++) {
        fixture_register(f, ids[i], 300);
    }
    fixture_advance(f, TTL_MS - 1);
    fixture_see(f, "c");
    fixture_see(f, "d");
    fixture_see(f, "e");
    fixture_advance(f, 1);
    fixture_run_due(f, 10); /* a, b */
    assert_int_equal(fixture_head(f).running_vms, 3);
    fixture_advance(f, TTL_MS - 2);
    fixture_see(f, "d");
    fixture_see(f, "e");
    fixture_advance(f, 1);
    fixture_run_due(f, 10); /* c: a and b are lost since less than a ttl */
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_EXPIRY_HELD);
    fixture_see(f, "c");
    fixture_advance(f, TTL_MS - 1);
    fixture_see(f, "d");
    fixture_see(f, "e");
    fixture_advance(f, 1);
    fixture_run_due(f, 10); /* c: alone now */
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_STALE);
    assert_int_equal(fixture_head(f).running_vms, 2);
}

static void who_does_not_run_counts_for_nothing(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 3, 3);
    for (unsigned i = 0; i < 9; i++) {
        const char *id = tb_arena_printf(f->arena, "s%u", i).ptr;
        fixture_register(f, id, 300);
        fixture_set_vm(f, id, i % 2 == 0 ? "stopped" : "paused");
    }
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_EXPIRY_HELD);
    assert_int_equal(held(f), 3);
}

/* In as many batches as it takes, all of them are. */
static void batches_with_little_room_spare_all_of_them(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 6, 6);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms);
    assert_json(f, fixture_member(fixture_last_event(f).data, "vms"), "2");
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms);
    fixture_run_due(f, 2);
    assert_int_equal(held(f), 6);
    assert_int_equal(fixture_head(f).running_vms, 6);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms + TTL_MS);
}

/* Their leases end not before the guard has let go. */
static void leases_of_a_spared_vm_wait_as_well(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++) {
        const char *id = tb_arena_printf(f->arena, "v%u", i).ptr;
        fixture_register(f, id, 300);
        fixture_claim_on(f, fixture_task_named(f, "t"), id, 300);
    }
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 3);
    fixture_advance(f, TTL_MS - 1);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 3);
    fixture_advance(f, 1);
    uint64_t seq = fixture_head(f).seq;
    fixture_run_due(f, 10);
    assert_string_equal(fixture_types(f, seq), "vm.stale task.expired vm.stale task.expired "
                                               "vm.stale task.expired");
    assert_str(fixture_told(f, "reason"), "\"vm_lost\"");
}

static void nothing_is_claimed_for_a_spared_vm(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 3, 3);
    fixture_run_due(f, 10);
    fixture_send(f, TB_COMMAND_CLAIM, (struct tb_id){{0}}, "{'agent':'ann','vmId':'v0'}");
    assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
}

static void a_restart_gives_the_spared_their_ttl_and_the_guard_again(void **state)
{
    struct fixture *f = *state;
    make_fleet(f, 3, 3);
    fixture_run_due(f, 10);
    fixture_advance(f, TTL_MS * 2);
    fixture_restart(f);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + TTL_MS);
    assert_false(fixture_vm(f, "v0").spared);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 3);
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 10);
    assert_int_equal(held(f), 0);
}

/* Each looks back as far as its own ttl, and is put off by it. */
static void each_has_its_own_ttl(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 60);
    fixture_register(f, "b", 120);
    fixture_register(f, "c", 600);
    fixture_advance(f, 600000);
    fixture_run_due(f, 10);
    assert_json(f, fixture_last_event(f).data, "{'vms':3,'until':'2023-11-14T22:24:20.000Z'}");
    assert_true(fixture_vm(f, "a").due_ms == f->clock.now_ms + 60000);
    assert_true(fixture_vm(f, "c").due_ms == f->clock.now_ms + 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(more_than_half_that_fall_silent_are_spared_once),
        fixture_test(half_of_them_are_not_enough),
        fixture_test(two_are_not_enough),
        fixture_test(who_comes_back_in_time_has_lost_nothing),
        fixture_test(who_was_heard_of_can_be_spared_again),
        fixture_test(who_was_lost_within_the_last_ttl_counts),
        fixture_test(who_was_lost_longer_ago_does_not),
        fixture_test(who_does_not_run_counts_for_nothing),
        fixture_test(batches_with_little_room_spare_all_of_them),
        fixture_test(leases_of_a_spared_vm_wait_as_well),
        fixture_test(nothing_is_claimed_for_a_spared_vm),
        fixture_test(a_restart_gives_the_spared_their_ttl_and_the_guard_again),
        fixture_test(each_has_its_own_ttl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

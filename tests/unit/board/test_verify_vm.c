#include "unit/board/damage_check.h"

typedef void damage_vm(struct tb_vm *vm);

/* In a batch that is thrown away. */
static void check_vm_damage(struct fixture *f, const char *id, damage_vm *damage, const char *what)
{
    struct tb_vm old;
    fixture_begin(f);
    assert_int_equal(tb_get_vm(f->txn, tb_str_c(id), &old), TB_OK);
    struct tb_vm vm = old;
    damage(&vm);
    tb_vm_render(&vm, f->batch_arena);
    assert_int_equal(tb_put_vm(f->txn, &old, &vm), TB_OK);
    assert_damage(f, "VM %s: %s", id, what);
    fixture_abort(f);
}

static void forget_when_due(struct tb_vm *vm)
{
    vm->due_ms = 0;
}

static void spare_for_nothing(struct tb_vm *vm)
{
    vm->status = TB_VM_PAUSED;
    vm->due_ms = 0;
    vm->spared = true;
}

static void spare_what_is_stopped(struct tb_vm *vm)
{
    vm->status = TB_VM_STOPPED;
    vm->due_ms = FIXTURE_START_MS;
    vm->spared = true;
}

static void be_stale(struct tb_vm *vm)
{
    vm->stale_ms = FIXTURE_START_MS;
    vm->due_ms = 0;
}

static void a_vm_that_the_timer_does_not_look_after_is_found(void **state)
{
    static const char what[] = "the timer does not know when to look at it, or it has kept claims";
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_claim_on(f, fixture_task_named(f, "t"), "a", 60);
    check_vm_damage(f, "a", forget_when_due, what);
    check_vm_damage(f, "a", spare_for_nothing, what);
    check_vm_damage(f, "a", spare_what_is_stopped, what);
    check_vm_damage(f, "a", be_stale, what);
}

static void be_seen_in_the_future(struct tb_vm *vm)
{
    vm->seen_ms += 5;
}

static void be_registered_behind_that(struct tb_vm *vm)
{
    vm->registered_ms += 5;
}

static void be_stale_in_the_future(struct tb_vm *vm)
{
    vm->stale_ms = FIXTURE_START_MS + 5;
    vm->due_ms = 0;
}

static void live_for_too_short(struct tb_vm *vm)
{
    vm->ttl_ms = 9999;
}

static void live_for_too_long(struct tb_vm *vm)
{
    vm->ttl_ms = 86400001;
}

static void a_vm_whose_times_are_wrong_is_found(void **state)
{
    static damage_vm *const damages[] = {be_seen_in_the_future, be_registered_behind_that,
                                         be_stale_in_the_future, live_for_too_short,
                                         live_for_too_long};
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    for (size_t i = 0; i < COUNT(damages); i++) {
        check_vm_damage(f, "a", damages[i], "its times are wrong");
    }
}

static void a_vm_that_is_not_what_is_shown_of_it_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_vm old;
    fixture_register(f, "a", 300);
    fixture_begin(f);
    assert_int_equal(tb_get_vm(f->txn, TB_STR("a"), &old), TB_OK);
    struct tb_vm vm = old;
    vm.role = TB_VM_INFRA;
    assert_int_equal(tb_put_vm(f->txn, &old, &vm), TB_OK);
    assert_damage(f, "VM a: it is not stored well");
    fixture_abort(f);
}

/* Its record stays until its claims are ended, and counts no more. */
static void a_vm_that_was_deregistered_is_none(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_claim_on(f, fixture_task_named(f, "t"), "a", 60);
    fixture_begin(f);
    f->board.vm_claims_left = 0;
    fixture_deregister(f, "a");
    struct tb_vm gone;
    assert_int_equal(tb_get_vm(f->txn, TB_STR("a"), &gone), TB_OK);
    assert_int_equal(tb_txn_head(f->txn)->vms, 0);
    assert_verified(f);
    fixture_commit(f);
    (void)fixture_run_due(f, 10);
    assert_int_equal(fixture_head(f).claimed, 0);
}

static void miscounted_vms_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.vms = 2;
    set_head(f, &bad);
    assert_damage(f, "2 VMs, 1 of them running, are said, there are 1, 1");
    bad = good;
    bad.running_vms = 0;
    set_head(f, &bad);
    assert_damage(f, "1 VMs, 0 of them running, are said, there are 1, 1");
    set_head(f, &good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_vm_that_the_timer_does_not_look_after_is_found),
        fixture_test(a_vm_whose_times_are_wrong_is_found),
        fixture_test(a_vm_that_is_not_what_is_shown_of_it_is_found),
        fixture_test(a_vm_that_was_deregistered_is_none),
        fixture_test(miscounted_vms_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

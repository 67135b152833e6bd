#include "unit/board/damage_check.h"

typedef void damage_vm(struct tb_vm *vm);

static void change_vm_behind(struct fixture *f, const char *id, damage_vm *damage)
{
    struct tb_vm old;
    fixture_begin(f);
    assert_int_equal(tb_get_vm(f->txn, tb_str_c(id), &old), TB_OK);
    struct tb_vm vm = old;
    damage(&vm);
    tb_vm_render(&vm, f->batch_arena);
    assert_int_equal(tb_put_vm(f->txn, &old, &vm), TB_OK);
    fixture_commit(f);
}

static void forget_when_due(struct tb_vm *vm)
{
    vm->due_ms = 0;
}

static void know_when_due(struct tb_vm *vm)
{
    vm->due_ms = FIXTURE_START_MS + 300000;
}

static void spare_for_nothing(struct tb_vm *vm)
{
    vm->status = TB_VM_PAUSED;
    vm->due_ms = 0;
    vm->spared = true;
}

static void run_again(struct tb_vm *vm)
{
    vm->status = TB_VM_RUNNING;
    vm->spared = false;
    know_when_due(vm);
}

static void come_from_the_future(struct tb_vm *vm)
{
    vm->seen_ms += 5;
}

static void come_back_from_there(struct tb_vm *vm)
{
    vm->seen_ms -= 5;
}

static void be_stale(struct tb_vm *vm)
{
    vm->stale_ms = FIXTURE_START_MS;
    vm->due_ms = 0;
}

static void be_well(struct tb_vm *vm)
{
    vm->stale_ms = 0;
    know_when_due(vm);
}

static void a_vm_that_is_kept_wrongly_is_found(void **state)
{
    struct fixture *f = *state;
    static const struct {
        damage_vm *damage;
        damage_vm *repair;
        const char *what;
    } rows[] = {
        {forget_when_due, know_when_due,
         "the timer does not know when to look at it, or it has kept claims"},
        {spare_for_nothing, run_again,
         "the timer does not know when to look at it, or it has kept claims"},
        {come_from_the_future, come_back_from_there, "its times are wrong"},
        {be_stale, be_well, "the timer does not know when to look at it, or it has kept claims"},
    };
    fixture_register(f, "a", 300);
    fixture_claim_on(f, fixture_task_named(f, "t"), "a", 60);
    for (size_t i = 0; i < COUNT(rows); i++) {
        change_vm_behind(f, "a", rows[i].damage);
        assert_damage(f, "VM a: %s", rows[i].what);
        change_vm_behind(f, "a", rows[i].repair);
        assert_verified(f);
    }
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
        fixture_test(a_vm_that_is_kept_wrongly_is_found),
        fixture_test(miscounted_vms_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims that live with a VM. */
#include "fixture/fixture.h"

#include <stdio.h>

#include "taskboard/limits.h"

#define TTL_MS 300000

static const struct tb_id none;

static struct fixture_claim claimed(struct fixture *f, const char *vm_id)
{
    return fixture_claim_on(f, fixture_task_named(f, "t"), vm_id, 60);
}

static bool holds(struct fixture *f, struct fixture_claim claim)
{
    return fixture_task(f, claim.id).claim.generation == claim.generation;
}

static void check_lost(struct fixture *f, struct fixture_claim claim)
{
    assert_false(holds(f, claim));
    assert_str(fixture_field(f, claim.id, "status"), "\"open\"");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'vm_lost'");
}

/* --- claiming --- */

static void only_a_running_vm_may_claim(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_register(f, "ill", 300);
    fixture_register(f, "late", 10);
    fixture_set_vm(f, "ill", "paused");
    fixture_advance(f, 10000);
    static const char *const ids[] = {"nobody", "ill", "late"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann','vmId':'%s'}", ids[i]);
        assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
        fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann','vmId':'%s'}", ids[i]);
        assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
    }
    fixture_see(f, "late");
    fixture_claim_on(f, id, "late", 60);
    fixture_run_due(f, 10);
    fixture_set_vm(f, "ill", "running");
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann','vmId':'ill'}");
    assert_reply(f, 200);
}

static void a_next_for_a_vm_that_is_not_there_refuses_the_whole_request(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'next':{'agent':'ann','vmId':'nobody'}");
    assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
    assert_true(holds(f, claim));
    fixture_register(f, "a", 300);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'next':{'agent':'ann','vmId':'a'}");
    assert_reply(f, 200);
    fixture_deregister(f, "a"); /* repeated it claims nothing, and so needs no VM */
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'next':{'agent':'ann','vmId':'a'}");
    assert_reply(f, 200);
}

static void a_vm_says_how_many_claims_it_holds(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    claimed(f, "a");
    struct fixture_claim claim = claimed(f, "a");
    assert_str(fixture_member(fixture_vm_view(f, "a"), "claims"), "2");
    fixture_see(f, "a");
    assert_str(fixture_member(f->reply.body, "claimsRenewed"), "2");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    assert_str(fixture_member(fixture_vm_view(f, "a"), "claims"), "1");
}

/* --- renewed by the VM --- */

static void heartbeats_of_the_vm_renew_its_claims(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    struct tb_task before = fixture_task(f, claim.id);
    for (int i = 0; i < 20; i++) {
        fixture_advance(f, 50000);
        fixture_see(f, "a");
        fixture_run_due(f, 10);
        assert_true(holds(f, claim));
    }
    struct tb_task after = fixture_task(f, claim.id);
    assert_int_equal(after.version, before.version);
    assert_true(after.claim.expires_ms <= f->clock.now_ms + 60000);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

/* By its own length: a VM that is heard of less often than that does not keep it. */
static void a_lease_that_is_shorter_than_the_vms_silence_ends(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    fixture_advance(f, 30000);
    fixture_see(f, "a");
    fixture_advance(f, 59999);
    fixture_run_due(f, 10);
    assert_true(holds(f, claim));
    fixture_advance(f, 1);
    fixture_run_due(f, 10);
    assert_false(holds(f, claim));
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
}

static void a_command_that_comes_first_finds_the_claim_renewed(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    fixture_advance(f, 50000);
    fixture_see(f, "a");
    fixture_advance(f, 50000);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

static void a_paused_vm_keeps_its_claims(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    fixture_set_vm(f, "a", "paused");
    for (int i = 0; i < 100; i++) {
        fixture_advance(f, 3600000);
        assert_true(fixture_run_due(f, 10) == f->clock.now_ms + 60000);
        assert_true(holds(f, claim));
    }
    fixture_set_vm(f, "a", "running");
    fixture_advance(f, 60000);
    fixture_run_due(f, 10);
    assert_false(holds(f, claim));
}

/* --- lost with the VM --- */

static void a_vm_that_goes_stale_loses_its_claims_in_the_same_transaction(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_register(f, "b", 86400);
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim_on(f, id, "a", 3600);
    struct fixture_claim other = fixture_claim_on(f, fixture_task_named(f, "u"), "b", 3600);
    uint64_t seq = fixture_head(f).seq;
    fixture_advance(f, TTL_MS);
    fixture_run_due(f, 1);
    assert_string_equal(fixture_types(f, seq), "vm.stale task.expired");
    assert_str(fixture_told(f, "reason"), "\"vm_lost\"");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_absent(fixture_last_event(f).actor);
    assert_int_equal(fixture_task(f, id).attempts, 1); /* counted */
    assert_json(f, fixture_member(fixture_attempts(f, id), "attempts"),
                "[{'attempt':1,'generation':1,'agent':'ann','vmId':'a','claimedAt':'" FIXTURE_START
                "','endedAt':'2023-11-14T22:18:20.000Z','outcome':'vm_lost'}]");
    check_lost(f, claim);
    assert_true(holds(f, other));
    assert_str(fixture_member(fixture_vm_view(f, "a"), "claims"), "0");
}

static void stopping_and_deregistering_lose_them_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    uint64_t seq = fixture_head(f).seq;
    fixture_set_vm(f, "a", "stopped");
    assert_string_equal(fixture_types(f, seq), "vm.updated task.expired");
    assert_str(fixture_member(f->reply.body, "claims"), "0");
    assert_int_equal(f->reply.seq, fixture_head(f).seq);
    check_lost(f, claim);
    fixture_set_vm(f, "a", "running");
    claim = claimed(f, "a");
    seq = fixture_head(f).seq;
    fixture_deregister(f, "a");
    assert_string_equal(fixture_types(f, seq), "vm.deregistered task.expired");
    check_lost(f, claim);
}

static void a_put_as_stopped_loses_them_too(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a",
                    "{'name':'n','role':'worker','address':'a','status':'stopped'}");
    check_lost(f, claim);
}

static void the_last_attempt_that_a_vm_loses_leaves_a_dead_letter(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':1}");
    fixture_claim_on(f, id, "a", 60);
    fixture_deregister(f, "a");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_DEAD);
    assert_str(fixture_told(f, "reason"), "\"vm_lost\"");
    assert_json(f, fixture_field(f, id, "blockedReason"),
                "{'kind':'dead_letter','attempt':1,'outcome':'vm_lost','at':'" FIXTURE_START "'}");
}

static void a_claim_that_was_to_be_cancelled_is_cancelled(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    fixture_deregister(f, "a");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_CANCELLED);
    assert_str(fixture_field(f, claim.id, "outcome"), "\"cancelled\"");
}

static void what_a_vm_loses_is_told_to_the_waiting(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = claimed(f, "a");
    f->board.collects_readied = true;
    fixture_begin(f);
    fixture_deregister(f, "a");
    assert_int_equal(f->board.readied.count, 1);
    assert_id(f->board.readied.ids[0], claim.id);
    fixture_commit(f);
}

/* After a restart the VM has its whole ttl again, and so have they. */
static void a_restart_loses_no_claim(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim claim = fixture_claim_on(f, fixture_task_named(f, "t"), "a", 300);
    fixture_advance(f, 3600000);
    fixture_restart(f);
    fixture_run_due(f, 10);
    assert_true(holds(f, claim));
    fixture_see(f, "a");
    fixture_advance(f, TTL_MS - 1);
    fixture_run_due(f, 10);
    assert_true(holds(f, claim));
    fixture_advance(f, 1);
    fixture_run_due(f, 10);
    check_lost(f, claim);
}

/* --- more than one transaction ends --- */

static void make_many(struct fixture *f, const char *vm_id, unsigned count)
{
    fixture_register(f, vm_id, 300);
    for (unsigned i = 0; i < count; i += 32) {
        for (unsigned k = 0; k < 32; k++) {
            fixture_task_named(f, "t");
        }
        fixture_send(f, TB_COMMAND_CLAIM, none,
                     "{'agent':'ann','vmId':'%s','max':32,'leaseSeconds':86400}", vm_id);
        assert_reply(f, 200);
        fixture_forget(f);
    }
}

/* The batch may end so many more. */
static void begin_with(struct fixture *f, uint32_t claims)
{
    fixture_begin(f);
    f->board.vm_claims_left = claims;
}

static unsigned left(struct fixture *f)
{
    return (unsigned)fixture_head(f).claimed;
}

static void a_batch_ends_so_many_and_the_next_one_the_rest(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 64);
    fixture_advance(f, TTL_MS);
    begin_with(f, 20);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms);
    fixture_commit(f);
    assert_int_equal(left(f), 44);
    assert_verified(f);
    begin_with(f, 40);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms);
    fixture_commit(f);
    assert_int_equal(left(f), 4);
    assert_int_equal(fixture_run_due(f, 10), 0);
    assert_int_equal(left(f), 0);
    assert_int_equal(fixture_vm(f, "a").due_ms, 0);
    assert_verified(f);
}

static void claims_that_are_still_to_be_ended_hold_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct fixture_claim first = claimed(f, "a");
    struct fixture_claim second = claimed(f, "a");
    begin_with(f, 1);
    fixture_deregister(f, "a");
    fixture_hold(f, TB_COMMAND_COMPLETE, second, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'vm_lost'");
    fixture_commit(f);
    fixture_run_due(f, 10);
    check_lost(f, first);
    assert_int_equal(left(f), 0);
}

/* Whatever signs of life it gives, it is stale until the last one has ended. */
static void a_vm_is_back_behind_the_end_of_what_it_has_lost(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "free");
    make_many(f, "a", 32);
    fixture_advance(f, TTL_MS);
    begin_with(f, 10);
    fixture_run_due(f, 10);
    fixture_see(f, "a");
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "{'name':'m'}");
    assert_str(fixture_member(f->reply.body, "stale"), "true");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann','vmId':'a'}");
    assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
    fixture_commit(f);
    assert_verified(f);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_BACK);
    assert_int_equal(left(f), 0);
    assert_int_equal(fixture_head(f).running_vms, 1);
    fixture_claim_on(f, id, "a", 60);
}

static void a_stopped_vm_that_is_started_again_waits_for_it_too(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 32);
    begin_with(f, 10);
    fixture_set_vm(f, "a", "stopped");
    fixture_set_vm(f, "a", "running");
    assert_str(fixture_member(f->reply.body, "stale"), "true");
    fixture_set_vm(f, "a", "paused");
    assert_str(fixture_member(f->reply.body, "stale"), "false");
    fixture_set_vm(f, "a", "running");
    fixture_commit(f);
    assert_int_equal(fixture_head(f).running_vms, 0);
    assert_verified(f);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_BACK);
    assert_int_equal(fixture_head(f).running_vms, 1);
}

static void a_lost_vm_that_is_paused_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 32);
    begin_with(f, 10);
    fixture_set_vm(f, "a", "stopped");
    fixture_set_vm(f, "a", "paused");
    fixture_commit(f);
    assert_verified(f);
    uint64_t seq = fixture_head(f).seq;
    assert_int_equal(fixture_run_due(f, 10), 0);
    assert_int_equal(left(f), 0);
    assert_int_equal(fixture_head(f).seq, seq + 22);
    assert_int_equal(fixture_vm(f, "a").stale_ms, 0);
}

static void a_deregistered_vm_is_out_of_sight_though_it_still_loses(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 32);
    begin_with(f, 10);
    fixture_deregister(f, "a");
    fixture_commit(f);
    assert_false(fixture_has_vm(f, "a"));
    assert_str(fixture_vms(f, ""), "[]");
    assert_int_equal(fixture_head(f).vms, 0);
    fixture_send_vm(f, TB_COMMAND_VM_HEARTBEAT, "a", "{}");
    assert_refused(f, TB_E_VM_NOT_FOUND, NULL, NULL);
    fixture_run_due(f, 10);
    assert_int_equal(left(f), 0);
    struct tb_vm vm;
    assert_int_equal(tb_get_vm(fixture_read(f), TB_STR("a"), &vm), TB_E_ABSENT);
    fixture_end_read(f);
}

static void its_id_can_be_registered_again_and_runs_when_all_has_ended(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 32);
    struct tb_id number = fixture_vm(f, "a").number;
    begin_with(f, 10);
    fixture_deregister(f, "a");
    fixture_register(f, "a", 300);
    assert_str(fixture_member(f->reply.body, "stale"), "true");
    fixture_commit(f);
    assert_verified(f);
    assert_true(tb_id_cmp(fixture_vm(f, "a").number, number) > 0);
    fixture_run_due(f, 10);
    assert_int_equal(left(f), 0);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_BACK);
    assert_int_equal(fixture_head(f).vms, 1);
    assert_int_equal(fixture_head(f).running_vms, 1);
}

/* Each VM costs something, too: a batch ends fewer claims of many than of one. */
static void many_vms_with_few_claims_are_lost_little_by_little(void **state)
{
    struct fixture *f = *state;
    unsigned batches = 0;
    for (unsigned i = 0; i < 120; i++) {
        char vm_id[16];
        (void)snprintf(vm_id, sizeof(vm_id), "vm-%u", i);
        fixture_register(f, vm_id, 300);
        (void)fixture_claim_on(f, fixture_task_named(f, "t"), vm_id, 86400);
    }
    fixture_advance(f, 2 * TTL_MS); /* the guard spares them once */
    fixture_run_due(f, 1000);
    fixture_advance(f, TTL_MS);
    while (left(f) > 0) {
        unsigned before = left(f);
        fixture_run_due(f, 1000);
        assert_in_range(before - left(f), 1, 100);
        batches++;
    }
    assert_int_equal(batches, 2);
    assert_int_equal(fixture_head(f).running_vms, 0);
}

static void it_runs_at_once_when_the_batch_can_end_the_rest(void **state)
{
    struct fixture *f = *state;
    make_many(f, "a", 32);
    begin_with(f, 10);
    fixture_deregister(f, "a");
    f->board.vm_claims_left = 22;
    fixture_register(f, "a", 300);
    fixture_commit(f);
    assert_int_equal(left(f), 0);
    assert_int_equal(fixture_head(f).running_vms, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(only_a_running_vm_may_claim),
        fixture_test(a_next_for_a_vm_that_is_not_there_refuses_the_whole_request),
        fixture_test(a_vm_says_how_many_claims_it_holds),
        fixture_test(heartbeats_of_the_vm_renew_its_claims),
        fixture_test(a_lease_that_is_shorter_than_the_vms_silence_ends),
        fixture_test(a_command_that_comes_first_finds_the_claim_renewed),
        fixture_test(a_paused_vm_keeps_its_claims),
        fixture_test(a_vm_that_goes_stale_loses_its_claims_in_the_same_transaction),
        fixture_test(stopping_and_deregistering_lose_them_at_once),
        fixture_test(a_put_as_stopped_loses_them_too),
        fixture_test(the_last_attempt_that_a_vm_loses_leaves_a_dead_letter),
        fixture_test(a_claim_that_was_to_be_cancelled_is_cancelled),
        fixture_test(what_a_vm_loses_is_told_to_the_waiting),
        fixture_test(a_restart_loses_no_claim),
        fixture_test(a_batch_ends_so_many_and_the_next_one_the_rest),
        fixture_test(claims_that_are_still_to_be_ended_hold_nothing),
        fixture_test(a_vm_is_back_behind_the_end_of_what_it_has_lost),
        fixture_test(a_stopped_vm_that_is_started_again_waits_for_it_too),
        fixture_test(a_lost_vm_that_is_paused_keeps_nothing),
        fixture_test(a_deregistered_vm_is_out_of_sight_though_it_still_loses),
        fixture_test(its_id_can_be_registered_again_and_runs_when_all_has_ended),
        fixture_test(many_vms_with_few_claims_are_lost_little_by_little),
        fixture_test(it_runs_at_once_when_the_batch_can_end_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The registry: register, put, patch, delete, heartbeat. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static void register_vm(struct fixture *f, const char *members)
{
    fixture_send_vm(f, TB_COMMAND_VM_REGISTER, NULL, "{%s}", members);
}

#define LATER "2023-11-14T22:13:21.000Z"

/* --- register --- */

static void a_registered_vm_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    register_vm(f, "'id':' vm-1 ','name':' one ','role':'lieutenant','address':' 10.0.0.1 ',"
                   "'registeredBy':' boss ','services':[{'name':'rpc','port':3001,'x':[1.50]}],"
                   "'metadata':{'a':null},'ttlSeconds':60");
    assert_reply(f, 201);
    assert_json(f, f->reply.body,
                "{'id':'vm-1','name':'one','role':'lieutenant','status':'running',"
                "'address':'10.0.0.1','services':[{'name':'rpc','port':3001,'x':[1.50]}],"
                "'metadata':{'a':null},'registeredBy':'boss','registeredAt':'" FIXTURE_START
                "','ttlSeconds':60,'lastSeen':'" FIXTURE_START "','stale':false,'claims':0}");
    assert_str_eq(fixture_vm_view(f, "vm-1"), f->reply.body);
    struct tb_head head = fixture_head(f);
    assert_int_equal(head.vms, 1);
    assert_int_equal(head.running_vms, 1);
    assert_int_equal(f->reply.seq, 1);
    assert_int_equal(fixture_vm(f, "vm-1").due_ms, FIXTURE_START_MS + 60000);
}

static void the_log_tells_of_a_vm(void **state)
{
    struct fixture *f = *state;
    f->actor = TB_STR("the token");
    fixture_register(f, "vm\\u0022", 300);
    struct tb_event event = fixture_last_event(f);
    assert_int_equal(event.type, TB_EVENT_VM_REGISTERED);
    assert_str(event.vm_id, "vm\\\"");
    assert_str(event.actor, "the token");
    assert_true(tb_id_is_zero(event.task_id));
    assert_str(fixture_member(event.wire, "topic"), "\"registry\"");
    assert_str(fixture_member(event.wire, "vmId"), "\"vm\\\"\"");
    assert_json(f, event.data,
                "{'vm':{'id':'vm\\'','name':'n','role':'worker','status':'running',"
                "'address':'a','registeredBy':'unknown','registeredAt':'" FIXTURE_START
                "','ttlSeconds':300}}");
}

static void who_registers_is_the_tokens_agent_or_nobody_knows(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    assert_str(fixture_vm(f, "a").registered_by, "unknown");
    f->actor = TB_STR("the name of a token");
    fixture_register(f, "b", 300);
    assert_str(fixture_vm(f, "b").registered_by, "unknown");
    f->speaker.agent = TB_STR("ann");
    fixture_register(f, "c", 300);
    assert_str(fixture_vm(f, "c").registered_by, "ann");
}

static void an_id_is_registered_once(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head before = fixture_head(f);
    register_vm(f, "'id':'a','name':'n','role':'infra','address':'x'");
    assert_refused(f, TB_E_VM_EXISTS, NULL, NULL);
    assert_string_equal(tb_err_text(TB_E_VM_EXISTS), "VM already registered");
    struct tb_head after = fixture_head(f);
    assert_memory_equal(&before, &after, sizeof(after));
    fixture_deregister(f, "a");
    fixture_register(f, "a", 300);
}

static void a_vm_that_does_not_run_is_no_running_vm(void **state)
{
    struct fixture *f = *state;
    register_vm(f, "'id':'a','name':'n','role':'golden','address':'x','status':'stopped'");
    register_vm(f, "'id':'b','name':'n','role':'golden','address':'x','status':'paused'");
    assert_reply(f, 201);
    assert_int_equal(fixture_head(f).vms, 2);
    assert_int_equal(fixture_head(f).running_vms, 0);
    assert_int_equal(fixture_vm(f, "b").due_ms, 0);
    assert_true(fixture_run_due(f, 10) == 0);
}

static void the_registry_takes_so_many_vms(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    tb_txn_head(f->txn)->vms = TB_VMS_MAX;
    register_vm(f, "'id':'a','name':'n','role':'infra','address':'x'");
    assert_refused(f, TB_E_LIMIT_REACHED, "The registry takes no more VMs", NULL);
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "b", "{'name':'n','role':'infra','address':'x'}");
    assert_refused(f, TB_E_LIMIT_REACHED, "The registry takes no more VMs", NULL);
    fixture_abort(f);
}

/* --- put --- */

static void a_put_registers_or_replaces(void **state)
{
    struct fixture *f = *state;
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a",
                    "{'id':'a','name':'n','role':'infra','address':'x','registeredBy':'ann',"
                    "'metadata':{'k':1},'ttlSeconds':60}");
    assert_reply(f, 201);
    assert_str(fixture_member(f->reply.body, "id"), "\"a\"");
    struct tb_vm before = fixture_vm(f, "a");
    fixture_advance(f, 1000);
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a", "{'name':'m','role':'worker','address':'y'}");
    assert_reply(f, 200);
    assert_json(f, f->reply.body,
                "{'id':'a','name':'m','role':'worker','status':'running','address':'y',"
                "'registeredBy':'ann','registeredAt':'" FIXTURE_START
                "','ttlSeconds':300,'lastSeen':'" LATER "','stale':false,'claims':0}");
    assert_id(fixture_vm(f, "a").number, before.number);
    assert_string_equal(fixture_types(f, 0), "vm.registered vm.updated");
    assert_int_equal(fixture_head(f).vms, 1);
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a",
                    "{'name':'m','role':'worker','address':'y','registeredBy':'bob'}");
    assert_str(fixture_vm(f, "a").registered_by, "bob");
}

static void a_shorter_ttl_counts_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "{'ttlSeconds':10}");
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 10000);
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "{'ttlSeconds':null}");
    assert_int_equal(fixture_vm(f, "a").ttl_ms, TB_TTL_MS_DEFAULT);
    fixture_advance(f, 10000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + TB_TTL_MS_DEFAULT);
}

/* --- patch --- */

static void a_patch_changes_what_it_names(void **state)
{
    struct fixture *f = *state;
    register_vm(f, "'id':'a','name':'n','role':'infra','address':'x','services':[],'metadata':{}");
    fixture_advance(f, 1000);
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a",
                    "{'name':' m ','address':' y ','services':null,'metadata':{'b':2},"
                    "'role':'worker','id':'z'}");
    assert_reply(f, 200);
    assert_str(f->ignored, "role, id");
    assert_json(f, f->reply.body,
                "{'id':'a','name':'m','role':'infra','status':'running','address':'y',"
                "'metadata':{'b':2},'registeredBy':'unknown','registeredAt':'" FIXTURE_START
                "','ttlSeconds':300,'lastSeen':'" LATER "','stale':false,'claims':0}");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "{'metadata':null}");
    assert_absent(fixture_vm(f, "a").metadata);
}

/* Clients that say again and again that they run. */
static void a_patch_that_changes_nothing_is_a_heartbeat(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head before = fixture_head(f);
    fixture_advance(f, 1000);
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "a", "{'name':'n','status':'running'}");
    assert_reply(f, 200);
    assert_str(fixture_member(f->reply.body, "lastSeen"), "\"" LATER "\"");
    assert_int_equal(f->reply.seq, 0);
    assert_int_equal(fixture_head(f).changes, before.changes);
}

static void pausing_and_stopping_count_the_running(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    static const struct {
        const char *status;
        unsigned running;
        int64_t due_ms;
    } rows[] = {{"paused", 0, 0},  {"running", 1, FIXTURE_START_MS + 300000},
                {"stopped", 0, 0}, {"paused", 0, 0},
                {"stopped", 0, 0}, {"running", 1, FIXTURE_START_MS + 300000}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_set_vm(f, "a", rows[i].status);
        assert_int_equal(fixture_head(f).running_vms, rows[i].running);
        assert_int_equal(fixture_vm(f, "a").due_ms, rows[i].due_ms);
        assert_int_equal(fixture_last_event(f).type, TB_EVENT_VM_UPDATED);
        assert_verified(f);
    }
}

/* --- delete, and what is not there --- */

static void a_deregistered_vm_is_gone(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    f->actor = TB_STR("lead");
    fixture_deregister(f, "a");
    assert_str(f->reply.body, "{\"deleted\":true}");
    assert_int_equal(f->reply.seq, 2);
    assert_false(fixture_has_vm(f, "a"));
    assert_int_equal(fixture_head(f).vms, 0);
    assert_int_equal(fixture_head(f).running_vms, 0);
    struct tb_event event = fixture_last_event(f);
    assert_int_equal(event.type, TB_EVENT_VM_DEREGISTERED);
    assert_str(event.actor, "lead");
    assert_str(fixture_member(fixture_member(event.data, "vm"), "registeredAt"),
               "\"" FIXTURE_START "\"");
    assert_true(fixture_run_due(f, 10) == 0);
}

static void what_is_not_registered_is_not_found(void **state)
{
    struct fixture *f = *state;
    static const enum tb_command_kind kinds[] = {TB_COMMAND_VM_PATCH, TB_COMMAND_VM_DELETE,
                                                 TB_COMMAND_VM_HEARTBEAT};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fixture_send_vm(f, kinds[i], "nobody", "{}");
        assert_refused(f, TB_E_VM_NOT_FOUND, NULL, NULL);
    }
    assert_string_equal(tb_err_text(TB_E_VM_NOT_FOUND), "VM not found");
    assert_int_equal(fixture_head(f).seq, 0);
}

/* --- heartbeat --- */

static void a_heartbeat_is_neither_a_change_nor_an_event(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head before = fixture_head(f);
    fixture_advance(f, 1000);
    fixture_begin(f);
    assert_false(f->board.saw_vms);
    fixture_see(f, "a");
    assert_true(f->board.saw_vms); /* so that it is committed */
    fixture_commit(f);
    assert_json(f, f->reply.body, "{'id':'a','lastSeen':'" LATER "','claimsRenewed':0}");
    assert_int_equal(f->reply.seq, 0);
    struct tb_head after = fixture_head(f);
    assert_int_equal(after.seq, before.seq);
    assert_int_equal(after.changes, before.changes);
    assert_int_equal(after.vm_changes, before.vm_changes);
    assert_int_equal(after.last_ms, f->clock.now_ms); /* time does not go behind it */
    assert_int_equal(fixture_vm(f, "a").seen_ms, f->clock.now_ms);
}

static void a_heartbeat_of_a_stopped_vm_only_says_when_it_was_seen(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    fixture_set_vm(f, "a", "stopped");
    fixture_advance(f, 1000);
    fixture_see(f, "a");
    assert_str(fixture_member(fixture_vm_view(f, "a"), "status"), "\"stopped\"");
    assert_str(fixture_member(fixture_vm_view(f, "a"), "lastSeen"), "\"" LATER "\"");
}

static void a_registration_with_a_key_is_answered_again(void **state)
{
    struct fixture *f = *state;
    f->idempotency_key = "k";
    fixture_register(f, "a", 300);
    fixture_register(f, "a", 300);
    assert_true(f->reply.replayed);
    assert_int_equal(fixture_head(f).vms, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_registered_vm_is_answered_whole),
        fixture_test(the_log_tells_of_a_vm),
        fixture_test(who_registers_is_the_tokens_agent_or_nobody_knows),
        fixture_test(an_id_is_registered_once),
        fixture_test(a_vm_that_does_not_run_is_no_running_vm),
        fixture_test(the_registry_takes_so_many_vms),
        fixture_test(a_put_registers_or_replaces),
        fixture_test(a_shorter_ttl_counts_at_once),
        fixture_test(a_patch_changes_what_it_names),
        fixture_test(a_patch_that_changes_nothing_is_a_heartbeat),
        fixture_test(pausing_and_stopping_count_the_running),
        fixture_test(a_deregistered_vm_is_gone),
        fixture_test(what_is_not_registered_is_not_found),
        fixture_test(a_heartbeat_is_neither_a_change_nor_an_event),
        fixture_test(a_heartbeat_of_a_stopped_vm_only_says_when_it_was_seen),
        fixture_test(a_registration_with_a_key_is_answered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists of VMs, and who of them is stale. */
#include "fixture/fixture.h"

#include "board/query.h"

static void add(struct fixture *f, const char *id, const char *role, const char *more)
{
    fixture_send_vm(f, TB_COMMAND_VM_REGISTER, NULL,
                    "{'id':'%s','name':'n','role':'%s','address':'x'%s}", id, role, more);
    assert_reply(f, 201);
}

static void make_fleet(struct fixture *f)
{
    add(f, "a", "infra", ",'services':[{'name':'rpc','port':1},{'name':'web','port':2}]");
    add(f, "b", "worker", ",'services':[{'port':1,'name':'web','x':[{'name':'rpc'}]}]");
    fixture_advance(f, 1000);
    add(f, "c", "worker", ",'status':'paused'");
    add(f, "d", "worker", ",'ttlSeconds':60,'services':[]");
    add(f, "e", "golden", ",'status':'stopped'");
}

#define assert_vms(f, query, wanted)                                                               \
    assert_string_equal(fixture_vm_ids((f), fixture_vms((f), (query))), (wanted))
#define assert_discovered(f, role, query, wanted)                                                  \
    assert_string_equal(fixture_vm_ids((f), fixture_discover((f), (role), (query))), (wanted))

static void the_latest_registration_comes_first(void **state)
{
    struct fixture *f = *state;
    assert_vms(f, "", "");
    make_fleet(f);
    assert_vms(f, "", "e d c b a");
    fixture_send_vm(f, TB_COMMAND_VM_PUT, "a", "{'name':'z','role':'infra','address':'y'}");
    assert_vms(f, "", "e d c b a"); /* it keeps its place */
    fixture_deregister(f, "c");
    fixture_register(f, "c", 300);
    assert_vms(f, "", "c e d b a");
}

static void filters_narrow_the_list(void **state)
{
    struct fixture *f = *state;
    make_fleet(f);
    assert_vms(f, "role=worker", "d c b");
    assert_vms(f, "status=running", "d b a");
    assert_vms(f, "status=paused", "c");
    assert_vms(f, "status=stopped&role=golden", "e");
    assert_vms(f, "service=web", "b a");
    assert_vms(f, "service=rpc", "a");
    assert_vms(f, "service=rp", "");
    assert_vms(f, "service=web&service=rpc", "a");
    assert_vms(f, "service=rpc&service=none", "");
    assert_vms(f, "role=boss", "");
    assert_vms(f, "status=ill", "");
}

static void only_running_asked_for_leaves_out_the_stale(void **state)
{
    struct fixture *f = *state;
    make_fleet(f);
    fixture_advance(f, 60000);
    assert_vms(f, "status=running", "b a");
    assert_vms(f, "", "e d c b a");
    fixture_run_due(f, 10);
    assert_vms(f, "status=running", "b a");
    fixture_see(f, "d");
    assert_vms(f, "status=running", "d b a");
}

static void who_is_discovered_runs_and_the_earliest_comes_first(void **state)
{
    struct fixture *f = *state;
    make_fleet(f);
    assert_discovered(f, "worker", "", "b d");
    assert_discovered(f, "infra", "", "a");
    assert_discovered(f, "golden", "", "");
    assert_discovered(f, "boss", "", "");
    assert_discovered(f, "worker", "service=web", "b");
    fixture_advance(f, 60000);
    assert_discovered(f, "worker", "", "b");
}

static void an_answer_says_how_many(void **state)
{
    struct fixture *f = *state;
    const struct tb_vms_request all = {.role = -1, .status = -1};
    const struct tb_vms_request nothing = {.nothing = true};
    struct tb_buf out;
    fixture_register(f, "a", 300);
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_read_vms(fixture_read(f), &all, f->clock.now_ms, &out), TB_OK);
    assert_str(fixture_member(tb_buf_str(&out), "count"), "1");
    out.len = 0;
    assert_int_equal(tb_read_vms(fixture_read(f), &nothing, f->clock.now_ms, &out), TB_OK);
    assert_str(tb_buf_str(&out), "{\"vms\":[],\"count\":0}");
    fixture_end_read(f);
}

/* Many with much metadata. */
static void a_list_that_is_too_large_is_cut(void **state)
{
    struct fixture *f = *state;
    const struct tb_vms_request all = {.role = -1, .status = -1};
    struct tb_str large =
        fixture_json(f, "{'metadata':{'a':'%s'}}", fixture_repeat(f->arena, "x", 60000));
    for (unsigned i = 0; i < 1200; i++) {
        fixture_send_vm(f, TB_COMMAND_VM_REGISTER, NULL,
                        "{'id':'v%u','name':'n','role':'infra','address':'x'}", i);
        f->vm_id = tb_arena_printf(f->arena, "v%u", i);
        fixture_send_body(f, TB_COMMAND_VM_PATCH, (struct tb_id){{0}}, large);
        assert_reply(f, 200);
    }
    f->vm_id = TB_STR_NONE;
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1 << 20);
    assert_int_equal(tb_read_vms(fixture_read(f), &all, f->clock.now_ms, &out), TB_OK);
    fixture_end_read(f);
    assert_in_range(out.len, 64 << 20, (64 << 20) + 100000);
    static const char end[] = ",\"truncated\":true}";
    assert_memory_equal(out.ptr + out.len - sizeof(end) + 1, end, sizeof(end) - 1);
}

static void why_names_what_is_wrong_with_the_vm(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_json(f, fixture_why_on(f, id, "a"),
                "{'claimable':false,'reasons':[{'code':'unknown_vm','vmId':'a'}]}");
    fixture_register(f, "a", 300);
    assert_json(f, fixture_why_on(f, id, "a"), "{'claimable':true,'reasons':[],'position':1}");
    fixture_set_vm(f, "a", "paused");
    assert_json(f, fixture_why_on(f, id, "a"),
                "{'claimable':false,'reasons':[{'code':'vm_not_running','vmId':'a',"
                "'status':'paused','stale':false}]}");
    fixture_set_vm(f, "a", "running");
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    assert_json(f, fixture_why_on(f, id, "a"),
                "{'claimable':false,'reasons':[{'code':'vm_not_running','vmId':'a',"
                "'status':'running','stale':true}]}");
    fixture_finish(f, id);
    assert_json(f, fixture_why_on(f, id, "nobody"),
                "{'claimable':false,'reasons':[{'code':'done','outcome':'success'}]}");
}

/* After a restart claims are handed out to a VM that is shown stale, as long as its new ttl lasts;
 * to one that was spared they are not. */
static void why_says_what_a_claim_would_be_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_register(f, "a", 300);
    fixture_register(f, "b", 300);
    fixture_register(f, "c", 300);
    fixture_advance(f, 300000);
    fixture_restart(f);
    fixture_run_due(f, 10);
    assert_vms(f, "status=running", "");
    assert_json(f, fixture_why_on(f, id, "a"), "{'claimable':true,'reasons':[],'position':1}");
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_EXPIRY_HELD);
    assert_json(f, fixture_why_on(f, id, "a"),
                "{'claimable':false,'reasons':[{'code':'vm_not_running','vmId':'a',"
                "'status':'running','stale':true}]}");
    fixture_send(f, TB_COMMAND_CLAIM, (struct tb_id){{0}}, "{'agent':'ann','vmId':'a'}");
    assert_refused(f, TB_E_UNKNOWN_VM, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_latest_registration_comes_first),
        fixture_test(filters_narrow_the_list),
        fixture_test(only_running_asked_for_leaves_out_the_stale),
        fixture_test(who_is_discovered_runs_and_the_earliest_comes_first),
        fixture_test(an_answer_says_how_many),
        fixture_large_test(a_list_that_is_too_large_is_cut),
        fixture_test(why_names_what_is_wrong_with_the_vm),
        fixture_test(why_says_what_a_claim_would_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

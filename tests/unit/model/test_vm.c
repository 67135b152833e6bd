#include "unit/base/check.h"

#include "taskboard/vm.h"

#define AT_MS INT64_C(1700000000000)

static struct tb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

static struct tb_vm plain_vm(void)
{
    return (struct tb_vm){
        .registered_ms = AT_MS,
        .seen_ms = AT_MS + 1500,
        .ttl_ms = 300000,
        .role = TB_VM_WORKER,
        .status = TB_VM_RUNNING,
        .id = TB_STR("vm-1"),
        .name = TB_STR("the \\\"first\\\""),
        .address = TB_STR("vm-1.example"),
        .registered_by = TB_STR("lead"),
    };
}

static struct tb_str view(const struct tb_vm *vm, bool stale, uint64_t claims)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 16);
    tb_vm_write(vm, stale, claims, &out);
    return tb_buf_str(&out);
}

#define FIRST_HALF                                                                                 \
    "{\"id\":\"vm-1\",\"name\":\"the \\\"first\\\"\",\"role\":\"worker\",\"status\":\"running\","  \
    "\"address\":\"vm-1.example\","
#define SECOND_HALF                                                                                \
    "\"registeredBy\":\"lead\",\"registeredAt\":\"2023-11-14T22:13:20.000Z\",\"ttlSeconds\":300"

static void a_vm_renders_what_it_was_registered_with(void **state)
{
    (void)state;
    struct tb_vm vm = plain_vm();
    tb_vm_render(&vm, arena);
    assert_str(vm.wire, FIRST_HALF SECOND_HALF);
    vm = plain_vm();
    vm.services = TB_STR("[{\"name\":\"ssh\",\"port\":22}]");
    vm.metadata = TB_STR("{\"a\":{}}");
    tb_vm_render(&vm, arena);
    assert_str(vm.wire,
               FIRST_HALF "\"services\":[{\"name\":\"ssh\",\"port\":22}],\"metadata\":{\"a\":{}}"
                          "," SECOND_HALF);
}

static void what_changes_all_the_time_comes_behind_it(void **state)
{
    (void)state;
    struct tb_vm vm = plain_vm();
    tb_vm_render(&vm, arena);
    assert_str(view(&vm, false, 0),
               FIRST_HALF SECOND_HALF ",\"lastSeen\":\"2023-11-14T22:13:21.500Z\",\"stale\":false,"
                                      "\"claims\":0}");
    assert_str(view(&vm, true, 12),
               FIRST_HALF SECOND_HALF ",\"lastSeen\":\"2023-11-14T22:13:21.500Z\",\"stale\":true,"
                                      "\"claims\":12}");
}

static void strings_point_into_the_rendered_vm(void **state)
{
    (void)state;
    struct tb_vm before = plain_vm();
    before.services = TB_STR("[]");
    before.metadata = TB_STR("{}");
    struct tb_vm vm = before;
    tb_vm_render(&vm, arena);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
            assert_true(tb_str_eq(vm.strings[i], before.strings[i]));
            assert_true(vm.strings[i].ptr >= vm.wire.ptr);
            assert_true(vm.strings[i].ptr + vm.strings[i].len <= vm.wire.ptr + vm.wire.len);
        }
        struct tb_str wire = vm.wire;
        tb_vm_render(&vm, arena); /* from its own strings */
        assert_true(tb_str_eq(vm.wire, wire));
        assert_ptr_not_equal(vm.wire.ptr, wire.ptr);
    }
}

static void absent_strings_stay_absent(void **state)
{
    (void)state;
    struct tb_vm vm = plain_vm();
    vm.address = TB_STR("");
    tb_vm_render(&vm, arena);
    assert_absent(vm.services);
    assert_absent(vm.metadata);
    assert_str(vm.address, "");
    assert_non_null(memmem(vm.wire.ptr, vm.wire.len, "\"address\":\"\"", 12));
}

static void a_vm_of_the_greatest_size_fits(void **state)
{
    (void)state;
    struct tb_vm vm = plain_vm();
    size_t len = 100000;
    char *fill = tb_arena_alloc(arena, len);
    memset(fill, 'x', len);
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        vm.strings[i] = tb_str_from(fill, len);
    }
    vm.registered_ms = INT64_C(253402300799999);
    vm.ttl_ms = INT64_MAX;
    vm.role = TB_VM_LIEUTENANT;
    tb_vm_render(&vm, arena);
    assert_in_range(vm.wire.len, TB_VM_STRING_COUNT * len, TB_VM_STRING_COUNT * len + 300);
}

static void names_of_roles_are_known_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = {"infra", "lieutenant", "worker", "golden", "custom"};
    for (int i = 0; i < TB_VM_ROLE_COUNT; i++) {
        enum tb_vm_role role = TB_VM_ROLE_COUNT;
        assert_string_equal(tb_vm_role_name((enum tb_vm_role)i), names[i]);
        assert_true(tb_vm_role_parse(tb_str_c(names[i]), &role));
        assert_int_equal(role, i);
    }
    enum tb_vm_role role = TB_VM_GOLDEN;
    assert_false(tb_vm_role_parse(TB_STR("Worker"), &role));
    assert_false(tb_vm_role_parse(TB_STR(""), &role));
    assert_false(tb_vm_role_parse(TB_STR_NONE, &role));
    assert_int_equal(role, TB_VM_GOLDEN);
}

static void names_of_statuses_are_known_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = {"running", "paused", "stopped"};
    for (int i = 0; i < TB_VM_STATUS_COUNT; i++) {
        enum tb_vm_status status = TB_VM_STATUS_COUNT;
        assert_string_equal(tb_vm_status_name((enum tb_vm_status)i), names[i]);
        assert_true(tb_vm_status_parse(tb_str_c(names[i]), &status));
        assert_int_equal(status, i);
    }
    enum tb_vm_status status = TB_VM_PAUSED;
    assert_false(tb_vm_status_parse(TB_STR("stale"), &status));
    assert_false(tb_vm_status_parse(TB_STR("runnin"), &status));
    assert_int_equal(status, TB_VM_PAUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_renders_what_it_was_registered_with),
        cmocka_unit_test(what_changes_all_the_time_comes_behind_it),
        cmocka_unit_test(strings_point_into_the_rendered_vm),
        cmocka_unit_test(absent_strings_stay_absent),
        cmocka_unit_test(a_vm_of_the_greatest_size_fits),
        cmocka_unit_test(names_of_roles_are_known_both_ways),
        cmocka_unit_test(names_of_statuses_are_known_both_ways),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

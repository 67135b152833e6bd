#include "unit/base/check.h"

#include "taskboard/credential.h"

static void roles_have_names_and_the_open_one_has_none(void **state)
{
    (void)state;
    enum tb_role role = TB_ROLE_OPEN;
    for (enum tb_role one = TB_ROLE_VIEWER; one < TB_ROLE_COUNT; one++) {
        assert_true(tb_role_parse(tb_str_c(tb_role_name(one)), &role));
        assert_int_equal(role, one);
    }
    assert_int_equal(role, TB_ROLE_ADMIN);
    assert_false(tb_role_parse(TB_STR("open"), &role));
    assert_false(tb_role_parse(TB_STR("Admin"), &role));
    assert_false(tb_role_parse(TB_STR(""), &role));
    assert_int_equal(role, TB_ROLE_ADMIN);
}

static void a_credential_is_shown_without_what_is_secret(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_credential credential = {
        .kind = TB_CREDENTIAL_TOKEN,
        .role = TB_ROLE_WORKER,
        .created_ms = INT64_C(1700000000000),
        .digest = {1},
        .name = TB_STR("build \\\"farm\\\""),
    };
    tb_credential_render(&credential, arena);
    assert_str(credential.wire, "{\"id\":\"00000000000000000000000000\",\"name\":\"build "
                                "\\\"farm\\\"\",\"role\":\"worker\",\"createdAt\":\"2023-11-14T22:"
                                "13:20.000Z\"}");
    credential.agent = TB_STR("ann");
    credential.expires_ms = INT64_C(1700000001000);
    tb_credential_render(&credential, arena);
    assert_str(credential.wire, "{\"id\":\"00000000000000000000000000\",\"name\":\"build "
                                "\\\"farm\\\"\",\"role\":\"worker\",\"agent\":\"ann\","
                                "\"createdAt\":\"2023-11-14T22:13:20.000Z\","
                                "\"expiresAt\":\"2023-11-14T22:13:21.000Z\"}");
    assert_str(credential.agent, "ann");
    tb_arena_free(arena);
}

static void a_credential_is_over_at_its_instant_and_not_before(void **state)
{
    (void)state;
    struct tb_credential credential = {.expires_ms = 10};
    assert_false(tb_credential_is_over(&credential, 9));
    assert_true(tb_credential_is_over(&credential, 10));
    credential.expires_ms = 0;
    assert_false(tb_credential_is_over(&credential, INT64_MAX));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names_and_the_open_one_has_none),
        cmocka_unit_test(a_credential_is_shown_without_what_is_secret),
        cmocka_unit_test(a_credential_is_over_at_its_instant_and_not_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

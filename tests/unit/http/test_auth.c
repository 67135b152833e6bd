#include "unit/base/check.h"

#include "http/auth.h"

static void auth_lets_the_token_in_as_admin(void **state)
{
    (void)state;
    struct tb_auth auth;
    struct tb_identity identity;
    tb_auth_init(&auth, TB_STR("a secret"));
    assert_int_equal(tb_auth_check(&auth, TB_STR("Bearer a secret"), &identity), TB_OK);
    assert_int_equal(identity.role, TB_ROLE_ADMIN);
    assert_str(identity.name, "admin");
    tb_auth_fini(&auth);
}

static void auth_tells_a_missing_token_from_a_wrong_one(void **state)
{
    (void)state;
    static const struct tb_str wrong[] = {
        TB_STR("Bearer a secre"), TB_STR("Bearer a secretx"), TB_STR("Bearer A secret"),
        TB_STR("a secret"),       TB_STR("Basic a secret"),   TB_STR("Bearer "),
    };
    struct tb_auth auth;
    struct tb_identity identity;
    tb_auth_init(&auth, TB_STR("a secret"));
    assert_int_equal(tb_auth_check(&auth, TB_STR_NONE, &identity), TB_E_MISSING_TOKEN);
    assert_int_equal(tb_auth_check(&auth, TB_STR(""), &identity), TB_E_MISSING_TOKEN);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(tb_auth_check(&auth, wrong[i], &identity), TB_E_INVALID_TOKEN);
    }
    tb_auth_fini(&auth);
}

static void auth_takes_tokens_of_any_length_up_to_its_limit(void **state)
{
    (void)state;
    static char bytes[7 + TB_TOKEN_BYTES_MAX + 1];
    struct tb_auth auth;
    struct tb_identity identity;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "Bearer ", 7);
    for (size_t len = 1; len <= TB_TOKEN_BYTES_MAX; len = len * 2) {
        tb_auth_init(&auth, tb_str_from(bytes + 7, len));
        assert_int_equal(tb_auth_check(&auth, tb_str_from(bytes, 7 + len), &identity), TB_OK);
        assert_int_equal(tb_auth_check(&auth, tb_str_from(bytes, 7 + len + 1), &identity),
                         TB_E_INVALID_TOKEN);
    }
    tb_auth_fini(&auth);
}

static void auth_that_is_open_asks_nobody(void **state)
{
    (void)state;
    struct tb_auth auth;
    struct tb_identity identity;
    tb_auth_init(&auth, TB_STR_NONE);
    assert_int_equal(tb_auth_check(&auth, TB_STR_NONE, &identity), TB_OK);
    assert_int_equal(identity.role, TB_ROLE_ADMIN);
    assert_int_equal(tb_auth_check(&auth, TB_STR("Bearer whatever"), &identity), TB_OK);
    assert_str(identity.name, "anonymous");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_lets_the_token_in_as_admin),
        cmocka_unit_test(auth_tells_a_missing_token_from_a_wrong_one),
        cmocka_unit_test(auth_takes_tokens_of_any_length_up_to_its_limit),
        cmocka_unit_test(auth_that_is_open_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

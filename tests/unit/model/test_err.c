#include "unit/base/check.h"

#include "taskboard/err.h"

/* Codes of the contract: the last section of docs/PROTOCOL.md. */
static void every_error_has_a_code_a_status_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned err = TB_OK + 1; err < TB_ERR_COUNT; err++) {
        const char *code = tb_err_code((enum tb_err)err);
        assert_true(strlen(code) > 0);
        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
        assert_in_range(tb_err_status((enum tb_err)err), 400, 507);
        assert_true(strlen(tb_err_text((enum tb_err)err)) > 0);
    }
}

static void codes_are_different_except_for_the_two_kinds_of_unauthorized(void **state)
{
    (void)state;
    for (unsigned a = TB_OK + 1; a < TB_ERR_COUNT; a++) {
        for (unsigned b = a + 1; b < TB_ERR_COUNT; b++) {
            bool same = strcmp(tb_err_code((enum tb_err)a), tb_err_code((enum tb_err)b)) == 0;
            bool may_be = a == TB_E_MISSING_TOKEN && b == TB_E_INVALID_TOKEN;
            assert_int_equal(same, may_be);
        }
    }
}

static void statuses_are_those_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        enum tb_err err;
        int status;
    } rows[] = {
        {TB_OK, 200},
        {TB_E_INVALID_JSON, 400},
        {TB_E_UNKNOWN_PARENT, 400},
        {TB_E_MISSING_TOKEN, 401},
        {TB_E_FORBIDDEN, 403},
        {TB_E_TASK_NOT_FOUND, 404},
        {TB_E_METHOD_NOT_ALLOWED, 405},
        {TB_E_ATTEMPT_NOT_FOUND, 404},
        {TB_E_DEPENDENCY_CYCLE, 409},
        {TB_E_UNIQUE_KEY_TAKEN, 409},
        {TB_E_ALREADY_CLAIMED, 409},
        {TB_E_NOT_READY, 409},
        {TB_E_PAUSED, 409},
        {TB_E_ASSIGNED_ELSEWHERE, 409},
        {TB_E_CLAIM_LOST, 409},
        {TB_E_ALREADY_DONE, 409},
        {TB_E_NOT_RETRYABLE, 409},
        {TB_E_NO_RESULT, 409},
        {TB_E_LIMIT_REACHED, 409},
        {TB_E_VERSION_MISMATCH, 412},
        {TB_E_BODY_TOO_LARGE, 413},
        {TB_E_IDEMPOTENCY_KEY_REUSED, 422},
        {TB_E_CLAIM_TOKEN_REQUIRED, 428},
        {TB_E_TOO_MANY_FAILED_LOGINS, 429},
        {TB_E_TOO_MANY_LOGINS, 429},
        {TB_E_INTERNAL, 500},
        {TB_E_STORAGE_CORRUPT, 500},
        {TB_E_OVERLOADED, 503},
        {TB_E_TOO_MANY_ANSWERS, 503},
        {TB_E_DRAINING, 503},
        {TB_E_STORAGE_DOWN, 503},
        {TB_E_STORAGE_FAILED, 503},
        {TB_E_STORAGE_FULL, 507},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(tb_err_status(rows[i].err), rows[i].status);
    }
}

static void the_legacy_sentences_are_kept_to_the_letter(void **state)
{
    (void)state;
    assert_string_equal(tb_err_text(TB_E_TASK_NOT_FOUND), "task not found");
    assert_string_equal(tb_err_text(TB_E_MISSING_TOKEN),
                        "Unauthorized — missing Authorization header");
    assert_string_equal(tb_err_text(TB_E_INVALID_TOKEN), "Unauthorized — invalid token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_code_a_status_and_a_sentence),
        cmocka_unit_test(codes_are_different_except_for_the_two_kinds_of_unauthorized),
        cmocka_unit_test(statuses_are_those_of_the_contract),
        cmocka_unit_test(the_legacy_sentences_are_kept_to_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

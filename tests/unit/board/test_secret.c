/* What a client shows, and what is kept of it. */
#include "unit/base/check.h"

#include "board/secret.h"

static const uint8_t key[TB_CLAIM_KEY_BYTES] = {1, 2, 3};
static const uint8_t secret[TB_SECRET_BYTES] = {0xFF, 0xEF, 0xBE, 4};
static const struct tb_id id = {{0x01, 0x8B, 0xCF, 0xE5, 0x68, 0, 7}};

static void what_is_shown_says_which_record_it_is_of(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"tb_", "tl_", "ts_"};
    for (enum tb_credential_kind kind = 0; kind < TB_CREDENTIAL_KIND_COUNT; kind++) {
        char shown[TB_SHOWN_LEN + 1];
        enum tb_credential_kind found_kind = TB_CREDENTIAL_KIND_COUNT;
        struct tb_id found = {{0}};
        tb_secret_show(kind, id, secret, shown);
        assert_int_equal(strlen(shown), TB_SHOWN_LEN);
        assert_memory_equal(shown, prefixes[kind], 3);
        assert_string_equal(shown + 3 + TB_ULID_LEN,
                            "__---BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_true(tb_secret_parse(tb_str_c(shown), &found_kind, &found));
        assert_int_equal(found_kind, kind);
        assert_memory_equal(found.bytes, id.bytes, sizeof(id.bytes));
    }
}

static void what_has_another_form_is_of_none(void **state)
{
    (void)state;
    char shown[TB_SHOWN_LEN + 2] = {0};
    enum tb_credential_kind kind = TB_CREDENTIAL_KIND_COUNT;
    struct tb_id found;
    tb_secret_show(TB_CREDENTIAL_TOKEN, id, secret, shown);
    assert_false(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN - 1), &kind, &found));
    assert_false(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN + 1), &kind, &found));
    assert_false(tb_secret_parse(TB_STR(""), &kind, &found));
    shown[1] = 'x';
    assert_false(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN), &kind, &found));
    shown[1] = 'b';
    shown[3] = 'U'; /* no digit of a ULID */
    assert_false(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN), &kind, &found));
    shown[3] = '0';
    shown[3 + TB_ULID_LEN] = '-';
    assert_false(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN), &kind, &found));
    shown[3 + TB_ULID_LEN] = '_';
    assert_true(tb_secret_parse(tb_str_from(shown, TB_SHOWN_LEN), &kind, &found));
}

static void only_the_text_itself_fits_and_only_with_the_stores_key(void **state)
{
    (void)state;
    static const uint8_t other_key[TB_CLAIM_KEY_BYTES] = {1, 2, 4};
    struct tb_credential credential = {.kind = TB_CREDENTIAL_TOKEN};
    char shown[TB_SHOWN_LEN + 1];
    tb_secret_show(TB_CREDENTIAL_TOKEN, id, secret, shown);
    tb_secret_digest(key, tb_str_from(shown, TB_SHOWN_LEN), credential.digest);
    assert_true(tb_secret_fits(key, tb_str_from(shown, TB_SHOWN_LEN), &credential));
    assert_false(tb_secret_fits(other_key, tb_str_from(shown, TB_SHOWN_LEN), &credential));
    for (size_t i = 0; i < TB_SHOWN_LEN; i++) {
        shown[i] ^= 1;
        assert_false(tb_secret_fits(key, tb_str_from(shown, TB_SHOWN_LEN), &credential));
        shown[i] ^= 1;
    }
    assert_false(tb_secret_fits(key, tb_str_from(shown, TB_SHOWN_LEN - 1), &credential));
}

static void another_admin_token_has_another_mark(void **state)
{
    (void)state;
    struct tb_id mark = tb_secret_mark(key, TB_STR("a"));
    struct tb_id again = tb_secret_mark(key, TB_STR("a"));
    struct tb_id other = tb_secret_mark(key, TB_STR("b"));
    assert_int_equal(tb_id_cmp(mark, again), 0);
    assert_int_not_equal(tb_id_cmp(mark, other), 0);
    assert_false(tb_id_is_zero(mark));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_says_which_record_it_is_of),
        cmocka_unit_test(what_has_another_form_is_of_none),
        cmocka_unit_test(only_the_text_itself_fits_and_only_with_the_stores_key),
        cmocka_unit_test(another_admin_token_has_another_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

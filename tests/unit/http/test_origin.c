#include "unit/base/check.h"

#include "http/origin.h"

static struct tb_origin make(const char *public_url)
{
    struct tb_origin origin = {.checks = true, .checks_host = true};
    tb_origin_set_public_url(&origin, public_url);
    return origin;
}

/* NULL: not sent. */
static bool may(const struct tb_origin *origin, const char *host, const char *sent)
{
    const char *why = NULL;
    enum tb_err err = tb_origin_check(origin, tb_str_c(host), tb_str_c(sent), &why);
    assert_true(err == TB_OK || err == TB_E_FORBIDDEN);
    assert_int_equal(err == TB_OK, why == NULL);
    return err == TB_OK;
}

static void origin_knows_what_is_loopback(void **state)
{
    (void)state;
    const struct tb_origin origin = make(NULL);
    static const char *const own[] = {"localhost",    "LocalHost:1", "a.localhost", "127.0.0.1",
                                      "127.3.2.1:99", "[::1]",       "[::1]:3000",  "[0:0::1]"};
    static const char *const other[] = {"example",      "127.0.0.1.example",
                                        "127.1",        "localhost.example",
                                        "notlocalhost", "[::2]",
                                        "[::1",         "128.0.0.1",
                                        "0.0.0.0",      "[::ffff:7f00:1]x",
                                        ":3000",        "localhost.",
                                        "::1:3000",     "2130706433"};
    for (size_t i = 0; i < COUNT(own); i++) {
        assert_true(may(&origin, own[i], NULL));
    }
    for (size_t i = 0; i < COUNT(other); i++) {
        assert_false(may(&origin, other[i], NULL));
    }
    assert_true(may(&origin, NULL, NULL));
}

static void origin_knows_the_public_url(void **state)
{
    (void)state;
    struct tb_origin origin = make("HTTPS://Board.example:443/some/path");
    assert_str(origin.public_origin, "HTTPS://Board.example");
    assert_str(origin.public_authority, "Board.example");
    assert_true(may(&origin, "board.example", NULL));
    assert_true(may(&origin, "board.example:443", "https://board.EXAMPLE"));
    assert_true(may(&origin, "127.0.0.1:3000", "https://board.example"));
    assert_false(may(&origin, "board.example:8443", NULL));
    assert_false(may(&origin, "127.0.0.1:3000", "http://board.example"));
    origin = make("http://board.example:8080");
    assert_true(may(&origin, "board.example:8080", "http://board.example:8080"));
    assert_false(may(&origin, "board.example", NULL));
}

static void an_origin_must_be_that_of_the_host(void **state)
{
    (void)state;
    const struct tb_origin origin = make(NULL);
    assert_true(may(&origin, "localhost:3000", "http://localhost:3000"));
    assert_true(may(&origin, "localhost", "http://localhost:80"));
    assert_true(may(&origin, "localhost:80", "http://localhost"));
    assert_true(may(&origin, "[::1]:3000", "http://[::1]:3000"));
    assert_false(may(&origin, "localhost:3000", "http://localhost"));
    assert_false(may(&origin, "localhost:3000", "http://127.0.0.1:3000"));
    assert_false(may(&origin, "localhost:3000", "http://localhost:30000"));
    assert_false(may(&origin, "localhost:3000", "ftp://localhost:3000"));
    assert_false(may(&origin, "localhost:3000", "null"));
    assert_false(may(&origin, "localhost:3000", ""));
    assert_false(may(&origin, NULL, "http://localhost"));
}

static void origin_leaves_the_host_alone_on_other_addresses(void **state)
{
    (void)state;
    struct tb_origin origin = make(NULL);
    origin.checks_host = false;
    assert_true(may(&origin, "board.lan", NULL));
    assert_true(may(&origin, "board.lan", "http://board.lan"));
    assert_false(may(&origin, "board.lan", "http://other.lan"));
}

static void with_tokens_nothing_is_checked(void **state)
{
    (void)state;
    struct tb_origin origin = make(NULL);
    origin.checks = false;
    assert_true(may(&origin, "evil.example", "http://evil.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_knows_what_is_loopback),
        cmocka_unit_test(origin_knows_the_public_url),
        cmocka_unit_test(an_origin_must_be_that_of_the_host),
        cmocka_unit_test(origin_leaves_the_host_alone_on_other_addresses),
        cmocka_unit_test(with_tokens_nothing_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

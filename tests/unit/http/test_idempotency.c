#include "unit/base/check.h"

#include "http/idempotency.h"

struct fixture {
    struct tb_request request;
    struct tb_parse parse;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.parse = {.arena = tb_arena_new(0)}};
    f.request = (struct tb_request){
        .scope = TB_STR("admin"),
        .method_name = TB_STR("POST"),
        .path = TB_STR("/board/claim"),
        .body = TB_STR("{}"),
    };
    f.request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR("k");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->parse.arena);
    return 0;
}

static struct tb_idempotency read_it(struct fixture *f)
{
    struct tb_idempotency idempotency = {.present = false};
    assert_true(tb_idempotency_read(&f->request, &f->parse, &idempotency));
    return idempotency;
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, TB_DIGEST_BYTES) == 0;
}

static void without_the_header_there_is_none(void **state)
{
    struct fixture *f = *state;
    f->request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR_NONE;
    assert_false(read_it(f).present);
}

static void the_same_request_has_the_same_digests(void **state)
{
    struct fixture *f = *state;
    struct tb_idempotency first = read_it(f);
    f->request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR("\"k\"");
    struct tb_idempotency second = read_it(f);
    assert_true(first.present && second.present);
    assert_true(is_same(first.key, second.key));
    assert_true(is_same(first.fingerprint, second.fingerprint));
}

static void a_key_belongs_to_its_token(void **state)
{
    struct fixture *f = *state;
    struct tb_idempotency first = read_it(f);
    f->request.scope = TB_STR("another");
    struct tb_idempotency second = read_it(f);
    assert_false(is_same(first.key, second.key));
    assert_true(is_same(first.fingerprint, second.fingerprint));
    f->request.scope = TB_STR("adm");
    f->request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR("ink");
    assert_false(is_same(first.key, read_it(f).key));
}

static void a_share_is_that_of_the_token_whatever_it_sends(void **state)
{
    struct fixture *f = *state;
    uint16_t share = read_it(f).share;
    assert_int_not_equal(share, 0);
    f->request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR("another");
    f->request.body = TB_STR("{\"tags\":[]}");
    assert_int_equal(read_it(f).share, share);
    f->request.scope = TB_STR("01KAP2Y5Q3V8C4D1E7F9G2H5JK");
    assert_int_not_equal(read_it(f).share, share);
}

static void everything_that_makes_the_request_is_in_the_fingerprint(void **state)
{
    struct fixture *f = *state;
    const struct tb_request good = f->request;
    struct tb_str *const parts[] = {
        &f->request.method_name,
        &f->request.path,
        &f->request.query,
        &f->request.body,
        &f->request.headers[TB_IN_IF_MATCH],
        &f->request.headers[TB_IN_CLAIM_TOKEN],
    };
    struct tb_idempotency first = read_it(f);
    for (size_t i = 0; i < COUNT(parts); i++) {
        f->request = good;
        *parts[i] = TB_STR("other");
        struct tb_idempotency changed = read_it(f);
        assert_true(is_same(changed.key, first.key));
        assert_false(is_same(changed.fingerprint, first.fingerprint));
    }
}

/* What ends one part does not begin the next. */
static void parts_do_not_run_into_each_other(void **state)
{
    struct fixture *f = *state;
    f->request.path = TB_STR("/a");
    f->request.query = TB_STR("b");
    struct tb_idempotency first = read_it(f);
    f->request.path = TB_STR("/ab");
    f->request.query = TB_STR("");
    assert_false(is_same(first.fingerprint, read_it(f).fingerprint));
}

static void a_malformed_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_idempotency idempotency = {.present = false};
    f->request.headers[TB_IN_IDEMPOTENCY_KEY] = TB_STR("two words");
    assert_false(tb_idempotency_read(&f->request, &f->parse, &idempotency));
    assert_int_equal(f->parse.refusal.err, TB_E_INVALID_HEADER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_the_header_there_is_none),
        TEST(the_same_request_has_the_same_digests),
        TEST(a_key_belongs_to_its_token),
        TEST(a_share_is_that_of_the_token_whatever_it_sends),
        TEST(everything_that_makes_the_request_is_in_the_fingerprint),
        TEST(parts_do_not_run_into_each_other),
        TEST(a_malformed_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

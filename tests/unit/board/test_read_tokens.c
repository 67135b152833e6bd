/* GET /admin/tokens: those that still hold. */
#include "fixture/fixture.h"

static const struct tb_id none;

static struct tb_str tokens(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1024);
    assert_int_equal(tb_read_tokens(fixture_read(f), f->clock.now_ms, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

/* As the list shows it: without the secret, which is shown once. */
static const char *make_token(struct fixture *f, const char *members)
{
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none, "{'role':'worker',%s}", members);
    assert_reply(f, 201);
    struct tb_str data = fixture_member(fixture_last_event(f).wire, "data");
    struct tb_str shown = fixture_member(data, "credential");
    return tb_arena_printf(f->arena, "%.*s", (int)shown.len, shown.ptr).ptr;
}

static void log_in(struct fixture *f, struct tb_id token)
{
    static const enum tb_command_kind kinds[] = {TB_COMMAND_LINK_CREATE, TB_COMMAND_SESSION_START};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct tb_command command = {.kind = kinds[i], .credential = {.parent = token}};
        fixture_apply(f, &command);
        assert_reply(f, 200);
    }
}

static void tokens_come_in_the_order_in_which_they_were_made(void **state)
{
    struct fixture *f = *state;
    assert_json(f, tokens(f), "{'tokens':[],'count':0}");
    const char *first = make_token(f, "'name':'b','agent':'ann'");
    fixture_advance(f, 1);
    const char *second = make_token(f, "'name':'a','expiresInSeconds':10");
    assert_json(f, tokens(f), "{'tokens':[%s,%s],'count':2}", first, second);
}

static void links_and_sessions_are_no_tokens(void **state)
{
    struct fixture *f = *state;
    const char *token = make_token(f, "'name':'n'");
    struct tb_id id;
    struct tb_str text = fixture_member(tb_str_c(token), "id");
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, TB_ULID_LEN), &id));
    log_in(f, id);
    assert_json(f, tokens(f), "{'tokens':[%s],'count':1}", token);
}

static void a_token_that_is_over_is_not_shown_before_it_is_cleared_away(void **state)
{
    struct fixture *f = *state;
    const char *token = make_token(f, "'name':'n','expiresInSeconds':10");
    fixture_advance(f, 9999);
    assert_json(f, tokens(f), "{'tokens':[%s],'count':1}", token);
    fixture_advance(f, 1);
    assert_json(f, tokens(f), "{'tokens':[],'count':0}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(tokens_come_in_the_order_in_which_they_were_made),
        fixture_test(links_and_sessions_are_no_tokens),
        fixture_test(a_token_that_is_over_is_not_shown_before_it_is_cleared_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

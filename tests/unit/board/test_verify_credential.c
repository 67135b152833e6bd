#include "unit/board/damage_check.h"

static struct tb_credential a_token(struct fixture *f)
{
    return (struct tb_credential){
        .id = fixture_head(f).last_id,
        .kind = TB_CREDENTIAL_TOKEN,
        .role = TB_ROLE_WORKER,
        .created_ms = fixture_head(f).last_ms,
        .name = TB_STR("farm"),
    };
}

/* Stored behind the rules' back, and deleted again. */
static void check_credential_damage(struct fixture *f, struct tb_credential credential,
                                    const char *what)
{
    fixture_begin(f);
    tb_credential_render(&credential, f->batch_arena);
    assert_int_equal(tb_put_credential(f->txn, &credential), TB_OK);
    fixture_commit(f);
    assert_damage(f, "credential %s: %s", fixture_id(f, credential.id), what);
    fixture_begin(f);
    assert_int_equal(tb_delete_credential(f->txn, credential.id), TB_OK);
    fixture_commit(f);
    assert_verified(f);
}

static void a_credential_of_the_wrong_time_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    token.created_ms++;
    check_credential_damage(f, token, "its times are wrong");
    token = a_token(f);
    token.expires_ms = token.created_ms;
    check_credential_damage(f, token, "its times are wrong");
    token = a_token(f);
    memset(token.id.bytes, 0x7f, sizeof(token.id.bytes));
    check_credential_damage(f, token, "its times are wrong");
    struct tb_credential session = a_token(f);
    session.kind = TB_CREDENTIAL_SESSION;
    session.parent = (struct tb_id){{1}};
    check_credential_damage(f, session, "its times are wrong");
}

static void a_credential_of_the_wrong_parent_is_found(void **state)
{
    static const char wrong[] = "it does not come from a token that has its rights";
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, (struct tb_id){{0}}, "{'name':'n','role':'viewer'}");
    struct tb_id parent;
    struct tb_str text = fixture_member(f->reply.body, "id");
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, TB_ULID_LEN), &parent));
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    token.parent = parent;
    check_credential_damage(f, token, wrong);
    struct tb_credential link = a_token(f);
    link.kind = TB_CREDENTIAL_LINK;
    link.expires_ms = link.created_ms + 1;
    check_credential_damage(f, link, wrong);
    link.parent = parent; /* a viewer's */
    check_credential_damage(f, link, wrong);
}

static void a_credential_whose_view_is_another_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    fixture_begin(f);
    tb_credential_render(&token, f->batch_arena);
    token.role = TB_ROLE_ADMIN;
    assert_int_equal(tb_put_credential(f->txn, &token), TB_OK);
    fixture_commit(f);
    assert_damage(f, "credential %s: it is not stored well", fixture_id(f, token.id));
    fixture_begin(f);
    assert_int_equal(tb_delete_credential(f->txn, token.id), TB_OK);
    fixture_commit(f);
}

static void more_credentials_than_changes_of_them_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, (struct tb_id){{0}}, "{'name':'n','role':'viewer'}");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.credential_changes = 0;
    set_head(f, &bad);
    assert_damage(f, "there are 1 credentials after 0 changes of them");
    set_head(f, &good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_credential_of_the_wrong_time_is_found),
        fixture_test(a_credential_of_the_wrong_parent_is_found),
        fixture_test(a_credential_whose_view_is_another_is_found),
        fixture_test(more_credentials_than_changes_of_them_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tokens, links and sessions: made, used up, ended. */
#include "fixture/fixture.h"

#include "board/secret.h"
#include "taskboard/limits.h"

static const struct tb_id none;

static struct tb_id id_in(struct tb_str body)
{
    struct tb_id id;
    struct tb_str text = fixture_member(body, "id");
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, text.len - 2), &id));
    return id;
}

static struct tb_id make_token(struct fixture *f, const char *members)
{
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none, "{'name':'farm','role':'worker'%s}", members);
    assert_reply(f, 201);
    return id_in(f->reply.body);
}

static void send_one(struct fixture *f, enum tb_command_kind kind,
                     struct tb_credential_command credential)
{
    const struct tb_command command = {
        .kind = kind, .actor = f->actor, .speaker = f->speaker, .credential = credential};
    fixture_apply(f, &command);
}

static struct tb_id make_link(struct fixture *f, struct tb_id token)
{
    enum tb_credential_kind kind;
    struct tb_id id;
    send_one(f, TB_COMMAND_LINK_CREATE, (struct tb_credential_command){.parent = token});
    assert_reply(f, 200);
    assert_true(tb_secret_parse(f->reply.secret, &kind, &id));
    assert_int_equal(kind, TB_CREDENTIAL_LINK);
    return id;
}

static struct tb_id use_link(struct fixture *f, struct tb_id link)
{
    enum tb_credential_kind kind;
    struct tb_id id;
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.id = link});
    assert_reply(f, 200);
    assert_true(tb_secret_parse(f->reply.secret, &kind, &id));
    assert_int_equal(kind, TB_CREDENTIAL_SESSION);
    return id;
}

static bool find(struct fixture *f, struct tb_id id, struct tb_credential *credential)
{
    fixture_begin(f);
    struct tb_credential found;
    enum tb_err err = tb_get_credential(f->txn, id, &found);
    if (err == TB_OK && credential != NULL) {
        *credential = found;
        credential->name = tb_arena_dup(f->arena, found.name);
    }
    fixture_commit(f);
    return err == TB_OK;
}

/* --- tokens --- */

static void a_token_is_shown_once_and_only_its_digest_is_kept(void **state)
{
    struct fixture *f = *state;
    f->actor = TB_STR("admin");
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none,
                 "{'name':' farm ','role':'worker','agent':'ann','expiresInSeconds':60}");
    assert_reply(f, 201);
    struct tb_id id = id_in(f->reply.body);
    struct tb_str shown = fixture_member(f->reply.body, "token");
    shown = tb_str_from(shown.ptr + 1, shown.len - 2);
    assert_json(f, f->reply.body,
                "{'id':'%s','name':'farm','role':'worker','agent':'ann','createdAt':'" FIXTURE_START
                "','expiresAt':'2023-11-14T22:14:20.000Z','token':'%.*s'}",
                fixture_id(f, id), (int)shown.len, shown.ptr);
    struct tb_credential stored;
    assert_true(find(f, id, &stored));
    assert_true(tb_secret_fits(fixture_head(f).claim_key, shown, &stored));
    struct tb_event event = fixture_last_event(f);
    assert_int_equal(event.type, TB_EVENT_TOKEN_CREATED);
    assert_str(event.actor, "admin");
    assert_json(f, event.data,
                "{'credential':{'id':'%s','name':'farm','role':'worker','agent':'ann','createdAt':"
                "'" FIXTURE_START "','expiresAt':'2023-11-14T22:14:20.000Z'}}",
                fixture_id(f, id));
    const char *secret = shown.ptr + shown.len - TB_SECRET_LEN;
    assert_null(memmem(event.wire.ptr, event.wire.len, secret, TB_SECRET_LEN));
}

static void two_tokens_may_have_one_name(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = make_token(f, "");
    struct tb_id second = make_token(f, "");
    assert_true(tb_id_cmp(first, second) < 0);
    assert_true(find(f, first, NULL) && find(f, second, NULL));
}

static void what_is_revoked_takes_along_what_came_from_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ""), other = make_token(f, "");
    struct tb_id session = use_link(f, make_link(f, token));
    struct tb_id link = make_link(f, token);
    struct tb_id others_link = make_link(f, other);
    send_one(f, TB_COMMAND_TOKEN_DELETE, (struct tb_credential_command){.id = token});
    assert_reply(f, 200);
    assert_json(f, f->reply.body, "{'deleted':true}");
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_TOKEN_REVOKED);
    assert_false(find(f, token, NULL) || find(f, session, NULL) || find(f, link, NULL));
    assert_true(find(f, other, NULL) && find(f, others_link, NULL));
    send_one(f, TB_COMMAND_TOKEN_DELETE, (struct tb_credential_command){.id = token});
    assert_refused(f, TB_E_TOKEN_NOT_FOUND, NULL, NULL);
    send_one(f, TB_COMMAND_TOKEN_DELETE, (struct tb_credential_command){.id = others_link});
    assert_refused(f, TB_E_TOKEN_NOT_FOUND, NULL, NULL);
}

static void a_command_of_a_revoked_token_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ""), other = make_token(f, "");
    struct tb_speaker speaker = {.credential = token,
                                 .credential_changes = fixture_head(f).credential_changes};
    f->speaker = speaker;
    (void)fixture_task_named(f, "before");
    f->speaker = (struct tb_speaker){.role = TB_ROLE_OPEN};
    send_one(f, TB_COMMAND_TOKEN_DELETE, (struct tb_credential_command){.id = other});
    f->speaker = speaker; /* something changed, and it was not this token */
    (void)fixture_task_named(f, "between");
    f->speaker = (struct tb_speaker){.role = TB_ROLE_OPEN};
    send_one(f, TB_COMMAND_TOKEN_DELETE, (struct tb_credential_command){.id = token});
    f->speaker = speaker;
    uint64_t seq = fixture_head(f).seq;
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'after','createdBy':'ann'}");
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
    assert_int_equal(fixture_head(f).seq, seq);
}

static void a_command_whose_token_is_over_by_then_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ",'expiresInSeconds':10");
    f->speaker = (struct tb_speaker){
        .credential = token,
        .expires_ms = FIXTURE_START_MS + 10000,
        .credential_changes = fixture_head(f).credential_changes,
    };
    f->clock.now_ms += 9999;
    (void)fixture_task_named(f, "in time");
    f->clock.now_ms += 1;
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'late','createdBy':'ann'}");
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
}

/* --- links and sessions --- */

static void a_link_is_good_once(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ",'agent':'ann'");
    struct tb_id link = make_link(f, token);
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + TB_LINK_MS);
    struct tb_credential session;
    assert_true(find(f, use_link(f, link), &session));
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + TB_SESSION_MS);
    assert_int_equal(session.role, TB_ROLE_WORKER);
    assert_id(session.parent, token);
    assert_false(find(f, link, NULL));
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.id = link});
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.id = token});
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL); /* it is no link */
}

static void a_link_that_is_over_is_refused_before_it_is_cleared_away(void **state)
{
    struct fixture *f = *state;
    struct tb_id link = make_link(f, make_token(f, ""));
    f->clock.now_ms += TB_LINK_MS;
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.id = link});
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
}

static void what_comes_from_a_token_ends_with_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ",'expiresInSeconds':60");
    struct tb_id link = make_link(f, token);
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + 60000);
    (void)use_link(f, link);
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + 60000);
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.parent = token});
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + 60000);
}

static void a_session_does_not_last_as_long_as_its_token(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ",'expiresInSeconds':864000");
    struct tb_id link = make_link(f, token);
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + TB_LINK_MS);
    (void)use_link(f, link);
    assert_int_equal(f->reply.expires_ms, FIXTURE_START_MS + TB_SESSION_MS);
}

static void only_a_token_that_holds_logs_in(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ",'expiresInSeconds':10");
    struct tb_id lasting = make_token(f, "");
    const struct tb_id parents[] = {make_link(f, lasting), use_link(f, make_link(f, lasting)),
                                    token, none};
    f->clock.now_ms += 10000;
    for (size_t i = 0; i < COUNT(parents); i++) {
        send_one(f, TB_COMMAND_LINK_CREATE, (struct tb_credential_command){.parent = parents[i]});
        assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
        send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.parent = parents[i]});
        assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
    }
}

static void the_admin_token_has_no_record_and_logs_in_all_the_same(void **state)
{
    struct fixture *f = *state;
    const struct tb_id mark = {{9, 9}};
    struct tb_credential session;
    send_one(f, TB_COMMAND_SESSION_START,
             (struct tb_credential_command){.parent = mark, .from_environment = true});
    assert_reply(f, 200);
    assert_true(find(f, id_in(f->reply.body), &session));
    assert_int_equal(session.role, TB_ROLE_ADMIN);
    assert_str(session.name, "admin");
    assert_id(session.parent, mark);
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.parent = mark});
    assert_refused(f, TB_E_INVALID_TOKEN, NULL, NULL);
}

static void a_session_that_is_ended_is_gone_and_once_more_is_no_harm(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, "");
    struct tb_id session = use_link(f, make_link(f, token));
    for (int i = 0; i < 2; i++) {
        send_one(f, TB_COMMAND_SESSION_END, (struct tb_credential_command){.id = session});
        assert_reply(f, 200);
        assert_false(find(f, session, NULL));
        assert_int_equal(fixture_last_event(f).type, TB_EVENT_SESSION_ENDED);
    }
    assert_int_equal(f->reply.seq, 0);
    send_one(f, TB_COMMAND_SESSION_END, (struct tb_credential_command){.id = token});
    assert_true(find(f, token, NULL));
}

static void of_too_many_links_of_a_token_the_oldest_goes(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ""), other = make_token(f, "");
    struct tb_id others = make_link(f, other);
    struct tb_id first = make_link(f, token);
    struct tb_id second = make_link(f, token);
    for (int i = 2; i < TB_LOGINS_OF_TOKEN_MAX; i++) {
        (void)make_link(f, token);
    }
    assert_true(find(f, first, NULL));
    (void)make_link(f, token);
    assert_false(find(f, first, NULL));
    assert_true(find(f, second, NULL) && find(f, others, NULL));
}

static void a_session_that_makes_room_is_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, "");
    struct tb_id first = use_link(f, make_link(f, token));
    for (int i = 1; i < TB_LOGINS_OF_TOKEN_MAX; i++) {
        (void)make_link(f, token);
    }
    assert_true(find(f, first, NULL));
    uint64_t seq = fixture_last_event(f).seq;
    (void)make_link(f, token);
    assert_false(find(f, first, NULL));
    assert_string_equal(fixture_types(f, seq), "auth.session_ended auth.link_created");
}

/* --- limits --- */

/* So many of that kind, into the open batch. */
static void put_credentials(struct fixture *f, struct tb_credential credential, int count)
{
    credential.role = TB_ROLE_VIEWER;
    credential.name = TB_STR("n");
    for (int i = 0; i < count; i++) {
        credential.id =
            (struct tb_id){{1, (uint8_t)credential.kind, (uint8_t)(i >> 8), (uint8_t)i}};
        tb_credential_render(&credential, f->batch_arena);
        assert_int_equal(tb_put_credential(f->txn, &credential), TB_OK);
    }
}

static void the_board_takes_so_many_tokens_and_no_more(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f); /* thrown away */
    put_credentials(f, (struct tb_credential){.kind = TB_CREDENTIAL_TOKEN}, TB_TOKENS_MAX - 1);
    (void)make_token(f, "");
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none, "{'name':'farm','role':'worker'}");
    assert_refused(f, TB_E_LIMIT_REACHED, "The board takes no more tokens", NULL);
    fixture_abort(f);
}

/* Whoever has a full hundred of them makes room for the next one by itself. */
static void the_board_takes_so_many_logins_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct tb_id token = make_token(f, ""), full = make_token(f, "");
    for (int i = 0; i < TB_LOGINS_OF_TOKEN_MAX; i++) {
        (void)make_link(f, full);
    }
    fixture_begin(f); /* thrown away */
    put_credentials(f, (struct tb_credential){.kind = TB_CREDENTIAL_SESSION, .parent = {{2}}},
                    TB_LOGINS_MAX - TB_LOGINS_OF_TOKEN_MAX - 1);
    (void)make_link(f, token);
    send_one(f, TB_COMMAND_LINK_CREATE, (struct tb_credential_command){.parent = token});
    assert_refused(f, TB_E_LIMIT_REACHED, "The board takes no more sessions", NULL);
    send_one(f, TB_COMMAND_SESSION_START, (struct tb_credential_command){.parent = token});
    assert_refused(f, TB_E_LIMIT_REACHED, "The board takes no more sessions", NULL);
    (void)make_link(f, full);
    fixture_abort(f);
}

/* --- time --- */

static int64_t run_due(struct fixture *f)
{
    fixture_begin(f);
    int64_t due_ms = tb_board_run_due(&f->board, 100);
    fixture_commit(f);
    return due_ms;
}

static void what_is_over_is_cleared_away_when_it_is(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_ms = 0;
    f->board.options.retain_events = 0;
    assert_int_equal(run_due(f), 0);
    struct tb_id for_ever = make_token(f, "");
    struct tb_id token = make_token(f, ",'expiresInSeconds':3600");
    struct tb_id session = use_link(f, make_link(f, for_ever));
    struct tb_id link = make_link(f, for_ever);
    uint64_t seq = fixture_head(f).seq;
    assert_int_equal(run_due(f), FIXTURE_START_MS + TB_LINK_MS);
    f->clock.now_ms = FIXTURE_START_MS + TB_LINK_MS - 1;
    assert_int_equal(run_due(f), FIXTURE_START_MS + TB_LINK_MS);
    assert_true(find(f, link, NULL));
    f->clock.now_ms++;
    assert_int_equal(run_due(f), FIXTURE_START_MS + 3600000);
    assert_false(find(f, link, NULL));
    assert_string_equal(fixture_types(f, seq), "");
    f->clock.now_ms = FIXTURE_START_MS + 3600000;
    assert_int_equal(run_due(f), FIXTURE_START_MS + TB_SESSION_MS);
    assert_false(find(f, token, NULL));
    f->clock.now_ms = FIXTURE_START_MS + TB_SESSION_MS;
    assert_int_equal(run_due(f), 0);
    assert_false(find(f, session, NULL));
    assert_true(find(f, for_ever, NULL));
    assert_string_equal(fixture_types(f, seq), "auth.token_expired auth.session_ended");
    assert_null(fixture_last_event(f).actor.ptr);
    assert_str(fixture_told(f, "reason"), "\"expired\"");
}

static void of_very_many_that_are_over_a_batch_ends_some(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_ms = 0;
    (void)fixture_task_named(f, "t"); /* the first id is above theirs */
    fixture_begin(f);
    put_credentials(f,
                    (struct tb_credential){.kind = TB_CREDENTIAL_TOKEN,
                                           .created_ms = FIXTURE_START_MS,
                                           .expires_ms = FIXTURE_START_MS + 1000},
                    TB_CREDENTIALS_ENDED_MAX + 1);
    fixture_commit(f);
    uint64_t seq = fixture_head(f).seq;
    f->clock.now_ms += 1000;
    assert_int_equal(run_due(f), f->clock.now_ms); /* and goes on at once */
    assert_int_equal(fixture_head(f).seq, seq + TB_CREDENTIALS_ENDED_MAX);
    assert_int_equal(run_due(f), 0);
    assert_int_equal(fixture_head(f).seq, seq + TB_CREDENTIALS_ENDED_MAX + 1);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_TOKEN_EXPIRED);
}

/* --- the log --- */

static void the_log_names_the_token_of_who_acts_and_none_for_time(void **state)
{
    struct fixture *f = *state;
    f->speaker.token = TB_STR("01TOKEN");
    f->actor = TB_STR("farm");
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id second = fixture_task_after(f, "second", first);
    assert_str(fixture_member(fixture_last_event(f).wire, "token"), "\"01TOKEN\"");
    uint64_t seq = fixture_head(f).seq;
    fixture_finish(f, first);
    assert_str(fixture_member(fixture_event(f, seq + 1).wire, "token"), "\"01TOKEN\"");
    assert_event(f, seq + 2, "task.ready", second);
    assert_null(fixture_member(fixture_event(f, seq + 2).wire, "token").ptr);
    f->speaker.token = TB_STR_NONE;
    (void)fixture_task_named(f, "third");
    assert_null(fixture_member(fixture_last_event(f).wire, "token").ptr);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_token_is_shown_once_and_only_its_digest_is_kept),
        fixture_test(two_tokens_may_have_one_name),
        fixture_test(what_is_revoked_takes_along_what_came_from_it),
        fixture_test(a_command_of_a_revoked_token_is_refused),
        fixture_test(a_command_whose_token_is_over_by_then_is_refused),
        fixture_test(a_link_is_good_once),
        fixture_test(a_link_that_is_over_is_refused_before_it_is_cleared_away),
        fixture_test(what_comes_from_a_token_ends_with_it),
        fixture_test(a_session_does_not_last_as_long_as_its_token),
        fixture_test(only_a_token_that_holds_logs_in),
        fixture_test(the_admin_token_has_no_record_and_logs_in_all_the_same),
        fixture_test(a_session_that_is_ended_is_gone_and_once_more_is_no_harm),
        fixture_test(of_too_many_links_of_a_token_the_oldest_goes),
        fixture_test(a_session_that_makes_room_is_told),
        fixture_test(the_board_takes_so_many_tokens_and_no_more),
        fixture_test(the_board_takes_so_many_logins_and_no_more),
        fixture_test(what_is_over_is_cleared_away_when_it_is),
        fixture_test(of_very_many_that_are_over_a_batch_ends_some),
        fixture_test(the_log_names_the_token_of_who_acts_and_none_for_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

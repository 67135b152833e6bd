/* A command whose engine fails, at whichever call, fails with that error, and the batch leaves
 * nothing. Those that make and change tasks without a claim: test_board.c; import: test_import.c. */
#include "fixture/fixture.h"

#include "taskboard/storage_testing.h"

#define CALLS_MAX 200

static const struct tb_id none;

/* What commands can be about. */
struct board {
    struct tb_id open;
    struct tb_id dead;
    struct fixture_claim held;
    struct fixture_claim late;
    struct tb_id token;
    struct tb_id link;
};

static struct tb_id id_in(struct tb_str body)
{
    struct tb_id id;
    struct tb_str text = fixture_member(body, "id");
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, text.len - 2), &id));
    return id;
}

static void fill(struct fixture *f, struct board *board)
{
    fixture_register(f, "vm", 3600);
    board->late.id = fixture_task_named(f, "late");
    board->late = fixture_claim_task(f, board->late.id, "bob");
    fixture_advance(f, 301000);
    (void)fixture_run_due(f, 10);
    board->dead = fixture_create(f, "{'title':'dead','createdBy':'a','maxAttempts':1}");
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, board->dead, "bob"), ",'error':'e'");
    board->held = fixture_claim_on(f, fixture_task_named(f, "held"), "vm", 300);
    fixture_task_after(f, "waits", board->held.id);
    board->open = fixture_create(f, "{'title':'open','createdBy':'ann','tags':['blue']}");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'red'}");
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none, "{'name':'n','role':'worker'}");
    board->token = id_in(f->reply.body);
    const struct tb_command link = {.kind = TB_COMMAND_LINK_CREATE,
                                    .credential = {.parent = board->token}};
    fixture_apply(f, &link);
    struct tb_str data = fixture_member(fixture_last_event(f).wire, "data");
    board->link = id_in(fixture_member(data, "credential"));
    fixture_publish(f, "ann", "said");
}

/* The nth call of the engine fails. False: the command did not come to it. */
static bool fails_at(struct fixture *f, const struct tb_command *command, uint64_t nth)
{
    struct tb_head before = fixture_head(f);
    fixture_begin(f);
    tb_fault_set(f->store, nth, TB_E_STORAGE_DOWN, true);
    tb_board_apply(&f->board, command, f->arena, &f->reply);
    bool reached = tb_fault_calls(f->store) >= nth;
    tb_fault_set(f->store, 0, TB_OK, true);
    fixture_abort(f);
    assert_int_equal(f->reply.err, reached ? TB_E_STORAGE_DOWN : TB_OK);
    struct tb_head after = fixture_head(f);
    assert_memory_equal(&before, &after, sizeof(before));
    return reached;
}

static void check_command(struct fixture *f, const struct tb_command *command)
{
    uint64_t nth = 1;
    while (nth <= CALLS_MAX && fails_at(f, command, nth)) {
        nth++;
    }
    assert_in_range(nth, 2, CALLS_MAX);
}

struct row {
    enum tb_command_kind kind;
    const char *body;
};

static void check_rows(struct fixture *f, struct tb_id id, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tb_command command;
        struct tb_str body = fixture_json(f, "%s", rows[i].body);
        if (!fixture_parse(f, rows[i].kind, id, &command, body)) {
            fail_msg("refused: %s: %.*s", rows[i].body, (int)f->reply.message.len,
                     f->reply.message.ptr);
        }
        check_command(f, &command);
    }
}

/* --- the commands --- */

static void claims(struct fixture *f, const struct board *board)
{
    static const struct row rows[] = {
        {TB_COMMAND_CLAIM, "{'agent':'bob','vmId':'vm','tags':['blue'],'max':2}"},
        {TB_COMMAND_CLAIM_TASK, "{'agent':'bob','vmId':'vm'}"},
        {TB_COMMAND_CANCEL, "{'by':'ann','reason':'r'}"},
    };
    check_rows(f, board->open, rows, COUNT(rows));
}

static void verbs_of_holders(struct fixture *f, const struct board *board)
{
    static const struct row rows[] = {
        {TB_COMMAND_HEARTBEAT, ",'progress':{'percent':5}"},
        {TB_COMMAND_RELEASE, ",'reason':'r'"},
        {TB_COMMAND_FAIL, ",'error':'e'"},
        {TB_COMMAND_COMPLETE, ",'summary':'s','result':1,'artifacts':[{'type':'url','url':'u',"
                              "'label':'l'}],'next':{'agent':'bob'}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row row = {rows[i].kind, tb_arena_printf(f->arena, "{'claimToken':'%s'%s}",
                                                              board->held.token, rows[i].body)
                                                  .ptr};
        check_rows(f, board->held.id, &row, 1);
    }
}

static void steering(struct fixture *f, const struct board *board)
{
    static const struct row on_held[] = {
        {TB_COMMAND_CANCEL, "{'by':'ann'}"},
        {TB_COMMAND_CANCEL, "{'by':'ann','force':true}"},
    };
    static const struct row on_dead[] = {{TB_COMMAND_RETRY, "{'by':'ann'}"},
                                         {TB_COMMAND_RETRY_MANY, "{'by':'ann'}"}};
    static const struct row on_board[] = {{TB_COMMAND_PAUSE, "{'tag':'blue'}"},
                                          {TB_COMMAND_RESUME, "{'tag':'red'}"}};
    check_rows(f, board->held.id, on_held, COUNT(on_held));
    check_rows(f, board->dead, on_dead, COUNT(on_dead));
    check_rows(f, none, on_board, COUNT(on_board));
}

/* A result that comes too late is kept, and can be accepted. */
static void results_that_come_late(struct fixture *f, const struct board *board)
{
    static const struct row rows[] = {{TB_COMMAND_ACCEPT, "{'by':'ann'}"}};
    fixture_hold(f, TB_COMMAND_COMPLETE, board->late, ",'result':1");
    assert_int_equal(f->reply.err, TB_E_CLAIM_LOST);
    f->attempt = 1;
    check_rows(f, board->late.id, rows, COUNT(rows));
}

static void the_registry_and_the_feed(struct fixture *f, const struct board *board)
{
#define VM "'name':'v','role':'worker','address':'a','registeredBy':'a'"
    static const struct row rows[] = {
        {TB_COMMAND_VM_REGISTER, "{'id':'another'," VM "}"},
        {TB_COMMAND_VM_PUT, "{" VM "}"},
        {TB_COMMAND_VM_PATCH, "{'status':'stopped'}"},
        {TB_COMMAND_VM_HEARTBEAT, "{}"},
        {TB_COMMAND_VM_DELETE, "{}"},
        {TB_COMMAND_FEED_PUBLISH, "{'agent':'a','type':'custom','summary':'s'}"},
        {TB_COMMAND_FEED_CLEAR, "{}"},
    };
    (void)board;
    f->vm_id = TB_STR("vm");
    check_rows(f, none, rows, COUNT(rows));
    f->vm_id = TB_STR_NONE;
}

static void credentials(struct fixture *f, const struct board *board)
{
    static const struct row rows[] = {{TB_COMMAND_TOKEN_CREATE, "{'name':'n','role':'viewer'}"}};
    const struct tb_command commands[] = {
        {.kind = TB_COMMAND_LINK_CREATE, .credential = {.parent = board->token}},
        {.kind = TB_COMMAND_SESSION_START, .credential = {.parent = board->token}},
        {.kind = TB_COMMAND_SESSION_START, .credential = {.id = board->link}},
        {.kind = TB_COMMAND_SESSION_END, .credential = {.id = board->link}},
        {.kind = TB_COMMAND_TOKEN_DELETE, .credential = {.id = board->token}},
    };
    check_rows(f, none, rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(commands); i++) {
        check_command(f, &commands[i]);
    }
}

static void a_command_fails_whole_at_whichever_call_the_engine_fails(void **state)
{
    static void (*const groups[])(struct fixture *, const struct board *) = {
        claims,     verbs_of_holders, steering, results_that_come_late, the_registry_and_the_feed,
        credentials};
    struct fixture *f = *state;
    struct board board;
    fill(f, &board);
    fixture_add_faults(f);
    for (size_t i = 0; i < COUNT(groups); i++) {
        groups[i](f, &board);
    }
    f->idempotency_key = "key";
    claims(f, &board);
}

/* --- what is due --- */

/* A lease, a delay, a VM, a token and the old end of the log, all in one batch. */
static void what_is_due_stays_so_when_the_engine_fails(void **state)
{
    struct fixture *f = *state;
    struct board board;
    fill(f, &board);
    fixture_create(f, "{'title':'later','createdBy':'a','delaySeconds':60}");
    fixture_add_faults(f);
    fixture_advance(f, 4000000);
    f->board.options.retain_ms = 1000;
    f->board.options.retain_events = 1;
    f->board.options.retain_done_ms = 1000;
    bool reached = true;
    uint64_t nth = 0;
    for (nth = 1; reached && nth <= CALLS_MAX; nth++) {
        struct tb_head before = fixture_head(f);
        f->board.trim = (struct tb_trim){.oldest_seq = 0};
        f->board.ends = (struct tb_credential_ends){.changes = 0};
        f->board.retire = (struct tb_retire){.in_pass = false};
        fixture_begin(f);
        tb_fault_set(f->store, nth, TB_E_STORAGE_DOWN, true);
        (void)tb_board_run_due(&f->board, 100);
        reached = tb_fault_calls(f->store) >= nth;
        assert_int_equal(tb_txn_error(f->txn), reached ? TB_E_STORAGE_DOWN : TB_OK);
        tb_fault_set(f->store, 0, TB_OK, true);
        fixture_abort(f);
        struct tb_head after = fixture_head(f);
        assert_memory_equal(&before, &after, sizeof(before));
    }
    assert_in_range(nth, 20, CALLS_MAX);
    (void)fixture_run_due(f, 100);
    assert_int_equal(fixture_head(f).claimed, 0);
    assert_int_equal(fixture_head(f).scheduled, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_command_fails_whole_at_whichever_call_the_engine_fails),
        fixture_test(what_is_due_stays_so_when_the_engine_fails),
    };
    return cmocka_run_group_tests_name("command_faults", tests, NULL, NULL);
}

/* Export and import: what a board was, another one is. Over HTTP, with files and faults of every
 * kind: tests/http/test_import.py. */
#include "unit/board/import_check.h"

#include "taskboard/storage_testing.h"

static void fill(struct fixture *f)
{
    fixture_publish(f, "ann", "said");
    struct tb_id first = fixture_task_named(f, "first");
    struct fixture_claim claim = fixture_claim_task(f, first, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':{'a':[1]},'summary':'made'");
    assert_reply(f, 200);
    struct tb_id second = fixture_task_after(f, "second", first);
    fixture_send(f, TB_COMMAND_NOTE, second, "{'author':'a','content':'c','type':'finding'}");
    fixture_task_after(f, "third", second);
    claim = fixture_claim_task(f, second, "bob");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'broke','retryable':false");
    assert_reply(f, 200);
    fixture_create(f, "{'title':'later','createdBy':'a','delaySeconds':60,'uniqueKey':'k'}");
    fixture_register(f, "vm", 60);
    fixture_claim_on(f, fixture_task_named(f, "held"), "vm", 60);
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'red','reason':'so'}");
    assert_reply(f, 200);
}

static void a_board_comes_back_as_it_was_on_every_engine(void **state)
{
    (void)state;
    for (int from = FIXTURE_MEMORY; from <= FIXTURE_LMDB; from++) {
        struct fixture f;
        struct fixture other;
        fixture_open(&f, (enum fixture_engine)from, 3);
        fixture_open(&other, (enum fixture_engine)(FIXTURE_LMDB - from), 4);
        fill(&f);
        struct tb_str lines = import_exported(&f);
        fixture_advance(&other, 5000);
        import_bytes(&other, TB_IMPORT_NDJSON, lines);
        assert_reply(&other, 200);
        assert_json(&other, other.reply.body, "{'tasks':5,'vms':1,'feedEvents':1,'pauses':1}");
        struct tb_str again = import_exported(&other);
        assert_true(tb_str_eq(again, lines));
        assert_true(fixture_head(&other).generation == fixture_head(&f).generation);
        assert_verified(&other);
        fixture_close(&other);
        fixture_close(&f);
    }
}

static void an_import_of_what_is_there_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct tb_str lines = import_exported(f);
    uint64_t seq = fixture_head(f).seq;
    import_bytes(f, TB_IMPORT_NDJSON, lines);
    assert_int_equal(f->reply.err, TB_E_ID_EXISTS);
    assert_true(fixture_head(f).seq == seq);
    assert_true(tb_str_eq(import_exported(f), lines));
}

/* Control characters: each has one byte, and six in JSON. */
static const char *text_of(struct fixture *f, size_t bytes)
{
    return fixture_repeat(f->arena, "\\u0001", bytes);
}

/* As deep as a body may be: it is a member of the body itself. */
static const char *deep(struct fixture *f)
{
    size_t depth = TB_JSON_DEPTH_MAX - 1;
    return tb_arena_printf(f->arena, "%s%s", fixture_repeat(f->arena, "[", depth),
                           fixture_repeat(f->arena, "]", depth))
        .ptr;
}

static void fill_task_to_its_limits(struct fixture *f)
{
    const char *name = text_of(f, TB_NAME_BYTES_MAX);
    struct tb_id id = fixture_create(
        f,
        "{'title':'%s','description':'%s','createdBy':'%s','assignee':'%s','tags':['%s'],"
        "'dependencies':['%s'],'uniqueKey':'%s','payload':%s,'priority':-100,'maxAttempts':1000}",
        text_of(f, TB_TITLE_BYTES_MAX), text_of(f, TB_DESCRIPTION_BYTES_MAX), name, name,
        text_of(f, TB_TAG_BYTES_MAX), text_of(f, TB_DEPENDENCY_BYTES_MAX), name, deep(f));
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'%s','content':'%s','type':'finding'}", name,
                 text_of(f, TB_NOTE_BYTES_MAX));
    assert_reply(f, 201);
    const char *text = text_of(f, TB_ARTIFACT_BYTES_MAX);
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'%s','label':'%s','addedBy':'%s'}]}", text,
                 text, name);
    assert_reply(f, 201);
}

static void fill_attempts_to_their_limits(struct fixture *f)
{
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim_task(f, id, text_of(f, TB_NAME_BYTES_MAX));
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, ",'progress':{'percent':99.5,'message':'%s'}",
                 text_of(f, TB_PROGRESS_BYTES_MAX));
    assert_reply(f, 200);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'%s','delaySeconds':0",
                 text_of(f, TB_ERROR_BYTES_MAX));
    assert_reply(f, 200);
    claim = fixture_claim_task(f, id, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':%s,'summary':'%s'", deep(f),
                 text_of(f, TB_NOTE_BYTES_MAX));
    assert_reply(f, 200);
}

static void what_is_at_its_limit_comes_back(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    const char *name = text_of(f, TB_NAME_BYTES_MAX);
    fill_task_to_its_limits(f);
    fill_attempts_to_their_limits(f);
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'%s','reason':'%s','by':'%s'}",
                 text_of(f, TB_TAG_BYTES_MAX), text_of(f, TB_REASON_BYTES_MAX), name);
    assert_reply(f, 200);
    fixture_send(f, TB_COMMAND_FEED_PUBLISH, (struct tb_id){{0}},
                 "{'agent':'%s','type':'custom','summary':'%s','detail':'%s','metadata':%s}", name,
                 text_of(f, TB_FEED_SUMMARY_BYTES_MAX), text_of(f, TB_FEED_DETAIL_BYTES_MAX),
                 deep(f));
    assert_reply(f, 201);
    fixture_send(f, TB_COMMAND_VM_REGISTER, (struct tb_id){{0}},
                 "{'id':'v','name':'%s','role':'worker','address':'%s','registeredBy':'%s',"
                 "'services':[{'name':'%s','port':65535}],'metadata':{'a':[]},'ttlSeconds':86400}",
                 name, text_of(f, TB_ADDRESS_BYTES_MAX), name, name);
    assert_reply(f, 201);
    fixture_open(&other, FIXTURE_MEMORY, 9);
    struct tb_str lines = import_exported(f);
    import_bytes(&other, TB_IMPORT_NDJSON, lines);
    assert_reply(&other, 200);
    assert_str_eq(import_exported(&other), lines);
    fixture_close(&other);
}

/* --- a board with any history --- */

#define TASKS_MAX 12
#define STEPS     250
#define HISTORIES 20

struct history {
    struct fixture *f;
    uint64_t random;
    struct tb_id tasks[TASKS_MAX];
    struct fixture_claim claims[TASKS_MAX]; /* the latest of each */
};

static void make_task(struct history *history, unsigned at)
{
    static const char *const kinds[] = {"", ",'maxAttempts':1", ",'delaySeconds':20",
                                        ",'assignee':'bob','tags':['red','blue']"};
    struct tb_id other = history->tasks[random_below(&history->random, TASKS_MAX)];
    const char *kind = kinds[random_below(&history->random, COUNT(kinds))];
    const char *id = fixture_id(history->f, other);
    history->tasks[at] =
        tb_id_is_zero(other)
            ? fixture_create(history->f, "{'title':'t','createdBy':'ann'%s}", kind)
            : fixture_create(
                  history->f,
                  "{'title':'t','createdBy':'ann','dependencies':['%s'],'parentId':'%s'%s}", id, id,
                  kind);
    history->claims[at] = (struct fixture_claim){.id = history->tasks[at], .token = "1.x"};
}

/* Most of them are refused now and then, as it happens. */
static void change_task(struct history *history, unsigned at)
{
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } rows[] = {
        {TB_COMMAND_PATCH, "{'status':'in_progress','assignee':'eve'}"},
        {TB_COMMAND_PATCH, "{'status':'open'}"},
        {TB_COMMAND_PATCH, "{'status':'blocked'}"},
        {TB_COMMAND_PATCH, "{'status':'done','assignee':null}"},
        {TB_COMMAND_REVIEW, "{'summary':'s'}"},
        {TB_COMMAND_APPROVE, "{'comment':'c'}"},
        {TB_COMMAND_REJECT, "{'reason':'r'}"},
        {TB_COMMAND_CANCEL, "{'force':true}"},
        {TB_COMMAND_RETRY, "{}"},
        {TB_COMMAND_BUMP, "{}"},
        {TB_COMMAND_NOTE, "{'author':'a','content':'c','type':'finding'}"},
    };
    unsigned row = random_below(&history->random, COUNT(rows));
    history->f->force = random_below(&history->random, 2) == 0;
    fixture_send(history->f, rows[row].kind, history->tasks[at], "%s", rows[row].body);
    history->f->force = false;
}

static void claim_task(struct history *history, unsigned at)
{
    fixture_send(history->f, TB_COMMAND_CLAIM_TASK, history->tasks[at],
                 "{'agent':'bob','leaseSeconds':10%s}",
                 random_below(&history->random, 2) == 0 ? ",'vmId':'vm'" : "");
    if (history->f->reply.err == TB_OK) {
        history->claims[at] = fixture_claim_in(history->f, history->f->reply.body);
    }
}

static void use_claim(struct history *history, unsigned at)
{
    static const struct {
        enum tb_command_kind kind;
        const char *members;
    } rows[] = {
        {TB_COMMAND_HEARTBEAT, ",'progress':{'percent':5}"},
        {TB_COMMAND_COMPLETE, ",'result':{'a':1}"},
        {TB_COMMAND_COMPLETE, ",'review':true,'summary':'s'"},
        {TB_COMMAND_FAIL, ",'error':'e','delaySeconds':5"},
        {TB_COMMAND_FAIL, ",'error':'e','retryable':false"},
        {TB_COMMAND_RELEASE, ",'reason':'r'"},
    };
    unsigned row = random_below(&history->random, COUNT(rows));
    fixture_hold(history->f, rows[row].kind, history->claims[at], "%s", rows[row].members);
}

static void step(struct history *history)
{
    static void (*const steps[])(struct history *, unsigned) = {change_task, claim_task, claim_task,
                                                                use_claim, use_claim};
    unsigned at = random_below(&history->random, TASKS_MAX);
    unsigned what = random_below(&history->random, 20);
    if (tb_id_is_zero(history->tasks[at])) {
        make_task(history, at);
    } else if (what == 0) {
        fixture_send(history->f, TB_COMMAND_DELETE, history->tasks[at], "{}");
        history->tasks[at] = (struct tb_id){{0}};
    } else if (what < 5) {
        fixture_advance(history->f, random_below(&history->random, 12000));
        (void)fixture_run_due(history->f, 10);
    } else if (what == 5) {
        fixture_accept(history->f, history->tasks[at], 1, true);
    } else {
        steps[what % COUNT(steps)](history, at);
    }
}

static void whatever_happened_to_a_board_it_comes_back(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= HISTORIES; seed++) {
        struct fixture f;
        struct fixture other;
        struct history history = {.f = &f, .random = seed};
        fixture_open(&f, FIXTURE_MEMORY, seed);
        fixture_open(&other, FIXTURE_MEMORY, seed + 1);
        fixture_register(&f, "vm", 3600);
        for (int i = 0; i < STEPS; i++) {
            step(&history);
        }
        fixture_advance(&other, f.clock.now_ms - FIXTURE_START_MS);
        struct tb_str lines = import_exported(&f);
        import_bytes(&other, TB_IMPORT_NDJSON, lines);
        assert_reply(&other, 200);
        assert_str_eq(import_exported(&other), lines);
        fixture_close(&other);
        fixture_close(&f);
    }
}

/* The delay goes on, and then the task is ready. */
static void what_waits_for_its_time_is_ready_when_that_comes(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    fixture_open(&other, FIXTURE_MEMORY, 9);
    fixture_create(f, "{'title':'later','createdBy':'a','delaySeconds':60}");
    import_bytes(&other, TB_IMPORT_NDJSON, import_exported(f));
    assert_true(fixture_run_due(&other, 10) == f->clock.now_ms + 60000);
    fixture_advance(&other, 60000);
    (void)fixture_run_due(&other, 10);
    assert_string_equal(fixture_types(&other, 0), "task.imported task.ready");
    fixture_close(&other);
}

/* Whichever call fails: the import fails with it, and nothing of it is there. */
static void an_engine_that_fails_leaves_nothing_of_an_import(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct tb_str lines = import_exported(f);
    uint64_t calls = 1;
    for (uint64_t nth = 1; nth <= calls; nth++) {
        struct fixture other;
        fixture_open(&other, FIXTURE_MEMORY, 9);
        fixture_add_faults(&other);
        fixture_begin(&other);
        const struct tb_command command = {.kind = TB_COMMAND_IMPORT,
                                           .import = {.format = TB_IMPORT_NDJSON, .bytes = lines}};
        struct tb_reply reply;
        tb_fault_set(other.store, nth, TB_E_STORAGE_DOWN, true);
        tb_board_apply(&other.board, &command, other.arena, &reply);
        calls = nth == 1 ? 400 : calls;
        bool failed = reply.err != TB_OK;
        if (!failed) {
            calls = nth; /* there are not so many */
        } else {
            assert_int_equal(reply.err, TB_E_STORAGE_DOWN);
        }
        tb_fault_set(other.store, 0, TB_OK, true);
        fixture_abort(&other);
        assert_true(fixture_head(&other).seq == 0);
        fixture_close(&other);
    }
    assert_in_range(calls, 30, 399);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_comes_back_as_it_was_on_every_engine),
        fixture_test(an_import_of_what_is_there_is_refused_and_changes_nothing),
        fixture_test(what_is_at_its_limit_comes_back),
        cmocka_unit_test(whatever_happened_to_a_board_it_comes_back),
        fixture_test(what_waits_for_its_time_is_ready_when_that_comes),
        fixture_test(an_engine_that_fails_leaves_nothing_of_an_import),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}

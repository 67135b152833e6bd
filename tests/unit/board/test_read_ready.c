/* GET /board/ready: what claims would get, in their order. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

static struct tb_str ready(struct fixture *f, const char *query)
{
    struct tb_parse parse = {.arena = f->arena};
    struct tb_params params;
    struct tb_ready_request request;
    struct tb_buf out;
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    assert_true(tb_parse_ready(&parse, &params, &request));
    tb_buf_init(&out, f->arena, 1024);
    assert_int_equal(tb_read_ready(fixture_read(f), &request, f->clock.now_ms, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

/* As titles, which are one letter each. */
static void check_titles(struct fixture *f, const char *query, const char *wanted, int line)
{
    static const char name[] = "\"title\":\"";
    struct tb_str list = ready(f, query);
    char *titles = tb_arena_zalloc(f->arena, list.len + 1);
    size_t len = 0;
    const char *at = list.ptr;
    while ((at = memmem(at, (size_t)(list.ptr + list.len - at), name, sizeof(name) - 1)) != NULL) {
        at += sizeof(name) - 1;
        titles[len++] = *at;
    }
    if (strcmp(titles, wanted) != 0) {
        print_error("line %d: ?%s\ngot    %s\nwanted %s\n", line, query, titles, wanted);
        fail();
    }
    assert_json(f, fixture_member(list, "count"), "%zu", len);
}

#define assert_titles(f, query, wanted) check_titles((f), (query), (wanted), __LINE__)

static void make_tasks(struct fixture *f)
{
    static const char *const members[] = {
        "'tags':['x']",                  /* a */
        "'priority':5,'tags':['x','y']", /* b */
        "'assignee':'ann'",              /* c */
        "'assignee':'bob','tags':['x']", /* d */
        "'delaySeconds':60",             /* e */
        "'dependencies':['z']",          /* f */
        "'status':'in_progress'",        /* g */
        "'priority':-1,'tags':['y']",    /* h */
    };
    for (size_t i = 0; i < COUNT(members); i++) {
        fixture_create(f, "{'title':'%c','createdBy':'eve',%s}", (int)('a' + i), members[i]);
        fixture_advance(f, 1);
    }
}

static void an_empty_board_has_nothing_ready(void **state)
{
    struct fixture *f = *state;
    assert_json(f, ready(f, ""), "{'tasks':[],'count':0}");
    assert_json(f, ready(f, "agent=ann"), "{'tasks':[],'count':0}");
}

static void ready_tasks_come_in_claim_order(void **state)
{
    struct fixture *f = *state;
    make_tasks(f);
    assert_titles(f, "", "bacdh"); /* whomever they are reserved for */
    assert_titles(f, "agent=ann", "bach");
    assert_titles(f, "agent=bob", "badh");
    assert_titles(f, "agent=cid", "bah");
    assert_titles(f, "tag=x", "bad");
    assert_titles(f, "tag=x&agent=ann", "ba");
    assert_titles(f, "tag=x&tag=y", "b");
    assert_titles(f, "tag=z", "");
    fixture_advance(f, 60000);
    fixture_run_due(f, 10);
    assert_titles(f, "", "bacdeh");
}

static void that_is_what_claims_get(void **state)
{
    struct fixture *f = *state;
    make_tasks(f);
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann','tags':['x']}");
    assert_reply(f, 200);
    assert_titles(f, "agent=ann", "ach");
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann','max':2}");
    assert_titles(f, "agent=ann", "h");
    assert_titles(f, "", "dh");
}

static void a_vm_that_takes_no_claims_would_get_nothing(void **state)
{
    struct fixture *f = *state;
    make_tasks(f);
    assert_titles(f, "vmId=vm-1", "");
    fixture_register(f, "vm-1", 300);
    assert_titles(f, "vmId=vm-1", "bacdh");
    assert_titles(f, "vmId=vm-1&agent=ann&tag=x", "ba");
    assert_titles(f, "vmId=vm-2&agent=ann", "");
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "vm-1", "{'status':'paused'}");
    assert_titles(f, "vmId=vm-1", "");
    fixture_send_vm(f, TB_COMMAND_VM_PATCH, "vm-1", "{'status':'running'}");
    assert_titles(f, "vmId=vm-1", "bacdh");
    fixture_advance(f, 301000);
    fixture_run_due(f, 10);
    assert_titles(f, "vmId=vm-1&agent=ann", "");
}

static void tasks_are_shown_in_summary(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'a','createdBy':'x','description':'d','payload':1}");
    assert_str_eq(ready(f, ""), fixture_list(f, "view=summary"));
    assert_str_eq(ready(f, "agent=ann"), fixture_list(f, "view=summary"));
}

static void what_is_cut_says_so(void **state)
{
    struct fixture *f = *state;
    make_tasks(f);
    assert_titles(f, "limit=2", "ba");
    assert_json(f, fixture_member(ready(f, "limit=2"), "truncated"), "true");
    assert_json(f, fixture_member(ready(f, "limit=2&agent=ann"), "truncated"), "true");
    assert_absent(fixture_member(ready(f, "limit=5"), "truncated"));
    assert_absent(fixture_member(ready(f, "limit=4&agent=ann"), "truncated"));
}

static void an_answer_has_a_bounded_size(void **state)
{
    struct fixture *f = *state;
    const char *tag = fixture_repeat(f->arena, "x", TB_TAG_BYTES_MAX - 2);
    struct tb_buf tags;
    tb_buf_init(&tags, f->arena, 16384);
    for (int i = 10; i < 74; i++) {
        tb_buf_add_str(&tags, tb_arena_printf(f->arena, "%s'%d%s'", i > 10 ? "," : "", i, tag));
    }
    fixture_begin(f);
    for (int i = 0; i < 600; i++) {
        fixture_create(f, "{'title':'t','createdBy':'x','tags':[%.*s]}", (int)tags.len, tags.ptr);
    }
    fixture_commit(f);
    struct tb_str list = ready(f, "limit=10000");
    assert_true(list.len > TB_READY_BYTES_MAX && list.len < TB_READY_BYTES_MAX + 16384);
    assert_json(f, fixture_member(list, "truncated"), "true");
}

static void what_is_paused_is_left_out(void **state)
{
    struct fixture *f = *state;
    make_tasks(f);
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'x'}");
    assert_titles(f, "", "ch");
    assert_titles(f, "agent=bob", "h");
    assert_titles(f, "tag=x", "");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'y'}");
    assert_titles(f, "agent=ann", "c");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{}");
    assert_json(f, ready(f, ""), "{'tasks':[],'count':0}");
    assert_json(f, ready(f, "agent=ann"), "{'tasks':[],'count':0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_empty_board_has_nothing_ready),
        fixture_test(ready_tasks_come_in_claim_order),
        fixture_test(that_is_what_claims_get),
        fixture_test(a_vm_that_takes_no_claims_would_get_nothing),
        fixture_test(tasks_are_shown_in_summary),
        fixture_test(what_is_cut_says_so),
        fixture_test(an_answer_has_a_bounded_size),
        fixture_test(what_is_paused_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

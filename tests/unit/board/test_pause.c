/* Pausing and resuming, and what readers see of it. */
#include "fixture/fixture.h"

#include "board/pause.h"
#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

static void pause_board(struct fixture *f, const char *body)
{
    fixture_send_body(f, TB_COMMAND_PAUSE, none, fixture_json(f, "%s", body));
    assert_reply(f, 200);
}

static void resume_board(struct fixture *f, const char *body)
{
    fixture_send_body(f, TB_COMMAND_RESUME, none, fixture_json(f, "%s", body));
    assert_reply(f, 200);
}

/* The titles of a list, which are one letter each. */
static void check_titles(struct fixture *f, const char *query, const char *wanted, int line)
{
    static const char name[] = "\"title\":\"";
    struct tb_str list = fixture_list(f, query);
    char *titles = tb_arena_zalloc(f->arena, list.len + 1);
    const char *at = list.ptr;
    for (size_t len = 0;
         (at = memmem(at, (size_t)(list.ptr + list.len - at), name, sizeof(name) - 1)) != NULL;
         len++) {
        at += sizeof(name) - 1;
        titles[len] = *at;
    }
    if (strcmp(titles, wanted) != 0) {
        print_error("line %d: ?%s\ngot    %s\nwanted %s\n", line, query, titles, wanted);
        fail();
    }
}

#define assert_titles(f, query, wanted) check_titles((f), (query), (wanted), __LINE__)

static void check_ready(struct fixture *f, struct tb_id id, const char *wanted)
{
    assert_json(f, fixture_member(fixture_view(f, id), "ready"), "%s", wanted);
}

/* --- the commands --- */

static void a_pause_says_since_when_why_and_by_whom(void **state)
{
    struct fixture *f = *state;
    f->actor = TB_STR("token");
    pause_board(f, "{}");
    assert_json(f, f->reply.body, "{'paused':[{'since':'" FIXTURE_START "','by':'token'}]}");
    fixture_advance(f, 1000);
    pause_board(f, "{'tag':'x','reason':'the forge is down','by':'ann'}");
    assert_json(f, f->reply.body,
                "{'paused':[{'since':'" FIXTURE_START "','by':'token'},"
                "{'tag':'x','reason':'the forge is down','since':'2023-11-14T22:13:21.000Z',"
                "'by':'ann'}]}");
    assert_int_equal(f->reply.version, 0);
    assert_int_equal(f->reply.seq, 2);
    f->actor = TB_STR_NONE;
    resume_board(f, "{}");
    pause_board(f, "{}");
    assert_json(f, f->reply.body,
                "{'paused':[{'tag':'x','reason':'the forge is down',"
                "'since':'2023-11-14T22:13:21.000Z','by':'ann'},"
                "{'since':'2023-11-14T22:13:21.000Z'}]}");
}

static void who_waits_is_asked_only_when_something_is_ready(void **state)
{
    struct fixture *f = *state;
    pause_board(f, "{}");
    pause_board(f, "{'tag':'x'}");
    f->board.resumed = false;
    resume_board(f, "{}");
    resume_board(f, "{'tag':'x'}");
    assert_false(f->board.resumed);
    fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    for (int i = 0; i < 2; i++) {
        const char *body = i == 0 ? "{}" : "{'tag':'x'}";
        pause_board(f, body);
        f->board.resumed = false;
        resume_board(f, body);
        assert_true(f->board.resumed);
    }
}

static void each_is_an_event_without_a_task(void **state)
{
    struct fixture *f = *state;
    pause_board(f, "{'tag':'x','reason':'r','by':'ann'}");
    struct tb_event event = fixture_last_event(f);
    assert_event(f, 1, "board.paused", none);
    assert_absent(event.tags);
    assert_str(event.actor, "ann");
    assert_json(f, fixture_member(event.wire, "data"), "{'tag':'x','reason':'r'}");
    assert_json(f, fixture_member(event.wire, "topic"), "'board'");
    assert_absent(fixture_member(event.wire, "taskId"));
    resume_board(f, "{'tag':'x'}");
    assert_event(f, 2, "board.resumed", none);
    assert_json(f, fixture_member(fixture_last_event(f).wire, "data"), "{'tag':'x'}");
    pause_board(f, "{}");
    assert_json(f, fixture_member(fixture_last_event(f).wire, "data"), "{}");
}

static void the_head_counts_pauses_and_their_changes(void **state)
{
    struct fixture *f = *state;
    uint64_t before = fixture_head(f).changes;
    pause_board(f, "{}");
    pause_board(f, "{'tag':'x'}");
    assert_int_equal(fixture_head(f).pauses, 2);
    assert_int_equal(fixture_head(f).changes, before + 2);
    assert_int_equal(fixture_head(f).pause_changes, before + 2);
    fixture_task_named(f, "t");
    resume_board(f, "{'tag':'x'}");
    assert_int_equal(fixture_head(f).pauses, 1);
    assert_int_equal(fixture_head(f).pause_changes, fixture_head(f).changes);
    resume_board(f, "{}");
    assert_int_equal(fixture_head(f).pauses, 0);
}

static void pausing_again_changes_the_reason_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    pause_board(f, "{'tag':'x','by':'ann'}");
    pause_board(f, "{'tag':'y'}");
    fixture_advance(f, 1000);
    pause_board(f, "{'tag':'x','reason':'r','by':'bob'}");
    assert_json(f, f->reply.body,
                "{'paused':[{'tag':'x','reason':'r','since':'" FIXTURE_START "','by':'ann'},"
                "{'tag':'y','since':'" FIXTURE_START "'}]}");
    assert_int_equal(fixture_head(f).pauses, 2);
    struct tb_event event = fixture_last_event(f);
    assert_event(f, 3, "board.paused", none);
    assert_str(event.actor, "bob");
    /* what says nothing new is no change */
    struct tb_str body = f->reply.body;
    uint64_t changes = fixture_head(f).changes;
    static const char *const bodies[] = {"{'tag':'x'}", "{'tag':'x','reason':'r'}",
                                         "{'tag':'y','by':'bob'}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        pause_board(f, bodies[i]);
        assert_str_eq(f->reply.body, body);
        assert_int_equal(f->reply.seq, 0);
    }
    assert_int_equal(fixture_head(f).seq, 3);
    assert_int_equal(fixture_head(f).changes, changes);
}

static void resuming_ends_what_it_names_and_no_more(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    pause_board(f, "{}");
    pause_board(f, "{'tag':'x'}");
    pause_board(f, "{'tag':'y'}");
    f->board.resumed = false;
    resume_board(f, "{'tag':'z'}");
    assert_int_equal(f->reply.seq, 0);
    assert_false(f->board.resumed);
    resume_board(f, "{'tag':'x'}");
    assert_true(f->board.resumed);
    assert_json(f, f->reply.body,
                "{'paused':[{'since':'" FIXTURE_START "'},{'tag':'y','since':'" FIXTURE_START
                "'}]}");
    resume_board(f, "{}");
    assert_json(f, f->reply.body, "{'paused':[{'tag':'y','since':'" FIXTURE_START "'}]}");
    resume_board(f, "{'tag':'y'}");
    assert_json(f, f->reply.body, "{'paused':[]}");
    resume_board(f, "{}");
    assert_json(f, f->reply.body, "{'paused':[]}");
    assert_int_equal(f->reply.seq, 0);
    assert_int_equal(fixture_head(f).seq, 7);
}

static void at_most_so_many_are_in_force(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    for (int i = 0; i < TB_PAUSES_MAX; i++) {
        fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'t%d'}", i);
        assert_reply(f, 200);
    }
    fixture_commit(f);
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'one more'}");
    assert_refused(f, TB_E_LIMIT_REACHED, "At most 1000 pauses can be in force", NULL);
    pause_board(f, "{'tag':'t7','reason':'r'}"); /* that is no more of them */
    resume_board(f, "{'tag':'t8'}");
    pause_board(f, "{'tag':'one more'}");
    assert_int_equal(fixture_head(f).pauses, TB_PAUSES_MAX);
    fixture_create(f, "{'title':'t','createdBy':'a','tags':['t8','one mor','t1000','t']}");
    assert_json(f, fixture_member(f->reply.body, "ready"), "true");
    fixture_create(f, "{'title':'t','createdBy':'a','tags':['t8','one more']}");
    assert_json(f, fixture_member(f->reply.body, "ready"), "false");
}

/* Tags hold whatever JSON strings can: what is stored must be read back as it was. */
static void any_tag_can_be_paused(void **state)
{
    struct fixture *f = *state;
    static const char *const tags[] = {"\\\"", "]",     "\\\\",     "\\\\\\\"],[", " ",
                                       ",",    "a\\nb", "\xc3\xa4", "[true,["};
    for (size_t i = 0; i < COUNT(tags); i++) {
        fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'%s','reason':'%s'}", tags[i], tags[i]);
        assert_reply(f, 200);
    }
    struct tb_pauses pauses;
    assert_int_equal(tb_pauses_load(fixture_read(f), f->arena, &pauses), TB_OK);
    fixture_end_read(f);
    assert_false(pauses.all);
    assert_int_equal(pauses.tag_count, COUNT(tags));
    for (size_t i = 1; i < pauses.tag_count; i++) {
        assert_true(tb_str_cmp(pauses.tags[i - 1], pauses.tags[i]) < 0);
    }
    assert_json(f, f->reply.body, "{'paused':%.*s}", (int)pauses.wire.len, pauses.wire.ptr);
    for (size_t i = 0; i < COUNT(tags); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','tags':['b','%s']}", tags[i]);
        check_ready(f, id, "false");
        fixture_send(f, TB_COMMAND_RESUME, none, "{'tag':'%s'}", tags[i]);
        check_ready(f, id, "true");
    }
    assert_json(f, f->reply.body, "{'paused':[]}");
}

static void pauses_outlive_a_restart(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    pause_board(f, "{'tag':'x'}");
    fixture_restart(f);
    check_ready(f, id, "false");
    resume_board(f, "{'tag':'x'}");
    assert_json(f, f->reply.body, "{'paused':[]}");
    fixture_restart(f);
    check_ready(f, id, "true");
}

/* --- what readers see --- */

/* a: no tag; b: x; c: y; d: x and y; e: x, waits; f: x, in progress; g: done */
static void make_seven(struct fixture *f, struct tb_id ids[7])
{
    static const char *const members[7] = {
        "'priority':0",
        "'tags':['x']",
        "'tags':['y']",
        "'tags':['y','x']",
        "'tags':['x'],'delaySeconds':60",
        "'tags':['x'],'status':'in_progress'",
        "'status':'done'",
    };
    for (int i = 0; i < 7; i++) {
        ids[i] = fixture_create(f, "{'title':'%c','createdBy':'ann',%s}", 'a' + i, members[i]);
    }
}

static void what_is_paused_is_not_shown_as_ready(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[7];
    make_seven(f, ids);
    pause_board(f, "{'tag':'x'}");
    check_ready(f, ids[0], "true");
    check_ready(f, ids[1], "false");
    check_ready(f, ids[2], "true");
    check_ready(f, ids[3], "false");
    assert_json(f, fixture_list(f, "fields=title,ready&status=open&order=rank"),
                "{'tasks':[{'title':'a','ready':true},{'title':'b','ready':false},"
                "{'title':'c','ready':true},{'title':'d','ready':false},"
                "{'title':'e','ready':false}],'count':5}");
    assert_true(fixture_task(f, ids[1]).ready); /* the record is as it was */
    resume_board(f, "{'tag':'x'}");
    check_ready(f, ids[1], "true");
    pause_board(f, "{}");
    check_ready(f, ids[0], "false");
    resume_board(f, "{}");
    check_ready(f, ids[0], "true");
    assert_int_equal(fixture_task(f, ids[0]).version, 1);
}

static void every_view_shows_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    pause_board(f, "{'tag':'x'}");
    static const char *const queries[] = {
        "", "view=summary", "fields=ready", "order=updated", "order=rank&maxBytes=4096", "tag=x"};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct tb_str list = fixture_list(f, queries[i]);
        struct tb_str tasks = fixture_member(list, "tasks");
        struct tb_str first = tb_str_from(tasks.ptr + 1, tasks.len - 2);
        assert_json(f, fixture_member(first, "ready"), "false");
    }
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_json(f, fixture_member(f->reply.body, "ready"), "false");
    assert_str_eq(f->reply.body, fixture_view(f, id));
    fixture_create_array(f, "[{'title':'u','createdBy':'a','tags':['x']}]");
    struct tb_str tasks = fixture_member(f->reply.body, "tasks");
    assert_json(f, fixture_member(tb_str_from(tasks.ptr + 1, tasks.len - 2), "ready"), "false");
    /* The log says what was stored: nothing tells it of each task when a pause is over. */
    struct tb_str data = fixture_member(fixture_last_event(f).wire, "data");
    assert_json(f, fixture_member(fixture_member(data, "task"), "ready"), "true");
}

static void lists_of_ready_tasks_leave_out_what_is_paused(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[7];
    make_seven(f, ids);
    assert_titles(f, "ready=true", "dcba");
    assert_titles(f, "ready=false", "gfe");
    pause_board(f, "{'tag':'x'}");
    assert_titles(f, "ready=true", "ca");
    assert_titles(f, "ready=true&tag=y", "c");
    assert_titles(f, "ready=true&tag=x", "");
    assert_titles(f, "ready=true&order=rank&limit=1", "a");
    pause_board(f, "{'tag':'y'}");
    assert_titles(f, "ready=true", "a");
    pause_board(f, "{}");
    assert_titles(f, "ready=true", "");
    assert_json(f, fixture_list(f, "ready=true&limit=1"), "{'tasks':[],'count':0}");
    resume_board(f, "{'tag':'x'}");
    resume_board(f, "{}");
    assert_titles(f, "ready=true", "ba");
}

static void lists_of_what_is_not_ready_have_what_is_paused(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[7];
    make_seven(f, ids);
    pause_board(f, "{'tag':'x'}");
    assert_titles(f, "ready=false", "gfedb");
    assert_titles(f, "ready=false&status=open", "edb");
    assert_titles(f, "ready=false&status=done", "g");
    assert_titles(f, "ready=false&tag=y", "d");
    assert_titles(f, "ready=false&order=rank", "bdefg");
    assert_titles(f, "ready=false&ready=true", "");
    pause_board(f, "{}");
    assert_titles(f, "ready=false", "gfedcba");
    assert_titles(f, "ready=false&status=in_progress,in_review", "f");
}

static void pages_and_pieces_of_them_fit_together(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[7];
    make_seven(f, ids);
    pause_board(f, "{'tag':'x'}");
    struct tb_str list = fixture_list(f, "ready=false&limit=3&fields=title");
    struct tb_str cursor = fixture_member(list, "nextCursor");
    assert_json(f, fixture_member(list, "tasks"), "[{'title':'g'},{'title':'f'},{'title':'e'}]");
    list = fixture_list(f, tb_arena_printf(f->arena, "ready=false&limit=2&fields=title&cursor=%.*s",
                                           (int)cursor.len - 2, cursor.ptr + 1)
                               .ptr);
    assert_json(f, list, "{'tasks':[{'title':'d'},{'title':'b'}],'count':2}"); /* `a` is ready */

    struct tb_parse parse = {.arena = f->arena};
    struct tb_params params;
    struct tb_list_request request;
    struct tb_list pieces;
    struct tb_buf out;
    bool more = true;
    struct tb_position next;
    assert_true(tb_params_parse(&parse, TB_STR("ready=false&fields=title&limit=5"), &params));
    assert_true(tb_parse_list(&parse, &params, &request));
    tb_list_init(&pieces, &request);
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_list_piece(&pieces, fixture_read(f), &out, 1), TB_OK);
    assert_int_equal(tb_list_find_end(&pieces, fixture_read(f), &more, &next), TB_OK);
    assert_false(more);
    while (!pieces.done) {
        assert_int_equal(tb_list_piece(&pieces, fixture_read(f), &out, 1), TB_OK);
    }
    fixture_end_read(f);
    assert_str_eq(tb_buf_str(&out), fixture_list(f, "ready=false&fields=title&limit=5"));
}

/* --- the log --- */

static struct tb_str events(struct fixture *f, const char *query)
{
    struct tb_parse parse = {.arena = f->arena};
    struct tb_params params;
    struct tb_events_request request;
    struct tb_buf out;
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    assert_true(tb_parse_events(&parse, &params, &request));
    tb_buf_init(&out, f->arena, 1024);
    assert_int_equal(tb_read_events(fixture_read(f), &request, &out), TB_OK);
    fixture_end_read(f);
    return fixture_member(tb_buf_str(&out), "count");
}

static void the_log_can_be_asked_for_events_without_a_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    pause_board(f, "{'tag':'x','by':'ann'}");
    resume_board(f, "{'tag':'x','by':'bob'}");
    assert_json(f, events(f, ""), "3");
    assert_json(f, events(f, "topic=board"), "3");
    assert_json(f, events(f, "type=board.paused"), "1");
    assert_json(f, events(f, "agent=bob&type=board.resumed"), "1");
    assert_json(f, events(f, "tag=x"), "1"); /* those about tasks with it */
    assert_json(f, events(f, tb_arena_printf(f->arena, "taskId=%s", fixture_id(f, id)).ptr), "1");
    assert_json(f, events(f, "since=1&limit=1"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_pause_says_since_when_why_and_by_whom),
        fixture_test(who_waits_is_asked_only_when_something_is_ready),
        fixture_test(each_is_an_event_without_a_task),
        fixture_test(the_head_counts_pauses_and_their_changes),
        fixture_test(pausing_again_changes_the_reason_and_nothing_else),
        fixture_test(resuming_ends_what_it_names_and_no_more),
        fixture_test(at_most_so_many_are_in_force),
        fixture_test(any_tag_can_be_paused),
        fixture_test(pauses_outlive_a_restart),
        fixture_test(what_is_paused_is_not_shown_as_ready),
        fixture_test(every_view_shows_it),
        fixture_test(lists_of_ready_tasks_leave_out_what_is_paused),
        fixture_test(lists_of_what_is_not_ready_have_what_is_paused),
        fixture_test(pages_and_pieces_of_them_fit_together),
        fixture_test(the_log_can_be_asked_for_events_without_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

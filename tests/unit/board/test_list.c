/* Lists: which tasks, in which order, how they are written, and how they come in pieces and pages.
 */
#include "fixture/fixture.h"

/* --- helpers --- */

static struct tb_list_request *request(struct fixture *f, const char *query)
{
    struct tb_parse parse = {.arena = f->arena};
    struct tb_params params;
    struct tb_list_request *made = tb_arena_alloc(f->arena, sizeof(*made));
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    assert_true(tb_parse_list(&parse, &params, made));
    return made;
}

static void piece(struct fixture *f, struct tb_list *list, struct tb_buf *out, size_t piece_bytes)
{
    assert_int_equal(tb_list_piece(list, fixture_read(f), out, piece_bytes), TB_OK);
    fixture_end_read(f);
}

/* All pieces, each from a snapshot of its own, one after the other. */
static struct tb_str in_pieces(struct fixture *f, const struct tb_list_request *made,
                               size_t piece_bytes)
{
    struct tb_list list;
    struct tb_buf out;
    tb_list_init(&list, made);
    tb_buf_init(&out, f->arena, 1024);
    do {
        piece(f, &list, &out, piece_bytes);
    } while (!list.done);
    return tb_buf_str(&out);
}

/* The same, but asked after the first piece where it will end, as a server does that sends headers
 * first. */
static struct tb_str with_end_known(struct fixture *f, const struct tb_list_request *made,
                                    size_t piece_bytes, bool *more, struct tb_position *next)
{
    struct tb_list list;
    struct tb_buf out;
    tb_list_init(&list, made);
    tb_buf_init(&out, f->arena, 1024);
    piece(f, &list, &out, piece_bytes);
    if (list.done) {
        *more = list.more;
        *next = list.position;
    } else {
        assert_int_equal(tb_list_find_end(&list, fixture_read(f), more, next), TB_OK);
        fixture_end_read(f);
    }
    while (!list.done) {
        piece(f, &list, &out, piece_bytes);
    }
    return tb_buf_str(&out);
}

/* The titles of a list, which are one letter each. */
static struct tb_str titles(struct fixture *f, struct tb_str list)
{
    char *out = tb_arena_alloc(f->arena, list.len);
    size_t len = 0;
    static const char name[] = "\"title\":\"";
    const char *end = list.ptr + list.len;
    const char *at = list.ptr;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1)) != NULL) {
        at += sizeof(name) - 1;
        out[len++] = *at;
    }
    return tb_str_from(out, len);
}

/* A fresh list by query, as titles. */
static void check_titles(struct fixture *f, const char *query, const char *wanted, int line)
{
    struct tb_str got = titles(f, fixture_list(f, query));
    if (!tb_str_eq_c(got, wanted)) {
        print_error("line %d: ?%s\n", line, query);
    }
    check_str(got, tb_str_c(wanted), __FILE__, line);
}

#define assert_titles(f, query, wanted) check_titles((f), (query), (wanted), __LINE__)

static const char *cursor_of(struct fixture *f, struct tb_str list)
{
    struct tb_str cursor = fixture_member(list, "nextCursor");
    return cursor.ptr == NULL
               ? NULL
               : tb_arena_printf(f->arena, "%.*s", (int)cursor.len - 2, cursor.ptr + 1).ptr;
}

/* All pages, by their cursors, as titles; each page must have at most `limit` tasks. */
static struct tb_str all_pages(struct fixture *f, const char *query, int limit)
{
    struct tb_str all = TB_STR("");
    const char *cursor = "";
    do {
        struct tb_str list =
            fixture_list(f, tb_arena_printf(f->arena, "%s&limit=%d%s%s", query, limit,
                                            *cursor != '\0' ? "&cursor=" : "", cursor)
                                .ptr);
        struct tb_str page = titles(f, list);
        assert_true(page.len <= (size_t)limit);
        all = tb_arena_printf(f->arena, "%.*s%.*s", (int)all.len, all.ptr, (int)page.len, page.ptr);
        cursor = cursor_of(f, list);
        assert_true(cursor != NULL || page.len <= (size_t)limit);
    } while (cursor != NULL);
    return all;
}

/* Ten tasks a..j, a millisecond apart, of all sorts. */
static void make_ten(struct fixture *f, struct tb_id ids[10])
{
    static const char *const members[10] = {
        "'tags':['x','y'],'assignee':'ann'",
        "'status':'in_progress','assignee':'bob','description':'paint the Fence'",
        "'status':'done','tags':['x']",
        "'priority':5,'payload':{'big':[1,2,3]}",
        "'dependencies':['z'],'tags':['y']",
        "'status':'blocked','assignee':'ann'",
        "'status':'in_review','priority':-5,'description':'fence \\u00c4'",
        "'delaySeconds':60,'tags':['x','\\u0022q\\u0022']",
        "'status':'done','assignee':'bob'",
        "'tags':['x','y'],'priority':5",
    };
    for (int i = 0; i < 10; i++) {
        const char *parent =
            i == 3 || i == 8
                ? tb_arena_printf(f->arena, ",'parentId':'%s'", fixture_id(f, ids[0])).ptr
                : "";
        ids[i] = fixture_create(f, "{'title':'%c','createdBy':'%s',%s%s}", 'a' + i,
                                i % 3 == 0 ? "eve" : "dan", members[i], parent);
        fixture_advance(f, 1);
    }
}

/* --- which, and in which order --- */

static void an_empty_board_lists_nothing(void **state)
{
    struct fixture *f = *state;
    assert_json(f, fixture_list(f, ""), "{'tasks':[],'count':0}");
    assert_json(f, fixture_list(f, "view=summary&order=rank&limit=1"), "{'tasks':[],'count':0}");
}

static void filters_choose_and_newest_come_first(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    assert_titles(f, "", "jihgfedcba");
    assert_titles(f, "status=open", "jheda");
    assert_titles(f, "status=done", "ic");
    assert_titles(f, "status=in_progress,in_review,blocked", "gfb");
    assert_titles(f, "ready=true", "jda");
    assert_titles(f, "ready=false", "ihgfecb");
    assert_titles(f, "status=open&ready=false", "he");
    assert_titles(f, "assignee=ann", "fa");
    assert_titles(f, "assignee=nobody", "");
    assert_titles(f, "createdBy=eve", "jgda");
    assert_titles(f, "tag=x", "jhca");
    assert_titles(f, "tag=x&tag=y", "ja");
    assert_titles(f, "tag=%22q%22", "h");
    assert_titles(f, "tag=X", "");
    assert_titles(f, "q=FENCE", "gb");
    assert_titles(f, "q=fence+paint", "b");
    assert_titles(f, "q=%C3%A4", "g");
    assert_titles(f, "q=a", "a");
    assert_titles(f, "q=fen", "");
    assert_titles(f, "tag=x&assignee=ann&createdBy=eve&ready=true&q=a", "a");
    assert_titles(f, tb_arena_printf(f->arena, "parentId=%s", fixture_id(f, ids[0])).ptr, "id");
    assert_titles(f, "updatedSince=2023-11-14T22:13:20.007Z", "jih");
    assert_titles(f, "status=nonsense", "");
}

static void orders_are_by_creation_by_last_change_and_by_rank(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    fixture_send(f, TB_COMMAND_BUMP, ids[2], "{}");
    fixture_advance(f, 1);
    fixture_patch(f, ids[7], "{'priority':1}");
    assert_titles(f, "order=created", "jihgfedcba");
    assert_titles(f, "order=updated", "hcjigfedba");
    assert_titles(f, "order=rank", "djchabefig");
    assert_titles(f, "order=rank&ready=true", "dja");
    assert_titles(f, "order=updated&status=done", "ci");
    assert_titles(f, "order=updated&updatedSince=2023-11-14T22:13:20.009Z", "hcj");
}

static void ties_are_broken_by_id(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        fixture_create(f, "{'title':'%c','createdBy':'a'}", 'a' + i);
    }
    assert_titles(f, "order=created", "edcba");
    assert_titles(f, "order=updated", "edcba");
    assert_titles(f, "order=rank", "abcde");
}

static void becoming_ready_does_not_move_a_task_in_the_order_of_changes(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    fixture_advance(f, 1);
    fixture_task_after(f, "b", a);
    fixture_advance(f, 1);
    fixture_task_named(f, "c");
    fixture_advance(f, 1);
    fixture_finish(f, a);
    assert_titles(f, "order=updated", "acb");
    assert_titles(f, "updatedSince=2023-11-14T22:13:20.002Z", "ca");
}

/* --- how a task is written --- */

static void a_list_writes_tasks_as_get_does(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','description':'d'}");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    struct tb_str view = fixture_view(f, id);
    assert_json(f, fixture_list(f, ""), "{'tasks':[%.*s],'count':1}", (int)view.len, view.ptr);
}

static void the_summary_ends_with_ready(void **state)
{
    struct fixture *f = *state;
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','description':'d','payload':1}");
    assert_json(f, fixture_list(f, "view=summary"),
                "{'tasks':[{'id':'%s','title':'t','status':'open','tags':[],'dependencies':[],"
                "'createdBy':'a','createdAt':'" FIXTURE_START "','updatedAt':'" FIXTURE_START
                "','score':0,'version':1,'priority':0,'attempts':0,'maxAttempts':3,'blockedBy':[],"
                "'ready':true}],'count':1}",
                fixture_id(f, id));
}

static void chosen_fields_stand_in_the_order_of_the_contract(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_create(f, "{'title':'a','createdBy':'x','payload':{'k':'\\u0022'}}");
    fixture_task_named(f, "b");
    fixture_send(f, TB_COMMAND_NOTE, a, "{'author':'a','content':'c','type':'update'}");
    struct tb_str note = f->reply.body;
    assert_json(f,
                fixture_list(f, "fields=artifacts,payload,ready,title,notes,assignee&view=summary"),
                "{'tasks':[{'title':'b','ready':true,'notes':[],'artifacts':[]},"
                "{'title':'a','ready':true,'payload':{'k':'\\\"'},'notes':[%.*s],'artifacts':[]}],"
                "'count':2}",
                (int)note.len, note.ptr);
    assert_json(f, fixture_list(f, "fields=assignee"), "{'tasks':[{},{}],'count':2}");
    assert_json(f, fixture_list(f, "fields=notes&limit=1&q=b"),
                "{'tasks':[{'notes':[]}],'count':1}");
}

/* --- pieces --- */

static const char *const all_sorts[] = {
    "",
    "view=summary",
    "order=updated",
    "order=rank",
    "fields=id,title",
    "status=open",
    "limit=4",
    "limit=10",
    "limit=4&order=rank",
    "limit=3&order=updated&view=summary",
    "ready=false&limit=6",
    "tag=x&limit=4",
    "status=nonsense",
};

static void pieces_put_together_are_the_list(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    for (size_t i = 0; i < COUNT(all_sorts); i++) {
        struct tb_str whole = fixture_list(f, all_sorts[i]);
        for (size_t bytes = 1; bytes < whole.len + 200; bytes += 97) {
            assert_str_eq(in_pieces(f, request(f, all_sorts[i]), bytes), whole);
        }
    }
}

static void a_piece_stops_behind_the_task_that_fills_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct tb_list list;
    struct tb_buf out;
    make_ten(f, ids);
    tb_list_init(&list, request(f, "view=summary"));
    for (uint32_t i = 1; i <= 10; i++) {
        tb_buf_init(&out, f->arena, 1024);
        piece(f, &list, &out, 1);
        assert_false(list.done);
        assert_int_equal(list.count, i);
        assert_int_equal(out.ptr[out.len - 1], '}');
    }
    tb_buf_init(&out, f->arena, 1024);
    piece(f, &list, &out, 1);
    assert_true(list.done);
    assert_str(tb_buf_str(&out), "],\"count\":10}");
}

static void the_end_is_known_after_the_first_piece(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    for (size_t i = 0; i < COUNT(all_sorts); i++) {
        struct tb_list_request *made = request(f, all_sorts[i]);
        struct tb_str whole = fixture_list(f, all_sorts[i]);
        for (size_t bytes = 1; bytes < whole.len + 200; bytes += 311) {
            bool more = false;
            struct tb_position next;
            assert_str_eq(with_end_known(f, made, bytes, &more, &next), whole);
            struct tb_str cursor = fixture_member(whole, "nextCursor");
            assert_int_equal(more, cursor.ptr != NULL);
            if (more) {
                struct tb_str named = tb_cursor_format(f->arena, made->query.order, next);
                assert_json(f, cursor, "'%.*s'", (int)named.len, named.ptr);
            }
        }
    }
}

/* --- pieces while others write --- */

struct meanwhile {
    struct tb_list list;
    struct tb_buf out;
};

/* Reads the first piece, of so many tasks, and where the list will end. */
static void start(struct fixture *f, struct meanwhile *m, const char *query, uint32_t count)
{
    bool more = false;
    struct tb_position next;
    tb_list_init(&m->list, request(f, query));
    tb_buf_init(&m->out, f->arena, 1024);
    while (m->list.count < count) {
        piece(f, &m->list, &m->out, 1);
    }
    assert_int_equal(tb_list_find_end(&m->list, fixture_read(f), &more, &next), TB_OK);
    fixture_end_read(f);
}

static struct tb_str go_on(struct fixture *f, struct meanwhile *m)
{
    while (!m->list.done) {
        piece(f, &m->list, &m->out, 1);
    }
    return tb_buf_str(&m->out);
}

static void tasks_created_meanwhile_are_not_in_the_list(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct meanwhile m;
    make_ten(f, ids);
    start(f, &m, "", 3);
    fixture_task_named(f, "k");
    struct tb_str list = go_on(f, &m);
    assert_str(titles(f, list), "jihgfedcba");
    assert_json(f, fixture_member(list, "count"), "10");
    assert_absent(fixture_member(list, "nextCursor"));
}

static void tasks_deleted_meanwhile_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct meanwhile m;
    make_ten(f, ids);
    start(f, &m, "limit=8", 3);
    fixture_delete(f, ids[6]); /* the last that was written is `h` */
    fixture_delete(f, ids[7]);
    fixture_delete(f, ids[2]); /* where the page would have ended */
    struct tb_str list = go_on(f, &m);
    assert_str(titles(f, list), "jihfed");
    assert_json(f, fixture_member(list, "count"), "6");
    const char *query = tb_arena_printf(f->arena, "cursor=%s", cursor_of(f, list)).ptr;
    assert_titles(f, query, "ba");
}

/* What comes into a filter meanwhile must not push out what was there all the time. */
static void tasks_that_come_into_the_filter_meanwhile_push_out_no_other(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct meanwhile m;
    make_ten(f, ids);
    start(f, &m, "status=open&limit=4", 2); /* j h of j h e d | a */
    fixture_patch(f, ids[6], "{'status':'open'}");
    fixture_patch(f, ids[5], "{'status':'open'}");
    struct tb_str list = go_on(f, &m);
    const char *query = tb_arena_printf(f->arena, "status=open&cursor=%s", cursor_of(f, list)).ptr;
    struct tb_str rest = titles(f, fixture_list(f, query));
    struct tb_str both = tb_arena_printf(f->arena, "%.*s%.*s", (int)titles(f, list).len,
                                         titles(f, list).ptr, (int)rest.len, rest.ptr);
    assert_str(both, "jhgfeda");
}

static void a_list_that_nobody_asked_where_it_ends_heeds_its_limit(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct tb_list list;
    struct tb_buf out;
    make_ten(f, ids);
    tb_list_init(&list, request(f, "status=open&limit=4"));
    tb_buf_init(&out, f->arena, 1024);
    piece(f, &list, &out, 1);
    fixture_patch(f, ids[6], "{'status':'open'}");
    fixture_patch(f, ids[5], "{'status':'open'}");
    while (!list.done) {
        piece(f, &list, &out, 1);
    }
    struct tb_str body = tb_buf_str(&out);
    assert_str(titles(f, body), "jhgf");
    const char *query = tb_arena_printf(f->arena, "status=open&cursor=%s", cursor_of(f, body)).ptr;
    assert_titles(f, query, "eda");
}

/* --- pages --- */

static void pages_put_together_are_the_list(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    static const char *const queries[] = {"view=full", "order=updated", "order=rank",
                                          "status=open,done", "order=rank&ready=false"};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct tb_str whole = titles(f, fixture_list(f, queries[i]));
        for (int limit = 1; limit <= 11; limit++) {
            assert_str_eq(all_pages(f, queries[i], limit), whole);
        }
    }
}

static void only_a_page_with_more_behind_it_has_a_cursor(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    assert_null(cursor_of(f, fixture_list(f, "limit=10")));
    assert_null(cursor_of(f, fixture_list(f, "limit=11")));
    assert_non_null(cursor_of(f, fixture_list(f, "limit=9")));
    assert_null(cursor_of(f, fixture_list(f, "status=done&limit=2")));
    const char *cursor = cursor_of(f, fixture_list(f, "limit=9"));
    assert_titles(f, tb_arena_printf(f->arena, "limit=1&cursor=%s", cursor).ptr, "a");
    assert_null(
        cursor_of(f, fixture_list(f, tb_arena_printf(f->arena, "limit=1&cursor=%s", cursor).ptr)));
}

static void a_cursor_survives_what_it_stands_on(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    const char *cursor = cursor_of(f, fixture_list(f, "limit=3"));
    fixture_delete(f, ids[7]);
    fixture_task_named(f, "k");
    assert_titles(f, tb_arena_printf(f->arena, "cursor=%s", cursor).ptr, "gfedcba");
}

static void a_list_that_looked_at_enough_says_where_to_go_on(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct tb_str all = TB_STR("");
    make_ten(f, ids);
    struct tb_list_request *made = request(f, "assignee=ann");
    int pages = 0;
    made->query.scan_max = 4;
    for (bool more = true; more; pages++) {
        struct tb_str list = in_pieces(f, made, SIZE_MAX / 2);
        struct tb_str page = titles(f, list);
        all = tb_arena_printf(f->arena, "%.*s%.*s", (int)all.len, all.ptr, (int)page.len, page.ptr);
        const char *cursor = cursor_of(f, list);
        more = cursor != NULL;
        if (more) {
            made->query.has_after =
                tb_cursor_parse(tb_str_c(cursor), TB_ORDER_CREATED, &made->query.after);
            assert_true(made->query.has_after);
        }
    }
    assert_str(all, "fa");
    assert_int_equal(pages, 3);
}

static void the_end_may_be_where_enough_was_looked_at(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    struct tb_list_request *made = request(f, "q=f"); /* of jihgfedcba */
    made->query.scan_max = 5;
    bool more = false;
    struct tb_position next;
    struct tb_str list = with_end_known(f, made, 1, &more, &next);
    assert_str(titles(f, list), "f");
    assert_true(more);
    assert_id(next.id, ids[0]); /* the five behind f */
    made->query.has_after = true;
    made->query.after = next;
    assert_json(f, in_pieces(f, made, 1), "{'tasks':[],'count':0}");
}

/* --- maxBytes --- */

static void max_bytes_cuts_between_tasks(void **state)
{
    struct fixture *f = *state;
    const char *text = fixture_repeat(f->arena, "x", 300);
    for (int i = 0; i < 5; i++) {
        fixture_create(f, "{'title':'%c','createdBy':'a','description':'%s'}", 'a' + i, text);
    }
    struct tb_str whole = fixture_list(f, "");
    size_t each = (whole.len - strlen("{\"tasks\":[],\"count\":5}") - 4) / 5;
    assert_true(each > 512 && each < 1000);
    /* with a comma between them and what stands round a list, two fit exactly */
    size_t round = 128;
    size_t two = 2 * each + 1 + round;
    struct tb_str list = fixture_list(f, tb_arena_printf(f->arena, "maxBytes=%zu", two).ptr);
    assert_str(titles(f, list), "ed");
    assert_json(f, fixture_member(list, "truncated"), "true");
    assert_json(f, fixture_member(list, "count"), "2");
    assert_titles(f, tb_arena_printf(f->arena, "cursor=%s", cursor_of(f, list)).ptr, "cba");
    list = fixture_list(f, tb_arena_printf(f->arena, "maxBytes=%zu", two - 1).ptr);
    assert_str(titles(f, list), "e");
    list = fixture_list(f, tb_arena_printf(f->arena, "maxBytes=%zu", 5 * each + 4 + round).ptr);
    assert_str_eq(list, whole);
    assert_absent(fixture_member(list, "truncated"));
}

static void max_bytes_lets_one_task_through_whatever_its_size(void **state)
{
    struct fixture *f = *state;
    const char *text = fixture_repeat(f->arena, "x", 5000);
    for (int i = 0; i < 2; i++) {
        fixture_create(f, "{'title':'%c','createdBy':'a','description':'%s'}", 'a' + i, text);
    }
    struct tb_str list = fixture_list(f, "maxBytes=1024");
    assert_str(titles(f, list), "b");
    assert_json(f, fixture_member(list, "truncated"), "true");
    const char *query =
        tb_arena_printf(f->arena, "maxBytes=1024&cursor=%s", cursor_of(f, list)).ptr;
    list = fixture_list(f, query);
    assert_str(titles(f, list), "a");
    assert_absent(fixture_member(list, "truncated"));
    assert_absent(fixture_member(list, "nextCursor"));
}

static void a_list_with_max_bytes_comes_in_one_piece(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    struct tb_list list;
    struct tb_buf out;
    make_ten(f, ids);
    tb_list_init(&list, request(f, "maxBytes=3000"));
    tb_buf_init(&out, f->arena, 1024);
    piece(f, &list, &out, 1);
    assert_true(list.done);
    assert_true(list.truncated);
    assert_str_eq(tb_buf_str(&out), fixture_list(f, "maxBytes=3000"));
}

static void the_limit_counts_before_max_bytes(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[10];
    make_ten(f, ids);
    struct tb_str list = fixture_list(f, "limit=2&maxBytes=100000");
    assert_str(titles(f, list), "ji");
    assert_absent(fixture_member(list, "truncated"));
    assert_non_null(cursor_of(f, list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_empty_board_lists_nothing),
        fixture_test(filters_choose_and_newest_come_first),
        fixture_test(orders_are_by_creation_by_last_change_and_by_rank),
        fixture_test(ties_are_broken_by_id),
        fixture_test(becoming_ready_does_not_move_a_task_in_the_order_of_changes),
        fixture_test(a_list_writes_tasks_as_get_does),
        fixture_test(the_summary_ends_with_ready),
        fixture_test(chosen_fields_stand_in_the_order_of_the_contract),
        fixture_test(pieces_put_together_are_the_list),
        fixture_test(a_piece_stops_behind_the_task_that_fills_it),
        fixture_test(the_end_is_known_after_the_first_piece),
        fixture_test(tasks_created_meanwhile_are_not_in_the_list),
        fixture_test(tasks_deleted_meanwhile_are_left_out),
        fixture_test(tasks_that_come_into_the_filter_meanwhile_push_out_no_other),
        fixture_test(a_list_that_nobody_asked_where_it_ends_heeds_its_limit),
        fixture_test(pages_put_together_are_the_list),
        fixture_test(only_a_page_with_more_behind_it_has_a_cursor),
        fixture_test(a_cursor_survives_what_it_stands_on),
        fixture_test(a_list_that_looked_at_enough_says_where_to_go_on),
        fixture_test(the_end_may_be_where_enough_was_looked_at),
        fixture_test(max_bytes_cuts_between_tasks),
        fixture_test(max_bytes_lets_one_task_through_whatever_its_size),
        fixture_test(a_list_with_max_bytes_comes_in_one_piece),
        fixture_test(the_limit_counts_before_max_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

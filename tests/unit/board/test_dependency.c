#include "fixture/fixture.h"

#include "board/dependency.h"
#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

/* --- ids --- */

static void only_an_id_as_the_board_writes_it_names_a_task(void **state)
{
    (void)state;
    struct tb_id id = none;
    assert_true(tb_dependency_id(TB_STR("01HF7YAT00AAAAAAAAAAAAAAAA"), &id));
    assert_int_equal(id.bytes[0], 0x01);
    static const struct tb_str wrong[] = {
        TB_STR(""),
        TB_STR("x"),
        TB_STR("01hf7yat00aaaaaaaaaaaaaaaa"),
        TB_STR("01HF7YAT00AAAAAAAAAAAAAAA"),
        TB_STR("01HF7YAT00AAAAAAAAAAAAAAAAA"),
        TB_STR("81HF7YAT00AAAAAAAAAAAAAAAA"),
        TB_STR("01HF7YAT00AAAAAAAAAAAAAAAI"),
        TB_STR("01HF7YAT00AAAAAAAAAAAAAA\\\\"),
        TB_STR(" 1HF7YAT00AAAAAAAAAAAAAAAA"),
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct tb_id untouched = none;
        assert_false(tb_dependency_id(wrong[i], &untouched));
        assert_true(tb_id_is_zero(untouched));
    }
}

/* --- met and unmet --- */

static void only_done_with_success_meets(void **state)
{
    (void)state;
    for (unsigned status = 0; status < TB_STATUS_COUNT; status++) {
        for (unsigned outcome = 0; outcome < TB_OUTCOME_COUNT; outcome++) {
            const struct tb_task task = {.status = (enum tb_status)status,
                                         .outcome = (enum tb_outcome)outcome};
            assert_int_equal(tb_dependency_is_met_by(&task),
                             status == TB_STATUS_DONE && outcome == TB_OUTCOME_SUCCESS);
        }
    }
}

static void unmet_ones_are_found_in_the_store(void **state)
{
    struct fixture *f = *state;
    const char *done =
        fixture_id(f, fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}"));
    const char *open = fixture_id(f, fixture_task_named(f, "t"));
    fixture_begin(f);
    assert_str(tb_dependency_unmet(&f->board, TB_STR("[]")), "[]");
    assert_json(f, tb_dependency_unmet(&f->board, fixture_json(f, "['%s']", done)), "[]");
    assert_json(f,
                tb_dependency_unmet(&f->board, fixture_json(f, "['a\\\"]','%s','%s','%s','a\\\"]']",
                                                            done, open, done)),
                "['a\\\"]','%s','a\\\"]']", open);
    fixture_abort(f);
}

static void the_largest_list_of_dependencies_is_looked_up(void **state)
{
    struct fixture *f = *state;
    struct tb_buf list;
    tb_buf_init(&list, f->arena, 8192);
    for (int i = 0; i < TB_DEPENDENCIES_MAX; i++) {
        struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}",
                                         i % 2 == 0 ? "done" : "open");
        tb_buf_add_str(&list, fixture_json(f, "%s'%s'", i == 0 ? "[" : ",", fixture_id(f, id)));
    }
    TB_BUF_LIT(&list, "]");
    fixture_begin(f);
    struct tb_str unmet = tb_dependency_unmet(&f->board, tb_buf_str(&list));
    assert_int_equal(unmet.len, 1 + TB_DEPENDENCIES_MAX / 2 * (TB_ULID_LEN + 3));
    fixture_abort(f);
}

static void adjusting_takes_out_or_puts_in_every_mention(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *blocked_by;
        const char *id;
        bool met;
        const char *result;
    } rows[] = {
        {"['a','b','a']", "a", true, "['b']"},
        {"['a','b','a']", "b", true, "['a','a']"},
        {"['a','b','a']", "x", true, "['a','b','a']"},
        {"['b']", "a", false, "['a','b','a']"},
        {"[]", "b", false, "['b']"},
        {"['b']", "b", true, "[]"},
        {"['b']", "b", false, "['b']"},
        {"['c\\\"']", "a", false, "['a','a','c\\\"']"},
        {"[]", "a", true, "[]"},
    };
    struct tb_str dependencies = TB_STR("[\"a\",\"b\",\"a\",\"c\\\"\"]");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_str got =
            tb_dependency_adjust(f->arena, dependencies, fixture_json(f, "%s", rows[i].blocked_by),
                                 tb_str_c(rows[i].id), rows[i].met);
        assert_json(f, got, "%s", rows[i].result);
    }
}

/* --- cycles --- */

static enum tb_dependency_check check(struct fixture *f, struct tb_id id,
                                      struct tb_str dependencies, struct tb_str *path)
{
    *path = TB_STR_NONE;
    fixture_begin(f);
    enum tb_dependency_check found =
        tb_dependency_check_cycle(&f->board, NULL, id, dependencies, path);
    *path = tb_arena_dup(f->arena, *path);
    fixture_abort(f);
    return found;
}

static void a_task_that_leads_nowhere_closes_no_cycle(void **state)
{
    struct fixture *f = *state;
    struct tb_str path;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    assert_int_equal(check(f, a, TB_STR("[]"), &path), TB_DEPENDENCY_FINE);
    assert_int_equal(check(f, a, TB_STR("[\"x\",\"01HF7YAT00AAAAAAAAAAAAAAAA\"]"), &path),
                     TB_DEPENDENCY_FINE);
    assert_int_equal(check(f, b, fixture_json(f, "['%s']", fixture_id(f, a)), &path),
                     TB_DEPENDENCY_FINE);
    assert_absent(path);
}

static void the_path_begins_and_ends_with_the_task(void **state)
{
    struct fixture *f = *state;
    struct tb_str path;
    struct tb_id ids[5];
    ids[0] = fixture_task_named(f, "0");
    for (int i = 1; i < 5; i++) {
        ids[i] = fixture_task_after(f, "t", ids[i - 1]);
    }
    struct tb_str dependencies = fixture_json(f, "['x','%s']", fixture_id(f, ids[4]));
    assert_int_equal(check(f, ids[0], dependencies, &path), TB_DEPENDENCY_CYCLE);
    assert_json(f, path, "['%s','%s','%s','%s','%s','%s']", fixture_id(f, ids[0]),
                fixture_id(f, ids[4]), fixture_id(f, ids[3]), fixture_id(f, ids[2]),
                fixture_id(f, ids[1]), fixture_id(f, ids[0]));
}

/* A ladder has 2^n ways down: each task is looked at once all the same. */
static void many_ways_to_one_task_are_walked_once(void **state)
{
    struct fixture *f = *state;
    struct tb_str path;
    struct tb_id first = fixture_task_named(f, "0");
    const char *left = fixture_id(f, first);
    const char *right = left;
    for (int i = 0; i < 60; i++) {
        struct tb_str both = fixture_json(f, "['%s','%s']", left, right);
        struct tb_id ids[2];
        for (int k = 0; k < 2; k++) {
            ids[k] = fixture_create(f, "{'title':'t','createdBy':'a','dependencies':%.*s}",
                                    (int)both.len, both.ptr);
        }
        left = fixture_id(f, ids[0]);
        right = fixture_id(f, ids[1]);
    }
    struct tb_str top = fixture_json(f, "['%s','%s']", left, right);
    assert_int_equal(check(f, first, top, &path), TB_DEPENDENCY_CYCLE);
    assert_int_equal(path.len, 1 + 62 * (TB_ULID_LEN + 3));
    fixture_patch(f, first, "{'status':'done'}");
    assert_int_equal(check(f, fixture_task_named(f, "t"), top, &path), TB_DEPENDENCY_FINE);
}

static void drafts_are_found_by_their_ids(void **state)
{
    (void)state;
    enum { N = 7 };
    struct tb_task tasks[N];
    const struct tb_task *pointers[N];
    for (int i = 0; i < N; i++) {
        tasks[i] = (struct tb_task){.id = {.bytes = {[15] = (uint8_t)(2 * i + 2)}}};
        pointers[i] = &tasks[i];
    }
    for (size_t count = 0; count <= N; count++) {
        const struct tb_dependency_drafts drafts = {pointers, count};
        for (int id = 0; id < 2 * N + 4; id++) {
            const struct tb_id wanted = {.bytes = {[15] = (uint8_t)id}};
            bool there = id % 2 == 0 && id >= 2 && (size_t)id / 2 <= count;
            assert_ptr_equal(tb_dependency_draft(&drafts, wanted),
                             there ? &tasks[id / 2 - 1] : NULL);
        }
    }
    assert_null(tb_dependency_draft(NULL, none));
}

static void a_cycle_may_run_through_drafts(void **state)
{
    struct fixture *f = *state;
    struct tb_id stored = fixture_create(
        f, "{'title':'t','createdBy':'a','dependencies':['01HF7YAT00AAAAAAAAAAAAAAAB']}");
    struct tb_task tasks[2] = {
        {.dependencies = fixture_json(f, "['01HF7YAT00AAAAAAAAAAAAAAAB']")},
        {.dependencies = fixture_json(f, "['%s']", fixture_id(f, stored))},
    };
    assert_true(tb_dependency_id(TB_STR("01HF7YAT00AAAAAAAAAAAAAAAA"), &tasks[0].id));
    assert_true(tb_dependency_id(TB_STR("01HF7YAT00AAAAAAAAAAAAAAAB"), &tasks[1].id));
    const struct tb_task *pointers[2] = {&tasks[0], &tasks[1]};
    const struct tb_dependency_drafts drafts = {pointers, 2};
    struct tb_str path = TB_STR_NONE;
    fixture_begin(f);
    assert_int_equal(
        tb_dependency_check_cycle(&f->board, &drafts, tasks[0].id, tasks[0].dependencies, &path),
        TB_DEPENDENCY_FINE);
    assert_int_equal(
        tb_dependency_check_cycle(&f->board, &drafts, tasks[1].id, tasks[1].dependencies, &path),
        TB_DEPENDENCY_CYCLE);
    assert_json(f, path, "['01HF7YAT00AAAAAAAAAAAAAAAB','%s','01HF7YAT00AAAAAAAAAAAAAAAB']",
                fixture_id(f, stored));
    fixture_abort(f);
}

/* --- limits --- */

/* Ids that no task has count too: that is how few tasks reach the limit. */
static struct tb_str strange_ids(struct fixture *f, unsigned from, unsigned count)
{
    struct tb_buf list;
    tb_buf_init(&list, f->arena, count * (TB_ULID_LEN + 3) + 2);
    for (unsigned i = from; i < from + count; i++) {
        tb_buf_add_str(
            &list, fixture_json(f, "%s'00000000000000000000%06u'", i == from ? "" : ",", i + 1));
    }
    return tb_buf_str(&list);
}

static void at_most_a_hundred_thousand_dependencies_are_looked_at(void **state)
{
    struct fixture *f = *state;
    enum { EACH = TB_DEPENDENCIES_MAX - 1 };
    struct tb_id first = fixture_task_named(f, "first");
    const char *last = "x";
    /* the one that is asked about, and all that each task of the chain names */
    unsigned looked_at = 1;
    unsigned made = 0;
    while (looked_at + 1 + EACH < TB_DEPENDENCY_WALK_MAX) {
        struct tb_str strange = strange_ids(f, made, EACH);
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['%s',%.*s]}", last,
                           (int)strange.len, strange.ptr);
        last = fixture_id(f, id);
        made += EACH;
        looked_at += 1 + EACH;
    }
    unsigned rest = TB_DEPENDENCY_WALK_MAX - looked_at - 1;
    struct tb_str strange = strange_ids(f, made, rest);
    struct tb_id most =
        fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['%s',%.*s]}", last,
                       (int)strange.len, strange.ptr);
    struct tb_str path;
    struct tb_str dependencies = fixture_json(f, "['%s']", fixture_id(f, most));
    assert_int_equal(check(f, first, dependencies, &path), TB_DEPENDENCY_FINE);
    dependencies = fixture_json(f, "['%s','0000000000000000000000000Z']", fixture_id(f, most));
    assert_int_equal(check(f, first, dependencies, &path), TB_DEPENDENCY_TOO_LARGE);
    fixture_send(f, TB_COMMAND_PATCH, first, "{'dependencies':['%s','0000000000000000000000000Z']}",
                 fixture_id(f, most));
    assert_refused(f, TB_E_LIMIT_REACHED, "More than 100000 dependencies hang together with these",
                   ",'field':'dependencies'");
}

static void room_is_counted_to_the_last_dependent(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['x','x','y']}");
    }
    fixture_begin(f);
    assert_true(tb_dependency_has_room(&f->board, TB_STR("x"), TB_DEPENDENTS_MAX - 3));
    assert_false(tb_dependency_has_room(&f->board, TB_STR("x"), TB_DEPENDENTS_MAX - 2));
    assert_true(tb_dependency_has_room(&f->board, TB_STR("z"), TB_DEPENDENTS_MAX));
    assert_false(tb_dependency_has_room(&f->board, TB_STR("z"), TB_DEPENDENTS_MAX + 1));
    fixture_abort(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_id_as_the_board_writes_it_names_a_task),
        cmocka_unit_test(only_done_with_success_meets),
        fixture_test(unmet_ones_are_found_in_the_store),
        fixture_test(the_largest_list_of_dependencies_is_looked_up),
        fixture_test(adjusting_takes_out_or_puts_in_every_mention),
        fixture_test(a_task_that_leads_nowhere_closes_no_cycle),
        fixture_test(the_path_begins_and_ends_with_the_task),
        fixture_test(many_ways_to_one_task_are_walked_once),
        cmocka_unit_test(drafts_are_found_by_their_ids),
        fixture_test(a_cycle_may_run_through_drafts),
        fixture_large_test(at_most_a_hundred_thousand_dependencies_are_looked_at),
        fixture_test(room_is_counted_to_the_last_dependent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who waits for whom in a file, and together with what is stored. */
#include "unit/board/import_check.h"

#define WAITING(n, ids) IMPORT_TASK_LINE(n, ",'dependencies':[" ids "]")
#define QUOTED(n)       "'" IMPORT_ID(n) "'"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

static void a_cycle_within_the_file_is_refused_with_its_path(void **state)
{
    static const struct import_row rows[] = {
        {WAITING("1", QUOTED("1")), TB_E_DEPENDENCY_CYCLE,
         "Line 1: The dependencies would form a cycle",
         ",'line':1,'path':[" QUOTED("1") "," QUOTED("1") "]"},
        {WAITING("1", QUOTED("2")) WAITING("2", QUOTED("3") "," QUOTED("4"))
             IMPORT_TASK_LINE("3", "") WAITING("4", "'x'," QUOTED("2")),
         TB_E_DEPENDENCY_CYCLE, "Line 4: The dependencies would form a cycle",
         ",'line':4,'path':[" QUOTED("2") "," QUOTED("4") "," QUOTED("2") "]"},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* Looked at once however many ways lead to a task. */
static void ways_that_meet_again_are_no_cycle(void **state)
{
    struct fixture *f = *state;
    import_lines(f, WAITING("1", QUOTED("2") "," QUOTED("3")) WAITING("2", QUOTED("4"))
                        WAITING("3", QUOTED("4")) IMPORT_TASK_LINE("4", ""));
    assert_waiting(f, import_id(IMPORT_ID("1")), "[" QUOTED("2") "," QUOTED("3") "]", false);
    assert_waiting(f, import_id(IMPORT_ID("3")), "[" QUOTED("4") "]", false);
    assert_waiting(f, import_id(IMPORT_ID("4")), "[]", true);
}

static struct tb_id waiting_here(struct fixture *f, const char *id)
{
    return fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['%s']}", id);
}

static void a_cycle_through_what_is_stored_is_refused_with_its_path(void **state)
{
    struct fixture *f = *state;
    const char *here = fixture_id(f, waiting_here(f, IMPORT_ID("3")));
    const struct import_row row = {
        tb_arena_printf(f->arena,
                        IMPORT_TASK_LINE("1", "") WAITING("2", "'%s'") WAITING("3", QUOTED("2")),
                        here)
            .ptr,
        TB_E_DEPENDENCY_CYCLE, "Line 3: The dependencies would form a cycle",
        tb_arena_printf(f->arena,
                        ",'line':3,'path':[" QUOTED("3") "," QUOTED("2") ",'%s'," QUOTED("3") "]",
                        here)
            .ptr};
    check_rows(f, &row, 1);
}

static void somebody_waits_here_for_what_comes(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = waiting_here(f, IMPORT_ID("1"));
    struct tb_id second = waiting_here(f, IMPORT_ID("2"));
    import_lines(f, WAITING("1", QUOTED("2")) "{'task':{'id':'" IMPORT_ID(
                        "2") "','title':'t',"
                             "'status':'done','createdBy':'a','createdAt':'" IMPORT_AT
                             "','dependencies':['x']}}");
    assert_waiting(f, first, "[" QUOTED("1") "]", false);
    assert_waiting(f, second, "[]", true);
    assert_waiting(f, import_id(IMPORT_ID("1")), "[]", true);
}

/* So many tasks of which each waits for `dependency`. */
static struct tb_str crowd(struct fixture *f, int count, const char *dependency)
{
    struct tb_buf lines;
    tb_buf_init(&lines, f->arena, 1024);
    for (int i = 0; i < count; i++) {
        tb_buf_add_str(&lines,
                       fixture_json(f,
                                    "{'task':{'id':'01H1T4230000000000000%05d','title':'t',"
                                    "'status':'open','createdBy':'a','createdAt':'" IMPORT_AT
                                    "','dependencies':['%s','%s','y%d']}}\n",
                                    i, dependency, dependency, i));
    }
    return tb_buf_str(&lines);
}

static void too_many_for_one_task_are_refused(void **state)
{
    struct fixture *f = *state;
    import_bytes(f, TB_IMPORT_NDJSON, crowd(f, TB_DEPENDENTS_MAX + 1, "x"));
    assert_refused(f, TB_E_LIMIT_REACHED, "Line 2001: More than 2000 tasks would wait for task x",
                   ",'line':2001,'field':'dependencies'");
    (void)waiting_here(f, "x");
    import_bytes(f, TB_IMPORT_NDJSON, crowd(f, TB_DEPENDENTS_MAX, "x"));
    assert_refused(f, TB_E_LIMIT_REACHED, "Line 2000: More than 2000 tasks would wait for task x",
                   ",'line':2000,'field':'dependencies'");
    import_bytes(f, TB_IMPORT_NDJSON, crowd(f, TB_DEPENDENTS_MAX - 1, "x"));
    assert_reply(f, 200);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_cycle_within_the_file_is_refused_with_its_path),
        fixture_test(ways_that_meet_again_are_no_cycle),
        fixture_test(a_cycle_through_what_is_stored_is_refused_with_its_path),
        fixture_test(somebody_waits_here_for_what_comes),
        fixture_large_test(too_many_for_one_task_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

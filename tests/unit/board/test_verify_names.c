#include "unit/board/damage_check.h"

/* So many that the table grows, and some are there as a tag and as an assignee. */
static void however_many_names_there_are_they_are_counted(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    for (int i = 0; i < 200; i++) {
        fixture_create(f,
                       "{'title':'t','createdBy':'a','assignee':'n%d','tags':['n%d','n%d','all']}",
                       i % 70, i, i);
    }
    fixture_commit(f);
    assert_verified(f);
}

/* What is done is counted by nobody. */
static void names_of_tasks_that_are_done_do_not_count(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['red']}");
    fixture_finish(f, id);
    assert_verified(f);
    struct tb_name_count count;
    assert_int_equal(tb_get_name(fixture_read(f), TB_NAME_TAG, TB_STR("red"), &count), TB_E_ABSENT);
    fixture_end_read(f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_large_test(however_many_names_there_are_they_are_counted),
        fixture_test(names_of_tasks_that_are_done_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

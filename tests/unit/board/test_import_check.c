/* What an import is held against: the file itself, and what is stored. */
#include "unit/board/import_check.h"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

/* --- ids and names --- */

static void nothing_may_stand_in_a_file_twice(void **state)
{
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", "") IMPORT_TASK_LINE("2", "") IMPORT_TASK_LINE("1", ""),
         TB_E_ID_EXISTS, "Line 3: an earlier line has the same id", ",'line':3"},
        {IMPORT_EVENT_LINE("1", "") IMPORT_EVENT_LINE("1", ""), TB_E_ID_EXISTS,
         "Line 2: an earlier line has the same id", ",'line':2"},
        {IMPORT_VM_LINE("a", "1") IMPORT_VM_LINE("b", "1"), TB_E_ID_EXISTS,
         "Line 2: an earlier line has the same id", ",'line':2"},
        {IMPORT_VM_LINE("a", "1") IMPORT_VM_LINE("b", "2") IMPORT_VM_LINE("a", "3"), TB_E_VM_EXISTS,
         "Line 3: an earlier line has the same id", ",'line':3"},
        {IMPORT_TASK_LINE("2", ",'uniqueKey':'k'") IMPORT_TASK_LINE("3", ",'uniqueKey':'l'")
             IMPORT_TASK_LINE("1", ",'uniqueKey':'k'"),
         TB_E_UNIQUE_KEY_TAKEN, "Line 3: an earlier line has the same uniqueKey", ",'line':3"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void a_task_that_is_done_leaves_its_key_to_another(void **state)
{
    struct fixture *f = *state;
    import_lines(f, "{'task':{'id':'" IMPORT_ID("1") "','title':'t','status':'done','createdBy':"
                                                     "'ann','createdAt':'" IMPORT_AT
                                                     "','uniqueKey':'k'}}\n" IMPORT_TASK_LINE(
                                                         "2", ",'uniqueKey':'k'"));
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 1);
}

static void what_the_board_has_is_not_imported_over_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id mine = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    fixture_register(f, "a", 300);
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", "") IMPORT_TASK_LINE("2", ",'uniqueKey':'k'"), TB_E_UNIQUE_KEY_TAKEN,
         "Line 2: Another task that is not done has the same uniqueKey", ",'line':2"},
        {IMPORT_VM_LINE("b", "1") IMPORT_VM_LINE("a", "2"), TB_E_VM_EXISTS,
         "Line 2: VM already registered", ",'line':2"},
    };
    check_rows(f, rows, COUNT(rows));
    const struct import_row task = {
        tb_arena_printf(f->arena,
                        "\n{'task':{'id':'%s','title':'t','status':'open','createdBy':'a',"
                        "'createdAt':'" IMPORT_AT "'}}",
                        fixture_id(f, mine))
            .ptr,
        TB_E_ID_EXISTS, "Line 2: the board has a task with that id", ",'line':2"};
    check_rows(f, &task, 1);
}

/* A VM is stored under its number: two with one number would be one. */
static void a_number_that_another_vm_has_is_refused(void **state)
{
    struct fixture *f = *state;
    import_lines(f, IMPORT_VM_LINE("a", "5"));
    static const struct import_row rows[] = {
        {IMPORT_VM_LINE("b", "4") IMPORT_VM_LINE("c", "5"), TB_E_ID_EXISTS,
         "Line 2: the board has a VM with that number", ",'line':2"},
    };
    check_rows(f, rows, COUNT(rows));
    import_lines(f, IMPORT_VM_LINE("b", "4") IMPORT_VM_LINE("c", "6"));
    assert_string_equal(fixture_vm_ids(f, fixture_vms(f, "")), "c a b");
}

/* --- time --- */

static void what_comes_from_the_future_is_refused(void **state)
{
    static const char future[] = "Line 1: an id or instant lies in the future";
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", ",'updatedAt':'2023-11-15T22:13:20.001Z'"), TB_E_INVALID_FIELD,
         future, ",'line':1"},
        {"{'task':{'id':'01HFAGQH010000000000000000','title':'t','status':'open','createdBy':'a',"
         "'createdAt':'" IMPORT_AT "'}}",
         TB_E_INVALID_FIELD, future, ",'line':1"},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* A clock elsewhere may be ahead by a day: what is made from then on is later still. */
static void ids_and_instants_rise_behind_those_of_the_file(void **state)
{
    struct fixture *f = *state;
    import_lines(f, "{'task':{'id':'01HFAGQH00ZZZZZZZZZZZZZZZZ','title':'t','status':'open',"
                    "'createdBy':'a','createdAt':'" IMPORT_AT
                    "','updatedAt':'2023-11-15T22:13:20.000Z'}}\n" IMPORT_TASK_LINE("1", ""));
    assert_true(fixture_head(f).last_ms == FIXTURE_START_MS + 86400000);
    struct tb_id later = fixture_task_named(f, "later");
    assert_true(tb_id_cmp(later, import_id("01HFAGQH00ZZZZZZZZZZZZZZZZ")) > 0);
    assert_true(fixture_task(f, later).created_ms == FIXTURE_START_MS + 86400000);
}

static void a_feed_event_must_be_newer_than_the_log(void **state)
{
    struct fixture *f = *state;
    fixture_publish(f, "ann", "s");
    const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", "") IMPORT_EVENT_LINE("2", ""), TB_E_LOG_IS_NEWER,
         "Line 2: The log has newer events: a feed is imported before anything else is written",
         ",'line':2"},
        {tb_arena_printf(f->arena,
                         "{'feed':{'id':'%s','agent':'a','type':'custom','summary':'s',"
                         "'timestamp':'" IMPORT_AT "'}}",
                         fixture_id(f, fixture_last_event(f).id))
             .ptr,
         TB_E_LOG_IS_NEWER,
         "Line 1: The log has newer events: a feed is imported before anything else is written",
         ",'line':1"},
    };
    check_rows(f, rows, COUNT(rows));
}

/* --- limits --- */

static void so_many_pauses_are_in_force_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct tb_buf lines;
    tb_buf_init(&lines, f->arena, 1024);
    for (int i = 0; i < TB_PAUSES_MAX; i++) {
        tb_buf_add_str(&lines, fixture_json(f, IMPORT_PAUSE_LINE(",'tag':'%d'"), i));
    }
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'mine'}");
    import_bytes(f, TB_IMPORT_NDJSON, tb_buf_str(&lines));
    assert_refused(f, TB_E_LIMIT_REACHED, "Line 1000: so many pauses cannot be in force",
                   ",'line':1000");
    fixture_send(f, TB_COMMAND_RESUME, (struct tb_id){{0}}, "{'tag':'mine'}");
    import_bytes(f, TB_IMPORT_NDJSON, tb_buf_str(&lines));
    assert_reply(f, 200);
    static const struct import_row full[] = {
        {"\n" IMPORT_PAUSE_LINE(",'tag':'more'"), TB_E_LIMIT_REACHED,
         "Line 2: so many pauses cannot be in force", ",'line':2"},
    };
    check_rows(f, full, COUNT(full));
}

static void the_registry_takes_no_more_vms_than_ever(void **state)
{
    struct fixture *f = *state;
    static const struct import_row rows[] = {
        {IMPORT_VM_LINE("a", "1") IMPORT_VM_LINE("b", "2"), TB_E_LIMIT_REACHED,
         "Line 2: the registry takes no more VMs", ",'line':2"},
    };
    fixture_begin(f); /* thrown away: so many VMs only the head knows of */
    tb_txn_head(f->txn)->vms = TB_VMS_MAX - 1;
    check_rows(f, rows, COUNT(rows));
    fixture_abort(f);
    import_lines(f, IMPORT_VM_LINE("a", "1") IMPORT_VM_LINE("b", "2"));
}

static void there_are_generations_left_for_claims_to_come(void **state)
{
    static const char large[] = "The file's generations are too large";
    struct fixture *f = *state;
    static const struct import_row rows[] = {
        {"{'task':" IMPORT_TASK("1", "") ",'attempts':[" IMPORT_ATTEMPT(
             "1", "") "]}\n"
                      "{'task':" IMPORT_TASK("2", "") ",'attempts':[" IMPORT_ATTEMPT("1",
                                                                                     "") "]}\n",
         TB_E_INVALID_FIELD, "Two attempts of the file have the same generation",
         ",'field':'generation'"},
        {"{'board':{'generation':4503599627370496}}", TB_E_INVALID_FIELD, large,
         ",'field':'generation'"},
    };
    check_rows(f, rows, COUNT(rows));
    import_lines(f, "{'board':{'generation':4503599627370494}}");
    import_lines(f, "{'board':{'generation':1}}");
    static const struct import_row used_up[] = {
        {"{'board':{'generation':1}}", TB_E_INVALID_FIELD, large, ",'field':'generation'"},
    };
    check_rows(f, used_up, COUNT(used_up));
    fixture_begin(f); /* thrown away: claims may go where no import does */
    tb_txn_head(f->txn)->generation = UINT64_C(1) << 52;
    check_rows(
        f, &(const struct import_row){"", TB_E_INVALID_FIELD, large, ",'field':'generation'"}, 1);
    fixture_abort(f);
}

/* --- parents --- */

#define CHILD(n, parent) IMPORT_TASK_LINE(n, ",'parentId':'" IMPORT_ID(parent) "'")

static void nobody_is_its_own_ancestor(void **state)
{
    static const struct import_row rows[] = {
        {CHILD("1", "1"), TB_E_INVALID_FIELD, "Line 1: the task is its own ancestor", ",'line':1"},
        {CHILD("1", "2") CHILD("2", "4") CHILD("3", "1") CHILD("4", "2"), TB_E_INVALID_FIELD,
         "Line 2: the task is its own ancestor", ",'line':2"},
    };
    check_rows(*state, rows, COUNT(rows));
    import_lines(*state, CHILD("1", "9") CHILD("2", "1") CHILD("3", "1") CHILD("4", "3"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(nothing_may_stand_in_a_file_twice),
        fixture_test(a_task_that_is_done_leaves_its_key_to_another),
        fixture_test(what_the_board_has_is_not_imported_over_it),
        fixture_test(a_number_that_another_vm_has_is_refused),
        fixture_test(what_comes_from_the_future_is_refused),
        fixture_test(ids_and_instants_rise_behind_those_of_the_file),
        fixture_test(a_feed_event_must_be_newer_than_the_log),
        fixture_test(so_many_pauses_are_in_force_and_no_more),
        fixture_test(the_registry_takes_no_more_vms_than_ever),
        fixture_test(there_are_generations_left_for_claims_to_come),
        fixture_test(nobody_is_its_own_ancestor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

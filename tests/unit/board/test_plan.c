/* References between the tasks of one array. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

static bool parse(struct fixture *f, struct tb_command *command, struct tb_str body)
{
    return fixture_parse(f, TB_COMMAND_CREATE, none, command, body);
}

/* An array of tasks that have nothing but the given members. */
static struct tb_str array(struct fixture *f, const char *const *members, size_t count)
{
    struct tb_buf body;
    tb_buf_init(&body, f->arena, 256);
    for (size_t i = 0; i < count; i++) {
        tb_buf_add_str(&body,
                       fixture_json(f, "%s{'title':'t','createdBy':'a'%s%s}", i == 0 ? "[" : ",",
                                    members[i][0] != '\0' ? "," : "", members[i]));
    }
    TB_BUF_LIT(&body, "]");
    return tb_buf_str(&body);
}

#define parse_array(f, command, ...)                                                               \
    parse((f), (command),                                                                          \
          array((f), (const char *const[]){__VA_ARGS__},                                           \
                COUNT(((const char *const[]){__VA_ARGS__}))))

/* --- what a reference names --- */

static void a_ref_names_an_item_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'dependencies':['#z','#a'],'parentId':'#a'", "'ref':'a'",
                            "'ref':'z','dependencies':['#a']"));
    const struct tb_create_item *items = command.create.items;
    assert_int_equal(items[0].dependency_items[0], 2);
    assert_int_equal(items[0].dependency_items[1], 1);
    assert_int_equal(items[0].parent_item, 1);
    assert_absent(items[0].parent);
    assert_null(items[1].dependency_items);
    assert_int_equal(items[1].parent_item, -1);
    assert_int_equal(items[2].dependency_items[0], 1);
}

static void ids_and_refs_may_be_mixed(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'a'",
                            "'dependencies':['x','#a','y#a','#a'],'parentId':'p'"));
    const struct tb_create_item *item = &command.create.items[1];
    assert_int_equal(item->dependency_items[0], -1);
    assert_int_equal(item->dependency_items[1], 0);
    assert_int_equal(item->dependency_items[2], -1);
    assert_int_equal(item->dependency_items[3], 0);
    assert_str(item->parent, "p");
    assert_int_equal(item->parent_item, -1);
}

static void an_item_without_refs_has_only_ids(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'a','dependencies':['a','x']"));
    assert_null(command.create.items[0].dependency_items);
}

static void refs_are_compared_as_texts(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'\\u00e9 \\\"x\\\"'",
                            "'dependencies':['#é \\u0022x\\u0022']"));
    assert_int_equal(command.create.items[1].dependency_items[0], 0);
    assert_false(parse_array(f, &command, "'ref':' a'", "'dependencies':['#a']"));
    assert_int_equal(f->reply.err, TB_E_UNKNOWN_REF);
}

static void a_ref_may_itself_begin_with_a_hash(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'#a'", "'dependencies':['##a']"));
    assert_int_equal(command.create.items[1].dependency_items[0], 0);
}

/* A single task has no others that it could name. */
static void outside_an_array_a_hash_is_just_a_text(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, &command,
                      fixture_json(f, "{'title':'t','createdBy':'a','dependencies':['#a'],"
                                      "'parentId':'#a'}")));
    assert_null(command.create.items[0].dependency_items);
    assert_str(command.create.items[0].parent, "#a");
}

/* --- what is refused --- */

static void a_ref_that_no_task_has_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'ref':'a'", "'dependencies':['#a','#b']"));
    assert_refused(f, TB_E_UNKNOWN_REF, "no task has the ref #b",
                   ",'index':1,'field':'dependencies'");
    assert_false(parse_array(f, &command, "'dependencies':['#']"));
    assert_refused(f, TB_E_UNKNOWN_REF, "no task has the ref #",
                   ",'index':0,'field':'dependencies'");
    assert_false(parse_array(f, &command, "'ref':'a'", "'parentId':'#b\\\"'"));
    assert_refused(f, TB_E_UNKNOWN_PARENT, "no task has the ref #b\\\"",
                   ",'index':1,'field':'parentId'");
}

static void the_longest_ref_that_is_unknown_is_named_whole(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const char *ref = fixture_repeat(f->arena, "\\u0001", 255);
    struct tb_str member = tb_arena_printf(f->arena, "'dependencies':['#%s']", ref);
    assert_false(parse_array(f, &command, member.ptr));
    assert_refused(f, TB_E_UNKNOWN_REF,
                   tb_arena_printf(f->arena, "no task has the ref #%s", ref).ptr,
                   ",'index':0,'field':'dependencies'");
}

static void two_tasks_cannot_have_one_ref(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'ref':'b'", "'ref':'a'", "'ref':'c'", "'ref':'a'"));
    assert_refused(f, TB_E_INVALID_FIELD, "two tasks have the ref a", ",'index':3,'field':'ref'");
}

static void a_task_cannot_wait_for_itself(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "", "'ref':'a','dependencies':['#a']"));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL, ",'index':1,'path':['#a','#a']");
}

static void a_cycle_of_refs_is_refused_with_its_path(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'dependencies':['#a']",
                             "'ref':'a','dependencies':['#d','#b']",
                             "'ref':'b','dependencies':['x','#c']",
                             "'ref':'c','dependencies':['#d','#a']", "'ref':'d'"));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL, ",'index':1,'path':['#a','#b','#c','#a']");
}

static void a_diamond_is_no_cycle(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'top','dependencies':['#l','#r']",
                            "'ref':'l','dependencies':['#end']",
                            "'ref':'r','dependencies':['#end','#l']", "'ref':'end'"));
}

static void a_task_cannot_be_its_own_ancestor(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'ref':'a','parentId':'#a'"));
    assert_refused(f, TB_E_INVALID_FIELD, "a task would be its own ancestor: a",
                   ",'index':0,'field':'parentId'");
    assert_false(parse_array(f, &command, "'ref':'a','parentId':'#b'", "'ref':'b','parentId':'#c'",
                             "'ref':'c','parentId':'#a'"));
    assert_refused(f, TB_E_INVALID_FIELD, "a task would be its own ancestor: a",
                   ",'index':0,'field':'parentId'");
}

static void a_child_of_an_impossible_parent_is_not_blamed_for_it(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'parentId':'#b'", "'ref':'b','parentId':'#c'",
                             "'ref':'c','parentId':'#b'"));
    assert_refused(f, TB_E_INVALID_FIELD, "a task would be its own ancestor: b",
                   ",'index':1,'field':'parentId'");
}

static void a_parent_may_wait_for_its_children(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(
        parse_array(f, &command, "'ref':'p','dependencies':['#c']", "'ref':'c','parentId':'#p'"));
}

/* --- items that will be one task, because they have one uniqueKey --- */

static void a_ref_names_the_task_that_has_its_key_first(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'uniqueKey':'k'", "'ref':'c','uniqueKey':'k'",
                            "'dependencies':['#c'],'parentId':'#c'"));
    assert_int_equal(command.create.items[2].dependency_items[0], 0);
    assert_int_equal(command.create.items[2].parent_item, 0);
}

static void a_done_task_does_not_keep_its_key(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'uniqueKey':'k','status':'done'",
                            "'ref':'b','uniqueKey':'k'", "'dependencies':['#b']"));
    assert_int_equal(command.create.items[2].dependency_items[0], 1);
}

static void a_cycle_through_a_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_array(f, &command, "'ref':'a','uniqueKey':'k','dependencies':['#b']",
                             "'ref':'b','dependencies':['#c']", "'ref':'c','uniqueKey':'k'"));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL, ",'index':0,'path':['#a','#b','#a']");
    assert_false(parse_array(f, &command, "'uniqueKey':'k','dependencies':['#c']",
                             "'ref':'c','uniqueKey':'k'"));
    assert_refused(f, TB_E_DEPENDENCY_CYCLE, NULL, ",'index':0,'path':['#c','#c']");
    assert_false(
        parse_array(f, &command, "'uniqueKey':'k','parentId':'#c'", "'ref':'c','uniqueKey':'k'"));
    assert_int_equal(f->reply.err, TB_E_INVALID_FIELD);
}

static void what_a_repeated_key_waits_for_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_array(f, &command, "'ref':'a','uniqueKey':'k'",
                            "'ref':'b','dependencies':['#c']",
                            "'ref':'c','uniqueKey':'k','dependencies':['#b']"));
}

/* --- size --- */

static void the_longest_chain_is_walked_without_recursion(void **state)
{
    struct fixture *f = *state;
    for (int closed = 0; closed < 2; closed++) {
        struct tb_buf body;
        tb_buf_init(&body, f->arena, 1 << 17);
        for (int i = 0; i < TB_CREATE_TASKS_MAX; i++) {
            int next = i + 1 < TB_CREATE_TASKS_MAX ? i + 1 : 0;
            bool last = next == 0 && closed == 0;
            tb_buf_add_str(&body, fixture_json(f, "%s{'title':'t','createdBy':'a','ref':'%d'",
                                               i == 0 ? "[" : ",", i));
            if (!last) {
                tb_buf_add_str(&body, fixture_json(f, ",'dependencies':['#%d']", next));
            }
            TB_BUF_LIT(&body, "}");
        }
        TB_BUF_LIT(&body, "]");
        struct tb_command command;
        assert_int_equal(parse(f, &command, tb_buf_str(&body)), closed == 0);
    }
    assert_int_equal(f->reply.err, TB_E_DEPENDENCY_CYCLE);
    const char *start = ",\"index\":0,\"path\":[\"#0\",\"#1\",\"#2\",";
    const char *end = ",\"#999\",\"#0\"]";
    struct tb_str extra = f->reply.extra;
    assert_memory_equal(extra.ptr, start, strlen(start));
    assert_memory_equal(extra.ptr + extra.len - strlen(end), end, strlen(end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_ref_names_an_item_wherever_it_stands),
        fixture_test(ids_and_refs_may_be_mixed),
        fixture_test(an_item_without_refs_has_only_ids),
        fixture_test(refs_are_compared_as_texts),
        fixture_test(a_ref_may_itself_begin_with_a_hash),
        fixture_test(outside_an_array_a_hash_is_just_a_text),
        fixture_test(a_ref_that_no_task_has_is_refused),
        fixture_test(the_longest_ref_that_is_unknown_is_named_whole),
        fixture_test(two_tasks_cannot_have_one_ref),
        fixture_test(a_task_cannot_wait_for_itself),
        fixture_test(a_cycle_of_refs_is_refused_with_its_path),
        fixture_test(a_diamond_is_no_cycle),
        fixture_test(a_task_cannot_be_its_own_ancestor),
        fixture_test(a_child_of_an_impossible_parent_is_not_blamed_for_it),
        fixture_test(a_parent_may_wait_for_its_children),
        fixture_test(a_ref_names_the_task_that_has_its_key_first),
        fixture_test(a_done_task_does_not_keep_its_key),
        fixture_test(a_cycle_through_a_key_is_refused),
        fixture_test(what_a_repeated_key_waits_for_does_not_count),
        fixture_test(the_longest_chain_is_walked_without_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

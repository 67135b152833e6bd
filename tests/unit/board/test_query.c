/* What the parameters of a list, and of a list of events, mean. */
#include "fixture/fixture.h"

#include "board/query.h"

static struct tb_arena *arena;
static struct tb_parse parse;
static struct tb_list_request list;
static struct tb_events_request events;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    parse = (struct tb_parse){.arena = arena};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

#define fresh_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static bool parse_list(const char *query)
{
    struct tb_params params;
    parse.refusal = (struct tb_refusal){.err = TB_OK};
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    bool good = tb_parse_list(&parse, &params, &list);
    assert_true(good == (parse.refusal.err == TB_OK));
    return good;
}

static bool parse_events(const char *query)
{
    struct tb_params params;
    parse.refusal = (struct tb_refusal){.err = TB_OK};
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    bool good = tb_parse_events(&parse, &params, &events);
    assert_true(good == (parse.refusal.err == TB_OK));
    return good;
}

static void check_refused(enum tb_err err, const char *field, const char *message, int line)
{
    if (parse.refusal.err != err) {
        print_error("line %d: got %s\n", line, tb_err_code(parse.refusal.err));
    }
    assert_int_equal(parse.refusal.err, err);
    check_str(parse.refusal.message, tb_str_c(message), __FILE__, line);
    check_str(parse.refusal.extra, tb_arena_printf(arena, ",\"field\":\"%s\"", field), __FILE__,
              line);
}

#define assert_refusal(err, field, message) check_refused((err), (field), (message), __LINE__)

#define BIT(state) (1U << TB_STATE_##state)

/* --- lists: defaults and filters --- */

static void without_parameters_a_list_is_everything_newest_first(void **state)
{
    (void)state;
    assert_true(parse_list(""));
    assert_int_equal(list.query.order, TB_ORDER_CREATED);
    assert_int_equal(list.query.states, TB_STATES_ALL);
    assert_int_equal(list.limit, TB_LIST_LIMIT_MAX);
    assert_int_equal(list.max_bytes, 0);
    assert_false(list.nothing || list.summary || list.has_fields || list.query.has_after);
    assert_absent(list.query.assignee);
    assert_absent(list.query.created_by);
    assert_true(tb_id_is_zero(list.query.parent_id));
    assert_int_equal(list.query.tag_count + list.query.word_count, 0);
    assert_true(list.query.updated_since_ms == 0);
    assert_int_equal(list.query.scan_max, TB_LIST_SCAN_CREATED_MAX);
}

static void unknown_parameters_and_empty_filters_are_ignored(void **state)
{
    (void)state;
    assert_true(parse_list("status=&assignee=&tag=&createdBy=&parentId=&ready=&q=&updatedSince=&"
                           "wait_=abc&x=1&LIMIT=abc&=y"));
    assert_int_equal(list.query.states, TB_STATES_ALL);
    assert_absent(list.query.assignee);
    assert_int_equal(list.query.tag_count, 0);
    assert_false(list.nothing);
}

static void status_takes_a_list_of_any_and_repeated_all(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        unsigned states;
    } rows[] = {
        {"status=open", BIT(READY) | BIT(WAITING)},
        {"status=in_progress", BIT(IN_PROGRESS)},
        {"status=in_review", BIT(IN_REVIEW)},
        {"status=blocked", BIT(BLOCKED)},
        {"status=done", BIT(DONE)},
        {"status=done,blocked", BIT(DONE) | BIT(BLOCKED)},
        {"status=done,nonsense,,done", BIT(DONE)},
        {"status=done%2Copen&status=open", BIT(READY) | BIT(WAITING)},
        {"status=open&ready=true", BIT(READY)},
        {"ready=false&status=open", BIT(WAITING)},
        {"ready=true", BIT(READY)},
        {"ready=false", TB_STATES_ALL & ~BIT(READY)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(parse_list(rows[i].query));
        assert_int_equal(list.query.states, rows[i].states);
        assert_false(list.nothing);
    }
}

static void conditions_that_no_task_can_meet_give_nothing(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "status=nonsense",
        "status=Open",
        "status=%20",
        "status=%20open",
        "status=done&status=open",
        "status=done&ready=true",
        "ready=true&ready=false",
        "assignee=a&assignee=b",
        "assignee=%20",
        "createdBy=a&createdBy=b",
        "parentId=x",
        "parentId=%20",
        "parentId=00000000000000000000000000",
        "parentId=01HF7YAT00AAAAAAAAAAAAAAAA&parentId=01HF7YAT00AAAAAAAAAAAAAAAB",
        "q=!%3F",
        "q=x&q=...",
    };
    for (size_t i = 0; i < COUNT(queries); i++) {
        assert_true(parse_list(queries[i]));
        if (!list.nothing) {
            print_error("%s\n", queries[i]);
        }
        assert_true(list.nothing);
    }
}

static void names_are_trimmed_as_they_are_in_tasks(void **state)
{
    (void)state;
    assert_true(parse_list("assignee=+ann%0A&createdBy=%C2%A0bob&assignee=ann"));
    assert_str(list.query.assignee, "ann");
    assert_str(list.query.created_by, "bob");
    assert_false(list.nothing);
}

static void tags_are_taken_exactly_and_all_of_them(void **state)
{
    (void)state;
    assert_true(parse_list("tag=a,b&tag=%20&tag=%22x%22&tag=a,b"));
    assert_int_equal(list.query.tag_count, 4);
    assert_str(list.query.tags[0], "a,b");
    assert_str(list.query.tags[1], " ");
    assert_str(list.query.tags[2], "\\\"x\\\"");
    assert_str(list.query.tags[3], "a,b");
}

static void a_parent_is_an_id_in_either_case(void **state)
{
    (void)state;
    struct tb_id id;
    assert_true(tb_ulid_parse(TB_STR("01HF7YAT00AAAAAAAAAAAAAAAA"), &id));
    assert_true(
        parse_list("parentId=01HF7YAT00AAAAAAAAAAAAAAAA&parentId=01hf7yat00aaaaaaaaaaaaaaaa"));
    assert_id(list.query.parent_id, id);
    assert_false(list.nothing);
}

static void q_is_split_into_words_all_of_which_count(void **state)
{
    (void)state;
    assert_true(parse_list("q=Paint+the-FENCE&q=ünï%22c"));
    assert_int_equal(list.query.word_count, 5);
    static const char *const words[] = {"paint", "the", "fence", "ünï", "c"};
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_true(tb_str_eq_c(list.query.words[i], words[i]));
    }
    assert_false(list.nothing);
}

static void a_blank_q_is_an_empty_one(void **state)
{
    (void)state;
    assert_true(parse_list("q=%20+%0A"));
    assert_int_equal(list.query.word_count, 0);
    assert_false(list.nothing);
}

static void q_has_at_most_32_words(void **state)
{
    (void)state;
    const char *most = fixture_repeat(arena, "w+", 31);
    assert_true(parse_list(tb_arena_printf(arena, "q=%sw", most).ptr));
    assert_int_equal(list.query.word_count, 32);
    assert_false(parse_list(tb_arena_printf(arena, "q=%sw&q=w", most).ptr));
    assert_refusal(TB_E_INVALID_QUERY, "q", "q has more than 32 words");
}

static void updated_since_is_the_latest_that_was_given(void **state)
{
    (void)state;
    assert_true(parse_list("updatedSince=2023-11-14T22:13:20Z"));
    assert_true(list.query.updated_since_ms == FIXTURE_START_MS);
    assert_true(parse_list("updatedSince=2023-11-14T22:13:20Z&updatedSince=2022-11-14T22:13:20Z"));
    assert_true(list.query.updated_since_ms == FIXTURE_START_MS);
    assert_true(parse_list("updatedSince=2023-11-15T00:13:20.5%2B02:00"));
    assert_true(list.query.updated_since_ms == FIXTURE_START_MS + 500);
}

/* --- lists: what is checked --- */

static void orders_have_names(void **state)
{
    (void)state;
    assert_true(parse_list("order=created"));
    assert_int_equal(list.query.order, TB_ORDER_CREATED);
    assert_true(parse_list("order=updated"));
    assert_int_equal(list.query.order, TB_ORDER_UPDATED);
    assert_int_equal(list.query.scan_max, TB_LIST_SCAN_MAX);
    assert_true(parse_list("order=rank"));
    assert_int_equal(list.query.order, TB_ORDER_RANK);
}

static void numbers_lie_within_their_bounds(void **state)
{
    (void)state;
    assert_true(parse_list("limit=1&maxBytes=1024"));
    assert_int_equal(list.limit, 1);
    assert_int_equal(list.max_bytes, 1024);
    assert_true(parse_list("limit=10000&maxBytes=16777216"));
    assert_int_equal(list.limit, 10000);
    assert_int_equal(list.max_bytes, 16777216);
    static const char *const wrong[] = {"",     "abc", "1.5",  "1e3", "+5",
                                        "%205", "0x5", "5%20", "-1",  "99999999999999999999"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(parse_list(tb_arena_printf(arena, "limit=%s", wrong[i]).ptr));
        assert_refusal(TB_E_INVALID_QUERY, "limit", "limit must be a whole number from 1 to 10000");
        assert_false(parse_list(tb_arena_printf(arena, "maxBytes=%s", wrong[i]).ptr));
        assert_refusal(TB_E_INVALID_QUERY, "maxBytes",
                       "maxBytes must be a whole number from 1024 to 16777216");
    }
    static const char *const beyond[] = {"limit=0", "limit=10001", "maxBytes=1023",
                                         "maxBytes=16777217"};
    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_false(parse_list(beyond[i]));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
    }
}

static void wrong_values_are_refused_with_the_parameters_name(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *field;
        const char *message;
    } rows[] = {
        {"order=newest", "order", "order must be created, updated or rank"},
        {"order=", "order", "order must be created, updated or rank"},
        {"view=tiny", "view", "view must be summary or full"},
        {"view=", "view", "view must be summary or full"},
        {"ready=yes", "ready", "ready must be true or false"},
        {"ready=%20", "ready", "ready must be true or false"},
        {"ready=true,false", "ready", "ready must be true or false"},
        {"updatedSince=yesterday", "updatedSince",
         "updatedSince must be an instant such as 2026-11-22T13:30:00.000Z"},
        {"fields=id,nonsense", "fields", "fields names a field that tasks do not have"},
        {"fields=", "fields", "fields names a field that tasks do not have"},
        {"fields=id,,title", "fields", "fields names a field that tasks do not have"},
        {"fields=id&fields=title", "fields", "fields is given more than once"},
        {"limit=5&limit=5", "limit", "limit is given more than once"},
        {"order=rank&order=rank", "order", "order is given more than once"},
        {"view=full&view=full", "view", "view is given more than once"},
        {"maxBytes=2000&maxBytes=2000", "maxBytes", "maxBytes is given more than once"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(parse_list(rows[i].query));
        assert_refusal(TB_E_INVALID_QUERY, rows[i].field, rows[i].message);
    }
}

static void views_and_fields_choose_what_is_answered(void **state)
{
    (void)state;
    assert_true(parse_list("view=summary"));
    assert_true(list.summary);
    assert_true(parse_list("view=full"));
    assert_false(list.summary);
    assert_true(parse_list("fields=notes,id,ready,id"));
    assert_true(list.has_fields);
    for (unsigned i = 0; i < TB_FIELD_COUNT; i++) {
        bool wanted = i == TB_FIELD_NOTES || i == TB_FIELD_ID || i == TB_FIELD_READY;
        assert_int_equal(list.fields[i], wanted);
    }
}

static void a_cursor_goes_on_in_its_order(void **state)
{
    (void)state;
    const struct tb_position position = {.key = -5, .id = {.bytes = {1, 2, 3}}};
    struct tb_str cursor = tb_cursor_format(arena, TB_ORDER_RANK, position);
    const char *text = tb_arena_printf(arena, "%.*s", (int)cursor.len, cursor.ptr).ptr;
    assert_true(parse_list(tb_arena_printf(arena, "cursor=%s&order=rank", text).ptr));
    assert_true(list.query.has_after);
    assert_true(list.query.after.key == -5);
    assert_id(list.query.after.id, position.id);
    static const char *const wrong[] = {"cursor=%s", "cursor=%s&order=updated", "cursor=x%s",
                                        "order=rank&cursor="};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct tb_buf query;
        tb_buf_init(&query, arena, 128);
        const char *hole = strstr(wrong[i], "%s");
        tb_buf_add(&query, wrong[i], hole != NULL ? (size_t)(hole - wrong[i]) : strlen(wrong[i]));
        tb_buf_add_c(&query, hole != NULL ? text : "");
        tb_buf_add_c(&query, hole != NULL ? hole + 2 : "");
        TB_BUF_LIT(&query, "\0");
        assert_false(parse_list(query.ptr));
        assert_refusal(TB_E_INVALID_CURSOR, "cursor",
                       "cursor is not one that this board gave for this order");
    }
}

/* --- the review list --- */

static void the_review_list_has_its_own_status_and_order(void **state)
{
    (void)state;
    struct tb_params params;
    assert_true(tb_params_parse(&parse, TB_STR("order=rank&limit=5&assignee=ann"), &params));
    assert_true(tb_parse_review_list(&parse, &params, &list));
    assert_int_equal(list.query.order, TB_ORDER_UPDATED);
    assert_int_equal(list.query.states, BIT(IN_REVIEW));
    assert_int_equal(list.limit, 5);
    assert_str(list.query.assignee, "ann");
    assert_true(tb_params_parse(&parse, TB_STR("order=nonsense"), &params));
    assert_false(tb_parse_review_list(&parse, &params, &list));
}

static void the_review_list_heeds_no_status_of_the_client(void **state)
{
    (void)state;
    struct tb_params params;
    assert_true(tb_params_parse(&parse, TB_STR("status=done"), &params));
    assert_true(tb_parse_review_list(&parse, &params, &list));
    assert_int_equal(list.query.states, BIT(IN_REVIEW));
    assert_false(list.nothing);
}

/* --- events --- */

static void without_parameters_events_are_the_first_hundred(void **state)
{
    (void)state;
    assert_true(parse_events(""));
    assert_true(events.since == 0);
    assert_int_equal(events.limit, TB_EVENTS_LIMIT_DEFAULT);
    assert_true(tb_id_is_zero(events.task_id));
    assert_int_equal(events.topic_count + events.type_count + events.agent_count + events.tag_count,
                     0);
    assert_false(events.nothing);
}

static void filters_of_events_are_kept_in_order(void **state)
{
    (void)state;
    assert_true(parse_events("since=9223372036854775807&limit=1000&topic=board&type=task.noted&"
                             "type=x&agent=+ann+&tag=%20t&tag=u&x=1"));
    assert_true(events.since == INT64_MAX);
    assert_int_equal(events.limit, 1000);
    assert_int_equal(events.topic_count, 1);
    assert_str(events.topics[0], "board");
    assert_int_equal(events.type_count, 2);
    assert_str(events.types[1], "x");
    assert_int_equal(events.agent_count, 1);
    assert_str(events.agents[0], "ann");
    assert_int_equal(events.tag_count, 2);
    assert_str(events.tags[0], " t");
    assert_str(events.tags[1], "u");
}

static void empty_filters_of_events_are_ignored(void **state)
{
    (void)state;
    assert_true(parse_events("topic=&type=&agent=&tag=&taskId="));
    assert_int_equal(events.topic_count + events.type_count + events.agent_count + events.tag_count,
                     0);
    assert_false(events.nothing);
}

static void numbers_of_events_are_checked(void **state)
{
    (void)state;
    static const char *const limits[] = {"0", "1001", "x", "", "-1"};
    for (size_t i = 0; i < COUNT(limits); i++) {
        assert_false(parse_events(tb_arena_printf(arena, "limit=%s", limits[i]).ptr));
        assert_refusal(TB_E_INVALID_QUERY, "limit", "limit must be a whole number from 1 to 1000");
    }
    static const char *const sinces[] = {"-1", "x", "", "1.0", "9223372036854775808"};
    for (size_t i = 0; i < COUNT(sinces); i++) {
        assert_false(parse_events(tb_arena_printf(arena, "since=%s", sinces[i]).ptr));
        assert_refusal(TB_E_INVALID_QUERY, "since",
                       "since must be a whole number from 0 to 9223372036854775807");
    }
}

static void a_position_in_the_log_is_given_once(void **state)
{
    (void)state;
    assert_false(parse_events("since=1&since=2"));
    assert_refusal(TB_E_INVALID_QUERY, "since", "since is given more than once");
    assert_false(parse_events("limit=1&limit=1"));
    assert_refusal(TB_E_INVALID_QUERY, "limit", "limit is given more than once");
}

static void events_of_a_task_that_cannot_be_are_nothing(void **state)
{
    (void)state;
    struct tb_id id;
    assert_true(tb_ulid_parse(TB_STR("01HF7YAT00AAAAAAAAAAAAAAAA"), &id));
    assert_true(
        parse_events("taskId=01HF7YAT00AAAAAAAAAAAAAAAA&taskId=01HF7YAT00AAAAAAAAAAAAAAAA"));
    assert_id(events.task_id, id);
    assert_false(events.nothing);
    static const char *const wrong[] = {
        "taskId=x", "taskId=00000000000000000000000000",
        "taskId=01HF7YAT00AAAAAAAAAAAAAAAA&taskId=01HF7YAT00AAAAAAAAAAAAAAAB"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_true(parse_events(wrong[i]));
        assert_true(events.nothing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_test(without_parameters_a_list_is_everything_newest_first),
        fresh_test(unknown_parameters_and_empty_filters_are_ignored),
        fresh_test(status_takes_a_list_of_any_and_repeated_all),
        fresh_test(conditions_that_no_task_can_meet_give_nothing),
        fresh_test(names_are_trimmed_as_they_are_in_tasks),
        fresh_test(tags_are_taken_exactly_and_all_of_them),
        fresh_test(a_parent_is_an_id_in_either_case),
        fresh_test(q_is_split_into_words_all_of_which_count),
        fresh_test(a_blank_q_is_an_empty_one),
        fresh_test(q_has_at_most_32_words),
        fresh_test(updated_since_is_the_latest_that_was_given),
        fresh_test(orders_have_names),
        fresh_test(numbers_lie_within_their_bounds),
        fresh_test(wrong_values_are_refused_with_the_parameters_name),
        fresh_test(views_and_fields_choose_what_is_answered),
        fresh_test(a_cursor_goes_on_in_its_order),
        fresh_test(the_review_list_has_its_own_status_and_order),
        fresh_test(the_review_list_heeds_no_status_of_the_client),
        fresh_test(without_parameters_events_are_the_first_hundred),
        fresh_test(filters_of_events_are_kept_in_order),
        fresh_test(empty_filters_of_events_are_ignored),
        fresh_test(numbers_of_events_are_checked),
        fresh_test(a_position_in_the_log_is_given_once),
        fresh_test(events_of_a_task_that_cannot_be_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

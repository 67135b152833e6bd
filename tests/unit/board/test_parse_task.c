/* The bodies of create and PATCH. What single fields take is tested in test_field.c; here is which
 * field has which limit, and what a body means. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};
static const struct tb_id some = {.bytes = {1}};

static bool parse_create(struct fixture *f, struct tb_command *command, const char *body)
{
    return fixture_parse(f, TB_COMMAND_CREATE, none, command, fixture_json(f, "%s", body));
}

static bool parse_patch(struct fixture *f, struct tb_command *command, const char *body)
{
    return fixture_parse(f, TB_COMMAND_PATCH, some, command, fixture_json(f, "%s", body));
}

/* The only item of a create that must be good. */
static const struct tb_create_item *create_item(struct fixture *f, const char *body)
{
    struct tb_command *command = tb_arena_alloc(f->arena, sizeof(*command));
    assert_true(parse_create(f, command, body));
    assert_int_equal(command->kind, TB_COMMAND_CREATE);
    assert_int_equal(command->create.item_count, 1);
    assert_false(command->create.array);
    return &command->create.items[0];
}

static const char *repeat(struct fixture *f, const char *part, size_t times)
{
    return fixture_repeat(f->arena, part, times);
}

/* --- create --- */

static void create_takes_defaults_for_what_is_absent(void **state)
{
    struct fixture *f = *state;
    const struct tb_create_item *item = create_item(f, "{'title':' t ','createdBy':' ann '}");
    assert_str(item->fields.title, "t");
    assert_str(item->created_by, "ann");
    assert_int_equal(item->fields.status, TB_STATUS_OPEN);
    assert_int_equal(item->fields.outcome, TB_OUTCOME_NONE);
    assert_int_equal(item->fields.priority, 0);
    assert_true(item->fields.max_attempts == UINT32_MAX);
    assert_true(item->fields.not_before_ms == 0);
    assert_true(item->delay_ms == -1);
    assert_int_equal(item->parent_item, -1);
    assert_null(item->dependency_items);
    const struct tb_str absent[] = {item->fields.description,
                                    item->fields.assignee,
                                    item->fields.tags,
                                    item->fields.dependencies,
                                    item->fields.payload,
                                    item->unique_key,
                                    item->parent,
                                    item->ref};
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_absent(absent[i]);
    }
}

static void create_reads_every_field(void **state)
{
    struct fixture *f = *state;
    const struct tb_create_item *item =
        create_item(f, "{'title':'t','createdBy':'ann','description':' d\\n ','status':'in_review',"
                       "'assignee':' bob ','tags':[' x '],'dependencies':['later'],'priority':-100,"
                       "'payload':{'a': [1.50]},'notBefore':'2023-11-14T22:13:20Z','maxAttempts':0,"
                       "'uniqueKey':' k ','parentId':' p '}");
    assert_str(item->fields.description, "d");
    assert_int_equal(item->fields.status, TB_STATUS_IN_REVIEW);
    assert_str(item->fields.assignee, "bob");
    assert_str(item->fields.tags, "[\" x \"]");
    assert_str(item->fields.dependencies, "[\"later\"]");
    assert_int_equal(item->fields.priority, -100);
    assert_str(item->fields.payload, "{\"a\":[1.50]}");
    assert_true(item->fields.not_before_ms == FIXTURE_START_MS);
    assert_int_equal(item->fields.max_attempts, 0);
    assert_str(item->unique_key, "k");
    assert_str(item->parent, " p ");
}

static void create_names_the_required_field_that_is_missing(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const char *const no_title[] = {"{}",
                                           "",
                                           "{'createdBy':'a'}",
                                           "{'title':null,'createdBy':'a'}",
                                           "{'title':' ','createdBy':'a'}",
                                           "{'title':1,'createdBy':'a'}",
                                           "{'title':['x'],'createdBy':'a'}"};
    for (size_t i = 0; i < COUNT(no_title); i++) {
        assert_false(parse_create(f, &command, no_title[i]));
        assert_refused(f, TB_E_MISSING_FIELD, "title is required", ",'field':'title'");
    }
    static const char *const no_creator[] = {"{'title':'t'}", "{'title':'t','createdBy':''}",
                                             "{'title':'t','createdBy':7}",
                                             "{'title':'t','createdBy':'\\t'}"};
    for (size_t i = 0; i < COUNT(no_creator); i++) {
        assert_false(parse_create(f, &command, no_creator[i]));
        assert_refused(f, TB_E_MISSING_FIELD, "createdBy is required", ",'field':'createdBy'");
    }
}

static void create_takes_every_status_and_counts_falsy_ones_as_open(void **state)
{
    struct fixture *f = *state;
    static const char *const falsy[] = {"null", "''", "0", "false", "-0", "0.0", "0e3"};
    for (unsigned status = 0; status < TB_STATUS_COUNT; status++) {
        const char *body = tb_arena_printf(f->arena, "{'title':'t','createdBy':'a','status':'%s'}",
                                           tb_status_name((enum tb_status)status))
                               .ptr;
        assert_int_equal(create_item(f, body)->fields.status, status);
    }
    for (size_t i = 0; i < COUNT(falsy); i++) {
        const char *body =
            tb_arena_printf(f->arena, "{'title':'t','createdBy':'a','status':%s}", falsy[i]).ptr;
        assert_int_equal(create_item(f, body)->fields.status, TB_STATUS_OPEN);
    }
}

static void an_unknown_status_is_shown(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *json;
        const char *message;
    } rows[] = {
        {"'x'", "invalid status: x"},         {"'Open'", "invalid status: Open"},
        {"' open'", "invalid status:  open"}, {"5", "invalid status: 5"},
        {"true", "invalid status: true"},     {"'a\\\"b\\n'", "invalid status: a\\\"b\\n"},
    };
    struct tb_command command;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(parse_create(
            f, &command,
            tb_arena_printf(f->arena, "{'title':'t','createdBy':'a','status':%s}", rows[i].json)
                .ptr));
        assert_refused(f, TB_E_INVALID_FIELD, rows[i].message, ",'field':'status'");
        assert_false(
            parse_patch(f, &command, tb_arena_printf(f->arena, "{'status':%s}", rows[i].json).ptr));
        assert_refused(f, TB_E_INVALID_FIELD, rows[i].message, ",'field':'status'");
    }
}

/* Every limit of a single field at its boundary and one beyond, in create and, where it takes the
 * field, in PATCH. */
static void texts_fit_up_to_their_limits(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *field;
        size_t bytes_max;
        bool patch;
    } rows[] = {
        {"title", TB_TITLE_BYTES_MAX, true},
        {"createdBy", TB_NAME_BYTES_MAX, false},
        {"description", TB_DESCRIPTION_BYTES_MAX, true},
        {"assignee", TB_NAME_BYTES_MAX, true},
        {"uniqueKey", TB_NAME_BYTES_MAX, false},
        {"parentId", TB_DEPENDENCY_BYTES_MAX, false},
        {"payload", TB_PAYLOAD_BYTES_MAX - 2, true}, /* its quotes count */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *field = rows[i].field;
        const char *rest = strcmp(field, "title") == 0       ? "'createdBy':'a'"
                           : strcmp(field, "createdBy") == 0 ? "'title':'t'"
                                                             : "'title':'t','createdBy':'a'";
        for (size_t more = 0; more < 2; more++) {
            const char *text = repeat(f, "x", rows[i].bytes_max + more);
            struct tb_command command;
            struct tb_str body = fixture_json(f, "{'%s':'%s',%s}", field, text, rest);
            assert_int_equal(fixture_parse(f, TB_COMMAND_CREATE, none, &command, body), more == 0);
            body = fixture_json(f, "{'%s':'%s'}", field, text);
            bool good = fixture_parse(f, TB_COMMAND_PATCH, some, &command, body);
            assert_int_equal(good, more == 0 || !rows[i].patch);
            if (more == 1 && rows[i].patch) {
                bool json = strcmp(field, "payload") == 0;
                assert_refused(f, TB_E_INVALID_FIELD,
                               tb_arena_printf(f->arena, "%s is longer than %zu bytes", field,
                                               rows[i].bytes_max + (json ? 2 : 0))
                                   .ptr,
                               tb_arena_printf(f->arena, ",'field':'%s'", field).ptr);
            }
        }
    }
}

static void check_array_limit(struct fixture *f, const char *field, size_t count, size_t len,
                              const char *message)
{
    struct tb_command command;
    struct tb_buf list;
    tb_buf_init(&list, f->arena, count * (len + 3) + 2);
    for (size_t i = 0; i < count; i++) {
        tb_buf_add_c(&list, i == 0 ? "[\"" : ",\"");
        tb_buf_add_c(&list, repeat(f, "x", len));
        TB_BUF_LIT(&list, "\"");
    }
    TB_BUF_LIT(&list, "]");
    struct tb_str bodies[] = {
        fixture_json(f, "{'title':'t','createdBy':'a','%s':%.*s}", field, (int)list.len, list.ptr),
        fixture_json(f, "{'%s':%.*s}", field, (int)list.len, list.ptr)};
    for (size_t i = 0; i < 2; i++) {
        enum tb_command_kind kind = i == 0 ? TB_COMMAND_CREATE : TB_COMMAND_PATCH;
        assert_int_equal(fixture_parse(f, kind, some, &command, bodies[i]), message == NULL);
        if (message != NULL) {
            assert_refused(f, TB_E_INVALID_FIELD, message,
                           tb_arena_printf(f->arena, ",'field':'%s'", field).ptr);
        }
    }
}

static void tags_and_dependencies_fit_up_to_their_limits(void **state)
{
    struct fixture *f = *state;
    check_array_limit(f, "tags", 64, 128, NULL);
    check_array_limit(f, "tags", 65, 1, "tags has more than 64 entries");
    check_array_limit(f, "tags", 1, 129, "each entry of tags must have 1 to 128 bytes");
    check_array_limit(f, "tags", 1, 0, "each entry of tags must have 1 to 128 bytes");
    check_array_limit(f, "dependencies", 256, 256, NULL);
    check_array_limit(f, "dependencies", 257, 1, "dependencies has more than 256 entries");
    check_array_limit(f, "dependencies", 1, 257,
                      "each entry of dependencies must have 1 to 256 bytes");
}

static void numbers_fit_up_to_their_limits(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *field;
        int64_t min;
        int64_t max;
        bool patch;
    } rows[] = {{"priority", -100, 100, true},
                {"maxAttempts", 0, 1000, true},
                {"delaySeconds", 0, 31536000, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const int64_t numbers[] = {rows[i].min, rows[i].max, rows[i].min - 1, rows[i].max + 1};
        for (size_t k = 0; k < COUNT(numbers); k++) {
            struct tb_command command;
            long long number = (long long)numbers[k];
            struct tb_str body =
                fixture_json(f, "{'title':'t','createdBy':'a','%s':%lld}", rows[i].field, number);
            assert_int_equal(fixture_parse(f, TB_COMMAND_CREATE, none, &command, body), k < 2);
            body = fixture_json(f, "{'%s':%lld}", rows[i].field, number);
            assert_int_equal(fixture_parse(f, TB_COMMAND_PATCH, some, &command, body),
                             k < 2 || !rows[i].patch);
            if (k >= 2 && rows[i].patch) {
                const char *message =
                    tb_arena_printf(f->arena, "%s must be a whole number from %lld to %lld",
                                    rows[i].field, (long long)rows[i].min, (long long)rows[i].max)
                        .ptr;
                assert_refused(f, TB_E_INVALID_FIELD, message,
                               tb_arena_printf(f->arena, ",'field':'%s'", rows[i].field).ptr);
            }
        }
    }
}

static void a_delay_is_another_way_to_say_not_before(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(create_item(f, "{'title':'t','createdBy':'a','delaySeconds':90}")->delay_ms ==
                90000);
    assert_true(create_item(f, "{'title':'t','createdBy':'a','delaySeconds':0}")->delay_ms == -1);
    assert_true(create_item(f, "{'title':'t','createdBy':'a','delaySeconds':null,"
                               "'notBefore':'2023-11-14T22:13:20Z'}")
                    ->fields.not_before_ms == FIXTURE_START_MS);
    assert_false(parse_create(f, &command,
                              "{'title':'t','createdBy':'a','delaySeconds':1,"
                              "'notBefore':'2023-11-14T22:13:20Z'}"));
    assert_refused(f, TB_E_INVALID_FIELD, "delaySeconds and notBefore cannot be given together",
                   ",'field':'delaySeconds'");
    assert_false(parse_create(f, &command, "{'title':'t','createdBy':'a','notBefore':'soon'}"));
    assert_refused(f, TB_E_INVALID_FIELD,
                   "notBefore must be an instant such as 2026-11-22T13:30:00.000Z",
                   ",'field':'notBefore'");
}

static void create_ignores_what_it_does_not_know_unless_it_is_strict(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const char *body = "{'title':'t','createdBy':'a','colour':'red','ref':'x','outcome':'failed'}";
    assert_true(parse_create(f, &command, body));
    assert_str(f->ignored, "colour, ref, outcome");
    assert_absent(command.create.items[0].ref);
    f->strict = true;
    assert_false(parse_create(f, &command, body));
    assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field colour", ",'field':'colour'");
}

/* --- create, arrays --- */

static void an_array_and_its_wrapped_form_are_the_same_request(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "[{'title':'t','createdBy':'a'},{'title':'u','createdBy':'b','ref':' r '}]",
        "{'tasks':[{'title':'t','createdBy':'a'},{'title':'u','createdBy':'b','ref':' r '}]}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct tb_command command;
        assert_true(parse_create(f, &command, bodies[i]));
        assert_true(command.create.array);
        assert_int_equal(command.create.item_count, 2);
        assert_str(command.create.items[0].fields.title, "t");
        assert_str(command.create.items[1].created_by, "b");
        assert_str(command.create.items[1].ref, " r ");
    }
}

static void an_array_has_1_to_1000_tasks(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const char *const wrong[] = {"[]", "{'tasks':[]}", "{'tasks':null}", "{'tasks':{}}",
                                        "{'tasks':'x'}"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(parse_create(f, &command, wrong[i]));
        assert_refused(f, TB_E_INVALID_FIELD, "tasks must be an array of 1 to 1000 tasks",
                       ",'field':'tasks'");
    }
    const char *most = repeat(f, "{'title':'t','createdBy':'a'},", TB_CREATE_TASKS_MAX - 1);
    struct tb_str body = fixture_json(f, "[%s{'title':'t','createdBy':'a'}]", most);
    assert_true(fixture_parse(f, TB_COMMAND_CREATE, none, &command, body));
    assert_int_equal(command.create.item_count, 1000);
    body = fixture_json(f, "[%s{'title':'t','createdBy':'a'},{}]", most);
    assert_false(fixture_parse(f, TB_COMMAND_CREATE, none, &command, body));
    assert_refused(f, TB_E_INVALID_FIELD, "tasks must be an array of 1 to 1000 tasks",
                   ",'field':'tasks'");
}

static void an_error_in_an_array_names_the_index(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_create(f, &command, "[{'title':'t','createdBy':'a'},{'title':'u'}]"));
    assert_refused(f, TB_E_MISSING_FIELD, "createdBy is required",
                   ",'index':1,'field':'createdBy'");
    assert_false(parse_create(f, &command, "[{'title':'t','createdBy':'a'},5]"));
    assert_refused(f, TB_E_INVALID_FIELD, "A task must be a JSON object", ",'index':1");
    assert_false(parse_create(f, &command, "[[]]"));
    assert_refused(f, TB_E_INVALID_FIELD, "A task must be a JSON object", ",'index':0");
}

static void arrays_are_always_strict(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_create(f, &command, "[{'title':'t','createdBy':'a','priorty':1}]"));
    assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field priorty (did you mean priority?)",
                   ",'index':0,'field':'priorty','nearest':'priority'");
    assert_false(parse_create(f, &command, "{'tasks':[{'title':'t','createdBy':'a'}],'x':1}"));
    assert_int_equal(f->reply.err, TB_E_UNKNOWN_FIELD);
}

static void a_ref_has_1_to_128_bytes(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 127; len <= 129; len++) {
        struct tb_command command;
        struct tb_str body =
            fixture_json(f, "[{'title':'t','createdBy':'a','ref':'%s'}]", repeat(f, "r", len));
        assert_int_equal(fixture_parse(f, TB_COMMAND_CREATE, none, &command, body), len <= 128);
    }
    assert_refused(f, TB_E_INVALID_FIELD, "ref is longer than 128 bytes",
                   ",'index':0,'field':'ref'");
    struct tb_command command;
    assert_false(parse_create(f, &command, "[{'title':'t','createdBy':'a','ref':''}]"));
    assert_refused(f, TB_E_INVALID_FIELD, "ref must not be empty", ",'index':0,'field':'ref'");
}

/* --- PATCH --- */

static void patch_sets_only_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_patch(f, &command, ""));
    assert_int_equal(command.patch.set, 0);
    static const struct {
        const char *body;
        unsigned set;
    } rows[] = {
        {"{'title':'t'}", TB_PATCH_TITLE},
        {"{'description':null}", TB_PATCH_DESCRIPTION},
        {"{'status':'done'}", TB_PATCH_STATUS},
        {"{'assignee':''}", TB_PATCH_ASSIGNEE},
        {"{'tags':[]}", TB_PATCH_TAGS},
        {"{'dependencies':null}", TB_PATCH_DEPENDENCIES},
        {"{'priority':5}", TB_PATCH_PRIORITY},
        {"{'payload':null}", TB_PATCH_PAYLOAD},
        {"{'notBefore':null}", TB_PATCH_NOT_BEFORE},
        {"{'maxAttempts':null}", TB_PATCH_MAX_ATTEMPTS},
        {"{'outcome':'failed'}", TB_PATCH_OUTCOME},
        {"{'outcome':'failed','status':'done','x':1}", TB_PATCH_OUTCOME | TB_PATCH_STATUS},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(parse_patch(f, &command, rows[i].body));
        assert_int_equal(command.kind, TB_COMMAND_PATCH);
        assert_int_equal(command.patch.set, rows[i].set);
    }
}

static void null_clears_in_a_patch(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse_patch(f, &command,
                            "{'description':null,'assignee':null,'tags':null,'dependencies':null,"
                            "'priority':null,'payload':null,'notBefore':null,'maxAttempts':null}"));
    const struct tb_task_fields *fields = &command.patch.fields;
    const struct tb_str absent[] = {fields->description, fields->assignee, fields->tags,
                                    fields->dependencies, fields->payload};
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_absent(absent[i]);
    }
    assert_int_equal(fields->priority, 0);
    assert_true(fields->not_before_ms == 0);
    assert_true(fields->max_attempts == UINT32_MAX);
}

static void a_patched_title_cannot_be_empty(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const char *const wrong[] = {"''", "' \\n '", "null", "5", "[]"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(
            parse_patch(f, &command, tb_arena_printf(f->arena, "{'title':%s}", wrong[i]).ptr));
        assert_refused(f, TB_E_MISSING_FIELD, "title cannot be empty", ",'field':'title'");
    }
}

static void a_patched_status_must_be_one(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {"{'status':null}", "invalid status: null"},
        {"{'status':''}", "invalid status: "},
        {"{'status':0}", "invalid status: 0"},
        {"{'status':false,'title':''}", "invalid status: false"}, /* the status comes first */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(parse_patch(f, &command, rows[i].body));
        assert_refused(f, TB_E_INVALID_FIELD, rows[i].message, ",'field':'status'");
    }
}

static void a_patched_outcome_is_one_of_three(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const char *const wrong[] = {"'none'", "null", "''", "'Success'", "1"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(
            parse_patch(f, &command, tb_arena_printf(f->arena, "{'outcome':%s}", wrong[i]).ptr));
        assert_refused(f, TB_E_INVALID_FIELD, "outcome must be success, failed or cancelled",
                       ",'field':'outcome'");
    }
    assert_true(parse_patch(f, &command, "{'outcome':'cancelled'}"));
    assert_int_equal(command.patch.fields.outcome, TB_OUTCOME_CANCELLED);
}

static void patch_takes_an_object_and_ignores_what_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_false(parse_patch(f, &command, "[]"));
    assert_refused(f, TB_E_INVALID_JSON, "The body must be a JSON object", NULL);
    assert_true(parse_patch(f, &command, "{'createdBy':'x','id':'y','uniqueKey':'z','tags':[]}"));
    assert_str(f->ignored, "createdBy, id, uniqueKey");
    assert_int_equal(command.patch.set, TB_PATCH_TAGS);
    f->strict = true;
    assert_false(parse_patch(f, &command, "{'assigne':'x'}"));
    assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field assigne (did you mean assignee?)",
                   ",'field':'assigne','nearest':'assignee'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(create_takes_defaults_for_what_is_absent),
        fixture_test(create_reads_every_field),
        fixture_test(create_names_the_required_field_that_is_missing),
        fixture_test(create_takes_every_status_and_counts_falsy_ones_as_open),
        fixture_test(an_unknown_status_is_shown),
        fixture_test(texts_fit_up_to_their_limits),
        fixture_test(tags_and_dependencies_fit_up_to_their_limits),
        fixture_test(numbers_fit_up_to_their_limits),
        fixture_test(a_delay_is_another_way_to_say_not_before),
        fixture_test(create_ignores_what_it_does_not_know_unless_it_is_strict),
        fixture_test(an_array_and_its_wrapped_form_are_the_same_request),
        fixture_test(an_array_has_1_to_1000_tasks),
        fixture_test(an_error_in_an_array_names_the_index),
        fixture_test(arrays_are_always_strict),
        fixture_test(a_ref_has_1_to_128_bytes),
        fixture_test(patch_sets_only_what_is_there),
        fixture_test(null_clears_in_a_patch),
        fixture_test(a_patched_title_cannot_be_empty),
        fixture_test(a_patched_status_must_be_one),
        fixture_test(a_patched_outcome_is_one_of_three),
        fixture_test(patch_takes_an_object_and_ignores_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

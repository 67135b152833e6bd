/* VMs, feed events, pauses and the board's own line; what stands in no line. */
#include "unit/board/import_check.h"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

static void a_line_holds_one_thing(void **state)
{
    static const char what[] =
        "Line 1: a line must be an object with a member task, vm, feed, pause or board";
    static const struct import_row rows[] = {
        {"[]", TB_E_INVALID_FIELD, what, ",'line':1"},
        {"{}", TB_E_INVALID_FIELD, what, ",'line':1"},
        {"{'tusk':{}}", TB_E_INVALID_FIELD, what, ",'line':1"},
        {"\n\n{'task':", TB_E_INVALID_JSON,
         "Line 3: it is not valid JSON: unexpected end at byte 8", ",'line':3"},
        {IMPORT_PAUSE_LINE("") "{'vm':{},'task':{}}", TB_E_UNKNOWN_FIELD,
         "Line 2: unknown field vm", ",'line':2,'field':'vm'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* --- VMs --- */

static void a_vm_comes_with_all_that_it_has(void **state)
{
    struct fixture *f = *state;
    import_lines(f, "{'vm':" IMPORT_VM("v", ",'status':'paused','services':[{'name':'s','port':1}],"
                                            "'metadata':{'k':'v'},'registeredBy':'me',"
                                            "'ttlSeconds':60") ",'number':'" IMPORT_ID("7") "'}");
    assert_id(fixture_vm(f, "v").number, import_id(IMPORT_ID("7")));
    assert_json(f, fixture_vm_view(f, "v"),
                "{'id':'v','name':'v','role':'worker','status':'paused','address':'a',"
                "'services':[{'name':'s','port':1}],'metadata':{'k':'v'},'registeredBy':'me',"
                "'registeredAt':'" IMPORT_AT "','ttlSeconds':60,'lastSeen':'" IMPORT_AT
                "','stale':false,'claims':0}");
    assert_string_equal(fixture_types(f, 0), "vm.imported");
}

static void an_old_vm_is_unknown_and_not_seen_before_it_was_there(void **state)
{
    struct fixture *f = *state;
    import_text(f, TB_IMPORT_REGISTRY_JSON,
                "{'vms':[{'id':'v','name':'v','role':'worker','address':'a','madeUp':1,"
                "'registeredAt':'" IMPORT_AT "','lastSeen':'2023-05-31T00:00:00Z'}]}");
    assert_reply(f, 200);
    assert_json(f, f->reply.body, "{'tasks':0,'vms':1,'feedEvents':0,'pauses':0}");
    struct tb_vm vm = fixture_vm(f, "v");
    assert_int_equal(vm.seen_ms, vm.registered_ms);
    assert_int_equal(tb_ulid_ms(vm.number), vm.registered_ms);
    assert_str(vm.registered_by, "unknown");
    assert_int_equal(vm.ttl_ms, TB_TTL_MS_DEFAULT);
}

static void old_vms_stand_in_the_order_of_their_registration(void **state)
{
    struct fixture *f = *state;
    import_text(
        f, TB_IMPORT_REGISTRY_JSON,
        "{'vms':[{'id':'later','name':'v','role':'worker','address':'a','registeredAt':"
        "'2023-06-02T00:00:00Z','lastSeen':'2023-06-02T00:00:00Z'}," IMPORT_VM("earlier", "") "]}");
    assert_reply(f, 200);
    assert_string_equal(fixture_vm_ids(f, fixture_vms(f, "")), "later earlier");
}

static void a_vm_must_be_whole(void **state)
{
    static const struct import_row rows[] = {
        {"{'vm':1}", TB_E_INVALID_FIELD, "Line 1: vm must be an object", ",'line':1"},
        {"{'vm':{},'nummer':1}", TB_E_UNKNOWN_FIELD,
         "Line 1: unknown field nummer (did you mean number?)",
         ",'line':1,'field':'nummer','nearest':'number'"},
        {"{'vm':{'stale':false}}", TB_E_UNKNOWN_FIELD,
         "Line 1: unknown field stale (did you mean name?)",
         ",'line':1,'field':'stale','nearest':'name'"},
        {"{'vm':{'id':'v'}}", TB_E_MISSING_FIELD, "Line 1: name is required",
         ",'line':1,'field':'name'"},
        {"{'vm':{'id':'v','name':'v','role':'worker','address':'a'}}", TB_E_MISSING_FIELD,
         "Line 1: registeredAt is required", ",'line':1,'field':'registeredAt'"},
        {"{'vm':{'id':'v','name':'v','role':'worker','address':'a','registeredAt':'" IMPORT_AT
         "'}}",
         TB_E_MISSING_FIELD, "Line 1: lastSeen is required", ",'line':1,'field':'lastSeen'"},
        {"{'vm':" IMPORT_VM("v", "") "}", TB_E_INVALID_FIELD,
         "Line 1: number must be a ULID, not undefined", ",'line':1,'field':'number'"},
    };
    static const struct import_row old[] = {
        {"{'vms':[1]}", TB_E_INVALID_FIELD, "VM 1: a VM must be an object", ",'line':1"},
        {"{'vms':[{'id':'v'}]}", TB_E_MISSING_FIELD, "VM 1: name is required",
         ",'line':1,'field':'name'"},
    };
    check_rows(*state, rows, COUNT(rows));
    check_import_rows(*state, TB_IMPORT_REGISTRY_JSON, old, COUNT(old));
}

/* --- the feed --- */

static void feed_events_keep_their_ids_and_times(void **state)
{
    struct fixture *f = *state;
    import_lines(f, IMPORT_EVENT_LINE("2", ",'detail':'','metadata':{'a':1}")
                        IMPORT_EVENT_LINE("1", ""));
    assert_json(f, fixture_feed(f, ""),
                "[" IMPORT_EVENT("1", "") ",{'id':'" IMPORT_ID(
                    "2") "','agent':'bob',"
                         "'type':'finding','summary':'s','detail':'','metadata':{'a':1},'timestamp'"
                         ":'" IMPORT_AT "'}]");
    import_text(f, TB_IMPORT_FEED_JSONL, IMPORT_EVENT("3", ",'madeUp':1") "\n\n");
    assert_reply(f, 200);
    assert_json(f, f->reply.body, "{'tasks':0,'vms':0,'feedEvents':1,'pauses':0}");
    assert_id(fixture_last_event(f).id, import_id(IMPORT_ID("3")));
}

static void a_feed_event_must_be_whole(void **state)
{
    static const struct import_row rows[] = {
        {"{'feed':1}", TB_E_INVALID_FIELD, "Line 1: feed must be an object", ",'line':1"},
        {"{'feed':{},'seq':1}", TB_E_UNKNOWN_FIELD,
         "Line 1: unknown field seq (did you mean feed?)",
         ",'line':1,'field':'seq','nearest':'feed'"},
        {"{'feed':{'at':1}}", TB_E_UNKNOWN_FIELD, "Line 1: unknown field at (did you mean id?)",
         ",'line':1,'field':'at','nearest':'id'"},
        {"{'feed':{}}", TB_E_INVALID_FIELD, "Line 1: id must be a ULID, not undefined",
         ",'line':1,'field':'id'"},
        {"{'feed':{'id':'" IMPORT_ID("1") "'}}", TB_E_MISSING_FIELD,
         "Line 1: Missing or invalid 'agent' field", ",'line':1,'field':'agent'"},
        {"{'feed':{'id':'" IMPORT_ID("1") "','agent':'a','type':'custom','summary':'s'}}",
         TB_E_MISSING_FIELD, "Line 1: timestamp is required", ",'line':1,'field':'timestamp'"},
    };
    static const struct import_row old[] = {
        {"7", TB_E_INVALID_FIELD, "Line 1: an event must be an object", ",'line':1"},
    };
    check_rows(*state, rows, COUNT(rows));
    check_import_rows(*state, TB_IMPORT_FEED_JSONL, old, COUNT(old));
}

/* --- pauses --- */

static void pauses_keep_their_instants(void **state)
{
    struct fixture *f = *state;
    import_lines(f,
                 IMPORT_PAUSE_LINE(",'tag':'red','reason':'r','by':'ann'") IMPORT_PAUSE_LINE(""));
    assert_json(f, fixture_member(fixture_summary(f), "paused"),
                "[{'tag':'red','reason':'r','since':'" IMPORT_AT
                "','by':'ann'},{'since':'" IMPORT_AT "'}]");
    assert_string_equal(fixture_types(f, 0), "board.paused board.paused");
}

static void a_pause_of_the_same_tag_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'red','reason':'mine'}");
    import_lines(f, IMPORT_PAUSE_LINE(",'tag':'red','reason':'theirs'") IMPORT_PAUSE_LINE(
                        ",'tag':'blue'") IMPORT_PAUSE_LINE(",'tag':'blue','reason':'again'"));
    assert_json(f, fixture_member(fixture_summary(f), "paused"),
                "[{'tag':'red','reason':'mine','since':'" FIXTURE_START
                "'},{'tag':'blue','since':'" IMPORT_AT "'}]");
    assert_string_equal(fixture_types(f, 0), "board.paused board.paused");
}

static void a_pause_must_be_whole(void **state)
{
    static const struct import_row rows[] = {
        {"{'pause':[]}", TB_E_INVALID_FIELD, "Line 1: pause must be an object", ",'line':1"},
        {"{'pause':{},'tag':'a'}", TB_E_UNKNOWN_FIELD, "Line 1: unknown field tag",
         ",'line':1,'field':'tag'"},
        {"{'pause':{'until':1}}", TB_E_UNKNOWN_FIELD, "Line 1: unknown field until",
         ",'line':1,'field':'until'"},
        {IMPORT_PAUSE_LINE(",'tag':''"), TB_E_INVALID_FIELD, "Line 1: tag must not be empty",
         ",'line':1,'field':'tag'"},
        {IMPORT_PAUSE_LINE(",'reason':1"), TB_E_INVALID_FIELD, "Line 1: reason must be a string",
         ",'line':1,'field':'reason'"},
        {IMPORT_PAUSE_LINE(",'by':1"), TB_E_INVALID_FIELD, "Line 1: by must be a string",
         ",'line':1,'field':'by'"},
        {"{'pause':{}}", TB_E_MISSING_FIELD, "Line 1: since is required",
         ",'line':1,'field':'since'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* --- the board --- */

static void the_board_says_which_generation_it_gave_last(void **state)
{
    struct fixture *f = *state;
    import_lines(f, "{'board':{'format':1,'generation':41}}");
    assert_int_equal(fixture_head(f).generation, 41);
    import_lines(f, "{'board':{}}");
    assert_int_equal(fixture_head(f).generation, 41);
}

static void an_export_of_later_is_refused(void **state)
{
    static const struct import_row rows[] = {
        {"{'board':1}", TB_E_INVALID_FIELD, "Line 1: board must be an object", ",'line':1"},
        {"{'board':{},'format':1}", TB_E_UNKNOWN_FIELD, "Line 1: unknown field format",
         ",'line':1,'field':'format'"},
        {"{'board':{'seq':1}}", TB_E_UNKNOWN_FIELD, "Line 1: unknown field seq",
         ",'line':1,'field':'seq'"},
        {"{'board':{'format':2}}", TB_E_INVALID_FIELD,
         "Line 1: format must be a whole number from 1 to 1", ",'line':1,'field':'format'"},
        {"{'board':{'generation':-1}}", TB_E_INVALID_FIELD,
         "Line 1: generation must be a whole number from 0 to 9007199254740991",
         ",'line':1,'field':'generation'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_line_holds_one_thing),
        fixture_test(a_vm_comes_with_all_that_it_has),
        fixture_test(an_old_vm_is_unknown_and_not_seen_before_it_was_there),
        fixture_test(old_vms_stand_in_the_order_of_their_registration),
        fixture_test(a_vm_must_be_whole),
        fixture_test(feed_events_keep_their_ids_and_times),
        fixture_test(a_feed_event_must_be_whole),
        fixture_test(pauses_keep_their_instants),
        fixture_test(a_pause_of_the_same_tag_stays_as_it_is),
        fixture_test(a_pause_must_be_whole),
        fixture_test(the_board_says_which_generation_it_gave_last),
        fixture_test(an_export_of_later_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The bodies of those who work: claim, heartbeat, complete, fail, release. */
#include "unit/board/parse_check.h"

#define TOKEN      "1.AAAAAAAAAAAAAAAAAAAAAA"
#define WITH_TOKEN "{'claimToken':'" TOKEN "'"

/* --- claim --- */

static void a_claim_needs_nothing_but_its_agent(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_CLAIM, &command, "{'agent':' ann '}"));
    assert_int_equal(command.kind, TB_COMMAND_CLAIM);
    assert_str(command.claim.agent, "ann");
    assert_absent(command.claim.vm_id);
    assert_int_equal(command.claim.tag_count + command.claim.any_tag_count, 0);
    assert_int_equal(command.claim.max, 1);
    assert_int_equal(command.claim.lease_ms, 300000);
    assert_int_equal(command.claim.wait_ms, 0);
}

static void a_claim_may_say_more(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_CLAIM, &command,
                      "{'agent':'a','vmId':' vm-1\\t','tags':[' x ','\\u0022'],'anyTags':['y'],"
                      "'max':32,'leaseSeconds':86400,'wait':60}"));
    assert_str(command.claim.vm_id, "vm-1");
    assert_int_equal(command.claim.tag_count, 2);
    assert_str(command.claim.tags[0], " x "); /* tags are kept exactly */
    assert_str(command.claim.tags[1], "\\\"");
    assert_int_equal(command.claim.any_tag_count, 1);
    assert_str(command.claim.any_tags[0], "y");
    assert_int_equal(command.claim.max, 32);
    assert_int_equal(command.claim.lease_ms, 86400000);
    assert_int_equal(command.claim.wait_ms, 60000);
    assert_true(parse(f, TB_COMMAND_CLAIM, &command,
                      "{'agent':'a','vmId':null,'tags':[],'anyTags':null,'max':null,"
                      "'leaseSeconds':10,'wait':0}"));
    assert_int_equal(command.claim.tag_count + command.claim.any_tag_count, 0);
    assert_int_equal(command.claim.lease_ms, 10000);
}

static void a_wrong_claim_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, "agent is required", ",'field':'agent'"},
        {"{'agent':' '}", TB_E_MISSING_FIELD, "agent is required", ",'field':'agent'"},
        {"{'agent':7}", TB_E_MISSING_FIELD, "agent is required", ",'field':'agent'"},
        {"{'agent':'a','vmId':7}", TB_E_INVALID_FIELD, "vmId must be a string", ",'field':'vmId'"},
        {"{'agent':'a','leaseSeconds':9}", TB_E_INVALID_FIELD,
         "leaseSeconds must be a whole number from 10 to 86400", ",'field':'leaseSeconds'"},
        {"{'agent':'a','leaseSeconds':86401}", TB_E_INVALID_FIELD,
         "leaseSeconds must be a whole number from 10 to 86400", ",'field':'leaseSeconds'"},
        {"{'agent':'a','leaseSeconds':'60'}", TB_E_INVALID_FIELD,
         "leaseSeconds must be a whole number from 10 to 86400", ",'field':'leaseSeconds'"},
        {"{'agent':'a','wait':61}", TB_E_INVALID_FIELD, "wait must be a whole number from 0 to 60",
         ",'field':'wait'"},
        {"{'agent':'a','wait':-1}", TB_E_INVALID_FIELD, "wait must be a whole number from 0 to 60",
         ",'field':'wait'"},
        {"{'agent':'a','max':0}", TB_E_INVALID_FIELD, "max must be a whole number from 1 to 32",
         ",'field':'max'"},
        {"{'agent':'a','max':33}", TB_E_INVALID_FIELD, "max must be a whole number from 1 to 32",
         ",'field':'max'"},
        {"{'agent':'a','tags':'x'}", TB_E_INVALID_FIELD, "tags must be an array of strings",
         ",'field':'tags'"},
        {"{'agent':'a','tags':['']}", TB_E_INVALID_FIELD,
         "each entry of tags must have 1 to 128 bytes", ",'field':'tags'"},
        {"{'agent':'a','anyTags':[1]}", TB_E_INVALID_FIELD, "anyTags must be an array of strings",
         ",'field':'anyTags'"},
        {"{'agent':'a','anytags':[]}", TB_E_UNKNOWN_FIELD,
         "unknown field anytags (did you mean anyTags?)", ",'field':'anytags','nearest':'anyTags'"},
        {"[]", TB_E_INVALID_JSON, "The body must be a JSON object", NULL},
    };
    check_refused_rows(f, TB_COMMAND_CLAIM, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_CLAIM, "{'agent':'", "'}", "agent", TB_NAME_BYTES_MAX);
    check_limit(f, TB_COMMAND_CLAIM, "{'agent':'a','vmId':'", "'}", "vmId", TB_NAME_BYTES_MAX);
}

static void a_claim_takes_as_many_tags_as_a_task_has(void **state)
{
    struct fixture *f = *state;
    for (size_t more = 0; more < 2; more++) {
        struct tb_command command;
        struct tb_str body =
            fixture_json(f, "{'agent':'a','tags':[%s'x']}",
                         fixture_repeat(f->arena, "'x',", TB_CLAIM_TAGS_MAX - 1 + more));
        assert_int_equal(fixture_parse(f, TB_COMMAND_CLAIM, parse_check_id, &command, body),
                         more == 0);
    }
    assert_refused(f, TB_E_INVALID_FIELD, "tags has more than 64 entries", ",'field':'tags'");
}

static void a_claim_of_one_task_takes_no_conditions(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(
        parse(f, TB_COMMAND_CLAIM_TASK, &command, "{'agent':'a','vmId':'v','leaseSeconds':20}"));
    assert_int_equal(command.kind, TB_COMMAND_CLAIM_TASK);
    assert_str(command.claim.agent, "a");
    assert_str(command.claim.vm_id, "v");
    assert_int_equal(command.claim.lease_ms, 20000);
    assert_int_equal(command.claim.max, 1);
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, "agent is required", ",'field':'agent'"},
        {"{'agent':'a','wait':1}", TB_E_UNKNOWN_FIELD, "unknown field wait", ",'field':'wait'"},
        {"{'agent':'a','tags':[]}", TB_E_UNKNOWN_FIELD, "unknown field tags", ",'field':'tags'"},
    };
    check_refused_rows(f, TB_COMMAND_CLAIM_TASK, rows, COUNT(rows));
}

/* --- the token --- */

static const enum tb_command_kind kinds_with_token[] = {TB_COMMAND_HEARTBEAT, TB_COMMAND_COMPLETE,
                                                        TB_COMMAND_FAIL, TB_COMMAND_RELEASE};

static void what_a_holder_does_needs_the_token_of_its_claim(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"", TB_E_CLAIM_TOKEN_REQUIRED, "claimToken is required", ",'field':'claimToken'"},
        {"{'claimToken':null}", TB_E_CLAIM_TOKEN_REQUIRED, "claimToken is required",
         ",'field':'claimToken'"},
        {"{'claimToken':''}", TB_E_CLAIM_TOKEN_REQUIRED, "claimToken is required",
         ",'field':'claimToken'"},
    };
    for (size_t i = 0; i < COUNT(kinds_with_token); i++) {
        check_refused_rows(f, kinds_with_token[i], rows, COUNT(rows));
    }
    assert_int_equal(tb_err_status(TB_E_CLAIM_TOKEN_REQUIRED), 428);
}

static const char *const wrong_tokens[] = {
    "x",
    "AAAAAAAAAAAAAAAAAAAAAA",
    ".AAAAAAAAAAAAAAAAAAAAAA",
    "1.AAAAAAAAAAAAAAAAAAAAA",
    "1.AAAAAAAAAAAAAAAAAAAAAAA",
    "1.AAAAAAAAAAAAAAAAAAAAA=",
    "1.AAAAAAAAAAA.AAAAAAAAAA",
    "-1.AAAAAAAAAAAAAAAAAAAAAA",
    " 1.AAAAAAAAAAAAAAAAAAAAAA",
    "12345678901.AAAAAAAAAAAAAAAAAAAAAA",
};

static void what_cannot_be_a_token_is_told_from_one_that_is_stale(void **state)
{
    struct fixture *f = *state;
    static const char message[] = "claimToken must be one that a claim was answered with";
    for (size_t i = 0; i < COUNT(wrong_tokens); i++) {
        const struct refused_row row = {
            fixture_json(f, "{'claimToken':'%s'}%c", wrong_tokens[i], 0).ptr, TB_E_INVALID_FIELD,
            message, ",'field':'claimToken'"};
        check_refused_rows(f, TB_COMMAND_HEARTBEAT, &row, 1);
    }
    const struct refused_row number = {"{'claimToken':1}", TB_E_INVALID_FIELD, message,
                                       ",'field':'claimToken'"};
    check_refused_rows(f, TB_COMMAND_RELEASE, &number, 1);
}

static void the_token_may_come_in_a_header(void **state)
{
    struct fixture *f = *state;
    struct tb_parse parse = {.arena = f->arena};
    struct tb_str token;
    assert_true(tb_parse_claim_token(&parse, TB_STR_NONE, &token));
    assert_absent(token);
    assert_true(tb_parse_claim_token(&parse, TB_STR("4294967295.az09-_AZAAAAAAAAAAAAAA"), &token));
    assert_str(token, "4294967295.az09-_AZAAAAAAAAAAAAAA");
    assert_false(tb_parse_claim_token(&parse, TB_STR(""), &token));
    for (size_t i = 0; i < COUNT(wrong_tokens); i++) {
        assert_false(tb_parse_claim_token(&parse, tb_str_c(wrong_tokens[i]), &token));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_HEADER);
        assert_str(parse.refusal.extra, ",\"field\":\"Claim-Token\"");
    }
}

/* --- heartbeat --- */

static void a_heartbeat_may_change_the_lease_and_tell_of_progress(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const struct tb_heartbeat_command *heartbeat = &command.heartbeat;
    assert_true(parse(f, TB_COMMAND_HEARTBEAT, &command, WITH_TOKEN "}"));
    assert_str(heartbeat->claim_token, TOKEN);
    assert_int_equal(heartbeat->lease_ms, 0);
    assert_false(heartbeat->has_progress);
    assert_true(parse(f, TB_COMMAND_HEARTBEAT, &command,
                      WITH_TOKEN ",'leaseSeconds':60,'progress':{'percent':40,'message':' m '}}"));
    assert_int_equal(heartbeat->lease_ms, 60000);
    assert_true(heartbeat->has_progress);
    assert_int_equal(heartbeat->percent, 40);
    assert_str(heartbeat->message, "m");
    assert_true(parse(f, TB_COMMAND_HEARTBEAT, &command, WITH_TOKEN ",'progress':{}}"));
    assert_true(heartbeat->has_progress);
    assert_int_equal(heartbeat->percent, -1);
    assert_absent(heartbeat->message);
    assert_true(parse(f, TB_COMMAND_HEARTBEAT, &command, WITH_TOKEN ",'progress':null}"));
    assert_false(heartbeat->has_progress);
}

static void percent_is_any_number_of_which_the_whole_part_is_kept(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sent;
        int32_t kept;
    } rows[] = {{"0", 0},     {"-0", 0},      {"100", 100}, {"100.0", 100}, {"99.999", 99},
                {"1e2", 100}, {"3.33e1", 33}, {"1e-9", 0},  {"null", -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_command command;
        struct tb_str body =
            fixture_json(f, WITH_TOKEN ",'progress':{'percent':%s}}", rows[i].sent);
        assert_true(fixture_parse(f, TB_COMMAND_HEARTBEAT, parse_check_id, &command, body));
        assert_int_equal(command.heartbeat.percent, rows[i].kept);
    }
}

static void a_wrong_heartbeat_is_refused(void **state)
{
    struct fixture *f = *state;
#define PERCENT_REFUSED                                                                            \
    TB_E_INVALID_FIELD, "progress.percent must be a number from 0 to 100",                         \
        ",'field':'progress.percent'"
    static const struct refused_row rows[] = {
        {WITH_TOKEN ",'progress':{'percent':-1}}", PERCENT_REFUSED},
        {WITH_TOKEN ",'progress':{'percent':100.001}}", PERCENT_REFUSED},
        {WITH_TOKEN ",'progress':{'percent':'40'}}", PERCENT_REFUSED},
        {WITH_TOKEN ",'progress':{'percent':true}}", PERCENT_REFUSED},
        {WITH_TOKEN ",'progress':40}", TB_E_INVALID_FIELD,
         "progress must be an object with percent and message", ",'field':'progress'"},
        {WITH_TOKEN ",'progress':{'message':1}}", TB_E_INVALID_FIELD,
         "progress.message must be a string", ",'field':'progress.message'"},
        {WITH_TOKEN ",'progress':{'percnt':1}}", TB_E_UNKNOWN_FIELD,
         "unknown field progress.percnt (did you mean percent?)",
         ",'field':'progress.percnt','nearest':'percent'"},
        {WITH_TOKEN ",'leaseSeconds':0}", TB_E_INVALID_FIELD,
         "leaseSeconds must be a whole number from 10 to 86400", ",'field':'leaseSeconds'"},
        {WITH_TOKEN ",'agent':'a'}", TB_E_UNKNOWN_FIELD, "unknown field agent", ",'field':'agent'"},
    };
    check_refused_rows(f, TB_COMMAND_HEARTBEAT, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_HEARTBEAT, WITH_TOKEN ",'progress':{'message':'", "'}}",
                "progress.message", TB_PROGRESS_BYTES_MAX);
}

/* --- complete --- */

static void complete_carries_what_was_made(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const struct tb_finish_command *finish = &command.finish;
    assert_true(parse(f, TB_COMMAND_COMPLETE, &command, WITH_TOKEN "}"));
    assert_str(finish->claim_token, TOKEN);
    assert_absent(finish->result);
    assert_absent(finish->summary);
    assert_int_equal(finish->artifacts.item_count, 0);
    assert_false(finish->review || finish->has_next);
    assert_true(parse(f, TB_COMMAND_COMPLETE, &command,
                      WITH_TOKEN ",'result': { 'a' : [ 1, null ] } ,'summary':' s ','review':true,"
                                 "'artifacts':[{'type':'file','url':'u','label':'l'},"
                                 "{'type':'url','url':'v','label':'m','addedBy':'b'}]}"));
    assert_str(finish->result, "{\"a\":[1,null]}");
    assert_str(finish->summary, "s");
    assert_true(finish->review);
    assert_int_equal(finish->artifacts.item_count, 2);
    assert_absent(finish->artifacts.items[0].added_by);
    assert_str(finish->artifacts.items[1].added_by, "b");
}

static void any_json_may_be_a_result(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        WITH_TOKEN ",'result':0}",      WITH_TOKEN ",'result':false}",
        WITH_TOKEN ",'result':''}",     WITH_TOKEN ",'result':[]}",
        WITH_TOKEN ",'result':null}",   WITH_TOKEN ",'artifacts':[]}",
        WITH_TOKEN ",'artifacts':null}"};
    check_taken_rows(f, TB_COMMAND_COMPLETE, bodies, COUNT(bodies));
    for (size_t more = 0; more < 2; more++) {
        struct tb_command command;
        struct tb_str body = fixture_json(
            f, WITH_TOKEN ",'result':'%s'}",
            fixture_repeat(f->arena, "x", TB_RESULT_BYTES_MAX - 2 + more)); /* with its quotes */
        assert_int_equal(fixture_parse(f, TB_COMMAND_COMPLETE, parse_check_id, &command, body),
                         more == 0);
    }
    assert_refused(f, TB_E_INVALID_FIELD, "result is longer than 262144 bytes",
                   ",'field':'result'");
}

static void a_wrong_complete_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {WITH_TOKEN ",'review':1}", TB_E_INVALID_FIELD, "review must be true or false",
         ",'field':'review'"},
        {WITH_TOKEN ",'summary':1}", TB_E_INVALID_FIELD, "summary must be a string",
         ",'field':'summary'"},
        {WITH_TOKEN ",'artifacts':{}}", TB_E_INVALID_FIELD, "artifacts must be an array",
         ",'field':'artifacts'"},
        {WITH_TOKEN ",'artifacts':[{'type':'x','url':'u','label':'l'}]}", TB_E_INVALID_FIELD,
         "invalid artifact type: x", ",'field':'artifacts'"},
        {WITH_TOKEN ",'artifacts':[{'type':'file','url':'u','label':'l','by':'a'}]}",
         TB_E_UNKNOWN_FIELD, "unknown field artifacts[0].by (did you mean type?)",
         ",'field':'artifacts[0].by','nearest':'type'"},
        {WITH_TOKEN ",'reslt':1}", TB_E_UNKNOWN_FIELD, "unknown field reslt (did you mean result?)",
         ",'field':'reslt','nearest':'result'"},
        {WITH_TOKEN ",'error':'e'}", TB_E_UNKNOWN_FIELD, "unknown field error", ",'field':'error'"},
    };
    check_refused_rows(f, TB_COMMAND_COMPLETE, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_COMPLETE, WITH_TOKEN ",'summary':'", "'}", "summary",
                TB_NOTE_BYTES_MAX);
}

/* --- fail, release --- */

static void fail_says_what_went_wrong_and_when_to_try_again(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const struct tb_finish_command *finish = &command.finish;
    assert_true(parse(f, TB_COMMAND_FAIL, &command, WITH_TOKEN ",'error':' e '}"));
    assert_str(finish->error, "e");
    assert_true(finish->retryable);
    assert_int_equal(finish->delay_ms, -1);
    assert_true(parse(f, TB_COMMAND_FAIL, &command,
                      WITH_TOKEN ",'error':'e','retryable':false,'delaySeconds':0}"));
    assert_false(finish->retryable);
    assert_int_equal(finish->delay_ms, 0);
    static const struct refused_row rows[] = {
        {WITH_TOKEN "}", TB_E_MISSING_FIELD, "error is required", ",'field':'error'"},
        {WITH_TOKEN ",'error':''}", TB_E_MISSING_FIELD, "error is required", ",'field':'error'"},
        {WITH_TOKEN ",'error':'e','retryable':'no'}", TB_E_INVALID_FIELD,
         "retryable must be true or false", ",'field':'retryable'"},
        {WITH_TOKEN ",'error':'e','delaySeconds':31536001}", TB_E_INVALID_FIELD,
         "delaySeconds must be a whole number from 0 to 31536000", ",'field':'delaySeconds'"},
        {WITH_TOKEN ",'error':'e','reason':'r'}", TB_E_UNKNOWN_FIELD, "unknown field reason",
         ",'field':'reason'"},
    };
    check_refused_rows(f, TB_COMMAND_FAIL, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_FAIL, WITH_TOKEN ",'error':'", "'}", "error", TB_ERROR_BYTES_MAX);
}

static void release_may_say_why(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_RELEASE, &command, WITH_TOKEN ",'reason':' r '}"));
    assert_int_equal(command.kind, TB_COMMAND_RELEASE);
    assert_str(command.finish.reason, "r");
    static const struct refused_row rows[] = {
        {WITH_TOKEN ",'result':1}", TB_E_UNKNOWN_FIELD, "unknown field result",
         ",'field':'result'"},
    };
    check_refused_rows(f, TB_COMMAND_RELEASE, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_RELEASE, WITH_TOKEN ",'reason':'", "'}", "reason",
                TB_REASON_BYTES_MAX);
}

/* --- next --- */

static void finishing_may_ask_for_the_next_task(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum tb_command_kind kind;
        const char *more;
    } rows[] = {
        {TB_COMMAND_COMPLETE, ""}, {TB_COMMAND_FAIL, "'error':'e',"}, {TB_COMMAND_RELEASE, ""}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_command command;
        struct tb_str body =
            fixture_json(f,
                         WITH_TOKEN ",%s'next':{'agent':'a','vmId':'v','tags':['x'],"
                                    "'anyTags':['y','z'],'max':2,'leaseSeconds':30}}",
                         rows[i].more);
        assert_true(fixture_parse(f, rows[i].kind, parse_check_id, &command, body));
        assert_true(command.finish.has_next);
        const struct tb_claim_command *next = &command.finish.next;
        assert_str(next->agent, "a");
        assert_str(next->vm_id, "v");
        assert_str(next->tags[0], "x");
        assert_int_equal(next->any_tag_count, 2);
        assert_int_equal(next->max, 2);
        assert_int_equal(next->lease_ms, 30000);
        assert_int_equal(next->wait_ms, 0);
    }
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_RELEASE, &command, WITH_TOKEN ",'next':null}"));
    assert_false(command.finish.has_next);
}

static void a_bad_next_refuses_the_whole(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {WITH_TOKEN ",'next':{}}", TB_E_MISSING_FIELD, "next.agent is required",
         ",'field':'next.agent'"},
        {WITH_TOKEN ",'next':true}", TB_E_INVALID_FIELD,
         "next must be an object with the arguments of a claim", ",'field':'next'"},
        {WITH_TOKEN ",'next':{'agent':'a','wait':5}}", TB_E_UNKNOWN_FIELD,
         "next takes no wait: claim again to wait for a task", ",'field':'next.wait'"},
        {WITH_TOKEN ",'next':{'agent':'a','leaseSeconds':1}}", TB_E_INVALID_FIELD,
         "next.leaseSeconds must be a whole number from 10 to 86400",
         ",'field':'next.leaseSeconds'"},
        {WITH_TOKEN ",'next':{'agent':'a','max':99}}", TB_E_INVALID_FIELD,
         "next.max must be a whole number from 1 to 32", ",'field':'next.max'"},
        {WITH_TOKEN ",'next':{'agent':'a','tags':[1]}}", TB_E_INVALID_FIELD,
         "next.tags must be an array of strings", ",'field':'next.tags'"},
        {WITH_TOKEN ",'next':{'agent':'a','anyTags':['']}}", TB_E_INVALID_FIELD,
         "each entry of next.anyTags must have 1 to 128 bytes", ",'field':'next.anyTags'"},
        {WITH_TOKEN ",'next':{'agent':'a','vmId':1}}", TB_E_INVALID_FIELD,
         "next.vmId must be a string", ",'field':'next.vmId'"},
        {WITH_TOKEN ",'next':{'agent':'a','tag':'x'}}", TB_E_UNKNOWN_FIELD,
         "unknown field next.tag (did you mean tags?)", ",'field':'next.tag','nearest':'tags'"},
    };
    check_refused_rows(f, TB_COMMAND_COMPLETE, rows, COUNT(rows));
    check_refused_rows(f, TB_COMMAND_RELEASE, rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_claim_needs_nothing_but_its_agent),
        fixture_test(a_claim_may_say_more),
        fixture_test(a_wrong_claim_is_refused),
        fixture_test(a_claim_takes_as_many_tags_as_a_task_has),
        fixture_test(a_claim_of_one_task_takes_no_conditions),
        fixture_test(what_a_holder_does_needs_the_token_of_its_claim),
        fixture_test(what_cannot_be_a_token_is_told_from_one_that_is_stale),
        fixture_test(the_token_may_come_in_a_header),
        fixture_test(a_heartbeat_may_change_the_lease_and_tell_of_progress),
        fixture_test(percent_is_any_number_of_which_the_whole_part_is_kept),
        fixture_test(a_wrong_heartbeat_is_refused),
        fixture_test(complete_carries_what_was_made),
        fixture_test(any_json_may_be_a_result),
        fixture_test(a_wrong_complete_is_refused),
        fixture_test(fail_says_what_went_wrong_and_when_to_try_again),
        fixture_test(release_may_say_why),
        fixture_test(finishing_may_ask_for_the_next_task),
        fixture_test(a_bad_next_refuses_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

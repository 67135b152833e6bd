/* The bodies of the registry. */
#include "unit/board/parse_check.h"

#define GOOD "'id':'a','name':'n','role':'infra','address':'x'"

static void the_sentences_are_those_that_clients_know(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{}", TB_E_MISSING_FIELD, "id is required", ",'field':'id'"},
        {"{'id':' '}", TB_E_MISSING_FIELD, "id is required", ",'field':'id'"},
        {"{'id':7}", TB_E_MISSING_FIELD, "id is required", ",'field':'id'"},
        {"{'id':'a'}", TB_E_MISSING_FIELD, "name is required", ",'field':'name'"},
        {"{'id':'a','name':'\\t'}", TB_E_MISSING_FIELD, "name is required", ",'field':'name'"},
        {"{'id':'a','name':'n'}", TB_E_MISSING_FIELD, "invalid role: undefined", ",'field':'role'"},
        {"{'id':'a','name':'n','role':null}", TB_E_MISSING_FIELD, "invalid role: null",
         ",'field':'role'"},
        {"{'id':'a','name':'n','role':'boss'}", TB_E_INVALID_FIELD, "invalid role: boss",
         ",'field':'role'"},
        {"{'id':'a','name':'n','role':5}", TB_E_INVALID_FIELD, "invalid role: 5",
         ",'field':'role'"},
        {"{'id':'a','name':'n','role':'infra','status':'ill'}", TB_E_INVALID_FIELD,
         "invalid status: ill", ",'field':'status'"},
        {"{'id':'a','name':'n','role':'infra','status':7}", TB_E_INVALID_FIELD, "invalid status: 7",
         ",'field':'status'"},
        {"{'id':'a','name':'n','role':'infra','status':0.5}", TB_E_INVALID_FIELD,
         "invalid status: 0.5", ",'field':'status'"},
        {"{'id':'a','name':'n','role':'infra'}", TB_E_MISSING_FIELD, "address is required",
         ",'field':'address'"},
        {"{" GOOD ",'registeredBy':''}", TB_E_MISSING_FIELD, "registeredBy is required",
         ",'field':'registeredBy'"},
        {"{" GOOD ",'registeredBy':1}", TB_E_MISSING_FIELD, "registeredBy is required",
         ",'field':'registeredBy'"},
        {"[]", TB_E_INVALID_JSON, "The body must be a JSON object", NULL},
    };
    check_refused_rows(f, TB_COMMAND_VM_REGISTER, rows, COUNT(rows));
}

static void what_is_ours_is_checked(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{" GOOD ",'services':{}}", TB_E_INVALID_FIELD, "services must be an array of objects",
         ",'field':'services'"},
        {"{" GOOD ",'services':['rpc']}", TB_E_INVALID_FIELD,
         "services must be an array of objects", ",'field':'services'"},
        {"{" GOOD ",'services':[{'name':'rpc'}]}", TB_E_MISSING_FIELD,
         "each of the services must have a name and a port", ",'field':'services'"},
        {"{" GOOD ",'services':[{'port':1}]}", TB_E_MISSING_FIELD,
         "each of the services must have a name and a port", ",'field':'services'"},
        {"{" GOOD ",'services':[{'name':'','port':1}]}", TB_E_INVALID_FIELD,
         "services[].name must not be empty", ",'field':'services[].name'"},
        {"{" GOOD ",'services':[{'name':'rpc','port':65536}]}", TB_E_INVALID_FIELD,
         "services[].port must be a whole number from 1 to 65535", ",'field':'services[].port'"},
        {"{" GOOD ",'services':[{'name':'rpc','port':'80'}]}", TB_E_INVALID_FIELD,
         "services[].port must be a whole number from 1 to 65535", ",'field':'services[].port'"},
        {"{" GOOD ",'metadata':[]}", TB_E_INVALID_FIELD, "metadata must be an object",
         ",'field':'metadata'"},
        {"{" GOOD ",'ttlSeconds':9}", TB_E_INVALID_FIELD,
         "ttlSeconds must be a whole number from 10 to 86400", ",'field':'ttlSeconds'"},
        {"{" GOOD ",'ttlSeconds':86401}", TB_E_INVALID_FIELD,
         "ttlSeconds must be a whole number from 10 to 86400", ",'field':'ttlSeconds'"},
    };
    check_refused_rows(f, TB_COMMAND_VM_REGISTER, rows, COUNT(rows));
}

static void a_registration_is_read(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_VM_REGISTER, &command,
                      "{'id':' a ','name':' n ','role':'golden','address':' x ','status':'paused',"
                      "'registeredBy':' ann ','services':[{'port':80,'name':' rpc ','z':{}}],"
                      "'metadata':{'b':1.0},'ttlSeconds':86400,'colour':1}"));
    const struct tb_vm_command *vm = &command.vm;
    assert_int_equal(command.kind, TB_COMMAND_VM_REGISTER);
    assert_str(command.vm_id, "a");
    assert_str(vm->name, "n");
    assert_int_equal(vm->role, TB_VM_GOLDEN);
    assert_int_equal(vm->status, TB_VM_PAUSED);
    assert_str(vm->address, "x");
    assert_str(vm->registered_by, "ann");
    assert_json(f, vm->services, "[{'port':80,'name':' rpc ','z':{}}]");
    assert_json(f, vm->metadata, "{'b':1.0}");
    assert_int_equal(vm->ttl_ms, 86400000);
    assert_str(f->ignored, "colour");
}

static void what_is_missing_has_a_default(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "{" GOOD "}",
        "{" GOOD ",'status':null,'services':null,'metadata':null,'ttlSeconds':null,"
        "'registeredBy':null}",
        "{" GOOD ",'status':''}",
        "{" GOOD ",'status':0}",
        "{" GOOD ",'status':false}",
    };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct tb_command command;
        assert_true(parse(f, TB_COMMAND_VM_REGISTER, &command, bodies[i]));
        assert_int_equal(command.vm.status, TB_VM_RUNNING);
        assert_int_equal(command.vm.ttl_ms, TB_TTL_MS_DEFAULT);
        assert_absent(command.vm.services);
        assert_absent(command.vm.metadata);
        assert_absent(command.vm.registered_by);
    }
}

static void every_text_has_a_limit(void **state)
{
    struct fixture *f = *state;
    enum tb_command_kind kind = TB_COMMAND_VM_REGISTER;
    check_limit(f, kind, "{'name':'n','role':'infra','address':'x','id':'", "'}", "id", 256);
    check_limit(f, kind, "{'id':'a','role':'infra','address':'x','name':'", "'}", "name", 256);
    check_limit(f, kind, "{'id':'a','role':'infra','name':'n','address':'", "'}", "address", 1024);
    check_limit(f, kind, "{" GOOD ",'registeredBy':'", "'}", "registeredBy", 256);
    struct tb_command command;
    struct tb_str many =
        fixture_json(f, "{" GOOD ",'services':[%s{'name':'s','port':1}]}",
                     fixture_repeat(f->arena, "{'name':'s','port':1},", TB_SERVICES_MAX));
    assert_false(fixture_parse(f, kind, parse_check_id, &command, many));
    assert_refused(f, TB_E_INVALID_FIELD, "services has more than 64 entries",
                   ",'field':'services'");
    struct tb_str large = fixture_json(f, "{" GOOD ",'metadata':{'a':'%s'}}",
                                       fixture_repeat(f->arena, "x", TB_METADATA_BYTES_MAX));
    assert_false(fixture_parse(f, kind, parse_check_id, &command, large));
    assert_refused(f, TB_E_INVALID_FIELD, "metadata is longer than 65536 bytes",
                   ",'field':'metadata'");
}

/* --- put --- */

static void a_put_is_ours_and_strict(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    f->vm_id = TB_STR("a");
    static const struct refused_row rows[] = {
        {"{" GOOD ",'lastSeen':'x'}", TB_E_UNKNOWN_FIELD, "unknown field lastSeen",
         ",'field':'lastSeen'"},
        {"{'id':'b','name':'n','role':'infra','address':'x'}", TB_E_INVALID_FIELD,
         "id must be the one of the path", ",'field':'id'"},
        {"{'id':1,'name':'n','role':'infra','address':'x'}", TB_E_INVALID_FIELD,
         "id must be the one of the path", ",'field':'id'"},
        {"{'role':'infra','address':'x'}", TB_E_MISSING_FIELD, "name is required",
         ",'field':'name'"},
    };
    check_refused_rows(f, TB_COMMAND_VM_PUT, rows, COUNT(rows));
    assert_true(parse(f, TB_COMMAND_VM_PUT, &command, "{" GOOD "}"));
    assert_str(command.vm_id, "a");
    assert_true(parse(f, TB_COMMAND_VM_PUT, &command, "{'name':'n','role':'infra','address':'x'}"));
}

/* --- patch --- */

static void a_patch_says_what_it_sets(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_VM_PATCH, &command, "{}"));
    assert_int_equal(command.vm.set, 0);
    assert_true(parse(f, TB_COMMAND_VM_PATCH, &command,
                      "{'status':'stopped','metadata':null,'services':[],'role':'infra'}"));
    assert_int_equal(command.vm.set, TB_VM_STATUS | TB_VM_METADATA | TB_VM_SERVICES);
    assert_int_equal(command.vm.status, TB_VM_STOPPED);
    assert_absent(command.vm.metadata);
    assert_str(command.vm.services, "[]");
    assert_str(f->ignored, "role");
    assert_true(
        parse(f, TB_COMMAND_VM_PATCH, &command, "{'name':' n ','address':' x ','ttlSeconds':10}"));
    assert_int_equal(command.vm.set, TB_VM_NAME | TB_VM_ADDRESS | TB_VM_TTL);
    assert_str(command.vm.name, "n");
    assert_int_equal(command.vm.ttl_ms, 10000);
}

static void a_patch_cannot_empty_what_must_be_there(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{'name':''}", TB_E_MISSING_FIELD, "name cannot be empty", ",'field':'name'"},
        {"{'name':null}", TB_E_MISSING_FIELD, "name cannot be empty", ",'field':'name'"},
        {"{'address':' '}", TB_E_MISSING_FIELD, "address cannot be empty", ",'field':'address'"},
        {"{'status':null}", TB_E_INVALID_FIELD, "invalid status: null", ",'field':'status'"},
        {"{'status':''}", TB_E_INVALID_FIELD, "invalid status: ", ",'field':'status'"},
        {"{'status':'gone'}", TB_E_INVALID_FIELD, "invalid status: gone", ",'field':'status'"},
        {"{'metadata':1}", TB_E_INVALID_FIELD, "metadata must be an object", ",'field':'metadata'"},
    };
    check_refused_rows(f, TB_COMMAND_VM_PATCH, rows, COUNT(rows));
}

static void a_heartbeat_may_say_anything(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"{}", "{'status':'ill'}", "[1]", ""};
    check_taken_rows(f, TB_COMMAND_VM_HEARTBEAT, bodies, COUNT(bodies));
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_VM_HEARTBEAT, &command, "{'status':'ill'}"));
    assert_str(f->ignored, "status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_sentences_are_those_that_clients_know),
        fixture_test(what_is_ours_is_checked),
        fixture_test(a_registration_is_read),
        fixture_test(what_is_missing_has_a_default),
        fixture_test(every_text_has_a_limit),
        fixture_test(a_put_is_ours_and_strict),
        fixture_test(a_patch_says_what_it_sets),
        fixture_test(a_patch_cannot_empty_what_must_be_there),
        fixture_test(a_heartbeat_may_say_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

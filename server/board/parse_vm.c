/* The bodies of the registry. Those of today's clients are taken as they always were: what is
 * missing, blank or of a wrong type gets the sentence that they know. */
#include <stdio.h>

#include "board/field.h"
#include "taskboard/limits.h"

static bool parse_role(struct tb_parse *parse, const struct tb_json *body, enum tb_vm_role *role)
{
    const struct tb_json *node = tb_json_member(body, "role");
    if (node != NULL && node->type == TB_JSON_STRING &&
        tb_vm_role_parse(tb_json_text(node), role)) {
        return true;
    }
    enum tb_err err = tb_field_is_absent(node) ? TB_E_MISSING_FIELD : TB_E_INVALID_FIELD;
    struct tb_str shown = tb_field_shown(parse, node);
    return tb_field_refuse(parse, err, "role", "invalid role: %.*s", (int)shown.len, shown.ptr);
}

static bool parse_status(struct tb_parse *parse, const struct tb_json *node,
                         enum tb_vm_status *status)
{
    if (node->type == TB_JSON_STRING && tb_vm_status_parse(tb_json_text(node), status)) {
        return true;
    }
    struct tb_str shown = tb_field_shown(parse, node);
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "status", "invalid status: %.*s",
                           (int)shown.len, shown.ptr);
}

/* What JavaScript takes for no status at all. */
static bool is_falsy(const struct tb_json *node)
{
    int64_t number = 1;
    return tb_field_is_absent(node) || node->type == TB_JSON_FALSE ||
           (node->type == TB_JSON_STRING && node->raw.len == 2) ||
           (node->type == TB_JSON_NUMBER && tb_json_to_i64(node, &number) && number == 0);
}

static bool parse_service(struct tb_parse *parse, const struct tb_json *service)
{
    int64_t port = 0;
    struct tb_str name = TB_STR_NONE;
    if (service->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "services",
                               "services must be an array of objects");
    }
    if (!tb_field_exact_text(parse, tb_json_member(service, "name"), "services[].name",
                             TB_NAME_BYTES_MAX, &name) ||
        !tb_field_integer(parse, tb_json_member(service, "port"), "services[].port", 1, 65535,
                          &port)) {
        return false;
    }
    return (name.ptr != NULL && port != 0) ||
           tb_field_refuse(parse, TB_E_MISSING_FIELD, "services",
                           "each of the services must have a name and a port");
}

static bool parse_services(struct tb_parse *parse, const struct tb_json *node,
                           struct tb_str *services)
{
    if (!tb_field_is_absent(node) && node->type != TB_JSON_ARRAY) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "services",
                               "services must be an array of objects");
    }
    if (!tb_field_is_absent(node) && node->child_count > TB_SERVICES_MAX) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "services",
                               "services has more than %d entries", TB_SERVICES_MAX);
    }
    const struct tb_json *service = tb_field_is_absent(node) ? NULL : node->child;
    for (; service != NULL; service = service->next) {
        if (!parse_service(parse, service)) {
            return false;
        }
    }
    return tb_field_json(parse, node, "services", TB_SERVICES_BYTES_MAX, services);
}

static bool parse_metadata(struct tb_parse *parse, const struct tb_json *node,
                           struct tb_str *metadata)
{
    if (!tb_field_is_absent(node) && node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "metadata", "metadata must be an object");
    }
    return tb_field_json(parse, node, "metadata", TB_METADATA_BYTES_MAX, metadata);
}

static bool parse_ttl(struct tb_parse *parse, const struct tb_json *node, int64_t *ttl_ms)
{
    int64_t seconds = TB_TTL_MS_DEFAULT / 1000;
    bool good = tb_field_integer(parse, node, "ttlSeconds", TB_TTL_SECONDS_MIN, TB_TTL_SECONDS_MAX,
                                 &seconds);
    *ttl_ms = seconds * 1000;
    return good;
}

/* Absent: whoever sends it. There but empty is refused. */
static bool parse_registered_by(struct tb_parse *parse, const struct tb_json *node,
                                struct tb_str *by)
{
    bool good = tb_field_is_absent(node) ||
                tb_field_required(parse, node, "registeredBy", TB_NAME_BYTES_MAX,
                                  "registeredBy is required", by);
    return good && tb_field_speaks(parse, "registeredBy", by);
}

/* All but the id, for a register and a put. */
static bool parse_whole(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_vm_command *vm)
{
    const struct tb_json *status = tb_json_member(body, "status");
    *vm = (struct tb_vm_command){.status = TB_VM_RUNNING};
    return tb_field_required(parse, tb_json_member(body, "name"), "name", TB_NAME_BYTES_MAX,
                             "name is required", &vm->name) &&
           parse_role(parse, body, &vm->role) &&
           (is_falsy(status) || parse_status(parse, status, &vm->status)) &&
           tb_field_required(parse, tb_json_member(body, "address"), "address",
                             TB_ADDRESS_BYTES_MAX, "address is required", &vm->address) &&
           parse_registered_by(parse, tb_json_member(body, "registeredBy"), &vm->registered_by) &&
           parse_services(parse, tb_json_member(body, "services"), &vm->services) &&
           parse_metadata(parse, tb_json_member(body, "metadata"), &vm->metadata) &&
           parse_ttl(parse, tb_json_member(body, "ttlSeconds"), &vm->ttl_ms);
}

static const char *const whole_fields[] = {
    "id",           "name",     "role",     "status",     "address",
    "registeredBy", "services", "metadata", "ttlSeconds", NULL};

bool tb_parse_vm_register(struct tb_parse *parse, const struct tb_json *body,
                          struct tb_command *command)
{
    command->kind = TB_COMMAND_VM_REGISTER;
    return tb_field_check_body(parse, body, whole_fields, false) &&
           tb_field_required(parse, tb_json_member(body, "id"), "id", TB_NAME_BYTES_MAX,
                             "id is required", &command->vm_id) &&
           parse_whole(parse, body, &command->vm);
}

static bool repeats_path_id(struct tb_parse *parse, const struct tb_json *node, struct tb_str id)
{
    return tb_field_is_absent(node) ||
           (node->type == TB_JSON_STRING && tb_str_eq(tb_text_trim(tb_json_text(node)), id)) ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, "id", "id must be the one of the path");
}

bool tb_parse_vm_put(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    command->kind = TB_COMMAND_VM_PUT;
    return tb_field_check_body(parse, body, whole_fields, true) &&
           repeats_path_id(parse, tb_json_member(body, "id"), command->vm_id) &&
           parse_whole(parse, body, &command->vm);
}

/* --- patch --- */

static bool patch_text(struct tb_parse *parse, const struct tb_json *node, const char *field,
                       size_t bytes_max, struct tb_str *out)
{
    char missing[64];
    (void)snprintf(missing, sizeof(missing), "%s cannot be empty", field);
    return tb_field_required(parse, node, field, bytes_max, missing, out);
}

static bool patch_field(struct tb_parse *parse, enum tb_vm_field field, const struct tb_json *node,
                        struct tb_vm_command *vm)
{
    switch (field) {
    case TB_VM_STATUS:
        return parse_status(parse, node, &vm->status);
    case TB_VM_NAME:
        return patch_text(parse, node, "name", TB_NAME_BYTES_MAX, &vm->name);
    case TB_VM_ADDRESS:
        return patch_text(parse, node, "address", TB_ADDRESS_BYTES_MAX, &vm->address);
    case TB_VM_SERVICES:
        return parse_services(parse, node, &vm->services);
    case TB_VM_METADATA:
        return parse_metadata(parse, node, &vm->metadata);
    case TB_VM_TTL:
        return parse_ttl(parse, node, &vm->ttl_ms);
    case TB_VM_ROLE:
        break;
    }
    return true;
}

/* The role stays what the registration said: clients that send it all the same are not refused. */
bool tb_parse_vm_patch(struct tb_parse *parse, const struct tb_json *body,
                       struct tb_command *command)
{
    static const char *const known[] = {"status",   "name",       "address", "services",
                                        "metadata", "ttlSeconds", NULL};
    static const enum tb_vm_field fields[] = {TB_VM_STATUS,   TB_VM_NAME,     TB_VM_ADDRESS,
                                              TB_VM_SERVICES, TB_VM_METADATA, TB_VM_TTL};
    command->kind = TB_COMMAND_VM_PATCH;
    command->vm = (struct tb_vm_command){.set = 0};
    if (!tb_field_check_body(parse, body, known, false)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct tb_json *node = tb_json_member(body, known[i]);
        if (node == NULL) {
            continue;
        }
        if (!patch_field(parse, fields[i], node, &command->vm)) {
            return false;
        }
        command->vm.set |= fields[i];
    }
    return true;
}

/* Nothing in it has ever been looked at. */
bool tb_parse_vm_heartbeat(struct tb_parse *parse, const struct tb_json *body,
                           struct tb_command *command)
{
    static const char *const known[] = {NULL};
    command->kind = TB_COMMAND_VM_HEARTBEAT;
    return body->type != TB_JSON_OBJECT || tb_field_check_known(parse, body, known, false, "");
}

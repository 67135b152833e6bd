#include "board/import_item.h"

#include "base/instant.h"
#include "board/export.h"
#include "board/field.h"
#include "board/import_field.h"
#include "board/import_source.h"
#include "taskboard/limits.h"

#define NODES_MAX  (4 * 1024 * 1024)
#define TREE_DEPTH 5 /* {"task":{"notes":[{…}]}} */

/* --- VMs --- */

/* The body of a register is the same, but for its times. */
static bool read_vm_fields(struct tb_parse *parse, const struct tb_json *from,
                           struct tb_import_item *item)
{
    struct tb_command command = {.kind = TB_COMMAND_VM_REGISTER};
    struct tb_vm *vm = &item->vm;
    if (!tb_parse_vm_register(parse, from, &command) ||
        !tb_import_read_past(parse, tb_json_member(from, "registeredAt"), "registeredAt", item,
                             &vm->registered_ms) ||
        !tb_import_read_past(parse, tb_json_member(from, "lastSeen"), "lastSeen", item,
                             &vm->seen_ms)) {
        return false;
    }
    vm->seen_ms = vm->seen_ms > vm->registered_ms ? vm->seen_ms : vm->registered_ms;
    vm->ttl_ms = command.vm.ttl_ms;
    vm->role = command.vm.role;
    vm->status = command.vm.status;
    vm->id = command.vm_id;
    vm->name = command.vm.name;
    vm->address = command.vm.address;
    vm->services = command.vm.services;
    vm->metadata = command.vm.metadata;
    vm->registered_by =
        command.vm.registered_by.ptr != NULL ? command.vm.registered_by : TB_STR("unknown");
    return true;
}

static bool read_vm(struct tb_parse *parse, const struct tb_json *line, struct tb_import_item *item)
{
    static const char *const line_members[] = {"vm", "number", NULL};
    static const char *const known[] = {"id",           "name",         "role",       "status",
                                        "address",      "services",     "metadata",   "lastSeen",
                                        "registeredBy", "registeredAt", "ttlSeconds", NULL};
    const struct tb_json *vm = tb_json_member(line, "vm");
    item->kind = TB_IMPORT_VM;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           tb_import_expect(parse, vm, TB_JSON_OBJECT, "vm must be an object") &&
           tb_field_check_known(parse, vm, known, true, "") && read_vm_fields(parse, vm, item) &&
           tb_import_read_id(parse, tb_json_member(line, "number"), "number", item, &item->id);
}

static bool read_old_vm(struct tb_parse *parse, const struct tb_json *from,
                        struct tb_import_item *item)
{
    item->kind = TB_IMPORT_VM;
    return tb_import_expect(parse, from, TB_JSON_OBJECT, "a VM must be an object") &&
           read_vm_fields(parse, from, item);
}

/* --- feed events --- */

static bool read_feed(struct tb_parse *parse, const struct tb_json *from,
                      struct tb_import_item *item)
{
    struct tb_command command = {.kind = TB_COMMAND_FEED_PUBLISH};
    item->kind = TB_IMPORT_FEED;
    if (!tb_import_expect(parse, from, TB_JSON_OBJECT, "an event must be an object") ||
        !tb_import_read_id(parse, tb_json_member(from, "id"), "id", item, &item->id) ||
        !tb_parse_feed_publish(parse, from, &command) ||
        !tb_import_read_past(parse, tb_json_member(from, "timestamp"), "timestamp", item,
                             &item->feed_ms)) {
        return false;
    }
    item->feed = command.feed;
    return true;
}

static bool read_feed_line(struct tb_parse *parse, const struct tb_json *line,
                           struct tb_import_item *item)
{
    static const char *const line_members[] = {"feed", NULL};
    static const char *const known[] = {"id",     "agent",    "type",      "summary",
                                        "detail", "metadata", "timestamp", NULL};
    const struct tb_json *feed = tb_json_member(line, "feed");
    return tb_field_check_known(parse, line, line_members, true, "") &&
           tb_import_expect(parse, feed, TB_JSON_OBJECT, "feed must be an object") &&
           tb_field_check_known(parse, feed, known, true, "") && read_feed(parse, feed, item);
}

/* --- pauses and the board --- */

static bool read_pause(struct tb_parse *parse, const struct tb_json *line,
                       struct tb_import_item *item)
{
    static const char *const line_members[] = {"pause", NULL};
    static const char *const known[] = {"tag", "reason", "since", "by", NULL};
    const struct tb_json *pause = tb_json_member(line, "pause");
    struct tb_steer_command *steer = &item->pause;
    int64_t since_ms = 0;
    item->kind = TB_IMPORT_PAUSE;
    if (!tb_field_check_known(parse, line, line_members, true, "") ||
        !tb_import_expect(parse, pause, TB_JSON_OBJECT, "pause must be an object") ||
        !tb_field_check_known(parse, pause, known, true, "") ||
        !tb_field_exact_text(parse, tb_json_member(pause, "tag"), "tag", TB_TAG_BYTES_MAX,
                             &steer->tag) ||
        !tb_field_text(parse, tb_json_member(pause, "reason"), "reason", TB_REASON_BYTES_MAX,
                       &steer->reason) ||
        !tb_field_text(parse, tb_json_member(pause, "by"), "by", TB_NAME_BYTES_MAX, &steer->by) ||
        !tb_import_read_past(parse, tb_json_member(pause, "since"), "since", item, &since_ms)) {
        return false;
    }
    struct tb_buf text;
    tb_buf_init(&text, parse->arena, 32);
    tb_buf_add_instant(&text, since_ms);
    item->pause_since = tb_str_from(text.ptr + 1, text.len - 2);
    return true;
}

static bool read_board(struct tb_parse *parse, const struct tb_json *line,
                       struct tb_import_item *item)
{
    static const char *const line_members[] = {"board", NULL};
    static const char *const known[] = {"format", "generation", NULL};
    const struct tb_json *board = tb_json_member(line, "board");
    int64_t format = 0;
    item->kind = TB_IMPORT_BOARD;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           tb_import_expect(parse, board, TB_JSON_OBJECT, "board must be an object") &&
           tb_field_check_known(parse, board, known, true, "") &&
           tb_field_integer(parse, tb_json_member(board, "format"), "format", 1, TB_EXPORT_FORMAT,
                            &format) &&
           tb_import_read_number(parse, tb_json_member(board, "generation"), "generation", 0,
                                 &item->generation);
}

/* --- lines --- */

static bool read_line(struct tb_parse *parse, const struct tb_json *line,
                      struct tb_import_item *item)
{
    static const struct {
        const char *name;
        bool (*read)(struct tb_parse *, const struct tb_json *, struct tb_import_item *);
    } kinds[] = {{"task", tb_import_read_task},
                 {"vm", read_vm},
                 {"feed", read_feed_line},
                 {"pause", read_pause},
                 {"board", read_board}};
    for (size_t i = 0; line->type == TB_JSON_OBJECT && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tb_json_member(line, kinds[i].name) != NULL) {
            return kinds[i].read(parse, line, item);
        }
    }
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, NULL,
                           "a line must be an object with a member task, vm, feed, pause or board");
}

static bool read_by_format(struct tb_parse *parse, enum tb_import_format format,
                           const struct tb_json *node, struct tb_import_item *item)
{
    switch (format) {
    case TB_IMPORT_BOARD_JSON:
        return tb_import_read_old_task(parse, node, item);
    case TB_IMPORT_REGISTRY_JSON:
        return read_old_vm(parse, node, item);
    case TB_IMPORT_FEED_JSONL:
        return read_feed(parse, node, item);
    default:
        return read_line(parse, node, item);
    }
}

bool tb_import_read(struct tb_parse *parse, enum tb_import_format format, struct tb_str text,
                    uint32_t default_max_attempts, struct tb_import_item *item)
{
    const struct tb_json_limits limits = {
        .depth_max = TB_IMPORT_DEPTH_MAX, .tree_depth = TREE_DEPTH, .node_count_max = NODES_MAX};
    struct tb_json_error error;
    *item = (struct tb_import_item){.task = {.version = 1, .max_attempts = default_max_attempts}};
    const struct tb_json *node = tb_json_parse(parse->arena, text, &limits, &error);
    if (node == NULL) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "it is not valid JSON: %.*s",
                               (int)error.text.len, error.text.ptr);
    }
    return read_by_format(parse, format, node, item);
}

/* Events, and what is nothing but wire JSON. */
#include "record_seal.h"

struct event_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t type;
    uint8_t zero[5];
    struct tb_id id;
    struct tb_id task_id;
    uint64_t seq;
    int64_t at_ms;
    struct tb_slice actor;
    struct tb_slice tags;
    struct tb_slice vm_id;
    struct tb_slice data;
};

struct wire_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[6];
};

static_assert(sizeof(struct event_record) == 96, "layout of a stored event");
static_assert(sizeof(struct wire_record) == 16, "layout of a stored note or artifact");

size_t tb_record_event_size(const struct tb_event *event)
{
    return sizeof(struct event_record) + event->wire.len;
}

void tb_record_encode_event(const struct tb_event *event, void *out)
{
    struct event_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_EVENT,
        .type = (uint8_t)event->type,
        .id = event->id,
        .task_id = event->task_id,
        .seq = event->seq,
        .at_ms = event->at_ms,
        .actor = tb_slice_of(event->actor, event->wire),
        .tags = tb_slice_of(event->tags, event->wire),
        .vm_id = tb_slice_of(event->vm_id, event->wire),
        .data = tb_slice_of(event->data, event->wire),
    };
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, event->wire.ptr, event->wire.len);
    tb_record_seal(out, sizeof fixed + event->wire.len);
}

enum tb_err tb_record_decode_event(struct tb_str record, struct tb_event *event)
{
    struct event_record fixed;
    if (!tb_record_open(record, TB_RECORD_EVENT, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_event found = {
        .seq = fixed.seq,
        .id = fixed.id,
        .at_ms = fixed.at_ms,
        .type = fixed.type,
        .task_id = fixed.task_id,
        .wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed),
    };
    if (fixed.type >= TB_EVENT_TYPE_COUNT ||
        !tb_slice_string(fixed.actor, found.wire, &found.actor) ||
        !tb_slice_string(fixed.tags, found.wire, &found.tags) ||
        !tb_slice_string(fixed.vm_id, found.wire, &found.vm_id) ||
        !tb_slice_string(fixed.data, found.wire, &found.data)) {
        return TB_E_STORAGE_CORRUPT;
    }
    *event = found;
    return TB_OK;
}

size_t tb_record_wire_size(struct tb_str wire)
{
    return sizeof(struct wire_record) + wire.len;
}

void tb_record_encode_wire(enum tb_record_kind kind, struct tb_str wire, void *out)
{
    struct wire_record fixed = {.format = TB_RECORD_FORMAT, .kind = (uint8_t)kind};
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, wire.ptr, wire.len);
    tb_record_seal(out, sizeof fixed + wire.len);
}

enum tb_err tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                  struct tb_str *wire)
{
    struct wire_record fixed;
    if (!tb_record_open(record, kind, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    *wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed);
    return TB_OK;
}

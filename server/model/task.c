#include "taskboard/task.h"

#include <assert.h>

#include "base/instant.h"
#include "base/json.h"

/* Room for all that is not a string: names of the fields, numbers, instants, ids. */
#define FIXED_BYTES_MAX 1024

enum tb_state tb_task_state(const struct tb_task *task)
{
    switch (task->status) {
    case TB_STATUS_OPEN:
        return task->ready ? TB_STATE_READY : TB_STATE_WAITING;
    case TB_STATUS_IN_PROGRESS:
        return TB_STATE_IN_PROGRESS;
    case TB_STATUS_IN_REVIEW:
        return TB_STATE_IN_REVIEW;
    case TB_STATUS_BLOCKED:
        return TB_STATE_BLOCKED;
    case TB_STATUS_DONE:
    case TB_STATUS_COUNT:
        break;
    }
    assert(task->status == TB_STATUS_DONE);
    return TB_STATE_DONE;
}

enum tb_status tb_state_status(enum tb_state state)
{
    static const enum tb_status statuses[TB_STATE_COUNT] = {
        [TB_STATE_READY] = TB_STATUS_OPEN,
        [TB_STATE_WAITING] = TB_STATUS_OPEN,
        [TB_STATE_IN_PROGRESS] = TB_STATUS_IN_PROGRESS,
        [TB_STATE_IN_REVIEW] = TB_STATUS_IN_REVIEW,
        [TB_STATE_BLOCKED] = TB_STATUS_BLOCKED,
        [TB_STATE_DONE] = TB_STATUS_DONE,
    };
    assert(state < TB_STATE_COUNT);
    return statuses[state];
}

bool tb_task_is_dead_letter(const struct tb_task *task)
{
    static const char start[] = "{\"kind\":\"dead_letter\"";
    return task->status == TB_STATUS_BLOCKED && task->blocked_reason.len > sizeof start - 1 &&
           memcmp(task->blocked_reason.ptr, start, sizeof start - 1) == 0;
}

bool tb_task_is_scheduled(const struct tb_task *task)
{
    return task->status == TB_STATUS_OPEN && !task->ready && task->blocked_by.len == 2;
}

int64_t tb_task_rank(const struct tb_task *task, int64_t aging_ms)
{
    int64_t points = 0;
    int64_t lead_ms = 0;
    int64_t rank_ms = 0;
    if (__builtin_add_overflow(task->score, (int64_t)task->priority, &points) ||
        __builtin_mul_overflow(points, aging_ms, &lead_ms) ||
        __builtin_sub_overflow(task->created_ms, lead_ms, &rank_ms)) {
        return task->score > -(int64_t)task->priority ? INT64_MIN : INT64_MAX;
    }
    return rank_ms;
}

/* Adds `,"name":`, or without the comma for the first field. */
static void add_name(struct tb_buf *out, enum tb_field field)
{
    const char *name = tb_field_name(field);
    size_t len = strlen(name);
    char *to = tb_buf_reserve(out, len + 4);
    size_t at = 0;
    if (field != TB_FIELD_ID) {
        to[at++] = ',';
    }
    to[at++] = '"';
    memcpy(to + at, name, len);
    at += len;
    to[at++] = '"';
    to[at++] = ':';
    out->len += at;
}

static void add_text_field(struct tb_buf *out, enum tb_field field, struct tb_str *text)
{
    if (text->ptr == NULL) {
        return;
    }
    add_name(out, field);
    tb_buf_add_quoted(out, *text);
    text->ptr = out->ptr + out->len - 1 - text->len;
}

static void add_json_field(struct tb_buf *out, enum tb_field field, struct tb_str *json)
{
    if (json->ptr == NULL) {
        return;
    }
    add_name(out, field);
    tb_buf_add_str(out, *json);
    json->ptr = out->ptr + out->len - json->len;
}

static void add_number_field(struct tb_buf *out, enum tb_field field, int64_t number)
{
    add_name(out, field);
    tb_buf_add_i64(out, number);
}

static void add_instant_field(struct tb_buf *out, enum tb_field field, int64_t ms)
{
    add_name(out, field);
    tb_buf_add_instant(out, ms);
}

static void add_id(struct tb_buf *out, struct tb_id id)
{
    char *to = tb_buf_reserve(out, TB_ULID_LEN + 2);
    to[0] = '"';
    tb_ulid_format(id, to + 1);
    to[TB_ULID_LEN + 1] = '"';
    out->len += TB_ULID_LEN + 2;
}

static void add_id_field(struct tb_buf *out, enum tb_field field, struct tb_id id)
{
    add_name(out, field);
    add_id(out, id);
}

static void add_c_field(struct tb_buf *out, enum tb_field field, const char *name)
{
    add_name(out, field);
    tb_buf_add_quoted(out, tb_str_c(name));
}

/* The members of `claim`, braces included. The holder is the assignee. */
static void add_claim(const struct tb_task *task, struct tb_buf *out, struct tb_str *vm,
                      struct tb_str *cancel)
{
    const struct tb_claim *claim = &task->claim;
    TB_BUF_LIT(out, "{\"by\":");
    tb_buf_add_quoted(out, task->assignee);
    if (task->claim_vm.ptr != NULL) {
        TB_BUF_LIT(out, ",\"vmId\":");
        tb_buf_add_quoted(out, task->claim_vm);
        vm->ptr = out->ptr + out->len - 1 - task->claim_vm.len;
    }
    TB_BUF_LIT(out, ",\"generation\":");
    tb_buf_add_u64(out, claim->generation);
    TB_BUF_LIT(out, ",\"attempt\":");
    tb_buf_add_u64(out, claim->attempt);
    TB_BUF_LIT(out, ",\"claimedAt\":");
    tb_buf_add_instant(out, claim->claimed_ms);
    TB_BUF_LIT(out, ",\"expiresAt\":");
    tb_buf_add_instant(out, claim->expires_ms);
    if (task->cancel.ptr != NULL) {
        TB_BUF_LIT(out, ",\"cancelRequested\":");
        tb_buf_add_str(out, task->cancel);
        cancel->ptr = out->ptr + out->len - task->cancel.len;
    }
    TB_BUF_LIT(out, "}");
}

static void render_summary(struct tb_task *task, struct tb_buf *out)
{
    TB_BUF_LIT(out, "{");
    add_id_field(out, TB_FIELD_ID, task->id);
    add_text_field(out, TB_FIELD_TITLE, &task->title);
    add_c_field(out, TB_FIELD_STATUS, tb_status_name(task->status));
    if (task->outcome != TB_OUTCOME_NONE) {
        add_c_field(out, TB_FIELD_OUTCOME, tb_outcome_name(task->outcome));
    }
    add_text_field(out, TB_FIELD_ASSIGNEE, &task->assignee);
    add_json_field(out, TB_FIELD_TAGS, &task->tags);
    add_json_field(out, TB_FIELD_DEPENDENCIES, &task->dependencies);
    add_text_field(out, TB_FIELD_CREATED_BY, &task->created_by);
    add_instant_field(out, TB_FIELD_CREATED_AT, task->created_ms);
    add_instant_field(out, TB_FIELD_UPDATED_AT, task->updated_ms);
    add_number_field(out, TB_FIELD_SCORE, task->score);
    add_number_field(out, TB_FIELD_VERSION, (int64_t)task->version);
    add_number_field(out, TB_FIELD_PRIORITY, task->priority);
    if (task->not_before_ms != 0) {
        add_instant_field(out, TB_FIELD_NOT_BEFORE, task->not_before_ms);
    }
    add_number_field(out, TB_FIELD_ATTEMPTS, task->attempts);
    add_number_field(out, TB_FIELD_MAX_ATTEMPTS, task->max_attempts);
    if (tb_task_is_claimed(task)) {
        add_name(out, TB_FIELD_CLAIM);
        add_claim(task, out, &task->claim_vm, &task->cancel);
    }
    add_json_field(out, TB_FIELD_PROGRESS, &task->progress);
    add_text_field(out, TB_FIELD_UNIQUE_KEY, &task->unique_key);
    if (!tb_id_is_zero(task->parent_id)) {
        add_id_field(out, TB_FIELD_PARENT_ID, task->parent_id);
    }
    add_json_field(out, TB_FIELD_BLOCKED_REASON, &task->blocked_reason);
    add_json_field(out, TB_FIELD_BLOCKED_BY, &task->blocked_by);
}

/* What only a claim has goes with it. */
static void drop_claim_strings(struct tb_task *task)
{
    if (!tb_task_is_claimed(task)) {
        task->claim_vm = TB_STR_NONE;
        task->cancel = TB_STR_NONE;
        task->progress = TB_STR_NONE;
    }
}

void tb_task_render(struct tb_task *task, struct tb_arena *arena)
{
    drop_claim_strings(task);
    size_t room = FIXED_BYTES_MAX + task->assignee.len; /* which stands there twice: claim.by */
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        room += task->strings[i].len;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, room);
    const char *start = out.ptr;
    render_summary(task, &out);
    task->summary_len = (uint32_t)out.len;
    add_text_field(&out, TB_FIELD_DESCRIPTION, &task->description);
    add_json_field(&out, TB_FIELD_PAYLOAD, &task->payload);
    add_json_field(&out, TB_FIELD_RESULT, &task->result);
    task->view_len = (uint32_t)out.len;
    if (task->reserved_for.ptr != NULL) {
        tb_buf_add_str(&out, task->reserved_for);
        task->reserved_for.ptr = out.ptr + out.len - task->reserved_for.len;
    }
    assert(out.ptr == start); /* the strings point into it: it must not have moved */
    task->wire = tb_buf_str(&out);
}

static void add_ready(const struct tb_task *task, struct tb_buf *out)
{
    if (task->ready) {
        TB_BUF_LIT(out, ",\"ready\":true");
    } else {
        TB_BUF_LIT(out, ",\"ready\":false");
    }
}

void tb_task_write_summary(const struct tb_task *task, struct tb_buf *out)
{
    tb_buf_add(out, task->wire.ptr, task->summary_len);
    add_ready(task, out);
    TB_BUF_LIT(out, "}");
}

void tb_task_write_open(const struct tb_task *task, struct tb_buf *out)
{
    tb_buf_add(out, task->wire.ptr, task->summary_len);
    add_ready(task, out);
    tb_buf_add(out, task->wire.ptr + task->summary_len, task->view_len - task->summary_len);
}

static void add_plain_name(struct tb_buf *out, enum tb_field field)
{
    tb_buf_add_quoted(out, tb_str_c(tb_field_name(field)));
    TB_BUF_LIT(out, ":");
}

static bool write_text(struct tb_buf *out, enum tb_field field, struct tb_str text)
{
    if (text.ptr != NULL) {
        add_plain_name(out, field);
        tb_buf_add_quoted(out, text);
    }
    return text.ptr != NULL;
}

static bool write_json(struct tb_buf *out, enum tb_field field, struct tb_str json)
{
    if (json.ptr != NULL) {
        add_plain_name(out, field);
        tb_buf_add_str(out, json);
    }
    return json.ptr != NULL;
}

static bool write_number(struct tb_buf *out, enum tb_field field, int64_t number)
{
    add_plain_name(out, field);
    tb_buf_add_i64(out, number);
    return true;
}

static bool write_instant(struct tb_buf *out, enum tb_field field, int64_t ms)
{
    if (ms != 0) {
        add_plain_name(out, field);
        tb_buf_add_instant(out, ms);
    }
    return ms != 0;
}

static bool write_claim(struct tb_buf *out, enum tb_field field, const struct tb_task *task)
{
    struct tb_str unused = TB_STR_NONE;
    if (!tb_task_is_claimed(task)) {
        return false;
    }
    add_plain_name(out, field);
    add_claim(task, out, &unused, &unused);
    return true;
}

static bool write_id(struct tb_buf *out, enum tb_field field, struct tb_id id)
{
    if (tb_id_is_zero(id)) {
        return false;
    }
    add_plain_name(out, field);
    add_id(out, id);
    return true;
}

bool tb_task_write_field(const struct tb_task *task, enum tb_field field, struct tb_buf *out)
{
    switch (field) {
    case TB_FIELD_ID:
        return write_id(out, field, task->id);
    case TB_FIELD_TITLE:
        return write_text(out, field, task->title);
    case TB_FIELD_STATUS:
        return write_text(out, field, tb_str_c(tb_status_name(task->status)));
    case TB_FIELD_OUTCOME:
        return task->outcome != TB_OUTCOME_NONE &&
               write_text(out, field, tb_str_c(tb_outcome_name(task->outcome)));
    case TB_FIELD_ASSIGNEE:
        return write_text(out, field, task->assignee);
    case TB_FIELD_TAGS:
        return write_json(out, field, task->tags);
    case TB_FIELD_DEPENDENCIES:
        return write_json(out, field, task->dependencies);
    case TB_FIELD_CREATED_BY:
        return write_text(out, field, task->created_by);
    case TB_FIELD_CREATED_AT:
        return write_instant(out, field, task->created_ms);
    case TB_FIELD_UPDATED_AT:
        return write_instant(out, field, task->updated_ms);
    case TB_FIELD_SCORE:
        return write_number(out, field, task->score);
    case TB_FIELD_VERSION:
        return write_number(out, field, (int64_t)task->version);
    case TB_FIELD_PRIORITY:
        return write_number(out, field, task->priority);
    case TB_FIELD_NOT_BEFORE:
        return write_instant(out, field, task->not_before_ms);
    case TB_FIELD_ATTEMPTS:
        return write_number(out, field, task->attempts);
    case TB_FIELD_MAX_ATTEMPTS:
        return write_number(out, field, task->max_attempts);
    case TB_FIELD_CLAIM:
        return write_claim(out, field, task);
    case TB_FIELD_PROGRESS:
        return write_json(out, field, task->progress);
    case TB_FIELD_UNIQUE_KEY:
        return write_text(out, field, task->unique_key);
    case TB_FIELD_PARENT_ID:
        return write_id(out, field, task->parent_id);
    case TB_FIELD_BLOCKED_REASON:
        return write_json(out, field, task->blocked_reason);
    case TB_FIELD_BLOCKED_BY:
        return write_json(out, field, task->blocked_by);
    case TB_FIELD_READY:
        return write_json(out, field, task->ready ? TB_STR("true") : TB_STR("false"));
    case TB_FIELD_DESCRIPTION:
        return write_text(out, field, task->description);
    case TB_FIELD_PAYLOAD:
        return write_json(out, field, task->payload);
    case TB_FIELD_RESULT:
        return write_json(out, field, task->result);
    case TB_FIELD_NOTES:
    case TB_FIELD_ARTIFACTS:
    case TB_FIELD_COUNT:
        break;
    }
    assert(false && "notes and artifacts are records of their own");
    return false;
}

void tb_note_write(const struct tb_note *note, struct tb_buf *out)
{
    TB_BUF_LIT(out, "{\"id\":");
    add_id(out, note->id);
    TB_BUF_LIT(out, ",\"author\":");
    tb_buf_add_quoted(out, note->author);
    TB_BUF_LIT(out, ",\"content\":");
    tb_buf_add_quoted(out, note->content);
    TB_BUF_LIT(out, ",\"type\":\"");
    tb_buf_add_c(out, tb_note_type_name(note->type));
    TB_BUF_LIT(out, "\",\"createdAt\":");
    tb_buf_add_instant(out, note->created_ms);
    TB_BUF_LIT(out, "}");
}

void tb_artifact_write(const struct tb_artifact *artifact, struct tb_buf *out)
{
    TB_BUF_LIT(out, "{\"type\":\"");
    tb_buf_add_c(out, tb_artifact_type_name(artifact->type));
    TB_BUF_LIT(out, "\",\"url\":");
    tb_buf_add_quoted(out, artifact->url);
    TB_BUF_LIT(out, ",\"label\":");
    tb_buf_add_quoted(out, artifact->label);
    TB_BUF_LIT(out, ",\"addedAt\":");
    tb_buf_add_instant(out, artifact->added_ms);
    if (artifact->added_by.ptr != NULL) {
        TB_BUF_LIT(out, ",\"addedBy\":");
        tb_buf_add_quoted(out, artifact->added_by);
    }
    TB_BUF_LIT(out, "}");
}

bool tb_strings_contain(struct tb_str json_array, struct tb_str text)
{
    struct tb_json_strings strings = tb_json_strings_of(json_array);
    struct tb_str item;
    while (tb_json_strings_next(&strings, &item)) {
        if (tb_str_eq(item, text)) {
            return true;
        }
    }
    return false;
}

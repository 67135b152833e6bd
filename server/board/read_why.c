/* why: every reason for which a task is not handed out, each with its own code, or its place in the
 * claim order. */
#include "base/json.h"
#include "board/pause.h"
#include "board/read.h"
#include "board/vm_life.h"

/* Places that are counted: of those behind it nobody needs to know which. */
#define POSITION_MAX 1000

struct why {
    const struct tb_task *task;
    struct tb_str agent; /* text; may be absent */
    struct tb_str vm_id; /* text; may be absent */
    int64_t now_ms;
    const struct tb_pauses *pauses;
    struct tb_buf *out;
    unsigned count; /* reasons so far */
};

/* Begins a reason: the caller adds members, each with a comma in front, and the brace. */
static void begin(struct why *why, const char *code)
{
    tb_buf_add_c(why->out, why->count++ > 0 ? ",{\"code\":\"" : "{\"code\":\"");
    tb_buf_add_c(why->out, code);
    TB_BUF_LIT(why->out, "\"");
}

static void end(struct why *why)
{
    TB_BUF_LIT(why->out, "}");
}

/* One member of the task, if it has it. */
static void add_field(struct why *why, enum tb_field field)
{
    size_t before = why->out->len;
    TB_BUF_LIT(why->out, ",");
    if (!tb_task_write_field(why->task, field, why->out)) {
        why->out->len = before;
    }
}

static void add_text(struct why *why, const char *name, struct tb_str text)
{
    if (text.ptr != NULL) {
        TB_BUF_LIT(why->out, ",\"");
        tb_buf_add_c(why->out, name);
        TB_BUF_LIT(why->out, "\":");
        tb_buf_add_quoted(why->out, text);
    }
}

static void reason(struct why *why, const char *code, enum tb_field field)
{
    begin(why, code);
    add_field(why, field);
    end(why);
}

static void claimed(struct why *why)
{
    const struct tb_claim *claim = &why->task->claim;
    begin(why, "claimed");
    add_text(why, "by", why->task->assignee);
    TB_BUF_LIT(why->out, ",\"generation\":");
    tb_buf_add_u64(why->out, claim->generation);
    TB_BUF_LIT(why->out, ",\"expiresAt\":");
    tb_buf_add_instant(why->out, claim->expires_ms);
    end(why);
}

static void held(struct why *why)
{
    begin(why, "held");
    add_text(why, "by", why->task->assignee);
    end(why);
}

static void add_status(struct why *why)
{
    switch (why->task->status) {
    case TB_STATUS_DONE:
        reason(why, "done", TB_FIELD_OUTCOME);
        return;
    case TB_STATUS_IN_REVIEW:
        begin(why, "in_review");
        end(why);
        return;
    case TB_STATUS_BLOCKED:
        reason(why, tb_task_is_dead_letter(why->task) ? "dead_letter" : "blocked",
               TB_FIELD_BLOCKED_REASON);
        return;
    case TB_STATUS_IN_PROGRESS:
        (tb_task_is_claimed(why->task) ? claimed : held)(why);
        return;
    case TB_STATUS_OPEN:
    case TB_STATUS_COUNT:
        return;
    }
}

static void add_pauses(struct why *why)
{
    if (why->pauses->all) {
        begin(why, "paused");
        end(why);
    }
    for (size_t i = 0; i < why->pauses->tag_count; i++) {
        if (tb_strings_contain(why->task->tags, why->pauses->tags[i])) {
            begin(why, "tag_paused");
            add_text(why, "tag", why->pauses->tags[i]);
            end(why);
        }
    }
}

/* The VM that is asked for must run, and must not be lost. */
static enum tb_err add_vm(struct why *why, struct tb_txn *txn)
{
    struct tb_vm vm;
    if (why->vm_id.ptr == NULL) {
        return TB_OK;
    }
    enum tb_err err = tb_vm_load(txn, why->vm_id, &vm);
    if (err == TB_E_ABSENT) {
        begin(why, "unknown_vm");
        add_text(why, "vmId", why->vm_id);
        end(why);
    } else if (err == TB_OK && !tb_vm_takes_claims(&vm, why->now_ms)) {
        bool stale = tb_vm_is_stale(&vm, why->now_ms);
        begin(why, "vm_not_running");
        add_text(why, "vmId", vm.id);
        add_text(why, "status", tb_str_c(tb_vm_status_name(vm.status)));
        tb_buf_add_c(why->out, stale ? ",\"stale\":true" : ",\"stale\":false");
        end(why);
    }
    return err == TB_E_ABSENT ? TB_OK : err;
}

static enum tb_err add_reasons(struct why *why, struct tb_txn *txn)
{
    const struct tb_task *task = why->task;
    add_status(why);
    if (task->status == TB_STATUS_DONE) {
        return TB_OK;
    }
    if (task->blocked_by.len > 2) {
        reason(why, "dependencies", TB_FIELD_BLOCKED_BY);
    }
    if (task->not_before_ms > why->now_ms && !task->ready) {
        reason(why, "not_before", TB_FIELD_NOT_BEFORE);
    }
    add_pauses(why);
    if (task->status == TB_STATUS_OPEN && task->assignee.ptr != NULL && why->agent.ptr != NULL &&
        !tb_str_eq(task->assignee, why->agent)) {
        reason(why, "assigned_elsewhere", TB_FIELD_ASSIGNEE);
    }
    return add_vm(why, txn);
}

/* --- the place in the claim order --- */

struct place {
    struct tb_id id;
    uint32_t position;
    bool found;
};

static enum tb_visit look_for(void *ctx, const struct tb_task *task)
{
    struct place *place = ctx;
    place->position++;
    place->found = tb_id_cmp(task->id, place->id) == 0;
    return place->found || place->position >= POSITION_MAX ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

/* Among what the one who asks, or whoever else may have the task, could claim. */
static enum tb_err add_position(struct why *why, struct tb_txn *txn)
{
    struct place place = {.id = why->task->id};
    const struct tb_ready_query query = {
        .agent = why->agent.ptr != NULL ? why->agent : why->task->assignee,
        .without_tags = why->pauses->tags,
        .without_tag_count = why->pauses->tag_count,
    };
    enum tb_err err = tb_visit_ready(txn, &query, look_for, &place);
    if (place.found) {
        TB_BUF_LIT(why->out, ",\"position\":");
        tb_buf_add_u64(why->out, place.position);
    }
    return err;
}

enum tb_err tb_read_why(struct tb_txn *txn, struct tb_id id, struct tb_str agent,
                        struct tb_str vm_id, int64_t now_ms, struct tb_buf *out)
{
    struct tb_task task;
    struct tb_pauses pauses;
    struct tb_buf reasons;
    enum tb_err err = tb_get_task(txn, id, &task);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err;
    }
    err = tb_pauses_load(txn, out->arena, &pauses);
    if (err != TB_OK) {
        return err;
    }
    tb_buf_init(&reasons, out->arena, 256);
    struct why why = {.task = &task,
                      .agent = agent,
                      .vm_id = vm_id,
                      .now_ms = now_ms,
                      .pauses = &pauses,
                      .out = &reasons};
    err = add_reasons(&why, txn);
    if (err != TB_OK) {
        return err;
    }
    TB_BUF_LIT(out, "{\"claimable\":");
    tb_buf_add_c(out, why.count == 0 ? "true" : "false");
    TB_BUF_LIT(out, ",\"reasons\":[");
    tb_buf_add_str(out, tb_buf_str(&reasons));
    TB_BUF_LIT(out, "]");
    why.out = out;
    if (why.count == 0) {
        err = add_position(&why, txn);
    }
    TB_BUF_LIT(out, "}");
    return err;
}

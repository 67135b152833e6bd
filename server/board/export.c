#include "board/export.h"

#include "base/json.h"
#include "board/pause.h"
#include "board/read.h"
#include "board/vm_life.h"
#include "taskboard/limits.h"

#define LINE_BYTES ((size_t)4 * 1024)

struct exporting {
    struct tb_txn *txn;
    tb_write_bytes *write;
    void *ctx;
    struct tb_arena *arena; /* of one line */
    struct tb_buf line;
    enum tb_err err;
};

static struct tb_buf *begin(struct exporting *exporting)
{
    tb_buf_init(&exporting->line, exporting->arena, LINE_BYTES);
    return &exporting->line;
}

static enum tb_visit end(struct exporting *exporting)
{
    bool wanted = exporting->err == TB_OK &&
                  exporting->write(exporting->ctx, exporting->line.ptr, exporting->line.len);
    if (!wanted && exporting->err == TB_OK) {
        exporting->err = TB_E_STORAGE_DOWN;
    }
    tb_arena_reset(exporting->arena);
    return wanted ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

static void export_board(struct exporting *exporting)
{
    struct tb_buf *out = begin(exporting);
    TB_BUF_LIT(out, "{\"board\":{\"format\":");
    tb_buf_add_u64(out, TB_EXPORT_FORMAT);
    TB_BUF_LIT(out, ",\"generation\":");
    tb_buf_add_u64(out, tb_txn_head(exporting->txn)->generation);
    TB_BUF_LIT(out, "}}\n");
    (void)end(exporting);
}

static void export_pauses(struct exporting *exporting)
{
    const struct tb_json_limits limits = {
        .depth_max = 2, .tree_depth = 2, .node_count_max = TB_JSON_NODES_MAX};
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_json_error error;
    struct tb_pauses pauses;
    exporting->err = tb_pauses_load(exporting->txn, arena, &pauses);
    const struct tb_json *list =
        exporting->err == TB_OK ? tb_json_parse(arena, pauses.wire, &limits, &error) : NULL;
    if (list == NULL && exporting->err == TB_OK) {
        exporting->err = TB_E_STORAGE_CORRUPT;
    }
    const struct tb_json *pause = list != NULL ? list->child : NULL;
    for (; pause != NULL && exporting->err == TB_OK; pause = pause->next) {
        struct tb_buf *out = begin(exporting);
        TB_BUF_LIT(out, "{\"pause\":");
        tb_buf_add_str(out, pause->raw);
        TB_BUF_LIT(out, "}\n");
        (void)end(exporting);
    }
    tb_arena_free(arena);
}

static void add_id(struct tb_buf *out, struct tb_id id)
{
    char text[TB_ULID_LEN];
    tb_ulid_format(id, text);
    tb_buf_add_quoted(out, tb_str_from(text, sizeof(text)));
}

static enum tb_visit export_vm(void *ctx, const struct tb_vm *vm)
{
    struct exporting *exporting = ctx;
    if (tb_vm_is_gone(vm)) {
        return TB_VISIT_NEXT;
    }
    struct tb_buf *out = begin(exporting);
    TB_BUF_LIT(out, "{\"vm\":");
    tb_buf_add_str(out, vm->wire);
    TB_BUF_LIT(out, ",\"lastSeen\":");
    tb_buf_add_instant(out, vm->seen_ms);
    TB_BUF_LIT(out, "},\"number\":");
    add_id(out, vm->number);
    TB_BUF_LIT(out, "}\n");
    return end(exporting);
}

/* --- tasks --- */

/* As if it had not been claimed. */
static struct tb_task unclaimed(const struct tb_task *task)
{
    struct tb_task open = *task;
    if (tb_task_is_claimed(task)) {
        open.status = TB_STATUS_OPEN;
        open.assignee = task->reserved_for.len > 0 ? task->reserved_for : TB_STR_NONE;
        open.reserved_for = TB_STR_NONE;
        open.attempts -= task->attempts > 0 ? 1 : 0;
    }
    return open;
}

static bool is_exported(enum tb_field field)
{
    return field != TB_FIELD_CLAIM && field != TB_FIELD_PROGRESS && field != TB_FIELD_BLOCKED_BY &&
           field != TB_FIELD_READY && field != TB_FIELD_NOTES && field != TB_FIELD_ARTIFACTS;
}

static void add_fields(const struct tb_task *task, struct tb_buf *out)
{
    for (int i = 0; i < TB_FIELD_COUNT; i++) {
        size_t before = out->len;
        if (!is_exported((enum tb_field)i)) {
            continue;
        }
        tb_buf_add_c(out, i == 0 ? "" : ",");
        if (!tb_task_write_field(task, (enum tb_field)i, out)) {
            out->len = before;
        }
    }
}

static enum tb_visit add_attempt(void *ctx, const struct tb_attempt *attempt)
{
    struct tb_buf *out = ctx;
    if (out->ptr[out->len - 1] != '[') {
        TB_BUF_LIT(out, ",");
    }
    tb_buf_add_str(out, attempt->wire);
    return TB_VISIT_NEXT;
}

enum tb_err tb_export_task(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out)
{
    const struct tb_task shown = unclaimed(task);
    TB_BUF_LIT(out, "{\"task\":{");
    add_fields(&shown, out);
    TB_BUF_LIT(out, ",\"notes\":");
    enum tb_err err = tb_read_note_array(txn, task, out);
    TB_BUF_LIT(out, ",\"artifacts\":");
    err = err != TB_OK ? err : tb_read_artifact_array(txn, task, out);
    TB_BUF_LIT(out, "},\"attempts\":[");
    err = err != TB_OK ? err : tb_visit_attempts(txn, task->id, add_attempt, out);
    TB_BUF_LIT(out, "]");
    if (shown.reserved_for.ptr != NULL) {
        TB_BUF_LIT(out, ",\"reservedFor\":");
        tb_buf_add_quoted(out, shown.reserved_for);
    }
    TB_BUF_LIT(out, "}\n");
    return err;
}

static enum tb_visit export_task(void *ctx, const struct tb_task *task)
{
    struct exporting *exporting = ctx;
    exporting->err = tb_export_task(exporting->txn, task, begin(exporting));
    return end(exporting);
}

static enum tb_visit export_feed_event(void *ctx, const struct tb_event *event)
{
    struct exporting *exporting = ctx;
    struct tb_buf *out = begin(exporting);
    TB_BUF_LIT(out, "{\"feed\":");
    tb_feed_write(event, out);
    TB_BUF_LIT(out, "}\n");
    return end(exporting);
}

/* What the visitor met goes before what the visit met. */
static bool note(struct exporting *exporting, enum tb_err err)
{
    exporting->err = exporting->err != TB_OK ? exporting->err : err;
    return exporting->err == TB_OK;
}

enum tb_err tb_export(struct tb_txn *txn, tb_write_bytes *write, void *ctx)
{
    struct exporting exporting = {.txn = txn, .write = write, .ctx = ctx};
    const struct tb_task_query everything = {.order = TB_ORDER_CREATED, .states = TB_STATES_ALL};
    const struct tb_feed_query feed = {.since = tb_txn_head(txn)->feed_cleared_seq};
    struct tb_query_end query_end;
    exporting.arena = tb_arena_new(0);
    struct tb_arena *before = tb_txn_swap_arena(txn, exporting.arena);
    export_board(&exporting);
    if (note(&exporting, TB_OK)) {
        export_pauses(&exporting);
    }
    (void)(note(&exporting, TB_OK) &&
           note(&exporting, tb_visit_vms(txn, false, export_vm, &exporting)) &&
           note(&exporting,
                tb_visit_tasks(txn, &everything, export_task, &exporting, &query_end)) &&
           note(&exporting, tb_visit_feed(txn, &feed, export_feed_event, &exporting)));
    (void)tb_txn_swap_arena(txn, before);
    tb_arena_free(exporting.arena);
    return exporting.err;
}

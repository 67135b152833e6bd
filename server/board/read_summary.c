/* GET /board/summary: from what is counted all the time, never from a walk over tasks. */
#include "board/pause.h"
#include "board/read.h"
#include "taskboard/limits.h"

static void add_name(struct tb_buf *out, const char *name)
{
    if (out->ptr[out->len - 1] != '{') {
        TB_BUF_LIT(out, ",");
    }
    TB_BUF_LIT(out, "\"");
    tb_buf_add_c(out, name);
    TB_BUF_LIT(out, "\":");
}

static void add_count(struct tb_buf *out, const char *name, uint64_t count)
{
    add_name(out, name);
    tb_buf_add_u64(out, count);
}

static uint64_t count_of_status(const struct tb_head *head, enum tb_status status)
{
    uint64_t count = 0;
    for (unsigned state = 0; state < TB_STATE_COUNT; state++) {
        if (tb_state_status((enum tb_state)state) == status) {
            count += head->task_counts[state];
        }
    }
    return count;
}

static void add_statuses(struct tb_buf *out, const struct tb_head *head)
{
    add_name(out, "byStatus");
    TB_BUF_LIT(out, "{");
    for (unsigned status = 0; status < TB_STATUS_COUNT; status++) {
        add_count(out, tb_status_name((enum tb_status)status),
                  count_of_status(head, (enum tb_status)status));
    }
    TB_BUF_LIT(out, "}");
}

/* While the board as a whole is paused nothing is ready. Single tags that are paused are not
 * counted out: nobody knows how many tasks have several of them. */
static enum tb_err add_ready(struct tb_txn *txn, const struct tb_pauses *pauses, struct tb_buf *out)
{
    const struct tb_head *head = tb_txn_head(txn);
    add_count(out, "ready", pauses->all ? 0 : head->task_counts[TB_STATE_READY]);
    add_count(out, "scheduled", head->scheduled);
    add_count(out, "waiting", head->task_counts[TB_STATE_WAITING] - head->scheduled);
    add_count(out, "claimed", head->claimed);
    add_count(out, "deadLetters", head->dead_letters);
    int64_t ready_ms = 0;
    enum tb_err err = pauses->all ? TB_E_ABSENT : tb_oldest_ready(txn, &ready_ms);
    if (err == TB_OK) {
        add_name(out, "oldestReadyAt");
        tb_buf_add_instant(out, ready_ms);
    }
    return err == TB_E_ABSENT ? TB_OK : err;
}

static enum tb_visit add_tasks_of_name(void *ctx, struct tb_str name,
                                       const struct tb_name_count *count)
{
    struct tb_buf *out = ctx;
    if (out->ptr[out->len - 1] != '{') {
        TB_BUF_LIT(out, ",");
    }
    tb_buf_add_quoted(out, name);
    TB_BUF_LIT(out, ":");
    tb_buf_add_u64(out, count->tasks);
    return TB_VISIT_NEXT;
}

static enum tb_err add_names(struct tb_txn *txn, const char *name, enum tb_name_kind kind,
                             struct tb_buf *out)
{
    add_name(out, name);
    TB_BUF_LIT(out, "{");
    enum tb_err err = tb_visit_names(txn, kind, TB_SUMMARY_NAMES_MAX, add_tasks_of_name, out);
    TB_BUF_LIT(out, "}");
    return err;
}

static void add_rates(const struct tb_rates *rates, int64_t now_ms, struct tb_buf *out)
{
    static const struct {
        const char *name;
        int64_t window_ms;
    } windows[] = {{"1m", 60000}, {"5m", 300000}, {"1h", 3600000}};
    static const char *const names[TB_RATE_COUNT] = {
        [TB_RATE_CREATED] = "created",
        [TB_RATE_CLAIMED] = "claimed",
        [TB_RATE_COMPLETED] = "completed",
        [TB_RATE_FAILED] = "failed",
    };
    add_name(out, "rates");
    TB_BUF_LIT(out, "{");
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        add_name(out, windows[i].name);
        TB_BUF_LIT(out, "{");
        for (unsigned rate = 0; rate < TB_RATE_COUNT; rate++) {
            add_count(out, names[rate],
                      tb_rates_within(rates, (enum tb_rate)rate, windows[i].window_ms, now_ms));
        }
        TB_BUF_LIT(out, "}");
    }
    TB_BUF_LIT(out, "}");
}

enum tb_err tb_read_summary(struct tb_txn *txn, int64_t now_ms, struct tb_buf *out)
{
    const struct tb_head *head = tb_txn_head(txn);
    struct tb_pauses pauses;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    if (err != TB_OK) {
        return err;
    }
    TB_BUF_LIT(out, "{");
    add_statuses(out, head);
    err = add_ready(txn, &pauses, out);
    if (err == TB_OK) {
        err = add_names(txn, "byTag", TB_NAME_TAG, out);
    }
    if (err == TB_OK) {
        err = add_names(txn, "byAssignee", TB_NAME_ASSIGNEE, out);
    }
    add_rates(&head->rates, now_ms, out);
    if (head->pauses > 0) {
        add_name(out, "paused");
        tb_buf_add_str(out, pauses.wire);
    }
    add_count(out, "seq", head->seq);
    TB_BUF_LIT(out, "}");
    return err;
}

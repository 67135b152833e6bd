/* GET /metrics: what one snapshot tells of the board and of the store. */
#include "board/pause.h"
#include "http/context.h"
#include "http/metrics_page.h"
#include "taskboard/limits.h"

/* Each task counts once. */
static void add_tasks(struct tb_buf *out, const struct tb_head *head)
{
    static const struct tb_metric metric = {
        .name = "taskboard_tasks",
        .type = TB_METRIC_GAUGE,
        .help = "Tasks by state; each is in one of them.",
    };
    const uint64_t *counts = head->task_counts;
    const struct {
        const char *state;
        uint64_t count;
    } rows[] = {
        {"ready", counts[TB_STATE_READY]},
        {"waiting", counts[TB_STATE_WAITING] - head->scheduled},
        {"scheduled", head->scheduled},
        {"claimed", head->claimed},
        {"in_progress", counts[TB_STATE_IN_PROGRESS] - head->claimed},
        {"in_review", counts[TB_STATE_IN_REVIEW]},
        {"blocked", counts[TB_STATE_BLOCKED] - head->dead_letters},
        {"dead", head->dead_letters},
        {"done", counts[TB_STATE_DONE]},
    };
    tb_metric_begin(out, &metric);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tb_metric_value(out, &metric, TB_LABELS({"state", rows[i].state}), rows[i].count);
    }
}

static enum tb_err add_oldest_ready(struct tb_buf *out, struct tb_txn *txn, int64_t now_ms)
{
    static const struct tb_metric metric = {
        .name = "taskboard_oldest_ready_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "How long the task that is ready the longest has been so; 0 while none is, or all "
                "is paused.",
        .decimals = TB_MS_DECIMALS,
    };
    struct tb_pauses pauses;
    int64_t ready_ms = 0;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    if (err == TB_OK) {
        err = pauses.all ? TB_E_ABSENT : tb_oldest_ready(txn, &ready_ms);
    }
    if (err != TB_OK && err != TB_E_ABSENT) {
        return err;
    }
    bool old = err == TB_OK && ready_ms < now_ms;
    tb_metric_single(out, &metric, old ? (uint64_t)(now_ms - ready_ms) : 0);
    return TB_OK;
}

static void add_head(struct tb_buf *out, const struct tb_head *head)
{
    static const struct tb_metric vms = {
        .name = "taskboard_vms",
        .type = TB_METRIC_GAUGE,
        .help = "Registered VMs: running are those that were heard of in time.",
    };
    add_tasks(out, head);
    tb_page_gauge(out, "taskboard_pauses", "Pauses in force: of the board, and of single tags.",
                  head->pauses);
    tb_metric_begin(out, &vms);
    tb_metric_value(out, &vms, TB_LABELS({"status", "running"}), head->running_vms);
    tb_metric_value(out, &vms, TB_LABELS({"status", "other"}), head->vms - head->running_vms);
    tb_page_gauge(out, "taskboard_log_head_seq", "The seq of the last event.", head->seq);
    tb_page_gauge(out, "taskboard_log_oldest_seq", "The seq of the oldest event that is kept.",
                  head->oldest_seq);
    tb_page_gauge(out, "taskboard_idempotency_answers", "Answers kept for idempotency keys.",
                  head->answers);
    tb_page_gauge(out, "taskboard_idempotency_answers_max", "Most answers that are kept.",
                  TB_ANSWERS_MAX);
    tb_page_gauge(out, "taskboard_idempotency_answers_bytes", "What these answers take.",
                  head->answer_bytes);
}

static enum tb_visit count_credential(void *ctx, const struct tb_credential *credential)
{
    struct tb_credential_counts *counts = ctx;
    counts->by_kind[credential->kind]++;
    return TB_VISIT_NEXT;
}

/* They are walked again only when one was made or deleted. */
static enum tb_err add_credentials(struct tb_buf *out, struct tb_txn *txn,
                                   struct tb_credential_counts *known)
{
    static const struct tb_metric metric = {
        .name = "taskboard_credentials",
        .type = TB_METRIC_GAUGE,
        .help = "Named tokens, login links not used yet, and sessions of browsers.",
    };
    static const char *const kinds[TB_CREDENTIAL_KIND_COUNT] = {"token", "link", "session"};
    uint64_t changes = tb_txn_head(txn)->credential_changes;
    if (!known->known || known->changes != changes) {
        struct tb_credential_counts counts = {.known = true, .changes = changes};
        enum tb_err err = tb_visit_credentials(txn, count_credential, &counts);
        if (err != TB_OK) {
            return err;
        }
        *known = counts;
    }
    tb_metric_begin(out, &metric);
    for (unsigned i = 0; i < TB_CREDENTIAL_KIND_COUNT; i++) {
        tb_metric_value(out, &metric, TB_LABELS({"kind", kinds[i]}), known->by_kind[i]);
    }
    return TB_OK;
}

static enum tb_err add_room(struct tb_buf *out, struct tb_txn *txn)
{
    struct tb_store_stats stats;
    enum tb_err err = tb_store_stats(txn, &stats);
    if (err != TB_OK) {
        return err;
    }
    tb_page_gauge(out, "taskboard_store_used_bytes", "Of the store's file, what is in use.",
                  stats.used_bytes);
    tb_page_gauge(out, "taskboard_store_free_bytes",
                  "Of the store's file, what is used again first.", stats.free_bytes);
    tb_page_gauge(out, "taskboard_store_limit_bytes", "The most that the store's file may grow to.",
                  stats.limit_bytes);
    tb_page_gauge(out, "taskboard_store_snapshots", "Snapshots that are open, this read's too.",
                  stats.snapshots);
    tb_page_gauge(
        out, "taskboard_store_oldest_snapshot_commits",
        "Commits since the oldest open snapshot began: what they freed is not used again.",
        stats.oldest_behind);
    return TB_OK;
}

enum tb_err tb_page_add_board(struct tb_buf *out, struct tb_request *request)
{
    struct tb_txn *txn = NULL;
    size_t len = out->len;
    enum tb_err err = tb_read_begin(request->worker->reader, request->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    add_head(out, tb_txn_head(txn));
    err = add_oldest_ready(out, txn, tb_clock_wall_ms(request->http->clock));
    err = err != TB_OK ? err : add_credentials(out, txn, &request->worker->credentials);
    err = err != TB_OK ? err : add_room(out, txn);
    tb_read_end(&txn);
    out->len = err == TB_OK ? out->len : len;
    return err;
}

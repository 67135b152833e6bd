/* There are no indexes and no checksums: what is left to compare is what names something else. */
#include <stdarg.h>
#include <stdio.h>

#include "memory/memory.h"

struct checking {
    struct tb_memory_store *store;
    tb_report_fault *report;
    void *ctx;
};

static void fault(const struct checking *checking, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(const struct checking *checking, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    checking->report(checking->ctx, text);
}

static uint64_t count_rows(const struct checking *checking, const struct tb_table *table)
{
    uint64_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        count += tb_row_at(&table->rows[i], checking->store->n) != NULL ? 1 : 0;
    }
    return count;
}

/* Rows of the table hang on tasks that exist. */
static void check_attached(const struct checking *checking, const struct tb_table *table,
                           const char *what)
{
    struct tb_memory_store *store = checking->store;
    for (size_t i = 0; i < table->count; i++) {
        uint8_t key[TB_ROW_KEY_BYTES] = {0};
        struct tb_id id;
        memcpy(id.bytes, table->rows[i].key, sizeof id.bytes);
        memcpy(key, id.bytes, sizeof id.bytes);
        if (tb_row_at(&table->rows[i], store->n) != NULL &&
            tb_table_get(&store->tasks, key, store->n) == NULL) {
            char text[TB_ULID_LEN];
            tb_ulid_format(id, text);
            fault(checking, "task %.*s: it does not exist, but a record of its %s does",
                  TB_ULID_LEN, text, what);
        }
    }
}

static uint64_t check_log(const struct checking *checking)
{
    const struct tb_memory_store *store = checking->store;
    const struct tb_head *head = &store->head;
    if (head->seq != store->event_committed) {
        fault(checking, "the log ends at event %zu, the head says %llu", store->event_committed,
              (unsigned long long)head->seq);
    }
    for (uint64_t seq = head->oldest_seq; seq <= store->event_committed; seq++) {
        const struct tb_memory_event *event = store->events[seq - 1];
        if (event == NULL || event->event.seq != seq) {
            fault(checking, "event %llu is missing", (unsigned long long)seq);
        }
    }
    return head->seq + 1 - head->oldest_seq;
}

static struct tb_answer_share count_share(const struct tb_memory_store *store, uint16_t share)
{
    struct tb_answer_share found = {.answers = 0};
    for (size_t i = 0; i < store->answers.count; i++) {
        const struct tb_version *version = tb_row_at(&store->answers.rows[i], store->n);
        const struct tb_memory_answer *kept = version != NULL ? (const void *)version->bytes : NULL;
        if (kept != NULL && kept->answer.share == share) {
            found.answers++;
            found.bytes += kept->answer.body.len;
        }
    }
    return found;
}

/* What is kept of each share, counted again. Of share 0 nothing is counted. */
static void check_shares(const struct checking *checking, uint64_t answers)
{
    const struct tb_memory_store *store = checking->store;
    uint64_t counted = count_share(store, 0).answers;
    for (size_t i = 0; i < store->answer_shares.count; i++) {
        uint16_t share = 0;
        memcpy(&share, store->answer_shares.rows[i].key, sizeof share);
        struct tb_answer_share said = tb_memory_share_at(store, share, store->n);
        struct tb_answer_share found = count_share(store, share);
        counted += found.answers;
        if (said.answers != found.answers || said.bytes != found.bytes) {
            fault(checking, "share %u is said to have %llu answers, there are %llu", share,
                  (unsigned long long)said.answers, (unsigned long long)found.answers);
        }
    }
    if (counted != answers) {
        fault(checking, "of %llu answers %llu are in shares", (unsigned long long)answers,
              (unsigned long long)counted);
    }
}

enum tb_err tb_memory_verify(struct tb_store *base, tb_report_fault *report, void *ctx,
                             struct tb_store_tally *tally)
{
    struct tb_memory_store *store = (struct tb_memory_store *)base;
    const struct checking checking = {store, report, ctx};
    pthread_mutex_lock(&store->mutex);
    tally->tasks = count_rows(&checking, &store->tasks);
    tally->vms = count_rows(&checking, &store->vms);
    tally->answers = count_rows(&checking, &store->answers);
    tally->events = check_log(&checking);
    check_attached(&checking, &store->notes, "note");
    check_attached(&checking, &store->artifacts, "artifact");
    check_attached(&checking, &store->attempts, "attempt");
    check_shares(&checking, tally->answers);
    if (tally->answers != store->head.answers) {
        fault(&checking, "the head counts %llu answers, there are %llu",
              (unsigned long long)store->head.answers, (unsigned long long)tally->answers);
    }
    pthread_mutex_unlock(&store->mutex);
    return TB_OK;
}

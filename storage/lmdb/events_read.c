/* The event log, reading: as a whole, and through the indexes. */
#include "lmdb/list.h"
#include "lmdb/log.h"

/* What is asked of an index: entries that begin with the prefix and end in a seq. */
struct ask {
    struct tb_key prefix;
    uint64_t since;
    enum tb_list_way way;
    struct tb_str actor; /* absent: any */
};

/* Entries of events that were dropped are not walked over, as long as merges have left them. */
static int start(struct tb_list *list, const struct ask *ask)
{
    uint8_t after[8];
    tb_key_write_u64(after, ask->since);
    return tb_list_start(list, ask->way, ask->way == TB_LIST_UP ? after : NULL);
}

static enum tb_err visit_index(struct tb_lmdb_txn *txn, const struct tb_log *log,
                               const struct ask *ask, tb_visit_event *visit, void *ctx)
{
    struct tb_list list;
    int rc = tb_list_open(txn, TB_DB_RUN, &ask->prefix, sizeof ask->since, &list);
    rc = rc != 0 ? rc : start(&list, ask);
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        struct tb_event event;
        uint64_t seq = tb_key_read_u64(tb_list_suffix(&list));
        if (seq <= ask->since) {
            break;
        }
        err = tb_log_get(log, seq, &event);
        bool asked = ask->actor.ptr == NULL || (err == TB_OK && tb_str_eq(event.actor, ask->actor));
        if (err != TB_OK || (asked && visit(ctx, &event) == TB_VISIT_STOP)) {
            break;
        }
        rc = tb_list_next(&list, ask->way);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

/* The same seq, or the last one that was dropped. */
static uint64_t at_least_dropped(const struct tb_lmdb_txn *txn, uint64_t since)
{
    uint64_t dropped = txn->head.oldest_seq - 1;
    return since < dropped ? dropped : since;
}

enum tb_err tb_lmdb_visit_events(struct tb_txn *base, uint64_t since, struct tb_id task_id,
                                 tb_visit_event *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_log log;
    int rc = tb_log_open(txn, &log);
    enum tb_err err = tb_lmdb_err(rc);
    if (rc == 0 && tb_id_is_zero(task_id)) {
        err = tb_log_visit(&log, since, visit, ctx);
    } else if (rc == 0) {
        struct ask ask = {.since = at_least_dropped(txn, since), .way = TB_LIST_UP};
        tb_key_start(&ask.prefix, TB_INDEX_EVENT);
        tb_key_add_id(&ask.prefix, task_id);
        err = visit_index(txn, &log, &ask, visit, ctx);
    }
    tb_log_close(&log);
    return err;
}

enum tb_err tb_lmdb_visit_feed(struct tb_txn *base, const struct tb_feed_query *query,
                               tb_visit_event *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct ask ask = {.since = at_least_dropped(txn, query->since),
                      .way = query->latest_first ? TB_LIST_DOWN : TB_LIST_UP,
                      .actor = query->agent};
    if (query->agent.ptr == NULL) {
        tb_key_start(&ask.prefix, TB_INDEX_FEED);
    } else {
        tb_key_start(&ask.prefix, TB_INDEX_FEED_AGENT);
        tb_key_add_text(&ask.prefix, query->agent);
    }
    struct tb_log log;
    int rc = tb_log_open(txn, &log);
    enum tb_err err = rc != 0 ? tb_lmdb_err(rc) : visit_index(txn, &log, &ask, visit, ctx);
    tb_log_close(&log);
    return err;
}

/* The last event that the transaction sees. */
static uint64_t last_seq(const struct tb_lmdb_txn *txn, const struct tb_log *log)
{
    return log->coming.count > 0 ? log->coming.first + log->coming.count - 1 : txn->head.seq;
}

/* Ids rise with the seq: half of what is left is settled with each look. */
enum tb_err tb_lmdb_find_event(struct tb_txn *base, struct tb_id id, uint64_t *seq)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_log log;
    int rc = tb_log_open(txn, &log);
    enum tb_err err = tb_lmdb_err(rc);
    uint64_t low = txn->head.oldest_seq;     /* those below are not greater */
    uint64_t high = last_seq(txn, &log) + 1; /* those from here on are */
    while (err == TB_OK && low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct tb_event event;
        err = tb_log_get(&log, middle, &event);
        if (err == TB_OK && tb_id_cmp(event.id, id) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    tb_log_close(&log);
    if (err == TB_OK) {
        *seq = low > txn->head.oldest_seq ? low - 1 : 0;
    }
    return err;
}

#include "board/trim.h"

#include "taskboard/limits.h"

/* Little by little, in transactions that other things make anyway, or of its own: with each, so
 * much goes that no writer notices. */
#define AGE_STEP_MS   60000 /* so exact is the age */
#define COUNT_STEP_MS 1000  /* the same for the count: so often is a little too much cut */

static uint64_t too_many(const struct tb_board *board)
{
    const struct tb_head *head = tb_txn_head(board->txn);
    uint64_t kept = head->seq + 1 - head->oldest_seq;
    uint64_t most = board->options.retain_events;
    return most > 0 && kept > most ? kept - most : 0;
}

int64_t tb_trim_due_ms(const struct tb_board *board)
{
    const struct tb_trim *trim = &board->trim;
    const struct tb_head *head = tb_txn_head(board->txn);
    bool known = trim->oldest_seq == head->oldest_seq;
    int64_t due_ms = INT64_MAX;
    if (board->options.retain_ms > 0 && head->oldest_seq <= head->seq) {
        due_ms = known ? trim->age_ms : board->now_ms;
    }
    if (too_many(board) > 0) {
        int64_t again_ms = known ? trim->again_ms : board->now_ms;
        due_ms = again_ms < due_ms ? again_ms : due_ms;
    }
    return due_ms;
}

/* The seq of the last event that is too old; 0: none is. */
static uint64_t last_too_old(struct tb_board *board)
{
    int64_t before_ms = board->now_ms - board->options.retain_ms;
    struct tb_id id;
    uint64_t seq = 0;
    if (board->options.retain_ms == 0 || before_ms < 0) {
        return 0;
    }
    memset(id.bytes, 0xFF, sizeof(id.bytes));
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(before_ms >> (40 - 8 * i));
    }
    return tb_find_event(board->txn, id, &seq) == TB_OK ? seq : 0;
}

static enum tb_visit note_instant(void *ctx, const struct tb_event *event)
{
    *(int64_t *)ctx = event->at_ms;
    return TB_VISIT_STOP;
}

/* When the oldest event comes to be too old, rounded up so that what was written one by one does
 * not go in as many transactions. */
static int64_t next_age_ms(struct tb_board *board)
{
    const struct tb_head *head = tb_txn_head(board->txn);
    int64_t at_ms = board->now_ms;
    if (board->options.retain_ms == 0) {
        return INT64_MAX;
    }
    (void)tb_visit_events(board->txn, head->oldest_seq - 1, (struct tb_id){{0}}, note_instant,
                          &at_ms);
    int64_t old_ms = at_ms + board->options.retain_ms;
    return (old_ms / AGE_STEP_MS + 1) * AGE_STEP_MS;
}

void tb_trim(struct tb_board *board)
{
    struct tb_trim *trim = &board->trim;
    const struct tb_head *head = tb_txn_head(board->txn);
    if (tb_trim_due_ms(board) > board->now_ms) {
        return;
    }
    uint64_t before = head->oldest_seq;
    uint64_t by_age = last_too_old(board);
    uint64_t by_count = before - 1 + too_many(board);
    uint64_t last = by_age > by_count ? by_age : by_count;
    if (last >= before) {
        tb_drop_events(board->txn, last, TB_EVENTS_DROPPED_MAX);
    }
    /* Commits go as a whole: of one that is too much only in part nothing does. */
    bool more = head->oldest_seq <= last && head->oldest_seq > before;
    trim->oldest_seq = head->oldest_seq;
    if (more) {
        trim->age_ms = board->now_ms;
        trim->again_ms = board->now_ms;
        return;
    }
    int64_t age_ms = next_age_ms(board);
    trim->age_ms = age_ms > board->now_ms ? age_ms : board->now_ms + AGE_STEP_MS;
    trim->again_ms = board->now_ms + COUNT_STEP_MS;
}

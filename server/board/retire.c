#include "board/retire.h"

#include "board/change.h"
#include "board/export.h"

/* So much is done by one batch. */
#define LOOKED_AT_MAX 1000
#define RETIRED_MAX   100
#define PASS_EVERY_MS 60000

/* When so much is to be archived, what is left waits for the next pass. */
#define ARCHIVED_BYTES_MAX ((size_t)16 * 1024 * 1024)

int64_t tb_retire_due_ms(const struct tb_board *board)
{
    const struct tb_board_options *options = &board->options;
    uint64_t done = tb_txn_head(board->txn)->task_counts[TB_STATE_DONE];
    bool by_count = options->retain_done > 0 && done > options->retain_done;
    bool by_age = options->retain_done_ms > 0 && done > 0;
    if (!by_count && !by_age) {
        return INT64_MAX;
    }
    return board->retire.in_pass ? board->now_ms : board->retire.again_ms;
}

/* The tasks that this batch deletes. */
struct retiring {
    struct tb_board *board;
    int64_t before_ms; /* what changed last before that is too old; 0: nothing is */
    struct tb_id ids[RETIRED_MAX];
    unsigned count;
    unsigned looked_at;
};

static enum tb_visit look(void *ctx, const struct tb_task *task)
{
    struct retiring *retiring = ctx;
    struct tb_retire *retire = &retiring->board->retire;
    uint64_t most = retiring->board->options.retain_done;
    retire->position = (struct tb_position){task->updated_ms, task->id};
    retire->seen++;
    if ((most > 0 && retire->seen > most) || task->updated_ms <= retiring->before_ms) {
        retiring->ids[retiring->count++] = task->id;
    }
    return retiring->count == RETIRED_MAX || ++retiring->looked_at == LOOKED_AT_MAX ? TB_VISIT_STOP
                                                                                    : TB_VISIT_NEXT;
}

/* Where only age counts, a pass begins with the first one that is too old. */
static void begin_pass(struct tb_board *board, int64_t before_ms)
{
    struct tb_retire *retire = &board->retire;
    *retire = (struct tb_retire){.in_pass = true};
    if (board->options.retain_done == 0) {
        retire->position.key = before_ms;
        memset(retire->position.id.bytes, 0xFF, sizeof(retire->position.id.bytes));
    }
}

/* Goes on where the pass stands. */
static void find_candidates(struct retiring *retiring)
{
    struct tb_board *board = retiring->board;
    struct tb_retire *retire = &board->retire;
    const struct tb_task_query query = {
        .order = TB_ORDER_UPDATED,
        .states = 1U << TB_STATE_DONE,
        .has_after = !tb_id_is_zero(retire->position.id),
        .after = retire->position,
    };
    struct tb_query_end end;
    (void)tb_visit_tasks(board->txn, &query, look, retiring, &end);
    if (retiring->count < RETIRED_MAX && retiring->looked_at < LOOKED_AT_MAX) {
        retire->in_pass = false;
        retire->again_ms = board->now_ms + PASS_EVERY_MS;
    }
}

/* --- which of them nobody needs --- */

/* Is there a task that needs it, other than those that go, too? */
struct need {
    const struct retiring *retiring;
    unsigned chosen; /* the first of retiring->ids that go */
    bool found;
};

static enum tb_visit note_dependent(void *ctx, struct tb_id id)
{
    struct need *need = ctx;
    need->found = true;
    for (unsigned i = 0; i < need->chosen && need->found; i++) {
        need->found = tb_id_cmp(need->retiring->ids[i], id) != 0;
    }
    return need->found ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static enum tb_visit note_child(void *ctx, const struct tb_task *task)
{
    (void)task;
    ((struct need *)ctx)->found = true;
    return TB_VISIT_STOP;
}

static bool is_needed(const struct retiring *retiring, unsigned chosen, struct tb_id id)
{
    struct tb_txn *txn = retiring->board->txn;
    struct need need = {.retiring = retiring, .chosen = chosen};
    const struct tb_task_query children = {
        .order = TB_ORDER_CREATED,
        .states = TB_STATES_ALL & ~(1U << TB_STATE_DONE),
        .parent_id = id,
    };
    struct tb_query_end end;
    char text[TB_ULID_LEN];
    tb_ulid_format(id, text);
    tb_visit_dependents(txn, tb_str_from(text, sizeof(text)), note_dependent, &need);
    return need.found || tb_visit_tasks(txn, &children, note_child, &need, &end) != TB_OK ||
           need.found;
}

static void choose(struct retiring *retiring)
{
    unsigned chosen = 0;
    for (unsigned i = 0; i < retiring->count; i++) {
        if (!is_needed(retiring, chosen, retiring->ids[i])) {
            retiring->ids[chosen++] = retiring->ids[i];
        }
    }
    retiring->count = chosen;
}

/* --- and what becomes of them --- */

/* On the disk before they are gone; perhaps twice, when the batch fails. */
static bool archive(struct retiring *retiring)
{
    struct tb_board *board = retiring->board;
    const struct tb_board_options *options = &board->options;
    struct tb_buf lines;
    enum tb_err err = TB_OK;
    if (options->archive == NULL || retiring->count == 0) {
        return true;
    }
    tb_buf_init(&lines, board->arena, (size_t)retiring->count * 1024);
    for (unsigned i = 0; i < retiring->count && err == TB_OK; i++) {
        struct tb_task task;
        err = tb_get_task(board->txn, retiring->ids[i], &task);
        err = err != TB_OK ? err : tb_export_task(board->txn, &task, &lines);
        if (lines.len > ARCHIVED_BYTES_MAX) {
            retiring->count = i + 1;
        }
    }
    return err == TB_OK &&
           options->archive(options->archive_ctx, board->now_ms, tb_buf_str(&lines));
}

static void delete_all(const struct retiring *retiring, struct tb_scratch *scratch)
{
    struct tb_board *board = retiring->board;
    for (unsigned i = 0; i < retiring->count; i++) {
        struct tb_task task;
        tb_scratch_reset(scratch);
        if (tb_get_task(board->txn, retiring->ids[i], &task) != TB_OK) {
            return; /* the transaction's error tells */
        }
        tb_change_retire(board, &task);
    }
}

void tb_retire(struct tb_board *board)
{
    struct tb_scratch scratch;
    int64_t age_ms = board->options.retain_done_ms;
    struct retiring retiring = {.board = board};
    if (tb_retire_due_ms(board) > board->now_ms) {
        return;
    }
    if (age_ms > 0 && board->now_ms > age_ms) {
        retiring.before_ms = board->now_ms - age_ms;
    }
    if (!board->retire.in_pass) {
        begin_pass(board, retiring.before_ms);
    }
    tb_scratch_begin(board, &scratch);
    find_candidates(&retiring);
    choose(&retiring);
    if (archive(&retiring)) {
        delete_all(&retiring, &scratch);
    } else {
        board->retire = (struct tb_retire){.again_ms = board->now_ms + PASS_EVERY_MS};
    }
    tb_scratch_end(board, &scratch);
}

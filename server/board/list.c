#include "board/pause.h"
#include "board/read.h"

/* What stands round the tasks of a list: its brackets, count, truncated and nextCursor. */
#define FRAME_BYTES_MAX 128

void tb_list_init(struct tb_list *list, const struct tb_list_request *request)
{
    *list = (struct tb_list){.request = request};
}

static struct tb_position position_of(enum tb_order order, const struct tb_task *task)
{
    struct tb_position position = {.id = task->id};
    if (order == TB_ORDER_UPDATED) {
        position.key = task->updated_ms;
    } else if (order == TB_ORDER_RANK) {
        position.key = task->rank_ms;
    }
    return position;
}

/* Negative when `a` stands before `b` in that order. */
static int compare_positions(enum tb_order order, struct tb_position a, struct tb_position b)
{
    int by_key = (a.key > b.key) - (a.key < b.key);
    int by_id = tb_id_cmp(a.id, b.id);
    int ascending = by_key != 0 ? by_key : by_id;
    return order == TB_ORDER_RANK ? ascending : -ascending;
}

/* --- what the list is of, in one snapshot --- */

struct view {
    struct tb_task_query query; /* from here on */
    bool nothing;               /* no task can match */
    bool unready_only;          /* the query finds ready tasks, too: those that are not paused do
                                 * not belong to the list */
    struct tb_pauses pauses;
};

/* What is paused is stored as ready. So a list of ready tasks leaves it out, and one of those that
 * are not looks among the ready ones, too. */
static enum tb_err open_view(const struct tb_list *list, struct tb_txn *txn, struct tb_arena *arena,
                             struct view *view)
{
    const struct tb_list_request *request = list->request;
    const struct tb_pauses *pauses = &view->pauses;
    *view = (struct view){.query = request->query, .nothing = request->nothing};
    enum tb_err err = tb_pauses_load(txn, arena, &view->pauses);
    bool waiting = (view->query.states & (1U << TB_STATE_WAITING)) != 0;
    if (request->ready_only) {
        view->nothing = view->nothing || pauses->all;
        view->query.without_tags = pauses->tags;
        view->query.without_tag_count = pauses->tag_count;
    } else if (request->unready_only && waiting && (pauses->all || pauses->tag_count > 0)) {
        view->unready_only = true;
        view->query.states |= 1U << TB_STATE_READY;
    }
    if (list->moved) {
        view->query.has_after = true;
        view->query.after = list->position;
    }
    return err;
}

/* The task as it is shown: itself or the copy. NULL: it does not belong to the list. */
static const struct tb_task *look_at(const struct view *view, const struct tb_task *task,
                                     struct tb_task *copy)
{
    if (!task->ready) {
        return task;
    }
    if (tb_pauses_hold(&view->pauses, task)) {
        *copy = *task;
        copy->ready = false;
        return copy;
    }
    return view->unready_only ? NULL : task;
}

/* --- one task of the list --- */

static enum tb_err write_fields(const bool *wanted, struct tb_txn *txn, const struct tb_task *task,
                                struct tb_buf *out)
{
    enum tb_err err = TB_OK;
    TB_BUF_LIT(out, "{");
    size_t start = out->len;
    for (unsigned i = 0; i < TB_FIELD_COUNT && err == TB_OK; i++) {
        if (!wanted[i]) {
            continue;
        }
        size_t before = out->len;
        if (out->len > start) {
            TB_BUF_LIT(out, ",");
        }
        if (i == TB_FIELD_NOTES) {
            TB_BUF_LIT(out, "\"notes\":");
            err = tb_read_note_array(txn, task, out);
        } else if (i == TB_FIELD_ARTIFACTS) {
            TB_BUF_LIT(out, "\"artifacts\":");
            err = tb_read_artifact_array(txn, task, out);
        } else if (!tb_task_write_field(task, (enum tb_field)i, out)) {
            out->len = before;
        }
    }
    TB_BUF_LIT(out, "}");
    return err;
}

static enum tb_err write_task(const struct tb_list_request *request, struct tb_txn *txn,
                              const struct tb_task *task, struct tb_buf *out)
{
    if (request->has_fields) {
        return write_fields(request->fields, txn, task, out);
    }
    if (request->summary) {
        tb_task_write_summary(task, out);
        return TB_OK;
    }
    return tb_read_shown(txn, task, out);
}

/* --- one piece --- */

struct piece {
    struct tb_list *list;
    const struct view *view;
    struct tb_txn *txn;
    struct tb_buf *out;
    size_t full_len; /* of `out` */
    bool full;
    bool ended; /* limit, max_bytes or the stop was reached */
    enum tb_err err;
};

static enum tb_visit end_piece(struct piece *piece, bool more)
{
    piece->ended = true;
    piece->list->more = more;
    return TB_VISIT_STOP;
}

static enum tb_visit add_task(void *ctx, const struct tb_task *stored)
{
    struct piece *piece = ctx;
    struct tb_list *list = piece->list;
    struct tb_task copy;
    const struct tb_task *task = look_at(piece->view, stored, &copy);
    if (task == NULL) {
        return TB_VISIT_NEXT;
    }
    const struct tb_list_request *request = list->request;
    struct tb_position position = position_of(request->query.order, task);
    if (list->has_stop && compare_positions(request->query.order, position, list->stop) > 0) {
        return end_piece(piece, list->stop_more);
    }
    if (!list->has_stop && list->count == request->limit) { /* the stop has counted already */
        return end_piece(piece, true);
    }
    size_t before = piece->out->len;
    if (list->count > 0) {
        TB_BUF_LIT(piece->out, ",");
    }
    piece->err = write_task(request, piece->txn, task, piece->out);
    size_t bytes = list->bytes + piece->out->len - before;
    if (request->max_bytes != 0 && bytes + FRAME_BYTES_MAX > request->max_bytes &&
        list->count > 0) {
        piece->out->len = before;
        list->truncated = true;
        return end_piece(piece, true);
    }
    list->bytes = bytes;
    list->count++;
    list->position = position;
    list->moved = true;
    piece->full = request->max_bytes == 0 && piece->out->len >= piece->full_len;
    return piece->full || piece->err != TB_OK ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void write_end(struct tb_list *list, struct tb_buf *out)
{
    list->done = true;
    if (list->has_stop) {
        list->more = list->stop_more;
        list->position = list->stop;
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, list->count);
    if (list->truncated) {
        TB_BUF_LIT(out, ",\"truncated\":true");
    }
    if (list->more) {
        TB_BUF_LIT(out, ",\"nextCursor\":\"");
        tb_buf_add_str(out,
                       tb_cursor_format(out->arena, list->request->query.order, list->position));
        TB_BUF_LIT(out, "\"");
    }
    TB_BUF_LIT(out, "}");
}

enum tb_err tb_list_piece(struct tb_list *list, struct tb_txn *txn, struct tb_buf *out,
                          size_t piece_bytes)
{
    if (!list->started) {
        TB_BUF_LIT(out, "{\"tasks\":[");
        list->started = true;
    }
    struct view view;
    enum tb_err err = open_view(list, txn, out->arena, &view);
    if (err != TB_OK) {
        return err;
    }
    if (view.nothing) {
        write_end(list, out);
        return TB_OK;
    }
    struct piece piece = {
        .list = list, .view = &view, .txn = txn, .out = out, .full_len = out->len + piece_bytes};
    struct tb_query_end end = {.more_to_scan = false};
    err = tb_visit_tasks(txn, &view.query, add_task, &piece, &end);
    err = err != TB_OK ? err : piece.err;
    if (err != TB_OK || piece.full) {
        return err;
    }
    if (!piece.ended && end.more_to_scan) {
        list->more = true;
        list->position = end.reached;
    }
    write_end(list, out);
    return TB_OK;
}

/* --- where it will end --- */

struct count {
    struct view view;
    enum tb_order order;
    uint32_t left; /* tasks until the limit */
    bool more;
    struct tb_position last;
};

static enum tb_visit count_task(void *ctx, const struct tb_task *task)
{
    struct count *count = ctx;
    struct tb_task copy;
    if (look_at(&count->view, task, &copy) == NULL) {
        return TB_VISIT_NEXT;
    }
    if (count->left == 0) {
        count->more = true;
        return TB_VISIT_STOP;
    }
    count->left--;
    count->last = position_of(count->order, task);
    return TB_VISIT_NEXT;
}

static enum tb_err count_tasks(const struct tb_list *list, struct tb_txn *txn,
                               struct tb_arena *arena, struct count *count)
{
    struct tb_query_end end = {.more_to_scan = false};
    enum tb_err err = open_view(list, txn, arena, &count->view);
    if (err == TB_OK && !count->view.nothing) {
        err = tb_visit_tasks(txn, &count->view.query, count_task, count, &end);
    }
    if (!count->more && end.more_to_scan) {
        count->more = true;
        count->last = end.reached;
    }
    return err;
}

enum tb_err tb_list_find_end(struct tb_list *list, struct tb_txn *txn, bool *more,
                             struct tb_position *next)
{
    struct count count = {
        .order = list->request->query.order,
        .left = list->request->limit - list->count,
        .last = list->position,
    };
    struct tb_arena *arena = tb_arena_new(0);
    enum tb_err err = count_tasks(list, txn, arena, &count);
    tb_arena_free(arena);
    if (err != TB_OK) {
        return err;
    }
    list->has_stop = true;
    list->stop = count.last;
    list->stop_more = count.more;
    *more = count.more;
    *next = count.last;
    return TB_OK;
}

/* GET /board/tasks and GET /board/review
 *
 * A list that fits into its first piece is answered whole; a longer one in chunks, each from a
 * snapshot of its own. */
#include "board/read.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/link.h"
#include "http/read.h"
#include "http/reply.h"

#define FIRST_PIECE_BYTES ((size_t)256 * 1024)
#define NEXT_PIECE_BYTES  ((size_t)64 * 1024)

struct listing {
    struct tb_list_request request;
    struct tb_list list;
    bool is_whole;    /* no filter: every change of the board may change it */
    uint64_t changes; /* of the board, when its tag was made */
};

static enum tb_piece next_piece(struct tb_request *request, struct tb_arena *arena,
                                struct tb_str *piece)
{
    struct listing *listing = request->stream;
    struct tb_txn *txn;
    if (tb_read_begin(request->worker->reader, arena, &txn) != TB_OK) {
        return TB_PIECE_FAILED;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, NEXT_PIECE_BYTES + NEXT_PIECE_BYTES / 4);
    enum tb_err err = tb_list_piece(&listing->list, txn, &out, NEXT_PIECE_BYTES);
    tb_read_end(&txn);
    if (err != TB_OK) {
        return TB_PIECE_FAILED;
    }
    *piece = tb_buf_str(&out);
    return listing->list.done ? TB_PIECE_LAST : TB_PIECE_MORE;
}

/* Reads the first piece, and whether and where a next page begins. */
static enum tb_err first_piece(struct listing *listing, struct tb_txn *txn, struct tb_buf *out,
                               bool *more, struct tb_position *next)
{
    struct tb_list *list = &listing->list;
    enum tb_err err = tb_list_piece(list, txn, out, FIRST_PIECE_BYTES);
    if (err != TB_OK) {
        return err;
    }
    if (!list->done) {
        return tb_list_find_end(list, txn, more, next);
    }
    *more = list->more;
    *next = list->position;
    return TB_OK;
}

/* --- entity tags --- */

static enum tb_err current_tag(struct tb_request *request, struct tb_txn *txn,
                               struct tb_arena *arena, struct tb_str *tag)
{
    const struct listing *listing = request->stream;
    uint64_t change = tb_txn_head(txn)->changes;
    enum tb_err err =
        listing->is_whole ? TB_OK : tb_read_list_change(txn, &listing->request, &change);
    *tag = tb_etag_of_list(arena, request->http, change);
    return err;
}

/* The headers that say of which moment the list is. */
static enum tb_err set_moment(struct tb_request *request, struct tb_txn *txn)
{
    const struct listing *listing = request->stream;
    const struct tb_head *head = tb_txn_head(txn);
    enum tb_err err = TB_OK;
    tb_reply_set_events_seq(request, head->seq);
    if (head->changes != listing->changes) {
        struct tb_str tag;
        err = current_tag(request, txn, request->arena, &tag);
        tb_reply_set_tag(request, tag);
    }
    return err;
}

static void answer(struct tb_request *request, struct listing *listing)
{
    struct tb_arena *arena = tb_request_piece_arena(request);
    struct tb_txn *txn;
    if (!tb_read_open(request, arena, &txn)) {
        return;
    }
    bool more = false;
    struct tb_position next = {0};
    struct tb_buf out;
    tb_buf_init(&out, arena, 8192);
    tb_list_init(&listing->list, &listing->request);
    enum tb_err err = set_moment(request, txn);
    err = err != TB_OK ? err : first_piece(listing, txn, &out, &more, &next);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    if (more) {
        struct tb_str cursor = tb_cursor_format(request->arena, listing->request.query.order, next);
        request->response.headers[TB_OUT_LINK] = tb_link_next(
            request->arena, tb_str_c(request->route->path), request->query_params, cursor);
    }
    if (listing->list.done) {
        tb_reply_json(request, 200, tb_buf_str(&out));
        return;
    }
    request->response.body = tb_buf_str(&out);
    request->next_piece = next_piece;
    tb_request_stream(request);
}

static bool is_whole(const struct tb_list_request *list)
{
    const struct tb_task_query *query = &list->query;
    return query->states == TB_STATES_ALL && query->assignee.ptr == NULL &&
           query->created_by.ptr == NULL && tb_id_is_zero(query->parent_id) &&
           query->tag_count == 0 && query->word_count == 0 && query->without_tag_count == 0 &&
           query->updated_since_ms == 0 && !list->ready_only && !list->unready_only &&
           !list->nothing;
}

/* The tag as of now, to be compared with the client's. It is never newer than the list that may
 * follow, and made again where that is newer (set_moment()); of a list longer than a piece only the
 * pieces behind the first are newer. That of the list without a filter costs no snapshot. False:
 * answered. */
static bool make_tag(struct tb_request *request, struct tb_str *tag)
{
    struct listing *listing = request->stream;
    struct tb_txn *txn;
    if (listing->is_whole) {
        tb_reply_set_events_seq(request, tb_service_head_seq(request->http->service));
        listing->changes = tb_service_changes(request->http->service);
        *tag = tb_etag_of_list(request->arena, request->http, listing->changes);
        return true;
    }
    if (!tb_read_open(request, request->arena, &txn)) {
        return false;
    }
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    listing->changes = tb_txn_head(txn)->changes;
    enum tb_err err = current_tag(request, txn, request->arena, tag);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
    }
    return err == TB_OK;
}

/* Also when it has been held, and is woken. */
static void list(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_str tag;
    int64_t wait_ms = 0;
    tb_parse_init(request, &parse);
    if (!tb_read_wait(request, &parse, &wait_ms)) {
        return;
    }
    if (!make_tag(request, &tag)) {
        return;
    }
    tb_reply_set_tag(request, tag);
    if (!tb_read_held(request, tag, wait_ms)) {
        answer(request, request->stream);
    }
}

typedef bool parse_list(struct tb_parse *parse, const struct tb_params *params,
                        struct tb_list_request *request);

static void parse_and_list(struct tb_request *request, parse_list *parse_request)
{
    struct tb_parse parse;
    struct listing *listing = tb_arena_alloc(request->arena, sizeof(*listing));
    tb_parse_init(request, &parse);
    if (!parse_request(&parse, request->query_params, &listing->request)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return;
    }
    listing->is_whole = is_whole(&listing->request);
    request->stream = listing;
    request->held.current_tag = current_tag;
    request->held.on_wake = list;
    list(request);
}

void tb_handle_list_tasks(struct tb_request *request)
{
    parse_and_list(request, tb_parse_list);
}

void tb_handle_list_review(struct tb_request *request)
{
    parse_and_list(request, tb_parse_review_list);
}

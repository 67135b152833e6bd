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
    enum tb_err err = first_piece(listing, txn, &out, &more, &next);
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
    request->stream = listing;
    request->next_piece = next_piece;
    tb_request_stream(request);
}

typedef bool parse_list(struct tb_parse *parse, const struct tb_params *params,
                        struct tb_list_request *request);

static void list(struct tb_request *request, parse_list *parse_request)
{
    struct tb_parse parse;
    struct listing *listing = tb_arena_alloc(request->arena, sizeof(*listing));
    tb_parse_init(request, &parse);
    if (!parse_request(&parse, request->query_params, &listing->request)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return;
    }
    /* Read before the snapshot: the tag is never newer than what it is given for. */
    uint64_t seq = tb_service_head_seq(request->http->service);
    struct tb_str tag = tb_etag_of_list(request->arena, request->http, seq);
    tb_reply_set_tag(request, tag);
    tb_reply_set_events_seq(request, seq);
    if (!tb_read_unchanged(request, tag)) {
        answer(request, listing);
    }
}

void tb_handle_list_tasks(struct tb_request *request)
{
    list(request, tb_parse_list);
}

void tb_handle_list_review(struct tb_request *request)
{
    list(request, tb_parse_review_list);
}

/* GET /registry/vms, GET /registry/discover/:role and GET /registry/vms/:id */
#include "board/read.h"
#include "http/context.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

/* Signs of life and claims are no part of the tag. */
static enum tb_err current_tag(struct tb_request *request, struct tb_txn *txn,
                               struct tb_arena *arena, struct tb_str *tag)
{
    *tag = tb_etag_of_list(arena, request->http, tb_txn_head(txn)->vm_changes);
    return TB_OK;
}

static void answer(struct tb_request *request, struct tb_txn *txn)
{
    struct tb_buf out;
    int64_t now_ms = tb_clock_wall_ms(request->http->clock);
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = tb_read_vms(txn, request->stream, now_ms, &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
}

/* Also when it has been held, and is woken. The tag and the body are of one snapshot. */
static void list(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_str tag;
    struct tb_txn *txn;
    int64_t wait_ms = 0;
    tb_parse_init(request, &parse);
    if (!tb_read_wait(request, &parse, &wait_ms) || !tb_read_open(request, request->arena, &txn)) {
        return;
    }
    (void)current_tag(request, txn, request->arena, &tag);
    tb_reply_set_tag(request, tag);
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    if (tb_read_is_unchanged(request, tag)) {
        tb_read_end(&txn);
        (void)tb_read_held(request, tag, wait_ms);
        return;
    }
    answer(request, txn);
}

static void parsed(struct tb_request *request, const struct tb_parse *parse, bool ok,
                   struct tb_vms_request *vms)
{
    if (!ok) {
        tb_reply_refusal(request, parse->refusal.err, parse->refusal.message, parse->refusal.extra);
        return;
    }
    request->stream = vms;
    request->held.current_tag = current_tag;
    request->held.on_wake = list;
    list(request);
}

void tb_handle_list_vms(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_vms_request *vms = tb_arena_zalloc(request->arena, sizeof(*vms));
    tb_parse_init(request, &parse);
    parsed(request, &parse, tb_parse_vms(&parse, request->query_params, vms), vms);
}

void tb_handle_discover(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_str role;
    struct tb_vms_request *vms = tb_arena_zalloc(request->arena, sizeof(*vms));
    tb_parse_init(request, &parse);
    if (!tb_read_path_text(request, 0, &role)) {
        role = TB_STR(""); /* no VM has such a role: an empty list */
    }
    parsed(request, &parse, tb_parse_discover(&parse, request->query_params, role, vms), vms);
}

void tb_handle_get_vm(struct tb_request *request)
{
    struct tb_str id;
    struct tb_txn *txn;
    struct tb_buf out;
    int64_t now_ms = tb_clock_wall_ms(request->http->clock);
    if (!tb_read_vm_id(request, &id) || !tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_buf_init(&out, request->arena, 1024);
    enum tb_err err = tb_read_vm(txn, id, now_ms, &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
}

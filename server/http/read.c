#include "http/read.h"

#include "http/context.h"
#include "http/header.h"
#include "http/reply.h"

void tb_parse_init(struct tb_request *request, struct tb_parse *parse)
{
    bool legacy = (request->route->flags & TB_ROUTE_LEGACY) != 0;
    *parse = (struct tb_parse){
        .arena = request->arena,
        .strict = !legacy || tb_header_prefers(request->headers[TB_IN_PREFER], TB_STR("handling"),
                                               TB_STR("strict")),
    };
}

bool tb_read_task_id(struct tb_request *request, struct tb_id *id)
{
    struct tb_str sent = request->params[0];
    char canonical[TB_ULID_LEN];
    bool parsed = tb_ulid_parse(sent, id);
    if (parsed) {
        /* Ids are matched letter by letter, as they always were: a lower-case one is another. */
        tb_ulid_format(*id, canonical);
    }
    if (!parsed || memcmp(sent.ptr, canonical, TB_ULID_LEN) != 0) {
        tb_reply_error(request, TB_E_TASK_NOT_FOUND);
        return false;
    }
    return true;
}

bool tb_read_open(struct tb_request *request, struct tb_arena *arena, struct tb_txn **txn)
{
    enum tb_err err = tb_read_begin(request->worker->reader, arena, txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return false;
    }
    return true;
}

bool tb_read_unchanged(struct tb_request *request, struct tb_str tag)
{
    if (!tb_header_has_tag(request->headers[TB_IN_IF_NONE_MATCH], tag)) {
        return false;
    }
    tb_reply_not_modified(request);
    return true;
}

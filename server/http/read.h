/* What the handlers of reads share. */
#ifndef TB_HTTP_READ_H
#define TB_HTTP_READ_H

#include "board/parse.h"
#include "http/request.h"

/* The task that the path names. False when it names none that can be: answered 404. */
bool tb_read_task_id(struct tb_request *request, struct tb_id *id);

/* A snapshot, which must be ended before the handler returns. False: answered. */
bool tb_read_open(struct tb_request *request, struct tb_arena *arena, struct tb_txn **txn);

/* True when If-None-Match names `tag` (with its quotes): answered 304. */
bool tb_read_unchanged(struct tb_request *request, struct tb_str tag);

void tb_parse_init(struct tb_request *request, struct tb_parse *parse);

#endif

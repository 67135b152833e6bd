/* What the handlers of reads share. */
#ifndef TB_HTTP_READ_H
#define TB_HTTP_READ_H

#include "board/parse.h"
#include "http/request.h"

/* The task that the path names. False when it names none that can be: answered 404. */
bool tb_read_task_id(struct tb_request *request, struct tb_id *id);

/* An id as it is written here: in capitals. */
bool tb_read_ulid(struct tb_str sent, struct tb_id *id);

/* A parameter of the path, decoded and trimmed. False when it is empty then, or no text. */
bool tb_read_path_text(const struct tb_request *request, size_t param, struct tb_str *text);

/* The id (text) of the VM that the path names. False when no VM can have it: answered. */
bool tb_read_vm_id(struct tb_request *request, struct tb_str *id);

/* A snapshot, which must be ended before the handler returns. False: answered. */
bool tb_read_open(struct tb_request *request, struct tb_arena *arena, struct tb_txn **txn);

/* Does If-None-Match name `tag` (with its quotes)? */
bool tb_read_is_unchanged(const struct tb_request *request, struct tb_str tag);

/* True when it does: answered 304. */
bool tb_read_unchanged(struct tb_request *request, struct tb_str tag);

/* What `wait` in the query, or else in Prefer, says, of a read that has something to wait for: an
 * If-None-Match. It must be asked before the tag is made. False: answered. */
bool tb_read_wait(struct tb_request *request, struct tb_parse *parse, int64_t *wait_ms);

/* The same as tb_read_unchanged, but a request that is ready to wait is held instead;
 * held.current_tag and held.on_wake are set. */
bool tb_read_held(struct tb_request *request, struct tb_str tag, int64_t wait_ms);

/* `name=true` or `name=false` in the query. False: refused, see parse->refusal. */
bool tb_read_switch(const struct tb_request *request, struct tb_parse *parse, const char *name,
                    bool *on);

/* The answer of a read whose whole body was made at once, or its error. */
void tb_read_answer(struct tb_request *request, enum tb_err err, const struct tb_buf *body);

void tb_parse_init(struct tb_request *request, struct tb_parse *parse);

#endif

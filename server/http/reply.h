/* Filling in answers. All of these end with a send: see request.h. */
#ifndef TB_HTTP_REPLY_H
#define TB_HTTP_REPLY_H

#include "http/request.h"

/* The headers that every answer has. */
void tb_reply_init(struct tb_request *request);

void tb_reply_json(struct tb_request *request, int status, struct tb_str body);
void tb_reply_not_modified(struct tb_request *request);

/* Without a body's worth of detail: the error's default sentence. */
void tb_reply_error(struct tb_request *request, enum tb_err err);

/* `message` is a text, absent for the default; `extra` json members with a comma in front each, or
 * absent. An error that is the server's own is logged. */
void tb_reply_refusal(struct tb_request *request, enum tb_err err, struct tb_str message,
                      struct tb_str extra);

/* The same, filled in but not sent yet, under another status than the error's own when `status` is
 * not 0. */
void tb_reply_prepare_refusal(struct tb_request *request, enum tb_err err, int status,
                              struct tb_str message, struct tb_str extra);

/* ETag, and what goes with it. `tag` has its quotes. */
void tb_reply_set_tag(struct tb_request *request, struct tb_str tag);
void tb_reply_set_events_seq(struct tb_request *request, uint64_t seq);

#endif

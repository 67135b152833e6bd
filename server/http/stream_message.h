/* What a client of GET /events/ws may say: another filter, as one JSON object. */
#ifndef TB_HTTP_STREAM_MESSAGE_H
#define TB_HTTP_STREAM_MESSAGE_H

#include "board/parse.h"
#include "board/query.h"

/* Takes {"since"?, "topic"?, "type"?, "taskId"?, "agent"?, "tag"?}: the whole filter from now on,
 * and with `since` where to go on. False: refused, see parse->refusal. */
bool tb_stream_message_parse(struct tb_parse *parse, struct tb_str bytes,
                             struct tb_events_request *filter, bool *has_since);

/* {"type":"error","error":…,"code":…,…} (json, in the arena) */
struct tb_str tb_stream_message_error(struct tb_arena *arena, const struct tb_refusal *refusal);

#endif

/* Entity tags, with their quotes, in the arena. */
#ifndef TB_HTTP_ETAG_H
#define TB_HTTP_ETAG_H

#include "http/context.h"

/* `"<version>"` of a single task. */
struct tb_str tb_etag_of_version(struct tb_arena *arena, uint64_t version);

/* Of any list as of the event `seq`. Strong: a list depends on the log, and on nothing else but its
 * own URL while this server runs. */
struct tb_str tb_etag_of_list(struct tb_arena *arena, const struct tb_http *http, uint64_t seq);

/* Makes http->list_tag. */
void tb_etag_init(struct tb_http *http);

#endif

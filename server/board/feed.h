/* The names of what agents publish: those of the feed's events without `feed.`. Internal to the
 * board. */
#ifndef TB_BOARD_FEED_H
#define TB_BOARD_FEED_H

#include "taskboard/command.h"

struct tb_str tb_feed_type_name(enum tb_event_type type);
bool tb_feed_type_parse(struct tb_str name, enum tb_event_type *type);

/* `,"agent":…,"type":…,"summary":…,"detail"?:…,"metadata"?:…` */
struct tb_str tb_feed_members(struct tb_arena *arena, const struct tb_feed_command *feed);

#endif

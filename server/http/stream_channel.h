/* Channels: a format, a coding and a filter, kept once for all who ask for the same. Internal to
 * the streams.
 */
#ifndef TB_HTTP_STREAM_CHANNEL_H
#define TB_HTTP_STREAM_CHANNEL_H

#include "http/stream.h"

/* Is the event one that the channel shows? */
bool tb_channel_wants(const struct tb_channel *channel, const struct tb_event *event);

#endif

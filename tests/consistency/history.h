/* What the clients did, as it went over the wire: one line an attempt, written when its outcome is
 * known or open for good.
 *
 *   client op kind keyed sent got method path condition status seq etag replayed sent-body
 * answer-body
 *
 * separated by tabs, `-` where there is nothing. Instants are microseconds of CLOCK_MONOTONIC.
 * Status 0: the connection broke, and whether the request took effect is open. */
#ifndef CONSISTENCY_HISTORY_H
#define CONSISTENCY_HISTORY_H

#include "deeds.h"

void history_open(const char *path);
void history_close(void);

/* `answered` false: the connection broke. */
void history_note(const struct client *client, bool answered);

#endif

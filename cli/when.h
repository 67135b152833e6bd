/* Instants as people read them. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdint.h>

#include "base/arena.h"

/* "3m ago", "in 2h", "now"; what is no instant comes back as it is, NULL as NULL. */
const char *cli_when(struct tb_arena *arena, const char *instant);

/* "14:03:59" of today, with the date before it on other days, in local time. */
const char *cli_time_of_day(struct tb_arena *arena, const char *instant);

#endif

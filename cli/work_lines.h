/* What a command tells its worker while it runs: lines on descriptor 3.
 *
 *   progress PERCENT [MESSAGE]        artifact TYPE URL LABEL
 *   summary TEXT                      result JSON
 *   review                            delay SECONDS
 *
 * taskboard.1 describes them. */
#ifndef CLI_WORK_LINES_H
#define CLI_WORK_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define WORK_ARTIFACTS_MAX     100
#define WORK_MESSAGE_BYTES_MAX 1024

struct work_lines {
    struct tb_arena *arena;  /* borrowed; of the task */
    struct tb_buf line;      /* as much as there is of the one that is read */
    bool too_long;           /* the rest of that line is dropped */
    struct tb_buf artifacts; /* JSON objects, with commas */
    unsigned artifact_count;
    struct tb_str result;                 /* JSON; absent: none */
    struct tb_str summary;                /* bytes; absent: none */
    int64_t percent;                      /* -1: none */
    char message[WORK_MESSAGE_BYTES_MAX]; /* there may be very many: no arena */
    size_t message_len;
    unsigned complaints;
    bool has_news; /* progress that the board has not heard of */
    bool review;
    int64_t delay_seconds; /* -1: none */
};

void work_lines_init(struct work_lines *lines, struct tb_arena *arena);

/* Takes what came. Lines that are not known or wrong are said on standard error, with the task's
 * `id`, and ignored. */
void work_lines_feed(struct work_lines *lines, const char *id, const char *bytes, size_t len);

/* The progress as a heartbeat has it; absent when there is none. */
struct tb_str work_lines_progress(const struct work_lines *lines, struct tb_arena *arena);

#endif

/* Where tasks go that are deleted by retention: a file a day, as lines that can be imported. */
#ifndef TB_ARCHIVE_H
#define TB_ARCHIVE_H

#include <stdint.h>

#include "base/str.h"

/* Appends the lines to DIR/done-2026-11-22.ndjson, of that day in UTC, and waits until they are on
 * the disk. `dir` is the folder's name, which must be there. False: they may be there in part only;
 * the log says why. */
bool tb_archive_append(void *dir, int64_t now_ms, struct tb_str lines);

/* NULL, or in the system's words why nothing could be appended in that folder now. Main thread. */
const char *tb_archive_trouble(const char *dir);

#endif

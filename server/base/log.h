/* The process's log: one line a record, on standard error, as logfmt (`key=value`) or JSON.
 *
 * Lines are gathered in a buffer and written when it is full, every 100 ms by tb_log_flush (called
 * by the main thread), at once for warnings and errors, and at exit. Nobody ever waits for a
 * reader of the log: what cannot be written stays in the buffer, and past 1 MiB records are lost
 * and counted. Thread-safe: one short lock. A token or a body never goes in here. */
#ifndef TB_BASE_LOG_H
#define TB_BASE_LOG_H

#include <stdint.h>

#include "base/str.h"

enum tb_log_level { TB_LOG_ERROR, TB_LOG_WARN, TB_LOG_INFO, TB_LOG_DEBUG, TB_LOG_OFF = -1 };
enum tb_log_format { TB_LOG_TEXT, TB_LOG_JSON };

/* To be called before any thread starts. `fd` is borrowed. */
void tb_log_init(int fd, enum tb_log_level level, enum tb_log_format format);
bool tb_log_enabled(enum tb_log_level level);

/* One pair of a record: a number, or bytes (escaped as the format needs; cut at 1 KiB). */
struct tb_log_field {
    const char *key;
    struct tb_str bytes; /* used when ptr != NULL */
    int64_t number;
};

#define TB_LOG_STR(key, str)    ((struct tb_log_field){(key), (str), 0})
#define TB_LOG_C(key, c_string) ((struct tb_log_field){(key), tb_str_c(c_string), 0})
#define TB_LOG_NUM(key, number) ((struct tb_log_field){(key), TB_STR_NONE, (number)})

/* Writes `ts=… level=… msg="…" key=value …`. A pair whose bytes are absent and that was made by
 * TB_LOG_STR is left out by passing it with key NULL. */
void tb_log_record(enum tb_log_level level, const char *message, const struct tb_log_field *fields,
                   size_t field_count);

#define tb_log(level, message, ...)                                                                \
    tb_log_record((level), (message), (const struct tb_log_field[]){__VA_ARGS__},                  \
                  sizeof((const struct tb_log_field[]){__VA_ARGS__}) /                             \
                      sizeof(struct tb_log_field))

void tb_log_flush(void);

#endif

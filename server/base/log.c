#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/instant.h"

#define FULL_BYTES      ((size_t)32 << 10)
#define VALUE_BYTES_MAX ((size_t)1 << 10)
#define WRITE_WAIT_MS   100

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Set by tb_log_init, before any thread starts; only read after that. */
static int log_fd = STDERR_FILENO;
static enum tb_log_level log_level = TB_LOG_OFF;
static enum tb_log_format log_format = TB_LOG_TEXT;

/* Lines that wait to be written. Guarded by the lock; never freed, for a record may come until the
 * very end. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tb_buf lines;

/* A reader that reads nothing for a while (when fd is non-blocking) costs us the lines, as a broken
 * fd does: the server must not stand still for its log. */
static void write_all(const char *at, size_t len)
{
    bool waited = false;
    while (len > 0) {
        ssize_t written = write(log_fd, at, len);
        if (written > 0) {
            at += written;
            len -= (size_t)written;
            waited = false;
        } else if (written < 0 && errno == EAGAIN && !waited) {
            struct pollfd writable = {.fd = log_fd, .events = POLLOUT};
            (void)poll(&writable, 1, WRITE_WAIT_MS);
            waited = true;
        } else if (written == 0 || errno != EINTR) {
            return;
        }
    }
}

static void flush_locked(void)
{
    write_all(lines.ptr, lines.len);
    lines.len = 0;
}

void tb_log_flush(void)
{
    pthread_mutex_lock(&lock);
    flush_locked();
    pthread_mutex_unlock(&lock);
}

void tb_log_init(int fd, enum tb_log_level level, enum tb_log_format format)
{
    pthread_mutex_lock(&lock);
    if (lines.arena == NULL) {
        tb_buf_init(&lines, tb_arena_new(3 * FULL_BYTES), 2 * FULL_BYTES);
        (void)atexit(tb_log_flush);
    }
    flush_locked();
    log_fd = fd;
    log_level = level;
    log_format = format;
    pthread_mutex_unlock(&lock);
}

bool tb_log_enabled(enum tb_log_level level)
{
    return level > TB_LOG_OFF && level <= log_level;
}

/* At most VALUE_BYTES_MAX bytes, cut between characters. */
static struct tb_str cut(struct tb_str bytes)
{
    if (bytes.len <= VALUE_BYTES_MAX) {
        return bytes;
    }
    size_t len = VALUE_BYTES_MAX;
    while (len > VALUE_BYTES_MAX - 3 && ((unsigned char)bytes.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return tb_str_from(bytes.ptr, len);
}

/* Whether logfmt can do without quotes. */
static bool is_bare(struct tb_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return bytes.len > 0;
}

static void add_quoted_bytes(struct tb_str bytes)
{
    TB_BUF_LIT(&lines, "\"");
    tb_buf_add_escaped(&lines, bytes);
    TB_BUF_LIT(&lines, "\"");
}

static void add_value(const struct tb_log_field *field)
{
    if (field->bytes.ptr == NULL) {
        tb_buf_add_i64(&lines, field->number);
        return;
    }
    struct tb_str bytes = cut(field->bytes);
    if (log_format == TB_LOG_TEXT && is_bare(bytes)) {
        tb_buf_add_str(&lines, bytes);
    } else {
        add_quoted_bytes(bytes);
    }
}

static void add_text_start(int64_t now_ms, enum tb_log_level level, struct tb_str message)
{
    TB_BUF_LIT(&lines, "ts=");
    tb_instant_format(now_ms, tb_buf_reserve(&lines, TB_INSTANT_LEN));
    lines.len += TB_INSTANT_LEN;
    TB_BUF_LIT(&lines, " level=");
    tb_buf_add_c(&lines, level_names[level]);
    TB_BUF_LIT(&lines, " msg=");
    add_quoted_bytes(message);
}

static void add_json_start(int64_t now_ms, enum tb_log_level level, struct tb_str message)
{
    TB_BUF_LIT(&lines, "{\"ts\":");
    tb_buf_add_instant(&lines, now_ms);
    TB_BUF_LIT(&lines, ",\"level\":\"");
    tb_buf_add_c(&lines, level_names[level]);
    TB_BUF_LIT(&lines, "\",\"msg\":");
    add_quoted_bytes(message);
}

static void add_text_field(const struct tb_log_field *field)
{
    TB_BUF_LIT(&lines, " ");
    tb_buf_add_c(&lines, field->key);
    TB_BUF_LIT(&lines, "=");
    add_value(field);
}

static void add_json_field(const struct tb_log_field *field)
{
    TB_BUF_LIT(&lines, ",\"");
    tb_buf_add_c(&lines, field->key);
    TB_BUF_LIT(&lines, "\":");
    add_value(field);
}

static void add_record(enum tb_log_level level, const char *message,
                       const struct tb_log_field *fields, size_t field_count)
{
    bool json = log_format == TB_LOG_JSON;
    int64_t now_ms = tb_clock_wall_ms(tb_clock_system());
    (json ? add_json_start : add_text_start)(now_ms, level, cut(tb_str_c(message)));
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].key != NULL) {
            (json ? add_json_field : add_text_field)(&fields[i]);
        }
    }
    tb_buf_add_c(&lines, json ? "}\n" : "\n");
}

void tb_log_record(enum tb_log_level level, const char *message, const struct tb_log_field *fields,
                   size_t field_count)
{
    if (!tb_log_enabled(level)) {
        return;
    }
    pthread_mutex_lock(&lock);
    add_record(level, message, fields, field_count);
    if (level <= TB_LOG_WARN || lines.len >= FULL_BYTES) {
        flush_locked();
    }
    pthread_mutex_unlock(&lock);
}

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/instant.h"

#define FULL_BYTES ((size_t)32 << 10) /* then they are written without waiting for a flush */
#define LINES_BYTES_MAX                                                                            \
    ((size_t)1 << 20) /* kept for a reader that is behind; then lines are lost */
#define VALUE_BYTES_MAX  ((size_t)1 << 10)
#define PIECE_BYTES      4096 /* PIPE_BUF: a pipe that can be written takes so much without blocking */
#define RECORD_BYTES_MAX ((size_t)64 << 10) /* more than any record: values are cut */
#define EXIT_WAIT_MS     100
#define EXIT_WAITS_MAX   10

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* Set by tb_log_init, before any thread starts; only read after that. */
static int log_fd = STDERR_FILENO;
static enum tb_log_level log_level = TB_LOG_OFF;
static enum tb_log_format log_format = TB_LOG_TEXT;

static bool log_is_file; /* writing never has to wait for a reader */

/* Lines that wait to be written. Guarded by the lock; never freed, for a record may come until the
 * very end. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tb_buf lines;
static uint64_t lost_count; /* records that found no room */

/* Whether a write will not block: the server must not stand still for its log. */
static bool can_write(int wait_ms)
{
    struct pollfd writable = {.fd = log_fd, .events = POLLOUT};
    return log_is_file || (poll(&writable, 1, wait_ms) == 1 && (writable.revents & POLLOUT) != 0);
}

/* Writes what can be written at once and keeps the rest. A fd that is broken costs us the lines. */
static void write_some(int wait_ms)
{
    size_t done = 0;
    while (done < lines.len && can_write(wait_ms)) {
        size_t left = lines.len - done;
        size_t piece = log_is_file || left < PIECE_BYTES ? left : PIECE_BYTES;
        ssize_t written = write(log_fd, lines.ptr + done, piece);
        if (written >= 0) {
            done += (size_t)written;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            done = lines.len;
        }
    }
    lines.len -= done;
    memmove(lines.ptr, lines.ptr + done, lines.len);
}

static void flush_locked(void)
{
    write_some(0);
}

void tb_log_flush(void)
{
    pthread_mutex_lock(&lock);
    flush_locked();
    pthread_mutex_unlock(&lock);
}

/* With patience: a reader that is merely slow gets everything. */
static void flush_patiently_locked(void)
{
    for (int i = 0; i < EXIT_WAITS_MAX && lines.len > 0; i++) {
        write_some(EXIT_WAIT_MS);
    }
    lines.len = 0;
}

static void flush_at_exit(void)
{
    pthread_mutex_lock(&lock);
    flush_patiently_locked();
    pthread_mutex_unlock(&lock);
}

void tb_log_init(int fd, enum tb_log_level level, enum tb_log_format format)
{
    pthread_mutex_lock(&lock);
    if (lines.arena == NULL) {
        tb_buf_init(&lines, tb_arena_new(0), LINES_BYTES_MAX + RECORD_BYTES_MAX);
        (void)atexit(flush_at_exit);
    }
    flush_patiently_locked();
    struct stat about;
    log_is_file = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    log_fd = fd;
    lost_count = 0;
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

static void tell_of_lost_records(void)
{
    if (lost_count > 0) {
        const struct tb_log_field lost = TB_LOG_NUM("records", (int64_t)lost_count);
        lost_count = 0;
        add_record(TB_LOG_WARN, "nobody read the log: records were lost", &lost, 1);
    }
}

void tb_log_record(enum tb_log_level level, const char *message, const struct tb_log_field *fields,
                   size_t field_count)
{
    if (!tb_log_enabled(level)) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (lines.len >= LINES_BYTES_MAX) {
        flush_locked();
    }
    if (lines.len < LINES_BYTES_MAX) {
        tell_of_lost_records();
        add_record(level, message, fields, field_count);
    } else {
        lost_count++;
    }
    if (level <= TB_LOG_WARN || lines.len >= FULL_BYTES) {
        flush_locked();
    }
    pthread_mutex_unlock(&lock);
}

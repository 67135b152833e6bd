#include "work_lines.h"

#include <string.h>

#include "base/json.h"
#include "body.h"
#include "cli.h"

#define LINE_BYTES_MAX   (300 * 1024)
#define RESULT_BYTES_MAX (256 * 1024)
#define RESULT_DEPTH_MAX 15 /* the request's body is one more */
#define URL_BYTES_MAX    4096
#define DELAY_MAX        31536000
#define PERCENT_MAX      100
#define COMPLAINTS_MAX   10
#define SHOWN_BYTES      60

void work_lines_init(struct work_lines *lines, struct tb_arena *arena)
{
    *lines = (struct work_lines){.arena = arena, .percent = -1, .delay_seconds = -1};
    tb_buf_init(&lines->line, arena, 256);
    tb_buf_init(&lines->artifacts, arena, 256);
}

/* The first word of `*rest`, which becomes what stands behind it. */
static struct tb_str word(struct tb_str *rest)
{
    size_t start = 0;
    while (start < rest->len && rest->ptr[start] == ' ') {
        start++;
    }
    size_t end = start;
    while (end < rest->len && rest->ptr[end] != ' ') {
        end++;
    }
    struct tb_str found = tb_str_from(rest->ptr + start, end - start);
    while (end < rest->len && rest->ptr[end] == ' ') {
        end++;
    }
    *rest = tb_str_from(rest->ptr + end, rest->len - end);
    return found;
}

/* At most so many bytes, cut between characters. */
static struct tb_str at_most(struct tb_str bytes, size_t max)
{
    size_t len = bytes.len < max ? bytes.len : max;
    return tb_str_from(bytes.ptr, tb_utf8_valid_len(tb_str_from(bytes.ptr, len)));
}

static bool take_progress(struct work_lines *lines, struct tb_str rest)
{
    int64_t percent;
    struct tb_str number = word(&rest);
    if (!tb_str_to_i64(number, &percent) || percent < 0 || percent > PERCENT_MAX) {
        return false;
    }
    lines->percent = percent;
    lines->message_len = at_most(rest, WORK_MESSAGE_BYTES_MAX).len;
    memcpy(lines->message, rest.ptr, lines->message_len);
    lines->has_news = true;
    return true;
}

static bool is_artifact_type(struct tb_str type)
{
    static const char *const types[] = {"branch", "report", "deploy", "diff", "file", "url"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (tb_str_eq_c(type, types[i])) {
            return true;
        }
    }
    return false;
}

static bool take_artifact(struct work_lines *lines, struct tb_str rest)
{
    struct tb_str type = word(&rest);
    struct tb_str url = word(&rest);
    if (!is_artifact_type(type) || url.len == 0 || url.len > URL_BYTES_MAX || rest.len == 0 ||
        lines->artifact_count == WORK_ARTIFACTS_MAX) {
        return false;
    }
    struct cli_body body;
    cli_body_begin(&body, lines->arena);
    cli_body_bytes(&body, "type", type);
    cli_body_bytes(&body, "url", url);
    cli_body_bytes(&body, "label", at_most(rest, URL_BYTES_MAX));
    if (lines->artifact_count++ > 0) {
        TB_BUF_LIT(&lines->artifacts, ",");
    }
    tb_buf_add_str(&lines->artifacts, cli_body_end(&body));
    return true;
}

static bool take_result(struct work_lines *lines, struct tb_str rest)
{
    const struct tb_json_limits limits = {RESULT_DEPTH_MAX, 1, 16};
    struct tb_json_error error;
    const struct tb_json *json = tb_json_parse(lines->arena, rest, &limits, &error);
    if (json == NULL || json->raw.len > RESULT_BYTES_MAX) {
        return false;
    }
    lines->result = json->raw;
    return true;
}

static bool take_delay(struct work_lines *lines, struct tb_str rest)
{
    int64_t seconds;
    if (!tb_str_to_i64(word(&rest), &seconds) || seconds < 0 || seconds > DELAY_MAX) {
        return false;
    }
    lines->delay_seconds = seconds;
    return true;
}

static bool take(struct work_lines *lines, struct tb_str rest)
{
    struct tb_str verb = word(&rest);
    if (verb.len == 0) {
        return true;
    }
    if (tb_str_eq_c(verb, "progress")) {
        return take_progress(lines, rest);
    }
    if (tb_str_eq_c(verb, "artifact")) {
        return take_artifact(lines, rest);
    }
    if (tb_str_eq_c(verb, "result")) {
        return take_result(lines, rest);
    }
    if (tb_str_eq_c(verb, "summary")) {
        lines->summary = tb_arena_dup(lines->arena, rest);
        return rest.len > 0;
    }
    if (tb_str_eq_c(verb, "review")) {
        lines->review = true;
        return true;
    }
    return tb_str_eq_c(verb, "delay") && take_delay(lines, rest);
}

static void end_line(struct work_lines *lines, const char *id)
{
    struct tb_str line = tb_buf_str(&lines->line);
    bool wrong = lines->too_long || !take(lines, line);
    if (wrong && lines->complaints++ < COMPLAINTS_MAX) {
        struct tb_str shown =
            tb_str_from(line.ptr, line.len < SHOWN_BYTES ? line.len : SHOWN_BYTES);
        cli_complain("task %s: this line on descriptor 3 is %s: %s", id,
                     lines->too_long ? "too long" : "not known or wrong",
                     cli_clean(lines->arena, shown, false));
    }
    lines->line.len = 0; /* what was taken of it was copied */
    lines->too_long = false;
}

void work_lines_feed(struct work_lines *lines, const char *id, const char *bytes, size_t len)
{
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - bytes);
        if (lines->line.len + part > LINE_BYTES_MAX) {
            lines->too_long = true;
        } else {
            tb_buf_add(&lines->line, bytes, part);
        }
        if (end != NULL) {
            end_line(lines, id);
            part++;
        }
        bytes += part;
        len -= part;
    }
}

struct tb_str work_lines_progress(const struct work_lines *lines, struct tb_arena *arena)
{
    struct cli_body body;
    if (lines->percent < 0) {
        return TB_STR_NONE;
    }
    cli_body_begin(&body, arena);
    cli_body_number(&body, "percent", lines->percent);
    if (lines->message_len > 0) {
        cli_body_bytes(&body, "message", tb_str_from(lines->message, lines->message_len));
    }
    return cli_body_end(&body);
}

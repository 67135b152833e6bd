#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/log.h"

struct fixture {
    int fd; /* of a temporary file that has no name any more */
    struct tb_arena *arena;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char path[] = "/tmp/tb-test-log-XXXXXX";
    fixture.fd = mkstemp(path);
    fixture.arena = tb_arena_new(0);
    (void)unlink(path);
    *state = &fixture;
    return fixture.fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_log_init(STDERR_FILENO, TB_LOG_OFF, TB_LOG_TEXT);
    close(f->fd);
    tb_arena_free(f->arena);
    return 0;
}

/* What has been written so far. */
static struct tb_str written(struct fixture *f)
{
    off_t size = lseek(f->fd, 0, SEEK_END);
    char *out = tb_arena_alloc(f->arena, (size_t)size + 1);
    assert_int_equal(pread(f->fd, out, (size_t)size, 0), size);
    return tb_str_from(out, (size_t)size);
}

/* The first line without its newline and without `ts=<instant> ` (which is checked) in front. */
static struct tb_str first_line(struct fixture *f)
{
    tb_log_flush();
    struct tb_str all = written(f);
    const char *newline = memchr(all.ptr, '\n', all.len);
    assert_non_null(newline);
    struct tb_str line = tb_str_from(all.ptr, (size_t)(newline - all.ptr));
    int64_t ms;
    assert_true(line.len > 28 && memcmp(line.ptr, "ts=", 3) == 0);
    assert_true(tb_instant_parse(tb_str_from(line.ptr + 3, TB_INSTANT_LEN), &ms));
    return tb_str_from(line.ptr + 28, line.len - 28);
}

static void log_writes_logfmt(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log(TB_LOG_INFO, "task claimed", TB_LOG_C("agent", "builder-1"), TB_LOG_NUM("lease_ms", -30),
           TB_LOG_STR("title", TB_STR("fix it")));
    assert_str(first_line(f),
               "level=info msg=\"task claimed\" agent=builder-1 lease_ms=-30 title=\"fix it\"");
}

static void log_quotes_in_logfmt_what_would_be_misread(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log(TB_LOG_INFO, "a \"b\"\n", TB_LOG_C("a", ""), TB_LOG_C("b", "x=y"), TB_LOG_C("c", "\""),
           TB_LOG_C("d", "\\"), TB_LOG_C("e", "l1\nl2 level=error"), TB_LOG_C("f", "\xc3\xa9"),
           TB_LOG_C("g", "\xff"), TB_LOG_C("h", "/a?b#c:1"), TB_LOG_C("i", "\x7f"));
    assert_str(first_line(f),
               "level=info msg=\"a \\\"b\\\"\\n\" a=\"\" b=\"x=y\" c=\"\\\"\" d=\"\\\\\" "
               "e=\"l1\\nl2 level=error\" f=\"\xc3\xa9\" g=\"\xef\xbf\xbd\" h=/a?b#c:1 "
               "i=\"\x7f\"");
}

static void log_writes_json_that_parses(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_DEBUG, TB_LOG_JSON);
    tb_log(TB_LOG_DEBUG, "a \"b\"\n", TB_LOG_C("agent", "x\\y\x01\xff"), TB_LOG_NUM("n", INT64_MIN),
           TB_LOG_C("empty", ""), TB_LOG_C("plain", "p"));
    tb_log_flush();
    struct tb_str all = written(f);
    assert_int_equal(all.ptr[all.len - 1], '\n');
    static const struct tb_json_limits limits = {4, 4, 100};
    struct tb_json_error error;
    const struct tb_json *root = tb_json_parse(f->arena, all, &limits, &error);
    assert_non_null(root);
    assert_int_equal(root->child_count, 7);
    int64_t ms;
    assert_true(tb_instant_parse(tb_json_text(tb_json_member(root, "ts")), &ms));
    assert_str(tb_json_member(root, "level")->raw, "\"debug\"");
    assert_str(tb_json_member(root, "msg")->raw, "\"a \\\"b\\\"\\n\"");
    assert_str(tb_json_member(root, "agent")->raw, "\"x\\\\y\\u0001\xef\xbf\xbd\"");
    assert_str(tb_json_member(root, "n")->raw, "-9223372036854775808");
    assert_str(tb_json_member(root, "empty")->raw, "\"\"");
    assert_str(tb_json_member(root, "plain")->raw, "\"p\"");
}

static void log_leaves_out_a_pair_without_a_key(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log(TB_LOG_INFO, "m", TB_LOG_C(NULL, "x"), TB_LOG_NUM("n", 0),
           TB_LOG_STR(NULL, TB_STR_NONE));
    assert_str(first_line(f), "level=info msg=\"m\" n=0");
}

static void log_takes_a_record_without_pairs(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log_record(TB_LOG_INFO, "m", NULL, 0);
    assert_str(first_line(f), "level=info msg=\"m\"");
}

static void log_cuts_a_value_at_1_kib_between_characters(void **state)
{
    struct fixture *f = *state;
    static char value[3000];
    memset(value, 'v', sizeof(value));
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log(TB_LOG_INFO, "m", TB_LOG_STR("k", tb_str_from(value, 1024)));
    assert_int_equal(first_line(f).len, strlen("level=info msg=\"m\" k=") + 1024);
    assert_int_equal(ftruncate(f->fd, 0), 0);
    lseek(f->fd, 0, SEEK_SET);
    tb_log(TB_LOG_INFO, "m", TB_LOG_STR("k", tb_str_from(value, sizeof(value))));
    assert_int_equal(first_line(f).len, strlen("level=info msg=\"m\" k=") + 1024);
    assert_int_equal(ftruncate(f->fd, 0), 0);
    lseek(f->fd, 0, SEEK_SET);
    memcpy(value + 1022, "\xe2\x82\xac", 3);
    tb_log(TB_LOG_INFO, "m", TB_LOG_STR("k", tb_str_from(value, sizeof(value))));
    assert_int_equal(first_line(f).len, strlen("level=info msg=\"m\" k=") + 1022);
}

static void log_knows_its_level(void **state)
{
    struct fixture *f = *state;
    for (int level = TB_LOG_OFF; level <= TB_LOG_DEBUG; level++) {
        tb_log_init(f->fd, (enum tb_log_level)level, TB_LOG_TEXT);
        for (int of = TB_LOG_ERROR; of <= TB_LOG_DEBUG; of++) {
            size_t before = written(f).len;
            assert_int_equal(tb_log_enabled((enum tb_log_level)of), of <= level);
            tb_log((enum tb_log_level)of, "m", TB_LOG_NUM("n", 1));
            tb_log_flush();
            assert_int_equal(written(f).len > before, of <= level);
        }
        assert_false(tb_log_enabled(TB_LOG_OFF));
    }
}

static void log_names_its_levels(void **state)
{
    struct fixture *f = *state;
    static const char *const wanted[] = {"level=error", "level=warn", "level=info", "level=debug"};
    tb_log_init(f->fd, TB_LOG_DEBUG, TB_LOG_TEXT);
    for (int of = TB_LOG_ERROR; of <= TB_LOG_DEBUG; of++) {
        assert_int_equal(ftruncate(f->fd, 0), 0);
        lseek(f->fd, 0, SEEK_SET);
        tb_log_record((enum tb_log_level)of, "m", NULL, 0);
        struct tb_str line = first_line(f);
        assert_memory_equal(line.ptr, wanted[of], strlen(wanted[of]));
    }
}

static void log_writes_warnings_at_once_and_the_rest_on_flush(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_DEBUG, TB_LOG_TEXT);
    tb_log_record(TB_LOG_INFO, "one", NULL, 0);
    tb_log_record(TB_LOG_DEBUG, "two", NULL, 0);
    assert_int_equal(written(f).len, 0);
    tb_log_flush();
    size_t len = written(f).len;
    assert_true(len > 0);
    tb_log_flush();
    assert_int_equal(written(f).len, len);
    tb_log_record(TB_LOG_INFO, "three", NULL, 0);
    assert_int_equal(written(f).len, len);
    tb_log_record(TB_LOG_WARN, "four", NULL, 0);
    assert_true(written(f).len > len);
    len = written(f).len;
    tb_log_record(TB_LOG_ERROR, "five", NULL, 0);
    assert_true(written(f).len > len);
    struct tb_str all = written(f);
    char *text = tb_arena_zalloc(f->arena, all.len + 1);
    memcpy(text, all.ptr, all.len);
    static const char *const order[] = {"\"one\"", "\"two\"", "\"three\"", "\"four\"", "\"five\""};
    for (size_t i = 0; i < COUNT(order); i++) {
        text = strstr(text, order[i]);
        assert_non_null(text);
    }
}

static void log_writes_by_itself_when_the_buffer_is_full(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    unsigned records = 0;
    while (written(f).len == 0 && records < 10000) {
        tb_log(TB_LOG_INFO, "filling the buffer", TB_LOG_NUM("n", records));
        records++;
        tb_arena_reset(f->arena);
    }
    assert_in_range(records, 100, 9999);
    tb_log_flush();
    struct tb_str all = written(f);
    unsigned lines = 0;
    for (size_t i = 0; i < all.len; i++) {
        lines += all.ptr[i] == '\n';
    }
    assert_int_equal(lines, records);
}

static void log_takes_a_record_that_is_longer_than_the_buffer(void **state)
{
    struct fixture *f = *state;
    enum { PAIRS = 40 };
    static char value[1024]; /* of NUL bytes: six bytes each when escaped */
    struct tb_log_field fields[PAIRS];
    for (unsigned i = 0; i < PAIRS; i++) {
        fields[i] = TB_LOG_STR("k", tb_str_from(value, sizeof(value)));
    }
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    tb_log_record(TB_LOG_INFO, "m", fields, PAIRS);
    tb_log_record(TB_LOG_INFO, "m", fields, PAIRS);
    assert_int_equal(first_line(f).len, strlen("level=info msg=\"m\"") +
                                            PAIRS * (strlen(" k=\"\"") + 6 * sizeof(value)));
}

static void log_writes_what_is_left_at_exit(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    if (child == 0) {
        tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
        tb_log_record(TB_LOG_INFO, "last words", NULL, 0);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_str(first_line(f), "level=info msg=\"last words\"");
}

/* A blocking pipe: whoever wrote to it once it is full would stand still. */
static void log_gives_up_on_a_reader_that_does_not_read(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    tb_log_init(ends[1], TB_LOG_INFO, TB_LOG_TEXT);
    static char value[1024];
    memset(value, 'v', sizeof(value));
    for (unsigned i = 0; i < 3000; i++) {
        tb_log(TB_LOG_INFO, "m", TB_LOG_STR("k", tb_str_from(value, sizeof(value))));
    }
    tb_log_init(STDERR_FILENO, TB_LOG_OFF, TB_LOG_TEXT);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 't');
    close(ends[0]);
    close(ends[1]);
}

static void *read_slowly(void *ctx)
{
    const struct timespec pause = {0, 1000000};
    const int *fd = ctx;
    size_t *total = malloc(sizeof(*total));
    char bytes[4096];
    ssize_t len;
    *total = 0;
    while ((len = read(*fd, bytes, sizeof(bytes))) > 0) {
        *total += (size_t)len;
        (void)nanosleep(&pause, NULL);
    }
    return total;
}

static void log_waits_for_a_reader_that_is_slow(void **state)
{
    (void)state;
    int ends[2];
    pthread_t reader;
    static char value[1000];
    enum { COUNT_OF_RECORDS = 300 };
    memset(value, 'v', sizeof(value));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
    tb_log_init(ends[1], TB_LOG_INFO, TB_LOG_TEXT);
    for (unsigned i = 0; i < COUNT_OF_RECORDS; i++) {
        tb_log(TB_LOG_INFO, "m", TB_LOG_STR("k", tb_str_from(value, sizeof(value))));
    }
    tb_log_init(STDERR_FILENO, TB_LOG_OFF, TB_LOG_TEXT);
    close(ends[1]);
    void *total;
    assert_int_equal(pthread_join(reader, &total), 0);
    size_t line = strlen("ts=2026-11-22T13:30:00.123Z level=info msg=\"m\" k=\n") + sizeof(value);
    assert_int_equal(*(size_t *)total, COUNT_OF_RECORDS * line);
    free(total);
    close(ends[0]);
}

enum { THREADS = 4, RECORDS = 2000 };

static void *write_records(void *ctx)
{
    const int *number = ctx;
    for (int i = 0; i < RECORDS; i++) {
        tb_log(i % 100 == 0 ? TB_LOG_WARN : TB_LOG_INFO, "m", TB_LOG_NUM("thread", *number),
               TB_LOG_NUM("i", i));
    }
    return NULL;
}

static void log_keeps_the_lines_of_several_threads_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    tb_log_init(f->fd, TB_LOG_INFO, TB_LOG_TEXT);
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_records, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    tb_log_flush();
    struct tb_str all = written(f);
    char *text = tb_arena_zalloc(f->arena, all.len + 1);
    memcpy(text, all.ptr, all.len);
    int next[THREADS] = {0};
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int thread;
        int i;
        char level[8];
        assert_int_equal(
            sscanf(line + 28, "level=%7s msg=\"m\" thread=%d i=%d", level, &thread, &i), 3);
        assert_in_range(thread, 0, THREADS - 1);
        assert_int_equal(i, next[thread]++);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(next[i], RECORDS);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(log_writes_logfmt),
        TEST(log_quotes_in_logfmt_what_would_be_misread),
        TEST(log_writes_json_that_parses),
        TEST(log_leaves_out_a_pair_without_a_key),
        TEST(log_takes_a_record_without_pairs),
        TEST(log_cuts_a_value_at_1_kib_between_characters),
        TEST(log_knows_its_level),
        TEST(log_names_its_levels),
        TEST(log_writes_warnings_at_once_and_the_rest_on_flush),
        TEST(log_writes_by_itself_when_the_buffer_is_full),
        TEST(log_takes_a_record_that_is_longer_than_the_buffer),
        TEST(log_writes_what_is_left_at_exit),
        TEST(log_gives_up_on_a_reader_that_does_not_read),
        TEST(log_waits_for_a_reader_that_is_slow),
        TEST(log_keeps_the_lines_of_several_threads_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

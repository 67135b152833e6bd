#include "unit/base/check.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/transfer.h"

/* As a loop would: what the thread tells wakes it. */
struct reader {
    struct tb_transfer *transfer;
    int wake_fd;
    size_t total; /* bytes that fill() writes */
    enum tb_err ends_with;
    bool stopped; /* write() said that nobody wants more */
};

static void notify(void *ctx)
{
    struct reader *reader = ctx;
    assert_int_equal(eventfd_write(reader->wake_fd, 1), 0);
}

static char byte_at(size_t i)
{
    return (char)('a' + i % 23);
}

/* In chunks of odd sizes. */
static enum tb_err fill(struct tb_transfer *transfer, void *ctx)
{
    struct reader *reader = ctx;
    char chunk[7001];
    for (size_t i = 0; i < reader->total;) {
        size_t len = reader->total - i < sizeof(chunk) ? reader->total - i : sizeof(chunk);
        for (size_t k = 0; k < len; k++) {
            chunk[k] = byte_at(i + k);
        }
        if (!tb_transfer_write(transfer, chunk, len)) {
            reader->stopped = true;
            return TB_E_STORAGE_DOWN;
        }
        i += len;
    }
    return reader->ends_with;
}

static void begin(struct reader *reader)
{
    reader->wake_fd = eventfd(0, EFD_CLOEXEC);
    struct tb_transfer_options options = {
        .fill = fill, .ctx = reader, .notify = notify, .notify_ctx = reader};
    reader->transfer = tb_transfer_start(&options);
    assert_non_null(reader->transfer);
}

static void wait_for_news(struct reader *reader)
{
    struct pollfd look = {.fd = reader->wake_fd, .events = POLLIN};
    eventfd_t count = 0;
    assert_int_equal(poll(&look, 1, 30000), 1);
    assert_int_equal(eventfd_read(reader->wake_fd, &count), 0);
}

static void finish(struct reader *reader)
{
    while (!tb_transfer_is_over(reader->transfer)) {
        wait_for_news(reader);
    }
    tb_transfer_free(&reader->transfer);
    assert_null(reader->transfer);
    close(reader->wake_fd);
}

/* Takes everything; how it ended. */
static enum tb_taken take_all(struct reader *reader, size_t *bytes, enum tb_err *err)
{
    struct tb_str piece;
    *bytes = 0;
    for (;;) {
        enum tb_taken what = tb_transfer_take(reader->transfer, &piece, err);
        if (what == TB_TAKEN_NOTHING) {
            wait_for_news(reader);
        } else if (what != TB_TAKEN_PIECE) {
            return what;
        }
        for (size_t i = 0; what == TB_TAKEN_PIECE && i < piece.len; i++) {
            assert_int_equal(piece.ptr[i], byte_at((*bytes)++));
        }
    }
}

static void all_that_is_written_is_taken(void **state)
{
    (void)state;
    static const size_t totals[] = {0, 1, 262143, 262144, 262145, 524288, 5000000};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        struct reader reader = {.total = totals[i]};
        size_t bytes = 0;
        enum tb_err err = TB_OK;
        begin(&reader);
        assert_int_equal(take_all(&reader, &bytes, &err), TB_TAKEN_END);
        assert_int_equal(bytes, totals[i]);
        finish(&reader);
    }
}

static void an_error_is_told_and_is_no_end(void **state)
{
    (void)state;
    static const size_t totals[] = {0, 1000, 5000000};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        struct reader reader = {.total = totals[i], .ends_with = TB_E_STORAGE_CORRUPT};
        size_t bytes = 0;
        enum tb_err err = TB_OK;
        begin(&reader);
        assert_int_equal(take_all(&reader, &bytes, &err), TB_TAKEN_ERROR);
        assert_int_equal(err, TB_E_STORAGE_CORRUPT);
        assert_true(bytes <= totals[i]);
        finish(&reader);
    }
}

static void a_thread_that_is_ahead_waits_and_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    struct reader reader = {.total = SIZE_MAX};
    struct tb_str piece;
    enum tb_err err = TB_OK;
    begin(&reader);
    for (int i = 0; i < 20;) {
        if (tb_transfer_take(reader.transfer, &piece, &err) == TB_TAKEN_PIECE) {
            i++;
        } else {
            wait_for_news(&reader);
        }
    }
    tb_transfer_cancel(reader.transfer);
    finish(&reader);
    assert_true(reader.stopped);
}

static void one_that_nobody_takes_from_can_be_cancelled(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct reader reader = {.total = i % 2 == 0 ? SIZE_MAX : 0};
        begin(&reader);
        tb_transfer_cancel(reader.transfer);
        finish(&reader);
        assert_int_equal(reader.stopped, i % 2 == 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_written_is_taken),
        cmocka_unit_test(an_error_is_told_and_is_no_end),
        cmocka_unit_test(a_thread_that_is_ahead_waits_and_ends_when_it_is_cancelled),
        cmocka_unit_test(one_that_nobody_takes_from_can_be_cancelled),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}

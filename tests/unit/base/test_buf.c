#include "check.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/instant.h"

struct fixture {
    struct tb_arena *arena;
    struct tb_buf buf;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.arena = tb_arena_new(0);
    tb_buf_init(&fixture.buf, fixture.arena, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->arena);
    return 0;
}

static void buf_that_holds_nothing_is_empty_not_absent(void **state)
{
    struct fixture *f = *state;
    assert_str(tb_buf_str(&f->buf), "");
    tb_buf_add(&f->buf, NULL, 0);
    tb_buf_add_str(&f->buf, TB_STR_NONE);
    assert_str(tb_buf_str(&f->buf), "");
    tb_buf_init(&f->buf, f->arena, 10);
    assert_str(tb_buf_str(&f->buf), "");
}

static void buf_adds_in_order(void **state)
{
    struct fixture *f = *state;
    tb_buf_add(&f->buf, "a\0b", 3);
    tb_buf_add_str(&f->buf, TB_STR("-str"));
    tb_buf_add_c(&f->buf, "-c");
    TB_BUF_LIT(&f->buf, "-lit\0");
    assert_str(tb_buf_str(&f->buf), "a\0b-str-c-lit\0");
}

static void buf_keeps_its_content_while_it_grows(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 100000; i++) {
        char c = (char)(i % 127);
        tb_buf_add(&f->buf, &c, 1);
    }
    assert_int_equal(f->buf.len, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(f->buf.ptr[i], i % 127);
    }
    assert_true(tb_arena_size_bytes(f->arena) < 10 * 100000);
}

static void buf_sized_well_never_moves(void **state)
{
    struct fixture *f = *state;
    tb_buf_init(&f->buf, f->arena, 100);
    const char *before = f->buf.ptr;
    for (unsigned i = 0; i < 100; i++) {
        tb_buf_add(&f->buf, "x", 1);
    }
    assert_ptr_equal(f->buf.ptr, before);
    tb_buf_add(&f->buf, "x", 1);
    assert_ptr_not_equal(f->buf.ptr, before);
    assert_int_equal(f->buf.len, 101);
}

static void buf_reserve_makes_room_and_leaves_the_length(void **state)
{
    struct fixture *f = *state;
    assert_non_null(tb_buf_reserve(&f->buf, 0));
    tb_buf_add_c(&f->buf, "ab");
    char *room = tb_buf_reserve(&f->buf, 5000);
    memset(room, 'z', 5000);
    assert_int_equal(f->buf.len, 2);
    assert_true(f->buf.cap >= 5002);
    f->buf.len += 1;
    assert_str(tb_buf_str(&f->buf), "abz");
}

static void check_number(struct fixture *f, int64_t number)
{
    char wanted[64];
    int len = snprintf(wanted, sizeof(wanted), "%" PRId64 "/%" PRIu64, number, (uint64_t)number);
    f->buf.len = 0;
    tb_buf_add_i64(&f->buf, number);
    TB_BUF_LIT(&f->buf, "/");
    tb_buf_add_u64(&f->buf, (uint64_t)number);
    assert_str_eq(tb_buf_str(&f->buf), tb_str_from(wanted, (size_t)len));
}

static void buf_writes_numbers_as_printf_does(void **state)
{
    struct fixture *f = *state;
    check_number(f, 0);
    check_number(f, INT64_MIN);
    check_number(f, INT64_MAX);
    check_number(f, -1);
    int64_t power = 1;
    for (unsigned i = 0; i < 19; i++) {
        check_number(f, power - 1);
        check_number(f, power);
        check_number(f, -power);
        check_number(f, power + 1);
        power *= i < 18 ? 10 : 1;
    }
    uint64_t random = 7;
    for (unsigned i = 0; i < 100000; i++) {
        check_number(f, (int64_t)(next_random(&random) >> random_below(&random, 64)));
        check_number(f, -(int64_t)(next_random(&random) >> (1 + random_below(&random, 63))));
    }
}

static void buf_quotes_a_text_as_it_stands(void **state)
{
    struct fixture *f = *state;
    tb_buf_add_quoted(&f->buf, TB_STR("a\\n\\\"b"));
    tb_buf_add_quoted(&f->buf, TB_STR("c"));
    tb_buf_add_quoted(&f->buf, TB_STR(""));
    tb_buf_add_quoted(&f->buf, TB_STR_NONE);
    assert_str(tb_buf_str(&f->buf), "\"a\\n\\\"b\"\"c\"\"\"\"\"");
}

static void buf_writes_an_instant_with_quotes(void **state)
{
    struct fixture *f = *state;
    tb_buf_add_instant(&f->buf, 0);
    tb_buf_add_instant(&f->buf, TB_INSTANT_MAX_MS);
    assert_str(tb_buf_str(&f->buf), "\"1970-01-01T00:00:00.000Z\"\"9999-12-31T23:59:59.999Z\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(buf_that_holds_nothing_is_empty_not_absent),
        TEST(buf_adds_in_order),
        TEST(buf_keeps_its_content_while_it_grows),
        TEST(buf_sized_well_never_moves),
        TEST(buf_reserve_makes_room_and_leaves_the_length),
        TEST(buf_writes_numbers_as_printf_does),
        TEST(buf_quotes_a_text_as_it_stands),
        TEST(buf_writes_an_instant_with_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

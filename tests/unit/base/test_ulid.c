#include "check.h"

#include "base/ulid.h"

/* Gives bytes of a seeded stream; or all of one value, once. */
struct fake_random {
    uint64_t state;
    int value; /* -1: the stream */
    unsigned calls;
};

static void fill(void *ctx, void *out, size_t len)
{
    struct fake_random *random = ctx;
    unsigned char *bytes = out;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (unsigned char)(random->value >= 0 ? (unsigned)random->value
                                                      : random_below(&random->state, 256));
    }
    random->calls++;
}

static struct fake_random random_of(int value)
{
    return (struct fake_random){99, value, 0};
}

static struct tb_ulid_source source_of(struct fake_random *random)
{
    return (struct tb_ulid_source){.random = fill, .random_ctx = random};
}

static void ulid_carries_its_millisecond(void **state)
{
    (void)state;
    struct fake_random random = random_of(-1);
    struct tb_ulid_source source = source_of(&random);
    assert_true(tb_ulid_ms(tb_ulid_next(&source, 1)) == 1);
    assert_true(tb_ulid_ms(tb_ulid_next(&source, 1795354200123)) == 1795354200123);
    int64_t last = (INT64_C(1) << 48) - 1;
    assert_true(tb_ulid_ms(tb_ulid_next(&source, last)) == last);
}

static void ulid_counts_up_within_a_millisecond(void **state)
{
    (void)state;
    struct fake_random random = random_of(0xfe);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id first = tb_ulid_next(&source, 5);
    struct tb_id second = tb_ulid_next(&source, 5);
    assert_int_equal(first.bytes[15], 0xfe);
    assert_int_equal(second.bytes[15], 0xff);
    assert_memory_equal(first.bytes, second.bytes, 15);
    struct tb_id third = tb_ulid_next(&source, 5);
    assert_int_equal(third.bytes[15], 0);
    assert_int_equal(third.bytes[14], 0xff);
    assert_int_equal(random.calls, 1);
}

static void ulid_keeps_the_last_time_when_the_clock_is_set_back(void **state)
{
    (void)state;
    struct fake_random random = random_of(-1);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id first = tb_ulid_next(&source, 1000);
    struct tb_id second = tb_ulid_next(&source, 400);
    struct tb_id third = tb_ulid_next(&source, -7);
    assert_true(tb_ulid_ms(second) == 1000);
    assert_true(tb_id_cmp(first, second) < 0);
    assert_true(tb_id_cmp(second, third) < 0);
    assert_true(tb_ulid_ms(tb_ulid_next(&source, 1001)) == 1001);
}

static void ulid_goes_to_the_next_millisecond_when_the_80_bits_overflow(void **state)
{
    (void)state;
    struct fake_random random = random_of(0xff);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id first = tb_ulid_next(&source, 0xffff);
    random.value = 3;
    struct tb_id second = tb_ulid_next(&source, 0xffff);
    assert_true(tb_ulid_ms(first) == 0xffff);
    assert_true(tb_ulid_ms(second) == 0x10000);
    assert_true(tb_id_cmp(first, second) < 0);
    struct tb_id third = tb_ulid_next(&source, 0xffff);
    assert_true(tb_id_cmp(second, third) < 0);
}

static void ulid_never_repeats_or_goes_back(void **state)
{
    (void)state;
    struct fake_random random = random_of(-1);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id last = tb_ulid_next(&source, 1000);
    for (unsigned i = 0; i < 100000; i++) {
        struct tb_id id = tb_ulid_next(&source, 900 + random_below(&random.state, 1000));
        assert_true(tb_id_cmp(last, id) < 0);
        last = id;
    }
}

static void ulid_is_drawn_at_random_in_each_millisecond(void **state)
{
    (void)state;
    struct fake_random random = random_of(-1);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id first = tb_ulid_next(&source, 1);
    struct tb_id second = tb_ulid_next(&source, 2);
    assert_int_equal(random.calls, 2);
    assert_memory_not_equal(first.bytes + 6, second.bytes + 6, 10);
}

static void ulid_goes_on_after_a_restart_from_the_last_id(void **state)
{
    (void)state;
    struct fake_random random = random_of(-1);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id last = tb_ulid_next(&source, 5000);
    struct tb_ulid_source restarted = source_of(&random);
    restarted.last = last;
    assert_true(tb_id_cmp(last, tb_ulid_next(&restarted, 10)) < 0);
}

static void ulid_is_never_the_zero_that_means_none(void **state)
{
    (void)state;
    struct fake_random random = random_of(0);
    struct tb_ulid_source source = source_of(&random);
    struct tb_id first = tb_ulid_next(&source, 0);
    assert_false(tb_id_is_zero(first));
    assert_true(tb_id_cmp(first, tb_ulid_next(&source, 0)) < 0);
    assert_true(tb_id_is_zero((struct tb_id){{0}}));
    assert_false(tb_id_is_zero((struct tb_id){{[15] = 1}}));
    assert_false(tb_id_is_zero((struct tb_id){{[0] = 1}}));
}

/* The example of the ULID specification. */
static const struct tb_id example = {{0x01, 0x56, 0x3e, 0x3a, 0xb5, 0xd3, 0xd6, 0x76, 0x4c, 0x61,
                                      0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}};

static void ulid_format_and_parse_agree_with_the_specification(void **state)
{
    (void)state;
    char out[TB_ULID_LEN + 1];
    out[TB_ULID_LEN] = '#';
    tb_ulid_format(example, out);
    assert_str(tb_str_from(out, TB_ULID_LEN), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_int_equal(out[TB_ULID_LEN], '#');
    struct tb_id id;
    assert_true(tb_ulid_parse(TB_STR("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &id));
    assert_int_equal(tb_id_cmp(id, example), 0);
    assert_true(tb_ulid_parse(TB_STR("01arz3ndektsv4rrffq69g5fav"), &id));
    assert_int_equal(tb_id_cmp(id, example), 0);
    assert_true(tb_ulid_ms(id) == INT64_C(1469922850259));
    assert_true(tb_ulid_parse(TB_STR("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &id));
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(id.bytes[i], 0xff);
    }
    assert_true(tb_ulid_parse(TB_STR("00000000000000000000000000"), &id));
    assert_true(tb_id_is_zero(id));
}

static void ulid_text_sorts_as_the_bytes_do_and_comes_back(void **state)
{
    (void)state;
    struct tb_id last = {{0}};
    char last_text[TB_ULID_LEN];
    tb_ulid_format(last, last_text);
    uint64_t random = 5;
    for (unsigned i = 0; i < 20000; i++) {
        struct tb_id id;
        for (unsigned j = 0; j < 16; j++) {
            id.bytes[j] = (uint8_t)random_below(&random, 256);
        }
        char text[TB_ULID_LEN];
        tb_ulid_format(id, text);
        assert_int_equal(memcmp(text, last_text, TB_ULID_LEN) < 0, tb_id_cmp(id, last) < 0);
        struct tb_id back;
        assert_true(tb_ulid_parse(tb_str_from(text, TB_ULID_LEN), &back));
        assert_int_equal(tb_id_cmp(id, back), 0);
        last = id;
        memcpy(last_text, text, TB_ULID_LEN);
    }
}

static void ulid_parse_takes_the_32_characters_and_no_other(void **state)
{
    (void)state;
    for (unsigned at = 0; at < TB_ULID_LEN; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
            text[at] = (char)c;
            const char *of =
                at == 0 ? "01234567" : "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz";
            bool good = c != 0 && strchr(of, (int)c) != NULL;
            struct tb_id id = example;
            id.bytes[0] = 0x77;
            assert_int_equal(tb_ulid_parse(tb_str_from(text, TB_ULID_LEN), &id), good);
            if (!good) {
                assert_int_equal(id.bytes[0], 0x77);
            }
        }
    }
}

static void ulid_parse_wants_exactly_26_characters(void **state)
{
    (void)state;
    struct tb_id id;
    assert_false(tb_ulid_parse(TB_STR("01ARZ3NDEKTSV4RRFFQ69G5FA"), &id));
    assert_false(tb_ulid_parse(TB_STR("01ARZ3NDEKTSV4RRFFQ69G5FAVV"), &id));
    assert_false(tb_ulid_parse(TB_STR(""), &id));
    assert_false(tb_ulid_parse(TB_STR_NONE, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ulid_carries_its_millisecond),
        cmocka_unit_test(ulid_counts_up_within_a_millisecond),
        cmocka_unit_test(ulid_keeps_the_last_time_when_the_clock_is_set_back),
        cmocka_unit_test(ulid_goes_to_the_next_millisecond_when_the_80_bits_overflow),
        cmocka_unit_test(ulid_never_repeats_or_goes_back),
        cmocka_unit_test(ulid_is_drawn_at_random_in_each_millisecond),
        cmocka_unit_test(ulid_goes_on_after_a_restart_from_the_last_id),
        cmocka_unit_test(ulid_is_never_the_zero_that_means_none),
        cmocka_unit_test(ulid_format_and_parse_agree_with_the_specification),
        cmocka_unit_test(ulid_text_sorts_as_the_bytes_do_and_comes_back),
        cmocka_unit_test(ulid_parse_takes_the_32_characters_and_no_other),
        cmocka_unit_test(ulid_parse_wants_exactly_26_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

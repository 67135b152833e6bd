#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lmdb/keys.h"

static void keys_of_numbers_sort_as_the_numbers_do(void **state)
{
    (void)state;
    static const int64_t numbers[] = {INT64_MIN, INT64_MIN + 1, -256, -1,       0,
                                      1,         255,           256,  INT64_MAX};
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof *numbers; i++) {
        uint8_t low[8];
        uint8_t high[8];
        tb_key_write_i64(low, numbers[i]);
        tb_key_write_i64(high, numbers[i + 1]);
        assert_true(memcmp(low, high, sizeof low) < 0);
        assert_int_equal(tb_key_read_i64(low), numbers[i]);
    }
    uint8_t big[8];
    tb_key_write_u64(big, UINT64_C(0x0102030405060708));
    assert_memory_equal(big, "\x01\x02\x03\x04\x05\x06\x07\x08", sizeof big);
    assert_int_equal(tb_key_read_u64(big), UINT64_C(0x0102030405060708));
    tb_key_write_u32(big, 0x01020304);
    assert_memory_equal(big, "\x01\x02\x03\x04", 4);
}

static struct tb_key text_key(const char *bytes, size_t len)
{
    struct tb_key key;
    tb_key_start(&key, TB_INDEX_TAG);
    tb_key_add_text(&key, tb_str_from(bytes, len));
    return key;
}

static bool begins_with(const struct tb_key *key, const struct tb_key *prefix)
{
    return key->len >= prefix->len && memcmp(key->bytes, prefix->bytes, prefix->len) == 0;
}

/* So that a scan over one text's entries never meets another's. */
static void keys_of_a_text_are_no_prefix_of_anothers(void **state)
{
    (void)state;
    enum { LONGEST = 400 };
    char bytes[LONGEST];
    memset(bytes, 'x', sizeof bytes);
    for (size_t a = 0; a <= LONGEST; a++) {
        for (size_t b = 0; b <= LONGEST; b++) {
            struct tb_key first = text_key(bytes, a);
            struct tb_key second = text_key(bytes, b);
            assert_int_equal(begins_with(&first, &second), a == b);
        }
    }
}

static void keys_of_long_texts_stay_short_and_differ(void **state)
{
    (void)state;
    char bytes[300];
    memset(bytes, 'x', sizeof bytes);
    struct tb_key first = text_key(bytes, sizeof bytes);
    bytes[299] = 'y';
    struct tb_key second = text_key(bytes, sizeof bytes);
    assert_int_equal(first.len, second.len);
    assert_true(first.len <= 1 + TB_KEY_TEXT_BYTES_MAX + 1);
    assert_memory_not_equal(first.bytes, second.bytes, first.len);
    struct tb_key longest = text_key(bytes, TB_KEY_TEXT_BYTES_MAX);
    assert_int_equal(longest.len, 1 + TB_KEY_TEXT_BYTES_MAX + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_numbers_sort_as_the_numbers_do),
        cmocka_unit_test(keys_of_a_text_are_no_prefix_of_anothers),
        cmocka_unit_test(keys_of_long_texts_stay_short_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

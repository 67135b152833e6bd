#include "check.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"

static struct tb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

/* Parses without any tree: the names are checked all the same. */
static bool parses(struct tb_str input, struct tb_json_error *error)
{
    static const struct tb_json_limits limits = {16, 0, 1};
    return tb_json_parse(arena, input, &limits, error) != NULL;
}

/* Writes {"<start>0":0,"<start>1":0,…} with `count` names, the name at index `second` being that of
 * `first`; returns the offset of that second name. */
static size_t write_object(char *out, unsigned count, const char *start, unsigned first,
                           unsigned second)
{
    size_t len = 0;
    size_t offset = 0;
    for (unsigned i = 0; i < count; i++) {
        out[len++] = i == 0 ? '{' : ',';
        offset = i == second ? len : offset;
        len += (size_t)sprintf(out + len, "\"%s%u\":0", start, i == second ? first : i);
    }
    memcpy(out + len, "}", 2);
    return offset;
}

static void json_finds_every_pair_of_equal_names_in_objects_of_any_size(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "k", "1234567", "12345678", "a long start, "};
    static char text[4096];
    for (size_t s = 0; s < COUNT(starts); s++) {
        for (unsigned count = 2; count < 40; count++) {
            (void)write_object(text, count, starts[s], 0, count);
            struct tb_json_error error;
            assert_true(parses(tb_str_c(text), &error));
            for (unsigned pair = 0; pair < count * count; pair++) {
                unsigned first = pair / count;
                unsigned second = pair % count;
                if (first >= second) {
                    continue;
                }
                size_t offset = write_object(text, count, starts[s], first, second);
                assert_false(parses(tb_str_c(text), &error));
                assert_int_equal(error.offset, offset);
                tb_arena_reset(arena);
            }
        }
    }
}

static void json_tells_of_the_first_of_many_equal_names(void **state)
{
    (void)state;
    struct tb_json_error error;
    struct tb_str big =
        TB_STR("{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,"
               "\"j\":0,\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,"
               "\"z\":0,\"z\":1,\"z\":2,\"a\":3}");
    assert_false(parses(big, &error));
    assert_str(error.text, "duplicate key \\\"z\\\" at byte 109");
    assert_int_equal(error.offset, 109);
}

static void json_names_are_only_equal_within_one_object(void **state)
{
    (void)state;
    struct tb_json_error error;
    assert_true(parses(TB_STR("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"), &error));
    assert_false(parses(TB_STR("{\"a\":{\"b\":1,\"c\":{}},\"d\":[],\"a\":1}"), &error));
    assert_false(parses(TB_STR("[[[{\"x\":[{\"y\":1,\"y\":2}]}]]]"), &error));
}

/* Objects within objects, each with few or with many names, with a pair of equal names in one of
 * them or in none. */
static void json_names_of_nested_objects_are_kept_apart(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 10, 16, 17, 40};
    static char inner[2048];
    static char text[8192];
    struct tb_json_error error;
    for (size_t i = 0; i < COUNT(counts) * COUNT(counts); i++) {
        unsigned outer_count = counts[i % COUNT(counts)];
        unsigned inner_count = counts[i / COUNT(counts)];
        for (unsigned second = 1; second <= inner_count; second++) {
            size_t offset = write_object(inner, inner_count, "n", 0, second);
            (void)write_object(text, outer_count, "n", 0, outer_count);
            size_t len = strlen(text) - 1;
            size_t start = len + strlen(",\"x\":[");
            (void)sprintf(text + len, ",\"x\":[%s,%s],\"y\":0}", inner, inner);
            assert_int_equal(parses(tb_str_c(text), &error), second == inner_count);
            if (second < inner_count) {
                assert_int_equal(error.offset, start + offset);
            }
            offset = strlen(text) - 1;
            (void)sprintf(text + offset, ",\"n0\":1}");
            assert_false(parses(tb_str_c(text), &error));
            if (second == inner_count) {
                assert_int_equal(error.offset, offset + 1);
            }
            tb_arena_reset(arena);
        }
    }
}

static void json_names_that_share_a_start_or_a_length_differ(void **state)
{
    (void)state;
    struct tb_json_error error;
    assert_true(parses(TB_STR("{\"\":0,\"a\":0,\"aa\":0,\"12345678\":0,\"123456789\":0,"
                              "\"12345678x\":0,\"1234567\":0,\"12345679\":0}"),
                       &error));
    assert_false(parses(TB_STR("{\"\":0,\"\":0}"), &error));
    assert_false(parses(TB_STR("{\"12345678\":0,\"12345678\":0}"), &error));
    assert_false(parses(TB_STR("{\"12345678x\":0,\"12345678x\":0}"), &error));
}

static void json_names_are_compared_once_canonical(void **state)
{
    (void)state;
    struct tb_json_error error;
    assert_false(parses(TB_STR("{\"a\":0,\"\\u0061\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"a\\\" at byte 7");
    assert_false(parses(TB_STR("{\"\\/\":0,\"/\":0}"), &error));
    assert_false(parses(TB_STR("{\"\\u000A\":0,\"\\n\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"\\n\\\" at byte 12");
    assert_false(parses(TB_STR("{\"\xf0\x9f\x98\x80\":0,\"\\ud83d\\uDE00\":0}"), &error));
    assert_false(parses(TB_STR("{\"\\\"\":0,\"\\u0022\":0}"), &error));
    assert_true(parses(TB_STR("{\"\\\\n\":0,\"\\n\":0}"), &error));
}

static void json_error_shows_no_more_than_the_start_of_a_long_name(void **state)
{
    (void)state;
    struct tb_json_error error;
#define A60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
    assert_false(parses(TB_STR("{\"" A60 "gggg\":0,\"" A60 "gggg\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"" A60 "gggg\\\" at byte 70");
    assert_false(parses(TB_STR("{\"" A60 "ggggg\":0,\"" A60 "ggggg\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"" A60 "gggg...\\\" at byte 71");
    assert_false(
        parses(TB_STR("{\"" A60 "gg\xe2\x82\xac\":0,\"" A60 "gg\xe2\x82\xac\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"" A60 "gg...\\\" at byte 71");
    assert_false(parses(TB_STR("{\"" A60 "ggg\\n\":0,\"" A60 "ggg\\n\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"" A60 "ggg...\\\" at byte 71");
    assert_false(parses(TB_STR("{\"" A60 "\\u0001\":0,\"" A60 "\\u0001\":0}"), &error));
    assert_str(error.text, "duplicate key \\\"" A60 "...\\\" at byte 72");
#undef A60
}

/* Names that were chosen to be slow: alike for long, or in an order that hurts a naive sort. The
 * bound is a hundred times what it takes, and a thousandth of what quadratic work would. */
static void json_takes_100000_names_in_one_object_in_its_stride(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "a start that all the names share: "};
    enum { NAMES = 100000 };
    static char text[NAMES * 50];
    for (size_t s = 0; s < COUNT(starts); s++) {
        (void)write_object(text, NAMES, starts[s], 0, NAMES);
        struct tb_json_error error;
        int64_t before_us = tb_clock_monotonic_us(tb_clock_system());
        assert_true(parses(tb_str_c(text), &error));
        assert_true(tb_clock_monotonic_us(tb_clock_system()) - before_us < 5000000);
        size_t offset = write_object(text, NAMES, starts[s], 5, NAMES - 1);
        assert_false(parses(tb_str_c(text), &error));
        assert_int_equal(error.offset, offset);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_finds_every_pair_of_equal_names_in_objects_of_any_size),
        TEST(json_tells_of_the_first_of_many_equal_names),
        TEST(json_names_are_only_equal_within_one_object),
        TEST(json_names_of_nested_objects_are_kept_apart),
        TEST(json_names_that_share_a_start_or_a_length_differ),
        TEST(json_names_are_compared_once_canonical),
        TEST(json_error_shows_no_more_than_the_start_of_a_long_name),
        TEST(json_takes_100000_names_in_one_object_in_its_stride),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

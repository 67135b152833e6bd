#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lmdb/heads.h"

/* Suffixes as numbers. */
struct suffix {
    uint8_t bytes[TB_FRONT_SUFFIX_BYTES];
};

static struct suffix suffix_of(int number)
{
    struct suffix suffix = {{(uint8_t)(number >> 8), (uint8_t)number}};
    return suffix;
}

static int number_of(const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    return suffix[0] << 8 | suffix[1];
}

static const uint8_t *prefix_of(const char *name)
{
    return (const uint8_t *)name;
}

static struct tb_window *take(struct tb_heads *heads, const char *name)
{
    return tb_heads_take(heads, prefix_of(name), strlen(name));
}

static void put(struct tb_heads *heads, const char *name, int number)
{
    tb_heads_put(heads, prefix_of(name), strlen(name), suffix_of(number).bytes);
}

static void drop(struct tb_heads *heads, const char *name, int number)
{
    tb_heads_drop(heads, prefix_of(name), strlen(name), suffix_of(number).bytes);
}

static bool covers(const struct tb_window *window, int number)
{
    return tb_window_covers(window, suffix_of(number).bytes);
}

/* Fills it as a walk does: with every tenth number. */
static struct tb_window *filled(struct tb_heads *heads, const char *name, int count)
{
    struct tb_window *window = take(heads, name);
    for (int i = 1; i <= count; i++) {
        tb_window_append(window, suffix_of(10 * i).bytes);
    }
    window->known = true;
    tb_heads_give_back(window);
    return window;
}

static void expect(const struct tb_window *window, size_t count, const int *numbers)
{
    assert_int_equal(window->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(number_of(window->entries[i]), numbers[i]);
    }
}

#define EXPECT(window, ...)                                                                        \
    expect(window, sizeof((const int[]){__VA_ARGS__}) / sizeof(int), (const int[]){__VA_ARGS__})

static int set_up(void **state)
{
    *state = tb_heads_new(3);
    return 0;
}

static int tear_down(void **state)
{
    tb_heads_free(*state);
    return 0;
}

static void a_window_that_nobody_filled_says_nothing(void **state)
{
    struct tb_heads *heads = *state;
    struct tb_window *window = take(heads, "a");
    tb_heads_give_back(window);
    assert_false(covers(window, 0));
    put(heads, "a", 5);
    drop(heads, "a", 5);
    put(heads, "unknown", 5);
    drop(heads, "unknown", 5);
    assert_int_equal(window->count, 0);
}

static void a_window_follows_what_is_put_and_dropped(void **state)
{
    struct tb_heads *heads = *state;
    struct tb_window *window = filled(heads, "a", 4);
    put(heads, "a", 25);
    put(heads, "a", 5);
    put(heads, "a", 41); /* behind it: the runs have it */
    put(heads, "b", 1);
    EXPECT(window, 5, 10, 20, 25, 30, 40);
    drop(heads, "a", 10);
    drop(heads, "a", 40);
    drop(heads, "a", 50);
    drop(heads, "b", 20);
    EXPECT(window, 5, 20, 25, 30);
    assert_true(covers(window, 40)); /* it is known to be gone */
    assert_false(covers(window, 41));
    assert_int_equal(tb_window_rank(window, suffix_of(20).bytes), 1);
    assert_int_equal(tb_window_rank(window, suffix_of(21).bytes), 2);
    assert_int_equal(tb_window_rank(window, suffix_of(1000).bytes), 4);
    assert_ptr_equal(take(heads, "a"), window);
    tb_heads_give_back(window);
    EXPECT(window, 5, 20, 25, 30);
}

static void a_whole_window_takes_what_comes_at_the_end(void **state)
{
    struct tb_heads *heads = *state;
    struct tb_window *window = filled(heads, "a", 2);
    window->whole = true;
    put(heads, "a", 500);
    EXPECT(window, 10, 20, 500);
    drop(heads, "a", 10);
    drop(heads, "a", 20);
    drop(heads, "a", 500);
    assert_int_equal(window->count, 0);
    assert_true(covers(window, 501));
}

static void a_window_may_begin_in_the_middle(void **state)
{
    struct tb_heads *heads = *state;
    struct tb_window *window = filled(heads, "a", 4);
    assert_true(tb_window_is_at_beginning(window));
    tb_window_clear(window, suffix_of(15).bytes);
    assert_false(tb_window_is_at_beginning(window));
    assert_false(covers(window, 20));
    tb_window_append(window, suffix_of(20).bytes);
    tb_window_append(window, suffix_of(30).bytes);
    window->known = true;
    put(heads, "a", 14);
    put(heads, "a", 15);
    drop(heads, "a", 10);
    EXPECT(window, 15, 20, 30);
    assert_false(covers(window, 14));
    assert_true(covers(window, 15));
}

static void a_full_window_leaves_its_end_to_the_runs(void **state)
{
    struct tb_heads *heads = *state;
    struct tb_window *window = filled(heads, "a", TB_WINDOW_ENTRIES);
    window->whole = true;
    put(heads, "a", 5);
    assert_int_equal(window->count, TB_WINDOW_ENTRIES / 2 + 1);
    assert_false(window->whole);
    assert_int_equal(number_of(window->entries[0]), 5);
    int last = 10 * TB_WINDOW_ENTRIES / 2;
    assert_true(covers(window, last));
    assert_false(covers(window, last + 1));
}

static void the_window_not_used_for_longest_makes_room(void **state)
{
    struct tb_heads *heads = *state;
    const struct tb_window *a = filled(heads, "a", 1);
    filled(heads, "b", 1);
    struct tb_window *c = take(heads, "c"); /* stays in use */
    assert_ptr_equal(take(heads, "a"), a);
    tb_heads_give_back(take(heads, "d")); /* in the place of b */
    put(heads, "a", 5);
    EXPECT(a, 5, 10);
    struct tb_window *again = take(heads, "b"); /* in the place of d */
    assert_int_equal(again->count, 0);
    assert_null(take(heads, "e"));
    tb_heads_give_back(c);
    c = take(heads, "e");
    assert_non_null(c);
    assert_int_equal(c->count, 0);
}

static void an_abort_forgets_all(void **state)
{
    struct tb_heads *heads = *state;
    filled(heads, "a", 4);
    filled(heads, "b", 4);
    tb_heads_forget(heads);
    struct tb_window *window = take(heads, "a");
    assert_int_equal(window->count, 0);
    assert_false(covers(window, 10));
}

static void freeing_accepts_null(void **state)
{
    (void)state;
    tb_heads_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_window_that_nobody_filled_says_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_window_follows_what_is_put_and_dropped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_whole_window_takes_what_comes_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_window_may_begin_in_the_middle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_window_leaves_its_end_to_the_runs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_window_not_used_for_longest_makes_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_abort_forgets_all, set_up, tear_down),
        cmocka_unit_test(freeing_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

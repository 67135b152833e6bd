#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lmdb/front.h"

/* Suffixes as numbers. */
struct suffix {
    uint8_t bytes[TB_FRONT_SUFFIX_BYTES];
};

static struct suffix suffix_of(int number)
{
    struct suffix suffix = {{(uint8_t)(number >> 8), (uint8_t)number}};
    return suffix;
}

static const struct suffix end = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static int number_of(const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    return suffix[0] << 8 | suffix[1];
}

static struct tb_front_list list_of(const char *name, uint64_t without)
{
    return (struct tb_front_list){(const uint8_t *)name, strlen(name), {{without, without}}};
}

static void put(struct tb_fronts *fronts, const char *name, int number)
{
    tb_fronts_put(fronts, (const uint8_t *)name, strlen(name), suffix_of(number).bytes);
}

static void raise_to(struct tb_fronts *fronts, const char *name, uint64_t txn, bool writes,
                     int number)
{
    struct tb_front_list list = list_of(name, 0);
    tb_fronts_raise(fronts, &list, (struct tb_front_view){txn, writes}, suffix_of(number).bytes);
}

/* -1: nothing is known. */
static int find(struct tb_fronts *fronts, const char *name, uint64_t txn, bool writes)
{
    struct tb_front_list list = list_of(name, 0);
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    bool known = tb_fronts_find(fronts, &list, (struct tb_front_view){txn, writes}, mark);
    return known ? number_of(mark) : -1;
}

static int set_up(void **state)
{
    *state = tb_fronts_new(8);
    return 0;
}

static int tear_down(void **state)
{
    tb_fronts_free(*state);
    return 0;
}

static void freeing_accepts_null(void **state)
{
    (void)state;
    tb_fronts_free(NULL);
}

static void the_writers_mark_is_its_own_until_it_commits(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    assert_int_equal(find(fronts, "a", 10, true), -1);
    raise_to(fronts, "a", 10, true, 5);
    assert_int_equal(find(fronts, "a", 10, true), 5);
    assert_int_equal(find(fronts, "a", 9, false), -1);
    assert_int_equal(find(fronts, "a", 10, false), -1);
    assert_int_equal(find(fronts, "b", 10, true), -1);
    tb_fronts_publish(fronts, 10);
    assert_int_equal(find(fronts, "a", 9, false), -1);
    assert_int_equal(find(fronts, "a", 10, false), 5);
    assert_int_equal(find(fronts, "a", 11, false), 5);
}

static void an_abort_forgets_the_writers_mark(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    raise_to(fronts, "a", 10, true, 5);
    tb_fronts_publish(fronts, 10);
    tb_fronts_begin(fronts, 11);
    raise_to(fronts, "a", 11, true, 8);
    assert_int_equal(find(fronts, "a", 11, true), 8);
    tb_fronts_abort(fronts);
    tb_fronts_begin(fronts, 11);
    assert_int_equal(find(fronts, "a", 11, true), 5);
    assert_int_equal(find(fronts, "a", 10, false), 5);
}

static void a_transaction_that_changed_nothing_speaks_for_the_snapshot_before(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    raise_to(fronts, "a", 10, true, 5);
    tb_fronts_publish(fronts, 9);
    assert_int_equal(find(fronts, "a", 9, false), 5);
    assert_int_equal(find(fronts, "a", 8, false), -1);
}

static void a_put_below_lowers_every_mark_at_once(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    raise_to(fronts, "a", 10, true, 20);
    tb_fronts_publish(fronts, 10);
    tb_fronts_begin(fronts, 11);
    raise_to(fronts, "a", 11, true, 30);
    put(fronts, "a", 40); /* above: it lowers nothing */
    put(fronts, "b", 1);
    assert_int_equal(find(fronts, "a", 11, true), 30);
    put(fronts, "a", 25);
    assert_int_equal(find(fronts, "a", 11, true), 25);
    assert_int_equal(find(fronts, "a", 10, false), 20);
    put(fronts, "a", 15);
    assert_int_equal(find(fronts, "a", 11, true), 15);
    assert_int_equal(find(fronts, "a", 10, false), 15);
    tb_fronts_abort(fronts); /* and it stays so */
    assert_int_equal(find(fronts, "a", 10, false), 15);
}

static void an_older_snapshot_finds_an_older_mark(void **state)
{
    struct tb_fronts *fronts = *state;
    for (uint64_t txn = 10; txn < 20; txn++) {
        tb_fronts_begin(fronts, txn);
        raise_to(fronts, "a", txn, true, (int)txn * 2);
        tb_fronts_publish(fronts, txn);
    }
    assert_int_equal(find(fronts, "a", 19, false), 38);
    assert_int_equal(find(fronts, "a", 18, false), 36);
    assert_int_equal(find(fronts, "a", 17, false), 34);
    assert_int_equal(find(fronts, "a", 12, false), -1); /* too old */
}

/* --- what a reader may say --- */

static void a_readers_mark_holds_when_nothing_was_put_since(void **state)
{
    struct tb_fronts *fronts = *state;
    raise_to(fronts, "a", 10, false, 5); /* no writer has begun */
    assert_int_equal(find(fronts, "a", 10, false), 5);
    assert_int_equal(find(fronts, "a", 9, false), -1);
    tb_fronts_begin(fronts, 11);
    put(fronts, "a", 50);
    tb_fronts_publish(fronts, 11);
    raise_to(fronts, "a", 11, false, 20);
    assert_int_equal(find(fronts, "a", 11, false), 20);
    assert_int_equal(find(fronts, "a", 10, false), 5);
    raise_to(fronts, "a", 11, false, 7); /* says less than is known */
    assert_int_equal(find(fronts, "a", 11, false), 20);
}

static void a_reader_that_is_one_behind_may_speak_of_what_lies_below_the_puts(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    raise_to(fronts, "a", 10, true, 1);
    tb_fronts_publish(fronts, 10);
    tb_fronts_begin(fronts, 11);
    put(fronts, "a", 50);
    put(fronts, "a", 30);
    put(fronts, "a", 40);
    raise_to(fronts, "a", 10, false, 31);
    assert_int_equal(find(fronts, "a", 10, false), 1);
    raise_to(fronts, "a", 10, false, 30);
    assert_int_equal(find(fronts, "a", 10, false), 30);
    assert_int_equal(find(fronts, "a", 11, true), 30);
}

static void a_reader_that_is_far_behind_may_not_speak(void **state)
{
    struct tb_fronts *fronts = *state;
    raise_to(fronts, "a", 5, false, 1);
    for (uint64_t txn = 10; txn < 12; txn++) {
        tb_fronts_begin(fronts, txn);
        put(fronts, "a", 50);
        tb_fronts_publish(fronts, txn);
    }
    raise_to(fronts, "a", 9, false, 20);
    assert_int_equal(find(fronts, "a", 9, false), 1);
}

static void of_a_list_that_was_not_known_a_reader_behind_may_not_speak(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    put(fronts, "a", 3); /* nobody notes it */
    raise_to(fronts, "a", 9, false, 5);
    assert_int_equal(find(fronts, "a", 9, false), -1);
    tb_fronts_publish(fronts, 10);
    raise_to(fronts, "a", 10, false, 3);
    assert_int_equal(find(fronts, "a", 10, false), 3);
}

static void puts_of_an_aborted_transaction_count_with_those_of_the_next(void **state)
{
    struct tb_fronts *fronts = *state;
    raise_to(fronts, "a", 9, false, 1);
    tb_fronts_begin(fronts, 10);
    put(fronts, "a", 20);
    tb_fronts_abort(fronts);
    tb_fronts_begin(fronts, 10);
    put(fronts, "a", 40);
    raise_to(fronts, "a", 9, false, 30);
    assert_int_equal(find(fronts, "a", 9, false), 1);
    raise_to(fronts, "a", 9, false, 20);
    assert_int_equal(find(fronts, "a", 9, false), 20);
}

/* --- excluded tags --- */

static int find_without(struct tb_fronts *fronts, uint64_t without, uint64_t txn)
{
    struct tb_front_list list = list_of("a", without);
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    bool known = tb_fronts_find(fronts, &list, (struct tb_front_view){txn, false}, mark);
    return known ? number_of(mark) : -1;
}

static void a_mark_for_excluded_tags_is_for_that_set_only(void **state)
{
    struct tb_fronts *fronts = *state;
    struct tb_front_view view = {10, false};
    struct tb_front_list one = list_of("a", 1);
    struct tb_front_list two = list_of("a", 2);
    raise_to(fronts, "a", 10, false, 5);
    tb_fronts_raise(fronts, &one, view, suffix_of(20).bytes);
    assert_int_equal(find_without(fronts, 1, 10), 20);
    assert_int_equal(find_without(fronts, 2, 10), 5); /* what holds for all holds for it */
    assert_int_equal(find_without(fronts, 0, 10), 5);
    tb_fronts_raise(fronts, &two, view, suffix_of(30).bytes);
    assert_int_equal(find_without(fronts, 2, 10), 30);
    assert_int_equal(find_without(fronts, 1, 10), 20);
    raise_to(fronts, "a", 10, false, 40);
    assert_int_equal(find_without(fronts, 2, 10), 40);
    tb_fronts_begin(fronts, 11);
    put(fronts, "a", 25);
    assert_int_equal(find_without(fronts, 2, 10), 25);
    assert_int_equal(find_without(fronts, 0, 10), 25);
}

/* Four sets fit beside each other, and each is lowered by what comes. */
static void the_set_not_used_for_longest_makes_room_for_another(void **state)
{
    struct tb_fronts *fronts = *state;
    struct tb_front_view view = {10, false};
    raise_to(fronts, "a", 10, false, 5);
    for (uint64_t set = 1; set <= 4; set++) {
        struct tb_front_list list = list_of("a", set);
        tb_fronts_raise(fronts, &list, view, suffix_of((int)set * 10).bytes);
    }
    assert_int_equal(find_without(fronts, 1, 10), 10);
    struct tb_front_list fifth = list_of("a", 5);
    tb_fronts_raise(fronts, &fifth, view, suffix_of(50).bytes);
    assert_int_equal(find_without(fronts, 1, 10), 10);
    assert_int_equal(find_without(fronts, 2, 10), 5);
    assert_int_equal(find_without(fronts, 3, 10), 30);
    assert_int_equal(find_without(fronts, 5, 10), 50);
    tb_fronts_begin(fronts, 11);
    put(fronts, "a", 7);
    for (uint64_t set = 0; set <= 5; set++) {
        assert_int_equal(find_without(fronts, set, 10), set == 0 || set == 2 ? 5 : 7);
    }
}

/* --- room --- */

static void the_list_not_used_for_longest_makes_room(void **state)
{
    struct tb_fronts *fronts = *state;
    char names[9][2] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    for (int i = 0; i < 8; i++) {
        raise_to(fronts, names[i], 10, false, i + 1);
    }
    assert_int_equal(find(fronts, "0", 10, false), 1);
    raise_to(fronts, names[8], 10, false, 9);
    assert_int_equal(find(fronts, "1", 10, false), -1);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(find(fronts, names[i], 10, false), i == 1 ? -1 : i + 1);
    }
}

static void a_pending_mark_may_be_evicted(void **state)
{
    struct tb_fronts *fronts = *state;
    tb_fronts_begin(fronts, 10);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            char name[3];
            snprintf(name, sizeof name, "%d", i);
            raise_to(fronts, name, 10, true, 7);
        }
    }
    tb_fronts_publish(fronts, 10);
    assert_int_equal(find(fronts, "19", 10, false), 7);
    assert_int_equal(find(fronts, "3", 10, false), -1);
}

/* --- against a model --- */

enum { LISTS = 5, KEYS = 48, TAGS = 3, KEPT = 12, STEPS = 400000 };

/* For each key of each list: 0: not there; else 1 + the set of the tags of its task. */
struct world {
    uint8_t entries[LISTS][KEYS];
};

struct model {
    struct tb_fronts *fronts;
    uint64_t random;
    uint64_t committed;         /* number of the latest commit */
    struct world history[KEPT]; /* of commit n at n % KEPT */
    bool writing;
    bool wrote;
    struct world now; /* as the write transaction sees it */
    uint64_t exact;   /* how often a mark was at the very front */
    uint64_t met[4]; /* how often something was known, and how often not; for readers, the writer */
};

static uint64_t pick(struct model *model, uint64_t bound)
{
    uint64_t z = (model->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static const char *const names[LISTS] = {"a", "b", "abcdefghijklmnopq", "\x01", "ab"};

/* The first live entry with none of those tags, KEYS when there is none. */
static int true_front(const struct world *world, int list, unsigned without)
{
    for (int key = 0; key < KEYS; key++) {
        uint8_t entry = world->entries[list][key];
        if (entry != 0 && ((unsigned)(entry - 1) & without) == 0) {
            return key;
        }
    }
    return KEYS;
}

struct look {
    const struct world *world;
    struct tb_front_view view;
};

/* Somebody's view: the writer's, or that of a snapshot, mostly a new one. */
static struct look some_look(struct model *model)
{
    if (model->writing && pick(model, 2) == 0) {
        return (struct look){&model->now, {model->committed + 1, true}};
    }
    uint64_t age = pick(model, 3) == 0 ? pick(model, KEPT) : pick(model, 2);
    uint64_t n = age < model->committed ? model->committed - age : model->committed;
    return (struct look){&model->history[n % KEPT], {n, false}};
}

static void look_and_tell(struct model *model)
{
    struct look look = some_look(model);
    int list = (int)pick(model, LISTS);
    unsigned without = pick(model, 2) == 0 ? 0 : (unsigned)pick(model, 1U << TAGS);
    struct tb_front_list front = list_of(names[list], without);
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    int first = true_front(look.world, list, without);
    bool known = tb_fronts_find(model->fronts, &front, look.view, mark);
    model->met[2 * look.view.writes + known]++;
    model->exact += known && number_of(mark) == first;
    if (known && memcmp(mark, end.bytes, sizeof mark) != 0) {
        assert_true(number_of(mark) <= first);
    } else if (known) {
        assert_int_equal(first, KEYS);
    }
    if (pick(model, 2) == 0) {
        tb_fronts_raise(model->fronts, &front, look.view,
                        first == KEYS ? end.bytes : suffix_of(first).bytes);
    }
}

/* Puts, drops, or changes the tags of one entry. Most puts come at the back. */
static void write_something(struct model *model)
{
    int list = (int)pick(model, LISTS);
    int key = (int)(pick(model, 3) == 0 ? pick(model, KEYS) : KEYS / 2 + pick(model, KEYS / 2));
    int first = true_front(&model->now, list, 0);
    if (pick(model, 2) == 0 && first < KEYS) {
        key = first; /* where a queue loses its entries */
    }
    uint8_t *entry = &model->now.entries[list][key];
    model->wrote = true;
    if (*entry != 0 && pick(model, 4) != 0) {
        *entry = 0;
        return;
    }
    *entry = (uint8_t)(1 + pick(model, 1U << TAGS)); /* new, or with other tags */
    put(model->fronts, names[list], key);
}

static void begin_or_end(struct model *model)
{
    if (!model->writing) {
        model->writing = true;
        model->wrote = false;
        model->now = model->history[model->committed % KEPT];
        tb_fronts_begin(model->fronts, model->committed + 1);
        return;
    }
    model->writing = false;
    if (!model->wrote) {
        tb_fronts_publish(model->fronts, model->committed);
    } else if (pick(model, 4) == 0) {
        tb_fronts_abort(model->fronts);
    } else {
        model->committed++;
        model->history[model->committed % KEPT] = model->now;
        tb_fronts_publish(model->fronts, model->committed);
    }
}

static void run_model(uint64_t seed, unsigned capacity)
{
    struct model *model = calloc(1, sizeof *model);
    model->fronts = tb_fronts_new(capacity);
    model->random = seed;
    model->committed = 1;
    for (int i = 0; i < STEPS; i++) {
        uint64_t roll = pick(model, 10);
        if (roll == 0) {
            begin_or_end(model);
        } else if (roll < 4 && model->writing) {
            write_something(model);
        } else {
            look_and_tell(model);
        }
    }
    print_message(
        "capacity %u: readers knew %llu of %llu, the writer %llu of %llu\n", capacity,
        (unsigned long long)model->met[1], (unsigned long long)model->met[0] + model->met[1],
        (unsigned long long)model->met[3], (unsigned long long)model->met[2] + model->met[3]);
    assert_true(model->met[1] > 0 && model->met[3] > 0);
    assert_true(capacity < LISTS || model->exact > STEPS / 4); /* nor are they useless */
    tb_fronts_free(model->fronts);
    free(model);
}

static void marks_are_never_wrong_whatever_happens(void **state)
{
    (void)state;
    const char *seed = getenv("TB_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    for (uint64_t i = first; i < first + 3; i++) {
        run_model(i, 64);
        run_model(i, 3);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(freeing_accepts_null),
        cmocka_unit_test_setup_teardown(the_writers_mark_is_its_own_until_it_commits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_abort_forgets_the_writers_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_transaction_that_changed_nothing_speaks_for_the_snapshot_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_put_below_lowers_every_mark_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_snapshot_finds_an_older_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_readers_mark_holds_when_nothing_was_put_since, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_reader_that_is_one_behind_may_speak_of_what_lies_below_the_puts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_that_is_far_behind_may_not_speak, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_a_list_that_was_not_known_a_reader_behind_may_not_speak,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(puts_of_an_aborted_transaction_count_with_those_of_the_next,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mark_for_excluded_tags_is_for_that_set_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_set_not_used_for_longest_makes_room_for_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_list_not_used_for_longest_makes_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pending_mark_may_be_evicted, set_up, tear_down),
        cmocka_unit_test(marks_are_never_wrong_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Members that are made of parts: what zlib's reader makes of them. */
#include "http/gzip.h"
#include "unit/base/check.h"

#include <string.h>
#include <zlib.h>

#define GZIP_ONLY  31 /* of inflateInit2() */
#define RAW        (-15)
#define SPACE      ((size_t)1024 * 1024)
#define WORDS_LEN  ((size_t)300 * 1000)
#define STORED_MAX 65535

static struct tb_arena *arena;
static struct tb_gzip *gzip;
static struct tb_str words; /* events are like that: the same again, with other numbers */
static struct tb_str noise; /* cannot be compressed */

struct member {
    struct tb_buf out;
    struct tb_buf plain; /* what went into it */
    struct tb_gzip_sum sum;
};

static struct member begin(void)
{
    struct member member = {.sum = {0, 0}};
    tb_buf_init(&member.out, arena, 64);
    tb_buf_init(&member.plain, arena, 64);
    tb_gzip_begin(&member.out);
    return member;
}

static void add(struct member *member, struct tb_str plain, bool stored)
{
    struct tb_gzip_part part = tb_gzip_part_of(plain);
    if (stored) {
        tb_gzip_store(&member->out, plain);
    } else {
        tb_gzip_deflate(gzip, &member->out, plain);
    }
    tb_gzip_add(&member->sum, &part);
    tb_buf_add_str(&member->plain, plain);
}

/* What the reader has when it was sent these bytes, and what it thinks of them. */
static int read_all(int window_bits, struct tb_str bytes, struct tb_str *plain)
{
    char *space = tb_arena_alloc(arena, SPACE);
    z_stream reader = {
        .next_in = (Bytef *)(uintptr_t)bytes.ptr,
        .avail_in = (uInt)bytes.len,
        .next_out = (Bytef *)space,
        .avail_out = SPACE,
    };
    assert_int_equal(inflateInit2(&reader, window_bits), Z_OK);
    int result = inflate(&reader, Z_SYNC_FLUSH);
    assert_true(reader.avail_in == 0 || result == Z_DATA_ERROR);
    *plain = tb_str_from(space, SPACE - reader.avail_out);
    assert_int_equal(inflateEnd(&reader), Z_OK);
    return result;
}

static void check(struct member *member)
{
    struct tb_str got;
    assert_int_equal(read_all(GZIP_ONLY, tb_buf_str(&member->out), &got), Z_OK);
    assert_str_eq(got, tb_buf_str(&member->plain));
    tb_gzip_end(&member->out, &member->sum);
    assert_int_equal(read_all(GZIP_ONLY, tb_buf_str(&member->out), &got), Z_STREAM_END);
    assert_str_eq(got, tb_buf_str(&member->plain));
}

static void a_member_of_nothing_is_whole(void **state)
{
    (void)state;
    struct member member = begin();
    check(&member);
}

static void every_part_is_there_as_soon_as_it_is_sent(void **state)
{
    (void)state;
    struct member member = begin();
    for (size_t i = 0; i < 20; i++) {
        struct tb_str got;
        add(&member, tb_str_from(words.ptr + 1000 * i, 1 + 997 * i), i % 3 == 0);
        assert_int_equal(read_all(GZIP_ONLY, tb_buf_str(&member.out), &got), Z_OK);
        assert_str_eq(got, tb_buf_str(&member.plain));
    }
    check(&member);
}

static void a_part_refers_to_nothing_in_front_of_it(void **state)
{
    (void)state;
    struct tb_buf out;
    struct tb_str got, plain = tb_str_from(words.ptr, 5000);
    for (int i = 0; i < 3; i++) {
        tb_buf_init(&out, arena, 64);
        tb_gzip_deflate(gzip, &out, plain);
        assert_int_equal(read_all(RAW, tb_buf_str(&out), &got), Z_OK);
        assert_str_eq(got, plain);
    }
}

static void the_same_part_stands_in_any_member(void **state)
{
    (void)state;
    struct tb_str plain = tb_str_from(words.ptr, 70000);
    struct tb_gzip_part part = tb_gzip_part_of(plain);
    struct tb_buf shared;
    tb_buf_init(&shared, arena, 64);
    tb_gzip_deflate(gzip, &shared, plain);
    for (size_t i = 0; i < 5; i++) {
        struct member member = begin();
        add(&member, tb_str_from(noise.ptr, 100 * i + 1), i % 2 == 0);
        for (size_t times = 0; times < i; times++) {
            tb_buf_add_str(&member.out, tb_buf_str(&shared));
            tb_gzip_add(&member.sum, &part);
            tb_buf_add_str(&member.plain, plain);
        }
        add(&member, tb_str_from(words.ptr + i, 300), i % 2 == 1);
        check(&member);
    }
}

static void parts_of_any_size_and_content(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 100, 4095, 16383, 16384, 65535, 131071, 131072, 200000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct member member = begin();
        add(&member, tb_str_from(noise.ptr, sizes[i]), false);
        add(&member, tb_str_from(words.ptr, sizes[i]), false);
        add(&member, tb_str_from(noise.ptr, sizes[i]), true);
        check(&member);
    }
}

static void what_is_stored_can_be_read_as_it_is(void **state)
{
    (void)state;
    struct tb_buf out;
    tb_buf_init(&out, arena, 64);
    tb_gzip_store(&out, TB_STR("abc"));
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.ptr,
                        "\0\x03\0\xfc\xff"
                        "abc",
                        8);
    tb_buf_init(&out, arena, 64);
    tb_gzip_store(&out, tb_str_from(words.ptr, STORED_MAX + 1));
    assert_int_equal(out.len, STORED_MAX + 1 + 2 * 5);
}

static void events_become_a_fraction(void **state)
{
    (void)state;
    struct tb_buf out;
    tb_buf_init(&out, arena, 64);
    tb_gzip_deflate(gzip, &out, words);
    assert_true(out.len < words.len / 10);
}

static void a_wrong_sum_is_noticed(void **state)
{
    (void)state;
    struct tb_str got;
    struct member member = begin();
    add(&member, TB_STR("some"), true);
    add(&member, TB_STR("thing"), true);
    member.sum.crc ^= 1;
    tb_gzip_end(&member.out, &member.sum);
    assert_int_equal(read_all(GZIP_ONLY, tb_buf_str(&member.out), &got), Z_DATA_ERROR);
}

static int set_up(void **state)
{
    (void)state;
    uint64_t random = 7;
    struct tb_buf text;
    arena = tb_arena_new(0);
    gzip = tb_gzip_new();
    tb_buf_init(&text, arena, WORDS_LEN + 100);
    while (text.len < WORDS_LEN) {
        TB_BUF_LIT(&text,
                   "data: {\"type\":\"task.created\",\"title\":\"run the nightly build\",\"n\":");
        tb_buf_add_u64(&text, text.len);
        TB_BUF_LIT(&text, "}\n\n");
    }
    words = tb_str_from(text.ptr, WORDS_LEN);
    char *bytes = tb_arena_alloc(arena, WORDS_LEN);
    for (size_t i = 0; i < WORDS_LEN; i++) {
        bytes[i] = (char)next_random(&random);
    }
    noise = tb_str_from(bytes, WORDS_LEN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_gzip_free(&gzip);
    assert_null(gzip);
    tb_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_of_nothing_is_whole),
        cmocka_unit_test(every_part_is_there_as_soon_as_it_is_sent),
        cmocka_unit_test(a_part_refers_to_nothing_in_front_of_it),
        cmocka_unit_test(the_same_part_stands_in_any_member),
        cmocka_unit_test(parts_of_any_size_and_content),
        cmocka_unit_test(what_is_stored_can_be_read_as_it_is),
        cmocka_unit_test(events_become_a_fraction),
        cmocka_unit_test(a_wrong_sum_is_noticed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "check.h"

#include "base/buf.h"

struct fixture {
    struct tb_arena *arena;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.arena = tb_arena_new(0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->arena);
    return 0;
}

/* --- UTF-8 --- */

/* The length of the sequence at the start, decoded by arithmetic and judged by its value: an
 * independent oracle. 0: not well-formed. */
static size_t oracle(const unsigned char *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80             ? 1
                 : (at[0] & 0xe0) == 0xc0 ? 2
                 : (at[0] & 0xf0) == 0xe0 ? 3
                 : (at[0] & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (len < 2 || len > left) {
        return len == 1 ? 1 : 0;
    }
    uint32_t c = at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (at[i] & 0x3f);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

static size_t oracle_valid_len(const unsigned char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t step = oracle(bytes + i, len - i);
        if (step == 0) {
            break;
        }
        i += step;
    }
    return i;
}

static void check_utf8(const unsigned char *bytes, size_t len)
{
    size_t got = tb_utf8_valid_len(tb_str_from((const char *)bytes, len));
    if (got != oracle_valid_len(bytes, len)) {
        print_error("%02x %02x %02x: got %zu\n", bytes[0], bytes[1], bytes[2], got);
        fail();
    }
}

static void utf8_is_judged_right_for_every_three_bytes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1u << 24; i++) {
        const unsigned char bytes[3] = {(unsigned char)(i >> 16), (unsigned char)(i >> 8),
                                        (unsigned char)i};
        check_utf8(bytes, 3);
    }
}

static void utf8_is_judged_right_for_every_four_bytes_at_the_edges(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                          0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff};
    for (uint32_t i = 0; i < 256 * 16 * 16 * 16; i++) {
        const unsigned char bytes[4] = {(unsigned char)(i >> 12), edges[i >> 8 & 15],
                                        edges[i >> 4 & 15], edges[i & 15]};
        check_utf8(bytes, 4);
    }
}

static void utf8_fault_is_found_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t len = 1; len < 70; len++) {
        for (size_t at = 0; at < len; at++) {
            unsigned char bytes[70];
            memset(bytes, 'a', sizeof(bytes));
            assert_int_equal(tb_utf8_valid_len(tb_str_from((char *)bytes, len)), len);
            bytes[at] = 0xff;
            assert_int_equal(tb_utf8_valid_len(tb_str_from((char *)bytes, len)), at);
            bytes[at] = 0xe2;
            if (at + 2 < len) {
                bytes[at + 1] = 0x82;
                bytes[at + 2] = 0xac;
                assert_int_equal(tb_utf8_valid_len(tb_str_from((char *)bytes, len)), len);
                assert_int_equal(tb_utf8_valid_len(tb_str_from((char *)bytes, at + 2)), at);
            }
        }
    }
    assert_int_equal(tb_utf8_valid_len(TB_STR_NONE), 0);
}

/* --- escaping --- */

static void text_escapes_only_what_it_must_in_the_shortest_form(void **state)
{
    struct fixture *f = *state;
    for (unsigned c = 0; c < 0x80; c++) {
        static const char *const named[128] = {
            ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\t'] = "\\t",
            ['\n'] = "\\n", ['\f'] = "\\f",  ['\r'] = "\\r",
        };
        char byte = (char)c;
        struct tb_str wanted = tb_str_from(&byte, 1);
        if (named[c] != NULL) {
            wanted = tb_str_c(named[c]);
        } else if (c < 0x20) {
            wanted = tb_arena_printf(f->arena, "\\u%04x", c);
        }
        struct tb_str text = tb_text_from_bytes(f->arena, tb_str_from(&byte, 1));
        assert_str_eq(text, wanted);
        assert_str_eq(tb_text_to_bytes(f->arena, text), tb_str_from(&byte, 1));
        assert_int_equal(tb_text_decoded_len(text), 1);
    }
}

static void text_leaves_everything_above_ascii_alone(void **state)
{
    struct fixture *f = *state;
    struct tb_str all = TB_STR("\x7f/ \xc2\x80 \xe2\x80\xa8 \xef\xbf\xbf \xf4\x8f\xbf\xbf <>&'");
    assert_str_eq(tb_text_from_bytes(f->arena, all), all);
}

/* One U+FFFD for each maximal subpart: the examples of the Unicode standard, table 3-8 and its
 * neighbours. */
static void text_replaces_what_is_no_utf8(void **state)
{
    struct fixture *f = *state;
#define R "\xef\xbf\xbd"
    static const struct {
        struct tb_str bytes;
        struct tb_str text;
    } rows[] = {
        {TB_STR("\xff"), TB_STR(R)},
        {TB_STR("a\x80z"), TB_STR("a" R "z")},
        {TB_STR("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), TB_STR(R R R R R R R R "A")},
        {TB_STR("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), TB_STR(R R R R R R R R "A")},
        {TB_STR("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), TB_STR(R R R R R "A" R R "B")},
        {TB_STR("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), TB_STR(R R R R "A")},
        {TB_STR("\xe2\x82"), TB_STR(R)},
        {TB_STR("\n\xe2\"\\"), TB_STR("\\n" R "\\\"\\\\")},
    };
#undef R
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_str_eq(tb_text_from_bytes(f->arena, rows[i].bytes), rows[i].text);
    }
}

static void text_keeps_absent_absent_and_empty_empty(void **state)
{
    struct fixture *f = *state;
    assert_absent(tb_text_from_bytes(f->arena, TB_STR_NONE));
    assert_absent(tb_text_to_bytes(f->arena, TB_STR_NONE));
    assert_str(tb_text_from_bytes(f->arena, TB_STR("")), "");
    assert_str(tb_text_to_bytes(f->arena, TB_STR("")), "");
    assert_absent(tb_text_trim(TB_STR_NONE));
    assert_int_equal(tb_text_decoded_len(TB_STR_NONE), 0);
}

static void text_escaping_adds_to_what_the_buffer_holds(void **state)
{
    struct fixture *f = *state;
    struct tb_buf buf;
    tb_buf_init(&buf, f->arena, 2);
    tb_buf_add_c(&buf, "x=");
    tb_buf_add_escaped(&buf, TB_STR("\x01\"q"));
    assert_str(tb_buf_str(&buf), "x=\\u0001\\\"q");
}

static void text_from_bytes_and_back_is_the_same(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 1234;
    for (unsigned round = 0; round < 3000; round++) {
        char bytes[256];
        size_t len = 0;
        size_t wanted = random_below(&random, 250);
        while (len < wanted) {
            static const char *const pieces[] = {"a",     "\"",           "\\",
                                                 "\n",    "\x01",         "\xc3\xa9",
                                                 "u000b", "\xe2\x80\xa8", "\xf0\x9f\x98\x80",
                                                 "bc d"};
            const char *piece = pieces[random_below(&random, COUNT(pieces))];
            if (len + strlen(piece) > sizeof(bytes)) {
                break;
            }
            memcpy(bytes + len, piece, strlen(piece));
            len += strlen(piece);
        }
        struct tb_str source = tb_str_from(bytes, len);
        struct tb_str text = tb_text_from_bytes(f->arena, source);
        assert_str_eq(tb_text_to_bytes(f->arena, text), source);
        assert_int_equal(tb_text_decoded_len(text), len);
        tb_arena_reset(f->arena);
    }
}

static void text_decoded_len_counts_utf8_bytes(void **state)
{
    (void)state;
    assert_int_equal(tb_text_decoded_len(TB_STR("")), 0);
    assert_int_equal(tb_text_decoded_len(TB_STR("abc")), 3);
    assert_int_equal(tb_text_decoded_len(TB_STR("\xc3\xa9")), 2);
    assert_int_equal(tb_text_decoded_len(TB_STR("\\n")), 1);
    assert_int_equal(tb_text_decoded_len(TB_STR("\\u001f")), 1);
    assert_int_equal(tb_text_decoded_len(TB_STR("a\\u0000b\\\\u0000\\\"")), 10);
}

/* --- trimming --- */

static const struct tb_str white[] = {
    TB_STR(" "),
    TB_STR("\\t"),
    TB_STR("\\n"),
    TB_STR("\\u000b"),
    TB_STR("\\f"),
    TB_STR("\\r"),
    TB_STR("\xc2\xa0"),
    TB_STR("\xef\xbb\xbf"),
    TB_STR("\xe1\x9a\x80"),
    TB_STR("\xe2\x80\x80"),
    TB_STR("\xe2\x80\x81"),
    TB_STR("\xe2\x80\x82"),
    TB_STR("\xe2\x80\x83"),
    TB_STR("\xe2\x80\x84"),
    TB_STR("\xe2\x80\x85"),
    TB_STR("\xe2\x80\x86"),
    TB_STR("\xe2\x80\x87"),
    TB_STR("\xe2\x80\x88"),
    TB_STR("\xe2\x80\x89"),
    TB_STR("\xe2\x80\x8a"),
    TB_STR("\xe2\x80\xa8"),
    TB_STR("\xe2\x80\xa9"),
    TB_STR("\xe2\x80\xaf"),
    TB_STR("\xe2\x81\x9f"),
    TB_STR("\xe3\x80\x80"),
};

static struct tb_str join(struct fixture *f, struct tb_str a, struct tb_str b, struct tb_str c)
{
    struct tb_buf buf;
    tb_buf_init(&buf, f->arena, a.len + b.len + c.len);
    tb_buf_add_str(&buf, a);
    tb_buf_add_str(&buf, b);
    tb_buf_add_str(&buf, c);
    return tb_buf_str(&buf);
}

static void text_trim_takes_every_white_space_at_both_ends(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(white); i++) {
        for (size_t j = 0; j < COUNT(white); j++) {
            struct tb_str space = join(f, white[i], white[j], TB_STR(""));
            assert_str(tb_text_trim(space), "");
            assert_str(tb_text_trim(join(f, space, TB_STR("a b"), TB_STR(""))), "a b");
            assert_str(tb_text_trim(join(f, TB_STR("a b"), space, TB_STR(""))), "a b");
            assert_str(tb_text_trim(join(f, space, TB_STR("x"), space)), "x");
            assert_str(tb_text_trim(join(f, space, TB_STR("\\\\"), space)), "\\\\");
            assert_str(tb_text_trim(join(f, space, TB_STR("\\\""), space)), "\\\"");
            struct tb_str inner = join(f, TB_STR("a"), space, TB_STR("b"));
            assert_str_eq(tb_text_trim(inner), inner);
            tb_arena_reset(f->arena);
        }
    }
}

static void text_trim_leaves_what_only_looks_like_white_space(void **state)
{
    (void)state;
    static const struct tb_str rows[] = {
        TB_STR("\\\\t"),     /* a backslash and a t */
        TB_STR("\\\\\\\\n"), /* two backslashes and an n */
        TB_STR("\\\\u000b"), /* a backslash and u000b */
        TB_STR("t"),
        TB_STR("u000b"),
        TB_STR("\\b"),
        TB_STR("\\u0000"),
        TB_STR("\\u001c"),
        TB_STR("\\u001f"),
        TB_STR("\\\""),
        TB_STR("\x7f"),
        TB_STR("\xc2\x85"),     /* U+0085 */
        TB_STR("\xe1\xa0\x8e"), /* U+180E */
        TB_STR("\xe2\x80\x8b"), /* U+200B */
        TB_STR("\xe2\x80\x8d"), /* U+200D */
        TB_STR("\xe2\x81\xa0"), /* U+2060 */
        TB_STR("\xc3\xa0"),     /* ends as U+00A0 does */
        TB_STR("\xe2\xa0\x80"), /* U+2800 */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_str_eq(tb_text_trim(rows[i]), rows[i]);
    }
}

static void text_trim_sees_where_an_escape_begins(void **state)
{
    (void)state;
    assert_str(tb_text_trim(TB_STR("\\\\\\t")), "\\\\");
    assert_str(tb_text_trim(TB_STR("\\\\\\\\\\u000b\\n")), "\\\\\\\\");
    assert_str(tb_text_trim(TB_STR("\\t\\\\t\\t")), "\\\\t");
    assert_str(tb_text_trim(TB_STR("\\n \\n")), "");
    struct tb_str only = tb_text_trim(TB_STR("  "));
    assert_non_null(only.ptr);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(utf8_is_judged_right_for_every_three_bytes),
        TEST(utf8_is_judged_right_for_every_four_bytes_at_the_edges),
        TEST(utf8_fault_is_found_wherever_it_stands),
        TEST(text_escapes_only_what_it_must_in_the_shortest_form),
        TEST(text_leaves_everything_above_ascii_alone),
        TEST(text_replaces_what_is_no_utf8),
        TEST(text_keeps_absent_absent_and_empty_empty),
        TEST(text_escaping_adds_to_what_the_buffer_holds),
        TEST(text_from_bytes_and_back_is_the_same),
        TEST(text_decoded_len_counts_utf8_bytes),
        TEST(text_trim_takes_every_white_space_at_both_ends),
        TEST(text_trim_leaves_what_only_looks_like_white_space),
        TEST(text_trim_sees_where_an_escape_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

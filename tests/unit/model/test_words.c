#include "unit/base/check.h"

#include "model/words.h"

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

/* The words in their order, each with a | behind it. */
static struct tb_str words_of(struct tb_str text)
{
    char *out = tb_arena_alloc(arena, 3 * text.len + 64);
    size_t len = 0;
    struct tb_words words = tb_words_of(text);
    struct tb_str word;
    while (tb_words_next(&words, &word)) {
        assert_in_range(word.len, 1, TB_WORD_BYTES_MAX);
        memcpy(out + len, word.ptr, word.len);
        len += word.len;
        out[len++] = '|';
    }
    assert_int_equal(word.len, 0);
    return tb_str_from(out, len);
}

static struct tb_str repeat(const char *part, size_t times)
{
    size_t len = strlen(part);
    char *out = tb_arena_alloc(arena, len * times + 1);
    for (size_t i = 0; i < times; i++) {
        memcpy(out + i * len, part, len);
    }
    return tb_str_from(out, len * times);
}

static struct tb_str joined(struct tb_str a, const char *b)
{
    return tb_arena_printf(arena, "%.*s%s", (int)a.len, a.ptr, b);
}

#define assert_words(literal, wanted) assert_str(words_of(TB_STR(literal)), wanted)

static void words_are_runs_of_letters_and_digits_in_lower_case(void **state)
{
    (void)state;
    assert_words("Paint the Fence, v2.0!", "paint|the|fence|v2|0|");
    assert_words("a", "a|");
    assert_words("A-Z_09", "a|z|09|");
    assert_words("  x  ", "x|");
    assert_words("foo/bar.c:12", "foo|bar|c|12|");
}

static void a_text_without_letters_has_no_words(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words(" -_.!?\x7f", "");
    assert_words("— … 😀 €", "");
    struct tb_words words = tb_words_of(TB_STR_NONE);
    struct tb_str word;
    assert_false(tb_words_next(&words, &word));
    assert_false(tb_words_next(&words, &word));
}

static void unicode_letters_digits_and_marks_belong_to_words(void **state)
{
    (void)state;
    assert_words("Ünïcödé ΑΒΓ Привет", "ünïcödé|αβγ|привет|");
    assert_words("日本語テスト", "日本語テスト|");
    assert_words("a\u0301b", "a\u0301b|"); /* a combining mark */
    assert_words("x²y ٣٤ ⅷ", "x²y|٣٤|ⅷ|"); /* other numbers, Arabic digits, a letter number */
    assert_words("𐐀", "𐐨|");               /* four bytes, lower case too */
    assert_words("“Zitat” naïve—word", "zitat|naïve|word|");
    assert_words("a\u00a0b\u200bc", "a|b|c|");
}

static void lower_case_may_have_another_length(void **state)
{
    (void)state;
    assert_words("ẞ", "ß|"); /* 3 bytes to 2 */
    assert_words("Ⱥ", "ⱥ|"); /* 2 bytes to 3 */
    assert_words("K", "k|"); /* KELVIN SIGN, 3 bytes to 1 */
}

static void json_escapes_separate_and_are_no_words(void **state)
{
    (void)state;
    assert_words("one\\ntwo\\tthree", "one|two|three|");
    assert_words("say \\\"hi\\\"now", "say|hi|now|");
    assert_words("a\\\\nb", "a|nb|"); /* an escaped backslash, then the letter n */
    assert_words("a\\u000bb\\u001fc", "a|b|c|");
    assert_words("\\b\\f\\n\\r\\t", "");
    assert_words("\\u0001", "");
}

static void a_long_word_is_cut_at_64_bytes(void **state)
{
    (void)state;
    assert_str_eq(words_of(repeat("x", 64)), joined(repeat("x", 64), "|"));
    assert_str_eq(words_of(repeat("x", 65)), joined(repeat("x", 64), "|"));
    assert_str_eq(words_of(joined(repeat("X", 500), " y")), joined(repeat("x", 64), "|y|"));
}

static void a_cut_never_breaks_a_character(void **state)
{
    (void)state;
    assert_str_eq(words_of(repeat("é", 32)), joined(repeat("é", 32), "|"));
    assert_str_eq(words_of(repeat("é", 33)), joined(repeat("é", 32), "|"));
    assert_str_eq(words_of(joined(repeat("x", 63), "é")), joined(repeat("x", 63), "|"));
    assert_str_eq(words_of(joined(repeat("x", 63), "éy")), joined(repeat("x", 63), "|"));
    assert_str_eq(words_of(repeat("語", 22)), joined(repeat("語", 21), "|"));
    assert_str_eq(words_of(joined(repeat("x", 61), "𐐨")), joined(repeat("x", 61), "|"));
}

/* Lower case counts, not what it was made from. */
static void the_cut_is_made_in_what_is_kept(void **state)
{
    (void)state;
    assert_str_eq(words_of(repeat("Ⱥ", 22)), joined(repeat("ⱥ", 21), "|"));
    assert_str_eq(words_of(repeat("ẞ", 32)), joined(repeat("ß", 32), "|"));
}

/* --- collecting --- */

static struct tb_str collect(struct tb_str first, struct tb_str second, size_t max)
{
    size_t count = 0;
    struct tb_str *words = tb_words_collect(arena, first, second, max, &count);
    struct tb_str all = TB_STR("");
    for (size_t i = 0; i < count; i++) {
        all = tb_arena_printf(arena, "%.*s%.*s|", (int)all.len, all.ptr, (int)words[i].len,
                              words[i].ptr);
    }
    return all;
}

static void collecting_sorts_and_drops_what_comes_again(void **state)
{
    (void)state;
    assert_str(collect(TB_STR("the cat The CAT"), TB_STR("a cat, a dog"), 100), "a|cat|dog|the|");
    assert_str(collect(TB_STR("b ab a abc"), TB_STR_NONE, 100), "a|ab|abc|b|");
    assert_str(collect(TB_STR("é z"), TB_STR("Z e"), 100), "e|z|é|");
    assert_str(collect(TB_STR(""), TB_STR_NONE, 100), "");
}

static void words_of_two_texts_do_not_run_together(void **state)
{
    (void)state;
    assert_str(collect(TB_STR("foo"), TB_STR("bar"), 100), "bar|foo|");
}

static void collecting_keeps_the_first_words_up_to_the_limit(void **state)
{
    (void)state;
    assert_str(collect(TB_STR("d c b a"), TB_STR("e"), 3), "b|c|d|");
    assert_str(collect(TB_STR("d d d c"), TB_STR("d a"), 3), "a|c|d|");
    assert_str(collect(TB_STR("d"), TB_STR("c b"), 2), "c|d|");
    assert_str(collect(TB_STR("x y"), TB_STR_NONE, 1), "x|");
}

static void the_limit_of_the_index_is_met_exactly(void **state)
{
    (void)state;
    size_t count = 0;
    char *all = tb_arena_alloc(arena, 8 * TB_INDEXED_WORDS_MAX + 16);
    size_t len = 0;
    for (int i = 0; i <= TB_INDEXED_WORDS_MAX; i++) {
        struct tb_str word = tb_arena_printf(arena, "w%05d ", i);
        memcpy(all + len, word.ptr, word.len);
        len += word.len;
    }
    struct tb_str text = tb_str_from(all, len);
    struct tb_str *words = tb_words_collect(arena, text, TB_STR_NONE, TB_INDEXED_WORDS_MAX, &count);
    assert_int_equal(count, TB_INDEXED_WORDS_MAX);
    assert_str(words[0], "w00000");
    assert_str(words[count - 1], "w00999");
    (void)tb_words_collect(arena, text, TB_STR_NONE, TB_INDEXED_WORDS_MAX + 1, &count);
    assert_int_equal(count, TB_INDEXED_WORDS_MAX + 1);
}

static void one_letter_words_are_all_found(void **state)
{
    (void)state;
    assert_str(collect(TB_STR("a b c"), TB_STR("d e"), 100), "a|b|c|d|e|");
    assert_str(collect(TB_STR("a"), TB_STR("b"), 100), "a|b|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters_and_digits_in_lower_case),
        cmocka_unit_test(a_text_without_letters_has_no_words),
        cmocka_unit_test(unicode_letters_digits_and_marks_belong_to_words),
        cmocka_unit_test(lower_case_may_have_another_length),
        cmocka_unit_test(json_escapes_separate_and_are_no_words),
        cmocka_unit_test(a_long_word_is_cut_at_64_bytes),
        cmocka_unit_test(a_cut_never_breaks_a_character),
        cmocka_unit_test(the_cut_is_made_in_what_is_kept),
        cmocka_unit_test(collecting_sorts_and_drops_what_comes_again),
        cmocka_unit_test(words_of_two_texts_do_not_run_together),
        cmocka_unit_test(collecting_keeps_the_first_words_up_to_the_limit),
        cmocka_unit_test(the_limit_of_the_index_is_met_exactly),
        cmocka_unit_test(one_letter_words_are_all_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

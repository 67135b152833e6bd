#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lmdb/verify.h"

#define NO_ID "00000000000000000000000000"
#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static struct tb_key start(uint8_t index)
{
    return (struct tb_key){.len = 1, .bytes = {index}};
}

static void add_text(struct tb_key *key, const char *text)
{
    tb_key_add_text(key, tb_str_c(text));
}

static void add_numbers(struct tb_key *key, size_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        tb_key_add_u64(key, i);
    }
}

static void add_id(struct tb_key *key)
{
    tb_key_add_id(key, (struct tb_id){{0}});
}

/* Nothing that is shorter or longer has its form. */
static void expect(struct tb_key key, const char *said)
{
    char text[TB_ENTRY_TEXT_BYTES];
    tb_entry_describe(key.bytes, key.len, text);
    assert_string_equal(text, said);
    for (size_t len = 0; len < key.len; len++) {
        assert_false(tb_entry_has_form(key.bytes, len));
    }
    assert_true(tb_entry_has_form(key.bytes, key.len));
    tb_key_add_byte(&key, 0);
    assert_false(tb_entry_has_form(key.bytes, key.len));
}

static void an_entry_of_a_text_says_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"deploy", "TAG \"deploy\" " NO_ID},
        {"", "TAG \"\" " NO_ID},
        {"a\x02\x1f\x7fz", "TAG \"a???z\" " NO_ID},
        {SIXTY "1234", "TAG \"" SIXTY "1234\" " NO_ID},
        {SIXTY "12345", "TAG \"" SIXTY "1234\" ... " NO_ID},
        {SIXTY SIXTY "12345678", "TAG \"" SIXTY "0123\" ... " NO_ID},
        /* a hash stands for the rest */
        {SIXTY SIXTY "123456789", "TAG \"" TEN TEN TEN "01\" ... " NO_ID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tb_key key = start(TB_INDEX_TAG);
        add_text(&key, rows[i].text);
        add_id(&key);
        expect(key, rows[i].said);
    }
}

static void an_entry_of_numbers_says_them(void **state)
{
    (void)state;
    struct tb_key key = start(TB_INDEX_UPDATED);
    tb_key_add_byte(&key, 3);
    tb_key_add_i64(&key, -5);
    add_id(&key);
    tb_key_add_u32(&key, 0xabc);
    expect(key, "UPDATED state 3 -5 " NO_ID " marks 00000abc");
    key = start(TB_INDEX_READY);
    add_numbers(&key, 2);
    tb_key_add_i64(&key, 7);
    add_id(&key);
    expect(key, "READY 00000000000000010000000000000002 7 " NO_ID);
    key = start(TB_INDEX_FEED);
    tb_key_add_u64(&key, UINT64_MAX);
    expect(key, "FEED 18446744073709551615");
}

static void an_entry_of_a_name_says_its_kind(void **state)
{
    (void)state;
    static const char *const kinds[] = {"tag", "assignee", "VM", "?"};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        char said[64];
        struct tb_key key = start(TB_INDEX_NAME);
        tb_key_add_byte(&key, (uint8_t)kind);
        add_text(&key, "ann");
        add_numbers(&key, 4);
        snprintf(said, sizeof said, "NAME %s \"ann\" 1 2 3 4", kinds[kind]);
        expect(key, said);
    }
    struct tb_key key = start(TB_INDEX_NAME_ORDER);
    tb_key_add_byte(&key, 0);
    tb_key_add_byte(&key, 1);
    tb_key_add_byte(&key, 2);
    add_numbers(&key, 3);
    expect(key, "NAME_ORDER tag 258 1 00000000000000020000000000000003");
}

static void what_has_no_form_is_unknown(void **state)
{
    (void)state;
    static const uint8_t indexes[] = {0, 99, TB_CHECK_PLACE + 1, 0xff};
    char text[TB_ENTRY_TEXT_BYTES];
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct tb_key key = start(indexes[i]);
        add_id(&key);
        assert_string_equal(tb_entry_index_name(indexes[i]), "unknown");
        tb_entry_describe(key.bytes, key.len, text);
        assert_string_equal(text, "unknown, 17 bytes");
    }
    assert_string_equal(tb_entry_index_name(TB_INDEX_TAG), "TAG");
    struct tb_key endless = start(TB_INDEX_TAG);
    memset(endless.bytes + 1, 'a', TB_KEY_TEXT_BYTES_MAX + 1);
    endless.len = TB_KEY_TEXT_BYTES_MAX + 2;
    tb_key_add_byte(&endless, 0);
    add_id(&endless);
    assert_false(tb_entry_has_form(endless.bytes, endless.len));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_of_a_text_says_it),
        cmocka_unit_test(an_entry_of_numbers_says_them),
        cmocka_unit_test(an_entry_of_a_name_says_its_kind),
        cmocka_unit_test(what_has_no_form_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pages and blocks: what goes in comes out, and damage is noticed or does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "lmdb/run_page.h"

enum { NUMBER = 77 };

static struct tb_run_builder builder;

static size_t key_of(unsigned i, uint8_t key[TB_KEY_BYTES_MAX])
{
    size_t len = (size_t)snprintf((char *)key, TB_KEY_BYTES_MAX, "key %08u", i);
    size_t more = i % 7 == 0 ? i % (TB_KEY_BYTES_MAX - len) : i % 3;
    memset(key + len, 'x', more);
    return len + more;
}

/* Fills a block; how many went in. */
static unsigned fill(unsigned pages_max, size_t *size)
{
    uint8_t key[TB_KEY_BYTES_MAX];
    unsigned count = 0;
    tb_run_builder_start(&builder, NUMBER, pages_max);
    while (!tb_run_builder_is_full(&builder, TB_KEY_BYTES_MAX)) {
        size_t len = key_of(count, key);
        assert_true(tb_run_builder_add(&builder, key, len, count % 5 != 0));
        count++;
    }
    *size = tb_run_builder_finish(&builder);
    assert_true(*size <= (size_t)pages_max * TB_RUN_PAGE_BYTES - TB_RUN_MARGIN_BYTES);
    return count;
}

static void expect(const struct tb_run_place *place, unsigned i)
{
    uint8_t key[TB_KEY_BYTES_MAX];
    size_t len = key_of(i, key);
    assert_int_equal(place->key.len, len);
    assert_memory_equal(place->key.bytes, key, len);
    assert_int_equal(place->put, i % 5 != 0);
}

static void a_block_gives_back_its_entries(void **state)
{
    (void)state;
    for (unsigned pages = 1; pages <= TB_RUN_BLOCK_PAGES_MAX; pages += 5) {
        size_t size = 0;
        unsigned count = fill(pages, &size);
        unsigned seen = 0;
        for (unsigned p = 0; p < pages; p++) {
            struct tb_run_page page;
            struct tb_run_place place;
            assert_int_equal(tb_run_page_open(builder.block, size, p, NUMBER, &page), 0);
            assert_int_equal(tb_run_page_go(&page, 0, &place), 0);
            for (unsigned i = 0; i < page.entries; i++, seen++) {
                uint8_t key[TB_KEY_BYTES_MAX];
                struct tb_run_place other;
                expect(&place, seen);
                assert_int_equal(tb_run_page_go(&page, i, &other), 0);
                expect(&other, seen);
                size_t len = key_of(seen, key);
                assert_int_equal(tb_run_page_floor(&page, key, len, &other), 0);
                assert_int_equal(other.index, i);
                key[len] = 0; /* just above it */
                assert_int_equal(tb_run_page_floor(&page, key, len + 1, &other), 0);
                assert_int_equal(other.index, i);
                if (i + 1 < page.entries) {
                    assert_int_equal(tb_run_page_step(&page, &place), 0);
                }
            }
        }
        assert_int_equal(seen, count);
    }
}

static void every_damaged_byte_is_noticed(void **state)
{
    (void)state;
    size_t size = 0;
    struct tb_run_page page;
    fill(2, &size);
    for (size_t at = 0; at < size; at++) {
        unsigned index = at < tb_run_page_at(1) ? 0 : 1;
        if (index == 0) { /* behind the page's end nothing counts */
            uint16_t bytes = 0;
            memcpy(&bytes, builder.block + 8, sizeof bytes);
            if (at >= bytes) {
                continue;
            }
        }
        builder.block[at] ^= 0x10;
        assert_int_equal(tb_run_page_open(builder.block, size, index, NUMBER, &page),
                         MDB_CORRUPTED);
        builder.block[at] ^= 0x10;
    }
    assert_int_equal(tb_run_page_open(builder.block, size, 0, NUMBER + 1, &page), MDB_CORRUPTED);
    assert_int_equal(tb_run_page_open(builder.block, size, 2, NUMBER, &page), MDB_CORRUPTED);
    for (size_t cut = 0; cut < size; cut += 13) { /* a copy, so that no reading goes unseen */
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, builder.block, cut);
        (void)tb_run_page_open(copy, cut, 0, NUMBER, &page);
        assert_int_equal(tb_run_page_open(copy, cut, 1, NUMBER, &page), MDB_CORRUPTED);
        free(copy);
    }
}

/* Reads everything that can be read of a page, whatever it holds. */
static void read_all(const struct tb_run_page *page)
{
    struct tb_run_place place;
    uint8_t key[TB_KEY_BYTES_MAX] = "key 00000050";
    for (unsigned i = 0; i < page->entries; i++) {
        if (tb_run_page_go(page, i, &place) == 0 && i + 1 < page->entries) {
            (void)tb_run_page_step(page, &place);
        }
    }
    (void)tb_run_page_floor(page, key, 12, &place);
}

/* With a checksum that fits, as nobody but a forger makes it. */
static void nonsense_does_no_harm(void **state)
{
    (void)state;
    size_t size = 0;
    uint64_t random = 1;
    fill(1, &size);
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, builder.block, size);
        for (int i = 0; i < 3; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            size_t range = round % 2 == 0 ? 40 : size - 8;
            copy[8 + (random >> 33) % range] = (uint8_t)(random >> 25);
        }
        uint16_t bytes = 0;
        memcpy(&bytes, copy + 8, sizeof bytes);
        if (bytes >= 16 && bytes <= size) {
            uint64_t checksum = XXH3_64bits_withSeed(copy + 8, bytes - 8U, NUMBER);
            memcpy(copy, &checksum, sizeof checksum);
        }
        struct tb_run_page page;
        if (tb_run_page_open(copy, size, 0, NUMBER, &page) == 0) {
            read_all(&page);
        }
        free(copy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_gives_back_its_entries),
        cmocka_unit_test(every_damaged_byte_is_noticed),
        cmocka_unit_test(nonsense_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lmdb/block.h"
#include "lmdb/keys.h"

/* A block that was made, its key with it. */
struct made {
    uint8_t number[8];
    size_t size;
    uint8_t *bytes; /* malloced, so that a read behind it is noticed */
};

static struct made make(uint64_t first, uint32_t count)
{
    struct tb_block_maker maker = {.count = 0};
    for (uint32_t i = 0; i < count; i++) {
        memset(tb_block_maker_add(&maker, first + i, i + 1), 'a' + (int)(i % 26), i + 1);
    }
    struct made made = {.size = tb_block_maker_size(&maker)};
    made.bytes = malloc(made.size);
    tb_block_maker_fill(&maker, made.bytes);
    tb_key_write_u64(made.number, first);
    tb_block_maker_fini(&maker);
    return made;
}

static int open_made(struct made *made, struct tb_block *block)
{
    return tb_block_open((MDB_val){sizeof made->number, made->number},
                         (MDB_val){made->size, made->bytes}, block);
}

static void block_gives_back_its_records(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct made made = make(77, COUNT);
    struct tb_block block;
    assert_int_equal(open_made(&made, &block), 0);
    assert_int_equal(block.first, 77);
    assert_int_equal(block.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct tb_str record;
        assert_int_equal(tb_block_record(&block, i, &record), 0);
        assert_int_equal(record.len, i + 1);
        assert_int_equal(record.ptr[i], 'a' + (int)(i % 26));
    }
    assert_false(tb_block_holds(&block, 76));
    assert_true(tb_block_holds(&block, 77));
    assert_true(tb_block_holds(&block, 77 + COUNT - 1));
    assert_false(tb_block_holds(&block, 77 + COUNT));
    free(made.bytes);
}

static void block_under_another_number_is_corrupt(void **state)
{
    (void)state;
    struct made made = make(77, 3);
    struct tb_block block;
    tb_key_write_u64(made.number, 78);
    assert_int_equal(open_made(&made, &block), MDB_CORRUPTED);
    free(made.bytes);
}

static void block_with_a_damaged_table_is_corrupt(void **state)
{
    (void)state;
    enum { COUNT = 3, TABLE_END = 16 + 4 * COUNT };
    struct made made = make(5, COUNT);
    struct tb_block block;
    for (size_t i = 0; i < TABLE_END; i++) {
        made.bytes[i] ^= 0x40;
        assert_int_equal(open_made(&made, &block), MDB_CORRUPTED);
        made.bytes[i] ^= 0x40;
    }
    size_t size = made.size;
    for (made.size = 0; made.size < TABLE_END; made.size++) {
        assert_int_equal(open_made(&made, &block), MDB_CORRUPTED);
    }
    made.size = size - 1; /* the last record is cut */
    struct tb_str record;
    assert_int_equal(open_made(&made, &block), 0);
    assert_int_equal(tb_block_record(&block, 1, &record), 0);
    assert_int_equal(tb_block_record(&block, 2, &record), MDB_CORRUPTED);
    free(made.bytes);
}

static void maker_can_be_used_again(void **state)
{
    (void)state;
    struct tb_block_maker maker = {.count = 0};
    memset(tb_block_maker_add(&maker, 1, 5), 'x', 5);
    tb_block_maker_forget(&maker);
    assert_int_equal(maker.count, 0);
    memset(tb_block_maker_add(&maker, 9, 300000), 'y', 300000);
    assert_int_equal(maker.first, 9);
    assert_int_equal(tb_block_maker_size(&maker), 16 + 4 + 300000);
    tb_block_maker_fini(&maker);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_gives_back_its_records),
        cmocka_unit_test(block_under_another_number_is_corrupt),
        cmocka_unit_test(block_with_a_damaged_table_is_corrupt),
        cmocka_unit_test(maker_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

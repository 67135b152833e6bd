#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

#include "record.h"

static void assert_same_str(struct tb_str a, struct tb_str b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_true(tb_str_eq(a, b));
}

static struct tb_vm some_vm(struct tb_arena *arena)
{
    struct tb_vm vm = {
        .number.bytes = {1, 2, 3},
        .registered_ms = 4,
        .seen_ms = 5,
        .ttl_ms = 6000,
        .due_ms = 7,
        .stale_ms = 8,
        .spared = true,
        .role = TB_VM_GOLDEN,
        .status = TB_VM_PAUSED,
        .id = TB_STR("vm-1"),
        .name = TB_STR("a \\\"name\\\""),
        .address = TB_STR(""),
        .registered_by = TB_STR("me"),
        .metadata = TB_STR("{\"m\":1}"),
    };
    tb_vm_render(&vm, arena);
    return vm;
}

static void expect_nonsense(uint8_t *bytes, size_t size, size_t at, uint8_t value)
{
    struct tb_vm got = {.ttl_ms = 42};
    uint8_t before = bytes[at];
    bytes[at] = value;
    uint64_t sum = XXH3_64bits(bytes + 8, size - 8);
    memcpy(bytes, &sum, sizeof sum);
    assert_int_equal(tb_record_decode_vm(tb_str_from((const char *)bytes, size), &got),
                     TB_E_STORAGE_CORRUPT);
    assert_int_equal(got.ttl_ms, 42);
    bytes[at] = before;
    sum = XXH3_64bits(bytes + 8, size - 8);
    memcpy(bytes, &sum, sizeof sum);
}

static void expect_damage_noticed(uint8_t *bytes, size_t size)
{
    struct tb_vm got;
    struct tb_str record = tb_str_from((const char *)bytes, size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_vm(record, &got), TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
        record.len = i;
        assert_int_equal(tb_record_decode_vm(record, &got), TB_E_STORAGE_CORRUPT);
        record.len = size;
    }
}

static void record_of_a_vm_gives_back_every_field(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_vm vm = some_vm(arena);
    size_t size = tb_record_vm_size(&vm);
    uint8_t *bytes = malloc(size);
    tb_record_encode_vm(&vm, bytes);
    struct tb_vm got;
    assert_int_equal(tb_record_decode_vm(tb_str_from((const char *)bytes, size), &got), TB_OK);
    assert_memory_equal(&got.number, &vm.number, sizeof got.number);
    assert_int_equal(got.registered_ms, 4);
    assert_int_equal(got.seen_ms, 0); /* kept elsewhere */
    assert_int_equal(got.ttl_ms, 6000);
    assert_int_equal(got.due_ms, 7);
    assert_int_equal(got.stale_ms, 8);
    assert_true(got.spared);
    assert_int_equal(got.role, TB_VM_GOLDEN);
    assert_int_equal(got.status, TB_VM_PAUSED);
    assert_same_str(got.wire, vm.wire);
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        assert_same_str(got.strings[i], vm.strings[i]);
    }
    free(bytes);
    tb_arena_free(arena);
}

static void record_of_a_vm_that_is_damaged_or_makes_no_sense_is_corrupt(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_vm vm = some_vm(arena);
    size_t size = tb_record_vm_size(&vm);
    uint8_t *bytes = malloc(size);
    tb_record_encode_vm(&vm, bytes);
    expect_damage_noticed(bytes, size);
    expect_nonsense(bytes, size, 10, TB_VM_ROLE_COUNT);
    expect_nonsense(bytes, size, 11, TB_VM_STATUS_COUNT);
    expect_nonsense(bytes, size, 64 + 7, 1); /* the length of its id */
    memset(bytes + 64, 0xff, 3);
    expect_nonsense(bytes, size, 64 + 3, 0xff); /* without an id */
    free(bytes);
    tb_arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_of_a_vm_gives_back_every_field),
        cmocka_unit_test(record_of_a_vm_that_is_damaged_or_makes_no_sense_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

#include "record.h"

static struct tb_credential some_credential(struct tb_arena *arena)
{
    struct tb_credential credential = {
        .id.bytes = {1, 2, 3},
        .kind = TB_CREDENTIAL_LINK,
        .role = TB_ROLE_COORDINATOR,
        .created_ms = 4,
        .expires_ms = 5,
        .parent.bytes = {6, 7},
        .digest = {8, 9},
        .name = TB_STR("a \\\"name\\\""),
        .agent = TB_STR("ann"),
    };
    tb_credential_render(&credential, arena);
    return credential;
}

static void record_of_a_credential_gives_back_every_field(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_credential put = some_credential(arena);
    size_t size = tb_record_credential_size(&put);
    char *bytes = malloc(size);
    tb_record_encode_credential(&put, bytes);
    struct tb_credential got;
    assert_int_equal(tb_record_decode_credential(tb_str_from(bytes, size), &got), TB_OK);
    assert_memory_equal(&got.id, &put.id, sizeof got.id);
    assert_memory_equal(&got.parent, &put.parent, sizeof got.parent);
    assert_memory_equal(got.digest, put.digest, sizeof got.digest);
    assert_int_equal(got.kind, TB_CREDENTIAL_LINK);
    assert_int_equal(got.role, TB_ROLE_COORDINATOR);
    assert_int_equal(got.created_ms, 4);
    assert_int_equal(got.expires_ms, 5);
    assert_true(tb_str_eq(got.name, put.name));
    assert_true(tb_str_eq(got.agent, put.agent));
    assert_true(tb_str_eq(got.wire, put.wire));
    put.agent = TB_STR_NONE;
    tb_credential_render(&put, arena);
    size = tb_record_credential_size(&put);
    tb_record_encode_credential(&put, bytes);
    assert_int_equal(tb_record_decode_credential(tb_str_from(bytes, size), &got), TB_OK);
    assert_null(got.agent.ptr);
    free(bytes);
    tb_arena_free(arena);
}

static void damage_to_a_credential_is_noticed_anywhere(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_credential put = some_credential(arena);
    struct tb_credential got;
    size_t size = tb_record_credential_size(&put);
    char *bytes = malloc(size);
    tb_record_encode_credential(&put, bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_credential(tb_str_from(bytes, size), &got),
                         TB_E_STORAGE_CORRUPT);
        bytes[i] ^= 0x10;
        assert_int_equal(tb_record_decode_credential(tb_str_from(bytes, i), &got),
                         TB_E_STORAGE_CORRUPT);
    }
    free(bytes);
    tb_arena_free(arena);
}

static void a_credential_of_no_known_kind_or_role_is_nonsense(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char value;
    } cases[] = {{10, TB_CREDENTIAL_KIND_COUNT}, {11, TB_ROLE_OPEN}, {11, TB_ROLE_COUNT}};
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_credential put = some_credential(arena);
    size_t size = tb_record_credential_size(&put);
    char *bytes = malloc(size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_credential got = {.created_ms = 42};
        tb_record_encode_credential(&put, bytes);
        bytes[cases[i].at] = cases[i].value;
        uint64_t sum = XXH3_64bits(bytes + 8, size - 8);
        memcpy(bytes, &sum, sizeof sum);
        assert_int_equal(tb_record_decode_credential(tb_str_from(bytes, size), &got),
                         TB_E_STORAGE_CORRUPT);
        assert_int_equal(got.created_ms, 42);
    }
    free(bytes);
    tb_arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_of_a_credential_gives_back_every_field),
        cmocka_unit_test(damage_to_a_credential_is_noticed_anywhere),
        cmocka_unit_test(a_credential_of_no_known_kind_or_role_is_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void arena_aligns_every_block_for_any_type(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(100);
    for (size_t size = 0; size < 300; size++) {
        char *block = tb_arena_alloc(arena, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        memset(block, 0xa5, size);
    }
    tb_arena_free(arena);
}

static void arena_blocks_never_overlap(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    enum { BLOCKS = 3000 };
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    uint64_t random = 42;
    for (unsigned i = 0; i < BLOCKS; i++) {
        sizes[i] = random_below(&random, 50) == 0 ? random_below(&random, 100000)
                                                  : random_below(&random, 200);
        blocks[i] = tb_arena_alloc(arena, sizes[i]);
        memset(blocks[i], (int)(i % 251), sizes[i]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(blocks[i][j], i % 251);
        }
    }
    tb_arena_free(arena);
}

static void arena_first_chunk_holds_what_was_asked(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(1000);
    size_t before = tb_arena_size_bytes(arena);
    assert_true(before >= 1000);
    (void)tb_arena_alloc(arena, 1000);
    assert_int_equal(tb_arena_size_bytes(arena), before);
    (void)tb_arena_alloc(arena, 1000);
    assert_true(tb_arena_size_bytes(arena) > before);
    tb_arena_free(arena);
}

static void arena_chunks_double_so_that_few_are_needed(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(1024);
    size_t size = tb_arena_size_bytes(arena);
    unsigned chunks = 1;
    for (unsigned i = 0; i < 10000; i++) {
        (void)tb_arena_alloc(arena, 100);
        chunks += tb_arena_size_bytes(arena) != size;
        size = tb_arena_size_bytes(arena);
    }
    assert_true(chunks < 14);
    assert_true(size >= 10000 * 100);
    assert_true(size < 4 * 10000 * 100);
    tb_arena_free(arena);
}

static void arena_big_block_leaves_the_current_chunk_in_use(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(4096);
    char *first = tb_arena_alloc(arena, 16);
    char *big = tb_arena_alloc(arena, 1 << 20);
    memset(big, 1, 1 << 20);
    size_t size = tb_arena_size_bytes(arena);
    assert_true(size >= 4096 + (1 << 20));
    char *second = tb_arena_alloc(arena, 16);
    assert_true(second > first && second < first + 4096);
    assert_int_equal(tb_arena_size_bytes(arena), size);
    tb_arena_free(arena);
}

static void arena_reset_keeps_only_the_first_chunk(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(256);
    size_t before = tb_arena_size_bytes(arena);
    char *first = tb_arena_alloc(arena, 8);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            (void)tb_arena_alloc(arena, 333);
        }
        (void)tb_arena_alloc(arena, 5000000);
        assert_true(tb_arena_size_bytes(arena) > before);
        tb_arena_reset(arena);
        assert_int_equal(tb_arena_size_bytes(arena), before);
        assert_ptr_equal(tb_arena_alloc(arena, 8), first);
    }
    tb_arena_free(arena);
}

static void arena_zalloc_clears_what_was_used_before(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(512);
    memset(tb_arena_alloc(arena, 400), 0xff, 400);
    tb_arena_reset(arena);
    const char *block = tb_arena_zalloc(arena, 400);
    for (unsigned i = 0; i < 400; i++) {
        assert_int_equal(block[i], 0);
    }
    tb_arena_free(arena);
}

static void arena_free_accepts_null(void **state)
{
    (void)state;
    tb_arena_free(NULL);
}

static void alloc_in_a_child(size_t first_bytes, size_t size)
{
    const struct rlimit no_core = {0, 0};
    pid_t child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)tb_arena_alloc(tb_arena_new(first_bytes), size);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void arena_aborts_on_a_size_that_no_memory_has(void **state)
{
    (void)state;
    alloc_in_a_child(0, SIZE_MAX);
    alloc_in_a_child(0, SIZE_MAX - 40);
    alloc_in_a_child(0, SIZE_MAX / 2);
    alloc_in_a_child(SIZE_MAX, 1);
}

static void arena_dup_keeps_absent_absent_and_empty_empty(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    char source[] = "hello";
    struct tb_str copy = tb_arena_dup(arena, tb_str_c(source));
    source[0] = 'J';
    assert_str(copy, "hello");
    assert_absent(tb_arena_dup(arena, TB_STR_NONE));
    assert_str(tb_arena_dup(arena, TB_STR("")), "");
    tb_arena_free(arena);
}

static void arena_printf_formats_any_length_and_ends_with_nul(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_str s = tb_arena_printf(arena, "%s has %d", "board", 3);
    assert_str(s, "board has 3");
    assert_int_equal(s.ptr[s.len], 0);
    assert_str(tb_arena_printf(arena, "%s", ""), "");
    for (int width = 250; width < 260; width++) {
        s = tb_arena_printf(arena, "%*d", width, 7);
        assert_int_equal(s.len, width);
        assert_int_equal(s.ptr[s.len - 1], '7');
        assert_int_equal(s.ptr[s.len], 0);
    }
    tb_arena_free(arena);
}

static void arena_poisons_what_is_not_handed_out(void **state)
{
    (void)state;
#ifdef WITH_ASAN
    struct tb_arena *arena = tb_arena_new(1024);
    char *block = tb_arena_alloc(arena, 20);
    assert_false(__asan_address_is_poisoned(block + 19));
    assert_true(__asan_address_is_poisoned(block + 20));
    tb_arena_reset(arena);
    assert_true(__asan_address_is_poisoned(block));
    tb_arena_free(arena);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_aligns_every_block_for_any_type),
        cmocka_unit_test(arena_blocks_never_overlap),
        cmocka_unit_test(arena_first_chunk_holds_what_was_asked),
        cmocka_unit_test(arena_chunks_double_so_that_few_are_needed),
        cmocka_unit_test(arena_big_block_leaves_the_current_chunk_in_use),
        cmocka_unit_test(arena_reset_keeps_only_the_first_chunk),
        cmocka_unit_test(arena_zalloc_clears_what_was_used_before),
        cmocka_unit_test(arena_free_accepts_null),
        cmocka_unit_test(arena_aborts_on_a_size_that_no_memory_has),
        cmocka_unit_test(arena_dup_keeps_absent_absent_and_empty_empty),
        cmocka_unit_test(arena_printf_formats_any_length_and_ends_with_nul),
        cmocka_unit_test(arena_poisons_what_is_not_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

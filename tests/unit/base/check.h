/* What every test of this folder includes: cmocka with what it needs, and a few helpers. */
#ifndef TB_TESTS_UNIT_BASE_CHECK_H
#define TB_TESTS_UNIT_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails, showing both, unless `got` is present and equal to `wanted`. */
static inline void check_str(struct tb_str got, struct tb_str wanted, const char *file, int line)
{
    if (!tb_str_eq(got, wanted)) {
        print_error("got    [%.*s]%s\nwanted [%.*s]\n", (int)got.len,
                    got.ptr == NULL ? "" : got.ptr, got.ptr == NULL ? " (absent)" : "",
                    (int)wanted.len, wanted.ptr);
        _fail(file, line);
    }
}

#define assert_str(got, literal)   check_str((got), TB_STR(literal), __FILE__, __LINE__)
#define assert_str_eq(got, wanted) check_str((got), (wanted), __FILE__, __LINE__)
#define assert_absent(got)         assert_null((got).ptr)

/* xorshift64: the same history every time. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline unsigned random_below(uint64_t *state, unsigned bound)
{
    return (unsigned)(next_random(state) >> 33) % bound;
}

#endif

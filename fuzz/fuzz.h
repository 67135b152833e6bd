/* What every fuzz target shares: the entry point that the fuzzer, and the replay of the kept
 * corpus, call; checks that stay in every build; and reading an input in parts. */
#ifndef TB_FUZZ_FUZZ_H
#define TB_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

/* One input. Returns 0 always; what is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(#condition, __FILE__, __LINE__);                                             \
        }                                                                                          \
    } while (0)

_Noreturn static inline void fuzz_fail(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    (void)fflush(stderr);
    abort();
}

/* --- cutting an input --- */

struct fuzz_input {
    const char *at;
    size_t left;
};

static inline struct fuzz_input fuzz_input_of(const uint8_t *data, size_t size)
{
    return (struct fuzz_input){size == 0 ? "" : (const char *)data, size};
}

/* The next byte; 0 at the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return (uint8_t)*input->at++;
}

static inline struct tb_str fuzz_rest(const struct fuzz_input *input)
{
    return tb_str_from(input->at, input->left);
}

/* All up to the next `end`, which is skipped; false when nothing is left. */
static inline bool fuzz_until(struct fuzz_input *input, char end, struct tb_str *part)
{
    if (input->left == 0) {
        return false;
    }
    const char *found = memchr(input->at, end, input->left);
    size_t len = found == NULL ? input->left : (size_t)(found - input->at);
    *part = tb_str_from(input->at, len);
    size_t taken = found == NULL ? len : len + 1;
    input->at += taken;
    input->left -= taken;
    return true;
}

/* A copy in a block of its own that ends where the copy does, so that the address sanitizer sees
 * who reads beyond either end. To be freed. */
static inline char *fuzz_exact(struct tb_str bytes)
{
    char *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    must(copy != NULL);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return copy;
}

#endif

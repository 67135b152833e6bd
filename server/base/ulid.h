/* ULIDs: 48 bits of milliseconds, 80 bits of randomness, 26 characters of Crockford's base 32.
 *
 * The generator never goes back: an id is greater than every id made before it, also within one
 * millisecond (the 80 bits are counted up) and when the clock is set back (the last time is kept).
 */
#ifndef TB_BASE_ULID_H
#define TB_BASE_ULID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TB_ULID_LEN 26

struct tb_id {
    uint8_t bytes[16]; /* big-endian: bytewise order is creation order */
};

/* Fills `out` with `len` random bytes. In the server this is libsodium; tests give a seeded one. */
typedef void tb_random_fn(void *ctx, void *out, size_t len);

struct tb_ulid_source {
    struct tb_id last; /* all zero: none yet */
    tb_random_fn *random;
    void *random_ctx;
};

struct tb_id tb_ulid_next(struct tb_ulid_source *source, int64_t now_ms);

/* Writes exactly TB_ULID_LEN bytes in upper case, no NUL. */
void tb_ulid_format(struct tb_id id, char out[TB_ULID_LEN]);

/* Reads 26 characters, upper or lower case, of the 32 and no other; the first must be 0..7. */
bool tb_ulid_parse(struct tb_str s, struct tb_id *out);

int64_t tb_ulid_ms(struct tb_id id);
int tb_id_cmp(struct tb_id a, struct tb_id b);
bool tb_id_is_zero(struct tb_id id);

#endif

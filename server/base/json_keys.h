/* The names seen in each object that is still open, to find a name that comes twice. Internal to
 * json.c.
 *
 * Small objects are compared as they come, big ones are sorted when they close: no hash, hence no
 * collisions for a client to make, and never worse than n log n. */
#ifndef TB_BASE_JSON_KEYS_H
#define TB_BASE_JSON_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct tb_json_key {
    uint64_t prefix; /* the first 8 bytes, big-endian, so that its order is that of the bytes */
    struct tb_str text;
    size_t offset; /* in the input, for the message */
};

/* A stack: the names of the innermost object lie on top. */
struct tb_json_keys {
    struct tb_arena *arena;
    struct tb_json_key *items;
    size_t count;
    size_t cap;
};

/* Adds a name to the object whose names begin at index `first`. `text` must be readable for 8
 * bytes, however short it is. Returns the second of two equal names, or NULL; in a big object that
 * is only found when it closes. */
const struct tb_json_key *tb_json_keys_add(struct tb_json_keys *keys, size_t first,
                                           struct tb_str text, size_t offset);

/* Takes the object's names away. Returns the second of two equal names (that which comes first in
 * the input), or NULL. */
const struct tb_json_key *tb_json_keys_close(struct tb_json_keys *keys, size_t first);

#endif

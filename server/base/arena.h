/* A region of memory that is freed as a whole.
 *
 * One arena belongs to one request, one command or one batch. It is used by one thread at a time;
 * handing it to another thread needs a lock or a queue in between. Blocks are never freed singly.
 */
#ifndef TB_BASE_ARENA_H
#define TB_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct tb_arena;

/* Makes an arena whose first chunk holds `first_bytes` (0: a page or so). Aborts when memory is
 * out. */
struct tb_arena *tb_arena_new(size_t first_bytes);

/* Frees the arena and everything allocated from it. NULL is accepted. */
void tb_arena_free(struct tb_arena *arena);

/* Forgets everything allocated, keeps the first chunk for the next use. */
void tb_arena_reset(struct tb_arena *arena);

/* Returns `size` bytes, aligned for any type, not initialised. Never NULL: the process aborts when
 * memory is out, because everything a client can size is limited before it comes here. */
void *tb_arena_alloc(struct tb_arena *arena, size_t size);

/* The same, filled with zeros. */
void *tb_arena_zalloc(struct tb_arena *arena, size_t size);

/* Bytes taken from the system, for limits and metrics. */
size_t tb_arena_size_bytes(const struct tb_arena *arena);

/* Copies `s` into the arena. An absent string stays absent. */
struct tb_str tb_arena_dup(struct tb_arena *arena, struct tb_str s);

/* Formats into the arena like printf. The result is followed by a NUL that its length does not
 * count. */
struct tb_str tb_arena_printf(struct tb_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

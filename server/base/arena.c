#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Under AddressSanitizer what is not handed out is poisoned, and a gap stands behind each block, so
 * that overruns within the arena are seen as they would be with malloc. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, size)   __asan_poison_memory_region((ptr), (size))
#define UNPOISON(ptr, size) __asan_unpoison_memory_region((ptr), (size))
#define GAP_BYTES           16
#else
#define POISON(ptr, size)   ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
#define GAP_BYTES           0
#endif

#define ALIGNMENT       16
#define FIRST_BYTES     4000
#define CHUNK_BYTES_MAX ((size_t)1 << 20)
#define ALLOC_BYTES_MAX (SIZE_MAX / 4)

_Static_assert(_Alignof(max_align_t) <= ALIGNMENT, "blocks suit any type");

struct chunk {
    struct chunk *next;
    size_t size; /* of the data */
    _Alignas(ALIGNMENT) char data[];
};

/* The arena stands at the head of its first chunk, so that a small one costs a single malloc:
 *
 *   [ tb_arena | chunk header | data ...... ]      [ chunk header | data ...... ]  ...
 *                                  ^at     ^end of the chunk that is being filled */
struct tb_arena {
    char *at;
    char *end;
    size_t next_bytes;  /* data of the next ordinary chunk */
    size_t size_bytes;  /* all mallocs together */
    struct chunk *more; /* every chunk but the first */
    _Alignas(ALIGNMENT) struct chunk first;
};

static void *malloc_or_die(size_t size)
{
    void *ptr = malloc(size);
    if (ptr == NULL) {
        tb_out_of_memory();
    }
    return ptr;
}

static size_t aligned(size_t size)
{
    return (size + GAP_BYTES + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void fill_from(struct tb_arena *arena, struct chunk *chunk)
{
    arena->at = chunk->data;
    arena->end = chunk->data + chunk->size;
    POISON(chunk->data, chunk->size);
}

static void free_more(struct tb_arena *arena)
{
    struct chunk *chunk = arena->more;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        arena->size_bytes -= sizeof(*chunk) + chunk->size;
        free(chunk);
        chunk = next;
    }
    arena->more = NULL;
}

static size_t second_chunk_bytes(const struct tb_arena *arena)
{
    return arena->first.size < CHUNK_BYTES_MAX / 2 ? arena->first.size * 2 : CHUNK_BYTES_MAX;
}

struct tb_arena *tb_arena_new(size_t first_bytes)
{
    size_t size = aligned(first_bytes == 0 ? FIRST_BYTES : first_bytes);
    if (first_bytes > ALLOC_BYTES_MAX) {
        abort();
    }
    struct tb_arena *arena = malloc_or_die(sizeof(*arena) + size);
    arena->size_bytes = sizeof(*arena) + size;
    arena->more = NULL;
    arena->first.next = NULL;
    arena->first.size = size;
    arena->next_bytes = second_chunk_bytes(arena);
    fill_from(arena, &arena->first);
    return arena;
}

void tb_arena_free(struct tb_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    free_more(arena);
    UNPOISON(arena->first.data, arena->first.size);
    free(arena);
}

void tb_arena_reset(struct tb_arena *arena)
{
    free_more(arena);
    arena->next_bytes = second_chunk_bytes(arena);
    fill_from(arena, &arena->first);
}

static struct chunk *add_chunk(struct tb_arena *arena, size_t size)
{
    struct chunk *chunk = malloc_or_die(sizeof(*chunk) + size);
    chunk->size = size;
    chunk->next = arena->more;
    arena->more = chunk;
    arena->size_bytes += sizeof(*chunk) + size;
    return chunk;
}

/* A big block gets a chunk of its own and the chunk that is being filled stays in use: the room
 * left in it is not lost. */
static void *alloc_slowly(struct tb_arena *arena, size_t size)
{
    size_t room = aligned(size);
    if (size > ALLOC_BYTES_MAX) {
        abort();
    }
    if (room > arena->next_bytes / 2) {
        struct chunk *own = add_chunk(arena, room);
        POISON(own->data + size, room - size);
        return own->data;
    }
    fill_from(arena, add_chunk(arena, arena->next_bytes));
    if (arena->next_bytes < CHUNK_BYTES_MAX) {
        arena->next_bytes *= 2;
    }
    char *ptr = arena->at;
    arena->at += room;
    UNPOISON(ptr, size);
    return ptr;
}

void *tb_arena_alloc(struct tb_arena *arena, size_t size)
{
    size_t left = (size_t)(arena->end - arena->at);
    size_t room = aligned(size);
    if (size > left || room > left) {
        return alloc_slowly(arena, size);
    }
    char *ptr = arena->at;
    arena->at += room;
    UNPOISON(ptr, size);
    return ptr;
}

void *tb_arena_zalloc(struct tb_arena *arena, size_t size)
{
    return memset(tb_arena_alloc(arena, size), 0, size);
}

size_t tb_arena_size_bytes(const struct tb_arena *arena)
{
    return arena->size_bytes;
}

struct tb_str tb_arena_dup(struct tb_arena *arena, struct tb_str s)
{
    if (s.ptr == NULL) {
        return TB_STR_NONE;
    }
    char *copy = tb_arena_alloc(arena, s.len);
    memcpy(copy, s.ptr, s.len);
    return tb_str_from(copy, s.len);
}

struct tb_str tb_arena_printf(struct tb_arena *arena, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len < 0) {
        abort(); /* only a wrong format does this */
    }
    char *out = tb_arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(small)) {
        memcpy(out, small, (size_t)len + 1);
    } else {
        (void)vsnprintf(out, (size_t)len + 1, format, again);
    }
    va_end(again);
    return tb_str_from(out, (size_t)len);
}

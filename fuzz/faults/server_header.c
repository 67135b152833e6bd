/* Planted: an entity tag that breaks its header line. */
#include "http/etag.h"

struct tb_str __wrap_tb_etag_of_version(struct tb_arena *arena, uint64_t version);

struct tb_str __wrap_tb_etag_of_version(struct tb_arena *arena, uint64_t version)
{
    return tb_arena_printf(arena, "\"%u\r\nx\"", (unsigned)version);
}

#include "world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[ENGINE_COUNT] = {
    [ENGINE_MEMORY] = "memory",
    [ENGINE_LMDB] = "lmdb",
    [ENGINE_FAULT_ON_MEMORY] = "fault on memory",
    [ENGINE_FAULT_ON_LMDB] = "fault on lmdb",
};

const char *engine_name(enum engine engine)
{
    return names[engine];
}

static bool on_lmdb(const struct world *world)
{
    return world->engine == ENGINE_LMDB || world->engine == ENGINE_FAULT_ON_LMDB;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fill_random(void *ctx, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)next_random(ctx);
    }
}

uint64_t pick(struct world *world, uint64_t bound)
{
    return next_random(&world->random) % bound;
}

struct tb_id new_id(struct world *world)
{
    world->ids.random_ctx = &world->random;
    return tb_ulid_next(&world->ids, world->now_ms);
}

/* --- opening --- */

void folder_make(char folder[64])
{
    strcpy(folder, "/tmp/taskboard-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void folder_remove(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void open_store(struct world *world)
{
    char why[256];
    struct tb_store *inner = NULL;
    struct tb_store_options options = {
        .url = on_lmdb(world) ? world->folder : "memory:",
        .map_bytes = world->map_bytes,
        .readers_max = 16,
        .create = true,
    };
    if (tb_store_open(&options, &inner, why, sizeof why) != TB_OK) {
        fail_msg("%s", why);
    }
    world->store = inner;
    if (world->engine == ENGINE_FAULT_ON_MEMORY || world->engine == ENGINE_FAULT_ON_LMDB) {
        assert_int_equal(tb_fault_wrap(inner, &world->store), TB_OK);
    }
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
}

static struct world *open_world(enum engine engine, uint64_t seed, uint64_t map_bytes)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->engine = engine;
    world->arena = tb_arena_new(0);
    world->random = seed;
    world->map_bytes = map_bytes;
    world->now_ms = INT64_C(1760000000000);
    world->ids.random = fill_random;
    if (on_lmdb(world)) {
        folder_make(world->folder);
    }
    open_store(world);
    return world;
}

struct world *world_open(enum engine engine, uint64_t seed)
{
    return open_world(engine, seed, UINT64_C(1) << 30);
}

struct world *world_open_small(uint64_t map_bytes)
{
    return open_world(ENGINE_LMDB, 1, map_bytes);
}

static void close_store(struct world *world)
{
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
}

static void tell_fault(void *ctx, const char *fault)
{
    size_t *count = ctx;
    if ((*count)++ < 20) {
        print_error("%s\n", fault);
    }
}

void expect_sound(struct world *world)
{
    struct tb_store_tally tally;
    size_t faults = 0;
    assert_int_equal(tb_store_verify(world->store, tell_fault, &faults, &tally), TB_OK);
    assert_int_equal(faults, 0);
}

void world_close(struct world *world)
{
    if (!world->damaged) {
        expect_sound(world);
    }
    close_store(world);
    if (on_lmdb(world)) {
        folder_remove(world->folder);
    }
    tb_arena_free(world->arena);
    free(world);
}

void world_reopen(struct world *world)
{
    close_store(world);
    open_store(world);
}

/* --- transactions --- */

struct tb_txn *begin(struct world *world)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_write_begin(world->store, world->arena, &txn), TB_OK);
    return txn;
}

void commit(struct tb_txn **txn)
{
    assert_int_equal(tb_write_commit(txn), TB_OK);
    assert_null(*txn);
}

struct tb_txn *snapshot(struct world *world)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_read_begin(world->reader, world->arena, &txn), TB_OK);
    return txn;
}

/* A manifest of the runs that cannot be, whatever its checksum says: the check refuses it before
 * anything relies on it. storage/lmdb/run_manifest.c says how it is laid out. */
#include "scene.h"

#include <stdlib.h>
#include <xxhash.h>

enum {
    NEXT = 8, /* in the header */
    RUNS = 16,
    MERGES = 18,
    HEADER_BYTES = 24,

    RUN_DROPS = 16, /* in a run */
    RUN_LEVEL = 28,
    RUN_BYTES = 48,

    OUTPUT = 0, /* in a merge */
    DROPS = 16,
    BLOCKS = 40,
    INPUTS = 44,
    PLACE = 46,
    LEVEL = 47,
    KEY_BYTES = 48,
    MERGE_BYTES = 56,

    PIECE_BYTES = 4080,
    RECORD_BYTES_MAX = 4000,
};

#define DAMAGED "the manifest of the runs is damaged: no list can be read"

/* The two newest runs are merged; nothing is taken yet. */
static void begin_merge(struct tb_run_manifest *manifest)
{
    assert_true(manifest->count >= 2);
    manifest->runs[1].level = manifest->runs[0].level;
    manifest->runs[0].merge = 1;
    manifest->runs[1].merge = 1;
    manifest->merges[0] =
        (struct tb_run_merging){.output = manifest->next++,
                                .inputs = 2,
                                .level = 1,
                                .left = manifest->runs[0].entries + manifest->runs[1].entries};
}

struct record {
    size_t size;
    size_t merge; /* where the merge stands */
    uint8_t bytes[RECORD_BYTES_MAX];
};

static MDB_val name_of(const char *name)
{
    return tb_mdb_val(name, strlen(name));
}

static struct record get_record(const struct scene *scene)
{
    struct record record;
    MDB_txn *mdb = raw_begin(scene);
    MDB_val key = name_of("runs");
    MDB_val value;
    assert_int_equal(mdb_get(mdb, store_of(scene)->dbis[TB_DB_META], &key, &value), 0);
    assert_true(value.mv_size + MERGE_BYTES <= sizeof record.bytes);
    memcpy(record.bytes, value.mv_data, value.mv_size);
    record.size = value.mv_size;
    record.merge = record.size - MERGE_BYTES;
    mdb_txn_abort(mdb);
    return record;
}

static void put_record(const struct scene *scene, struct record record)
{
    uint64_t sum = XXH3_64bits(record.bytes + sizeof(uint64_t), record.size - sizeof(uint64_t));
    memcpy(record.bytes, &sum, sizeof sum);
    raw_put(scene, TB_DB_META, name_of("runs"), tb_mdb_val(record.bytes, record.size));
}

static struct scene *merging_scene(void)
{
    struct scene *scene = open_scene();
    change_manifest(scene, begin_merge);
    expect_sound(scene->world);
    return scene;
}

/* --- one number --- */

static const struct {
    bool in_merge;
    size_t at;
    size_t width;
    uint64_t value;
} numbers[] = {
    {false, RUNS, 2, TB_RUN_COUNT_MAX + 1},
    {false, RUNS, 2, 1},
    {false, MERGES, 2, 0},
    {false, MERGES, 2, 2},
    {false, MERGES, 2, TB_RUN_MERGES_MAX + 1},
    {false, NEXT, 8, 1},
    {false, HEADER_BYTES, 8, 0},
    {false, HEADER_BYTES + RUN_DROPS, 8, UINT64_MAX},
    {false, HEADER_BYTES + RUN_LEVEL, 1, TB_RUN_LEVELS_MAX},
    {false, HEADER_BYTES + RUN_BYTES + RUN_LEVEL, 1, TB_RUN_LEVELS_MAX},
    {true, OUTPUT, 8, 0},
    {true, OUTPUT, 8, UINT64_MAX},
    {true, DROPS, 8, 1},
    {true, BLOCKS, 4, 1},
    {true, INPUTS, 2, 3},
    {true, PLACE, 1, TB_RUN_MERGES_MAX},
    {true, LEVEL, 1, TB_RUN_LEVELS_MAX},
    {true, KEY_BYTES, 2, 1},
    {true, KEY_BYTES, 2, TB_KEY_BYTES_MAX + 1},
};

static void a_number_that_cannot_be_is_noticed(void **state)
{
    (void)state;
    struct scene *scene = merging_scene();
    const struct record good = get_record(scene);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct record record = good;
        size_t at = (numbers[i].in_merge ? record.merge : 0) + numbers[i].at;
        memcpy(record.bytes + at, &numbers[i].value, numbers[i].width);
        put_record(scene, record);
        if (!is_told(scene, &(struct damage){NULL, DAMAGED, 1})) {
            fail_msg("number %zu is taken for good", i);
        }
    }
    put_record(scene, good);
    expect_sound(scene->world);
    close_scene(scene);
}

/* --- other kinds --- */

static void merge_twice_at_one_place(const struct scene *scene)
{
    struct record record = get_record(scene);
    const uint16_t merges = 2;
    memcpy(record.bytes + record.size, record.bytes + record.merge, MERGE_BYTES);
    memcpy(record.bytes + MERGES, &merges, sizeof merges);
    record.size += MERGE_BYTES;
    put_record(scene, record);
}

static void begin_another(struct tb_run_manifest *manifest)
{
    manifest->runs[1].merge = 2;
    manifest->merges[0].inputs = 1;
    manifest->merges[1] = manifest->merges[0];
}

static void merge_twice_into_one(const struct scene *scene)
{
    change_manifest(scene, begin_another);
}

static void take_no_input(struct tb_run_manifest *manifest)
{
    manifest->runs[0].merge = 0;
    manifest->runs[1].merge = 0;
    manifest->merges[0].inputs = 0;
}

static void merge_nothing(const struct scene *scene)
{
    change_manifest(scene, take_no_input);
}

static void take_too_many(struct tb_run_manifest *manifest)
{
    while (manifest->count <= TB_RUN_INPUTS_MAX) {
        tb_run_manifest_add(manifest, (struct tb_run_info){.number = manifest->next++});
    }
    for (unsigned i = 0; i < manifest->count; i++) {
        manifest->runs[i].merge = 1;
        manifest->runs[i].level = 0;
    }
    manifest->merges[0].inputs = (uint16_t)manifest->count;
}

static void merge_too_many(const struct scene *scene)
{
    change_manifest(scene, take_too_many);
}

static void cut_header(const struct scene *scene)
{
    struct record record = get_record(scene);
    record.size = HEADER_BYTES - 1;
    put_record(scene, record);
}

static void put_pieces(const struct scene *scene, unsigned count)
{
    static const uint8_t piece[PIECE_BYTES];
    raw_put(scene, TB_DB_META, name_of("runs"), tb_mdb_val(piece, sizeof piece));
    for (unsigned i = 1; i < count; i++) {
        struct tb_str name = text(scene->world, "runs.%u", i);
        raw_put(scene, TB_DB_META, tb_mdb_val(name.ptr, name.len), tb_mdb_val(piece, sizeof piece));
    }
}

static void lose_second_piece(const struct scene *scene)
{
    put_pieces(scene, 1);
}

static void leave_too_many_pieces(const struct scene *scene)
{
    put_pieces(scene, 20);
}

static void what_belongs_to_no_manifest_is_noticed(void **state)
{
    (void)state;
    static void (*const plants[])(const struct scene *scene) = {
        merge_twice_at_one_place, merge_twice_into_one, merge_nothing, merge_too_many, cut_header,
        lose_second_piece,        leave_too_many_pieces};
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        struct scene *scene = merging_scene();
        plants[i](scene);
        if (!is_told(scene, &(struct damage){NULL, DAMAGED, 1})) {
            fail_msg("plant %zu is taken for good", i);
        }
        close_scene(scene);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_that_cannot_be_is_noticed),
        cmocka_unit_test(what_belongs_to_no_manifest_is_noticed),
    };
    return cmocka_run_group_tests_name("check of the manifest", tests, NULL, NULL);
}

#include <assert.h>
#include <xxhash.h>

#include "lmdb/lmdb.h"

/* The record, "runs" in the `meta` database, little-endian:
 *
 *   header | run … | garbage number … | merge, the bytes of its key … |
 *
 * The checksum, XXH3 of 64 bits, is over everything behind it. */
struct manifest_header {
    uint64_t checksum;
    uint64_t next;
    uint16_t runs;
    uint16_t garbage;
    uint16_t merges;
    uint16_t zero;
};

struct merge_record {
    uint64_t input_max;
    uint64_t output;
    uint64_t entries;
    uint64_t left;
    int64_t credit;
    uint32_t blocks;
    uint16_t level;
    uint16_t taken_len;
};

enum {
    MANIFEST_BYTES_MAX = sizeof(struct manifest_header) +
                         TB_RUN_COUNT_MAX * sizeof(struct tb_run_info) +
                         TB_RUN_GARBAGE_MAX * sizeof(uint64_t) +
                         TB_RUN_LEVELS_MAX * (sizeof(struct merge_record) + TB_KEY_BYTES_MAX)
};

static_assert(sizeof(struct manifest_header) == 24 && sizeof(struct merge_record) == 48 &&
                  sizeof(struct tb_run_info) == 40,
              "without holes");

static MDB_val manifest_key(void)
{
    return tb_mdb_val("runs", strlen("runs"));
}

/* --- decoding --- */

struct reading {
    const uint8_t *at;
    size_t left;
};

static bool take(struct reading *reading, void *out, size_t bytes)
{
    if (bytes > reading->left) {
        return false;
    }
    if (bytes > 0) {
        memcpy(out, reading->at, bytes);
    }
    reading->at += bytes;
    reading->left -= bytes;
    return true;
}

static bool take_merge(struct reading *reading, struct tb_run_manifest *manifest)
{
    struct merge_record record;
    if (!take(reading, &record, sizeof record) || record.level >= TB_RUN_LEVELS_MAX ||
        record.taken_len > TB_KEY_BYTES_MAX) {
        return false;
    }
    struct tb_run_merging *merge = &manifest->merges[record.level];
    *merge = (struct tb_run_merging){
        .input_max = record.input_max,
        .output = record.output,
        .entries = record.entries,
        .left = record.left,
        .credit = record.credit,
        .blocks = record.blocks,
        .taken.len = record.taken_len,
    };
    return take(reading, merge->taken.bytes, record.taken_len);
}

static bool decode(MDB_val record, struct tb_run_manifest *manifest)
{
    struct reading reading = {record.mv_data, record.mv_size};
    struct manifest_header header;
    if (!take(&reading, &header, sizeof header) ||
        XXH3_64bits((const uint8_t *)record.mv_data + sizeof header.checksum,
                    record.mv_size - sizeof header.checksum) != header.checksum ||
        header.runs > TB_RUN_COUNT_MAX || header.garbage > TB_RUN_GARBAGE_MAX) {
        return false;
    }
    manifest->next = header.next;
    manifest->count = header.runs;
    manifest->garbage_count = header.garbage;
    bool whole = take(&reading, manifest->runs, header.runs * sizeof *manifest->runs) &&
                 take(&reading, manifest->garbage, header.garbage * sizeof *manifest->garbage);
    for (unsigned i = 0; i < manifest->count && whole; i++) {
        whole = manifest->runs[i].level < TB_RUN_LEVELS_MAX;
    }
    memset(manifest->merges, 0, sizeof manifest->merges);
    for (unsigned i = 0; i < header.merges && whole; i++) {
        whole = take_merge(&reading, manifest);
    }
    return whole && reading.left == 0;
}

int tb_run_manifest_load(struct tb_lmdb_txn *txn)
{
    struct tb_run_manifest *manifest = &txn->manifest;
    if (manifest->loaded) {
        return 0;
    }
    MDB_val key = manifest_key();
    MDB_val record;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &record);
    if (rc == MDB_NOTFOUND) { /* no commit has written a run yet */
        manifest->next = 1;
        manifest->count = 0;
        manifest->garbage_count = 0;
        memset(manifest->merges, 0, sizeof manifest->merges);
        rc = 0;
    } else if (rc == 0 && !decode(record, manifest)) {
        rc = MDB_CORRUPTED;
    }
    manifest->loaded = rc == 0;
    return rc;
}

/* --- encoding --- */

static uint8_t *add(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *add_merge(uint8_t *at, const struct tb_run_merging *merge, uint16_t level)
{
    struct merge_record record = {
        .input_max = merge->input_max,
        .output = merge->output,
        .entries = merge->entries,
        .left = merge->left,
        .credit = merge->credit,
        .blocks = merge->blocks,
        .level = level,
        .taken_len = (uint16_t)merge->taken.len,
    };
    at = add(at, &record, sizeof record);
    return add(at, merge->taken.bytes, merge->taken.len);
}

int tb_run_manifest_save(struct tb_lmdb_txn *txn)
{
    const struct tb_run_manifest *manifest = &txn->manifest;
    assert(manifest->loaded);
    uint8_t record[MANIFEST_BYTES_MAX];
    struct manifest_header header = {
        .next = manifest->next,
        .runs = (uint16_t)manifest->count,
        .garbage = (uint16_t)manifest->garbage_count,
    };
    uint8_t *end = record + sizeof header;
    end = add(end, manifest->runs, manifest->count * sizeof *manifest->runs);
    end = add(end, manifest->garbage, manifest->garbage_count * sizeof *manifest->garbage);
    for (uint16_t level = 0; level < TB_RUN_LEVELS_MAX; level++) {
        if (manifest->merges[level].input_max != 0) {
            end = add_merge(end, &manifest->merges[level], level);
            header.merges++;
        }
    }
    memcpy(record, &header, sizeof header);
    header.checksum = XXH3_64bits(record + sizeof header.checksum,
                                  (size_t)(end - record) - sizeof header.checksum);
    memcpy(record, &header.checksum, sizeof header.checksum);
    MDB_val key = manifest_key();
    MDB_val value = tb_mdb_val(record, (size_t)(end - record));
    return mdb_put(txn->mdb, txn->store->dbis[TB_DB_META], &key, &value, 0);
}

/* --- what is known of a run without opening it --- */

enum top { TOP_NONE, TOP_ID, TOP_TIME };

/* Which top holds for the entries of an index. Kinds that are not named here have none. */
static enum top top_of_kind(uint8_t kind)
{
    switch (kind) {
    case TB_INDEX_CREATED:
    case TB_INDEX_ASSIGNEE:
    case TB_INDEX_CREATED_BY:
    case TB_INDEX_PARENT:
    case TB_INDEX_TAG:
    case TB_INDEX_WORD:
        return TOP_ID;
    case TB_INDEX_UPDATED:
        return TOP_TIME;
    default:
        return TOP_NONE;
    }
}

static void raise(uint64_t *top, uint64_t number)
{
    *top = *top < number ? number : *top;
}

void tb_run_info_raise(struct tb_run_info *run, const struct tb_run_info *other)
{
    run->states |= other->states;
    raise(&run->id_top, other->id_top);
    raise(&run->time_top, other->time_top);
}

#define STATES_MAX 16

static_assert(TB_STATE_COUNT <= STATES_MAX, "each has a bit");

/* The set with the state that an entry begins with; empty: it begins with none. */
static uint16_t state_of(const uint8_t *key, size_t len)
{
    bool has_state = len > 1 && key[1] < STATES_MAX &&
                     (key[0] == TB_INDEX_CREATED || key[0] == TB_INDEX_UPDATED);
    return (uint16_t)(has_state ? 1U << key[1] : 0U);
}

bool tb_run_info_may_have(const struct tb_run_info *run, const uint8_t *prefix, size_t len)
{
    uint16_t state = state_of(prefix, len);
    return state == 0 || (run->states & state) != 0;
}

void tb_run_info_add(struct tb_run_info *run, const uint8_t *key, size_t len)
{
    run->states |= state_of(key, len);
    switch (top_of_kind(key[0])) {
    case TOP_ID:
        raise(&run->id_top, tb_key_read_u64(key + len - sizeof(struct tb_id)));
        break;
    case TOP_TIME:
        raise(&run->time_top, tb_key_read_u64(key + len - TB_KEY_UPDATED_SUFFIX_BYTES));
        break;
    case TOP_NONE:
        break;
    }
}

uint64_t tb_run_info_top(const struct tb_run_info *run, uint8_t kind, size_t suffix_len)
{
    enum top top = top_of_kind(kind);
    if (top == TOP_ID && suffix_len == sizeof(struct tb_id)) {
        return run->id_top;
    }
    return top == TOP_TIME && suffix_len == TB_KEY_UPDATED_SUFFIX_BYTES ? run->time_top
                                                                        : TB_RUN_NO_TOP;
}

/* --- changing --- */

void tb_run_manifest_add(struct tb_run_manifest *manifest, struct tb_run_info run)
{
    assert(manifest->count < TB_RUN_COUNT_MAX);
    unsigned at = 0;
    while (at < manifest->count && manifest->runs[at].level < run.level) {
        at++;
    }
    /* The newest of its level. */
    assert(at == manifest->count || manifest->runs[at].level != run.level ||
           manifest->runs[at].number < run.number);
    memmove(&manifest->runs[at + 1], &manifest->runs[at],
            (manifest->count - at) * sizeof *manifest->runs);
    manifest->runs[at] = run;
    manifest->count++;
}

void tb_run_manifest_retire(struct tb_run_manifest *manifest, uint32_t level, uint64_t input_max)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        if (run->level == level && run->number <= input_max) {
            assert(manifest->garbage_count < TB_RUN_GARBAGE_MAX);
            manifest->garbage[manifest->garbage_count++] = run->number;
        } else {
            manifest->runs[kept++] = *run;
        }
    }
    manifest->count = kept;
}

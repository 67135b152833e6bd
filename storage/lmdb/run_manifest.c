#include <assert.h>
#include <stdio.h>
#include <xxhash.h>

#include "lmdb/lmdb.h"

/* The record, little-endian:
 *
 *   header | run … | merge, the bytes of its key … |
 *
 * The checksum, XXH3 of 64 bits, is over everything behind it. It stands in the `meta` database in
 * pieces that each fit into a page, "runs", "runs.1" and so on: a value of several pages needs
 * neighbours, which a full map may not have. All but the last are full. */
struct manifest_header {
    uint64_t checksum;
    uint64_t next;
    uint16_t runs;
    uint16_t merges;
    uint32_t zero;
};

struct merge_record {
    uint64_t output;
    uint64_t entries;
    uint64_t drops;
    uint64_t left;
    int64_t credit;
    uint32_t blocks;
    uint16_t inputs;
    uint8_t place;
    uint8_t level;
    uint16_t taken_len;
    uint16_t zero[3];
};

enum {
    MANIFEST_BYTES_MAX = sizeof(struct manifest_header) +
                         TB_RUN_COUNT_MAX * sizeof(struct tb_run_info) +
                         TB_RUN_MERGES_MAX * (sizeof(struct merge_record) + TB_KEY_BYTES_MAX),
    PIECE_BYTES = TB_RUN_PAGE_BYTES - TB_RUN_MARGIN_BYTES,
    PIECES_MAX = (MANIFEST_BYTES_MAX + PIECE_BYTES - 1) / PIECE_BYTES,
};

static_assert(sizeof(struct manifest_header) == 24 && sizeof(struct merge_record) == 56 &&
                  sizeof(struct tb_run_info) == 48,
              "without holes");

/* "runs", "runs.1" and so on. */
static MDB_val piece_key(unsigned piece, char name[16])
{
    int len = piece == 0 ? snprintf(name, 16, "runs") : snprintf(name, 16, "runs.%u", piece);
    return tb_mdb_val(name, (size_t)len);
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
    if (!take(reading, &record, sizeof record) || record.place >= TB_RUN_MERGES_MAX ||
        manifest->merges[record.place].output != 0 || record.taken_len > TB_KEY_BYTES_MAX) {
        return false;
    }
    struct tb_run_merging *merge = &manifest->merges[record.place];
    *merge = (struct tb_run_merging){
        .output = record.output,
        .entries = record.entries,
        .drops = record.drops,
        .left = record.left,
        .credit = record.credit,
        .blocks = record.blocks,
        .inputs = record.inputs,
        .level = record.level,
        .taken.len = record.taken_len,
    };
    return take(reading, merge->taken.bytes, record.taken_len);
}

/* --- whether what was decoded can be: nothing else relies on the checksum alone --- */

static bool is_number(const struct tb_run_manifest *manifest, uint64_t number)
{
    return number > 0 && number < manifest->next;
}

static bool is_run(const struct tb_run_manifest *manifest, uint64_t number)
{
    for (unsigned i = 0; i < manifest->count; i++) {
        if (manifest->runs[i].number == number) {
            return true;
        }
    }
    return false;
}

/* Each number once, levels in their order. */
static bool are_runs_sound(const struct tb_run_manifest *manifest)
{
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        if (!is_number(manifest, run->number) || run->level >= TB_RUN_LEVELS_MAX ||
            run->drops > run->entries || run->merge > TB_RUN_MERGES_MAX ||
            (run->merge != 0 && manifest->merges[run->merge - 1].output == 0) ||
            (i > 0 && run->level < run[-1].level)) {
            return false;
        }
        for (unsigned k = 0; k < i; k++) {
            if (manifest->runs[k].number == run->number) {
                return false;
            }
        }
    }
    return true;
}

/* Its inputs are neighbours and as many as it says; nothing else has the number of its output. */
static bool is_merge_sound(const struct tb_run_manifest *manifest, unsigned place)
{
    const struct tb_run_merging *merge = &manifest->merges[place];
    unsigned inputs = 0;
    for (unsigned i = 0; i < manifest->count; i++) {
        bool first = i == 0 || manifest->runs[i - 1].merge != place + 1;
        if (manifest->runs[i].merge == place + 1 && inputs++ > 0 && first) {
            return false;
        }
    }
    for (unsigned i = 0; i < place; i++) {
        if (manifest->merges[i].output == merge->output) {
            return false;
        }
    }
    return inputs == merge->inputs && inputs > 0 && inputs <= TB_RUN_INPUTS_MAX &&
           merge->level < TB_RUN_LEVELS_MAX && is_number(manifest, merge->output) &&
           !is_run(manifest, merge->output) && merge->drops <= merge->entries &&
           (merge->taken.len > 0 || merge->blocks == 0);
}

static bool is_sound(const struct tb_run_manifest *manifest)
{
    bool sound = are_runs_sound(manifest);
    for (unsigned i = 0; i < TB_RUN_MERGES_MAX && sound; i++) {
        sound = manifest->merges[i].output == 0 || is_merge_sound(manifest, i);
    }
    return sound;
}

static bool decode(MDB_val record, struct tb_run_manifest *manifest)
{
    struct reading reading = {record.mv_data, record.mv_size};
    struct manifest_header header;
    if (!take(&reading, &header, sizeof header) ||
        XXH3_64bits((const uint8_t *)record.mv_data + sizeof header.checksum,
                    record.mv_size - sizeof header.checksum) != header.checksum ||
        header.runs > TB_RUN_COUNT_MAX || header.merges > TB_RUN_MERGES_MAX) {
        return false;
    }
    manifest->next = header.next;
    manifest->count = header.runs;
    bool whole = take(&reading, manifest->runs, header.runs * sizeof *manifest->runs);
    memset(manifest->merges, 0, sizeof manifest->merges);
    for (unsigned i = 0; i < header.merges && whole; i++) {
        whole = take_merge(&reading, manifest);
    }
    return whole && reading.left == 0 && is_sound(manifest);
}

/* Behind the first piece, which is full, the others; what they are together. */
static int join_pieces(struct tb_lmdb_txn *txn, MDB_val *record, uint8_t bytes[MANIFEST_BYTES_MAX])
{
    size_t used = 0;
    unsigned piece = 0;
    MDB_val next = *record;
    int rc = 0;
    while (rc == 0 && used + next.mv_size <= MANIFEST_BYTES_MAX) {
        memcpy(bytes + used, next.mv_data, next.mv_size);
        used += next.mv_size;
        if (next.mv_size < PIECE_BYTES) {
            break;
        }
        char name[16];
        MDB_val key = piece_key(++piece, name);
        rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &next);
    }
    *record = tb_mdb_val(bytes, used);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int read_record(struct tb_lmdb_txn *txn, struct tb_run_manifest *manifest)
{
    char name[16];
    uint8_t bytes[MANIFEST_BYTES_MAX];
    MDB_val key = piece_key(0, name);
    MDB_val record;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &record);
    if (rc == 0 && record.mv_size >= PIECE_BYTES) {
        rc = join_pieces(txn, &record, bytes);
    }
    return rc == 0 && !decode(record, manifest) ? MDB_CORRUPTED : rc;
}

/* Whether as many blocks are stored as there should be: one that is missing would be a list cut
 * short. */
static int check_blocks(struct tb_lmdb_txn *txn, const struct tb_run_manifest *manifest)
{
    MDB_stat stat;
    uint64_t blocks = 0;
    for (unsigned i = 0; i < manifest->count; i++) {
        blocks += manifest->runs[i].blocks;
    }
    for (unsigned i = 0; i < TB_RUN_MERGES_MAX; i++) {
        blocks += manifest->merges[i].blocks;
    }
    int rc = mdb_stat(txn->mdb, txn->store->dbis[TB_DB_RUN], &stat);
    return rc == 0 && stat.ms_entries != blocks ? MDB_CORRUPTED : rc;
}

int tb_run_manifest_read(struct tb_lmdb_txn *txn, struct tb_run_manifest *manifest)
{
    int rc = read_record(txn, manifest);
    if (rc == MDB_NOTFOUND) { /* no commit has written a run yet */
        manifest->next = 1;
        manifest->count = 0;
        memset(manifest->merges, 0, sizeof manifest->merges);
        rc = 0;
    }
    return rc;
}

int tb_run_manifest_load(struct tb_lmdb_txn *txn)
{
    struct tb_run_manifest *manifest = &txn->manifest;
    if (manifest->loaded) {
        return 0;
    }
    int rc = tb_run_manifest_read(txn, manifest);
    rc = rc != 0 ? rc : check_blocks(txn, manifest);
    manifest->loaded = rc == 0;
    return rc;
}

/* --- encoding --- */

static uint8_t *add(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *add_merge(uint8_t *at, const struct tb_run_merging *merge, unsigned place)
{
    struct merge_record record = {
        .output = merge->output,
        .entries = merge->entries,
        .drops = merge->drops,
        .left = merge->left,
        .credit = merge->credit,
        .blocks = merge->blocks,
        .inputs = merge->inputs,
        .place = (uint8_t)place,
        .level = merge->level,
        .taken_len = (uint16_t)merge->taken.len,
    };
    at = add(at, &record, sizeof record);
    return add(at, merge->taken.bytes, merge->taken.len);
}

static size_t encode(const struct tb_run_manifest *manifest, uint8_t record[MANIFEST_BYTES_MAX])
{
    struct manifest_header header = {.next = manifest->next, .runs = (uint16_t)manifest->count};
    uint8_t *end = record + sizeof header;
    end = add(end, manifest->runs, manifest->count * sizeof *manifest->runs);
    for (unsigned place = 0; place < TB_RUN_MERGES_MAX; place++) {
        if (manifest->merges[place].output != 0) {
            end = add_merge(end, &manifest->merges[place], place);
            header.merges++;
        }
    }
    size_t size = (size_t)(end - record);
    memcpy(record, &header, sizeof header);
    header.checksum = XXH3_64bits(record + sizeof header.checksum, size - sizeof header.checksum);
    memcpy(record, &header.checksum, sizeof header.checksum);
    return size;
}

int tb_run_manifest_save(struct tb_lmdb_txn *txn)
{
    assert(txn->manifest.loaded);
    uint8_t record[MANIFEST_BYTES_MAX];
    MDB_dbi meta = txn->store->dbis[TB_DB_META];
    size_t size = encode(&txn->manifest, record);
    size_t at = 0;
    unsigned piece = 0;
    char name[16];
    int rc = 0;
    do { /* a last piece that is not full says that it is the last */
        MDB_val key = piece_key(piece++, name);
        size_t left = size - at;
        MDB_val value = tb_mdb_val(record + at, left < PIECE_BYTES ? left : PIECE_BYTES);
        rc = mdb_put(txn->mdb, meta, &key, &value, 0);
        at += value.mv_size;
    } while (rc == 0 && at < size);
    for (; rc == 0 && piece < PIECES_MAX; piece++) { /* those of a longer one before */
        MDB_val key = piece_key(piece, name);
        rc = mdb_del(txn->mdb, meta, &key, NULL);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
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
    memmove(&manifest->runs[1], &manifest->runs[0], manifest->count * sizeof *manifest->runs);
    manifest->runs[0] = run;
    manifest->count++;
}

unsigned tb_run_manifest_inputs(const struct tb_run_manifest *manifest,
                                const struct tb_run_merging *merge)
{
    unsigned place = (unsigned)(merge - manifest->merges);
    unsigned at = 0;
    while (manifest->runs[at].merge != place + 1) {
        at++;
        assert(at < manifest->count);
    }
    return at;
}

struct tb_run_info tb_run_manifest_output(const struct tb_run_manifest *manifest,
                                          const struct tb_run_merging *merge, unsigned at)
{
    struct tb_run_info output = {.number = merge->output,
                                 .entries = merge->entries,
                                 .drops = merge->drops,
                                 .blocks = merge->blocks,
                                 .level = merge->level};
    for (unsigned i = at; i < at + merge->inputs; i++) {
        tb_run_info_raise(&output, &manifest->runs[i]);
    }
    return output;
}

void tb_run_manifest_end(struct tb_run_manifest *manifest, struct tb_run_merging *merge)
{
    unsigned at = tb_run_manifest_inputs(manifest, merge);
    unsigned behind = at + merge->inputs;
    if (merge->blocks > 0) {
        manifest->runs[at] = tb_run_manifest_output(manifest, merge, at);
        at++;
    }
    memmove(&manifest->runs[at], &manifest->runs[behind],
            (manifest->count - behind) * sizeof *manifest->runs);
    manifest->count -= behind - at;
    for (unsigned i = 1; i < manifest->count; i++) {
        if (manifest->runs[i].level < manifest->runs[i - 1].level) {
            manifest->runs[i].level = manifest->runs[i - 1].level;
        }
    }
    *merge = (struct tb_run_merging){.output = 0};
}

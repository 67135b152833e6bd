/* The event log: blocks of records, one or a few a commit, in the `event` database.
 *
 *   key    seq u64 of the first event, big-endian
 *   block  | checksum u64 | count u32 | 0 u32 | end u32 of each record, from the first on | records
 * |
 *
 * The checksum is XXH3 of 64 bits over count and ends, seeded with the first seq; each record has
 * its own. The events of a block have consecutive seqs. */
#include <stdlib.h>
#include <xxhash.h>

#include "lmdb/list.h"

#define BLOCK_BYTES_MAX (256 * 1024)

struct block_header {
    uint64_t checksum;
    uint32_t count;
    uint32_t zero;
};

/* --- writing --- */

void tb_events_fini(struct tb_events *events)
{
    free(events->ends);
    free(events->records);
    *events = (struct tb_events){0};
}

void tb_events_forget(struct tb_events *events)
{
    events->count = 0;
    events->used = 0;
}

static void *grow(void *old, size_t bytes)
{
    void *grown = realloc(old, bytes);
    if (grown == NULL) {
        abort();
    }
    return grown;
}

/* Room for one more record of `size` bytes. */
static uint8_t *add_record(struct tb_events *events, uint64_t seq, size_t size)
{
    enum { ENDS_FIRST = 256 };
    if (events->count == events->ends_capacity) {
        events->ends_capacity = events->count == 0 ? ENDS_FIRST : 2 * events->ends_capacity;
        events->ends = grow(events->ends, events->ends_capacity * sizeof *events->ends);
    }
    if (events->capacity - events->used < size) {
        events->capacity = 2 * events->capacity + size + BLOCK_BYTES_MAX;
        events->records = grow(events->records, events->capacity);
    }
    if (events->count == 0) {
        events->first = seq;
    }
    uint8_t *record = events->records + events->used;
    events->used += size;
    events->ends[events->count++] = (uint32_t)events->used;
    return record;
}

static uint64_t checksum(const uint8_t *block, uint32_t count, uint64_t first)
{
    return XXH3_64bits_withSeed(
        block + sizeof(uint64_t),
        sizeof(struct block_header) - sizeof(uint64_t) + count * sizeof(uint32_t), first);
}

static size_t block_size(const struct tb_events *events)
{
    return sizeof(struct block_header) + events->count * sizeof *events->ends + events->used;
}

static void fill_block(const struct tb_events *events, uint8_t *block)
{
    struct block_header header = {.count = events->count};
    size_t ends_bytes = events->count * sizeof *events->ends;
    memcpy(block, &header, sizeof header);
    memcpy(block + sizeof header, events->ends, ends_bytes);
    memcpy(block + sizeof header + ends_bytes, events->records, events->used);
    header.checksum = checksum(block, events->count, events->first);
    memcpy(block, &header.checksum, sizeof header.checksum);
}

int tb_events_flush(struct tb_lmdb_txn *txn)
{
    struct tb_events *events = &txn->store->events;
    if (events->count == 0) {
        return 0;
    }
    uint8_t seq[8];
    tb_key_write_u64(seq, events->first);
    void *block = NULL;
    int rc = tb_lmdb_put(txn, TB_DB_EVENT, tb_mdb_val(seq, sizeof seq), block_size(events),
                         MDB_APPEND, &block);
    if (rc == 0) {
        fill_block(events, block);
    }
    tb_events_forget(events);
    return rc;
}

/* A block holds what is left of consecutive seqs and, when room is scarce, one event. */
static int gather(struct tb_lmdb_txn *txn, const struct tb_event *event)
{
    struct tb_events *events = &txn->store->events;
    int rc = 0;
    if (events->count > 0 && (event->seq != events->first + events->count ||
                              events->used >= BLOCK_BYTES_MAX || tb_lmdb_is_tight(txn))) {
        rc = tb_events_flush(txn);
    }
    if (rc == 0) {
        txn->changed = true;
        size_t size = tb_record_event_size(event);
        tb_record_encode_event(event, add_record(events, event->seq, size));
    }
    return rc;
}

enum tb_err tb_lmdb_append_event(struct tb_txn *base, const struct tb_event *event)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    int rc = gather(txn, event);
    if (rc == 0 && !tb_id_is_zero(event->task_id)) {
        struct tb_key key;
        tb_key_start(&key, TB_INDEX_EVENT);
        tb_key_add_id(&key, event->task_id);
        tb_key_add_u64(&key, event->seq);
        rc = tb_run_put(txn, &key);
    }
    return tb_lmdb_write_err(txn->store, rc);
}

/* --- reading --- */

/* A block that was checked. */
struct block {
    uint64_t first; /* seq */
    uint32_t count;
    MDB_val bytes;
};

static int open_block(MDB_val key, MDB_val bytes, struct block *block)
{
    struct block_header header;
    if (key.mv_size != sizeof(uint64_t) || bytes.mv_size < sizeof header) {
        return MDB_CORRUPTED;
    }
    memcpy(&header, bytes.mv_data, sizeof header);
    uint64_t first = tb_key_read_u64(key.mv_data);
    if (header.count == 0 || header.count > (bytes.mv_size - sizeof header) / sizeof(uint32_t) ||
        checksum(bytes.mv_data, header.count, first) != header.checksum) {
        return MDB_CORRUPTED;
    }
    *block = (struct block){.first = first, .count = header.count, .bytes = bytes};
    return 0;
}

static uint32_t end_of(const struct block *block, uint32_t index)
{
    uint32_t end = 0;
    memcpy(&end,
           (const uint8_t *)block->bytes.mv_data + sizeof(struct block_header) + index * sizeof end,
           sizeof end);
    return end;
}

static enum tb_err read_event(const struct block *block, uint32_t index, struct tb_event *event)
{
    size_t records = sizeof(struct block_header) + block->count * sizeof(uint32_t);
    size_t from = records + (index == 0 ? 0 : end_of(block, index - 1));
    size_t to = records + end_of(block, index);
    if (from > to || to > block->bytes.mv_size) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_str record = tb_str_from((const char *)block->bytes.mv_data + from, to - from);
    enum tb_err err = tb_record_decode_event(record, event);
    return err == TB_OK && event->seq != block->first + index ? TB_E_STORAGE_CORRUPT : err;
}

/* To the block that holds `seq`; when there is none, to the first behind it. MDB_NOTFOUND: nor is
 * there such a one. */
static int find_block(MDB_cursor *cursor, uint64_t seq, struct block *block)
{
    uint8_t bytes[8];
    tb_key_write_u64(bytes, seq);
    MDB_val key = tb_mdb_val(bytes, sizeof bytes);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (rc == 0 && tb_key_read_u64(key.mv_data) == seq) {
        return open_block(key, value, block);
    }
    if (rc == 0 || rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST);
    }
    if (rc == MDB_NOTFOUND) { /* all begin behind it, or there is none */
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        return rc != 0 ? rc : open_block(key, value, block);
    }
    rc = rc != 0 ? rc : open_block(key, value, block);
    if (rc == 0 && seq >= block->first + block->count) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        rc = rc != 0 ? rc : open_block(key, value, block);
    }
    return rc;
}

static enum tb_err visit_block(const struct block *block, uint64_t since, tb_visit_event *visit,
                               void *ctx, bool *stopped)
{
    enum tb_err err = TB_OK;
    uint64_t index = since >= block->first ? since + 1 - block->first : 0;
    for (; index < block->count && err == TB_OK && !*stopped; index++) {
        struct tb_event event;
        err = read_event(block, (uint32_t)index, &event);
        *stopped = err == TB_OK && visit(ctx, &event) == TB_VISIT_STOP;
    }
    return err;
}

/* What reads the log: the blocks stored and, in a write transaction, the one to come. Reading must
 * not write: whoever visits may be visiting something else at the same time. */
struct log {
    MDB_cursor *cursor;
    uint8_t *image;      /* of the block to come; malloced */
    struct block coming; /* count 0: there is none */
};

static int open_log(struct tb_lmdb_txn *txn, struct log *log)
{
    const struct tb_events *events = &txn->store->events;
    *log = (struct log){.cursor = NULL};
    if (txn->base.writable && events->count > 0) {
        size_t size = block_size(events);
        log->image = grow(NULL, size);
        fill_block(events, log->image);
        log->coming = (struct block){
            .first = events->first, .count = events->count, .bytes = {size, log->image}};
    }
    return mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_EVENT], &log->cursor);
}

static void close_log(struct log *log)
{
    if (log->cursor != NULL) {
        mdb_cursor_close(log->cursor);
    }
    free(log->image);
}

static enum tb_err visit_log(struct log *log, uint64_t since, tb_visit_event *visit, void *ctx)
{
    struct block block;
    bool stopped = since == UINT64_MAX;
    enum tb_err err = TB_OK;
    int rc = stopped ? 0 : find_block(log->cursor, since + 1, &block);
    while (rc == 0 && err == TB_OK && !stopped) {
        MDB_val key;
        MDB_val value;
        err = visit_block(&block, since, visit, ctx, &stopped);
        if (err == TB_OK && !stopped) {
            rc = mdb_cursor_get(log->cursor, &key, &value, MDB_NEXT);
            rc = rc != 0 ? rc : open_block(key, value, &block);
        }
    }
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return tb_lmdb_err(rc);
    }
    return err == TB_OK && !stopped ? visit_block(&log->coming, since, visit, ctx, &stopped) : err;
}

/* The index names it: it must be there. */
static enum tb_err find_event(const struct log *log, uint64_t seq, struct tb_event *event)
{
    struct block block = log->coming;
    int rc = 0;
    if (seq < block.first || seq - block.first >= block.count) {
        rc = find_block(log->cursor, seq, &block);
    }
    if (rc == 0 && (seq < block.first || seq - block.first >= block.count)) {
        rc = MDB_NOTFOUND;
    }
    return rc != 0 ? tb_lmdb_must_exist(tb_lmdb_err(rc))
                   : read_event(&block, (uint32_t)(seq - block.first), event);
}

/* One task's events, through the index. */
static enum tb_err visit_task_events(struct tb_lmdb_txn *txn, const struct log *log, uint64_t since,
                                     struct tb_id task_id, tb_visit_event *visit, void *ctx)
{
    struct tb_key prefix;
    struct tb_list list;
    uint8_t after[8];
    tb_key_write_u64(after, since);
    tb_key_start(&prefix, TB_INDEX_EVENT);
    tb_key_add_id(&prefix, task_id);
    int rc = tb_list_open(txn, TB_DB_RUN, &prefix, sizeof since, &list);
    rc = rc != 0 ? rc : tb_list_start(&list, TB_LIST_UP, after);
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        struct tb_event event;
        err = find_event(log, tb_key_read_u64(tb_list_suffix(&list)), &event);
        if (err != TB_OK || visit(ctx, &event) == TB_VISIT_STOP) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_lmdb_visit_events(struct tb_txn *base, uint64_t since, struct tb_id task_id,
                                 tb_visit_event *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct log log;
    int rc = open_log(txn, &log);
    enum tb_err err = rc != 0 ? tb_lmdb_err(rc)
                      : tb_id_is_zero(task_id)
                          ? visit_log(&log, since, visit, ctx)
                          : visit_task_events(txn, &log, since, task_id, visit, ctx);
    close_log(&log);
    return err;
}

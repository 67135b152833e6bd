/* The answers given to idempotency keys.
 *
 * They get growing numbers and stand in blocks, one or a few a commit, in the `answer` database.
 * An entry (digest of the key, number) of the runs finds each. They leave from the left edge, their
 * entries with them; a block of which only some are old is written anew without those. */
#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/list.h"

/* --- numbers --- */

/* The number of the next answer. */
static int next_number(struct tb_lmdb_txn *txn, uint64_t *number)
{
    const struct tb_block_maker *coming = &txn->store->answers;
    struct tb_block last;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    *number = 1;
    if (coming->count > 0) {
        *number = coming->first + coming->count;
        return 0;
    }
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_ANSWER], &cursor);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (rc == 0) {
        rc = tb_block_open(key, value, &last);
        *number = rc == 0 ? last.first + last.count : 0;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

void tb_answer_key(struct tb_key *key, const uint8_t digest[TB_DIGEST_BYTES], uint64_t number)
{
    tb_key_start(key, TB_INDEX_ANSWER);
    tb_key_add_bytes(key, digest, TB_DIGEST_BYTES);
    tb_key_add_u64(key, number);
}

/* --- writing --- */

static int store_block(struct tb_lmdb_txn *txn, struct tb_block_maker *maker, unsigned flags)
{
    uint8_t number[8];
    void *block = NULL;
    tb_key_write_u64(number, maker->first);
    int rc = tb_lmdb_put(txn, TB_DB_ANSWER, tb_mdb_val(number, sizeof number),
                         tb_block_maker_size(maker), flags, &block);
    if (rc == 0) {
        tb_block_maker_fill(maker, block);
    }
    tb_block_maker_forget(maker);
    return rc;
}

int tb_answers_flush(struct tb_lmdb_txn *txn)
{
    struct tb_block_maker *coming = &txn->store->answers;
    return coming->count == 0 ? 0 : store_block(txn, coming, MDB_APPEND);
}

static int append(struct tb_lmdb_txn *txn, const struct tb_answer *answer)
{
    struct tb_block_maker *coming = &txn->store->answers;
    uint64_t number = 0;
    int rc = next_number(txn, &number);
    if (rc == 0 && coming->count > 0 &&
        (coming->used >= TB_BLOCK_BYTES_MAX || tb_lmdb_is_tight(txn))) {
        rc = tb_answers_flush(txn);
    }
    if (rc != 0) {
        return rc;
    }
    tb_record_encode_answer(answer,
                            tb_block_maker_add(coming, number, tb_record_answer_size(answer)));
    struct tb_key key;
    tb_answer_key(&key, answer->key, number);
    return tb_run_put(txn, &key);
}

enum tb_err tb_lmdb_put_answer(struct tb_txn *base, const struct tb_answer *answer)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    if (!txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    int rc = append(txn, answer);
    rc = rc != 0 ? rc : tb_answer_share_count(txn, answer, true);
    if (rc == 0) {
        txn->head.answers++;
        txn->head.answer_bytes += answer->body.len;
    }
    return tb_lmdb_write_err(txn->store, rc);
}

/* --- dropping --- */

/* Takes the record out of what is counted and indexed, but for its share. */
static int forget(struct tb_lmdb_txn *txn, uint64_t number, const struct tb_answer *answer)
{
    struct tb_key key;
    tb_answer_key(&key, answer->key, number);
    txn->head.answers--;
    txn->head.answer_bytes -= answer->body.len;
    return tb_run_drop(txn, &key);
}

/* Forgets the old ones that a block begins with: those in `gone`, `*dropped` of them. */
static enum tb_err forget_old(struct tb_lmdb_txn *txn, const struct tb_block *block,
                              int64_t before_ms, struct tb_answer *gone, uint32_t max,
                              uint32_t *dropped)
{
    enum tb_err err = TB_OK;
    for (*dropped = 0; *dropped < max && err == TB_OK; ++*dropped) {
        struct tb_str record;
        struct tb_answer *answer = &gone[*dropped];
        int rc = tb_block_record(block, *dropped, &record);
        err = rc != 0 ? tb_lmdb_err(rc) : tb_record_decode_answer(record, answer);
        if (err == TB_OK && answer->at_ms >= before_ms) {
            break;
        }
        if (err == TB_OK) {
            err = tb_lmdb_err(forget(txn, block->first + *dropped, answer));
        }
    }
    return err;
}

/* What a block keeps when it loses its first records. */
static int copy_rest(const struct tb_block *block, uint32_t dropped, struct tb_block_maker *rest)
{
    int rc = 0;
    for (uint32_t i = dropped; i < block->count && rc == 0; i++) {
        struct tb_str record;
        rc = tb_block_record(block, i, &record);
        if (rc == 0) {
            memcpy(tb_block_maker_add(rest, block->first + i, record.len), record.ptr, record.len);
        }
    }
    return rc;
}

static int shorten(struct tb_lmdb_txn *txn, MDB_cursor *cursor, const struct tb_block *block,
                   uint32_t dropped)
{
    struct tb_block_maker rest = {.count = 0};
    int rc = copy_rest(block, dropped, &rest);
    if (rc == 0) {
        txn->changed = true;
        rc = mdb_cursor_del(cursor, 0);
    }
    if (rc == 0 && rest.count > 0) {
        rc = store_block(txn, &rest, 0);
    }
    tb_block_maker_fini(&rest);
    return rc;
}

static int leave_shares(struct tb_lmdb_txn *txn, const struct tb_answer *gone, uint32_t dropped)
{
    int rc = 0;
    for (uint32_t i = 0; i < dropped && rc == 0; i++) {
        rc = tb_answer_share_count(txn, &gone[i], false);
    }
    return rc;
}

/* The shares come last: what is written may move the block. */
static enum tb_err drop_old(struct tb_lmdb_txn *txn, MDB_cursor *cursor,
                            const struct tb_block *block, int64_t before_ms, uint32_t max,
                            uint32_t *dropped)
{
    max = max < block->count ? max : block->count;
    struct tb_answer *gone = calloc(max + 1, sizeof *gone);
    if (gone == NULL) {
        tb_out_of_memory();
    }
    enum tb_err err = forget_old(txn, block, before_ms, gone, max, dropped);
    if (err == TB_OK && *dropped > 0) {
        int rc = shorten(txn, cursor, block, *dropped);
        rc = rc != 0 ? rc : leave_shares(txn, gone, *dropped);
        err = tb_lmdb_write_err(txn->store, rc);
    }
    free(gone);
    return err;
}

/* Drops what is old of the first block; `*through`: there is no more of it. */
static enum tb_err drop_first(struct tb_lmdb_txn *txn, MDB_cursor *cursor, int64_t before_ms,
                              uint32_t *left, bool *through)
{
    struct tb_block block;
    MDB_val key;
    MDB_val value;
    uint32_t dropped = 0;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    *through = rc == MDB_NOTFOUND;
    if (*through) {
        return TB_OK;
    }
    rc = rc != 0 ? rc : tb_block_open(key, value, &block);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = drop_old(txn, cursor, &block, before_ms, *left, &dropped);
    *left -= dropped;
    *through = dropped < block.count || *left == 0;
    return err;
}

enum tb_err tb_lmdb_drop_answers(struct tb_txn *base, int64_t before_ms, uint32_t max)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_cursor *cursor = NULL;
    int rc = txn->head.answers == 0 ? 0 : tb_answers_flush(txn);
    if (rc != 0 || txn->head.answers == 0) {
        return tb_lmdb_write_err(txn->store, rc);
    }
    rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_ANSWER], &cursor);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = TB_OK;
    bool through = max == 0;
    while (err == TB_OK && !through) {
        err = drop_first(txn, cursor, before_ms, &max, &through);
    }
    mdb_cursor_close(cursor);
    return err;
}

/* --- reading --- */

/* The record lives until the next write. */
static enum tb_err read_stored(struct tb_lmdb_txn *txn, uint64_t number, struct tb_answer *answer)
{
    struct tb_block block;
    struct tb_str record;
    MDB_cursor *cursor = NULL;
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_ANSWER], &cursor);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    rc = tb_block_find(cursor, number, &block);
    if (rc == 0) {
        rc = tb_block_holds(&block, number)
                 ? tb_block_record(&block, (uint32_t)(number - block.first), &record)
                 : MDB_NOTFOUND;
    }
    mdb_cursor_close(cursor);
    return rc != 0 ? tb_lmdb_must_exist(tb_lmdb_err(rc)) : tb_record_decode_answer(record, answer);
}

static enum tb_err read_coming(const struct tb_block_maker *coming, uint64_t number,
                               struct tb_answer *answer)
{
    size_t index = number - coming->first;
    size_t from = index == 0 ? 0 : coming->ends[index - 1];
    const char *record = (const char *)coming->records + from;
    return tb_record_decode_answer(tb_str_from(record, coming->ends[index] - from), answer);
}

static enum tb_err read_answer(struct tb_lmdb_txn *txn, uint64_t number, struct tb_answer *answer)
{
    const struct tb_block_maker *coming = &txn->store->answers;
    bool is_coming = txn->base.writable && coming->count > 0 && number >= coming->first;
    *answer = (struct tb_answer){.at_ms = 0};
    enum tb_err err =
        is_coming ? read_coming(coming, number, answer) : read_stored(txn, number, answer);
    if (err == TB_OK && txn->base.writable) {
        answer->body = tb_arena_dup(txn->arena, answer->body);
    }
    return err;
}

enum tb_err tb_lmdb_get_answer(struct tb_txn *base, const uint8_t key[TB_DIGEST_BYTES],
                               struct tb_answer *answer)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    if (txn->head.answers == 0) {
        return TB_E_ABSENT;
    }
    tb_key_start(&prefix, TB_INDEX_ANSWER);
    tb_key_add_bytes(&prefix, key, TB_DIGEST_BYTES);
    int rc = tb_list_open(txn, TB_DB_RUN, &prefix, sizeof(uint64_t), &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_DOWN, NULL);
    }
    bool found = rc == 0 && list.on_entry;
    uint64_t number = found ? tb_key_read_u64(tb_list_suffix(&list)) : 0;
    tb_list_close(&list);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    struct tb_answer got;
    enum tb_err err = found ? read_answer(txn, number, &got) : TB_E_ABSENT;
    if (err == TB_OK && memcmp(got.key, key, TB_DIGEST_BYTES) != 0) {
        err = TB_E_STORAGE_CORRUPT;
    }
    if (err == TB_OK) {
        *answer = got;
    }
    return err;
}

/* How much of the answers to idempotency keys is whose.
 *
 *   "share", share u16 (big-endian)  →  answers, bytes
 *
 * They stand in LMDB's own database, beside the head: with a few tokens that is the same page. A
 * share without answers has no record. */
#include "lmdb/lmdb.h"

#define PREFIX       "share"
#define PREFIX_BYTES (sizeof(PREFIX) - 1)
#define KEY_BYTES    (PREFIX_BYTES + sizeof(uint16_t))

static void make_key(uint8_t bytes[KEY_BYTES], uint16_t share)
{
    memcpy(bytes, PREFIX, PREFIX_BYTES);
    bytes[PREFIX_BYTES] = (uint8_t)(share >> 8);
    bytes[PREFIX_BYTES + 1] = (uint8_t)share;
}

uint16_t tb_answer_share_of(MDB_val key)
{
    const uint8_t *bytes = key.mv_data;
    if (key.mv_size != KEY_BYTES || memcmp(bytes, PREFIX, PREFIX_BYTES) != 0) {
        return 0;
    }
    return (uint16_t)(bytes[PREFIX_BYTES] << 8 | bytes[PREFIX_BYTES + 1]);
}

static int read_share(struct tb_lmdb_txn *txn, uint16_t share, struct tb_answer_share *kept)
{
    uint8_t bytes[KEY_BYTES];
    MDB_val value;
    make_key(bytes, share);
    MDB_val key = tb_mdb_val(bytes, sizeof bytes);
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &value);
    if (rc == 0) {
        return tb_record_decode_answer_share(tb_mdb_str(value), kept) == TB_OK ? 0 : MDB_CORRUPTED;
    }
    *kept = (struct tb_answer_share){.answers = 0};
    return rc == MDB_NOTFOUND ? 0 : rc;
}

enum tb_err tb_lmdb_get_answer_share(struct tb_txn *base, uint16_t share,
                                     struct tb_answer_share *kept)
{
    struct tb_answer_share found;
    int rc = read_share(tb_lmdb_txn_of(base), share, &found);
    if (rc == 0) {
        *kept = found;
    }
    return tb_lmdb_err(rc);
}

static int write_share(struct tb_lmdb_txn *txn, uint16_t share, const struct tb_answer_share *kept)
{
    uint8_t bytes[KEY_BYTES];
    uint8_t record[TB_RECORD_ANSWER_SHARE_BYTES];
    MDB_dbi meta = txn->store->dbis[TB_DB_META];
    make_key(bytes, share);
    MDB_val key = tb_mdb_val(bytes, sizeof bytes);
    if (kept->answers == 0) {
        int rc = mdb_del(txn->mdb, meta, &key, NULL);
        return rc == MDB_NOTFOUND ? 0 : rc; /* put and dropped in one transaction */
    }
    tb_record_encode_answer_share(kept, record);
    MDB_val value = tb_mdb_val(record, sizeof record);
    return mdb_put(txn->mdb, meta, &key, &value, 0);
}

int tb_answer_share_count(struct tb_lmdb_txn *txn, const struct tb_answer *answer, bool more)
{
    struct tb_answer_share kept;
    if (answer->share == 0) {
        return 0;
    }
    int rc = read_share(txn, answer->share, &kept);
    if (rc != 0) {
        return rc;
    }
    if (!more && (kept.answers == 0 || kept.bytes < answer->body.len)) {
        return MDB_CORRUPTED;
    }
    kept.answers += more ? 1 : UINT64_MAX;
    kept.bytes += more ? answer->body.len : 0 - (uint64_t)answer->body.len;
    return write_share(txn, answer->share, &kept);
}

/* The pauses, and the answers given to idempotency keys. */
#include <assert.h>
#include <stdlib.h>

#include "memory/memory.h"

static const uint8_t only_row[TB_ROW_KEY_BYTES];

enum tb_err tb_memory_get_pauses(struct tb_txn *base, struct tb_str *json)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    const struct tb_version *version = tb_table_get(&txn->store->pauses, only_row, txn->n);
    if (version != NULL) {
        *json = tb_str_from(version->bytes, version->size);
    }
    tb_memory_unlock(txn);
    return version != NULL ? TB_OK : TB_E_ABSENT;
}

enum tb_err tb_memory_put_pauses(struct tb_txn *base, struct tb_str json)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *pauses = &txn->store->pauses;
    tb_memory_lock(txn);
    struct tb_version *version = tb_table_put(pauses, only_row, txn->n, json.len);
    memcpy(version->bytes, json.ptr, json.len);
    tb_memory_touch(txn->store, pauses, only_row);
    tb_memory_unlock(txn);
    return TB_OK;
}

/* --- answers --- */

static const struct tb_memory_answer *answer_of(const struct tb_version *version)
{
    return (const struct tb_memory_answer *)(const void *)version->bytes;
}

static void row_key(uint8_t row[TB_ROW_KEY_BYTES], const uint8_t key[TB_DIGEST_BYTES])
{
    memset(row, 0, TB_ROW_KEY_BYTES);
    memcpy(row, key, TB_DIGEST_BYTES);
}

enum tb_err tb_memory_get_answer(struct tb_txn *base, const uint8_t key[TB_DIGEST_BYTES],
                                 struct tb_answer *answer)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint8_t row[TB_ROW_KEY_BYTES];
    row_key(row, key);
    tb_memory_lock(txn);
    const struct tb_version *version = tb_table_get(&txn->store->answers, row, txn->n);
    if (version != NULL) {
        *answer = answer_of(version)->answer;
    }
    tb_memory_unlock(txn);
    return version != NULL ? TB_OK : TB_E_ABSENT;
}

/* --- shares --- */

static void share_key(uint8_t row[TB_ROW_KEY_BYTES], uint16_t share)
{
    memset(row, 0, TB_ROW_KEY_BYTES);
    memcpy(row, &share, sizeof share);
}

struct tb_answer_share tb_memory_share_at(const struct tb_memory_store *store, uint16_t share,
                                          uint64_t n)
{
    struct tb_answer_share kept = {.answers = 0};
    uint8_t row[TB_ROW_KEY_BYTES];
    share_key(row, share);
    const struct tb_version *version = tb_table_get(&store->answer_shares, row, n);
    if (version != NULL) {
        memcpy(&kept, version->bytes, sizeof kept);
    }
    return kept;
}

enum tb_err tb_memory_get_answer_share(struct tb_txn *base, uint16_t share,
                                       struct tb_answer_share *kept)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    *kept = tb_memory_share_at(txn->store, share, txn->n);
    tb_memory_unlock(txn);
    return TB_OK;
}

/* One more, or one less, of its share. */
static void count_in_share(struct tb_memory_txn *txn, const struct tb_answer *answer, bool more)
{
    struct tb_table *shares = &txn->store->answer_shares;
    uint8_t row[TB_ROW_KEY_BYTES];
    if (answer->share == 0) {
        return;
    }
    struct tb_answer_share kept = tb_memory_share_at(txn->store, answer->share, txn->n);
    kept.answers += more ? 1 : UINT64_MAX;
    kept.bytes += more ? answer->body.len : 0 - (uint64_t)answer->body.len;
    share_key(row, answer->share);
    memcpy(tb_table_put(shares, row, txn->n, sizeof kept)->bytes, &kept, sizeof kept);
    tb_memory_touch(txn->store, shares, row);
}

/* --- writing --- */

enum tb_err tb_memory_put_answer(struct tb_txn *base, const struct tb_answer *answer)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *answers = &txn->store->answers;
    uint8_t row[TB_ROW_KEY_BYTES];
    row_key(row, answer->key);
    tb_memory_lock(txn);
    assert(tb_table_get(answers, row, txn->n) == NULL);
    struct tb_version *version =
        tb_table_put(answers, row, txn->n, sizeof(struct tb_memory_answer) + answer->body.len);
    struct tb_memory_answer *copy = (struct tb_memory_answer *)(void *)version->bytes;
    char *body = version->bytes + sizeof *copy;
    memcpy(body, answer->body.ptr, answer->body.len);
    *copy = (struct tb_memory_answer){.number = txn->store->answer_next++, .answer = *answer};
    copy->answer.body.ptr = body;
    tb_memory_touch(txn->store, answers, row);
    txn->head.answers++;
    txn->head.answer_bytes += answer->body.len;
    count_in_share(txn, answer, true);
    tb_memory_unlock(txn);
    return TB_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct tb_memory_answer *left = *(const struct tb_memory_answer *const *)a;
    const struct tb_memory_answer *right = *(const struct tb_memory_answer *const *)b;
    return (left->number > right->number) - (left->number < right->number);
}

/* Those given before that instant, in the order in which they were put. The array is malloced. */
static const struct tb_memory_answer **old_answers(struct tb_memory_txn *txn, int64_t before_ms,
                                                   size_t *count)
{
    const struct tb_table *answers = &txn->store->answers;
    const struct tb_memory_answer **old = malloc((answers->count + 1) * sizeof(void *));
    if (old == NULL) {
        abort();
    }
    *count = 0;
    for (size_t i = 0; i < answers->count; i++) {
        const struct tb_version *version = tb_row_at(&answers->rows[i], txn->n);
        if (version != NULL && answer_of(version)->answer.at_ms < before_ms) {
            old[(*count)++] = answer_of(version);
        }
    }
    qsort(old, *count, sizeof(void *), compare_numbers);
    return old;
}

enum tb_err tb_memory_drop_answers(struct tb_txn *base, int64_t before_ms, uint32_t max)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    struct tb_table *answers = &txn->store->answers;
    size_t count = 0;
    tb_memory_lock(txn);
    const struct tb_memory_answer **old = old_answers(txn, before_ms, &count);
    for (size_t i = 0; i < count && i < max; i++) {
        uint8_t row[TB_ROW_KEY_BYTES];
        row_key(row, old[i]->answer.key);
        txn->head.answers--;
        txn->head.answer_bytes -= old[i]->answer.body.len;
        count_in_share(txn, &old[i]->answer, false);
        tb_table_delete(answers, row, txn->n);
        tb_memory_touch(txn->store, answers, row);
    }
    tb_memory_unlock(txn);
    free(old);
    return TB_OK;
}

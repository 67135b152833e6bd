#include "board/idempotency.h"

#include "board/change.h"
#include "taskboard/limits.h"

#define DROPPED_A_BATCH_MAX 1000

/* With each answer that comes, so many may go: however large the batches, those that are over never
 * pile up. */
#define DROPPED_AN_ANSWER_MAX 2

static void drop(struct tb_board *board, uint32_t max)
{
    if (tb_txn_head(board->txn)->answers > 0) {
        tb_drop_answers(board->txn, board->now_ms - TB_ANSWER_KEPT_MS + 1, max);
    }
}

void tb_idempotency_expire(struct tb_board *board)
{
    drop(board, DROPPED_A_BATCH_MAX);
}

/* After a long time without a write there may be more to drop than one batch drops; then such an
 * answer counts for nothing, and another can take its place only when it is gone. */
static enum tb_err find(struct tb_board *board, const uint8_t key[TB_DIGEST_BYTES],
                        struct tb_answer *answer)
{
    enum tb_err err = tb_get_answer(board->txn, key, answer);
    if (err != TB_OK || board->now_ms - answer->at_ms < TB_ANSWER_KEPT_MS) {
        return err;
    }
    drop(board, DROPPED_A_BATCH_MAX);
    err = tb_get_answer(board->txn, key, answer);
    return err == TB_OK ? TB_E_TOO_MANY_ANSWERS : err;
}

static bool is_full(const struct tb_head *head)
{
    return head->answers >= TB_ANSWERS_MAX || head->answer_bytes >= TB_ANSWERS_BYTES_MAX;
}

/* A token may keep so many times as much as there is room left. So whoever sends most leaves a
 * quarter to the others, two of them a seventh, and nobody's first answer ever finds no room. */
#define SHARE_OF_ROOM_LEFT 3

static bool is_more_than_its_share(uint64_t kept, uint64_t all, uint64_t max)
{
    return kept >= SHARE_OF_ROOM_LEFT * (max - all);
}

/* The store is not full. While all answers together are within the limit, each token's are. */
static enum tb_err check_share(struct tb_board *board, uint16_t share)
{
    const struct tb_head *head = tb_txn_head(board->txn);
    struct tb_answer_share kept = {.answers = head->answers, .bytes = head->answer_bytes};
    bool close = is_more_than_its_share(kept.answers, head->answers, TB_ANSWERS_MAX) ||
                 is_more_than_its_share(kept.bytes, head->answer_bytes, TB_ANSWERS_BYTES_MAX);
    if (share == 0 || !close) {
        return TB_OK;
    }
    enum tb_err err = tb_get_answer_share(board->txn, share, &kept);
    bool is_more = is_more_than_its_share(kept.answers, head->answers, TB_ANSWERS_MAX) ||
                   is_more_than_its_share(kept.bytes, head->answer_bytes, TB_ANSWERS_BYTES_MAX);
    return err == TB_OK && is_more ? TB_E_TOO_MANY_ANSWERS : err;
}

/* Is there room for one more of that token? */
static enum tb_err check_room(struct tb_board *board, uint16_t share)
{
    return is_full(tb_txn_head(board->txn)) ? TB_E_TOO_MANY_ANSWERS : check_share(board, share);
}

static void replay(const struct tb_answer *answer, struct tb_arena *arena, struct tb_reply *reply)
{
    *reply = (struct tb_reply){
        .http_status = answer->http_status,
        .body = tb_arena_dup(arena, answer->body),
        .version = answer->version,
        .seq = answer->seq,
        .replayed = true,
    };
}

bool tb_idempotency_settles(struct tb_board *board, const struct tb_idempotency *idempotency,
                            struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_answer answer;
    if (!idempotency->present) {
        return false;
    }
    enum tb_err err = find(board, idempotency->key, &answer);
    bool is_known = err == TB_OK;
    err = err == TB_E_ABSENT ? check_room(board, idempotency->share) : err;
    if (err == TB_OK && !is_known) {
        return false;
    }
    if (is_known && memcmp(answer.fingerprint, idempotency->fingerprint, TB_DIGEST_BYTES) != 0) {
        err = TB_E_IDEMPOTENCY_KEY_REUSED;
    }
    if (err == TB_OK) {
        replay(&answer, arena, reply);
    } else {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
    }
    return true;
}

void tb_idempotency_keep(struct tb_board *board, const struct tb_idempotency *idempotency,
                         const struct tb_reply *reply)
{
    struct tb_answer answer = {
        .at_ms = board->now_ms,
        .http_status = reply->http_status,
        .share = idempotency->share,
        .version = reply->version,
        .seq = reply->seq,
        .body = reply->body,
    };
    memcpy(answer.key, idempotency->key, TB_DIGEST_BYTES);
    memcpy(answer.fingerprint, idempotency->fingerprint, TB_DIGEST_BYTES);
    drop(board, DROPPED_AN_ANSWER_MAX);
    tb_put_answer(board->txn, &answer);
    board->kept_answers = true;
}

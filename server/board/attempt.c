#include "board/attempt.h"

#include <sodium.h>

#include "board/speaker.h"
#include "board/vm_claims.h"
#include "taskboard/limits.h"

#define MAC_BYTES         16
#define MAC_TEXT_LEN      22 /* in base64url without padding */
#define NUMBER_DIGITS_MAX 10

/* --- the token --- */

static void put_big_endian(uint8_t *to, uint64_t number)
{
    for (int i = 0; i < 8; i++) {
        to[i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

static void make_mac(struct tb_board *board, struct tb_id task_id, uint32_t attempt,
                     uint64_t generation, char mac[MAC_TEXT_LEN + 1])
{
    const struct tb_head *head = tb_txn_head(board->txn);
    uint8_t what[sizeof(task_id.bytes) + 16];
    uint8_t bytes[MAC_BYTES];
    memcpy(what, task_id.bytes, sizeof(task_id.bytes));
    put_big_endian(what + sizeof(task_id.bytes), attempt);
    put_big_endian(what + sizeof(task_id.bytes) + 8, generation);
    (void)crypto_generichash(bytes, sizeof(bytes), what, sizeof(what), head->claim_key,
                             sizeof(head->claim_key));
    (void)sodium_bin2base64(mac, MAC_TEXT_LEN + 1, bytes, sizeof(bytes),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

struct tb_str tb_claim_token(struct tb_board *board, struct tb_id task_id, uint32_t attempt,
                             uint64_t generation, struct tb_arena *arena)
{
    char mac[MAC_TEXT_LEN + 1];
    make_mac(board, task_id, attempt, generation, mac);
    return tb_arena_printf(arena, "%u.%s", attempt, mac);
}

/* Takes a token apart; false when it is none. */
static bool split(struct tb_str token, uint32_t *number, const char **mac)
{
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < token.len && digits < NUMBER_DIGITS_MAX && token.ptr[digits] >= '0' &&
           token.ptr[digits] <= '9') {
        value = value * 10 + (uint64_t)(token.ptr[digits++] - '0');
    }
    if (digits == 0 || token.ptr[0] == '0' || value > UINT32_MAX ||
        token.len != digits + 1 + MAC_TEXT_LEN || token.ptr[digits] != '.') {
        return false;
    }
    *number = (uint32_t)value;
    *mac = token.ptr + digits + 1;
    return true;
}

static bool mac_fits(struct tb_board *board, const struct tb_task *task, uint32_t number,
                     uint64_t generation, const char *mac)
{
    char wanted[MAC_TEXT_LEN + 1];
    make_mac(board, task->id, number, generation, wanted);
    return sodium_memcmp(wanted, mac, MAC_TEXT_LEN) == 0;
}

enum tb_token_kind tb_claim_token_check(struct tb_board *board, const struct tb_task *task,
                                        struct tb_str token, struct tb_attempt *attempt)
{
    uint32_t number = 0;
    const char *mac = NULL;
    if (!split(token, &number, &mac) || number > task->claims) {
        return TB_TOKEN_UNKNOWN;
    }
    if (tb_task_is_claimed(task) && number == task->claim.attempt) {
        return mac_fits(board, task, number, task->claim.generation, mac) ? TB_TOKEN_HOLDER
                                                                          : TB_TOKEN_UNKNOWN;
    }
    if (tb_get_attempt(board->txn, task->id, number, attempt) != TB_OK) {
        return TB_TOKEN_UNKNOWN;
    }
    return mac_fits(board, task, number, attempt->generation, mac) ? TB_TOKEN_STALE
                                                                   : TB_TOKEN_UNKNOWN;
}

/* --- refusals --- */

/* `,"claim":{"by":…,"generation":…}` */
static void add_holder(struct tb_buf *out, const struct tb_task *task)
{
    TB_BUF_LIT(out, ",\"claim\":{\"by\":");
    tb_buf_add_quoted(out, task->assignee);
    TB_BUF_LIT(out, ",\"generation\":");
    tb_buf_add_u64(out, task->claim.generation);
    TB_BUF_LIT(out, "}");
}

void tb_refuse_claim_lost(const struct tb_task *task, const struct tb_attempt *attempt,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_buf extra;
    tb_buf_init(&extra, arena, 128);
    if (attempt != NULL) {
        TB_BUF_LIT(&extra, ",\"reason\":\"");
        tb_buf_add_c(&extra, tb_attempt_outcome_name(attempt->outcome));
        TB_BUF_LIT(&extra, "\"");
    }
    if (tb_task_is_claimed(task)) {
        add_holder(&extra, task);
    }
    tb_refuse(reply, TB_E_CLAIM_LOST, TB_STR_NONE, tb_buf_str(&extra));
}

void tb_refuse_already_claimed(const struct tb_task *task, struct tb_arena *arena,
                               struct tb_reply *reply)
{
    struct tb_buf extra;
    tb_buf_init(&extra, arena, 128);
    add_holder(&extra, task);
    tb_refuse(reply, TB_E_ALREADY_CLAIMED, TB_STR_NONE, tb_buf_str(&extra));
}

/* --- a claim's life --- */

int64_t tb_claim_expires_ms(const struct tb_board *board, const struct tb_task *task)
{
    int64_t since_start_ms = board->started_ms + task->claim.lease_ms;
    int64_t own_ms =
        since_start_ms > task->claim.expires_ms ? since_start_ms : task->claim.expires_ms;
    return own_ms > board->now_ms ? own_ms : tb_vm_keeps_until_ms(board, task, own_ms);
}

struct tb_str tb_claim_members(struct tb_arena *arena, uint32_t attempt, uint64_t generation)
{
    return tb_arena_printf(arena, ",\"attempt\":%u,\"generation\":%llu", attempt,
                           (unsigned long long)generation);
}

void tb_claim_close(struct tb_board *board, struct tb_task *task,
                    const struct tb_attempt_close *close)
{
    struct tb_attempt attempt = tb_attempt_running(task);
    attempt.ended_ms = board->now_ms;
    attempt.outcome = close->outcome;
    attempt.ended_by = close->ended_by;
    attempt.error = close->error;
    attempt.result = close->result;
    tb_attempt_render(&attempt, board->arena);
    tb_put_attempt(board->txn, task->id, &attempt);
    if (attempt.number > TB_ATTEMPTS_KEPT) {
        tb_delete_attempt(board->txn, task->id, attempt.number - TB_ATTEMPTS_KEPT);
    }
    task->claim = (struct tb_claim){.generation = 0};
    task->claim_vm = TB_STR_NONE;
    task->cancel = TB_STR_NONE;
    task->progress = TB_STR_NONE;
    task->progress_told_ms = 0;
}

struct tb_str tb_claim_take_over(struct tb_board *board, struct tb_task *task)
{
    const struct tb_attempt_close close = {.outcome = TB_ATTEMPT_TAKEN_OVER};
    if (!tb_task_is_claimed(task)) {
        return TB_STR_NONE;
    }
    struct tb_str members =
        tb_claim_members(board->arena, task->claim.attempt, task->claim.generation);
    tb_claim_close(board, task, &close);
    return members;
}

bool tb_claim_may_be_ended(struct tb_board *board, const struct tb_command *command,
                           const struct tb_task *task, struct tb_arena *arena,
                           struct tb_reply *reply)
{
    struct tb_attempt attempt;
    if (command->force) {
        return true;
    }
    if (command->claim_token.ptr == NULL) {
        if (tb_task_is_claimed(task)) {
            tb_refuse_already_claimed(task, arena, reply);
        }
        return !tb_task_is_claimed(task);
    }
    enum tb_token_kind kind = tb_claim_token_check(board, task, command->claim_token, &attempt);
    if (kind == TB_TOKEN_HOLDER) {
        return tb_speaker_may_use_claim(command, task->assignee, reply);
    }
    tb_refuse_claim_lost(task, kind == TB_TOKEN_STALE ? &attempt : NULL, arena, reply);
    return false;
}

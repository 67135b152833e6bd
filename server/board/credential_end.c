#include "board/credential_end.h"

#include "board/change.h"
#include "taskboard/limits.h"

struct ends {
    int64_t now_ms;
    int64_t next_ms; /* the first end that is still to come */
    struct tb_id *over;
    size_t count;
    bool more;
};

static enum tb_visit look(void *ctx, const struct tb_credential *credential)
{
    struct ends *ends = ctx;
    int64_t ends_ms = credential->expires_ms;
    if (!tb_credential_is_over(credential, ends->now_ms)) {
        ends->next_ms = ends_ms != 0 && ends_ms < ends->next_ms ? ends_ms : ends->next_ms;
        return TB_VISIT_NEXT;
    }
    if (ends->count == TB_CREDENTIALS_ENDED_MAX) {
        ends->more = true;
        return TB_VISIT_STOP;
    }
    ends->over[ends->count++] = credential->id;
    return TB_VISIT_NEXT;
}

/* A link that nobody has used leaves no trace. */
static void tell(struct tb_board *board, const struct tb_credential *credential)
{
    const struct tb_change change = {
        .type = credential->kind == TB_CREDENTIAL_TOKEN ? TB_EVENT_TOKEN_EXPIRED
                                                        : TB_EVENT_SESSION_ENDED,
        .extra = tb_arena_printf(board->arena, ",\"credential\":%.*s,\"reason\":\"expired\"",
                                 (int)credential->wire.len, credential->wire.ptr),
    };
    if (credential->kind != TB_CREDENTIAL_LINK) {
        tb_change_tell(board, NULL, &change);
    }
}

static void end(struct tb_board *board, struct tb_id id)
{
    struct tb_credential credential;
    if (tb_get_credential(board->txn, id, &credential) == TB_OK) {
        tb_delete_credential(board->txn, id);
        tell(board, &credential);
    }
}

int64_t tb_credential_end_due_ms(const struct tb_board *board)
{
    uint64_t changes = tb_txn_head(board->txn)->credential_changes;
    if (changes == 0) {
        return INT64_MAX;
    }
    bool known = board->ends.due_ms != 0 && board->ends.changes == changes;
    return known ? board->ends.due_ms : board->now_ms;
}

void tb_credential_end(struct tb_board *board)
{
    if (tb_credential_end_due_ms(board) > board->now_ms) {
        return;
    }
    struct ends ends = {
        .now_ms = board->now_ms,
        .next_ms = INT64_MAX,
        .over = tb_arena_alloc(board->arena, TB_CREDENTIALS_ENDED_MAX * sizeof(*ends.over)),
    };
    if (tb_visit_credentials(board->txn, look, &ends) != TB_OK) {
        return; /* the transaction's error tells */
    }
    for (size_t i = 0; i < ends.count; i++) {
        end(board, ends.over[i]);
    }
    board->ends.changes = tb_txn_head(board->txn)->credential_changes;
    board->ends.due_ms = ends.more ? board->now_ms : ends.next_ms;
}

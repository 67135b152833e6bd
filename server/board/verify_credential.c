/* The credentials: tokens, links and sessions. */
#include "board/verify.h"

static bool is_stored_well(struct tb_verify *verify, const struct tb_credential *credential)
{
    struct tb_credential again = *credential;
    struct tb_credential found;
    tb_credential_render(&again, verify->board.arena);
    return tb_str_eq(again.wire, credential->wire) &&
           tb_get_credential(verify->board.txn, credential->id, &found) == TB_OK &&
           found.kind == credential->kind;
}

/* Only tokens may be for ever. */
static bool times_are_right(const struct tb_verify *verify, const struct tb_credential *credential)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    bool for_ever = credential->kind == TB_CREDENTIAL_TOKEN && credential->expires_ms == 0;
    return tb_id_cmp(credential->id, head->last_id) <= 0 &&
           credential->created_ms <= head->last_ms &&
           (for_ever || credential->expires_ms > credential->created_ms);
}

/* The admin token has no record, and of two that are over at once a batch may end the token and
 * leave its sessions to the next: so the one that it comes from may be missing. */
static bool parent_is_right(const struct tb_verify *verify, const struct tb_credential *credential)
{
    struct tb_credential parent;
    if (credential->kind == TB_CREDENTIAL_TOKEN || tb_id_is_zero(credential->parent)) {
        return (credential->kind == TB_CREDENTIAL_TOKEN) == tb_id_is_zero(credential->parent);
    }
    enum tb_err err = tb_get_credential(verify->board.txn, credential->parent, &parent);
    return err == TB_E_ABSENT ||
           (err == TB_OK && parent.kind == TB_CREDENTIAL_TOKEN && parent.role == credential->role);
}

static enum tb_visit check_credential(void *ctx, const struct tb_credential *credential)
{
    struct tb_verify *verify = ctx;
    const char *fault = NULL;
    if (!is_stored_well(verify, credential)) {
        fault = "it is not stored well";
    } else if (!times_are_right(verify, credential)) {
        fault = "its times are wrong";
    } else if (!parent_is_right(verify, credential)) {
        fault = "it does not come from a token that has its rights";
    }
    if (fault != NULL) {
        char id[TB_ULID_LEN];
        tb_ulid_format(credential->id, id);
        tb_verify_fault(verify, "credential %.*s: %s", TB_ULID_LEN, id, fault);
    }
    tb_arena_reset(verify->board.arena);
    verify->credentials++;
    return TB_VISIT_NEXT;
}

void tb_verify_credentials(struct tb_verify *verify)
{
    uint64_t changes = tb_txn_head(verify->board.txn)->credential_changes;
    if (tb_visit_credentials(verify->board.txn, check_credential, verify) != TB_OK) {
        tb_verify_fault(verify, "the credentials cannot be read");
    } else if (verify->credentials > changes) {
        tb_verify_fault(verify, "there are %llu credentials after %llu changes of them",
                        (unsigned long long)verify->credentials, (unsigned long long)changes);
    }
}

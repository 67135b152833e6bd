#include "http/known.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "board/secret.h"
#include "taskboard/limits.h"

#define ARENA_BYTES ((size_t)4 * 1024)
#define SECOND_US   INT64_C(1000000)

void tb_known_fini(struct tb_known *known)
{
    for (size_t i = 0; i < TB_KNOWN_SLOTS; i++) {
        free(known->slots[i]);
        known->slots[i] = NULL;
    }
    tb_arena_free(known->arena);
    known->arena = NULL;
}

static struct tb_known_one **slot_of(struct tb_known *known, struct tb_id id)
{
    size_t at = (size_t)id.bytes[14] << 8 | id.bytes[15];
    return &known->slots[at % TB_KNOWN_SLOTS];
}

static struct tb_known_one *copy_of(const struct tb_credential *credential, bool of_environment)
{
    struct tb_known_one *one = calloc(1, sizeof(*one) + credential->wire.len);
    if (one == NULL) {
        abort();
    }
    char *wire = (char *)(one + 1);
    memcpy(wire, credential->wire.ptr, credential->wire.len);
    one->credential = *credential;
    one->credential.wire.ptr = wire;
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        if (credential->strings[i].ptr != NULL) {
            one->credential.strings[i].ptr =
                wire + (credential->strings[i].ptr - credential->wire.ptr);
        }
    }
    bool is_token = credential->kind == TB_CREDENTIAL_TOKEN;
    if (of_environment) {
        (void)snprintf(one->token, sizeof(one->token), "admin");
    } else {
        tb_ulid_format(is_token ? credential->id : credential->parent, one->token);
    }
    return one;
}

/* What comes from a token is no more when that is no more: one of the store, or the admin token
 * that this server was started with. */
static enum tb_err check_origin(struct tb_txn *txn, const struct tb_auth *auth,
                                const struct tb_credential *credential, bool *of_environment)
{
    struct tb_credential parent;
    *of_environment = false;
    if (credential->kind == TB_CREDENTIAL_TOKEN) {
        return TB_OK;
    }
    *of_environment = tb_id_cmp(credential->parent, auth->mark) == 0;
    return *of_environment ? TB_OK : tb_get_credential(txn, credential->parent, &parent);
}

/* The slot is free; it stays so when the record is not there. */
static enum tb_err load(struct tb_txn *txn, const struct tb_auth *auth, struct tb_id id,
                        struct tb_known_one **slot)
{
    struct tb_credential credential;
    bool of_environment = false;
    enum tb_err err = tb_get_credential(txn, id, &credential);
    err = err != TB_OK ? err : check_origin(txn, auth, &credential, &of_environment);
    if (err == TB_OK) {
        *slot = copy_of(&credential, of_environment);
    }
    return err;
}

static bool is_of(const struct tb_known_one *one, struct tb_id id)
{
    return one != NULL && tb_id_cmp(one->credential.id, id) == 0;
}

/* A credential never changes: what was proven of one that is still there is still true. */
static enum tb_err look(struct tb_txn *txn, const struct tb_auth *auth, struct tb_id id,
                        struct tb_known_one **slot)
{
    struct tb_known_one *before = *slot;
    *slot = NULL;
    enum tb_err err = load(txn, auth, id, slot);
    if (err == TB_OK) {
        (*slot)->changes = tb_txn_head(txn)->credential_changes;
    }
    if (err == TB_OK && is_of(before, id)) {
        (*slot)->proven = before->proven;
        (*slot)->logins_us = before->logins_us;
        memcpy((*slot)->proof, before->proof, sizeof(before->proof));
    }
    free(before);
    return err;
}

enum tb_err tb_known_find(struct tb_known *known, struct tb_reader *reader,
                          const struct tb_auth *auth, struct tb_id id, uint64_t changes,
                          struct tb_known_one **one)
{
    struct tb_known_one **slot = slot_of(known, id);
    struct tb_txn *txn = NULL;
    if (is_of(*slot, id) && (*slot)->changes == changes) {
        *one = *slot;
        return TB_OK;
    }
    if (known->arena == NULL) {
        known->arena = tb_arena_new(ARENA_BYTES);
    }
    tb_arena_reset(known->arena);
    enum tb_err err = tb_read_begin(reader, known->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    err = look(txn, auth, id, slot);
    tb_read_end(&txn);
    if (err == TB_OK) {
        *one = *slot;
    }
    return err;
}

bool tb_known_may_log_in(struct tb_known_one *one, int64_t now_us)
{
    int64_t from_us = one->logins_us > now_us ? one->logins_us : now_us;
    if (from_us - now_us > (TB_LOGINS_AT_ONCE - 1) * SECOND_US) {
        return false;
    }
    one->logins_us = from_us + SECOND_US;
    return true;
}

bool tb_known_fits(struct tb_known_one *one, const struct tb_auth *auth, struct tb_str shown)
{
    unsigned char proof[TB_AUTH_DIGEST_BYTES];
    tb_auth_digest(auth, shown, proof);
    if (one->proven && sodium_memcmp(proof, one->proof, sizeof(proof)) == 0) {
        return true;
    }
    if (!tb_secret_fits(auth->claim_key, shown, &one->credential)) {
        return false;
    }
    one->proven = true;
    memcpy(one->proof, proof, sizeof(proof));
    return true;
}

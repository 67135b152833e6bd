#include "record_seal.h"

struct credential_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t credential_kind;
    uint8_t role;
    uint8_t zero[4];
    struct tb_id id;
    struct tb_id parent;
    int64_t created_ms;
    int64_t expires_ms;
    uint8_t digest[TB_CREDENTIAL_DIGEST_BYTES];
    struct tb_slice strings[TB_CREDENTIAL_STRING_COUNT];
};

static_assert(sizeof(struct credential_record) == 112, "layout of a stored credential");
static_assert(TB_CREDENTIAL_STRING_COUNT == 2, "it is part of the layout");

size_t tb_record_credential_size(const struct tb_credential *credential)
{
    return sizeof(struct credential_record) + credential->wire.len;
}

void tb_record_encode_credential(const struct tb_credential *credential, void *out)
{
    struct credential_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_CREDENTIAL,
        .credential_kind = (uint8_t)credential->kind,
        .role = (uint8_t)credential->role,
        .id = credential->id,
        .parent = credential->parent,
        .created_ms = credential->created_ms,
        .expires_ms = credential->expires_ms,
    };
    memcpy(fixed.digest, credential->digest, sizeof fixed.digest);
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        fixed.strings[i] = tb_slice_of(credential->strings[i], credential->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, credential->wire.ptr, credential->wire.len);
    tb_record_seal(out, sizeof fixed + credential->wire.len);
}

enum tb_err tb_record_decode_credential(struct tb_str record, struct tb_credential *credential)
{
    struct credential_record fixed;
    if (!tb_record_open(record, TB_RECORD_CREDENTIAL, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_credential found = {
        .id = fixed.id,
        .kind = fixed.credential_kind,
        .role = fixed.role,
        .created_ms = fixed.created_ms,
        .expires_ms = fixed.expires_ms,
        .parent = fixed.parent,
        .wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed),
    };
    memcpy(found.digest, fixed.digest, sizeof found.digest);
    bool good = fixed.credential_kind < TB_CREDENTIAL_KIND_COUNT && fixed.role > TB_ROLE_OPEN &&
                fixed.role < TB_ROLE_COUNT;
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        good = tb_slice_string(fixed.strings[i], found.wire, &found.strings[i]) && good;
    }
    if (!good || found.name.ptr == NULL) {
        return TB_E_STORAGE_CORRUPT;
    }
    *credential = found;
    return TB_OK;
}

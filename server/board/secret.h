/* What a client shows to prove who it is: `tb_<id>_<secret>`, the id of its record and 32 random
 * bytes in base64url; a session's begins with `ts_`, a link's with `tl_`. Nobody keeps it but the
 * client: the record has a digest of the whole text.
 *
 * The digest is BLAKE2b with a key that is derived from the store's own, so that whoever reads the
 * records alone cannot even try texts. A function for passwords would be out of place: 32 random
 * bytes cannot be guessed, and who sends nonsense must not make us work. Pure functions. */
#ifndef TB_BOARD_SECRET_H
#define TB_BOARD_SECRET_H

#include "taskboard/credential.h"
#include "taskboard/task.h"

#define TB_SECRET_BYTES 32
#define TB_SECRET_LEN   43 /* in base64url without padding */
#define TB_SHOWN_LEN    (3 + TB_ULID_LEN + 1 + TB_SECRET_LEN)

/* Writes the text and a NUL. */
void tb_secret_show(enum tb_credential_kind kind, struct tb_id id,
                    const uint8_t secret[TB_SECRET_BYTES], char out[TB_SHOWN_LEN + 1]);

/* Where a secret has stood for a moment nothing stays. */
void tb_secret_wipe(void *bytes, size_t len);

/* Of which record it says it is. False: it has not that form. */
bool tb_secret_parse(struct tb_str shown, enum tb_credential_kind *kind, struct tb_id *id);

void tb_secret_digest(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str shown,
                      uint8_t digest[TB_CREDENTIAL_DIGEST_BYTES]);

/* Compares in constant time. */
bool tb_secret_fits(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str shown,
                    const struct tb_credential *credential);

/* What stands in the place of the parent's id in what comes from the admin token of the
 * environment: it is another one for another token, so that a new one ends their sessions. */
struct tb_id tb_secret_mark(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str admin_token);

#endif

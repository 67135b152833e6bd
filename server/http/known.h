/* The credentials that a loop has met: it need not read, nor digest, with every request what it has
 * found out before.
 *
 * What is remembered of a record counts as long as the published head.credential_changes is the one
 * that it was read at: after any change of any credential each is read once more when it is next
 * asked for. So what was revoked is known as such with the first request after the answer to who
 * revoked it. One that is not there costs a look into the store and no digest.
 *
 * A table of slots, one record each, found by the random end of the id. Owned by one loop's thread;
 * no I/O but reading the store. */
#ifndef TB_HTTP_KNOWN_H
#define TB_HTTP_KNOWN_H

#include "http/auth.h"
#include "taskboard/storage.h"

#define TB_KNOWN_SLOTS 1024

struct tb_known_one {
    struct tb_credential credential; /* its strings stand behind it */
    char token[TB_ULID_LEN + 1];     /* the id of the token that it is, or comes from; `admin` */
    uint64_t changes;                /* head.credential_changes when it was last seen */
    bool proven;                     /* somebody has shown its text … */
    unsigned char proof[TB_AUTH_DIGEST_BYTES]; /* … of which this is a digest */
    int64_t logins_us; /* until when its logins are paid off, a second each */
};

struct tb_known {
    struct tb_known_one *slots[TB_KNOWN_SLOTS];
    struct tb_arena *arena; /* of one look; made when it is needed */
};

void tb_known_fini(struct tb_known *known);

/* The record with that id; `*one` is good until the next call. TB_E_ABSENT: there is none, or it
 * comes from a token that is no more. Its end is not looked at. `changes` is what is published. */
TB_MUST_CHECK enum tb_err tb_known_find(struct tb_known *known, struct tb_reader *reader,
                                        const struct tb_auth *auth, struct tb_id id,
                                        uint64_t changes, struct tb_known_one **one);

/* Counts one more link or session of that token. False: there have been too many of late. */
TB_MUST_CHECK bool tb_known_may_log_in(struct tb_known_one *one, int64_t now_us);

/* Is that the text whose digest the record has? */
bool tb_known_fits(struct tb_known_one *one, const struct tb_auth *auth, struct tb_str shown);

#endif

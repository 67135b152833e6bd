/* Native TLS: a certificate and its key in two files, and the context that connections are made
 * with. The files can be read anew while the server runs.
 *
 * TLS 1.2 and 1.3, forward secrecy and AEAD ciphers only, and by ALPN nothing but http/1.1: a
 * client that wants something else is refused, lest it be led to take one protocol for another
 * (ALPACA). Thread-safe after tb_tls_new. */
#ifndef TB_HTTP_TLS_H
#define TB_HTTP_TLS_H

#include <stdint.h>

#include "taskboard/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ssl_ctx_st;
struct tb_tls;

struct tb_tls_files {
    const char *cert; /* PEM: the certificate, then those between it and the root */
    const char *key;  /* PEM, not encrypted */
};

/* When a certificate is valid: milliseconds since 1970. */
struct tb_tls_validity {
    int64_t from_ms;
    int64_t until_ms;
};

/* Reads both files (their names are borrowed). One sentence in `why` on failure. */
TB_MUST_CHECK bool tb_tls_new(const struct tb_tls_files *files, struct tb_tls **tls, char *why,
                              size_t why_size);

/* NULL is accepted; the caller's pointer is set to NULL. Connections live on. */
void tb_tls_free(struct tb_tls **tls);

/* Reads both files anew: connections that come from now on get what is in them. On failure all
 * stays as it was, with one sentence in `why`. */
TB_MUST_CHECK bool tb_tls_reload(struct tb_tls *tls, char *why, size_t why_size);

/* The present context, for a new connection, and giving it back when its handshake is over. */
struct ssl_ctx_st *tb_tls_take(struct tb_tls *tls);
void tb_tls_give_back(struct ssl_ctx_st *context);

/* Has this thread's last handshake failed because its client speaks HTTP without TLS? To be asked
 * right behind it. The library knows GET, HEAD, POST and PUT. */
bool tb_tls_was_plain_http(void);

/* Visits what the library keeps for each connection of this thread (its BIO's data) whose client has
 * ended its TLS and whose SSL is not freed yet. `mark` is the visitor's own, false at first. The
 * visitor frees none. */
void tb_tls_visit_ended(void (*visit)(void *connection, bool *mark));

struct tb_tls_validity tb_tls_validity(struct tb_tls *tls);

/* Logs until when the certificate is valid; a warning where it is not at `now_ms`. */
void tb_tls_tell(struct tb_tls *tls, int64_t now_ms);

#endif

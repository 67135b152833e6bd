/* Where the admin token comes from: the environment, a file, or the data folder, where one is made.
 */
#ifndef TB_HTTP_TOKEN_H
#define TB_HTTP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "http/auth.h"

struct tb_token {
    char bytes[TB_TOKEN_BYTES_MAX + 1];
    size_t len;
    const char *variable; /* that it was given in, a constant; NULL: it stands in a file */
    char path[4096];      /* of that file */
    bool made;            /* just now */
};

struct tb_token_options {
    const char *vers_auth_token; /* the variables of the environment; NULL: not set */
    const char *taskboard_token;
    const char *file;     /* NULL: none */
    const char *data_dir; /* where a token may be made; NULL: nowhere */
};

/* Finds the token, or makes it. False with one sentence in `why`. */
TB_MUST_CHECK bool tb_token_obtain(const struct tb_token_options *options, struct tb_token *token,
                                   char *why, size_t why_size);

void tb_token_wipe(struct tb_token *token);

#endif

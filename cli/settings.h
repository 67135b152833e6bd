/* Where the board is, who asks, and how answers are shown: options first, then the environment. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define CLI_URL_DEFAULT     "http://127.0.0.1:3000"
#define CLI_TIMEOUT_DEFAULT 30
#define CLI_RETRY_DEFAULT   2

struct cli_settings {
    const char *url;        /* without a slash at the end */
    const char *token_file; /* NULL: the token is in the environment, or there is none */
    const char *ca_file;    /* whom to trust with https; NULL: the system's */
    const char *token;      /* secret; NULL: requests carry none */
    const char *agent;      /* who creates, writes and claims */
    const char *color;      /* "auto", "always" or "never" */
    int64_t timeout_seconds;
    int64_t retry_seconds; /* how long a request that was not answered is tried again */
    bool json;
    bool quiet;
    bool help;
};

/* Fills in what no option has set; the token only where it is needed. False: `*why` says which
 * setting is wrong; it never holds a token. */
bool cli_settings_complete(struct cli_settings *settings, struct tb_arena *arena, bool needs_token,
                           const char **why);

#endif

/* What the operator can set: flags over environment over file over defaults.
 *
 * One table row a setting (table.c) drives all four and --help. */
#ifndef TB_CONFIG_SETTINGS_H
#define TB_CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/log.h"

#define TB_SETTINGS_LIST_MAX  16
#define TB_SETTINGS_WHY_BYTES 512

struct tb_settings {
    struct tb_settings_list {
        const char *items[TB_SETTINGS_LIST_MAX];
        size_t count; /* 0: the default */
    } hosts;
    int64_t port; /* 0: any that is free */
    const char *data;
    const char *config;     /* NULL: no file */
    const char *token_file; /* NULL: none */
    bool no_auth;
    bool no_auth_anywhere;
    const char *user; /* NULL: who started it */
    bool no_sandbox;
    const char *public_url; /* http(s)://host[:port][/path]; NULL: none */
    struct tb_settings_list trusted_proxies;
    const char *tls_cert; /* files; NULL: no native TLS */
    const char *tls_key;
    int64_t threads; /* 0: one a core */
    int64_t connections_max;
    int64_t connections_per_address; /* 0: without limit */
    int64_t body_bytes_max;
    int64_t aging_seconds;
    int64_t default_max_attempts;
    int64_t retain_events;    /* 0: all */
    int64_t retain_days;      /* 0: for ever */
    int64_t retain_done;      /* 0: all */
    int64_t retain_done_days; /* 0: for ever */
    const char *archive;      /* NULL: finished tasks are deleted and gone */
    int64_t drain_seconds;
    enum tb_log_level log_level;
    enum tb_log_format log_format;
    int64_t map_bytes;   /* 0: the engine's default */
    const char *restore; /* NULL: nothing; so is the next one */
    const char *import;
    const char *format; /* of that; NULL: as its name ends */
    bool check;
    bool help;
    bool version;
};

/* The environment: NULL when the variable is not set. */
typedef const char *tb_getenv_fn(void *ctx, const char *name);

/* Fills `settings`; its strings live in `arena`, in `argv` and in the environment. False with one
 * sentence in `why` when something is wrong. With --help or --version nothing but the flags is
 * looked at. */
bool tb_settings_load(struct tb_settings *settings, struct tb_arena *arena, int argc, char **argv,
                      tb_getenv_fn *env, void *env_ctx, char why[TB_SETTINGS_WHY_BYTES]);

/* The text of --help, in the arena. */
struct tb_str tb_settings_help(struct tb_arena *arena);

#endif

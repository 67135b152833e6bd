#include "program/admin_token.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_given(const struct tb_program *program)
{
    return getenv("VERS_AUTH_TOKEN") != NULL || getenv("TASKBOARD_TOKEN") != NULL ||
           program->settings.token_file != NULL;
}

/* What was set at the start can be read in /proc, and stands in a core dump. */
static void wipe_variable(const char *name)
{
    char *value = getenv(name);
    if (value != NULL) {
        sodium_memzero(value, strlen(value));
    }
}

static bool obtain(struct tb_program *program)
{
    struct tb_token_options options = {
        .vers_auth_token = getenv("VERS_AUTH_TOKEN"),
        .taskboard_token = getenv("TASKBOARD_TOKEN"),
        .file = program->settings.token_file,
        .data_dir = tb_program_data_dir(&program->settings),
    };
    bool ok = tb_token_obtain(&options, &program->token, program->why, sizeof(program->why));
    wipe_variable("VERS_AUTH_TOKEN");
    wipe_variable("TASKBOARD_TOKEN");
    return ok;
}

bool tb_admin_token_read_given(struct tb_program *program)
{
    return program->settings.no_auth || !is_given(program) || obtain(program);
}

/* So that the digests of credentials can be compared. */
static bool tie_to_store(struct tb_program *program, struct tb_str token)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_reader_new(program->store, &reader);
    err = err != TB_OK ? err : tb_read_begin(reader, program->arena, &txn);
    if (err == TB_OK) {
        tb_auth_use_store(&program->http.auth, token, tb_txn_head(txn)->claim_key);
        tb_read_end(&txn);
    } else {
        (void)snprintf(program->why, sizeof(program->why), "cannot read the store: %s",
                       tb_err_text(err));
    }
    tb_reader_free(&reader);
    return err == TB_OK;
}

/* Where whoever wants to log in finds it. */
static void tell(const struct tb_token *token)
{
    if (token->variable != NULL) {
        tb_log(TB_LOG_INFO, "the admin token is the one in the environment",
               TB_LOG_C("variable", token->variable));
    } else {
        tb_log(TB_LOG_INFO,
               token->made ? "made an admin token" : "the admin token is kept in a file",
               TB_LOG_C("file", token->path));
    }
}

static bool open_to_all(struct tb_program *program)
{
    tb_auth_init(&program->http.auth, TB_STR_NONE);
    tb_log(TB_LOG_WARN, "NO AUTHENTICATION: whoever can reach this server may do everything",
           TB_LOG_C("because", "--no-auth"));
    return tie_to_store(program, TB_STR_NONE);
}

bool tb_admin_token_install(struct tb_program *program)
{
    struct tb_token *token = &program->token;
    if (program->settings.no_auth) {
        return open_to_all(program);
    }
    if (token->len == 0 && !obtain(program)) {
        return false;
    }
    tb_auth_init(&program->http.auth, tb_str_from(token->bytes, token->len));
    bool tied = tie_to_store(program, tb_str_from(token->bytes, token->len));
    tb_token_wipe(token);
    if (!tied) {
        return false;
    }
    tell(token);
    return true;
}

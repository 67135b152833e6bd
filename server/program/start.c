#include "program/start.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "confine.h"
#include "http/etag.h"
#include "program/admin_token.h"
#include "program/machine.h"

#define SPARE_READERS 8

static bool bind_sockets(struct tb_program *program)
{
    return tb_listen_bind(&program->sockets, program->why, sizeof(program->why));
}

static bool open_store(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_store_options options = {
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .readers_max = program->sockets.threads + SPARE_READERS,
        .create = true,
    };
    if (strncmp(settings->data, "memory:", strlen("memory:")) == 0) {
        (void)snprintf(program->why, sizeof(program->why),
                       "data: memory: keeps nothing; it is for tests");
        return false;
    }
    return tb_store_open(&options, &program->store, program->why, sizeof(program->why)) == TB_OK;
}

/* What cannot be had is done without: systemd and containers have walls of their own. */
static bool confine(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    const char *const folders[TB_CONFINE_FOLDERS_MAX] = {tb_program_data_dir(settings),
                                                         settings->archive};
    const char *reason = "--no-sandbox";
    if (settings->no_sandbox || !tb_confine(folders, &reason)) {
        tb_log(TB_LOG_INFO, "not confined: it may write wherever its user may",
               TB_LOG_C("because", reason));
    }
    return true;
}

static void random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

static bool start_service(struct tb_program *program)
{
    struct tb_service_options options = {
        .store = program->store,
        .clock = tb_clock_system(),
        .board = tb_program_board_options(&program->settings),
        .random = random_bytes,
    };
    return tb_service_start(&options, &program->service, program->why, sizeof(program->why)) ==
           TB_OK;
}

/* What all requests share, but for who asks. */
static void set_up_http(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_http *http = &program->http;
    size_t most = (size_t)settings->body_bytes_max;
    http->service = program->service;
    http->store = program->store;
    http->clock = tb_clock_system();
    http->tls = program->tls;
    http->site = &tb_site;
    http->array_body_bytes_max = most;
    http->body_bytes_max = most < TB_BODY_BYTES_MAX ? most : TB_BODY_BYTES_MAX;
    http->origin.checks = settings->no_auth;
    http->origin.checks_host = tb_listen_is_loopback(&program->sockets);
    tb_origin_set_public_url(&http->origin, settings->public_url);
    http->started_us = tb_clock_monotonic_us(http->clock);
    tb_router_init(&http->router, tb_routes, tb_route_count);
    tb_etag_init(http);
}

static bool start_server(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    set_up_http(program);
    struct tb_server_options options = {
        .http = &program->http,
        .store = program->store,
        .sockets = &program->sockets,
        .connections_max = tb_machine_connections_max((unsigned)settings->connections_max),
        .connections_per_address = (unsigned)settings->connections_per_address,
    };
    return tb_server_start(&options, &program->server, program->why, sizeof(program->why));
}

/* The order matters: ports and secrets are for who started it, everything that is made belongs to
 * who serves, and a thread keeps the rights that it was started with. */
bool tb_program_start(struct tb_program *program)
{
    return bind_sockets(program) && tb_admin_token_read_given(program) &&
           tb_program_become_user(program) && open_store(program) && confine(program) &&
           start_service(program) && tb_admin_token_install(program) && start_server(program);
}

void tb_program_close(struct tb_program *program)
{
    tb_server_free(&program->server);
    if (program->service != NULL) {
        tb_service_stop(&program->service);
    }
    tb_store_close(&program->store);
    tb_listen_close(&program->sockets);
    tb_tls_free(&program->tls);
    tb_auth_fini(&program->http.auth);
    tb_log_flush();
    tb_arena_free(program->arena);
}

#include "program/judge.h"

#include <stdio.h>

#include "program/machine.h"

static bool resolve_hosts(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_listen_options options = {
        .hosts = settings->hosts.items,
        .host_count = settings->hosts.count,
        .port = (uint16_t)settings->port,
        .threads = settings->threads == 0 ? tb_machine_cores() : (unsigned)settings->threads,
    };
    return tb_listen_resolve(&program->sockets, &options, program->why, sizeof(program->why));
}

static bool is_open_to_few(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (settings->no_auth && !settings->no_auth_anywhere &&
        !tb_listen_is_loopback(&program->sockets)) {
        (void)snprintf(program->why, sizeof(program->why),
                       "--no-auth would open the board to the network: listen on loopback "
                       "addresses only (--host 127.0.0.1), or give --no-auth-anywhere too");
        return false;
    }
    return true;
}

static bool read_proxies(struct tb_program *program)
{
    const struct tb_settings_list *list = &program->settings.trusted_proxies;
    for (size_t i = 0; i < list->count; i++) {
        if (!tb_proxies_add(&program->http.proxies, list->items[i])) {
            (void)snprintf(program->why, sizeof(program->why),
                           "--trusted-proxy must be an address or a network such as 10.0.0.0/8 "
                           "or fd00::/8, not \"%.128s\"",
                           list->items[i]);
            return false;
        }
    }
    return true;
}

static bool read_certificate(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_tls_files files = {settings->tls_cert, settings->tls_key};
    if ((files.cert == NULL) != (files.key == NULL)) {
        (void)snprintf(program->why, sizeof(program->why),
                       "--tls-cert and --tls-key belong together: %s is missing",
                       files.cert == NULL ? "--tls-cert" : "--tls-key");
        return false;
    }
    return files.cert == NULL ||
           tb_tls_new(&files, &program->tls, program->why, sizeof(program->why));
}

bool tb_program_judge(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (settings->help || settings->version) {
        return true;
    }
    return resolve_hosts(program) && is_open_to_few(program) && read_proxies(program) &&
           read_certificate(program);
}

#include "config/table.h"

#include "config/values.h"
#include "taskboard/limits.h"

#define AT(member) offsetof(struct tb_settings, member)
#define KIB        INT64_C(1024)
#define TIB        (KIB * KIB * KIB * KIB)

const struct tb_setting tb_settings_table[] = {
    {.name = "host",
     .argument = "ADDRESS",
     .initial = "::",
     .help = "listen on this address or name; may be repeated",
     .parse = tb_value_host,
     .offset = AT(hosts),
     .flags = TB_SETTING_REPEATS},
    {.name = "port",
     .argument = "NUMBER",
     .initial = "3000",
     .help = "listen on this port; 0: any that is free (PORT means the same)",
     .parse = tb_value_number,
     .offset = AT(port),
     .max = 65535,
     .other_env = "PORT"},
    {.name = "data",
     .argument = "DIR",
     .initial = "./data",
     .help = "keep the board in this folder",
     .parse = tb_value_text,
     .offset = AT(data)},
    {.name = "config",
     .argument = "FILE",
     .help = "read settings from this file: name = value, a line each",
     .parse = tb_value_text,
     .offset = AT(config),
     .flags = TB_SETTING_NOT_IN_FILE},
    {.name = "token-file",
     .argument = "FILE",
     .help = "the admin token is in this file (or in VERS_AUTH_TOKEN; otherwise one is made)",
     .parse = tb_value_text,
     .offset = AT(token_file)},
    {.name = "no-auth",
     .initial = "false",
     .help = "ask nobody for a token; only where all addresses are of this machine",
     .parse = tb_value_switch,
     .offset = AT(no_auth),
     .flags = TB_SETTING_SWITCH},
    {.name = "no-auth-anywhere",
     .initial = "false",
     .help = "let --no-auth open the board to the whole network",
     .parse = tb_value_switch,
     .offset = AT(no_auth_anywhere),
     .flags = TB_SETTING_SWITCH},
    {.name = "public-url",
     .argument = "URL",
     .help = "where clients find the board, when that is behind a proxy",
     .parse = tb_value_url,
     .offset = AT(public_url)},
    {.name = "tls-cert",
     .argument = "FILE",
     .help = "speak TLS, with the certificates in this file (PEM, the server's own first)",
     .parse = tb_value_text,
     .offset = AT(tls_cert)},
    {.name = "tls-key",
     .argument = "FILE",
     .help = "the key of the certificate (PEM, without a passphrase); SIGHUP reads both anew",
     .parse = tb_value_text,
     .offset = AT(tls_key)},
    {.name = "threads",
     .argument = "NUMBER",
     .help = "event loops [one a core]",
     .parse = tb_value_number,
     .offset = AT(threads),
     .min = 1,
     .max = 256},
    {.name = "max-connections",
     .argument = "NUMBER",
     .initial = "20000",
     .help = "connections at once, of all clients together",
     .parse = tb_value_number,
     .offset = AT(connections_max),
     .min = 1,
     .max = 1000000},
    {.name = "max-body",
     .argument = "SIZE",
     .initial = "16M",
     .help = "the largest body: of arrays of tasks; any other may have 1M at most",
     .parse = tb_value_size,
     .offset = AT(body_bytes_max),
     .min = KIB,
     .max = TB_ARRAY_BODY_BYTES_MAX},
    {.name = "aging-seconds",
     .argument = "NUMBER",
     .initial = "3600",
     .help = "how much waiting a point of priority is worth",
     .parse = tb_value_number,
     .offset = AT(aging_seconds),
     .max = TB_DELAY_SECONDS_MAX},
    {.name = "default-max-attempts",
     .argument = "NUMBER",
     .initial = "3",
     .help = "claims of a task that says nothing itself; 0: without limit",
     .parse = tb_value_number,
     .offset = AT(default_max_attempts),
     .max = TB_MAX_ATTEMPTS_MAX},
    {.name = "retain-events",
     .argument = "NUMBER",
     .initial = "1000000",
     .help = "how many events the log keeps; 0: without limit",
     .parse = tb_value_number,
     .offset = AT(retain_events),
     .max = INT64_C(1000000000000)},
    {.name = "retain-days",
     .argument = "NUMBER",
     .initial = "7",
     .help = "how long the log keeps an event; 0: without limit",
     .parse = tb_value_number,
     .offset = AT(retain_days),
     .max = 36500},
    {.name = "drain-seconds",
     .argument = "NUMBER",
     .initial = "5",
     .help = "time for running requests to finish when the server is told to stop",
     .parse = tb_value_number,
     .offset = AT(drain_seconds),
     .max = 3600},
    {.name = "log-level",
     .argument = "LEVEL",
     .initial = "info",
     .help = "error, warn, info, debug or off",
     .parse = tb_value_log_level,
     .offset = AT(log_level)},
    {.name = "log-format",
     .argument = "FORMAT",
     .initial = "text",
     .help = "text (logfmt) or json",
     .parse = tb_value_log_format,
     .offset = AT(log_format)},
    {.name = "map-size",
     .argument = "SIZE",
     .initial = "0",
     .help = "the most that the store may grow to; 0: what the engine thinks right",
     .parse = tb_value_size,
     .offset = AT(map_bytes),
     .max = 64 * TIB},
    {.name = "check",
     .help = "judge the settings, check the whole store in the data folder, and exit",
     .parse = tb_value_switch,
     .offset = AT(check),
     .flags = TB_SETTING_SWITCH | TB_SETTING_FLAG_ONLY},
    {.name = "version",
     .help = "print the version and exit",
     .parse = tb_value_switch,
     .offset = AT(version),
     .flags = TB_SETTING_SWITCH | TB_SETTING_FLAG_ONLY},
    {.name = "help",
     .help = "print this and exit",
     .parse = tb_value_switch,
     .offset = AT(help),
     .flags = TB_SETTING_SWITCH | TB_SETTING_FLAG_ONLY},
};

const size_t tb_settings_table_count = sizeof(tb_settings_table) / sizeof(tb_settings_table[0]);

const struct tb_setting *tb_setting_find(struct tb_str name)
{
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        if (tb_str_eq_c(name, tb_settings_table[i].name)) {
            return &tb_settings_table[i];
        }
    }
    return NULL;
}

const char *tb_setting_nearest(struct tb_str name)
{
    const char *nearest = NULL;
    unsigned least = 4; /* letters that may be wrong, and one */
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        const char *candidate = tb_settings_table[i].name;
        unsigned distance = tb_str_distance(name, tb_str_c(candidate), least);
        if (distance < least && distance < name.len) {
            least = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

#include "program/announce.h"

#include <stdio.h>
#include <string.h>

#include "archive.h"
#include "http/site.h"

#define LINE_BYTES 512

/* Nothing is lost without it, but else nobody hears of it before the first task should go. */
static void look_for_archive(const char *folder)
{
    const char *trouble = folder == NULL ? NULL : tb_archive_trouble(folder);
    if (trouble != NULL) {
        tb_log(TB_LOG_WARN, "the archive cannot be written to: make that folder, then restart",
               TB_LOG_C("folder", folder), TB_LOG_C("because", trouble));
    }
}

static void tell_addresses(const struct tb_listen *sockets)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        char line[LINE_BYTES];
        (void)snprintf(line, sizeof(line), "listening on %s", sockets->addresses[i].name);
        tb_log_record(TB_LOG_INFO, line, NULL, 0);
    }
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Where a browser finds the dashboard, if it is part of this program: at the public URL, or else at
 * the first address, which no browser can ask when it stands for all. */
static void tell_dashboard(const struct tb_program *program)
{
    const struct tb_str origin = program->http.origin.public_origin;
    const char *name = program->sockets.addresses[0].name;
    bool is_any = starts_with(name, "[::]:") || starts_with(name, "0.0.0.0:");
    char line[LINE_BYTES];
    if (tb_site_find(program->http.site, TB_STR(TB_SITE_PAGE)) == NULL) {
        return;
    }
    if (origin.ptr != NULL) {
        (void)snprintf(line, sizeof(line), "the dashboard is at %.*s/ui/", (int)origin.len,
                       origin.ptr);
    } else {
        (void)snprintf(line, sizeof(line), "the dashboard is at %s://%s%s/ui/",
                       program->tls == NULL ? "http" : "https", is_any ? "localhost" : "",
                       is_any ? strrchr(name, ':') : name);
    }
    tb_log_record(TB_LOG_INFO, line, NULL, 0);
}

void tb_program_announce(const struct tb_program *program)
{
    look_for_archive(program->settings.archive);
    tb_log(TB_LOG_INFO, "taskboardd " TB_VERSION, TB_LOG_C("data", program->settings.data),
           TB_LOG_NUM("threads", program->sockets.threads));
    tell_addresses(&program->sockets);
    tell_dashboard(program);
    if (program->tls != NULL) {
        tb_tls_tell(program->tls, tb_clock_wall_ms(tb_clock_system()));
    }
    tb_log_flush();
}

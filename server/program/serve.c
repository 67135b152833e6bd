#include "program/serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/notify.h"
#include "program/announce.h"
#include "program/signals.h"
#include "program/start.h"

#define SECOND_US  INT64_C(1000000)
#define CUT_OFF_US (3 * SECOND_US / 10) /* what cutting off the last requests may take */

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

/* What SIGHUP asks of a service. */
static void reload(struct tb_program *program)
{
    if (program->tls == NULL) {
        tb_log_record(TB_LOG_INFO, "nothing to read anew: there is no TLS certificate", NULL, 0);
    } else if (tb_tls_reload(program->tls, program->why, sizeof(program->why))) {
        tb_tls_tell(program->tls, tb_clock_wall_ms(tb_clock_system()));
    } else {
        tb_log(TB_LOG_ERROR, "the TLS certificate stays as it was", TB_LOG_C("why", program->why));
    }
    tb_log_flush();
}

/* The signal that ends the program. SIGHUP says that its terminal is gone, where it has one. */
static int wait_for_the_end(struct tb_program *program)
{
    bool hangs = program->tls == NULL && has_terminal();
    for (;;) {
        int number = tb_signals_wait(program);
        if (number != SIGHUP || hangs) {
            return number;
        }
        reload(program);
    }
}

static void stop_at_a_second_signal(const struct tb_program *program)
{
    int number = tb_signals_poll(program);
    if (number > 0 && number != SIGHUP) {
        tb_log(TB_LOG_WARN, "stopped at once by a second signal", TB_LOG_NUM("signal", number));
        tb_log_flush();
        _exit(128 + number);
    }
}

/* Waits for the loops in small steps, so that a second signal still ends the program at once. */
static bool drain(struct tb_program *program)
{
    int64_t now_us = tb_clock_monotonic_us(tb_clock_system());
    int64_t limit_us = program->settings.drain_seconds * SECOND_US;
    /* Cut off what still runs a little earlier, so that all ends in time. */
    int64_t early_us = limit_us / 10 < CUT_OFF_US ? CUT_OFF_US : limit_us / 10;
    tb_server_drain(program->server, limit_us < early_us ? now_us : now_us + limit_us - early_us);
    int64_t wait_us = limit_us < CUT_OFF_US ? CUT_OFF_US : limit_us;
    for (int64_t by_us = now_us + wait_us; now_us < by_us;) {
        stop_at_a_second_signal(program);
        now_us = tb_clock_monotonic_us(tb_clock_system());
        if (tb_server_join(program->server, now_us + SECOND_US / 50)) {
            return true;
        }
    }
    return false;
}

int tb_program_serve(struct tb_program *program)
{
    if (!tb_program_start(program)) {
        tb_log_flush();
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        return TB_EXIT_CANNOT;
    }
    tb_program_announce(program);
    tb_notify("READY=1");
    int number = wait_for_the_end(program);
    tb_log(TB_LOG_INFO, "stopping", TB_LOG_NUM("signal", number));
    tb_notify("STOPPING=1");
    if (!drain(program)) {
        tb_log(TB_LOG_WARN, "stopped before all requests had finished",
               TB_LOG_NUM("drainSeconds", program->settings.drain_seconds));
        tb_log_flush();
        _exit(EXIT_SUCCESS);
    }
    tb_log_record(TB_LOG_INFO, "stopped", NULL, 0);
    tb_program_close(program);
    return EXIT_SUCCESS;
}

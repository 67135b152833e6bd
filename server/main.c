/* taskboardd: reads the settings, then does what they ask for: serves until it is told to stop, or
 * answers instead. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "program/judge.h"
#include "program/machine.h"
#include "program/offline.h"
#include "program/serve.h"
#include "program/signals.h"

/* What h2o keeps for each thread, and for each of its queues, it never frees. The leak sanitizer
 * asks for these by name. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

static const char *get_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

int main(int argc, char **argv)
{
    static struct tb_program program;
    program.arena = tb_arena_new(0);
    if (!tb_settings_load(&program.settings, program.arena, argc, argv, get_env, NULL,
                          program.why) ||
        !tb_program_judge(&program)) {
        (void)fprintf(stderr, "taskboardd: %s\n", program.why);
        return TB_EXIT_USAGE;
    }
    if (sodium_init() < 0) {
        (void)fputs("taskboardd: cannot get random numbers from the system\n", stderr);
        return TB_EXIT_CANNOT;
    }
    if (tb_offline_is_asked_for(&program.settings)) {
        return tb_offline_answer(&program);
    }
    tb_machine_return_memory();
    tb_log_init(STDERR_FILENO, program.settings.log_level, program.settings.log_format);
    tb_signals_block(&program);
    return tb_program_serve(&program);
}

#include "program/signals.h"

#include <time.h>

#define LOG_FLUSH_MS 100

void tb_signals_block(struct tb_program *program)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&program->signals);
    (void)sigaddset(&program->signals, SIGTERM);
    (void)sigaddset(&program->signals, SIGINT);
    (void)sigaddset(&program->signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &program->signals, NULL);
}

int tb_signals_wait(const struct tb_program *program)
{
    const struct timespec pause = {.tv_nsec = LOG_FLUSH_MS * 1000000L};
    for (;;) {
        int number = sigtimedwait(&program->signals, NULL, &pause);
        tb_log_flush();
        if (number > 0) {
            return number;
        }
    }
}

int tb_signals_poll(const struct tb_program *program)
{
    const struct timespec no_time = {.tv_nsec = 0};
    int number = sigtimedwait(&program->signals, NULL, &no_time);
    return number > 0 ? number : 0;
}

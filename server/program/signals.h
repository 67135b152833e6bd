/* The signals that the main thread waits for: SIGTERM, SIGINT, SIGHUP. SIGPIPE is ignored. */
#ifndef TB_PROGRAM_SIGNALS_H
#define TB_PROGRAM_SIGNALS_H

#include "program/program.h"

/* Before any thread starts: all inherit it, so that signals come only to who waits for them. */
void tb_signals_block(struct tb_program *program);

/* Waits for the next one, for ever, and writes the log meanwhile. */
int tb_signals_wait(const struct tb_program *program);

/* One that has come already; 0: none has. */
int tb_signals_poll(const struct tb_program *program);

#endif

/* What is asked for instead of serving: --help, --version, --check, --restore, --import. Nothing is
 * bound and no thread is started. */
#ifndef TB_PROGRAM_OFFLINE_H
#define TB_PROGRAM_OFFLINE_H

#include "program/program.h"

bool tb_offline_is_asked_for(const struct tb_settings *settings);

/* Does it, of settings that were judged, and returns the program's exit code. Results go to standard
 * output, the reason of a failure to standard error. */
TB_MUST_CHECK int tb_offline_answer(struct tb_program *program);

#endif

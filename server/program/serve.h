/* Serving, from the start to the drain. Main thread. */
#ifndef TB_PROGRAM_SERVE_H
#define TB_PROGRAM_SERVE_H

#include "program/program.h"

/* Serves until a signal ends it, and returns the program's exit code. Of a start that fails it says
 * the reason on standard error; requests that outlive the drain end with the process, here. */
TB_MUST_CHECK int tb_program_serve(struct tb_program *program);

#endif

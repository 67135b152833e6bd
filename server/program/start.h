/* Putting the layers together, and taking them apart. Main thread. */
#ifndef TB_PROGRAM_START_H
#define TB_PROGRAM_START_H

#include "program/program.h"

/* Opens everything, of settings that were judged, with signals blocked, since threads inherit that.
 * True: the server answers. False: some of it is open, a loop may have started, and all that is left
 * is to exit; nothing is lost that was promised. */
TB_MUST_CHECK bool tb_program_start(struct tb_program *program);

/* Closes what was opened, in reverse, once all loops have ended. */
void tb_program_close(struct tb_program *program);

#endif

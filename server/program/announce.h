/* What the log says of a server that has started: where it is found, and what is not as it should
 * be. Main thread. */
#ifndef TB_PROGRAM_ANNOUNCE_H
#define TB_PROGRAM_ANNOUNCE_H

#include "program/program.h"

void tb_program_announce(const struct tb_program *program);

#endif

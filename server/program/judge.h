/* Whether settings that are right one by one do together: what can be judged without binding a port
 * or opening the store. */
#ifndef TB_PROGRAM_JUDGE_H
#define TB_PROGRAM_JUDGE_H

#include "program/program.h"

/* Resolves the hosts and reads proxies and certificate into the program. With --help or --version
 * nothing is looked at. */
TB_MUST_CHECK bool tb_program_judge(struct tb_program *program);

#endif

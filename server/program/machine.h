/* What the machine and its system let one process have. Main thread, before others start. */
#ifndef TB_PROGRAM_MACHINE_H
#define TB_PROGRAM_MACHINE_H

/* Cores that this process may run on; at least 1. */
unsigned tb_machine_cores(void);

/* As many connections as are wanted, or fewer where file descriptors do not suffice, which the log
 * then says. Raises the limit of open files as far as it goes. */
unsigned tb_machine_connections_max(unsigned wanted);

/* Large answers come and go: their memory is given back, not kept for the next one. What batches
 * use again and again is kept. */
void tb_machine_return_memory(void);

#endif

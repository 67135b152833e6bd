/* What happens when the system has no memory left. */
#ifndef TB_BASE_MEMORY_H
#define TB_BASE_MEMORY_H

/* Says so on stderr and ends the process at once. For what is small and bounded: everything that a
 * client can size has a limit, and what was acknowledged is on the disk. */
_Noreturn void tb_out_of_memory(void);

#endif

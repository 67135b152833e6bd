/* What the system says of this process, from /proc/self. */
#ifndef TB_BASE_PROCESS_H
#define TB_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct tb_process {
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t cpu_us; /* of all threads, in the program and in the kernel */
    uint64_t open_files;
    uint64_t open_files_max;
    int64_t started_ms; /* wall time */
    unsigned threads;
};

/* False, and zero what is not known, where the system does not tell. Any thread. */
bool tb_process_read(struct tb_process *process);

#endif

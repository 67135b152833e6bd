#include "program/machine.h"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/log.h"

#define LARGE_BLOCK_BYTES (2 * 1024 * 1024)
#define IDLE_BYTES_MAX    (32 * 1024 * 1024)
#define SPARE_FILES       64 /* descriptors that are no connections */

unsigned tb_machine_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : (unsigned)count;
}

unsigned tb_machine_connections_max(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= (rlim_t)wanted + SPARE_FILES) {
        return wanted;
    }
    unsigned allowed = limit.rlim_cur <= SPARE_FILES ? 1 : (unsigned)limit.rlim_cur - SPARE_FILES;
    tb_log(TB_LOG_WARN, "fewer connections than set: the limit of open files is low",
           TB_LOG_NUM("openFiles", (int64_t)limit.rlim_cur), TB_LOG_NUM("connections", allowed));
    return allowed;
}

void tb_machine_return_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, IDLE_BYTES_MAX);
}

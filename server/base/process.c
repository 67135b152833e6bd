#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of /proc/self/stat, behind the name of the program, which may hold anything: proc(5) counts from
 * 1 and calls the first of these 3. */
#define FIRST_FIELD   3
#define FIELD_THREADS 20
#define FIELD_START   22
#define FIELD_VIRTUAL 23
#define FIELD_RSS     24
#define FIELD_LAST    FIELD_RSS

static bool read_small_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* When the machine was started, to the wall clock as it is now. */
static int64_t boot_ms(void)
{
    struct timespec wall, since_boot;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (wall.tv_sec - since_boot.tv_sec) * 1000 + (wall.tv_nsec - since_boot.tv_nsec) / 1000000;
}

static void take_field(struct tb_process *process, unsigned field, uint64_t value)
{
    switch (field) {
    case FIELD_THREADS:
        process->threads = (unsigned)value;
        break;
    case FIELD_START:
        process->started_ms = boot_ms() + (int64_t)(value * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
        break;
    case FIELD_VIRTUAL:
        process->virtual_bytes = value;
        break;
    case FIELD_RSS:
        process->resident_bytes = value * (uint64_t)sysconf(_SC_PAGESIZE);
        break;
    default:
        break;
    }
}

static uint64_t leading_number(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
    }
    return number;
}

static bool read_stat(struct tb_process *process)
{
    char text[1024];
    if (!read_small_file("/proc/self/stat", text, sizeof(text))) {
        return false;
    }
    const char *at = strrchr(text, ')');
    for (unsigned field = FIRST_FIELD; at != NULL && field <= FIELD_LAST; field++) {
        at = strchr(at, ' ');
        if (at != NULL) {
            at++;
            take_field(process, field, leading_number(at));
        }
    }
    return at != NULL;
}

/* Newer kernels (6.2) say how many there are; in older ones they are counted. */
static uint64_t count_open_files(void)
{
    struct stat stat_of_folder;
    uint64_t count = 0;
    if (stat("/proc/self/fd", &stat_of_folder) == 0 && stat_of_folder.st_size > 0) {
        return (uint64_t)stat_of_folder.st_size;
    }
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* `.`, `..` and the folder itself */
}

static uint64_t us_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

bool tb_process_read(struct tb_process *process)
{
    struct rusage usage;
    struct rlimit files;
    *process = (struct tb_process){.resident_bytes = 0};
    bool known = read_stat(process);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        process->cpu_us = us_of(usage.ru_utime) + us_of(usage.ru_stime);
    }
    process->open_files = count_open_files();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        process->open_files_max = files.rlim_cur;
    }
    return known && process->open_files > 0;
}

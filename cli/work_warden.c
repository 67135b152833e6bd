/* Sees to it that no command outlives its worker, also where that is killed: another one then takes
 * the task up, and both would work on it. PR_SET_PDEATHSIG reaches the command itself, not what that
 * has started. So a process beside the worker is told of each command's group; when the pipe to it
 * ends, as the worker has, it kills those that are left.
 *
 *   a group begins: its number (the command tells it, before it becomes what it is to be)
 *   a group ends:   its number, negative (the command is dead, and not reaped yet: nobody else can
 *                   have its number) */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

struct groups {
    pid_t ids[WORK_CONCURRENCY_MAX];
    size_t count;
};

static void take(struct groups *groups, pid_t told)
{
    if (told > 0) {
        if (groups->count < WORK_CONCURRENCY_MAX) {
            groups->ids[groups->count++] = told;
        }
        return;
    }
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->ids[i] == -told) {
            groups->ids[i] = groups->ids[--groups->count];
            return;
        }
    }
}

static _Noreturn void guard(int fd)
{
    struct groups groups = {.count = 0};
    pid_t told;
    (void)setsid(); /* what is sent to the worker's group is not for this one */
    while (read(fd, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
        take(&groups, told);
    }
    for (size_t i = 0; i < groups.count; i++) {
        (void)kill(-groups.ids[i], SIGKILL);
    }
    _exit(EXIT_SUCCESS);
}

bool work_warden_start(struct work *work)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    work->warden = fork();
    if (work->warden == 0) {
        (void)close(ends[1]);
        guard(ends[0]);
    }
    (void)close(ends[0]);
    work->warden_fd = ends[1];
    return work->warden > 0;
}

void work_warden_tell(const struct work *work, pid_t group)
{
    (void)!write(work->warden_fd, &group, sizeof(group));
}

void work_warden_end(struct work *work)
{
    (void)close(work->warden_fd);
    (void)waitpid(work->warden, NULL, 0);
}

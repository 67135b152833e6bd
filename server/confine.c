#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- the superuser --- */

static bool refuse(char *why, size_t why_size, const char *name, const char *reason)
{
    (void)snprintf(why, why_size, "cannot become the user %s: %s", name, reason);
    return false;
}

/* False with errno. */
static bool make_folder(const char *folder, const struct passwd *user)
{
    if (mkdir(folder, 0700) != 0) {
        return errno == EEXIST || errno == ENOENT; /* who opens it says what is wrong */
    }
    return chown(folder, user->pw_uid, user->pw_gid) == 0;
}

/* In this order: each needs the rights that the next one gives up. False with errno. */
static bool change_to(const struct passwd *user)
{
    return initgroups(user->pw_name, user->pw_gid) == 0 &&
           setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
           setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

bool tb_become_user(const char *name, const char *folder, char *why, size_t why_size)
{
    errno = 0;
    const struct passwd *user = getpwnam(name);
    if (user == NULL) {
        return refuse(why, why_size, name, errno == 0 ? "there is none" : strerror(errno));
    }
    if (user->pw_uid == 0) {
        return refuse(why, why_size, name, "it is the superuser");
    }
    if (geteuid() != 0) {
        return user->pw_uid == geteuid() || refuse(why, why_size, name, "only the superuser could");
    }
    if ((folder != NULL && !make_folder(folder, user)) || !change_to(user)) {
        return refuse(why, why_size, name, strerror(errno));
    }
    if (setuid(0) == 0) { /* UNTESTED: the kernel does not let us back */
        return refuse(why, why_size, name, "the rights of the superuser cannot be given up");
    }
    /* A process that has changed its user may not look at itself in /proc, as /metrics does. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return true;
}

/* --- Landlock --- */

/* What the system's headers may be too old to know. */
#define ACCESS_TRUNCATE    (UINT64_C(1) << 14) /* since version 3 */
#define ACCESS_BIND_TCP    (UINT64_C(1) << 0)  /* since version 4 */
#define ACCESS_CONNECT_TCP (UINT64_C(1) << 1)

struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
};

/* There where a sanitizer or a profiler is linked in: it writes files and runs programs of its own.
 */
__attribute__((weak)) void __sanitizer_print_stack_trace(void);
__attribute__((weak)) int __llvm_profile_write_file(void);

static uint64_t writing(int version)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    return version >= 3 ? rights | ACCESS_TRUNCATE : rights;
}

static bool allow(int ruleset, const char *folder, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = rights,
        .parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
    };
    if (rule.parent_fd < 0) {
        return false;
    }
    long failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
    (void)close(rule.parent_fd);
    return failed == 0;
}

static bool allow_all(int ruleset, const char *const folders[TB_CONFINE_FOLDERS_MAX],
                      uint64_t rights)
{
    for (size_t i = 0; i < TB_CONFINE_FOLDERS_MAX; i++) {
        if (folders[i] != NULL && !allow(ruleset, folders[i], rights)) {
            return false;
        }
    }
    return true;
}

bool tb_confine(const char *const folders[TB_CONFINE_FOLDERS_MAX], const char **why)
{
    if (__sanitizer_print_stack_trace != NULL || __llvm_profile_write_file != NULL) {
        *why = "an instrument is linked in";
        return false;
    }
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset rules = {
        .handled_access_fs = writing(version) | LANDLOCK_ACCESS_FS_EXECUTE,
        .handled_access_net = version >= 4 ? ACCESS_BIND_TCP | ACCESS_CONNECT_TCP : 0,
    };
    size_t size = version >= 4 ? sizeof(rules) : sizeof(rules.handled_access_fs);
    int fd = version < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0U);
    if (fd < 0) {
        *why = strerror(errno);
        return false;
    }
    bool confined = allow_all(fd, folders, writing(version)) &&
                    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                    syscall(SYS_landlock_restrict_self, fd, 0U) == 0;
    if (!confined) {
        *why = strerror(errno);
    }
    (void)close(fd);
    return confined;
}

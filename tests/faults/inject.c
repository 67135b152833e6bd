/* Preloaded into a taskboardd: the nth call of a kind fails. Which calls there are, and what they
 * do then, stands in inject.h.
 *
 * A call belongs to the storage path when it names a file in the data folder (FAULTS_FOLDER) or
 * a descriptor of one, or, where it names none, when the server's own code or LMDB makes it: who
 * calls is told by the return address. So h2o's memory does not count, and its log neither.
 *
 * Calls go on to the system itself, and not to the function that they replace, wherever that is
 * one. */
#include "inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define CALLER() ((uintptr_t)__builtin_return_address(0))
#define FILES    1024 /* descriptors above are no files of the store */

enum { OURS = 1, SYNCS = 2 };

struct code {
    uintptr_t base;
    uintptr_t begin;
    uintptr_t end;
};

static struct inject_control *control;
static struct code server_code;
static struct code lmdb_code;
static const char *folder;
static size_t folder_len;
static _Atomic uint8_t files[FILES]; /* OURS, SYNCS */

typedef int create_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);
typedef int read_statvfs(int fd, struct statvfs *out);
static create_thread *real_pthread_create;
static read_statvfs *real_fstatvfs;

/* --- what is told at the start --- */

static int note_code(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    bool is_server = info->dlpi_name[0] == '\0';
    if (!is_server && strstr(info->dlpi_name, "liblmdb") == NULL) {
        return 0;
    }
    struct code *code = is_server ? &server_code : &lmdb_code;
    code->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            code->begin = info->dlpi_addr + part->p_vaddr;
            code->end = code->begin + part->p_memsz;
        }
    }
    return 0;
}

__attribute__((constructor)) static void set_up(void)
{
    const char *path = getenv("FAULTS_CONTROL");
    folder = getenv("FAULTS_FOLDER");
    void *create = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real_pthread_create, &create, sizeof create);
    void *statvfs = dlsym(RTLD_NEXT, "fstatvfs");
    memcpy(&real_fstatvfs, &statvfs, sizeof statvfs);
    if (path == NULL || folder == NULL) {
        return;
    }
    folder_len = strlen(folder);
    dl_iterate_phdr(note_code, NULL);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    long at = syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
    syscall(SYS_close, fd);
    if (fd < 0 || (at < 0 && at > -4096)) {
        _exit(99);
    }
    control = (struct inject_control *)at; /* NOLINT: a number is what the system gives */
}

/* --- whose call it is --- */

static bool is_in(uintptr_t address, const struct code *code)
{
    return address >= code->begin && address < code->end;
}

static bool is_storage_code(uintptr_t caller)
{
    return is_in(caller, &server_code) || is_in(caller, &lmdb_code);
}

static bool is_file(int fd, uint8_t what)
{
    return control != NULL && fd >= 0 && fd < FILES && (atomic_load(&files[fd]) & what) == what;
}

static bool is_path(const char *path)
{
    return control != NULL && path != NULL && strncmp(path, folder, folder_len) == 0 &&
           (path[folder_len] == '\0' || path[folder_len] == '/');
}

static bool is_path_at(int dir, const char *path)
{
    return is_path(path) || (path != NULL && path[0] != '/' && is_file(dir, OURS));
}

/* Counts the call. True: it is the one that fails. */
static bool strikes(enum inject_kind kind, uintptr_t caller, const char *call)
{
    if (control == NULL || !__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE) ||
        (control->kind & kind) == 0) {
        return false;
    }
    uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_ACQ_REL);
    if (number != control->nth) {
        return false;
    }
    bool of_lmdb = is_in(caller, &lmdb_code);
    control->caller = caller - (of_lmdb ? lmdb_code.base : server_code.base);
    strncpy(control->call, call, sizeof control->call - 1);
    strncpy(control->file, of_lmdb ? "liblmdb" : "taskboardd", sizeof control->file - 1);
    __atomic_add_fetch(&control->struck, 1, __ATOMIC_ACQ_REL);
    if (control->error != 0) {
        errno = (int)control->error;
    }
    return true;
}

static bool lies(void)
{
    return control->mode == INJECT_SWALLOW || control->mode == INJECT_DENY;
}

/* --- writing --- */

static ssize_t write_at(int fd, const void *bytes, size_t size, off_t at)
{
    return at < 0 ? (ssize_t)syscall(SYS_write, fd, bytes, size)
                  : (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, at);
}

static ssize_t count_write(int fd, const void *bytes, size_t size, off_t at, uintptr_t caller,
                           const char *call)
{
    if (is_file(fd, OURS | SYNCS) && strikes(INJECT_SYNC, caller, "pwrite of a root")) {
        if (control->mode == INJECT_SWALLOW) {
            return (ssize_t)size;
        }
        ssize_t written = write_at(fd, bytes, size, at); /* what fails is the sync behind it */
        errno = (int)control->error;
        return lies() ? written : -1;
    }
    if (is_file(fd, OURS) && strikes(INJECT_WRITE, caller, call)) {
        if (control->mode == INJECT_SHORT) {
            return write_at(fd, bytes, size / 2, at);
        }
        return lies() ? (ssize_t)size : -1;
    }
    return write_at(fd, bytes, size, at);
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return count_write(fd, bytes, size, at, CALLER(), "pwrite");
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t size)
{
    return count_write(fd, bytes, size, -1, CALLER(), "write");
}

EXPORTED ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (is_file(fd, OURS) && strikes(INJECT_WRITE, CALLER(), "writev")) {
        size_t size = 0;
        for (int i = 0; i < count; i++) {
            size += parts[i].iov_len;
        }
        if (control->mode == INJECT_SHORT) {
            return (ssize_t)syscall(SYS_writev, fd, parts, count / 2);
        }
        return lies() ? (ssize_t)size : -1;
    }
    return (ssize_t)syscall(SYS_writev, fd, parts, count);
}

EXPORTED int fdatasync(int fd)
{
    if (is_file(fd, OURS) && strikes(INJECT_SYNC, CALLER(), "fdatasync")) {
        return lies() ? 0 : -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

EXPORTED int fsync(int fd)
{
    if (is_file(fd, OURS) && strikes(INJECT_SYNC, CALLER(), "fsync")) {
        return lies() ? 0 : -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

EXPORTED int ftruncate(int fd, off_t size)
{
    if (is_file(fd, OURS) && strikes(INJECT_RESIZE, CALLER(), "ftruncate")) {
        return lies() ? 0 : -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

EXPORTED void *mmap(void *address, size_t size, int access, int flags, int fd, off_t at)
{
    bool counts = is_file(fd, OURS) || (control != NULL && is_in(CALLER(), &lmdb_code));
    if (counts && strikes(INJECT_MAP, CALLER(), "mmap")) {
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, size, access, flags, fd, at); /* NOLINT: as above */
}

/* --- reading --- */

EXPORTED ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    if (is_file(fd, OURS) && strikes(INJECT_READ, CALLER(), "pread")) {
        return -1;
    }
    return (ssize_t)syscall(SYS_pread64, fd, bytes, size, at);
}

EXPORTED ssize_t read(int fd, void *bytes, size_t size)
{
    if (is_file(fd, OURS) && strikes(INJECT_READ, CALLER(), "read")) {
        return -1;
    }
    return (ssize_t)syscall(SYS_read, fd, bytes, size);
}

/* --- files by their names --- */

static int open_at(int dir, const char *path, int flags, mode_t mode, uintptr_t caller)
{
    bool ours = is_path_at(dir, path);
    if (ours && strikes(INJECT_PATH, caller, "open")) {
        return -1;
    }
    int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
    if (ours && fd >= 0 && fd < FILES) {
        atomic_store(&files[fd], (uint8_t)(OURS | ((flags & O_DSYNC) != 0 ? SYNCS : 0)));
    }
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

EXPORTED int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_at(AT_FDCWD, path, flags, mode, CALLER());
}

EXPORTED int openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_at(dir, path, flags, mode, CALLER());
}

EXPORTED int close(int fd)
{
    if (fd >= 0 && fd < FILES) {
        atomic_store(&files[fd], 0);
    }
    return (int)syscall(SYS_close, fd);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
    if (is_path(path) && strikes(INJECT_PATH, CALLER(), "mkdir")) {
        return -1;
    }
    return (int)syscall(SYS_mkdir, path, mode);
}

EXPORTED int rename(const char *from, const char *to)
{
    if (is_path(from) && strikes(INJECT_PATH, CALLER(), "rename")) {
        return -1;
    }
    return (int)syscall(SYS_rename, from, to);
}

EXPORTED int unlink(const char *path)
{
    if (is_path(path) && strikes(INJECT_PATH, CALLER(), "unlink")) {
        return -1;
    }
    return (int)syscall(SYS_unlink, path);
}

EXPORTED int mkdirat(int dir, const char *path, mode_t mode)
{
    if (is_path_at(dir, path) && strikes(INJECT_PATH, CALLER(), "mkdirat")) {
        return -1;
    }
    return (int)syscall(SYS_mkdirat, dir, path, mode);
}

EXPORTED int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (is_path_at(from_dir, from) && strikes(INJECT_PATH, CALLER(), "renameat")) {
        return -1;
    }
    return (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

EXPORTED int unlinkat(int dir, const char *path, int flags)
{
    if (is_path_at(dir, path) && strikes(INJECT_PATH, CALLER(), "unlinkat")) {
        return -1;
    }
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}

EXPORTED int faccessat(int dir, const char *path, int mode, int flags)
{
    if (is_path_at(dir, path) && strikes(INJECT_PATH, CALLER(), "faccessat")) {
        return -1;
    }
    return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

EXPORTED int fchmod(int fd, mode_t mode)
{
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "fchmod")) {
        return -1;
    }
    return (int)syscall(SYS_fchmod, fd, mode);
}

EXPORTED int fstat(int fd, struct stat *out)
{
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "fstat")) {
        return -1;
    }
    return (int)syscall(SYS_fstat, fd, out);
}

int __fxstat(int version, int fd, struct stat *out);

/* What programs built for an older C library call. */
EXPORTED int __fxstat(int version, int fd, struct stat *out)
{
    (void)version;
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "fstat")) {
        return -1;
    }
    return (int)syscall(SYS_fstat, fd, out);
}

EXPORTED int fstatvfs(int fd, struct statvfs *out)
{
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "fstatvfs")) {
        return -1;
    }
    return real_fstatvfs(fd, out);
}

EXPORTED off_t lseek(int fd, off_t at, int from)
{
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "lseek")) {
        return -1;
    }
    return (off_t)syscall(SYS_lseek, fd, at, from);
}

EXPORTED int flock(int fd, int operation)
{
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "flock")) {
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* Every argument that fcntl takes is as wide as a long or narrower. */
EXPORTED int fcntl(int fd, int operation, ...)
{
    va_list args;
    va_start(args, operation);
    long arg = va_arg(args, long);
    va_end(args);
    if (is_file(fd, OURS) && strikes(INJECT_PATH, CALLER(), "fcntl")) {
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, operation, arg);
}

/* --- threads and memory --- */

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                            void *arg)
{
    bool counts = control != NULL && is_storage_code(CALLER());
    if (counts && strikes(INJECT_THREAD, CALLER(), "pthread_create")) {
        return (int)control->error;
    }
    return real_pthread_create(thread, attr, start, arg);
}

/* The C library's own, by the names that no library replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool refuses_memory(uintptr_t caller, const char *call)
{
    return control != NULL && is_storage_code(caller) && strikes(INJECT_MEMORY, caller, call);
}

EXPORTED void *malloc(size_t size)
{
    return refuses_memory(CALLER(), "malloc") ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return refuses_memory(CALLER(), "calloc") ? NULL : __libc_calloc(count, size);
}

EXPORTED void *realloc(void *old, size_t size)
{
    return refuses_memory(CALLER(), "realloc") ? NULL : __libc_realloc(old, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    return refuses_memory(CALLER(), "aligned_alloc") ? NULL : __libc_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (refuses_memory(CALLER(), "posix_memalign")) {
        return (int)control->error;
    }
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

EXPORTED char *strdup(const char *text)
{
    if (refuses_memory(CALLER(), "strdup")) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    char *copy = __libc_malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

/* Preloaded into taskboardd: records what it does to the files of its data folder, when it syncs
 * them, and what it tells clients. See recording.h.
 *
 *   POWERLOSS_RECORDING  file to append to; made by the caller, with a header
 *   POWERLOSS_DATA       the data folder, spelled as the server is told it
 *   POWERLOSS_FAULT      what a negative control breaks: nosync, early, metafirst or nodirsync
 *   POWERLOSS_DIE_AFTER  kill -9 behind so many records, and before one that says DONE; 0: never
 *
 * A way to change a file that is not intercepted here shows: CONTENT is recorded at each start and
 * at the end, and the replayer refuses a recording that does not lead to it. A sync that is not
 * intercepted counts as none, which is on the safe side. */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recording.h"

#define DESCRIPTORS_MAX   65536
#define HEAD_BYTES_MAX    1024
#define HELD_BYTES_MAX    (64 * 1024 * 1024)
#define CONTENT_BYTES_MAX (256 * 1024 * 1024)

enum descriptor_kind { OTHER, DATA_FILE, FOLDER, PARENT, STREAM };

struct descriptor {
    enum descriptor_kind kind;
    bool synced; /* opened with O_DSYNC */
    uint64_t file;
};

/* The kernel's own, as libc has them. */
static struct {
    int (*open)(const char *path, int flags, ...);
    int (*openat)(int folder, const char *path, int flags, ...);
    int (*close)(int fd);
    ssize_t (*write)(int fd, const void *bytes, size_t len);
    ssize_t (*writev)(int fd, const struct iovec *parts, int count);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t len, off_t at);
    ssize_t (*pwritev)(int fd, const struct iovec *parts, int count, off_t at);
    ssize_t (*send)(int fd, const void *bytes, size_t len, int flags);
    ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*ftruncate)(int fd, off_t size);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rename)(const char *from, const char *to);
    int (*renameat)(int from_folder, const char *from, int to_folder, const char *to);
    int (*unlink)(const char *path);
    int (*unlinkat)(int folder, const char *path, int flags);
    int (*mdb_env_open)(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
} real;

static enum fault { NO_FAULT, NOSYNC, EARLY, METAFIRST, NODIRSYNC } fault;

static struct recording *recording; /* NULL: not yet, or not wanted */
static struct descriptor descriptors[DESCRIPTORS_MAX];
static const char *data;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t records_left; /* to live for; 0: for ever */
static int data_fd = -1;      /* of data.mdb, for its CONTENT at the end */

/* EARLY: what was done to files since the last commit began, told only when the next one begins, so
 * that answers stand before the commit that they follow from. */
static uint8_t *held;
static size_t held_bytes;
static bool commit_over;

/* METAFIRST: the sync that is owed till the meta page was written. */
static int owed_fd = -1;

/* --- the recording --- */

/* The kernel ends the process before it returns from there. */
static void die(void)
{
    (void)kill(getpid(), SIGKILL);
}

static void add_bytes(const void *bytes, size_t len)
{
    uint64_t tail = atomic_load(&recording->tail);
    if (tail + len > recording->room) {
        atomic_store(&recording->overflow, 1);
        return;
    }
    memcpy((uint8_t *)recording + tail, bytes, len);
    atomic_store(&recording->tail, tail + len);
}

static void release_held(void)
{
    add_bytes(held, held_bytes);
    held_bytes = 0;
    commit_over = false;
}

static size_t sum(const struct iovec *parts, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        len += parts[i].iov_len;
    }
    return len;
}

/* Joins at most `room` bytes of the parts. */
static size_t gather(const struct iovec *parts, int count, uint8_t *out, size_t room)
{
    size_t len = 0;
    for (int i = 0; i < count && len < room; i++) {
        size_t part = parts[i].iov_len < room - len ? parts[i].iov_len : room - len;
        if (part > 0) {
            memcpy(out + len, parts[i].iov_base, part);
        }
        len += part;
    }
    return len;
}

static bool is_about_files(enum recorded kind)
{
    return kind != RECORDED_ANSWER && kind != RECORDED_TOLD && kind != RECORDED_LIFE;
}

/* The record becomes visible as a whole: whoever dies in here leaves none. */
static void add(struct record head, const struct iovec *parts, int count)
{
    head.payload_bytes = sum(parts, count);
    head.bytes = (uint32_t)((sizeof(head) + head.payload_bytes + 7) & ~UINT64_C(7));
    pthread_mutex_lock(&lock);
    bool is_last = records_left > 0 && --records_left == 0;
    if (is_last && head.kind == RECORDED_DONE) {
        die(); /* the kernel has done it, and nobody was told */
    }
    bool hold = fault == EARLY && is_about_files((enum recorded)head.kind);
    if (hold && commit_over && head.kind == RECORDED_WRITE) {
        release_held();
    }
    uint64_t tail = atomic_load(&recording->tail);
    uint8_t *to = hold ? held + held_bytes : (uint8_t *)recording + tail;
    if (hold ? held_bytes + head.bytes > HELD_BYTES_MAX : tail + head.bytes > recording->room) {
        atomic_store(&recording->overflow, 1);
    } else {
        memcpy(to, &head, sizeof(head));
        gather(parts, count, to + sizeof(head), head.payload_bytes);
        if (hold) {
            held_bytes += head.bytes;
        } else {
            atomic_store(&recording->tail, tail + head.bytes);
        }
    }
    if (is_last) {
        die();
    }
    pthread_mutex_unlock(&lock);
}

static void add_name(enum recorded kind, uint64_t file, const char *name, const char *second)
{
    const struct iovec parts[] = {
        {(void *)(uintptr_t)name, strlen(name) + 1},
        {(void *)(uintptr_t)second, second == NULL ? 0 : strlen(second) + 1},
    };
    add((struct record){.kind = kind, .file = file}, parts, 2);
}

/* The number under which done() is to be called; 0: not recorded. */
static uint64_t begin(enum recorded kind, uint64_t file, uint64_t at, const struct iovec *parts,
                      int count)
{
    uint64_t op = atomic_fetch_add(&recording->next_op, 1);
    add((struct record){.kind = kind, .file = file, .op = op, .at = at}, parts, count);
    return op;
}

static void done(uint64_t op, int64_t result)
{
    int code = errno;
    if (op != 0) {
        add((struct record){.kind = RECORDED_DONE, .op = op, .at = (uint64_t)result}, NULL, 0);
    }
    errno = code;
}

/* --- files --- */

static struct descriptor *descriptor_of(int fd)
{
    static struct descriptor none;
    return recording != NULL && fd >= 0 && fd < DESCRIPTORS_MAX ? &descriptors[fd] : &none;
}

/* The name that a path has in the data folder; "" is the folder itself, NULL something else. */
static const char *name_of(int folder, const char *path)
{
    if (recording == NULL) {
        return NULL;
    }
    if (path[0] != '/') {
        return descriptor_of(folder)->kind == FOLDER ? path : NULL;
    }
    size_t len = strlen(data);
    if (strncmp(path, data, len) != 0 || (path[len] != '\0' && path[len] != '/')) {
        return NULL;
    }
    return path[len] == '/' ? path + len + 1 : "";
}

static uint64_t file_number(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* What stands in data.mdb. Called where nobody writes to it. */
static void add_content(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size == 0 || status.st_size > CONTENT_BYTES_MAX) {
        return;
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes != MAP_FAILED) {
        const struct iovec part = {bytes, (size_t)status.st_size};
        add((struct record){.kind = RECORDED_CONTENT, .file = status.st_ino}, &part, 1);
        (void)munmap(bytes, (size_t)status.st_size);
    }
}

static void note_data_file(int fd, const char *name, int flags)
{
    if (strcmp(name, "data.mdb") == 0 && (flags & O_ACCMODE) == O_RDWR && data_fd < 0) {
        data_fd = fd;
        add_content(fd);
    }
}

static void opened(int fd, const char *name, int flags, bool is_new)
{
    int code = errno;
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        struct descriptor *descriptor = descriptor_of(fd);
        *descriptor = (struct descriptor){.kind = OTHER};
        if (name != NULL && (name[0] == '\0' || strcmp(name, "..") == 0)) {
            descriptor->kind = name[0] == '\0' ? FOLDER : PARENT;
        } else if (name != NULL) {
            *descriptor = (struct descriptor){DATA_FILE, (flags & O_DSYNC) != 0, file_number(fd)};
            if (is_new) {
                add_name(RECORDED_CREATE, descriptor->file, name, NULL);
            }
            note_data_file(fd, name, flags);
        }
    }
    errno = code;
}

static int open_recorded(int folder, const char *path, int flags, mode_t mode)
{
    const char *name = name_of(folder, path);
    bool is_new = name != NULL && (flags & O_CREAT) != 0 && faccessat(folder, path, F_OK, 0) != 0;
    int fd = real.openat(folder, path, flags, mode);
    opened(fd, name, flags, is_new);
    return fd;
}

/* The mode behind the flags, where there is one. */
#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        (mode) = va_arg(args, mode_t);                                                             \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_recorded(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_recorded(folder, path, flags, mode);
}

int close(int fd)
{
    if (fd == data_fd && data_fd >= 0) {
        add_content(fd);
        data_fd = -1;
    }
    *descriptor_of(fd) = (struct descriptor){.kind = OTHER};
    return real.close(fd);
}

int mkdir(const char *path, mode_t mode)
{
    const char *name = name_of(AT_FDCWD, path);
    int rc = real.mkdir(path, mode);
    if (rc == 0 && name != NULL && name[0] == '\0') {
        add((struct record){.kind = RECORDED_MKDIR}, NULL, 0);
    }
    return rc;
}

static int note_rename(int rc, const char *from, const char *to)
{
    if (rc == 0 && from != NULL && to != NULL) {
        add_name(RECORDED_RENAME, 0, from, to);
    }
    return rc;
}

int rename(const char *from, const char *to)
{
    return note_rename(real.rename(from, to), name_of(AT_FDCWD, from), name_of(AT_FDCWD, to));
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return note_rename(real.renameat(from_folder, from, to_folder, to), name_of(from_folder, from),
                       name_of(to_folder, to));
}

static int note_unlink(int rc, const char *name)
{
    if (rc == 0 && name != NULL) {
        add_name(RECORDED_UNLINK, 0, name, NULL);
    }
    return rc;
}

int unlink(const char *path)
{
    return note_unlink(real.unlink(path), name_of(AT_FDCWD, path));
}

int unlinkat(int folder, const char *path, int flags)
{
    return note_unlink(real.unlinkat(folder, path, flags), name_of(folder, path));
}

int ftruncate(int fd, off_t size)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    uint64_t op = 0;
    if (descriptor->kind == DATA_FILE) {
        op = begin(RECORDED_SIZE, descriptor->file, (uint64_t)size, NULL, 0);
    }
    int rc = real.ftruncate(fd, size);
    done(op, rc);
    return rc;
}

/* --- syncs --- */

static int sync_recorded(int fd, int (*sync)(int fd))
{
    static const enum recorded kinds[] = {
        [DATA_FILE] = RECORDED_SYNC,
        [FOLDER] = RECORDED_SYNC_FOLDER,
        [PARENT] = RECORDED_SYNC_PARENT,
    };
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor->kind == OTHER || descriptor->kind == STREAM) {
        return sync(fd);
    }
    if (fault == NODIRSYNC && descriptor->kind != DATA_FILE) {
        return 0;
    }
    uint64_t op = begin(kinds[descriptor->kind], descriptor->file, 0, NULL, 0);
    int rc = sync(fd);
    done(op, rc);
    return rc;
}

int fsync(int fd)
{
    return sync_recorded(fd, real.fsync);
}

int fdatasync(int fd)
{
    if (fault == METAFIRST && descriptor_of(fd)->kind == DATA_FILE) {
        owed_fd = fd;
        return 0;
    }
    return sync_recorded(fd, real.fdatasync);
}

/* --- writes --- */

static uint64_t begin_write(int fd, const struct iovec *parts, int count, off_t at)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor->kind != DATA_FILE) {
        return 0;
    }
    enum recorded kind = descriptor->synced ? RECORDED_WRITE_SYNCED : RECORDED_WRITE;
    return begin(kind, descriptor->file, (uint64_t)at, parts, count);
}

static ssize_t end_write(uint64_t op, int fd, ssize_t result)
{
    if (op != 0 && descriptor_of(fd)->synced && atomic_load(&recording->die_in_commit) != 0) {
        die();
    }
    done(op, result);
    if (op != 0 && descriptor_of(fd)->synced) {
        commit_over = true;
        if (owed_fd >= 0) {
            (void)sync_recorded(owed_fd, real.fdatasync);
            owed_fd = -1;
        }
    }
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    uint64_t op = begin_write(fd, &part, 1, at);
    return end_write(op, fd, real.pwrite(fd, bytes, len, at));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    uint64_t op = begin_write(fd, parts, count, at);
    return end_write(op, fd, real.pwritev(fd, parts, count, at));
}

/* The seq of the last event that begins in these bytes of a stream; 0: of none. */
static uint64_t last_seq(const struct iovec *parts, int count)
{
    static const char mark[] = "id: ";
    uint64_t seq = 0;
    for (int i = 0; i < count; i++) {
        const char *at = parts[i].iov_base;
        const char *end = at + parts[i].iov_len;
        while (at < end && (at = memmem(at, (size_t)(end - at), mark, 4)) != NULL) {
            uint64_t number = 0;
            bool starts_line = at == (const char *)parts[i].iov_base || at[-1] == '\n';
            for (at += 4; at < end && *at >= '0' && *at <= '9'; at++) {
                number = number * 10 + (uint64_t)(*at - '0');
            }
            if (starts_line && at < end && *at == '\n') {
                seq = number;
            }
        }
    }
    return seq;
}

/* What goes to somebody else. A stream is known by the head of its answer. */
static void note_told(int fd, const struct iovec *parts, int count)
{
    static const char event_stream[] = "text/event-stream";
    struct descriptor *descriptor = descriptor_of(fd);
    uint8_t head[HEAD_BYTES_MAX];
    size_t len = gather(parts, count, head, sizeof(head));
    if (recording == NULL || descriptor->kind == DATA_FILE) {
        return;
    }
    if (len >= 7 && memcmp(head, "HTTP/1.", 7) == 0) {
        const struct iovec part = {head, len};
        add((struct record){.kind = RECORDED_ANSWER}, &part, 1);
        bool streams = memmem(head, len, event_stream, sizeof(event_stream) - 1) != NULL;
        descriptor->kind = streams ? STREAM : OTHER;
    }
    uint64_t seq = descriptor->kind == STREAM ? last_seq(parts, count) : 0;
    if (seq != 0) {
        add((struct record){.kind = RECORDED_TOLD, .at = seq}, NULL, 0);
    }
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (descriptor_of(fd)->kind == DATA_FILE) {
        uint64_t op = begin_write(fd, parts, count, lseek(fd, 0, SEEK_CUR));
        return end_write(op, fd, real.writev(fd, parts, count));
    }
    note_told(fd, parts, count);
    return real.writev(fd, parts, count);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    if (descriptor_of(fd)->kind == DATA_FILE) {
        uint64_t op = begin_write(fd, &part, 1, lseek(fd, 0, SEEK_CUR));
        return end_write(op, fd, real.write(fd, bytes, len));
    }
    note_told(fd, &part, 1);
    return real.write(fd, bytes, len);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    const struct iovec part = {(void *)(uintptr_t)bytes, len};
    note_told(fd, &part, 1);
    return real.send(fd, bytes, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    note_told(fd, message->msg_iov, (int)message->msg_iovlen);
    return real.sendmsg(fd, message, flags);
}

int mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    return real.mdb_env_open(env, path, flags | (fault == NOSYNC ? MDB_NOSYNC : 0), mode);
}

/* --- life --- */

static void find(void *call, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        errx(1, "the recorder finds no %s", name);
    }
    memcpy(call, &found, sizeof(found));
}

#define FIND(name) find(&real.name, #name)

static void choose_fault(const char *name)
{
    static const char *const names[] = {"", "nosync", "early", "metafirst", "nodirsync"};
    for (int i = 0; name != NULL && i < 5; i++) {
        fault = strcmp(name, names[i]) == 0 ? (enum fault)i : fault;
    }
    held = fault == EARLY ? malloc(HELD_BYTES_MAX) : NULL;
}

/* Nothing is added to one that was cut to its length: it is over, and what runs is the check. */
static void open_recording(const char *path)
{
    struct stat status;
    int fd = real.open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        err(1, "%s", path);
    }
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED || ((struct recording *)map)->magic != RECORDING_MAGIC) {
        errx(1, "%s is no recording", path);
    }
    (void)real.close(fd);
    if ((uint64_t)status.st_size < ((struct recording *)map)->room) {
        return;
    }
    recording = map;
    add((struct record){.kind = RECORDED_LIFE}, NULL, 0);
}

__attribute__((constructor)) static void start(void)
{
    FIND(open), FIND(openat), FIND(close), FIND(write), FIND(writev), FIND(pwrite), FIND(pwritev);
    FIND(send), FIND(sendmsg), FIND(fsync), FIND(fdatasync), FIND(ftruncate), FIND(mkdir);
    FIND(rename), FIND(renameat), FIND(unlink), FIND(unlinkat), FIND(mdb_env_open);
    choose_fault(getenv("POWERLOSS_FAULT"));
    data = getenv("POWERLOSS_DATA");
    const char *path = getenv("POWERLOSS_RECORDING");
    const char *die_after = getenv("POWERLOSS_DIE_AFTER");
    records_left = die_after == NULL ? 0 : strtoull(die_after, NULL, 10);
    if (data != NULL && path != NULL) {
        open_recording(path);
    }
}

__attribute__((destructor)) static void stop(void)
{
    if (recording != NULL && fault == EARLY) {
        release_held();
    }
}

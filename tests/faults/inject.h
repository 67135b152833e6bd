/* What the harness and the library that it preloads tell each other: one page of shared memory, a
 * file that the harness maps and names in FAULTS_CONTROL. run.py has the same layout (control.py).
 */
#ifndef TB_TESTS_FAULTS_INJECT_H
#define TB_TESTS_FAULTS_INJECT_H

#include <stdint.h>

enum inject_kind {
    INJECT_WRITE = 1,  /* pwrite, write and writev to a file of the store */
    INJECT_SYNC = 2,   /* fdatasync and fsync of one, and the write of a root, which syncs */
    INJECT_RESIZE = 4, /* ftruncate */
    INJECT_MAP = 8,    /* mmap of one, or by LMDB */
    INJECT_PATH =
        16, /* open, mkdir, rename, unlink, stat, lock, seek and chmod in the data folder */
    INJECT_READ = 32,    /* read and pread */
    INJECT_THREAD = 64,  /* pthread_create, by the server */
    INJECT_MEMORY = 128, /* malloc and its kin, by the server or by LMDB */
};

enum inject_mode {
    INJECT_FAIL,    /* does nothing and returns the error */
    INJECT_SHORT,   /* writes half of it and says so */
    INJECT_SWALLOW, /* does nothing and says that it is done: a lie that the checks must find */
    INJECT_DENY,    /* as FAIL, for the harness; the server is told that it is done: likewise */
};

struct inject_control {
    uint32_t kind;
    uint32_t mode;
    uint32_t error;  /* errno */
    uint32_t armed;  /* calls count */
    uint64_t nth;    /* the call that fails, from 1; 0: none */
    uint64_t count;  /* calls so far */
    uint64_t struck; /* faults so far */
    uint64_t caller; /* where the one that failed was called from: offset in its file */
    char call[32];   /* its name */
    char file[32];   /* whose caller it was: taskboardd or liblmdb */
};

#endif

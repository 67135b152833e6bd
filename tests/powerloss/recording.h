/* What the recorder writes and the replayer reads: one file, a header, then records one behind the
 * other in the order in which things happened.
 *
 * An operation on a file has two records: the one that says what it is, made before the kernel is
 * asked, and DONE, made when the kernel has answered. What is told to a client is recorded before
 * it is handed to the kernel. So where a record A stands before B, A's moment was not after B's. */
#ifndef TB_TESTS_POWERLOSS_RECORDING_H
#define TB_TESTS_POWERLOSS_RECORDING_H

#include <stdatomic.h>
#include <stdint.h>

#define RECORDING_MAGIC UINT64_C(0x31676e6964726f63)

enum recorded {
    RECORDED_LIFE = 1, /* a server process begins; what the one before had not synced stays so */
    RECORDED_MKDIR,    /* the data folder was made */
    RECORDED_CREATE,   /* payload: a name that `file` got in the folder */
    RECORDED_RENAME,   /* payload: old name, NUL, new name */
    RECORDED_UNLINK,   /* payload: the name */
    RECORDED_CONTENT,  /* payload: what stands in `file` now, to hold the replay against */
    RECORDED_WRITE,    /* payload goes to `at` */
    RECORDED_WRITE_SYNCED, /* the same by a descriptor with O_DSYNC: synced when it is done */
    RECORDED_SIZE,         /* the file gets the length `at` */
    RECORDED_SYNC,         /* of `file` */
    RECORDED_SYNC_FOLDER,  /* of its names */
    RECORDED_SYNC_PARENT,  /* of the folder that holds the data folder */
    RECORDED_DONE,         /* of operation `op`; `at` is what the kernel returned */
    RECORDED_ANSWER,       /* payload: the head of an answer; what the client knows from now on */
    RECORDED_TOLD,         /* a stream tells of the events up to `at` */
};

struct record {
    uint32_t bytes; /* with this head and the padding to 8 bytes */
    uint32_t kind;
    uint64_t file; /* inode number */
    uint64_t op;   /* unlike any other operation's */
    uint64_t at;
    uint64_t payload_bytes;
    uint8_t payload[];
};

struct recording {
    uint64_t magic;
    uint64_t room;             /* bytes of the file */
    _Atomic uint64_t tail;     /* where the next record goes; what stands before is whole */
    _Atomic uint64_t overflow; /* 1: a record found no room */
    _Atomic uint64_t next_op;
    _Atomic uint64_t die_in_commit; /* 1: as soon as a transaction is known, and not yet synced */
};

#endif

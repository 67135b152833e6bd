/* A disk as a recording tells it: for each file what is synced for sure, and what was done since,
 * of which a power cut leaves any part. */
#ifndef TB_TESTS_POWERLOSS_DISK_H
#define TB_TESTS_POWERLOSS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"

#define DISK_FILES_MAX 16
#define DISK_NAME_MAX  32
#define DISK_FILE_MAX  (UINT64_C(512) * 1024 * 1024)

/* Positions are places in the recording, never 0. */
struct disk_op {
    uint64_t op;
    const uint8_t *bytes; /* NULL: the file gets the length `at` */
    uint64_t at;
    uint64_t len;
    uint64_t done;     /* position of its end; 0: it has not returned yet */
    bool syncs_itself; /* when it is done */
    bool synced;
};

struct disk_file {
    uint64_t number;
    uint8_t *synced; /* room for DISK_FILE_MAX; zeros behind the size */
    uint64_t synced_size;
    struct disk_op *ops; /* in the order in which they began; the first one is not synced */
    size_t op_count;
    size_t op_room;
};

struct disk_name {
    char name[DISK_NAME_MAX];
    uint64_t file;
};

struct disk_names {
    struct disk_name items[DISK_FILES_MAX];
    size_t count;
};

/* A name comes (from: empty), goes (to: empty), or takes another's place, at once. */
struct disk_name_op {
    char from[DISK_NAME_MAX];
    char to[DISK_NAME_MAX];
    uint64_t file;
    uint64_t done;
};

/* A sync that has begun. */
struct disk_sync {
    uint64_t op;
    uint32_t kind;
    uint64_t file;
    uint64_t begun;
};

struct disk {
    struct disk_file files[DISK_FILES_MAX];
    size_t file_count;
    struct disk_names names; /* synced */
    struct disk_name_op name_ops[DISK_FILES_MAX];
    size_t name_op_count;
    struct disk_sync syncs[DISK_FILES_MAX];
    size_t sync_count;
    uint64_t folder_made; /* position; 0: not made */
    bool folder_synced;
    uint8_t *scratch; /* for whoever builds a file */
    char why[256];    /* what is wrong with the recording */
};

void disk_init(struct disk *disk);
void disk_fini(struct disk *disk);

/* What this record, which ends at position `at`, does to the disk. False: the recording makes no
 * sense, see `why`. */
bool disk_take(struct disk *disk, const struct record *record, uint64_t at);

struct disk_file *disk_file(struct disk *disk, uint64_t number);

/* What one operation does to a file's bytes; as far as `len` bytes from its `from`th on. */
void disk_apply(uint8_t *bytes, uint64_t *size, const struct disk_op *op, uint64_t from,
                uint64_t len);
void disk_rename(struct disk_names *names, const struct disk_name_op *op);

/* 0: no such name. */
uint64_t disk_find_name(const struct disk_names *names, const char *name);

#endif

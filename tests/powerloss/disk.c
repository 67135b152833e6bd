#include "disk.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FAIL(disk, ...) ((void)snprintf((disk)->why, sizeof((disk)->why), __VA_ARGS__), false)

/* Shared, so that a fork need not copy what it takes to find the pages. */
static uint8_t *make_room(void)
{
    void *room = mmap(NULL, DISK_FILE_MAX, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        err(2, "room for a file");
    }
    return room;
}

void disk_init(struct disk *disk)
{
    *disk = (struct disk){.scratch = make_room()};
}

void disk_fini(struct disk *disk)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        (void)munmap(disk->files[i].synced, DISK_FILE_MAX);
        free(disk->files[i].ops);
    }
    (void)munmap(disk->scratch, DISK_FILE_MAX);
}

/* --- files --- */

static struct disk_file *find_file(struct disk *disk, uint64_t number)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i].number == number) {
            return &disk->files[i];
        }
    }
    return NULL;
}

struct disk_file *disk_file(struct disk *disk, uint64_t number)
{
    struct disk_file *found = find_file(disk, number);
    if (found == NULL) {
        if (disk->file_count == DISK_FILES_MAX) {
            errx(2, "the recording knows more than %d files", DISK_FILES_MAX);
        }
        found = &disk->files[disk->file_count++];
        *found = (struct disk_file){.number = number, .synced = make_room()};
    }
    return found;
}

/* The number of a file that is gone may come again. */
static void empty(struct disk_file *file)
{
    memset(file->synced, 0, file->synced_size);
    file->synced_size = 0;
    file->op_count = 0;
}

void disk_apply(uint8_t *bytes, uint64_t *size, const struct disk_op *op, uint64_t from,
                uint64_t len)
{
    if (op->bytes != NULL) {
        memcpy(bytes + op->at + from, op->bytes + from, len);
        *size = *size < op->at + from + len ? op->at + from + len : *size;
        return;
    }
    if (op->at < *size) {
        memset(bytes + op->at, 0, *size - op->at);
    }
    *size = op->at;
}

/* Moves what is synced from the front of the list into the file. */
static void settle(struct disk_file *file)
{
    size_t count = 0;
    for (; count < file->op_count && file->ops[count].synced; count++) {
        const struct disk_op *op = &file->ops[count];
        disk_apply(file->synced, &file->synced_size, op, 0, op->len);
    }
    file->op_count -= count;
    memmove(file->ops, file->ops + count, file->op_count * sizeof(*file->ops));
}

static bool add_op(struct disk *disk, const struct record *record)
{
    struct disk_file *file = disk_file(disk, record->file);
    bool writes = record->kind != RECORDED_SIZE;
    if (record->at + record->payload_bytes > DISK_FILE_MAX) {
        return FAIL(disk, "a file of more than %llu bytes", (unsigned long long)DISK_FILE_MAX);
    }
    if (file->op_count == file->op_room) {
        file->op_room = file->op_room == 0 ? 64 : file->op_room * 2;
        file->ops = realloc(file->ops, file->op_room * sizeof(*file->ops));
        if (file->ops == NULL) {
            err(2, "operations");
        }
    }
    file->ops[file->op_count++] = (struct disk_op){
        .op = record->op,
        .bytes = writes ? record->payload : NULL,
        .at = record->at,
        .len = record->payload_bytes,
        .syncs_itself = record->kind == RECORDED_WRITE_SYNCED,
    };
    return true;
}

/* --- names --- */

uint64_t disk_find_name(const struct disk_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].name, name) == 0) {
            return names->items[i].file;
        }
    }
    return 0;
}

static void drop_name(struct disk_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].name, name) == 0) {
            names->items[i] = names->items[--names->count];
            return;
        }
    }
}

void disk_rename(struct disk_names *names, const struct disk_name_op *op)
{
    drop_name(names, op->from);
    drop_name(names, op->to);
    if (op->to[0] != '\0') {
        struct disk_name *name = &names->items[names->count++];
        memcpy(name->name, op->to, sizeof(name->name));
        name->file = op->file;
    }
}

/* The file that has the name now, synced or not. */
static uint64_t current_file(const struct disk *disk, const char *name)
{
    struct disk_names names = disk->names;
    for (size_t i = 0; i < disk->name_op_count; i++) {
        disk_rename(&names, &disk->name_ops[i]);
    }
    return disk_find_name(&names, name);
}

static bool add_name_op(struct disk *disk, const struct record *record, uint64_t at)
{
    const char *first = (const char *)record->payload;
    const char *second = first + strlen(first) + 1;
    if (disk->name_op_count == DISK_FILES_MAX || disk->names.count + 2 > DISK_FILES_MAX ||
        record->payload_bytes > DISK_NAME_MAX) {
        return FAIL(disk, "too many or too long names in the data folder");
    }
    struct disk_name_op op = {.done = at};
    if (record->kind == RECORDED_CREATE) {
        op.file = record->file;
        memcpy(op.to, first, strlen(first) + 1);
        empty(disk_file(disk, record->file));
    } else {
        op.file = current_file(disk, first);
        memcpy(op.from, first, strlen(first) + 1);
        if (record->kind == RECORDED_RENAME) {
            memcpy(op.to, second, strlen(second) + 1);
        }
    }
    disk->name_ops[disk->name_op_count++] = op;
    return true;
}

static void settle_names(struct disk *disk, uint64_t before)
{
    size_t count = 0;
    for (; count < disk->name_op_count && disk->name_ops[count].done <= before; count++) {
        disk_rename(&disk->names, &disk->name_ops[count]);
    }
    disk->name_op_count -= count;
    memmove(disk->name_ops, disk->name_ops + count, disk->name_op_count * sizeof(*disk->name_ops));
}

/* --- syncs --- */

static bool begin_sync(struct disk *disk, const struct record *record, uint64_t at)
{
    if (disk->sync_count == DISK_FILES_MAX) {
        return FAIL(disk, "too many syncs at once");
    }
    disk->syncs[disk->sync_count++] =
        (struct disk_sync){record->op, record->kind, record->file, at};
    return true;
}

/* A sync covers what had returned before it began. */
static void end_sync(struct disk *disk, const struct disk_sync *sync)
{
    if (sync->kind == RECORDED_SYNC_FOLDER) {
        settle_names(disk, sync->begun);
    } else if (sync->kind == RECORDED_SYNC_PARENT) {
        disk->folder_synced |= disk->folder_made != 0 && disk->folder_made <= sync->begun;
    } else {
        struct disk_file *file = disk_file(disk, sync->file);
        for (size_t i = 0; i < file->op_count; i++) {
            struct disk_op *op = &file->ops[i];
            op->synced |= op->done != 0 && op->done <= sync->begun;
        }
        settle(file);
    }
}

static bool end_write(struct disk *disk, const struct record *record, uint64_t at)
{
    for (size_t f = 0; f < disk->file_count; f++) {
        struct disk_file *file = &disk->files[f];
        for (size_t i = 0; i < file->op_count; i++) {
            struct disk_op *op = &file->ops[i];
            if (op->op == record->op) {
                op->done = at;
                op->synced = op->syncs_itself;
                if (record->at != (op->bytes != NULL ? op->len : 0)) {
                    return FAIL(disk, "a write was cut short or failed");
                }
                settle(file);
                return true;
            }
        }
    }
    return FAIL(disk, "the end of an operation that never began");
}

static bool end_op(struct disk *disk, const struct record *record, uint64_t at)
{
    for (size_t i = 0; i < disk->sync_count; i++) {
        if (disk->syncs[i].op == record->op) {
            struct disk_sync sync = disk->syncs[i];
            disk->syncs[i] = disk->syncs[--disk->sync_count];
            if (record->at != 0) {
                return FAIL(disk, "a sync failed");
            }
            end_sync(disk, &sync);
            return true;
        }
    }
    return end_write(disk, record, at);
}

/* --- lives --- */

/* What a killed process had begun either happened, and then the next one reads it, or never did. */
static void end_what_was_cut(struct disk_file *file, const struct record *content, uint64_t at)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->op_count; i++) {
        struct disk_op op = file->ops[i];
        bool happened =
            op.done != 0 || (op.bytes != NULL && op.at + op.len <= content->payload_bytes &&
                             memcmp(content->payload + op.at, op.bytes, op.len) == 0);
        if (happened) {
            op.done = op.done != 0 ? op.done : at;
            file->ops[kept++] = op;
        }
    }
    file->op_count = kept;
}

/* Everything that was recorded leads to what stands in the file. */
static bool check_content(struct disk *disk, const struct record *record, uint64_t at)
{
    struct disk_file *file = disk_file(disk, record->file);
    end_what_was_cut(file, record, at);
    uint64_t size = file->synced_size;
    memcpy(disk->scratch, file->synced, size);
    for (size_t i = 0; i < file->op_count; i++) {
        disk_apply(disk->scratch, &size, &file->ops[i], 0, file->ops[i].len);
    }
    bool same = size == record->payload_bytes && memcmp(disk->scratch, record->payload, size) == 0;
    memset(disk->scratch, 0, size);
    return same || FAIL(disk, "something was written to data.mdb that was not recorded");
}

bool disk_take(struct disk *disk, const struct record *record, uint64_t at)
{
    switch (record->kind) {
    case RECORDED_LIFE:
        disk->sync_count = 0; /* what had not returned promises nothing */
        return true;
    case RECORDED_MKDIR:
        disk->folder_made = at;
        return true;
    case RECORDED_CREATE:
    case RECORDED_RENAME:
    case RECORDED_UNLINK:
        return add_name_op(disk, record, at);
    case RECORDED_CONTENT:
        return check_content(disk, record, at);
    case RECORDED_WRITE:
    case RECORDED_WRITE_SYNCED:
    case RECORDED_SIZE:
        return add_op(disk, record);
    case RECORDED_SYNC:
    case RECORDED_SYNC_FOLDER:
    case RECORDED_SYNC_PARENT:
        return begin_sync(disk, record, at);
    case RECORDED_DONE:
        return end_op(disk, record, at);
    case RECORDED_ANSWER:
    case RECORDED_TOLD:
        return true;
    default:
        return FAIL(disk, "a record of the unknown kind %u", record->kind);
    }
}

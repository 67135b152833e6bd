#include "image.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dice.h"

#define PATH_BYTES_MAX 4096
#define SECTOR_BYTES   512
#define PAGE_BYTES     4096

/* How much of what was not synced the power cut left. */
enum taste { NOTHING, EVERYTHING, HALF, LITTLE, MUCH, ALL_BUT_ONE, ONLY_ONE, TASTE_COUNT };

/* In what pieces: writes as a whole, or some of them torn. */
enum tear { WHOLE, PAGES, SECTORS, TEAR_COUNT };

struct choice {
    uint64_t *dice; /* NULL: everything, whole */
    enum taste taste;
    enum tear tear;
    size_t one; /* of ALL_BUT_ONE and ONLY_ONE */
};

static struct choice choose(uint64_t *dice, size_t count)
{
    if (dice == NULL) {
        return (struct choice){.taste = EVERYTHING};
    }
    return (struct choice){
        .dice = dice,
        .taste = (enum taste)dice_below(dice, TASTE_COUNT),
        .tear = (enum tear)dice_below(dice, TEAR_COUNT),
        .one = (size_t)dice_below(dice, count),
    };
}

static bool is_left(const struct choice *choice, size_t i)
{
    switch (choice->taste) {
    case NOTHING:
        return false;
    case EVERYTHING:
        return true;
    case HALF:
        return dice_says(choice->dice, 1, 2);
    case LITTLE:
        return dice_says(choice->dice, 1, 8);
    case MUCH:
        return dice_says(choice->dice, 7, 8);
    case ALL_BUT_ONE:
        return i != choice->one;
    default:
        return i == choice->one;
    }
}

/* Applies some of the pieces, cut where the file's pages or sectors begin. */
static void apply_torn(uint8_t *bytes, uint64_t *size, const struct disk_op *op,
                       const struct choice *choice)
{
    uint64_t piece = choice->tear == PAGES ? PAGE_BYTES : SECTOR_BYTES;
    for (uint64_t from = 0; from < op->len;) {
        uint64_t to = (op->at + from) / piece * piece + piece - op->at;
        to = to < op->len ? to : op->len;
        if (dice_says(choice->dice, 1, 2)) {
            disk_apply(bytes, size, op, from, to - from);
        }
        from = to;
    }
}

static void apply_some(uint8_t *bytes, uint64_t *size, const struct disk_op *op,
                       const struct choice *choice, size_t i)
{
    bool torn =
        choice->tear != WHOLE && op->bytes != NULL && !op->synced && dice_says(choice->dice, 1, 3);
    if (torn) {
        apply_torn(bytes, size, op, choice);
    } else if (op->synced || is_left(choice, i)) {
        disk_apply(bytes, size, op, 0, op->len);
    }
}

/* The length of a file is a thing of its own: of bytes beyond the synced one it may cut off what
 * was left, or show zeros where nothing was. */
static uint64_t choose_size(const struct disk_file *file, uint64_t size,
                            const struct choice *choice)
{
    uint64_t floor = file->synced_size;
    uint64_t top = size;
    for (size_t i = 0; i < file->op_count; i++) {
        const struct disk_op *op = &file->ops[i];
        uint64_t end = op->at + op->len;
        top = end > top ? end : top;
        floor = op->synced && end > floor ? end : floor;
    }
    if (choice->dice == NULL || size < floor || top == floor || dice_says(choice->dice, 3, 4)) {
        return size;
    }
    if (dice_says(choice->dice, 1, 2)) {
        return top;
    }
    return floor + dice_below(choice->dice, (top - floor) / SECTOR_BYTES + 1) * SECTOR_BYTES;
}

static void write_file(const char *path, const uint8_t *bytes, uint64_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        err(2, "%s", path);
    }
    for (uint64_t at = 0; at < size;) {
        ssize_t len = pwrite(fd, bytes + at, size - at, (off_t)at);
        if (len <= 0) {
            err(2, "%s", path);
        }
        at += (uint64_t)len;
    }
    (void)close(fd);
}

/* LMDB changes its table of readers through a map, which is not recorded. */
static void fill_with_rubbish(uint8_t *bytes, uint64_t size, uint64_t *dice)
{
    for (uint64_t i = 0; dice != NULL && i < size; i++) {
        bytes[i] = (uint8_t)dice_next(dice);
    }
}

static void build_file(struct disk *disk, const struct disk_name *name, uint64_t *dice,
                       const char *folder)
{
    char path[PATH_BYTES_MAX];
    const struct disk_file *file = disk_file(disk, name->file);
    struct choice choice = choose(dice, file->op_count);
    uint64_t most = file->synced_size;
    uint64_t size = file->synced_size;
    memcpy(disk->scratch, file->synced, size);
    for (size_t i = 0; i < file->op_count; i++) {
        apply_some(disk->scratch, &size, &file->ops[i], &choice, i);
        most = size > most ? size : most;
    }
    size = choose_size(file, size, &choice);
    if (strcmp(name->name, "lock.mdb") == 0) {
        fill_with_rubbish(disk->scratch, size, dice);
    }
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name->name);
    write_file(path, disk->scratch, size);
    memset(disk->scratch, 0, size > most ? size : most);
}

static void empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.' && unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            err(2, "%s/%s", path, entry->d_name);
        }
    }
    (void)closedir(folder);
}

/* Each change of a name stands for itself; a rename happens at once or not at all. */
static struct disk_names choose_names(const struct disk *disk, uint64_t *dice)
{
    struct disk_names names = disk->names;
    struct choice choice = choose(dice, disk->name_op_count);
    for (size_t i = 0; i < disk->name_op_count; i++) {
        if (is_left(&choice, i)) {
            disk_rename(&names, &disk->name_ops[i]);
        }
    }
    return names;
}

void image_build(struct disk *disk, uint64_t *dice, const char *path)
{
    bool stays =
        disk->folder_synced || (disk->folder_made != 0 && (dice == NULL || dice_says(dice, 3, 4)));
    empty_folder(path);
    if (!stays) {
        if (rmdir(path) != 0 && errno != ENOENT) {
            err(2, "%s", path);
        }
        return;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        err(2, "%s", path);
    }
    struct disk_names names = choose_names(disk, dice);
    for (size_t i = 0; i < names.count; i++) {
        build_file(disk, &names.items[i], dice, path);
    }
}

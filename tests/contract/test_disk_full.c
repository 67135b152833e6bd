/* A real disk without room: a small file system is mounted, filled up and relieved. Needs root;
 * else it is skipped. */
#include "folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

enum { DISK_MIB = 16, BALLAST_MIB = 5 };

struct disk {
    char folder[64]; /* the mount point */
    char image[80];  /* of an ext4 file system */
    char ballast[80];
};

static bool mount_tmpfs(struct disk *disk)
{
    char options[32];
    snprintf(options, sizeof options, "size=%dm", DISK_MIB);
    return mount("tmpfs", disk->folder, "tmpfs", 0, options) == 0;
}

static bool mount_ext4(struct disk *disk)
{
    char command[512];
    snprintf(disk->image, sizeof disk->image, "%s.image", disk->folder);
    snprintf(command, sizeof command,
             "exec 2>/dev/null >/dev/null; truncate -s %dM %s && mkfs.ext4 -q -m 0 %s && "
             "mount -o loop %s %s",
             DISK_MIB, disk->image, disk->image, disk->image, disk->folder);
    return system(command) == 0;
}

/* Without a mount the test is skipped. */
static void disk_open(struct disk *disk, bool (*mount_it)(struct disk *disk))
{
    *disk = (struct disk){.folder = ""};
    folder_make(disk->folder);
    if (geteuid() != 0 || !mount_it(disk)) {
        print_message("skipped: no file system can be mounted here\n");
        folder_remove(disk->folder);
        unlink(disk->image);
        skip();
    }
    char *bytes = calloc(BALLAST_MIB, 1024 * 1024);
    assert_non_null(bytes);
    snprintf(disk->ballast, sizeof disk->ballast, "%s/ballast", disk->folder);
    int fd = open(disk->ballast, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, bytes, BALLAST_MIB * 1024 * 1024), BALLAST_MIB * 1024 * 1024);
    assert_int_equal(fsync(fd), 0);
    close(fd);
    free(bytes);
}

static void disk_close(struct disk *disk)
{
    assert_int_equal(umount(disk->folder), 0);
    folder_remove(disk->folder);
    if (disk->image[0] != '\0') {
        unlink(disk->image);
    }
}

static enum tb_err try_create(struct world *world, size_t bytes)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    char *filler = tb_arena_alloc(world->arena, bytes);
    memset(filler, '-', bytes);
    struct tb_task task = draft(world, "filler");
    task.description = tb_str_from(filler, bytes);
    tb_task_render(&task, world->arena);
    tb_put_task(txn, NULL, &task);
    tb_txn_head(txn)->task_counts[TB_STATE_READY]++;
    err = tb_write_commit(&txn);
    tb_arena_reset(world->arena);
    return err;
}

/* Every task can still be read, and they are as many as were acknowledged. */
static void expect_tasks(struct world *world, size_t count)
{
    struct tb_txn *txn = snapshot(world);
    struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
    assert_int_equal(page->count, count);
    assert_int_equal(tb_txn_head(txn)->task_counts[TB_STATE_READY], count);
    free(page);
    tb_read_end(&txn);
    tb_arena_reset(world->arena);
}

static size_t fill(struct world *world, size_t bytes)
{
    size_t count = 0;
    enum tb_err err = TB_OK;
    while ((err = try_create(world, bytes)) == TB_OK) {
        count++;
        assert_true(count < 100000);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
    return count;
}

static void store_open_on(struct world *world, const char *folder)
{
    char why[256];
    struct tb_store_options options = {.url = folder, .readers_max = 4, .create = true};
    assert_int_equal(tb_store_open(&options, &world->store, why, sizeof why), TB_OK);
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
}

/* A store on a small disk, and the world that makes its tasks. */
struct scene {
    struct disk disk;
    struct world *world;
    struct tb_store *memory; /* the world's own */
    struct tb_reader *memory_reader;
    char folder[80];
};

static void scene_open(struct scene *scene, bool (*mount_it)(struct disk *disk))
{
    disk_open(&scene->disk, mount_it);
    scene->world = world_open(ENGINE_MEMORY, 1);
    scene->memory = scene->world->store;
    scene->memory_reader = scene->world->reader;
    snprintf(scene->folder, sizeof scene->folder, "%s/store", scene->disk.folder);
    store_open_on(scene->world, scene->folder);
}

static void scene_close(struct scene *scene)
{
    close_store_of(scene->world);
    scene->world->store = scene->memory;
    scene->world->reader = scene->memory_reader;
    world_close(scene->world);
    disk_close(&scene->disk);
}

static void fill_and_relieve(bool (*mount_it)(struct disk *disk), size_t bytes)
{
    struct scene scene;
    scene_open(&scene, mount_it);
    struct world *world = scene.world;
    size_t count = fill(world, bytes);
    for (int again = 0; again < 20; again++) {
        assert_int_equal(try_create(world, bytes), TB_E_STORAGE_FULL);
    }
    expect_tasks(world, count);
    assert_int_equal(unlink(scene.disk.ballast), 0);
    for (int i = 0; i < 8; i++, count++) {
        assert_int_equal(try_create(world, bytes), TB_OK);
    }
    expect_tasks(world, count);
    close_store_of(world);
    store_open_on(world, scene.folder);
    expect_tasks(world, count);
    count += fill(world, bytes);
    expect_tasks(world, count);
    scene_close(&scene);
}

static void a_full_tmpfs_is_refused_and_written_again_once_there_is_room(void **state)
{
    (void)state;
    fill_and_relieve(mount_tmpfs, 20000);
    fill_and_relieve(mount_tmpfs, 200000);
}

static void a_full_ext4_is_refused_and_written_again_once_there_is_room(void **state)
{
    (void)state;
    fill_and_relieve(mount_ext4, 20000);
    fill_and_relieve(mount_ext4, 200000);
}

/* --- a start that finds no room --- */

/* Leaves `room` bytes of the disk. */
static void take_the_rest(const struct disk *disk, off_t room)
{
    enum { PIECE_BYTES = 4096 };
    static const char piece[PIECE_BYTES];
    int fd = open(disk->ballast, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    while (write(fd, piece, sizeof piece) > 0) {
    }
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - room), 0);
    assert_int_equal(fsync(fd), 0);
    close(fd);
}

/* A store without a free page has to grow for the commit that each start makes. What the disk takes
 * of it is nothing, a part or all. */
static void start_without_room(bool (*mount_it)(struct disk *disk))
{
    enum { PAGE_BYTES = 4096, PAGES = 8 };
    for (off_t pages = 0; pages < PAGES; pages++) {
        struct scene scene;
        scene_open(&scene, mount_it);
        close_store_of(scene.world);
        take_the_rest(&scene.disk, pages * PAGE_BYTES);
        store_open_on(scene.world, scene.folder);
        expect_tasks(scene.world, 0);
        scene_close(&scene);
    }
}

static void a_store_on_a_full_disk_is_opened(void **state)
{
    (void)state;
    start_without_room(mount_tmpfs);
    start_without_room(mount_ext4);
}

/* LMDB maps its table of readers without asking whether the disk has room for it. */
static void start_without_a_table_of_readers(bool (*mount_it)(struct disk *disk))
{
    enum { READERS = 1000 };
    struct disk disk;
    char folder[80];
    char path[96];
    char why[256];
    disk_open(&disk, mount_it);
    snprintf(folder, sizeof folder, "%s/store", disk.folder);
    snprintf(path, sizeof path, "%s/lock.mdb", folder);
    struct tb_store_options options = {.url = folder, .readers_max = READERS, .create = true};
    struct tb_store *store = NULL;
    assert_int_equal(tb_store_open(&options, &store, why, sizeof why), TB_OK);
    tb_store_close(&store);
    assert_int_equal(unlink(path), 0);
    take_the_rest(&disk, 0);
    assert_int_equal(tb_store_open(&options, &store, why, sizeof why), TB_E_STORAGE_FULL);
    assert_non_null(strstr(why, "no room"));
    assert_int_equal(unlink(disk.ballast), 0);
    assert_int_equal(tb_store_open(&options, &store, why, sizeof why), TB_OK);
    tb_store_close(&store);
    disk_close(&disk);
}

static void a_table_of_readers_that_has_no_room_is_refused(void **state)
{
    (void)state;
    start_without_a_table_of_readers(mount_tmpfs);
    start_without_a_table_of_readers(mount_ext4);
}

/* --- a restore that finds no room --- */

static bool never_asked(void *ctx, const char *folder, char *why, size_t why_size)
{
    (void)ctx, (void)folder;
    snprintf(why, why_size, "asked");
    fail_msg("half a file was taken for a store");
    return false;
}

static void restore_without_room(bool (*mount_it)(struct disk *disk))
{
    struct disk disk;
    char data[80];
    char path[96];
    char why[256];
    disk_open(&disk, mount_it);
    snprintf(data, sizeof data, "%s/data", disk.folder);
    struct tb_restore restore = {.url = data, .judge = never_asked};
    restore.from_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC); /* larger than any disk */
    assert_int_equal(tb_store_restore(&restore, why, sizeof why), TB_E_STORAGE_FULL);
    assert_non_null(strstr(why, "no room"));
    close(restore.from_fd);
    snprintf(path, sizeof path, "%s/data.mdb", data);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/new", data);
    assert_int_not_equal(access(path, F_OK), 0);
    disk_close(&disk);
}

static void a_restore_that_finds_no_room_leaves_nothing(void **state)
{
    (void)state;
    restore_without_room(mount_tmpfs);
    restore_without_room(mount_ext4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_tmpfs_is_refused_and_written_again_once_there_is_room),
        cmocka_unit_test(a_full_ext4_is_refused_and_written_again_once_there_is_room),
        cmocka_unit_test(a_store_on_a_full_disk_is_opened),
        cmocka_unit_test(a_table_of_readers_that_has_no_room_is_refused),
        cmocka_unit_test(a_restore_that_finds_no_room_leaves_nothing),
    };
    return cmocka_run_group_tests_name("full disk", tests, NULL, NULL);
}

/* Copies of a store, and stores made of copies. */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct file {
    int fd;
    char path[128];
    size_t bytes;
    size_t bytes_max; /* wants no more then; 0: all */
};

static void make_file(struct world *world, struct file *file)
{
    *file = (struct file){.bytes_max = 0};
    snprintf(file->path, sizeof file->path, "%s/copy", world->folder);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file->fd >= 0);
}

static bool write_to_file(void *ctx, const void *bytes, size_t len)
{
    struct file *file = ctx;
    assert_int_equal(write(file->fd, bytes, len), len);
    file->bytes += len;
    return file->bytes_max == 0 || file->bytes < file->bytes_max;
}

struct verdict {
    bool wanted;
    unsigned asked;
};

static bool judge(void *ctx, const char *folder, char *why, size_t why_size)
{
    struct verdict *verdict = ctx;
    struct tb_store_options options = {.url = folder, .readers_max = 1, .read_only = true};
    struct tb_store *store = NULL;
    verdict->asked++;
    if (tb_store_open(&options, &store, why, why_size) != TB_OK) {
        return false;
    }
    tb_store_close(&store);
    snprintf(why, why_size, "%s", verdict->wanted ? "" : "not wanted");
    return verdict->wanted;
}

static enum tb_err restore(struct file *file, const char *folder, bool wanted, unsigned *asked)
{
    struct verdict verdict = {.wanted = wanted};
    struct tb_restore options = {.url = folder, .judge = judge, .ctx = &verdict};
    char why[256];
    assert_int_equal(lseek(file->fd, 0, SEEK_SET), 0);
    options.from_fd = file->fd;
    enum tb_err err = tb_store_restore(&options, why, sizeof why);
    assert_true((err == TB_OK) == (strlen(why) == 0));
    *asked = verdict.asked;
    return err;
}

static bool holds_only_a_lock(const char *folder)
{
    DIR *dir = opendir(folder);
    bool only = true;
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        only = only && (entry->d_name[0] == '.' || strcmp(entry->d_name, "lock") == 0);
    }
    closedir(dir);
    return only;
}

static struct world *world_with_tasks(void)
{
    struct world *world = world_open(ENGINE_LMDB, 11);
    for (int i = 0; i < 300; i++) {
        created(world, draft(world, "copied"));
    }
    return world;
}

/* A world whose store is the restored one. */
static void expect_in(const char *folder, struct tb_str all, struct world *world)
{
    struct world other = *world;
    struct tb_store_options options = {.url = folder, .readers_max = 2};
    char why[256];
    assert_int_equal(tb_store_open(&options, &other.store, why, sizeof why), TB_OK);
    assert_int_equal(tb_reader_new(other.store, &other.reader), TB_OK);
    assert_same_str(dump_now(&other), all);
    expect_sound(&other);
    tb_reader_free(&other.reader);
    tb_store_close(&other.store);
}

static void a_copy_becomes_the_store_that_it_was_made_of(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct file file;
    unsigned asked = 0;
    char folder[64];
    folder_make(folder);
    make_file(world, &file);
    struct tb_str before = dump_now(world);
    assert_int_equal(tb_store_copy(world->store, write_to_file, &file), TB_OK);
    created(world, draft(world, "later"));
    assert_int_equal(restore(&file, folder, false, &asked), TB_E_STORAGE_CORRUPT);
    assert_true(asked == 1 && holds_only_a_lock(folder));
    assert_int_equal(restore(&file, folder, true, &asked), TB_OK);
    expect_in(folder, before, world);
    assert_int_not_equal(restore(&file, folder, true, &asked), TB_OK);
    assert_int_equal(asked, 0);
    close(file.fd);
    unlink(file.path);
    folder_remove(folder);
    world_close(world);
}

static void a_copy_of_which_no_more_is_wanted_ends(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct file file;
    make_file(world, &file);
    file.bytes_max = 1;
    assert_int_not_equal(tb_store_copy(world->store, write_to_file, &file), TB_OK);
    created(world, draft(world, "later"));
    close(file.fd);
    unlink(file.path);
    world_close(world);
}

/* Nobody is asked to open what LMDB would map beyond its end. */
static void a_part_of_a_copy_becomes_no_store(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct file file;
    unsigned asked = 0;
    char folder[64];
    folder_make(folder);
    make_file(world, &file);
    assert_int_equal(tb_store_copy(world->store, write_to_file, &file), TB_OK);
    for (size_t bytes = file.bytes - 1; bytes > 0; bytes /= 2) {
        assert_int_equal(ftruncate(file.fd, (off_t)bytes), 0);
        assert_int_equal(restore(&file, folder, true, &asked), TB_E_STORAGE_CORRUPT);
        assert_true(asked == 0 && holds_only_a_lock(folder));
    }
    close(file.fd);
    unlink(file.path);
    folder_remove(folder);
    world_close(world);
}

/* LMDB would divide by the size of a page. */
static void a_copy_whose_pages_have_no_bytes_becomes_no_store(void **state)
{
    enum { PAGE_SIZE_AT = 40 };
    (void)state;
    struct world *world = world_with_tasks();
    const uint32_t none = 0;
    struct file file;
    unsigned asked = 0;
    char folder[64];
    folder_make(folder);
    make_file(world, &file);
    assert_int_equal(tb_store_copy(world->store, write_to_file, &file), TB_OK);
    assert_int_equal(pwrite(file.fd, &none, sizeof none, PAGE_SIZE_AT), sizeof none);
    assert_int_equal(restore(&file, folder, true, &asked), TB_E_STORAGE_CORRUPT);
    assert_true(asked == 0 && holds_only_a_lock(folder));
    close(file.fd);
    unlink(file.path);
    folder_remove(folder);
    world_close(world);
}

static void nothing_is_restored_to_where_something_is(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct file file;
    unsigned asked = 0;
    make_file(world, &file);
    assert_int_equal(tb_store_copy(world->store, write_to_file, &file), TB_OK);
    assert_int_equal(restore(&file, world->folder, true, &asked), TB_E_STORAGE_DOWN);
    assert_int_equal(restore(&file, "memory:", true, &asked), TB_E_STORAGE_DOWN);
    assert_int_equal(restore(&file, "/proc/none/such", true, &asked), TB_E_STORAGE_DOWN);
    assert_int_equal(asked, 0);
    close(file.fd);
    unlink(file.path);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_becomes_the_store_that_it_was_made_of),
        cmocka_unit_test(a_copy_of_which_no_more_is_wanted_ends),
        cmocka_unit_test(a_part_of_a_copy_becomes_no_store),
        cmocka_unit_test(a_copy_whose_pages_have_no_bytes_becomes_no_store),
        cmocka_unit_test(nothing_is_restored_to_where_something_is),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}

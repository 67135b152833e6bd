#include "stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing.h"
#include "older.h"

struct given given;

static struct image read_image(const char *folder)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &status), 0);
    struct image image = {malloc((size_t)status.st_size), (size_t)status.st_size};
    assert_int_equal(pread(fd, image.bytes, image.size, 0), image.size);
    close(fd);
    return image;
}

void write_image(const char *folder, const char *name, struct image image)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, image.bytes, image.size), image.size);
    close(fd);
}

bool keep_copy(void *ctx, const void *bytes, size_t len)
{
    struct image *image = ctx;
    image->bytes = realloc(image->bytes, image->size + len);
    memcpy(image->bytes + image->size, bytes, len);
    image->size += len;
    return true;
}

int give(void **state)
{
    (void)state;
    struct world *world = given.world = world_open(ENGINE_LMDB, 7);
    struct tb_id id = {{0}};
    for (int i = 0; i < 5; i++) {
        id = created(world, draft(world, "kept whatever fails"));
    }
    struct tb_txn *txn = begin(world);
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    put_vm(world, txn, NULL, &vm);
    assert_int_equal(tb_put_note(txn, id, new_id(world), TB_STR("a note")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, id, 0, TB_STR("an artifact")), TB_OK);
    commit(&txn);
    given.dump = dump_now(world);
    assert_int_equal(tb_store_copy(world->store, keep_copy, &given.copy), TB_OK);
    close_store_of(world);
    given.store = read_image(world->folder);
    make_older(world->folder);
    given.older = read_image(world->folder);
    world_reopen(world);
    return 0;
}

int take_back(void **state)
{
    (void)state;
    world_close(given.world);
    free(given.store.bytes);
    free(given.older.bytes);
    free(given.copy.bytes);
    return 0;
}

size_t open_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

void expect_everything(const char *folder, bool read_only)
{
    struct world other = *given.world;
    char why[256];
    struct tb_store_options options = {.url = folder, .readers_max = 2, .read_only = read_only};
    if (tb_store_open(&options, &other.store, why, sizeof why) != TB_OK) {
        fail_msg("after a failed %s: %s", fault.call, why);
    }
    assert_int_equal(tb_reader_new(other.store, &other.reader), TB_OK);
    assert_same_str(dump_now(&other), given.dump);
    expect_sound(&other);
    close_store_of(&other);
}

void prepare_store(struct stage *stage)
{
    write_image(stage->folder, "data.mdb", given.store);
}

void prepare_copy(struct stage *stage)
{
    char path[128];
    write_image(stage->folder, "copy", given.copy);
    snprintf(path, sizeof path, "%s/copy", stage->folder);
    stage->copy_fd = open(path, O_RDONLY);
    assert_int_equal(unlink(path), 0);
}

enum tb_err run_create(struct stage *stage)
{
    return open_folder(stage->folder, true, 0, &stage->store, stage->why);
}

bool judge(void *ctx, const char *folder, char *why, size_t why_size)
{
    struct tb_store *store = NULL;
    struct tb_store_options options = {.url = folder, .readers_max = 1};
    (void)ctx;
    if (tb_store_open(&options, &store, why, why_size) != TB_OK) {
        return false;
    }
    tb_store_close(&store);
    return true;
}

void look_at_store(struct stage *stage, enum tb_err err)
{
    (void)err;
    expect_everything(stage->folder, true);
    expect_everything(stage->folder, false);
}

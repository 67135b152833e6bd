#include "folder.h"

enum tb_err open_folder(const char *folder, bool create, uint64_t map_bytes,
                        struct tb_store **store, char why[256])
{
    struct tb_store_options options = {
        .url = folder, .map_bytes = map_bytes, .readers_max = 8, .create = create};
    return tb_store_open(&options, store, why, 256);
}

void expect_refusal(const char *folder, bool create, enum tb_err err, const char *because)
{
    struct tb_store *store = NULL;
    char why[256];
    assert_int_equal(open_folder(folder, create, 0, &store, why), err);
    assert_null(store);
    if (strstr(why, because) == NULL || strstr(why, "taskboard-test-") == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", why, because);
    }
}

enum tb_err open_to_look(const char *folder, struct tb_store **store)
{
    char why[256];
    struct tb_store_options options = {.url = folder, .readers_max = 2, .read_only = true};
    return tb_store_open(&options, store, why, sizeof why);
}

void close_store_of(struct world *world)
{
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
}

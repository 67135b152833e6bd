#include "engine.h"

#include <assert.h>
#include <stdio.h>

static bool starts_with(const char *url, const char *scheme)
{
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

static const char *folder_of(const char *url)
{
    return starts_with(url, "lmdb:") ? url + strlen("lmdb:") : url;
}

enum tb_err tb_store_open(const struct tb_store_options *options, struct tb_store **store,
                          char *why, size_t why_size)
{
    assert(options->url != NULL && why_size > 0);
    why[0] = '\0';
    if (starts_with(options->url, "memory:")) {
        return tb_memory_open(store);
    }
    const char *folder = folder_of(options->url);
    if (folder[0] == '\0') {
        snprintf(why, why_size, "The name of the data folder is empty");
        return TB_E_STORAGE_DOWN;
    }
    return tb_lmdb_open(options, folder, store, why, why_size);
}

enum tb_err tb_store_restore(const struct tb_restore *restore, char *why, size_t why_size)
{
    assert(restore->url != NULL && why_size > 0);
    const char *folder = folder_of(restore->url);
    why[0] = '\0';
    if (folder[0] == '\0' || starts_with(folder, "memory:")) {
        (void)snprintf(why, why_size, "A backup is restored into a data folder");
        return TB_E_STORAGE_DOWN;
    }
    return tb_lmdb_restore(restore, folder, why, why_size);
}

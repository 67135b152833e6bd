#include "engine.h"

#include <assert.h>
#include <stdio.h>

static bool starts_with(const char *url, const char *scheme)
{
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

enum tb_err tb_store_open(const struct tb_store_options *options, struct tb_store **store,
                          char *why, size_t why_size)
{
    assert(options->url != NULL && why_size > 0);
    why[0] = '\0';
    const char *url = options->url;
    if (starts_with(url, "memory:")) {
        return tb_memory_open(store);
    }
    if (starts_with(url, "lmdb:")) {
        url += strlen("lmdb:");
    }
    if (url[0] == '\0') {
        snprintf(why, why_size, "The name of the data folder is empty");
        return TB_E_STORAGE_DOWN;
    }
    return tb_lmdb_open(options, url, store, why, why_size);
}

#include <stdlib.h>
#include <xxhash.h>

#include "base/json.h"
#include "lmdb/ready.h"

/* Which list: the hash of the tag, seeded with that of the assignee; absent is not empty. */
struct list_name {
    uint8_t bytes[sizeof(XXH128_canonical_t)];
};

static uint64_t seed_of(struct tb_str assignee)
{
    return assignee.len == 0 ? 0 : XXH3_64bits(assignee.ptr, assignee.len);
}

static struct list_name name_of(uint64_t seed, struct tb_str tag)
{
    struct list_name name;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, tag.ptr == NULL
                                             ? XXH3_128bits_withSeed(NULL, 0, ~seed)
                                             : XXH3_128bits_withSeed(tag.ptr, tag.len, seed));
    memcpy(name.bytes, &canonical, sizeof name.bytes);
    return name;
}

void tb_ready_prefix(struct tb_key *key, struct tb_str assignee, struct tb_str tag)
{
    struct list_name name = name_of(seed_of(assignee), tag);
    tb_key_start(key, TB_INDEX_READY);
    tb_key_add_bytes(key, name.bytes, sizeof name.bytes);
}

/* --- the lists that a task stands in --- */

struct names {
    size_t count;
    struct list_name *names; /* sorted, each once */
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct list_name));
}

static size_t count_strings(struct tb_str array)
{
    struct tb_json_strings strings = tb_json_strings_of(array);
    struct tb_str text;
    size_t count = 0;
    while (tb_json_strings_next(&strings, &text)) {
        count++;
    }
    return count;
}

static struct names names_of(struct tb_lmdb_txn *txn, const struct tb_task *task)
{
    struct names found = {0, NULL};
    if (task == NULL || tb_task_state(task) != TB_STATE_READY) {
        return found;
    }
    size_t room = count_strings(task->tags) + 1;
    found.names = tb_arena_alloc(txn->store->scratch, room * sizeof *found.names);
    uint64_t seed = seed_of(task->assignee);
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag = TB_STR_NONE;
    do {
        found.names[found.count++] = name_of(seed, tag);
    } while (tb_json_strings_next(&tags, &tag));
    qsort(found.names, found.count, sizeof *found.names, compare);
    size_t kept = 0;
    for (size_t i = 1; i < found.count; i++) {
        if (compare(&found.names[kept], &found.names[i]) != 0) {
            found.names[++kept] = found.names[i];
        }
    }
    found.count = kept + 1;
    return found;
}

/* --- changing --- */

static void make_key(const struct list_name *name, const struct tb_task *task, struct tb_key *key)
{
    tb_key_start(key, TB_INDEX_READY);
    tb_key_add_bytes(key, name->bytes, sizeof name->bytes);
    tb_key_add_i64(key, task->rank_ms);
    tb_key_add_id(key, task->id);
}

static int put(struct tb_lmdb_txn *txn, const struct list_name *name, const struct tb_task *task)
{
    struct tb_key key;
    make_key(name, task, &key);
    return tb_lmdb_index_put(txn, &key);
}

static int drop(struct tb_lmdb_txn *txn, const struct list_name *name, const struct tb_task *task)
{
    struct tb_key key;
    make_key(name, task, &key);
    return tb_lmdb_index_drop(txn, &key);
}

/* The entry stays. With other tags, the task may not be excluded any more where it was. */
static void touch(struct tb_lmdb_txn *txn, const struct list_name *name, const struct tb_task *task)
{
    struct tb_key key;
    make_key(name, task, &key);
    size_t prefix_len = key.len - TB_FRONT_SUFFIX_BYTES;
    tb_fronts_put(txn->store->fronts, key.bytes, prefix_len, key.bytes + prefix_len);
}

/* The same rank: only what differs. */
static int change_some(struct tb_lmdb_txn *txn, const struct tb_task *old, struct names before,
                       const struct tb_task *task, struct names after)
{
    size_t b = 0;
    size_t a = 0;
    int rc = 0;
    while (rc == 0 && (b < before.count || a < after.count)) {
        int order = b == before.count  ? 1
                    : a == after.count ? -1
                                       : compare(&before.names[b], &after.names[a]);
        if (order < 0) {
            rc = drop(txn, &before.names[b++], old);
        } else if (order > 0) {
            rc = put(txn, &after.names[a++], task);
        } else {
            touch(txn, &after.names[a++], task);
            b++;
        }
    }
    return rc;
}

static int change_all(struct tb_lmdb_txn *txn, const struct tb_task *old, struct names before,
                      const struct tb_task *task, struct names after)
{
    int rc = 0;
    for (size_t i = 0; i < before.count && rc == 0; i++) {
        rc = drop(txn, &before.names[i], old);
    }
    for (size_t i = 0; i < after.count && rc == 0; i++) {
        rc = put(txn, &after.names[i], task);
    }
    return rc;
}

int tb_ready_index_change(struct tb_lmdb_txn *txn, const struct tb_task *old,
                          const struct tb_task *task)
{
    struct names before = names_of(txn, old);
    struct names after = names_of(txn, task);
    bool alike = before.count > 0 && before.count == after.count &&
                 memcmp(before.names, after.names, after.count * sizeof *after.names) == 0;
    int rc = 0;
    if (before.count > 0 && after.count > 0 && old->rank_ms == task->rank_ms) {
        rc = alike ? 0 : change_some(txn, old, before, task, after);
    } else {
        rc = change_all(txn, old, before, task, after);
    }
    tb_arena_reset(txn->store->scratch);
    return rc;
}

/* Pages and blocks of the LMDB engine, as hostile bytes: decoding them says that they are corrupt,
 * or gives entries that are inside; it never ends in a loop.
 *
 * The low bits of the first byte: 1: the checksums are made right; 2: blocks of records, else pages
 * of a run. */
#include <lmdb.h>
#include <xxhash.h>

#include "fuzz.h"
#include "lmdb/block.h"
#include "lmdb/run_page.h"

#define RUN_NUMBER 77

static void seal_page(uint8_t *page, size_t left)
{
    uint16_t len = 0;
    if (left < TB_RUN_PAGE_HEADER_BYTES) {
        return;
    }
    memcpy(&len, page + sizeof(uint64_t), sizeof(len));
    if (len >= TB_RUN_PAGE_HEADER_BYTES && len <= left) {
        uint64_t sum = XXH3_64bits_withSeed(page + sizeof(sum), len - sizeof(sum), RUN_NUMBER);
        memcpy(page, &sum, sizeof(sum));
    }
}

static bool is_damage(int rc)
{
    must(rc == 0 || rc == MDB_CORRUPTED);
    return rc != 0;
}

static void look_for(const struct tb_run_page *page, const struct tb_run_place *wanted)
{
    struct tb_run_place found;
    if (!is_damage(tb_run_page_floor(page, wanted->key.bytes, wanted->key.len, &found))) {
        must(found.index < page->entries && found.key.len <= TB_KEY_BYTES_MAX);
    }
}

static void walk_page(const struct tb_run_page *page)
{
    struct tb_run_place place, other;
    must(page->entries > 0);
    if (is_damage(tb_run_page_go(page, 0, &place))) {
        return;
    }
    for (unsigned i = 0;; i++) {
        must(place.index == i && place.key.len <= TB_KEY_BYTES_MAX);
        look_for(page, &place);
        if (!is_damage(tb_run_page_go(page, i, &other))) {
            must(other.index == i && other.key.len <= TB_KEY_BYTES_MAX);
        }
        if (i + 1 == page->entries || is_damage(tb_run_page_step(page, &place))) {
            return;
        }
    }
}

static void run_pages(uint8_t *bytes, size_t len, bool sealed)
{
    for (unsigned i = 0; i < TB_RUN_BLOCK_PAGES_MAX; i++) {
        struct tb_run_page page;
        const uint8_t *key = NULL;
        size_t key_len = 0;
        size_t at = tb_run_page_at(i);
        if (sealed && at < len) {
            seal_page(bytes + at, len - at);
        }
        if (!is_damage(tb_run_page_peek(bytes, len, i, &key, &key_len))) {
            must(key >= bytes && key_len <= len && (size_t)(key - bytes) <= len - key_len);
        }
        if (!is_damage(tb_run_page_open(bytes, len, i, RUN_NUMBER, &page))) {
            walk_page(&page);
        }
    }
}

/* Its head: checksum u64, count u32, u32; then the ends. */
static void seal_block(uint8_t *bytes, size_t len, uint64_t first)
{
    enum { HEADER_BYTES = 16 };
    uint32_t count = 0;
    if (len < HEADER_BYTES) {
        return;
    }
    memcpy(&count, bytes + sizeof(uint64_t), sizeof(count));
    if (count <= (len - HEADER_BYTES) / sizeof(uint32_t)) {
        uint64_t sum = XXH3_64bits_withSeed(
            bytes + sizeof(sum), HEADER_BYTES - sizeof(sum) + count * sizeof(uint32_t), first);
        memcpy(bytes, &sum, sizeof(sum));
    }
}

static void run_block(uint8_t *bytes, size_t len, bool sealed)
{
    uint8_t key[8];
    struct tb_block block;
    tb_key_write_u64(key, RUN_NUMBER);
    if (sealed) {
        seal_block(bytes, len, RUN_NUMBER);
    }
    if (is_damage(tb_block_open((MDB_val){sizeof(key), key}, (MDB_val){len, bytes}, &block))) {
        return;
    }
    must(block.first == RUN_NUMBER && block.count > 0);
    must(tb_block_holds(&block, RUN_NUMBER + block.count - 1) &&
         !tb_block_holds(&block, RUN_NUMBER + block.count));
    for (uint32_t i = 0; i < block.count; i++) {
        struct tb_str record;
        if (!is_damage(tb_block_record(&block, i, &record))) {
            const char *start = (const char *)bytes;
            must(record.ptr >= start && record.len <= len &&
                 (size_t)(record.ptr - start) <= len - record.len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    unsigned choice = fuzz_byte(&input);
    struct tb_str rest = fuzz_rest(&input);
    uint8_t *bytes = (uint8_t *)fuzz_exact(rest);
    if ((choice & 2) != 0) {
        run_block(bytes, rest.len, (choice & 1) != 0);
    } else {
        run_pages(bytes, rest.len, (choice & 1) != 0);
    }
    free(bytes);
    return 0;
}

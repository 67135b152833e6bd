#include "lmdb/run_page.h"

#include <assert.h>
#include <lmdb.h>
#include <xxhash.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pages are copied as they stand");

#define SHARED_MAX         0x7f
#define PUT_BIT            0x80
#define ENTRY_HEADER_BYTES 2

/* The first bytes of a page. */
struct page_header {
    uint64_t checksum;
    uint16_t bytes;
    uint16_t entries;
    uint16_t restarts;
    uint16_t zero;
};

static_assert(sizeof(struct page_header) == TB_RUN_PAGE_HEADER_BYTES, "without holes");

static size_t capacity_of(unsigned page)
{
    return page == 0 ? TB_RUN_PAGE_BYTES - TB_RUN_MARGIN_BYTES : TB_RUN_PAGE_BYTES;
}

static uint64_t checksum(const uint8_t *page, size_t bytes, uint64_t number)
{
    return XXH3_64bits_withSeed(page + sizeof(uint64_t), bytes - sizeof(uint64_t), number);
}

/* --- writing --- */

static void start_page(struct tb_run_builder *builder)
{
    builder->at = sizeof(struct page_header);
    builder->entries = 0;
    builder->restarts = 0;
}

void tb_run_builder_start(struct tb_run_builder *builder, uint64_t number, unsigned pages_max)
{
    assert(pages_max >= 1 && pages_max <= TB_RUN_BLOCK_PAGES_MAX);
    builder->number = number;
    builder->pages_max = pages_max;
    builder->page = 0;
    builder->total = 0;
    start_page(builder);
}

static uint8_t *page_bytes(struct tb_run_builder *builder)
{
    return builder->block + tb_run_page_at(builder->page);
}

/* Writes table and header; the page's size. */
static size_t close_page(struct tb_run_builder *builder)
{
    uint8_t *page = page_bytes(builder);
    memcpy(page + builder->at, builder->table, builder->restarts * sizeof *builder->table);
    size_t bytes = builder->at + builder->restarts * sizeof *builder->table;
    struct page_header header = {
        .bytes = (uint16_t)bytes,
        .entries = (uint16_t)builder->entries,
        .restarts = (uint16_t)builder->restarts,
    };
    memcpy(page, &header, sizeof header);
    header.checksum = checksum(page, bytes, builder->number);
    memcpy(page, &header.checksum, sizeof header.checksum);
    return bytes;
}

static size_t shared_bytes(const struct tb_key *last, const uint8_t *key, size_t len)
{
    size_t max = last->len < len ? last->len : len;
    max = max < SHARED_MAX ? max : SHARED_MAX;
    size_t shared = 0;
    while (shared + sizeof(uint64_t) <= max) {
        uint64_t a = 0;
        uint64_t b = 0;
        memcpy(&a, last->bytes + shared, sizeof a);
        memcpy(&b, key + shared, sizeof b);
        if (a != b) {
            return shared + (size_t)__builtin_ctzll(a ^ b) / 8;
        }
        shared += sizeof a;
    }
    while (shared < max && last->bytes[shared] == key[shared]) {
        shared++;
    }
    return shared;
}

static bool fits(const struct tb_run_builder *builder, size_t rest, bool restart)
{
    size_t table = (builder->restarts + (restart ? 1U : 0U)) * sizeof *builder->table;
    return builder->restarts + (restart ? 1U : 0U) <= TB_RUN_RESTARTS_MAX &&
           builder->at + ENTRY_HEADER_BYTES + rest + table <= capacity_of(builder->page);
}

bool tb_run_builder_add(struct tb_run_builder *builder, const uint8_t *key, size_t len, bool put)
{
    bool restart = builder->entries % TB_RUN_RESTART_ENTRIES == 0;
    size_t shared = restart ? 0 : shared_bytes(&builder->last, key, len);
    if (!fits(builder, len - shared, restart)) {
        if (builder->page + 1 == builder->pages_max) {
            return false;
        }
        close_page(builder);
        builder->page++;
        start_page(builder);
        restart = true;
        shared = 0;
    }
    if (restart) {
        builder->table[builder->restarts++] = (uint16_t)builder->at;
    }
    uint8_t *entry = page_bytes(builder) + builder->at;
    entry[0] = (uint8_t)(shared | (put ? PUT_BIT : 0U));
    entry[1] = (uint8_t)(len - shared);
    memcpy(entry + ENTRY_HEADER_BYTES, key + shared, len - shared);
    builder->at += ENTRY_HEADER_BYTES + len - shared;
    builder->entries++;
    memcpy(builder->last.bytes + shared, key + shared, len - shared);
    builder->last.len = len;
    if (builder->total++ == 0) {
        builder->first = builder->last;
    }
    return true;
}

bool tb_run_builder_is_full(const struct tb_run_builder *builder, size_t len)
{
    return builder->page + 1 == builder->pages_max && !fits(builder, len, true);
}

size_t tb_run_builder_finish(struct tb_run_builder *builder)
{
    assert(builder->total > 0);
    return tb_run_page_at(builder->page) + close_page(builder);
}

/* --- reading --- */

int tb_run_page_open(const uint8_t *block, size_t block_bytes, unsigned page_index, uint64_t number,
                     struct tb_run_page *page)
{
    size_t at = tb_run_page_at(page_index);
    struct page_header header;
    if (at >= block_bytes || block_bytes - at < sizeof header) {
        return MDB_CORRUPTED;
    }
    memcpy(&header, block + at, sizeof header);
    size_t table = header.restarts * sizeof(uint16_t);
    if (header.bytes > block_bytes - at || header.bytes > capacity_of(page_index) ||
        header.bytes < sizeof header + table || header.entries == 0 ||
        header.restarts != (header.entries + TB_RUN_RESTART_ENTRIES - 1) / TB_RUN_RESTART_ENTRIES ||
        checksum(block + at, header.bytes, number) != header.checksum) {
        return MDB_CORRUPTED;
    }
    page->bytes = block + at;
    page->entries_end = header.bytes - table;
    page->entries = header.entries;
    page->restarts = header.restarts;
    return 0;
}

/* Reads the entry at `at`; place->key holds the key before it. */
static inline int read_entry(const struct tb_run_page *page, size_t at, struct tb_run_place *place)
{
    if (at + ENTRY_HEADER_BYTES > page->entries_end) {
        return MDB_CORRUPTED;
    }
    const uint8_t *entry = page->bytes + at;
    size_t shared = entry[0] & SHARED_MAX;
    size_t rest = entry[1];
    if (shared > place->key.len || shared + rest > sizeof place->key.bytes ||
        at + ENTRY_HEADER_BYTES + rest > page->entries_end) {
        return MDB_CORRUPTED;
    }
    memcpy(place->key.bytes + shared, entry + ENTRY_HEADER_BYTES, rest);
    place->key.len = shared + rest;
    place->put = (entry[0] & PUT_BIT) != 0;
    place->next = at + ENTRY_HEADER_BYTES + rest;
    return 0;
}

static size_t restart_at(const struct tb_run_page *page, unsigned restart)
{
    uint16_t at = 0;
    memcpy(&at, page->bytes + page->entries_end + restart * sizeof at, sizeof at);
    return at;
}

static int go_restart(const struct tb_run_page *page, unsigned restart, struct tb_run_place *place)
{
    size_t at = restart_at(page, restart);
    place->key.len = 0;
    place->index = restart * TB_RUN_RESTART_ENTRIES;
    return at < sizeof(struct page_header) ? MDB_CORRUPTED : read_entry(page, at, place);
}

int tb_run_page_step(const struct tb_run_page *page, struct tb_run_place *place)
{
    place->index++;
    return read_entry(page, place->next, place);
}

int tb_run_page_go(const struct tb_run_page *page, unsigned index, struct tb_run_place *place)
{
    int rc = go_restart(page, index / TB_RUN_RESTART_ENTRIES, place);
    while (rc == 0 && place->index < index) {
        rc = tb_run_page_step(page, place);
    }
    return rc;
}

/* A restart's key, where it stands. */
static int restart_key(const struct tb_run_page *page, unsigned restart, const uint8_t **key,
                       size_t *len)
{
    size_t at = restart_at(page, restart);
    if (at < sizeof(struct page_header) || at + ENTRY_HEADER_BYTES > page->entries_end) {
        return MDB_CORRUPTED;
    }
    *len = page->bytes[at + 1];
    *key = page->bytes + at + ENTRY_HEADER_BYTES;
    return at + ENTRY_HEADER_BYTES + *len > page->entries_end ? MDB_CORRUPTED : 0;
}

int tb_run_page_peek(const uint8_t *block, size_t block_bytes, unsigned page_index,
                     const uint8_t **key, size_t *len)
{
    size_t at = tb_run_page_at(page_index) + sizeof(struct page_header);
    if (at + ENTRY_HEADER_BYTES > block_bytes) {
        return MDB_CORRUPTED;
    }
    *len = block[at + 1];
    *key = block + at + ENTRY_HEADER_BYTES;
    return *len > TB_KEY_BYTES_MAX || at + ENTRY_HEADER_BYTES + *len > block_bytes ? MDB_CORRUPTED
                                                                                   : 0;
}

/* The last restart whose key is not above this one; the first when all are. */
static int find_restart(const struct tb_run_page *page, const uint8_t *key, size_t len,
                        unsigned *restart)
{
    unsigned low = 0;
    unsigned high = page->restarts - 1;
    while (low < high) {
        unsigned middle = (low + high + 1) / 2;
        const uint8_t *found = NULL;
        size_t found_len = 0;
        int rc = restart_key(page, middle, &found, &found_len);
        if (rc != 0) {
            return rc;
        }
        if (tb_run_compare(found, found_len, key, len) <= 0) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    *restart = low;
    return 0;
}

int tb_run_page_floor(const struct tb_run_page *page, const uint8_t *key, size_t len,
                      struct tb_run_place *place)
{
    unsigned restart = 0;
    int rc = find_restart(page, key, len, &restart);
    if (rc == 0) {
        rc = go_restart(page, restart, place);
    }
    while (rc == 0 && place->index + 1 < page->entries) {
        rc = tb_run_page_step(page, place);
        if (rc == 0 && tb_run_compare(place->key.bytes, place->key.len, key, len) > 0) {
            return tb_run_page_go(page, place->index - 1, place);
        }
    }
    return rc;
}

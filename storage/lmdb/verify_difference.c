/* The difference of two sets of keys, in constant memory: an invertible Bloom lookup table
 * (Goodrich and Mitzenmacher, 2011).
 *
 * Each key is added into three cells, from one set with +1, from the other with -1; its bytes and
 * its hash are XORed in. A key that is in both leaves no trace. What is left is taken apart again:
 * a cell with one key shows it; taken out of its two other cells, that may leave one key there,
 * too. It works while cells outnumber keys by about 1.3. So there are four tables: the first has
 * every key, each further one about a 64th of those of the one before. The first that can be taken
 * apart wholly is a fair sample. */
#include <stdlib.h>
#include <xxhash.h>

#include "lmdb/verify.h"

#define TABLES        4
#define THINNING_BITS 6
#define HASHES        3
#define CELLS_A_HASH  256
#define CELLS         (HASHES * CELLS_A_HASH)

/* One byte for its length, then the key. */
#define KEY_WORDS ((1 + TB_KEY_BYTES_MAX + 7) / 8)

struct cell {
    int64_t count;
    uint64_t hash;
    uint64_t words[KEY_WORDS];
};

struct tb_difference {
    struct cell tables[TABLES][CELLS];
};

struct tb_difference *tb_difference_new(void)
{
    struct tb_difference *difference = calloc(1, sizeof *difference);
    if (difference == NULL) {
        abort();
    }
    return difference;
}

void tb_difference_free(struct tb_difference *difference)
{
    free(difference);
}

/* Cells come from the low half, the choice of tables from the high one. */
static XXH128_hash_t hash_of(const uint8_t *bytes, size_t len)
{
    return XXH3_128bits(bytes, len);
}

uint64_t tb_difference_hash(const struct tb_key *key)
{
    return hash_of(key->bytes, key->len).low64;
}

static struct cell *cell_of(struct cell *table, uint64_t hash, unsigned i)
{
    enum { BITS = 16 };
    return &table[i * CELLS_A_HASH + (size_t)(hash >> (i * BITS)) % CELLS_A_HASH];
}

static void add(struct cell *table, uint64_t hash, const uint64_t *words, size_t word_count,
                int64_t sign)
{
    for (unsigned i = 0; i < HASHES; i++) {
        struct cell *cell = cell_of(table, hash, i);
        cell->count += sign;
        cell->hash ^= hash;
        for (size_t w = 0; w < word_count; w++) {
            cell->words[w] ^= words[w];
        }
    }
}

void tb_difference_add(struct tb_difference *difference, const struct tb_key *key, bool expected)
{
    XXH128_hash_t hash = hash_of(key->bytes, key->len);
    uint64_t words[KEY_WORDS];
    size_t word_count = (1 + key->len + 7) / 8;
    words[word_count - 1] = 0;
    ((uint8_t *)words)[0] = (uint8_t)key->len;
    memcpy((uint8_t *)words + 1, key->bytes, key->len);
    uint64_t chooses = hash.high64;
    for (unsigned t = 0; t < TABLES; t++) {
        add(difference->tables[t], hash.low64, words, word_count, expected ? 1 : -1);
        if ((chooses & ((1U << THINNING_BITS) - 1)) != 0) {
            break;
        }
        chooses >>= THINNING_BITS;
    }
}

/* --- taking apart --- */

/* Whether the cell holds one key and nothing else. */
static bool is_pure(const struct cell *cell, struct tb_differing *found)
{
    const uint8_t *bytes = (const uint8_t *)cell->words;
    if ((cell->count != 1 && cell->count != -1) || bytes[0] > TB_KEY_BYTES_MAX) {
        return false;
    }
    found->expected = cell->count > 0;
    found->key.len = bytes[0];
    memcpy(found->key.bytes, bytes + 1, sizeof found->key.bytes);
    return tb_difference_hash(&found->key) == cell->hash;
}

static bool is_empty(const struct cell *table)
{
    for (size_t i = 0; i < CELLS; i++) {
        if (table[i].count != 0 || table[i].hash != 0) {
            return false;
        }
    }
    return true;
}

/* Each cell may show a key once another one was taken out: round by round, till a round shows none.
 * A key is taken from the cell that it is in, so there are at most as many as cells. */
static size_t take_apart(struct cell *table, struct tb_differing *keys)
{
    size_t count = 0;
    size_t before = SIZE_MAX;
    while (count != before && count < CELLS) {
        before = count;
        for (size_t i = 0; i < CELLS && count < CELLS; i++) {
            if (is_pure(&table[i], &keys[count])) {
                struct cell cell = table[i];
                add(table, cell.hash, cell.words, KEY_WORDS, -cell.count);
                count++;
            }
        }
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    const struct tb_differing *left = a;
    const struct tb_differing *right = b;
    int order = tb_run_compare(left->key.bytes, left->key.len, right->key.bytes, right->key.len);
    return order != 0 ? order : (int)right->expected - (int)left->expected;
}

size_t tb_difference_take(struct tb_difference *difference, struct tb_differing **keys,
                          uint64_t *sample)
{
    size_t count = 0;
    *keys = calloc(CELLS, sizeof **keys);
    if (*keys == NULL) {
        abort();
    }
    for (unsigned t = 0; t < TABLES; t++) {
        *sample = UINT64_C(1) << (t * THINNING_BITS);
        count = take_apart(difference->tables[t], *keys);
        if (is_empty(difference->tables[t])) {
            break;
        }
    }
    if (count > 0) {
        qsort(*keys, count, sizeof **keys, compare);
    }
    return count;
}

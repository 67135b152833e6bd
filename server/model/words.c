#include "model/words.h"

#include <stdlib.h>
#include <utf8proc.h>

struct tb_words tb_words_of(struct tb_str text)
{
    struct tb_words words = {.at = text.ptr, .end = text.ptr == NULL ? NULL : text.ptr + text.len};
    return words;
}

/* One character at `at`: its length in bytes there; `*letter` says whether it belongs to a word,
 * and then `lower` holds its lower case in `*lower_len` bytes. */
static size_t next_char(const char *at, const char *end, bool *letter, char lower[4],
                        size_t *lower_len)
{
    unsigned char c = (unsigned char)*at;
    *letter = false;
    *lower_len = 1;
    if (c < 0x80) {
        bool upper = c >= 'A' && c <= 'Z';
        *letter = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        lower[0] = (char)(upper ? c | 0x20 : c);
        if (c == '\\' && end - at >= 2) { /* an escape of the canonical form, \uXXXX or \X */
            return at[1] == 'u' && end - at >= 6 ? 6 : 2;
        }
        return 1;
    }
    utf8proc_int32_t point = 0;
    utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &point);
    if (len <= 0) {
        return 1;
    }
    utf8proc_category_t category = utf8proc_category(point);
    *letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
    *lower_len = (size_t)utf8proc_encode_char(utf8proc_tolower(point), (utf8proc_uint8_t *)lower);
    return (size_t)len;
}

bool tb_words_next(struct tb_words *words, struct tb_str *word)
{
    size_t len = 0;
    bool full = false;
    while (words->at < words->end) {
        bool letter = false;
        char lower[4];
        size_t lower_len = 0;
        words->at += next_char(words->at, words->end, &letter, lower, &lower_len);
        if (!letter && len > 0) {
            break;
        }
        if (!letter || full) {
            continue;
        }
        full = len + lower_len > TB_WORD_BYTES_MAX;
        if (!full) {
            memcpy(words->word + len, lower, lower_len);
            len += lower_len;
        }
    }
    *word = tb_str_from(words->word, len);
    return len > 0;
}

static int compare_words(const void *a, const void *b)
{
    return tb_str_cmp(*(const struct tb_str *)a, *(const struct tb_str *)b);
}

/* An open hash set of words, twice as large as it may ever be full. */
struct word_set {
    struct tb_str *slots;
    size_t mask;
};

static bool set_add(struct word_set *set, struct tb_str word, struct tb_arena *arena,
                    struct tb_str *kept)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < word.len; i++) {
        hash = (hash ^ (unsigned char)word.ptr[i]) * UINT64_C(1099511628211);
    }
    size_t slot = (size_t)(hash ^ (hash >> 29)) & set->mask;
    while (set->slots[slot].ptr != NULL) {
        if (tb_str_eq(set->slots[slot], word)) {
            return false;
        }
        slot = (slot + 1) & set->mask;
    }
    set->slots[slot] = tb_arena_dup(arena, word);
    *kept = set->slots[slot];
    return true;
}

struct tb_str *tb_words_collect(struct tb_arena *arena, struct tb_str first, struct tb_str second,
                                size_t max, size_t *count)
{
    size_t bound =
        (first.len + second.len) / 2 + 2; /* a word and what separates it take two bytes */
    bound = bound < max ? bound : max;
    struct word_set set = {.mask = 15};
    while (set.mask < 2 * bound) {
        set.mask = 2 * set.mask + 1;
    }
    set.slots = tb_arena_zalloc(arena, (set.mask + 1) * sizeof(*set.slots));
    struct tb_str *found = tb_arena_alloc(arena, bound * sizeof(*found));
    size_t n = 0;
    const struct tb_str texts[2] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        struct tb_words words = tb_words_of(texts[i]);
        struct tb_str word;
        while (n < bound && tb_words_next(&words, &word)) {
            n += set_add(&set, word, arena, &found[n]) ? 1 : 0;
        }
    }
    qsort(found, n, sizeof(*found), compare_words);
    *count = n;
    return found;
}

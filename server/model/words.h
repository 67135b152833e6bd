/* The words of a text, for the search index and for `q`.
 *
 * A word is a run of letters, digits and marks as Unicode sees them, in lower case, cut at
 * TB_WORD_BYTES_MAX bytes (at a character boundary). Everything else, JSON escapes included,
 * separates. */
#ifndef TB_MODEL_WORDS_H
#define TB_MODEL_WORDS_H

#include "base/arena.h"
#include "base/str.h"
#include "taskboard/limits.h"
#include "taskboard/task.h"

struct tb_words {
    const char *at;
    const char *end;
    char word[TB_WORD_BYTES_MAX];
};

struct tb_words tb_words_of(struct tb_str text);

/* True with the next word, which stands in `words` until the next call; false at the end. */
bool tb_words_next(struct tb_words *words, struct tb_str *word);

/* The different words of both texts, sorted bytewise, in the arena: at most `max`, those that come
 * first in the texts. */
struct tb_str *tb_words_collect(struct tb_arena *arena, struct tb_str first, struct tb_str second,
                                size_t max, size_t *count);

#endif

#include "http/held.h"

#include <assert.h>
#include <sodium.h>

#include "http/door.h"
#include "http/header.h"
#include "http/reply.h"

#define ARENA_BYTES ((size_t)64 * 1024)

void tb_held_fini(struct tb_held *held)
{
    assert(held->count == 0);
    tb_arena_free(held->arena);
}

/* --- coming and going --- */

static uint64_t add_hash(uint64_t hash, struct tb_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash * 31 + bytes.len;
}

void tb_held_add(struct tb_held *held, struct tb_request *request, int64_t until_us)
{
    struct tb_held_read *read = &request->held;
    assert(read->request == NULL);
    read->request = request;
    read->until_us = until_us;
    if (held->seed == 0) {
        randombytes_buf(&held->seed, sizeof held->seed);
    }
    read->hash = add_hash(add_hash(held->seed, request->path), request->query);
    read->before = held->last;
    read->behind = NULL;
    *(held->last != NULL ? &held->last->behind : &held->first) = read;
    held->last = read;
    held->count++;
}

void tb_held_remove(struct tb_held *held, struct tb_request *request)
{
    struct tb_held_read *read = &request->held;
    if (read->request == NULL) {
        return;
    }
    if (held->next_look == read) {
        held->next_look = read->behind;
    }
    *(read->before != NULL ? &read->before->behind : &held->first) = read->behind;
    *(read->behind != NULL ? &read->behind->before : &held->last) = read->before;
    read->request = NULL;
    held->count--;
}

void tb_held_wake(struct tb_held *held, struct tb_request *request)
{
    tb_held_remove(held, request);
    request->held.woken = true;
    if (tb_ticket_is_good(request->worker, &request->ticket)) {
        request->held.on_wake(request);
    } else {
        tb_reply_error(request, TB_E_INVALID_TOKEN);
    }
}

/* --- news --- */

/* The tags of this wake-up, by URL: a table with open addressing, at most half full. */
struct tags {
    struct known_tag {
        const struct tb_request *request; /* with that URL; NULL: free */
        struct tb_str tag;                /* absent: it cannot be made */
    } * known;
    size_t mask;
};

static struct tags tags_make(struct tb_arena *arena, size_t count)
{
    size_t size = 4;
    while (size < 2 * count) {
        size *= 2;
    }
    return (struct tags){
        .known = tb_arena_zalloc(arena, size * sizeof(struct known_tag)),
        .mask = size - 1,
    };
}

static bool is_same_url(const struct tb_request *a, const struct tb_request *b)
{
    return a->held.hash == b->held.hash && tb_str_eq(a->path, b->path) &&
           tb_str_eq(a->query, b->query);
}

static struct tb_str tag_of(struct tags *tags, struct tb_request *request, struct tb_txn *txn,
                            struct tb_arena *arena)
{
    size_t at = (request->held.hash ^ request->held.hash >> 32) & tags->mask;
    while (tags->known[at].request != NULL && !is_same_url(tags->known[at].request, request)) {
        at = (at + 1) & tags->mask;
    }
    struct known_tag *known = &tags->known[at];
    if (known->request == NULL) {
        known->request = request;
        if (request->held.current_tag(request, txn, arena, &known->tag) != TB_OK) {
            known->tag = TB_STR_NONE;
        }
    }
    return known->tag;
}

static bool has_answer(const struct tb_request *request, struct tb_str tag)
{
    return tag.ptr != NULL && tb_header_has_tag(request->headers[TB_IN_IF_NONE_MATCH], tag);
}

/* The requests whose tag is another one, now the only ones whose `woken` is set. */
static void mark(struct tb_held *held, struct tb_txn *txn)
{
    struct tags tags = tags_make(held->arena, held->count);
    for (struct tb_held_read *read = held->first; read != NULL; read = read->behind) {
        read->woken = !has_answer(read->request, tag_of(&tags, read->request, txn, held->arena));
    }
}

static void wake_marked(struct tb_held *held)
{
    struct tb_held_read *read = held->first;
    while (read != NULL) {
        struct tb_held_read *next = read->behind;
        if (read->woken) {
            tb_held_wake(held, read->request);
        }
        read = next;
    }
}

void tb_held_news(struct tb_held *held, struct tb_reader *reader)
{
    struct tb_txn *txn = NULL;
    if (held->count == 0) {
        return;
    }
    if (held->arena == NULL) {
        held->arena = tb_arena_new(ARENA_BYTES);
    }
    tb_arena_reset(held->arena);
    /* A store that cannot be read is not worth an answer: the next news, or the time, comes. */
    if (tb_read_begin(reader, held->arena, &txn) != TB_OK) {
        return;
    }
    mark(held, txn);
    tb_read_end(&txn);
    wake_marked(held);
}

/* --- time --- */

void tb_held_expire(struct tb_held *held, int64_t now_us)
{
    struct tb_held_read *read = held->first;
    while (read != NULL) {
        struct tb_held_read *next = read->behind;
        if (read->until_us <= now_us) {
            tb_held_wake(held, read->request);
        }
        read = next;
    }
}

struct tb_request *tb_held_next_look(struct tb_held *held)
{
    struct tb_held_read *read = held->next_look != NULL ? held->next_look : held->first;
    if (read == NULL) {
        return NULL;
    }
    held->next_look = read->behind;
    return read->request;
}

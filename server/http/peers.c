#include "http/peers.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/memory.h"

struct peer {
    struct tb_address block;
    unsigned connections; /* one at least */
    struct peer *next;    /* in its slot */
};

struct slot {
    struct peer *first;
};

struct tb_peers {
    unsigned each_max;
    unsigned slot_count;
    /* random: whoever has many addresses may not choose their places */
    unsigned char key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock;
    /* under the lock */
    size_t count;
    struct slot slots[];
};

struct tb_peers *tb_peers_new(unsigned each_max, unsigned connections_max)
{
    assert(each_max > 0 && connections_max > 0);
    struct tb_peers *peers = calloc(1, sizeof(*peers) + connections_max * sizeof(peers->slots[0]));
    if (peers == NULL) {
        return NULL;
    }
    peers->each_max = each_max;
    peers->slot_count = connections_max;
    randombytes_buf(peers->key, sizeof(peers->key));
    (void)pthread_mutex_init(&peers->lock, NULL);
    return peers;
}

void tb_peers_free(struct tb_peers **peers)
{
    if (*peers == NULL) {
        return;
    }
    assert((*peers)->count == 0);
    (void)pthread_mutex_destroy(&(*peers)->lock);
    free(*peers);
    *peers = NULL;
}

/* Where the peer of that block is linked, or the next one would be. */
static struct peer **find(struct tb_peers *peers, const struct tb_address *block)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash;
    _Static_assert(sizeof(hash) == sizeof(bytes), "the hash's length");
    (void)crypto_shorthash(bytes, block->bytes, sizeof(block->bytes), peers->key);
    memcpy(&hash, bytes, sizeof(hash));
    struct peer **at = &peers->slots[hash % peers->slot_count].first;
    while (*at != NULL && memcmp(&(*at)->block, block, sizeof(*block)) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct peer *new_peer(const struct tb_address *block)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL) {
        tb_out_of_memory();
    }
    peer->block = *block;
    return peer;
}

bool tb_peers_join(struct tb_peers *peers, const struct tb_address *address)
{
    struct tb_address block = tb_address_block(address);
    (void)pthread_mutex_lock(&peers->lock);
    struct peer **at = find(peers, &block);
    if (*at == NULL) {
        *at = new_peer(&block);
        peers->count++;
    }
    bool joins = (*at)->connections < peers->each_max;
    if (joins) {
        (*at)->connections++;
    }
    (void)pthread_mutex_unlock(&peers->lock);
    return joins;
}

void tb_peers_leave(struct tb_peers *peers, const struct tb_address *address)
{
    struct tb_address block = tb_address_block(address);
    (void)pthread_mutex_lock(&peers->lock);
    struct peer **at = find(peers, &block), *peer = *at;
    assert(peer != NULL);
    if (--peer->connections == 0) {
        *at = peer->next;
        free(peer);
        peers->count--;
    }
    (void)pthread_mutex_unlock(&peers->lock);
}

size_t tb_peers_count(struct tb_peers *peers)
{
    (void)pthread_mutex_lock(&peers->lock);
    size_t count = peers->count;
    (void)pthread_mutex_unlock(&peers->lock);
    return count;
}

/* What a client of the load may do, and what it learns from the answers. */
#ifndef CONSISTENCY_DEEDS_H
#define CONSISTENCY_DEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet_client.h"

#define ID_BYTES    27 /* a ULID and its NUL */
#define TOKEN_BYTES 64
#define PATH_BYTES  256
#define BODY_BYTES  4096
#define HELD_MAX    8

struct client;

struct deed_kind {
    const char *name;
    unsigned weight;                        /* how often, compared with the others */
    void (*compose)(struct client *client); /* fills client->deed; no path: nothing to do now */
    void (*learn)(struct client *client);   /* from a 2xx answer; may be NULL */
};

struct deed {
    const struct deed_kind *kind;
    uint64_t serial; /* names it in the history, in its texts and in its Idempotency-Key */
    bool keyed;
    bool again; /* was answered, and is sent once more */
    const char *method;
    char path[PATH_BYTES];
    char condition[160]; /* of If-Match or If-None-Match: the whole header, without CRLF */
    char body[BODY_BYTES];
    unsigned task; /* the place in `known` of the task that it is about */
};

struct held_claim {
    char id[ID_BYTES];
    char token[TOKEN_BYTES];
};

struct client {
    unsigned number;
    uint64_t chance; /* state of its random numbers */
    struct fleet_connection *connection;
    struct deed deed;
    bool under_way; /* the deed has no answer yet */
    int64_t rests_until_us;
    struct held_claim held[HELD_MAX];
    unsigned held_count;
    bool has_vm;
    char paused_tag[16]; /* to be resumed */
    bool has_paused;
    char tagged_path[2][PATH_BYTES]; /* of a list and of the summary: what was read, and the tag
                                        that came */
    char tag[2][64];
};

void deeds_begin(struct client *client, uint64_t seed);

/* Chooses what to do next. */
void deeds_choose(struct client *client, uint64_t serial);

/* The last deed of a run, of the feed: whoever follows the log has seen all when he sees it. */
void deeds_choose_last(struct client *client, uint64_t serial);

void deeds_learn(struct client *client);

uint64_t deeds_dice(struct client *client, uint64_t sides);

#endif

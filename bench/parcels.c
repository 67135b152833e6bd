#include "parcels.h"

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define KNOWN_MAX   4096 /* the oldest is forgotten */
#define BUCKETS     1024
#define HEAD_BYTES  16
#define PLAIN_BYTES ((size_t)8 * 1024 * 1024)

static const char mark[] = {0, 0, (char)0xff, (char)0xff}; /* an empty stored block */

struct known {
    struct known *next; /* in its bucket */
    uint64_t first;     /* seq */
    unsigned count;
    size_t len;
    char bytes[];
};

static struct known *buckets[BUCKETS];
static struct known *all[KNOWN_MAX];
static size_t next_known;

static struct known **bucket_of(const char *bytes)
{
    return &buckets[crc32_z(0, (const Bytef *)bytes, HEAD_BYTES) % BUCKETS];
}

static const struct known *find(const char *bytes, size_t len)
{
    if (len < HEAD_BYTES) {
        return NULL;
    }
    for (const struct known *known = *bucket_of(bytes); known != NULL; known = known->next) {
        if (known->len <= len && memcmp(known->bytes, bytes, known->len) == 0) {
            return known;
        }
    }
    return NULL;
}

static void forget(struct known *old)
{
    struct known **link = bucket_of(old->bytes);
    while (*link != old) {
        link = &(*link)->next;
    }
    *link = old->next;
    free(old);
}

/* False: these bytes are no whole part; what looked like its mark is none. */
static bool decompress(const char *bytes, size_t len, char *plain, size_t *plain_len)
{
    z_stream inflater = {
        .next_in = (Bytef *)(uintptr_t)bytes,
        .avail_in = (uInt)len,
        .next_out = (Bytef *)plain,
        .avail_out = PLAIN_BYTES,
    };
    if (inflateInit2(&inflater, -15) != Z_OK) {
        errx(1, "zlib");
    }
    int got = inflate(&inflater, Z_SYNC_FLUSH);
    *plain_len = PLAIN_BYTES - inflater.avail_out;
    bool whole = got == Z_OK && inflater.avail_in == 0 && inflater.avail_out > 0 &&
                 *plain_len >= 2 && memcmp(plain + *plain_len - 2, "\n\n", 2) == 0;
    (void)inflateEnd(&inflater);
    return whole;
}

/* The seqs of the events; comments have none. */
static void count_events(struct known *known, const char *plain, size_t len)
{
    const char *end = plain + len;
    for (const char *at = plain; at < end;) {
        const char *next = (const char *)memmem(at, (size_t)(end - at), "\n\n", 2) + 2;
        if (strncmp(at, "id: ", 4) == 0) {
            uint64_t seq = strtoull(at + 4, NULL, 10);
            if (known->count == 0) {
                known->first = seq;
            } else if (seq != known->first + known->count) {
                errx(1, "event %llu came behind %llu", (unsigned long long)seq,
                     (unsigned long long)known->first + known->count - 1);
            }
            known->count++;
        }
        at = next;
    }
}

static const struct known *learn(const char *bytes, size_t len)
{
    static char *plain;
    size_t plain_len;
    if (plain == NULL) {
        plain = malloc(PLAIN_BYTES);
    }
    struct known *known = malloc(sizeof *known + len);
    if (plain == NULL || known == NULL) {
        err(1, "malloc");
    }
    if (!decompress(bytes, len, plain, &plain_len)) {
        free(known);
        return NULL;
    }
    struct known **bucket = bucket_of(bytes);
    *known = (struct known){.next = *bucket, .len = len};
    memcpy(known->bytes, bytes, len);
    count_events(known, plain, plain_len);
    *bucket = known;
    if (all[next_known] != NULL) {
        forget(all[next_known]);
    }
    all[next_known] = known;
    next_known = (next_known + 1) % KNOWN_MAX;
    return known;
}

/* The part at the beginning; NULL: there is no whole one. */
static const struct known *next_part(const char *bytes, size_t len)
{
    const struct known *known = find(bytes, len);
    const char *end = bytes + (len < HEAD_BYTES ? len : HEAD_BYTES);
    while (known == NULL) {
        const char *found = memmem(end, (size_t)(bytes + len - end), mark, sizeof mark);
        if (found == NULL) {
            return NULL;
        }
        end = found + sizeof mark;
        known = learn(bytes, (size_t)(end - bytes));
    }
    return known;
}

static void keep(struct rest *rest, const char *bytes, size_t len)
{
    char *copy = len == 0 ? NULL : malloc(len);
    if (len > 0 && copy == NULL) {
        err(1, "malloc");
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    free(rest->bytes);
    *rest = (struct rest){copy, len};
}

unsigned parcels_take(struct rest *rest, const char *bytes, size_t len, uint64_t *first)
{
    unsigned count = 0;
    if (rest->len > 0) {
        char *joined = realloc(rest->bytes, rest->len + len);
        if (joined == NULL) {
            err(1, "realloc");
        }
        memcpy(joined + rest->len, bytes, len);
        *rest = (struct rest){joined, rest->len + len};
        bytes = joined;
        len = rest->len;
    }
    for (const struct known *part; (part = next_part(bytes, len)) != NULL;
         bytes += part->len, len -= part->len) {
        if (count > 0 && part->count > 0 && part->first != *first + count) {
            errx(1, "event %llu came behind %llu", (unsigned long long)part->first,
                 (unsigned long long)*first + count - 1);
        }
        *first = count == 0 ? part->first : *first;
        count += part->count;
    }
    if (len > 0 || rest->len > 0) {
        keep(rest, bytes, len);
    }
    return count;
}

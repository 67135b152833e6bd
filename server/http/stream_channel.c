#include "http/stream_channel.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* --- the lists of terms of a filter --- */

#define TERM_LISTS 4

struct terms {
    const struct tb_str *items;
    size_t count;
};

static void get_terms(const struct tb_events_request *filter, struct terms lists[TERM_LISTS])
{
    lists[0] = (struct terms){filter->topics, filter->topic_count};
    lists[1] = (struct terms){filter->types, filter->type_count};
    lists[2] = (struct terms){filter->agents, filter->agent_count};
    lists[3] = (struct terms){filter->tags, filter->tag_count};
}

static bool is_same_filter(const struct tb_events_request *a, const struct tb_events_request *b)
{
    struct terms of_a[TERM_LISTS], of_b[TERM_LISTS];
    if (tb_id_cmp(a->task_id, b->task_id) != 0 || a->nothing != b->nothing) {
        return false;
    }
    get_terms(a, of_a);
    get_terms(b, of_b);
    for (size_t list = 0; list < TERM_LISTS; list++) {
        if (of_a[list].count != of_b[list].count) {
            return false;
        }
        for (size_t i = 0; i < of_a[list].count; i++) {
            if (!tb_str_eq(of_a[list].items[i], of_b[list].items[i])) {
                return false;
            }
        }
    }
    return true;
}

static uint64_t add_hash(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash * 31 + len;
}

static uint64_t hash_of(enum tb_stream_format format, enum tb_stream_coding coding,
                        const struct tb_events_request *filter)
{
    struct terms lists[TERM_LISTS];
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + ((uint64_t)format << 8) + (uint64_t)coding;
    get_terms(filter, lists);
    for (size_t list = 0; list < TERM_LISTS; list++) {
        for (size_t i = 0; i < lists[list].count; i++) {
            hash = add_hash(hash, lists[list].items[i].ptr, lists[list].items[i].len);
        }
        hash = hash * 31 + lists[list].count;
    }
    hash = add_hash(hash, &filter->task_id, sizeof(filter->task_id));
    return hash + (filter->nothing ? 1 : 0);
}

/* --- one channel --- */

/* The channel, its terms and their bytes are one block. */
static struct tb_channel *make(const struct tb_events_request *filter)
{
    struct terms lists[TERM_LISTS];
    size_t count = 0, bytes = 0;
    get_terms(filter, lists);
    for (size_t list = 0; list < TERM_LISTS; list++) {
        count += lists[list].count;
        for (size_t i = 0; i < lists[list].count; i++) {
            bytes += lists[list].items[i].len;
        }
    }
    struct tb_channel *channel = malloc(sizeof(*channel) + count * sizeof(struct tb_str) + bytes);
    if (channel == NULL) {
        tb_out_of_memory();
    }
    struct tb_str *term = (struct tb_str *)(channel + 1);
    char *at = (char *)(term + count);
    *channel = (struct tb_channel){.filter = *filter};
    const struct tb_str **copies[TERM_LISTS] = {&channel->filter.topics, &channel->filter.types,
                                                &channel->filter.agents, &channel->filter.tags};
    for (size_t list = 0; list < TERM_LISTS; list++) {
        *copies[list] = term;
        for (size_t i = 0; i < lists[list].count; i++) {
            *term = tb_str_from(at, lists[list].items[i].len);
            memcpy(at, lists[list].items[i].ptr, term->len);
            at += term->len;
            term++;
        }
    }
    return channel;
}

bool tb_channel_wants(const struct tb_channel *channel, const struct tb_event *event)
{
    if (channel->format == TB_STREAM_FEED && !tb_event_is_of_feed(event->type)) {
        return false;
    }
    return tb_events_request_fits(&channel->filter, event);
}

/* --- joining and leaving --- */

void tb_stream_join(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                    enum tb_stream_format format, enum tb_stream_coding coding,
                    const struct tb_events_request *filter)
{
    uint64_t hash = hash_of(format, coding, filter);
    struct tb_channel **first = &source->channels[hash % TB_STREAM_CHANNELS];
    struct tb_channel *channel = *first;
    while (channel != NULL &&
           !(channel->hash == hash && channel->format == format && channel->coding == coding &&
             is_same_filter(&channel->filter, filter))) {
        channel = channel->next;
    }
    if (channel == NULL) {
        channel = make(filter);
        channel->hash = hash;
        channel->format = format;
        channel->coding = coding;
        channel->next = *first;
        *first = channel;
    }
    channel->refs++;
    subscriber->channel = channel;
}

/* A parcel of it may still be kept: another channel could come to stand at the same address. */
static void forget_parcels(struct tb_stream_source *source, const struct tb_channel *channel)
{
    for (size_t i = 0; i < TB_STREAM_PARCELS; i++) {
        if (source->parcels[i] != NULL && source->parcels[i]->channel == channel) {
            tb_parcel_drop(&source->parcels[i]);
        }
    }
}

void tb_stream_leave(struct tb_stream_source *source, struct tb_subscriber *subscriber)
{
    struct tb_channel *channel = subscriber->channel;
    struct tb_channel **link = &source->channels[channel->hash % TB_STREAM_CHANNELS];
    subscriber->channel = NULL;
    if (--channel->refs > 0) {
        return;
    }
    while (*link != channel) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = channel->next;
    forget_parcels(source, channel);
    free(channel);
}

void tb_stream_refilter(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                        const struct tb_events_request *filter)
{
    struct tb_subscriber before = *subscriber;
    tb_stream_join(source, subscriber, before.channel->format, before.channel->coding, filter);
    tb_stream_leave(source, &before);
}

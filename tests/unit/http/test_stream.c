/* Streams over a log of the test's own: what each subscriber is sent, and what is read for it. */
#include "fixture/fixture.h"
#include "http/stream.h"
#include "http/stream_window.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_ONLY 31 /* of inflateInit2() */

static struct tb_stream_source source;

static const struct tb_events_request everything;

static int set_up(void **state)
{
    int failed = fixture_set_up(state);
    struct fixture *f = *state;
    tb_stream_source_init(&source, f->reader);
    return failed;
}

static int tear_down(void **state)
{
    tb_stream_source_fini(&source);
    return fixture_tear_down(state);
}

#define stream_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static struct tb_subscriber join(uint64_t cursor, enum tb_stream_format format,
                                 const struct tb_events_request *filter)
{
    struct tb_subscriber subscriber = {.cursor = cursor};
    tb_stream_join(&source, &subscriber, format, TB_STREAM_PLAIN, filter);
    return subscriber;
}

static void begin_round(struct fixture *f)
{
    tb_stream_begin_round(&source, fixture_head(f).seq);
}

/* All that the subscriber is sent in this round, in one string; `*parcels` is how many it took. */
static struct tb_str drain(struct fixture *f, struct tb_subscriber *subscriber, unsigned *parcels)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1024);
    *parcels = 0;
    while (tb_stream_is_behind(&source, subscriber)) {
        struct tb_parcel *parcel;
        uint64_t before = subscriber->cursor;
        bool ahead = subscriber->ahead;
        assert_int_equal(tb_stream_next(&source, subscriber, &parcel), TB_OK);
        assert_true(subscriber->cursor > before || ahead || parcel != NULL);
        if (parcel != NULL) {
            tb_buf_add(&out, parcel->bytes, parcel->len);
            ++*parcels;
        }
        tb_parcel_drop(&parcel);
    }
    return tb_buf_str(&out);
}

/* The ids of its events, separated by spaces; `!` before that of a reset. */
static const char *ids(struct fixture *f, struct tb_subscriber *subscriber)
{
    unsigned parcels;
    struct tb_str sent = drain(f, subscriber, &parcels);
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    bool reset = false;
    for (size_t i = 0; i < sent.len; i++) {
        bool line = i == 0 || sent.ptr[i - 1] == '\n';
        reset = reset || (line && strncmp(sent.ptr + i, "event: reset", 12) == 0);
        if (line && strncmp(sent.ptr + i, "id: ", 4) == 0) {
            TB_BUF_LIT(&out, " ");
            tb_buf_add_c(&out, reset ? "!" : "");
            const char *id = sent.ptr + i + 4;
            tb_buf_add(&out, id, (size_t)((const char *)memchr(id, '\n', sent.len - i - 4) - id));
            reset = false;
        }
    }
    tb_buf_add(&out, "", 1);
    return out.ptr[0] == ' ' ? out.ptr + 1 : "";
}

static void add_events(struct fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fixture_task_named(f, "t");
    }
}

/* --- what is sent --- */

static void a_subscriber_is_sent_what_comes_behind_its_cursor(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(1, TB_STREAM_EVENTS, &everything);
    add_events(f, 3);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "2 3");
    assert_false(tb_stream_is_behind(&source, &subscriber));
    add_events(f, 1);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "4");
    tb_stream_leave(&source, &subscriber);
}

static void a_round_ends_where_it_began_to_end(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber early = join(0, TB_STREAM_EVENTS, &everything);
    struct tb_subscriber late = join(0, TB_STREAM_EVENTS, &everything);
    add_events(f, 2);
    begin_round(f);
    assert_string_equal(ids(f, &early), "1 2");
    add_events(f, 2);
    assert_string_equal(ids(f, &late), "1 2");
    begin_round(f);
    assert_string_equal(ids(f, &early), "3 4");
    assert_string_equal(ids(f, &late), "3 4");
    tb_stream_leave(&source, &early);
    tb_stream_leave(&source, &late);
}

static void who_began_behind_the_round_waits_for_the_next_one(void **state)
{
    struct fixture *f = *state;
    add_events(f, 1);
    begin_round(f);
    add_events(f, 1);
    struct tb_subscriber subscriber = join(2, TB_STREAM_EVENTS, &everything);
    assert_false(tb_stream_is_behind(&source, &subscriber));
    tb_stream_leave(&source, &subscriber);
}

static void what_does_not_fit_moves_the_cursor_only(void **state)
{
    struct fixture *f = *state;
    struct tb_str tag = TB_STR("x");
    struct tb_events_request filter = {.tags = &tag, .tag_count = 1};
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &filter);
    add_events(f, 2);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "");
    assert_int_equal(subscriber.cursor, 2);
    fixture_create(f, "{'title':'t','createdBy':'c','tags':['x']}");
    add_events(f, 1);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "3");
    assert_int_equal(subscriber.cursor, 4);
    tb_stream_leave(&source, &subscriber);
}

static void a_filter_that_nothing_fits_reads_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_events_request filter = {.nothing = true};
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &filter);
    add_events(f, 2);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "");
    assert_int_equal(source.log_reads, 0);
    tb_stream_leave(&source, &subscriber);
}

static void a_long_log_comes_in_parcels(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &everything);
    unsigned parcels;
    add_events(f, 2500);
    begin_round(f);
    struct tb_str sent = drain(f, &subscriber, &parcels);
    assert_in_range(parcels, sent.len / (66 * 1024), sent.len / (60 * 1024) + 3);
    assert_int_equal(subscriber.cursor, 2500);
    uint64_t seq = 0;
    for (const char *at = sent.ptr;
         (at = memmem(at, sent.len - (at - sent.ptr), "id: ", 4)) != NULL; at += 4) {
        assert_int_equal(strtoull(at + 4, NULL, 10), ++seq);
    }
    assert_int_equal(seq, 2500);
    tb_stream_leave(&source, &subscriber);
}

static void one_task_is_found_through_its_index_far_back(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "wanted");
    add_events(f, 2100);
    fixture_patch(f, id, "{'priority':1}");
    struct tb_events_request filter = {.task_id = id};
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &filter);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "1 2102");
    assert_int_equal(source.log_reads, 1);
    assert_int_equal(subscriber.cursor, 2102);
    tb_stream_leave(&source, &subscriber);
}

static void the_feed_has_only_its_own_events(void **state)
{
    struct fixture *f = *state;
    struct tb_str agent = TB_STR("ann");
    struct tb_events_request filter = {.agents = &agent, .agent_count = 1};
    struct tb_subscriber all = join(0, TB_STREAM_FEED, &everything);
    struct tb_subscriber anns = join(0, TB_STREAM_FEED, &filter);
    fixture_create(f, "{'title':'t','createdBy':'ann'}");
    struct tb_id first = fixture_publish(f, "ann", "one");
    struct tb_id second = fixture_publish(f, "bob", "two");
    begin_round(f);
    char both[64];
    (void)snprintf(both, sizeof(both), "%s %s", fixture_id(f, first), fixture_id(f, second));
    assert_string_equal(ids(f, &all), both);
    assert_string_equal(ids(f, &anns), fixture_id(f, first));
    tb_stream_leave(&source, &all);
    tb_stream_leave(&source, &anns);
}

/* --- what is lost --- */

static void forget_up_to(struct fixture *f, uint64_t seq)
{
    fixture_begin(f);
    assert_int_equal(tb_drop_events(f->txn, seq, 1000), TB_OK);
    fixture_commit(f);
}

static void who_fell_behind_the_log_is_told(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(1, TB_STREAM_EVENTS, &everything);
    struct tb_subscriber just_so = join(2, TB_STREAM_EVENTS, &everything);
    add_events(f, 4);
    forget_up_to(f, 2);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "!2 3 4");
    assert_string_equal(ids(f, &just_so), "3 4");
    tb_stream_leave(&source, &subscriber);
    tb_stream_leave(&source, &just_so);
}

static void a_cursor_of_another_log_is_told(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(77, TB_STREAM_EVENTS, &everything);
    subscriber.ahead = true;
    add_events(f, 2);
    begin_round(f);
    assert_true(tb_stream_is_behind(&source, &subscriber));
    assert_string_equal(ids(f, &subscriber), "!0 1 2");
    tb_stream_leave(&source, &subscriber);
}

/* A list is read from a snapshot, which may be newer than what is announced. */
static void who_knows_more_than_was_announced_is_no_stranger(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(2, TB_STREAM_EVENTS, &everything);
    subscriber.ahead = true;
    add_events(f, 2);
    tb_stream_begin_round(&source, 1);
    assert_string_equal(ids(f, &subscriber), "");
    assert_false(subscriber.ahead);
    assert_int_equal(subscriber.cursor, 2);
    tb_stream_end_round(&source);
    add_events(f, 1);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), "3");
    tb_stream_leave(&source, &subscriber);
}

static void the_feed_goes_on_without_a_word(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(0, TB_STREAM_FEED, &everything);
    fixture_publish(f, "ann", "lost");
    struct tb_id kept = fixture_publish(f, "ann", "kept");
    forget_up_to(f, 1);
    begin_round(f);
    assert_string_equal(ids(f, &subscriber), fixture_id(f, kept));
    tb_stream_leave(&source, &subscriber);
}

/* --- what is shared --- */

static void subscribers_who_keep_up_share_one_read_of_the_log(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscribers[100];
    struct tb_parcel *first = NULL;
    for (size_t i = 0; i < COUNT(subscribers); i++) {
        subscribers[i] = join(0, TB_STREAM_EVENTS, &everything);
    }
    for (unsigned round = 1; round <= 3; round++) {
        add_events(f, 5);
        begin_round(f);
        for (size_t i = 0; i < COUNT(subscribers); i++) {
            struct tb_parcel *parcel;
            assert_int_equal(tb_stream_next(&source, &subscribers[i], &parcel), TB_OK);
            if (i == 0) {
                first = parcel;
            }
            assert_ptr_equal(parcel, first);
            assert_int_equal(subscribers[i].cursor, 5 * round);
        }
        assert_int_equal(first->refs, COUNT(subscribers) + 1);
        for (size_t i = 0; i < COUNT(subscribers); i++) {
            struct tb_parcel *parcel = first;
            tb_parcel_drop(&parcel);
        }
        assert_int_equal(source.log_reads, round);
        tb_stream_end_round(&source);
    }
    for (size_t i = 0; i < COUNT(subscribers); i++) {
        tb_stream_leave(&source, &subscribers[i]);
    }
}

static void other_filters_and_formats_share_the_read(void **state)
{
    struct fixture *f = *state;
    struct tb_str agents[] = {TB_STR("a"), TB_STR("b")};
    struct tb_events_request of_a = {.agents = &agents[0], .agent_count = 1};
    struct tb_events_request of_b = {.agents = &agents[1], .agent_count = 1};
    struct tb_subscriber subscribers[] = {
        join(0, TB_STREAM_EVENTS, &everything), join(0, TB_STREAM_WEBSOCKET, &everything),
        join(0, TB_STREAM_EVENTS, &of_a),       join(0, TB_STREAM_EVENTS, &of_b),
        join(0, TB_STREAM_FEED, &everything),
    };
    fixture_create(f, "{'title':'t','createdBy':'a'}");
    begin_round(f);
    unsigned parcels;
    for (size_t i = 0; i < COUNT(subscribers); i++) {
        struct tb_str sent = drain(f, &subscribers[i], &parcels);
        assert_int_equal(sent.len > 0, i < 3);
        tb_stream_leave(&source, &subscribers[i]);
    }
    assert_int_equal(source.log_reads, 1);
}

static void the_same_filter_is_one_channel(void **state)
{
    (void)state;
    char twice[] = "annann";
    struct tb_str first = tb_str_from(twice, 3), second = tb_str_from(twice + 3, 3);
    struct tb_events_request a = {.agents = &first, .agent_count = 1};
    struct tb_events_request b = {.agents = &second, .agent_count = 1};
    struct tb_str name = TB_STR("x");
    struct tb_events_request tag = {.tags = &name, .tag_count = 1};
    struct tb_subscriber one = join(0, TB_STREAM_EVENTS, &a);
    struct tb_subscriber two = join(5, TB_STREAM_EVENTS, &b);
    struct tb_subscriber other = join(0, TB_STREAM_EVENTS, &tag);
    struct tb_subscriber feed = join(0, TB_STREAM_FEED, &a);
    assert_ptr_equal(one.channel, two.channel);
    assert_ptr_not_equal(one.channel, other.channel);
    assert_ptr_not_equal(one.channel, feed.channel);
    twice[0] = 'x'; /* what was given is not kept */
    assert_str(two.channel->filter.agents[0], "ann");
    tb_stream_refilter(&source, &two, &tag);
    assert_ptr_equal(two.channel, other.channel);
    assert_int_equal(one.channel->refs, 1);
    tb_stream_leave(&source, &one);
    tb_stream_leave(&source, &two);
    tb_stream_leave(&source, &other);
    tb_stream_leave(&source, &feed);
}

static void a_parcel_outlives_its_round_and_its_channel(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &everything);
    struct tb_parcel *parcel;
    add_events(f, 1);
    begin_round(f);
    assert_int_equal(tb_stream_next(&source, &subscriber, &parcel), TB_OK);
    tb_stream_leave(&source, &subscriber);
    tb_stream_end_round(&source);
    assert_int_equal(parcel->refs, 1);
    assert_memory_equal(parcel->bytes, "id: 1\ndata: {\"seq\":1,", 21);
    tb_parcel_drop(&parcel);
    assert_null(parcel);
}

static void those_who_come_late_catch_up_with_the_others(void **state)
{
    struct fixture *f = *state;
    add_events(f, 3000);
    struct tb_subscriber quick = join(3000, TB_STREAM_EVENTS, &everything);
    struct tb_subscriber slow = join(0, TB_STREAM_EVENTS, &everything);
    uint64_t reads = 0;
    for (unsigned round = 0; round < 100; round++) {
        struct tb_parcel *parcel;
        add_events(f, 1);
        begin_round(f);
        (void)ids(f, &quick);
        if (tb_stream_is_behind(&source, &slow)) { /* a parcel a round */
            assert_int_equal(tb_stream_next(&source, &slow, &parcel), TB_OK);
            tb_parcel_drop(&parcel);
        }
        reads = source.log_reads;
    }
    assert_int_equal(slow.cursor, quick.cursor);
    add_events(f, 1);
    begin_round(f);
    assert_string_equal(ids(f, &quick), "3101");
    assert_string_equal(ids(f, &slow), "3101");
    assert_int_equal(source.log_reads, reads + 1);
    tb_stream_leave(&source, &quick);
    tb_stream_leave(&source, &slow);
}

/* --- compressed --- */

/* A client that decompresses what it gets. */
struct reader {
    struct tb_subscriber subscriber;
    z_stream inflater;
    struct tb_buf plain;
    bool whole; /* has read the end */
};

static void read_bytes(struct reader *reader, struct tb_str bytes)
{
    z_stream *inflater = &reader->inflater;
    inflater->next_in = (Bytef *)(uintptr_t)bytes.ptr;
    inflater->avail_in = (uInt)bytes.len;
    assert_false(reader->whole);
    do {
        inflater->next_out = (Bytef *)tb_buf_reserve(&reader->plain, 4096);
        inflater->avail_out = 4096;
        int got = inflate(inflater, Z_SYNC_FLUSH);
        assert_true(got == Z_OK || got == Z_BUF_ERROR || got == Z_STREAM_END);
        reader->whole = got == Z_STREAM_END;
        reader->plain.len += 4096 - inflater->avail_out;
    } while (inflater->avail_out == 0);
    assert_int_equal(inflater->avail_in, 0);
}

static void read_parcel(struct reader *reader, struct tb_parcel *parcel)
{
    read_bytes(reader, tb_str_from(parcel->bytes, parcel->len));
    tb_parcel_drop(&parcel);
}

static void open_reader(struct fixture *f, struct reader *reader, uint64_t cursor)
{
    *reader = (struct reader){.subscriber = {.cursor = cursor}};
    tb_buf_init(&reader->plain, f->arena, 4096);
    assert_int_equal(inflateInit2(&reader->inflater, GZIP_ONLY), Z_OK);
    tb_stream_join(&source, &reader->subscriber, TB_STREAM_EVENTS, TB_STREAM_GZIP, &everything);
    read_bytes(reader, tb_stream_opening(&reader->subscriber, f->arena, TB_STR("retry: 1\n\n")));
}

/* The compressed bytes of a round. */
static size_t read_round(struct reader *reader)
{
    size_t bytes = 0;
    while (tb_stream_is_behind(&source, &reader->subscriber)) {
        struct tb_parcel *parcel;
        assert_int_equal(tb_stream_next(&source, &reader->subscriber, &parcel), TB_OK);
        if (parcel != NULL) {
            bytes += parcel->len;
            read_parcel(reader, parcel);
        }
    }
    return bytes;
}

static void close_reader(struct reader *reader)
{
    read_parcel(reader, tb_stream_ending(&source, &reader->subscriber));
    assert_true(reader->whole); /* with the right sum */
    assert_int_equal(inflateEnd(&reader->inflater), Z_OK);
    tb_stream_leave(&source, &reader->subscriber);
}

static bool has_read(const struct reader *reader, const char *text)
{
    return memmem(reader->plain.ptr, reader->plain.len, text, strlen(text)) != NULL;
}

/* What it has read, behind the opening, is what a plain subscriber gets. */
static void check_against_plain(struct fixture *f, struct reader *reader, uint64_t cursor)
{
    unsigned parcels;
    struct tb_subscriber plain = join(cursor, TB_STREAM_EVENTS, &everything);
    struct tb_str wanted = drain(f, &plain, &parcels);
    tb_stream_leave(&source, &plain);
    assert_memory_equal(reader->plain.ptr, "retry: 1\n\n", 10);
    assert_str_eq(tb_str_from(reader->plain.ptr + 10, reader->plain.len - 10), wanted);
}

static void a_compressed_stream_says_the_same(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    add_events(f, 3000);
    open_reader(f, &reader, 0);
    begin_round(f);
    size_t bytes = read_round(&reader);
    assert_in_range(bytes, 1, reader.plain.len / 8);
    check_against_plain(f, &reader, 0);
    for (unsigned round = 0; round < 5; round++) {
        add_events(f, 1);
        begin_round(f);
        (void)read_round(&reader);
        check_against_plain(f, &reader, 0); /* at once, not with what comes next */
    }
    close_reader(&reader);
}

static void compressed_parcels_are_shared_by_those_who_began_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct reader readers[3];
    struct tb_parcel *parcels[3];
    add_events(f, 30);
    for (size_t i = 0; i < COUNT(readers); i++) {
        open_reader(f, &readers[i], 10 * i);
    }
    begin_round(f);
    for (size_t i = 0; i < COUNT(readers); i++) {
        (void)read_round(&readers[i]);
        if (i == 1) {
            read_parcel(&readers[i], tb_stream_aside(&source, &readers[i].subscriber,
                                                     TB_STR(": heartbeat\n\n")));
        }
    }
    add_events(f, 30);
    begin_round(f);
    for (size_t i = 0; i < COUNT(readers); i++) {
        struct tb_subscriber *subscriber = &readers[i].subscriber;
        assert_int_equal(tb_stream_next(&source, subscriber, &parcels[i]), TB_OK);
        assert_ptr_equal(parcels[i], parcels[0]);
    }
    for (size_t i = 0; i < COUNT(readers); i++) {
        read_parcel(&readers[i], parcels[i]);
        assert_int_equal(readers[i].subscriber.cursor, 60);
        close_reader(&readers[i]);
    }
    assert_true(has_read(&readers[1], ": heartbeat\n\nid: 31\n"));
}

static void a_compressed_parcel_takes_more_events(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct tb_parcel *parcel;
    struct tb_subscriber plain = join(0, TB_STREAM_EVENTS, &everything);
    add_events(f, 1000);
    open_reader(f, &reader, 0);
    begin_round(f);
    assert_int_equal(tb_stream_next(&source, &plain, &parcel), TB_OK);
    tb_parcel_drop(&parcel);
    assert_int_equal(tb_stream_next(&source, &reader.subscriber, &parcel), TB_OK);
    assert_true(reader.subscriber.cursor > 2 * plain.cursor);
    assert_ptr_not_equal(plain.channel, reader.subscriber.channel);
    read_parcel(&reader, parcel);
    close_reader(&reader);
    tb_stream_leave(&source, &plain);
}

static void a_compressed_reset_is_read_like_any_other(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    open_reader(f, &reader, 0);
    add_events(f, 4);
    forget_up_to(f, 2);
    begin_round(f);
    (void)read_round(&reader);
    assert_true(
        has_read(&reader, "\n\nevent: reset\nid: 2\ndata: {\"oldest\":3,\"head\":4}\n\nid: 3\n"));
    close_reader(&reader);
}

static void a_plain_stream_has_no_opening_of_its_own_and_no_end(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &everything);
    assert_str(tb_stream_opening(&subscriber, f->arena, TB_STR("retry")), "retry");
    struct tb_parcel *parcel = tb_stream_aside(&source, &subscriber, TB_STR(": x\n\n"));
    assert_str(tb_str_from(parcel->bytes, parcel->len), ": x\n\n");
    tb_parcel_drop(&parcel);
    assert_null(tb_stream_ending(&source, &subscriber));
    assert_false(subscriber.ended);
    assert_null(source.gzip);
    tb_stream_leave(&source, &subscriber);
}

/* --- faults --- */

static void a_log_that_cannot_be_read_is_told_and_the_cursor_stays(void **state)
{
    struct fixture *f = *state;
    struct tb_subscriber subscriber = join(0, TB_STREAM_EVENTS, &everything);
    struct tb_parcel *parcel;
    add_events(f, 1);
    tb_stream_begin_round(&source, 9); /* as if the log were longer than it is */
    assert_string_equal(fixture_head(f).seq == 1 ? "one" : "", "one");
    assert_int_equal(tb_stream_next(&source, &subscriber, &parcel), TB_OK);
    tb_parcel_drop(&parcel);
    assert_int_equal(subscriber.cursor, 1);
    assert_int_equal(tb_stream_next(&source, &subscriber, &parcel), TB_E_STORAGE_CORRUPT);
    assert_null(parcel);
    assert_int_equal(subscriber.cursor, 1);
    tb_stream_leave(&source, &subscriber);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stream_test(a_subscriber_is_sent_what_comes_behind_its_cursor),
        stream_test(a_round_ends_where_it_began_to_end),
        stream_test(who_began_behind_the_round_waits_for_the_next_one),
        stream_test(what_does_not_fit_moves_the_cursor_only),
        stream_test(a_filter_that_nothing_fits_reads_nothing),
        stream_test(a_long_log_comes_in_parcels),
        stream_test(one_task_is_found_through_its_index_far_back),
        stream_test(the_feed_has_only_its_own_events),
        stream_test(who_fell_behind_the_log_is_told),
        stream_test(a_cursor_of_another_log_is_told),
        stream_test(who_knows_more_than_was_announced_is_no_stranger),
        stream_test(the_feed_goes_on_without_a_word),
        stream_test(subscribers_who_keep_up_share_one_read_of_the_log),
        stream_test(other_filters_and_formats_share_the_read),
        stream_test(the_same_filter_is_one_channel),
        stream_test(a_parcel_outlives_its_round_and_its_channel),
        stream_test(those_who_come_late_catch_up_with_the_others),
        stream_test(a_compressed_stream_says_the_same),
        stream_test(compressed_parcels_are_shared_by_those_who_began_elsewhere),
        stream_test(a_compressed_parcel_takes_more_events),
        stream_test(a_compressed_reset_is_read_like_any_other),
        stream_test(a_plain_stream_has_no_opening_of_its_own_and_no_end),
        stream_test(a_log_that_cannot_be_read_is_told_and_the_cursor_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

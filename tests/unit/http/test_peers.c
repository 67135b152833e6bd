#include "unit/base/check.h"

#include <pthread.h>

#include "http/peers.h"

#define THREADS      4
#define PEERS        40
#define PEER_MAX     3
#define HISTORY_LEN  20000
#define JOINS_THREAD 1000

static const struct tb_address somebody = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 7}};
static const struct tb_address neighbour = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 8}};
static const struct tb_address in_ipv6 = {{0x20, 1, 0x0d, 0xb8, [15] = 1}};

/* How many of `count` connections get in. */
static unsigned join_often(struct tb_peers *peers, const struct tb_address *address, unsigned count)
{
    unsigned joined = 0;
    for (unsigned i = 0; i < count; i++) {
        joined += tb_peers_join(peers, address);
    }
    return joined;
}

static void leave_often(struct tb_peers *peers, const struct tb_address *address, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        tb_peers_leave(peers, address);
    }
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
    (void)state;
    struct tb_peers *peers = tb_peers_new(3, 100);
    assert_int_equal(join_often(peers, &somebody, 10), 3);
    tb_peers_leave(peers, &somebody);
    assert_int_equal(join_often(peers, &somebody, 10), 1);
    leave_often(peers, &somebody, 3);
    assert_int_equal(join_often(peers, &somebody, 10), 3);
    leave_often(peers, &somebody, 3);
    tb_peers_free(&peers);
    assert_null(peers);
}

static void others_do_not_count(void **state)
{
    (void)state;
    struct tb_peers *peers = tb_peers_new(2, 100);
    assert_int_equal(join_often(peers, &somebody, 5), 2);
    assert_int_equal(join_often(peers, &neighbour, 5), 2);
    assert_int_equal(join_often(peers, &in_ipv6, 5), 2);
    leave_often(peers, &neighbour, 2);
    assert_int_equal(join_often(peers, &somebody, 5), 0);
    leave_often(peers, &somebody, 2);
    leave_often(peers, &in_ipv6, 2);
    tb_peers_free(&peers);
}

static void a_network_of_ipv6_is_one_client(void **state)
{
    (void)state;
    struct tb_peers *peers = tb_peers_new(2, 100);
    struct tb_address other = in_ipv6;
    other.bytes[8] = 0x99; /* another host */
    assert_int_equal(join_often(peers, &in_ipv6, 1), 1);
    assert_int_equal(join_often(peers, &other, 5), 1);
    assert_int_equal(tb_peers_count(peers), 1);
    other.bytes[7] = 1; /* another network */
    assert_int_equal(join_often(peers, &other, 5), 2);
    leave_often(peers, &other, 2);
    leave_often(peers, &in_ipv6, 2); /* whichever of its addresses */
    tb_peers_free(&peers);
}

static void who_has_no_connection_is_forgotten(void **state)
{
    (void)state;
    struct tb_peers *peers = tb_peers_new(2, 4);
    struct tb_address address = somebody;
    for (unsigned i = 0; i < 256; i++) {
        address.bytes[15] = (unsigned char)i;
        assert_int_equal(join_often(peers, &address, 3), 2);
        assert_int_equal(tb_peers_count(peers), 1);
        leave_often(peers, &address, 2);
        assert_int_equal(tb_peers_count(peers), 0);
    }
    tb_peers_free(&peers);
}

/* Compares a random history with plain counts; with one slot all addresses stand in one row. */
static void plays_a_history(unsigned slots)
{
    struct tb_peers *peers = tb_peers_new(PEER_MAX, slots);
    unsigned counts[PEERS] = {0};
    size_t known = 0;
    uint64_t random = 7;
    struct tb_address address = somebody;
    for (unsigned i = 0; i < HISTORY_LEN; i++) {
        unsigned who = random_below(&random, PEERS);
        address.bytes[15] = (unsigned char)who;
        if (random_below(&random, 2) == 0) {
            assert_int_equal(tb_peers_join(peers, &address), counts[who] < PEER_MAX);
            known += counts[who] == 0;
            counts[who] += counts[who] < PEER_MAX;
        } else if (counts[who] > 0) {
            tb_peers_leave(peers, &address);
            known -= --counts[who] == 0;
        }
        assert_int_equal(tb_peers_count(peers), known);
    }
    for (unsigned who = 0; who < PEERS; who++) {
        address.bytes[15] = (unsigned char)who;
        leave_often(peers, &address, counts[who]);
    }
    assert_int_equal(tb_peers_count(peers), 0);
    tb_peers_free(&peers);
}

static void many_who_come_and_go_are_told_apart(void **state)
{
    (void)state;
    plays_a_history(1);
    plays_a_history(PEERS);
}

static void *join_in_thread(void *peers)
{
    return (void *)(uintptr_t)join_often(peers, &somebody, JOINS_THREAD);
}

static void all_threads_count_together(void **state)
{
    (void)state;
    struct tb_peers *peers = tb_peers_new(THREADS * JOINS_THREAD / 2, 100);
    pthread_t threads[THREADS];
    uintptr_t joined = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, join_in_thread, peers), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *of_thread;
        assert_int_equal(pthread_join(threads[i], &of_thread), 0);
        joined += (uintptr_t)of_thread;
    }
    assert_int_equal(joined, THREADS * JOINS_THREAD / 2);
    leave_often(peers, &somebody, THREADS * JOINS_THREAD / 2);
    tb_peers_free(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_connections_and_no_more),
        cmocka_unit_test(others_do_not_count),
        cmocka_unit_test(a_network_of_ipv6_is_one_client),
        cmocka_unit_test(who_has_no_connection_is_forgotten),
        cmocka_unit_test(many_who_come_and_go_are_told_apart),
        cmocka_unit_test(all_threads_count_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

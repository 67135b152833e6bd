#include "unit/base/check.h"

#include "http/client.h"

static struct tb_proxies proxies_of(const char *const *networks, size_t count)
{
    struct tb_proxies proxies = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        assert_true(tb_proxies_add(&proxies, networks[i]));
    }
    return proxies;
}

/* An address, as a network of its own tells it. */
static struct tb_address address(const char *text)
{
    struct tb_proxies one = proxies_of(&text, 1);
    return one.items[0].address;
}

static void networks_contain_what_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true}, /* what is behind the bits does not count */
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"192.0.2.7/32", "192.0.2.7", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.9", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        /* One client, however its socket sees it. */
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "11.1.1.1", false},
        {"::10.0.0.0/104", "10.1.1.1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tb_proxies proxies = proxies_of(&cases[i].network, 1);
        struct tb_address found = address(cases[i].address);
        if (tb_proxies_know(&proxies, &found) != cases[i].inside) {
            fail_msg("%s in %s", cases[i].address, cases[i].network);
        }
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          "x",        "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",  "10.0.0.0/8/8",
        "10.0.0",    "::/129",   "/8",          "10.0.0.0/ 8", "[::1]",      "localhost",
        "1.2.3.4:5", "fe80::%1", "256.0.0.1",   "::1/x",       "10.0.0.0/+8"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct tb_proxies proxies = {.count = 0};
        if (tb_proxies_add(&proxies, wrong[i]) || proxies.count != 0) {
            fail_msg("%s was taken", wrong[i]);
        }
    }
}

static void there_is_room_for_so_many_networks(void **state)
{
    (void)state;
    struct tb_proxies proxies = {.count = 0};
    for (size_t i = 0; i < TB_PROXIES_MAX; i++) {
        assert_true(tb_proxies_add(&proxies, "::1"));
    }
    assert_false(tb_proxies_add(&proxies, "::1"));
}

static void addresses_are_written_as_people_know_them(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::", "::"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char out[TB_ADDRESS_CHARS];
        struct tb_address one = address(texts[i][0]);
        tb_address_format(&one, out);
        assert_string_equal(out, texts[i][1]);
    }
}

static void the_client_is_the_last_one_that_is_no_known_proxy(void **state)
{
    (void)state;
    static const char *const networks[] = {"10.0.0.0/8", "2001:db8::/64"};
    static const struct {
        const char *peer, *header, *client;
    } cases[] = {
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
        {"2001:db8::5", "2001:db8:1::9", "2001:db8:1::9"},
        /* whom nobody has named */
        {"192.0.2.1", "203.0.113.9", "192.0.2.1"},
        {"2001:db8:0:1::5", "203.0.113.9", "2001:db8:0:1::5"},
        /* several hops: what stands further left was written by strangers */
        {"10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9,2001:db8::7,10.0.0.2", "203.0.113.9"},
        {"10.0.0.1", "127.0.0.1, 10.9.9.9, 203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"}, /* all are known: the first */
        /* spaces, ports, brackets, mapped addresses */
        {"10.0.0.1", " \t203.0.113.9 \t", "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9:4711", "203.0.113.9"},
        {"10.0.0.1", "[2001:db8:1::9]:4711", "2001:db8:1::9"},
        {"10.0.0.1", "[2001:db8:1::9]", "2001:db8:1::9"},
        {"::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"},
        /* what is no address: whoever wrote it is no proxy of ours */
        {"10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9, _hidden, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "203.0.113.9,", "10.0.0.1"},
        {"10.0.0.1", ",", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9;10.0.0.2", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9:", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9:123456", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.999", "10.0.0.1"},
        {"10.0.0.1", "[203.0.113.9]", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8:1::9", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8:1::9]x", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8:1::9]:", "10.0.0.1"},
        {"10.0.0.1", "[]", "10.0.0.1"},
        {"10.0.0.1", "[", "10.0.0.1"},
        {"10.0.0.1", "fe80::1%eth0", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9 198.51.100.1", "10.0.0.1"},
        {"10.0.0.1", "00000000000000000000000000000000000000000000000000:1", "10.0.0.1"},
    };
    const struct tb_proxies proxies = proxies_of(networks, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *header = cases[i].header;
        char out[TB_ADDRESS_CHARS];
        struct tb_address found = tb_proxies_client(
            &proxies, address(cases[i].peer), header == NULL ? TB_STR_NONE : tb_str_c(header));
        tb_address_format(&found, out);
        if (strcmp(out, cases[i].client) != 0) {
            fail_msg("%s of %s: %s", header, cases[i].peer, out);
        }
    }
}

static void without_known_proxies_the_peer_is_the_client(void **state)
{
    (void)state;
    const struct tb_proxies none = {.count = 0};
    struct tb_address peer = address("127.0.0.1");
    struct tb_address found = tb_proxies_client(&none, peer, TB_STR("203.0.113.9"));
    assert_memory_equal(&found, &peer, sizeof(peer));
}

static void a_nul_ends_no_address(void **state)
{
    (void)state;
    static const char *const proxy = "10.0.0.0/8";
    static const char header[] = "203.0.113.9\0 x";
    const struct tb_proxies proxies = proxies_of(&proxy, 1);
    struct tb_address peer = address("10.0.0.1");
    struct tb_address found =
        tb_proxies_client(&proxies, peer, tb_str_from(header, sizeof(header) - 1));
    assert_memory_equal(&found, &peer, sizeof(peer));
}

static void of_ipv6_the_first_half_makes_a_client_and_of_ipv4_all(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2::", "2001:db8:1:2::"},
        {"::1", "::"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char written[TB_ADDRESS_CHARS];
        struct tb_address found = address(cases[i][0]);
        found = tb_address_block(&found);
        tb_address_format(&found, written);
        assert_string_equal(written, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_contain_what_they_name),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(there_is_room_for_so_many_networks),
        cmocka_unit_test(addresses_are_written_as_people_know_them),
        cmocka_unit_test(the_client_is_the_last_one_that_is_no_known_proxy),
        cmocka_unit_test(without_known_proxies_the_peer_is_the_client),
        cmocka_unit_test(a_nul_ends_no_address),
        cmocka_unit_test(of_ipv6_the_first_half_makes_a_client_and_of_ipv4_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

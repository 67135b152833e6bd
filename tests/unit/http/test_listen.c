#include "unit/base/check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/listen.h"

static char why[256];

static bool resolve(struct tb_listen *sockets, const char *host, uint16_t port)
{
    struct tb_listen_options options = {
        .hosts = &host, .host_count = host == NULL ? 0 : 1, .port = port, .threads = 2};
    return tb_listen_resolve(sockets, &options, why, sizeof(why));
}

static void listen_tells_loopback_addresses_from_others(void **state)
{
    (void)state;
    static const char *const loopback[] = {"127.0.0.1", "127.1.2.3",        "::1",
                                           "[::1]",     "::ffff:127.0.0.1", "localhost"};
    static const char *const others[] = {"0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1"};
    struct tb_listen sockets;
    for (size_t i = 0; i < COUNT(loopback); i++) {
        assert_true(resolve(&sockets, loopback[i], 0));
        assert_true(tb_listen_is_loopback(&sockets));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_true(resolve(&sockets, others[i], 0));
        assert_false(tb_listen_is_loopback(&sockets));
    }
    assert_true(resolve(&sockets, NULL, 0));
    assert_false(tb_listen_is_loopback(&sockets));
}

static void listen_refuses_what_is_no_host(void **state)
{
    (void)state;
    struct tb_listen sockets;
    assert_false(resolve(&sockets, "not a host", 0));
    assert_non_null(strstr(why, "not a host"));
}

static void listen_gives_all_threads_the_same_free_port(void **state)
{
    (void)state;
    struct tb_listen sockets;
    assert_true(resolve(&sockets, "127.0.0.1", 0));
    assert_true(tb_listen_bind(&sockets, why, sizeof(why)));
    assert_null(strstr(sockets.addresses[0].name, ":0"));
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in address;
        socklen_t len = sizeof(address);
        assert_int_equal(getsockname(sockets.fds[i], (struct sockaddr *)&address, &len), 0);
        char name[64];
        (void)snprintf(name, sizeof(name), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
        assert_string_equal(name, sockets.addresses[0].name);
    }
    tb_listen_close(&sockets);
}

static void listen_refuses_a_port_on_which_another_listens_even_when_it_would_share(void **state)
{
    (void)state;
    struct tb_listen first, second;
    assert_true(resolve(&first, "127.0.0.1", 0));
    assert_true(tb_listen_bind(&first, why, sizeof(why)));
    int fd = tb_listen_take(&first, 0, 0);
    assert_true(fd >= 0);
    uint16_t port = (uint16_t)atoi(strrchr(first.addresses[0].name, ':') + 1);
    assert_true(resolve(&second, "127.0.0.1", port));
    assert_false(tb_listen_bind(&second, why, sizeof(why)));
    assert_non_null(strstr(why, first.addresses[0].name));
    tb_listen_close(&second);
    tb_listen_close(&first);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_tells_loopback_addresses_from_others),
        cmocka_unit_test(listen_refuses_what_is_no_host),
        cmocka_unit_test(listen_gives_all_threads_the_same_free_port),
        cmocka_unit_test(listen_refuses_a_port_on_which_another_listens_even_when_it_would_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

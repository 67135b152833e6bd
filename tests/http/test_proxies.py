"""Who is asking, behind proxies: X-Forwarded-For counts where it comes from one that the operator has named."""

import re

import pytest
from harness import Client, Raw, TOKEN, eventually
from harness.server import has_ipv6

ELSEWHERE = "192.0.2.0/24"
SLOWED = 0.09  # seconds: the shortest delay of a failed login is 0.1


def client_of(server, headers, **options):
    """The client that the log names for a request with these headers."""
    request_id = f"r{len(server.log())}"
    asker = Client(server.port, TOKEN, **options)
    assert asker.get("/board/summary", headers={**headers, "X-Request-Id": request_id}).status == 200
    asker.close()
    line = eventually(lambda: next((line for line in server.log().splitlines() if f"id={request_id} " in line), None), "the log line")
    return re.search(r" client=(\S+)", line).group(1)


def test_without_named_proxies_the_header_counts_for_nothing(serve):
    server = serve()
    assert client_of(server, {}) == "127.0.0.1"
    assert client_of(server, {"X-Forwarded-For": "203.0.113.9"}) == "127.0.0.1"


def test_a_named_proxy_is_believed(serve):
    server = serve("--trusted-proxy", ELSEWHERE, "--trusted-proxy", "127.0.0.1")
    assert client_of(server, {}) == "127.0.0.1"
    assert client_of(server, {"X-Forwarded-For": "203.0.113.9"}) == "203.0.113.9"
    assert client_of(server, {"X-Forwarded-For": "2001:db8::9"}) == "2001:db8::9"
    assert client_of(server, {"X-Forwarded-For": "10.9.9.9, 203.0.113.9, 192.0.2.77"}) == "203.0.113.9"
    assert client_of(server, {"X-Forwarded-For": "not an address"}) == "127.0.0.1"


def test_another_peer_is_not(serve):
    server = serve("--trusted-proxy", ELSEWHERE)
    assert client_of(server, {"X-Forwarded-For": "203.0.113.9"}) == "127.0.0.1"


def test_several_lines_are_one_list(serve):
    server = serve("--trusted-proxy", "127.0.0.0/8")
    with Raw(server.port) as raw:
        raw.send(f"GET /board/summary HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nX-Request-Id: twice\r\n"
                 "X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
        assert raw.answer().status == 200
    eventually(lambda: "id=twice " in server.log() and "client=203.0.113.9" in server.log(), "the second line to count")


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
def test_ipv6_and_ipv4_on_one_socket(serve):
    server = serve("--trusted-proxy", "::1", host="::")
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert client_of(server, {}, host="::1") == "::1"
    assert client_of(server, forwarded, host="::1") == "203.0.113.9"
    assert client_of(server, {}) == "127.0.0.1", "not ::ffff:127.0.0.1"
    assert client_of(server, forwarded) == "127.0.0.1"
    mapped = serve("--trusted-proxy", "127.0.0.1", host="::")
    assert client_of(mapped, forwarded) == "203.0.113.9"


def links_are_secure(server, **headers):
    url = server.client().post("/auth/magic-link", headers={"Host": "board.example", "X-Forwarded-Proto": "https", **headers}).json["url"]
    return url.startswith("https://")


def test_the_scheme_is_believed_of_named_proxies_alone_once_there_are_any(serve):
    if serve().tls:
        pytest.skip("this run is over TLS as a whole")
    assert links_are_secure(serve())
    assert links_are_secure(serve("--trusted-proxy", "127.0.0.1"))
    assert not links_are_secure(serve("--trusted-proxy", ELSEWHERE))


def seconds_of_a_failure(server, address):
    """How long the answer to a wrong token takes, by the server's own clock."""
    request_id = f"f{len(server.log())}"
    wrong = Client(server.port, "a-wrong-token")
    assert wrong.get("/board/tasks", headers={"X-Forwarded-For": address, "X-Request-Id": request_id}).status == 401
    wrong.close()
    line = eventually(lambda: next((line for line in server.log().splitlines() if f"id={request_id} " in line), None), "the log line")
    return int(re.search(r" us=(\d+)", line).group(1)) / 1e6


def test_who_fails_often_slows_nobody_else_down(serve):
    server = serve("--threads", "1", "--trusted-proxy", "127.0.0.1")
    assert max(seconds_of_a_failure(server, "203.0.113.9") for _ in range(8)) >= SLOWED
    assert seconds_of_a_failure(server, "198.51.100.1") < SLOWED
    assert seconds_of_a_failure(server, "203.0.113.9") >= SLOWED


def test_behind_an_unknown_proxy_all_fail_as_one(serve):
    server = serve("--threads", "1")
    assert max(seconds_of_a_failure(server, f"203.0.113.{n}") for n in range(8)) >= SLOWED


@pytest.mark.parametrize("network", ["x", "10.0.0.0/33", "localhost", "10.0.0.0/8 x"])
def test_what_is_no_network_is_refused(serve, network):
    code, log = serve("--trusted-proxy", network, start=False).refusal()
    assert code == 2 and log.count("\n") == 1 and "--trusted-proxy must be an address or a network" in log and network in log, log


def test_the_setting_comes_from_the_environment_and_the_file_too(serve, tmp_path):
    server = serve(env={"TASKBOARD_TRUSTED_PROXY": "10.0.0.0/8, 127.0.0.1"})
    assert client_of(server, {"X-Forwarded-For": "203.0.113.9"}) == "203.0.113.9"
    config = tmp_path / "taskboard.conf"
    config.write_text("trusted-proxy = 127.0.0.1\ntrusted-proxy = 10.0.0.0/8\n")
    assert client_of(serve("--config", config), {"X-Forwarded-For": "203.0.113.9, 10.1.1.1"}) == "203.0.113.9"

"""--connections-per-address: how many connections a client address may have, and that each end of one gives its place back."""

import http.client
import signal
import socket

import pytest
from harness import Certificate, Raw, Server, Sse, TOKEN, Ws, eventually
from harness.auth import make_token, revoke
from harness.server import has_ipv6
from harness.tls import OVER_TLS
from harness.wait import PATIENCE_SECONDS
from tools.prometheus_text import parse

MOST = 5
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
HEAD = f"Host: t\r\nAuthorization: Bearer {TOKEN}\r\n"
HEALTH = f"GET /health HTTP/1.1\r\n{HEAD}\r\n"
HALF_A_TASK = f"POST /board/tasks HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n{{"


def connected(server, source=HERE):
    """A connection that is served, or None. Who is turned away may be reset before it can read why."""
    try:
        raw = Raw(server.port, source=source)
        raw.send(HEALTH)
        if raw.answer().status == 200:
            return raw
        raw.close()
    except TimeoutError:
        raise
    except (http.client.HTTPException, OSError):
        pass
    return None


def places(server, source=HERE, tries=MOST + 3):
    """How many of so many connections are served side by side; they are closed."""
    served = [raw for raw in (connected(server, source) for _ in range(tries)) if raw]
    for raw in served:
        raw.close()
    return len(served)


def wait_for_places(server, count):
    """Until there are just so many: what was closed at once may not even have been taken in yet."""
    eventually(lambda: places(server) == count, f"{count} places")


def numbers(raw):
    raw.send(f"GET /metrics HTTP/1.1\r\n{HEAD}\r\n")
    return parse(raw.answer().body.decode())


def wait_for_others(server, count):
    """Until nobody but so many others is connected: what was closed here the server closes when it sees it."""
    with eventually(lambda: connected(server, ELSEWHERE), "a place to look from") as watcher:
        eventually(lambda: numbers(watcher)["taskboard_connections"].total() == count + 1, f"{count} connections to be left")


@pytest.fixture(scope="module")
def server():
    """Two loops: what is counted is counted over both."""
    with Server("--threads", 2, "--connections-per-address", MOST) as server:
        yield server
        assert server.is_up(), server.log()[-8000:]


# --- who is turned away ---


def test_an_address_has_so_many_and_another_one_its_own(server):
    wait_for_others(server, 0)
    kept = [connected(server) for _ in range(MOST)]
    assert all(kept) and connected(server) is None
    assert places(server, ELSEWHERE) == MOST
    for raw in kept:
        raw.send(HEALTH)
        assert raw.answer().status == 200, "who is in stays in"
        raw.close()
    wait_for_others(server, 0)
    wait_for_places(server, MOST)


@pytest.mark.skipif(OVER_TLS, reason="over TLS there is no answer")
def test_one_too_many_is_told_so(serve):
    server = serve("--connections-per-address", 1)
    kept = connected(server)
    with server.raw() as raw:
        answer = raw.answer()
        assert answer.status == 503 and answer.json["code"] == "overloaded"
        assert answer.headers["Retry-After"] and answer.headers["Connection"] == "close"
        assert raw.receive() == b""
    kept.close()


def test_the_log_says_it_once_in_a_while_and_the_metrics_count_all(serve):
    server = serve("--threads", 1, "--connections-per-address", 1)
    kept = connected(server, ELSEWHERE)
    assert [connected(server, ELSEWHERE) for _ in range(20)] == [None] * 20
    with Raw(server.port) as raw:
        found = numbers(raw)
    assert found["taskboard_connections_refused_by_address_total"].total() == 20
    assert found["taskboard_connections_refused_total"].total() == 0
    assert found["taskboard_connections"].total() == 2
    line = eventually(lambda: [line for line in server.log().splitlines() if "too many connections" in line], "the log line")
    assert len(line) == 1 and f"client={ELSEWHERE}" in line[0]
    kept.close()


def test_the_cap_of_all_holds_beside_it(serve):
    server = serve("--max-connections", 3, "--connections-per-address", 2)
    kept = [connected(server), connected(server), connected(server, ELSEWHERE)]
    assert all(kept) and connected(server, ELSEWHERE) is None
    for raw in kept[:2]:
        raw.close()
    eventually(lambda: places(server, ELSEWHERE) == 1, "one more place of that address")
    kept[2].close()
    eventually(lambda: places(server) == 2, "the places of the first address")


def test_by_default_there_is_no_such_cap(serve):
    assert places(serve(), tries=50) == 50


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))])
def test_a_trusted_proxy_has_as_many_as_it_likes(serve, host):
    server = serve("--connections-per-address", 2, "--trusted-proxy", HERE, host=host)
    assert places(server, HERE, tries=20) == 20
    assert places(server, ELSEWHERE) == 2
    eventually(lambda: f"client={ELSEWHERE}" in server.log(), "the log line, with the address as IPv4 has it")


def test_the_environment_and_the_file_set_it_too(serve, tmp_path):
    assert places(serve(env={"TASKBOARD_CONNECTIONS_PER_ADDRESS": "3"})) == 3
    config = tmp_path / "taskboard.conf"
    config.write_text("connections-per-address = 2\n")
    assert places(serve("--config", config)) == 2


# --- every end gives the place back ---


def sent(server, text):
    raw = Raw(server.port)
    raw.send(text)
    return raw


def close_at_once(server):
    Raw(server.port).close()


def reset_at_once(server):
    Raw(server.port).reset()


def close_after_an_answer(server):
    connected(server).close()


def reset_after_an_answer(server):
    connected(server).reset()


def end_with_the_answer(server):
    with sent(server, HEALTH.replace("Host", "Connection: close\r\nHost")) as raw:
        assert b"200 OK" in raw.receive_all()


def half_close(server):
    with sent(server, HEALTH) as raw:
        raw.half_close()
        assert b"200 OK" in raw.receive_all()


def leave_in_a_body(server):
    sent(server, HALF_A_TASK).close()


def reset_in_a_body(server):
    sent(server, HALF_A_TASK).reset()


def leave_before_the_answer(server):
    sent(server, f"GET /board/tasks HTTP/1.1\r\n{HEAD}\r\n").reset()


def speak_something_else(server):
    with sent(server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") as raw:
        raw.receive_all()


def break_the_framing(server):
    with sent(server, f"POST /board/tasks HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n") as raw:
        assert raw.answer("POST").status == 400


def send_too_much(server):
    with sent(server, f"POST /board/tasks HTTP/1.1\r\n{HEAD}Content-Length: 99999999\r\n\r\n") as raw:
        assert raw.answer("POST").status == 413


def leave_a_claim_that_waits(server):
    body = '{"agent":"a","wait":60}'
    sent(server, f"POST /board/claim HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n{body}").close()


def leave_a_read_that_is_held(server):
    with sent(server, f"GET /board/tasks HTTP/1.1\r\n{HEAD}\r\n") as raw:
        etag = raw.answer().headers["ETag"]
        raw.send(f"GET /board/tasks?wait=60 HTTP/1.1\r\n{HEAD}If-None-Match: {etag}\r\n\r\n")


def leave_a_backup(server):
    sent(server, f"GET /backup HTTP/1.1\r\n{HEAD}\r\n").reset()


def leave_a_stream(server):
    Sse(server).leave()


def reset_a_stream(server):
    Sse(server).raw.reset()


def leave_a_websocket(server):
    Ws(server).leave()


def reset_a_websocket(server):
    Ws(server).raw.reset()


def close_a_websocket(server):
    with Ws(server) as ws:
        ws.send_frame(8, b"\x03\xe8")
        ws.closed()


def break_a_websocket(server):
    with Ws(server) as ws:
        ws.send_frame(3, reserved=7)
        assert ws.next_frame()[0] == 8


def be_cut_off_from_a_stream(server):
    """Its token is revoked."""
    admin = server.client()
    token = make_token(admin, "viewer")
    with Sse(server, token=token["token"]) as stream:
        revoke(admin, token)
        stream.raw.receive_all()
    admin.close()


ENDS = [
    close_at_once, reset_at_once, close_after_an_answer, reset_after_an_answer, end_with_the_answer, half_close, leave_in_a_body,
    reset_in_a_body, leave_before_the_answer, speak_something_else, break_the_framing, send_too_much, leave_a_claim_that_waits,
    leave_a_read_that_is_held, leave_a_backup, leave_a_stream, reset_a_stream, leave_a_websocket, reset_a_websocket, close_a_websocket,
    break_a_websocket, be_cut_off_from_a_stream,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_each_end_gives_one_place_back(server, end):
    """One stays all the while: a place that is given back twice would be its own."""
    wait_for_others(server, 0)
    with connected(server) as kept:
        for _ in range(MOST):
            end(server)
            wait_for_others(server, 1)
            kept.send(HEALTH)
            assert kept.answer().status == 200
        wait_for_places(server, MOST - 1)
    wait_for_others(server, 0)
    wait_for_places(server, MOST)


def test_who_says_nothing_is_cut_off_and_gives_its_place_back(server):
    wait_for_others(server, 0)
    silent = [sent(server, text) for text in ("", "GET /hea", HALF_A_TASK, HEALTH)]
    wait_for_others(server, len(silent))
    wait_for_places(server, MOST - len(silent))
    wait_for_others(server, 0)
    wait_for_places(server, MOST)
    for raw in silent:
        raw.close()


@pytest.mark.skipif(OVER_TLS, reason="this brings a certificate of its own")
def test_handshakes_that_fail_give_their_places_back(serve, tmp_path):
    certificate = Certificate(tmp_path)
    server = serve("--threads", 2, "--connections-per-address", MOST, tls=certificate)

    def bare():
        return socket.create_connection((HERE, server.port), PATIENCE_SECONDS)

    for first_bytes in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\xc8", b""):
        for _ in range(MOST):
            with bare() as leaver:
                leaver.sendall(first_bytes)
            wait_for_others(server, 0)
    wait_for_places(server, MOST)
    wait_for_others(server, 0)
    silent = [bare() for _ in range(MOST)]
    wait_for_others(server, MOST)
    assert places(server) == 0
    wait_for_others(server, 0)  # after the time that a handshake may take
    wait_for_places(server, MOST)
    for leaver in silent:
        leaver.close()


def test_at_the_end_all_places_are_free(serve):
    """Or the server would not end well: it asserts that."""
    server = serve("--drain-seconds", 1, "--connections-per-address", MOST)
    kept = [connected(server), sent(server, HALF_A_TASK), Sse(server).raw, Ws(server).raw]
    leave_a_claim_that_waits(server)
    server.send_signal(signal.SIGTERM)
    server.ended()
    for raw in kept:
        raw.close()
    assert "stopped before" not in server.log()


def test_a_wrong_number_is_refused(serve):
    code, log = serve("--connections-per-address", "1e9", start=False).refusal()
    assert code == 2 and log.count("\n") == 1 and "connections-per-address" in log

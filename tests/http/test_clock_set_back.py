"""The machine's clock is set back while the server runs: whatever waits for a time still waits as long as it was to, and no longer."""

import json
import struct
import time

import pytest
from harness import Ended, GZIP, Later, Raw, Server, Sse, TOKEN, Ws
from harness.auth import expect_end, make_token, revoke
from harness.server import program

BACK_SECONDS = 3600


class Clocked(Server):
    """A server with one event loop and a clock that can be set."""

    def __init__(self, folder):
        self.shift = folder / "shift"
        self.set_clock(0)
        library = program().parents[1] / "tests" / "clock_shift.so"
        super().__init__("--threads", "1", env={"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self.shift)})

    def set_clock(self, seconds):
        with open(self.shift, "r+b" if self.shift.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))


@pytest.fixture
def server(tmp_path):
    with Clocked(tmp_path) as server:
        yield server
        assert server.is_up(), server.log()[-8000:]


def let_it_look(server):
    """At those who are sent something the loop looks once a second."""
    ends = time.monotonic() + 2.5
    while time.monotonic() < ends:
        server.turn_round()


def test_a_read_that_is_held_ends(server):
    client = server.client()
    held = Later(server, "GET", "/board/tasks?wait=2", headers={"If-None-Match": client.get("/board/tasks").etag})
    server.set_clock(-BACK_SECONDS)
    begun = time.monotonic()
    assert held.answer().status == 304
    assert 1 < time.monotonic() - begun < 5


def test_a_claim_that_waits_ends(server):
    waiting = Later(server, "POST", "/board/claim", {"agent": "a", "wait": 2})
    server.set_clock(-BACK_SECONDS)
    begun = time.monotonic()
    assert waiting.answer().json["count"] == 0
    assert 1 < time.monotonic() - begun < 5


def test_streams_are_sent_what_happens(server):
    client = server.client()
    for shift in range(-1, -20, -1):
        with Sse(server) as plain, Sse(server, headers=GZIP) as packed, Ws(server) as socket:
            server.set_clock(shift * BACK_SECONDS)
            task = client.create()
            assert [stream.within(5).next().json["taskId"] for stream in (plain, packed)] == [task["id"]] * 2
            assert socket.within(5).next()["taskId"] == task["id"]


def test_a_token_that_is_revoked_ends_its_streams(server):
    admin = server.client()
    token = make_token(admin, "viewer")
    with Sse(server, token=token["token"]) as stream, Ws(server, token=token["token"]) as socket:
        server.turn_round()
        server.set_clock(-BACK_SECONDS)
        revoke(admin, token)
        expect_end(stream, 5)
        assert socket.within(5).closed() == 1008


def test_a_heartbeat_comes_in_time(server):
    with Sse(server) as stream:
        server.set_clock(-BACK_SECONDS)
        assert stream.within(20).block().comments == ["heartbeat"]


def test_a_request_that_never_ends_is_cut_off(server):
    with Raw(server.port) as raw:
        raw.send("POST /board/tasks HTTP/1.1\r\nHost: t\r\n")
        server.turn_round()
        server.set_clock(-BACK_SECONDS)
        raw.socket.settimeout(20)
        assert raw.receive() == b""


def test_a_connection_that_is_served_just_then_stays(server):
    """What it waits for from then on is not as old as what others waited for before."""
    body = json.dumps([{"title": "t", "createdBy": "c", "description": "x" * 100}] * 900 + [{}])  # takes a while to be refused
    head = f"Host: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    for shift in range(-1, -4, -1):
        with Raw(server.port) as raw:
            raw.send("POST /board/tasks HTTP/1.1\r\n" + head + body[:-1])
            server.turn_round()
            server.set_clock(shift * BACK_SECONDS)
            raw.send(body[-1])
            assert raw.answer().status == 400
            let_it_look(server)
            assert raw.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n") and raw.answer().status == 200


def test_a_client_that_reads_is_not_cut_off(server):
    """What the loop knows of it from before is not taken for long silence."""
    client = server.client()
    for _ in range(8):
        client.create_many([{"title": "t", "createdBy": "me", "description": "x" * 250_000} for _ in range(8)], check=False)
    with Raw(server.port, receive_buffer=4096) as raw:
        raw.send(f"GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {client.token}\r\nConnection: close\r\n\r\n")
        assert raw.receive(1000)
        let_it_look(server)
        server.set_clock(-BACK_SECONDS)
        let_it_look(server)
        assert raw.receive_all().endswith(b"\r\n0\r\n\r\n")


def test_the_server_ends_at_once(server):
    with Sse(server) as stream, Raw(server.port) as idle:
        server.turn_round()
        server.set_clock(-BACK_SECONDS)
        begun = time.monotonic()
        server.leave()
        server.send_signal(15)
        with pytest.raises(Ended):
            stream.within(4).next()
        assert idle.receive() == b""
        server.ended()
        assert time.monotonic() - begun < 4
    server.start()


def test_time_goes_on_for_the_board(server):
    client = server.client()
    first = client.create()
    task = client.claim_one("a", leaseSeconds=10)
    server.set_clock(-BACK_SECONDS)
    second = client.create()
    assert second["createdAt"] >= first["createdAt"] and second["id"] > first["id"]
    assert client.act(task["id"], "heartbeat", {"claimToken": task["claim"]["token"]}).status == 200

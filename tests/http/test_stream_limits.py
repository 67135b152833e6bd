"""Streams cost next to nothing: slow readers, those who leave, thousands of subscribers, draining."""

import json
import resource
import threading
import time

import pytest
from harness import GZIP, Ended, Raw, Sse, TOKEN, Ws, event_log, eventually
from harness.server import is_sanitized

CREATE = {"title": "t" * 1000, "createdBy": "c"}


def fill(board, thousands=1):
    for _ in range(thousands):
        board.create_many([CREATE] * 1000, check=False)


def ends(server):
    return server.log().count("stream ended")


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- slow readers ---

@pytest.mark.parametrize("kind", [Sse, Ws])
def test_a_slow_reader_costs_no_memory_and_misses_nothing(own_server, board, kind):
    path = "/events/stream" if kind is Sse else "/events/ws"
    fill(board)
    slow = [kind(own_server, f"{path}?since=0", receive_buffer=4096) for _ in range(12)]
    before = own_server.resident_bytes()
    fill(board, 10)
    log = event_log(board, check=False)
    if not is_sanitized():
        # The store's own pages count as resident, too: some 20 MB of them were written.
        assert own_server.resident_bytes() - before < 80_000_000
    # By turns, so that none of them has to wait for so long that it is let go.
    for at in range(0, len(log), 500):
        part = log[at:at + 500]
        texts = slow[0].texts(len(part))
        assert [json.loads(text) for text in texts] == part
        for stream in slow[1:]:
            assert stream.texts(len(part)) == texts
    for stream in slow:
        stream.leave()


def test_a_reader_that_never_reads_keeps_nobody_waiting(own_server, board):
    with Sse(own_server, "/events/stream?since=0", receive_buffer=4096), Sse(own_server) as quick:
        fill(board, 8)
        for seq in range(1, 8001):
            assert quick.next().id == str(seq)


# --- leaving ---

def test_those_who_leave_at_any_point_leave_nothing_behind(own_server, board):
    fill(board)
    for n in range(100):
        kind, path = ((Sse, "/events/stream"), (Ws, "/events/ws"))[n % 2]
        stream = kind(own_server, f"{path}?since={n * 10}", receive_buffer=4096)
        if n % 3 == 0:
            stream.next()
        if n % 5 == 0:
            stream.raw.reset()
        else:
            stream.leave()
    eventually(lambda: ends(own_server) == 100, "all streams to be ended")
    assert board.get("/health").status == 200


def test_those_who_leave_while_something_is_written(own_server, board):
    stop = threading.Event()

    def write():
        client = own_server.client(check=False)
        while not stop.is_set():
            client.create_many([CREATE] * 50)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(200):
            stream = (Sse if n % 2 else Ws)(own_server, "/events/stream" if n % 2 else "/events/ws")
            stream.next()
            stream.raw.reset() if n % 3 else stream.leave()
    finally:
        stop.set()
        writer.join()
    eventually(lambda: ends(own_server) == 200, "all streams to be ended")


def test_those_who_leave_during_the_handshake(own_server, board):
    for _ in range(100):
        with Raw(own_server.port) as raw:
            raw.send(f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
            raw.reset()
    eventually(lambda: own_server.log().count("stream ended") == own_server.log().count("path=/events/stream status=200"))
    assert board.get("/health").status == 200


def test_who_talks_to_a_stream_that_does_not_listen_is_let_go(own_server, board):
    with Sse(own_server) as stream:
        stream.raw.send(b"x" * 100_000)
        with pytest.raises(Ended):
            stream.next()


# --- many ---

@pytest.mark.parametrize("headers", [None, GZIP], ids=["plain", "gzip"])
def test_thousands_of_subscribers(serve, many_files, headers):
    server = serve()
    count = min(3000, many_files // 2 - 500)
    board = server.client()
    before = server.resident_bytes()
    streams = [Sse(server, headers=headers) for _ in range(count)]
    if not is_sanitized():
        assert (server.resident_bytes() - before) / count < 16384
    board.create_many([CREATE] * 20)
    board.create(tags=["last"])
    expected = board.events("since=0")
    for stream in streams:
        assert stream.events(21) == expected
    assert board.get("/health").status == 200
    for stream in streams:
        stream.leave()
    eventually(lambda: ends(server) == count, "all streams to be ended")


def test_thousands_of_websockets(serve, many_files):
    server = serve()
    count = min(1000, many_files // 2 - 500)
    board = server.client()
    before = server.resident_bytes()
    sockets = [Ws(server) for _ in range(count)]
    if not is_sanitized():
        assert (server.resident_bytes() - before) / count < 16384
    board.create_many([CREATE] * 20)
    expected = board.events("since=0")
    for ws in sockets:
        assert ws.events(20) == expected
        ws.leave()


def test_many_filters_at_once(serve):
    server = serve("--threads", "2")
    board = server.client()
    streams = [Sse(server, f"/events/stream?agent=a{n}") for n in range(200)]
    for n in range(200):
        board.create(createdBy=f"a{n}")
    for n, stream in enumerate(streams):
        assert stream.next().json["actor"] == f"a{n}"
        assert stream.is_quiet(0)
        stream.leave()


# --- draining ---

def test_draining_with_a_backlog(serve):
    server = serve("--drain-seconds", "3")
    board = server.client()
    fill(board, 10)
    slow = [Sse(server, "/events/stream?since=0", receive_buffer=4096) for _ in range(20)]
    server.stop()
    for stream in slow:
        with pytest.raises(Ended):
            while True:
                stream.next()


def test_a_draining_server_begins_no_stream(serve):
    server = serve("--drain-seconds", "3")
    with Sse(server), Raw(server.port) as late:
        late.send(f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nAccept-Encoding: gzip\r\n")
        assert server.client().get("/health").status == 200
        server.send_signal(15)
        kept = server.client()
        eventually(lambda: kept.get("/ready", check=False).status == 503, "the server to drain")
        kept.close()
        late.send("\r\n")
        answer = late.answer()
        assert answer.status == 503 and answer.json["code"] == "draining"
        assert answer.headers["Content-Type"] == "application/json" and answer.headers["Content-Encoding"] is None
    server.leave()
    server.ended()


# --- what has to wait ---

def a_reader_that_never_reads_is_let_go(server):
    """After 30 seconds, and the looks at it; after 60 when the first look finds it still taking what fills its buffer."""
    board = server.client()
    fill(board, 10)
    with (Sse(server, "/events/stream?since=0", receive_buffer=4096), Ws(server, "/events/ws?since=0", receive_buffer=4096),
          Sse(server, "/events/stream")):
        eventually(lambda: ends(server) == 2, "the streams to be ended", 90)
        assert server.log().count("cut off a client that does not read") == 2
    assert board.get("/health").status == 200


def a_reader_that_reads_slowly_is_kept(server):
    """4 KiB in 30 seconds are enough."""
    fill(server.client(), 10)
    with Sse(server, "/events/stream?since=0", receive_buffer=4096) as slow:
        pause, until = threading.Event(), time.monotonic() + 33
        while time.monotonic() < until:
            slow.read(8192)
            pause.wait(4)
        assert ends(server) == 0


@pytest.mark.parametrize("story", [a_reader_that_never_reads_is_let_go, a_reader_that_reads_slowly_is_kept], ids=lambda story: story.__name__)
def test_in_time(end_of, story):
    end_of(story)

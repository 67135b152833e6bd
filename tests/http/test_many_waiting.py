"""Ten thousand claims wait at once, each on a connection of its own, and each gets its task."""

import json
import resource
import select
import socket
import time

import pytest
from harness import TOKEN

MANY = 10_000
SPARE = 300
BODY = json.dumps({"agent": "fleet", "wait": 60})
CLAIM = (f"POST /board/claim HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n"
         f"Content-Length: {len(BODY)}\r\n\r\n{BODY}").encode()


@pytest.fixture
def room():
    """As many file descriptors as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + SPARE:
        pytest.skip(f"only {hard} file descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_all(port):
    sockets = []
    for _ in range(MANY):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(CLAIM)
        sockets.append(one)
    return sockets


def body_of(one):
    """Reads one whole answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = one.recv(65536)
        assert part, f"the connection ended after {data!r}"
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += one.recv(65536)
    return json.loads(body)


def count_answered(sockets):
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return len(poll.poll(0))


def test_ten_thousand_claims_wait_at_once(room, own_server, board):
    board.check = False
    sockets = open_all(own_server.port)
    try:
        begun = time.monotonic()
        board.create_many([{"title": "reserved", "createdBy": "c", "assignee": "nobody"}])
        assert time.monotonic() - begun < 10, "others have to wait for those who wait"
        assert count_answered(sockets) == 0
        for _ in range(MANY // 1000):
            board.create_many([{"title": "t", "createdBy": "c"} for _ in range(1000)])
        claims = []
        for one in sockets:
            (task,) = body_of(one)["tasks"]
            claims.append((task["claim"]["generation"], task["id"]))
        assert sorted(generation for generation, _ in claims) == list(range(1, MANY + 1))
        assert len({task_id for _, task_id in claims}) == MANY
        assert board.summary()["claimed"] == MANY
    finally:
        for one in sockets:
            one.close()
    assert board.get("/board/tasks?limit=1").status == 200

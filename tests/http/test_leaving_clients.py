"""Clients that leave at every point of a request: the server stays up, serves the others, and keeps nothing of them."""

import json
import random

import pytest
from harness import Client, Raw, Server, TOKEN, at_the_same_time, event_log, eventually, replay
from harness.server import is_sanitized

MEBIBYTE = 1024 * 1024
BODY = json.dumps({"title": "left behind", "createdBy": "leaver", "description": "d" * 2000})
BIG_BODY = json.dumps([{"title": f"left behind {n}", "createdBy": "leaver", "description": "d" * 5000}
                       for n in range(40)])


def request(method, path, body=""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n{length}\r\n{body}"


REQUESTS = {
    "list": request("GET", "/board/tasks"),
    "one": request("GET", "/board/tasks/none"),
    "create": request("POST", "/board/tasks", BODY),
    "array": request("POST", "/board/tasks", BIG_BODY),
    "chunked": f"POST /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n"
               f"Transfer-Encoding: chunked\r\n\r\n{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n",
    "wrong token": request("GET", "/board/tasks").replace(TOKEN, "wrong"),
}
LEAVES = {
    "close": Raw.close,
    "reset": Raw.reset,
    "half-close": lambda raw: (raw.half_close(), raw.receive_all(), raw.close()),
}


@pytest.fixture(scope="module")
def server():
    """A board whose list is some megabytes long."""
    with Server() as server:
        board = server.client(check=False)
        for _ in range(6):
            board.create_many([{"title": f"t{n}", "createdBy": "c", "description": "d" * 1500} for n in range(500)])
        yield server
        assert server.is_up(), server.log()[-8000:]


@pytest.fixture
def others(server):
    """A client of good manners, which is served before and after."""
    client = server.client(check=False)
    yield client
    task = client.create("still served")
    assert client.task(task["id"]) == task
    assert client.delete(task["id"]).status == 200
    assert server.is_up(), server.log()[-8000:]


def cuts(text, count, seed):
    """Points to leave at: the ends of lines, the end of the head, and some anywhere."""
    head = text.index("\r\n\r\n")
    points = {0, 1, head, head + 1, head + 3, head + 4, head + 5, len(text) - 1, len(text)}
    points |= {text.index("\r\n") + n for n in range(3)}
    points |= {random.Random(seed).randrange(len(text)) for _ in range(count)}
    return sorted(point for point in points if 0 <= point <= len(text))


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_client_may_leave_anywhere_within_its_request(server, others, name, leave):
    text = REQUESTS[name]
    for point in cuts(text, 12, name):
        if leave == "half-close" and point == len(text) and name == "list":
            continue  # it gets the whole list: tested by itself
        raw = Raw(server.port)
        raw.send(text[:point])
        LEAVES[leave](raw)
    assert others.get("/health").status == 200


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("read", [0, 1, 100, 5000, 70_000, 600_000])
def test_a_client_may_leave_in_the_middle_of_a_streamed_list(server, others, read, leave):
    for _ in range(5):
        raw = Raw(server.port, receive_buffer=8192)
        raw.send(REQUESTS["list"])
        got = 0
        while got < read:
            got += len(raw.receive(min(65536, read - got)))
        LEAVES[leave](raw)
    assert others.get("/board/tasks?limit=5").json["count"] == 5


def test_a_client_that_half_closes_after_its_request_is_answered_or_left(server, others):
    for name in ("list", "one", "create"):
        with Raw(server.port) as raw:
            raw.send(REQUESTS[name])
            raw.half_close()
            received = raw.receive_all()
        assert received == b"" or received.startswith(b"HTTP/1.1 ")


def test_a_client_may_leave_between_pipelined_requests(server, others):
    for n in range(30):
        raw = Raw(server.port)
        raw.send(REQUESTS["create"] * 3 + REQUESTS["list"] + REQUESTS["one"][:n * 3])
        LEAVES["reset" if n % 2 else "close"](raw)
    assert others.get("/health").status == 200


def test_writes_of_clients_that_left_are_whole_or_not_there(server, others):
    """An array of 100 whose client left is on the board with all of its tasks or with none."""
    board = server.client(check=False)
    queries = []
    for n in range(12):
        items = [{"title": f"{n}", "createdBy": f"leaver-{n}"} for _ in range(100)]
        raw = Raw(server.port)
        raw.send(request("POST", "/board/tasks", json.dumps(items)))
        LEAVES["reset" if n % 2 else "close"](raw)
        queries.append(f"createdBy=leaver-{n}&fields=id")
    board.create("a write behind all of them")
    for query in queries:
        assert board.get(f"/board/tasks?{query}").json["count"] in (0, 100)


def test_leaving_clients_do_not_add_up_in_memory(server, others):
    def leave_often(rounds):
        for n in range(rounds):
            for name in ("array", "create", "list"):
                raw = Raw(server.port, receive_buffer=4096)
                raw.send(REQUESTS[name][:-1] if n % 3 and name == "array" else REQUESTS[name])
                LEAVES["reset" if n % 2 else "close"](raw)

    leave_often(15)
    others.get("/board/tasks?limit=1")
    before = server.resident_bytes()
    leave_often(40)
    others.get("/board/tasks?limit=1")
    grown = server.resident_bytes() - before
    # The store is mapped, so what was written and read counts as resident too.
    assert is_sanitized() or grown < 256 * MEBIBYTE, f"{grown} bytes more"


def test_connections_of_clients_that_left_are_closed(server, others):
    from pathlib import Path
    descriptors = lambda: len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    before = descriptors()
    for n in range(100):
        raw = Raw(server.port)
        raw.send(REQUESTS["list"][:n])
        LEAVES["reset" if n % 2 else "close"](raw)
    eventually(lambda: descriptors() <= before + 5, "the connections to be closed")


def test_good_clients_are_served_while_bad_ones_come_and_go(server, others):
    def misbehave(seed):
        chance = random.Random(seed)
        for _ in range(300):
            text = chance.choice(list(REQUESTS.values()))
            raw = Raw(server.port)
            raw.send(text if chance.random() < 0.2 else text[:chance.randrange(len(text))])
            chance.choice([Raw.close, Raw.reset])(raw)

    def behave():
        client = Client(server.port, token=TOKEN, check=False)
        for n in range(100):
            task = client.create(f"good {n}")
            client.note(task["id"])
            assert len(client.task(task["id"])["notes"]) == 1
            assert client.delete(task["id"]).status == 200
        client.close()

    at_the_same_time(behave, *[lambda seed=seed: misbehave(seed) for seed in range(3)])


def test_afterwards_the_log_still_tells_the_whole_board(server, others):
    board = server.client(check=False)
    events = event_log(board)
    tasks, path = {}, "/board/tasks?view=summary"
    while path:
        page = board.get(path).json
        tasks.update({task["id"]: task for task in page["tasks"]})
        path = page.get("nextCursor") and f"/board/tasks?view=summary&cursor={page['nextCursor']}"
    assert replay(events) == tasks

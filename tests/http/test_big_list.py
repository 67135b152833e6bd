"""Ten thousand tasks in one answer, sent as the client reads: to quick, slow and stopped readers."""

import json

import pytest
from harness import Raw, Server, TOKEN, at_the_same_time
from harness.server import is_sanitized

COUNT = 10_500
REQUEST = f"GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        board = server.client(check=False)
        for start in range(0, COUNT, 500):
            board.create_many([{"title": f"task {n}", "createdBy": "c", "description": "d" * 700,
                                "tags": [f"t{n % 10}"]} for n in range(start, start + 500)])
        yield server
        assert server.is_up(), server.log()[-8000:]


@pytest.fixture
def board(server):
    return server.client(check=False)


def test_a_list_without_a_limit_gives_ten_thousand_and_a_cursor(board):
    answer = board.get("/board/tasks")
    page = answer.json
    assert page["count"] == len(page["tasks"]) == 10_000
    assert [task["title"] for task in page["tasks"]] == [f"task {n}" for n in range(COUNT - 1, COUNT - 10_001, -1)]
    assert answer.headers["Link"] and "nextCursor" in page
    rest = board.get(f"/board/tasks?cursor={page['nextCursor']}").json
    assert rest["count"] == COUNT - 10_000 and "nextCursor" not in rest
    assert rest["tasks"][-1]["title"] == "task 0"


@pytest.mark.parametrize("query, count", [("tag=t3", COUNT // 10), ("order=rank", 10_000), ("order=updated", 10_000),
                                          ("fields=id", 10_000), ("view=summary&status=open", 10_000)])
def test_long_lists_of_every_kind_are_whole(board, query, count):
    page = board.get(f"/board/tasks?{query}").json
    assert page["count"] == len(page["tasks"]) == count
    if "fields" not in query:
        assert len({task["id"] for task in page["tasks"]}) == count


def test_a_head_of_a_long_list_has_no_body(board):
    answer = board.request("HEAD", "/board/tasks")
    assert answer.status == 200 and answer.body == b""
    assert board.get("/health").status == 200


def test_a_slow_reader_gets_the_whole_list_while_others_are_served(server, board):
    before = server.resident_bytes()
    with Raw(server.port, receive_buffer=4096) as slow:
        slow.send(REQUEST)
        received = [slow.receive(4096)]
        for n in range(200):
            assert board.create(f"meanwhile {n}")["ready"]
            received.append(slow.receive(4096))
        grown = server.resident_bytes() - before
        assert is_sanitized() or grown < 64 * MEBIBYTE, f"{grown} bytes for one slow reader"
        answer = read_on(slow, b"".join(received))
    assert answer["count"] == len(answer["tasks"]) == 10_000
    assert len({task["id"] for task in answer["tasks"]}) == 10_000
    for task in board.list("limit=200"):
        assert board.delete(task["id"]).status == 200


def read_on(raw, start):
    """The JSON of a chunked answer of which `start` was read already."""
    received = [start]
    while b"\r\n0\r\n" not in b"".join(received[-2:])[-64:]:
        part = raw.receive(MEBIBYTE)
        assert part, "the server closed in the middle of the list"
        received.append(part)
    head, _, body = b"".join(received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"chunked" in head.lower(), head
    chunks, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return json.loads(b"".join(chunks))
        chunks.append(body[end + 2:end + 2 + size])
        at = end + 2 + size + 2


def test_readers_that_stop_reading_cost_little_and_hinder_nobody(server, board):
    before = server.resident_bytes()
    stopped = [Raw(server.port, receive_buffer=4096) for _ in range(40)]
    for raw in stopped:
        raw.send(REQUEST)
        assert raw.receive(16).startswith(b"HTTP/1.1 200")
    for n in range(100):
        task = board.create("meanwhile")
        assert board.delete(task["id"]).status == 200
    grown = server.resident_bytes() - before
    assert is_sanitized() or grown < 100 * MEBIBYTE, f"{grown} bytes for 40 stopped readers"
    for n, raw in enumerate(stopped):
        raw.reset() if n % 2 else raw.close()
    assert board.get("/board/tasks?limit=1").status == 200


def test_many_readers_at_once_all_get_the_whole_list(server):
    def read():
        page = server.client(check=False).get("/board/tasks?view=summary").json
        return page["count"], len(page["tasks"])

    assert at_the_same_time(*[read] * 6) == [(10_000, 10_000)] * 6


def test_a_task_that_changes_while_a_list_is_sent_is_listed_once_or_not_at_all(server, board):
    victims = [task["id"] for task in board.list("limit=50&order=rank")]
    with Raw(server.port, receive_buffer=4096) as slow:
        slow.send(REQUEST.replace("/board/tasks", "/board/tasks?order=updated"))
        start = slow.receive(4096)
        for victim in victims:
            board.change(victim, priority=1)
        ids = [task["id"] for task in read_on(slow, start)["tasks"]]
    assert len(ids) == len(set(ids))


def test_deep_pages_go_on_where_the_first_ones_stopped(board):
    seen, path = set(), "/board/tasks?limit=1500&fields=id&order=rank"
    base = path
    while path:
        page = board.get(path).json
        fresh = {task["id"] for task in page["tasks"]}
        assert not fresh & seen
        seen |= fresh
        path = page.get("nextCursor") and f"{base}&cursor={page['nextCursor']}"
    assert len(seen) == COUNT

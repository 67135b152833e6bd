"""Lists and summary with If-None-Match and wait: held till something changes, or the time is over."""

import signal
import time

import pytest
from harness import Later, at_the_same_time, eventually

PATHS = ["/board/tasks", "/board/tasks?tag=x", "/board/tasks?status=open&view=summary", "/board/summary", "/board/review"]


@pytest.fixture
def single(serve):
    """With one loop, requests are taken in the order in which they are sent."""
    return serve("--threads", "1")


@pytest.fixture
def board(single):
    board = single.client()
    board.head_seq()
    return board


def hold(server, board, path, wait=30, **headers):
    """A read that is held, because nothing has changed."""
    etag = board.get(path).etag
    joint = "&" if "?" in path else "?"
    return Later(server, "GET", f"{path}{joint}wait={wait}", headers={"If-None-Match": etag, **headers}), etag


@pytest.mark.parametrize("path", PATHS)
def test_a_held_read_is_answered_by_the_next_change(single, board, path):
    later, etag = hold(single, board, path)
    assert not later.is_answered(0.1)
    board.create(tags=["x"], status="in_review" if "review" in path else "open")
    answer = later.answer()
    assert answer.status == 200 and answer.headers["ETag"] != etag
    fresh = board.get(path)
    assert answer.headers["ETag"] == fresh.etag
    if "summary" in path and "view" not in path:
        assert answer.json["seq"] == fresh.json["seq"]
    else:
        assert answer.body == fresh.body and answer.json["count"] == 1
    assert answer.headers["Events-Seq"] == fresh.headers["Events-Seq"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_change_it_is_304_when_the_time_is_over(board, path):
    etag = board.get(path).etag
    begun = time.monotonic()
    answer = board.get(path + ("&" if "?" in path else "?") + "wait=1", headers={"If-None-Match": etag})
    assert answer.status == 304 and answer.body == b"" and answer.etag == etag
    assert 0.99 <= time.monotonic() - begun < 5


def test_prefer_says_it_too(single, board):
    etag = board.get("/board/tasks").etag
    begun = time.monotonic()
    answer = board.get("/board/tasks", headers={"If-None-Match": etag, "Prefer": "wait=1"})
    assert answer.status == 304 and time.monotonic() - begun >= 0.99
    for prefer in ("wait=x", "wait", "handling=strict", "wait=-1"):
        begun = time.monotonic()
        assert board.get("/board/tasks", headers={"If-None-Match": etag, "Prefer": prefer}).status == 304
        assert time.monotonic() - begun < 0.9
    later = Later(single, "GET", "/board/tasks", headers={"If-None-Match": etag, "Prefer": "handling=strict, wait=99"})
    assert not later.is_answered(0.1)
    board.create()
    assert later.answer().status == 200


def test_the_query_goes_before_the_preference(board):
    etag = board.get("/board/tasks").etag
    begun = time.monotonic()
    answer = board.get("/board/tasks?wait=0", headers={"If-None-Match": etag, "Prefer": "wait=30"})
    assert answer.status == 304 and time.monotonic() - begun < 5


def test_what_is_new_already_is_answered_at_once(board):
    etag = board.get("/board/tasks").etag
    board.create()
    assert board.get("/board/tasks?wait=30", headers={"If-None-Match": etag}).status == 200
    assert board.get("/board/tasks?wait=30").status == 200
    assert board.get("/board/tasks?wait=30", headers={"If-None-Match": '"another"'}).status == 200


def test_a_change_that_concerns_another_filter_wakes_nobody(single, board):
    board.create(tags=["x"])
    later, _ = hold(single, board, "/board/tasks?tag=x")
    for _ in range(5):
        board.create(tags=["y"])
    assert not later.is_answered(0.1)
    board.create(tags=["x"])
    assert later.answer().json["count"] == 2


def test_every_kind_of_change_wakes_the_list(single, board):
    task = board.create(tags=["x"])
    held = None

    def claim():
        nonlocal held
        held = board.claim_one("ann")

    for change in (lambda: board.note(task["id"]), claim, lambda: board.finish(held, "heartbeat", leaseSeconds=999),
                   lambda: board.finish(held, "release"), lambda: board.post("/board/pause"),
                   lambda: board.post("/board/resume"), lambda: board.done(task["id"]),
                   lambda: board.delete(task["id"])):
        later, _ = hold(single, board, "/board/tasks")
        change()
        assert later.answer().status == 200


def test_many_held_reads_are_all_answered(single, board):
    etag = {path: board.get(path).etag for path in PATHS}
    many = []
    for n in range(200):
        path = PATHS[n % len(PATHS)]
        many.append(Later(single, "GET", path + ("&" if "?" in path else "?") + "wait=30",
                          headers={"If-None-Match": etag[path]}))
    board.create_many([{"title": "t", "createdBy": "c", "tags": ["x"]},
                       {"title": "t", "createdBy": "c", "status": "in_review"}])
    assert {one.answer().status for one in many} == {200}


def test_no_change_is_missed_by_those_who_ask_again_and_again(own_server):
    """A list-then-watch loop sees every task in the end, whatever it races with."""
    def watch():
        client, etag, count = own_server.client(check=False), None, 0
        while count < 150:
            answer = client.get("/board/tasks?wait=20&view=summary", headers={"If-None-Match": etag})
            assert answer.status == 200, "a change was missed"
            etag, count = answer.etag, answer.json["count"]

    def write():
        client = own_server.client(check=False)
        for n in range(150):
            client.create(str(n))

    at_the_same_time(write, watch, watch, watch)


def test_clients_that_leave_are_let_go(single, board):
    from pathlib import Path
    descriptors = lambda: len(list(Path(f"/proc/{single.process.pid}/fd").iterdir()))
    before = descriptors()
    many = [hold(single, board, "/board/tasks", wait=60)[0] for _ in range(30)]
    assert descriptors() >= before + 30
    for n, one in enumerate(many):
        one.raw.reset() if n % 2 else one.leave()
    eventually(lambda: descriptors() <= before + 1, "the connections to be closed", seconds=15)
    board.create()
    assert board.get("/board/tasks").json["count"] == 1


def test_draining_answers_them_at_once(serve):
    server = serve("--threads", "1", "--drain-seconds", "20")
    board = server.client()
    board.head_seq()
    many = [hold(server, board, path, wait=60)[0] for path in PATHS * 4]
    begun = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert {one.answer().status for one in many} == {304}
    server.leave()
    server.ended()
    assert time.monotonic() - begun < 15


def test_head_can_wait_too(single, board):
    etag = board.get("/board/tasks").etag
    later = Later(single, "HEAD", "/board/tasks?wait=30", headers={"If-None-Match": etag})
    assert not later.is_answered(0.1)
    board.create()
    answer = later.answer()
    assert answer.status == 200 and answer.body == b""

"""A waiting claim whose client has left takes nothing."""

from pathlib import Path

import pytest
from harness import Raw, eventually
from harness.later import claim

LEAVES = {"close": lambda later: later.leave(), "reset": lambda later: later.raw.reset(),
          "half-close": lambda later: later.raw.half_close()}


@pytest.fixture
def single(serve):
    """With one loop, requests are taken in the order in which they are sent."""
    return serve("--threads", "1")


@pytest.fixture
def board(single):
    board = single.client()
    board.head_seq()
    return board


@pytest.mark.parametrize("leave", LEAVES)
def test_who_has_left_takes_nothing(single, board, leave):
    gone = claim(single, "gone")
    LEAVES[leave](gone)
    made = board.create()
    task = board.task(made["id"])
    assert task["status"] == "open" and task["ready"] is True and task["attempts"] == 0
    assert board.claim_one("ann")["id"] == made["id"]
    gone.leave()


@pytest.mark.parametrize("leave", LEAVES)
def test_the_next_one_in_line_is_served_instead(single, board, leave):
    first, gone, last = claim(single, "first"), claim(single, "gone"), claim(single, "last")
    LEAVES[leave](gone)
    board.create_many([{"title": str(n), "createdBy": "c"} for n in range(2)])
    for later, agent in ((first, "first"), (last, "last")):
        (task,) = later.answer().json["tasks"]
        assert task["claim"]["by"] == agent and task["attempts"] == 1
    gone.leave()


def test_who_left_with_another_request_behind_the_claim_has_left_all_the_same(single, board):
    gone = claim(single, "gone")
    gone.raw.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
    gone.leave()
    made = board.create()
    assert board.task(made["id"])["status"] == "open"


def test_connections_of_those_who_left_are_closed_soon(single, board):
    descriptors = lambda: len(list(Path(f"/proc/{single.process.pid}/fd").iterdir()))
    before = descriptors()
    many = [claim(single, f"w{n}", wait=60) for n in range(50)]
    assert descriptors() >= before + 50
    for n, one in enumerate(many):
        LEAVES["reset" if n % 2 else "close"](one)
    eventually(lambda: descriptors() <= before + 1, "the connections to be closed", seconds=15)


def test_who_is_still_there_goes_on_waiting(single, board):
    """A new connection that got the number of a closed one is not taken for it."""
    for _ in range(5):
        gone = [claim(single, f"gone {n}") for n in range(5)]
        for one in gone:
            one.leave()
        stays = claim(single, "stays")
        made = board.create()
        (task,) = stays.answer().json["tasks"]
        assert task["id"] == made["id"] and task["claim"]["by"] == "stays"


def test_a_server_whose_waiting_clients_come_and_go_stays_up(single, board):
    for n in range(60):
        with Raw(single.port) as raw:
            raw.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
            raw.answer()
        one = claim(single, "x", tags=["x"])
        LEAVES[["close", "reset", "half-close"][n % 3]](one)
        if n % 3 == 2:
            one.leave()
        if n % 7 == 0:
            board.create(tags=["y"])
    taken = board.claim("ann", max=32)
    assert len(taken) == 9 and board.get("/health").status == 200

"""Claims that wait: first come, first served, in the moment in which a task becomes ready."""

import signal
import time

import pytest
from harness import Later, refused
from harness.later import claim


@pytest.fixture
def single(serve):
    """With one loop, requests are taken in the order in which they are sent."""
    return serve("--threads", "1")


@pytest.fixture
def board(single):
    board = single.client()
    board.head_seq()
    return board


def agent_of(later):
    (task,) = later.answer().json["tasks"]
    return task["claim"]["by"]


def test_a_claim_waits_no_longer_than_it_said(board):
    begun = time.monotonic()
    assert board.claim("ann", wait=1) == []
    assert 0.99 <= time.monotonic() - begun < 5


def test_a_waiting_claim_gets_a_task_with_the_commit_that_makes_it_ready(single, board):
    waiting = claim(single, "ann")
    made = board.post("/board/tasks", {"title": "t", "createdBy": "c"})
    answer = waiting.answer()
    (task,) = answer.json["tasks"]
    assert task["id"] == made.json["id"] and task["claim"]["token"]
    assert int(answer.headers["Events-Seq"]) == made.seq + 1


def test_who_came_first_is_served_first(single, board):
    waiting = [claim(single, f"w{n}") for n in range(5)]
    for n in range(5):
        board.create(str(n))
        assert agent_of(waiting[n]) == f"w{n}"


def test_a_waiting_claim_is_served_before_a_later_one(single, board):
    waiting = claim(single, "early")
    board.create()
    assert board.claim("late") == []
    assert agent_of(waiting) == "early"


def test_a_task_goes_to_the_first_one_that_wants_it(single, board):
    red = claim(single, "red", tags=["red"])
    either = claim(single, "either", anyTags=["red", "blue"])
    anything = claim(single, "anything")
    bob = claim(single, "bob")
    board.create("for bob", assignee="bob")
    assert agent_of(bob) == "bob"
    board.create("blue", tags=["blue"])
    assert agent_of(either) == "either"
    board.create("red", tags=["red"])
    assert agent_of(red) == "red"
    assert not anything.is_answered()
    board.create("red too", tags=["red"])
    assert agent_of(anything) == "anything"


def test_everything_that_makes_a_task_ready_serves_a_waiting_claim(single, board):
    first, second = board.create_many([
        {"title": "first", "createdBy": "c", "ref": "f", "assignee": "ann"},
        {"title": "second", "createdBy": "c", "dependencies": ["#f"]}])
    held = board.claim_one("ann")

    def next_one(change):
        waiting = claim(single, "bob")
        change()
        (task,) = waiting.answer().json["tasks"]
        assert task["claim"]["by"] == "bob"
        return task

    task = next_one(lambda: board.completed(held))
    assert task["id"] == second["id"]
    task = next_one(lambda: board.finish(task, "release"))
    task = next_one(lambda: board.finish(task, "fail", error="e", delaySeconds=0))
    assert task["previousAttempt"]["error"] == "e"
    board.act(task["id"], "cancel", {"force": True})
    task = next_one(lambda: board.act(task["id"], "retry"))
    board.completed(task, review=True)
    task = next_one(lambda: board.act(task["id"], "reject", {"reason": "r"}))
    board.finish(task, "release")
    board.change(second["id"], assignee="ann")
    task = next_one(lambda: board.change(second["id"], assignee=None))
    board.completed(task)
    board.create("delayed", delaySeconds=1)
    assert next_one(lambda: None)["title"] == "delayed"


def test_a_finish_with_next_is_served_before_who_waits_for_something_else(single, board):
    board.create("only", tags=["a"])
    held = board.claim_one("ann")
    waiting = claim(single, "bob")
    answer = board.finish(held, "complete", next={"agent": "ann"})
    assert answer.json["next"] == {"tasks": [], "count": 0}
    assert not waiting.is_answered()
    board.create()
    assert agent_of(waiting) == "bob"


def test_a_lease_that_runs_out_serves_a_waiting_claim(single, board):
    made = board.create()
    lost = board.claim_one("ann", leaseSeconds=10)
    waiting = claim(single, "bob", wait=60)
    answer = waiting.answer()
    (task,) = answer.json["tasks"]
    assert task["id"] == made["id"] and task["claim"]["attempt"] == 2
    assert task["previousAttempt"]["outcome"] == "expired"
    board.close()  # after so long the server may be closing the idle connection right now
    refusal = refused(board.finish(lost, "heartbeat"), 409, "claim_lost")
    assert refusal["reason"] == "expired" and refusal["claim"]["by"] == "bob"


def test_a_waiting_claim_can_be_repeated_with_its_key(single, board):
    key = {"Idempotency-Key": "again"}
    body = {"agent": "ann", "wait": 30}
    first = Later(single, "POST", "/board/claim", body, headers=key)
    second = Later(single, "POST", "/board/claim", body, headers=key)
    board.create()
    board.create()
    answers = [first.answer(), second.answer()]
    assert answers[0].body == answers[1].body and answers[0].json["count"] == 1
    assert [answer.headers["Idempotency-Replayed"] for answer in answers] == [None, "true"]
    assert board.summary()["claimed"] == 1


def test_draining_answers_waiting_claims_at_once_and_refuses_new_ones(serve):
    server = serve("--threads", "1", "--drain-seconds", "20")
    board = server.client()
    board.create()
    held = board.claim_one("ann")
    token, path = held["claim"]["token"], f"/board/tasks/{held['id']}"
    waiting = [claim(server, f"w{n}", wait=60) for n in range(20)]
    begun = lambda path, body: Later(server, "POST", path, body, begun=True)
    late = [begun("/board/claim", {"agent": "late"}), begun(f"{path}/claim", {"agent": "late"}),
            begun(f"{path}/complete", {"claimToken": token, "next": {"agent": "ann"}})]
    rest = [begun(f"{path}/heartbeat", {"claimToken": token}), begun(f"{path}/complete", {"claimToken": token})]
    board.head_seq()
    started = time.monotonic()
    server.send_signal(signal.SIGTERM)
    for one in waiting:
        assert one.answer().json == {"tasks": [], "count": 0}
    assert time.monotonic() - started < 15
    for one in late:
        answer = one.end().answer()
        assert answer.status == 503 and answer.json["code"] == "draining" and answer.headers["Retry-After"]
    assert [one.end().answer().status for one in rest] == [200, 200]
    server.leave()
    server.ended()

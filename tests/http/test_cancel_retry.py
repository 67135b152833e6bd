"""Calling work off, and starting it again."""

import pytest
from harness import changes_nothing, refused


def dead_letter(board, **fields):
    made = board.create(maxAttempts=1, **fields)
    held = board.act(made["id"], "claim", {"agent": "ann"}).json
    return board.finish(held, "fail", error="e").json


def test_a_task_that_nobody_holds_is_cancelled_at_once(client):
    made = client.create()
    answer = client.act(made["id"], "cancel", {"by": "lead", "reason": "not needed"}, documented=True)
    assert answer.status == 200 and answer.json["status"] == "done" and answer.json["outcome"] == "cancelled"
    event = client.events(f"taskId={made['id']}")[-1]
    assert event["type"] == "task.cancelled" and event["actor"] == "lead"
    with changes_nothing(client):
        refused(client.act(made["id"], "cancel"), 409, "already_done")


def test_the_holder_is_asked_to_stop(client):
    made = client.create()
    held = client.act(made["id"], "claim", {"agent": "ann"}).json
    task = client.act(made["id"], "cancel", {"by": "lead", "reason": "r"}).json
    assert task["status"] == "in_progress"
    asked = task["claim"]["cancelRequested"]
    assert asked["by"] == "lead" and asked["reason"] == "r" and asked["at"]
    with changes_nothing(client):
        assert client.act(made["id"], "cancel").status == 200
    assert client.finish(held, "heartbeat").json["cancelRequested"] is True
    task = client.finish(held, "release").json
    assert task["status"] == "done" and task["outcome"] == "cancelled"
    assert client.attempts(made["id"])[-1]["outcome"] == "cancelled"


def test_a_complete_that_comes_first_still_wins(client):
    made = client.create()
    held = client.act(made["id"], "claim", {"agent": "ann"}).json
    client.act(made["id"], "cancel")
    assert client.completed(held)["outcome"] == "success"


def test_force_ends_the_claim(client):
    made = client.create()
    held = client.act(made["id"], "claim", {"agent": "ann"}).json
    task = client.act(made["id"], "cancel", {"force": True}).json
    assert task["status"] == "done" and task["outcome"] == "cancelled" and "claim" not in task
    assert refused(client.finish(held, "heartbeat"), 409, "claim_lost")["reason"] == "cancelled"


def test_retry_starts_again_with_fresh_attempts(client):
    task = dead_letter(client)
    answer = client.act(task["id"], "retry", {"by": "lead"}, documented=True)
    assert answer.status == 200
    again = answer.json
    assert again["status"] == "open" and again["ready"] is True and again["attempts"] == 0
    assert "blockedReason" not in again and client.events(f"taskId={task['id']}")[-1]["type"] == "task.retried"
    assert client.act(task["id"], "claim", {"agent": "bob"}).json["claim"]["attempt"] == 2


@pytest.mark.parametrize("fields", [{"status": "done", "outcome": "failed"}, {"status": "done", "outcome": "cancelled"}])
def test_failed_and_cancelled_tasks_can_be_retried_too(client, fields):
    made = client.create()
    client.change(made["id"], **fields)
    assert client.act(made["id"], "retry").json["status"] == "open"


@pytest.mark.parametrize("fields", [{"status": "done"}, {"status": "open"}, {"status": "blocked"}, {"status": "in_review"}])
def test_nothing_else_can_be_retried(client, fields):
    made = client.create()
    client.change(made["id"], **fields)
    with changes_nothing(client):
        refused(client.act(made["id"], "retry"), 409, "not_retryable")


def test_a_unique_key_that_is_taken_meanwhile_stays_taken(client):
    made = client.create(uniqueKey="only")
    client.act(made["id"], "cancel")
    client.create(uniqueKey="only")
    with changes_nothing(client):
        refused(client.act(made["id"], "retry"), 409, "unique_key_taken")


def test_many_are_retried_by_what_they_have_in_common(board):
    tasks = [dead_letter(board, tags=["a"] if n < 3 else ["b"]) for n in range(5)]
    cancelled = board.create()
    board.act(cancelled["id"], "cancel")
    retry = lambda **fields: board.post("/board/retry", fields, documented=True).json
    assert retry(tag="a", max=2) == {"count": 2, "more": True}
    assert board.task(tasks[0]["id"])["status"] == board.task(tasks[1]["id"])["status"] == "open"
    assert retry(tag="a") == {"count": 1, "more": False}
    assert retry() == {"count": 2, "more": False}
    assert retry() == {"count": 0, "more": False}
    assert retry(outcome="cancelled", by="lead") == {"count": 1, "more": False}
    with changes_nothing(board):
        refused(board.post("/board/retry", {"outcome": "success"}), 400, "invalid_field")
        refused(board.post("/board/retry", {"max": 1001}), 400, "invalid_field")
        refused(board.post("/board/retry", {"tags": ["a"]}), 400, "unknown_field")

"""What is remembered of each claim, and results that came too late."""

import pytest
from harness import changes_nothing, refused


def claim(client, task, agent="ann", **fields):
    answer = client.act(task["id"], "claim", {"agent": agent, **fields})
    assert answer.status == 200, answer
    return answer.json


def test_every_claim_is_an_attempt(client):
    made = client.create(maxAttempts=0)
    vm = {"id": "vm", "name": "one", "role": "worker", "address": "10.0.0.7"}
    assert client.post("/registry/vms", vm).status == 201
    assert client.attempts(made["id"]) == []
    first = claim(client, made, vmId="vm")
    client.finish(first, "heartbeat", progress={"percent": 40})
    (running,) = client.attempts(made["id"])
    assert (running["attempt"], running["generation"], running["agent"], running["vmId"]) == \
        (1, first["claim"]["generation"], "ann", "vm")
    assert running["outcome"] == "running" and "endedAt" not in running and running["progress"]["percent"] == 40
    client.finish(first, "fail", error="boom", delaySeconds=0)
    client.finish(claim(client, made, "bob"), "release")
    client.finish(claim(client, made, "cid"), "complete", result={"x": 1})
    attempts = client.attempts(made["id"])
    assert [(one["attempt"], one["agent"], one["outcome"]) for one in attempts] == \
        [(1, "ann", "failed"), (2, "bob", "released"), (3, "cid", "completed")]
    assert attempts[0]["error"] == "boom" and attempts[2]["result"] == {"x": 1}
    assert all(one["endedAt"] >= one["claimedAt"] for one in attempts)
    assert attempts[0]["progress"]["percent"] == 40


def test_the_next_holder_is_shown_the_attempt_before(client):
    made = client.create()
    client.finish(claim(client, made), "fail", error="boom", delaySeconds=0)
    previous = claim(client, made, "bob")["previousAttempt"]
    assert previous["attempt"] == 1 and previous["agent"] == "ann" and previous["error"] == "boom"


def test_attempts_of_nothing_are_not_found(client):
    refused(client.get("/board/tasks/01ARZ3NDEKTSV4RRFFQ69G5FAV/attempts"), 404, "task_not_found")


# --- late results ---

def late(client):
    """A task that bob holds, with ann's token of an attempt that was released."""
    made = client.create()
    stale = claim(client, made)
    client.finish(stale, "release")
    return stale, claim(client, made, "bob")


def test_a_late_result_is_refused_and_kept(client):
    stale, held = late(client)
    answer = client.finish(stale, "complete", result={"late": True})
    refusal = refused(answer, 409, "claim_lost")
    assert refusal["reason"] == "released" and refusal["claim"]["by"] == "bob"
    attempt = client.attempts(held["id"])[0]
    assert attempt["late"] is True and attempt["result"] == {"late": True}
    assert client.events(f"taskId={held['id']}")[-1]["type"] == "task.late"
    assert client.finish(held, "heartbeat").status == 200
    with changes_nothing(client):
        refused(client.finish(stale, "complete", result="another"), 409, "claim_lost")
    assert client.attempts(held["id"])[0]["result"] == {"late": True}


def test_a_late_result_is_kept_whatever_version_its_holder_knew(client):
    stale, held = late(client)
    with_version = {"If-Match": f'"{stale["version"]}"'}
    answer = client.finish(stale, "complete", result={"late": True}, headers=with_version)
    assert refused(answer, 409, "claim_lost")["reason"] == "released"
    attempt = client.attempts(held["id"])[0]
    assert attempt["late"] is True and attempt["result"] == {"late": True}


def test_a_late_failure_changes_nothing(client):
    stale, _ = late(client)
    with changes_nothing(client):
        refused(client.finish(stale, "fail", error="e"), 409, "claim_lost")


def test_a_late_result_can_be_accepted(client):
    stale, held = late(client)
    client.finish(stale, "complete", result={"late": True})
    path = f"/board/tasks/{held['id']}/attempts/1/accept"
    with changes_nothing(client):
        refused(client.post(path, {"by": "lead"}), 409, "already_claimed")
    client.finish(held, "release")
    answer = client.post(path, {"by": "lead"}, documented=True)
    assert answer.status == 200
    assert answer.json["status"] == "done" and answer.json["outcome"] == "success"
    assert answer.json["result"] == {"late": True}
    event = client.events(f"taskId={held['id']}")[-1]
    assert event["type"] == "task.completed" and event["data"]["acceptedAttempt"] == 1 and event["actor"] == "lead"
    with changes_nothing(client):
        refused(client.post(path), 409, "already_done")


def test_force_takes_the_task_from_its_holder(client):
    stale, held = late(client)
    client.finish(stale, "complete", result=1)
    assert client.post(f"/board/tasks/{held['id']}/attempts/1/accept", {"force": True}).status == 200
    assert refused(client.finish(held, "heartbeat"), 409, "claim_lost")["reason"] == "taken_over"


@pytest.mark.parametrize("number", ["0", "9", "x", "-1", "99999999999999999999", "1.0"])
def test_only_an_attempt_that_was_can_be_accepted(client, number):
    made = client.create()
    client.finish(claim(client, made), "release")
    with changes_nothing(client):
        refused(client.post(f"/board/tasks/{made['id']}/attempts/{number}/accept"), 404, "attempt_not_found")
        refused(client.post(f"/board/tasks/{made['id']}/attempts/1/accept"), 409, "no_result")

"""Older clients and claimed tasks: what would end a live claim needs its token, or force."""

import pytest
from harness import changes_nothing, refused

# request, and the status that it leaves
ENDS = [
    ("PATCH", "", {"status": "open"}, "open"),
    ("PATCH", "", {"status": "done"}, "done"),
    ("PATCH", "", {"assignee": "bob"}, "in_progress"),
    ("POST", "/review", {"summary": "s"}, "in_review"),
    ("POST", "/approve", {}, "done"),
    ("POST", "/reject", {"reason": "r"}, "open"),
]


def claimed(client):
    made = client.create()
    return client.act(made["id"], "claim", {"agent": "ann"}).json


def send(client, task, method, verb, body, query="", headers=None):
    return client.request(method, f"/board/tasks/{task['id']}{verb}{query}", body, headers=headers)


@pytest.mark.parametrize("method, verb, body, status", ENDS)
def test_what_would_end_a_claim_is_refused(client, method, verb, body, status):
    task = claimed(client)
    with changes_nothing(client):
        refusal = refused(send(client, task, method, verb, body), 409, "already_claimed")
        assert refusal["claim"] == {"by": "ann", "generation": task["claim"]["generation"]}
        refused(send(client, task, method, verb, body, query="?force=false"), 409, "already_claimed")
        refused(send(client, task, method, verb, body, query="?force=yes"), 400, "invalid_query", "force")
        refused(send(client, task, method, verb, body, query="?force=false&force=true"), 400, "invalid_query", "force", "once")
        refused(send(client, task, method, verb, body, headers={"Claim-Token": "nonsense"}), 400, "invalid_header")


@pytest.mark.parametrize("method, verb, body, status", ENDS)
@pytest.mark.parametrize("right", ["token", "force"])
def test_with_the_token_or_by_force_it_ends_the_claim(client, method, verb, body, status, right):
    task = claimed(client)
    answer = send(client, task, method, verb, body,
                  query="?force=true" if right == "force" else "",
                  headers={"Claim-Token": task["claim"]["token"]} if right == "token" else None)
    assert answer.status == 200, answer
    assert answer.json["status"] == status and "claim" not in answer.json
    assert client.attempts(task["id"])[-1]["outcome"] == "taken_over"
    assert refused(client.finish(task, "heartbeat"), 409, "claim_lost")["reason"] == "taken_over"


def test_a_stale_token_is_no_right(client):
    stale = claimed(client)
    client.finish(stale, "release")
    client.act(stale["id"], "claim", {"agent": "bob"})
    with changes_nothing(client):
        answer = client.patch(stale["id"], {"status": "open"}, headers={"Claim-Token": stale["claim"]["token"]})
        assert refused(answer, 409, "claim_lost")["reason"] == "released"


def test_a_claimed_task_is_deleted_by_force_only(client):
    task = claimed(client)
    with changes_nothing(client):
        refused(client.delete(task["id"]), 409, "already_claimed")
    answer = client.request("DELETE", f"/board/tasks/{task['id']}?force=true")
    assert answer.status == 200 and answer.json == {"deleted": True}
    refused(client.finish(task, "heartbeat"), 404, "task_not_found")


@pytest.mark.parametrize("fields", [
    {"title": "another"}, {"tags": ["x"]}, {"priority": 7}, {"description": "d"}, {"status": "in_progress"},
    {"assignee": "ann"}, {"dependencies": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]},
    {"notBefore": "2999-01-01T00:00:00Z"},
])
def test_everything_else_can_be_changed_while_somebody_works(client, fields):
    task = claimed(client)
    after = client.change(task["id"], **fields)
    assert after["status"] == "in_progress" and after["claim"]["by"] == "ann"
    assert client.finish(task, "heartbeat").status == 200
    assert client.completed(task)["status"] == "done"


def test_notes_artifacts_and_bumps_need_no_token(client):
    task = claimed(client)
    client.note(task["id"])
    assert client.act(task["id"], "bump").status == 200
    assert client.act(task["id"], "artifacts", {"artifacts": [{"type": "url", "url": "u", "label": "l"}]}).status == 201
    assert client.finish(task, "heartbeat").status == 200


def test_who_sets_in_progress_itself_holds_no_lease(client):
    made = client.create()
    held = client.change(made["id"], status="in_progress", assignee="old")
    assert "claim" not in held
    assert client.change(made["id"], status="open")["status"] == "open"

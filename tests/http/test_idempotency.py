"""Idempotency-Key: the first successful answer is given again, and there is one effect."""

import json

import pytest
from harness import Raw, at_the_same_time, changes_nothing, next_instant, refused

KEY = "Idempotency-Key"


def same(first, again):
    """The second answer is the first one, marked."""
    assert first.headers["Idempotency-Replayed"] is None and again.headers["Idempotency-Replayed"] == "true"
    assert (again.status, again.body, again.etag) == (first.status, first.body, first.etag)
    assert again.headers["Events-Seq"] == first.headers["Events-Seq"]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def repeat(client, path, body, key):
    first = client.post(path, body, headers={KEY: key})
    with changes_nothing(client):
        again = client.post(path, body, headers={KEY: key})
    same(first, again)
    return first


def test_every_post_that_changes_something_can_be_repeated(board):
    task = repeat(board, "/board/tasks", {"title": "t", "createdBy": "c"}, "create").json
    path = f"/board/tasks/{task['id']}"
    repeat(board, f"{path}/notes", {"author": "a", "content": "c", "type": "update"}, "note")
    repeat(board, f"{path}/artifacts", {"artifacts": [{"type": "url", "url": "u", "label": "l"}]}, "artifact")
    repeat(board, f"{path}/bump", None, "bump")
    held = repeat(board, "/board/claim", {"agent": "ann"}, "claim").json["tasks"][0]
    token = {"claimToken": held["claim"]["token"]}
    repeat(board, f"{path}/release", token, "release")
    held = repeat(board, f"{path}/claim", {"agent": "ann"}, "claim-by-id").json
    token = {"claimToken": held["claim"]["token"]}
    repeat(board, f"{path}/complete", {**token, "review": True, "next": {"agent": "ann"}}, "complete")
    repeat(board, f"{path}/reject", {"reason": "r"}, "reject")
    repeat(board, f"{path}/cancel", {"by": "b"}, "cancel")
    repeat(board, f"{path}/retry", {}, "retry")
    repeat(board, f"{path}/review", {"summary": "s"}, "review")
    repeat(board, f"{path}/approve", {}, "approve")
    repeat(board, "/board/pause", {"reason": "r"}, "pause")
    repeat(board, "/board/resume", {}, "resume")
    assert board.task(task["id"])["score"] == 1


VM = {"id": "vm", "name": "n", "role": "worker", "address": "a", "registeredBy": "r"}
NEWS = {"agent": "ann", "type": "finding", "summary": "s"}


def test_so_can_those_of_the_fleet(board):
    repeat(board, "/registry/vms", VM, "register")
    assert len(board.get("/registry/vms").json["vms"]) == 1
    repeat(board, "/feed/events", NEWS, "publish")
    assert len(board.get("/feed/events").json) == 1
    repeat(board, "/registry/vms/vm/heartbeat", {}, "vm-heartbeat")
    seen = board.get("/registry/vms/vm").json["lastSeen"]
    next_instant()
    again = board.post("/registry/vms/vm/heartbeat", {}, headers={KEY: "vm-heartbeat"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert board.get("/registry/vms/vm").json["lastSeen"] == seen
    board.create()
    held = board.claim_one(vmId="vm")
    repeat(board, f"/board/tasks/{held['id']}/heartbeat", {"claimToken": held["claim"]["token"]}, "heartbeat")


@pytest.mark.parametrize("path, body, other", [
    ("/registry/vms", VM, {**VM, "id": "vm-2"}), ("/feed/events", NEWS, {**NEWS, "summary": "t"}),
    ("/registry/vms/known/heartbeat", {}, {"x": 1}),
])
def test_another_body_for_the_fleet_is_refused(board, path, body, other):
    assert board.post("/registry/vms", {**VM, "id": "known"}).status == 201
    assert board.post(path, body, headers={KEY: "k"}).status in (200, 201)
    with changes_nothing(board):
        refused(board.post(path, other, headers={KEY: "k"}), 422, "idempotency_key_reused")


def test_answers_for_the_fleet_outlive_a_restart(own_server, board):
    asked = [("/registry/vms", VM, "a"), ("/feed/events", NEWS, "b"), ("/registry/vms/vm/heartbeat", {}, "c")]
    first = [board.post(path, body, headers={KEY: key}) for path, body, key in asked]
    own_server.leave()
    own_server.kill()
    own_server.start()
    after = own_server.client()
    for answer, (path, body, key) in zip(first, asked):
        same(answer, after.post(path, body, headers={KEY: key}))


def test_a_claim_whose_answer_was_lost_strands_nothing(board):
    board.create_many([{"title": str(n), "createdBy": "c"} for n in range(3)])
    first = repeat(board, "/board/claim", {"agent": "ann", "max": 2}, "k")
    assert first.json["count"] == 2 and board.summary()["claimed"] == 2


def test_an_answer_outlives_a_restart(own_server, board):
    board.create()
    body = {"agent": "ann"}
    first = board.post("/board/claim", body, headers={KEY: "k"})
    own_server.restart()
    again = own_server.client().post("/board/claim", body, headers={KEY: "k"})
    same(first, again)


def test_another_request_under_the_same_key_is_refused(board):
    first, second = board.create(), board.create()
    body = {"author": "a", "content": "c", "type": "update"}
    path = f"/board/tasks/{first['id']}/notes"
    assert board.post(path, body, headers={KEY: "k"}).status == 201
    with changes_nothing(board):
        refused(board.post(path, {**body, "content": "d"}, headers={KEY: "k"}), 422, "idempotency_key_reused")
        refused(board.post(f"/board/tasks/{second['id']}/notes", body, headers={KEY: "k"}), 422,
                "idempotency_key_reused")
        refused(board.post(f"{path}?x=1", body, headers={KEY: "k"}), 422, "idempotency_key_reused")
        refused(board.post(path, body, headers={KEY: "k", "If-Match": "*"}), 422, "idempotency_key_reused")
        refused(board.post(f"/board/tasks/{first['id']}/review", {"summary": "s"},
                           headers={KEY: "k", "Claim-Token": "1.AAAAAAAAAAAAAAAAAAAAAA"}), 422,
                "idempotency_key_reused")
    assert board.post(path, body, headers={KEY: "K"}).status == 201


def test_the_bytes_count_not_what_they_mean(client):
    made = client.create()
    path, body = f"/board/tasks/{made['id']}/review", {"summary": "s", "reviewedBy": "r"}
    assert client.post(path, json.dumps(body).encode(), headers={KEY: "bytes"}).status == 200
    assert client.post(path, json.dumps(body).encode(), headers={KEY: "bytes"}).status == 200
    refused(client.post(path, json.dumps(body, indent=1).encode(), headers={KEY: "bytes"}), 422,
            "idempotency_key_reused")


def test_a_key_may_stand_in_quotes(client):
    body = {"title": "quoted", "createdBy": "c"}
    first = client.post("/board/tasks", body, headers={KEY: '"in quotes"'})
    same(first, client.post("/board/tasks", body, headers={KEY: '"in quotes"'}))
    bare = client.post("/board/tasks", body, headers={KEY: "bare"})
    same(bare, client.post("/board/tasks", body, headers={KEY: '"bare"'}))


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "two words", '"open', "caf\u00e9", "a\tb"])
def test_a_wrong_key_is_refused(client, key):
    body = json.dumps({"title": "t", "createdBy": "c"})
    with changes_nothing(client), Raw(client.port) as raw:
        raw.send(f"POST /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {client.token}\r\n"
                 f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = raw.answer("POST")
        assert answer.status == 400 and answer.json["code"] == "invalid_header"


def test_the_longest_key_is_taken(client):
    body = {"title": "long", "createdBy": "c"}
    for key in ("x" * 255, '"' + "y" * 255 + '"'):
        same(client.post("/board/tasks", body, headers={KEY: key}),
             client.post("/board/tasks", body, headers={KEY: key}))


def test_what_was_refused_or_empty_is_not_kept(board):
    body = {"agent": "ann"}
    assert board.post("/board/claim", body, headers={KEY: "k"}).json["count"] == 0
    refused(board.post("/board/tasks", {"createdBy": "c"}, headers={KEY: "l"}), 400, "missing_field")
    board.create()
    answer = board.post("/board/claim", body, headers={KEY: "k"})
    assert answer.json["count"] == 1 and answer.headers["Idempotency-Replayed"] is None
    assert board.post("/board/tasks", {"title": "t", "createdBy": "c"}, headers={KEY: "l"}).status == 201


def test_a_create_that_found_its_task_is_not_done_again_when_that_is_done(board):
    there = board.create(uniqueKey="one")
    body = {"title": "t", "createdBy": "c", "uniqueKey": "one"}
    first = board.post("/board/tasks", body, headers={KEY: "k"})
    array = board.post("/board/tasks", [body], headers={KEY: "l"})
    assert (first.status, first.json["id"], array.status, array.json["tasks"][0]["id"]) == (200, there["id"], 201, there["id"])
    board.done(there["id"])
    with changes_nothing(board):
        for sent, answer, key in ((body, first, "k"), ([body], array, "l")):
            again = board.post("/board/tasks", sent, headers={KEY: key})
            assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (answer.status, answer.body, "true")
    assert board.post("/board/tasks", body, headers={KEY: "m"}).status == 201


def test_other_methods_take_no_notice_of_a_key(client):
    made = client.create()
    for priority in (1, 2):
        assert client.patch(made["id"], {"priority": priority}, headers={KEY: "p"}).json["priority"] == priority
    assert client.get(f"/board/tasks/{made['id']}", headers={KEY: "p"}).status == 200


def test_requests_that_race_under_one_key_have_one_effect(own_server, board):
    clients = [own_server.client() for _ in range(8)]
    body = {"title": "once", "createdBy": "c"}
    answers = at_the_same_time(*[
        lambda client=client: client.post("/board/tasks", body, headers={KEY: "race"}) for client in clients])
    assert len({answer.body for answer in answers}) == 1 and {answer.status for answer in answers} == {201}
    assert sorted(answer.headers["Idempotency-Replayed"] is None for answer in answers) == [False] * 7 + [True]
    assert len(board.list()) == 1

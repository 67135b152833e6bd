"""A token bound to an agent speaks as nobody else, uses its own claims only, and a worker patches little."""

import pytest
from harness import changes_nothing, refused
from harness.auth import bound, make_token

VM = {"id": "vm", "name": "n", "role": "worker", "address": "a"}
ARTIFACT = {"type": "url", "url": "u", "label": "l"}

# role, path, body without the name, the member that names an actor, where the answer says who it was
FIELDS = [
    ("worker", "/board/tasks", {"title": "t"}, "createdBy", lambda answer: answer["createdBy"]),
    ("worker", "/board/tasks/{id}/notes", {"content": "c", "type": "update"}, "author", lambda answer: answer["author"]),
    ("worker", "/board/tasks/{id}/review", {"summary": "s"}, "reviewedBy", lambda answer: answer["notes"][-1]["author"]),
    ("coordinator", "/board/tasks/{id}/approve", {}, "approvedBy", lambda answer: answer["notes"][-1]["author"]),
    ("coordinator", "/board/tasks/{id}/reject", {"reason": "r"}, "rejectedBy", lambda answer: answer["notes"][-1]["author"]),
    ("worker", "/board/claim", {}, "agent", lambda answer: answer["tasks"][0]["claim"]["by"]),
    ("worker", "/board/tasks/{id}/claim", {}, "agent", lambda answer: answer["claim"]["by"]),
    ("worker", "/feed/events", {"type": "custom", "summary": "s"}, "agent", lambda answer: answer["agent"]),
    ("worker", "/registry/vms", VM, "registeredBy", lambda answer: answer["registeredBy"]),
    ("coordinator", "/board/tasks/{id}/cancel", {}, "by", None),
    ("coordinator", "/board/retry", {}, "by", None),
    ("coordinator", "/board/pause", {}, "by", lambda answer: answer["paused"][0]["by"]),
    ("coordinator", "/board/resume", {}, "by", None),
]


@pytest.mark.parametrize("role, path, body, field, who", FIELDS, ids=[f[1] + " " + f[3] for f in FIELDS])
def test_no_field_names_another_actor_and_an_absent_one_is_the_agent(own_server, board, role, path, body, field, who):
    task = board.create()
    ann = bound(own_server, board, role)
    path = path.format(id=task["id"])
    with changes_nothing(board):
        assert refused(ann.post(path, {**body, field: "bob"}), 403, "forbidden", field)["field"] == field
    answer = ann.post(path, body)
    assert answer.status in (200, 201), answer
    if who:
        assert who(answer.json) == "ann"
    again = ann.post(path, {**body, field: "ann"})
    assert again.status in (200, 201, 409), again


def test_an_array_of_tasks_is_looked_at_one_by_one(own_server, board):
    ann = bound(own_server, board)
    for field in ("createdBy", "assignee"):
        refusal = refused(ann.post("/board/tasks", [{"title": "t"}, {"title": "t", field: "bob"}]), 403, "forbidden")
        assert (refusal["field"], refusal["index"]) == (field, 1)
    assert [t["createdBy"] for t in ann.post("/board/tasks", [{"title": "t"}, {"title": "t"}]).json["tasks"]] == ["ann", "ann"]


@pytest.mark.parametrize("verb", ["artifacts", "review"])
def test_nobody_else_adds_artifacts(own_server, board, verb):
    ann, task = bound(own_server, board), board.create()
    body = {"artifacts": [{**ARTIFACT, "addedBy": "bob"}], **({"summary": "s"} if verb == "review" else {})}
    assert refused(ann.act(task["id"], verb, body), 403, "forbidden")["field"] == "addedBy"
    del body["artifacts"][0]["addedBy"]
    assert ann.act(task["id"], verb, body).json["artifacts"][0]["addedBy"] == "ann"


def test_next_is_claimed_as_the_agent(own_server, board):
    ann = bound(own_server, board)
    board.create_many([{"title": "t", "createdBy": "c"}] * 2)
    task = ann.claim_one("ann")
    refused(ann.finish(task, "complete", next={"agent": "bob"}), 403, "forbidden", "next.agent")
    answer = ann.finish(task, "complete", next={}).json
    assert answer["next"]["tasks"][0]["claim"]["by"] == "ann"


@pytest.mark.parametrize("verb, fields", [("heartbeat", {}), ("complete", {}), ("fail", {"error": "e"}), ("release", {})])
def test_another_agents_claim_is_not_used(own_server, board, verb, fields):
    ann = bound(own_server, board)
    board.create()
    task = board.claim_one("bob")
    with changes_nothing(board):
        refused(ann.finish(task, verb, **fields), 403, "forbidden")
    assert board.finish(task, verb, **fields).status == 200
    if verb != "heartbeat":  # nor one that has ended
        refused(ann.finish(task, verb, **fields), 403, "forbidden")


def test_a_claim_token_of_another_agent_ends_nothing(own_server, board):
    coordinator = bound(own_server, board, "coordinator")
    board.create()
    task = board.claim_one("bob")
    headers = {"Claim-Token": task["claim"]["token"]}
    refused(coordinator.patch(task["id"], {"status": "open"}, headers=headers), 403, "forbidden")
    refused(coordinator.delete(task["id"], headers=headers), 403, "forbidden")
    assert board.patch(task["id"], {"status": "open"}, headers=headers).status == 200


# --- what a worker patches ---

@pytest.mark.parametrize("agent", [None, "ann"])
@pytest.mark.parametrize("fields", [{"title": "x"}, {"description": "x"}, {"tags": []}, {"dependencies": []}, {"priority": 1},
                                    {"payload": 1}, {"notBefore": None}, {"maxAttempts": 1}, {"status": "done", "title": "x"}])
def test_a_worker_patches_status_and_assignee_only(own_server, board, agent, fields):
    token = make_token(board, "worker", **({"agent": agent} if agent else {}))
    worker, task = own_server.client(token=token["token"]), board.create()
    with changes_nothing(board):
        refused(worker.patch(task["id"], fields), 403, "forbidden", "status and assignee")
    assert worker.patch(task["id"], {"status": "in_progress", "assignee": "ann"}).status == 200
    assert board.patch(task["id"], fields).status == 200


def test_a_bound_worker_patches_what_is_its_own_or_nobodys(own_server, board):
    ann = bound(own_server, board)
    nobodys, own, others = (board.create(**({"assignee": a} if a else {})) for a in (None, "ann", "bob"))
    assert ann.patch(nobodys["id"], {"status": "in_progress"}).status == 200
    assert ann.patch(own["id"], {"assignee": None}).status == 200
    assert ann.patch(own["id"], {"assignee": "ann"}).status == 200
    with changes_nothing(board):
        refused(ann.patch(others["id"], {"status": "done"}), 403, "forbidden", "another agent")
        assert refused(ann.patch(own["id"], {"assignee": "bob"}), 403, "forbidden")["field"] == "assignee"
        assert refused(ann.post("/board/tasks", {"title": "t", "assignee": "bob"}), 403, "forbidden")["field"] == "assignee"
    assert ann.post("/board/tasks", {"title": "t", "assignee": "ann"}).status == 201


def test_a_worker_that_is_not_bound_is_not_told_apart(own_server, board):
    worker = own_server.client(token=make_token(board, "worker")["token"])
    task = board.create(assignee="bob")
    assert worker.patch(task["id"], {"assignee": "carl"}).status == 200
    assert worker.patch(task["id"], {"status": "done"}).status == 200


def test_a_bound_coordinator_edits_any_task(own_server, board):
    ann, task = bound(own_server, board, "coordinator"), board.create(assignee="bob")
    assert ann.patch(task["id"], {"title": "x", "assignee": "carl"}).status == 200

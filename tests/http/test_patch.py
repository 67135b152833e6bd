"""PATCH: every field, null, all or nothing, and the outcome of a done task. DELETE."""

import pytest
from harness import changes_nothing, refused

FIELDS = [
    ("title", " new title ", "new title"),
    ("description", " new\n", "new"),
    ("status", "blocked", "blocked"),
    ("status", "in_progress", "in_progress"),
    ("status", "in_review", "in_review"),
    ("status", "done", "done"),
    ("assignee", " ann\u3000", "ann"),
    ("tags", [" kept ", "x"], [" kept ", "x"]),
    ("tags", [], []),
    ("dependencies", ["nowhere", " y"], ["nowhere", " y"]),
    ("dependencies", [], []),
    ("priority", -100, -100),
    ("payload", {"x": [1, None]}, {"x": [1, None]}),
    ("payload", 0, 0),
    ("payload", False, False),
    ("notBefore", "2999-12-31T23:59:59.999Z", "2999-12-31T23:59:59.999Z"),
    ("maxAttempts", 0, 0),
    ("maxAttempts", 7, 7),
]


@pytest.mark.parametrize("field, value, stored", FIELDS, ids=[f"{n}-{row[0]}" for n, row in enumerate(FIELDS)])
def test_each_field_can_be_changed_and_nothing_else_changes(client, field, value, stored):
    before = client.create("old", assignee="old", tags=["old"], dependencies=["old"], description="old", payload="old")
    answer = client.patch(before["id"], {field: value})
    assert answer.status == 200 and answer.json[field] == stored
    after = client.task(before["id"])
    assert after == answer.json and after["version"] == 2 and after["updatedAt"] >= before["updatedAt"]
    may_differ = {field, "version", "updatedAt", "ready", "blockedBy", "outcome", "blockedReason"}
    assert {k: v for k, v in after.items() if k not in may_differ} == \
        {k: v for k, v in before.items() if k not in may_differ}


def test_all_fields_can_be_changed_at_once_as_one_change(client):
    task = client.create()
    before = client.head_seq()
    fields = {"title": "all", "description": "d", "status": "done", "outcome": "failed", "assignee": "a", "tags": ["t"],
              "dependencies": ["x"], "priority": 3, "payload": 1, "notBefore": "2999-01-01T00:00:00.000Z",
              "maxAttempts": 9}
    after = client.change(task["id"], **fields)
    assert {name: after[name] for name in fields} == fields and after["version"] == 2
    assert client.head_seq() == before + 1


CLEARED = [("description", None), ("assignee", None), ("assignee", ""), ("assignee", " "), ("payload", None),
           ("notBefore", None)]


@pytest.mark.parametrize("field, value", CLEARED)
def test_null_clears_a_field(client, field, value):
    task = client.create(description="d", assignee="a", payload={"p": None}, notBefore="2999-01-01T00:00:00Z")
    assert task["ready"] is False
    after = client.change(task["id"], **{field: value})
    assert field not in after and field not in client.task(task["id"])
    assert after["ready"] is (field == "notBefore")


@pytest.mark.parametrize("field, default", [("tags", []), ("dependencies", []), ("priority", 0), ("maxAttempts", 3)])
def test_null_gives_back_the_default(client, field, default):
    task = client.create(tags=["t"], dependencies=["d"], priority=9, maxAttempts=9)
    assert client.change(task["id"], **{field: None})[field] == default


LEGACY_TEXTS = [
    ({"title": ""}, "title cannot be empty"),
    ({"title": " \u2003 "}, "title cannot be empty"),
    ({"title": None}, "title cannot be empty"),
    ({"title": 7}, "title cannot be empty"),
    ({"status": "bad"}, "invalid status: bad"),
    ({"status": ""}, "invalid status: "),
    ({"status": None}, "invalid status: null"),
    ({"status": "bad", "title": "t"}, "invalid status: bad"),
]


@pytest.mark.parametrize("fields, text", LEGACY_TEXTS)
def test_a_refusal_says_the_legacy_text_and_changes_nothing(client, fields, text):
    task = client.create()
    with changes_nothing(client):
        answer = client.patch(task["id"], fields)
        assert answer.status == 400 and answer.json["error"] == text


def test_one_bad_field_refuses_all_the_others(client):
    task = client.create("before", tags=["before"])
    for bad in ({"priority": 101}, {"status": "x"}, {"dependencies": [task["id"]]}, {"notBefore": "soon"}):
        with changes_nothing(client):
            answer = client.patch(task["id"], {"title": "after", "tags": ["after"], **bad})
            assert answer.status in (400, 409)
        assert client.task(task["id"]) == task


def test_an_empty_patch_is_answered_with_the_task(client):
    task = client.create()
    for body in ({}, None, b" "):
        answer = client.patch(task["id"], body)
        assert answer.status == 200 and answer.json["title"] == "a task"


def test_a_legacy_patch_to_done_is_a_success_and_reopening_takes_the_outcome_away(client):
    task = client.create()
    assert client.done(task["id"])["outcome"] == "success"
    assert "outcome" not in client.change(task["id"], status="open")
    assert "outcome" not in client.change(task["id"], status="in_progress")


@pytest.mark.parametrize("outcome", ["success", "failed", "cancelled"])
def test_an_outcome_can_be_given_with_done(client, outcome):
    task = client.create()
    assert client.done(task["id"], outcome=outcome)["outcome"] == outcome
    assert client.task(task["id"])["outcome"] == outcome


def test_the_outcome_of_a_done_task_can_be_changed(client):
    task = client.create(status="done")
    for outcome in ("failed", "cancelled", "success"):
        assert client.done(task["id"], outcome=outcome)["outcome"] == outcome
    client.done(task["id"], outcome="failed")
    assert client.done(task["id"])["outcome"] == "success"


def test_an_outcome_without_done_is_refused(client):
    task = client.create()
    for fields in ({"outcome": "failed"}, {"outcome": "failed", "status": "open"},
                   {"outcome": "lost", "status": "done"}, {"outcome": 1, "status": "done"}):
        with changes_nothing(client):
            refused(client.patch(task["id"], fields), 400, "invalid_field", "outcome")


@pytest.mark.parametrize("fields", [{}, {"status": "done"}, {"title": "x"}])
def test_a_patch_of_what_is_not_there_is_404(client, fields):
    for task_id in ("nope", "01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        assert refused(client.patch(task_id, fields), 404, "task_not_found")["error"] == "task not found"


def test_fields_that_nobody_may_change_are_ignored_and_named(client):
    task = client.create()
    nobodys = {"id": "x", "createdBy": "y", "score": 9, "version": 7, "notes": []}
    answer = client.patch(task["id"], {**nobodys, "title": "t"})
    assert answer.status == 200
    after = answer.json
    assert (after["id"], after["createdBy"], after["score"], after["version"]) == (task["id"], "tester", 0, 2)
    ignored = {name.strip() for name in answer.headers["Taskboard-Ignored-Fields"].split(",")}
    assert ignored == set(nobodys)


def test_delete_takes_the_task_with_everything_on_it(client):
    task = client.create(tags=["doomed"], assignee="doomed", uniqueKey="doomed", description="doomed word")
    client.note(task["id"])
    answer = client.delete(task["id"])
    assert answer.status == 200 and answer.json == {"deleted": True}
    for path in ("", "/notes"):
        assert client.get(f"/board/tasks/{task['id']}{path}").status == 404
    for query in ("tag=doomed", "assignee=doomed", "q=doomed"):
        assert client.list(query) == []
    assert client.create(uniqueKey="doomed")["id"] != task["id"]


def test_delete_of_what_is_not_there_is_404(client):
    task = client.create()
    client.delete(task["id"])
    for task_id in ("nope", task["id"]):
        with changes_nothing(client):
            assert refused(client.delete(task_id), 404, "task_not_found")["error"] == "task not found"


def test_blocked_is_what_a_dead_letter_is_already(client):
    held = client.act(client.create()["id"], "claim", {"agent": "ann"}).json
    dead = client.finish(held, "fail", error="e", retryable=False).json
    assert dead["blockedReason"]["kind"] == "dead_letter"
    assert client.change(dead["id"], status="blocked")["blockedReason"] == dead["blockedReason"]
    client.change(dead["id"], status="open")
    assert client.change(dead["id"], status="blocked")["blockedReason"] == {"kind": "manual"}


def test_a_change_moves_a_task_between_all_filters(client):
    task_id = client.create(tags=["from"], assignee="from")["id"]
    client.change(task_id, tags=["to"], assignee="to", status="blocked")
    for query in ("tag=from", "assignee=from"):
        assert client.list(query) == []
    for query in ("tag=to", "assignee=to", "assignee=to&status=blocked"):
        assert client.ids(query) == [task_id]

"""Limits that only stored state can reach: each is a clear answer, and leaves everything as it was."""

import math
import re

import pytest
from harness import changes_nothing, refused
from harness.server import ROOT

ARTIFACT = {"type": "url", "url": "u", "label": "l"}


def limit(name):
    """A number of include/taskboard/limits.h."""
    text = (ROOT / "include" / "taskboard" / "limits.h").read_text()
    factors = re.search(rf"^#define {name}\s+\(?([\d *]+)", text, re.MULTILINE).group(1)
    return math.prod(int(factor) for factor in factors.split("*"))


def test_a_task_has_only_so_many_artifacts(client):
    most, a_request = limit("TB_ARTIFACTS_MAX"), limit("TB_ARTIFACTS_REQUEST_MAX")
    task_id, left = client.create()["id"], most - 1
    while left > 0:
        batch = [ARTIFACT] * min(left, a_request)
        assert client.act(task_id, "artifacts", {"artifacts": batch}).status == 201
        left -= len(batch)
    with changes_nothing(client):
        refused(client.act(task_id, "artifacts", {"artifacts": [ARTIFACT] * 2}), 409, "limit_reached", "artifacts")
        review = {"summary": "s", "artifacts": [ARTIFACT] * 2}
        refused(client.act(task_id, "review", review), 409, "limit_reached", "artifacts")
    assert client.act(task_id, "artifacts", {"artifacts": [ARTIFACT]}).status == 201
    assert len(client.task(task_id)["artifacts"]) == most


def test_all_notes_of_a_task_together_are_only_so_long(board):
    most, content = limit("TB_NOTES_BYTES_MAX"), "n" * limit("TB_NOTE_BYTES_MAX")
    task_id, count = board.create()["id"], 0
    while (answer := board.act(task_id, "notes", {"author": "a", "content": content, "type": "update"})).status == 201:
        count += 1
        assert count * len(content) <= most, "the notes never get too long"
    refused(answer, 409, "limit_reached", "notes")
    assert (count + 2) * len(content) > most
    with changes_nothing(board):
        for verb, body in (("review", {"summary": content}), ("reject", {"reason": content[:60000]})):
            refused(board.act(task_id, verb, body), 409, "limit_reached")
    assert board.note(task_id, "a short one fits")
    answer = board.get(f"/board/tasks/{task_id}", check=False)
    assert len(answer.json["notes"]) == count + 1 and len(answer.body) > count * len(content)
    assert board.change(task_id, priority=1)["version"] == count + 3


@pytest.mark.parametrize("verb, field, by", [("approve", "comment", "approvedBy"), ("reject", "reason", "rejectedBy")])
def test_the_longest_verdict_is_a_note_like_any_other(board, serve, verb, field, by):
    most, name = limit("TB_VERDICT_BYTES_MAX"), "n" * limit("TB_NAME_BYTES_MAX")
    task_id = board.create()["id"]
    with changes_nothing(board):
        refused(board.act(task_id, verb, {field: "v" * (most + 1), by: name}), 400, "invalid_field", field)
    assert board.act(task_id, verb, {field: "v" * most, by: name}).status == 200
    (note,) = board.task(task_id)["notes"]
    assert most < len(note["content"]) <= limit("TB_NOTE_BYTES_MAX")
    assert serve().client().post("/admin/import", board.get("/admin/export", check=False).body).status == 200


def test_only_so_many_tasks_wait_for_one(own_server):
    most, a_request = limit("TB_DEPENDENTS_MAX"), limit("TB_CREATE_TASKS_MAX")
    board = own_server.client(check=False)
    first = board.create("first")["id"]
    waiting = {"title": "waits", "createdBy": "c", "dependencies": [first]}
    for start in range(0, most, a_request):
        board.create_many([waiting] * min(a_request, most - start))
    other = board.create("other")["id"]
    with changes_nothing(board):
        refused(board.post("/board/tasks", waiting), 409, "limit_reached")
        refused(board.post("/board/tasks", [waiting]), 409, "limit_reached")
        refused(board.patch(other, {"dependencies": [first]}), 409, "limit_reached")
    before = board.head_seq()
    board.done(first)
    assert board.head_seq() == before + 1 + most
    assert board.get("/board/tasks?ready=true&fields=id&limit=10000").json["count"] == most + 1

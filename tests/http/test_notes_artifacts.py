"""Notes, artifacts and bumps."""

import pytest
from harness import at_the_same_time, changes_nothing, refused

NOTE = {"author": "ann", "content": "Found the bug", "type": "finding"}
ARTIFACT = {"type": "branch", "url": "https://example.org/x", "label": "PR"}


@pytest.mark.parametrize("kind", ["finding", "blocker", "question", "update"])
def test_a_note_is_trimmed_kept_and_answered(client, kind):
    task = client.create()
    answer = client.act(task["id"], "notes", {"author": " ann ", "content": "\n Found\nit \ufeff", "type": kind})
    assert answer.status == 201
    note = answer.json
    assert set(note) == {"id", "author", "content", "type", "createdAt"}
    assert (note["author"], note["content"], note["type"]) == ("ann", "Found\nit", kind)
    after = client.task(task["id"])
    assert after["notes"] == [note] and after["version"] == 2 and after["updatedAt"] == note["createdAt"]
    assert client.get(f"/board/tasks/{task['id']}/notes").json == {"notes": [note], "count": 1}


def test_notes_come_back_in_the_order_in_which_they_were_made(client):
    task = client.create()
    notes = [client.note(task["id"], f"note {n}") for n in range(20)]
    assert client.task(task["id"])["notes"] == notes
    assert [note["id"] for note in notes] == sorted(note["id"] for note in notes)
    assert client.get(f"/board/tasks/{task['id']}/notes").json == {"notes": notes, "count": 20}


def test_a_task_without_notes_has_an_empty_list_of_them(client):
    assert client.get(f"/board/tasks/{client.create()['id']}/notes").json == {"notes": [], "count": 0}


def test_writers_of_notes_at_the_same_time_lose_none(shared_server, client):
    task_id = client.create()["id"]
    writers = [shared_server.client() for _ in range(8)]
    made = at_the_same_time(*[lambda who=who: [who.note(task_id)["id"] for _ in range(15)] for who in writers])
    task = client.task(task_id)
    assert sorted(note["id"] for note in task["notes"]) == sorted(sum(made, []))
    assert task["version"] == 121


NOTE_TEXTS = [
    ({"content": "c", "type": "update"}, "author is required"),
    ({"author": "", "content": "c", "type": "update"}, "author is required"),
    ({"author": " \u00a0", "content": "c", "type": "update"}, "author is required"),
    ({"author": None, "content": "c", "type": "update"}, "author is required"),
    ({"author": "a", "type": "update"}, "content is required"),
    ({"author": "a", "content": "", "type": "update"}, "content is required"),
    ({"author": "a", "content": "\n", "type": "update"}, "content is required"),
    ({"author": "a", "content": "c", "type": "bad"}, "invalid note type: bad"),
    ({"author": "a", "content": "c", "type": ""}, "invalid note type: "),
    ({"author": "a", "content": "c"}, "invalid note type: undefined"),
    ({"author": "a", "content": "c", "type": None}, "invalid note type: null"),
    ({}, "author is required"),
]

ARTIFACT_TEXTS = [
    ({}, "artifacts array is required and must not be empty"),
    ({"artifacts": []}, "artifacts array is required and must not be empty"),
    ({"artifacts": None}, "artifacts array is required and must not be empty"),
    ({"artifacts": "branch"}, "artifacts array is required and must not be empty"),
    ({"artifacts": ARTIFACT}, "artifacts array is required and must not be empty"),
    ({"artifacts": [{"url": "u", "label": "l"}]}, "invalid artifact type: undefined"),
    ({"artifacts": [{"type": "bad", "url": "u", "label": "l"}]}, "invalid artifact type: bad"),
    ({"artifacts": [{"type": "", "url": "u", "label": "l"}]}, "invalid artifact type: "),
    ({"artifacts": [{"type": "url", "label": "l"}]}, "artifact url is required"),
    ({"artifacts": [{"type": "url", "url": " ", "label": "l"}]}, "artifact url is required"),
    ({"artifacts": [{"type": "url", "url": "u"}]}, "artifact label is required"),
    ({"artifacts": [{"type": "url", "url": "u", "label": "\t"}]}, "artifact label is required"),
    ({"artifacts": [ARTIFACT, {"type": "file", "url": "", "label": "l"}]}, "artifact url is required"),
]


@pytest.mark.parametrize("verb, body, text", [("notes", *row) for row in NOTE_TEXTS] +
                         [("artifacts", *row) for row in ARTIFACT_TEXTS])
def test_a_refusal_says_the_legacy_text_and_changes_nothing(client, verb, body, text):
    task_id = client.create()["id"]
    with changes_nothing(client):
        answer = client.act(task_id, verb, body)
        assert answer.status == 400 and answer.json["error"] == text


@pytest.mark.parametrize("method, verb, body", [("GET", "notes", None), ("POST", "notes", NOTE), ("POST", "bump", None),
                                                ("POST", "artifacts", {"artifacts": [ARTIFACT]})])
def test_a_task_that_is_not_there_is_404(client, method, verb, body):
    answer = client.request(method, f"/board/tasks/nonexistent/{verb}", body)
    assert refused(answer, 404, "task_not_found")["error"] == "task not found"


@pytest.mark.parametrize("kind", ["branch", "report", "deploy", "diff", "file", "url"])
def test_an_artifact_is_trimmed_and_answered_with_the_task(client, kind):
    task = client.create()
    sent = {"type": kind, "url": " u ", "label": "\u3000l", "addedBy": " ann "}
    answer = client.act(task["id"], "artifacts", {"artifacts": [sent]})
    assert answer.status == 201
    (artifact,) = answer.json["artifacts"]
    added_at = artifact.pop("addedAt")
    assert artifact == {"type": kind, "url": "u", "label": "l", "addedBy": "ann"}
    assert added_at == answer.json["updatedAt"] and answer.json["version"] == 2
    assert client.task(task["id"]) == answer.json


def test_an_artifact_of_nobody_names_nobody(client):
    task = client.create()
    for extra in ({}, {"addedBy": None}, {"addedBy": ""}):
        answer = client.act(task["id"], "artifacts", {"artifacts": [{**ARTIFACT, **extra}]})
        assert "addedBy" not in answer.json["artifacts"][-1]


def test_artifacts_are_added_in_order_behind_those_that_are_there(client):
    task_id = client.create()["id"]
    for start in (0, 3):
        batch = [{**ARTIFACT, "label": str(start + n)} for n in range(3)]
        assert client.act(task_id, "artifacts", {"artifacts": batch}).status == 201
    task = client.task(task_id)
    assert [a["label"] for a in task["artifacts"]] == list("012345") and task["version"] == 3


def test_artifacts_are_strict_about_unknown_fields(client):
    task_id = client.create()["id"]
    with changes_nothing(client):
        answer = client.act(task_id, "artifacts", {"artifacts": [{**ARTIFACT, "colour": "red"}]})
        refused(answer, 400, "unknown_field", "colour")


def test_a_bump_adds_one_to_the_score(client):
    task_id = client.create()["id"]
    for score in (1, 2, 3):
        answer = client.act(task_id, "bump")
        assert answer.status == 200 and answer.json["score"] == score and answer.json["version"] == score + 1
    assert client.act(task_id, "bump", {}).json["score"] == 4
    assert client.task(task_id)["score"] == 4


def test_bumps_at_the_same_time_all_count(shared_server, client):
    task_id = client.create()["id"]
    clients = [shared_server.client() for _ in range(8)]
    at_the_same_time(*[lambda who=who: [who.act(task_id, "bump") for _ in range(25)] for who in clients])
    task = client.task(task_id)
    assert task["score"] == 200 and task["version"] == 201


def test_a_bump_raises_the_place_in_the_claim_order(board):
    first, second = board.create("first"), board.create("second")
    assert board.ids("order=rank") == [first["id"], second["id"]]
    board.act(second["id"], "bump")
    assert board.ids("order=rank") == [second["id"], first["id"]]
    board.change(first["id"], priority=2)
    assert board.ids("order=rank") == [first["id"], second["id"]]

"""Review, approve, reject and the list of what waits for review."""

import pytest
from harness import changes_nothing, next_instant, refused

STATUSES = ["open", "in_progress", "in_review", "blocked", "done"]
ARTIFACT = {"type": "branch", "url": "https://example.org/x", "label": "PR"}

# verb, body, status afterwards, author of the note, its content
VERDICTS = [
    ("review", {"summary": " Implemented \n", "reviewedBy": " ann "}, "in_review", "ann", "Implemented"),
    ("review", {"summary": "s"}, "in_review", "unknown", "s"),
    ("review", {"summary": "s", "reviewedBy": "  "}, "in_review", "unknown", "s"),
    ("review", {"summary": "s", "reviewedBy": None, "artifacts": None}, "in_review", "unknown", "s"),
    ("review", {"summary": "s", "artifacts": []}, "in_review", "unknown", "s"),
    ("approve", {"approvedBy": "bob", "comment": " Looks good "}, "done", "bob", "Approved by bob: Looks good"),
    ("approve", {"approvedBy": " bob\u00a0"}, "done", "bob", "Approved by bob"),
    ("approve", {"approvedBy": "bob", "comment": "  "}, "done", "bob", "Approved by bob"),
    ("approve", {"comment": "ok"}, "done", "unknown", "Approved by unknown: ok"),
    ("approve", {"approvedBy": "", "comment": None}, "done", "unknown", "Approved by unknown"),
    ("approve", {}, "done", "unknown", "Approved by unknown"),
    ("approve", None, "done", "unknown", "Approved by unknown"),
    ("reject", {"reason": " more tests ", "rejectedBy": " bob"}, "open", "bob", "Rejected by bob: more tests"),
    ("reject", {"reason": "r"}, "open", "unknown", "Rejected by unknown: r"),
    ("reject", {"reason": "r", "rejectedBy": None}, "open", "unknown", "Rejected by unknown: r"),
]


@pytest.mark.parametrize("verb, body, status, author, content", VERDICTS)
def test_a_verdict_sets_the_status_and_leaves_one_note(client, verb, body, status, author, content):
    task = client.create()
    answer = client.act(task["id"], verb, body)
    assert answer.status == 200
    after = answer.json
    assert after["status"] == status and after["version"] == 2 and after["artifacts"] == []
    (note,) = after["notes"]
    assert (note["author"], note["content"], note["type"]) == (author, content, "update")
    assert after.get("outcome") == ("success" if status == "done" else None)
    assert client.task(task["id"]) == after


@pytest.mark.parametrize("verb, body, expected", [("review", {"summary": "s"}, "in_review"), ("approve", {}, "done"),
                                                  ("reject", {"reason": "r"}, "open")])
@pytest.mark.parametrize("status", STATUSES)
def test_a_verdict_works_from_any_status(client, status, verb, body, expected):
    task = client.create(status=status)
    after = client.act(task["id"], verb, body).json
    assert after["status"] == expected and len(after["notes"]) == 1
    assert after.get("outcome") == ("success" if expected == "done" else None)


def test_approve_makes_a_success_of_a_failed_task(client):
    task = client.create()
    client.done(task["id"], outcome="failed")
    assert client.act(task["id"], "approve", {}).json["outcome"] == "success"


def test_artifacts_of_a_review_default_to_the_reviewer(client):
    task = client.create()
    sent = [ARTIFACT, {**ARTIFACT, "addedBy": "carl"}, {**ARTIFACT, "addedBy": ""}, {**ARTIFACT, "addedBy": None}]
    after = client.act(task["id"], "review", {"summary": "s", "reviewedBy": "ann", "artifacts": sent}).json
    assert [artifact["addedBy"] for artifact in after["artifacts"]] == ["ann", "carl", "ann", "ann"]
    anonymous = client.act(task["id"], "review", {"summary": "s", "artifacts": [ARTIFACT]}).json
    assert anonymous["artifacts"][-1]["addedBy"] == "unknown" and len(anonymous["artifacts"]) == 5


REFUSED = [
    ("review", {}, "summary is required"),
    ("review", None, "summary is required"),
    ("review", {"summary": ""}, "summary is required"),
    ("review", {"summary": " \n\u3000"}, "summary is required"),
    ("review", {"summary": None}, "summary is required"),
    ("review", {"summary": "s", "artifacts": [{**ARTIFACT, "type": "bad"}]}, "invalid artifact type: bad"),
    ("review", {"summary": "s", "artifacts": [{"url": "u", "label": "l"}]}, "invalid artifact type: undefined"),
    ("review", {"summary": "s", "artifacts": [ARTIFACT, {"type": "url", "label": "l"}]}, "artifact url is required"),
    ("review", {"summary": "s", "artifacts": [{"type": "url", "url": "u"}]}, "artifact label is required"),
    ("reject", {}, "reason is required"),
    ("reject", None, "reason is required"),
    ("reject", {"reason": ""}, "reason is required"),
    ("reject", {"reason": " \ufeff "}, "reason is required"),
]


@pytest.mark.parametrize("verb, body, text", REFUSED)
def test_a_refused_verdict_says_the_legacy_text_and_changes_nothing(client, verb, body, text):
    task = client.create(status="in_progress")
    with changes_nothing(client):
        answer = client.act(task["id"], verb, body)
        assert answer.status == 400 and answer.json["error"] == text
    assert client.task(task["id"]) == task


@pytest.mark.parametrize("verb, body", [("review", {"summary": "s"}), ("approve", {}), ("reject", {"reason": "r"})])
def test_a_verdict_on_what_is_not_there_is_404(client, verb, body):
    with changes_nothing(client):
        assert refused(client.act("nonexistent", verb, body), 404, "task_not_found")["error"] == "task not found"


def test_the_review_list_has_what_is_in_review_latest_update_first(board):
    ids = [board.create(str(n))["id"] for n in range(5)]
    for n in (3, 0, 2):
        next_instant()
        board.act(ids[n], "review", {"summary": "s", "artifacts": [ARTIFACT]})
    next_instant()
    board.create("born in review", status="in_review")
    next_instant()
    board.note(ids[3], "one more thing")
    listed = board.get("/board/review").json
    assert [task["title"] for task in listed["tasks"]] == ["3", "born in review", "2", "0"] and listed["count"] == 4
    assert listed["tasks"][0] == board.task(ids[3]) and len(listed["tasks"][0]["notes"]) == 2
    board.act(ids[3], "approve")
    board.act(ids[2], "reject", {"reason": "r"})
    board.delete(ids[0])
    assert [task["title"] for task in board.get("/board/review").json["tasks"]] == ["born in review"]


def test_the_whole_flow_of_a_task_that_is_rejected_once(client):
    task = client.create("flow", assignee="ann")
    client.change(task["id"], status="in_progress")
    client.act(task["id"], "review", {"summary": "first try", "reviewedBy": "ann", "artifacts": [ARTIFACT]})
    client.act(task["id"], "reject", {"reason": "no tests", "rejectedBy": "bob"})
    client.act(task["id"], "review", {"summary": "second try", "reviewedBy": "ann"})
    after = client.act(task["id"], "approve", {"approvedBy": "bob"}).json
    assert [note["content"] for note in after["notes"]] == [
        "first try", "Rejected by bob: no tests", "second try", "Approved by bob"]
    assert (after["status"], after["assignee"], after["version"], len(after["artifacts"])) == ("done", "ann", 6, 1)
    types = [event["type"] for event in client.get(f"/board/tasks/{task['id']}/history").json["events"]]
    assert types[0] == "task.created" and types[2:] == ["task.reviewed", "task.rejected", "task.reviewed",
                                                        "task.approved"]

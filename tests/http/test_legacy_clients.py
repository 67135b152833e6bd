"""The requests of the clients that are out there: the agents' extension, the dashboard, the manual's curl."""

import re

import pytest

# What a task, note and artifact of the legacy service have; ours may only have more.
TASK = {"id", "title", "status", "tags", "dependencies", "createdBy", "createdAt", "updatedAt", "notes", "artifacts",
        "score"}
NOTE = {"id", "author", "content", "type", "createdAt"}


class Extension:
    """Sends Content-Type with everything, a body only where it has one; throws what `error` says."""

    def __init__(self, client):
        self.client = client

    def api(self, method, path, body=None):
        answer = self.client.request(method, path, body, headers={"Content-Type": "application/json"})
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path} ({answer.status}): {answer.json['error']}")
        return answer.json


@pytest.fixture
def api(board):
    return Extension(board).api


def test_the_extension_works_a_task_from_creation_to_approval(api):
    task = api("POST", "/board/tasks", {"title": "Implement auth", "description": "JWT", "assignee": "backend-lt",
                                        "tags": ["auth"], "createdBy": "orchestrator"})
    assert TASK <= set(task) and task["status"] == "open" and task["description"] == "JWT"
    path = f"/board/tasks/{task['id']}"
    assert api("GET", "/board/tasks?status=open&assignee=backend-lt&tag=auth") == {"tasks": [task], "count": 1}
    assert api("PATCH", path, {"status": "in_progress", "assignee": "backend-lt"})["status"] == "in_progress"
    note = api("POST", f"{path}/notes", {"author": "backend-lt", "content": "Found it", "type": "finding"})
    assert set(note) == NOTE
    with_artifact = api("POST", f"{path}/artifacts", {"artifacts": [
        {"type": "branch", "url": "https://example.org/x", "label": "PR", "addedBy": "backend-lt"}]})
    assert with_artifact["artifacts"][0]["addedBy"] == "backend-lt"
    assert api("POST", f"{path}/bump")["score"] == 1
    in_review = api("POST", f"{path}/review", {"summary": "Done", "reviewedBy": "backend-lt", "artifacts": [
        {"type": "report", "url": "r", "label": "Tests"}]})
    assert in_review["status"] == "in_review" and len(in_review["artifacts"]) == 2
    assert [task["id"] for task in api("GET", "/board/review")["tasks"]] == [task["id"]]
    done = api("POST", f"{path}/approve", {"comment": "", "approvedBy": "dashboard-user"})
    assert done["status"] == "done" and done["notes"][-1]["content"] == "Approved by dashboard-user"
    assert api("GET", "/board/review") == {"tasks": [], "count": 0}


def test_the_extension_shows_the_errors_that_it_always_showed(api):
    for method, path, body, text in (
            ("POST", "/board/tasks", {"createdBy": "a"}, "POST /board/tasks (400): title is required"),
            ("PATCH", "/board/tasks/nope", {"status": "done"}, "PATCH /board/tasks/nope (404): task not found"),
            ("GET", "/board/nope", None, "GET /board/nope (404): task not found"),
            ("POST", "/board/tasks/nope/bump", None, "POST /board/tasks/nope/bump (404): task not found"),
            ("DELETE", "/board/tasks/nope", None, "DELETE /board/tasks/nope (404): task not found")):
        with pytest.raises(RuntimeError, match=re.escape(text)):
            api(method, path, body)


def test_an_agent_that_takes_a_task_by_patch_holds_it_and_stays_named(api):
    task = api("POST", "/board/tasks", {"title": "t", "createdBy": "o"})
    path = f"/board/tasks/{task['id']}"
    assert api("PATCH", path, {"status": "in_progress", "assignee": "me"})["assignee"] == "me"
    assert api("PATCH", path, {"status": "done"})["assignee"] == "me"
    assert "assignee" not in api("PATCH", path, {"assignee": None})


def test_a_blocked_task_is_blocked_by_hand(api):
    task = api("POST", "/board/tasks", {"title": "t", "createdBy": "o"})
    assert api("PATCH", f"/board/tasks/{task['id']}", {"status": "blocked"})["status"] == "blocked"
    assert api("GET", "/board/tasks?status=blocked")["count"] == 1
    assert api("PATCH", f"/board/tasks/{task['id']}", {"status": "open"})["status"] == "open"


def test_the_dashboard_can_show_every_task(board, api):
    for n in range(3):
        api("POST", "/board/tasks", {"title": str(n), "createdBy": "o", "extra": "from a newer client"})
    listed = api("GET", "/board/tasks")
    assert set(listed) == {"tasks", "count"} and listed["count"] == 3
    assert [task["title"] for task in listed["tasks"]] == ["2", "1", "0"]
    for task in listed["tasks"]:
        assert TASK <= set(task) and "extra" not in task
        assert isinstance(task["notes"], list) and isinstance(task["artifacts"], list)


def test_the_empty_plan_of_the_manual_is_taken(api):
    task = api("POST", "/board/tasks", {
        "title": "Implement auth middleware", "description": "Add JWT validation to all API routes",
        "createdBy": "orchestrator", "assignee": "backend-lt", "tags": ["auth", "backend"], "dependencies": []})
    assert task["ready"] and task["dependencies"] == []


def test_no_answer_says_null(board, api):
    task = api("POST", "/board/tasks", {"title": "t", "createdBy": "o", "description": None, "assignee": None})
    api("POST", f"/board/tasks/{task['id']}/approve", {"comment": None})
    for path in ("/board/tasks", f"/board/tasks/{task['id']}", "/events"):
        assert b"null" not in board.get(path).body

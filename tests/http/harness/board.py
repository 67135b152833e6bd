"""What a board promises as a whole: refusals change nothing, the log has no gaps and tells everything."""

from contextlib import contextmanager
from urllib.parse import quote


def refused(answer, status, code, *words):
    """The answer is that refusal, and its sentence holds each of `words` (without regard to case)."""
    assert answer.status == status, answer
    body = answer.json
    assert body["code"] == code, answer
    assert body["error"] and isinstance(body["error"], str), answer
    assert body["requestId"] == answer.headers["X-Request-Id"], answer
    for word in words:
        assert word.lower() in body["error"].lower(), f"{word!r} is not in {body['error']!r}"
    return body


def state(client):
    """Everything that a write could have changed."""
    return client.head_seq(), client.get("/board/tasks?limit=200", check=False).body


@contextmanager
def changes_nothing(client):
    before = state(client)
    yield
    assert state(client) == before, "something was changed"


def walk(client, query="", follow="nextCursor", check=None, cursor=None):
    """All tasks of a list (from `cursor` on), page after page, by the cursor in the body or by the Link header."""
    tasks, path, pages = [], next_by_cursor({"nextCursor": cursor}, query) or f"/board/tasks?{query}", 0
    while path:
        answer = client.get(path, check=check)
        assert answer.status == 200, answer
        page = answer.json
        assert page["count"] == len(page["tasks"])
        tasks += page["tasks"]
        pages += 1
        assert pages < 10000, "the pages never end"
        path = next_by_link(answer) if follow == "Link" else next_by_cursor(page, query)
    return tasks


def next_by_cursor(page, query):
    cursor = page.get("nextCursor")
    return cursor and f"/board/tasks?{query}&cursor={quote(cursor)}"


def next_by_link(answer):
    link = answer.headers["Link"]
    if link is None:
        return None
    target, _, parameters = link.partition(">")
    assert target.startswith("<") and 'rel="next"' in parameters, link
    return target[1:]


def event_log(client, check=None):
    """The whole log, from the oldest event to the head; asserts that no seq is missing."""
    first = client.get("/events?limit=1", check=check).json
    expected, events = first["oldest"], []
    while True:
        page = client.get(f"/events?since={expected - 1}&limit=1000", check=check).json
        for event in page["events"]:
            assert event["seq"] == expected, f"seq {expected} is missing"
            expected += 1
        events += page["events"]
        if expected > page["head"]:
            break
        assert page["events"], f"the log ends before its head {page['head']}"
    for earlier, later in zip(events, events[1:]):
        assert earlier["id"] < later["id"] and earlier["at"] <= later["at"]
    return events


def replay(events):
    """The board as the log tells it: {task id: summary view}. Each change of a task is one event and one version."""
    tasks = {}
    for event in events:
        task_id = event["taskId"]
        if event["type"] == "task.deleted":
            assert task_id in tasks, f"{task_id} was deleted before it was created"
            del tasks[task_id]
            continue
        task = event["data"]["task"]
        assert task["id"] == task_id
        before = tasks.get(task_id)
        assert (before is None) == (event["type"] == "task.created"), event
        assert task["version"] == (before["version"] + 1 if before else 1), event
        tasks[task_id] = task
    return tasks

"""uniqueKey: one task that is not done, whoever asks and how many at once. parentId."""

import pytest
from harness import at_the_same_time, changes_nothing, refused


def ask(client, key, **fields):
    return client.post("/board/tasks", {"title": "asked", "createdBy": "a", "uniqueKey": key, **fields})


def test_creating_again_gives_the_existing_task(client):
    first = ask(client, "again")
    assert first.status == 201 and first.json["uniqueKey"] == "again"
    client.note(first.json["id"])
    with changes_nothing(client):
        second = ask(client, "again", title="another title", tags=["ignored"])
        assert second.status == 200
        assert second.json == client.task(first.json["id"]) and second.etag == '"2"'


@pytest.mark.parametrize("status", ["open", "in_progress", "in_review", "blocked"])
def test_the_key_is_taken_in_every_status_but_done(client, status):
    key = f"taken-{status}"
    task = ask(client, key, status=status).json
    assert ask(client, key).json["id"] == task["id"]


@pytest.mark.parametrize("end", ["done", "failed", "approve", "delete"])
def test_the_key_is_free_once_the_task_is_done_or_gone(client, end):
    key = f"free-{end}"
    task_id = ask(client, key).json["id"]
    {"done": lambda: client.done(task_id), "failed": lambda: client.done(task_id, outcome="failed"),
     "approve": lambda: client.act(task_id, "approve"), "delete": lambda: client.delete(task_id)}[end]()
    again = ask(client, key)
    assert again.status == 201 and again.json["id"] != task_id
    assert ask(client, key).json["id"] == again.json["id"]


def test_a_task_that_is_created_done_does_not_take_the_key(client):
    done = ask(client, "born-done", status="done")
    assert done.status == 201 and ask(client, "born-done").status == 201


@pytest.mark.parametrize("reopen", ["patch", "reject", "review"])
def test_a_done_task_cannot_be_opened_while_another_has_its_key(client, reopen):
    key = f"reopen-{reopen}"
    old = ask(client, key).json["id"]
    client.done(old)
    new = ask(client, key).json["id"]
    act = {"patch": lambda: client.patch(old, {"status": "open"}),
           "reject": lambda: client.act(old, "reject", {"reason": "r"}),
           "review": lambda: client.act(old, "review", {"summary": "s"})}[reopen]
    with changes_nothing(client):
        refused(act(), 409, "unique_key_taken")
    client.done(new)
    assert act().status == 200
    assert ask(client, key).json["id"] == old


def test_keys_that_differ_in_case_or_accent_are_different(client):
    ids = {ask(client, key).json["id"] for key in ("key", "Key", "kéy", "key2", "k")}
    assert len(ids) == 5


def test_of_racing_creates_with_one_key_exactly_one_creates(shared_server, client):
    clients = [shared_server.client() for _ in range(8)]
    for turn in range(40):
        answers = at_the_same_time(*[lambda who=who: ask(who, f"race-{turn}") for who in clients])
        assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
        assert len({answer.json["id"] for answer in answers}) == 1
    assert len(client.ids("createdBy=a&q=asked&status=open&limit=10000")) >= 40


def test_a_parent_is_kept_and_found(client):
    parent = client.create("parent")["id"]
    children = [client.create(parentId=parent)["id"] for _ in range(3)]
    grandchild = client.create(parentId=children[0])["id"]
    assert client.ids(f"parentId={parent}") == children[::-1]
    assert client.ids(f"parentId={children[0]}") == [grandchild]
    assert client.ids(f"parentId={grandchild}") == []


def test_a_deleted_task_is_no_parent(client):
    parent = client.create("parent")["id"]
    child = client.create(parentId=parent)["id"]
    client.delete(parent)
    assert client.task(child)["title"] == "a task"
    refused(client.post("/board/tasks", {"title": "t", "createdBy": "c", "parentId": parent}), 400, "unknown_parent")

"""GET of one task, by both of its paths: ETag, 304, HEAD, 404."""

import pytest
from harness import refused

PATHS = ["/board/tasks/{}", "/board/{}"]


@pytest.mark.parametrize("path", PATHS)
def test_both_paths_give_the_task(client, path):
    task = client.create("Find me", description="there", payload={"a": [1]})
    answer = client.get(path.format(task["id"]))
    assert answer.status == 200 and answer.json == task
    assert answer.etag == '"1"' and answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("task_id", ["nonexistent", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%20", "x" * 300, "a%2Fb", "0"])
def test_an_id_that_nobody_has_is_not_found(client, path, task_id):
    answer = client.get(path.format(task_id))
    body = refused(answer, 404, "task_not_found")
    assert body["error"] == "task not found"


@pytest.mark.parametrize("change", [lambda task_id: task_id[:-1], lambda task_id: task_id + "0",
                                    lambda task_id: "Z" + task_id[1:], str.lower])
def test_nearly_the_id_of_a_task_is_not_found(client, change):
    assert client.get(f"/board/tasks/{change(client.create()['id'])}").status == 404


@pytest.mark.parametrize("path", PATHS)
def test_a_done_task_is_answered_304_to_who_has_it(client, path):
    task = client.create(status="done")
    where = path.format(task["id"])
    fresh = ['"1"', 'W/"1"', '"9", "1"', "*", '"0","1" , "2"']
    for etag in fresh:
        answer = client.get(where, headers={"If-None-Match": etag})
        assert answer.status == 304 and answer.body == b"" and answer.etag == '"1"', (etag, answer)
    for etag in ('"2"', '""', '"01"', '"1 "', "nonsense"):
        answer = client.get(where, headers={"If-None-Match": etag})
        assert answer.status == 200 and answer.json == task, (etag, answer)


def test_a_done_task_that_was_changed_is_sent_again(client):
    task = client.create(status="done")
    client.note(task["id"])
    answer = client.get(f"/board/tasks/{task['id']}", headers={"If-None-Match": '"1"'})
    assert answer.status == 200 and answer.etag == '"2"' and len(answer.json["notes"]) == 1
    assert client.get(f"/board/tasks/{task['id']}", headers={"If-None-Match": '"2"'}).status == 304


@pytest.mark.parametrize("status", ["open", "in_progress", "in_review", "blocked"])
def test_a_task_that_is_not_done_is_always_sent_for_time_may_change_it(client, status):
    task = client.create(status=status)
    answer = client.get(f"/board/tasks/{task['id']}", headers={"If-None-Match": '"1"'})
    assert answer.status == 200 and answer.json == task and answer.etag == '"1"'


@pytest.mark.parametrize("path", PATHS + ["/board/tasks", "/board/review", "/events", "/board/tasks/{}/notes",
                                          "/board/tasks/{}/history", "/health", "/ready"])
def test_head_answers_as_get_without_the_body(client, path):
    where = path.format(client.create("head")["id"])
    get, head = client.get(where), client.request("HEAD", where)
    assert head.status == get.status == 200 and head.body == b""
    ignored = ("X-Request-Id", "Date", "Content-Length", "Transfer-Encoding", "Connection")
    essential = lambda answer: {k.lower(): v for k, v in answer.headers.items() if k.title() not in ignored}
    assert essential(head) == essential(get)


def test_a_head_of_what_is_not_there_is_404(client):
    answer = client.request("HEAD", "/board/tasks/nonexistent")
    assert answer.status == 404 and answer.body == b""


def test_a_head_of_a_done_task_may_be_304(client):
    task = client.create(status="done")
    answer = client.request("HEAD", f"/board/tasks/{task['id']}", headers={"If-None-Match": '"1"'})
    assert answer.status == 304 and answer.body == b""

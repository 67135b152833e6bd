"""If-Match on every write to a task: lost updates are impossible for who asks."""

import pytest
from harness import at_the_same_time, changes_nothing, refused

ARTIFACT = {"type": "url", "url": "u", "label": "l"}

# verb: (method, path behind the task, body, status of success)
WRITES = {
    "patch": ("PATCH", "", {"priority": 5}, 200),
    "delete": ("DELETE", "", None, 200),
    "note": ("POST", "/notes", {"author": "a", "content": "c", "type": "update"}, 201),
    "artifacts": ("POST", "/artifacts", {"artifacts": [ARTIFACT]}, 201),
    "bump": ("POST", "/bump", None, 200),
    "review": ("POST", "/review", {"summary": "s"}, 200),
    "approve": ("POST", "/approve", {}, 200),
    "reject": ("POST", "/reject", {"reason": "r"}, 200),
}


def write(client, name, task_id, if_match):
    method, rest, body, _ = WRITES[name]
    headers = {} if if_match is None else {"If-Match": if_match}
    return client.request(method, f"/board/tasks/{task_id}{rest}", body, headers=headers)


def at_version(client, version):
    task = client.create()
    for _ in range(version - 1):
        client.act(task["id"], "bump")
    return task["id"]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("if_match", ['"3"', "*", '"1", "3"', '"9","3" , "nonsense"', None])
def test_a_write_with_the_right_version_is_done(client, name, if_match):
    task_id = at_version(client, 3)
    answer = write(client, name, task_id, if_match)
    assert answer.status == WRITES[name][3], answer
    if name == "delete":
        assert client.get(f"/board/tasks/{task_id}").status == 404
    else:
        assert client.task(task_id)["version"] == 4


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("if_match", ['"2"', '"4"', 'W/"3"', '"03"', '""', '"x"', '"1","2"',
                                      '"99999999999999999999999"'])
def test_a_write_with_a_wrong_version_is_refused_and_told_the_right_one(client, name, if_match):
    task_id = at_version(client, 3)
    with changes_nothing(client):
        answer = write(client, name, task_id, if_match)
        assert refused(answer, 412, "version_mismatch")["version"] == 3


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("if_match", ["3", '"3', '" 3"', "'3'", '"3" "4"', '"a"b"', "w/", '*, "3"'])
def test_a_malformed_if_match_is_refused_and_named(client, name, if_match):
    task_id = at_version(client, 3)
    with changes_nothing(client):
        refused(write(client, name, task_id, if_match), 400, "invalid_header", "If-Match")


@pytest.mark.parametrize("name", WRITES)
def test_a_write_to_a_task_that_is_not_there_is_404_with_a_precondition_too(client, name):
    for if_match in ('"1"', "*"):
        answer = write(client, name, "01ARZ3NDEKTSV4RRFFQ69G5FAV", if_match)
        assert answer.status in (404, 412), answer


@pytest.mark.parametrize("name", [name for name in WRITES if name not in ("delete", "note")])
def test_a_write_answers_with_the_new_etag(client, name):
    answer = write(client, name, client.create()["id"], '"1"')
    assert answer.etag == '"2"' and answer.json["version"] == 2


def test_of_many_writers_with_one_version_exactly_one_wins(shared_server, client):
    for _ in range(25):
        task_id = client.create()["id"]
        writers = [shared_server.client() for _ in range(6)]
        answers = at_the_same_time(*[
            lambda who=who, n=n: who.patch(task_id, {"title": f"by {n}"}, headers={"If-Match": '"1"'})
            for n, who in enumerate(writers)])
        won = [answer for answer in answers if answer.status == 200]
        assert len(won) == 1 and sorted(a.status for a in answers)[1:] == [412] * 5
        assert client.task(task_id) == won[0].json
        for writer in writers:
            writer.close()
